/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop; see loop.h.
 *
 * poll(2) rather than epoll(7), because a regular file or /dev/null on stdin
 * must work and epoll refuses both.  The descriptor table is copied for each
 * poll, so that callbacks and the vCPU thread may change it; a change by
 * another thread wakes the poll through an eventfd.
 */
#define _GNU_SOURCE
#include "hypervisor/loop.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct watch {
	int fd;
	short events;
	loop_fn *fn;
	void *opaque;
	uint64_t serial;	/* tells a reused descriptor from the old */
};

struct loop {
	pthread_mutex_t lock;
	struct watch *watches;
	unsigned count;
	uint64_t serial;
	struct pollfd *polled;	/* copy used by the round in progress */
	uint64_t *polled_serial;
	unsigned room;
	int wake_fd;
	atomic_int quit;
	atomic_int polling;
};

static void drain(void *opaque, int fd, short revents)
{
	uint64_t n;

	while (read(fd, &n, sizeof(n)) > 0)
		;
}

int loop_create(struct loop **out)
{
	struct loop *l = calloc(1, sizeof(*l));
	int err;

	*out = NULL;
	if (!l)
		return -ENOMEM;
	pthread_mutex_init(&l->lock, NULL);
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	err = l->wake_fd < 0 ? -errno :
	      loop_add_fd(l, l->wake_fd, POLLIN, drain, l);
	if (err) {
		loop_destroy(l);
		return err;
	}
	*out = l;
	return 0;
}

void loop_destroy(struct loop *l)
{
	if (!l)
		return;
	if (l->wake_fd >= 0)
		close(l->wake_fd);
	pthread_mutex_destroy(&l->lock);
	free(l->watches);
	free(l->polled);
	free(l->polled_serial);
	free(l);
}

static struct watch *find(struct loop *l, int fd)
{
	for (unsigned i = 0; i < l->count; i++)
		if (l->watches[i].fd == fd)
			return &l->watches[i];
	return NULL;
}

static void changed(struct loop *l)
{
	if (atomic_load(&l->polling))
		loop_wake(l);
}

int loop_add_fd(struct loop *l, int fd, short events, loop_fn *fn,
		void *opaque)
{
	struct watch *w;

	if (find(l, fd))
		return -EEXIST;
	w = realloc(l->watches, (l->count + 1) * sizeof(*w));
	if (!w)
		return -ENOMEM;
	l->watches = w;
	w[l->count++] = (struct watch){ fd, events, fn, opaque, ++l->serial };
	changed(l);
	return 0;
}

void loop_set_events(struct loop *l, int fd, short events)
{
	struct watch *w = find(l, fd);

	if (!w || w->events == events)
		return;
	w->events = events;
	changed(l);
}

void loop_del_fd(struct loop *l, int fd)
{
	struct watch *w = find(l, fd);

	if (!w)
		return;
	*w = l->watches[--l->count];
	changed(l);
}

static int grow_polled(struct loop *l)
{
	struct pollfd *p;
	uint64_t *s;

	if (l->count <= l->room)
		return 0;
	p = realloc(l->polled, l->count * sizeof(*p));
	if (p)
		l->polled = p;
	s = realloc(l->polled_serial, l->count * sizeof(*s));
	if (s)
		l->polled_serial = s;
	if (!p || !s)
		return -ENOMEM;
	l->room = l->count;
	return 0;
}

/*
 * A watch without events is left out, because poll reports POLLHUP whether
 * it was asked for or not, and would spin.
 */
static unsigned copy_watches(struct loop *l)
{
	unsigned n = 0;

	if (grow_polled(l))
		abort();
	for (unsigned i = 0; i < l->count; i++) {
		struct watch *w = &l->watches[i];

		if (!w->events)
			continue;
		l->polled[n] = (struct pollfd){ w->fd, w->events, 0 };
		l->polled_serial[n++] = w->serial;
	}
	return n;
}

static void dispatch(struct loop *l, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct pollfd *p = &l->polled[i];
		struct watch *w;

		if (!p->revents)
			continue;
		w = find(l, p->fd);
		if (w && w->serial == l->polled_serial[i])
			w->fn(w->opaque, p->fd, p->revents);
	}
}

/*
 * `polling` is set before the lock is given up and the table was copied
 * under it: a change after that wakes poll, one before it was copied.
 */
static void loop_round(struct loop *l)
{
	unsigned n = copy_watches(l);

	atomic_store(&l->polling, 1);
	loop_unlock(l);
	if (poll(l->polled, n, -1) < 0)
		n = 0;
	loop_lock(l);
	atomic_store(&l->polling, 0);
	dispatch(l, n);
}

void loop_run(struct loop *l)
{
	loop_lock(l);
	while (!atomic_load(&l->quit))
		loop_round(l);
	atomic_store(&l->quit, 0);
	loop_unlock(l);
}

void loop_quit(struct loop *l)
{
	atomic_store(&l->quit, 1);
	loop_wake(l);
}

void loop_wake(struct loop *l)
{
	int saved = errno;
	uint64_t one = 1;

	/* Fails only with EAGAIN, when a wake-up is pending anyway. */
	if (write(l->wake_fd, &one, sizeof(one)) < 0)
		errno = saved;
}

void loop_lock(struct loop *l)
{
	pthread_mutex_lock(&l->lock);
}

bool loop_trylock(struct loop *l)
{
	return !pthread_mutex_trylock(&l->lock);
}

void loop_unlock(struct loop *l)
{
	pthread_mutex_unlock(&l->lock);
}

void loop_wait(struct loop *l, pthread_cond_t *c)
{
	pthread_cond_wait(c, &l->lock);
}
