/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest time and timers; see clock.h.
 *
 * Timers sit in a binary heap by deadline.  One timerfd serves them all.  It
 * is programmed only when the earliest deadline moves forward of what it is
 * armed for: devices that keep pushing a deadline back (a LAPIC one-shot that
 * is rewritten before it fires) cost one early wake-up, not a system call per
 * store.
 *
 * The loop watches the timerfd through an epoll instance, so that one system call
 * keeps it from waking up while a halted processor's thread waits for timers
 * itself.  On a host that is a VM, a timer interrupt that wakes up one thread
 * instead of two, and a timer that is programmed once, not again and again, are
 * a third of what a short sleep of the guest costs.
 */
#define _GNU_SOURCE
#include "hypervisor/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>	/* __rdtsc */

#include "hypervisor/loop.h"

#define HEAP_MAX	256	/* timers in one machine */
#define PAIR_TRIES	20
#define PAIR_CYCLES	500

struct clock {
	struct loop *loop;
	int fd, epoll_fd;
	bool lent;		/* a thread is in clock_wait() */
	/*
	 * Running: guest time = host time - base.  Stopped: guest time =
	 * frozen.  Read without the lock; a reader during clock_stop() may
	 * see either side of the edge.
	 */
	atomic_bool running;
	atomic_uint_fast64_t base, frozen;
	uint64_t armed;		/* guest ns the timerfd is set to */
	unsigned count;
	struct timer *heap[HEAP_MAX];
};

/*
 * The thread may lose the processor between the two: the narrowest of some
 * tries counts, and the first narrow one is good enough.
 */
uint64_t clock_host(uint64_t *tsc)
{
	uint64_t best = UINT64_MAX, ns = 0;

	for (int try = 0; try < PAIR_TRIES && best > PAIR_CYCLES; try++) {
		uint64_t before = __rdtsc();
		uint64_t now = host_ns();
		uint64_t width = __rdtsc() - before;

		if (width >= best)
			continue;
		best = width;
		ns = now;
		*tsc = before + width / 2;
	}
	return ns;
}

uint64_t clock_now(const struct clock *c)
{
	if (!atomic_load_explicit(&c->running, memory_order_acquire))
		return atomic_load(&c->frozen);
	return host_ns() - atomic_load_explicit(&c->base,
						memory_order_relaxed);
}

/*
 * The heap.
 */

static void place(struct clock *c, unsigned slot, struct timer *t)
{
	c->heap[slot] = t;
	t->slot = slot;
}

static void sift_up(struct clock *c, unsigned slot, struct timer *t)
{
	while (slot && c->heap[(slot - 1) / 2]->deadline > t->deadline) {
		place(c, slot, c->heap[(slot - 1) / 2]);
		slot = (slot - 1) / 2;
	}
	place(c, slot, t);
}

static void sift_down(struct clock *c, unsigned slot, struct timer *t)
{
	for (;;) {
		unsigned kid = 2 * slot + 1;

		if (kid + 1 < c->count &&
		    c->heap[kid + 1]->deadline < c->heap[kid]->deadline)
			kid++;
		if (kid >= c->count || c->heap[kid]->deadline >= t->deadline)
			break;
		place(c, slot, c->heap[kid]);
		slot = kid;
	}
	place(c, slot, t);
}

static void heap_insert(struct clock *c, struct timer *t)
{
	if (c->count == HEAP_MAX)
		abort();
	sift_up(c, c->count++, t);
}

static void heap_remove(struct clock *c, struct timer *t)
{
	unsigned slot = t->slot;
	struct timer *last = c->heap[--c->count];

	if (last == t)
		return;
	if (slot && c->heap[(slot - 1) / 2]->deadline > last->deadline)
		sift_up(c, slot, last);
	else
		sift_down(c, slot, last);
}

/*
 * The timerfd.
 */

static void arm(struct clock *c, uint64_t deadline)
{
	struct itimerspec its = { 0 };
	uint64_t host = deadline + atomic_load(&c->base);

	/* Zero would disarm. */
	if (!host)
		host = 1;
	its.it_value.tv_sec = host / NS_PER_SEC;
	its.it_value.tv_nsec = host % NS_PER_SEC;
	timerfd_settime(c->fd, TFD_TIMER_ABSTIME, &its, NULL);
	c->armed = deadline;
}

static void disarm(struct clock *c)
{
	struct itimerspec its = { 0 };

	timerfd_settime(c->fd, 0, &its, NULL);
	c->armed = TIMER_NEVER;
}

static void rearm(struct clock *c)
{
	if (c->running && c->count && c->heap[0]->deadline < c->armed)
		arm(c, c->heap[0]->deadline);
}

/*
 * Only timers due at the moment of entry: one that re-arms itself in the past
 * (a device catching up) must not starve the rest of the loop.
 */
