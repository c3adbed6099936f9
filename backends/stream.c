// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Invariants, all under the loop's lock:
 *  - a connection is in its server's list until it is freed;
 *  - it is watched for POLLIN unless it is closing or held, for POLLOUT while
 *    something is queued or its end is due;
 *  - it is freed only from its own loop callback or by the server's end, so
 *    callbacks may close any connection.
 */
#define _GNU_SOURCE
#include "backends/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "hypervisor/loop.h"

#define BACKLOG_MAX	(64u << 20)
#define READ_MAX	65536

struct stream_server {
	struct loop *loop;
	const struct stream_ops *ops;
	void *opaque;
	int fd;
	unsigned clients, max;
	struct stream_conn *conns;
	struct sockaddr_storage addr;
	socklen_t addr_len;
};

struct stream_conn {
	struct stream_server *server;
	struct stream_conn *next;
	int fd;
	bool closing;		/* no more input; ends when out is empty */
	bool held;		/* no input for now */
	uint8_t *out;
	size_t head, used, room;
	void *user;
};

/*
 * Connections.
 */

static void watch(struct stream_conn *c)
{
	bool in = !c->closing && !c->held;
	/* A closing one with nothing to send: POLLOUT brings its end. */
	bool out = c->used || c->closing;

	loop_set_events(c->server->loop, c->fd,
			(in ? POLLIN : 0) | (out ? POLLOUT : 0));
}

static void conn_free(struct stream_conn *c)
{
	struct stream_server *s = c->server;
	struct stream_conn **p = &s->conns;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	s->clients--;
	loop_del_fd(s->loop, c->fd);
	close(c->fd);
	s->ops->closed(s->opaque, c);
	free(c->out);
	free(c);
}

static void give_up(struct stream_conn *c)
{
	c->closing = true;
	c->used = c->head = 0;
}

static void send_some(struct stream_conn *c)
{
	ssize_t n = send(c->fd, c->out + c->head, c->used,
			 MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			give_up(c);
		return;
	}
	c->head += n;
	c->used -= n;
	if (!c->used)
		c->head = 0;
}

static void receive(struct stream_conn *c)
{
	static uint8_t buf[READ_MAX];	/* the loop's thread only */
	ssize_t n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		give_up(c);
	else
		c->server->ops->input(c->server->opaque, c, buf, n);
}

static void on_conn(void *opaque, int fd, short revents)
{
	struct stream_conn *c = opaque;

	if (revents & (POLLIN | POLLHUP | POLLERR) && !c->closing) {
		if (!c->held)
			receive(c);
		else if (revents & POLLERR)
			give_up(c);
	}
	if (c->used)
		send_some(c);
	if (c->closing && (!c->used || revents & (POLLHUP | POLLERR)))
		conn_free(c);
	else
		watch(c);
}

static bool make_room(struct stream_conn *c, size_t len)
{
	size_t room = c->room ? c->room : 4096;
	uint8_t *out;

	if (c->used + len > BACKLOG_MAX)
		return false;
	if (c->head && c->head + c->used + len > c->room) {
		memmove(c->out, c->out + c->head, c->used);
		c->head = 0;
	}
	if (c->used + len <= c->room)
		return true;
	while (room < c->used + len)
		room *= 2;
	out = realloc(c->out, room);
	if (!out)
		return false;
	c->out = out;
	c->room = room;
	return true;
}

void stream_send(struct stream_conn *c, const void *buf, size_t len)
{
	if (c->closing || !len)
		return;
	if (make_room(c, len)) {
		memcpy(c->out + c->head + c->used, buf, len);
		c->used += len;
	} else {
		give_up(c);
	}
	watch(c);
}

size_t stream_backlog(const struct stream_conn *c)
{
	return c->used;
}

void stream_hold(struct stream_conn *c, bool hold)
{
	c->held = hold;
	watch(c);
}

void stream_close(struct stream_conn *c)
{
	c->closing = true;
	watch(c);
}

void stream_set_user(struct stream_conn *c, void *user)
{
	c->user = user;
}

void *stream_user(const struct stream_conn *c)
{
	return c->user;
}

/*
 * The server.
 */

static int conn_new(struct stream_server *s, int fd)
{
	struct stream_conn *c = calloc(1, sizeof(*c));
	int one = 1, ret = -ENOMEM;

	if (c) {
		c->server = s;
		c->fd = fd;
		ret = loop_add_fd(s->loop, fd, POLLIN, on_conn, c);
	}
	if (ret) {
		free(c);
		return ret;
	}
	if (s->addr.ss_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->next = s->conns;
	s->conns = c;
	s->clients++;
	s->ops->opened(s->opaque, c);
	return 0;
}

static void on_listen(void *opaque, int fd, short revents)
{
	struct stream_server *s = opaque;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (client < 0)
		return;
	if (s->clients == s->max || conn_new(s, client))
		close(client);
}

static int parse_unix(struct stream_server *s, const char *path)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&s->addr;

	if (!*path || strlen(path) >= sizeof(un->sun_path))
		return -ENAMETOOLONG;
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path, path);
	s->addr_len = sizeof(*un);
	return 0;
}

