/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VMI option ROM: header, look-up, and a body for each call.  Built three
 * times, with ROM_KIND = VMI_ROM_NATIVE, _BT or _HV.
 *
 * The code runs at whatever linear address the guest has mapped it, is never
 * written, and keeps no state.  Calls 29 to 34 and everything that their
 * thunks reach use no segment but CS and SS.  Registers: spec/vmi.md; what is
 * not said there is scratch.
 */
#define __ASSEMBLY__
#include "hypervisor/vmi_private.h"
#include "spec/vmi.h"

#define CPUID_HYPERVISOR	0x40000000	/* its signature is in EBX... */
#define UMBRA_EBX		0x72626d55	/* 'Umbr' */
#define CR4_PGE			0x80
#define MSR_SYSENTER_CS		0x174
#define IF			0x200

	.code32
	.section .rom, "ax"
	.globl rom_start
rom_start:
	.short	VMI_ROM_SIGNATURE
	.byte	0			/* length, by mkrom */
	/* 16-bit entry: nothing to initialise, no boot device (PnP: AX). */
	.byte	0x31, 0xc0, 0xcb	/* xor ax, ax; retf */
	.byte	0
	.byte	0
	.long	VMI_SIGNATURE
	.byte	VMI_API_MINOR
	.byte	VMI_API_MAJOR
	.byte	2			/* jump slots */
	.byte	0
	.long	0			/* virtual_top: no hole */
	.short	0
	.short	license - rom_start
	.short	pci_header - rom_start
	.short	pnp_header - rom_start
	.long	0
	.org	VMI_ROM_MAGIC_AT
	.long	VMI_ROM_MAGIC
	.short	VMI_PROTOCOL
	.byte	ROM_KIND
	.byte	0			/* flags, by the loader */
	.short	answers - rom_start
	.short	VMI_CALLS
	.short	iret_insn - rom_start
	.byte	0			/* checksum, by mkrom */
	.org	VMI_OFF_INIT
	.globl	vmi_init
vmi_init:
	jmp	init
	.org	VMI_OFF_GET_RELOC
	.globl	get_reloc
get_reloc:
	jmp	look_up
	.org	0x90

license:
	.asciz	"GPL"
manufacturer:
	.asciz	"Umbra"
product:
#if ROM_KIND == VMI_ROM_NATIVE
	.asciz	"VMI (native)"
#elif ROM_KIND == VMI_ROM_BT
	.asciz	"VMI (BT)"
#else
	.asciz	"VMI (HV)"
#endif

	.balign	4
	.globl	pci_header
pci_header:
	.ascii	"PCIR"
	.short	VMI_PCI_VENDOR, VMI_PCI_DEVICE
	.short	0, 24
	.byte	0
	.byte	0x80, 0, 0x05		/* other memory controller */
	.short	0			/* length, by mkrom */
	.byte	1, 0			/* code revision 0.1 */
	.byte	0, 0x80
	.short	0

	.balign	16
	.globl	pnp_header
pnp_header:
	.ascii	"$PnP"
	.byte	1, 2
	.short	0
	.byte	0
	.byte	0			/* checksum, by mkrom */
	.long	0
	.short	manufacturer - rom_start, product - rom_start
	.byte	5, 0x80, 0
	.byte	0
	.short	0, 0, 0, 0, 0

/* ------------------------------------------------ hypercalls */

/* Number in ECX; arguments and results in EAX and EDX. */
	.macro	hypercall nr
	movl	$\nr, %ecx
#if ROM_KIND == VMI_ROM_BT
	vmcall
#else
	outb	%al, $VMI_HC_PORT
#endif
	.endm

/* ------------------------------------------------ init */

init:
	call	1f
1:	popl	%eax
#if ROM_KIND == VMI_ROM_NATIVE
	/* Nobody is to know, unless somebody listens. */
	testb	$VMI_ROM_TRACE, rom_start + VMI_ROM_FLAGS_AT - 1b(%eax)
	jnz	2f
	xorl	%eax, %eax
	ret
#else
	pushl	%eax
	/* Somebody else's hypervisor, or none: the guest stays native. */
	pushl	%ebx
	movl	$CPUID_HYPERVISOR, %eax
	xorl	%ecx, %ecx
	cpuid
	cmpl	$UMBRA_EBX, %ebx
	popl	%ebx
	popl	%eax
	jne	none
