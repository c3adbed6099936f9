/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block device, VIRTIO 1.1 section 5.2.
 *
 * What the host has cached moves between its cache and the guest's memory at
 * once, while the driver waits.  Other data goes through a buffer of the
 * request's own: workers never touch guest memory, so nothing that the guest
 * does to its memory map can hurt them.  A reset waits for what is in flight,
 * so that no old write can follow a new one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "backends/block.h"
#include "backends/block_queue.h"
#include "hypervisor/virtio.h"

#define F_SEG_MAX	(1ull << 2)
#define F_RO		(1ull << 5)
#define F_BLK_SIZE	(1ull << 6)
#define F_FLUSH		(1ull << 9)
#define F_DISCARD	(1ull << 13)
#define F_WRITE_ZEROES	(1ull << 14)

/* struct virtio_blk_config, 5.2.4. */
#define C_CAPACITY		0
#define C_SEG_MAX		12
#define C_BLK_SIZE		20
#define C_MAX_DISCARD		36
#define C_MAX_DISCARD_SEG	40
#define C_DISCARD_ALIGN		44
#define C_MAX_ZEROES		48
#define C_MAX_ZEROES_SEG	52
#define C_ZEROES_UNMAP		56
#define CONFIG_LEN		60

enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11,
       T_WRITE_ZEROES = 13 };
enum { S_OK, S_IOERR, S_UNSUPP };

#define ID_LEN		20u
#define RANGES_MAX	64u		/* of one discard */
#define ZEROES_MAX	(4 * MIB / 512)	/* sectors of one write zeroes */
#define DATA_MAX	(16 * MIB)	/* bytes of one request */

struct header {		/* 5.2.6 */
	uint32_t type, reserved;
	uint64_t sector;
};

struct range {		/* struct virtio_blk_discard_write_zeroes */
	uint64_t sector;
	uint32_t sectors, flags;
};

struct virtio_blk {
	struct virtio v;
	struct block_queue *queue;
	uint64_t now_left;		/* bytes to move while the driver waits */
	char id[ID_LEN];
};

struct blk_req {
	struct virtio_blk *dev;
	struct virtio_chain chain;
	struct block_req io;
	struct iovec iov;
	struct range ranges[RANGES_MAX];
	unsigned nranges, range;
	uint8_t data[];
};

static struct virtio_blk *of(struct virtio *v)
{
	return (struct virtio_blk *)v;
}

/*
 * Ends.
 */

/* The status is the last byte that the device writes; @data: bytes before. */
static void finish(struct virtio_blk *d, const struct virtio_chain *c,
		   uint8_t status, uint32_t data)
{
	virtio_write(&d->v, c, c->in_len - 1, &status, 1);
	virtio_fill(&d->v, 0, c->head, data + 1);
}

/* What ended together is shown together, with one interrupt at most. */
static void show(void *opaque)
{
	struct virtio_blk *d = opaque;

	virtio_publish(&d->v, 0);
	virtio_signal(&d->v, 0);
}

static void submit_range(struct blk_req *r);

static void done(void *opaque, struct block_req *io)
{
	struct blk_req *r = opaque;
	struct virtio_blk *d = r->dev;
	uint32_t len = 0;

	if (!io->ret && ++r->range < r->nranges) {
		submit_range(r);
		return;
	}
	if (!io->ret && io->op == BLOCK_READ)
		len = virtio_write(&d->v, &r->chain, 0, r->data,
				   r->iov.iov_len);
	finish(d, &r->chain, io->ret ? S_IOERR : S_OK, len);
	free(r);
}

/*
 * Beginnings.
 */

static struct blk_req *req_new(struct virtio_blk *d,
			       const struct virtio_chain *c, size_t len)
{
	struct blk_req *r = calloc(1, sizeof(*r) + len);

	if (!r)
		return NULL;
	r->dev = d;
	r->chain = *c;
	r->iov = (struct iovec){ r->data, len };
	r->io.iov = &r->iov;
	r->io.niov = 1;
	r->io.done = done;
	r->io.opaque = r;
	return r;
}

static uint8_t in_range(const struct virtio_blk *d, uint64_t sector,
			uint64_t bytes)
{
	const struct block *b = block_queue_medium(d->queue);

	return b && bytes % BLOCK_SECTOR == 0 &&
	       sector <= b->size / BLOCK_SECTOR &&
	       bytes <= b->size - sector * BLOCK_SECTOR;
}

/* Each start returns a status for an immediate end, or -1: under way. */

/*
 * Without waiting and copying; -1: not possible.  @off: of the data in the
 * segments to be written (reads) or read.
 */
