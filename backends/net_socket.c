// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A cable between two machines: a stream socket on which each frame follows
 * its length, 32 bits, most significant byte first (QEMU's -netdev socket
 * says the same).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/net.h"
#include "backends/net_open.h"
#include "backends/stream.h"

#define BEHIND	(1u << 20)	/* bytes that a slow peer may leave lying */
#define PREFIX	4u

struct net_socket {
	struct net_backend base;
	struct stream_server *server;
	struct stream_conn *conn;
	const struct net_receiver *receiver;
	void *opaque;
	FILE *log;
	/* What came in and is not a whole frame, or was not wanted yet. */
	uint8_t in[PREFIX + NET_FRAME_MAX + 65536];
	size_t len;
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* Deliver whole frames from @in; returns how many bytes they took. */
static size_t deliver(struct net_socket *s)
{
	size_t at = 0;

	while (s->len - at >= PREFIX) {
		uint32_t n = be32(s->in + at);

		if (n < 14 || n > NET_FRAME_MAX) {
			fprintf(s->log, "umbra: network socket: a frame of %u "
				"bytes (the peer is cut off)\n", n);
			stream_close(s->conn);
			return s->len;
		}
		if (s->len - at < PREFIX + n || !s->receiver ||
		    !s->receiver->ready(s->opaque))
			break;
		s->receiver->receive(s->opaque, s->in + at + PREFIX, n);
		at += PREFIX + n;
	}
	return at;
}

static void resume(struct net_backend *b)
{
	struct net_socket *s = (struct net_socket *)b;
	size_t done = deliver(s);

	s->len -= done;
	memmove(s->in, s->in + done, s->len);
	/* A whole round of input must fit. */
	if (s->conn)
		stream_hold(s->conn, s->len > PREFIX + NET_FRAME_MAX);
}

static void on_input(void *opaque, struct stream_conn *c, const uint8_t *buf,
		     size_t len)
{
	struct net_socket *s = opaque;

	memcpy(s->in + s->len, buf, len);
	s->len += len;
	resume(&s->base);
}

static void on_open(void *opaque, struct stream_conn *c)
{
	struct net_socket *s = opaque;

	s->conn = c;
	s->len = 0;
}

static void on_close(void *opaque, struct stream_conn *c)
{
	((struct net_socket *)opaque)->conn = NULL;
}

static void send_frame(struct net_backend *b, const uint8_t *frame,
		       size_t len)
{
	struct net_socket *s = (struct net_socket *)b;
	uint8_t prefix[PREFIX] = { 0, 0, len >> 8, len };

	if (!s->conn || stream_backlog(s->conn) > BEHIND) {
		b->stats.dropped++;
		return;
	}
	stream_send(s->conn, prefix, PREFIX);
	stream_send(s->conn, frame, len);
}

static void set_receiver(struct net_backend *b, const struct net_receiver *r,
			 void *opaque)
{
	struct net_socket *s = (struct net_socket *)b;

	s->receiver = r;
	s->opaque = opaque;
}

static void destroy(struct net_backend *b)
{
	struct net_socket *s = (struct net_socket *)b;

	stream_server_destroy(s->server);
	free(s);
}

static const struct net_ops socket_ops = {
	"socket", send_frame, set_receiver, resume, destroy,
};

int net_socket_open(struct net_backend **out, const char *const *keys,
		    const struct net_open_args *args, char *err,
		    size_t errlen)
{
	static const struct stream_ops ops = { on_open, on_input, on_close };
	unsigned at = 0, at2 = 0;
	const char *to = net_key(keys, "connect", &at);
	const char *on = net_key(keys, "listen", &at2);
	struct net_socket *s;
	int ret;

	if (!to == !on) {
		snprintf(err, errlen, "socket: one of listen= and connect= is "
			 "needed");
		return -EINVAL;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->base.ops = &socket_ops;
	s->log = args->log;
	ret = to ? stream_connect(&s->server, args->loop, to, &ops, s, err,
				  errlen)
		 : stream_listen(&s->server, args->loop, on, 1, &ops, s, err,
				 errlen);
	if (ret) {
		free(s);
		return ret;
	}
	*out = &s->base;
	return 0;
}
