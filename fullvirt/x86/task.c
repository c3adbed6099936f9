/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Task switches, 16- and 32-bit, in the order of SDM Vol. 3A 7.3: everything
 * that can be checked in the old task is, then the old state is saved, then
 * the new selectors are loaded without checks, and from there on exceptions
 * belong to the new task.
 */
#include "fullvirt/x86/priv.h"

#define DR7_LOCAL	0x155u	/* L0..L3 and LE */

/* All that exist: no VIF and VIP, VME is not offered. */
#define TASK_FLAGS	(FLAGS_ARITH | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | \
			 FLAG_NT | FLAG_RF | FLAG_VM | FLAG_AC | FLAG_ID)

/* Offsets in the TSS, SDM figures 7-2 and 7-10. */
struct tss_layout {
	uint8_t width;		/* of registers */
	uint8_t cr3;		/* 0: none */
	uint8_t eip, eflags, regs, segs, nsegs, ldt;
	uint8_t trap;		/* 0: none */
	uint8_t limit;		/* smallest that is legal */
	uint8_t seg_stride;
};

static const struct tss_layout layout16 = {
	.width = 2, .eip = 0x0e, .eflags = 0x10, .regs = 0x12, .segs = 0x22,
	.nsegs = 4, .ldt = 0x2a, .limit = 0x2b, .seg_stride = 2,
};
static const struct tss_layout layout32 = {
	.width = 4, .cr3 = 0x1c, .eip = 0x20, .eflags = 0x24, .regs = 0x28,
	.segs = 0x48, .nsegs = 6, .ldt = 0x60, .trap = 0x64, .limit = 0x67,
	.seg_stride = 4,
};

static const struct tss_layout *layout_of(unsigned type)
{
	return type & 8 ? &layout32 : &layout16;
}

struct tss_image {
	uint32_t cr3, eip, eflags, regs[8];
	uint16_t segs[SEG_COUNT], ldt;
	bool trap;
};

static void tss_read(struct x86 *x, uint32_t base, const struct tss_layout *l,
		     struct tss_image *t)
{
	*t = (struct tss_image){ 0 };
	if (l->cr3)
		t->cr3 = x86_sys_read(x, base + l->cr3, 4);
	t->eip = x86_sys_read(x, base + l->eip, l->width);
	t->eflags = x86_sys_read(x, base + l->eflags, l->width);
	for (unsigned n = 0; n < 8; n++)
		t->regs[n] = x86_sys_read(x, base + l->regs + n * l->width,
					  l->width);
	for (unsigned n = 0; n < l->nsegs; n++)
		t->segs[n] = x86_sys_read(x, base + l->segs +
					  n * l->seg_stride, 2);
	t->ldt = x86_sys_read(x, base + l->ldt, 2);
	if (l->trap)
		t->trap = x86_sys_read(x, base + l->trap, 2) & 1;
}

static void tss_save(struct x86 *x, uint32_t base, const struct tss_layout *l,
		     uint32_t eip, uint32_t eflags)
{
	const struct vcpu *v = x->v;

	x86_sys_write(x, base + l->eip, l->width, eip);
	x86_sys_write(x, base + l->eflags, l->width, eflags);
	for (unsigned n = 0; n < 8; n++)
		x86_sys_write(x, base + l->regs + n * l->width, l->width,
			      v->gpr[n]);
	for (unsigned n = 0; n < l->nsegs; n++)
		x86_sys_write(x, base + l->segs + n * l->seg_stride, 2,
			      v->seg[n].selector);
}

static void busy_set(struct x86 *x, uint16_t sel, bool busy)
{
	gva_t lin;
	uint32_t hi;

	if (!x86_desc_addr(x, sel, &lin))
		return;
	lin = (uint32_t)(lin + 4);
	hi = x86_sys_read(x, lin, 4);
	x86_sys_write(x, lin, 4, busy ? hi | DESC_BUSY : hi & ~DESC_BUSY);
}

/* Is @d (of @sel) a TSS that may be switched to for this reason? */
static void tss_check(struct x86 *x, uint16_t sel, struct desc d,
		      enum task_reason why)
{
	unsigned vector = why == TASK_IRET ? VEC_TS : VEC_GP;
	unsigned type = DESC_TYPE(d) & ~2u;
	bool busy = DESC_TYPE(d) & 2;

	if (d.hi & DESC_S || (type != TYPE_TSS16 && type != TYPE_TSS32) ||
	    busy != (why == TASK_IRET))
		x86_fault_error(x, vector, SEL_ERR(sel));
	if (!(d.hi & DESC_P))
		x86_fault_error(x, VEC_NP, SEL_ERR(sel));
	if (desc_limit(d) < layout_of(type)->limit)
		x86_fault_error(x, VEC_TS, SEL_ERR(sel));
}

/* Selectors and registers of the new task, nothing checked yet. */
static void load_unchecked(struct x86 *x, const struct tss_image *t,
			   const struct tss_layout *l)
{
	struct vcpu *v = x->v;

	for (unsigned n = 0; n < 8; n++)
		v->gpr[n] = t->regs[n];
	for (unsigned n = 0; n < SEG_COUNT; n++)
		v->seg[n] = x86_null_segment(t->segs[n]);
	/* CPL is kept in SS. */
	v->seg[SEG_SS].attr |= SEL_RPL(t->segs[SEG_CS]) << SEG_DPL_SHIFT;
	v->ldtr = x86_null_segment(t->ldt);
	v->rip = t->eip;
	x->cache->next_eip = t->eip;
	v->rflags = (t->eflags & TASK_FLAGS) | FLAG_FIXED;
	v->cr0 |= CR0_TS;
	v->dr[7] &= ~(uint64_t)DR7_LOCAL;
	v->shadow = 0;
}

