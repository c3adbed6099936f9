/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules about page tables: each frame is known as a table of some level
 * from AllocatePage to ReleasePage.  A guest that never declares one is not
 * held to it (the feature word may have told it not to).
 */
#include <string.h>

#include "tools/lib/vmi_check_priv.h"

#define PTE_P		1u
#define PTE_PS		0x80u
#define ENTRIES		1024u		/* of a page, 4-byte */
#define SET_FLAGS	(VMI_LEVEL_MASK | VMI_PTE_CURRENT_AS | VMI_PTE_DEFER | \
			 VMI_PTE_VA_MASK)
#define BATCH_FLAGS	(SET_FLAGS | VMI_PTE_INVAL | VMI_PTE_LONG | \
			 VMI_PTE_STORED)
#define PAGE_FLAGS	(VMI_LEVEL_MASK | VMI_PAGE_PAE | VMI_PAGE_CLONE | \
			 VMI_PAGE_ZEROED)
#define PDPT_ENTRIES	4u
#define UPDATES_LOOKED_AT 512u		/* of one batch */

/* One page-table entry that a call names. */
struct entry {
	uint32_t ptep, flags;
	unsigned size;		/* 4 or 8 bytes */
	uint32_t known;		/* flags that this call has */
};

static bool one_level(uint32_t flags)
{
	uint32_t level = flags & VMI_LEVEL_MASK;

	return level && !(level & (level - 1));
}

static uint8_t frame(const struct vmi_check *c, uint64_t pfn)
{
	return pfn < c->nframes ? c->frames[pfn] : 0;
}

/* PAE roots are declared as directories; their entries may say either. */
static bool level_fits(uint8_t known, uint32_t level)
{
	uint32_t declared = known & VMI_LEVEL_MASK;

	if (declared == level)
		return true;
	return known & FRAME_PAE && declared == VMI_LEVEL_PD &&
	       level == VMI_LEVEL_PDP;
}

/* Bits of an address that an entry of this level translates. */
static bool va_fits(const struct entry *e)
{
	uint32_t va = e->flags & VMI_PTE_VA_MASK;
	uint32_t index = (e->ptep & 0xfff) / e->size;

	switch (e->flags & VMI_LEVEL_MASK) {
	case VMI_LEVEL_PT:
		return (va >> 12 & (4096 / e->size - 1)) == index;
	case VMI_LEVEL_PD:
		return e->size == 4 ? va >> 22 == index
				    : (va >> 21 & 511) == index;
	default:
		return true;
	}
}

static void check_flags(struct vmi_check *c, const struct vmi_seen *s,
			const struct entry *e)
{
	bool current = e->flags & VMI_PTE_CURRENT_AS;

	if (e->flags & ~e->known || !one_level(e->flags) ||
	    (e->flags & VMI_PTE_DEFER && !current))
		check_broken(c, VMI_RULE_PTE_FLAGS, s, "flags %08x", e->flags);
	else if (current && !va_fits(e))
		check_broken(c, VMI_RULE_PTE_VA, s, "entry %08x, flags %08x",
			     e->ptep, e->flags);
}

static void check_frame(struct vmi_check *c, const struct vmi_seen *s,
			const struct entry *e, uint64_t pfn)
{
	uint8_t known = frame(c, pfn);

	if (!(known & FRAME_TABLE)) {
		check_broken(c, known & FRAME_RELEASED ? VMI_RULE_PTE_RELEASED
						       : VMI_RULE_PTE_UNDECLARED,
			     s, "entry %08x in frame %llx", e->ptep,
			     (unsigned long long)pfn);
		return;
	}
	if (e->size != (known & FRAME_PAE ? 8 : 4))
		check_broken(c, VMI_RULE_PTE_SIZE, s, "entry %08x, %u bytes",
			     e->ptep, e->size);
	if (one_level(e->flags) &&
	    !level_fits(known, e->flags & VMI_LEVEL_MASK))
		check_broken(c, VMI_RULE_PTE_LEVEL, s,
			     "entry %08x: level %x in a page of level %x",
			     e->ptep, e->flags & VMI_LEVEL_MASK,
			     known & VMI_LEVEL_MASK);
}

