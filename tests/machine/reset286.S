/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A boot sector that leaves protected mode as 286 programs do: a shutdown code
 * in CMOS byte 0Fh, an address at 40h:67h, and a reset of the processor.  Each
 * way to reset it in turn; where it goes on and the interrupt controllers must be as
 * before.  Last comes a reset without shutdown code, which boots again.
 * Leaves with status 33, or with 2 * (16 * step + 1) + 1 at the first step
 * that went wrong.
 */
#define STEP	0x6f		/* CMOS byte: firmware clears memory */
#define IMR	0xb8		/* what the first 8259 masks meanwhile */
#define STEPS	5

	.code16
	.globl start
start:
	cli
	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %ss
	mov $0x7c00, %sp
	ljmp $0, $1f
1:	call step
	cmp $0, %al		/* power-on, or been here before? */
	jne again
	mov $IMR, %al
	out %al, $0x21
next:
	mov $0x0f, %al
	out %al, $0x70
	mov $0x0a, %al
	out %al, $0x71
	movw $resumed, 0x467
	movw $0, 0x469
	call step
	inc %al
	out %al, $0x71
	mov %al, %bl
	lgdt gdtr
	mov %cr0, %eax
	or $1, %al
	mov %eax, %cr0
	ljmp $8, $2f
2:	mov $16, %ax
	mov %ax, %ds
	mov %bl, %al
	cmp $1, %al
	je kbd
	cmp $2, %al
	je port92
	cmp $3, %al
	je shutdown
	cmp $4, %al
	je cf9
	mov $0x0f, %al		/* power-on */
	out %al, $0x70
	xor %al, %al
	out %al, $0x71
kbd:	mov $0xfe, %al
	out %al, $0x64
	jmp .
port92:	in $0x92, %al
	and $0xfe, %al
	out %al, $0x92
	or $1, %al
	out %al, $0x92
	jmp .
shutdown:
	lidt none
	int $3
cf9:	mov $0xcf9, %dx
	xor %al, %al
	out %al, %dx
	mov $4, %al
	out %al, %dx
	jmp .

resumed:
	cli
	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %ss
	mov $0x7c00, %sp
	mov %cr0, %eax
	test $1, %al
	jnz bad
	in $0x21, %al
	cmp $IMR, %al
	jne bad
	call step
	cmp $STEPS, %al
	jb next
bad:	call step
	shl $4, %al
	or $1, %al
	out %al, $0xf4
again:	cmp $STEPS, %al
	jne bad
	mov $0x10, %al
	out %al, $0xf4
	jmp .

step:	mov $STEP, %al
	out %al, $0x70
	in $0x71, %al
	ret

	.balign 8
gdt:	.quad 0
	.quad 0x00009b000000ffff
	.quad 0x000093000000ffff
gdtr:	.word . - gdt - 1
	.long gdt
none:	.word 0
	.long 0
	.org 510
	.word 0xaa55
