/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disk images: the host-facing half of disks, CD-ROM and floppy drives.
 *
 * A struct block is an open image.  Its functions are synchronous, may be
 * called by several threads at once, and may block for as long as the host
 * likes; devices use them through a queue (block_queue.h), whose threads do
 * the waiting.  All offsets and lengths are bytes and multiples of
 * BLOCK_SECTOR.
 *
 * What a write and a flush promise, whatever the format:
 * - a write that returned 0 is seen by every later read, and survives the
 *   death of this process at any moment;
 * - once a flush returned 0, all writes that returned before it was called
 *   survive the death of the host, too.  Metadata follows the data that it
 *   points to: a crash leaves sectors in their old or their new state.
 */
#ifndef BACKENDS_BLOCK_H
#define BACKENDS_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_SECTOR	512u
#define BLOCK_ERR_LEN	4608

struct block;
struct iovec;

/* What is known about a range without reading it. */
enum block_extent {
	BLOCK_DATA,		/* has to be read */
	BLOCK_ZERO,		/* reads as zeros */
	BLOCK_PARENT,		/* not in this image but in its parent */
};

/* The arguments were checked: in range, aligned, not on a read-only image. */
struct block_ops {
	const char *name;	/* of the format */
	/* Each returns 0 or a negative errno, or as told. */
	int (*read)(struct block *b, uint64_t off, void *buf, size_t len);
	int (*write)(struct block *b, uint64_t off, const void *buf,
		     size_t len);
	/* As above for several buffers at once; NULL: one by one. */
	int (*readv)(struct block *b, uint64_t off, const struct iovec *iov,
		     int n);
	int (*writev)(struct block *b, uint64_t off, const struct iovec *iov,
		      int n);
	/*
	 * As readv and writev where they are sure not to wait for the host's
	 * disk, and -EAGAIN otherwise, possibly with a part done.  The
	 * buffers are touched by system calls only.  NULL: never sure.
	 */
	int (*try_readv)(struct block *b, uint64_t off,
			 const struct iovec *iov, int n);
	int (*try_writev)(struct block *b, uint64_t off,
			  const struct iovec *iov, int n);
	int (*flush)(struct block *b);
	/* The contents do not matter any more.  NULL: nothing to gain. */
	int (*discard)(struct block *b, uint64_t off, uint64_t len);
	/*
	 * The kind of the range that begins at @off; *len (at least a
	 * sector, in: how much the caller wants to know) becomes its
	 * length.  Returns enum block_extent or a negative errno.  NULL: all
	 * of it is BLOCK_DATA.
	 */
	int (*extent)(struct block *b, uint64_t off, uint64_t *len);
	/* Flush and free. */
	void (*close)(struct block *b);
};

/* As the BIOS would see it; cylinders == 0: the image does not say. */
struct block_geometry {
	uint32_t cylinders, heads, sectors;
};

/* The first member of every image's own structure. */
struct block {
	const struct block_ops *ops;
	uint64_t size;		/* bytes, a multiple of BLOCK_SECTOR */
	bool read_only;
	bool writethrough;	/* flush after each write */
	bool no_flush;		/* the image is to be thrown away */
	bool no_discard;
	struct block_geometry geometry;
	struct block *parent;	/* closed with the image; NULL: none */
	char *name;		/* as messages show it */
};

enum block_cache {
	BLOCK_WRITEBACK,	/* the host's page cache, flushed when asked */
	BLOCK_WRITETHROUGH,	/* flushed after each write */
	BLOCK_DIRECT,		/* past the page cache (raw only) */
	BLOCK_DIRECTSYNC,	/* both */
	BLOCK_UNSAFE,		/* never flushed */
};

struct block_config {
	/*
	 * A path; "nbd:unix:SOCKET[:exportname=NAME]" or
	 * "nbd+unix:///NAME?socket=SOCKET".
	 */
	const char *file;
	/*
	 * "raw", "vmdk", "qcow2", "nbd"; NULL: by the name's ending, and
	 * raw otherwise.  Never by the contents alone, which a guest can
	 * choose; but a raw image that looks like another format must be
	 * called raw.
	 */
	const char *format;
	enum block_cache cache;
	bool read_only;
	bool snapshot;		/* writes go to a child that is thrown away */
	bool discard;		/* give discarded space back to the host */
	bool no_lock;		/* others may have the image open, too */
	/*
	 * For tools that look at this image alone: do not open the parents.
	 * Their ranges read as zeros; writes must not be made.
	 */
	bool no_parent;
	unsigned depth;		/* parents above; 0 for callers */
};

/*
 * Open an image, its parents with it.  Returns 0, or a negative errno with
 * one line "FILE: cause" in @err (BLOCK_ERR_LEN bytes).
 */
int block_open(struct block **out, const struct block_config *cfg, char *err);
/* Flush, unlock, free; NULL is fine. */
void block_close(struct block *b);

/*
 * @off, @len: bytes.  Return 0, -EINVAL (not aligned), -ENOSPC (beyond the
 * end), -EROFS, or what the host or the image's contents give (-EIO).
 */
int block_read(struct block *b, uint64_t off, void *buf, size_t len);
int block_write(struct block *b, uint64_t off, const void *buf, size_t len);
/* As above; the buffers' lengths must be multiples of BLOCK_SECTOR. */
int block_readv(struct block *b, uint64_t off, const struct iovec *iov,
		int n);
int block_writev(struct block *b, uint64_t off, const struct iovec *iov,
		 int n);
/*
 * As above, and -EAGAIN if the host's disk would have to be waited for: all of
 * it must be done again by the functions above.  @iov may lie in memory that
 * only system calls may touch.
 */
int block_try_readv(struct block *b, uint64_t off, const struct iovec *iov,
		    int n);
int block_try_writev(struct block *b, uint64_t off, const struct iovec *iov,
		     int n);
int block_flush(struct block *b);
int block_discard(struct block *b, uint64_t off, uint64_t len);
/* As block_ops.extent.  @len: in and out; at most to the end of the image. */
int block_extent(struct block *b, uint64_t off, uint64_t *len);

/* Is every byte of @buf zero? */
bool block_is_zero(const void *buf, size_t len);

#endif
