// SPDX-License-Identifier: GPL-2.0-or-later
/* INT n and INT3 at CPL 3. */
#include "tests/guests64/guest.h"

USER_CODE_OF(u_int80, "movl $0x44, %eax; int $0x80");
USER_CODE_OF(u_int81, "int $0x81");
USER_CODE_OF(u_int3, "movl $0x33, %eax; int3");
USER_CODE_OF(u_back, "movl $1, %eax; int $0x82; addl $0x10, %eax; int $0x80");
USER_CODE_OF(u_compat, ".code32\nmovl $0x32, %eax; int $0x80\n.code64");

static void on_int(struct trap *t)
{
	t->rax++;
}

void guest_main(void)
{
	ok(RUN(u_int80, 0, USER_CS) == 0x80 && last.rax == 0x44 &&
	   last.rip - USER_CODE == (uint64_t)(u_int80_end - u_int80),
	   "INT through a gate with DPL 3");
	ok(last.cs == USER_CS && last.ss == USER_DS &&
	   last.rsp == USER_STACK_TOP, "it pushes cs, ss and rsp");
	ok(RUN(u_int81, 0, USER_CS) == VEC_GP &&
	   last.error == 0x81 * 8 + 2 && last.rip == USER_CODE,
	   "INT through a gate with DPL 0 is #GP");
	ok(RUN(u_int3, 0, USER_CS) == VEC_BP && last.rax == 0x33, "INT3");
	trap_hooks[0x82] = on_int;
	idt_set(0x82, (uint64_t)trap_stubs + 0x82 * 16, 0xe, 3, 0);
	ok(RUN(u_back, 0, USER_CS) == 0x80 && last.rax == 0x12,
	   "IRETQ goes back behind the INT");
	ok(RUN(u_compat, 0, USER_CS32) == 0x80 && last.rax == 0x32 &&
	   last.cs == USER_CS32, "INT from 32-bit code");
}