static int try_now(struct virtio_blk *d, const struct virtio_chain *c,
		   enum block_op op, uint64_t sector, uint64_t off,
		   uint64_t len)
{
	struct iovec iov[VIRTIO_SEGMENTS];
	struct block_req io = { .op = op, .off = sector * BLOCK_SECTOR,
				.iov = iov };
	bool in = op == BLOCK_READ, done = true;

	if (len > d->now_left)
		return -1;
	io.niov = virtio_direct(&d->v, c, in, off, len, iov);
	for (int i = 0; i < io.niov; i++)
		done &= iov[i].iov_len % BLOCK_SECTOR == 0;
	done = done && io.niov && block_try(d->queue, &io);
	if (in && io.niov)
		virtio_direct_done(&d->v, c, off, len);
	if (!done)
		return -1;
	d->now_left -= len;
	return io.ret ? S_IOERR : S_OK;
}

static int start_read(struct virtio_blk *d, const struct virtio_chain *c,
		      const struct header *h, uint32_t *written)
{
	uint64_t len = c->in_len - 1;
	struct blk_req *r;
	int status;

	if (len > DATA_MAX || !in_range(d, h->sector, len))
		return S_IOERR;
	status = try_now(d, c, BLOCK_READ, h->sector, 0, len);
	if (status >= 0) {
		*written = status == S_OK ? len : 0;
		return status;
	}
	r = req_new(d, c, len);
	if (!r)
		return S_IOERR;
	r->io.op = BLOCK_READ;
	r->io.off = h->sector * BLOCK_SECTOR;
	block_submit(d->queue, &r->io);
	return -1;
}

static int start_write(struct virtio_blk *d, const struct virtio_chain *c,
		       const struct header *h)
{
	uint64_t len = c->out_len - sizeof(*h);
	struct blk_req *r;
	int status;

	if (len > DATA_MAX || !in_range(d, h->sector, len) ||
	    d->v.offered & F_RO)
		return S_IOERR;
	status = try_now(d, c, BLOCK_WRITE, h->sector, sizeof(*h), len);
	if (status >= 0)
		return status;
	r = req_new(d, c, len);
	if (!r)
		return S_IOERR;
	if (virtio_read(&d->v, c, sizeof(*h), r->data, len) < len) {
		free(r);
		return S_IOERR;
	}
	r->io.op = BLOCK_WRITE;
	r->io.off = h->sector * BLOCK_SECTOR;
	block_submit(d->queue, &r->io);
	return -1;
}

static int start_flush(struct virtio_blk *d, const struct virtio_chain *c)
{
	struct blk_req *r = req_new(d, c, 0);

	if (!r)
		return S_IOERR;
	r->io.op = BLOCK_FLUSH;
	block_submit(d->queue, &r->io);
	return -1;
}

/* Zeros are written, discards told; both one range after the other. */
static void submit_range(struct blk_req *r)
{
	const struct range *g = &r->ranges[r->range];

	r->io.off = g->sector * BLOCK_SECTOR;
	r->io.len = g->sectors * (uint64_t)BLOCK_SECTOR;
	r->iov.iov_len = r->io.len;
	block_submit(r->dev->queue, &r->io);
}

/* 5.2.6.2: at most one range of zeros, no flags but "unmap" for them. */
static int start_ranges(struct virtio_blk *d, const struct virtio_chain *c,
			bool zero)
{
	uint64_t len = c->out_len - sizeof(struct header);
	unsigned n = len / sizeof(struct range), most = zero ? 1 : RANGES_MAX;
	struct range g[RANGES_MAX];
	struct blk_req *r;

	if (!n || len % sizeof(struct range) || n > most ||
	    d->v.offered & F_RO)
		return n > most ? S_UNSUPP : S_IOERR;
	if (virtio_read(&d->v, c, sizeof(struct header), g, len) < len)
		return S_IOERR;
	for (unsigned i = 0; i < n; i++) {
		uint64_t bytes = g[i].sectors * (uint64_t)BLOCK_SECTOR;

		if (g[i].flags & ~(zero ? 1u : 0u))
			return S_UNSUPP;
		if (!in_range(d, g[i].sector, bytes) ||
		    (zero && g[i].sectors > ZEROES_MAX))
			return S_IOERR;
	}
	r = req_new(d, c, zero ? g[0].sectors * (size_t)BLOCK_SECTOR : 0);
	if (!r)
		return S_IOERR;
	memcpy(r->ranges, g, len);
	r->nranges = n;
	r->io.op = zero ? BLOCK_WRITE : BLOCK_DISCARD;
	submit_range(r);
	return -1;
}

