// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interrupts in long mode: PIT and 8259, local APIC, CPL 3.  What holds
 * to the instruction is in shadows.c: a KVM that emulates CPL 0 takes
 * interrupts some instructions late.
 */
#include "tests/guests64/guest.h"
#include "tests/guests64/lapic.h"

static volatile uint64_t ticks, tick_cs, tick_rip, selfs, timers;

static void on_tick(struct trap *t)
{
	ticks++;
	tick_cs = t->cs;
	tick_rip = t->rip;
	outb(0x20, 0x20);
}

static void on_self(struct trap *t)
{
	selfs++;
	poke32(LAPIC_EOI, 0);
}

static void on_timer(struct trap *t)
{
	timers++;
	poke32(LAPIC_EOI, 0);
}

/* Wait in HLT until *n reaches @want; false: after 2000 wake-ups. */
static bool halt_until(volatile uint64_t *n, uint64_t want)
{
	for (unsigned i = 0; i < 2000 && *n < want; i++)
		__asm__ volatile("sti; hlt; cli" ::: "memory");
	return *n >= want;
}

/* Time for an interrupt that waits: interrupts on for a while. */
static void let_in(volatile uint64_t *n, uint64_t want)
{
	__asm__ volatile("sti" ::: "memory");
	for (unsigned i = 0; i < 20000 && *n < want; i++)
		__asm__ volatile("nop");
	__asm__ volatile("cli" ::: "memory");
}

static void pit(void)
{
	uint64_t n;

	trap_hooks[IRQ_BASE] = on_tick;
	pic_init(1);
	pit_start(100);
	ok(halt_until(&ticks, 3), "the PIT wakes a halted processor");
	n = ticks;
	__asm__ volatile("sti" ::: "memory");
	while (ticks < n + 2)
		;
	__asm__ volatile("cli" ::: "memory");
	ok(tick_cs == KERNEL_CS, "it interrupts a loop");
	while (!(inb(0x20) & 1))	/* IRR, OCW3's default */
		;
	n = ticks;
	for (unsigned i = 0; i < 1000; i++)
		__asm__ volatile("nop");
	ok(ticks == n, "with IF clear it waits");
	let_in(&ticks, n + 1);
	ok(ticks > n, "and comes with STI");
}

/* Only an interrupt gets the loop to its end. */
USER_CODE_OF(u_spin, "jmp u_spin\nmovl $5, %eax; ud2");

static void on_tick_out(struct trap *t)
{
	on_tick(t);
	if (t->rip == USER_CODE)
		t->rip += 2;
	trap_hooks[IRQ_BASE] = on_tick;
}

static void user(void)
{
	trap_hooks[IRQ_BASE] = on_tick_out;
	ok(RUN(u_spin, FLAG_IF, USER_CS) == VEC_UD && last.rax == 5 &&
	   last.rflags & FLAG_IF, "a tick interrupts CPL 3, IRETQ goes back");
	ok(tick_cs == USER_CS, "cs is CPL 3's");
	outb(0x21, 0xff);
}

static void ipi(void)
{
	trap_hooks[SELF_VECTOR] = on_self;
	ok((peek32(LAPIC_VERSION) & 0xf0) == 0x10 && peek32(LAPIC_ID) >> 24 == 0,
	   "the local APIC is there, by MMIO");
	poke32(LAPIC_SVR, SVR_ENABLE);
	poke32(LAPIC_ICR, ICR_SELF | SELF_VECTOR);
	ok(!selfs, "with IF clear an IPI waits");
	let_in(&selfs, 1);
	ok(selfs == 1, "an IPI to itself arrives");
}

static void timer(void)
{
	uint32_t left;

	trap_hooks[TIMER_VECTOR] = on_timer;
	poke32(LAPIC_DIVIDE, 0xb);		/* by 1 */
	poke32(LAPIC_TIMER, TIMER_VECTOR);	/* one shot */
	poke32(LAPIC_INITIAL, 5000000);
	left = peek32(LAPIC_CURRENT);
	ok(left && left <= 5000000, "the local APIC's timer counts");
	ok(halt_until(&timers, 1), "it wakes a halted processor");
	let_in(&timers, 2);
	ok(timers == 1, "once");
}

void guest_main(void)
{
	pit();
	user();
	ipi();
	timer();
}
