/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network backends: where a network card's frames go and come from.
 *
 * Frames are Ethernet frames without preamble and check sequence.  All calls
 * in both directions are made with the loop's lock held; neither side may
 * block.
 */
#ifndef BACKENDS_NET_H
#define BACKENDS_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define NET_FRAME_MIN	60u
#define NET_FRAME_MAX	1518u	/* with a VLAN tag, without the FCS */
#define NET_MAC_LEN	6

struct net_backend;

/* What a card offers to its backend. */
struct net_receiver {
	/* Would receive() take a frame now?  No: the backend holds it. */
	bool (*ready)(void *opaque);
	/* A frame of 14 .. NET_FRAME_MAX bytes. */
	void (*receive)(void *opaque, const uint8_t *frame, size_t len);
	/* The cable was plugged or pulled (may be NULL). */
	void (*link)(void *opaque, bool up);
};

struct net_ops {
	const char *name;	/* "user", "tap", "socket" */
	/* A frame from the guest, 14 .. NET_FRAME_MAX bytes; may be dropped. */
	void (*send)(struct net_backend *b, const uint8_t *frame, size_t len);
	/* @r NULL: stop. */
	void (*set_receiver)(struct net_backend *b,
			     const struct net_receiver *r, void *opaque);
	/* ready() said no and would say yes now. */
	void (*resume)(struct net_backend *b);
	void (*destroy)(struct net_backend *b);
};

struct net_stats {
	uint64_t sent, received;	/* frames, from and to the guest */
	uint64_t sent_bytes, received_bytes;
	uint64_t dropped;		/* either way, for want of room */
};

/* The first member of every backend's own structure. */
struct net_backend {
	const struct net_ops *ops;
	struct net_stats stats;
};

#endif