static void run_timers(struct clock *c)
{
	uint64_t now = clock_now(c);

	while (c->running && c->count && c->heap[0]->deadline <= now) {
		struct timer *t = c->heap[0];

		heap_remove(c, t);
		t->deadline = TIMER_NEVER;
		t->fn(t->opaque);
	}
}

void clock_advance(struct clock *c, uint64_t now)
{
	while (c->count && c->heap[0]->deadline <= now) {
		struct timer *t = c->heap[0];

		if (t->deadline > c->frozen)
			c->frozen = t->deadline;
		heap_remove(c, t);
		t->deadline = TIMER_NEVER;
		t->fn(t->opaque);
	}
	c->frozen = now;
}

static void expired(void *opaque, int fd, short revents)
{
	struct clock *c = opaque;
	uint64_t n;

	if (read(c->fd, &n, sizeof(n)) != sizeof(n))
		return;		/* re-armed between poll and lock */
	c->armed = 0;		/* no settime from inside the callbacks */
	run_timers(c);
	c->armed = TIMER_NEVER;
	rearm(c);
}

/* What of the timerfd does the loop hear?  Returns 0 or a negative errno. */
static int watch(struct clock *c, int op, uint32_t events)
{
	struct epoll_event e = { .events = events };

	return epoll_ctl(c->epoll_fd, op, c->fd, &e) ? -errno : 0;
}

/* For no more than is due next: waking up for what was put off is dear. */
static void rearm_exactly(struct clock *c)
{
	if (c->count && c->heap[0]->deadline != c->armed)
		arm(c, c->heap[0]->deadline);
	else if (!c->count && c->armed != TIMER_NEVER)
		disarm(c);
}

bool clock_wait(struct clock *c, int wake_fd, bool *waiting)
{
	struct pollfd p[] = { { c->fd, POLLIN, 0 }, { wake_fd, POLLIN, 0 } };
	uint64_t n;
	int ready;

	if (c->lent || !c->running || watch(c, EPOLL_CTL_MOD, 0))
		return false;
	c->lent = *waiting = true;
	rearm_exactly(c);
	loop_unlock(c->loop);
	ready = poll(p, 2, -1);
	loop_lock(c->loop);
	*waiting = false;
	if (ready > 0 && p[1].revents && read(wake_fd, &n, sizeof(n)) < 0)
		p[1].revents = 0;	/* cannot be: nobody else reads it */
	if (ready > 0 && p[0].revents)
		expired(c, c->fd, POLLIN);
	c->lent = false;
	if (watch(c, EPOLL_CTL_MOD, EPOLLIN))
		abort();	/* guest time would stand still */
	return true;
}

static int open_fds(struct clock *c)
{
	int err;

	c->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->fd < 0 || c->epoll_fd < 0)
		return -errno;
	err = watch(c, EPOLL_CTL_ADD, EPOLLIN);
	return err ? err :
	       loop_add_fd(c->loop, c->epoll_fd, POLLIN, expired, c);
}

int clock_create(struct clock **out, struct loop *l)
{
	struct clock *c = calloc(1, sizeof(*c));
	int err;

	*out = NULL;
	if (!c)
		return -ENOMEM;
	c->loop = l;
	c->armed = TIMER_NEVER;
	err = open_fds(c);
	if (err) {
		clock_destroy(c);
		return err;
	}
	*out = c;
	return 0;
}

void clock_destroy(struct clock *c)
{
	if (!c)
		return;
	loop_del_fd(c->loop, c->epoll_fd);
	if (c->epoll_fd >= 0)
		close(c->epoll_fd);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

uint64_t clock_stop(struct clock *c)
{
	uint64_t tsc, now = clock_host(&tsc);

	if (!c->running)
		return tsc;
	c->frozen = now - c->base;
	c->running = false;
	disarm(c);
	return tsc;
}

uint64_t clock_start(struct clock *c)
{
	uint64_t tsc, now = clock_host(&tsc);

	if (c->running)
		return tsc;
	c->base = now - c->frozen;
	c->running = true;
	rearm(c);
	return tsc;
}

void clock_set(struct clock *c, uint64_t now)
{
	c->frozen = now;
}

void timer_init(struct timer *t, struct clock *c, timer_fn *fn, void *opaque)
{
	*t = (struct timer){ c, TIMER_NEVER, 0, fn, opaque };
}

void timer_set(struct timer *t, uint64_t deadline)
{
	if (t->deadline == deadline)
		return;
	if (timer_armed(t))
		heap_remove(t->clock, t);
	t->deadline = deadline;
	if (!timer_armed(t))
		return;
	heap_insert(t->clock, t);
	rearm(t->clock);
}

void timer_cancel(struct timer *t)
{
	timer_set(t, TIMER_NEVER);
}

void timer_take(struct timer *t)
{
	struct clock *c = t->clock;
	bool first = timer_armed(t) && t->deadline == c->armed;

	timer_cancel(t);
	if (!first || !c->running)
		return;
	if (c->count)
		arm(c, c->heap[0]->deadline);
	else
		disarm(c);
}
