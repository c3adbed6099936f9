/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a guest address to a TU.
 *
 * A TU covers a run of instructions on one guest page in address order: the
 * first one, everything it falls through to (calls included, they return), and
 * what forward branches reach beyond an unconditional transfer.  Branches
 * inside are direct, so hot loops keep the layout their compiler gave them.
 * An instruction that crosses the page end gets a TU of its own.
 */
#include <string.h>

#include "fullvirt/bt/templates.h"
#include "fullvirt/bt/verify.h"
#include "fullvirt/x86/census.h"

/*
 * A cache line: how a TU's loops lie in lines, and in what the processor fetches
 * and decodes at once, is the same whatever was translated before it.
 */
#define REGION_ALIGN	64
#define PATCH_ALIGN	16
#define PROBATION	8	/* ticks in SOFT, the first time */
#define GAP_MAX		512	/* bytes skipped to a pending branch target */

static struct region region;	/* one vCPU thread per process under BT */

/* Smallest direct target in [from, from + GAP_MAX) that is not decoded yet. */
static bool next_target(const struct region *r, uint32_t from, uint32_t *out)
{
	uint32_t best = from + GAP_MAX;

	for (unsigned i = 0; i < r->n; i++) {
		const struct ginsn *g = &r->g[i];

		if (g->cls != C_JCC && g->cls != C_JMP && g->cls != C_LOOP)
			continue;
		if (g->target >= from && g->target < best)
			best = g->target;
	}
	*out = best;
	return best != from + GAP_MAX;
}

static bool ends_run(const struct ginsn *g)
{
	switch (g->cls) {
	case C_RET: case C_JMP: case C_JMP_IND: case C_INTERP_END:
	case C_IRET: case C_SYSENTER: case C_SYSEXIT: case C_INT:
		return true;
	default:
		return false;
	}
}

static bool same_page(uint32_t a, uint32_t b)
{
	return ((a ^ b) & PAGE_MASK) == 0;
}

/* Leave what may run past the limit of CS to the dispatcher. */
static bool near_cs_limit(const struct ctx *c, uint32_t at)
{
	return c->flags & CTX_SEG &&
	       (uint64_t)(at - c->cs_base) + 15 > c->cs_limit;
}

/*
 * As bt_decode(); what the census counts in ring 0 goes to the interpreter,
 * which does so.
 */
static void decode(struct region *r, struct ginsn *g, uint32_t eip,
		   const uint8_t *bytes, unsigned avail)
{
	bt_decode(g, eip, bytes, avail, r->ctx, r->flags);
	if (!r->bt->x.census || r->flags & CTX_CPL_MASK ||
	    x86_sensitive(bytes, g->len) < 0)
		return;
	g->cls = g->cls == C_INTERP_END || ends_run(g) ? C_INTERP_END
							: C_INTERP;
}

/* Decode the run that starts at @eip; @page is the HVA of its page. */
static void collect(struct region *r, uint32_t eip, const uint8_t *page)
{
	uint32_t at = eip;

	r->n = 0;
	while (r->n < MAX_REGION && same_page(at, eip)) {
		unsigned off = at & ~PAGE_MASK;
		unsigned avail = PAGE_SIZE - off;
		struct ginsn *g = &r->g[r->n];

		if (r->n && (near_cs_limit(r->ctx, at) ||
			     x86_debugger_at(&r->bt->x, at)))
			return;
		decode(r, g, at, page + off, avail > 15 ? 15 : avail);
		if (!g->len && avail < 15)
			return;		/* crosses the page end */
		r->entry[r->n++] = at == eip;
		if (!g->len)
			return;
		at += g->len;
		if (ends_run(g) && !next_target(r, at, &at))
			return;
	}
}

/*
 * The instruction at @eip crosses into the next page: fetch both parts.
 * False if it must be interpreted: the second page cannot be fetched now, or
 * is one that struct tu cannot name.
 */
