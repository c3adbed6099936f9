/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual-8086 mode: addressing, sensitive instructions, interrupts. */
#include "tests/guests/guest.h"

#define CODE_SEG	0x1000		/* linear 0x10000 */
#define STACK_SEG	0x2000
#define DATA_SEG	0x3000

extern const uint8_t v86_code[], v86_code_end[], v86_add[], v86_int[],
	v86_cli[], v86_pushf[], v86_hlt[], v86_loop[], v86_wrap[], v86_seg[],
	v86_iret[], v86_far[];

__asm__(
	".code16\n"
	"v86_code:\n"
	"v86_add:	movw $0x1111, %ax\n"
	"	addw $0x2222, %ax\n"
	"	movw %ax, 0x10\n"
	"	pushw $0x5555\n"
	"	popw %bx\n"
	"	int3\n"
	"v86_int:	int $0x21\n"
	"v86_cli:	cli\n"
	"	sti\n"
	"	int3\n"
	"v86_pushf:	pushfw\n"
	"	popw %ax\n"
	"	int3\n"
	"v86_hlt:	hlt\n"
	"v86_loop:	jmp v86_loop\n"
	"v86_wrap:	movw $0x8000, %bx\n"
	"	movw $0x8010, %si\n"
	"	movw (%bx,%si), %ax\n"
	"	int3\n"
	"v86_seg:	movw $0x3100, %ax\n"
	"	movw %ax, %es\n"
	"	movw %es:0x20, %cx\n"
	"	movw %es, %dx\n"
	"	int3\n"
	"v86_iret:	iretw\n"
	"v86_far:	ljmp $0x1001, $(1f - v86_code - 0x10)\n"
	"1:	movw %cs, %ax\n"
	"	int3\n"
	"v86_code_end:\n"
	".code32\n");

static uint32_t run(const uint8_t *at, uint32_t flags)
{
	return CATCH(enter_v86(CODE_SEG, at - v86_code, STACK_SEG, 0x1000,
			       flags | FLAG_VM | 2, DATA_SEG, DATA_SEG));
}

static void basics(void)
{
	ok(run(v86_add, IOPL3) == 3 && (last.eax & 0xffff) == 0x3333 &&
	   *(uint16_t *)0x30010 == 0x3333, "arithmetic and memory");
	ok((last.ebx & 0xffff) == 0x5555 && last.esp == 0x1000,
	   "push and pop on the 16-bit stack");
	ok((last.eflags & FLAG_VM) && last.cs == CODE_SEG &&
	   last.ss == STACK_SEG && last.v86_ds == DATA_SEG,
	   "the frame has VM and the segments");
	*(uint16_t *)0x30010 = 0x7777;
	ok(run(v86_wrap, IOPL3) == 3 && (last.eax & 0xffff) == 0x7777,
	   "16-bit effective addresses wrap");
	*(uint16_t *)0x31020 = 0x4242;
	ok(run(v86_seg, IOPL3) == 3 && (last.ecx & 0xffff) == 0x4242 &&
	   (last.edx & 0xffff) == 0x3100 && last.v86_es == 0x3100,
	   "a segment load is selector * 16");
	ok(run(v86_far, IOPL3) == 3 && (last.eax & 0xffff) == 0x1001,
	   "a far jump");
}

/* SDM Vol. 3B 20.2.7, 20.2.8: IOPL-sensitive instructions. */
static void sensitive(void)
{
	ok(run(v86_int, 0) == 13 && last.error == 0 &&
	   last.eip == (uint32_t)(v86_int - v86_code),
	   "int n with IOPL 0: #GP(0) at it");
	ok(run(v86_cli, 0) == 13, "cli with IOPL 0: #GP");
	ok(run(v86_pushf, 0) == 13, "pushf with IOPL 0: #GP");
	ok(run(v86_iret, 0) == 13, "iret with IOPL 0: #GP");
	ok(run(v86_hlt, IOPL3) == 13, "hlt: #GP whatever IOPL");
	ok(run(v86_cli, IOPL3) == 3 && (last.eflags & FLAG_IF),
	   "cli and sti with IOPL 3");
	ok(run(v86_pushf, IOPL3) == 3 && (last.eax & 0xf000) == 0x3000,
	   "pushf with IOPL 3");
	idt_set(0x21, idt[0x21] | 0x6000ull << 32);
	ok(run(v86_int, IOPL3) == 0x21 && last.eip ==
	   (uint32_t)(v86_int - v86_code) + 2 && (last.eflags & FLAG_VM),
	   "int n with IOPL 3 goes through the IDT");
}

static volatile uint32_t ticks;

static void on_tick(struct trap *t)
{
	pic_eoi(0);
	/* The loop is two bytes: go behind it into v86_wrap, once. */
	if ((t->eflags & FLAG_VM) && ++ticks == 3)
		t->eip += 2;
}

static void interrupted(void)
{
	pic_init(1);
	trap_hooks[IRQ_BASE] = on_tick;
	pit_start(200);
	ok(run(v86_loop, IOPL3 | FLAG_IF) == 3 && ticks >= 3,
	   "interrupts out of v8086 mode, and back into it");
	pic_init(0);
}

void guest_main(void)
{
	memcpy((void *)(CODE_SEG * 16), v86_code, v86_code_end - v86_code);
	basics();
	sensitive();
	interrupted();
	paging_on();
	ok(run(v86_add, IOPL3) == 3 && (last.eax & 0xffff) == 0x3333,
	   "v8086 mode under paging");
	*pte(0x30000) = 0;
	invlpg(0x30000);
	ok(run(v86_add, IOPL3) == 14 && last_cr2 == 0x30010 &&
	   last.error == (PF_W | PF_U) && (last.eflags & FLAG_VM),
	   "a page fault in v8086 mode");
	*pte(0x30000) = 0x30000 | PTE_P | PTE_W;
	invlpg(0x30000);
	ok(run(v86_add, IOPL3) == 14 && last.error == (PF_P | PF_W | PF_U),
	   "v8086 mode is CPL 3 to the pages");
	paging_off();
}
