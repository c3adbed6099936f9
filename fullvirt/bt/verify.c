/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TC verifier.
 *
 * A TU is swept from its first byte to its last.  Each instruction is either
 * good alone (verify_decode.c) or part of a sequence that is good as a whole
 * (verify_seq.c); control goes only to instructions of the same TU that are
 * not inside a sequence, to entries of live TUs of the same context, and to
 * stubs.  So from any place where a TU can be entered, only checked
 * instructions run:
 *
 *  - memory is reached through the window of a context that has one, through
 *    a software TLB of the right privilege and kind after its checks, or at
 *    listed fields of struct bt;
 *  - the host's stack, r12, r14 and the upper halves of the guest's registers
 *    are as they should be; no host address gets into a guest register.
 */
#include <errno.h>
#include <stdio.h>

#include "fullvirt/bt/verify.h"
#include "fullvirt/bt/verify_priv.h"

static struct vcode code;	/* one vCPU thread per process under BT */

static int refuse(char *why, uint32_t off, const char *text)
{
	snprintf(why, VERIFY_WHY, "+%x: %s", off, text);
	return -EINVAL;
}

/* The instruction that begins at @off, -1 if none does. */
static int at(const struct vcode *c, uint64_t off)
{
	uint32_t lo = 0, hi = c->n;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (c->v[mid].off < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->n && c->v[lo].off == off ? (int)lo : -1;
}

/* Can control come to @off of this code from elsewhere? */
static bool enterable(const struct vcode *c, uint64_t off)
{
	int i = at(c, off);

	return i >= 0 && !c->v[i].inside;
}

static const struct tu_insn *insn(const struct vcode *c, uint32_t k)
{
	return &c->bt->tc.insns[c->tu->insn0 + k];
}

/* ------------------------------------------------ the sweep */

/*
 * If @v begins guest instruction *@k (or one behind it that begins there, too:
 * some have no code) and is a jump to its patch, make *@k that one.
 */
static bool patched(const struct vcode *c, const struct vinsn *v, uint32_t *k)
{
	const struct tu *p;

	if (!c->tu || v->flow != VF_JMP || v->len != 5)
		return false;
	p = tc_find(c->bt, (const uint8_t *)v->to);
	if (!p || !(p->flags & TU_PATCH) || (uint64_t)p->host != v->to ||
	    &c->bt->tc.tus[p->parent] != c->tu)
		return false;
	while (*k < c->tu->ninsn && insn(c, *k)->host_off == v->off &&
	       *k != p->parent_insn)
		++*k;
	return *k == p->parent_insn && insn(c, *k)->host_off == v->off;
}

/* Decode everything; what a patch has replaced is skipped. */
static int sweep(struct vcode *c, char *why)
{
	uint32_t off = 0, k = 0;

	for (c->n = 0; off < c->len; c->n++) {
		struct vinsn *v = &c->v[c->n];

		if (c->n == VCODE_MAX)
			return refuse(why, off, "too long");
		if (!vcode_decode(c, off, c->len, v))
			return refuse(why, off, "not an instruction");
		while (c->tu && k < c->tu->ninsn && insn(c, k)->host_off < off)
			k++;
		off += v->len;
		if (!patched(c, v, &k))
			continue;
		v->patched = true;
		off = insn(c, k + 1)->host_off;
	}
	return 0;
}

static int sequences(struct vcode *c, char *why)
{
	for (uint32_t i = 0; i < c->n;) {
		struct vinsn *v = &c->v[i];
		unsigned len = 0;

		v->seq = vseq_match(c, i, &len);
		if (!v->seq && v->bad)
			return refuse(why, v->off, v->bad);
		for (unsigned j = 1; j < len; j++)
			c->v[i + j].inside = true;
		i += len ? len : 1;
	}
	return 0;
}

/* ------------------------------------------------ control flow */

static const struct tc_entry *entry_at(const struct vcode *c,
				       const struct tu *t, uint64_t to)
{
	for (uint32_t i = 0; i < t->nentry; i++) {
		const struct tc_entry *e = &c->bt->tc.entries[t->entry0 + i];

		if ((uint64_t)e->body == to || (uint64_t)e->guarded == to)
			return e;
	}
	return NULL;
}

/* On the same page of the same frame, whose guard has been passed. */
static bool same_frame(const struct tu *a, const struct tu *b)
{
	return a->gpfn == b->gpfn && !a->gpfn2 && !b->gpfn2 &&
	       ((a->eip ^ b->eip) & PAGE_MASK) == 0;
}

static bool other_tu_ok(const struct vcode *c, uint64_t to)
{
	const struct tu *t = tc_find(c->bt, (const uint8_t *)to);
	const struct tc_entry *e;

	if (!t || t->flags & TU_DEAD || t->ctx != c->ctx->id)
		return false;
	e = entry_at(c, t, to);
	return e && ((uint64_t)e->guarded == to || same_frame(c->tu, t));
}

/* A patch goes back behind the instruction that it stands for. */
static bool back_to_parent(const struct vcode *c, uint64_t to)
{
	const struct tc *tc = &c->bt->tc;
	const struct tu *p;

	if (!(c->tu->flags & TU_PATCH))
		return false;
	p = &tc->tus[c->tu->parent];
	return to == (uint64_t)p->host +
		     tc->insns[p->insn0 + c->tu->parent_insn + 1].host_off;
}

static bool target_ok(const struct vcode *c, uint64_t to)
{
	uint64_t off = to - (uint64_t)c->host;

	if (off < c->len)
		return enterable(c, off);
	return back_to_parent(c, to) || other_tu_ok(c, to);
}

static bool is_callout(const struct bt *bt, uint64_t to)
{
	if (to == (uint64_t)bt_stub(bt, STUB_interp))
		return true;
	for (unsigned h = 0; h < HOT_COUNT; h++)
		if (to == (uint64_t)bt_hot_stub(bt, h))
			return true;
	return false;
}

/* The guest instruction that the code at @off belongs to. */
static uint32_t insn_at(const struct vcode *c, uint32_t off)
{
	uint32_t k = 0;

	while (k + 1 < c->tu->ninsn && insn(c, k + 1)->host_off <= off)
		k++;
	return k;
}

/* A guest call: what returns to us must be compared with what was pushed. */
static bool lands(const struct vcode *c, uint32_t i)
{
	uint32_t k = insn_at(c, c->v[i].off);

	return i + 1 < c->n && c->v[i + 1].seq == VSEQ_LANDING &&
	       vseq_landing_eip(c, i + 1) ==
	       c->tu->eip + insn(c, k)->goff + insn(c, k)->len;
}

static const char *flow(const struct vcode *c, uint32_t i)
{
	const struct vinsn *v = &c->v[i];

	switch (v->flow) {
	case VF_CALL:
		if (is_callout(c->bt, v->to))
			return NULL;
		if (!target_ok(c, v->to))
			return "call to a place that is no entry";
		return lands(c, i) ? NULL : "call without a landing";
	case VF_JMP: case VF_JCC: case VF_SHORT:
		if (v->patched || target_ok(c, v->to))
			return NULL;
		return "branch to a place that is no entry";
	default:
		return NULL;
	}
}

static int flows(struct vcode *c, char *why)
{
	for (uint32_t i = 0; i < c->n; i++) {
		const struct vinsn *v = &c->v[i];
		const char *bad;

		if (v->seq || v->inside)
			continue;
		bad = flow(c, i);
		if (bad)
			return refuse(why, v->off, bad);
	}
	return 0;
}

/* Control does not run out of the end. */
static int ends(struct vcode *c, char *why)
{
	const struct vinsn *v = &c->v[c->n - 1];

	if (!c->n)
		return refuse(why, 0, "empty");
	if (v->flow == VF_JMP || v->flow == VF_RET || v->flow == VF_JMP_MEM ||
	    (v->flow == VF_CALL && is_callout(c->bt, v->to)))
		return 0;
	return refuse(why, v->off, "runs out of its end");
}

/* ------------------------------------------------ tables */

static int backmap(struct vcode *c, char *why)
{
	uint32_t last = 0;

	for (uint32_t k = 0; k <= c->tu->ninsn; k++) {
		uint32_t off = insn(c, k)->host_off;
		bool end = k == c->tu->ninsn && off == c->len &&
			   !(c->tu->flags & TU_FALLS);

		if (off < last || (!end && !enterable(c, off)))
			return refuse(why, off, "guest instruction begins "
				      "where control must not come");
		last = off;
	}
	return 0;
}

/* One guard sequence for each page of the source, then the body. */
static bool guarded_ok(const struct vcode *c, const struct tc_entry *e)
{
	const struct tu *tu = c->tu;
	uint32_t page, gpfn, eip, first = tu->eip >> PAGE_SHIFT;
	int i = at(c, e->guarded - c->host);

	for (unsigned n = 0; n < 1 + !!tu->gpfn2; n++, i += GUARD_LEN) {
		if (i < 0 || c->v[i].seq != VSEQ_GUARD)
			return false;
		vseq_guard(c, i, &page, &gpfn, &eip);
		if (page != ((first + n) & (NPAGES - 1)) || eip != e->eip ||
		    gpfn != (n ? tu->gpfn2 : tu->gpfn))
			return false;
	}
	return i < (int)c->n && c->v[i].flow == VF_JMP &&
	       c->v[i].to == (uint64_t)e->body;
}

static int entries(struct vcode *c, char *why)
{
	for (uint32_t i = 0; i < c->tu->nentry; i++) {
		const struct tc_entry *e =
			&c->bt->tc.entries[c->tu->entry0 + i];
		uint64_t body = e->body - c->host;

		if (body >= c->len || !enterable(c, body) ||
		    e->ctx != c->ctx->id)
			return refuse(why, body, "bad entry");
		if (c->tu->flags & TU_GUARDED ? !guarded_ok(c, e)
					      : e->guarded != e->body)
			return refuse(why, body, "entry without its guard");
	}
	return 0;
}

/* The instruction that has the byte at @off; NULL: a patch replaced it. */
static const struct vinsn *covering(const struct vcode *c, uint64_t off)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (off - c->v[i].off < c->v[i].len)
			return &c->v[i];
	return NULL;
}

