/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Far JMP, CALL, RET and IRET.
 *
 * Each computes and checks everything first, writes the stack next, and
 * changes registers last: an exception on the way finds the old state.
 *
 * Intel SDM Vol. 3A 5.8 (privilege checks), 5.8.5 (stack switching), Vol. 2
 * CALL, JMP, RET, IRET, Vol. 3B 20.2 (v8086).
 */
#include "fullvirt/x86/newstack.h"
#include "fullvirt/x86/priv.h"

void x86_code_check(struct x86 *x, uint16_t sel, struct desc d, unsigned cpl,
		    unsigned rpl)
{
	if (!DESC_IS_CODE(d))
		x86_gp(x, SEL_ERR(sel));
	if (d.hi & DESC_CONFORM ? DESC_DPL(d) > cpl :
	    rpl > cpl || DESC_DPL(d) != cpl)
		x86_gp(x, SEL_ERR(sel));
	if (!(d.hi & DESC_P))
		x86_fault_error(x, VEC_NP, SEL_ERR(sel));
}

static void eip_check(struct x86 *x, const struct segment *cs, uint32_t eip)
{
	if (eip > cs->limit)
		x86_gp(x, 0);
}

/* Commit CS:EIP at @cpl. */
static void enter_code(struct x86 *x, struct segment cs, uint32_t eip,
		       unsigned cpl)
{
	cs.selector = (cs.selector & ~3u) | cpl;
	x->v->seg[SEG_CS] = cs;
	x->cache->next_eip = eip;
	x86_refresh(x);
}

static void jump_real(struct x86 *x, uint16_t sel, uint32_t off)
{
	eip_check(x, &x->v->seg[SEG_CS], off);
	x86_seg_load_real(x, SEG_CS, sel);
	x->cache->next_eip = off;
}

/* What a gate or a task descriptor asks of CPL and the selector's RPL. */
static void gate_check(struct x86 *x, uint16_t sel, struct desc d)
{
	if (DESC_DPL(d) < vcpu_cpl(x->v) || DESC_DPL(d) < SEL_RPL(sel))
		x86_gp(x, SEL_ERR(sel));
	if (!(d.hi & DESC_P))
		x86_fault_error(x, VEC_NP, SEL_ERR(sel));
}

static void task_transfer(struct x86 *x, uint16_t sel, struct desc d,
			  enum task_reason why)
{
	uint16_t tss;

	if (DESC_TYPE(d) != TYPE_TASK_GATE) {
		if (DESC_DPL(d) < vcpu_cpl(x->v) ||
		    DESC_DPL(d) < SEL_RPL(sel))
			x86_gp(x, SEL_ERR(sel));
		x86_task_switch(x, sel, d, why, x->cache->next_eip);
		return;
	}
	gate_check(x, sel, d);
	tss = d.lo >> 16;
	if (tss & 4 || SEL_NULL(tss))
		x86_gp(x, SEL_ERR(tss));
	x86_task_switch(x, tss, x86_desc_read(x, tss, VEC_GP), why,
			x->cache->next_eip);
}

/* Read the code descriptor behind a call gate. */
static struct desc gate_target(struct x86 *x, struct desc gate, uint16_t *sel)
{
	struct desc d;

	*sel = gate.lo >> 16;
	if (SEL_NULL(*sel))
		x86_gp(x, 0);
	d = x86_desc_read(x, *sel, VEC_GP);
	if (!DESC_IS_CODE(d) || DESC_DPL(d) > vcpu_cpl(x->v))
		x86_gp(x, SEL_ERR(*sel));
	if (!(d.hi & DESC_P))
		x86_fault_error(x, VEC_NP, SEL_ERR(*sel));
	return d;
}

static uint32_t gate_offset(struct desc gate)
{
	uint32_t off = gate.lo & 0xffff;

	return DESC_TYPE(gate) & 8 ? off | (gate.hi & 0xffff0000) : off;
}

