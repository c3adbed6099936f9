/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entry from a multiboot loader in 32-bit mode, the way into long mode,
 * exception and interrupt stubs, catching of faults, the way to CPL 3 and
 * system calls.
 *
 * All tables are static data, because every instruction is dear where KVM
 * emulates it.
 */
#include "tests/guests64/sel.h"
#include "tools/bare/entry.inc"

#define MSR_EFER	0xc0000080
#define EFER_SCE_LME_NXE 0x901
#define CR4_PAE_FXSR	0x620
#define CR0_PG_WP_MP_PE	0x80010023

	.text
	.code32
/* A kernel may have 32-bit code to run before, which leaves the stack alone. */
	.weak	early32
	.globl	start
start:
	cld
	movl	$stack_top, %esp
	movl	$early32, %eax
	testl	%eax, %eax
	jz	1f
	call	*%eax
1:	lgdt	gdt_pointer
	movl	$CR4_PAE_FXSR, %eax
	movl	%eax, %cr4
	movl	$pml4, %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$EFER_SCE_LME_NXE, %eax
	wrmsr
	movl	$CR0_PG_WP_MP_PE, %eax
	movl	%eax, %cr0
	ljmp	$KERNEL_CS, $start64

	.code64
start64:
	movq	%rbx, entry_regs
	movq	%rsi, entry_regs + 8
	movq	%rdi, entry_regs + 16
	movq	%rbp, entry_regs + 24
	pushfq
	popq	entry_regs + 32
	movl	$KERNEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	movq	$stack_top, %rsp
	call	guest_init
	call	guest_main
	call	guest_exit
1:	cli
	hlt
	jmp	1b

	TRAP_STUBS 256, pushq, common

/* Makes struct trap (guest.h) on the stack. */
common:
	.irp	r, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, \
		r13, r14, r15
	pushq	%\r
	.endr
	cld
	movq	%rsp, %rdi
	call	trap_handle
	.irp	r, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, \
		rdx, rcx, rax
	popq	%\r
	.endr
	addq	$16, %rsp
	iretq

/*
 * int trap_set(void): as setjmp(); the next unhooked exception comes back
 * here with 1.
 */
	.globl	trap_set
trap_set:
	popq	%rdx
	movq	%rdx, catch_rip
	movq	%rsp, catch_rsp
	movq	%rbx, catch_rbx
	movq	%rbp, catch_rbp
	movq	%r12, catch_r12
	movq	%r13, catch_r13
	movq	%r14, catch_r14
	movq	%r15, catch_r15
	xorl	%eax, %eax
	jmp	*%rdx

/* Where trap_handle() and system calls go for what is caught. */
	.globl	trap_caught
trap_caught:
	movl	$KERNEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movq	catch_rsp, %rsp
	movq	catch_rbx, %rbx
	movq	catch_rbp, %rbp
	movq	catch_r12, %r12
	movq	catch_r13, %r13
	movq	catch_r14, %r14
	movq	catch_r15, %r15
	pushq	$0
	popfq
	cld
	movl	$1, %eax
	jmp	*catch_rip

/* void enter_user(rip, rsp, rflags, cs): to CPL 3; comes back by a trap. */
	.globl	enter_user
enter_user:
	pushq	$USER_DS
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	%rdi
	iretq

/*
 * LSTAR.  Call 0 counts and returns by SYSRET; any other one ends
 * enter_user(), with the registers kept in struct syscall_state.
 */
	.globl	syscall_entry
syscall_entry:
	movq	%rsp, syscall_rsp
	movq	$trap_stack_top, %rsp
	incq	syscall_count
	testq	%rax, %rax
	jnz	1f
	movq	syscall_rsp, %rsp
	sysretq
1:	movq	%rax, syscall_rax
	movq	%rcx, syscall_rcx
	movq	%r11, syscall_r11
	pushfq
	popq	syscall_flags
	movw	%cs, syscall_cs
	movw	%ss, syscall_ss
	jmp	trap_caught

/*
 * uint32_t compat_call(uint32_t arg): call compat_code, 32-bit, at CPL 0 and
 * come back with what it left in EAX.
 */
	.globl	compat_call
compat_call:
	pushq	%rbx
	movl	%edi, %eax
	ljmpl	*compat_pointer
	.code32
compat_code:
	/* 40h is an increment here, and would be a prefix in 64-bit code. */
	.byte	0x40
	movl	%eax, %ebx
	ljmp	$KERNEL_CS, $compat_back
	.code64
compat_back:
	movl	%ebx, %eax
	popq	%rbx
	ret

	.data
	.align	8
compat_pointer:
	.long	compat_code
	.word	KERNEL_CS32

	.align	8
	.globl	gdt
gdt:
	.quad	0
	.quad	0x00cf9b000000ffff	/* KERNEL_CS32 */
	.quad	0x00af9b000000ffff	/* KERNEL_CS */
	.quad	0x00cf93000000ffff	/* KERNEL_DS */
	.quad	0x00cffb000000ffff	/* USER_CS32 */
	.quad	0x00cff3000000ffff	/* USER_DS */
	.quad	0x00affb000000ffff	/* USER_CS */
	.quad	0
	.quad	0, 0			/* TSS_SEL */
gdt_end:
gdt_pointer:
	.word	gdt_end - gdt - 1
	.quad	gdt

/*
 * P, RW, A, D (and US above the window's pages) in all of them: SDM Vol. 3A
 * table 4-14 ff.  2 MiB pages map the first 64 MiB, and what is at
 * FEC00000h, one to one.
 */
	.align	4096
	.globl	pml4
pml4:
	.quad	pdpt + 0x67
	.fill	255, 8, 0
	.quad	pdpt_high + 0x67
	.fill	255, 8, 0
pdpt:
	.quad	pd_low + 0x67
	.quad	pd_window + 0x67
	.quad	0
	.quad	pd_devices + 0x67
	.fill	508, 8, 0
pdpt_high:
	.quad	pd_window + 0x67
	.fill	511, 8, 0
pd_low:
	.set	i, 0
	.rept	32
	.quad	i * 0x200000 + 0xe3
	.set	i, i + 1
	.endr
	.fill	480, 8, 0
pd_window:
	.quad	window_table + 0x67
	.globl	pd_window
	.fill	511, 8, 0
pd_devices:
	.fill	502, 8, 0
	.quad	0xfec00000 + 0xf3	/* PCD */
	.quad	0xfee00000 + 0xf3
	.fill	8, 8, 0

	.bss
	.align	4096
	.globl	window_table
window_table:
	.space	4096
	.globl	ist_stack_top, trap_stack_top
	.space	4096
ist_stack_top:
	.space	8192
trap_stack_top:
	.space	16384
stack_top:
	.globl	entry_regs
entry_regs:	.fill	5, 8, 0
	.globl	catch_rip
catch_rip:	.quad	0
catch_rsp:	.quad	0
catch_rbx:	.quad	0
catch_rbp:	.quad	0
catch_r12:	.quad	0
catch_r13:	.quad	0
catch_r14:	.quad	0
catch_r15:	.quad	0
	.globl	syscall_count, syscall_rax, syscall_rcx, syscall_r11
	.globl	syscall_flags, syscall_rsp, syscall_cs, syscall_ss
syscall_count:	.quad	0
syscall_rax:	.quad	0
syscall_rcx:	.quad	0
syscall_r11:	.quad	0
syscall_flags:	.quad	0
syscall_rsp:	.quad	0
syscall_cs:	.word	0
syscall_ss:	.word	0
	.section .note.GNU-stack, "", @progbits
