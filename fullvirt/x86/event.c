/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions and interrupts through the guest's IDT, and what happens when
 * delivery itself fails.
 *
 * Intel SDM Vol. 3A 6.10 to 6.15, Vol. 2 INT n, Vol. 3B 20.1.4 (real mode),
 * 20.3 (v8086).
 */
#include "fullvirt/x86/newstack.h"
#include "fullvirt/x86/priv.h"
#include "fullvirt/x86/vmi.h"

#define ERR_IDT		2u	/* error code: selector indexes the IDT */
#define DR7_GD		(1u << 13)

static void clear_flags(struct vcpu *v, uint32_t mask)
{
	v->rflags &= ~(uint64_t)mask;
}

/* Flags as the frame shows them. */
static uint32_t frame_flags(const struct x86 *x, const struct event *ev)
{
	return x->v->rflags | (ev->set_rf ? FLAG_RF : 0);
}

/* The current stack as a new_stack. */
static struct new_stack current_stack(const struct x86 *x, unsigned width)
{
	return (struct new_stack){ .ss = x->v->seg[SEG_SS],
				   .esp = x->v->gpr[GPR_SP], .width = width,
				   .user = x->cache->user };
}

static void enter_real(struct x86 *x, const struct event *ev)
{
	struct vcpu *v = x->v;
	uint32_t at = ev->vector * 4, entry;
	struct new_stack s = current_stack(x, 2);

	if (at + 3 > v->idtr.limit)
		x86_gp(x, at + ERR_IDT);
	entry = x86_sys_read(x, (uint32_t)(v->idtr.base + at), 4);
	new_stack_probe(x, &s, 6, false);
	new_stack_push(x, &s, frame_flags(x, ev));
	new_stack_push(x, &s, v->seg[SEG_CS].selector);
	new_stack_push(x, &s, ev->return_eip);
	v->gpr[GPR_SP] = s.esp;
	clear_flags(v, FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF);
	x86_seg_load_real(x, SEG_CS, entry >> 16);
	v->rip = entry & 0xffff;
}

static struct desc idt_gate(struct x86 *x, const struct event *ev)
{
	const struct vcpu *v = x->v;
	uint32_t at = ev->vector * 8, err = at + ERR_IDT;
	uint64_t raw;
	struct desc g;

	if (at + 7 > v->idtr.limit)
		x86_gp(x, err);
	raw = x86_sys_read(x, (uint32_t)(v->idtr.base + at), 8);
	g = (struct desc){ .lo = raw, .hi = raw >> 32 };
	if (g.hi & DESC_S || (DESC_TYPE(g) != TYPE_TASK_GATE &&
			      (DESC_TYPE(g) & 6) != TYPE_INT16))
		x86_gp(x, err);
	if (ev->kind == X86_EVENT_SOFT_INT && DESC_DPL(g) < vcpu_cpl(v))
		x86_gp(x, err);
	if (!(g.hi & DESC_P))
		x86_fault_error(x, VEC_NP, err);
	return g;
}

static void enter_task(struct x86 *x, const struct event *ev, struct desc gate)
{
	uint16_t sel = gate.lo >> 16;
	struct vcpu *v = x->v;

	if (sel & 4 || SEL_NULL(sel))
		x86_gp(x, SEL_ERR(sel));
	if (ev->set_rf)
		v->rflags |= FLAG_RF;
	x86_task_switch(x, sel, x86_desc_read(x, sel, VEC_GP), TASK_EVENT,
			ev->return_eip);
	if (ev->has_error)
		x86_push(x, v->tr.attr & 8 ? 4 : 2, ev->error);
	v->rip = x->cache->next_eip;
}

/* The handler's code segment; *@cpl becomes the privilege it runs at. */
static struct segment handler_code(struct x86 *x, struct desc gate,
				   unsigned *cpl)
{
	uint16_t sel = gate.lo >> 16;
	struct desc d;

	if (SEL_NULL(sel))
		x86_gp(x, 0);
	d = x86_desc_read(x, sel, VEC_GP);
	*cpl = vcpu_cpl(x->v);
	if (!DESC_IS_CODE(d) || DESC_DPL(d) > *cpl)
		x86_gp(x, SEL_ERR(sel));
	if (!(d.hi & DESC_P))
		x86_fault_error(x, VEC_NP, SEL_ERR(sel));
	if (!(d.hi & DESC_CONFORM))
		*cpl = DESC_DPL(d);
	/* Out of v8086 mode only to ring 0. */
	if (x->v->rflags & FLAG_VM && *cpl)
		x86_gp(x, SEL_ERR(sel));
	x86_desc_set_accessed(x, sel, &d);
	return desc_segment(sel, d);
}