#endif
2:	subl	$1b - rom_start, %eax
	movl	$VMI_PROTOCOL, %edx
	hypercall VMI_HC_INIT
	ret

/* ------------------------------------------------ get_reloc */

/* EAX: number.  EAX: address, EDX: type. */
look_up:
	call	1f
1:	popl	%edx
	testb	$VMI_ROM_TRACE, rom_start + VMI_ROM_FLAGS_AT - 1b(%edx)
	jnz	2f
	cmpl	$VMI_CALLS, %eax
	jae	3f
	leal	answers - 1b(%edx, %eax, VMI_ANSWER_SIZE), %ecx
	movzwl	(%ecx), %eax
	leal	rom_start - 1b(%edx, %eax), %eax
	movzbl	2(%ecx), %edx
	testl	%edx, %edx
	jz	none_at
	ret
2:	/* Traced: everything with a body, by its thunk. */
	pushl	%eax
	pushl	%edx
	hypercall VMI_HC_QUERY
	popl	%edx
	popl	%eax
	cmpl	$VMI_CALLS, %eax
	jae	3f
	leal	answers - 1b(%edx, %eax, VMI_ANSWER_SIZE), %ecx
	cmpw	$0, (%ecx)
	je	3f
	shll	$4, %eax
	leal	thunks - 1b(%edx, %eax), %eax
	movzbl	2(%ecx), %edx
	cmpl	$VMI_RELOC_JUMP, %edx
	je	4f
	movl	$VMI_RELOC_CALL, %edx
4:	ret
3:	leal	none - 1b(%edx), %eax
	xorl	%edx, %edx
	ret
none_at:
	call	1f
1:	popl	%eax
	addl	$none - 1b, %eax
	ret

/* What an answer of NONE points to, for who calls it all the same. */
none:
	movl	$-1, %eax
	movl	%eax, %edx
	ret

/* ------------------------------------------------ processor */

cpuid:
	cpuid
	ret
wrmsr:
	wrmsr
	ret
rdmsr:
	rdmsr
	ret
rdpmc:
	rdpmc
	ret
rdtsc:
	rdtsc
	ret
wbinvd:
	wbinvd
	ret
nothing:
	ret

/* Which register is part of the instruction. */
set_dr:
	cmpl	$1, %eax
	jb	10f
	je	11f
	cmpl	$3, %eax
	jb	12f
	je	13f
	cmpl	$6, %eax
	jb	18f
	je	16f
	cmpl	$7, %eax
	ja	18f
	movl	%edx, %dr7
	ret
10:	movl	%edx, %dr0
	ret
11:	movl	%edx, %dr1
	ret
12:	movl	%edx, %dr2
	ret
13:	movl	%edx, %dr3
	ret
16:	movl	%edx, %dr6
18:	ret
get_dr:
	cmpl	$1, %eax
	jb	10f
	je	11f
	cmpl	$3, %eax
	jb	12f
	je	13f
	cmpl	$6, %eax
	jb	18f
	je	16f
	cmpl	$7, %eax
	ja	18f
	movl	%dr7, %eax
	ret
10:	movl	%dr0, %eax
	ret
11:	movl	%dr1, %eax
	ret
12:	movl	%dr2, %eax
	ret
13:	movl	%dr3, %eax
	ret
16:	movl	%dr6, %eax
	ret
18:	xorl	%eax, %eax
	ret

/* ------------------------------------------------ control registers */

get_cr0:
	movl	%cr0, %eax
	ret
get_cr2:
	movl	%cr2, %eax
	ret
get_cr3:
	movl	%cr3, %eax
	ret
get_cr4:
	movl	%cr4, %eax
	ret
set_cr2:
	movl	%eax, %cr2
	ret
set_cr4:
	movl	%eax, %cr4
	ret
#if ROM_KIND == VMI_ROM_BT
/* A hypercall says 0, or not 0 when the instruction must do it (or fault). */
set_cr0:
	pushl	%eax
	hypercall VMI_CALL_SET_CR0
	testl	%eax, %eax
	popl	%eax
	jnz	1f
	ret
1:	movl	%eax, %cr0
	ret
set_cr3:
	pushl	%eax
	hypercall VMI_CALL_SET_CR3
	testl	%eax, %eax
	popl	%eax
	jnz	1f
	ret
1:	movl	%eax, %cr3
	ret
