// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The vCPU's state between KVM and struct vcpu.
 *
 * When reading, activity comes first: KVM_GET_MP_STATE does what an INIT or
 * start-up IPI that waits in KVM's local APIC does to all the rest.  Then events,
 * since KVM then writes CR2 and DR6 for an exception that it holds; they are
 * last when writing, since control registers drop them.  What KVM has no place
 * for stays in hv->v.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fullvirt/hv/hv.h"

/* FXSAVE image, SDM Vol. 1 10.5.1: header, x87 and XMM registers.  The bytes
 * behind them are reserved or software's, and KVM uses them itself. */
#define FX_MASK		28
#define FX_USED		416
#define MXCSR_MASK	0xffffu
#define XSTATE_BV	512
#define XSTATE_FP_SSE	3ULL
#define EVENT_VALID	(KVM_VCPUEVENT_VALID_NMI_PENDING | \
			 KVM_VCPUEVENT_VALID_SHADOW)

int hv_break(struct hv *hv, int err, const char *fmt, ...)
{
	va_list ap;

	if (!hv->broken[0]) {
		va_start(ap, fmt);
		vsnprintf(hv->broken, sizeof(hv->broken), fmt, ap);
		va_end(ap);
	}
	return err;
}

static int ask(struct hv *hv, unsigned long request, void *arg,
	       const char *name)
{
	int ret = hv_ioctl(hv->fd, request, arg);

	return ret < 0 ? hv_break(hv, ret, "%s: %s", name, strerror(-ret)) : 0;
}

#define ASK(hv, request, arg)	ask(hv, request, arg, #request)

/*
 * Segments.
 */

static struct segment segment_load(const struct kvm_segment *k)
{
	struct segment s = { .base = k->base, .limit = k->limit,
			     .selector = k->selector };

	s.attr = k->type | k->s << 4 | k->dpl << SEG_DPL_SHIFT |
		 k->present << 7 | k->avl << 12 | k->l << 13 | k->db << 14 |
		 k->g << 15;
	if (k->unusable || !k->present)
		s.attr |= SEG_UNUSABLE;
	return s;
}

static struct kvm_segment segment_store(const struct segment *s)
{
	bool unusable = s->attr & SEG_UNUSABLE;

	return (struct kvm_segment){
		.base = s->base, .limit = s->limit, .selector = s->selector,
		.type = s->attr & SEG_TYPE_MASK, .s = !!(s->attr & SEG_S),
		.dpl = (s->attr & SEG_DPL_MASK) >> SEG_DPL_SHIFT,
		.present = !!(s->attr & SEG_P) && !unusable,
		.avl = !!(s->attr & SEG_AVL), .l = !!(s->attr & SEG_L),
		.db = !!(s->attr & SEG_DB), .g = !!(s->attr & SEG_G),
		.unusable = unusable,
	};
}

/* KVM's names in the order of enum seg_reg. */
#define SEGMENTS(X) \
	X(seg[SEG_ES], es) X(seg[SEG_CS], cs) X(seg[SEG_SS], ss) \
	X(seg[SEG_DS], ds) X(seg[SEG_FS], fs) X(seg[SEG_GS], gs) \
	X(ldtr, ldt) X(tr, tr)

/* struct kvm_sregs and kvm_sregs2 begin alike. */
#define SREGS_COMMON(X) \
	X(cr0, cr0) X(cr2, cr2) X(cr3, cr3) X(cr4, cr4) X(cr8, cr8) \
	X(msr.efer, efer)

#define SREGS_LOAD(v, s) do { \
	SEGMENTS(SEG_LOAD_ONE) \
	SREGS_COMMON(REG_LOAD_ONE) \
	(v)->gdtr = (struct desc_table){ (s).gdt.base, (s).gdt.limit, {} }; \
	(v)->idtr = (struct desc_table){ (s).idt.base, (s).idt.limit, {} }; \
} while (0)

