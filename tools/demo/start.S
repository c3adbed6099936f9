/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entry from the multiboot loader, and the interrupt stubs. */

#include "tools/bare/entry.inc"

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

	TRAP_STUBS 48, pushl, common

common:
	pushal
	pushl	%esp		/* struct frame * */
	call	interrupt
	addl	$4, %esp
	popal
	addl	$8, %esp
	iretl

	.bss
	.align	16
	.skip	16384
stack_top:
