// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows about time: arming a timer, and the whole round of arming it 2 us
 * ahead, halting, taking its interrupt.  The local APIC's timer against VMI
 * alarms.  What the host takes to wake a thread is in the second one.
 */
#include "spec/vmi.h"
#include "tools/nano/ops.h"
#include "tools/nano/site.h"

#define APIC_INITIAL	0x380
#define SHORT_NS	2000u	/* LAPIC counts of 1 ns; on others they vary */
#define FAR_AWAY	0x7fffffffu
#define TIMES(n)	for (uint32_t left = (n); left; left--)

extern const uint8_t on_timer[];
extern uint32_t apic_write_call;

bool timer_prepare(uint32_t n)
{
	apic_write_call = pv_call(VMI_CALL_APIC_WRITE);
	gate_set(VEC_TIMER, on_timer, 0);
	return true;
}

void arm_n(uint32_t n)
{
	TIMES(n)
		poke32(LAPIC_VA + APIC_INITIAL, FAR_AWAY);
	poke32(LAPIC_VA + APIC_INITIAL, 0);
}

/* The real counter is the TSC's, or a call away. */
static uint64_t now(void)
{
	pv_get64 *counter = PV(pv_get64 *, VMI_CALL_GET_CYCLE_COUNTER);

	return counter ? counter(VMI_COUNTER_REAL) : cycles_now();
}

void arm_v(uint32_t n)
{
	pv_alarm *alarm = PV(pv_alarm *, VMI_CALL_SET_ALARM);
	pv_u32 *cancel = PV(pv_u32 *, VMI_CALL_CANCEL_ALARM);

	TIMES(n)
		alarm(VMI_ALARM_LVTT | VMI_COUNTER_REAL,
		      now() + ((uint64_t)FAR_AWAY << 1), 0);
	cancel(VMI_ALARM_LVTT | VMI_COUNTER_REAL);
}

static void disable(void)
{
	__asm__ volatile(SITE_ASM(VMI_CALL_DISABLE_INTERRUPTS, "cli")
			 ::: "memory", "cc");
}

void timer_n(uint32_t n)
{
	TIMES(n) {
		uint32_t before = events;

		poke32(LAPIC_VA + APIC_INITIAL, SHORT_NS);
		while (events == before) {
			__asm__ volatile("sti; hlt" ::: "memory");
			disable();
		}
	}
}

void timer_v(uint32_t n)
{
	pv_alarm *alarm = PV(pv_alarm *, VMI_CALL_SET_ALARM);
	pv_void *halt = PV(pv_void *, VMI_CALL_HALT);
	uint64_t hz = PV(pv_get64 *, VMI_CALL_GET_CYCLE_FREQUENCY)(0);
	/* Cycles in SHORT_NS: MHz, near enough, times us. */
	uint32_t ahead = (uint32_t)(hz >> 20) * (SHORT_NS / 1000);

	TIMES(n) {
		uint32_t before = events;

		alarm(VMI_ALARM_LVTT | VMI_COUNTER_REAL, now() + ahead, 0);
		while (events == before) {
			if (halt)
				halt();
			else
				__asm__ volatile("sti; hlt" ::: "memory");
			disable();
		}
	}
}
