// SPDX-License-Identifier: GPL-2.0-or-later
/* SYSCALL and SYSRET. */
#include "tests/guests64/guest.h"

USER_CODE_OF(u_call, "movq $0x1122334455667788, %rdi; std; movl $7, %eax\n"
	     "syscall");
USER_CODE_OF(u_loop, "movl $100, %ebx\n1: xorl %eax, %eax; syscall\n"
	     "decl %ebx; jnz 1b; movl $9, %eax; syscall");
USER_CODE_OF(u_out, "outb %al, $0x80; movl $3, %eax; syscall");

void guest_main(void)
{
	uint64_t n;

	RUN(u_call, 0, USER_CS);
	ok(syscall_rax == 7 && last.vector == NO_TRAP, "SYSCALL arrives");
	ok(syscall_rcx - USER_CODE == (uint64_t)(u_call_end - u_call),
	   "rcx is behind the SYSCALL");
	ok((syscall_r11 & (FLAG_DF | 2)) == (FLAG_DF | 2),
	   "r11 has the caller's flags");
	ok(!(syscall_flags & FLAG_DF), "SFMASK clears flags");
	ok(syscall_cs == KERNEL_CS && syscall_ss == KERNEL_DS,
	   "CS and SS come from STAR");
	ok(syscall_rsp == USER_STACK_TOP, "rsp is the caller's");
	n = syscall_count;
	RUN(u_loop, 0, USER_CS);
	ok(syscall_count - n == 101 && syscall_rax == 9,
	   "100 times SYSCALL and SYSRET");
	RUN(u_out, IOPL3, USER_CS);
	ok(syscall_rax == 3 && last.vector == NO_TRAP, "OUT with IOPL 3 runs");
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~1ull);
	ok(RUN(u_call, 0, USER_CS) == VEC_UD, "without SCE SYSCALL is #UD");
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 1);
}
