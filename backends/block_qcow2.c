// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * qcow2 images, versions 2 and 3, to be read only (writes go to a child of
 * another format: snapshot=on).  QEMU's docs/interop/qcow2.txt.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/block_file.h"
#include "backends/zip.h"
#include "hypervisor/types.h"

#define QCOW2_MAGIC		0x514649fbu
#define INCOMPAT_DIRTY		0x01	/* refcounts are, which we do not use */
#define INCOMPAT_COMPRESSION	0x08
#define OFFSET_MASK		0x00fffffffffffe00ull
#define L2_COMPRESSED		(1ull << 62)
#define L2_ZERO			1ull
#define EXT_END			0u
#define EXT_BACKING_FORMAT	0xe2792acau
#define V2_HEADER_LEN		72u
#define BACKING_NAME_MAX	1023u
#define L1_MAX			(32 * MIB)	/* bytes; as QEMU has it */
#define L2_CACHE		64u		/* tables */
#define NO_ENTRY		UINT64_MAX

/* Big-endian. */
struct qcow2_header {
	uint32_t magic, version;
	uint64_t backing_offset;
	uint32_t backing_size, cluster_bits;
	uint64_t size;
	uint32_t crypt_method, l1_size;
	uint64_t l1_offset, refcount_offset;
	uint32_t refcount_clusters, snapshots;
	uint64_t snapshots_offset;
	/* version 3 */
	uint64_t incompatible, compatible, autoclear;
	uint32_t refcount_order, header_len;
	uint8_t compression;
} __attribute__((packed));

struct l2_slot {
	uint64_t offset;		/* in the file; NO_ENTRY: empty */
	uint64_t *table;
};

struct qcow2 {
	struct block base;
	int fd;
	struct qcow2_header head;	/* as the host reads it */
	unsigned cluster_bits, l2_bits;
	uint64_t cluster, file_size;	/* bytes */
	uint64_t *l1;
	char backing[BACKING_NAME_MAX + 1], backing_format[16];
	pthread_mutex_t lock;		/* of all below */
	struct l2_slot l2[L2_CACHE];
	uint8_t *plain, *packed;	/* a compressed cluster; its source */
	uint64_t plain_entry;		/* whose contents plain has */
};

/*
 * Reading.
 */

/* The L2 table at @offset, big-endian entries.  lock held. */
static int l2_get(struct qcow2 *q, uint64_t offset, uint64_t **out)
{
	struct l2_slot *s = &q->l2[(offset >> q->cluster_bits) % L2_CACHE];
	int ret;

	*out = NULL;
	if (offset & (q->cluster - 1))
		return -EIO;
	if (!s->table && !(s->table = malloc(q->cluster)))
		return -ENOMEM;
	if (s->offset != offset) {
		s->offset = NO_ENTRY;
		ret = file_read_all(q->fd, offset, s->table, q->cluster);
		if (ret)
			return ret;
		s->offset = offset;
	}
	*out = s->table;
	return 0;
}

/* The L2 entry of cluster @n; 0 where there is no table. */
static int entry_get(struct qcow2 *q, uint64_t n, uint64_t *entry)
{
	uint64_t l1 = n >> q->l2_bits;
	uint64_t table = l1 < q->head.l1_size ?
			 be64toh(q->l1[l1]) & OFFSET_MASK : 0;
	uint64_t *l2;
	int ret;

	*entry = 0;
	if (!table)
		return 0;
	pthread_mutex_lock(&q->lock);
	ret = l2_get(q, table, &l2);
	if (!ret)
		*entry = be64toh(l2[n & ((1ull << q->l2_bits) - 1)]);
	pthread_mutex_unlock(&q->lock);
	return ret;
}

/*
 * The entry has offset and length of the compressed data in bytes and
 * sectors; how many bits each has depends on the cluster size.  lock held.
 */
static int inflate_cluster(struct qcow2 *q, uint64_t entry)
{
	unsigned bits = 62 - (q->cluster_bits - 8);
	uint64_t offset = entry & ((1ull << bits) - 1);
	uint64_t sectors = (entry & (L2_COMPRESSED - 1)) >> bits;
	uint64_t len = (sectors + 1) * BLOCK_SECTOR - offset % BLOCK_SECTOR;
	int ret;

	if (q->plain_entry == entry)
		return 0;
	q->plain_entry = NO_ENTRY;
	if (len > 2 * q->cluster || offset >= q->file_size)
		return -EIO;
	/* The last sector may lie beyond the end of the file. */
	if (len > q->file_size - offset)
		len = q->file_size - offset;
	ret = file_read_all(q->fd, offset, q->packed, len);
	if (!ret)
		ret = zip_inflate(q->plain, q->cluster, q->packed, len,
				  ZIP_RAW);
	if (!ret)
		q->plain_entry = entry;
	return ret;
}

