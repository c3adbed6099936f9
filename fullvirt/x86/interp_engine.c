/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The "interp" engine: the interpreter alone.  Slow and simple; what the
 * translator is compared with.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fullvirt/x86/census.h"
#include "fullvirt/x86/priv.h"

/* Instructions between looks at anything but the bus flags. */
#define BATCH	100000u

struct interp {
	struct engine engine;
	struct x86 x;
	struct vcpu v;
	uint64_t halts;
	struct engine_debug debug;
};

static struct interp *of(struct engine *e)
{
	return (struct interp *)e;
}

static int want_census(struct interp *in, const char *const *options)
{
	for (; options && *options; options++)
		if (!strcmp(*options, "bt.census=1"))
			return x86_census_create(&in->x.census);
	return 0;
}

static int interp_create(struct engine **out, const struct engine_config *cfg,
			 char *err)
{
	struct interp *in = aligned_alloc(64, (sizeof(*in) + 63) & ~63ULL);

	if (!in || (memset(in, 0, sizeof(*in)),
		    x86_init(&in->x, &in->v, cfg->mem, cfg->bus, NULL, NULL) ||
		    want_census(in, cfg->options))) {
		free(in);
		strcpy(err, "interp: out of memory");
		return -ENOMEM;
	}
	in->engine.ops = &interp_engine_ops;
	in->x.long_mode = cfg->long_mode;
	vcpu_reset(&in->v, cfg->cpu_index, false);
	*out = &in->engine;
	return 0;
}

static void interp_destroy(struct engine *e)
{
	x86_census_free(of(e)->x.census);
	x86_fini(&of(e)->x);
	free(e);
}

static bool nmi_ready(const struct interp *in)
{
	return atomic_load(&in->x.bus->nmi) && !in->v.nmi_masked &&
	       !in->v.shadow;
}

static bool intr_ready(const struct interp *in)
{
	return atomic_load(&in->x.bus->intr) && in->v.rflags & FLAG_IF &&
	       !in->v.shadow;
}

/* Deliver what is pending and allowed. */
static enum x86_result deliver_pending(struct interp *in)
{
	struct engine_bus *bus = in->x.bus;
	int vector;

	if (nmi_ready(in)) {
		atomic_store(&bus->nmi, 0);
		return x86_deliver(&in->x, X86_EVENT_NMI, VEC_NMI, false, 0);
	}
	if (!intr_ready(in))
		return X86_OK;
	vector = bus->intr_ack(bus->opaque);
	if (vector < 0)
		return X86_OK;
	return x86_deliver(&in->x, X86_EVENT_INTR, vector, false, 0);
}

/* What a vCPU that is not running shall say. */
static enum x86_result idle_result(const struct interp *in)
{
	switch (in->v.activity) {
	case ACTIVITY_RUN: return X86_OK;
	case ACTIVITY_SHUTDOWN: return X86_SHUTDOWN;
	default: return X86_HALT;
	}
}

/* Does @r end run()?  Fills @info if so. */
static bool leave(struct interp *in, enum x86_result r,
		  struct engine_exit_info *info)
{
	switch (r) {
	case X86_OK:
		return false;
	case X86_HALT:
		in->halts++;
		if (nmi_ready(in) || intr_ready(in))
			return false;
		info->exit = ENGINE_HALT;
		info->intr_enabled = in->v.rflags & FLAG_IF;
		return true;
	case X86_SHUTDOWN:
		info->exit = ENGINE_SHUTDOWN;
		return true;
	case X86_HYPERCALL:
		if (in->x.bus->hypercall) {
			in->x.bus->hypercall(in->x.bus->opaque, &in->v);
			return false;
		}
		info->exit = ENGINE_HYPERCALL;
		return true;
	case X86_LONG_MODE:
		info->exit = ENGINE_LONG_MODE;
		return true;
	case X86_DEBUG:
		engine_report_break(info, in->x.debug_hit);
		in->x.debug_resume = true;
		return true;
	case X86_CANNOT:
		memcpy(info->reason, in->x.reason, sizeof(info->reason));
		break;
	}
	info->exit = ENGINE_CANNOT;
	return true;
}

/* One instruction for the debugger. */
static void single_step(struct interp *in, struct engine_exit_info *info)
{
	enum x86_result r = idle_result(in);

	in->x.debug_resume = true;
	if (r == X86_OK)
		r = x86_run(&in->x, 1);
	in->x.debug_resume = false;
	if (!leave(in, r, info))
		engine_report_break(info, NULL);
}

static void interp_run(struct engine *e, struct engine_exit_info *info)
{
	struct interp *in = of(e);
	enum x86_result r;

	info->reason[0] = 0;
	if (in->debug.step) {
		single_step(in, info);
		return;
	}
	for (;;) {
		if (atomic_load(&in->x.bus->stop)) {
			info->exit = ENGINE_KICKED;
			return;
		}
		r = x86_deliver_event(&in->x);
		if (r == X86_OK)
			r = deliver_pending(in);
		if (r == X86_OK)
			r = idle_result(in);
		if (r == X86_OK)
			r = x86_run(&in->x, BATCH);
		if (leave(in, r, info))
			return;
	}
}

/* The loop reads the bus flags after every instruction. */
static void interp_kick(struct engine *e)
{
}

static void interp_get_state(struct engine *e, struct vcpu *out)
{
	*out = of(e)->v;
	out->nmi_pending = atomic_load(&of(e)->x.bus->nmi);
}

static void interp_set_state(struct engine *e, const struct vcpu *in)
{
	of(e)->x.debug_resume &= in->rip == of(e)->v.rip;
	of(e)->v = *in;
	atomic_store(&of(e)->x.bus->nmi, in->nmi_pending);
	x86_tlb_flush(&of(e)->x);
}

static void interp_mem_changed(struct engine *e, gpa_t gpa, uint64_t len)
{
	x86_tlb_flush(&of(e)->x);
}

static int interp_set_debug(struct engine *e, const struct engine_debug *d)
{
	struct interp *in = of(e);

	in->debug = d ? *d : (struct engine_debug){ 0 };
	in->x.debug = in->debug.n ? &in->debug : NULL;
	in->x.debug_resume = false;
	return 0;
}

static void interp_stats(struct engine *e, FILE *out)
{
	struct interp *in = of(e);

	fprintf(out, "interp: instructions %" PRIu64 "\n", in->x.icount);
	fprintf(out, "interp: exceptions   %" PRIu64 "\n",
		in->x.cache->exceptions);
	fprintf(out, "interp: interrupts   %" PRIu64 "\n",
		in->x.cache->intrs);
	fprintf(out, "interp: halts        %" PRIu64 "\n", in->halts);
	if (in->x.census)
		x86_census_print(in->x.census, out);
}

static void interp_census(struct engine *e, engine_census_fn *fn, void *opaque)
{
	if (of(e)->x.census)
		x86_census_each(of(e)->x.census, fn, opaque);
}

const struct engine_ops interp_engine_ops = {
	.name = "interp",
	.create = interp_create,
	.destroy = interp_destroy,
	.run = interp_run,
	.kick = interp_kick,
	.get_state = interp_get_state,
	.set_state = interp_set_state,
	.mem_changed = interp_mem_changed,
	.set_debug = interp_set_debug,
	.census = interp_census,
	.stats = interp_stats,
};