/* Old stack pointer, and from v8086 mode the data segments too. */
static void push_outer(struct x86 *x, struct new_stack *s)
{
	const struct vcpu *v = x->v;

	if (v->rflags & FLAG_VM) {
		new_stack_push(x, s, v->seg[SEG_GS].selector);
		new_stack_push(x, s, v->seg[SEG_FS].selector);
		new_stack_push(x, s, v->seg[SEG_DS].selector);
		new_stack_push(x, s, v->seg[SEG_ES].selector);
	}
	new_stack_push(x, s, v->seg[SEG_SS].selector);
	new_stack_push(x, s, v->gpr[GPR_SP]);
}

static void push_frame(struct x86 *x, struct new_stack *s,
		       const struct event *ev)
{
	new_stack_push(x, s, frame_flags(x, ev));
	new_stack_push(x, s, x->v->seg[SEG_CS].selector);
	new_stack_push(x, s, ev->return_eip);
	if (ev->has_error)
		new_stack_push(x, s, ev->error);
}

static void drop_v86_segments(struct vcpu *v)
{
	static const uint8_t segs[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };

	for (unsigned n = 0; n < ARRAY_SIZE(segs); n++)
		v->seg[segs[n]] = x86_null_segment(0);
}

static void enter_gate(struct x86 *x, const struct event *ev, struct desc gate)
{
	struct vcpu *v = x->v;
	unsigned width = DESC_TYPE(gate) & 8 ? 4 : 2, cpl, words;
	struct segment cs = handler_code(x, gate, &cpl);
	struct new_stack s = current_stack(x, width);
	bool inner = cpl != vcpu_cpl(v), v86 = v->rflags & FLAG_VM;
	uint32_t eip = gate.lo & 0xffff;
	uint16_t ss;

	if (width == 4)
		eip |= gate.hi & 0xffff0000;
	words = 3 + ev->has_error;
	if (inner) {
		x86_tss_stack(x, cpl, &ss, &s.esp);
		s.ss = x86_ss_check(x, ss, cpl, VEC_TS);
		s.user = cpl == 3;
		words += v86 ? 6 : 2;
	}
	new_stack_probe(x, &s, words * width, inner);
	if (eip > cs.limit)
		x86_gp(x, 0);
	if (inner)
		push_outer(x, &s);
	push_frame(x, &s, ev);
	if (v86)
		drop_v86_segments(v);
	v->seg[SEG_SS] = s.ss;
	v->gpr[GPR_SP] = s.esp;
	cs.selector = (cs.selector & ~3u) | cpl;
	v->seg[SEG_CS] = cs;
	clear_flags(v, FLAG_TF | FLAG_NT | FLAG_VM | FLAG_RF |
		    (DESC_TYPE(gate) & 1 ? 0 : FLAG_IF));
	v->rip = eip;
}

void x86_event_enter(struct x86 *x, const struct event *ev)
{
	struct desc gate;

	x->cache->ext = ev->kind != X86_EVENT_SOFT_INT;
	if (vcpu_real_mode(x->v)) {
		enter_real(x, ev);
	} else {
		gate = idt_gate(x, ev);
		if (DESC_TYPE(gate) == TYPE_TASK_GATE)
			enter_task(x, ev, gate);
		else
			enter_gate(x, ev, gate);
	}
	x->cache->ext = 0;
	x->cache->single_step = false;
	x86_refresh(x);
}

static void try_enter(struct x86 *x, void *arg)
{
	x86_event_enter(x, arg);
}

/* SDM Vol. 3A table 6-4. */
static bool contributory(unsigned vector)
{
	return vector == VEC_DE || (vector >= VEC_TS && vector <= VEC_GP);
}

static bool makes_double_fault(const struct event *first, unsigned second)
{
	if (first->kind != X86_EVENT_EXCEPTION)
		return false;
	if (contributory(first->vector))
		return contributory(second);
	return first->vector == VEC_PF &&
	       (contributory(second) || second == VEC_PF);
}

static bool is_fault(const struct fault *f)
{
	return !f->trap && f->vector != VEC_DB && f->vector != VEC_DF &&
	       f->vector != VEC_MC;
}

