/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entry from the multiboot loader, and the interrupt stubs. */

#define MAGIC	0x1badb002
#define FLAGS	0x00000003	/* modules on pages, memory map wanted */

	.section .multiboot, "a"
	.align 4
	.long	MAGIC, FLAGS, -(MAGIC + FLAGS)

	.text
	.globl	start
start:
	cld
	movl	$stack_top, %esp
	pushl	$0
	popfl
	pushl	%ebx		/* struct multiboot_info * */
	pushl	%eax		/* magic */
	call	demo_main
1:	cli
	hlt
	jmp	1b

/*
 * One stub per vector 0..47: error code (or 0) and vector on the stack, then
 * the common path.  Vectors with an error code: Intel SDM Vol. 3A table 6-1.
 */
	.altmacro
	.macro	STUB n
	.align	8
stub_\n:
	.if	(\n == 8) || ((\n >= 10) && (\n <= 14)) || (\n == 17)
	.else
	pushl	$0
	.endif
	pushl	$\n
	jmp	common
	.endm

	.macro	STUB_ADDR n
	.long	stub_\n
	.endm

	.set	i, 0
	.rept	48
	STUB	%i
	.set	i, i + 1
	.endr

common:
	pushal
	pushl	%esp		/* struct frame * */
	call	interrupt
	addl	$4, %esp
	popal
	addl	$8, %esp
	iretl

	.section .rodata
	.globl	stubs
	.align	4
stubs:
	.set	i, 0
	.rept	48
	STUB_ADDR %i
	.set	i, i + 1
	.endr

	.bss
	.align	16
	.skip	16384
stack_top:
