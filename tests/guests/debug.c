/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug registers: code and data breakpoints, DR6, RF, general detect. */
#include "tests/guests/guest.h"

#define DR7_L0		0x1u
#define DR7_L1		0x4u
#define DR7_EXEC0	0u
#define DR7_WRITE0	(1u << 16)
#define DR7_RW0		(3u << 16)
#define DR7_LEN4	(3u << 18)
#define DR7_LEN2	(1u << 18)
#define DR7_GD		(1u << 13)

static volatile uint32_t hits, hit_eip, hit_dr6;

static void on_debug(struct trap *t)
{
	hits++;
	hit_eip = t->eip;
	hit_dr6 = get_dr6();
	set_dr6(0);
	/* A code breakpoint is a fault: RF lets the instruction run. */
	t->eflags |= FLAG_RF;
}

static void arm(uint32_t addr, uint32_t dr7)
{
	hits = 0;
	set_dr0(addr);
	set_dr6(0);
	set_dr7(dr7 | 0x400);
}

static void code(void)
{
	extern const uint8_t bp_at[];
	uint32_t i, n = 0;

	arm((uint32_t)bp_at, DR7_L0 | DR7_EXEC0);
	for (i = 0; i < 5; i++)
		__asm__ volatile(".ifndef bp_at\n.globl bp_at\nbp_at:\n.endif\n"
				 "incl %0" : "+r"(n));
	set_dr7(0x400);
	ok(hits == 5 && n == 5 && hit_eip == (uint32_t)bp_at,
	   "a code breakpoint stops before the instruction, each time");
	ok((hit_dr6 & 0xf) == 1, "DR6.B0");
	for (i = 0, hits = 0; i < 5; i++)
		__asm__ volatile("" ::: "memory");
	ok(hits == 0, "disarmed");
}

static void data(void)
{
	extern const uint8_t wp_next[];
	uint32_t v = SCRATCH(0) + 8;

	arm(v, DR7_L0 | DR7_WRITE0 | DR7_LEN4);
	__asm__ volatile("movl $5, (%0)\n.globl wp_next\nwp_next: nop"
			 :: "r"(v) : "memory");
	ok(hits == 1 && hit_eip == (uint32_t)wp_next && peek32(v) == 5,
	   "a write breakpoint stops behind the store");
	hits = 0;
	peek32(v);
	ok(hits == 0, "a read does not trip it");
	poke32(v - 4, 1);
	poke32(v + 4, 1);
	ok(hits == 0, "nor do the neighbours");
	poke8(v + 3, 1);
	ok(hits == 1, "the last byte does");
	hits = 0;
	poke32(v - 3, 1);
	ok(hits == 1, "a store that overlaps it does");
	arm(v, DR7_L0 | DR7_RW0 | DR7_LEN2);
	peek32(v);
	ok(hits == 1, "a read/write breakpoint sees a load");
	hits = 0;
	__asm__ volatile("pushl (%0); popl %%eax" :: "r"(v) : "eax", "memory");
	ok(hits == 1, "and a push of it");
	set_dr7(0x400);
	hits = 0;
	poke32(v, 1);
	ok(hits == 0, "disarmed");
}

static void detect(void)
{
	trap_hooks[1] = NULL;
	set_dr6(0);
	set_dr7(DR7_GD | 0x400);
	ok(CATCH(get_dr6()) == 1, "DR7.GD: touching a debug register traps");
	ok(!(get_dr7() & DR7_GD) && (get_dr6() & 0x2000),
	   "GD is off again, DR6.BD on");
	set_dr6(0);
	ok((get_dr6() & 0xffff0ff0) == 0xffff0ff0, "DR6 has its fixed ones");
	set_dr7(0);
	ok(get_dr7() & 0x400, "DR7 has its fixed one");
}

void guest_main(void)
{
	trap_hooks[1] = on_debug;
	code();
	data();
	detect();
}
