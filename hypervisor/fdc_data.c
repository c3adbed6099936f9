// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads, writes and formats: from the first sector to the last of the track, or
 * of the cylinder with MT; terminal count ends them earlier (5.1, table 5-5).
 * The whole range goes through the buffer at once.
 *
 *	read:	medium -> buffer -> DMA or FIFO -> result
 *	write:	DMA or FIFO -> buffer -> medium -> result
 */
#include <string.h>

#include "backends/block.h"
#include "hypervisor/fdc_priv.h"
#include "hypervisor/i8237.h"

#define CMD_MT		0x80
#define SIZE_512	2	/* N: 128 << N bytes */

/* C, H, R of what would have come next: table 5-6. */
static void next_id(struct fdc *f, unsigned sectors)
{
	struct fdc_state *s = &f->s;

	while (sectors--) {
		if (s->r++ != s->eot)
			continue;
		s->r = 1;
		if (!(s->fifo[0] & CMD_MT) || s->h)
			s->c++;
		if (s->fifo[0] & CMD_MT)
			s->h ^= 1;
	}
}

static void end(struct fdc *f, uint8_t st0, uint8_t st1, uint8_t st2)
{
	struct fdc_state *s = &f->s;
	uint8_t r[7] = { st0 | s->unit | (s->h ? ST0_HEAD : 0), st1, st2,
			 s->c, s->h, s->r, SIZE_512 };

	fdc_result(f, r, sizeof(r), true);
}

static void failed(struct fdc *f, uint8_t st1, uint8_t st2)
{
	end(f, ST0_ABNORMAL, st1, st2);
}

/*
 * The medium.
 */

static uint64_t place(const struct fdc *f, const struct fdc_format *m,
		      unsigned r)
{
	return ((uint64_t)(f->s.c * m->heads + f->s.h) * m->sectors + r - 1) *
	       FDC_SECTOR;
}

static void on_io(void *opaque, struct block_req *r);

static void medium_io(struct fdc *f, enum block_op op, uint32_t len)
{
	struct fdc_drive *d = fdc_drive(f, f->s.unit);
	uint64_t off = place(f, d->format, f->s.format ? 1 : f->s.r);
	uint64_t size = block_queue_medium(d->q)->size;

	/* An image may end before its disk does; reads find zeros there. */
	if (op == BLOCK_READ && off + len > size) {
		memset(f->buf, 0, sizeof(f->buf));
		len = off < size ? size - off : 0;
	}
	f->s.phase = FDC_WORK;
	f->iov = (struct iovec){ f->buf, len };
	f->req = (struct block_req){
		.op = op, .off = len ? off : 0, .iov = &f->iov, .niov = 1,
		.done = on_io, .opaque = f,
	};
	block_submit(d->q, &f->req);
}

/* Data have moved, or could not any further. */
static void moved(struct fdc *f)
{
	struct fdc_state *s = &f->s;
	unsigned sectors = (s->at + FDC_SECTOR - 1) / FDC_SECTOR;

	if (s->write) {
		/* The rest of a sector that was cut off is zeros, 5.1.3. */
		memset(f->buf + s->at, 0, sectors * FDC_SECTOR - s->at);
		s->at = sectors * FDC_SECTOR;
		medium_io(f, BLOCK_WRITE, s->at);
		return;
	}
	next_id(f, sectors);
	if (s->tc)
		end(f, 0, 0, 0);
	else
		failed(f, ST1_END, 0);
}

/*
 * DMA moves what it can; if it is not ready, fdc_dma_ready() is called when
 * it is.
 */
static void dma(struct fdc *f)
{
	struct fdc_state *s = &f->s;
	bool tc = false;

	s->phase = FDC_DMA;
	i8237_dreq(f->dma, f->channel, true);
	s->at += i8237_move(f->dma, f->channel, s->write ? I8237_READ :
			    I8237_WRITE, f->buf + s->at, s->end - s->at, &tc);
	s->tc = tc;
	if (!tc && s->at < s->end)
		return;
	i8237_dreq(f->dma, f->channel, false);
	moved(f);
}

void fdc_dma_ready(void *opaque)
{
	struct fdc *f = opaque;

	if (f->s.phase == FDC_DMA && f->s.dor & DOR_GATE)
		dma(f);
}

static void start_moving(struct fdc *f)
{
	f->s.at = 0;
	if (!f->s.non_dma) {
		dma(f);
		return;
	}
	f->s.phase = f->s.write ? FDC_PIO_OUT : FDC_PIO_IN;
	fdc_irq(f, true);
}

/* The host moves each byte; without terminal count all sectors are moved. */
static void pio_moved(struct fdc *f)
{
	fdc_irq(f, false);
	if (f->s.at < f->s.end)
		fdc_irq(f, true);
	else
		moved(f);
}

uint8_t fdc_pio_read(struct fdc *f)
{
	uint8_t val = f->buf[f->s.at++];

	pio_moved(f);
	return val;
}

void fdc_pio_write(struct fdc *f, uint8_t val)
{
	f->buf[f->s.at++] = val;
	pio_moved(f);
}