#define SREGS_STORE(v, s) do { \
	SEGMENTS(SEG_STORE_ONE) \
	SREGS_COMMON(REG_STORE_ONE) \
	(s).gdt.base = (v)->gdtr.base; \
	(s).gdt.limit = (v)->gdtr.limit; \
	(s).idt.base = (v)->idtr.base; \
	(s).idt.limit = (v)->idtr.limit; \
	(s).apic_base = (v)->msr.apic_base; \
} while (0)

#define SEG_LOAD_ONE(ours, kvms)	v->ours = segment_load(&s.kvms);
#define SEG_STORE_ONE(ours, kvms)	s.kvms = segment_store(&v->ours);
#define REG_LOAD_ONE(ours, kvms)	v->ours = s.kvms;
#define REG_STORE_ONE(ours, kvms)	s.kvms = v->ours;

static bool pae_paging(const struct vcpu *v)
{
	return v->cr0 & CR0_PG && v->cr4 & CR4_PAE &&
	       !(v->msr.efer & EFER_LMA);
}

static int sregs2_load(struct hv *hv)
{
	struct vcpu *v = &hv->v;
	struct kvm_sregs2 s;
	int ret = ASK(hv, KVM_GET_SREGS2, &s);

	if (ret)
		return ret;
	SREGS_LOAD(v, s);
	if (hv->vm->irqchip)
		v->msr.apic_base = s.apic_base;
	if (s.flags & KVM_SREGS2_FLAGS_PDPTRS_VALID)
		memcpy(v->pdpte, s.pdptrs, sizeof(v->pdpte));
	return 0;
}

static int sregs2_store(struct hv *hv)
{
	const struct vcpu *v = &hv->v;
	struct kvm_sregs2 s = { .flags = 0 };

	SREGS_STORE(v, s);
	if (pae_paging(v)) {
		s.flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
		memcpy(s.pdptrs, v->pdpte, sizeof(s.pdptrs));
	}
	return ASK(hv, KVM_SET_SREGS2, &s);
}

/* Before Linux 5.14; KVM then reads the PDPTEs from memory. */
static int sregs_load(struct hv *hv)
{
	struct vcpu *v = &hv->v;
	struct kvm_sregs s;
	int ret;

	if (hv->vm->sregs2)
		return sregs2_load(hv);
	ret = ASK(hv, KVM_GET_SREGS, &s);
	if (ret)
		return ret;
	SREGS_LOAD(v, s);
	if (hv->vm->irqchip)
		v->msr.apic_base = s.apic_base;
	return 0;
}

static int sregs_store(struct hv *hv)
{
	const struct vcpu *v = &hv->v;
	struct kvm_sregs s;

	if (hv->vm->sregs2)
		return sregs2_store(hv);
	memset(&s, 0, sizeof(s));
	SREGS_STORE(v, s);
	return ASK(hv, KVM_SET_SREGS, &s);
}

/*
 * General registers.
 */

#define GPRS(X) \
	X(AX, rax) X(CX, rcx) X(DX, rdx) X(BX, rbx) X(SP, rsp) X(BP, rbp) \
	X(SI, rsi) X(DI, rdi) X(R8, r8) X(R9, r9) X(R10, r10) X(R11, r11) \
	X(R12, r12) X(R13, r13) X(R14, r14) X(R15, r15)

static int regs_load(struct hv *hv)
{
	struct vcpu *v = &hv->v;
	struct kvm_regs r;
	int ret = ASK(hv, KVM_GET_REGS, &r);

	if (ret)
		return ret;
#define X(ours, kvms) v->gpr[GPR_##ours] = r.kvms;
	GPRS(X)
#undef X
	v->rip = r.rip;
	v->rflags = r.rflags | FLAG_FIXED;
	return 0;
}

static int regs_store(struct hv *hv)
{
	const struct vcpu *v = &hv->v;
	struct kvm_regs r = { .rip = v->rip, .rflags = v->rflags };

#define X(ours, kvms) r.kvms = v->gpr[GPR_##ours];
	GPRS(X)
#undef X
	return ASK(hv, KVM_SET_REGS, &r);
}

/*
 * FPU.  AVX and its like are not offered, so the extended area stays empty.
 */

