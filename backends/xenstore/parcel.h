/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages between a VM's process and its attendant: a verb and arguments as
 * strings, and perhaps descriptors, over a Unix socket that keeps messages
 * apart (SOCK_SEQPACKET).  Neither side trusts the other's contents.
 */
#ifndef BACKENDS_XENSTORE_PARCEL_H
#define BACKENDS_XENSTORE_PARCEL_H

#include <stddef.h>

#define PARCEL_BYTES	16384
#define PARCEL_STRINGS	64
#define PARCEL_FDS	16

struct parcel {
	char data[PARCEL_BYTES];
	size_t len;
	const char *arg[PARCEL_STRINGS + 1];	/* in data; NULL behind */
	unsigned n;
	int fd[PARCEL_FDS];
	unsigned nfds;
};

void parcel_init(struct parcel *p);
/* Append a string.  Returns 0 or -E2BIG. */
int parcel_add(struct parcel *p, const char *s);
/* Append "key=value". */
int parcel_add_key(struct parcel *p, const char *key, const char *value);
/* Descriptors are sent along; they stay the caller's. */
int parcel_add_fd(struct parcel *p, int fd);

/* Returns 0 or a negative errno (-EAGAIN: not now). */
int parcel_send(int fd, const struct parcel *p);
/*
 * Take one message that is there.  Descriptors in it are the caller's now.
 * Returns 0, -EAGAIN, -EPIPE when the other side is gone, or -EBADMSG.
 */
int parcel_receive(int fd, struct parcel *p);
void parcel_close_fds(struct parcel *p);

#endif