clts:
	hypercall VMI_CALL_CLTS
	ret
inval_page:
	hypercall VMI_CALL_INVAL_PAGE
	ret
flush_tlb:
	pushl	%eax
	hypercall VMI_CALL_FLUSH_TLB
	testl	%eax, %eax
	popl	%eax
	jnz	flush_native
	ret
#else
set_cr0:
	movl	%eax, %cr0
	ret
set_cr3:
	movl	%eax, %cr3
	ret
clts:
	clts
	ret
inval_page:
	invlpg	(%eax)
	ret
flush_tlb:
#endif
/* Global translations go when CR4.PGE changes, SDM Vol. 3A 4.10.4.1. */
flush_native:
	testl	$VMI_FLUSH_GLOBAL, %eax
	jz	1f
	movl	%cr4, %edx
	testl	$CR4_PGE, %edx
	jz	1f
	movl	%edx, %ecx
	andl	$~CR4_PGE, %ecx
	movl	%ecx, %cr4
	movl	%edx, %cr4
	ret
1:	movl	%cr3, %eax
	movl	%eax, %cr3
	ret

/* ------------------------------------------------ descriptors, stack */

set_gdt:
	lgdt	(%eax)
	ret
set_idt:
	lidt	(%eax)
	ret
set_ldt:
	lldt	%ax
	ret
set_tr:
	ltr	%ax
	ret
get_gdt:
	sgdt	(%eax)
	ret
get_idt:
	sidt	(%eax)
	ret
get_ldt:
	sldt	%eax
	movzwl	%ax, %eax
	ret
get_tr:
	str	%eax
	movzwl	%ax, %eax
	ret
write_entry:
	leal	(%eax, %edx, 8), %eax
	movl	4(%esp), %edx
	movl	%ecx, (%eax)
	movl	%edx, 4(%eax)
	ret
set_iopl:
	andl	$0x3000, %eax
	pushfl
	andl	$~0x3000, (%esp)
	orl	%eax, (%esp)
	popfl
	ret

/* ------------------------------------------------ interrupt flag, return */

enable:
	sti
	ret
disable:
	cli
	ret
get_mask:
	pushfl
	popl	%eax
	andl	$IF, %eax
	ret
set_mask:
	testl	$IF, %eax
	jz	disable
	sti
	ret
#include "vmi-rom/iret.S.inc"

sysexit:
	sti
	sysexit

/* ------------------------------------------------ power */

halt:
	sti
	hlt
	ret
reboot:
	cli
	movb	$0xfe, %al		/* the keyboard controller's reset line */
	outb	%al, $0x64
	movb	$0x06, %al		/* the chip set's */
	movw	$0xcf9, %dx
	outb	%al, %dx
1:	hlt
	jmp	1b
shutdown:
#if ROM_KIND != VMI_ROM_NATIVE
	hypercall VMI_CALL_SHUTDOWN
#endif
	cli
1:	hlt
	jmp	1b

/* ------------------------------------------------ page tables */

set_pxe:
	movl	%eax, (%edx)
	ret
/*
 * EDX:EAX to ECX.  While the old entry is not present, the half that makes it
 * so is stored last; else both halves at once.
 */
set_pxe_long:
	testb	$1, (%ecx)
	jnz	1f
	movl	%edx, 4(%ecx)
	movl	%eax, (%ecx)
	ret
1:	pushl	%ebx
	pushl	%esi
	movl	%ecx, %esi
	movl	%eax, %ebx
	movl	%edx, %ecx
	movl	(%esi), %eax
	movl	4(%esi), %edx
2:	lock cmpxchg8b (%esi)
	jne	2b
	popl	%esi
	popl	%ebx
	ret

/* EAX: entries, EDX: count.  EAX: how many were done, all of them. */
batch:
#if ROM_KIND == VMI_ROM_BT
	/* As many as can be done at once; the rest, faults included, here. */
	pushl	%eax
	pushl	%edx
	hypercall VMI_CALL_SET_PXE_BATCH
	popl	%edx
	popl	%ecx
	cmpl	%edx, %eax
	jae	9f
	pushl	%edi
	movl	%eax, %edi
	movl	%ecx, %eax
#else
	pushl	%edi
	xorl	%edi, %edi
#endif
	pushl	%ebx
	pushl	%esi
	movl	%eax, %esi
	movl	%edx, %ebx