static int fpu_load(struct hv *hv)
{
	struct kvm_xsave x;
	struct kvm_xcrs xcrs = { .nr_xcrs = 0 };
	uint32_t mask = MXCSR_MASK;
	int ret = ASK(hv, KVM_GET_XSAVE, &x);

	if (!ret)
		ret = ASK(hv, KVM_GET_XCRS, &xcrs);
	if (ret)
		return ret;
	memcpy(hv->v.fpu, x.region, FX_USED);
	memcpy(hv->v.fpu + FX_MASK, &mask, sizeof(mask));
	for (unsigned n = 0; n < xcrs.nr_xcrs; n++)
		if (xcrs.xcrs[n].xcr == 0)
			hv->v.xcr0 = xcrs.xcrs[n].value;
	return 0;
}

static int fpu_store(struct hv *hv)
{
	struct kvm_xcrs xcrs = { .nr_xcrs = 1 };
	struct kvm_xsave x = { .region = { 0 } };
	uint64_t present = XSTATE_FP_SSE;
	int ret;

	xcrs.xcrs[0].value = hv->v.xcr0;
	memcpy(x.region, hv->v.fpu, FX_USED);
	memcpy((uint8_t *)x.region + XSTATE_BV, &present, sizeof(present));
	ret = ASK(hv, KVM_SET_XCRS, &xcrs);
	return ret ? ret : ASK(hv, KVM_SET_XSAVE, &x);
}

/*
 * Debug registers.
 */

static int debug_load(struct hv *hv)
{
	struct kvm_debugregs d;
	int ret = ASK(hv, KVM_GET_DEBUGREGS, &d);

	if (ret)
		return ret;
	memcpy(hv->v.dr, d.db, sizeof(d.db));
	hv->v.dr[6] = d.dr6;
	hv->v.dr[7] = d.dr7;
	return 0;
}

static int debug_store(struct hv *hv)
{
	struct kvm_debugregs d = { .dr6 = hv->v.dr[6], .dr7 = hv->v.dr[7] };

	memcpy(d.db, hv->v.dr, sizeof(d.db));
	return ASK(hv, KVM_SET_DEBUGREGS, &d);
}

/*
 * Events.  The latch of NMIs is bus->nmi, whichever engine runs, and anybody
 * may set it at any time: so it is set and not cleared here.  v->nmi_pending
 * is one that KVM has not delivered; it goes back there with the state.
 */

static struct vcpu_event event_of(const struct kvm_vcpu_events *k)
{
	struct vcpu_event e = { .kind = EVENT_NONE };

	if (k->exception.injected) {
		e.kind = EVENT_EXCEPTION;
		e.vector = k->exception.nr;
		e.has_error = k->exception.has_error_code;
		e.error = e.has_error ? k->exception.error_code : 0;
	} else if (k->nmi.injected) {
		e.kind = EVENT_NMI;
		e.vector = VEC_NMI;
	} else if (k->interrupt.injected && !k->interrupt.soft) {
		e.kind = EVENT_INTR;
		e.vector = k->interrupt.nr;
	}
	return e;
}

static int events_load(struct hv *hv)
{
	struct vcpu *v = &hv->v;
	struct kvm_vcpu_events k;
	int ret = ASK(hv, KVM_GET_VCPU_EVENTS, &k);

	if (ret)
		return ret;
	v->event = event_of(&k);
	v->nmi_masked = k.nmi.masked;
	v->nmi_pending = k.nmi.pending;
	v->shadow = (k.interrupt.shadow & KVM_X86_SHADOW_INT_STI ?
		     SHADOW_STI : 0) |
		    (k.interrupt.shadow & KVM_X86_SHADOW_INT_MOV_SS ?
		     SHADOW_MOV_SS : 0);
	return 0;
}

static void nmi_store(struct hv *hv)
{
	if (hv->v.nmi_pending)
		atomic_store(&hv->bus->nmi, 1);
	hv->v.nmi_pending = 0;
}

