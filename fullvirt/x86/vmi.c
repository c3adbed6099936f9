/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hypercalls of the VMI ROM that concern the processor alone; see vmi.h.
 *
 * The rule for all of them: look first, change nothing that could fault.  The
 * ROM repeats natively what was not done, so a fault is raised by an ordinary
 * instruction of the guest and is precise (spec/vmi.md, "Faults").
 */
#include "fullvirt/x86/vmi.h"

#include "fullvirt/x86/priv.h"
#include "hypervisor/vmi_private.h"
#include "spec/vmi.h"

#define NOT_DONE	1u	/* the ROM does it with an instruction */
#define BAD		(~0u)
#define BATCH_MAX	4096u	/* entries in one go: a bound on latency */
#define TSS_ESP0	4u
#define CALL_LEN	5u	/* E8 rel32 */

static uint32_t arg(const struct x86 *x, enum gpr r)
{
	return x->v->gpr[r];
}

static enum x86_vmi done(struct x86 *x, uint32_t result, enum x86_vmi how)
{
	x->v->gpr[GPR_AX] = result;
	return how;
}

/* @n bytes of plain RAM within one page at @va, or NULL. */
static uint8_t *plain(struct x86 *x, uint32_t va, unsigned n, bool write)
{
	unsigned access = write ? X86_ACC_WRITE : X86_ACC_READ;
	struct x86_walk w;
	uint8_t *p;

	if (crosses_page(va, n))
		return NULL;
	if (x->hooks && x->hooks->hva) {
		p = x->hooks->hva(x->opaque, va, n, access);
		if (p)
			return p;
	}
	if (x86_translate_peek(x, va, access, &w) ||
	    !(mem_flags(x->mem, w.gpa) & MEM_RAM) ||
	    mem_flags(x->mem, w.gpa) & MEM_TRACED ||
	    x86_translate(x, va, access, &w))
		return NULL;
	return mem_hva(x->mem, w.gpa);
}

/* ------------------------------------------------ control registers */

/* Only TS: the rest has rules, which the instruction knows. */
static enum x86_vmi set_cr0(struct x86 *x)
{
	uint32_t val = arg(x, GPR_AX);

	if ((val ^ (uint32_t)x->v->cr0) & ~(uint32_t)CR0_TS)
		return done(x, NOT_DONE, X86_VMI_DONE);
	x->v->cr0 = val;
	return done(x, 0, X86_VMI_STATE);
}

static enum x86_vmi clts(struct x86 *x)
{
	x->v->cr0 &= ~(uint64_t)CR0_TS;
	return done(x, 0, X86_VMI_STATE);
}

static bool set_cr3_plain(struct x86 *x, uint32_t cr3)
{
	if (!x86_cr3_loads(x, cr3))
		return false;
	x86_set_cr3(x, cr3);
	return true;
}

static enum x86_vmi set_cr3(struct x86 *x)
{
	if (!set_cr3_plain(x, arg(x, GPR_AX)))
		return done(x, NOT_DONE, X86_VMI_DONE);
	return done(x, 0, X86_VMI_STATE);
}

/* ------------------------------------------------ translations */

static void inval(struct x86 *x, uint32_t va)
{
	x86_tlb_invlpg(x, va);
	if (x->hooks && x->hooks->tlb_inval)
		x->hooks->tlb_inval(x->opaque, va);
}

static enum x86_vmi inval_page(struct x86 *x)
{
	inval(x, arg(x, GPR_AX));
	return done(x, 0, X86_VMI_DONE);
}

/* With global pages off, a reload of CR3 is all there is to drop. */
static enum x86_vmi flush_tlb(struct x86 *x)
{
	bool global = arg(x, GPR_AX) & VMI_FLUSH_GLOBAL &&
		      x->v->cr4 & CR4_PGE;

	if (!set_cr3_plain(x, x->v->cr3))
		return done(x, NOT_DONE, X86_VMI_DONE);
	if (global && x->hooks && x->hooks->tlb_flush)
		x->hooks->tlb_flush(x->opaque, true);
	return done(x, 0, X86_VMI_STATE);
}

/* ------------------------------------------------ batches */

/* Never present and half written, whoever looks. */
static bool store_entry(struct x86 *x, const struct vmi_pxe_update *u)
{
	unsigned n = u->flags & VMI_PTE_LONG ? 8 : 4;
	uint8_t *p = plain(x, u->ptep, n, true);

	if (!p)
		return false;
	if (n == 4)
		__atomic_store_n((unaligned32 *)p, u->pte_low,
				 __ATOMIC_RELAXED);
	else
		store_raw(p, 8, u->pte_low | (uint64_t)u->pte_high << 32);
	return true;
}

static bool apply(struct x86 *x, const struct vmi_pxe_update *u)
{
	if (!(u->flags & VMI_PTE_STORED) && !store_entry(x, u))
		return false;
	if (u->flags & VMI_PTE_INVAL)
		inval(x, u->flags & VMI_PTE_VA_MASK);
	return true;
}