static const char *exit_ok(const struct vcode *c, uint32_t id)
{
	const struct tu_exit *x = &c->bt->tc.exits[id];
	const struct tc_entry *e = &c->bt->tc.entries[x->target];
	uint64_t rel = x->patch - c->host;
	const struct vinsn *v;
	int i = at(c, x->thunk - c->host);

	if (i < 0 || c->v[i].seq != VSEQ_THUNK || (uint32_t)c->v[i].imm != id)
		return "exit without thunk";
	if (rel >= c->len)
		return "exit of another TU";
	v = covering(c, rel);
	if (!v)
		return NULL;
	if (!v->to || v->off + v->len != rel + 4)
		return "exit that is no branch";
	if (!x->target)
		return v->to == (uint64_t)x->thunk ? NULL : "stray exit";
	return e->eip == x->eip && (v->to == (uint64_t)e->body ||
				    v->to == (uint64_t)e->guarded)
	       ? NULL : "exit chained to something else";
}

static int exits(struct vcode *c, char *why)
{
	for (uint32_t i = 0; i < c->tu->nexit; i++) {
		uint32_t id = c->tu->exit0 + i;
		const char *bad = exit_ok(c, id);

		if (bad)
			return refuse(why, c->bt->tc.exits[id].patch - c->host,
				      bad);
	}
	return 0;
}

