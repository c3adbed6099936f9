/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's page tables: 32-bit, PSE and PAE.
 *
 * Intel SDM Vol. 3A 4.3 (32-bit paging), 4.4 (PAE), 4.6 (access rights),
 * 4.7 (error codes), 4.8 (accessed and dirty flags).
 */
#include <errno.h>

#include "fullvirt/x86/priv.h"

#define PTE_P		(1ULL << 0)
#define PTE_RW		(1ULL << 1)
#define PTE_US		(1ULL << 2)
#define PTE_A		(1ULL << 5)
#define PTE_D		(1ULL << 6)
#define PTE_PS		(1ULL << 7)
#define PTE_G		(1ULL << 8)
#define PTE_NX		(1ULL << 63)
#define PTE_ADDR	0x000ffffffffff000ULL

/* CPUID.80000008H says 36 physical bits. */
#define PHYS_BITS	36
#define PAE_RSVD	(PTE_ADDR & ~((1ULL << PHYS_BITS) - 1))
#define PAE_RSVD_HIGH	(0x7ffULL << 52)
/* 4 MiB pages, PSE-36: bits 13..16 are address bits 32..35. */
#define PSE_RSVD	0x3e0000ULL

struct level {
	gpa_t gpa;		/* of the entry */
	uint64_t val;
};

struct walk {
	struct x86 *x;
	struct x86_walk *w;
	struct level lv[2];	/* directory entry, table entry */
	unsigned n;
	unsigned access;
	bool pae, nxe;
};

static uint64_t entry_read(const struct walk *k, gpa_t gpa)
{
	struct mem *m = k->x->mem;
	unsigned size = k->pae ? 8 : 4;

	if (mem_backed(m, gpa))
		return load_raw(mem_hva(m, gpa), size);
	x86_bus_enter(k->x);
	return mem_mmio_read(m, gpa, size);
}

