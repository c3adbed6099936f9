/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory operands: segment checks, accesses that miss the fast path, accesses
 * that cross a page (both pages are translated before a byte moves), MMIO.
 *
 * Intel SDM Vol. 3A 5.3 (limits), 5.5 (types), 6.15 #AC.
 */
#include "fullvirt/x86/priv.h"

/* One page's share of an access. */
struct span {
	uint8_t *hva;		/* NULL: go by gpa */
	gpa_t gpa;
	unsigned n;
};

static unsigned spans_get(struct x86 *x, uint32_t lin, unsigned n,
			  enum tlb_use use, bool user, struct span s[2])
{
	unsigned first = PAGE_SIZE - (lin & (PAGE_SIZE - 1));

	if (x->cache->data_break)
		x86_debug_data(x, lin, n, use == TLB_WRITE);
	s[0].n = n < first ? n : first;
	s[0].hva = x86_lin_slow(x, lin, use, user, s[0].n, &s[0].gpa);
	if (n <= first)
		return 1;
	s[1].n = n - first;
	s[1].hva = x86_lin_slow(x, (uint32_t)(lin + first), use, user, s[1].n,
				&s[1].gpa);
	return 2;
}

/* Largest naturally aligned piece of an unbacked access. */
static unsigned mmio_piece(gpa_t gpa, unsigned n)
{
	unsigned size = 8;

	while (size > n || (gpa & (size - 1)))
		size >>= 1;
	return size;
}

static void span_read(struct x86 *x, const struct span *s, uint8_t *buf)
{
	unsigned done = 0, size;

	if (s->hva) {
		copy_raw(buf, s->hva, s->n);
		return;
	}
	x86_bus_enter(x);
	for (; done < s->n; done += size) {
		size = mmio_piece(s->gpa + done, s->n - done);
		store_raw(buf + done, size,
			  mem_mmio_read(x->mem, s->gpa + done, size));
	}
}

static void span_write(struct x86 *x, const struct span *s,
		       const uint8_t *buf)
{
	uint8_t flags, *p = s->hva;
	unsigned done = 0, size;

	if (!p) {
		flags = mem_flags(x->mem, s->gpa);
		if (flags & MEM_RAM) {
			mem_note_write(x->mem, s->gpa, s->n);
			p = mem_hva(x->mem, s->gpa);
		}
	}
	if (p) {
		copy_raw(p, buf, s->n);
		return;
	}
	x86_bus_enter(x);
	for (; done < s->n; done += size) {
		size = mmio_piece(s->gpa + done, s->n - done);
		mem_mmio_write(x->mem, s->gpa + done, size,
			       load_raw(buf + done, size));
	}
}

void x86_lin_read_bytes(struct x86 *x, gva_t lin, void *buf, unsigned n,
			bool user)
{
	struct span s[2];
	unsigned k = spans_get(x, lin, n, TLB_READ, user, s);

	span_read(x, &s[0], buf);
	if (k > 1)
		span_read(x, &s[1], (uint8_t *)buf + s[0].n);
}

void x86_lin_write_bytes(struct x86 *x, gva_t lin, const void *buf, unsigned n,
			 bool user)
{
	struct span s[2];
	unsigned k = spans_get(x, lin, n, TLB_WRITE, user, s);

	span_write(x, &s[0], buf);
	if (k > 1)
		span_write(x, &s[1], (const uint8_t *)buf + s[0].n);
}

void x86_lin_probe_write(struct x86 *x, gva_t lin, unsigned n, bool user)
{
	struct span s[2];

	spans_get(x, lin, n, TLB_WRITE, user, s);
}

uint64_t x86_lin_read_any(struct x86 *x, gva_t lin, unsigned size, bool user)
{
	struct span s[2];
	uint64_t val = 0;

	if (spans_get(x, lin, size, TLB_READ, user, s) == 1) {
		if (s[0].hva)
			return load_raw(s[0].hva, size);
		if (!(s[0].gpa & (size - 1))) {
			x86_bus_enter(x);
			return mem_mmio_read(x->mem, s[0].gpa, size);
		}
		span_read(x, &s[0], (uint8_t *)&val);
		return val;
	}
	span_read(x, &s[0], (uint8_t *)&val);
	span_read(x, &s[1], (uint8_t *)&val + s[0].n);
	return val;
}

void x86_lin_write_any(struct x86 *x, gva_t lin, unsigned size, uint64_t val,
		       bool user)
{
	struct span s[2];

	if (spans_get(x, lin, size, TLB_WRITE, user, s) == 1) {
		if (s[0].hva)
			store_raw(s[0].hva, size, val);
		else
			span_write(x, &s[0], (uint8_t *)&val);
		return;
	}
	span_write(x, &s[0], (uint8_t *)&val);
	span_write(x, &s[1], (uint8_t *)&val + s[0].n);
}

static _Noreturn void seg_fault(struct x86 *x, unsigned seg)
{
	x86_fault_error(x, seg == SEG_SS ? VEC_SS : VEC_GP, 0);
}

bool x86_in_limit(const struct segment *s, uint32_t off, unsigned size)
{
	uint64_t last = (uint64_t)off + size - 1;
	uint32_t top = s->attr & SEG_DB ? 0xffffffff : 0xffff;

	if ((s->attr & (SEG_TYPE_CODE | SEG_TYPE_DOWN)) == SEG_TYPE_DOWN)
		return off > s->limit && last <= top;
	/*
	 * An access across 4 GiB faults, too.  SDM Vol. 3A 5.3 leaves it open
	 * for 4 GiB segments; AMD processors raise the exception.
	 */
	return last <= s->limit;
}

uint32_t x86_seg_check(struct x86 *x, unsigned seg, uint32_t off,
		       unsigned size, bool write)
{
	const struct segment *s = &x->v->seg[seg];

	if (!vcpu_real_or_v86(x->v)) {
		bool code = s->attr & SEG_TYPE_CODE;
		bool rw = s->attr & SEG_TYPE_WRITE;

		if (s->attr & SEG_UNUSABLE)
			seg_fault(x, seg);
		if (write ? code || !rw : code && !rw)
			x86_gp(x, 0);
	}
	if (!x86_in_limit(s, off, size))
		seg_fault(x, seg);
	return s->base + off;
}

/* Called with EFLAGS.AC set and an address that is not aligned. */
void x86_check_align(struct x86 *x)
{
	if (x->cache->user && (x->v->cr0 & CR0_AM))
		x86_fault_error(x, VEC_AC, 0);
}