static void check_pte(struct vmi_check *c, const struct vmi_seen *s,
		      uint32_t ptep, uint32_t flags, unsigned size,
		      uint32_t known)
{
	struct entry e = { ptep, flags, size, known };
	gpa_t gpa;

	check_flags(c, s, &e);
	if (ptep & (size - 1)) {
		check_broken(c, VMI_RULE_PTE_UNALIGNED, s, "entry %08x", ptep);
		return;
	}
	if (!check_translate(c, s->v, ptep, &gpa))
		check_broken(c, VMI_RULE_PTE_UNMAPPED, s, "entry %08x", ptep);
	else if (c->tracking)
		check_frame(c, s, &e, gpa >> PAGE_SHIFT);
}

/* ---- Batches ----------------------------------------------------------------- */

static void check_batch(struct vmi_check *c, const struct vmi_seen *s)
{
	uint32_t va = s->eax, n = s->edx;

	if (va & 3 || !n) {
		check_broken(c, VMI_RULE_BATCH, s, "%u at %08x", n, va);
		return;
	}
	for (uint32_t i = 0; i < n && i < UPDATES_LOOKED_AT; i++) {
		struct vmi_pxe_update u;

		if (!vmi_read(c->mem, s->v, va + i * sizeof(u), &u,
			      sizeof(u))) {
			check_broken(c, VMI_RULE_BATCH, s, "update %u at %08x",
				     i, va);
			return;
		}
		check_pte(c, s, u.ptep, u.flags,
			  u.flags & VMI_PTE_LONG ? 8 : 4, BATCH_FLAGS);
	}
}

/* ---- Pages ------------------------------------------------------------------- */

static bool page_flags_ok(struct vmi_check *c, const struct vmi_seen *s)
{
	if (s->eax >= c->nframes ||
	    !(mem_flags(c->mem, (gpa_t)s->eax << PAGE_SHIFT) & MEM_RAM)) {
		check_broken(c, VMI_RULE_PAGE_RANGE, s, "frame %x", s->eax);
		return false;
	}
	if (s->edx & ~PAGE_FLAGS || !one_level(s->edx)) {
		check_broken(c, VMI_RULE_PAGE_FLAGS, s, "flags %x", s->edx);
		return false;
	}
	return true;
}

static void check_clone(struct vmi_check *c, const struct vmi_seen *s)
{
	uint32_t entries = s->edx & VMI_PAGE_PAE ? 512 : ENTRIES;

	if (!(frame(c, s->ecx) & FRAME_TABLE) || s->stack[0] >= entries ||
	    s->stack[1] > entries - s->stack[0])
		check_broken(c, VMI_RULE_PAGE_CLONE, s,
			     "of %x, entries %u + %u", s->ecx, s->stack[0],
			     s->stack[1]);
}

static void allocate(struct vmi_check *c, const struct vmi_seen *s)
{
	if (!page_flags_ok(c, s))
		return;
	if (frame(c, s->eax) & FRAME_TABLE)
		check_broken(c, VMI_RULE_PAGE_TWICE, s, "frame %x", s->eax);
	if (s->edx & VMI_PAGE_CLONE)
		check_clone(c, s);
	c->tracking = true;
	c->frames[s->eax] = (s->edx & (VMI_LEVEL_MASK | VMI_PAGE_PAE)) |
		FRAME_TABLE;
}

/* Does the directory at @gpa have a present entry for @pfn? */
static bool refers(struct vmi_check *c, gpa_t gpa, uint64_t pfn, unsigned size)
{
	uint64_t page[512];

	if (mem_read(c->mem, gpa & PAGE_MASK, page, sizeof(page)))
		return false;
	for (unsigned i = 0; i < 4096 / size; i++) {
		uint64_t e = size == 8 ? page[i] : ((uint32_t *)page)[i];

		if (e & PTE_P && !(e & PTE_PS) &&
		    (e >> PAGE_SHIFT & 0xffffffffffull) == pfn)
			return true;
	}
	return false;
}

