/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entry from a multiboot loader, exception and interrupt stubs, catching of
 * faults, and the ways into other modes that C cannot say.
 */
#include "tests/guests/sel.h"
#include "tools/bare/entry.inc"

	.text
	.globl	start
start:
	cld
	movl	$stack_top, %esp
	movl	%ebx, multiboot_info
	pushl	$0
	popfl
	call	guest_init
	call	guest_main
	call	guest_exit
1:	cli
	hlt
	jmp	1b

	TRAP_STUBS 256, pushl, common

/* Makes struct trap (guest.h) on the stack. */
common:
	pushal
	pushl	%ds
	pushl	%es
	pushl	%fs
	pushl	%gs
	movl	$KERNEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	cld
	pushl	%esp
	call	trap_handle
	addl	$4, %esp
	.globl	trap_return
trap_return:
	popl	%gs
	popl	%fs
	popl	%es
	popl	%ds
	popal
	addl	$8, %esp
	iretl

/*
 * int trap_set(void): as setjmp(); the next unhooked exception comes back
 * here with 1.
 */
	.globl	trap_set
trap_set:
	movl	(%esp), %eax
	movl	%eax, catch_eip
	leal	4(%esp), %eax
	movl	%eax, catch_esp
	movl	%ebx, catch_ebx
	movl	%esi, catch_esi
	movl	%edi, catch_edi
	movl	%ebp, catch_ebp
	xorl	%eax, %eax
	ret

/* Where trap_handle() goes for a caught exception. */
	.globl	trap_caught
trap_caught:
	movl	$KERNEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	catch_esp, %esp
	movl	catch_ebx, %ebx
	movl	catch_esi, %esi
	movl	catch_edi, %edi
	movl	catch_ebp, %ebp
	pushl	$0
	popfl
	cld
	movl	$1, %eax
	jmp	*catch_eip

/* void enter_user(eip, esp, eflags): to CPL 3; comes back by an exception. */
	.globl	enter_user
enter_user:
	movl	4(%esp), %ecx
	movl	8(%esp), %edx
	movl	12(%esp), %ebx
	movl	%esp, tss + 4
	movl	$USER_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	pushl	$USER_DS
	pushl	%edx
	pushl	%ebx
	pushl	$USER_CS
	pushl	%ecx
	iretl

/* void enter_v86(cs, ip, ss, sp, eflags, ds, es) */
	.globl	enter_v86
enter_v86:
	movl	%esp, tss + 4
	movl	%esp, %eax
	pushl	$0			/* gs */
	pushl	$0			/* fs */
	pushl	24(%eax)		/* ds */
	pushl	28(%eax)		/* es */
	pushl	12(%eax)		/* ss */
	pushl	16(%eax)		/* sp */
	pushl	20(%eax)		/* eflags, VM set */
	pushl	4(%eax)			/* cs */
	pushl	8(%eax)			/* ip */
	iretl

/*
 * void real_call(ip): call 16-bit code at 0:ip in real mode and come back.
 * Everything that runs in real mode was copied to REAL_CODE by the caller.
 */
	.globl	real_call, real_start, real_end
real_call:
	pushal
	movl	36(%esp), %eax
	movl	%eax, REAL_VECTOR
	movl	%esp, REAL_ESP
	movl	%cr0, %eax
	movl	%eax, REAL_CR0
	sidt	REAL_IDT
	cli
	lidt	REAL_IVT
	ljmp	$CODE16, $REAL_CODE
real_back:
	movl	$KERNEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%eax, %fs
	movl	%eax, %gs
	movl	REAL_ESP, %esp
	lidt	REAL_IDT
	popal
	ret

	.code16
real_start:
	movw	$DATA16, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	%ax, %fs
	movw	%ax, %gs
	movl	%cr0, %eax
	andl	$0x7ffffffe, %eax
	movl	%eax, %cr0
	ljmp	$0, $(REAL_CODE + real_flush - real_start)
real_flush:
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %fs
	movw	%ax, %gs
	movw	%ax, %ss
	movl	$REAL_STACK, %esp
	callw	*REAL_VECTOR
	cli
	movl	REAL_CR0, %eax
	movl	%eax, %cr0
	ljmpl	$KERNEL_CS, $real_back
real_end:
	.code32

	.bss
	.align	16
	.space	32768
	.globl	stack_top
stack_top:
	.globl	catch_eip
catch_eip:	.long	0
catch_esp:	.long	0
catch_ebx:	.long	0
catch_esi:	.long	0
catch_edi:	.long	0
catch_ebp:	.long	0
	.section .note.GNU-stack, "", @progbits
