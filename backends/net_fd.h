/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What backends over a descriptor share, where one read(2) or write(2) is one
 * frame: a tap interface, a packet socket to another process.  Private to
 * backends/.
 */
#ifndef BACKENDS_NET_FD_H
#define BACKENDS_NET_FD_H

#include "backends/net.h"

struct loop;

struct net_fd {
	struct net_backend base;
	struct loop *loop;
	FILE *log;
	const char *what;	/* for messages, kept by reference */
	int fd;			/* owned; non-blocking */
	const struct net_receiver *receiver;
	void *opaque;
	bool dead;
	/* One frame that the card had no room for. */
	uint8_t held[NET_FRAME_MAX];
	size_t held_len;
};

/* @f: zeroed by the caller.  Returns 0 or a negative errno. */
int net_fd_init(struct net_fd *f, const struct net_ops *ops, struct loop *l,
		FILE *log, const char *what, int fd);
/* Stop watching, close. */
void net_fd_fini(struct net_fd *f);

void net_fd_send(struct net_backend *b, const uint8_t *frame, size_t len);
void net_fd_set_receiver(struct net_backend *b, const struct net_receiver *r,
			 void *opaque);
void net_fd_resume(struct net_backend *b);

#endif
