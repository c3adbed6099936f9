/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest time: nanoseconds of host CLOCK_MONOTONIC during which the VM was not
 * stopped, and timers on it.  All of it under the loop's lock, except
 * clock_now().
 */
#ifndef HYPERVISOR_CLOCK_H
#define HYPERVISOR_CLOCK_H

#include <time.h>

#include "hypervisor/types.h"

#define NS_PER_SEC	1000000000ULL
#define TIMER_NEVER	UINT64_MAX

/* CLOCK_MONOTONIC, which goes on while the VM is stopped. */
static inline uint64_t host_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

struct clock;
struct loop;

/*
 * Called on the loop's thread or one in clock_wait(), lock held; the timer is
 * idle by then.
 */
typedef void timer_fn(void *opaque);

/* Embedded in the device that owns it. */
struct timer {
	struct clock *clock;
	uint64_t deadline;	/* guest ns; TIMER_NEVER: idle */
	unsigned slot;		/* place in the clock's heap */
	timer_fn *fn;
	void *opaque;
};

/* Starts at guest time 0, stopped.  Returns 0 or a negative errno. */
int clock_create(struct clock **out, struct loop *l);
void clock_destroy(struct clock *c);

/* Guest ns.  Any thread; one vDSO call while the clock runs. */
uint64_t clock_now(const struct clock *c);

/*
 * Halt and continue guest time; timers keep their distance to it.  Return the
 * host's TSC at that instant, for those who stop the guest's along with it.
 */
uint64_t clock_stop(struct clock *c);
uint64_t clock_start(struct clock *c);
/* Host CLOCK_MONOTONIC in ns, and the host's TSC at the same instant. */
uint64_t clock_host(uint64_t *tsc);
/*
 * Move a stopped clock forward to @now (guest ns) and run the timers that are
 * due on the way, each at its own deadline.  Tests step time with it.
 */
void clock_advance(struct clock *c, uint64_t now);
/* Jump to @now (guest ns) when a saved machine is loaded; stopped only. */
void clock_set(struct clock *c, uint64_t now);

void timer_init(struct timer *t, struct clock *c, timer_fn *fn, void *opaque);
/*
 * (Re)arm for @deadline in guest ns; a past deadline fires at once (from the
 * loop, never from inside this call).  TIMER_NEVER disarms.  Costs a system
 * call only if this becomes the earliest deadline.
 */
void timer_set(struct timer *t, uint64_t deadline);
void timer_cancel(struct timer *t);
/*
 * As timer_cancel(), and the loop does not wake up at that time to find
 * nothing: one system call more.  For a thread that waits itself.
 */
void timer_take(struct timer *t);

/*
 * Wait, and be the one to run the timers meanwhile; the loop does not wake up
 * for them.  Until one was due, @wake_fd (an eventfd) is written to, or a signal
 * comes.  Any thread that holds the lock, which is given up while it waits, when
 * *@waiting is true: then, and not in what timers do, @wake_fd is worth a write.
 * False, and nothing done: the clock is stopped, or another thread waits so.
 */
bool clock_wait(struct clock *c, int wake_fd, bool *waiting);

static inline bool timer_armed(const struct timer *t)
{
	return t->deadline != TIMER_NEVER;
}

/*
 * @a * @mul / @div without overflow of the product: ns to ticks and back.
 * The quotient must fit 64 bits.
 */
static inline uint64_t muldiv64(uint64_t a, uint64_t mul, uint64_t div)
{
	return (unsigned __int128)a * mul / div;
}

/* As above, rounded up: the first ns at which a tick count is reached. */
static inline uint64_t muldiv64_up(uint64_t a, uint64_t mul, uint64_t div)
{
	return ((unsigned __int128)a * mul + div - 1) / div;
}

#endif
