// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Raw images: the disk as it is, in a file or on a host device (a CD-ROM
 * drive, a partition).
 *
 * Past the page cache (O_DIRECT) the host wants offsets, lengths and memory
 * aligned to its own block size.  What the guest asks for is aligned to 512
 * bytes, so it goes through an aligned buffer; a write that begins or ends
 * inside a host block reads that block first, alone on the image meanwhile.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>	/* TMPFS_MAGIC */
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "backends/block_file.h"
#include "hypervisor/types.h"

#define DIRECT_ALIGN	4096u
#define DIRECT_CHUNK	(1 * MIB)

struct raw {
	struct block base;
	int fd;
	bool direct;
	bool in_memory;		/* tmpfs: nothing to wait for */
	bool cannot_try[2];	/* read, write: not on this file system */
	pthread_rwlock_t lock;	/* O_DIRECT: writer of partial blocks alone */
};

static int raw_read(struct block *b, uint64_t off, void *buf, size_t len)
{
	return file_read(((struct raw *)b)->fd, off, buf, len);
}

static int raw_write(struct block *b, uint64_t off, const void *buf,
		     size_t len)
{
	return file_write(((struct raw *)b)->fd, off, buf, len);
}

/*
 * One system call for many buffers; what it leaves undone (the file's end, a
 * full disk) is left to the plain functions.
 */
static int raw_vector(struct block *b, uint64_t off, const struct iovec *iov,
		      int n, bool write)
{
	struct raw *r = (struct raw *)b;
	ssize_t done = -1;
	int ret = 0;

	if (n <= IOV_MAX)
		done = write ? pwritev(r->fd, iov, n, off) :
			       preadv(r->fd, iov, n, off);
	if (done < 0)
		done = 0;
	for (int i = 0; !ret && i < n; i++) {
		size_t len = iov[i].iov_len;
		size_t had = (size_t)done < len ? (size_t)done : len;
		char *rest = (char *)iov[i].iov_base + had;

		done -= had;
		off += had;
		if (had == len)
			continue;
		ret = write ? file_write(r->fd, off, rest, len - had) :
			      file_read(r->fd, off, rest, len - had);
		off += len - had;
	}
	return ret;
}

static int raw_readv(struct block *b, uint64_t off, const struct iovec *iov,
		     int n)
{
	return raw_vector(b, off, iov, n, false);
}

static int raw_writev(struct block *b, uint64_t off, const struct iovec *iov,
		      int n)
{
	return raw_vector(b, off, iov, n, true);
}

/*
 * What the host has cached is read at once; few file systems write so.  A short
 * count (the file's end, what is not cached) is left to the functions above.
 */
static int raw_try(struct block *b, uint64_t off, const struct iovec *iov,
		   int n, bool write)
{
	struct raw *r = (struct raw *)b;
	int flags = r->in_memory ? 0 : RWF_NOWAIT;
	ssize_t want = 0, done;

	if (n > IOV_MAX || __atomic_load_n(&r->cannot_try[write],
					   __ATOMIC_RELAXED))
		return -EAGAIN;
	for (int i = 0; i < n; i++)
		want += iov[i].iov_len;
	done = write ? pwritev2(r->fd, iov, n, off, flags) :
		       preadv2(r->fd, iov, n, off, flags);
	if (done < 0 && (errno == EOPNOTSUPP || errno == EINVAL ||
			 errno == ENOSYS))
		__atomic_store_n(&r->cannot_try[write], true,
				 __ATOMIC_RELAXED);
	return done == want ? 0 : -EAGAIN;
}

static int raw_try_readv(struct block *b, uint64_t off,
			 const struct iovec *iov, int n)
{
	return raw_try(b, off, iov, n, false);
}

static int raw_try_writev(struct block *b, uint64_t off,
			  const struct iovec *iov, int n)
{
	return raw_try(b, off, iov, n, true);
}

/* Swapping aside, which stops the guest's own memory as well. */
static bool is_in_memory(int fd)
{
	struct statfs s;

	return !fstatfs(fd, &s) && s.f_type == TMPFS_MAGIC;
}

/*
 * O_DIRECT.
 */

static uint64_t align_down(uint64_t n)
{
	return n & ~(uint64_t)(DIRECT_ALIGN - 1);
}

static uint64_t align_up(uint64_t n)
{
	return align_down(n + DIRECT_ALIGN - 1);
}

static int direct_read_chunk(struct raw *r, uint64_t off, char *buf,
			     size_t len, char *bounce)
{
	uint64_t from = align_down(off), to = align_up(off + len);
	int ret = file_read(r->fd, from, bounce, to - from);

	memcpy(buf, bounce + (off - from), len);
	return ret;
}