1:	cmpl	%ebx, %edi
	jae	8f
	movl	%edi, %eax
	shll	$4, %eax
	addl	%esi, %eax		/* the entry */
	pushl	%eax
	movl	4(%eax), %edx
	testl	$VMI_PTE_STORED, %edx
	jnz	3f
	movl	(%eax), %ecx
	testl	$VMI_PTE_LONG, %edx
	jnz	2f
	movl	8(%eax), %eax
	movl	%eax, (%ecx)
	jmp	3f
2:	movl	12(%eax), %edx
	movl	8(%eax), %eax
	call	set_pxe_long
3:	popl	%eax
	movl	4(%eax), %edx
	incl	%edi
	testl	$VMI_PTE_INVAL, %edx
	jz	1b
	andl	$VMI_PTE_VA_MASK, %edx
	invlpg	(%edx)
	jmp	1b
8:	movl	%edi, %eax
	popl	%esi
	popl	%ebx
	popl	%edi
9:	ret

/* EAX: struct vmi_switch_space.  EAX: 0, or -1 for parts unheard of. */
switch_space:
	pushl	%ebx
	movl	%eax, %ebx
#if ROM_KIND == VMI_ROM_BT
	hypercall VMI_CALL_SWITCH_SPACE
	testl	%eax, %eax
	jle	8f
	/* Positive: something in it may fault, so do it here. */
#endif
	movl	$-1, %eax
	testl	$~VMI_SWITCH_ALL, (%ebx)
	jnz	8f
	testb	$VMI_SWITCH_TLS, (%ebx)
	jz	1f
	movl	20(%ebx), %edx
	movl	24(%ebx), %ecx
	leal	(%edx, %ecx, 8), %edx
	movl	32(%ebx), %eax
	movl	36(%ebx), %ecx
	movl	%eax, (%edx)
	movl	%ecx, 4(%edx)
	movl	40(%ebx), %eax
	movl	44(%ebx), %ecx
	movl	%eax, 8(%edx)
	movl	%ecx, 12(%edx)
	movl	48(%ebx), %eax
	movl	52(%ebx), %ecx
	movl	%eax, 16(%edx)
	movl	%ecx, 20(%edx)
1:	testb	$VMI_SWITCH_STACK, (%ebx)
	jz	2f
	movl	12(%ebx), %edx
	testl	%edx, %edx
	jz	2f
	movl	8(%ebx), %ecx
	movl	%ecx, 4(%edx)
2:	testb	$VMI_SWITCH_SYSENTER, (%ebx)
	jz	3f
	movl	$MSR_SYSENTER_CS, %ecx
	movl	16(%ebx), %eax
	xorl	%edx, %edx
	wrmsr
3:	testb	$VMI_SWITCH_CR3, (%ebx)
	jz	4f
	movl	4(%ebx), %eax
	movl	%eax, %cr3
4:	xorl	%eax, %eax
8:	popl	%ebx
	ret

/* ------------------------------------------------ ports */

inl:
	inl	%dx, %eax
	ret
inb:
	inb	%dx, %al
	movzbl	%al, %eax
	ret
inw:
	inw	%dx, %ax
	movzwl	%ax, %eax
	ret
insl:
	rep insl
	ret
insb:
	rep insb
	ret
insw:
	rep insw
	ret
outl:
	outl	%eax, %dx
	ret
outb:
	outb	%al, %dx
	ret
outw:
	outw	%ax, %dx
	ret
outsl:
	rep outsl
	ret
outsb:
	rep outsb
	ret
outsw:
	rep outsw
	ret
io_delay:
	outb	%al, $0x80
	ret

/* ------------------------------------------------ what 3.1 adds */

features:
	call	1f
1:	popl	%eax
	movl	feature_word - 1b(%eax), %eax
	movl	$ROM_KIND, %edx
	ret
feature_word:
#if ROM_KIND == VMI_ROM_NATIVE
	.long	VMI_FEATURE_NATIVE_IRQ | VMI_FEATURE_NATIVE_RETURN | VMI_FEATURE_NATIVE_PTE
#elif ROM_KIND == VMI_ROM_BT
	.long	VMI_FEATURE_YIELD | VMI_FEATURE_STOLEN | VMI_FEATURE_CONSOLE | VMI_FEATURE_ALARM | VMI_FEATURE_COSTLY_FAULTS | VMI_FEATURE_NATIVE_IRQ | VMI_FEATURE_NATIVE_RETURN | VMI_FEATURE_NATIVE_PTE
