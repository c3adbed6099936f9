// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Long mode at CPL 0: registers, 4-level paging and its faults, NX, exceptions,
 * stacks of the IST, segment bases, compatibility mode.
 */
#include "tests/guests64/guest.h"

#define EFER_LMA	0x400u
#define EFER_LME	0x100u
#define EFER_NXE	0x800u
#define CPUID_LM	(1u << 29)
#define NONCANONICAL	0x0000800000000000ull

static void registers(void)
{
	uint64_t a = 0x123456789abcdef0, b;
	uint32_t c[4];

	ok((rdmsr(MSR_EFER) & (EFER_LMA | EFER_LME | EFER_NXE)) ==
	   (EFER_LMA | EFER_LME | EFER_NXE), "EFER has LMA, LME and NXE");
	cpuid(0x80000001, c);
	ok(c[3] & CPUID_LM, "CPUID tells of long mode");
	cpuid(0x80000008, c);
	ok((c[0] >> 8 & 0xff) >= 48, "CPUID tells of 48-bit linear addresses");
	__asm__ volatile("movq %1, %%r8; movq %%r8, %%r15; rolq $8, %%r15\n"
			 "movq %%r15, %0" : "=r"(b) : "r"(a) : "r8", "r15");
	ok(b == 0x3456789abcdef012, "r8 to r15 hold 64 bits");
	__asm__ volatile("movq %1, %%rax; movl %%eax, %%eax; movq %%rax, %0"
			 : "=r"(b) : "r"(a) : "rax");
	ok(b == 0x9abcdef0, "a 32-bit result clears the upper half");
	__asm__ volatile("movq %1, %%rax; movb $0x55, %%al; movq %%rax, %0"
			 : "=r"(b) : "r"(a) : "rax");
	ok(b == 0x123456789abcde55, "an 8-bit result keeps the rest");
	__asm__ volatile("leaq 1f(%%rip), %0\n1:" : "=r"(b));
	ok(b > 0x100000 && b < 0x200000, "addresses relative to rip");
	set_cr2(a);
	ok(get_cr2() == a, "CR2 holds 64 bits");
	set_cr8(5);
	ok(get_cr8() == 5, "CR8 holds a priority");
	set_cr8(0);
	ok(CATCH(set_cr8(16)) == VEC_GP, "a reserved bit of CR8 is #GP");
}

static void pages(void)
{
	uint64_t va = window_map(0, 0, PTE_P | PTE_W);
	volatile uint32_t *p = (void *)scratch[0];

	*p = 0x11223344;
	ok(peek32(va) == 0x11223344, "a 4 KiB page is read through its map");
	ok((window_table[0] & (PTE_A | PTE_D)) == PTE_A, "a read sets A alone");
	poke32(va, 0x55667788);
	ok(*p == 0x55667788 && window_table[0] & PTE_D, "a write sets D");
	ok(peek32(HIGH_VA) == 0x55667788, "the same page in the upper half");
	window_map(0, 1, PTE_P | PTE_W);
	poke32(va, 1);
	ok(*p == 0x55667788 && *(uint32_t *)scratch[1] == 1,
	   "INVLPG makes a new translation count");
	pd_window[1] = 0x400000 | PTE_P | PTE_W | PTE_PS;
	poke32(0x500000, 0xaabbccdd);
	ok(peek32(WINDOW_VA + 0x200000 + 0x100000) == 0xaabbccdd,
	   "a 2 MiB page maps");
}

#define FAULTS(stmt, want_error, want_cr2) \
	(CATCH(stmt) == VEC_PF && last.error == (want_error) && \
	 last_cr2 == (want_cr2))

static void page_faults(void)
{
	uint64_t absent = WINDOW_VA + 7 * PAGE + 0x123;
	uint64_t high = HIGH_VA + 7 * PAGE + 0x10;
	uint64_t ro = window_map(1, 0, PTE_P) + 4;
	uint64_t bad = window_map(2, 0, PTE_P | 1ull << 51);

	ok(FAULTS(peek32(absent), 0, absent), "absent page: #PF, error 0, CR2");
	ok(FAULTS(poke32(absent, 1), PF_W, absent), "a write there: error 2");
	ok(FAULTS(peek32(high), 0, high), "CR2 of the upper half");
	ok(FAULTS(peek32(HIGH_VA + (1ull << 39)), 0, HIGH_VA + (1ull << 39)),
	   "no entry at the top level");
	ok(FAULTS(poke32(ro, 1), PF_P | PF_W, ro),
	   "read-only page, WP set: error 3");
	set_cr0(get_cr0() & ~(uint64_t)CR0_WP);
	ok(CATCH(poke32(ro, 1)) == NO_TRAP, "without WP CPL 0 may write");
	set_cr0(get_cr0() | CR0_WP);
	ok(FAULTS(peek32(bad), PF_P | PF_RSVD, bad),
	   "a reserved bit: error 9");
}