static int read_compressed(struct qcow2 *q, uint64_t entry, uint64_t in,
			   void *buf, size_t len)
{
	int ret;

	pthread_mutex_lock(&q->lock);
	ret = inflate_cluster(q, entry);
	if (!ret)
		memcpy(buf, q->plain + in, len);
	pthread_mutex_unlock(&q->lock);
	return ret;
}

static int entry_kind(const struct qcow2 *q, uint64_t entry)
{
	if (entry & L2_COMPRESSED)
		return BLOCK_DATA;
	if (q->head.version >= 3 && entry & L2_ZERO)
		return BLOCK_ZERO;
	if (entry & OFFSET_MASK)
		return BLOCK_DATA;
	return *q->backing ? BLOCK_PARENT : BLOCK_ZERO;
}

static int read_cluster(struct qcow2 *q, uint64_t n, uint64_t in, void *buf,
			size_t len)
{
	uint64_t entry;
	int ret = entry_get(q, n, &entry);

	if (ret)
		return ret;
	switch (entry_kind(q, entry)) {
	case BLOCK_ZERO:
		memset(buf, 0, len);
		return 0;
	case BLOCK_PARENT:
		return block_read_parent(&q->base, (n << q->cluster_bits) + in,
					 buf, len);
	}
	if (entry & L2_COMPRESSED)
		return read_compressed(q, entry, in, buf, len);
	if (entry & OFFSET_MASK & (q->cluster - 1) ||
	    (entry & OFFSET_MASK) >= q->file_size)
		return -EIO;
	/* The last cluster need not be there to its end. */
	return file_read(q->fd, (entry & OFFSET_MASK) + in, buf, len);
}

static int qcow2_read(struct block *b, uint64_t off, void *buf, size_t len)
{
	struct qcow2 *q = (struct qcow2 *)b;
	char *p = buf;
	int ret = 0;

	while (!ret && len) {
		uint64_t in = off & (q->cluster - 1);
		size_t n = len < q->cluster - in ? len : q->cluster - in;

		ret = read_cluster(q, off >> q->cluster_bits, in, p, n);
		p += n;
		off += n;
		len -= n;
	}
	return ret;
}

static int qcow2_extent(struct block *b, uint64_t off, uint64_t *len)
{
	struct qcow2 *q = (struct qcow2 *)b;
	uint64_t end = off + *len, at = off;
	int first = -1;

	while (at < end) {
		uint64_t entry;
		int ret = entry_get(q, at >> q->cluster_bits, &entry);
		int kind = ret ? ret : entry_kind(q, entry);

		if (first < 0)
			first = kind;
		if (kind < 0 || kind != first)
			break;
		at += q->cluster - (at & (q->cluster - 1));
	}
	*len = (at < end ? at : end) - off;
	return first;
}