/* ------------------------------------------------ */

static int check_code(struct vcode *c, char *why)
{
	int r;

	if ((r = sweep(c, why)) || (r = sequences(c, why)) ||
	    (r = ends(c, why)))
		return r;
	return 0;
}

int verify_tu(struct bt *bt, const struct tu *tu, char *why)
{
	struct vcode *c = &code;
	int r;

	c->bt = bt;
	c->tu = tu;
	c->ctx = &bt->ctxs[tu->ctx];
	c->host = tu->host;
	c->len = tu->host_len;
	if ((r = check_code(c, why)) || (r = flows(c, why)) ||
	    (r = backmap(c, why)) || (r = entries(c, why)) ||
	    (r = exits(c, why)))
		return r;
	return 0;
}

int verify_ctx(struct bt *bt, const struct ctx *ctx, char *why)
{
	struct vcode *c = &code;
	int r;

	c->bt = bt;
	c->tu = NULL;
	c->ctx = ctx;
	c->host = ctx->ret_miss;
	c->len = bt->tc.next - ctx->ret_miss;
	r = check_code(c, why);
	if (r)
		return r;
	if (c->v[0].seq != VSEQ_RS_RESET || c->n < 2 ||
	    c->v[1].seq != VSEQ_LOOKUP || !c->v[c->n - 1].inside)
		return refuse(why, 0, "not a return-miss routine");
	return 0;
}

void verify_tu_or_abort(struct bt *bt, const struct tu *tu)
{
	char why[VERIFY_WHY];

	if (!bt->verify)
		return;
	bt_fpu_save(bt);
	if (verify_tu(bt, tu, why))
		verify_report(bt, tu, tu->host, tu->host_len, why);
}

void verify_ctx_or_abort(struct bt *bt, const struct ctx *ctx)
{
	char why[VERIFY_WHY];

	if (!bt->verify)
		return;
	bt_fpu_save(bt);
	if (verify_ctx(bt, ctx, why))
		verify_report(bt, NULL, ctx->ret_miss,
			      bt->tc.next - ctx->ret_miss, why);
}
