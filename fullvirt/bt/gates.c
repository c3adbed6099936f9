/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hot callouts that change privilege: INT n, IRET, SYSENTER, SYSEXIT, and
 * POPF.  Only flat segments and 32-bit gates; every check of the manual that
 * could fail is made before any state changes, and failure means the
 * interpreter, which raises the right fault.  SDM Vol. 2A (INT n, IRET,
 * SYSENTER, SYSEXIT), Vol. 2B (POPF).
 */
#include "fullvirt/bt/hot.h"

#define GATE_INT32	0x8eu	/* P, DPL 0, 32-bit interrupt gate */
#define GATE_KIND	0x9fu	/* P, S, type */
#define CODE_KIND	0x9bu	/* P, S, code, readable, accessed */
#define CODE_MASK	0x9fu	/* ... and not conforming */
#define DATA_KIND	0x93u
#define DATA_MASK	0x9fu
#define TSS32_BUSY	0xbu

/* Flags that have no place in translated code, or that change what it is. */
#define FLAGS_ODD	(FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM | FLAG_VIF | \
			 FLAG_VIP | FLAG_AC)

static bool flat32(const struct segment *s)
{
	return s->base == 0 && s->limit == 0xffffffffu && s->attr & SEG_DB;
}

/* A flat 32-bit code (or data) segment of privilege @dpl at @sel. */
static bool get_flat(struct bt *bt, uint16_t sel, unsigned mask,
		     unsigned kind, unsigned dpl, struct segment *out)
{
	const guest_u64 *d;

	if (!(sel & ~3))
		return false;
	d = hot_descriptor(bt, sel);
	if (!d || (desc_kind(*d) & mask) != kind || (*d >> 45 & 3) != dpl)
		return false;
	*out = hot_segment(*d, sel);
	return flat32(out);
}

static bool get_code(struct bt *bt, uint16_t sel, unsigned dpl,
		     struct segment *out)
{
	return get_flat(bt, sel, CODE_MASK, CODE_KIND, dpl, out);
}

static bool get_stack(struct bt *bt, uint16_t sel, unsigned dpl,
		      struct segment *out)
{
	return (sel & 3) == dpl &&
	       get_flat(bt, sel, DATA_MASK, DATA_KIND, dpl, out);
}

static unsigned cpl_of(const struct bt *bt)
{
	return bt->ctx->flags & CTX_CPL_MASK;
}

static void *go(struct bt *bt, uint32_t eip)
{
	bt->v.rip = eip;
	if (bt->poll && bt->sysflags & FLAG_IF)
		bt->kick = 1;
	bt_set_ctx_flat(bt);
	return bt_go(bt);
}

/* ------------------------------------------------ INT n, INT3 */

static bool gate_of(struct bt *bt, unsigned vec, uint64_t *gate)
{
	const guest_u64 *p;

	if (vec * 8 + 7 > bt->v.idtr.limit)
		return false;
	p = hot_mem(bt, (uint32_t)bt->v.idtr.base + vec * 8, 8, X86_ACC_READ);
	if (!p)
		return false;
	*gate = *p;
	/* Interrupt or trap gate, 32 bits, present, reachable from here. */
	return (desc_kind(*gate) & (GATE_KIND & ~1u)) == GATE_INT32 &&
	       (*gate >> 45 & 3) >= cpl_of(bt);
}

static bool inner_stack(struct bt *bt, struct segment *ss, uint32_t *esp)
{
	const guest_u32 *p;

	if ((bt->v.tr.attr & SEG_TYPE_MASK) != TSS32_BUSY ||
	    bt->v.tr.limit < 0x67)
		return false;
	p = hot_mem(bt, (uint32_t)bt->v.tr.base + 4, 8, X86_ACC_READ);
	if (!p)
		return false;
	*esp = p[0];
	return get_stack(bt, p[1], 0, ss);
}

static void *enter_gate(struct bt *bt, uint64_t gate)
{
	struct segment cs, ss;
	uint32_t esp = bt->v.gpr[GPR_SP];
	guest_u32 *f;
	bool inner = cpl_of(bt) != 0;
	unsigned n = inner ? 20 : 12;

	if (!get_code(bt, gate >> 16, 0, &cs) ||
	    (inner && !inner_stack(bt, &ss, &esp)))
		return hot_slow(bt);
	f = hot_mem(bt, esp - n, n, X86_ACC_WRITE);
	if (!f)
		return hot_slow(bt);
	bt_flags_in(bt);
	f[0] = bt->r10;
	f[1] = bt->v.seg[SEG_CS].selector;
	f[2] = bt->v.rflags;
	if (inner) {
		f[3] = bt->v.gpr[GPR_SP];
		f[4] = bt->v.seg[SEG_SS].selector;
		bt->v.seg[SEG_SS] = ss;
	}
	bt->v.gpr[GPR_SP] = esp - n;
	cs.selector &= ~3;
	bt->v.seg[SEG_CS] = cs;
	if (!(desc_kind(gate) & 1))
		bt->sysflags &= ~FLAG_IF;
	return go(bt, (gate & 0xffff) | (gate >> 32 & 0xffff0000));
}

static void *int_n(struct bt *bt)
{
	uint64_t gate;

	if (!gate_of(bt, bt->r9, &gate))
		return hot_slow(bt);
	return enter_gate(bt, gate);
}

/* ------------------------------------------------ IRET */

