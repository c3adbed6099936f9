/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segment descriptors: reading, unpacking, and the instructions that look at
 * them without loading (LAR, LSL, VERR, VERW, ARPL) or that load and store
 * the table registers.
 *
 * Intel SDM Vol. 3A 3.4.5, 3.5.
 */
#include "fullvirt/x86/operand.h"

bool x86_desc_addr(struct x86 *x, uint16_t sel, gva_t *lin)
{
	const struct vcpu *v = x->v;
	uint32_t off = sel & 0xfff8;

	if (sel & 4) {
		if (v->ldtr.attr & SEG_UNUSABLE || SEL_NULL(v->ldtr.selector) ||
		    off + 7 > v->ldtr.limit)
			return false;
		*lin = (uint32_t)(v->ldtr.base + off);
		return true;
	}
	if (off + 7 > v->gdtr.limit)
		return false;
	*lin = (uint32_t)(v->gdtr.base + off);
	return true;
}

static struct desc desc_at(struct x86 *x, gva_t lin)
{
	uint64_t raw = x86_sys_read(x, lin, 8);

	return (struct desc){ .lo = raw, .hi = raw >> 32 };
}

struct desc x86_desc_read(struct x86 *x, uint16_t sel, unsigned vector)
{
	gva_t lin;

	if (!x86_desc_addr(x, sel, &lin))
		x86_fault_error(x, vector, SEL_ERR(sel));
	return desc_at(x, lin);
}

void x86_desc_set_accessed(struct x86 *x, uint16_t sel, struct desc *d)
{
	gva_t lin;

	if (d->hi & DESC_ACCESSED || !x86_desc_addr(x, sel, &lin))
		return;
	d->hi |= DESC_ACCESSED;
	x86_sys_write(x, (uint32_t)(lin + 4), 4, d->hi);
}

uint32_t desc_base(struct desc d)
{
	return d.lo >> 16 | (d.hi & 0xff) << 16 | (d.hi & 0xff000000);
}

uint32_t desc_limit(struct desc d)
{
	uint32_t limit = (d.lo & 0xffff) | (d.hi & 0xf0000);

	return d.hi & 1u << 23 ? limit << 12 | 0xfff : limit;
}

struct segment desc_segment(uint16_t sel, struct desc d)
{
	return (struct segment){ .base = desc_base(d), .limit = desc_limit(d),
				 .attr = d.hi >> 8 & 0xf0ff, .selector = sel };
}

struct segment x86_null_segment(uint16_t sel)
{
	return (struct segment){ .attr = SEG_UNUSABLE, .selector = sel };
}

/* System descriptor types that LAR accepts, and those that have a limit. */
#define LAR_TYPES	(1u << TYPE_TSS16 | 1u << TYPE_LDT | \
			 1u << TYPE_TSS16_BUSY | 1u << TYPE_CALL16 | \
			 1u << TYPE_TASK_GATE | 1u << TYPE_TSS32 | \
			 1u << TYPE_TSS32_BUSY | 1u << TYPE_CALL32)
#define LSL_TYPES	(1u << TYPE_TSS16 | 1u << TYPE_LDT | \
			 1u << TYPE_TSS16_BUSY | 1u << TYPE_TSS32 | \
			 1u << TYPE_TSS32_BUSY)

/* May the current program see @sel's descriptor at all? */
static bool desc_visible(struct x86 *x, uint16_t sel, uint32_t types,
			 struct desc *d)
{
	gva_t lin;

	if (SEL_NULL(sel) || !x86_desc_addr(x, sel, &lin))
		return false;
	*d = desc_at(x, lin);
	if (!(d->hi & DESC_S) && !(types >> DESC_TYPE(*d) & 1))
		return false;
	if (DESC_IS_CODE(*d) && d->hi & DESC_CONFORM)
		return true;
	return DESC_DPL(*d) >= vcpu_cpl(x->v) && DESC_DPL(*d) >= SEL_RPL(sel);
}

static void set_zf(struct x86 *x, bool on)
{
	flags_set(x->v, FLAG_ZF, on ? FLAG_ZF : 0);
}

/* The selector operand: 16 bits whatever the operand size. */
static uint16_t selector_operand(struct x86 *x, const struct insn *i,
				 unsigned n)
{
	return i->op[n].kind == OPND_REG ? reg_get(x->v, i->op[n].reg, 2) :
	       mem_get(x, i, 2);
}

void op_lar(struct x86 *x, const struct insn *i)
{
	struct desc d;
	bool ok = desc_visible(x, selector_operand(x, i, 1), LAR_TYPES, &d);

	if (ok)
		reg_set(x->v, i->op[0].reg, i->osize, d.hi & 0x00ffff00);
	set_zf(x, ok);
}

