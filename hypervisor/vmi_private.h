/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the VMI ROM and the hypervisor have between themselves; guests know
 * nothing of it.  Also read by the assembler.
 *
 * A hypercall is VMCALL at CPL 0 (BT, interpreter), or OUT of AL to an
 * immediate port (all engines; KVM does not let VMCALL out).  ECX says what: a call
 * of the VMI by its number, or one of VMI_HC_*.  Arguments are in EAX and EDX,
 * results in EAX, or EDX:EAX; ECX is lost, every other register is kept.  It
 * needs no segment register but CS.  What is not known returns -1.
 */
#ifndef HYPERVISOR_VMI_PRIVATE_H
#define HYPERVISOR_VMI_PRIVATE_H

#define VMI_PROTOCOL		1	/* of this file */
#define VMI_HC_PORT		0xe6	/* nobody's on a PC */

/* EAX: linear address of the ROM, EDX: VMI_PROTOCOL.  EAX: 0, or why not. */
#define VMI_HC_INIT		0x100
/*
 * A call is about to be made; from the ROM's thunks while it is traced.  At
 * ESP: ECX of the caller, an address in the ROM, the call's number, the
 * caller's stack.  EAX and EDX are the caller's, and are kept.
 */
#define VMI_HC_TRACE		0x101

/* get_reloc was asked for call EAX; while it is traced. */
#define VMI_HC_QUERY		0x102

/* SetAlarm passes EAX = VA of { flags, expiry low, high, -, period low, high }. */
#define VMI_ALARM_BLOCK		24

/* The ROM header's 96 reserved bytes: what the loader wants to know. */
#define VMI_ROM_MAGIC_AT	0x20	/* u32 */
#define VMI_ROM_MAGIC		0x62726d55	/* 'Umrb' */
#define VMI_ROM_PROTOCOL_AT	0x24	/* u16 */
#define VMI_ROM_KIND_AT		0x26	/* u8 */
#define VMI_ROM_FLAGS_AT	0x27	/* u8, written by the loader */
#define VMI_ROM_TABLE_AT	0x28	/* u16: offset of the answers */
#define VMI_ROM_CALLS_AT	0x2a	/* u16: how many */
#define VMI_ROM_IRET_AT		0x2c	/* u16: offset of the IRET instruction */
#define VMI_ROM_SUM_AT		0x2e	/* u8: makes the sum 0 */

#define VMI_ROM_NATIVE		0	/* kinds */
#define VMI_ROM_BT		1
#define VMI_ROM_HV		2

#define VMI_ROM_TRACE		0x01	/* flags: get_reloc hands out thunks */

/* An answer: { u16 offset of the body, 0: none; u8 type; u8 0 }. */
#define VMI_ANSWER_SIZE		4

#endif