static bool collect_crossing(struct region *r, uint32_t eip,
			     const uint8_t *page, uint32_t *gpfn2)
{
	unsigned first = PAGE_SIZE - (eip & ~PAGE_MASK);
	uint32_t next = (eip | ~PAGE_MASK) + 1;
	uint8_t bytes[15];
	struct x86_walk w;
	const uint8_t *second;

	r->n = 1;
	r->entry[0] = true;
	r->g[0] = (struct ginsn){ .eip = eip, .cls = C_INTERP_END,
				  .base = NO_REG, .index = NO_REG };
	if (x86_translate(&r->bt->x, next, X86_ACC_EXEC |
			  (r->ctx->user ? X86_ACC_USER : 0), &w) ||
	    !mem_backed(r->bt->mem, w.gpa))
		return false;
	*gpfn2 = w.gpa >> PAGE_SHIFT;
	if (*gpfn2 == 0 || mem_hva(r->bt->mem, w.gpa & PAGE_MASK) == page)
		return false;
	tc_trace_page(r->bt, *gpfn2);
	second = mem_hva(r->bt->mem, w.gpa);
	for (unsigned i = 0; i < 15; i++)
		bytes[i] = i < first ? page[(eip & ~PAGE_MASK) + i]
				     : second[i - first];
	decode(r, &r->g[0], eip, bytes, 15);
	soft_x_fill(r->bt, next, *gpfn2, r->ctx->user, w.global);
	return true;
}

static void mark_entries(struct region *r)
{
	for (unsigned i = 0; i < r->n; i++) {
		const struct ginsn *g = &r->g[i];

		if (i && (r->g[i - 1].cls == C_CALL ||
			  r->g[i - 1].cls == C_CALL_IND))
			r->entry[i] = true;
		if (g->cls != C_JCC && g->cls != C_JMP && g->cls != C_LOOP)
			continue;
		for (unsigned j = 0; j < r->n; j++)
			if (r->g[j].eip == g->target)
				r->entry[j] = true;
	}
}

static void emit_thunks(struct region *r, struct tu *tu)
{
	struct tc *tc = &r->bt->tc;
	uint32_t self = tu - tc->tus;

	tu->exit0 = tc->nexits;
	tu->nexit = r->nexits;
	for (unsigned i = 0; i < r->nexits; i++) {
		uint32_t id = tc->nexits++;
		struct tu_exit *x = &tc->exits[id];

		*x = (struct tu_exit){ .patch = r->exits[i].patch,
				       .thunk = r->e.p,
				       .eip = r->exits[i].eip, .tu = self };
		e_mov_imm32(&r->e, R9, id);
		e_rel32(&r->e, 0xe9, bt_stub(r->bt, STUB_chain));
		__builtin_memcpy(x->patch, &(int32_t){ x->thunk - (x->patch + 4) },
				 4);
	}
}

static void emit_lookups(struct region *r)
{
	for (unsigned i = 0; i < r->nlookups; i++) {
		uint8_t *at = r->lookups[i].patch;

		__builtin_memcpy(at, &(int32_t){ r->e.p - (at + 4) }, 4);
		e_mov32(&r->e, R8, R13);
		tpl_lookup(r);
	}
}

static void resolve(struct region *r)
{
	for (unsigned i = 0; i < r->nfix; i++) {
		uint8_t *at = r->fix[i].at;
		int32_t rel = r->label[r->fix[i].insn] - (at + 4);

		__builtin_memcpy(at, &rel, 4);
	}
}

static uint8_t *emit_guards(struct region *r, const struct tu *tu,
			    uint32_t eip)
{
	uint8_t *start = r->e.p;

	tpl_guard(r, eip, tu->eip >> PAGE_SHIFT, tu->gpfn);
	if (tu->gpfn2)
		tpl_guard(r, eip, ((tu->eip >> PAGE_SHIFT) + 1) &
			  (NPAGES - 1), tu->gpfn2);
	return start;
}

/* Entries: the hash finds them; guarded ones get their check out of line. */
static void emit_entries(struct region *r, struct tu *tu)
{
	tu->entry0 = r->bt->tc.nentries;
	for (unsigned i = 0; i < r->n; i++) {
		uint8_t *guarded = r->label[i];

		if (!r->entry[i])
			continue;
		if (tu->flags & TU_GUARDED) {
			guarded = emit_guards(r, tu, r->g[i].eip);
			e_rel32(&r->e, 0xe9, r->label[i]);
		}
		tc_add_entry(r->bt, tu, r->g[i].eip, r->label[i], guarded);
		tu->nentry++;
	}
}

static bool falls_through(const struct region *r)
{
	return r->n && !ends_run(&r->g[r->n - 1]);
}

/* The backmap: where each guest instruction's code begins. */
static void record_insns(struct region *r, struct tu *tu, uint8_t *after)
{
	struct tc *tc = &r->bt->tc;
	const struct ginsn *last = &r->g[r->n - 1];

	tu->insn0 = tc->ninsns;
	tu->ninsn = r->n;
	for (unsigned i = 0; i < r->n; i++)
		tc->insns[tc->ninsns++] = (struct tu_insn){
			.host_off = r->label[i] - tu->host,
			.goff = r->g[i].eip - tu->eip, .len = r->g[i].len };
	tc->insns[tc->ninsns++] = (struct tu_insn){
		.host_off = after - tu->host,
		.goff = last->eip + last->len - tu->eip };
}

