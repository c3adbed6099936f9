/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The C side of the callouts: find or make the next TU, chain exits, fill the
 * indirect tables, run single instructions in the interpreter, take
 * interrupts.  Each returns the host address to resume at, with bt->v.rip at
 * the guest instruction which that address stands for.
 */
#include <immintrin.h>
#include <string.h>

#include "fullvirt/bt/templates.h"

#define HEAT_LIMIT	40	/* code changes on a page until we interpret */
#define COOL_EVERY	256	/* kicks, about a second */
/*
 * Or instructions interpreted on such pages, about 10 ms: many times what the
 * translations cost that the page must lose to become hot again.
 */
#define COOL_RUNS	200000

/* ------------------------------------------------ guest state */

void bt_flags_in(struct bt *bt)
{
	bt->v.rflags = (bt->hflags & FLAGS_ARITH) | FLAG_FIXED | bt->sysflags;
}

void bt_flags_out(struct bt *bt)
{
	uint64_t f = bt->v.rflags;

	bt->hflags = f & FLAGS_ARITH;
	bt->sysflags = f & ~(FLAGS_ARITH | FLAG_FIXED);
}

/* What FXSAVE64 and FNSTENV say of the last x87 instruction. */
struct fpu_last {
	uint16_t fop;
	uint32_t fip, fdp;
};

/* SDM Vol. 1 table 10-2: FOP at 6, FIP at 8, FDP at 16. */
static struct fpu_last fpu_last_get(const struct vcpu *v)
{
	struct fpu_last l;

	__builtin_memcpy(&l.fop, v->fpu + 6, 2);
	__builtin_memcpy(&l.fip, v->fpu + 8, 4);
	__builtin_memcpy(&l.fdp, v->fpu + 16, 4);
	return l;
}

static void fpu_last_set(struct vcpu *v, struct fpu_last l)
{
	__builtin_memcpy(v->fpu + 6, &l.fop, 2);
	__builtin_memcpy(v->fpu + 8, &l.fip, 4);
	__builtin_memcpy(v->fpu + 16, &l.fdp, 4);
}

/*
 * The processor noted addresses in the TC and the window (@env, of FNSTENV,
 * SDM Vol. 1 figure 8-9): turn them into the guest's.  A SOFT operand has no
 * guest address any more and reads as 0.  If no x87 instruction ran in the TC
 * since the state was loaded, @was holds still.
 */
static struct fpu_last fpu_last_guest(struct bt *bt, const uint32_t env[7],
				      struct fpu_last was)
{
	uint8_t *host = bt->tc.code + (env[3] - (uint32_t)(uint64_t)bt->tc.code);
	struct tu *tu = tc_find(bt, host);

	if (!tu)
		return was;
	was.fip = tu->eip + tu_insn_at(bt, tu, host)->goff;
	was.fop = env[4] >> 16 & 0x7ff;
	was.fdp = bt->ctxs[tu->ctx].flags & CTX_WINDOW &&
		  !(tu->flags & TU_PATCH) ? env[5] - (uint32_t)bt->gs : 0;
	return was;
}

/* Before C code that may use the FPU, or the guest's FPU image. */
void bt_fpu_save(struct bt *bt)
{
	static const uint32_t mxcsr = 0x1f80;	/* SDM Vol. 1 10.2.3: reset */
	struct fpu_last was = fpu_last_get(&bt->v);
	uint32_t env[7];

	if (!bt->fpu_live)
		return;
	asm volatile("fxsave64 %0\n\tfnstenv %1\n\tfninit\n\tldmxcsr %2"
		     : "=m" (bt->v.fpu), "=m" (env) : "m" (mxcsr));
	x86_fpu_saved(&bt->v);
	fpu_last_set(&bt->v, fpu_last_guest(bt, env, was));
	bt->fpu_live = false;
	bt->stats.fpu_saves++;
}

/* FXRSTOR faults on reserved bits, which a state from a file may have set. */
void bt_mxcsr_mask(struct bt *bt)
{
	uint32_t *mxcsr = (uint32_t *)(bt->v.fpu + 24);

	*mxcsr &= 0xffff;	/* SDM Vol. 1 figure 10-3 */
}

