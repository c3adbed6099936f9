/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that somebody else opened for us.  A confined process cannot open
 * files; what it is told to use at run time is handed to it as descriptors.
 * Code that opens by name (disk images) calls offer_open() in place of open().
 *
 * Loop's lock held.
 */
#ifndef BACKENDS_OFFER_H
#define BACKENDS_OFFER_H

/*
 * As long as it is offered, offer_open(@path) gives duplicates of @fd, which
 * stays the caller's.  Returns 0 or -ENOSPC (16 at a time).
 */
int offer_add(const char *path, int fd);
/* Take all offers back. */
void offer_clear(void);

/*
 * open(2) with O_CLOEXEC, or a duplicate of what is offered under this name;
 * of @flags the offer must have at least the access mode (-EACCES).
 * Returns a descriptor or a negative errno.
 */
int offer_open(const char *path, int flags);

#endif
