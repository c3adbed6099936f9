/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control registers: what may be written, and what a write drags along.
 *
 * Intel SDM Vol. 3A 2.5, 4.1.2, 4.4.1, 4.10.4; Vol. 2 MOV CR, LMSW, CLTS.
 */
#include "fullvirt/x86/operand.h"

#define CR0_DEFINED	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | \
			 CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)
#define CR0_PAGING	(CR0_PE | CR0_WP | CR0_PG)
/* Those whose feature CPUID reports. */
#define CR4_OFFERED	(CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_MCE | \
			 CR4_PGE | CR4_PCE | CR4_OSFXSR | CR4_OSXMMEXCPT)
#define CR4_PAGING	(CR4_PSE | CR4_PAE | CR4_PGE)
#define PDPTE_P		1ULL
/* Bits 1, 2, 5..8, and above the physical address. */
#define PDPTE_RESERVED	(0x1e6ULL | ~((1ULL << 36) - 1))

static void flush(struct x86 *x, bool global_too)
{
	x86_tlb_flush(x);
	if (x->hooks && x->hooks->tlb_flush)
		x->hooks->tlb_flush(x->opaque, global_too);
}

/*
 * Read the four PDPTEs of @cr3.  #GP(0) for reserved bits, and nothing is
 * changed then.
 */
static void load_pdptes(struct x86 *x, uint64_t cr3)
{
	gpa_t at = cr3 & 0xffffffe0 & x->mem->a20_mask;
	uint64_t e[4] = { 0 };

	for (unsigned n = 0; n < 4; n++) {
		if (mem_backed(x->mem, at + n * 8))
			e[n] = load_raw(mem_hva(x->mem, at + n * 8), 8);
		if (e[n] & PDPTE_P && e[n] & PDPTE_RESERVED)
			x86_gp(x, 0);
	}
	for (unsigned n = 0; n < 4; n++)
		x->v->pdpte[n] = e[n];
}

/* Would load_pdptes() accept them? */
static bool pdptes_valid(const struct x86 *x, uint64_t cr3)
{
	gpa_t at = cr3 & 0xffffffe0 & x->mem->a20_mask;
	uint64_t e;

	for (unsigned n = 0; n < 4; n++) {
		if (!mem_backed(x->mem, at + n * 8))
			continue;
		e = load_raw(mem_hva(x->mem, at + n * 8), 8);
		if (e & PDPTE_P && e & PDPTE_RESERVED)
			return false;
	}
	return true;
}

static bool pae_active(const struct vcpu *v)
{
	return v->cr0 & CR0_PG && v->cr4 & CR4_PAE;
}

bool x86_cr3_loads(const struct x86 *x, uint64_t cr3)
{
	return !pae_active(x->v) || pdptes_valid(x, cr3);
}

void x86_set_cr3(struct x86 *x, uint64_t cr3)
{
	struct vcpu *v = x->v;
	uint64_t old = v->cr3;

	if (pae_active(v))
		load_pdptes(x, cr3);
	v->cr3 = cr3;
	x86_tlb_flush(x);
	if (x->hooks && x->hooks->cr3_load)
		x->hooks->cr3_load(x->opaque, old, cr3);
	if (x->hooks && x->hooks->tlb_flush)
		x->hooks->tlb_flush(x->opaque, false);
}

void x86_write_cr0(struct x86 *x, uint32_t val)
{
	struct vcpu *v = x->v;
	uint32_t old = v->cr0;

	if ((val & CR0_PG && !(val & CR0_PE)) ||
	    (val & CR0_NW && !(val & CR0_CD)))
		x86_gp(x, 0);
	val = (val & CR0_DEFINED) | CR0_ET;
	if (val & ~old & CR0_PG) {
		if (v->msr.efer & EFER_LME)
			x86_stop(x, X86_LONG_MODE);
		if (v->cr4 & CR4_PAE)
			load_pdptes(x, v->cr3);
	}
	v->cr0 = val;
	if ((val ^ old) & CR0_PAGING)
		flush(x, true);
	x86_refresh(x);
}

static void write_cr4(struct x86 *x, uint32_t val)
{
	struct vcpu *v = x->v;
	uint32_t old = v->cr4;

	if (val & ~CR4_OFFERED)
		x86_gp(x, 0);
	if (v->cr0 & CR0_PG && val & CR4_PAE &&
	    (val ^ old) & (CR4_PAE | CR4_PSE | CR4_PGE))
		load_pdptes(x, v->cr3);
	v->cr4 = val;
	if ((val ^ old) & CR4_PAGING)
		flush(x, true);
}

static void cr_check(struct x86 *x, unsigned n)
{
	if (n != 0 && n != 2 && n != 3 && n != 4)
		x86_ud(x);
	if (vcpu_cpl(x->v))
		x86_gp(x, 0);
}

void x86_mov_to_cr(struct x86 *x, unsigned n, uint32_t val)
{
	cr_check(x, n);
	switch (n) {
	case 0: x86_write_cr0(x, val); break;
	case 2: x->v->cr2 = val; break;
	case 3: x86_set_cr3(x, val); break;
	default: write_cr4(x, val); break;
	}
}

uint32_t x86_mov_from_cr(struct x86 *x, unsigned n)
{
	const struct vcpu *v = x->v;

	cr_check(x, n);
	switch (n) {
	case 0: return v->cr0;
	case 2: return v->cr2;
	case 3: return v->cr3;
	default: return v->cr4;
	}
}

void op_clts(struct x86 *x, const struct insn *i)
{
	x->v->cr0 &= ~(uint64_t)CR0_TS;
}

/* LMSW sets PE, MP, EM, TS and never clears PE. */
void op_lmsw(struct x86 *x, const struct insn *i)
{
	uint32_t val = i->op[0].kind == OPND_REG ?
		reg_get(x->v, i->op[0].reg, 2) : mem_get(x, i, 2);
	uint32_t cr0 = x->v->cr0;

	val = (cr0 & ~0xeu) | (val & 0xf);
	x86_write_cr0(x, val);
}

void op_smsw(struct x86 *x, const struct insn *i)
{
	if (i->op[0].kind == OPND_MEM)
		mem_set(x, i, 2, x->v->cr0);
	else
		operand_set(x, i, 0, x->v->cr0);
}

void op_invlpg(struct x86 *x, const struct insn *i)
{
	uint32_t lin;

	if (i->op[0].kind != OPND_MEM)
		x86_ud(x);
	lin = x->v->seg[i->seg].base + ea_offset(x->v, i);
	x86_tlb_invlpg(x, lin);
	if (x->hooks && x->hooks->tlb_invlpg)
		x->hooks->tlb_invlpg(x->opaque, lin);
}
