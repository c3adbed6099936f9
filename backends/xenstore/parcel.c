// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "backends/xenstore/parcel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void parcel_init(struct parcel *p)
{
	p->len = p->n = p->nfds = 0;
	p->arg[0] = NULL;
}

int parcel_add(struct parcel *p, const char *s)
{
	size_t len = strlen(s) + 1;

	if (p->n == PARCEL_STRINGS || p->len + len > sizeof(p->data))
		return -E2BIG;
	p->arg[p->n++] = memcpy(p->data + p->len, s, len);
	p->arg[p->n] = NULL;
	p->len += len;
	return 0;
}

int parcel_add_key(struct parcel *p, const char *key, const char *value)
{
	size_t len = strlen(key) + strlen(value) + 2;

	if (p->n == PARCEL_STRINGS || p->len + len > sizeof(p->data))
		return -E2BIG;
	p->arg[p->n++] = p->data + p->len;
	p->arg[p->n] = NULL;
	p->len += sprintf(p->data + p->len, "%s=%s", key, value) + 1;
	return 0;
}

int parcel_add_fd(struct parcel *p, int fd)
{
	if (p->nfds == PARCEL_FDS)
		return -E2BIG;
	p->fd[p->nfds++] = fd;
	return 0;
}

union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(PARCEL_FDS * sizeof(int))];
};

static int send_bytes(int fd, const struct parcel *p)
{
	while (send(fd, p->data, p->len, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int parcel_send(int fd, const struct parcel *p)
{
	struct iovec io = { (void *)p->data, p->len };
	struct msghdr msg = { .msg_iov = &io, .msg_iovlen = 1 };
	size_t len = p->nfds * sizeof(int);
	union control c = { 0 };

	/* A confined process may send(), and sends no descriptors. */
	if (!p->nfds)
		return send_bytes(fd, p);
	c.head.cmsg_level = SOL_SOCKET;
	c.head.cmsg_type = SCM_RIGHTS;
	c.head.cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(&c.head), p->fd, len);
	msg.msg_control = &c;
	msg.msg_controllen = CMSG_SPACE(len);
	while (sendmsg(fd, &msg, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static void take_fds(struct parcel *p, struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);

	p->nfds = 0;
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return;
	p->nfds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(p->fd, CMSG_DATA(c), p->nfds * sizeof(int));
}

/* Strings from the bytes. */
static int parse(struct parcel *p)
{
	size_t at = 0;

	if (!p->len || p->data[p->len - 1])
		return -EBADMSG;
	for (p->n = 0; at < p->len; at += strlen(p->data + at) + 1) {
		if (p->n == PARCEL_STRINGS)
			return -EBADMSG;
		p->arg[p->n++] = p->data + at;
	}
	p->arg[p->n] = NULL;
	return 0;
}

int parcel_receive(int fd, struct parcel *p)
{
	union control c;
	struct iovec io = { p->data, sizeof(p->data) };
	struct msghdr msg = { .msg_iov = &io, .msg_iovlen = 1,
			      .msg_control = &c,
			      .msg_controllen = sizeof(c) };
	ssize_t n;
	int ret;

	parcel_init(p);
	do
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? -EAGAIN : -EPIPE;
	if (!n)
		return -EPIPE;
	take_fds(p, &msg);
	p->len = n;
	ret = msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EBADMSG : parse(p);
	if (ret)
		parcel_close_fds(p);
	return ret;
}

void parcel_close_fds(struct parcel *p)
{
	for (unsigned i = 0; i < p->nfds; i++)
		close(p->fd[i]);
	p->nfds = 0;
}
