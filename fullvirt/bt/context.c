/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translation contexts: which one the vCPU is in, and what changes with it
 * (the window under gs, the return stack).
 */
#include <immintrin.h>
#include <sys/mman.h>

#include "fullvirt/bt/templates.h"
#include "fullvirt/bt/verify.h"

#define DR7_ENABLES	0xffu

static bool flat(const struct segment *s, uint32_t type_mask, uint32_t type)
{
	const uint32_t must = SEG_P | SEG_S | SEG_UNUSABLE | type_mask;

	return s->base == 0 && s->limit == 0xffffffffu &&
	       (s->attr & must) == (SEG_P | SEG_S | type);
}

static bool flat_data(const struct segment *s)
{
	return flat(s, SEG_TYPE_CODE | SEG_TYPE_DOWN | SEG_TYPE_WRITE,
		    SEG_TYPE_WRITE);
}

/* A data segment that needs no check but has a base. */
static bool based_data(const struct segment *s)
{
	const uint32_t must = SEG_P | SEG_S | SEG_UNUSABLE | SEG_TYPE_CODE |
			      SEG_TYPE_DOWN | SEG_TYPE_WRITE;

	return s->limit == 0xffffffffu &&
	       (s->attr & must) == (SEG_P | SEG_S | SEG_TYPE_WRITE);
}

/* Can translated code run in the present state at all? */
static bool plain_state(const struct bt *bt)
{
	if (bt->v.dr[7] & DR7_ENABLES || bt->watching ||
	    bt->sysflags & (FLAG_TF | FLAG_NT | FLAG_RF) ||
	    atomic_load_explicit(&bt->bus->ignne, memory_order_relaxed))
		return false;
	return !(bt->sysflags & FLAG_AC && bt->v.cr0 & CR0_AM);
}

static bool all_flat(const struct bt *bt)
{
	const struct vcpu *v = &bt->v;

	if (!(v->cr0 & CR0_PE) || bt->sysflags & FLAG_VM)
		return false;
	/* Readable, or else an access by CS faults. */
	return flat(&v->seg[SEG_CS], SEG_TYPE_CODE | SEG_TYPE_WRITE,
		    SEG_TYPE_CODE | SEG_TYPE_WRITE) &&
	       v->seg[SEG_CS].attr & SEG_DB && v->seg[SEG_SS].attr & SEG_DB &&
	       flat_data(&v->seg[SEG_SS]) && flat_data(&v->seg[SEG_DS]) &&
	       flat_data(&v->seg[SEG_ES]);
}

static bool wants_window(const struct bt *bt, unsigned cpl)
{
	if (bt->memory == MEMORY_SOFT)
		return false;
	if (!(bt->v.cr0 & CR0_PG))
		return true;
	if (cpl < 3)
		return bt->v.cr4 & CR4_PGE;
	return bt->root->graduated;
}

static uint32_t system_flags(const struct bt *bt, unsigned cpl)
{
	const struct vcpu *v = &bt->v;
	uint32_t f = 0;

	if (!(v->cr0 & (CR0_EM | CR0_TS)))
		f |= CTX_FPU | (v->cr4 & CR4_OSFXSR ? CTX_SSE : 0);
	if (v->cr0 & CR0_PG)
		f |= CTX_PG;
	if (v->cr4 & CR4_TSD && cpl)
		f |= CTX_TSD;
	if (wants_window(bt, cpl))
		f |= CTX_WINDOW;
	return f;
}

static uint32_t ctx_flags(const struct bt *bt)
{
	const struct vcpu *v = &bt->v;
	unsigned cpl = vcpu_cpl(v);
	uint32_t f = cpl | system_flags(bt, cpl);

	f |= (bt->sysflags & FLAG_IOPL) >> FLAG_IOPL_SHIFT << CTX_IOPL_SHIFT;
	if (based_data(&v->seg[SEG_FS]))
		f |= CTX_FS_OK;
	if (based_data(&v->seg[SEG_GS]))
		f |= CTX_GS_OK;
	if (bt->sysflags & FLAG_DF)
		f |= CTX_DF;
	return f;
}

static struct ctx *ctx_new(struct bt *bt, uint32_t flags, uint32_t base,
			   uint32_t limit)
{
	struct ctx *c = &bt->ctxs[bt->nctx];

	*c = (struct ctx){ .flags = flags, .cs_base = base, .cs_limit = limit, .id = bt->nctx++,
			   .user = (flags & CTX_CPL_MASK) == 3 };
	bt_ibtc_tag(bt, c->id)[IBTC_SIZE - 1] = bt_ibtc_empty(IBTC_SIZE - 1);
	tpl_ctx_routines(bt, c);
	verify_ctx_or_abort(bt, c);
	c->rs_top = (uint64_t)bt->rstacks + (c->id + 1) *
		    (RSTACK_SIZE + PAGE_SIZE) - 64;
	*(uint64_t *)c->rs_top = (uint64_t)c->ret_miss;
	c->rs_save = c->rs_top;
	return c;
}

static bool ctx_is(const struct ctx *c, uint32_t flags, uint32_t base,
		   uint32_t limit)
{
	return c->flags == flags && c->cs_base == base && c->cs_limit == limit;
}

