/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real counter is the guest's TSC.  Stolen is what the vCPU's thread did
 * not get though it did not wait for an interrupt: guest time since it began,
 * less its waits in HLT, less its processor time.  Available is the rest, so
 * that real = available + stolen at all times; a late discovery of stolen time
 * is spread so that available never goes back.
 *
 * Alarms are timers of guest time.  On the loop's thread the TSC is the
 * host's and the vCPU's last known offset.
 */
#define _GNU_SOURCE
#include "hypervisor/vmi_time.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>	/* __rdtsc */

#include "hypervisor/lapic.h"
#include "hypervisor/mem.h"
#include "hypervisor/vcpu.h"
#include "spec/vmi.h"

#define MEASURE_NS	20000000ULL	/* at least this long: 10 ppm */
#define MOMENT_TRIES	8
#define SAMPLE_NS	1000000ULL
#define WALL_JUMP_NS	500000000LL	/* what counts as having been set */
#define RETRY_NS	1000		/* an alarm that came too early */

static uint64_t now_of(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

static uint64_t to_cycles(struct vmi_time *t, uint64_t ns)
{
	return muldiv64(ns, vmi_frequency(t), NS_PER_SEC);
}

/* The same moment by both clocks: of some tries the one least disturbed. */
static void moment(uint64_t *tsc, uint64_t *mono)
{
	uint64_t best = UINT64_MAX;

	*tsc = *mono = 0;
	for (int n = 0; n < MOMENT_TRIES; n++) {
		uint64_t before = __rdtsc(), ns = now_of(CLOCK_MONOTONIC);
		uint64_t after = __rdtsc();

		if (after - before >= best)
			continue;
		best = after - before;
		*tsc = before + best / 2;
		*mono = ns;
	}
}

uint64_t vmi_frequency(struct vmi_time *t)
{
	uint64_t tsc, mono;

	if (t->hz)
		return t->hz;
	do
		moment(&tsc, &mono);
	while (mono - t->mono0 < MEASURE_NS);
	t->hz = muldiv64(tsc - t->tsc0, NS_PER_SEC, mono - t->mono0);
	return t->hz;
}

/* ------------------------------------------------ counters */

static uint64_t real_of(const struct vmi_time *t, unsigned cpu)
{
	return __rdtsc() + t->cpu[cpu].tsc_offset;
}

/* What the thread was kept from, in ns; its own processor time is asked. */
static uint64_t stolen_ns(const struct vmi_time *t, const struct vmi_cpu_time *c,
			  uint64_t now)
{
	uint64_t used = now_of(CLOCK_THREAD_CPUTIME_ID) + c->halted_ns;
	uint64_t since = now - c->began;

	return since > used ? since - used : 0;
}

static void look(struct vmi_time *t, unsigned cpu, uint64_t now)
{
	struct vmi_cpu_time *c = &t->cpu[cpu];
	uint64_t real = real_of(t, cpu), stolen;

	stolen = to_cycles(t, stolen_ns(t, c, now));
	if (stolen < c->stolen)
		stolen = c->stolen;
	/* Available was told as real - c->stolen; not less from now on. */
	if (real - stolen < c->available)
		stolen = real - c->available;
	c->stolen = stolen;
}

static void put_record(struct vmi_time *t, unsigned cpu)
{
	struct vmi_cpu_time *c = &t->cpu[cpu];
	uint64_t real = real_of(t, cpu);
	struct vmi_stolen_time r = {
		.version = c->version + 1, .flags = VMI_STOLEN_VALID,
		.stolen_ns = muldiv64(c->stolen, NS_PER_SEC,
				      vmi_frequency(t)),
		.real = real, .available = real - c->stolen,
		.stolen = c->stolen,
	};

	/* Odd, the rest, even: for who reads another processor's. */
	mem_write(t->mem, c->record, &r.version, sizeof(r.version));
	mem_write(t->mem, c->record + sizeof(r.version),
		  (const uint8_t *)&r + sizeof(r.version),
		  sizeof(r) - sizeof(r.version));
	r.version++;
	mem_write(t->mem, c->record, &r.version, sizeof(r.version));
	c->version = r.version;
}

void vmi_time_sample(struct vmi_time *t, const struct vcpu *v)
{
	struct vmi_cpu_time *c = &t->cpu[v->cpu_index];
	uint64_t tsc = __rdtsc(), now;

	c->tsc_offset = v->msr.tsc_offset;
	if (tsc < c->look_at)
		return;
	c->look_at = tsc + to_cycles(t, SAMPLE_NS);
	now = clock_now(t->clock);
	if (!c->began)
		c->began = now + 1 - c->halted_ns -
			   now_of(CLOCK_THREAD_CPUTIME_ID);
	look(t, v->cpu_index, now);
	if (c->record)
		put_record(t, v->cpu_index);
}

void vmi_time_idle(struct vmi_time *t, unsigned cpu, bool begin)
{
	struct vmi_cpu_time *c = &t->cpu[cpu];
	uint64_t now = clock_now(t->clock);

	if (begin)
		c->halt_began = now + 1;
	else if (c->halt_began)
		c->halted_ns += now + 1 - c->halt_began;
	if (!begin)
		c->halt_began = 0;
}

uint64_t vmi_counter(struct vmi_time *t, const struct vcpu *v, uint32_t which)
{
	struct vmi_cpu_time *c = &t->cpu[v->cpu_index];

	vmi_time_sample(t, v);
	switch (which) {
	case VMI_COUNTER_REAL:
		return real_of(t, v->cpu_index);
	case VMI_COUNTER_AVAILABLE:
		c->available = real_of(t, v->cpu_index) - c->stolen;
		return c->available;
	case VMI_COUNTER_STOLEN:
		return c->stolen;
	default:
		return 0;
	}
}

int vmi_stolen_page(struct vmi_time *t, const struct vcpu *v, uint32_t pfn,
		    uint32_t where)
{
	struct vmi_cpu_time *c = &t->cpu[v->cpu_index];
	gpa_t gpa = (gpa_t)pfn << PAGE_SHIFT |
		    (where & VMI_STOLEN_OFFSET_MASK);

	if (where & ~(uint32_t)(VMI_STOLEN_ENABLE | VMI_STOLEN_OFFSET_MASK))
		return -1;
	c->record = 0;
	if (!(where & VMI_STOLEN_ENABLE))
		return 0;
	if (!(mem_flags(t->mem, gpa) & MEM_RAM))
		return -1;
	c->record = gpa;
	c->version = 0;
	c->look_at = 0;
	vmi_time_sample(t, v);
	return 0;
}

/* ------------------------------------------------ alarms */

static uint64_t counter_now(const struct vmi_time *t, unsigned cpu,
			    unsigned which)
{
	uint64_t real = real_of(t, cpu);

	return which == VMI_COUNTER_REAL ? real : real - t->cpu[cpu].stolen;
}

/* Returns the deadline in guest ns. */
static uint64_t note_deadline(struct vmi_time *t, unsigned cpu, unsigned which)
{
	struct vmi_alarm_state *a = &t->saved[cpu][which];
	uint64_t now = counter_now(t, cpu, which), ns = 0;

	if (a->expiry > now) {
		/* Too far for 64 bits of ns is never. */
		ns = (a->expiry - now) / vmi_frequency(t) > UINT32_MAX
			? (uint64_t)UINT32_MAX * NS_PER_SEC
			: muldiv64_up(a->expiry - now, NS_PER_SEC,
				      vmi_frequency(t));
	}
	a->deadline = clock_now(t->clock) + ns;
	return a->deadline;
}

static void arm(struct vmi_time *t, unsigned cpu, unsigned which)
{
	timer_set(&t->alarm[cpu][which].timer, note_deadline(t, cpu, which));
}

static void disarm(struct vmi_time *t, unsigned cpu, unsigned which)
{
	t->saved[cpu][which].deadline = TIMER_NEVER;
	timer_cancel(&t->alarm[cpu][which].timer);
}

static void interrupt(struct vmi_time *t, unsigned cpu, uint32_t flags)
{
	t->fired++;
	if (!(flags & VMI_ALARM_LVTT) && t->irq0)
		t->irq0(t->irq0_opaque);
	else if (flags & VMI_ALARM_LVTT && t->lapic[cpu])
		lapic_timer_fire(t->lapic[cpu]);
}

/* The next expiry that is still to come; the ones between coalesce. */
static void next_period(struct vmi_time *t, struct vmi_alarm_state *a,
			uint64_t now)
{
	uint64_t n = (now - a->expiry) / a->period + 1;

	t->coalesced += n - 1;
	a->expiry += n * a->period;
}

static void expired(void *opaque)
{
	struct vmi_alarm *alarm = opaque;
	struct vmi_time *t = alarm->time;
	unsigned cpu = alarm->cpu, which = alarm - t->alarm[cpu];
	struct vmi_alarm_state *a = &t->saved[cpu][which];
	uint64_t now = counter_now(t, cpu, which);

	if (now < a->expiry) {
		/* Stolen time, or the measurement was off by a little. */
		arm(t, cpu, which);
		if (a->deadline < clock_now(t->clock) + RETRY_NS)
			timer_set(&alarm->timer,
				  clock_now(t->clock) + RETRY_NS);
		return;
	}
	if (a->period) {
		next_period(t, a, now);
		arm(t, cpu, which);
	} else {
		a->deadline = TIMER_NEVER;
	}
	interrupt(t, cpu, a->flags);
}

uint64_t vmi_alarms_first(const struct vmi_time *t, unsigned cpu)
{
	uint64_t first = TIMER_NEVER;

	for (unsigned k = 0; k < VMI_ALARMS; k++)
		if (t->saved[cpu][k].deadline < first)
			first = t->saved[cpu][k].deadline;
	return first;
}

void vmi_alarms_take(struct vmi_time *t, unsigned cpu)
{
	for (unsigned k = 0; k < VMI_ALARMS; k++)
		timer_take(&t->alarm[cpu][k].timer);
}

void vmi_alarms_give(struct vmi_time *t, unsigned cpu)
{
	uint64_t now = clock_now(t->clock);

	for (unsigned k = 0; k < VMI_ALARMS; k++) {
		uint64_t deadline = t->saved[cpu][k].deadline;

		if (deadline == TIMER_NEVER)
			continue;
		if (deadline <= now)
			expired(&t->alarm[cpu][k]);
		else
			timer_set(&t->alarm[cpu][k].timer, deadline);
	}
}

/*
 * A guest that sets an alarm for the next moment mostly halts until then, and
 * its thread waits for the alarm itself.  That the loop would wake up at the
 * same time, for nothing, is the dearest part of it; so it wakes up later.
 */
static void arm_late(struct vmi_time *t, unsigned cpu, unsigned which)
{
	uint64_t soon = clock_now(t->clock) + VMI_LATE_NS;
	uint64_t deadline = note_deadline(t, cpu, which);

	timer_set(&t->alarm[cpu][which].timer,
		  deadline < soon ? soon : deadline);
}

void vmi_set_alarm(struct vmi_time *t, const struct vcpu *v, uint32_t flags,
		   uint64_t expiry, uint64_t period)
{
	unsigned which = flags & VMI_ALARM_COUNTER_MASK;
	struct vmi_alarm_state *a;

	if (which >= VMI_ALARMS)
		return;
	vmi_time_sample(t, v);
	a = &t->saved[v->cpu_index][which];
	a->flags = flags;
	a->expiry = expiry;
	a->period = flags & VMI_ALARM_PERIODIC ? period : 0;
	/* More often than this the loop could not do anything else. */
	if (a->period && a->period < to_cycles(t, RETRY_NS))
		a->period = to_cycles(t, RETRY_NS);
	t->armed++;
	arm_late(t, v->cpu_index, which);
}

bool vmi_cancel_alarm(struct vmi_time *t, unsigned cpu, uint32_t flags)
{
	unsigned which = flags & VMI_ALARM_COUNTER_MASK;
	bool was;

	if (which >= VMI_ALARMS)
		return false;
	was = t->saved[cpu][which].deadline != TIMER_NEVER;
	disarm(t, cpu, which);
	return was;
}

/* ------------------------------------------------ wall clock */

uint64_t vmi_wallclock(struct vmi_time *t)
{
	return now_of(CLOCK_REALTIME);
}

bool vmi_wallclock_updated(struct vmi_time *t)
{
	uint64_t base = now_of(CLOCK_REALTIME) - clock_now(t->clock);
	int64_t moved = base - t->wall_base;

	if (moved > -WALL_JUMP_NS && moved < WALL_JUMP_NS)
		return false;
	t->wall_base = base;
	return true;
}

/* ------------------------------------------------ life cycle */

void vmi_time_init(struct vmi_time *t, struct clock *clock, struct mem *mem)
{
	t->clock = clock;
	t->mem = mem;
	moment(&t->tsc0, &t->mono0);
	for (unsigned c = 0; c < VMI_CPUS; c++)
		for (unsigned k = 0; k < VMI_ALARMS; k++) {
			struct vmi_alarm *a = &t->alarm[c][k];

			a->time = t;
			a->cpu = c;
			timer_init(&a->timer, clock, expired, a);
			t->saved[c][k].deadline = TIMER_NEVER;
		}
}

void vmi_time_reset(struct vmi_time *t)
{
	for (unsigned c = 0; c < VMI_CPUS; c++) {
		for (unsigned k = 0; k < VMI_ALARMS; k++)
			disarm(t, c, k);
		t->cpu[c] = (struct vmi_cpu_time){ 0 };
	}
	t->wall_base = now_of(CLOCK_REALTIME) - clock_now(t->clock);
}

int vmi_time_loaded(struct vmi_time *t)
{
	for (unsigned c = 0; c < VMI_CPUS; c++) {
		gpa_t at = t->cpu[c].record;

		if (at && ((at & ~PAGE_MASK & ~VMI_STOLEN_OFFSET_MASK) ||
			   !(mem_flags(t->mem, at) & MEM_RAM)))
			return -EINVAL;
		for (unsigned k = 0; k < VMI_ALARMS; k++)
			timer_set(&t->alarm[c][k].timer,
				  t->saved[c][k].deadline);
	}
	return 0;
}

void vmi_time_fini(struct vmi_time *t)
{
	for (unsigned c = 0; c < VMI_CPUS; c++)
		for (unsigned k = 0; k < VMI_ALARMS; k++)
			timer_cancel(&t->alarm[c][k].timer);
}