/* Before any return to translated code, if C code may have saved it. */
void bt_fpu_restore(struct bt *bt)
{
	if (bt->fpu_live)
		return;
	asm volatile("fxrstor64 %0" :: "m" (bt->v.fpu));
	bt->fpu_live = true;
}

/* ------------------------------------------------ leaving */

void *bt_leave(struct bt *bt, enum engine_exit why)
{
	bt_fpu_save(bt);
	bt->info->exit = why;
	bt->leaving = true;
	return bt_stub(bt, STUB_leave);
}

static void *leave_cannot(struct bt *bt)
{
	bt_fpu_save(bt);
	memcpy(bt->info->reason, bt->x.reason, sizeof(bt->info->reason));
	return bt_leave(bt, ENGINE_CANNOT);
}

/* ------------------------------------------------ events */

static bool take_event(struct bt *bt, enum x86_result *res)
{
	int vec;

	if (atomic_load(&bt->bus->nmi) && !bt->v.nmi_masked &&
	    !bt->v.shadow) {
		atomic_store(&bt->bus->nmi, 0);
		*res = x86_deliver(&bt->x, X86_EVENT_NMI, VEC_NMI, false, 0);
		return true;
	}
	if (!atomic_load(&bt->bus->intr) || !(bt->v.rflags & FLAG_IF) ||
	    bt->v.shadow)
		return false;
	bt_fpu_save(bt);
	vec = bt->bus->intr_ack(bt->bus->opaque);
	if (vec < 0)
		return false;
	bt->stats.interrupts++;
	*res = x86_deliver(&bt->x, X86_EVENT_INTR, vec, false, 0);
	return true;
}

static void note_tick(struct bt *bt)
{
	struct root *r = bt->root;

	if (!r || vcpu_cpl(&bt->v) != 3 || bt->memory != MEMORY_AUTO)
		return;
	bt->ticks++;
	bt_review_sites(bt);
	if (r->graduated)
		r->faults = 0;
	else if (++r->ticks > 1 + r->backoff)
		root_graduate(bt, r);
}

static bool lines_up(struct bt *bt)
{
	return atomic_load(&bt->bus->intr) || atomic_load(&bt->bus->nmi);
}

/*
 * bt->v is at an instruction boundary with complete flags: take what waits.
 * Returns NULL to go on (*moved: rip has changed), or the leave stub.
 */
static void *events(struct bt *bt, bool *moved)
{
	enum x86_result r;

	bt->poll = 0;
	*moved = false;
	bt_remote_drain(bt);
	if (atomic_load(&bt->bus->stop)) {
		bt_flags_out(bt);
		return bt_leave(bt, ENGINE_KICKED);
	}
	if (bt->v.event.kind != EVENT_NONE) {
		*moved = true;
		r = x86_deliver_event(&bt->x);
		if (r != X86_OK)
			return bt_after_step(bt, r);
	}
	note_tick(bt);
	if (bt->stats.kicks >= bt->cool_at) {
		bt->cool_at = bt->stats.kicks + COOL_EVERY;
		tc_cool(bt, 0, bt->mem->top);
	}
	while (bt->v.shadow && lines_up(bt)) {
		*moved = true;
		r = x86_step(&bt->x);
		if (r != X86_OK)
			return bt_after_step(bt, r);
	}
	if (take_event(bt, &r)) {
		*moved = true;
		if (r != X86_OK)
			return bt_after_step(bt, r);
	}
	bt->poll = lines_up(bt);
	return NULL;
}

/* Recompute the context; true if nothing changed and no TU died. */
static bool same_ctx(struct bt *bt)
{
	struct ctx *was = bt->ctx;
	uint32_t before = bt->invalidated;

	bt_set_ctx(bt);
	return bt->ctx == was && was && bt->invalidated == before;
}

/*
 * Translated STI keeps no shadow.  To stop right behind one is to be in it:
 * without this, an interrupt between STI and HLT would leave the guest asleep
 * (SDM Vol. 2B, STI).
 */
static void note_sti_shadow(struct bt *bt)
{
	const uint8_t *host = (const uint8_t *)bt->resume;
	const struct tu *tu = tc_find(bt, host);

	if (tu && tpl_behind_sti(tu, host))
		bt->v.shadow |= SHADOW_STI;
}