static bool fetch_update(struct x86 *x, uint32_t va, struct vmi_pxe_update *u)
{
	const uint8_t *p = plain(x, va, sizeof(*u), false);

	if (p)
		copy_raw(u, p, sizeof(*u));
	return p;
}

static enum x86_vmi batch(struct x86 *x)
{
	uint32_t va = arg(x, GPR_AX), count = arg(x, GPR_DX), n;
	struct vmi_pxe_update u;

	if (count > BATCH_MAX)
		count = BATCH_MAX;
	for (n = 0; n < count; n++)
		if (!fetch_update(x, va + n * sizeof(u), &u) || !apply(x, &u))
			break;
	return done(x, n, X86_VMI_DONE);
}

/* ------------------------------------------------ the next task */

/* All that SwitchSpace will write, looked up before any of it is. */
struct places {
	uint8_t *tls, *esp0;
};

static bool find_places(struct x86 *x, const struct vmi_switch_space *s,
			struct places *p)
{
	p->tls = p->esp0 = NULL;
	if (s->flags & VMI_SWITCH_TLS) {
		p->tls = plain(x, s->gdt_va + 8 * s->tls_index,
			       sizeof(s->tls), true);
		if (!p->tls)
			return false;
	}
	if (s->flags & VMI_SWITCH_STACK && s->tss_va) {
		p->esp0 = plain(x, s->tss_va + TSS_ESP0, 4, true);
		if (!p->esp0)
			return false;
	}
	return !(s->flags & VMI_SWITCH_CR3) || x86_cr3_loads(x, s->cr3);
}

static enum x86_vmi switch_space(struct x86 *x)
{
	const uint8_t *at = plain(x, arg(x, GPR_AX),
				  sizeof(struct vmi_switch_space), false);
	struct vmi_switch_space s;
	struct places p;

	if (!at)
		return done(x, NOT_DONE, X86_VMI_DONE);
	copy_raw(&s, at, sizeof(s));
	if (s.flags & ~(uint32_t)VMI_SWITCH_ALL)
		return done(x, BAD, X86_VMI_DONE);
	if (!find_places(x, &s, &p))
		return done(x, NOT_DONE, X86_VMI_DONE);
	if (p.tls)
		copy_raw(p.tls, s.tls, sizeof(s.tls));
	if (p.esp0)
		store_raw(p.esp0, 4, s.esp0);
	if (s.flags & VMI_SWITCH_SYSENTER)
		x->v->msr.sysenter_cs = s.sysenter_cs;
	if (s.flags & VMI_SWITCH_CR3)
		x86_set_cr3(x, s.cr3);
	return done(x, 0, X86_VMI_STATE);
}

enum x86_vmi x86_vmi_call(struct x86 *x)
{
	switch (arg(x, GPR_CX)) {
	case VMI_CALL_SET_CR0: return set_cr0(x);
	case VMI_CALL_CLTS: return clts(x);
	case VMI_CALL_SET_CR3: return set_cr3(x);
	case VMI_CALL_INVAL_PAGE: return inval_page(x);
	case VMI_CALL_FLUSH_TLB: return flush_tlb(x);
	case VMI_CALL_SET_PXE_BATCH: return batch(x);
	case VMI_CALL_SWITCH_SPACE: return switch_space(x);
	default: return X86_VMI_BUS;
	}
}

bool x86_vmi_port(const struct x86 *x, uint16_t port)
{
	return port == VMI_HC_PORT && x->bus && x->bus->hypercall &&
	       !vcpu_cpl(x->v) && !vcpu_real_or_v86(x->v);
}

/* Without a hypervisor interface behind it the instruction does not exist. */
void op_hypercall(struct x86 *x, const struct insn *i)
{
	if (!x->bus || !x->bus->hypercall || vcpu_cpl(x->v) ||
	    vcpu_real_or_v86(x->v))
		x86_ud(x);
	x86_hypercall(x);
}

void x86_hypercall(struct x86 *x)
{
	switch (x86_vmi_call(x)) {
	case X86_VMI_BUS:
		x->cache->result = X86_HYPERCALL;
		break;
	case X86_VMI_STATE:
		x86_refresh(x);
		break;
	case X86_VMI_DONE:
		break;
	}
}

/*
 * The ROM's IRET was reached by a call, whose return address is below the
 * frame.  A fault of it must name that call, which is what the guest's table
 * of fix-ups knows; and the frame stays whole (spec/vmi.md, "IRET").
 */
uint32_t x86_vmi_fault_eip(struct x86 *x, unsigned vector)
{
	const struct vcpu *v = x->v;
	const uint8_t *p;

	if (!x->bus || !x->bus->vmi_iret || v->rip != x->bus->vmi_iret ||
	    vcpu_cpl(v) || vcpu_real_or_v86(v) ||
	    (vector != VEC_GP && vector != VEC_NP && vector != VEC_SS))
		return v->rip;
	p = plain(x, (uint32_t)v->gpr[GPR_SP] - 4, 4, false);
	return p ? (uint32_t)load_raw(p, 4) - CALL_LEN : (uint32_t)v->rip;
}