static void qcow2_close(struct block *b)
{
	struct qcow2 *q = (struct qcow2 *)b;

	for (unsigned i = 0; i < L2_CACHE; i++)
		free(q->l2[i].table);
	free(q->l1);
	free(q->plain);
	free(q->packed);
	if (q->fd >= 0)
		close(q->fd);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

static const struct block_ops qcow2_ops = {
	.name = "qcow2",
	.read = qcow2_read, .extent = qcow2_extent, .close = qcow2_close,
};

/*
 * Opening.
 */

static void header_from_disk(struct qcow2_header *h)
{
	h->magic = be32toh(h->magic);
	h->version = be32toh(h->version);
	h->backing_offset = be64toh(h->backing_offset);
	h->backing_size = be32toh(h->backing_size);
	h->cluster_bits = be32toh(h->cluster_bits);
	h->size = be64toh(h->size);
	h->crypt_method = be32toh(h->crypt_method);
	h->l1_size = be32toh(h->l1_size);
	h->l1_offset = be64toh(h->l1_offset);
	h->incompatible = be64toh(h->incompatible);
	h->header_len = be32toh(h->header_len);
	if (h->version == 2) {
		h->incompatible = 0;
		h->header_len = V2_HEADER_LEN;
	}
	if (h->header_len <= offsetof(struct qcow2_header, compression))
		h->compression = 0;
}

static const char *header_problem(const struct qcow2_header *h)
{
	unsigned l2_bits = h->cluster_bits - 3;

	if (h->magic != QCOW2_MAGIC)
		return "is not a qcow2 image";
	if (h->version < 2 || h->version > 3)
		return "unknown qcow2 version";
	if (h->cluster_bits < 9 || h->cluster_bits > 21)
		return "header: impossible cluster size";
	if (h->crypt_method)
		return "encrypted";
	if (h->incompatible & ~(uint64_t)(INCOMPAT_DIRTY |
					  INCOMPAT_COMPRESSION))
		return "needs a feature that is not supported (extended L2, "
		       "external data file, or marked corrupt)";
	if (h->compression)
		return "compressed with something other than zlib";
	if (h->l1_size > L1_MAX / 8 || h->size > 1ull << 60 ||
	    (uint64_t)h->l1_size << (l2_bits + h->cluster_bits) < h->size)
		return "header: size and L1 table do not match";
	if (h->backing_size > BACKING_NAME_MAX)
		return "header: backing file's name is too long";
	return NULL;
}

/* The backing file's format is a header extension. */
static int read_extensions(struct qcow2 *q)
{
	uint64_t off = q->head.header_len, limit = q->cluster;
	int ret = 0;

	if (q->head.backing_offset && q->head.backing_offset < limit)
		limit = q->head.backing_offset;
	while (!ret && off + 8 <= limit) {
		uint32_t ext[2];

		ret = file_read_all(q->fd, off, ext, sizeof(ext));
		ext[0] = be32toh(ext[0]);
		ext[1] = be32toh(ext[1]);
		if (ret || ext[0] == EXT_END)
			break;
		off += 8;
		if (ext[1] > limit - off)
			return -EIO;
		if (ext[0] == EXT_BACKING_FORMAT) {
			if (ext[1] >= sizeof(q->backing_format))
				return -EIO;
			ret = file_read_all(q->fd, off, q->backing_format,
					    ext[1]);
		}
		off += (ext[1] + 7) & ~7u;
	}
	return ret;
}

static int read_header(struct qcow2 *q, const char **why)
{
	struct qcow2_header *h = &q->head;
	int ret = file_read_all(q->fd, 0, h, V2_HEADER_LEN);

	*why = "shorter than a header";
	if (!ret)
		ret = file_read(q->fd, 0, h, sizeof(*h));
	if (ret)
		return ret;
	header_from_disk(h);
	*why = header_problem(h);
	if (*why)
		return -EINVAL;
	q->cluster_bits = h->cluster_bits;
	q->l2_bits = h->cluster_bits - 3;
	q->cluster = 1ull << h->cluster_bits;
	*why = "header: extensions or backing file's name are damaged";
	ret = read_extensions(q);
	if (!ret && h->backing_offset)
		ret = file_read_all(q->fd, h->backing_offset, q->backing,
				    h->backing_size);
	return ret;
}

static int read_l1(struct qcow2 *q, const char **why)
{
	size_t len = q->head.l1_size * sizeof(*q->l1);

	*why = "out of memory";
	q->l1 = malloc(len + 1);
	q->plain = malloc(q->cluster);
	q->packed = malloc(2 * q->cluster);
	if (!q->l1 || !q->plain || !q->packed)
		return -ENOMEM;
	*why = "L1 table: cut off";
	return file_read_all(q->fd, q->head.l1_offset, q->l1, len);
}

static int open_backing(struct qcow2 *q, const struct block_config *cfg,
			char *err)
{
	const char *format = *q->backing_format ? q->backing_format : NULL;
	const char *hint = q->backing;

	if (!*hint || cfg->no_parent)
		return 0;
	if (!strncmp(hint, "file:", 5))
		hint += 5;
	return block_open_parent(&q->base.parent, cfg, hint, format, err);
}

static struct qcow2 *qcow2_new(void)
{
	struct qcow2 *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->fd = -1;
	q->base.ops = &qcow2_ops;
	q->base.read_only = true;
	q->plain_entry = NO_ENTRY;
	for (unsigned i = 0; i < L2_CACHE; i++)
		q->l2[i].offset = NO_ENTRY;
	pthread_mutex_init(&q->lock, NULL);
	return q;
}

static int config_problem(const struct block_config *cfg, char *err)
{
	if (!cfg->read_only)
		return block_fail(err, -EROFS, cfg->file, "qcow2 can only be "
				  "read (readonly=on, snapshot=on, or umbra "
				  "image convert)");
	if (cfg->cache == BLOCK_DIRECT || cfg->cache == BLOCK_DIRECTSYNC)
		return block_fail(err, -EINVAL, cfg->file, "cache=none and "
				  "directsync are for raw images");
	return 0;
}

int qcow2_open(struct block **out, const struct block_config *cfg, char *err)
{
	struct qcow2 *q;
	const char *why = "";
	int ret = config_problem(cfg, err);

	*out = NULL;
	if (ret)
		return ret;
	q = qcow2_new();
	if (!q)
		return block_fail(err, -ENOMEM, cfg->file, "out of memory");
	ret = q->fd = file_open(cfg, &q->file_size, err);
	if (ret >= 0) {
		ret = read_header(q, &why);
		if (!ret)
			ret = read_l1(q, &why);
		if (ret)
			block_fail(err, ret, cfg->file, "%s", why);
		else
			ret = open_backing(q, cfg, err);
	}
	if (ret) {
		qcow2_close(&q->base);
		return ret;
	}
	q->base.size = (q->head.size + BLOCK_SECTOR - 1) &
		       ~(uint64_t)(BLOCK_SECTOR - 1);
	*out = &q->base;
	return 0;
}