/* Would a return to @cpl null one of the data segments? SDM IRET. */
static bool data_segments_survive(const struct bt *bt, unsigned cpl)
{
	static const uint8_t which[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };

	for (unsigned i = 0; i < ARRAY_SIZE(which); i++) {
		const struct segment *s = &bt->v.seg[which[i]];

		if (s->attr & SEG_UNUSABLE)
			continue;
		if ((s->attr & SEG_DPL_MASK) >> SEG_DPL_SHIFT < cpl)
			return false;
	}
	return true;
}

static void set_flags(struct bt *bt, uint32_t f)
{
	bt->v.rflags = f | FLAG_FIXED;
	bt_flags_out(bt);
}

/* Only code at privilege 0 comes here, so every flag may change. */
static void *iret_to(struct bt *bt, const guest_u32 *f)
{
	unsigned cpl = f[1] & 3;
	struct segment cs, ss;
	uint32_t eip = f[0], flags = f[2];

	/* RF holds off instruction breakpoints; here there are none. */
	if (flags & FLAGS_ODD & ~FLAG_RF || !get_code(bt, f[1], cpl, &cs))
		return hot_slow(bt);
	if (!cpl) {
		bt->v.gpr[GPR_SP] = (uint32_t)(bt->v.gpr[GPR_SP] + 12);
	} else {
		if (!get_stack(bt, f[4], cpl, &ss) ||
		    !data_segments_survive(bt, cpl))
			return hot_slow(bt);
		bt->v.gpr[GPR_SP] = f[3];
		bt->v.seg[SEG_SS] = ss;
	}
	bt->v.seg[SEG_CS] = cs;
	bt->v.nmi_masked = 0;
	set_flags(bt, flags & (FLAGS_ARITH | FLAG_DF | FLAG_IF | FLAG_IOPL |
			       FLAG_ID));
	return go(bt, eip);
}

static void *iret(struct bt *bt)
{
	const guest_u32 *f;

	if (cpl_of(bt))
		return hot_slow(bt);
	f = hot_mem(bt, bt->v.gpr[GPR_SP], 20, X86_ACC_READ);
	if (!f)
		return hot_slow(bt);
	return iret_to(bt, f);
}

/* ------------------------------------------------ SYSENTER, SYSEXIT */

static const struct segment flat_segment = { .limit = 0xffffffffu };

static void fixed_segments(struct bt *bt, uint16_t cs, unsigned dpl)
{
	struct segment s = flat_segment;
	uint32_t attr = SEG_P | SEG_S | SEG_DB | SEG_G | dpl << SEG_DPL_SHIFT;

	s.selector = cs | dpl;
	s.attr = attr | SEG_TYPE_CODE | SEG_TYPE_WRITE | SEG_TYPE_ACCESSED;
	bt->v.seg[SEG_CS] = s;
	s.selector = (cs + 8) | dpl;
	s.attr = attr | SEG_TYPE_WRITE | SEG_TYPE_ACCESSED;
	bt->v.seg[SEG_SS] = s;
}

static void *sysenter(struct bt *bt)
{
	uint16_t cs = bt->v.msr.sysenter_cs & 0xfffc;

	if (!cs)
		return hot_slow(bt);
	fixed_segments(bt, cs, 0);
	bt->sysflags &= ~FLAG_IF;
	bt->v.gpr[GPR_SP] = (uint32_t)bt->v.msr.sysenter_esp;
	return go(bt, bt->v.msr.sysenter_eip);
}

static void *sysexit(struct bt *bt)
{
	uint16_t cs = bt->v.msr.sysenter_cs & 0xfffc;

	if (!cs || cpl_of(bt))
		return hot_slow(bt);
	fixed_segments(bt, cs + 16, 3);
	bt->v.gpr[GPR_SP] = (uint32_t)bt->v.gpr[GPR_CX];
	return go(bt, bt->v.gpr[GPR_DX]);
}

/* ------------------------------------------------ POPF */

static void *popf(struct bt *bt)
{
	unsigned iopl = (bt->sysflags & FLAG_IOPL) >> FLAG_IOPL_SHIFT;
	uint32_t keep = 0, f;
	const guest_u32 *p;

	p = hot_mem(bt, bt->v.gpr[GPR_SP], 4,
		    bt->ctx->user ? X86_ACC_USER : 0);
	if (!p)
		return hot_slow(bt);
	if (cpl_of(bt) > iopl)
		keep |= FLAG_IF;
	if (cpl_of(bt))
		keep |= FLAG_IOPL;
	f = (*p & ~keep) | (bt->sysflags & keep);
	f &= FLAGS_ARITH | FLAG_DF | FLAG_IF | FLAG_IOPL | FLAG_ID |
	     FLAGS_ODD;
	if (f & FLAGS_ODD || (f ^ bt->sysflags) & (FLAG_IOPL | FLAG_DF))
		return hot_slow(bt);
	bt->v.gpr[GPR_SP] = (uint32_t)(bt->v.gpr[GPR_SP] + 4);
	set_flags(bt, f);
	if (bt->poll && f & FLAG_IF)
		bt->kick = 1;
	return hot_done(bt);
}

void bt_gates_init(struct bt *bt)
{
	bt->fn_hot[HOT_int_n] = int_n;
	bt->fn_hot[HOT_iret] = iret;
	bt->fn_hot[HOT_sysenter] = sysenter;
	bt->fn_hot[HOT_sysexit] = sysexit;
	bt->fn_hot[HOT_popf] = popf;
}