/* fn_async: the resume stub saw a kick. */
static void *async(struct bt *bt)
{
	bool moved;
	void *out;

	bt->kick = 0;
	if (bt->leaving)
		return (void *)bt->resume;
	bt_flags_in(bt);
	note_sti_shadow(bt);
	out = events(bt, &moved);
	if (out)
		return out;
	bt_flags_out(bt);
	if (!moved && !bt->redispatch && same_ctx(bt)) {
		bt_fpu_restore(bt);
		return (void *)bt->resume;
	}
	bt->redispatch = false;
	return bt_resume(bt);
}

/* ------------------------------------------------ dispatch */

static bool kernel_page_global(struct bt *bt, const struct x86_walk *w)
{
	return w->global || !(bt->v.cr0 & CR0_PG);
}

/*
 * The frame of the code at rip, by the X table or a walk.
 * Returns false after delivering the page fault.
 */
static bool fetch_frame(struct bt *bt, uint32_t eip, uint32_t *gpfn,
			bool *global, enum x86_result *res)
{
	struct x86_walk w;
	unsigned acc = X86_ACC_EXEC | (bt->ctx->user ? X86_ACC_USER : 0);

	if (x86_translate(&bt->x, eip, acc, &w)) {
		bt->stats.exceptions++;
		bt_flags_in(bt);
		*res = x86_deliver_pf(&bt->x, eip, w.error);
		return false;
	}
	if (w.page_shift > PAGE_SHIFT)
		bt->big[eip >> 22] = true;
	*gpfn = w.gpa >> PAGE_SHIFT;
	*global = kernel_page_global(bt, &w);
	if (mem_backed(bt->mem, w.gpa))
		soft_x_fill(bt, eip, *gpfn, bt->ctx->user, *global);
	return true;
}

/* Start over from the resume stub, with nothing left on the C stack. */
static void *redispatch(struct bt *bt)
{
	bt->redispatch = true;
	bt->kick = 1;
	return bt_stub(bt, STUB_leave);
}

/*
 * As bt_after_step(), from inside bt_resume(): a guest whose page-fault handler
 * cannot be fetched must not drive us into recursion.
 */
static void *restart(struct bt *bt, enum x86_result r)
{
	if (r != X86_OK)
		return bt_after_step(bt, r);
	bt_flags_out(bt);
	return redispatch(bt);
}

/*
 * Code here is not translated: it is not RAM, or changes so often that its
 * translations never repay themselves.
 */
static bool untranslated(struct bt *bt, uint32_t gpfn)
{
	return !mem_backed(bt->mem, (gpa_t)gpfn << PAGE_SHIFT) ||
	       bt->tc.page_heat[gpfn] > HEAT_LIMIT;
}

/*
 * Interpret until translated code can run again; @page: and the page that
 * must not be translated is left.
 */
static void *interpret(struct bt *bt, bool page)
{
	uint32_t pn = bt_lin(bt) >> PAGE_SHIFT;
	bool moved;
	void *out;

	bt_seg_cache_clear(bt);
	bt_flags_in(bt);
	do {
		enum x86_result r = x86_step(&bt->x);

		bt->stats.interp_runs++;
		if (r != X86_OK)
			return bt_after_step(bt, r);
		if (bt->kick || bt->poll) {
			bt->kick = 0;
			out = events(bt, &moved);
			if (out)
				return out;
		}
		bt_flags_out(bt);
		x86_fpu_ignne(&bt->x);
		bt_set_ctx(bt);
		if (page && ++bt->hot_runs >= COOL_RUNS) {
			bt->hot_runs = 0;
			tc_cool(bt, 0, bt->mem->top);
			page = false;
		}
	} while (!bt->ctx || (page && bt_lin(bt) >> PAGE_SHIFT == pn));
	return redispatch(bt);
}

/*
 * The guard of a TU that crosses a page end checks the X entry of the second
 * page, too: see that it is there.  False: the page is another one now, and
 * the TU is dead.
 */
