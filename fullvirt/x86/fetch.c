/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instruction fetch through the decode cache.
 *
 * An entry is used only after its bytes were compared with what is in memory
 * now; nothing ever has to be invalidated.  Instructions near the end of a
 * page or of the segment take the slow way, byte by byte, so that a fault is
 * raised for exactly the byte that the decoder asks for.
 */
#include "fullvirt/x86/priv.h"

#define MAX_LEN		15
#define COMPARE_LEN	16	/* bytes read to compare with an entry */

static inline struct insn *entry_of(struct x86_decode_cache *c, uint32_t lin)
{
	return &c->entries[(lin ^ lin >> DECODE_BITS) & (DECODE_SIZE - 1)];
}

#define ONES(n)		((n) >= 8 ? ~0ULL : (1ULL << 8 * (n)) - 1)
#define MASK(n)		{ ONES(n), (n) > 8 ? ONES((n) - 8) : 0 }

/* Which of the 16 bytes belong to an instruction of this length. */
static const uint64_t masks[16][2] = {
	MASK(0), MASK(1), MASK(2), MASK(3), MASK(4), MASK(5), MASK(6), MASK(7),
	MASK(8), MASK(9), MASK(10), MASK(11), MASK(12), MASK(13), MASK(14),
	MASK(15),
};

static inline bool entry_matches(const struct insn *i, const uint8_t *p,
				 bool code32)
{
	return !((load_raw(p, 8) ^ i->lo) & masks[i->len][0]) &&
	       !((load_raw(p + 8, 8) ^ i->hi) & masks[i->len][1]) &&
	       i->code32 == code32 && i->len;
}

/* Decode @n bytes; what is missing or wrong becomes a fault of the guest. */
static int decode(struct x86 *x, struct insn *i, const uint8_t *p, unsigned n,
		  bool code32)
{
	int r;

	x86_bus_enter(x);	/* Zydis is ordinary code */
	r = insn_decode(i, p, n, code32);
	if (r)
		i->len = 0;
	if (r < 0)
		x86_ud(x);
	if (r > 0 && n == MAX_LEN)
		x86_gp(x, 0);	/* SDM Vol. 2A 2.3.11: longer than 15 bytes */
	return r;
}

/* One byte of code, which may be in MMIO. */
static uint8_t fetch_byte(struct x86 *x, uint32_t lin)
{
	uint8_t *p = NULL;
	gpa_t gpa;

	if (!x->cache->slow)
		p = x86_lin_fast(x, lin, TLB_EXEC, x->cache->user);
	if (!p)
		p = x86_lin_slow(x, lin, TLB_EXEC, x->cache->user, 1, &gpa);
	if (p)
		return *p;
	x86_bus_enter(x);
	return mem_mmio_read(x->mem, gpa, 1);
}

static void fetch_more(struct x86 *x, void *arg)
{
	unsigned *n = arg;
	struct vcpu *v = x->v;
	const struct segment *cs = &v->seg[SEG_CS];

	while (*n < MAX_LEN) {
		uint32_t eip = (uint32_t)v->rip + *n;

		if (eip > cs->limit)
			x86_gp(x, 0);
		x->cache->fetch[*n] = fetch_byte(x, cs->base + eip);
		++*n;
	}
}

static const struct insn *fetch_slow(struct x86 *x, bool code32)
{
	struct x86_decode_cache *c = x->cache;
	unsigned n = 0;
	bool all = x86_try(x, fetch_more, &n);
	struct fault f = c->fault;

	if (!all && c->unwind == UNWIND_STOP)
		x86_stop(x, c->result);
	if (!n || decode(x, &c->scratch, c->fetch, n, code32))
		x86_rethrow(x, &f);
	return &c->scratch;
}

const struct insn *x86_fetch(struct x86 *x)
{
	struct x86_decode_cache *c = x->cache;
	const struct segment *cs = &x->v->seg[SEG_CS];
	uint32_t eip = x->v->rip, lin = cs->base + eip;
	bool code32 = cs->attr & SEG_DB;
	struct insn *i;
	uint8_t *p = NULL;
	gpa_t gpa;

	if (unlikely(crosses_page(lin, COMPARE_LEN) ||
		     (uint64_t)eip + MAX_LEN - 1 > cs->limit))
		return fetch_slow(x, code32);
	if (likely(!c->slow))
		p = x86_lin_fast(x, lin, TLB_EXEC, c->user);
	if (unlikely(!p))
		p = x86_lin_slow(x, lin, TLB_EXEC, c->user, COMPARE_LEN, &gpa);
	if (unlikely(!p))
		return fetch_slow(x, code32);
	i = entry_of(c, lin);
	if (likely(entry_matches(i, p, code32)))
		return i;
	decode(x, i, p, MAX_LEN, code32);
	return i;
}
