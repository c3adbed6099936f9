/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * void fpu_run(void *image, struct fpu_regs *r, void *mem, void *code)
 *
 * The vector registers are the caller's to lose (System V ABI), the control
 * words are not.  FNINIT at the end also drops an exception that the guest's
 * instruction left pending, before a host instruction could take it.
 */
	.text
	.globl	fpu_run
	.type	fpu_run, @function
fpu_run:
	push	%rbx
	push	%rbp
	push	%r12
	sub	$16, %rsp
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)
	mov	%rdi, %rbx
	mov	%rsi, %rbp
	mov	%rcx, %r12
	mov	%rdx, %rdi
	fxrstor64 (%rbx)
	mov	8(%rbp), %rax
	push	%rax
	popfq
	mov	(%rbp), %rax
	call	*%r12
	mov	%rax, (%rbp)
	pushfq
	pop	%rax
	mov	%rax, 8(%rbp)
	fxsave64 (%rbx)
	fninit
	fldcw	4(%rsp)
	ldmxcsr	(%rsp)
	add	$16, %rsp
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
	.size	fpu_run, . - fpu_run
	.section .note.GNU-stack, "", @progbits
