/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exceptions: vector, error code, precise eip, registers untouched. */
#include "tests/guests/guest.h"

/* Run one instruction at a label of its own and see where it stopped. */
#define AT(vec, err, insn, ...) do { \
	extern const uint8_t L(at)[]; \
	uint32_t v = CATCH(__asm__ volatile(".globl " S(at) "\n" S(at) \
		": " insn :: __VA_ARGS__ : "memory")); \
	ok(v == (vec) && last.error == (err) && \
	   last.eip == (uint32_t)L(at), "%s", insn); \
} while (0)
#define CAT(a, b) a##b
#define CAT2(a, b) CAT(a, b)
#define L(x) CAT2(x##_, __LINE__)
#define STR(x) #x
#define STR2(x) STR(x)
#define S(x) STR(x) "_" STR2(__LINE__)

static void faults(void)
{
	AT(0, 0, "divl %0", "r"(0));
	AT(0, 0, "idivl %%ecx", "c"(-1), "a"(0x80000000), "d"(0xffffffff));
	AT(6, 0, "ud2");
	AT(6, 0, ".byte 0x0f, 0xff, 0xc0");
	AT(6, 0, "lock; nop");
	AT(13, 0x1230, "movw %w0, %%es", "r"(0x1230));
	AT(13, 0x1234, "movw %w0, %%fs", "r"(0x1236));
	AT(13, 0, "movw %w0, %%ss", "r"(0));
	AT(11, SPARE_SEL, "movw %w0, %%gs", "r"(SPARE_SEL));
	AT(12, SPARE_SEL, "movw %w0, %%ss", "r"(SPARE_SEL));
	AT(11, 0x80 * 8 + 2, "int $0x80");
	AT(13, 0, "movl %0, %%cr4", "r"(0x80000000));
	AT(13, 0, "movl %0, %%cr0", "r"(0x80000000));
	AT(13, 0, "wrmsr", "c"(0x12345678), "a"(0), "d"(0));
	AT(13, KERNEL_DS, "ljmp %0, $0", "i"(KERNEL_DS));
	AT(5, 0, "bound %0, (%1)", "r"(5), "r"("\1\0\0\0\2\0\0\0"));
}

/* INT3 and INTO are traps: eip is behind them. */
static void traps(void)
{
	extern const uint8_t after_int3[], after_into[];
	uint32_t v;

	v = CATCH(__asm__ volatile("int3\n.globl after_int3\nafter_int3:"));
	ok(v == 3 && last.eip == (uint32_t)after_int3, "int3 stops behind itself");
	v = CATCH(__asm__ volatile("movb $0x7f, %%al; addb $1, %%al; into\n"
				   ".globl after_into\nafter_into:" ::: "eax"));
	ok(v == 4 && last.eip == (uint32_t)after_into, "into stops behind itself");
	v = CATCH(__asm__ volatile("xorl %%eax, %%eax; into" ::: "eax"));
	ok(v == NO_TRAP, "into without overflow does nothing");
}

/* Registers of the faulting instruction are those before it. */
static void registers_kept(void)
{
	uint32_t v;

	v = CATCH(__asm__ volatile(
		"movl $0x11111111, %%eax; movl $0x22222222, %%ecx\n"
		"movl $0x33333333, %%edx; movl $0x44444444, %%esi\n"
		"stc; xaddl %%eax, (%%ebx)"
		:: "b"(WINDOW_VA) : "eax", "ecx", "edx", "esi", "memory"));
	ok(v == 14 && last.eax == 0x11111111 && last.ecx == 0x22222222 &&
	   last.edx == 0x33333333 && last.esi == 0x44444444 &&
	   (last.eflags & FLAG_CF), "xadd that faults changes nothing");
	v = CATCH(__asm__ volatile(
		"movl $0x55555555, %%eax\n"
		"popl (%%ebx)" :: "b"(WINDOW_VA) : "eax", "memory"));
	ok(v == 14 && last.eax == 0x55555555 && last_cr2 == WINDOW_VA,
	   "pop to memory that faults");
	v = CATCH(__asm__ volatile(
		"movl $0x66666666, %%eax; cmpxchgl %%ecx, (%%ebx)"
		:: "b"(WINDOW_VA + 8) : "eax", "memory"));
	ok(v == 14 && last.eax == 0x66666666 && last.error == PF_W,
	   "cmpxchg that faults asks for write access");
	v = CATCH(__asm__ volatile(
		"movl $0x66666666, %%eax; lock; cmpxchg8b (%%ebx)"
		:: "b"(WINDOW_VA + 8) : "eax", "memory"));
	ok(v == 14 && last.eax == 0x66666666 && last.error == PF_W,
	   "cmpxchg8b that faults asks for write access");
}

void guest_main(void)
{
	gdt[SPARE_SEL / 8] = descriptor(0, 0xfffff, (SEG_DATA & ~0x80u) |
					SEG_G | SEG_DB);
	idt[0x80] &= ~(1ull << 47);	/* not present */
	faults();
	traps();
	paging_on();
	registers_kept();
	paging_off();
}
