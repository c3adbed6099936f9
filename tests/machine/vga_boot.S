/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A boot sector that sets the video mode in `mode' through the VGA BIOS, draws
 * a little through the BIOS, and leaves with status 33.
 *
 * Below 100h: a VGA mode.  Graphics get pixels (10, 5) = 3, (11, 5) = 2 and
 * (300, 150) = 1; text gets "Umbra" in the middle.  From 100h: a VBE mode,
 * whose first pixels are written through the bank at A000h as FFh bytes.
 */
	.code16
	.globl start
start:
	jmp 1f
	.org 4
mode:	.word 0x13
1:	cli
	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %ss
	mov $0x7c00, %sp
	sti
	ljmp $0, $2f
2:	mov mode, %ax
	cmp $0x100, %ax
	jae vbe
	int $0x10
	cmpb $3, mode
	jbe text
	mov $0x0c03, %ax
	mov $10, %cx
	mov $5, %dx
	call pixel
	mov $0x0c02, %ax
	mov $11, %cx
	call pixel
	mov $0x0c01, %ax
	mov $300, %cx
	mov $150, %dx
	call pixel
	jmp leave

pixel:	xor %bx, %bx
	int $0x10
	ret

text:	mov $0x0200, %ax	/* cursor to row 12, column 37 */
	xor %bx, %bx
	mov $0x0c25, %dx
	int $0x10
	mov $message, %si
3:	lodsb
	test %al, %al
	jz leave
	mov $0x0e, %ah
	mov $7, %bx
	int $0x10
	jmp 3b

vbe:	mov %ax, %bx
	mov $0x4f02, %ax
	int $0x10
	cmp $0x004f, %ax
	jne 4f
	mov $0xa000, %ax
	mov %ax, %es
	xor %di, %di
	mov $12, %cx
	mov $0xff, %al
	rep stosb
leave:	mov $0x10, %al
	out %al, $0xf4
4:	mov $0x20, %al		/* status 65: no such mode */
	out %al, $0xf4
	jmp .

message: .asciz "Umbra"
	.org 510
	.word 0xaa55
