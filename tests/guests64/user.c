// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CPL 3 in 64-bit and compatibility mode: what it may do, and what stops it.
 * System calls are in syscalls.c; here UD2 ends a piece of user code.
 */
#include "tests/guests64/guest.h"

USER_CODE_OF(u_stack, "pushq $0x66; popq %rbx; movq $0x77, -8(%rsp)\n"
	     "movq -8(%rsp), %rax; addq %rbx, %rax; ud2");
USER_CODE_OF(u_loop, "movl $1000000, %eax; xorl %ebx, %ebx\n"
	     "1: incq %rbx; decl %eax; jnz 1b; ud2");
USER_CODE_OF(u_sse, "movl $3, %eax; cvtsi2sd %eax, %xmm9\n"
	     "mulsd %xmm9, %xmm9; cvtsd2si %xmm9, %eax; ud2");
USER_CODE_OF(u_cli, "nop; cli");
USER_CODE_OF(u_hlt, "hlt");
USER_CODE_OF(u_out, "outb %al, $0x80");
USER_CODE_OF(u_cr3, "movq %cr3, %rax");
USER_CODE_OF(u_rdtsc, "rdtsc; ud2");
USER_CODE_OF(u_kernel, "movl 0x100000, %eax");
USER_CODE_OF(u_absent, "movl $0x40010000, %ebx; movl $1, (%rbx)");
USER_CODE_OF(u_jump, "jmp *%rsp");
USER_CODE_OF(u_data, "pushq $0x0b0f0b0f; jmp *%rsp");
USER_CODE_OF(u_compat, ".code32\nmovl $0x7ffffffe, %eax\n"
	     ".byte 0x40\n"		/* inc %eax, no prefix */
	     "ud2\n.code64");
USER_CODE_OF(u_compat_stack, ".code32\npushl $0x1234; popl %eax\n"
	     "pushal; popal; ud2\n.code64");

static void code(void)
{
	ok(RUN(u_stack, 0, USER_CS) == VEC_UD && last.rax == 0xdd,
	   "the stack works at CPL 3");
	ok(last.cs == USER_CS && last.ss == USER_DS &&
	   last.rsp == USER_STACK_TOP, "a trap pushes cs, ss and rsp");
	ok(RUN(u_loop, 0, USER_CS) == VEC_UD && last.rbx == 1000000,
	   "a loop");
	ok(RUN(u_sse, 0, USER_CS) == VEC_UD && last.rax == 9,
	   "SSE2 with xmm9");
	ok(RUN(u_rdtsc, 0, USER_CS) == VEC_UD, "RDTSC is allowed");
}

static void privileges(void)
{
	ok(RUN(u_cli, 0, USER_CS) == VEC_GP && last.rip == USER_CODE + 1,
	   "CLI is #GP");
	ok(RUN(u_hlt, 0, USER_CS) == VEC_GP, "HLT, too");
	ok(RUN(u_cr3, 0, USER_CS) == VEC_GP, "reading CR3, too");
	ok(RUN(u_out, 0, USER_CS) == VEC_GP, "OUT with IOPL 0, too");
}

static void faults(void)
{
	ok(RUN(u_kernel, 0, USER_CS) == VEC_PF && last_cr2 == 0x100000 &&
	   last.error == (PF_P | PF_U), "the kernel's page: error 5");
	ok(RUN(u_absent, 0, USER_CS) == VEC_PF && last_cr2 == 0x40010000 &&
	   last.error == (PF_W | PF_U), "a write to an absent page: error 6");
	ok(RUN(u_jump, 0, USER_CS) == VEC_PF && last_cr2 == USER_STACK_TOP &&
	   last.error == (PF_U | PF_I) && last.rip == USER_STACK_TOP,
	   "code at an absent page: error 14h, rip there");
	ok(RUN(u_data, 0, USER_CS) == VEC_PF &&
	   last_cr2 == USER_STACK_TOP - 8 &&
	   last.error == (PF_P | PF_U | PF_I), "code in an NX page: error 15h");
}

void guest_main(void)
{
	code();
	privileges();
	faults();
	ok(RUN(u_compat, 0, USER_CS32) == VEC_UD && last.rax == 0x7fffffff,
	   "32-bit code");
	ok(RUN(u_compat_stack, 0, USER_CS32) == VEC_UD &&
	   last.rax == 0x1234 && last.cs == USER_CS32,
	   "its stack and its own instructions");
}