static void jump_gate(struct x86 *x, uint16_t sel, struct desc gate)
{
	unsigned cpl = vcpu_cpl(x->v);
	uint32_t off = gate_offset(gate);
	struct segment cs;
	struct desc d;
	uint16_t target;

	gate_check(x, sel, gate);
	d = gate_target(x, gate, &target);
	if (!(d.hi & DESC_CONFORM) && DESC_DPL(d) != cpl)
		x86_gp(x, SEL_ERR(target));
	eip_check(x, &(struct segment){ .limit = desc_limit(d) }, off);
	x86_desc_set_accessed(x, target, &d);
	cs = desc_segment(target, d);
	enter_code(x, cs, off, cpl);
}

static bool is_available_tss(struct desc d)
{
	return DESC_TYPE(d) == TYPE_TSS16 || DESC_TYPE(d) == TYPE_TSS32;
}

void x86_far_jump(struct x86 *x, uint16_t sel, uint32_t off, unsigned osize)
{
	struct desc d;

	if (vcpu_real_or_v86(x->v)) {
		jump_real(x, sel, off);
		return;
	}
	if (SEL_NULL(sel))
		x86_gp(x, 0);
	d = x86_desc_read(x, sel, VEC_GP);
	if (d.hi & DESC_S) {
		x86_code_check(x, sel, d, vcpu_cpl(x->v), SEL_RPL(sel));
		eip_check(x, &(struct segment){ .limit = desc_limit(d) }, off);
		x86_desc_set_accessed(x, sel, &d);
		enter_code(x, desc_segment(sel, d), off, vcpu_cpl(x->v));
	} else if (is_available_tss(d) || DESC_TYPE(d) == TYPE_TASK_GATE) {
		task_transfer(x, sel, d, TASK_JUMP);
	} else if ((DESC_TYPE(d) & 7) == TYPE_CALL16) {
		jump_gate(x, sel, d);
	} else {
		x86_gp(x, SEL_ERR(sel));
	}
}

/* Push CS:EIP on the present stack, both words checked before either. */
static void push_return(struct x86 *x, unsigned osize, uint32_t eip)
{
	struct vcpu *v = x->v;
	uint32_t mask = stack_mask(v), sp = v->gpr[GPR_SP], lin[2];

	for (unsigned n = 0; n < 2; n++) {
		lin[n] = x86_linear(x, SEG_SS, (sp - (n + 1) * osize) & mask,
				    osize, true);
		x86_lin_probe(x, lin[n], osize, x->cache->user);
	}
	x86_lin_write(x, lin[0], osize, v->seg[SEG_CS].selector,
		      x->cache->user);
	x86_lin_write(x, lin[1], osize, eip, x->cache->user);
	x86_sp_add(v, -2 * osize);
}

static void call_real(struct x86 *x, uint16_t sel, uint32_t off,
		      unsigned osize)
{
	uint32_t ret = x->cache->next_eip;

	eip_check(x, &x->v->seg[SEG_CS], off);
	push_return(x, osize, ret);
	x86_seg_load_real(x, SEG_CS, sel);
	x->cache->next_eip = off;
}

void x86_tss_stack(struct x86 *x, unsigned cpl, uint16_t *ss, uint32_t *esp)
{
	const struct segment *tr = &x->v->tr;
	bool tss32 = tr->attr & 8;
	uint32_t off = tss32 ? 4 + cpl * 8 : 2 + cpl * 4;

	if (off + (tss32 ? 5 : 3) > tr->limit)
		x86_fault_error(x, VEC_TS, SEL_ERR(tr->selector));
	*esp = x86_sys_read(x, (uint32_t)(tr->base + off), tss32 ? 4 : 2);
	*ss = x86_sys_read(x, (uint32_t)(tr->base + off + (tss32 ? 4 : 2)), 2);
}

