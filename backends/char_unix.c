// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A Unix socket that one program at a time connects to.  What the guest says
 * while nobody listens is lost, as on a cable without a plug.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/char.h"
#include "backends/char_open.h"
#include "backends/stream.h"

#define QUEUE	65536u		/* at least what stream.h hands over at once */
#define BEHIND	65536u		/* output a slow client may leave lying */

struct char_unix {
	struct char_backend base;
	struct stream_server *server;
	struct stream_conn *conn;
	const struct char_receiver *receiver;
	void *opaque;
	uint8_t queue[QUEUE];
	size_t queued;
};

static struct char_unix *of(struct char_backend *b)
{
	return (struct char_unix *)b;
}

/* Hand over what there is room for; hold the client while some is left. */
static void deliver(struct char_unix *c)
{
	while (c->queued && c->receiver) {
		size_t n = c->receiver->room(c->opaque);

		if (n > c->queued)
			n = c->queued;
		if (!n)
			break;
		c->receiver->receive(c->opaque, c->queue, n);
		c->queued -= n;
		memmove(c->queue, c->queue + n, c->queued);
	}
	if (c->conn)
		stream_hold(c->conn, c->queued || !c->receiver);
}

static void on_open(void *opaque, struct stream_conn *conn)
{
	struct char_unix *c = opaque;

	c->conn = conn;
	deliver(c);
}

static void on_input(void *opaque, struct stream_conn *conn,
		     const uint8_t *buf, size_t len)
{
	struct char_unix *c = opaque;

	/* Held while anything is queued, so all of it fits. */
	memcpy(c->queue + c->queued, buf, len);
	c->queued += len;
	deliver(c);
}

static void on_close(void *opaque, struct stream_conn *conn)
{
	((struct char_unix *)opaque)->conn = NULL;
}

static size_t unix_write(struct char_backend *b, const uint8_t *buf,
			 size_t len)
{
	struct char_unix *c = of(b);
	size_t behind;

	if (!c->conn)
		return len;
	behind = stream_backlog(c->conn);
	if (behind >= BEHIND)
		return 0;
	if (len > BEHIND - behind)
		len = BEHIND - behind;
	stream_send(c->conn, buf, len);
	return len;
}

static void unix_set_receiver(struct char_backend *b,
			      const struct char_receiver *r, void *opaque)
{
	of(b)->receiver = r;
	of(b)->opaque = opaque;
	deliver(of(b));
}

static void unix_resume_input(struct char_backend *b)
{
	deliver(of(b));
}

static void unix_destroy(struct char_backend *b)
{
	of(b)->receiver = NULL;
	stream_server_destroy(of(b)->server);
	free(b);
}

static const struct char_ops unix_ops = {
	.name = "unix",
	.write = unix_write,
	.set_receiver = unix_set_receiver,
	.resume_input = unix_resume_input,
	.destroy = unix_destroy,
};

int char_unix_open(struct char_backend **out, const char *arg,
		   const struct char_open_args *args)
{
	static const struct stream_ops ops = { on_open, on_input, on_close };
	struct char_unix *c = calloc(1, sizeof(*c));
	char spec[256], err[160];
	int ret;

	if (!c)
		return -ENOMEM;
	c->base.ops = &unix_ops;
	if ((size_t)snprintf(spec, sizeof(spec), "unix:%s", arg) >=
	    sizeof(spec))
		ret = -ENAMETOOLONG;
	else
		ret = stream_listen(&c->server, args->loop, spec, 1, &ops, c,
				    err, sizeof(err));
	if (ret) {
		free(c);
		return ret;
	}
	*out = &c->base;
	return 0;
}