/* Set @bits in an entry that still holds @l->val; false if it changed. */
static bool entry_set(const struct walk *k, struct level *l, uint64_t bits)
{
	struct mem *m = k->x->mem;
	uint64_t old = l->val, new = old | bits;
	uint8_t *p = mem_hva(m, l->gpa);

	if (old == new)
		return true;
	l->val = new;
	if (!(mem_flags(m, l->gpa) & MEM_RAM))
		return true;
	mem_note_write(m, l->gpa, k->pae ? 8 : 4);
	if (k->pae)
		return __atomic_compare_exchange_n((uint64_t *)p, &old, new,
						   false, __ATOMIC_SEQ_CST,
						   __ATOMIC_SEQ_CST);
	return __atomic_compare_exchange_n((uint32_t *)p, &(uint32_t){ old },
					   (uint32_t)new, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static int walk_fail(struct walk *k, uint32_t bits)
{
	k->w->error = bits | (k->access & X86_ACC_WRITE ? PFERR_W : 0) |
		      (k->access & X86_ACC_USER ? PFERR_U : 0) |
		      (k->access & X86_ACC_EXEC && k->nxe ? PFERR_I : 0);
	return -1;
}

static bool reserved(const struct walk *k, uint64_t e, bool large)
{
	if (!k->pae)
		return large && (e & PSE_RSVD);
	if (e & (PAE_RSVD | PAE_RSVD_HIGH) || (e & PTE_NX && !k->nxe))
		return true;
	return large && (e & 0x1fe000);
}

/* Read one entry; *@large tells that it maps a page itself. */
static int entry_next(struct walk *k, gpa_t gpa, bool may_be_large,
		      bool *large)
{
	struct level *l = &k->lv[k->n++];

	l->gpa = gpa & k->x->mem->a20_mask;
	l->val = entry_read(k, l->gpa);
	if (!(l->val & PTE_P))
		return walk_fail(k, 0);
	*large = may_be_large && (l->val & PTE_PS);
	if (reserved(k, l->val, *large))
		return walk_fail(k, PFERR_P | PFERR_RSVD);
	return 0;
}

gpa_t x86_directory_entry(const struct x86 *x, uint32_t gva)
{
	const struct vcpu *v = x->v;
	gpa_t at = (v->cr3 & 0xfffff000) + (gva >> 22) * 4;

	if (v->cr4 & CR4_PAE) {
		uint64_t pdpte = v->pdpte[gva >> 30];

		if (!(pdpte & PTE_P))
			return X86_NOWHERE;
		at = (pdpte & PTE_ADDR) + (gva >> 21 & 511) * 8;
	}
	return at & x->mem->a20_mask;
}

/* Directory and table entries of @gva into k->lv. */
static int walk_levels(struct walk *k, uint32_t gva, bool *large)
{
	bool pse = k->pae || (k->x->v->cr4 & CR4_PSE), ignored;
	gpa_t dir = x86_directory_entry(k->x, gva);

	if (dir == X86_NOWHERE)
		return walk_fail(k, 0);
	if (entry_next(k, dir, pse, large))
		return -1;
	if (*large)
		return 0;
	return entry_next(k, (k->lv[0].val & PTE_ADDR) +
			  (k->pae ? (gva >> 12 & 511) * 8 :
			   (gva >> 12 & 1023) * 4), false, &ignored);
}

static void walk_frame(const struct walk *k, uint32_t gva, bool large)
{
	uint64_t leaf = k->lv[k->n - 1].val;
	struct x86_walk *w = k->w;

	w->page_shift = !large ? 12 : k->pae ? 21 : 22;
	if (large && !k->pae)
		w->gpa = (leaf & 0xffc00000) | (leaf & 0x1e000) << 19;
	else
		w->gpa = leaf & PTE_ADDR & ~((1ULL << w->page_shift) - 1);
	w->gpa |= gva & ((1u << w->page_shift) - 1);
	w->gpa &= k->x->mem->a20_mask;
}

/* Rights over all levels; 0 or walk_fail(). */
static int walk_rights(struct walk *k)
{
	const struct vcpu *v = k->x->v;
	uint64_t leaf = k->lv[k->n - 1].val, and = leaf, or = leaf;
	struct x86_walk *w = k->w;
	bool user = k->access & X86_ACC_USER;

	for (unsigned n = 0; n < k->n; n++) {
		and &= k->lv[n].val;
		or |= k->lv[n].val;
	}
	w->user = and & PTE_US;
	w->rw = and & PTE_RW;
	w->exec = !(k->pae && k->nxe && (or & PTE_NX));
	w->global = (v->cr4 & CR4_PGE) && (leaf & PTE_G);
	w->writable = w->rw || (!user && !(v->cr0 & CR0_WP));
	if ((user && !w->user) ||
	    (k->access & X86_ACC_WRITE && !w->writable) ||
	    (k->access & X86_ACC_EXEC && !w->exec))
		return walk_fail(k, PFERR_P);
	return 0;
}

static bool walk_set_ad(struct walk *k)
{
	for (unsigned n = 0; n < k->n; n++) {
		bool leaf = n == k->n - 1;

		if (!entry_set(k, &k->lv[n], PTE_A |
			       (leaf && k->access & X86_ACC_WRITE ? PTE_D : 0)))
			return false;
	}
	return true;
}

static int walk_unpaged(const struct x86 *x, gva_t gva, struct x86_walk *w)
{
	*w = (struct x86_walk){ .gpa = (uint32_t)gva & x->mem->a20_mask,
				.page_shift = 12, .writable = true, .user = true, .rw = true,
				.exec = true };
	return 0;
}

static int walk_tables(struct x86 *x, gva_t gva, unsigned access,
		       struct x86_walk *w, bool update)
{
	struct walk k;
	bool large = false;

	do {
		*w = (struct x86_walk){ 0 };
		k = (struct walk){ .x = x, .w = w, .access = access,
				   .pae = x->v->cr4 & CR4_PAE };
		k.nxe = k.pae && (x->v->msr.efer & EFER_NX);
		if (walk_levels(&k, gva, &large) || walk_rights(&k))
			return -EFAULT;
	} while (update && !walk_set_ad(&k));
	walk_frame(&k, gva, large);
	w->pte = k.lv[k.n - 1].val;
	w->pte_gpa = k.lv[k.n - 1].gpa;
	w->pde_gpa = k.lv[0].gpa;
	w->writable &= !!(w->pte & PTE_D);
	return 0;
}

int x86_translate(struct x86 *x, gva_t gva, unsigned access,
		  struct x86_walk *w)
{
	if (!(x->v->cr0 & CR0_PG))
		return walk_unpaged(x, gva, w);
	return walk_tables(x, gva, access, w, true);
}

int x86_translate_peek(struct x86 *x, gva_t gva, unsigned access,
		       struct x86_walk *w)
{
	if (!(x->v->cr0 & CR0_PG))
		return walk_unpaged(x, gva, w);
	return walk_tables(x, gva, access, w, false);
}
