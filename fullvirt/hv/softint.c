// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * INT n and INT3 in long mode, where KVM does not run them on the processor.
 *
 * KVM's emulator knows them in real mode only, and the interpreter knows no
 * 64-bit code.  But KVM can be told of an event whose delivery has begun, and
 * for these instructions nothing else is to be done: what a software interrupt
 * checks more than other events (SDM Vol. 3A 6.12.1.3), then rip behind the
 * instruction and the event, which KVM delivers at the next entry.
 */
#include <stdio.h>
#include <string.h>

#include "fullvirt/hv/hv.h"
#include "hypervisor/mem.h"

#define OPCODE_INT3	0xccu
#define OPCODE_INT	0xcdu

/* 64-bit gates: 16 bytes; byte 5 has P, DPL, type.  SDM Vol. 3A figure 6-8. */
#define GATE_LEN	16u
#define GATE_ATTR	5u
#define GATE_P		0x80u
#define GATE_DPL(attr)	((attr) >> 5 & 3u)
#define GATE_TYPE(attr)	((attr) & 0x1fu)
#define GATE_INTERRUPT	0x0eu
#define GATE_TRAP	0x0fu
/* Error code: the vector stands for a gate, SDM Vol. 3A figure 6-7. */
#define ERROR_IDT	2u

/* @len bytes of the guest's memory by its own page tables, for the kernel. */
static int read_linear(struct hv *hv, gva_t gva, uint8_t *out, unsigned len)
{
	for (unsigned i = 0; i < len; i++) {
		struct kvm_translation t = { .linear_address = gva + i };

		if (hv_ioctl(hv->fd, KVM_TRANSLATE, &t) < 0 || !t.valid ||
		    !mem_backed(hv->vm->mem, t.physical_address) ||
		    mem_read(hv->vm->mem, t.physical_address, &out[i], 1))
			return -1;
	}
	return 0;
}

static gva_t linear_rip(const struct vcpu *v)
{
	if (v->seg[SEG_CS].attr & SEG_L)
		return v->rip;
	return (uint32_t)(v->seg[SEG_CS].base + v->rip);
}

/* Length of the instruction at rip, 0: another one. */
static unsigned fetch(struct hv *hv, unsigned *vector)
{
	gva_t rip = linear_rip(&hv->v);
	uint8_t op, n;

	if (read_linear(hv, rip, &op, 1))
		return 0;
	*vector = VEC_BP;
	if (op == OPCODE_INT3)
		return 1;
	if (op != OPCODE_INT || read_linear(hv, rip + 1, &n, 1))
		return 0;
	*vector = n;
	return 2;
}

static void raise(struct hv *hv, enum vector vector, uint32_t error)
{
	hv->v.event = (struct vcpu_event){
		.kind = EVENT_EXCEPTION, .vector = vector,
		.has_error = 1, .error = error,
	};
}

/* The exception that the gate of @vector gives rise to, or 0. */
static enum vector check_gate(struct hv *hv, unsigned vector)
{
	const struct vcpu *v = &hv->v;
	uint8_t gate[GATE_LEN], attr;

	if (vector * GATE_LEN + GATE_LEN - 1 > v->idtr.limit ||
	    read_linear(hv, v->idtr.base + vector * GATE_LEN, gate, GATE_LEN))
		return VEC_GP;
	attr = gate[GATE_ATTR];
	if ((GATE_TYPE(attr) != GATE_INTERRUPT &&
	     GATE_TYPE(attr) != GATE_TRAP) || GATE_DPL(attr) < vcpu_cpl(v))
		return VEC_GP;
	return attr & GATE_P ? 0 : VEC_NP;
}

bool hv_soft_interrupt(struct hv *hv)
{
	unsigned vector, len = fetch(hv, &vector);
	enum vector fault;

	if (!len)
		return false;
	fault = check_gate(hv, vector);
	if (fault) {
		raise(hv, fault, vector * 8 + ERROR_IDT);
	} else {
		hv->v.rip += len;
		hv->v.event = (struct vcpu_event){
			.kind = len == 1 ? EVENT_EXCEPTION : EVENT_INTR,
			.vector = vector,
		};
	}
	hv->v.shadow = 0;
	hv_state_store(hv);
	return true;
}
