// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One client: bytes in, messages out.
 *
 * Input is taken in pieces of one buffer, each time the loop says there is
 * some, so that a client with much to ask waits its turn.  While more than
 * OUTPUT_HIGH bytes wait to be read by a client, nothing is read from it.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/xenstore/server.h"
#include "backends/xenstore/txn.h"
#include "hypervisor/loop.h"

#define OUTPUT_HIGH	(64 * 1024)
/* How many of the queued messages an event is compared with. */
#define SAME_EVENT_SPAN	64

static void on_ready(void *opaque, int fd, short revents);

static void update_events(struct xsd_conn *c)
{
	short events = c->out ? POLLOUT : 0;

	if (c->fd < 0 || c->dead)
		return;
	if (c->queued < OUTPUT_HIGH)
		events |= POLLIN;
	loop_set_events(c->server->loop, c->fd, events);
}

struct xsd_conn *xsd_conn_new(struct xsd_server *s, int fd)
{
	struct xsd_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->server = s;
	c->fd = fd;
	c->out_end = &c->out;
	if (fd >= 0 && loop_add_fd(s->loop, fd, POLLIN, on_ready, c)) {
		free(c);
		return NULL;
	}
	c->next = s->conns;
	s->conns = c;
	s->nconns++;
	return c;
}

void xsd_conn_drop_output(struct xsd_conn *c)
{
	struct xsd_out *o, *next;

	for (o = c->out; o; o = next) {
		next = o->next;
		free(o);
	}
	c->out = NULL;
	c->out_end = &c->out;
	c->queued = 0;
}

void xsd_conn_kill(struct xsd_conn *c, const char *why)
{
	if (c->dead)
		return;
	if (why && c->server->log_requests)
		fprintf(c->server->log, "umbra: xenstored: connection %d "
			"ends: %s\n", c->fd, why);
	c->dead = true;
	c->server->dead_conns = true;
	if (c->fd >= 0)
		loop_del_fd(c->server->loop, c->fd);
}

static void conn_free(struct xsd_conn *c)
{
	struct xsd_txn *x, *next;

	for (x = c->txns; x; x = next) {
		next = x->next;
		xsd_txn_free(x);
	}
	xsd_conn_drop_output(c);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

/* Watches and domains go first: what follows from that reaches others. */
void xsd_server_reap(struct xsd_server *s)
{
	bool some = s->dead_conns;

	while (s->dead_conns) {
		struct xsd_conn **where = &s->conns, *c;

		s->dead_conns = false;
		while ((c = *where)) {
			if (!c->dead) {
				where = &c->next;
				continue;
			}
			*where = c->next;
			s->nconns--;
			xsd_watch_remove_all(c);
			xsd_domain_forsaken(s, c);
			conn_free(c);
		}
	}
	if (some && s->changed)
		s->changed(s->opaque);
}

/*
 * Output.
 */

static void send_some(struct xsd_conn *c)
{
	struct xsd_out *o;

	while ((o = c->out)) {
		ssize_t n = send(c->fd, o->data + o->sent, o->len - o->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			xsd_conn_kill(c, strerror(errno));
		if (n <= 0)
			return;
		o->sent += n;
		c->queued -= n;
		if (o->sent < o->len)
			continue;
		c->out = o->next;
		if (!c->out)
			c->out_end = &c->out;
		free(o);
	}
}

/* An event that is waiting already need not be told twice. */
static bool event_is_queued(const struct xsd_conn *c, const void *body,
			    size_t len)
{
	unsigned span = SAME_EVENT_SPAN;

	for (const struct xsd_out *o = c->out; o && span; o = o->next, span--) {
		const struct xsd_sockmsg *head = (const void *)o->data;

		if (!o->sent && head->type == XS_WATCH_EVENT &&
		    head->len == len &&
		    !memcmp(o->data + sizeof(*head), body, len))
			return true;
	}
	return false;
}

void xsd_conn_send(struct xsd_conn *c, const struct xsd_sockmsg *head,
		   const void *body, size_t len)
{
	bool event = head->type == XS_WATCH_EVENT;
	struct xsd_sockmsg *h;
	struct xsd_out *o;

	if (c->dead || (event && event_is_queued(c, body, len)))
		return;
	o = malloc(sizeof(*o) + sizeof(*head) + len);
	if (!o) {
		xsd_conn_kill(c, "no memory for a message");
		return;
	}
	o->next = NULL;
	o->sent = 0;
	o->len = sizeof(*head) + len;
	h = (struct xsd_sockmsg *)o->data;
	*h = *head;
	h->len = len;
	memcpy(o->data + sizeof(*head), body, len);
	*c->out_end = o;
	c->out_end = &o->next;
	c->queued += o->len;
	if (event && c->queued > xsd_quota(c, XSD_QUOTA_outstanding))
		xsd_conn_kill(c, "it does not read its events");
	else if (c->fd >= 0 && c->out == o)
		send_some(c);
	update_events(c);
}

/*
 * Input.
 */

/* Serve what is complete in c->in; keep the rest. */
static void serve(struct xsd_conn *c)
{
	size_t at = 0;

	while (!c->dead && c->have - at >= sizeof(struct xsd_sockmsg)) {
		uint8_t body[XENSTORE_PAYLOAD_MAX + 1];
		struct xsd_sockmsg head;

		memcpy(&head, c->in + at, sizeof(head));
		if (head.len > XENSTORE_PAYLOAD_MAX) {
			xsd_conn_kill(c, "a message is too long");
			return;
		}
		if (c->have - at < sizeof(head) + head.len)
			break;
		memcpy(body, c->in + at + sizeof(head), head.len);
		body[head.len] = '\0';
		at += sizeof(head) + head.len;
		xsd_request(c, &head, body);
	}
	c->have -= at;
	memmove(c->in, c->in + at, c->have);
}

void xsd_conn_input(struct xsd_conn *c, const uint8_t *buf, size_t len)
{
	while (len && !c->dead) {
		size_t n = sizeof(c->in) - c->have;

		if (n > len)
			n = len;
		memcpy(c->in + c->have, buf, n);
		c->have += n;
		buf += n;
		len -= n;
		serve(c);
	}
}

static void receive(struct xsd_conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->have, sizeof(c->in) - c->have,
			 MSG_DONTWAIT);

	if (!n)
		xsd_conn_kill(c, NULL);
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		xsd_conn_kill(c, strerror(errno));
	if (n <= 0)
		return;
	c->have += n;
	serve(c);
}

static void on_ready(void *opaque, int fd, short revents)
{
	struct xsd_conn *c = opaque;
	struct xsd_server *s = c->server;

	if (revents & POLLOUT)
		send_some(c);
	if (!c->dead && (revents & POLLIN))
		receive(c);
	else if (!c->dead && (revents & (POLLHUP | POLLERR)))
		xsd_conn_kill(c, NULL);
	update_events(c);
	xsd_server_reap(s);
}
