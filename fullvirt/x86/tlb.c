/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interpreter's own translation cache, direct-mapped, one array for each
 * use (read, write, execute) and privilege.
 *
 * An entry exists only where the access needs no more work: rights checked,
 * A (and D for writes) set, page backed, and writable RAM for TLB_WRITE.  A
 * flush starts a new generation.  With hooks->hva set nothing is cached here:
 * the owner of the hook knows more about stale translations than we do.
 */
#include "fullvirt/x86/priv.h"

#define CR0_PAGING	(CR0_PE | CR0_WP | CR0_PG)
#define CR4_PAGING	(CR4_PSE | CR4_PAE | CR4_PGE)

/* Everything that entries depend on, besides the tables themselves. */
static struct tlb_context context_now(const struct x86 *x)
{
	const struct vcpu *v = x->v;

	return (struct tlb_context){
		.cr3 = v->cr3, .cr0 = v->cr0 & CR0_PAGING,
		.cr4 = (v->cr4 & CR4_PAGING) |
		       (uint64_t)(v->msr.efer & EFER_NX) << 32,
	};
}

void x86_tlb_flush(struct x86 *x)
{
	x->cache->tlb_gen += 1ULL << TLB_GEN_SHIFT;
	x->cache->tlb_large = false;
	x->cache->tlb_context = context_now(x);
}

/* Flush if somebody else changed what the entries were made under. */
void x86_tlb_context(struct x86 *x)
{
	struct tlb_context now = context_now(x), *old = &x->cache->tlb_context;

	if (now.cr3 != old->cr3 || now.cr0 != old->cr0 || now.cr4 != old->cr4)
		x86_tlb_flush(x);
}

void x86_tlb_invlpg(struct x86 *x, gva_t gva)
{
	struct x86_decode_cache *c = x->cache;
	unsigned idx = (gva >> PAGE_SHIFT) & (TLB_SIZE - 1);

	if (c->tlb_large) {
		x86_tlb_flush(x);
		return;
	}
	for (unsigned user = 0; user < 2; user++)
		for (unsigned use = 0; use < TLB_USES; use++)
			c->tlb[user][use][idx].tag = ~0ULL;
}

static const uint8_t use_access[TLB_USES] = {
	[TLB_READ] = X86_ACC_READ,
	[TLB_WRITE] = X86_ACC_WRITE,
	[TLB_EXEC] = X86_ACC_EXEC,
};

uint8_t *x86_lin_slow(struct x86 *x, gva_t gva, enum tlb_use use, bool user,
		      unsigned size, gpa_t *gpa)
{
	uint32_t lin = gva;
	struct x86_decode_cache *c = x->cache;
	unsigned access = use_access[use] | (user ? X86_ACC_USER : 0);
	bool hooked = x->hooks && x->hooks->hva;
	struct tlb_entry *e;
	struct x86_walk w;
	uint8_t flags;

	if (hooked) {
		uint8_t *p = x->hooks->hva(x->opaque, lin, size, access);

		if (p)
			return p;
	}
	if (x86_translate(x, lin, access, &w))
		x86_fault_page(x, lin, w.error);
	*gpa = w.gpa;
	flags = mem_flags(x->mem, w.gpa);
	if (use == TLB_WRITE ? !(flags & MEM_RAM) || (flags & MEM_TRACED) :
	    !(flags & (MEM_RAM | MEM_ROM)))
		return NULL;
	if (!hooked) {
		e = &c->tlb[user][use][(lin >> PAGE_SHIFT) & (TLB_SIZE - 1)];
		e->tag = (lin >> PAGE_SHIFT) | c->tlb_gen;
		e->gpa = w.gpa & PAGE_MASK;
		e->hva = mem_hva(x->mem, e->gpa);
		c->tlb_large |= w.page_shift > PAGE_SHIFT;
	}
	return mem_hva(x->mem, w.gpa);
}