void op_lsl(struct x86 *x, const struct insn *i)
{
	struct desc d;
	bool ok = desc_visible(x, selector_operand(x, i, 1), LSL_TYPES, &d);

	if (ok)
		reg_set(x->v, i->op[0].reg, i->osize, desc_limit(d));
	set_zf(x, ok);
}

void op_verr(struct x86 *x, const struct insn *i)
{
	struct desc d;

	set_zf(x, desc_visible(x, selector_operand(x, i, 0), 0, &d) &&
	       (!DESC_IS_CODE(d) || d.hi & DESC_RW));
}

void op_verw(struct x86 *x, const struct insn *i)
{
	struct desc d;

	set_zf(x, desc_visible(x, selector_operand(x, i, 0), 0, &d) &&
	       !DESC_IS_CODE(d) && d.hi & DESC_RW);
}

void op_arpl(struct x86 *x, const struct insn *i)
{
	/* Processors write only when RPL changes; not a locked access. */
	uint16_t dst = operand_get(x, i, 0);
	uint16_t src = reg_get(x->v, i->op[1].reg, 2);
	bool raise = SEL_RPL(dst) < SEL_RPL(src);

	if (raise)
		operand_set(x, i, 0, (dst & ~3u) | SEL_RPL(src));
	set_zf(x, raise);
}

/* LGDT, LIDT: with a 16-bit operand only 24 bits of base count. */
static void load_table(struct x86 *x, const struct insn *i,
		       struct desc_table *t)
{
	uint32_t at = ea_offset(x->v, i), base;
	uint16_t limit;

	if (i->op[0].kind != OPND_MEM)
		x86_ud(x);
	limit = x86_ld(x, i->seg, at, 2);
	base = x86_ld(x, i->seg, i->asize == 2 ? (at + 2) & 0xffff : at + 2, 4);
	t->limit = limit;
	t->base = i->osize == 2 ? base & 0xffffff : base;
}

static void store_table(struct x86 *x, const struct insn *i,
			const struct desc_table *t)
{
	uint32_t at = ea_offset(x->v, i);
	uint32_t at2 = i->asize == 2 ? (at + 2) & 0xffff : at + 2;

	if (i->op[0].kind != OPND_MEM)
		x86_ud(x);
	x86_lin_probe_write(x, x86_linear(x, i->seg, at2, 4, true), 4,
			    x->cache->user);
	x86_st(x, i->seg, at, 2, t->limit);
	x86_st(x, i->seg, at2, 4, t->base);
}

void op_lgdt(struct x86 *x, const struct insn *i)
{
	load_table(x, i, &x->v->gdtr);
}

void op_lidt(struct x86 *x, const struct insn *i)
{
	load_table(x, i, &x->v->idtr);
}

void op_sgdt(struct x86 *x, const struct insn *i)
{
	store_table(x, i, &x->v->gdtr);
}

void op_sidt(struct x86 *x, const struct insn *i)
{
	store_table(x, i, &x->v->idtr);
}

static void store_selector(struct x86 *x, const struct insn *i, uint16_t sel)
{
	if (i->op[0].kind == OPND_MEM)
		mem_set(x, i, 2, sel);
	else
		operand_set(x, i, 0, sel);
}

void op_sldt(struct x86 *x, const struct insn *i)
{
	store_selector(x, i, x->v->ldtr.selector);
}

void op_str(struct x86 *x, const struct insn *i)
{
	store_selector(x, i, x->v->tr.selector);
}

void op_lldt(struct x86 *x, const struct insn *i)
{
	x86_load_ldtr(x, selector_operand(x, i, 0), VEC_GP);
}

void op_ltr(struct x86 *x, const struct insn *i)
{
	uint16_t sel = selector_operand(x, i, 0);
	struct desc d;
	gva_t lin;

	if (SEL_NULL(sel))
		x86_gp(x, 0);
	if (sel & 4)
		x86_gp(x, SEL_ERR(sel));
	d = x86_desc_read(x, sel, VEC_GP);
	if (d.hi & DESC_S || (DESC_TYPE(d) != TYPE_TSS16 &&
			      DESC_TYPE(d) != TYPE_TSS32))
		x86_gp(x, SEL_ERR(sel));
	if (!(d.hi & DESC_P))
		x86_fault_error(x, VEC_NP, SEL_ERR(sel));
	d.hi |= DESC_BUSY;
	x86_desc_addr(x, sel, &lin);
	x86_sys_write(x, (uint32_t)(lin + 4), 4, d.hi);
	x->v->tr = desc_segment(sel, d);
}