static int direct_write_chunk(struct raw *r, uint64_t off, const char *buf,
			      size_t len, char *bounce)
{
	uint64_t from = align_down(off), to = align_up(off + len);
	bool partial = from != off || to != off + len;
	int ret = 0;

	if (partial) {
		pthread_rwlock_wrlock(&r->lock);
		ret = file_read(r->fd, from, bounce, to - from);
	} else {
		pthread_rwlock_rdlock(&r->lock);
	}
	memcpy(bounce + (off - from), buf, len);
	if (!ret)
		ret = file_write(r->fd, from, bounce, to - from);
	pthread_rwlock_unlock(&r->lock);
	return ret;
}

static int direct_transfer(struct block *b, uint64_t off, char *buf,
			   size_t len, bool write)
{
	struct raw *r = (struct raw *)b;
	char *bounce = aligned_alloc(DIRECT_ALIGN,
				     DIRECT_CHUNK + 2 * DIRECT_ALIGN);
	int ret = bounce ? 0 : -ENOMEM;

	while (!ret && len) {
		size_t n = len < DIRECT_CHUNK ? len : DIRECT_CHUNK;

		ret = write ? direct_write_chunk(r, off, buf, n, bounce) :
			      direct_read_chunk(r, off, buf, n, bounce);
		off += n;
		buf += n;
		len -= n;
	}
	free(bounce);
	return ret;
}

static int direct_read(struct block *b, uint64_t off, void *buf, size_t len)
{
	return direct_transfer(b, off, buf, len, false);
}

static int direct_write(struct block *b, uint64_t off, const void *buf,
			size_t len)
{
	return direct_transfer(b, off, (char *)buf, len, true);
}

/*
 * Both.
 */

static int raw_flush(struct block *b)
{
	return file_sync(((struct raw *)b)->fd);
}

static int raw_discard(struct block *b, uint64_t off, uint64_t len)
{
	return file_punch(((struct raw *)b)->fd, off, len);
}

static int raw_extent(struct block *b, uint64_t off, uint64_t *len)
{
	struct raw *r = (struct raw *)b;
	off_t data = lseek(r->fd, off, SEEK_DATA), hole;
	uint64_t end;

	if (data < 0 && errno == ENXIO)
		return BLOCK_ZERO;	/* no data up to the end */
	if (data < 0)
		return BLOCK_DATA;	/* the file system cannot tell */
	end = (uint64_t)data & ~(uint64_t)(BLOCK_SECTOR - 1);
	if (end > off) {
		if (end - off < *len)
			*len = end - off;
		return BLOCK_ZERO;
	}
	hole = lseek(r->fd, data, SEEK_HOLE);
	if (hole < 0)
		return BLOCK_DATA;
	end = ((uint64_t)hole + BLOCK_SECTOR - 1) &
	      ~(uint64_t)(BLOCK_SECTOR - 1);
	if (end - off < *len)
		*len = end - off;
	return BLOCK_DATA;
}

static void raw_close(struct block *b)
{
	struct raw *r = (struct raw *)b;

	block_flush(b);
	close(r->fd);
	pthread_rwlock_destroy(&r->lock);
	free(r);
}

static const struct block_ops raw_ops = {
	.name = "raw",
	.read = raw_read, .write = raw_write,
	.readv = raw_readv, .writev = raw_writev,
	.try_readv = raw_try_readv, .try_writev = raw_try_writev,
	.flush = raw_flush, .discard = raw_discard, .extent = raw_extent,
	.close = raw_close,
};

static const struct block_ops direct_ops = {
	.name = "raw",
	.read = direct_read, .write = direct_write,
	.flush = raw_flush, .discard = raw_discard, .extent = raw_extent,
	.close = raw_close,
};

int raw_open(struct block **out, const struct block_config *cfg, char *err)
{
	struct raw *r = calloc(1, sizeof(*r));
	uint64_t size;

	*out = NULL;
	if (!r)
		return block_fail(err, -ENOMEM, cfg->file, "out of memory");
	r->fd = file_open(cfg, &size, err);
	if (r->fd < 0) {
		int ret = r->fd;

		free(r);
		return ret;
	}
	r->direct = cfg->cache == BLOCK_DIRECT ||
		    cfg->cache == BLOCK_DIRECTSYNC;
	if (r->direct && size % DIRECT_ALIGN) {
		close(r->fd);
		free(r);
		return block_fail(err, -EINVAL, cfg->file, "is not a multiple "
				  "of %u bytes long, as cache=none needs it",
				  DIRECT_ALIGN);
	}
	r->base.ops = r->direct ? &direct_ops : &raw_ops;
	r->in_memory = is_in_memory(r->fd);
	r->base.read_only = cfg->read_only;
	/* A file that ends inside a sector: the rest of it is zeros. */
	r->base.size = (size + BLOCK_SECTOR - 1) &
		       ~(uint64_t)(BLOCK_SECTOR - 1);
	pthread_rwlock_init(&r->lock, NULL);
	*out = &r->base;
	return 0;
}