/* Call through a gate into ring @cpl: new stack, copied parameters. */
static void call_gate_inner(struct x86 *x, struct desc gate,
			    const struct segment *cs, unsigned cpl)
{
	struct vcpu *v = x->v;
	unsigned width = DESC_TYPE(gate) & 8 ? 4 : 2, count = gate.hi & 31;
	struct new_stack s = { .width = width, .user = false };
	uint32_t param[31], ret = x->cache->next_eip;
	uint16_t ss;

	x86_tss_stack(x, cpl, &ss, &s.esp);
	s.ss = x86_ss_check(x, ss, cpl, VEC_TS);
	eip_check(x, cs, gate_offset(gate));
	for (unsigned n = 0; n < count; n++)
		param[n] = x86_stack_peek(x, n * width, width);
	new_stack_probe(x, &s, (4 + count) * width, true);
	new_stack_push(x, &s, v->seg[SEG_SS].selector);
	new_stack_push(x, &s, v->gpr[GPR_SP]);
	for (unsigned n = count; n-- > 0;)
		new_stack_push(x, &s, param[n]);
	new_stack_push(x, &s, v->seg[SEG_CS].selector);
	new_stack_push(x, &s, ret);
	v->seg[SEG_SS] = s.ss;
	v->gpr[GPR_SP] = s.esp;
	enter_code(x, *cs, gate_offset(gate), cpl);
}

static void call_gate(struct x86 *x, uint16_t sel, struct desc gate)
{
	unsigned width = DESC_TYPE(gate) & 8 ? 4 : 2, cpl = vcpu_cpl(x->v);
	uint32_t off = gate_offset(gate);
	struct segment cs;
	struct desc d;
	uint16_t target;

	gate_check(x, sel, gate);
	d = gate_target(x, gate, &target);
	x86_desc_set_accessed(x, target, &d);
	cs = desc_segment(target, d);
	if (!(d.hi & DESC_CONFORM) && DESC_DPL(d) < cpl) {
		call_gate_inner(x, gate, &cs, DESC_DPL(d));
		return;
	}
	eip_check(x, &cs, off);
	push_return(x, width, x->cache->next_eip);
	enter_code(x, cs, off, cpl);
}

void x86_far_call(struct x86 *x, uint16_t sel, uint32_t off, unsigned osize)
{
	unsigned cpl = vcpu_cpl(x->v);
	struct segment cs;
	struct desc d;

	if (vcpu_real_or_v86(x->v)) {
		call_real(x, sel, off, osize);
		return;
	}
	if (SEL_NULL(sel))
		x86_gp(x, 0);
	d = x86_desc_read(x, sel, VEC_GP);
	if (d.hi & DESC_S) {
		x86_code_check(x, sel, d, cpl, SEL_RPL(sel));
		cs = desc_segment(sel, d);
		eip_check(x, &cs, off);
		x86_desc_set_accessed(x, sel, &d);
		cs.attr |= SEG_TYPE_ACCESSED;
		push_return(x, osize, x->cache->next_eip);
		enter_code(x, cs, off, cpl);
	} else if (is_available_tss(d) || DESC_TYPE(d) == TYPE_TASK_GATE) {
		task_transfer(x, sel, d, TASK_CALL);
	} else if ((DESC_TYPE(d) & 7) == TYPE_CALL16) {
		call_gate(x, sel, d);
	} else {
		x86_gp(x, SEL_ERR(sel));
	}
}

/* The code segment that RET or IRET goes back to, at the privilege of @sel. */
static struct segment return_code(struct x86 *x, uint16_t sel)
{
	unsigned rpl = SEL_RPL(sel);
	struct desc d;

	if (SEL_NULL(sel))
		x86_gp(x, 0);
	d = x86_desc_read(x, sel, VEC_GP);
	if (!DESC_IS_CODE(d) || rpl < vcpu_cpl(x->v) ||
	    (d.hi & DESC_CONFORM ? DESC_DPL(d) > rpl : DESC_DPL(d) != rpl))
		x86_gp(x, SEL_ERR(sel));
	if (!(d.hi & DESC_P))
		x86_fault_error(x, VEC_NP, SEL_ERR(sel));
	x86_desc_set_accessed(x, sel, &d);
	return desc_segment(sel, d);
}

