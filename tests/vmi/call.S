/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * void vmi_raw(uint32_t entry, struct raw *r): call @entry with all registers
 * of @r, and two words on the stack; put back all that it leaves.
 *
 * struct raw: edi esi ebp (esp) ebx edx ecx eax, stack[2], flags, moved.
 * @moved: before, whether DS and ES shall be null; afterwards, how far ESP is
 * off.
 */
	.text
	.globl	vmi_raw
vmi_raw:
	pushl	%ebp
	pushl	%ebx
	pushl	%esi
	pushl	%edi
	/* An interrupt handler may call, too: what it interrupts is kept. */
	pushl	entry
	pushl	record
	pushl	before
	pushl	nulls
	movl	40(%esp), %esi
	movl	36(%esp), %eax
	movl	%eax, entry
	movl	%esi, record
	pushl	36(%esi)		/* stack[1] */
	pushl	32(%esi)		/* stack[0] */
	movl	%esp, before
	movl	44(%esi), %eax
	movl	%eax, nulls
	movl	0(%esi), %edi
	movl	8(%esi), %ebp
	movl	16(%esi), %ebx
	movl	20(%esi), %edx
	movl	24(%esi), %ecx
	movl	28(%esi), %eax
	movl	4(%esi), %esi
	cmpl	$0, nulls
	je	1f
	pushl	$0
	popl	%ds
	pushl	$0
	popl	%es
1:	call	*%cs:entry
	pushfl
	pushl	%eax
	pushl	%ss
	popl	%ds
	pushl	%ss
	popl	%es
	movl	record, %eax
	movl	%edi, 0(%eax)
	movl	%esi, 4(%eax)
	movl	%ebp, 8(%eax)
	movl	%ebx, 16(%eax)
	movl	%edx, 20(%eax)
	movl	%ecx, 24(%eax)
	popl	%edx
	movl	%edx, 28(%eax)
	popl	%edx
	movl	%edx, 40(%eax)
	movl	%esp, %edx
	subl	before, %edx
	movl	%edx, 44(%eax)
	movl	before, %esp
	addl	$8, %esp
	popl	nulls
	popl	before
	popl	record
	popl	entry
	popl	%edi
	popl	%esi
	popl	%ebx
	popl	%ebp
	cld
	ret

	.bss
	.align	4
entry:	.long	0
record:	.long	0
before:	.long	0
nulls:	.long	0