static bool in_use(struct vmi_check *c, const struct vcpu *v, uint64_t pfn)
{
	uint64_t pdpt[PDPT_ENTRIES];

	if (v->cr3 >> PAGE_SHIFT == pfn)
		return true;
	if (!(v->cr4 & CR4_PAE))
		return refers(c, v->cr3, pfn, 4);
	if (mem_read(c->mem, v->cr3 & 0xffffffe0u, pdpt, sizeof(pdpt)))
		return false;
	for (unsigned i = 0; i < PDPT_ENTRIES; i++)
		if (pdpt[i] & PTE_P &&
		    (pdpt[i] >> PAGE_SHIFT == pfn ||
		     refers(c, pdpt[i] & 0xffffff000ull, pfn, 8)))
			return true;
	return false;
}

static void release(struct vmi_check *c, const struct vmi_seen *s)
{
	if (!page_flags_ok(c, s))
		return;
	if (!(frame(c, s->eax) & FRAME_TABLE))
		check_broken(c, VMI_RULE_PAGE_UNKNOWN, s, "frame %x", s->eax);
	else if (in_use(c, s->v, s->eax))
		check_broken(c, VMI_RULE_PAGE_IN_USE, s, "frame %x, CR3 %08x",
			     s->eax, (uint32_t)s->v->cr3);
	c->frames[s->eax] = FRAME_RELEASED;
}

/* PAE roots of 32 bytes were never declared by kernels before 2.6.25. */
void check_root(struct vmi_check *c, const struct vmi_seen *s, uint32_t cr3)
{
	uint8_t known = frame(c, cr3 >> PAGE_SHIFT);

	if (!c->tracking || known & FRAME_TABLE)
		return;
	if (known & FRAME_RELEASED)
		check_broken(c, VMI_RULE_ROOT_RELEASED, s, "CR3 %08x", cr3);
	else if (!(s->v->cr4 & CR4_PAE))
		check_broken(c, VMI_RULE_ROOT_UNDECLARED, s, "CR3 %08x", cr3);
}

void check_mmu_call(struct vmi_check *c, const struct vmi_seen *s)
{
	switch (s->nr) {
	case VMI_CALL_SET_PXE:
		check_pte(c, s, s->edx, s->ecx, 4, SET_FLAGS);
		break;
	case VMI_CALL_SET_PXE_LONG:
		check_pte(c, s, s->ecx, s->stack[0], 8, SET_FLAGS);
		break;
	case VMI_CALL_UPDATE_PXE:
		check_pte(c, s, s->eax, s->edx, 4, SET_FLAGS);
		break;
	case VMI_CALL_UPDATE_PXE_LONG:
		check_pte(c, s, s->eax, s->edx, 8, SET_FLAGS);
		break;
	case VMI_CALL_SET_PXE_BATCH:
		check_batch(c, s);
		break;
	case VMI_CALL_ALLOCATE_PAGE:
		allocate(c, s);
		break;
	case VMI_CALL_RELEASE_PAGE:
		release(c, s);
		break;
	case VMI_CALL_SET_CR3:
		check_root(c, s, s->eax);
		break;
	case VMI_CALL_FLUSH_TLB:
		if (!(s->eax & VMI_FLUSH_TLB) ||
		    s->eax & ~(VMI_FLUSH_TLB | VMI_FLUSH_GLOBAL))
			check_broken(c, VMI_RULE_TLB_FLAGS, s, "flags %x",
				     s->eax);
		break;
	case VMI_CALL_SET_LINEAR_MAPPING:
		if (s->eax >= VMI_LINEAR_MAP_SLOTS)
			check_broken(c, VMI_RULE_SLOT, s, "slot %u", s->eax);
		break;
	}
}