static int parse_tcp(struct stream_server *s, const char *spec)
{
	const char *colon = strrchr(spec, ':');
	const char *digits = colon ? colon + 1 : spec;
	struct sockaddr_in *in = (struct sockaddr_in *)&s->addr;
	char host[64] = "127.0.0.1", *end;
	unsigned long port = strtoul(digits, &end, 10);

	if (*end || end == digits || port > 65535)
		return -EINVAL;
	if (colon && colon != spec) {
		if ((size_t)(colon - spec) >= sizeof(host))
			return -EINVAL;
		memcpy(host, spec, colon - spec);
		host[colon - spec] = '\0';
	}
	if (!strcmp(host, "localhost"))
		strcpy(host, "127.0.0.1");
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	s->addr_len = sizeof(*in);
	return inet_pton(AF_INET, host, &in->sin_addr) == 1 ? 0 : -EINVAL;
}

static int parse(struct stream_server *s, const char *spec)
{
	if (!strncmp(spec, "unix:", 5))
		return parse_unix(s, spec + 5);
	if (!strncmp(spec, "tcp:", 4))
		return parse_tcp(s, spec + 4);
	return -EINVAL;
}

bool stream_spec_valid(const char *spec)
{
	struct stream_server s = { 0 };

	return !parse(&s, spec);
}

/* A socket that refuses connections was left behind; others are kept. */
static void remove_stale(const struct stream_server *s)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&s->addr;
	struct stat st;
	int fd;

	if (lstat(un->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)un, sizeof(*un)) &&
	    errno == ECONNREFUSED)
		unlink(un->sun_path);
	close(fd);
}

static int open_socket(struct stream_server *s)
{
	int family = s->addr.ss_family, one = 1;
	mode_t mask;
	int ret;

	s->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return -errno;
	if (family == AF_UNIX)
		remove_stale(s);
	else
		setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	mask = umask(0177);
	ret = bind(s->fd, (struct sockaddr *)&s->addr, s->addr_len) ? -errno
								    : 0;
	umask(mask);
	if (!ret && listen(s->fd, 8))
		ret = -errno;
	return ret;
}

static int connect_socket(struct stream_server *s)
{
	int fd = socket(s->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ret = fd < 0 ? -errno : 0;

	if (!ret && connect(fd, (struct sockaddr *)&s->addr, s->addr_len))
		ret = -errno;
	if (!ret)
		ret = conn_new(s, fd);
	if (ret && fd >= 0)
		close(fd);
	return ret;
}

static int server_new(struct stream_server **out, struct loop *l,
		      const char *spec, const struct stream_ops *ops,
		      void *opaque)
{
	struct stream_server *s = calloc(1, sizeof(*s));

	*out = s;
	if (!s)
		return -ENOMEM;
	*s = (struct stream_server){ .loop = l, .ops = ops, .fd = -1,
				     .opaque = opaque };
	return parse(s, spec);
}

static int fail(struct stream_server **s, int ret, const char *spec,
		char *err, size_t errlen)
{
	snprintf(err, errlen, "%s: %s%s", spec, strerror(-ret),
		 ret == -EINVAL ? " (unix:PATH or tcp:[ADDRESS:]PORT)" : "");
	if (*s && (*s)->fd >= 0)
		close((*s)->fd);
	free(*s);
	*s = NULL;
	return ret;
}

int stream_connect(struct stream_server **out, struct loop *l,
		   const char *spec, const struct stream_ops *ops,
		   void *opaque, char *err, size_t errlen)
{
	int ret = server_new(out, l, spec, ops, opaque);

	if (!ret)
		ret = connect_socket(*out);
	return ret ? fail(out, ret, spec, err, errlen) : 0;
}

int stream_listen(struct stream_server **out, struct loop *l,
		  const char *spec, unsigned clients,
		  const struct stream_ops *ops, void *opaque, char *err,
		  size_t errlen)
{
	int ret = server_new(out, l, spec, ops, opaque);

	if (!ret) {
		(*out)->max = clients;
		ret = open_socket(*out);
	}
	if (!ret)
		ret = loop_add_fd(l, (*out)->fd, POLLIN, on_listen, *out);
	return ret ? fail(out, ret, spec, err, errlen) : 0;
}

unsigned stream_port(const struct stream_server *s)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);

	if (s->addr.ss_family != AF_INET ||
	    getsockname(s->fd, (struct sockaddr *)&in, &len))
		return 0;
	return ntohs(in.sin_port);
}

void stream_server_destroy(struct stream_server *s)
{
	if (!s)
		return;
	while (s->conns) {
		if (s->conns->used)
			send_some(s->conns);
		conn_free(s->conns);
	}
	if (s->fd >= 0) {
		loop_del_fd(s->loop, s->fd);
		close(s->fd);
		if (s->addr.ss_family == AF_UNIX)
			unlink(((struct sockaddr_un *)&s->addr)->sun_path);
	}
	free(s);
}