static void no_execute(void)
{
	uint64_t va = window_map(3, 2, PTE_P | PTE_W);

	scratch[2][0] = 0xc3;		/* ret */
	ok(CATCH(((void (*)(void))va)()) == NO_TRAP, "a page without NX runs");
	window_map(3, 2, PTE_P | PTE_W | PTE_NX);
	ok(peek32(va) == (uint32_t)scratch[2][0], "an NX page can be read");
	ok(FAULTS(((void (*)(void))va)(), PF_P | PF_I, va) && last.rip == va,
	   "an NX page does not run: error 11h");
}

static void exceptions(void)
{
	uint32_t zero = 0;

	ok(CATCH(peek32(NONCANONICAL)) == VEC_GP && last.error == 0,
	   "a non-canonical address is #GP");
	ok(CATCH(__asm__ volatile("movq %%rbp, %%rcx; movq %0, %%rbp; movq "
		 "(%%rbp), %%rax; movq %%rcx, %%rbp" :: "r"(NONCANONICAL) :
		 "rax", "rcx")) == VEC_SS, "relative to rbp it is #SS");
	ok(CATCH(__asm__ volatile(".byte 0x06")) == VEC_UD,
	   "PUSH ES does not exist");
	ok(CATCH(__asm__ volatile("divl %0" :: "r"(zero), "a"(1), "d"(0))) ==
	   VEC_DE, "a division by 0");
	ok(CATCH(wrmsr(MSR_GS_BASE, NONCANONICAL)) == VEC_GP,
	   "a non-canonical GS base is #GP");
	ok(CATCH(wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~(uint64_t)EFER_LME)) ==
	   VEC_GP, "LME cannot change while paging is on");
}

static volatile uint64_t ist_frame, ist_rsp;

/* UD2 has two bytes. */
static void on_ud(struct trap *t)
{
	ist_frame = (uint64_t)&t->ss + 8;
	ist_rsp = t->rsp;
	t->rip += 2;
}

static void ist(void)
{
	uint64_t rsp;

	trap_hooks[VEC_UD] = on_ud;
	idt_set(VEC_UD, (uint64_t)trap_stubs + VEC_UD * 16, 0xe, 0, 1);
	__asm__ volatile("movq %%rsp, %0; ud2" : "=r"(rsp) :: "memory");
	ok(ist_frame == (uint64_t)ist_stack_top,
	   "the IST gives a gate its own stack");
	ok(ist_rsp == rsp, "and rsp is pushed without a change of privilege");
	idt_set(VEC_UD, (uint64_t)trap_stubs + VEC_UD * 16, 0xe, 0, 0);
	__asm__ volatile("movq %%rsp, %0; pushq $0; ud2; popq %%rax"
			 : "=r"(rsp) :: "rax", "memory");
	ok(ist_frame == ((rsp - 8) & ~15ull),
	   "the stack is aligned to 16 for a handler");
	trap_hooks[VEC_UD] = NULL;
}

static void bases(void)
{
	uint32_t v;

	*(uint32_t *)scratch[3] = 0xfeedf00d;
	*(uint32_t *)scratch[4] = 0xdecafbad;
	wrmsr(MSR_FS_BASE, (uint64_t)scratch[3]);
	wrmsr(MSR_GS_BASE, (uint64_t)scratch[3]);
	wrmsr(MSR_KERNEL_GS, (uint64_t)scratch[4]);
	__asm__ volatile("movl %%fs:0, %0" : "=r"(v));
	ok(v == 0xfeedf00d, "the FS base counts");
	__asm__ volatile("swapgs; movl %%gs:0, %0" : "=r"(v));
	ok(v == 0xdecafbad && rdmsr(MSR_KERNEL_GS) == (uint64_t)scratch[3],
	   "SWAPGS exchanges the bases");
}

void guest_main(void)
{
	registers();
	pages();
	page_faults();
	no_execute();
	exceptions();
	ist();
	bases();
	ok(compat_call(41) == 42, "32-bit code at CPL 0 and back");
}