static bool second_page(struct bt *bt, const struct tc_entry *n)
{
	struct tu *tu = &bt->tc.tus[n->tu];
	uint32_t next = (n->eip | ~PAGE_MASK) + 1;
	unsigned acc = X86_ACC_EXEC | (bt->ctx->user ? X86_ACC_USER : 0);
	struct x86_walk w;

	if (!tu->gpfn2 || bt_x(bt, bt->ctx->user)[next >> PAGE_SHIFT] ==
			  tu->gpfn2 + 1)
		return true;
	if (x86_translate(&bt->x, next, acc, &w) ||
	    w.gpa >> PAGE_SHIFT != tu->gpfn2) {
		tu_kill(bt, tu);
		return false;
	}
	soft_x_fill(bt, next, tu->gpfn2, bt->ctx->user,
		    kernel_page_global(bt, &w));
	return true;
}

static struct tc_entry *find_entry(struct bt *bt, uint32_t eip, uint32_t gpfn,
				   bool global)
{
	struct tc_entry *n = tc_lookup(bt, eip, gpfn, bt->ctx->id);

	if (n && second_page(bt, n))
		return n;
	return bt_translate(bt, eip, (gpa_t)gpfn << PAGE_SHIFT |
			    (eip & ~PAGE_MASK), global);
}

/* Code that may run past the limit of CS is the interpreter's. */
static bool near_limit(const struct bt *bt)
{
	return bt->ctx->flags & CTX_SEG &&
	       (uint64_t)bt->v.rip + 15 > bt->ctx->cs_limit;
}

/*
 * Debugger's breakpoints are not translated, so every way to one ends in the
 * dispatcher: stop there, or do the instruction that was stopped at.
 */
static bool at_breakpoint(struct bt *bt, uint32_t eip, void **out)
{
	const struct engine_breakpoint *b = x86_debugger_at(&bt->x, eip);

	if (!b)
		return false;
	bt_flags_in(bt);
	if (bt->x.debug_resume) {
		*out = restart(bt, x86_step(&bt->x));
		return true;
	}
	bt->x.debug_hit = b;
	*out = bt_after_step(bt, X86_DEBUG);
	return true;
}

/* The entry for rip in the present context; NULL: *out is where to go. */
static struct tc_entry *entry_for_rip(struct bt *bt, void **out)
{
	uint32_t eip = bt_lin(bt), gpfn;
	struct tc_entry *n;
	enum x86_result res;
	bool global;

	bt->stats.dispatches++;
	if (bt->x.debug && at_breakpoint(bt, eip, out))
		return NULL;
	gpfn = bt_x(bt, bt->ctx->user)[eip >> PAGE_SHIFT] - 1;
	if (gpfn != ~0u && !near_limit(bt)) {
		n = tc_lookup(bt, eip, gpfn, bt->ctx->id);
		if (n && second_page(bt, n))
			return n;
	}
	if (!fetch_frame(bt, eip, &gpfn, &global, &res)) {
		*out = restart(bt, res);
		return NULL;
	}
	if (untranslated(bt, gpfn) || near_limit(bt)) {
		*out = interpret(bt, true);
		return NULL;
	}
	n = find_entry(bt, eip, gpfn, global);
	if (!n) {
		bt_flags_in(bt);
		*out = restart(bt, x86_step(&bt->x));
	}
	return n;
}

/* The same, through the indirect table of the context. */
static void *host_for_rip(struct bt *bt)
{
	uint32_t eip = bt_lin(bt), i = eip & (IBTC_SIZE - 1);
	uint32_t ctx = bt->ctx->id;
	struct tc_entry *n;
	void *out;

	if (bt_ibtc_tag(bt, ctx)[i] == (int32_t)-(eip + 1) && eip + 1)
		return bt_ibtc_host(bt, ctx)[i];
	n = entry_for_rip(bt, &out);
	if (!n)
		return out;
	ctx = bt->ctx->id;
	bt_ibtc_tag(bt, ctx)[i] = (int32_t)-(eip + 1);
	bt_ibtc_host(bt, ctx)[i] = n->guarded;
	return n->guarded;
}