static struct event fault_event(struct x86 *x)
{
	const struct fault *f = &x->cache->fault;

	return (struct event){ .kind = X86_EVENT_EXCEPTION,
			       .vector = f->vector, .has_error = f->has_error,
			       .error = f->error, .set_rf = is_fault(f),
			       .return_eip = x86_vmi_fault_eip(x, f->vector) };
}

/* What raising the recorded fault does before any delivery. */
static void fault_effects(struct x86 *x)
{
	if (x->cache->fault.vector == VEC_PF)
		x->v->cr2 = (uint32_t)x->cache->fault.cr2;
	if (x->cache->fault.vector == VEC_DB) {
		x->v->dr[7] &= ~(uint64_t)DR7_GD;
		x86_debug_refresh(x);
	}
}

static enum x86_result shutdown(struct x86 *x)
{
	x->v->activity = ACTIVITY_SHUTDOWN;
	return X86_SHUTDOWN;
}

enum x86_result x86_event_deliver(struct x86 *x, struct event ev)
{
	struct x86_decode_cache *c = x->cache;

	x->v->shadow = 0;
	c->dr6_pending = 0;
	x->v->activity = ACTIVITY_RUN;
	while (!x86_try(x, try_enter, &ev)) {
		if (c->unwind == UNWIND_STOP)
			return c->result;
		fault_effects(x);
		if (ev.kind == X86_EVENT_EXCEPTION && ev.vector == VEC_DF &&
		    (contributory(c->fault.vector) ||
		     c->fault.vector == VEC_PF))
			return shutdown(x);
		if (makes_double_fault(&ev, c->fault.vector))
			ev = (struct event){ .kind = X86_EVENT_EXCEPTION,
					     .vector = VEC_DF,
					     .has_error = true,
					     .return_eip = x->v->rip };
		else
			ev = fault_event(x);
	}
	if (ev.kind == X86_EVENT_NMI)
		x->v->nmi_masked = 1;
	if (ev.kind == X86_EVENT_EXCEPTION)
		c->exceptions++;
	else
		c->intrs++;
	/*
	 * Breakpoints that the frame itself hit are dropped: a #DB whose frame
	 * hits one would never end.  The T bit of a task traps in the next step.
	 */
	c->dr6_pending &= DR6_BT;
	return X86_OK;
}

enum x86_result x86_fault_deliver(struct x86 *x)
{
	struct event ev;

	fault_effects(x);
	ev = fault_event(x);
	if (x->hooks && x->hooks->exception &&
	    x->hooks->exception(x->opaque, ev.vector, ev.has_error, ev.error))
		return X86_OK;
	return x86_event_deliver(x, ev);
}

enum x86_result x86_deliver(struct x86 *x, enum x86_event kind,
			    unsigned vector, bool has_error, uint32_t error)
{
	x86_tlb_context(x);
	x86_refresh(x);
	if (kind == X86_EVENT_EXCEPTION) {
		x->cache->fault = (struct fault){ .vector = vector,
						  .has_error = has_error,
						  .error = error,
						  .trap = vector == VEC_BP ||
							  vector == VEC_OF,
						  .cr2 = x->v->cr2 };
		return x86_fault_deliver(x);
	}
	return x86_event_deliver(x, (struct event){
		.kind = kind, .vector = vector, .has_error = has_error,
		.error = error, .return_eip = x->v->rip });
}

enum x86_result x86_deliver_pf(struct x86 *x, gva_t gva, uint32_t error)
{
	x->v->cr2 = (uint32_t)gva;
	return x86_deliver(x, X86_EVENT_EXCEPTION, VEC_PF, true, error);
}

enum x86_result x86_deliver_event(struct x86 *x)
{
	static const enum x86_event kinds[] = {
		[EVENT_INTR] = X86_EVENT_INTR,
		[EVENT_NMI] = X86_EVENT_NMI,
		[EVENT_EXCEPTION] = X86_EVENT_EXCEPTION,
	};
	struct vcpu_event e = x->v->event;

	if (e.kind == EVENT_NONE || e.kind >= ARRAY_SIZE(kinds))
		return X86_OK;
	x->v->event = (struct vcpu_event){ .kind = EVENT_NONE };
	return x86_deliver(x, kinds[e.kind], e.vector, e.has_error, e.error);
}
