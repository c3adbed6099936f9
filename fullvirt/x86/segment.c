/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading segment registers, with the checks of SDM Vol. 3A 5.6 and of MOV,
 * LLDT in Vol. 2.
 */
#include "fullvirt/x86/priv.h"

#define ATTR_REAL	(SEG_P | SEG_S | SEG_TYPE_WRITE | SEG_TYPE_ACCESSED)

/*
 * Real mode changes selector and base and leaves the limit alone, which is
 * what "unreal" mode lives on.  v8086 mode sets everything.
 */
void x86_seg_load_real(struct x86 *x, unsigned seg, uint16_t sel)
{
	struct segment *s = &x->v->seg[seg];

	if (x->v->rflags & FLAG_VM && !vcpu_real_mode(x->v)) {
		s->limit = 0xffff;
		s->attr = ATTR_REAL | 3u << SEG_DPL_SHIFT;
	} else {
		if (s->attr & SEG_UNUSABLE)
			s->limit = 0xffff;
		s->attr = (s->attr & (SEG_DB | SEG_G)) | ATTR_REAL;
	}
	s->selector = sel;
	s->base = (uint32_t)sel << 4;
}

struct segment x86_ss_check(struct x86 *x, uint16_t sel, unsigned cpl,
			    unsigned vector)
{
	struct desc d;

	if (SEL_NULL(sel))
		x86_fault_error(x, vector, vector == VEC_TS ? SEL_ERR(sel) : 0);
	d = x86_desc_read(x, sel, vector);
	if (SEL_RPL(sel) != cpl || DESC_DPL(d) != cpl ||
	    (d.hi & (DESC_S | 1u << 11 | DESC_RW)) != (DESC_S | DESC_RW))
		x86_fault_error(x, vector, SEL_ERR(sel));
	if (!(d.hi & DESC_P))
		x86_fault_error(x, VEC_SS, SEL_ERR(sel));
	x86_desc_set_accessed(x, sel, &d);
	return desc_segment(sel, d);
}

static struct segment data_check(struct x86 *x, uint16_t sel)
{
	struct desc d;
	unsigned dpl;

	if (SEL_NULL(sel))
		return x86_null_segment(sel);
	d = x86_desc_read(x, sel, VEC_GP);
	dpl = DESC_DPL(d);
	if (!(d.hi & DESC_S) || (DESC_IS_CODE(d) && !(d.hi & DESC_RW)))
		x86_gp(x, SEL_ERR(sel));
	if (!(DESC_IS_CODE(d) && d.hi & DESC_CONFORM) &&
	    (SEL_RPL(sel) > dpl || vcpu_cpl(x->v) > dpl))
		x86_gp(x, SEL_ERR(sel));
	if (!(d.hi & DESC_P))
		x86_fault_error(x, VEC_NP, SEL_ERR(sel));
	x86_desc_set_accessed(x, sel, &d);
	return desc_segment(sel, d);
}

void x86_seg_load(struct x86 *x, unsigned seg, uint16_t sel)
{
	if (vcpu_real_or_v86(x->v))
		x86_seg_load_real(x, seg, sel);
	else if (seg == SEG_SS)
		x->v->seg[seg] = x86_ss_check(x, sel, vcpu_cpl(x->v), VEC_GP);
	else
		x->v->seg[seg] = data_check(x, sel);
}

void x86_seg_drop_inner(struct x86 *x, unsigned cpl)
{
	static const uint8_t segs[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };

	for (unsigned n = 0; n < ARRAY_SIZE(segs); n++) {
		struct segment *s = &x->v->seg[segs[n]];
		bool conforming = (s->attr & (SEG_TYPE_CODE | SEG_TYPE_DOWN)) ==
				  (SEG_TYPE_CODE | SEG_TYPE_DOWN);
		unsigned dpl = (s->attr & SEG_DPL_MASK) >> SEG_DPL_SHIFT;

		if (!(s->attr & SEG_UNUSABLE) && !conforming && dpl < cpl)
			*s = x86_null_segment(0);
	}
}

void x86_load_ldtr(struct x86 *x, uint16_t sel, unsigned vector)
{
	struct desc d;

	if (SEL_NULL(sel)) {
		x->v->ldtr = x86_null_segment(sel);
		return;
	}
	if (sel & 4)
		x86_fault_error(x, vector, SEL_ERR(sel));
	d = x86_desc_read(x, sel, vector);
	if (d.hi & DESC_S || DESC_TYPE(d) != TYPE_LDT)
		x86_fault_error(x, vector, SEL_ERR(sel));
	if (!(d.hi & DESC_P))
		x86_fault_error(x, vector == VEC_TS ? VEC_TS : VEC_NP,
				SEL_ERR(sel));
	x->v->ldtr = desc_segment(sel, d);
}

struct load_args {
	unsigned seg;
	uint16_t sel;
};

static void try_load(struct x86 *x, void *arg)
{
	struct load_args *a = arg;

	if (a->seg == SEG_CS)
		x86_ud(x);
	x86_seg_load(x, a->seg, a->sel);
}

int x86_load_segment(struct x86 *x, enum seg_reg seg, uint16_t selector,
		     uint32_t *error)
{
	struct load_args a = { seg, selector };

	*error = 0;
	x86_tlb_context(x);
	x86_refresh(x);
	if (x86_try(x, try_load, &a))
		return 0;
	*error = x->cache->fault.error;
	if (x->cache->fault.vector == VEC_PF)
		x->v->cr2 = x->cache->fault.cr2;
	return x->cache->fault.vector;
}