/* Go on at bt->v.rip in the context bt->ctx, which is up to date. */
void *bt_go(struct bt *bt)
{
	void *host;

	if (bt->leaving)
		return bt_stub(bt, STUB_leave);
	if (!bt->ctx)
		return interpret(bt, false);
	host = host_for_rip(bt);
	/* On the way out the FPU belongs to C. */
	if (!bt->leaving)
		bt_fpu_restore(bt);
	return host;
}

/*
 * Where to go on with the guest at bt->v.rip, in whatever context its state
 * is now.  Flags are out (hflags, sysflags).
 */
void *bt_resume(struct bt *bt)
{
	if (bt->leaving)
		return bt_stub(bt, STUB_leave);
	bt_set_ctx(bt);
	return bt_go(bt);
}

/* After x86_step() or a delivery: flags are in bt->v.rflags. */
void *bt_after_step(struct bt *bt, enum x86_result r)
{
	void *out;

	bt_flags_out(bt);
	switch (r) {
	case X86_OK:
		return bt_resume(bt);
	case X86_HALT:
		bt->v.activity = ACTIVITY_HALT;
		bt->info->intr_enabled = bt->v.rflags & FLAG_IF;
		return bt_leave(bt, ENGINE_HALT);
	case X86_SHUTDOWN:
		bt->v.activity = ACTIVITY_SHUTDOWN;
		return bt_leave(bt, ENGINE_SHUTDOWN);
	case X86_HYPERCALL:
		bt_hypercall(bt);
		return bt_resume(bt);
	case X86_DEBUG:
		out = bt_leave(bt, ENGINE_DEBUG);
		engine_report_break(bt->info, bt->x.debug_hit);
		bt->x.debug_resume = true;
		return out;
	case X86_LONG_MODE:
		return bt_leave(bt, ENGINE_LONG_MODE);
	default:
		return leave_cannot(bt);
	}
}

/* ------------------------------------------------ callouts */

static void *indirect(struct bt *bt)
{
	bt->stats.ind_misses++;
	bt->v.rip = (uint32_t)bt->r8;
	return bt_go(bt);
}

/* The page of r8d is not known to be what its TU was made from. */
static void *guard(struct bt *bt)
{
	struct tc_entry *n;
	void *out;

	bt->stats.guard_misses++;
	bt_set_lin(bt, bt->r8);
	n = entry_for_rip(bt, &out);
	if (!n)
		return out;
	bt_fpu_restore(bt);
	return n->guarded;
}

static void *chain(struct bt *bt)
{
	uint32_t id = (uint32_t)bt->r9;
	uint32_t before = bt->invalidated;
	struct tc_entry *n;
	void *out;

	bt_set_lin(bt, bt->tc.exits[id].eip);
	n = entry_for_rip(bt, &out);
	if (!n)
		return out;
	if (bt->invalidated == before)
		tc_chain(bt, id, n);
	bt_fpu_restore(bt);
	return n->guarded;
}

/* Where the callout at bt->site is: its TU and instruction; sets rip. */
struct tu_insn *bt_locate(struct bt *bt, struct tu **tu)
{
	unsigned i = (bt->site ^ bt->site >> 10) & (NSITES - 1);

	if (bt->sites[i].site != bt->site) {
		const uint8_t *at = (const uint8_t *)bt->site - 1;

		bt->sites[i].site = bt->site;
		bt->sites[i].tu = tc_find(bt, at);
		bt->sites[i].in = tu_insn_at(bt, bt->sites[i].tu, at);
	}
	*tu = bt->sites[i].tu;
	bt_set_lin(bt, (*tu)->eip + bt->sites[i].in->goff);
	return bt->sites[i].in;
}

/*
 * Host code of the guest instruction at @eip if it directly follows @in in the
 * TU (in the parent for a patch), else NULL.
 */
uint8_t *bt_next_host(struct bt *bt, struct tu *tu, struct tu_insn *in,
		      uint32_t eip)
{
	if (tu->flags & TU_PATCH) {
		in = &bt->tc.insns[bt->tc.tus[tu->parent].insn0 +
				   tu->parent_insn];
		tu = &bt->tc.tus[tu->parent];
	}
	if (!in->len || tu->eip + in[1].goff != eip ||
	    (!in[1].len && !(tu->flags & TU_FALLS)))
		return NULL;
	return tu->host + in[1].host_off;
}

