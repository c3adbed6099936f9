/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hypervisor/linear.h"

#include <errno.h>

#include "hypervisor/mem.h"
#include "hypervisor/vcpu.h"

#define ENTRY_P		0x001u
#define ENTRY_W		0x002u
#define ENTRY_U		0x004u
#define ENTRY_PS	0x080u
/* Tables that point to themselves have no end. */
#define ENTRIES_MAX	(16u << 20)
#define ENTRY_FRAME	0x000ffffffffff000ull	/* of an 8-byte entry */

/*
 * A paging mode: how many levels, what an entry takes, how many address bits a
 * level resolves, at which levels (from the bottom, 0) pages may be large.
 */
struct mode {
	unsigned levels, entry, bits, large;
};

static const struct mode legacy = { 2, 4, 10, 1u << 1 };
static const struct mode pae = { 3, 8, 9, 1u << 1 };
static const struct mode wide = { 4, 8, 9, 1u << 1 | 1u << 2 };

static const struct mode *mode_of(const struct vcpu *v)
{
	if (!(v->cr0 & CR0_PG))
		return NULL;
	if (v->msr.efer & EFER_LMA)
		return &wide;
	return v->cr4 & CR4_PAE ? &pae : &legacy;
}

/* CR4.PSE is the switch for large pages in 32-bit paging alone. */
static bool is_large(const struct vcpu *v, const struct mode *m,
		     unsigned level, uint64_t e)
{
	return e & ENTRY_PS && m->large >> level & 1 &&
	       (m != &legacy || v->cr4 & CR4_PSE);
}

/* Bits 20..13 of a 4 MiB entry are address bits 39..32, SDM table 4-4. */
static gpa_t frame(const struct mode *m, uint64_t e, unsigned shift)
{
	gpa_t f = e & ENTRY_FRAME;

	if (m == &legacy && shift == 22)
		f = (e & 0xffc00000) | (e >> 13 & 0xff) << 32;
	return f & ~((1ull << shift) - 1);
}

static gpa_t root(const struct vcpu *v, const struct mode *m)
{
	return v->cr3 & (m == &pae ? 0xffffffe0 : ENTRY_FRAME);
}

static int walk(const struct vcpu *v, struct mem *mem, const struct mode *m,
		gva_t lin, gpa_t *gpa)
{
	gpa_t table = root(v, m);

	for (unsigned level = m->levels; level--;) {
		unsigned shift = PAGE_SHIFT + level * m->bits;
		uint64_t e = 0, index = lin >> shift & ((1u << m->bits) - 1);

		if (m == &pae && level == 2)
			index &= 3;
		if (mem_read(mem, table + index * m->entry, &e, m->entry) ||
		    !(e & ENTRY_P))
			return -EFAULT;
		if (!level || is_large(v, m, level, e)) {
			*gpa = frame(m, e, shift) |
			       (lin & ((1ull << shift) - 1));
			return 0;
		}
		table = frame(m, e, PAGE_SHIFT);
	}
	return -EFAULT;
}

int linear_to_gpa(const struct vcpu *v, struct mem *mem, gva_t lin,
		  gpa_t *gpa)
{
	const struct mode *m = mode_of(v);
	int err = 0;

	if (m != &wide)
		lin = (uint32_t)lin;
	else if ((int64_t)(lin << 16) >> 16 != (int64_t)lin)
		return -EFAULT;		/* not canonical */
	if (m)
		err = walk(v, mem, m, lin, gpa);
	else
		*gpa = lin;
	*gpa &= mem->a20_mask;
	return err;
}

static size_t to_page_end(gva_t lin, size_t len)
{
	size_t n = PAGE_SIZE - (lin & ~PAGE_MASK);

	return n < len ? n : len;
}

int linear_read(const struct vcpu *v, struct mem *mem, gva_t lin, void *buf,
		size_t len)
{
	uint8_t *p = buf;
	gpa_t gpa;

	while (len) {
		size_t n = to_page_end(lin, len);

		if (linear_to_gpa(v, mem, lin, &gpa) ||
		    mem_read(mem, gpa, p, n))
			return -EFAULT;
		lin += n;
		p += n;
		len -= n;
	}
	return 0;
}

int linear_write(const struct vcpu *v, struct mem *mem, gva_t lin,
		 const void *buf, size_t len)
{
	const uint8_t *p = buf;
	gpa_t gpa;

	while (len) {
		size_t n = to_page_end(lin, len);

		if (linear_to_gpa(v, mem, lin, &gpa) ||
		    mem_rom_load(mem, gpa, p, n))
			return -EFAULT;
		lin += n;
		p += n;
		len -= n;
	}
	return 0;
}

/*
 * All pages.
 */

struct tour {
	const struct vcpu *v;
	struct mem *mem;
	const struct mode *m;
	void (*fn)(void *opaque, const struct linear_page *p);
	void *opaque;
	uint64_t left;		/* entries to look at */
};

static gva_t canonical(const struct mode *m, gva_t lin)
{
	return m == &wide ? (gva_t)((int64_t)(lin << 16) >> 16)
			  : (uint32_t)lin;
}

/* The pages below the table at @gpa of @level, which begins at @lin. */
static void visit(struct tour *t, gpa_t table, unsigned level,
		  gva_t lin, bool user, bool write)
{
	unsigned shift = PAGE_SHIFT + level * t->m->bits;
	bool pdpt = t->m == &pae && level == 2;	/* entries without rights */
	unsigned n = pdpt ? 4 : 1u << t->m->bits;

	for (unsigned i = 0; i < n; i++) {
		gva_t at = lin + ((gva_t)i << shift);
		uint64_t e = 0;
		bool u, w;

		if (!t->left || !t->left-- ||
		    mem_read(t->mem, table + i * t->m->entry, &e,
			     t->m->entry) || !(e & ENTRY_P))
			continue;
		u = user && (pdpt || e & ENTRY_U);
		w = write && (pdpt || e & ENTRY_W);
		if (!level || is_large(t->v, t->m, level, e)) {
			struct linear_page p = {
				canonical(t->m, at), frame(t->m, e, shift),
				1ull << shift, e, u, w,
			};

			t->fn(t->opaque, &p);
		} else {
			visit(t, frame(t->m, e, PAGE_SHIFT), level - 1, at, u,
			      w);
		}
	}
}

void linear_pages(const struct vcpu *v, struct mem *mem,
		  void (*fn)(void *opaque, const struct linear_page *p),
		  void *opaque)
{
	struct tour t = { v, mem, mode_of(v), fn, opaque, ENTRIES_MAX };

	if (t.m)
		visit(&t, root(v, t.m), t.m->levels - 1, 0, true, true);
}
