/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The software TLBs of the SOFT template, and the X table of executable pages.
 *
 * Each is a flat array over the 4 GiB linear space, so there are no conflict
 * misses; a list of the filled slots makes a flush cost what was filled.  They
 * follow the architecture's TLB rules exactly: an entry lives until INVLPG of
 * its page or a flush (a global one: until a global flush), SDM Vol. 3A 4.10.
 * tag = -(page + 1), 0 when empty; add = HVA - linear address.
 */
#include <errno.h>
#include <sys/mman.h>

#include "fullvirt/bt/bt.h"

#define PTE_A	0x20ull

static uint32_t page_of(uint32_t gva)
{
	return gva >> PAGE_SHIFT;
}

int soft_init(struct bt *bt)
{
	for (int i = 0; i < 2; i++) {
		void *p = mmap(NULL, SOFT_LIST_MAX * sizeof(uint32_t),
			       PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			       -1, 0);

		if (p == MAP_FAILED)
			return -ENOMEM;
		bt->soft[i].pn = p;
	}
	return 0;
}

void soft_fini(struct bt *bt)
{
	for (int i = 0; i < 2; i++)
		if (bt->soft[i].pn)
			munmap(bt->soft[i].pn,
			       SOFT_LIST_MAX * sizeof(uint32_t));
}

static void slot_clear(struct bt *bt, uint32_t what)
{
	uint32_t pn = what & (NPAGES - 1), kind = what >> 20;

	if (kind >= SOFT_LIST_X) {
		bt_x(bt, kind - SOFT_LIST_X)[pn] = 0;
		return;
	}
	bt_tag(bt, kind)[pn] = 0;
	bt->soft_global[pn / 32] &= ~(1u << pn % 32);
}

static void list_flush(struct bt *bt, struct soft_list *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		slot_clear(bt, l->pn[i]);
	l->n = 0;
}

/* Does linear page @pn still map frame @gpfn for execution? */
static bool x_valid(struct bt *bt, uint32_t pn, uint32_t gpfn, bool user)
{
	struct x86_walk w;

	return !x86_translate_peek(&bt->x, (gva_t)pn << PAGE_SHIFT,
				   X86_ACC_EXEC | (user ? X86_ACC_USER : 0),
				   &w) &&
	       w.gpa >> PAGE_SHIFT == gpfn;
}

/*
 * TUs on global pages are entered without a check, so their X entries stay
 * as long as they are true, and their TUs die with them.
 */
static bool x_revalidate(struct bt *bt, uint32_t pn, bool user)
{
	uint32_t *x = &bt_x(bt, user)[pn];
	uint32_t gpfn = *x - 1;

	if (!*x || x_valid(bt, pn, gpfn, user))
		return *x;
	*x = 0;
	tc_kill_linear(bt, pn, gpfn);
	return false;
}

static void flush_global(struct bt *bt)
{
	struct soft_list *l = &bt->soft[1];
	uint32_t kept = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		uint32_t what = l->pn[i], kind = what >> 20;

		if (kind >= SOFT_LIST_X &&
		    x_revalidate(bt, what & (NPAGES - 1), kind - SOFT_LIST_X))
			l->pn[kept++] = what;
		else if (kind < SOFT_LIST_X)
			slot_clear(bt, what);
	}
	l->n = kept;
}

void soft_flush(struct bt *bt, bool global_too)
{
	bt->stats.soft_flushes++;
	list_flush(bt, &bt->soft[0]);
	if (global_too)
		flush_global(bt);
}

/* More executable global pages than the list holds: forget them all. */
static void x_forget(struct bt *bt, struct soft_list *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		uint32_t pn = l->pn[i] & (NPAGES - 1);
		uint32_t *x = &bt_x(bt, (l->pn[i] >> 20) - SOFT_LIST_X)[pn];
		uint32_t gpfn = *x - 1;

		*x = 0;
		tc_kill_linear(bt, pn, gpfn);
	}
	l->n = 0;
}

static void list_add(struct bt *bt, bool global, uint32_t what)
{
	struct soft_list *l = &bt->soft[global];

	if (l->n == SOFT_LIST_MAX) {
		soft_flush(bt, true);
		bt_rstack_reset(bt);
	}
	if (l->n == SOFT_LIST_MAX)
		x_forget(bt, l);
	l->pn[l->n++] = what;
}

static bool page_drop(struct bt *bt, uint32_t pn)
{
	bool code = bt_x(bt, false)[pn] | bt_x(bt, true)[pn];

	for (unsigned k = 0; k < SOFT_KINDS; k++)
		bt_tag(bt, k)[pn] = 0;
	if (code) {
		x_revalidate(bt, pn, false);
		x_revalidate(bt, pn, true);
	}
	return code;
}

/* INVLPG drops all of a large page, SDM Vol. 2A. */
bool soft_invlpg(struct bt *bt, uint32_t gva)
{
	uint32_t pn = page_of(gva), n = 1;
	bool code = false;

	if (bt->big[gva >> 22]) {
		n = 1024;
		pn &= ~(n - 1);
	}
	while (n--)
		code |= page_drop(bt, pn++);
	return code;
}

static void fill(struct bt *bt, enum soft_kind k, uint32_t gva, gpa_t gpa,
		 bool global)
{
	uint32_t pn = page_of(gva);
	int32_t tag = -(int32_t)(pn + 1);

	if (bt_tag(bt, k)[pn] != tag)
		list_add(bt, global, pn | k << 20);
	if (global)
		bt->soft_global[pn / 32] |= 1u << pn % 32;
	bt_add(bt, k)[pn] = (uint64_t)mem_hva(bt->mem, gpa & PAGE_MASK) -
			    (gva & (uint32_t)PAGE_MASK);
	bt_tag(bt, k)[pn] = tag;
}