static void emit_body(struct region *r, struct tu *tu)
{
	uint8_t *after;

	r->nfix = r->nexits = r->nlookups = 0;
	for (unsigned i = 0; i < r->n; i++)
		tpl_emit(r, i);
	after = r->e.p;
	if (falls_through(r)) {
		const struct ginsn *g = &r->g[r->n - 1];

		tu->flags |= TU_FALLS;
		tpl_exit(r, e_rel32(&r->e, 0xe9, r->e.p), g->eip + g->len);
	}
	record_insns(r, tu, after);
	emit_lookups(r);
	resolve(r);
	emit_thunks(r, tu);
}

/* @align: of its first byte in the TC, a power of two. */
static struct tu *tu_new(struct bt *bt, uint32_t eip, uint32_t gpfn,
			 uint32_t ctx, unsigned align)
{
	struct tu *tu = &bt->tc.tus[bt->tc.ntus++];

	bt->tc.next += -(uint64_t)bt->tc.next & (align - 1);
	*tu = (struct tu){ .host = bt->tc.next, .eip = eip, .gpfn = gpfn,
			   .ctx = ctx };
	return tu;
}

static void tu_finish(struct region *r, struct tu *tu)
{
	struct bt *bt = r->bt;

	tu->host_len = r->e.p - tu->host;
	bt->tc.next = r->e.p;
	bt->stats.tu_made++;
	bt->stats.tu_insns += r->n;
	bt->stats.tu_bytes_out += tu->host_len;
	if (bt->perf_map)
		fprintf(bt->perf_map, "%lx %x guest_%08x_%s%s\n",
			(unsigned long)tu->host, tu->host_len, tu->eip,
			r->ctx->user ? "user" : "kernel",
			r->flags & CTX_WINDOW ? "" : "_soft");
	verify_tu_or_abort(bt, tu);
}

static void source_range(struct region *r, struct tu *tu, uint32_t gpfn2)
{
	const struct ginsn *last = &r->g[r->n - 1];
	uint32_t end = last->eip + (last->len ? last->len : 15);
	uint32_t page_end = (tu->eip & PAGE_MASK) + PAGE_SIZE;

	tu->lo = tu->eip & ~PAGE_MASK;
	tu->hi = end > page_end || end < tu->eip ? PAGE_SIZE
						 : tu->lo + (end - tu->eip);
	tu->gpfn2 = gpfn2;
	tu->hi2 = gpfn2 ? end - page_end : 0;
	r->bt->stats.tu_bytes_in += end - tu->eip;
}

/*
 * Translate what begins at @eip, @gpa (its page is in the X table) for the
 * present context.  @global: the page needs no guard.
 * Returns the entry for @eip; NULL: interpret this instruction.
 */
struct tc_entry *bt_translate(struct bt *bt, uint32_t eip, gpa_t gpa,
			      bool global)
{
	struct region *r = &region;
	const uint8_t *page = mem_hva(bt->mem, gpa & PAGE_MASK);
	uint32_t gpfn = gpa >> PAGE_SHIFT, gpfn2 = 0;
	struct tu *tu;

	bt_fpu_save(bt);	/* Zydis and stdio are ordinary code */
	if (!tc_room(bt)) {
		tc_flush(bt);
		bt_set_ctx(bt);
	}
	r->bt = bt;
	r->ctx = bt->ctx;
	r->flags = bt->ctx->flags;
	tc_trace_page(bt, gpfn);
	collect(r, eip, page);
	if (!r->n && !collect_crossing(r, eip, page, &gpfn2)) {
		tc_untrace_unused(bt, gpfn);
		return NULL;
	}
	mark_entries(r);
	tu = tu_new(bt, eip, gpfn, bt->ctx->id, REGION_ALIGN);
	r->e = (struct emit){ bt, tu->host };
	tu->flags = global && !gpfn2 ? 0 : TU_GUARDED;
	source_range(r, tu, gpfn2);
	emit_body(r, tu);
	emit_entries(r, tu);
	tu_finish(r, tu);
	tu_register_pages(bt, tu);
	return tc_lookup(bt, eip, gpfn, bt->ctx->id);
}

static void refetch(struct bt *bt, const struct tu *tu, uint32_t eip,
		    uint8_t bytes[15])
{
	const uint8_t *p1 = mem_hva(bt->mem, (gpa_t)tu->gpfn << PAGE_SHIFT);
	const uint8_t *p2 = mem_hva(bt->mem, (gpa_t)tu->gpfn2 << PAGE_SHIFT);
	unsigned off = eip & ~PAGE_MASK;

	for (unsigned i = 0; i < 15; i++, off++)
		bytes[i] = off < PAGE_SIZE ? p1[off]
			 : tu->gpfn2 ? p2[off - PAGE_SIZE] : 0;
}

