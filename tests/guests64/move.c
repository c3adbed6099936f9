// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a processor and its devices hold survives the way into long mode, which
 * under --engine auto,start=bt is a move from one engine to the other:
 * registers, FPU and SSE state, MSRs, debug registers, controllers, and an
 * interrupt that waits.
 */
#include "tests/guests64/guest.h"
#include "tests/guests64/lapic.h"

#define IOAPIC		0xfec00000ull
#define UART_SCRATCH	0x3ff
#define FLAG_ID		0x200000u
#define PIT_PENDING	0x01	/* IRQ 0 in the 8259's IRR */

/* 32-bit code, called by start.S before it goes to long mode. */
__asm__(".text\n.code32\n.globl early32\nearly32:\n"
	"rdtsc\nmovl %eax, tsc_before\nmovl %edx, tsc_before + 4\n"
	/* Devices. */
	"movw $0x3ff, %dx\nmovb $0x5a, %al\noutb %al, %dx\n"
	"movl $0x20, 0xfee00080\n"
	"movl $0x12, 0xfec00000\nmovl $0x10033, 0xfec00010\n"
	/* The 8259s at 20h and 28h, IRQ 0 alone. */
	"movb $0x11, %al\noutb %al, $0x20\noutb %al, $0xa0\n"
	"movb $0x20, %al\noutb %al, $0x21\nmovb $0x28, %al\noutb %al, $0xa1\n"
	"movb $4, %al\noutb %al, $0x21\nmovb $2, %al\noutb %al, $0xa1\n"
	"movb $1, %al\noutb %al, $0x21\noutb %al, $0xa1\n"
	"movb $0xfe, %al\noutb %al, $0x21\nmovb $0xff, %al\noutb %al, $0xa1\n"
	/* One edge of the PIT, 0.1 ms from now; wait until it is pending. */
	"movb $0x30, %al\noutb %al, $0x43\n"
	"movb $119, %al\noutb %al, $0x40\nxorl %eax, %eax\noutb %al, $0x40\n"
	"1: inb $0x20, %al\ntestb $1, %al\njz 1b\n"
	/* MSRs: SYSENTER, PAT. */
	"xorl %edx, %edx\n"
	"movl $0x174, %ecx\nmovl $0x1234, %eax\nwrmsr\n"
	"movl $0x175, %ecx\nmovl $0x11223344, %eax\nwrmsr\n"
	"movl $0x176, %ecx\nmovl $0x55667788, %eax\nwrmsr\n"
	"movl $0x277, %ecx\nmovl $0x00070106, %eax\nmovl %eax, %edx\nwrmsr\n"
	/* Those that nobody acts on: MTRRs (off), variable 0 and default. */
	"movl $0x200, %ecx\nmovl $0xd0000006, %eax\nxorl %edx, %edx\nwrmsr\n"
	"movl $0x2ff, %ecx\nmovl $6, %eax\nxorl %edx, %edx\nwrmsr\n"
	/* Debug registers, CR2. */
	"movl $0x1010, %eax\nmovl %eax, %dr0\n"
	"movl $0x2020, %eax\nmovl %eax, %dr1\n"
	"movl $0x3030, %eax\nmovl %eax, %dr2\n"
	"movl $0x4040, %eax\nmovl %eax, %dr3\n"
	"movl $0xdeadbeef, %eax\nmovl %eax, %cr2\n"
	/* FPU and SSE: pi above 1, double precision; xmm7; round up. */
	"movl %cr0, %eax\nandl $~0xc, %eax\nmovl %eax, %cr0\n"
	"movl $0x200, %eax\nmovl %eax, %cr4\n"
	"fninit\nfldcw control\nfld1\nfldpi\n"
	"movups pattern, %xmm0\nmovups pattern + 4, %xmm7\n"
	"ldmxcsr mxcsr\n"
	/* The flag that is nobody's, and general registers. */
	"pushfl\norl $0x200000, (%esp)\npopfl\n"
	"movl $0x13579bdf, %ebx\nmovl $0x2468ace0, %esi\n"
	"movl $0x89abcdef, %edi\nmovl $0xfedcba98, %ebp\n"
	"ret\n.code64\n"
	".data\n.balign 8\n.globl tsc_before\ntsc_before: .quad 0\n"
	"mxcsr: .long 0x5f80\ncontrol: .word 0x27f\n.balign 4\npattern:\n"
	".long 0x01020304, 0x05060708, 0x090a0b0c, 0x0d0e0f10, 0x11121314\n"
	".previous\n");
