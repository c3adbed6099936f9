/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMI time: cycle counters, alarms, stolen time, wall clock (spec/vmi.md,
 * "Time").  For vmi.c; all of it with the lock held.
 */
#ifndef HYPERVISOR_VMI_TIME_H
#define HYPERVISOR_VMI_TIME_H

#include "hypervisor/clock.h"
#include "hypervisor/types.h"

#define VMI_CPUS	32
/* How late an alarm may be that is set for less than this from now, in ns. */
#define VMI_LATE_NS	20000u
#define VMI_ALARMS	2	/* one on each of REAL and AVAILABLE */

struct lapic;
struct mem;
struct vcpu;
struct vmi_time;

/* What is saved of an alarm. */
struct vmi_alarm_state {
	uint64_t deadline;	/* guest ns; TIMER_NEVER: not armed */
	uint64_t expiry, period; /* cycles of its counter; period 0: once */
	uint32_t flags, pad;
};

struct vmi_alarm {
	struct vmi_time *time;
	unsigned cpu;
	struct timer timer;
};

struct vmi_cpu_time {
	uint64_t tsc_offset;	/* as last seen */
	uint64_t halted_ns;	/* waiting for interrupts, in all */
	uint64_t halt_began;	/* guest ns; 0: it runs */
	uint64_t stolen;	/* cycles */
	uint64_t available;	/* cycles, as last told: it never goes back */
	uint64_t look_at;	/* host TSC when `stolen' is looked at next */
	uint64_t began;		/* guest ns when the thread was first seen */
	gpa_t record;		/* stolen-time record; 0: none */
	uint32_t version;	/* its */
};

struct vmi_time {
	struct clock *clock;
	struct mem *mem;
	void (*irq0)(void *opaque);	/* see vmi_on_irq0() */
	void *irq0_opaque;
	struct lapic *lapic[VMI_CPUS];
	uint64_t hz;		/* 0: not measured yet */
	uint64_t tsc0, mono0;	/* where the measurement began */
	uint64_t wall_base;	/* ns since 1970 at guest time 0, as told last */
	struct vmi_cpu_time cpu[VMI_CPUS];
	struct vmi_alarm alarm[VMI_CPUS][VMI_ALARMS];
	struct vmi_alarm_state saved[VMI_CPUS][VMI_ALARMS];
	uint64_t armed, fired, coalesced;	/* alarms, for statistics */
};

void vmi_time_init(struct vmi_time *t, struct clock *clock, struct mem *mem);
void vmi_time_reset(struct vmi_time *t);
/* Arm what `saved' says, which is checked.  0 or -EINVAL. */
int vmi_time_loaded(struct vmi_time *t);
void vmi_time_fini(struct vmi_time *t);

uint64_t vmi_frequency(struct vmi_time *t);
/* Counter @which (VMI_COUNTER_*) of the calling vCPU; others: 0. */
uint64_t vmi_counter(struct vmi_time *t, const struct vcpu *v, uint32_t which);
void vmi_set_alarm(struct vmi_time *t, const struct vcpu *v, uint32_t flags,
		   uint64_t expiry, uint64_t period);
/* Was it armed? */
bool vmi_cancel_alarm(struct vmi_time *t, unsigned cpu, uint32_t flags);
uint64_t vmi_wallclock(struct vmi_time *t);
bool vmi_wallclock_updated(struct vmi_time *t);
/* 0, or -1 for what is not RAM. */
int vmi_stolen_page(struct vmi_time *t, const struct vcpu *v, uint32_t pfn,
		    uint32_t where);
/* Look at the thread's times if that is due.  vCPU thread. */
void vmi_time_sample(struct vmi_time *t, const struct vcpu *v);
void vmi_time_idle(struct vmi_time *t, unsigned cpu, bool begin);
/* The next alarm of @cpu (guest ns), or TIMER_NEVER. */
uint64_t vmi_alarms_first(const struct vmi_time *t, unsigned cpu);
/* The thread of @cpu will wait for its alarms itself: not the loop. */
void vmi_alarms_take(struct vmi_time *t, unsigned cpu);
/* It has waited: alarms that are due happen, the others are the loop's again. */
void vmi_alarms_give(struct vmi_time *t, unsigned cpu);

#endif