/* Classes with a memory operand that have a SOFT form. */
static bool patchable(const struct ginsn *g)
{
	switch (g->cls) {
	case C_IDENT: case C_PUSH_R: case C_POP_R: case C_PUSH_I:
	case C_PUSH_M: case C_PUSH_SEG: case C_POP_M: case C_PUSHF:
	case C_LEAVE: case C_CALL: case C_CALL_IND: case C_RET: case C_JMP_IND:
	case C_STRING: case C_LOAD_SEG: case C_POPF:
		return true;
	default:
		return false;
	}
}

static void patch_jump(struct tu *tu, const struct tu_insn *in, uint8_t *to)
{
	uint8_t *at = tu->host + in->host_off;
	int32_t rel = to - (at + 5);

	at[0] = 0xe9;
	__builtin_memcpy(at + 1, &rel, 4);
}

static void probate(struct bt *bt, struct tu *patch, struct tu *tu,
		    struct tu_insn *in)
{
	struct probation *b = &bt->probation[bt->nprobation];

	if (!bt->ctxs[tu->ctx].user || in->tries == 15 ||
	    bt->nprobation == NPROBATION)
		return;
	b->patch = patch - bt->tc.tus;
	b->due = bt->ticks + (PROBATION << in->tries++);
	__builtin_memcpy(b->code, tu->host + in->host_off, 5);
	bt->nprobation++;
}

/*
 * Replace the code of one instruction by a jump to new code: SOFT, or a
 * callout to the interpreter.  Constant time; the TU stays chained.
 * @in: at least 5 host bytes long (tpl_emit sees to it).
 * Returns false if there is no room: interpret the instruction this once.
 */
bool bt_patch_site(struct bt *bt, struct tu *tu, struct tu_insn *in,
		   enum site_mode mode)
{
	struct region *r = &region;
	uint32_t eip = tu->eip + in->goff;
	uint8_t bytes[15];
	struct tu *p;

	if (!tc_room(bt) || in[1].host_off - in->host_off < 5 || !in->len)
		return false;
	bt_fpu_save(bt);
	r->bt = bt;
	r->ctx = &bt->ctxs[tu->ctx];
	r->flags = r->ctx->flags & ~CTX_WINDOW;
	refetch(bt, tu, eip, bytes);
	decode(r, &r->g[0], eip, bytes, in->len);
	if (mode == SITE_CALLOUT || !patchable(&r->g[0])) {
		r->g[0].cls = C_INTERP;
		bt->stats.sites_callout++;
	} else {
		bt->stats.sites_soft++;
	}
	r->n = 1;
	r->nfix = r->nexits = r->nlookups = 0;
	p = tu_new(bt, eip, tu->gpfn, tu->ctx, PATCH_ALIGN);
	p->flags = TU_PATCH;
	p->parent = tu - bt->tc.tus;
	p->parent_insn = in - &bt->tc.insns[tu->insn0];
	p->gpfn2 = tu->gpfn2;
	r->e = (struct emit){ bt, p->host };
	tpl_emit(r, 0);
	record_insns(r, p, r->e.p);
	if (!ends_run(&r->g[0]))
		e_rel32(&r->e, 0xe9, tu->host + in[1].host_off);
	emit_lookups(r);
	emit_thunks(r, p);
	tu_finish(r, p);
	probate(bt, p, tu, in);
	patch_jump(tu, in, p->host);
	verify_tu_or_abort(bt, tu);
	return true;
}

/*
 * Hysteresis: user instructions that went SOFT because they met pages for the
 * first time get their window access back after a while, each time later.
 * Called once per tick.
 */
void bt_review_sites(struct bt *bt)
{
	for (uint32_t i = bt->nprobation; i-- > 0;) {
		struct probation *b = &bt->probation[i];
		struct tu *p = &bt->tc.tus[b->patch];
		struct tu *tu = &bt->tc.tus[p->parent];
		struct tu_insn *in;

		if ((int32_t)(bt->ticks - b->due) < 0)
			continue;
		in = &bt->tc.insns[tu->insn0 + p->parent_insn];
		in->miss = 0;
		__builtin_memcpy(tu->host + in->host_off, b->code, 5);
		verify_tu_or_abort(bt, tu);
		*b = bt->probation[--bt->nprobation];
		bt->stats.sites_back++;
	}
}
