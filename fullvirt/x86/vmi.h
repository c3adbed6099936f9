/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypercalls that are the processor's own business: control registers,
 * translations, page tables.  Nothing here leaves the vCPU thread or takes a
 * lock.  hypervisor/vmi_private.h has the convention.
 */
#ifndef FULLVIRT_X86_VMI_H
#define FULLVIRT_X86_VMI_H

#include "fullvirt/x86/interp.h"

enum x86_vmi {
	X86_VMI_BUS,		/* not ours: engine_bus.hypercall */
	X86_VMI_DONE,		/* results are in the registers */
	X86_VMI_STATE,		/* the same, and CR0 or CR3 may have changed */
};

/*
 * Do the hypercall of the registers of x->v, at CPL 0.  Raises nothing: what
 * would fault, or reaches what is not plain RAM, is left to the caller's own
 * instructions, by its result.
 */
enum x86_vmi x86_vmi_call(struct x86 *x);

/*
 * OUT of a byte to @port with a VMI ROM in the machine: is it a hypercall?
 */
bool x86_vmi_port(const struct x86 *x, uint16_t port);
/* What the frame of exception @vector shall hold as EIP; v->rip mostly. */
uint32_t x86_vmi_fault_eip(struct x86 *x, unsigned vector);

#endif