/*
 * Walk the guest's tables for @gva as @user or supervisor and cache what the
 * walk allows.  Returns false if the access cannot be made directly: @w then
 * says why (a page fault, or a page that is a device, ROM or traced).
 */
bool soft_fill(struct bt *bt, uint32_t gva, bool user, bool write,
	       struct x86_walk *w)
{
	enum soft_kind k = user ? SOFT_UR : SOFT_KR;
	uint8_t flags;

	w->error = 0;
	if (x86_translate(&bt->x, gva, (write ? X86_ACC_WRITE : 0) |
			  (user ? X86_ACC_USER : 0), w)) {
		w->error |= 0x80000000u;
		return false;
	}
	flags = mem_flags(bt->mem, w->gpa);
	if (!(flags & (MEM_RAM | MEM_ROM)))
		return false;
	if (write && (!(flags & MEM_RAM) || flags & MEM_TRACED))
		return false;
	if (w->page_shift > PAGE_SHIFT)
		bt->big[gva >> 22] = true;
	fill(bt, k, gva, w->gpa, w->global);
	if ((write || w->writable) && flags & MEM_RAM && !(flags & MEM_TRACED))
		fill(bt, k + 1, gva, w->gpa, w->global);
	bt->stats.soft_fills++;
	return true;
}

static bool cached(struct bt *bt, enum soft_kind k, uint32_t pn)
{
	return bt_tag(bt, k)[pn] == -(int32_t)(pn + 1);
}

/*
 * Give entries @k and @k + 1 of page @pn, as far as they are there, what the
 * tables say now, if that needs no A or D to be set; else drop them.  They stay
 * on the lists that they are on, so a page that ceases to be global is dropped.
 */
static void renew(struct bt *bt, enum soft_kind k, uint32_t pn, bool user)
{
	uint32_t gva = pn << PAGE_SHIFT;
	uint8_t flags = 0;
	struct x86_walk w;
	uint64_t add;

	if (!x86_translate_peek(&bt->x, gva, user ? X86_ACC_USER : 0, &w) &&
	    w.page_shift == PAGE_SHIFT && w.pte & PTE_A &&
	    (w.global || !(bt->soft_global[pn / 32] >> pn % 32 & 1)))
		flags = mem_flags(bt->mem, w.gpa);
	if (!(flags & MEM_RAM)) {
		bt_tag(bt, k)[pn] = bt_tag(bt, k + 1)[pn] = 0;
		return;
	}
	add = (uint64_t)mem_hva(bt->mem, w.gpa & PAGE_MASK) - gva;
	bt_add(bt, k)[pn] = add;
	if (w.writable && !(flags & MEM_TRACED))
		bt_add(bt, k + 1)[pn] = add;
	else
		bt_tag(bt, k + 1)[pn] = 0;
	bt->stats.soft_fills++;
}

bool soft_renew(struct bt *bt, uint32_t gva)
{
	uint32_t pn = page_of(gva);

	if (bt->big[gva >> 22] || bt_x(bt, false)[pn] | bt_x(bt, true)[pn] ||
	    !(bt->v.cr0 & CR0_PG))
		return soft_invlpg(bt, gva);
	if (cached(bt, SOFT_UR, pn) || cached(bt, SOFT_UW, pn))
		renew(bt, SOFT_UR, pn, true);
	if (cached(bt, SOFT_KR, pn) || cached(bt, SOFT_KW, pn))
		renew(bt, SOFT_KR, pn, false);
	return false;
}

/* Take write access to frame @gpfn out of the TLBs: it is traced now. */
void soft_protect(struct bt *bt, uint32_t gpfn)
{
	uint64_t hva = (uint64_t)mem_hva(bt->mem, (gpa_t)gpfn << PAGE_SHIFT);

	for (int g = 0; g < 2; g++) {
		struct soft_list *l = &bt->soft[g];

		for (uint32_t i = 0; i < l->n; i++) {
			uint32_t pn = l->pn[i] & (NPAGES - 1);
			uint32_t k = l->pn[i] >> 20;

			if (k != SOFT_KW && k != SOFT_UW)
				continue;
			if (bt_add(bt, k)[pn] + ((uint64_t)pn << PAGE_SHIFT) ==
			    hva)
				bt_tag(bt, k)[pn] = 0;
		}
	}
}

void soft_x_fill(struct bt *bt, uint32_t gva, uint32_t gpfn, bool user,
		 bool global)
{
	uint32_t pn = page_of(gva);

	if (!bt_x(bt, user)[pn])
		list_add(bt, global, pn | (SOFT_LIST_X + user) << 20);
	bt_x(bt, user)[pn] = gpfn + 1;
}

/* x86_hooks.hva: the interpreter shares the TLBs. */
void *soft_hva(void *opaque, gva_t gva, unsigned size, unsigned access)
{
	struct bt *bt = opaque;
	enum soft_kind k = access & X86_ACC_USER ? SOFT_UR : SOFT_KR;
	uint32_t pn = page_of(gva);
	struct x86_walk w;

	if (access & X86_ACC_EXEC)
		return NULL;
	k += !!(access & X86_ACC_WRITE);
	if (bt_tag(bt, k)[pn] == -(int32_t)(pn + 1))
		return (uint8_t *)bt_add(bt, k)[pn] + (uint32_t)gva;
	if (!soft_fill(bt, gva, access & X86_ACC_USER, access & X86_ACC_WRITE,
		       &w))
		return NULL;
	return (uint8_t *)bt_add(bt, k)[pn] + (uint32_t)gva;
}