/* SS:ESP of an outer ring, popped from @at bytes above the top. */
static void return_outer(struct x86 *x, unsigned osize, uint32_t at,
			 unsigned cpl, struct segment *ss, uint32_t *esp)
{
	uint16_t sel = x86_stack_peek(x, at + osize, 2);

	*esp = x86_stack_peek(x, at, osize);
	*ss = x86_ss_check(x, sel, cpl, VEC_GP);
}

static void set_outer_stack(struct x86 *x, const struct segment *ss,
			    uint32_t esp)
{
	struct vcpu *v = x->v;

	v->seg[SEG_SS] = *ss;
	if (ss->attr & SEG_DB)
		v->gpr[GPR_SP] = esp;
	else
		v->gpr[GPR_SP] = (v->gpr[GPR_SP] & 0xffff0000) |
				 (esp & 0xffff);
}

static void ret_real(struct x86 *x, unsigned osize, uint32_t drop)
{
	uint32_t eip = x86_stack_peek(x, 0, osize);
	uint16_t sel = x86_stack_peek(x, osize, 2);

	eip_check(x, &x->v->seg[SEG_CS], eip);
	x86_sp_add(x->v, 2 * osize + drop);
	x86_seg_load_real(x, SEG_CS, sel);
	x->cache->next_eip = eip;
}

void x86_far_ret(struct x86 *x, unsigned osize, uint32_t drop)
{
	struct segment cs, ss;
	uint32_t eip, esp;
	uint16_t sel;

	if (vcpu_real_or_v86(x->v)) {
		ret_real(x, osize, drop);
		return;
	}
	eip = x86_stack_peek(x, 0, osize);
	sel = x86_stack_peek(x, osize, 2);
	cs = return_code(x, sel);
	eip_check(x, &cs, eip);
	if (SEL_RPL(sel) == vcpu_cpl(x->v)) {
		x86_sp_add(x->v, 2 * osize + drop);
		enter_code(x, cs, eip, SEL_RPL(sel));
		return;
	}
	return_outer(x, osize, 2 * osize + drop, SEL_RPL(sel), &ss, &esp);
	set_outer_stack(x, &ss, esp);
	x86_sp_add(x->v, drop);
	enter_code(x, cs, eip, SEL_RPL(sel));
	x86_seg_drop_inner(x, SEL_RPL(sel));
}

void x86_set_rflags(struct x86 *x, uint32_t mask, uint32_t val)
{
	flags_set(x->v, mask & ~FLAG_FIXED, val);
}

/* Flags that IRET restores at every privilege. */
#define IRET_FLAGS	(FLAGS_ARITH | FLAG_TF | FLAG_DF | FLAG_NT | FLAG_RF | \
			 FLAG_AC | FLAG_ID)

static uint32_t iret_mask(const struct vcpu *v, unsigned osize)
{
	unsigned cpl = vcpu_cpl(v);
	uint32_t mask = IRET_FLAGS;

	if (!cpl)
		mask |= FLAG_IOPL;
	if (cpl <= (v->rflags & FLAG_IOPL) >> FLAG_IOPL_SHIFT)
		mask |= FLAG_IF;
	return osize == 2 ? mask & 0xffff : mask;
}

/* Real mode, and v8086 with IOPL 3 (which keeps IOPL). */
static void iret_real(struct x86 *x, unsigned osize)
{
	struct vcpu *v = x->v;
	uint32_t eip, flags, mask = IRET_FLAGS | FLAG_IF;
	uint16_t sel;

	if (v->rflags & FLAG_VM && (v->rflags & FLAG_IOPL) != FLAG_IOPL)
		x86_gp(x, 0);
	eip = x86_stack_peek(x, 0, osize);
	sel = x86_stack_peek(x, osize, 2);
	flags = x86_stack_peek(x, 2 * osize, osize);
	eip_check(x, &v->seg[SEG_CS], eip);
	if (!(v->rflags & FLAG_VM))
		mask |= FLAG_IOPL;
	x86_sp_add(v, 3 * osize);
	x86_seg_load_real(x, SEG_CS, sel);
	x86_set_rflags(x, osize == 2 ? mask & 0xffff : mask, flags);
	x->cache->next_eip = eip;
	v->nmi_masked = 0;
}

