/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC's timer, SDM 10.5.4.  Its current count is derived from guest
 * time.
 */
#include "hypervisor/lapic_priv.h"

/* Periods that a late guest still gets. */
#define OWED_MAX	1000
/* A periodic timer shorter than this would only starve the host. */
#define PERIOD_MIN_NS	10000ULL

/* ns per count. */
static uint64_t divisor(const struct lapic *l)
{
	unsigned code = (l->divide & 3) | (l->divide >> 1 & 4);

	return code == 7 ? 1 : 2ULL << code;
}

static uint64_t timer_period(const struct lapic *l)
{
	return muldiv64((uint64_t)l->initial * divisor(l), NS_PER_SEC,
			LAPIC_TIMER_HZ);
}

static bool timer_periodic(const struct lapic *l)
{
	return l->lvt[LVT_TIMER] & LVT_PERIODIC;
}

static uint64_t periods_due(const struct lapic *l)
{
	uint64_t period = timer_period(l);
	uint64_t ns = clock_now(l->cfg.clock) - l->started;

	if (!l->running)
		return 0;
	return timer_periodic(l) ? ns / period : ns >= period;
}

uint32_t lapic_timer_count(const struct lapic *l)
{
	uint64_t counts;

	if (!l->running)
		return 0;
	counts = muldiv64(clock_now(l->cfg.clock) - l->started,
			  LAPIC_TIMER_HZ, NS_PER_SEC) / divisor(l);
	if (timer_periodic(l))
		return l->initial - counts % l->initial;
	return counts < l->initial ? l->initial - counts : 0;
}

void lapic_timer_schedule(struct lapic *l)
{
	uint64_t now, when;

	if (!l->running || l->lvt[LVT_TIMER] & LVT_MASKED) {
		timer_cancel(&l->timer);
		return;
	}
	now = clock_now(l->cfg.clock);
	when = l->started + (l->periods + 1) * timer_period(l);
	if (l->periods && when < now + PERIOD_MIN_NS)
		when = now + PERIOD_MIN_NS;
	timer_set(&l->timer, when);
}

/*
 * Give the guest a period that is due, if it took the one before; what is
 * still owed follows when it takes this one (lapic_ack).
 */
static void timer_pay_period(struct lapic *l)
{
	uint64_t due = periods_due(l);

	if (due <= l->periods || lapic_bit(l->irr, l->lvt[LVT_TIMER]))
		return;
	if (due - l->periods > OWED_MAX)
		l->periods = due - OWED_MAX;
	l->periods++;
	lapic_lvt_fire(l, LVT_TIMER);
}

void lapic_timer_expired(void *opaque)
{
	struct lapic *l = opaque;

	if (timer_periodic(l)) {
		timer_pay_period(l);
		if (periods_due(l) > l->periods)
			return;		/* lapic_ack() goes on */
	} else if (periods_due(l)) {
		l->running = 0;
		lapic_lvt_fire(l, LVT_TIMER);
	}
	lapic_timer_schedule(l);
}

void lapic_timer_taken(struct lapic *l)
{
	if (!timer_periodic(l) || timer_armed(&l->timer))
		return;
	timer_pay_period(l);
	lapic_timer_schedule(l);
}

void lapic_timer_start(struct lapic *l, uint32_t initial)
{
	l->initial = initial;
	l->running = initial != 0;
	l->started = clock_now(l->cfg.clock);
	l->periods = 0;
	lapic_timer_schedule(l);
}

/*
 * A new divider, mode or mask: go on from the current count.  What expired
 * while it was masked is lost.
 */
void lapic_timer_change(struct lapic *l, uint32_t *reg, uint32_t val)
{
	uint64_t count = lapic_timer_count(l);
	uint64_t done = l->initial - count;

	if (!count)
		l->running = 0;
	*reg = val;
	l->started = clock_now(l->cfg.clock) - done * divisor(l);
	l->periods = 0;
	lapic_timer_schedule(l);
}

void lapic_timer_put(struct lapic *l, const struct irqchip_lapic *in)
{
	uint32_t count = in->reg[LAPIC_R_CURRENT];

	l->divide = in->reg[LAPIC_R_DIVIDE] & 0xb;
	l->initial = in->reg[LAPIC_R_INITIAL];
	l->running = l->initial && count && count <= l->initial;
	l->started = clock_now(l->cfg.clock) -
		     (uint64_t)(l->initial - count) * divisor(l);
	l->periods = 0;
}

void lapic_timer_fire(struct lapic *l)
{
	if (!lapic_enabled(l))
		return;
	lapic_lvt_fire(l, LVT_TIMER);
	lapic_update(l);
}
