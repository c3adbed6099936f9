// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The descriptor is watched while there is a receiver and no frame is held.
 * A frame that the host does not take at once is dropped: it is the network,
 * and whoever needs the frame sends it again.
 */
#include "backends/net_fd.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "hypervisor/loop.h"

#define ROUND	64	/* frames for one callback: others want their turn */

static void watch(struct net_fd *f)
{
	bool want = f->receiver && !f->held_len && !f->dead;

	loop_set_events(f->loop, f->fd, want ? POLLIN : 0);
}

static void lost(struct net_fd *f, const char *why)
{
	if (!f->dead)
		fprintf(f->log, "umbra: %s: %s (the network is gone)\n",
			f->what, why);
	f->dead = true;
}

/* One frame; false: no more now. */
static bool receive(struct net_fd *f)
{
	ssize_t n = read(f->fd, f->held, sizeof(f->held));

	if (n <= 0) {
		if (!n || (errno != EAGAIN && errno != EINTR))
			lost(f, n ? strerror(errno) : "closed by its peer");
		return false;
	}
	if (n < 14)
		return true;
	f->held_len = n;
	net_fd_resume(&f->base);
	return !f->held_len;
}

static void on_input(void *opaque, int fd, short revents)
{
	struct net_fd *f = opaque;

	for (unsigned i = 0; i < ROUND && receive(f); i++)
		;
	watch(f);
}

void net_fd_resume(struct net_backend *b)
{
	struct net_fd *f = (struct net_fd *)b;
	size_t len = f->held_len;

	if (!len || !f->receiver || !f->receiver->ready(f->opaque))
		return;
	f->held_len = 0;
	f->receiver->receive(f->opaque, f->held, len);
	watch(f);
}

void net_fd_send(struct net_backend *b, const uint8_t *frame, size_t len)
{
	struct net_fd *f = (struct net_fd *)b;

	if (f->dead || write(f->fd, frame, len) != (ssize_t)len)
		b->stats.dropped++;
}

void net_fd_set_receiver(struct net_backend *b, const struct net_receiver *r,
			 void *opaque)
{
	struct net_fd *f = (struct net_fd *)b;

	f->receiver = r;
	f->opaque = opaque;
	watch(f);
}

int net_fd_init(struct net_fd *f, const struct net_ops *ops, struct loop *l,
		FILE *log, const char *what, int fd)
{
	f->base.ops = ops;
	f->loop = l;
	f->log = log;
	f->what = what;
	f->fd = fd;
	return loop_add_fd(l, fd, 0, on_input, f);
}

void net_fd_fini(struct net_fd *f)
{
	loop_del_fd(f->loop, f->fd);
	close(f->fd);
}
