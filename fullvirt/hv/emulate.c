// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What KVM's own emulator does not know goes through the interpreter.
 *
 * Moving the state back and forth costs as much as some hundred interpreted
 * instructions.  When one failure follows another, more is interpreted each
 * time before KVM gets another chance.
 *
 * A KVM that has no hardware to help it (hv_vm.weak) cannot run some modes at
 * all.  States in these stay here, and the interpreter runs the guest until it
 * has left them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fullvirt/hv/hv.h"
#include "fullvirt/x86/priv.h"	/* x86_run */

#define BATCH_MAX	4096u
/* KVM_RUN calls between failures that count as one after another. */
#define CLOSE_BY	4

static unsigned next_batch(struct hv *hv)
{
	bool again = hv->stats.entries - hv->failed_at_entry <= CLOSE_BY;

	/* The interpreter would reach our controllers, which are asleep. */
	if (hv->vm->irqchip)
		return 1;
	hv->failed_at_entry = hv->stats.entries;
	hv->batch = again && hv->batch ? hv->batch * 2 : 1;
	if (hv->batch > BATCH_MAX)
		hv->batch = BATCH_MAX;
	return hv->batch;
}

static bool cannot(struct engine_exit_info *info, const char *why)
{
	info->exit = ENGINE_CANNOT;
	snprintf(info->reason, sizeof(info->reason),
		 "KVM cannot emulate the instruction%s%.110s",
		 *why ? ": " : "", why);
	return false;
}

static bool nmi_ready(const struct hv *hv)
{
	return atomic_load(&hv->bus->nmi) && !hv->v.nmi_masked &&
	       !hv->v.shadow;
}

static bool intr_ready(const struct hv *hv)
{
	return atomic_load(&hv->bus->intr) && hv->v.rflags & FLAG_IF &&
	       !hv->v.shadow;
}

static enum x86_result take_event(struct hv *hv)
{
	int vector;

	if (nmi_ready(hv)) {
		atomic_store(&hv->bus->nmi, 0);
		return x86_deliver(&hv->x, X86_EVENT_NMI, VEC_NMI, false, 0);
	}
	if (!intr_ready(hv))
		return X86_OK;
	vector = hv->bus->intr_ack(hv->bus->opaque);
	if (vector < 0)
		return X86_OK;
	hv->stats.interrupts++;
	return x86_deliver(&hv->x, X86_EVENT_INTR, vector, false, 0);
}

bool hv_foreign(const struct hv *hv)
{
	const struct vcpu *v = &hv->v;

	if (!hv->vm->weak || v->msr.efer & EFER_LMA)
		return false;
	return hv->debug.n || (v->cr0 & CR0_PE &&
			       (v->cr0 & CR0_PG || vcpu_cpl(v) == 3));
}

static enum x86_result interpret(struct hv *hv, unsigned n)
{
	enum x86_result r = x86_deliver_event(&hv->x);

	if (r == X86_OK)
		r = x86_run(&hv->x, n);
	while (r == X86_OK && hv_foreign(hv) &&
	       !atomic_load(&hv->bus->stop)) {
		r = take_event(hv);
		if (r == X86_OK)
			r = x86_run(&hv->x, BATCH_MAX);
	}
	return r;
}

/* The state is in hv->v and goes back to KVM in every case. */
static bool finish(struct hv *hv, enum x86_result r, uint64_t done,
		   struct engine_exit_info *info)
{
	if (hv_state_store(hv))
		return true;	/* broken */
	switch (r) {
	case X86_OK:
		return true;
	case X86_HALT:
		if (hv->vm->irqchip || nmi_ready(hv) || intr_ready(hv))
			return true;
		info->exit = ENGINE_HALT;
		info->intr_enabled = hv->v.rflags & FLAG_IF;
		return false;
	case X86_SHUTDOWN:
		info->exit = ENGINE_SHUTDOWN;
		return false;
	case X86_HYPERCALL:
		info->exit = ENGINE_HYPERCALL;
		return false;
	case X86_DEBUG:
		engine_report_break(info, hv->x.debug_hit);
		hv->x.debug_resume = true;
		hv->debug_pc = (uint32_t)(hv->v.seg[SEG_CS].base + hv->v.rip);
		return false;
	case X86_LONG_MODE:
		/* KVM's to enter; unless it has just refused. */
		return done || cannot(info, "entry into long mode");
	default:
		return cannot(info, hv->x.reason);
	}
}

static bool interpret_some(struct hv *hv, unsigned n,
			   struct engine_exit_info *info)
{
	uint64_t before = hv->x.icount;
	enum x86_result r;

	x86_tlb_flush(&hv->x);
	r = interpret(hv, n);
	hv->stats.interpreted += hv->x.icount - before;
	return finish(hv, r, hv->x.icount - before, info);
}

/*
 * A program gets what KVM would have given it, had it not been asked to tell
 * us first: it cannot be allowed to end the machine.
 */
static bool undefined_for_user(struct hv *hv)
{
	if (vcpu_cpl(&hv->v) != 3)
		return false;
	hv->v.event = (struct vcpu_event){ .kind = EVENT_EXCEPTION,
					   .vector = VEC_UD };
	hv->v.shadow = 0;
	hv_state_store(hv);
	return true;
}

bool hv_emulate(struct hv *hv, struct engine_exit_info *info)
{
	hv->stats.emulations++;
	if (hv_state_load(hv))
		return true;	/* broken */
	if (hv->v.msr.efer & EFER_LMA)
		return hv_soft_interrupt(hv) || undefined_for_user(hv) ||
		       cannot(info, "64-bit code is not interpreted "
			      "(--engine bt offers the guest no long mode)");
	return interpret_some(hv, next_batch(hv), info);
}

bool hv_interpret(struct hv *hv, struct engine_exit_info *info)
{
	enum x86_result r;

	if (hv->vm->irqchip)
		return cannot(info, "this KVM has no hardware, and the "
			      "interpreter needs hv.irqchip=off");
	if (hv->debug.step) {
		hv->x.debug_resume = true;
		r = x86_run(&hv->x, 1);
		hv->x.debug_resume = false;
		if (finish(hv, r, 1, info))
			engine_report_break(info, NULL);
		return false;
	}
	r = take_event(hv);
	if (r != X86_OK)
		return finish(hv, r, 1, info);
	return interpret_some(hv, BATCH_MAX, info);
}
