// SPDX-License-Identifier: GPL-2.0-or-later
/* INT n and INT3 at CPL 0. */
#include "tests/guests64/guest.h"

static volatile uint64_t hook_rip, hook_cs;

static void on_int(struct trap *t)
{
	hook_rip = t->rip;
	hook_cs = t->cs;
	t->rax++;
}

void guest_main(void)
{
	uint64_t rax = 1, next;

	trap_hooks[VEC_BP] = on_int;
	__asm__ volatile("leaq 1f(%%rip), %1; int3\n1:" : "+a"(rax), "=r"(next)
			 :: "memory");
	ok(rax == 2 && hook_rip == next, "INT3: rip behind it, and back");
	trap_hooks[VEC_BP] = NULL;
	trap_hooks[0x83] = on_int;
	__asm__ volatile("leaq 1f(%%rip), %1; int $0x83\n1:"
			 : "+a"(rax), "=r"(next) :: "memory");
	ok(rax == 3 && hook_rip == next && hook_cs == KERNEL_CS,
	   "INT n at CPL 0, whatever the gate's DPL");
	idt_set(0x84, 0, 0xe, 0, 0);
	idt_absent(0x84);
	ok(CATCH(__asm__ volatile("int $0x84")) == VEC_NP &&
	   last.error == 0x84 * 8 + 2, "an absent gate is #NP");
}