static int get_id(struct virtio_blk *d, const struct virtio_chain *c)
{
	size_t len = c->in_len - 1;

	virtio_write(&d->v, c, 0, d->id, len < ID_LEN ? len : ID_LEN);
	return S_OK;
}

/* @written: bytes before the status, for an immediate end. */
static int start(struct virtio_blk *d, const struct virtio_chain *c,
		 const struct header *h, uint32_t *written)
{
	*written = 0;
	switch (h->type) {
	case T_IN: return start_read(d, c, h, written);
	case T_OUT: return start_write(d, c, h);
	case T_FLUSH: return start_flush(d, c);
	case T_GET_ID: return get_id(d, c);
	case T_DISCARD: return start_ranges(d, c, false);
	case T_WRITE_ZEROES: return start_ranges(d, c, true);
	default: return S_UNSUPP;
	}
}

static void notify(struct virtio *v, unsigned q)
{
	struct virtio_chain c;
	struct header h;
	bool ended = false;
	uint32_t written;
	int status;

	of(v)->now_left = BLOCK_TRY_MAX;
	while (virtio_pop(v, q, &c)) {
		if (!c.in_len ||
		    virtio_read(v, &c, 0, &h, sizeof(h)) < sizeof(h)) {
			virtio_broken(v, "a request without header or status");
			break;
		}
		status = start(of(v), &c, &h, &written);
		if (status >= 0)
			finish(of(v), &c, status, written);
		ended |= status >= 0;
	}
	if (ended)
		show(v);
}

static void forget(struct virtio *v)
{
	block_queue_drain(of(v)->queue);
}

static const struct virtio_type blk_type = {
	.name = "virtio-blk", .id = 2, .pci_device = 0x1001,
	.pci_class = 0x0100,
	.nqueues = 1, .queue_size = { 256 },
	.features = F_SEG_MAX | F_BLK_SIZE | F_FLUSH | F_WRITE_ZEROES,
	.config_len = CONFIG_LEN,
	.notify = notify, .reset = forget,
};

/*
 * The device.
 */

static void settle(struct device *d)
{
	block_queue_drain(((struct virtio_blk *)d)->queue);
}

static void destroy(struct device *d)
{
	struct virtio_blk *b = (struct virtio_blk *)d;

	if (b->queue) {
		forget(&b->v);
		block_queue_on_batch(b->queue, NULL, NULL);
	}
	virtio_device_destroy(d);
}

static const struct field fields[] = {
	VIRTIO_FIELDS(struct virtio_blk, v, 1),
};

static const struct device_class blk_class = {
	.name = "virtio-blk", .version = 1,
	.fields = fields, .nfields = ARRAY_SIZE(fields),
	.reset = virtio_device_reset, .settle = settle,
	.loaded = virtio_device_loaded,
	.destroy = destroy,
};

static void put32(struct virtio *v, unsigned off, uint32_t val)
{
	memcpy(v->config + off, &val, 4);
}

static void fill_config(struct virtio *v, const struct block *b)
{
	uint64_t sectors = b->size / BLOCK_SECTOR;

	memcpy(v->config + C_CAPACITY, &sectors, 8);
	put32(v, C_SEG_MAX, VIRTIO_SEGMENTS - 4);
	put32(v, C_BLK_SIZE, BLOCK_SECTOR);
	put32(v, C_MAX_DISCARD, 0x7fffff);
	put32(v, C_MAX_DISCARD_SEG, RANGES_MAX);
	put32(v, C_DISCARD_ALIGN, 1);
	put32(v, C_MAX_ZEROES, ZEROES_MAX);
	put32(v, C_MAX_ZEROES_SEG, 1);
	v->offered |= (b->read_only ? F_RO : 0) |
		      (b->no_discard ? 0 : F_DISCARD);
}

/* @spec->backend: a struct block_queue with a medium, the caller's. */
int virtio_blk_make(struct device **out, const struct pc_site *site,
		    const struct pc_device_spec *spec, char *err)
{
	const char *serial = pc_spec_key(spec, "serial");
	int ret = virtio_make(out, sizeof(struct virtio_blk), &blk_type,
			      &blk_class, site, spec, "addr serial",
			      "--drive if=virtio", err);
	struct virtio_blk *d = (struct virtio_blk *)*out;

	if (ret)
		return ret;
	d->queue = spec->backend;
	block_queue_on_batch(d->queue, show, d);
	if (serial)
		memcpy(d->id, serial, strnlen(serial, ID_LEN));
	fill_config(&d->v, block_queue_medium(d->queue));
	return 0;
}