/* Back into v8086 mode: nine dwords on the stack. */
static void iret_to_v86(struct x86 *x, uint32_t eip, uint16_t cs,
			uint32_t flags)
{
	static const uint8_t order[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };
	struct vcpu *v = x->v;
	uint32_t esp = x86_stack_peek(x, 12, 4);
	uint16_t ss = x86_stack_peek(x, 16, 2), sel[ARRAY_SIZE(order)];

	for (unsigned n = 0; n < ARRAY_SIZE(order); n++)
		sel[n] = x86_stack_peek(x, 20 + n * 4, 2);
	eip_check(x, &(struct segment){ .limit = 0xffff }, eip);
	x86_set_rflags(x, IRET_FLAGS | FLAG_IF | FLAG_IOPL | FLAG_VM, flags);
	x86_seg_load_real(x, SEG_CS, cs);
	x86_seg_load_real(x, SEG_SS, ss);
	for (unsigned n = 0; n < ARRAY_SIZE(order); n++)
		x86_seg_load_real(x, order[n], sel[n]);
	v->gpr[GPR_SP] = esp;
	x->cache->next_eip = eip;
	v->nmi_masked = 0;
	x86_refresh(x);
}

static void iret_task(struct x86 *x)
{
	struct vcpu *v = x->v;
	uint16_t link = x86_sys_read(x, v->tr.base, 2);
	struct desc d;

	if (link & 4 || SEL_NULL(link))
		x86_fault_error(x, VEC_TS, SEL_ERR(link));
	d = x86_desc_read(x, link, VEC_TS);
	if (d.hi & DESC_S || (DESC_TYPE(d) != TYPE_TSS16_BUSY &&
			      DESC_TYPE(d) != TYPE_TSS32_BUSY))
		x86_fault_error(x, VEC_TS, SEL_ERR(link));
	x86_task_switch(x, link, d, TASK_IRET, x->cache->next_eip);
	v->nmi_masked = 0;
}

static void iret_protected(struct x86 *x, unsigned osize)
{
	struct vcpu *v = x->v;
	uint32_t eip = x86_stack_peek(x, 0, osize), esp;
	uint16_t sel = x86_stack_peek(x, osize, 2);
	uint32_t flags = x86_stack_peek(x, 2 * osize, osize);
	uint32_t mask = iret_mask(v, osize);
	struct segment cs, ss;

	if (osize == 4 && flags & FLAG_VM && !vcpu_cpl(v)) {
		iret_to_v86(x, eip, sel, flags);
		return;
	}
	cs = return_code(x, sel);
	if (SEL_RPL(sel) == vcpu_cpl(v)) {
		eip_check(x, &cs, eip);
		x86_sp_add(v, 3 * osize);
	} else {
		return_outer(x, osize, 3 * osize, SEL_RPL(sel), &ss, &esp);
		eip_check(x, &cs, eip);
		set_outer_stack(x, &ss, esp);
		x86_seg_drop_inner(x, SEL_RPL(sel));
	}
	x86_set_rflags(x, mask, flags);
	enter_code(x, cs, eip, SEL_RPL(sel));
	v->nmi_masked = 0;
}

void x86_iret(struct x86 *x, unsigned osize)
{
	if (vcpu_real_or_v86(x->v))
		iret_real(x, osize);
	else if (x->v->rflags & FLAG_NT)
		iret_task(x);
	else
		iret_protected(x, osize);
}