static struct ctx *ctx_find_at(struct bt *bt, uint32_t flags, uint32_t base,
			       uint32_t limit)
{
	uint8_t *hint = &bt->ctx_hint[(flags ^ flags >> 6 ^ base >> 4) & 255];

	if (*hint && ctx_is(&bt->ctxs[*hint - 1], flags, base, limit))
		return &bt->ctxs[*hint - 1];
	for (unsigned i = 0; i < bt->nctx; i++)
		if (ctx_is(&bt->ctxs[i], flags, base, limit)) {
			*hint = i + 1;
			return &bt->ctxs[i];
		}
	if (bt->nctx == MAX_CTX || !tc_room(bt))
		tc_flush(bt);
	return ctx_new(bt, flags, base, limit);
}

static struct ctx *ctx_find(struct bt *bt, uint32_t flags)
{
	return ctx_find_at(bt, flags, 0, 0xffffffffu);
}

static void switch_window(struct bt *bt)
{
	struct window *w;

	if (!(bt->ctx->flags & CTX_WINDOW))
		return;
	w = bt_window(bt);
	if (bt->gs != (uint64_t)w->base) {
		bt->gs = (uint64_t)w->base;
		_writegsbase_u64(bt->gs);
	}
}

/* What seg_limit holds for @s, see there. */
static int64_t usable_limit(const struct segment *s, bool real, bool write)
{
	bool code = s->attr & SEG_TYPE_CODE;

	if (!code && s->attr & SEG_TYPE_DOWN)
		return -1;
	if (real)
		return s->limit;
	if (s->attr & SEG_UNUSABLE || !(s->attr & SEG_P) ||
	    (code && write) || ((code || write) && !(s->attr & SEG_TYPE_WRITE)))
		return -1;
	return s->limit;
}

static void ctx_swap(struct bt *bt, struct ctx *c)
{
	if (bt->ctx)
		bt->ctx->rs_save = bt->rs_save;
	bt->ctx = c;
	if (!c)
		return;
	bt->rs_save = c->rs_save;
	bt->rs_top = c->rs_top;
}

static void ctx_enter(struct bt *bt, struct ctx *c)
{
	if (c != bt->ctx)
		ctx_swap(bt, c);
	if (c)
		switch_window(bt);
}

/* Real mode, v8086, 16-bit segments, bases, limits. */
static void set_ctx_segmented(struct bt *bt)
{
	const struct segment *cs = &bt->v.seg[SEG_CS];
	bool real = !(bt->v.cr0 & CR0_PE) || bt->sysflags & FLAG_VM;
	uint32_t f = ctx_flags(bt) & ~(CTX_WINDOW | CTX_FS_OK | CTX_GS_OK);

	f |= CTX_SEG | (cs->attr & SEG_DB && !(bt->sysflags & FLAG_VM)
			? 0 : CTX_CODE16);
	f |= bt->v.seg[SEG_SS].attr & SEG_DB && !(bt->sysflags & FLAG_VM)
	     ? 0 : CTX_STACK16;
	for (unsigned i = 0; i < SEG_COUNT; i++) {
		bt->seg_limit[0][i] = usable_limit(&bt->v.seg[i], real, false);
		bt->seg_limit[1][i] = usable_limit(&bt->v.seg[i], real, true);
	}
	ctx_enter(bt, ctx_find_at(bt, f, cs->base, cs->limit));
}

/*
 * Find the context of the present state; bt->ctx is NULL where translated
 * code cannot run.  After anything that may change segments, control
 * registers, system flags or the address space.
 */
void bt_set_ctx(struct bt *bt)
{
	if (!plain_state(bt))
		ctx_enter(bt, NULL);
	else if (all_flat(bt))
		bt_set_ctx_flat(bt);
	else
		set_ctx_segmented(bt);
}

/* The same where all segments but FS and GS are known to be flat still. */
void bt_set_ctx_flat(struct bt *bt)
{
	uint32_t f = ctx_flags(bt);
	struct ctx *c = bt->ctx;

	if (!c || c->flags != f)
		c = ctx_find(bt, f);
	ctx_enter(bt, c);
}

/* The present context but for @bit, CTX_FS_OK or CTX_GS_OK: same window. */
static struct ctx *ctx_flip(struct bt *bt, uint32_t bit)
{
	struct ctx *c = bt->ctx, *to = c->flip[bit == CTX_GS_OK];
	uint32_t flags = c->flags ^ bit;

	if (to)
		return to;
	to = ctx_find(bt, flags);
	if (bt->ctx == c)	/* no flush: contexts are where they were */
		c->flip[bit == CTX_GS_OK] = to;
	return to;
}

/*
 * The same where nothing but data segment @seg has changed.  Returns false if
 * the context has, too.
 */
bool bt_set_ctx_seg(struct bt *bt, enum seg_reg seg)
{
	const struct segment *s = &bt->v.seg[seg];
	uint32_t bit;

	if (seg == SEG_DS || seg == SEG_ES) {
		if (flat_data(s))
			return true;
		bt_set_ctx(bt);
		return false;
	}
	bit = seg == SEG_FS ? CTX_FS_OK : CTX_GS_OK;
	if (!(bt->ctx->flags & bit) == !based_data(s))
		return true;
	ctx_swap(bt, ctx_flip(bt, bit));
	return false;
}

/* Predictions may lead to code that died or was unmapped: forget them all. */
void bt_rstack_reset(struct bt *bt)
{
	for (unsigned i = 0; i < bt->nctx; i++)
		bt->ctxs[i].rs_save = bt->ctxs[i].rs_top;
	if (bt->ctx)
		bt->rs_save = bt->ctx->rs_top;
}
