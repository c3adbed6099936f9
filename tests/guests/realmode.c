/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From protected mode to real mode and back; 16-bit code, IVT, unreal limits. */
#include "tests/guests/guest.h"

#define AT	0x9000		/* where the 16-bit code goes, at 0:AT */
#define RESULT	0x7000

extern const uint8_t rm_code[], rm_end[], rm_alu[], rm_segs[], rm_int[],
	rm_string[], rm_big[], rm_isr[], rm_div[], rm_frame[];

__asm__(
	".code16\n"
	"rm_code:\n"
	"rm_alu:\n"
	"	movw $0x1234, %ax\n"
	"	addw $0xf000, %ax\n"
	"	pushfw\n"
	"	popw %bx\n"
	"	movw %ax, 0x7000\n"
	"	movw %bx, 0x7002\n"
	"	movl $0x12345678, %eax\n"
	"	movl %eax, 0x7004\n"
	"	movl $0x7008, %esi\n"
	"	movw $0xabcd, (%esi)\n"
	"	ret\n"
	"rm_segs:\n"
	"	movw $0x1000, %ax\n"
	"	movw %ax, %es\n"
	"	movw $0x4321, %es:0x20\n"
	"	movw $0xffff, %ax\n"
	"	movw %ax, %es\n"
	"	movw $0x8765, %es:0x30\n"	/* 0x100020: A20 is on */
	"	xorw %ax, %ax\n"
	"	movw %ax, %es\n"
	"	ret\n"
	"rm_int:\n"
	"	movw $(0x9000 + rm_isr - rm_code), 0x180\n"	/* int 0x60 */
	"	movw $0, 0x182\n"
	"	sti\n"
	"	stc\n"
	"	int $0x60\n"
	"	pushfw\n"
	"	popw 0x7002\n"
	"	cli\n"
	"	ret\n"
	"rm_isr:\n"
	"	movw %sp, %bp\n"
	"	movw (%bp), %ax\n"		/* ip behind int 0x60 */
	"	movw %ax, 0x7004\n"
	"	movw 4(%bp), %ax\n"
	"	movw %ax, 0x7006\n"
	"	pushfw\n"
	"	popw 0x7000\n"
	"	iretw\n"
	"rm_string:\n"
	"	cld\n"
	"	movw $0x7000, %di\n"
	"	movw $0x1111, %ax\n"
	"	movw $8, %cx\n"
	"	rep stosw\n"
	"	movw $0x7000, %si\n"
	"	movw $0x7010, %di\n"
	"	movw $16, %cx\n"
	"	rep movsb\n"
	"	movw %di, 0x7020\n"
	"	ret\n"
	"rm_big:\n"	/* a dword at 0xffff crosses the limit: #GP, vector 13 */
	"	movw $(0x9000 + rm_frame - rm_code), 0x34\n"
	"	movw $0, 0x36\n"
	"	movw $0xfffe, %bx\n"
	"	movl (%bx), %eax\n"
	"	nop\n"
	"	ret\n"
	"rm_div:\n"
	"	movw $(0x9000 + rm_frame - rm_code), 0\n"
	"	movw $0, 2\n"
	"	xorw %cx, %cx\n"
	"	divw %cx\n"
	"	ret\n"
	"rm_frame:\n"		/* note the ip, unwind to the caller */
	"	popw 0x7000\n"
	"	addw $4, %sp\n"
	"	ret\n"
	"rm_end:\n"
	".code32\n");

static void run(const uint8_t *at)
{
	memset((void *)RESULT, 0, 64);
	memcpy((void *)AT, rm_code, rm_end - rm_code);
	real_mode_call(AT + (at - rm_code));
}

static uint16_t result(unsigned off)
{
	return *(volatile uint16_t *)(RESULT + off);
}

void guest_main(void)
{
	uint32_t i;
	bool good = true;

	run(rm_alu);
	ok(result(0) == 0x0234 && (result(2) & FLAG_CF), "16-bit arithmetic");
	ok(peek32(RESULT + 4) == 0x12345678, "32-bit operands");
	ok(result(8) == 0xabcd, "32-bit addressing");
	run(rm_segs);
	ok(*(uint16_t *)0x10020 == 0x4321, "segment * 16");
	ok(*(uint16_t *)0x100020 == 0x8765, "the last 64 KiB reach past 1 MiB");
	run(rm_int);
	ok(result(4) > AT && (result(6) & (FLAG_IF | FLAG_CF)) ==
	   (FLAG_IF | FLAG_CF), "int pushes flags, cs, ip");
	ok(!(result(0) & FLAG_IF), "and clears IF");
	ok((result(2) & (FLAG_IF | FLAG_CF)) == (FLAG_IF | FLAG_CF),
	   "iret restores them");
	run(rm_string);
	ok(peek32(RESULT + 16) == 0x11111111 && result(0x20) == 0x7020,
	   "rep stosw and movsb with 16-bit registers");
	run(rm_div);
	ok(result(0) == AT + (rm_div - rm_code) + 14,
	   "#DE through the IVT, ip at the div");
	run(rm_big);
	ok(result(0) == AT + (rm_big - rm_code) + 15,
	   "an access across 64 KiB: vector 13, ip at it");
	for (i = 0; i < 200; i++) {
		run(rm_alu);
		good &= result(0) == 0x0234;
	}
	ok(good, "200 round trips");
}
