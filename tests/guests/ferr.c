/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CR0.NE = 0: x87 exceptions through FERR#, interrupt 13 and port F0h, as DOS
 * and Windows 9x take them.  (QEMU does not wait at the instruction, and that
 * of Debian 12 ends at an assertion.)
 */
#include "tests/guests/guest.h"

#define IRQ_FPU	13
#define CR0_NE	0x20u
#define FSW_ZE	0x04u
#define FSW_ES	0x80u

static volatile uint32_t count, at, in_handler, ticks;
static volatile bool clear;	/* the handler ends the exception */

static uint16_t fsw(void)
{
	uint16_t v;

	__asm__ volatile("fnstsw %0" : "=a"(v));
	return v;
}

static void on_fpu(struct trap *t)
{
	count++;
	at = t->eip;
	outb(0xf0, 0);
	in_handler = fsw();
	if (clear)
		__asm__ volatile("fnclex");
	pic_eoi(IRQ_FPU);
}

static void on_tick(struct trap *t)
{
	if (++ticks == 3)
		outb(0xa1, 0xff & ~(1u << (IRQ_FPU - 8)));
	pic_eoi(0);
}

/* 1/0 with the exception unmasked; the result is not stored. */
static void divide(void)
{
	uint16_t cw = 0x37b;

	__asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp" :: "m"(cw));
}

extern const uint8_t wait_at[];

static void __attribute__((noinline)) fwait(void)
{
	__asm__ volatile(".globl wait_at\nwait_at: fwait");
}

static void arrives(void)
{
	clear = true;
	divide();
	fwait();
	ok(count == 1, "an exception raises interrupt 13 once");
	ok(at == (uint32_t)wait_at, "the processor waits at the instruction");
	ok((in_handler & (FSW_ZE | FSW_ES)) == (FSW_ZE | FSW_ES),
	   "the handler sees the exception");
	ok(!(fsw() & FSW_ES), "fnclex in the handler ends it");
	fwait();
	ok(count == 1, "and no other comes");
	divide();
	__asm__ volatile("fld1");
	ok(count == 2, "the next exception raises it again");
	divide();
	__asm__ volatile("emms");
	ok(count == 3, "MMX instructions wait, too");
}

/* The handler leaves the exception: IGNNE# holds until it ends. */
static void ignored(void)
{
	uint32_t v = 7, got = 0;

	count = 0;
	clear = false;
	divide();
	fwait();
	fwait();
	__asm__ volatile("fildl %1; fistpl %0" : "=m"(got) : "m"(v));
	ok(count == 1 && got == 7,
	   "behind port F0h, instructions run with it pending");
	ok((fsw() & (FSW_ZE | FSW_ES)) == (FSW_ZE | FSW_ES),
	   "and it stays pending");
	__asm__ volatile("fnclex");
	clear = true;
	divide();
	fwait();
	ok(count == 2, "fnclex ends IGNNE#: the next one interrupts");
}

static void no_wait(void)
{
	count = 0;
	divide();
	__asm__ volatile("fnclex; fninit; fwait");
	ok(count == 0 || count == 1, "no-wait instructions do not stop");
	ok(!(fsw() & FSW_ES), "fnclex cleared it");
}

static void masked(void)
{
	outb(0xf0, 0);
	count = 0;
	outb(0xa1, 0xff);
	trap_hooks[IRQ_BASE] = on_tick;
	pit_start(100);
	outb(0x21, 0xff & ~5u);
	divide();
	fwait();
	ok(count == 1 && ticks >= 3,
	   "the processor waits until interrupt 13 is let through");
}

static void native(void)
{
	set_cr0(get_cr0() | CR0_NE);
	count = 0;
	divide();
	ok(CATCH(fwait()) == 0x10 && !count, "NE: #MF, and no interrupt");
	__asm__ volatile("fnclex");
	set_cr0(get_cr0() & ~CR0_NE);
}

void guest_main(void)
{
	set_cr0((get_cr0() | CR0_MP) & ~(CR0_TS | CR0_EM | CR0_NE));
	pic_init(1u << IRQ_FPU | 1u << 2);
	trap_hooks[IRQ_BASE + IRQ_FPU] = on_fpu;
	__asm__ volatile("fninit; sti");
	arrives();
	ignored();
	no_wait();
	masked();
	native();
}