static void load_v86(struct x86 *x, const struct tss_image *t)
{
	for (unsigned n = 0; n < SEG_COUNT; n++)
		x86_seg_load_real(x, n, t->segs[n]);
}

static void load_code(struct x86 *x, uint16_t sel)
{
	unsigned rpl = SEL_RPL(sel);
	struct desc d;

	if (SEL_NULL(sel))
		x86_fault_error(x, VEC_TS, SEL_ERR(sel));
	d = x86_desc_read(x, sel, VEC_TS);
	if (!DESC_IS_CODE(d) ||
	    (d.hi & DESC_CONFORM ? DESC_DPL(d) > rpl : DESC_DPL(d) != rpl))
		x86_fault_error(x, VEC_TS, SEL_ERR(sel));
	if (!(d.hi & DESC_P))
		x86_fault_error(x, VEC_NP, SEL_ERR(sel));
	x86_desc_set_accessed(x, sel, &d);
	x->v->seg[SEG_CS] = desc_segment(sel, d);
}

static void load_data(struct x86 *x, unsigned seg, uint16_t sel, unsigned cpl)
{
	struct desc d;
	bool conforming;

	if (SEL_NULL(sel))
		return;
	d = x86_desc_read(x, sel, VEC_TS);
	conforming = DESC_IS_CODE(d) && d.hi & DESC_CONFORM;
	if (!(d.hi & DESC_S) || (DESC_IS_CODE(d) && !(d.hi & DESC_RW)) ||
	    (!conforming && (SEL_RPL(sel) > DESC_DPL(d) ||
			     cpl > DESC_DPL(d))))
		x86_fault_error(x, VEC_TS, SEL_ERR(sel));
	if (!(d.hi & DESC_P))
		x86_fault_error(x, VEC_NP, SEL_ERR(sel));
	x86_desc_set_accessed(x, sel, &d);
	x->v->seg[seg] = desc_segment(sel, d);
}

static void load_protected(struct x86 *x, const struct tss_image *t)
{
	static const uint8_t data[] = { SEG_DS, SEG_ES, SEG_FS, SEG_GS };
	unsigned cpl = SEL_RPL(t->segs[SEG_CS]);

	load_code(x, t->segs[SEG_CS]);
	x->v->seg[SEG_SS] = x86_ss_check(x, t->segs[SEG_SS], cpl, VEC_TS);
	for (unsigned n = 0; n < ARRAY_SIZE(data); n++)
		load_data(x, data[n], t->segs[data[n]], cpl);
	if (t->eip > x->v->seg[SEG_CS].limit)
		x86_gp(x, 0);
}

/* In the old task: save it; afterwards only new-task exceptions can come. */
static void leave_old(struct x86 *x, uint16_t sel, uint32_t new_base,
		      enum task_reason why, uint32_t return_eip)
{
	struct vcpu *v = x->v;
	const struct tss_layout *l = layout_of(v->tr.attr & SEG_TYPE_MASK);
	uint32_t flags = v->rflags;

	if (v->tr.limit < l->limit)
		x86_fault_error(x, VEC_TS, SEL_ERR(v->tr.selector));
	x86_lin_probe_write(x, (uint32_t)v->tr.base, l->limit + 1, false);
	x86_lin_probe_write(x, new_base, 2, false);
	if (why == TASK_IRET)
		flags &= ~FLAG_NT;
	if (why == TASK_JUMP || why == TASK_IRET)
		busy_set(x, v->tr.selector, false);
	tss_save(x, v->tr.base, l, return_eip, flags);
	if (why == TASK_CALL || why == TASK_EVENT)
		x86_sys_write(x, new_base, 2, v->tr.selector);
	if (why != TASK_IRET)
		busy_set(x, sel, true);
}

void x86_task_switch(struct x86 *x, uint16_t sel, struct desc d,
		     enum task_reason why, uint32_t return_eip)
{
	const struct tss_layout *l = layout_of(DESC_TYPE(d));
	uint32_t base = desc_base(d);
	struct vcpu *v = x->v;
	struct tss_image t;

	tss_check(x, sel, d, why);
	tss_read(x, base, l, &t);
	leave_old(x, sel, base, why, return_eip);
	v->tr = desc_segment(sel, d);
	v->tr.attr |= 2;
	if (why == TASK_CALL || why == TASK_EVENT)
		t.eflags |= FLAG_NT;
	if (l->cr3 && v->cr0 & CR0_PG)
		x86_set_cr3(x, t.cr3);
	load_unchecked(x, &t, l);
	x86_refresh(x);
	x86_load_ldtr(x, t.ldt, VEC_TS);
	if (v->rflags & FLAG_VM)
		load_v86(x, &t);
	else
		load_protected(x, &t);
	x->cache->single_step = false;
	if (t.trap)
		x->cache->dr6_pending |= DR6_BT;
	x86_refresh(x);
}
