/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The translation cache.
 *
 * Invariants:
 *  - Memory is handed out in one direction and taken back only by tc_flush(),
 *    so a dead TU's code stays in place: returning into it is impossible to
 *    get wrong, since every way in is cut when it dies (hash, indirect tables,
 *    chained exits, return stacks).
 *  - tus[] is sorted by host address.
 *  - Every page with a live TU carries MEM_TRACED, and is not writable in any
 *    window or software TLB.
 *
 *	made -> chained <-> unchained -> dead -> (flush)
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fullvirt/bt/bt.h"
#include "fullvirt/bt/verify.h"

#define TU_ROOM		(64 * KIB)	/* the largest TU fits in this */
#define BYTES_PER_TU	192		/* sizing of the side tables */
#define LARGE_WRITE	(1 * MIB)	/* looks at units, not at pages */

static void *table(uint64_t n, size_t size)
{
	void *p = mmap(NULL, n * size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

int tc_init(struct bt *bt, uint64_t size)
{
	struct tc *tc = &bt->tc;

	tc->code = mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (tc->code == MAP_FAILED)
		return -errno;
	tc->end = tc->code + size;
	tc->max_tus = size / BYTES_PER_TU;
	tc->max_insns = size / 8;
	tc->max_exits = size / 32;
	tc->max_entries = size / 48;
	tc->npages = bt->mem->top >> PAGE_SHIFT;
	tc->tus = table(tc->max_tus, sizeof(*tc->tus));
	tc->insns = table(tc->max_insns, sizeof(*tc->insns));
	tc->exits = table(tc->max_exits, sizeof(*tc->exits));
	tc->entries = table(tc->max_entries, sizeof(*tc->entries));
	tc->hash = table(TC_HASH, sizeof(*tc->hash));
	tc->page_tus = table(tc->npages, sizeof(*tc->page_tus));
	tc->page_heat = table(tc->npages, 1);
	if (!tc->tus || !tc->insns || !tc->exits || !tc->entries ||
	    !tc->hash || !tc->page_tus || !tc->page_heat)
		return -ENOMEM;
	bt_stubs_install(bt);
	tc->next = tc->units;
	tc->ntus = tc->nexits = tc->nentries = 1;
	return 0;
}

void tc_fini(struct bt *bt)
{
	struct tc *tc = &bt->tc;

	munmap(tc->code, tc->end - tc->code);
	munmap(tc->tus, tc->max_tus * sizeof(*tc->tus));
	munmap(tc->insns, tc->max_insns * sizeof(*tc->insns));
	munmap(tc->exits, tc->max_exits * sizeof(*tc->exits));
	munmap(tc->entries, tc->max_entries * sizeof(*tc->entries));
	munmap(tc->hash, TC_HASH * sizeof(*tc->hash));
	munmap(tc->page_tus, tc->npages * sizeof(*tc->page_tus));
	munmap(tc->page_heat, tc->npages);
}

/* Room for one more TU of any shape? */
bool tc_room(struct bt *bt)
{
	struct tc *tc = &bt->tc;

	return tc->next + TU_ROOM < tc->end && tc->ntus + 1 < tc->max_tus &&
	       tc->ninsns + 256 < tc->max_insns &&
	       tc->nexits + 256 < tc->max_exits &&
	       tc->nentries + 256 < tc->max_entries;
}

/* Flag bytes have other writers, on other threads. */
static void set_traced(struct bt *bt, uint32_t gpfn, bool on)
{
	uint8_t *f = &bt->mem->flags[gpfn];

	if (on)
		__atomic_fetch_or(f, MEM_TRACED, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(f, (uint8_t)~MEM_TRACED, __ATOMIC_SEQ_CST);
}

/* Before its bytes are read: see remote.c. */
void tc_trace_page(struct bt *bt, uint32_t gpfn)
{
	if (bt->mem->flags[gpfn] & MEM_TRACED)
		return;
	set_traced(bt, gpfn, true);
	soft_protect(bt, gpfn);
	windows_protect(bt, gpfn);
}

void tc_untrace_unused(struct bt *bt, uint32_t gpfn)
{
	if (!bt->tc.page_tus[gpfn])
		set_traced(bt, gpfn, false);
}

static void page_forget(struct bt *bt, uint32_t gpfn)
{
	if (!bt->tc.page_tus[gpfn])
		return;
	bt->tc.page_tus[gpfn] = 0;
	set_traced(bt, gpfn, false);
}

/* By unit: a machine with firmware below 4 GiB has a million pages. */
static void untrace_all(struct bt *bt)
{
	struct tc *tc = &bt->tc;

	for (uint32_t i = 1; i < tc->ntus; i++) {
		page_forget(bt, tc->tus[i].gpfn);
		if (tc->tus[i].gpfn2)
			page_forget(bt, tc->tus[i].gpfn2);
	}
}

static void ibtc_clear(struct bt *bt)
{
	for (unsigned i = 0; i < bt->nctx; i++)
		madvise(bt_ibtc_tag(bt, i), IBTC_SIZE * 4, MADV_DONTNEED);
}

void tc_flush(struct bt *bt)
{
	struct tc *tc = &bt->tc;

	bt_fpu_save(bt);	/* memset */
	bt->stats.tc_flush++;
	bt->invalidated++;
	untrace_all(bt);
	ibtc_clear(bt);
	memset(tc->hash, 0, TC_HASH * sizeof(*tc->hash));
	memset(bt->sites, 0, sizeof(bt->sites));
	bt->nprobation = 0;
	tc->next = tc->units;
	tc->ntus = tc->nexits = tc->nentries = 1;
	tc->ninsns = 0;
	bt->nctx = 0;
	memset(bt->ctx_hint, 0, sizeof(bt->ctx_hint));
	bt->ctx = NULL;
}

static uint32_t hash_of(uint32_t eip, uint32_t gpfn, uint32_t ctx)
{
	uint32_t h = eip * 0x9e3779b1u ^ gpfn * 0x85ebca6bu ^ ctx << 24;

	return (h ^ h >> 15) & (TC_HASH - 1);
}

struct tc_entry *tc_lookup(struct bt *bt, uint32_t eip, uint32_t gpfn,
			   uint32_t ctx)
{
	struct tc *tc = &bt->tc;
	uint32_t i = tc->hash[hash_of(eip, gpfn, ctx)];

	for (; i; i = tc->entries[i].hash_next) {
		struct tc_entry *n = &tc->entries[i];

		if (n->eip == eip && n->gpfn == gpfn && n->ctx == ctx)
			return n;
	}
	return NULL;
}

void tc_add_entry(struct bt *bt, struct tu *tu, uint32_t eip, uint8_t *body,
		  uint8_t *guarded)
{
	struct tc *tc = &bt->tc;
	uint32_t id = tc->nentries++;
	uint32_t *head = &tc->hash[hash_of(eip, tu->gpfn, tu->ctx)];

	tc->entries[id] = (struct tc_entry){
		.body = body, .guarded = guarded, .eip = eip,
		.gpfn = tu->gpfn, .ctx = tu->ctx, .tu = tu - tc->tus,
		.hash_next = *head };
	*head = id;
}

struct tu *tc_find(struct bt *bt, const uint8_t *host)
{
	struct tc *tc = &bt->tc;
	uint32_t lo = 1, hi = tc->ntus;

	if (host < tc->units || host >= tc->next)
		return NULL;
	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (tc->tus[mid].host <= host)
			lo = mid;
		else
			hi = mid;
	}
	if (lo >= tc->ntus || host < tc->tus[lo].host ||
	    host >= tc->tus[lo].host + tc->tus[lo].host_len)
		return NULL;
	return &tc->tus[lo];
}

/* The instruction of @tu whose code contains @host (the sentinel included). */
struct tu_insn *tu_insn_at(struct bt *bt, struct tu *tu, const uint8_t *host)
{
	struct tu_insn *in = &bt->tc.insns[tu->insn0];
	uint32_t off = host - tu->host;
	uint32_t lo = 0, hi = tu->ninsn + 1;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (in[mid].host_off <= off)
			lo = mid;
		else
			hi = mid;
	}
	return &in[lo];
}

static void set_rel32(uint8_t *at, const uint8_t *to)
{
	int32_t rel = to - (at + 4);

	memcpy(at, &rel, 4);
}

/*
 * Same page as the exit's TU: its guard has been passed, go to the body.
 * Else through the guard of the target, if it has one.
 */
static uint8_t *chain_address(const struct tu *from, const struct tu *to,
			      const struct tc_entry *n)
{
	if (from->gpfn == to->gpfn && !from->gpfn2 && !to->gpfn2 &&
	    ((from->eip ^ n->eip) & PAGE_MASK) == 0)
		return n->body;
	return n->guarded;
}

void tc_chain(struct bt *bt, uint32_t exit, struct tc_entry *to)
{
	struct tc *tc = &bt->tc;
	struct tu_exit *x = &tc->exits[exit];

	if (x->target)
		return;
	x->target = to - tc->entries;
	x->next = to->in;
	to->in = exit;
	set_rel32(x->patch, chain_address(&tc->tus[x->tu], &tc->tus[to->tu],
					  to));
	bt->stats.chains++;
	verify_tu_or_abort(bt, &tc->tus[x->tu]);
}

static void entry_unchain(struct bt *bt, struct tc_entry *n)
{
	struct tc *tc = &bt->tc;

	for (uint32_t i = n->in; i;) {
		struct tu_exit *x = &tc->exits[i];

		i = x->next;
		x->target = x->next = 0;
		set_rel32(x->patch, x->thunk);
		bt->stats.unchains++;
	}
	n->in = 0;
}

static void entry_unhash(struct bt *bt, struct tc_entry *n)
{
	struct tc *tc = &bt->tc;
	uint32_t *p = &tc->hash[hash_of(n->eip, n->gpfn, n->ctx)];
	int32_t *tag = &bt_ibtc_tag(bt, n->ctx)[n->eip & (IBTC_SIZE - 1)];

	while (*p && *p != n - tc->entries)
		p = &tc->entries[*p].hash_next;
	if (*p)
		*p = n->hash_next;
	if (*tag == (int32_t)-(n->eip + 1))
		*tag = bt_ibtc_empty(n->eip & (IBTC_SIZE - 1));
}

/* An exit of a dying TU leaves the list of its target. */
static void exit_forget(struct bt *bt, uint32_t id)
{
	struct tc *tc = &bt->tc;
	struct tu_exit *x = &tc->exits[id];
	uint32_t *p;

	if (!x->target)
		return;
	for (p = &tc->entries[x->target].in; *p && *p != id;)
		p = &tc->exits[*p].next;
	if (*p)
		*p = x->next;
	x->target = 0;
	set_rel32(x->patch, x->thunk);
}

static void page_remove(struct bt *bt, uint32_t gpfn, uint32_t id)
{
	struct tc *tc = &bt->tc;
	uint32_t *p = &tc->page_tus[gpfn];

	while (*p && *p != id) {
		struct tu *t = &tc->tus[*p];

		p = t->gpfn == gpfn ? &t->page_next : &t->page_next2;
	}
	if (*p) {
		struct tu *t = &tc->tus[id];

		*p = t->gpfn == gpfn ? t->page_next : t->page_next2;
	}
	if (!tc->page_tus[gpfn])
		set_traced(bt, gpfn, false);
}

void tu_kill(struct bt *bt, struct tu *tu)
{
	struct tc *tc = &bt->tc;

	if (tu->flags & TU_DEAD)
		return;
	tu->flags |= TU_DEAD;
	for (uint32_t i = 0; i < tu->nentry; i++) {
		entry_unchain(bt, &tc->entries[tu->entry0 + i]);
		entry_unhash(bt, &tc->entries[tu->entry0 + i]);
	}
	for (uint32_t i = 0; i < tu->nexit; i++)
		exit_forget(bt, tu->exit0 + i);
	page_remove(bt, tu->gpfn, tu - tc->tus);
	if (tu->gpfn2)
		page_remove(bt, tu->gpfn2, tu - tc->tus);
	bt->stats.tu_dead++;
	bt->invalidated++;
	bt_rstack_reset(bt);
}

static void page_add(struct bt *bt, uint32_t gpfn, uint32_t id, uint32_t *next)
{
	*next = bt->tc.page_tus[gpfn];
	bt->tc.page_tus[gpfn] = id;
}

void tu_register_pages(struct bt *bt, struct tu *tu)
{
	uint32_t id = tu - bt->tc.tus;

	page_add(bt, tu->gpfn, id, &tu->page_next);
	if (tu->gpfn2 && tu->gpfn2 != tu->gpfn)
		page_add(bt, tu->gpfn2, id, &tu->page_next2);
	else
		tu->gpfn2 = 0;
}

static bool tu_overlaps(const struct tu *tu, uint32_t gpfn, uint32_t from,
			uint32_t to)
{
	if (tu->gpfn == gpfn && from < tu->hi && to > tu->lo)
		return true;
	return tu->gpfn2 == gpfn && from < tu->hi2;
}

static uint32_t tu_next_on(const struct tu *tu, uint32_t gpfn)
{
	return tu->gpfn == gpfn ? tu->page_next : tu->page_next2;
}

/* Kill what was translated from [from, to) of one page. */
static bool page_write(struct bt *bt, uint32_t gpfn, uint32_t from,
		       uint32_t to)
{
	struct tc *tc = &bt->tc;
	bool hit = false;

	if (gpfn >= tc->npages)
		return false;
	for (uint32_t i = tc->page_tus[gpfn]; i;) {
		struct tu *tu = &tc->tus[i];

		i = tu_next_on(tu, gpfn);
		if (!tu_overlaps(tu, gpfn, from, to))
			continue;
		hit = true;
		tu_kill(bt, tu);
	}
	if (hit && tc->page_heat[gpfn] < 255)
		tc->page_heat[gpfn]++;
	return hit;
}

static bool tu_within(const struct tu *tu, gpa_t from, gpa_t to)
{
	gpa_t a = (gpa_t)tu->gpfn << PAGE_SHIFT;
	gpa_t b = (gpa_t)tu->gpfn2 << PAGE_SHIFT;

	return (a + tu->lo < to && a + tu->hi > from) ||
	       (tu->gpfn2 && b < to && b + tu->hi2 > from);
}

/* By unit again, and without heat: this much is new code, not a patch. */
static bool large_write(struct bt *bt, gpa_t gpa, uint64_t len)
{
	struct tc *tc = &bt->tc;
	bool hit = false;

	for (uint32_t i = 1; i < tc->ntus; i++) {
		struct tu *tu = &tc->tus[i];

		if (tu->flags & (TU_DEAD | TU_PATCH) ||
		    !tu_within(tu, gpa, gpa + len))
			continue;
		hit = true;
		tu_kill(bt, tu);
	}
	return hit;
}

static bool small_write(struct bt *bt, gpa_t gpa, uint64_t len)
{
	bool hit = false;

	while (len) {
		uint32_t off = gpa & ~PAGE_MASK;
		uint64_t n = PAGE_SIZE - off < len ? PAGE_SIZE - off : len;

		hit |= page_write(bt, gpa >> PAGE_SHIFT, off, off + n);
		gpa += n;
		len -= n;
	}
	return hit;
}

/* [gpa, gpa + len) is about to change: its translations die.  True if any. */
bool tc_write(struct bt *bt, gpa_t gpa, uint64_t len)
{
	bool large = len >= LARGE_WRITE && len >> PAGE_SHIFT > bt->tc.ntus;
	bool hit = large ? large_write(bt, gpa, len) :
		   small_write(bt, gpa, len);

	bt->stats.code_writes++;
	bt->stats.code_hits += hit;
	return hit;
}

/* What changed often may be still now, or is new: translate it again. */
void tc_cool(struct bt *bt, gpa_t gpa, uint64_t len)
{
	uint64_t first = gpa >> PAGE_SHIFT;
	uint64_t end = (gpa + len + PAGE_SIZE - 1) >> PAGE_SHIFT;

	bt_fpu_save(bt);	/* memset */
	if (end > bt->tc.npages)
		end = bt->tc.npages;
	if (first < end)
		memset(bt->tc.page_heat + first, 0, end - first);
}

/* Linear page @pn no longer maps frame @gpfn: its unguarded TUs die. */
void tc_kill_linear(struct bt *bt, uint32_t pn, uint32_t gpfn)
{
	struct tc *tc = &bt->tc;

	if (gpfn >= tc->npages)
		return;
	for (uint32_t i = tc->page_tus[gpfn]; i;) {
		struct tu *tu = &tc->tus[i];
		uint32_t first = tu->eip >> PAGE_SHIFT;

		i = tu_next_on(tu, gpfn);
		if (!(tu->flags & TU_GUARDED) &&
		    (first == pn || (tu->gpfn2 && first + 1 == pn)))
			tu_kill(bt, tu);
	}
}
