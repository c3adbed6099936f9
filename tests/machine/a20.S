/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A boot sector that opens and shuts address line 20 a thousand times, by port
 * 92h, the keyboard controller and the BIOS (INT 15h AX=2400h..2402h), as memory
 * managers do; each time the two megabytes must be one or two, for data and for
 * code.  Leaves with status 33, or 2 * N + 1 for the check N that failed.
 */
#define LOW	0x0600		/* 0000:0600 */
#define HIGH	0x0610		/* FFFF:0610 is 100600h */
#define ROUNDS	1000

	.code16
	.globl start
start:
	cli
	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %ss
	mov $0x7c00, %sp
	ljmp $0, $1f
1:	mov $0xffff, %ax
	mov %ax, %es
	mov $ROUNDS, %cx
round:	mov $2, %al		/* 1: open by port 92h */
	out %al, $0x92
	mov $0x11, %bl
	call two
	xor %al, %al		/* the keyboard controller's gate shut, too */
	call kbd
	xor %al, %al		/* 2: shut by port 92h */
	out %al, $0x92
	mov $0x12, %bl
	call one
	mov $2, %al		/* 3: open by the keyboard controller */
	call kbd
	mov $0x13, %bl
	call two
	loop round

	mov $0x2400, %ax	/* 4, 5: the BIOS */
	int $0x15
	xor %al, %al
	call kbd
	mov $0x14, %bl
	call one
	mov $0x2401, %ax
	int $0x15
	mov $0x15, %bl
	call two
	mov $0x2402, %ax	/* 6: the BIOS knows */
	int $0x15
	mov $0x16, %bl
	cmp $1, %al
	jne bad
	/* 7: code above 1 MiB is not what is at 0. */
	movb $0xcb, %es:HIGH	/* retf there; "mov bl, ..; retf" here */
	movl $0xcb77b3, LOW
	mov $0x17, %bl
	lcall $0xffff, $HIGH
	cmp $0x17, %bl
	jne bad
	xor %al, %al
	out %al, $0x92
	call kbd
	lcall $0xffff, $HIGH	/* 8: and is, with the line shut */
	cmp $0x77, %bl
	mov $0x18, %bl
	jne bad
	mov $0x10, %al
	out %al, $0xf4
bad:	mov %bl, %al
	out %al, $0xf4
	jmp .

/* The two megabytes are different memory... */
two:	movb $0x55, LOW
	movb $0xaa, %es:HIGH
	cmpb $0x55, LOW
	jne bad
	ret
/* ... or the same. */
one:	movb $0x55, LOW
	movb $0xaa, %es:HIGH
	cmpb $0xaa, LOW
	jne bad
	ret

/* Output port: AL is the A20 bit. */
kbd:	mov %al, %ah
	or $0xdd, %ah
	mov $0xd1, %al
	call ready
	out %al, $0x64
	call ready
	mov %ah, %al
	out %al, $0x60
ready:	push %ax
2:	in $0x64, %al
	test $2, %al
	jnz 2b
	pop %ax
	ret
	.org 510
	.word 0xaa55
