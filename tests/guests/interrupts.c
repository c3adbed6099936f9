/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupts: in tight loops, shadows of STI and MOV SS, HLT, single steps. */
#include "tests/guests/guest.h"

static volatile uint32_t ticks;
static volatile uint32_t skip_to;
static volatile uint32_t tick_eip;

static void on_tick(struct trap *t)
{
	ticks++;
	tick_eip = t->eip;
	if (skip_to) {
		t->eip = skip_to;
		t->eflags &= ~0x200;	/* a late tick must not come there */
	}
	pic_eoi(0);
}

/* A jump to itself has no boundary but its own. */
static void tight_loops(void)
{
	extern const uint8_t self_jump[], self_after[], dec_loop[], dec_end[];
	extern const uint8_t ind_loop[], ind_end[], rep_at[];
	uint32_t n, i, count = 100000000;
	bool good = true;

	skip_to = (uint32_t)self_after;
	for (i = 0; i < 20; i++) {
		__asm__ volatile("sti\n"
				 ".globl self_jump\nself_jump: jmp self_jump\n"
				 ".globl self_after\nself_after: cli\n"
				 ::: "memory");
		good &= tick_eip == (uint32_t)self_jump;
	}
	ok(good, "jmp to itself is interrupted, eip at the jump");

	skip_to = 0;
	n = ticks;
	__asm__ volatile("sti\n.globl dec_loop\ndec_loop: decl %%ecx\n"
			 "jnz dec_loop\n.globl dec_end\ndec_end: cli"
			 :: "c"(400000000), "a"(0) : "memory");
	ok(ticks - n > 3 && tick_eip >= (uint32_t)dec_loop &&
	   tick_eip <= (uint32_t)dec_end, "a counting loop is interrupted");

	skip_to = (uint32_t)ind_end;
	__asm__ volatile("movl $ind_loop, %%eax; sti\n"
			 ".globl ind_loop\nind_loop: jmp *%%eax\n"
			 ".globl ind_end\nind_end: cli" ::: "eax", "memory");
	ok(tick_eip == (uint32_t)ind_loop, "an indirect jump to itself, too");

	skip_to = 0;
	n = ticks;
	__asm__ volatile("sti\n.globl rep_at\nrep_at: rep lodsb\ncli"
			 : "=S"(i), "+c"(count) : "0"(0x400000), "a"(0)
			 : "memory");
	ok(ticks - n > 3, "a long rep is interrupted");
	print("# %u ticks, ecx %x esi %x\n", ticks - n, count, i);
	(void)rep_at;
}

/* A flag in memory that only the handler changes. */
static void polling(void)
{
	uint32_t n = ticks;

	skip_to = 0;
	__asm__ volatile("sti");
	while (ticks < n + 5)
		;
	__asm__ volatile("cli");
	ok(true, "a loop that polls memory sees the handler's stores");
}

/* Is the interrupt that is pending held off by one instruction? */
static void shadows(void)
{
	extern const uint8_t sti_next[], ss_next[], ss_pop[];
	uint32_t n, i;

	skip_to = 0;
	for (i = 0; i < 3; i++) {
		n = ticks;
		pit_start(2000);
		while (!(inb(0x20) & 1)) {	/* IRR */
			outb(0x20, 0x0a);
		}
		__asm__ volatile("sti; nop\n.globl sti_next\nsti_next: nop; cli"
				 ::: "memory");
		if (i)
			continue;
		ok(ticks > n && tick_eip == (uint32_t)sti_next,
		   "sti holds interrupts off for one instruction");
	}
	n = ticks;
	while (!(inb(0x20) & 1))
		;
	__asm__ volatile("sti; cli" ::: "memory");
	ok(ticks == n, "sti; cli lets none in");
	__asm__ volatile("sti; movl %%ss, %%eax; movl %%eax, %%ss\n"
			 ".globl ss_next\nss_next: nop\nss_pop: nop; cli"
			 ::: "eax", "memory");
	ok(ticks > n && tick_eip != (uint32_t)ss_next,
	   "no interrupt directly behind mov ss");
	(void)ss_pop;
}

static void halts(void)
{
	extern const uint8_t hlt_next[];
	uint32_t i, n;
	bool good = true;

	pit_start(1000);
	skip_to = (uint32_t)hlt_next;	/* so that a halt takes one tick only */
	for (i = 0; i < 20; i++) {
		n = ticks;
		__asm__ volatile("sti; hlt\n"
				 ".globl hlt_next\nhlt_next: cli" ::: "memory");
		good &= ticks == n + 1 && tick_eip == (uint32_t)hlt_next;
	}
	skip_to = 0;
	ok(good, "each hlt ends with one interrupt");
}

/* ---- Single steps ---------------------------------------------------------- */

static volatile uint32_t steps[64], nsteps;

static void on_step(struct trap *t)
{
	if (nsteps < 64)
		steps[nsteps] = t->eip;
	nsteps++;
}

static void stepping(void)
{
	extern const uint8_t ts2[], ts3[], ts4[], ts5[], ts6[], ts7[];
	uint32_t v = 0;

	trap_hooks[1] = on_step;
	nsteps = 0;
	__asm__ volatile("pushfl; orl $0x100, (%%esp); popfl\n"
		".globl ts1, ts2, ts3, ts4, ts5, ts6\n"
		"ts1: nop\n"
		"ts2: addl $1, %0\n"
		"ts3: jmp ts4\nnop\n"
		"ts4: pushfl\n"
		"ts5: andl $~0x100, (%%esp)\n"
		"ts6: popfl\n"
		"nop" : "+r"(v) :: "memory");
	ok(nsteps == 6 && steps[0] == (uint32_t)ts2 &&
	   steps[1] == (uint32_t)ts3 && steps[2] == (uint32_t)ts4 &&
	   steps[3] == (uint32_t)ts5 && steps[4] == (uint32_t)ts6,
	   "TF: a trap behind each instruction, the first one excepted");
	ok((get_dr6() & 0x4000) != 0, "DR6.BS is set");
	nsteps = 0;
	__asm__ volatile("pushfl; orl $0x100, (%%esp); popfl\n"
		"movl %%ss, %%eax; movl %%eax, %%ss\n"
		".globl ts7\nts7: nop; nop\n"
		"pushfl; andl $~0x100, (%%esp); popfl" ::: "eax", "memory");
	for (v = 0; v < nsteps && steps[v] != (uint32_t)ts7; v++)
		;
	ok(nsteps > 3 && v == nsteps, "no step directly behind mov ss");
	nsteps = 0;
	__asm__ volatile("movl $5, %%ecx; movl $0x400000, %%edi; cld\n"
		"pushfl; orl $0x100, (%%esp); popfl\n"
		"rep stosb\n"
		"pushfl; andl $~0x100, (%%esp); popfl"
		::: "ecx", "edi", "memory");
	ok(nsteps == 5 + 3, "rep stosb traps after each iteration");
	trap_hooks[1] = NULL;
}

void guest_main(void)
{
	pic_init(1);
	trap_hooks[IRQ_BASE] = on_tick;
	pit_start(100);
	tight_loops();
	polling();
	shadows();
	halts();
	stepping();
}