static int events_store(struct hv *hv)
{
	const struct vcpu *v = &hv->v;
	const struct vcpu_event *e = &v->event;
	struct kvm_vcpu_events k = { .flags = EVENT_VALID };

	k.nmi.masked = v->nmi_masked;
	k.nmi.injected = e->kind == EVENT_NMI;
	k.interrupt.injected = e->kind == EVENT_INTR;
	k.interrupt.nr = e->kind == EVENT_INTR ? e->vector : 0;
	k.interrupt.shadow =
		(v->shadow & SHADOW_STI ? KVM_X86_SHADOW_INT_STI : 0) |
		(v->shadow & SHADOW_MOV_SS ? KVM_X86_SHADOW_INT_MOV_SS : 0);
	if (e->kind == EVENT_EXCEPTION) {
		k.exception.injected = 1;
		k.exception.nr = e->vector;
		k.exception.has_error_code = e->has_error;
		k.exception.error_code = e->error;
	}
	return ASK(hv, KVM_SET_VCPU_EVENTS, &k);
}

/*
 * What only a KVM with its own interrupt controllers keeps: activity, and
 * where the local APIC is.
 */

static const struct {
	uint32_t ours, kvms;
} activities[] = {
	{ ACTIVITY_RUN, KVM_MP_STATE_RUNNABLE },
	{ ACTIVITY_HALT, KVM_MP_STATE_HALTED },
	{ ACTIVITY_WAIT_SIPI, KVM_MP_STATE_INIT_RECEIVED },
	{ ACTIVITY_WAIT_SIPI, KVM_MP_STATE_UNINITIALIZED },
	{ ACTIVITY_WAIT_SIPI, KVM_MP_STATE_SIPI_RECEIVED },
};

static int activity_load(struct hv *hv)
{
	struct kvm_mp_state m;
	int ret;

	if (!hv->vm->irqchip)
		return 0;
	ret = ASK(hv, KVM_GET_MP_STATE, &m);
	if (ret || hv->v.activity == ACTIVITY_SHUTDOWN)
		return ret;
	for (unsigned n = 0; n < ARRAY_SIZE(activities); n++)
		if (activities[n].kvms == m.mp_state)
			hv->v.activity = activities[n].ours;
	return 0;
}

static int activity_store(struct hv *hv)
{
	struct kvm_mp_state m = { .mp_state = KVM_MP_STATE_RUNNABLE };

	if (!hv->vm->irqchip)
		return 0;
	for (unsigned n = ARRAY_SIZE(activities); n > 0; n--)
		if (activities[n - 1].ours == hv->v.activity)
			m.mp_state = activities[n - 1].kvms;
	return ASK(hv, KVM_SET_MP_STATE, &m);
}

int hv_state_load(struct hv *hv)
{
	int ret;

	if (hv->ours)
		return 0;
	hv->stats.state_loads++;
	if ((ret = activity_load(hv)) || (ret = events_load(hv)) ||
	    (ret = regs_load(hv)) || (ret = sregs_load(hv)) ||
	    (ret = fpu_load(hv)) || (ret = hv_msrs_load(hv)) ||
	    (ret = debug_load(hv)))
		return ret;
	return 0;
}

int hv_state_store(struct hv *hv)
{
	int ret;

	hv->io_pending = false;
	x86_tlb_flush(&hv->x);
	hv->run->if_flag = !!(hv->v.rflags & FLAG_IF);
	nmi_store(hv);
	hv->ours = hv_foreign(hv);
	if (hv->ours)
		return 0;
	hv->stats.state_stores++;
	/* No interrupt before KVM has looked at the new IF. */
	hv->run->ready_for_interrupt_injection = 0;
	if ((ret = sregs_store(hv)) || (ret = regs_store(hv)) ||
	    (ret = fpu_store(hv)) || (ret = hv_msrs_store(hv)) ||
	    (ret = debug_store(hv)) || (ret = activity_store(hv)) ||
	    (ret = events_store(hv)))
		return ret;
	return 0;
}

int hv_call_load(struct hv *hv)
{
	int ret;

	if ((ret = regs_load(hv)) || (ret = sregs_load(hv)))
		return ret;
	ret = hv_tsc_load(hv);
	return ret < 0 ? hv_break(hv, ret, "TSC: %s", strerror(-ret)) : 0;
}

int hv_call_store(struct hv *hv)
{
	return regs_store(hv);
}