extern volatile uint64_t tsc_before;

static volatile uint64_t ticks;

static void on_tick(struct trap *t)
{
	ticks++;
	outb(0x20, 0x20);
}

static void registers(void)
{
	ok(entry_regs.rbx == 0x13579bdf && entry_regs.rsi == 0x2468ace0 &&
	   entry_regs.rdi == 0x89abcdef && entry_regs.rbp == 0xfedcba98,
	   "general registers, zero-extended");
	ok((entry_regs.rflags & (FLAG_ID | FLAG_IF | FLAG_DF)) == FLAG_ID,
	   "flags");
	ok(get_cr2() == 0xdeadbeef, "CR2");
}

static uint64_t get_dr(unsigned n)
{
	uint64_t v = 0;

	switch (n) {
	case 0: __asm__ volatile("movq %%dr0, %0" : "=r"(v)); break;
	case 1: __asm__ volatile("movq %%dr1, %0" : "=r"(v)); break;
	case 2: __asm__ volatile("movq %%dr2, %0" : "=r"(v)); break;
	case 3: __asm__ volatile("movq %%dr3, %0" : "=r"(v)); break;
	case 7: __asm__ volatile("movq %%dr7, %0" : "=r"(v)); break;
	}
	return v;
}

static void special(void)
{
	ok(get_dr(0) == 0x1010 && get_dr(1) == 0x2020 && get_dr(2) == 0x3030 &&
	   get_dr(3) == 0x4040 && get_dr(7) == 0x400, "debug registers");
	ok(rdmsr(0x174) == 0x1234 && rdmsr(0x175) == 0x11223344 &&
	   rdmsr(0x176) == 0x55667788, "SYSENTER's MSRs");
	ok(rdmsr(0x277) == 0x0007010600070106, "PAT");
	ok(rdmsr(0x200) == 0xd0000006 && rdmsr(0x2ff) == 6, "MTRRs");
	ok(rdtsc() - tsc_before < 1ull << 37, "the TSC goes on");
}

/* FXSAVE image, SDM Vol. 1 10.5.1. */
static void fpu(void)
{
	static uint8_t image[512] __attribute__((aligned(16)));
	static const uint8_t pi[10] = { 0x35, 0xc2, 0x68, 0x21, 0xa2, 0xda,
					0x0f, 0xc9, 0x00, 0x40 };
	static const uint8_t one[10] = { [7] = 0x80, [8] = 0xff, [9] = 0x3f };
	const uint32_t *x = (void *)(image + 160);
	bool good = true;

	__asm__ volatile("fxsave64 %0" : "=m"(image));
	ok(*(uint16_t *)image == 0x27f && (image[3] >> 3 & 7) == 6,
	   "FPU: control word and top of stack");
	for (unsigned i = 0; i < sizeof(pi); i++)
		good &= image[32 + i] == pi[i] && image[48 + i] == one[i];
	ok(good, "FPU: pi above 1");
	ok(*(uint32_t *)(image + 24) == 0x5f80, "MXCSR");
	ok(x[0] == 0x01020304 && x[3] == 0x0d0e0f10 && x[28] == 0x05060708 &&
	   x[31] == 0x11121314, "xmm0 and xmm7");
}

static void devices(void)
{
	ok(inb(UART_SCRATCH) == 0x5a, "UART");
	ok((peek32(LAPIC_TPR) & 0xff) == 0x20, "local APIC");
	ok(peek32(IOAPIC + 0x10) == 0x10033, "I/O APIC");
	ok(inb(0x21) == 0xfe && inb(0xa1) == 0xff, "8259s");
}

static void wait(void)
{
	__asm__ volatile("sti" ::: "memory");
	for (unsigned i = 0; i < 20000; i++)
		__asm__ volatile("nop");
	__asm__ volatile("cli" ::: "memory");
}

void guest_main(void)
{
	fpu();
	registers();
	special();
	devices();
	ok(inb(0x20) & PIT_PENDING, "an interrupt still waits");
	trap_hooks[IRQ_BASE] = on_tick;
	wait();
	ok(ticks == 1, "and comes");
	wait();
	ok(ticks == 1, "once");
}
