// SPDX-License-Identifier: GPL-2.0-or-later
/* Interrupts to the instruction: behind STI and a lower CR8. */
#include "tests/guests64/guest.h"
#include "tests/guests64/lapic.h"

static volatile uint64_t selfs, self_rip;

static void on_self(struct trap *t)
{
	selfs++;
	self_rip = t->rip;
	poke32(LAPIC_EOI, 0);
}

static void send(void)
{
	poke32(LAPIC_ICR, ICR_SELF | SELF_VECTOR);
}

void guest_main(void)
{
	extern const uint8_t sti_next[], tpr_next[];

	trap_hooks[SELF_VECTOR] = on_self;
	poke32(LAPIC_SVR, SVR_ENABLE);
	send();
	__asm__ volatile("sti\n.globl sti_next\nsti_next: nop\nnop\ncli"
			 ::: "memory");
	ok(selfs == 1 && self_rip == (uint64_t)sti_next + 1,
	   "one instruction behind STI");
	send();
	__asm__ volatile("sti; cli" ::: "memory");
	ok(selfs == 1, "not between STI and CLI");
	__asm__ volatile("sti; nop; nop; cli" ::: "memory");
	ok(selfs == 2, "but later");
	set_cr8(15);
	send();
	__asm__ volatile("sti; nop; nop\n movq %0, %%cr8\n"
			 ".globl tpr_next\ntpr_next: nop\ncli"
			 :: "r"(0ull) : "memory");
	ok(selfs == 3 && self_rip == (uint64_t)tpr_next,
	   "right behind a lower CR8");
}
