/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file below an image: opening, locking, whole reads and writes.  For
 * the formats (block_*.c) only.
 */
#ifndef BACKENDS_BLOCK_FILE_H
#define BACKENDS_BLOCK_FILE_H

#include <sys/types.h>

#include "backends/block.h"

struct iovec;

#define BLOCK_DEPTH_MAX	16	/* parents of parents */

/* "NAME: cause" in @err; returns @code. */
int block_fail(char *err, int code, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Open cfg->file as an image is opened: read-only or read-write, locked, with
 * O_DIRECT if cfg->cache says so.  A regular file or a block device.
 * *size: its bytes.  Returns a descriptor, or a negative errno with a line
 * in @err.
 */
int file_open(const struct block_config *cfg, uint64_t *size, char *err);

/*
 * Tell other users of the image what we do with it, in the way that QEMU
 * does (byte-range locks of the open file description; shared among readers).
 * Returns 0, -EBUSY, or what the file system says.
 */
int file_lock(int fd, bool read_only);

/* All of @len bytes.  What lies beyond the file's end reads as zeros. */
int file_read(int fd, uint64_t off, void *buf, size_t len);
/* All of @len bytes; -EIO if the file ends before. */
int file_read_all(int fd, uint64_t off, void *buf, size_t len);
int file_write(int fd, uint64_t off, const void *buf, size_t len);
int file_sync(int fd);
/* Give space back; the range reads as zeros.  Falls back on nothing. */
int file_punch(int fd, uint64_t off, uint64_t len);

/*
 * The path of @hint as an image @file names it: relative to that file's
 * directory.  On the heap; NULL when memory is short.
 */
char *file_beside(const char *file, const char *hint);

/* The formats.  Each opens cfg->file; *out is NULL on errors. */
int raw_open(struct block **out, const struct block_config *cfg, char *err);
int vmdk_open(struct block **out, const struct block_config *cfg, char *err);
int qcow2_open(struct block **out, const struct block_config *cfg, char *err);
int nbd_open(struct block **out, const struct block_config *cfg, char *err);

/*
 * Open the parent that an image names, read-only.  @format: NULL for what the
 * name says.  Errors name the child as well.
 */
int block_open_parent(struct block **out, const struct block_config *child,
		      const char *hint, const char *format, char *err);

/* Read from the parent of @b, zeros where it has none or is shorter. */
int block_read_parent(struct block *b, uint64_t off, void *buf, size_t len);

#endif