static void formatted(struct fdc *f)
{
	end(f, 0, 0, 0);
}

static void on_io(void *opaque, struct block_req *r)
{
	struct fdc *f = opaque;

	if (f->dropped) {
		f->dropped = false;
		return;
	}
	if (r->ret) {
		failed(f, r->op == BLOCK_WRITE ? ST1_MISSING :
		       ST1_DATA_ERROR, 0);
	} else if (r->op == BLOCK_READ) {
		start_moving(f);
	} else if (f->s.format) {
		formatted(f);
	} else {
		next_id(f, f->s.at / FDC_SECTOR);
		if (f->s.tc)
			end(f, 0, 0, 0);
		else
			failed(f, ST1_END, 0);
	}
}

/*
 * Commands.
 */

/*
 * Is there a disk that can be read as the drive is set up?  False: the command
 * was ended.
 */
static bool find_disk(struct fdc *f)
{
	struct fdc_drive *d = fdc_drive(f, f->s.unit);

	/* A request that a reset left behind has the buffer. */
	if (!d || !d->format || f->dropped || fdc_rate(f) != d->format->rate) {
		failed(f, ST1_MISSING, 0);
		return false;
	}
	return true;
}

static bool find_sector(struct fdc *f)
{
	const struct fdc_format *m = f->drive[f->s.unit].format;
	struct fdc_state *s = &f->s;

	if (s->c != s->cyl[s->unit] || s->c >= m->cylinders) {
		failed(f, ST1_NO_DATA, ST2_WRONG_CYL);
		return false;
	}
	if (s->h != s->head || s->h >= m->heads || !s->r ||
	    s->r > m->sectors || s->fifo[5] != SIZE_512) {
		failed(f, ST1_NO_DATA, 0);
		return false;
	}
	return true;
}

/* From R to EOT, and to the end of the other side with MT. */
static uint32_t range(const struct fdc *f)
{
	const struct fdc_state *s = &f->s;
	const struct fdc_format *m = f->drive[s->unit].format;
	unsigned last = s->eot < m->sectors ? s->eot : m->sectors;
	unsigned n = (s->r <= last ? last : m->sectors) + 1u - s->r;

	if (s->fifo[0] & CMD_MT && !s->h && m->heads > 1 && last ==
	    m->sectors)
		n += m->sectors;
	return n * FDC_SECTOR;
}

static bool begin(struct fdc *f, bool write)
{
	struct fdc_state *s = &f->s;

	s->c = s->fifo[2];
	s->h = s->fifo[3];
	s->r = s->fifo[4];
	s->eot = s->fifo[6];
	s->write = write;
	s->format = 0;
	s->tc = 0;
	s->at = 0;
	if (!find_disk(f) || !find_sector(f))
		return false;
	s->end = range(f);
	return true;
}

void fdc_read(struct fdc *f)
{
	if (begin(f, false))
		medium_io(f, BLOCK_READ, f->s.end);
}

static bool protected(struct fdc *f)
{
	if (!block_queue_medium(f->drive[f->s.unit].q)->read_only)
		return false;
	failed(f, ST1_PROTECTED, 0);
	return true;
}

void fdc_write(struct fdc *f)
{
	if (begin(f, true) && !protected(f))
		start_moving(f);
}

/* The disk is trusted with what is on it; counting is all there is to do. */
void fdc_verify(struct fdc *f)
{
	if (!begin(f, false))
		return;
	next_id(f, f->s.end / FDC_SECTOR);
	end(f, 0, 0, 0);
}

/*
 * The host gives C, H, R, N of each sector; as the disk has only one layout,
 * they must be that.  All sectors get the filler byte.
 */
void fdc_format_track(struct fdc *f)
{
	struct fdc_state *s = &f->s;
	const struct fdc_format *m;

	s->c = s->cyl[s->unit];
	s->h = s->head;
	s->r = 1;
	s->write = s->format = 1;
	s->tc = 0;
	s->at = 0;
	if (!find_disk(f) || protected(f))
		return;
	m = f->drive[s->unit].format;
	if (s->c >= m->cylinders || s->h >= m->heads ||
	    s->fifo[2] != SIZE_512 || s->fifo[3] != m->sectors) {
		failed(f, ST1_NO_DATA, 0);
		return;
	}
	/* The addresses are taken from the host and not needed. */
	s->end = 4 * m->sectors;
	if (!s->non_dma)
		i8237_move(f->dma, f->channel, I8237_READ, f->buf, s->end,
			   NULL);
	memset(f->buf, s->fifo[5], m->sectors * FDC_SECTOR);
	medium_io(f, BLOCK_WRITE, m->sectors * FDC_SECTOR);
}

void fdc_read_id(struct fdc *f)
{
	struct fdc_state *s = &f->s;

	s->c = s->cyl[s->unit];
	s->h = s->head;
	s->r = 1;
	if (!find_disk(f))
		return;
	if (s->c >= f->drive[s->unit].format->cylinders ||
	    s->h >= f->drive[s->unit].format->heads)
		failed(f, ST1_MISSING, 0);
	else
		end(f, 0, 0, 0);
}