#else
	.long	VMI_FEATURE_YIELD | VMI_FEATURE_STOLEN | VMI_FEATURE_CONSOLE | VMI_FEATURE_ALARM | VMI_FEATURE_NATIVE_IRQ | VMI_FEATURE_NATIVE_RETURN | VMI_FEATURE_NATIVE_PTE
#endif

/* ------------------------------------------------ only with a hypervisor */

#if ROM_KIND == VMI_ROM_NATIVE
yield:
	pause
	ret
#define ap_state	none
#define apic_write	none
#define apic_read	none
#define frequency	none
#define counter		none
#define set_alarm	none
#define cancel_alarm	none
#define wallclock	none
#define updated		none
#define stolen_page	none
#define console		none
#else
	.macro	forward name, nr
\name:	hypercall \nr
	ret
	.endm
	forward	yield, VMI_CALL_YIELD
	forward	ap_state, VMI_CALL_SET_INITIAL_AP_STATE
	forward	apic_write, VMI_CALL_APIC_WRITE
	forward	apic_read, VMI_CALL_APIC_READ
	forward	frequency, VMI_CALL_GET_CYCLE_FREQUENCY
	forward	cancel_alarm, VMI_CALL_CANCEL_ALARM
	forward	wallclock, VMI_CALL_GET_WALLCLOCK_TIME
	forward	updated, VMI_CALL_WALLCLOCK_UPDATED
	forward	stolen_page, VMI_CALL_SET_STOLEN_TIME_PAGE
	forward	console, VMI_CALL_CONSOLE_WRITE
/* The real counter is the TSC. */
counter:
	testl	%eax, %eax
	jnz	1f
	rdtsc
	ret
1:	hypercall VMI_CALL_GET_CYCLE_COUNTER
	ret
/* EAX flags, ECX:EDX expiry, the period behind the return address. */
set_alarm:
	pushl	%ecx
	pushl	%edx
	pushl	%eax
	movl	%esp, %eax
	hypercall VMI_CALL_SET_ALARM
	addl	$12, %esp
	ret
#endif

/* ------------------------------------------------ tracing */

/*
 * 16 bytes for each call: report it, and do it.  Nothing changes on the way
 * but memory below the stack pointer.
 */
	.balign	16
thunks:
#define VMI_CALL(nr, id, name, since, class, conv, result, types, site, args, text) \
	pushl	$nr; call report; leal 4(%esp), %esp; .byte 0xe9; \
	.long	body_##nr - . - 4; .set types_##nr, TYPES_##types;
#define TYPES_N		1
#define TYPES_NC	3
#define TYPES_NCP	11
#define TYPES_CJ	6
#define TYPES_NCJ	7
#include "spec/vmi-calls.def"
	.globl	thunks, thunks_end
thunks_end:
report:
	pushl	%ecx
	hypercall VMI_HC_TRACE
	popl	%ecx
	ret

/* ------------------------------------------------ the answers */

	.balign	4
answers:
	.set	answered, 0
	.macro	answer nr, body, type
	.if	\nr - answered
	.error	"answers.def is not in the order of the numbers"
	.endif
	.if	((1 << \type) & types_\nr) == 0
	.error	"the specification forbids this answer"
	.endif
	.ifc	\body, none
	.if	\type
	.error	"a call without a body is offered"
	.endif
	.short	0
	.else
	.short	\body - rom_start
	.endif
	.byte	\type, 0
	.set	body_\nr, \body
	.set	answered, answered + 1
	.endm

#define NONE	VMI_RELOC_NONE
#define CALL	VMI_RELOC_CALL
#define JUMP	VMI_RELOC_JUMP
#define NOP	VMI_RELOC_NOP
#if ROM_KIND == VMI_ROM_NATIVE
#define ANSWER(id, body, native, bt, hv) answer VMI_CALL_##id, body, native;
#elif ROM_KIND == VMI_ROM_BT
#define ANSWER(id, body, native, bt, hv) answer VMI_CALL_##id, body, bt;
#else
#define ANSWER(id, body, native, bt, hv) answer VMI_CALL_##id, body, hv;
#endif
#include "vmi-rom/answers.def"
	.if	answered - VMI_CALLS
	.error	"answers.def lacks calls"
	.endif
	.globl	rom_end
rom_end:
