// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading and writing VMDK sparse extents.  What a crash may leave is
 * described in vmdk_recover.c.
 *
 * Invariants, under v->lock:
 * - v->end is a multiple of the grain size, behind everything in the file;
 * - an entry in memory is also in the file's primary table (but for temporary
 *   children, which have no table in the file);
 * - gt[n] once loaded stays, and entries change only with the lock held alone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/block_file.h"
#include "backends/vmdk_format.h"
#include "hypervisor/types.h"

/* Sectors: 64 TiB. */
#define CAPACITY_MAX	(64ull << 40 >> 9)
#define DESC_SECTORS_MAX	2048

/*
 * Tables.
 */

static int load_table(struct vmdk *v, unsigned n, uint32_t **out)
{
	uint32_t *t = calloc(VMDK_GTES, sizeof(*t));
	uint32_t sector = v->temporary ? 0 : v->gd[n];
	int ret = 0;

	if (!t)
		return -ENOMEM;
	if (v->use_redundant)
		sector = v->rgd[n];
	if (sector)
		ret = file_read_all(v->fd, (uint64_t)sector * BLOCK_SECTOR, t,
				    VMDK_GTES * sizeof(*t));
	if (ret) {
		free(t);
		return ret;
	}
	__atomic_store_n(&v->gt[n], t, __ATOMIC_RELEASE);
	*out = t;
	return 0;
}

int vmdk_table(struct vmdk *v, unsigned n, uint32_t **out)
{
	int ret = 0;

	*out = __atomic_load_n(&v->gt[n], __ATOMIC_ACQUIRE);
	if (*out)
		return 0;
	pthread_mutex_lock(&v->load_lock);
	*out = v->gt[n];
	if (!*out)
		ret = load_table(v, n, out);
	pthread_mutex_unlock(&v->load_lock);
	return ret;
}

static int entry_get(struct vmdk *v, uint64_t grain, uint32_t *entry)
{
	uint32_t *t;
	int ret = vmdk_table(v, grain / VMDK_GTES, &t);

	*entry = ret ? 0 : t[grain % VMDK_GTES];
	if (*entry == VMDK_ENTRY_ZERO && !(v->head.flags & VMDK_ZEROED))
		return -EIO;
	return ret;
}

/* The table's place in the file follows the grain it will point to. */
static int entry_put(struct vmdk *v, uint64_t grain, uint32_t entry)
{
	unsigned n = grain / VMDK_GTES, i = grain % VMDK_GTES;
	int ret = 0;

	if (!v->temporary) {
		if (!v->rgd)
			ret = file_sync(v->fd);
		if (!ret)
			ret = file_write(v->fd, (uint64_t)v->gd[n] *
					 BLOCK_SECTOR + i * sizeof(entry),
					 &entry, sizeof(entry));
		v->dirty[n] = 1;
	}
	if (!ret)
		v->gt[n][i] = entry;
	return ret;
}

/*
 * Reading.
 */

static int read_grain(struct vmdk *v, uint64_t grain, uint64_t in, void *buf,
		      size_t len)
{
	uint32_t entry;
	int ret = entry_get(v, grain, &entry);

	if (ret)
		return ret;
	if (entry == VMDK_ENTRY_NONE)
		return block_read_parent(&v->base, grain * v->grain + in, buf,
					 len);
	if (entry == VMDK_ENTRY_ZERO) {
		memset(buf, 0, len);
		return 0;
	}
	if (!(v->head.flags & VMDK_COMPRESSED))
		return file_read_all(v->fd, (uint64_t)entry * BLOCK_SECTOR +
				     in, buf, len);
	pthread_mutex_lock(&v->load_lock);
	if (v->cached != grain) {
		v->cached = UINT64_MAX;
		ret = vmdk_inflate_grain(v, entry, grain, v->cache);
	}
	if (!ret) {
		v->cached = grain;
		memcpy(buf, v->cache + in, len);
	}
	pthread_mutex_unlock(&v->load_lock);
	return ret;
}

static size_t part_of_grain(const struct vmdk *v, uint64_t off, size_t len)
{
	uint64_t rest = v->grain - off % v->grain;

	return len < rest ? len : rest;
}

static int vmdk_read(struct block *b, uint64_t off, void *buf, size_t len)
{
	struct vmdk *v = (struct vmdk *)b;
	char *p = buf;
	int ret = 0;

	while (!ret && len) {
		size_t n = part_of_grain(v, off, len);

		pthread_rwlock_rdlock(&v->lock);
		ret = read_grain(v, off / v->grain, off % v->grain, p, n);
		pthread_rwlock_unlock(&v->lock);
		p += n;
		off += n;
		len -= n;
	}
	return ret;
}

/*
 * Writing.
 */

/* A new grain at the file's end, with what was there before around @buf. */
static int allocate(struct vmdk *v, uint64_t grain, uint32_t old, uint64_t in,
		    const void *buf, size_t len)
{
	uint64_t sector = v->end / BLOCK_SECTOR;
	char *whole = malloc(v->grain);
	int ret = 0;

	if (!whole)
		return -ENOMEM;
	if (sector > UINT32_MAX)
		ret = -EFBIG;
	else if (old == VMDK_ENTRY_ZERO)
		memset(whole, 0, v->grain);
	else if (len < v->grain)
		ret = block_read_parent(&v->base, grain * v->grain, whole,
					v->grain);
	if (!ret) {
		memcpy(whole + in, buf, len);
		ret = file_write(v->fd, v->end, whole, v->grain);
	}
	if (!ret)
		ret = entry_put(v, grain, sector);
	if (!ret)
		v->end += v->grain;
	free(whole);
	return ret;
}

static int write_in_place(struct vmdk *v, uint32_t entry, uint64_t in,
			  const void *buf, size_t len)
{
	uint64_t off = (uint64_t)entry * BLOCK_SECTOR;

	/* Never make the file longer where an entry is wrong. */
	if (off + v->grain > v->end)
		return -EIO;
	return file_write(v->fd, off + in, buf, len);
}

static int write_grain(struct vmdk *v, uint64_t grain, uint64_t in,
		       const void *buf, size_t len)
{
	uint32_t entry;
	int ret;

	pthread_rwlock_rdlock(&v->lock);
	ret = entry_get(v, grain, &entry);
	if (!ret && entry > VMDK_ENTRY_ZERO && (v->stamped || v->temporary)) {
		ret = write_in_place(v, entry, in, buf, len);
		pthread_rwlock_unlock(&v->lock);
		return ret;
	}
	pthread_rwlock_unlock(&v->lock);
	if (ret)
		return ret;
	pthread_rwlock_wrlock(&v->lock);
	if (!v->stamped && !v->temporary)
		ret = vmdk_stamp(v);
	if (!ret)
		ret = entry_get(v, grain, &entry);
	if (!ret)
		ret = entry > VMDK_ENTRY_ZERO ?
		      write_in_place(v, entry, in, buf, len) :
		      allocate(v, grain, entry, in, buf, len);
	pthread_rwlock_unlock(&v->lock);
	return ret;
}

static int vmdk_write(struct block *b, uint64_t off, const void *buf,
		      size_t len)
{
	struct vmdk *v = (struct vmdk *)b;
	const char *p = buf;
	int ret = 0;

	while (!ret && len) {
		size_t n = part_of_grain(v, off, len);

		ret = write_grain(v, off / v->grain, off % v->grain, p, n);
		p += n;
		off += n;
		len -= n;
	}
	return ret;
}

/*
 * Flushing.
 */

struct table_copy {
	unsigned n;
	uint32_t entries[VMDK_GTES];
};

/*
 * The tables with new entries, as they are now: what gets in after this may
 * point to grains that the coming sync misses.
 */
static int copy_dirty(struct vmdk *v, struct table_copy **out, unsigned *count)
{
	unsigned n = 0, want = 0;

	*count = 0;
	*out = NULL;
	for (n = 0; n < v->tables; n++)
		want += v->dirty[n];
	if (!want || !v->rgd)
		return 0;
	*out = malloc(want * sizeof(**out));
	if (!*out)
		return -ENOMEM;
	for (n = 0; n < v->tables; n++) {
		if (!v->dirty[n])
			continue;
		(*out)[*count].n = n;
		memcpy((*out)[*count].entries, v->gt[n],
		       sizeof((*out)->entries));
		v->dirty[n] = 0;
		++*count;
	}
	return 0;
}

static int write_copies(struct vmdk *v, const struct table_copy *c,
			unsigned count)
{
	int ret = 0;

	for (unsigned i = 0; !ret && i < count; i++)
		ret = file_write(v->fd, (uint64_t)v->rgd[c[i].n] *
				 BLOCK_SECTOR, c[i].entries,
				 sizeof(c[i].entries));
	return ret || !count ? ret : file_sync(v->fd);
}

static int vmdk_flush(struct block *b)
{
	struct vmdk *v = (struct vmdk *)b;
	struct table_copy *copies;
	unsigned count;
	int ret;

	if (v->temporary)
		return 0;
	pthread_mutex_lock(&v->flush_lock);
	pthread_rwlock_wrlock(&v->lock);
	ret = copy_dirty(v, &copies, &count);
	pthread_rwlock_unlock(&v->lock);
	if (!ret)
		ret = file_sync(v->fd);
	if (!ret)
		ret = write_copies(v, copies, count);
	if (ret) {
		pthread_rwlock_wrlock(&v->lock);
		for (unsigned i = 0; i < count; i++)
			v->dirty[copies[i].n] = 1;
		pthread_rwlock_unlock(&v->lock);
	}
	pthread_mutex_unlock(&v->flush_lock);
	free(copies);
	return ret;
}

/*
 * The rest.
 */

/* Whole grains only; they stay allocated, without space in the host. */
static int vmdk_discard(struct block *b, uint64_t off, uint64_t len)
{
	struct vmdk *v = (struct vmdk *)b;
	uint64_t grain = (off + v->grain - 1) / v->grain;
	uint64_t last = (off + len) / v->grain;
	int ret = 0;

	for (; !ret && grain < last; grain++) {
		uint32_t entry;

		pthread_rwlock_rdlock(&v->lock);
		ret = entry_get(v, grain, &entry);
		if (!ret && entry > VMDK_ENTRY_ZERO &&
		    (uint64_t)entry * BLOCK_SECTOR + v->grain <= v->end)
			ret = file_punch(v->fd, (uint64_t)entry * BLOCK_SECTOR,
					 v->grain);
		pthread_rwlock_unlock(&v->lock);
	}
	return ret;
}

static int entry_kind(const struct vmdk *v, uint32_t entry)
{
	if (entry == VMDK_ENTRY_NONE)
		return v->base.parent ||
		       v->desc.parent_cid != VMDK_NO_PARENT ? BLOCK_PARENT :
							      BLOCK_ZERO;
	return entry == VMDK_ENTRY_ZERO ? BLOCK_ZERO : BLOCK_DATA;
}

static int vmdk_extent(struct block *b, uint64_t off, uint64_t *len)
{
	struct vmdk *v = (struct vmdk *)b;
	uint64_t end = off + *len, at = off;
	int first = -1;

	while (at < end) {
		uint32_t entry;
		int ret = entry_get(v, at / v->grain, &entry);
		int kind = ret ? ret : entry_kind(v, entry);

		if (first < 0)
			first = kind;
		if (kind < 0 || kind != first)
			break;
		at += v->grain - at % v->grain;
	}
	*len = (at < end ? at : end) - off;
	return first;
}

static void vmdk_free(struct vmdk *v)
{
	for (unsigned n = 0; v->gt && n < v->tables; n++)
		free(v->gt[n]);
	free(v->gt);
	free(v->gd);
	free(v->rgd);
	free(v->dirty);
	free(v->cache);
	vmdk_desc_fini(&v->desc);
	if (v->fd >= 0)
		close(v->fd);
	pthread_rwlock_destroy(&v->lock);
	pthread_mutex_destroy(&v->flush_lock);
	pthread_mutex_destroy(&v->load_lock);
	free(v);
}

static void vmdk_close(struct block *b)
{
	struct vmdk *v = (struct vmdk *)b;

	if (v->stamped && !vmdk_flush(b))
		vmdk_unstamp(v);
	vmdk_free(v);
}

const struct block_ops vmdk_ops = {
	.name = "vmdk",
	.read = vmdk_read, .write = vmdk_write, .flush = vmdk_flush,
	.discard = vmdk_discard, .extent = vmdk_extent, .close = vmdk_close,
};

/*
 * Opening.
 */

static struct vmdk *vmdk_new(void)
{
	struct vmdk *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->fd = -1;
	v->cached = UINT64_MAX;
	v->base.ops = &vmdk_ops;
	pthread_rwlock_init(&v->lock, NULL);
	pthread_mutex_init(&v->flush_lock, NULL);
	pthread_mutex_init(&v->load_lock, NULL);
	return v;
}

/* Sizes from head.capacity and head.grain_size; memory for the tables. */
static int set_sizes(struct vmdk *v, uint64_t file_size)
{
	v->base.size = v->head.capacity * BLOCK_SECTOR;
	v->grain = v->head.grain_size * BLOCK_SECTOR;
	v->grains = (v->base.size + v->grain - 1) / v->grain;
	v->tables = (v->grains + VMDK_GTES - 1) / VMDK_GTES;
	if (v->tables > file_size / sizeof(*v->gd))
		return -EINVAL;		/* the directory cannot be in it */
	v->gt = calloc(v->tables + 1, sizeof(*v->gt));
	v->dirty = calloc(v->tables + 1, 1);
	return v->gt && v->dirty ? 0 : -ENOMEM;
}

static const char *header_problem(const struct vmdk_header *h)
{
	if (h->magic != VMDK_MAGIC)
		return "is not a VMDK sparse extent (descriptor files and "
		       "flat disks are not supported)";
	if (h->version < 1 || h->version > 3)
		return "unknown VMDK version";
	if (h->flags & VMDK_NEWLINES && memcmp(h->newlines, "\n \r\n", 4))
		return "was damaged by a text-mode transfer";
	if (h->gtes_per_gt != VMDK_GTES || h->grain_size < 8 ||
	    h->grain_size > 2048 || h->grain_size & (h->grain_size - 1))
		return "header: unusual grain size or table size";
	if (h->capacity > CAPACITY_MAX)
		return "header: impossible capacity";
	if (h->flags & VMDK_COMPRESSED && h->compression != VMDK_DEFLATE)
		return "unknown compression";
	if (!h->desc_offset || !h->desc_size ||
	    h->desc_size > DESC_SECTORS_MAX || h->desc_offset > UINT32_MAX)
		return "has no descriptor inside (extents of split disks are "
		       "not supported)";
	return NULL;
}

static int read_header(struct vmdk *v, uint64_t size, const char **why)
{
	int ret = file_read(v->fd, 0, &v->head, sizeof(v->head));

	*why = "cannot be read";
	if (ret)
		return ret;
	*why = header_problem(&v->head);
	if (*why)
		return -EINVAL;
	if (v->head.gd_offset == VMDK_GD_AT_END) {
		struct vmdk_header first = v->head;

		ret = vmdk_read_footer(v->fd, size, &v->head);
		*why = ret ? "footer missing (truncated?)" :
			     header_problem(&v->head);
		if (ret || *why)
			return -EINVAL;
		v->head.desc_offset = first.desc_offset;
		v->head.desc_size = first.desc_size;
	}
	return 0;
}

static int read_desc(struct vmdk *v, const char **why)
{
	size_t len = v->head.desc_size * BLOCK_SECTOR;
	char *text = malloc(len);
	int ret = text ? file_read_all(v->fd, v->head.desc_offset *
				       BLOCK_SECTOR, text, len) : -ENOMEM;

	*why = "descriptor: cut off";
	if (!ret)
		ret = vmdk_desc_parse(&v->desc, text, len, why);
	free(text);
	return ret;
}

/* A grain directory at sector @at; every table must lie in the file. */
static int read_directory(struct vmdk *v, uint64_t at, uint64_t size,
			  uint32_t **out, bool holes)
{
	uint32_t *d = calloc(v->tables + 1, sizeof(*d));
	int ret = d ? 0 : -ENOMEM;

	*out = d;
	if (!ret && (at > UINT32_MAX || !at))
		ret = -EIO;
	if (!ret)
		ret = file_read_all(v->fd, at * BLOCK_SECTOR, d,
				    v->tables * sizeof(*d));
	for (unsigned n = 0; !ret && n < v->tables; n++)
		if ((!d[n] && !holes) ||
		    ((uint64_t)d[n] + VMDK_GT_SECTORS) * BLOCK_SECTOR > size)
			ret = -EIO;
	return ret;
}

static int read_directories(struct vmdk *v, uint64_t size, const char **why)
{
	bool holes = v->base.read_only;
	int ret = read_directory(v, v->head.gd_offset, size, &v->gd, holes);

	*why = holes ? "grain directory: cut off or damaged" :
	       "grain directory: cut off, damaged or with holes (it may open "
	       "with readonly=on)";
	if (!ret && v->head.flags & VMDK_REDUNDANT)
		ret = read_directory(v, v->head.rgd_offset, size, &v->rgd,
				     holes);
	return ret;
}

/* After the descriptor says what it is. */
static int check_kind(struct vmdk *v, const char **why)
{
	if (!(v->head.flags & VMDK_COMPRESSED))
		return 0;
	*why = "compressed, so it can only be read (readonly=on or "
	       "snapshot=on)";
	if (!v->base.read_only)
		return -EROFS;
	*why = "out of memory";
	v->cache = malloc(v->grain);
	return v->cache ? 0 : -ENOMEM;
}

