/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tiny guests that find out what a KVM can run.  The image is data of
 * this program; probe.c copies it to PROBE_CODE of a guest and enters it, in
 * real mode at probe_real, in flat unpaged protected mode at the others.
 *
 * Every guest times a loop and reads PROBE_MAGIC by its own address
 * translation.  None has an IDT: an exception is a triple fault.
 */
#include "fullvirt/hv/probe_guest.h"

#define AT(label)	(PROBE_CODE + label - probe_image)

#define CR0_PG_WP	0x80010000
#define CR4_PAE		0x20
#define MSR_EFER	0xc0000080
#define EFER_SCE	0x001
#define EFER_LME	0x100
#define MSR_STAR	0xc0000081
/* IOPL 3, so that CPL 3 may use ports. */
#define FLAGS_IOPL3	0x3002

	.macro	TIMED_LOOP begin, end, times=PROBE_LOOPS
	.rept	PROBE_REPEATS
	outb	%al, $\begin
	movl	$\times, %ecx
1:	decl	%ecx
	jnz	1b
	outb	%al, $\end
	.endr
	.endm

	.macro	INVLPGS
	.rept	PROBE_INVLPGS
	invlpg	PROBE_MAGIC_VA
	.endr
	.endm

	.macro	TELL_TSC
	rdtsc
	movl	%edx, %eax
	outl	%eax, $PORT_TSC
	.endm

	.macro	TELL_MAGIC address
	movl	\address, %eax
	outl	%eax, $PORT_MAGIC
	.endm

	.section .rodata
	.globl	probe_image, probe_image_end
	.globl	probe_real, probe_unpaged, probe_paging32, probe_pae
	.globl	probe_long, probe_gdt
	.balign	16
probe_image:

	.code16
/* ES has a limit of 4 GiB, which no virtual-8086 mode can stand in for. */
probe_real:
	TIMED_LOOP PORT_LOOP_BEGIN, PORT_LOOP_END
	TELL_MAGIC %es:PROBE_MAGIC_GPA
	hlt

	.code32
probe_unpaged:
	TELL_TSC
	TIMED_LOOP PORT_LOOP_BEGIN, PORT_LOOP_END
	TELL_MAGIC PROBE_MAGIC_GPA
	hlt

probe_pae:
	movl	%cr4, %eax
	orl	$CR4_PAE, %eax
	movl	%eax, %cr4
probe_paging32:
	movl	$PROBE_TABLES, %eax
	movl	%eax, %cr3
	movl	%cr0, %eax
	orl	$CR0_PG_WP, %eax
	movl	%eax, %cr0
	ljmp	$PROBE_CS32, $AT(1f)
1:	TIMED_LOOP PORT_LOOP_BEGIN, PORT_LOOP_END
	INVLPGS
	TELL_MAGIC PROBE_MAGIC_VA
	hlt

probe_long:
	movl	%cr4, %eax
	orl	$CR4_PAE, %eax
	movl	%eax, %cr4
	movl	$PROBE_TABLES, %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$EFER_LME | EFER_SCE, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$CR0_PG_WP, %eax
	movl	%eax, %cr0
	ljmp	$PROBE_CS64, $AT(1f)
	.code64
1:	TIMED_LOOP PORT_LOOP_BEGIN, PORT_LOOP_END
	INVLPGS
	TELL_TSC
	TELL_MAGIC PROBE_MAGIC_VA
	movl	$MSR_STAR, %ecx
	xorl	%eax, %eax
	movl	$(PROBE_USER_CS32 << 16 | PROBE_CS64), %edx
	wrmsr
	incl	%ecx
	movl	$AT(on_syscall), %eax
	xorl	%edx, %edx
	wrmsr
	movl	$PROBE_STACK, %esp
	pushq	$PROBE_USER_DS
	pushq	$PROBE_STACK
	pushq	$FLAGS_IOPL3
	pushq	$PROBE_USER_CS64
	pushq	$AT(user64)
	iretq
user64:
	TELL_TSC
	TIMED_LOOP PORT_USER_BEGIN, PORT_USER_END, PROBE_USER_LOOPS
	pushq	$PROBE_USER_CS32
	pushq	$AT(user32)
	lretq
	.code32
user32:
	movl	PROBE_MAGIC_VA, %eax
	outl	%eax, $PORT_COMPAT
	ljmp	$PROBE_USER_CS64, $AT(1f)
	.code64
1:	syscall
	movl	%cs, %eax
	outl	%eax, $PORT_SYSRET
	hlt
on_syscall:
	movl	%cs, %eax
	outl	%eax, $PORT_SYSCALL
	sysretq

/* Flat; SDM Vol. 3A 3.4.5. */
	.balign	8
probe_gdt:
	.quad	0
	.quad	0x00cf9b000000ffff	/* code, 32-bit */
	.quad	0x00af9b000000ffff	/* code, 64-bit */
	.quad	0x00cf93000000ffff	/* data */
	.quad	0x00cffb000000ffff	/* code, 32-bit, DPL 3 */
	.quad	0x00cff3000000ffff	/* data, DPL 3 */
	.quad	0x00affb000000ffff	/* code, 64-bit, DPL 3 */
probe_image_end:

	.section .note.GNU-stack, "", @progbits
