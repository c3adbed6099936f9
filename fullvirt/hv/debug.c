// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A debugger's breakpoints, in the processor's debug registers.
 *
 * To go on from a breakpoint, KVM runs one instruction without any; flag RF
 * would do, but KVM's emulator does not look at it.  It does not look at data
 * breakpoints either, so on a KVM that has nothing but its emulator the
 * interpreter runs 16/32-bit guests while there are breakpoints (hv_foreign()),
 * and data breakpoints in long mode are refused.
 */
#include <errno.h>

#include "fullvirt/hv/hv.h"

/* DR7 of breakpoint n: enabled; its kind and length. */
#define DR7_FIXED	0x400ULL
#define DR7_GLOBAL(n)	(2ULL << (n) * 2)
#define DR7_RW_LEN(n, rw, len)	(((rw) | (len) << 2) << (16 + (n) * 4))
#define HW_BREAKPOINTS	4

static const uint8_t dr7_rw[] = {
	[ENGINE_BREAK_EXEC] = 0,
	[ENGINE_BREAK_WRITE] = 1,
	[ENGINE_BREAK_READ] = 3,	/* there is none for reads alone */
	[ENGINE_BREAK_ACCESS] = 3,
};

/* SDM Vol. 3B 17.2.4: 1, 2 and 4 bytes are coded as one less, 8 as 2. */
static int dr7_len(const struct engine_breakpoint *b)
{
	if (b->kind == ENGINE_BREAK_EXEC)
		return 0;
	if (b->addr & (b->len - 1))
		return -1;
	switch (b->len) {
	case 1: return 0;
	case 2: return 1;
	case 4: return 3;
	case 8: return 2;
	default: return -1;
	}
}

static int fill_debug(const struct engine_debug *d,
		      struct kvm_guest_debug *k)
{
	if (d->n > HW_BREAKPOINTS)
		return -ENOSPC;
	if (d->step)
		k->control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
	if (d->n)
		k->control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP;
	k->arch.debugreg[7] = DR7_FIXED;
	for (unsigned n = 0; n < d->n; n++) {
		int len = dr7_len(&d->bp[n]);

		if (len < 0)
			return -ENOSPC;
		k->arch.debugreg[n] = d->bp[n].addr;
		k->arch.debugreg[7] |= DR7_GLOBAL(n) |
			DR7_RW_LEN(n, (uint64_t)dr7_rw[d->bp[n].kind], len);
	}
	return 0;
}

static int apply(struct hv *hv, const struct engine_debug *d)
{
	struct kvm_guest_debug k = { .control = 0 };
	int ret = fill_debug(d, &k);

	/* Ours keep quiet by themselves (run.c). */
	if (d->step && hv->vm->irqchip && hv->vm->block_irq)
		k.control |= KVM_GUESTDBG_BLOCKIRQ;
	if (!ret)
		ret = hv_ioctl(hv->fd, KVM_SET_GUEST_DEBUG, &k);
	return ret < 0 ? ret : 0;
}

static bool unseen(const struct hv *hv, const struct engine_debug *d)
{
	bool data = false;

	for (unsigned n = 0; n < d->n; n++)
		data |= d->bp[n].kind != ENGINE_BREAK_EXEC;
	return data && hv->vm->weak && hv->v.msr.efer & EFER_LMA;
}

int hv_set_debug(struct engine *e, const struct engine_debug *d)
{
	static const struct engine_debug none;
	struct hv *hv = to_hv(e);
	int ret;

	if (!d)
		d = &none;
	hv_complete(hv);
	ret = hv_state_load(hv);
	if (!ret && unseen(hv, d))
		return -ENOTSUP;
	if (!ret)
		ret = apply(hv, d);
	if (ret)
		return ret;
	hv->debug = *d;
	hv->x.debug = hv->vm->weak && d->n ? &hv->debug : NULL;
	hv->x.debug_resume = hv->debug_resume = hv->debug_past = false;
	/* Who holds the state may have changed. */
	return hv_state_store(hv);
}

static gva_t linear_pc(const struct vcpu *v)
{
	return v->seg[SEG_CS].attr & SEG_L ? v->rip :
	       (uint32_t)(v->seg[SEG_CS].base + v->rip);
}

/* A pause gives back the state that it took: still at the breakpoint. */
void hv_debug_state(struct hv *hv, const struct vcpu *v)
{
	bool there = hv->debug_pc == linear_pc(v);

	hv->debug_resume &= there;
	hv->x.debug_resume &= there;
}

/* Before the first entry of a run(). */
void hv_debug_resume(struct hv *hv)
{
	static const struct engine_debug step = { .step = true };

	if (!hv->debug_resume || hv->ours)
		return;
	hv->debug_resume = false;
	hv->debug_past = apply(hv, &step) == 0;
}

/* DR6 says which; a step when none did. */
bool hv_debug_exit(struct hv *hv, struct engine_exit_info *info)
{
	const struct engine_breakpoint *hit = NULL;

	if (hv->debug_past) {
		hv->debug_past = false;
		apply(hv, &hv->debug);
		if (!hv->debug.step)
			return true;
	}
	for (unsigned n = 0; n < hv->debug.n && n < HW_BREAKPOINTS; n++)
		if (hv->run->debug.arch.dr6 >> n & 1)
			hit = &hv->debug.bp[n];
	hv->debug_pc = hv->run->debug.arch.pc;
	hv->debug_resume = hit && hit->kind == ENGINE_BREAK_EXEC;
	engine_report_break(info, hit);
	return false;
}