/* Interpret the instruction @in and go on behind it if nothing changed. */
void *bt_interp_site(struct bt *bt, struct tu *tu, struct tu_insn *in)
{
	uint32_t before = bt->invalidated;
	enum x86_result r;
	uint8_t *next;

	bt->stats.callouts++;
	bt_flags_in(bt);
	r = x86_step(&bt->x);
	if (r != X86_OK)
		return bt_after_step(bt, r);
	if (bt->poll && bt->v.rflags & FLAG_IF)
		bt->kick = 1;
	bt_flags_out(bt);
	if (bt->invalidated != before || !same_ctx(bt))
		return bt_resume(bt);
	next = bt_next_host(bt, tu, in, bt_lin(bt));
	if (!next)
		return bt_resume(bt);
	bt_fpu_restore(bt);
	return next;
}

static void *interp(struct bt *bt)
{
	struct tu *tu;
	struct tu_insn *in = bt_locate(bt, &tu);

	return bt_interp_site(bt, tu, in);
}

static void *soft_miss(struct bt *bt, bool write)
{
	struct tu *tu;
	struct tu_insn *in = bt_locate(bt, &tu);
	uint32_t ea = bt->r8;
	struct x86_walk w;

	bt->stats.soft_misses++;
	if (ea >> PAGE_SHIFT == (uint32_t)bt->r9 &&
	    soft_fill(bt, ea, bt->ctx->user, write, &w)) {
		bt_fpu_restore(bt);
		return tu->host + in->host_off;
	}
	return bt_interp_site(bt, tu, in);
}

static void *soft_read(struct bt *bt)
{
	return soft_miss(bt, false);
}

static void *soft_write(struct bt *bt)
{
	return soft_miss(bt, true);
}

/* ------------------------------------------------ hooks */

static void hook_flush(void *opaque, bool global_too)
{
	struct bt *bt = opaque;

	soft_flush(bt, global_too);
	bt_rstack_reset(bt);
	if (global_too)
		window_validate(bt, &bt->kwin, true);
	else
		window_validate_locals(bt);
	if (bt->root && bt->root->win)
		root_validate(bt, bt->root);
}

static void hook_invlpg(void *opaque, gva_t gva)
{
	struct bt *bt = opaque;

	/* Predicted returns lead only to pages in the X table. */
	if (soft_invlpg(bt, gva))
		bt_rstack_reset(bt);
	window_invlpg(bt, &bt->kwin, gva);
	if (bt->root && bt->root->win)
		window_invlpg(bt, bt->root->win, gva);
}

static void hook_inval(void *opaque, gva_t gva)
{
	struct bt *bt = opaque;

	if (soft_renew(bt, gva))
		bt_rstack_reset(bt);
	window_renew(bt, &bt->kwin, gva);
	if (bt->root && bt->root->win)
		window_renew(bt, bt->root->win, gva);
}

static void hook_cr3(void *opaque, uint64_t was, uint64_t now)
{
	struct bt *bt = opaque;

	bt->stats.cr3_loads++;
	bt->root = root_get(bt, now);
}

static void hook_fpu(void *opaque)
{
	bt_fpu_save(opaque);
}

const struct x86_hooks bt_hooks = {
	.tlb_flush = hook_flush,
	.tlb_invlpg = hook_invlpg,
	.tlb_inval = hook_inval,
	.cr3_load = hook_cr3,
	.fpu_acquire = hook_fpu,
	.bus_enter = hook_fpu,
	.hva = soft_hva,
};

static void *hot_interp(struct bt *bt)
{
	return interp(bt);
}

void bt_dispatch_init(struct bt *bt)
{
	bt->fn_interp = interp;
	bt->fn_soft_read = soft_read;
	bt->fn_soft_write = soft_write;
	bt->fn_chain = chain;
	bt->fn_indirect = indirect;
	bt->fn_guard = guard;
	bt->fn_fault = bt_fault;
	bt->fn_async = async;
	for (unsigned i = 0; i < HOT_COUNT; i++)
		bt->fn_hot[i] = hot_interp;
}