static int read_metadata(struct vmdk *v, uint64_t size, const char **why)
{
	int ret = read_header(v, size, why);

	if (!ret) {
		*why = "too small for its capacity, or out of memory";
		ret = set_sizes(v, size);
	}
	if (!ret)
		ret = read_desc(v, why);
	if (!ret)
		ret = check_kind(v, why);
	if (!ret)
		ret = read_directories(v, size, why);
	if (ret)
		return ret;
	v->end = (size + v->grain - 1) / v->grain * v->grain;
	v->use_redundant = v->base.read_only && vmdk_trust_redundant(v);
	if (!v->base.read_only) {
		*why = "the tables cannot be recovered";
		ret = vmdk_recover(v);
	}
	return ret;
}

static int open_parent(struct vmdk *v, const struct block_config *cfg,
		       char *err)
{
	struct block *p;
	int ret;

	if (v->desc.parent_cid == VMDK_NO_PARENT || cfg->no_parent)
		return 0;
	ret = block_open_parent(&p, cfg, v->desc.parent_hint, "vmdk", err);
	if (ret)
		return ret;
	v->base.parent = p;
	if (vmdk_cid(p) != v->desc.parent_cid)
		return block_fail(err, -ESTALE, cfg->file, "parent %s was "
				  "changed since this child was made", p->name);
	return 0;
}

int vmdk_open(struct block **out, const struct block_config *cfg, char *err)
{
	struct vmdk *v = vmdk_new();
	const char *why = "";
	uint64_t size = 0;
	int ret;

	*out = NULL;
	if (!v)
		return block_fail(err, -ENOMEM, cfg->file, "out of memory");
	if (cfg->cache == BLOCK_DIRECT || cfg->cache == BLOCK_DIRECTSYNC) {
		vmdk_free(v);
		return block_fail(err, -EINVAL, cfg->file, "cache=none and "
				  "directsync are for raw images");
	}
	v->base.read_only = cfg->read_only;
	v->fd = file_open(cfg, &size, err);
	ret = v->fd;
	if (ret >= 0) {
		ret = read_metadata(v, size, &why);
		if (ret)
			block_fail(err, ret, cfg->file, "%s", why);
		else
			ret = open_parent(v, cfg, err);
	}
	v->base.geometry = v->desc.geometry;
	if (ret) {
		block_close(v->base.parent);
		vmdk_free(v);
		return ret;
	}
	*out = &v->base;
	return 0;
}

static int unlinked_file(void)
{
	const char *dir = getenv("TMPDIR");
	char path[4096];
	int fd;

	if (!dir || !*dir)
		dir = "/var/tmp";
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	if (snprintf(path, sizeof(path), "%s/umbra-XXXXXX", dir) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

int vmdk_open_temporary(struct block **out, struct block *parent, char *err)
{
	struct vmdk *v = vmdk_new();
	int ret = v ? 0 : -ENOMEM;

	*out = NULL;
	if (v) {
		v->temporary = true;
		v->head.grain_size = VMDK_GRAIN / BLOCK_SECTOR;
		v->head.capacity = parent->size / BLOCK_SECTOR;
		v->base.geometry = parent->geometry;
		v->desc.parent_cid = VMDK_NO_PARENT;
		ret = set_sizes(v, UINT64_MAX);
		v->end = v->grain;	/* an entry of 0 means none */
	}
	if (!ret)
		ret = v->fd = unlinked_file();
	if (ret >= 0)
		v->base.name = strdup(parent->name);
	if (ret < 0 || !v->base.name) {
		block_fail(err, ret < 0 ? ret : -ENOMEM, parent->name,
			   "snapshot: %s (TMPDIR chooses another directory)",
			   strerror(ret < 0 ? -ret : ENOMEM));
		if (v)
			vmdk_free(v);
		block_close(parent);
		return ret < 0 ? ret : -ENOMEM;
	}
	v->base.parent = parent;
	v->base.no_flush = true;
	*out = &v->base;
	return 0;
}

uint32_t vmdk_cid(const struct block *b)
{
	return b->ops == &vmdk_ops ? ((const struct vmdk *)b)->desc.cid :
				     VMDK_NO_PARENT;
}

const char *vmdk_parent_hint(const struct block *b)
{
	const struct vmdk *v = (const struct vmdk *)b;

	return b->ops == &vmdk_ops && v->desc.parent_cid != VMDK_NO_PARENT ?
	       v->desc.parent_hint : NULL;
}

const char *vmdk_create_type(const struct block *b)
{
	return b->ops == &vmdk_ops ? ((const struct vmdk *)b)->desc.type :
				     NULL;
}
