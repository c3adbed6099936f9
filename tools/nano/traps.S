/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entry from the multiboot loader; the handlers that rows measure, which are
 * as short as they can be; the way to user mode and back.
 *
 * DS and ES hold the user's flat segment everywhere.  Handlers return through
 * patched sites, so that what is measured ends in the ROM where there is one.
 */
#include "spec/vmi.h"
#include "tools/bare/entry.inc"
#include "tools/nano/sel.h"
#include "tools/nano/site.h"

	.text
	.globl	start
start:
	cld
	movl	$stack_top, %esp
	pushl	$0
	popfl
	pushl	%ebx			/* multiboot information */
	pushl	%eax			/* magic */
	call	nano_main
1:	cli
	hlt
	jmp	1b

/* Exceptions that no row asked for: vector and frame to C. */
	TRAP_STUBS 256, pushl, common
common:
	pushl	%esp
	call	trap_unexpected

	.globl	trap_spurious
trap_spurious:
	SITE	VMI_CALL_IRET, iret

/* int $VEC_SYSCALL */
	.globl	on_syscall
	.align	16
on_syscall:
	incl	events
	SITE	VMI_CALL_IRET, iret

/* #DE of "div %cl", 2 bytes long. */
	.globl	on_divide
	.align	16
on_divide:
	incl	events
	addl	$2, (%esp)
	SITE	VMI_CALL_IRET, iret

/* #PF of "movl %eax, (%edx)", 2 bytes long; looks at CR2 as handlers do. */
	.globl	on_page_fault
	.align	16
on_page_fault:
	pushl	%eax
	pushl	%ecx
	pushl	%edx
	movl	get_cr2, %eax
	testl	%eax, %eax
	jz	1f
	call	*%eax
	jmp	2f
1:	movl	%cr2, %eax
2:	movl	%eax, fault_address
	popl	%edx
	popl	%ecx
	popl	%eax
	incl	events
	addl	$4, %esp		/* error code */
	addl	$2, (%esp)
	SITE	VMI_CALL_IRET, iret

/* LAPIC timer: EOI and return. */
	.globl	on_timer
	.align	16
on_timer:
	pushl	%eax
	pushl	%ecx
	pushl	%edx
	incl	events
	movl	apic_write_call, %ecx
	testl	%ecx, %ecx
	jz	1f
	movl	$0xb0, %eax
	xorl	%edx, %edx
	call	*%ecx
	jmp	2f
1:	movl	$0, LAPIC_VA + 0xb0
2:	popl	%edx
	popl	%ecx
	popl	%eax
	SITE	VMI_CALL_IRET, iret

/* ECX: user's ESP, EDX: where it goes on. */
	.globl	sysenter_entry
	.align	16
sysenter_entry:
	incl	events
	SITE	VMI_CALL_SYSEXIT, sti; sysexit

/* void user_enter(eip, n): user code at eip with n in ESI, until VEC_LEAVE. */
	.globl	user_enter, leave_user
user_enter:
	pushl	%ebx
	pushl	%esi
	pushl	%edi
	pushl	%ebp
	movl	20(%esp), %eax
	movl	24(%esp), %esi
	movl	%esp, kernel_esp
	pushl	$SEL_USER_DS
	pushl	user_esp
	pushl	$0x202
	pushl	$SEL_USER_CS
	pushl	%eax
	SITE	VMI_CALL_IRET, iret
leave_user:
	movl	kernel_esp, %esp
	popl	%ebp
	popl	%edi
	popl	%esi
	popl	%ebx
	ret

/* void kernel_irets(n): IRET to the same level. */
	.globl	kernel_irets
	.align	16
kernel_irets:
	movl	4(%esp), %ecx
	.align	16
1:	pushl	$2			/* EFLAGS: interrupts off */
	pushl	$SEL_KERNEL_CS
	pushl	$2f
	SITE	VMI_CALL_IRET, iret
2:	decl	%ecx
	jnz	1b
	ret

/* A page with code that runs and data that is written: stores are traced. */
	.globl	traced_code, traced_data
	.align	4096
traced_code:
	ret
	.skip	2047
traced_data:
	.long	0
	.align	4096

/* ---- User loops: ESI operations, then VEC_LEAVE ----------------------------- */
	.section .user, "awx"
	.macro	USER_LOOP name, body:vararg
	.globl	\name
	.align	16
\name:
	\body
	decl	%esi
	jnz	\name
	int	$VEC_LEAVE
	.endm

	USER_LOOP user_empty, nop
	USER_LOOP user_syscall, int $VEC_SYSCALL

	.globl	user_sysenter
	.align	16
user_sysenter:
	call	1f
1:	popl	%ebx
	addl	$3f - 1b, %ebx		/* where SYSEXIT goes, in user space */
	.align	16
2:	movl	%esp, %ecx
	movl	%ebx, %edx
	sysenter
3:	decl	%esi
	jnz	2b
	int	$VEC_LEAVE

	.globl	user_divide
	.align	16
user_divide:
	xorl	%ecx, %ecx
	.align	16
1:	divb	%cl
	decl	%esi
	jnz	1b
	int	$VEC_LEAVE

/* The third page of the user's table is never there. */
	.globl	user_fault
	.align	16
user_fault:
	movl	$USER_VA + 0x2000, %edx
	.align	16
1:	movl	%eax, (%edx)
	decl	%esi
	jnz	1b
	int	$VEC_LEAVE

	.globl	user_call
	.align	16
user_call:
1:	call	2f
	decl	%esi
	jnz	1b
	int	$VEC_LEAVE
	.align	16
2:	ret

	.globl	user_call_indirect
	.align	16
user_call_indirect:
	call	1f
1:	popl	%ebx
	addl	$3f - 1b, %ebx
	.align	16
2:	call	*%ebx
	decl	%esi
	jnz	2b
	int	$VEC_LEAVE
	.align	16
3:	ret

	.bss
	.align	16
	.space	16384
stack_top:
	.globl	kernel_esp, user_esp, fault_address, get_cr2, apic_write_call
kernel_esp:	.long	0
user_esp:	.long	0
fault_address:	.long	0
get_cr2:	.long	0
apic_write_call: .long	0
	.section .note.GNU-stack, "", @progbits
