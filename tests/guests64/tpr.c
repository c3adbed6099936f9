// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CR8 and the local APIC's task priority are one register.  (That a lower CR8
 * counts at once is in shadows.c: a KVM that emulates MOV CR8 does not say so
 * before its next exit.)
 */
#include "tests/guests64/guest.h"
#include "tests/guests64/lapic.h"

static volatile uint64_t selfs;

static void on_self(struct trap *t)
{
	selfs++;
	poke32(LAPIC_EOI, 0);
}

/* Time for an interrupt that waits: interrupts on for a while. */
static void let_in(uint64_t want)
{
	__asm__ volatile("sti" ::: "memory");
	for (unsigned i = 0; i < 20000 && selfs < want; i++)
		__asm__ volatile("nop");
	__asm__ volatile("cli" ::: "memory");
}

void guest_main(void)
{
	trap_hooks[SELF_VECTOR] = on_self;
	poke32(LAPIC_SVR, SVR_ENABLE);
	set_cr8(6);
	ok((peek32(LAPIC_TPR) & 0xff) == 0x60, "CR8 is the TPR");
	poke32(LAPIC_ICR, ICR_SELF | SELF_VECTOR);
	let_in(1);
	ok(selfs == 0, "CR8 holds off lower classes");
	set_cr8(4);
	ok((peek32(LAPIC_TPR) & 0xff) == 0x40, "a lower one, too");
	let_in(1);
	ok(selfs == 1, "and lets them go when it sinks");
	set_cr8(0);
	poke32(LAPIC_TPR, 0x30);
	ok(get_cr8() == 3, "the TPR is CR8");
	poke32(LAPIC_TPR, 0);
}
