/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Windows: 4 GiB host reservations that stand for guest linear spaces, filled
 * with mappings of the memfd on demand.
 *
 * There is one window for supervisor code and one for each address space that
 * has earned it (see root_graduate).  The supervisor window holds the
 * supervisor's pages (or the identity map, unpaged) and survives every CR3
 * load: global pages need not be looked at then, others are.  User memory is
 * SOFT's there.
 *
 * A window is a TLB that outlives flushes: each mapping remembers the guest
 * page-table entries that it was made from, and a flush compares them and
 * drops what has changed.  No page table of the guest is ever traced, and
 * stores to them cost nothing extra (SDM Vol. 3A 4.10.4.3 allows translations
 * to be stale until then).
 *
 * Invariants: index[page] is the position in maps[] plus 1 of the mapping that
 * covers it, 0 where the host has PROT_NONE; a traced page is never mapped
 * writable.
 */
#include <errno.h>
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fullvirt/bt/bt.h"
#include "hypervisor/clock.h"

#define WINDOW_SIZE	(4 * GIB)
#define UNPAGED		(~0ull)
#define FAULT_AROUND	15u	/* pages */
#define ROOM		(2 * (FAULT_AROUND + 1) + 2) /* mappings of one fault */
#define UNPAGED_PAGES	1024u	/* mapped per fault while PG = 0 */
#define VMAS_EMPTY	2u	/* a window without mappings */
#define GONE_MAX	512u	/* evicted or not true, in a second: 0.6 % */
#define SHUT_NS		NS_PER_SEC	/* the first time, see locals_shut() */
#define SHUT_MAX	6u	/* that it doubles */
#define CALM_NS		(16 * NS_PER_SEC) /* after it, as if never shut */
#define RESTART_NS	NS_PER_SEC	/* at least, between two of start_over() */
#define MOVES_MAX	6u	/* of a page by the guest, see give_up() */
#define PAGING_MODE0	(CR0_PG | CR0_WP)
#define PAGING_MODE4	(CR4_PAE | CR4_PSE | CR4_SMEP)
#define PTE_IGNORED	0xe00ull	/* software's */
#define PTE_A		0x20ull
#define PTE_D		0x40ull

static uint32_t paging_mode(const struct bt *bt)
{
	return (bt->v.cr0 & PAGING_MODE0) ^ (bt->v.cr4 & PAGING_MODE4) ^
	       (uint32_t)(bt->v.msr.efer & EFER_NX) << 2;
}

int window_init(struct bt *bt, struct window *w)
{
	uint8_t *p = mmap(NULL, WINDOW_SIZE + 2 * WINDOW_GUARD, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	w->base = p + WINDOW_GUARD;
	w->index = mmap(NULL, NPAGES * sizeof(*w->index),
			PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (w->index == MAP_FAILED) {
		munmap(p, WINDOW_SIZE + 2 * WINDOW_GUARD);
		w->base = NULL;
		return -ENOMEM;
	}
	w->nmaps = w->cap = w->vmas = 0;
	w->maps = NULL;
	w->mode = paging_mode(bt);
	bt->vmas += VMAS_EMPTY;
	return 0;
}

void window_fini(struct bt *bt, struct window *w)
{
	if (!w->base)
		return;
	bt_fpu_save(bt);
	munmap(w->base - WINDOW_GUARD, WINDOW_SIZE + 2 * WINDOW_GUARD);
	munmap(w->index, NPAGES * sizeof(*w->index));
	bt->vmas -= w->vmas + VMAS_EMPTY;
	free(w->maps);
	*w = (struct window){ 0 };
}

static void index_set(struct window *w, uint32_t pn, uint32_t n, uint32_t v)
{
	for (uint32_t i = 0; i < n; i++)
		w->index[pn + i] = v;
}

/* What the guest may not reach any more must not stay mapped. */
static void unmap(uint8_t *at, uint64_t len)
{
	if (mmap(at, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
		 MAP_NORESERVE | MAP_FIXED, -1, 0) != MAP_FAILED)
		return;
	perror("umbra: bt: the host does not unmap guest pages "
	       "(lower bt.vma_budget)");
	abort();
}

void window_drop_all(struct bt *bt, struct window *w)
{
	if (!w->base)
		return;
	unmap(w->base, WINDOW_SIZE);
	madvise(w->index, NPAGES * sizeof(*w->index), MADV_DONTNEED);
	bt->vmas -= w->vmas;
	bt->stats.unmaps += w->nmaps;
	w->nmaps = w->vmas = 0;
	w->mode = paging_mode(bt);
}

static uint8_t *linear(struct window *w, uint32_t pn)
{
	return w->base + ((uint64_t)pn << PAGE_SHIFT);
}

/*
 * The host's mappings that pages [@pn, @pn + @n), not counted yet or no longer,
 * add to those around them: one for themselves, one for what divides the
 * unmapped range that they lie in, unless a neighbour has ended it already.
 * The host needs fewer where it can merge neighbours.
 */
static uint32_t vmas_of(const struct window *w, uint32_t pn, uint32_t n)
{
	bool before = pn && w->index[pn - 1];
	bool behind = pn + n < NPAGES && w->index[pn + n];

	return 2 - before - behind;
}

static void count_vmas(struct bt *bt, struct window *w, int32_t more)
{
	w->vmas += more;
	bt->vmas += more;
}

/* Each mprotect() inside of @m cuts two mappings off, up to one for a page. */
static uint32_t split(struct wmap *m)
{
	uint32_t was = m->splits;

	m->splits = was + 2 < m->npages ? was + 2 : m->npages - 1;
	return m->splits - was;
}

static void map_drop(struct bt *bt, struct window *w, uint32_t at)
{
	struct wmap *m = &w->maps[at];
	struct wmap *last = &w->maps[w->nmaps - 1];

	unmap(linear(w, m->pn), (uint64_t)m->npages << PAGE_SHIFT);
	index_set(w, m->pn, m->npages, 0);
	count_vmas(bt, w, -(vmas_of(w, m->pn, m->npages) + m->splits));
	if (m != last) {
		*m = *last;
		index_set(w, m->pn, m->npages, at + 1);
	}
	w->nmaps--;
	bt->stats.unmaps++;
}

static bool read_only(struct bt *bt, uint32_t gpfn)
{
	return bt->mem->flags[gpfn] & (MEM_TRACED | MEM_ROM);
}

/* False if the host refuses; then @m must not stay. */
static bool protect_traced(struct bt *bt, struct window *w, struct wmap *m)
{
	for (uint32_t i = 0, n; i < m->npages; i += n) {
		for (n = 0; i + n < m->npages && read_only(bt, m->gpfn + i + n);
		     n++)
			;
		if (n && mprotect(linear(w, m->pn + i),
				  (uint64_t)n << PAGE_SHIFT, PROT_READ))
			return false;
		if (n)
			split(m);
		n += !n;
	}
	return true;
}

/* With line 20 closed, neighbours need not be neighbours on the bus. */
static bool a20_open(const struct bt *bt)
{
	return bt->mem->a20_mask == ~0ULL;
}

/* Do the frames @gpfn and the next lie side by side in the memfd? */
static bool side_by_side(struct bt *bt, uint32_t gpfn)
{
	return mem_contiguous(bt->mem, gpfn, 2);
}

/* The run of pages around @pn that one host call can map. */
static struct wmap unpaged_run(struct bt *bt, uint32_t pn, uint32_t gpfn)
{
	uint32_t first = pn & ~(UNPAGED_PAGES - 1), from = pn, end = pn + 1;
	struct wmap m = { .pte_gpa = UNPAGED, .pde_gpa = UNPAGED,
			  .writable = true, .global = true,
			  .pn = pn, .npages = 1, .gpfn = gpfn };

	if (!a20_open(bt))
		return m;
	while (from > first && side_by_side(bt, from - 1))
		from--;
	while (end < first + UNPAGED_PAGES && side_by_side(bt, end - 1))
		end++;
	m.pn = m.gpfn = from;
	m.npages = end - from;
	return m;
}

static uint64_t entry_at(struct bt *bt, gpa_t gpa)
{
	const uint8_t *p = mem_hva(bt->mem, gpa);

	if (!mem_backed(bt->mem, gpa))
		return ~0ull;		/* a table where there is no memory */
	return bt->v.cr4 & CR4_PAE ? *(const uint64_t *)p
				   : *(const uint32_t *)p;
}

static struct wmap paged_run(struct bt *bt, uint32_t pn,
			     const struct x86_walk *t)
{
	uint32_t n = 1u << (t->page_shift - PAGE_SHIFT);
	uint32_t gpfn = t->gpa >> PAGE_SHIFT;
	struct wmap m = { .pn = pn, .npages = 1, .gpfn = gpfn,
			  .writable = t->writable, .global = t->global,
			  .pte_gpa = t->pte_gpa, .pde_gpa = t->pde_gpa };

	m.large = n > 1;
	if (m.large && a20_open(bt) &&
	    mem_contiguous(bt->mem, gpfn & ~(n - 1), n)) {
		m.pn = pn & ~(n - 1);
		m.gpfn = gpfn & ~(n - 1);
		m.npages = n;
	} else if (m.large) {
		bt->pieces[pn >> 10] = true;
	}
	m.pte = entry_at(bt, m.pte_gpa);
	m.pde = entry_at(bt, m.pde_gpa);
	return m;
}

static int map_add(struct bt *bt, struct window *w, const struct wmap *m)
{
	if (w->nmaps == w->cap) {
		uint32_t cap = w->cap ? 2 * w->cap : 64;
		struct wmap *p;

		bt_fpu_save(bt);
		p = realloc(w->maps, cap * sizeof(*p));
		if (!p)
			return -ENOMEM;
		w->maps = p;
		w->cap = cap;
	}
	if (!w->nmaps)
		w->mode = paging_mode(bt);
	w->maps[w->nmaps++] = *m;
	count_vmas(bt, w, vmas_of(w, m->pn, m->npages) + m->splits);
	index_set(w, m->pn, m->npages, w->nmaps);
	bt->stats.maps++;
	return 0;
}

/* Mappings that the new one overlaps go first (a 4 KiB page under a 4 MiB). */
static void clear_range(struct bt *bt, struct window *w, const struct wmap *m)
{
	for (uint32_t i = 0; i < m->npages; i++)
		if (w->index[m->pn + i])
			map_drop(bt, w, w->index[m->pn + i] - 1);
}

/*
 * Does the entry at @gpa still say what it did?  A may come (another walk sets
 * it) but not go: once it is clear, the next access has to set it.
 */
static bool entry_same(struct bt *bt, gpa_t gpa, uint64_t was,
		       uint64_t ignored)
{
	uint64_t diff = (entry_at(bt, gpa) ^ was) & ~ignored;

	return !(diff & ~(was & PTE_A ? 0 : PTE_A));
}

/*
 * The tables in use count, which may be others than those that @m was made from:
 * address spaces share what the supervisor window maps, not the directory.
 */
static void rebase(struct bt *bt, struct wmap *m)
{
	gpa_t pde = x86_directory_entry(&bt->x, m->pn << PAGE_SHIFT);

	if (m->large)
		m->pte_gpa = pde;
	m->pde_gpa = pde;
}

static bool map_valid(struct bt *bt, struct wmap *m)
{
	if (m->pte_gpa == UNPAGED)
		return true;
	rebase(bt, m);
	return entry_same(bt, m->pte_gpa, m->pte,
			  PTE_IGNORED | (m->writable ? 0 : PTE_D)) &&
	       (m->large ||
		entry_same(bt, m->pde_gpa, m->pde, PTE_IGNORED | PTE_D));
}

static bool local_drop(struct bt *bt, uint32_t pn)
{
	uint32_t at = bt->kwin.index[pn];

	if (!at || bt->kwin.maps[at - 1].global)
		return false;
	map_drop(bt, &bt->kwin, at - 1);
	return true;
}

/*
 * A supervisor with more such pages than there is room for, or whose tables are
 * without them time and again, is better off without: Linux with its page tables
 * isolated (pti=on) has no others.
 */
static void locals_shut(struct bt *bt, uint64_t now)
{
	struct locals *l = &bt->locals;

	bt->stats.locals_shut++;
	while (l->n)
		local_drop(bt, l->pn[--l->n]);
	l->shut_ns = now + (SHUT_NS << l->shut);
	if (l->shut < SHUT_MAX)
		l->shut++;
}

/* May one more page be mapped that is not global? */
static bool locals_open(struct bt *bt)
{
	struct locals *l = &bt->locals;
	uint64_t now;

	if (!l->shut_ns && l->gone <= GONE_MAX)
		return true;
	bt_fpu_save(bt);
	now = host_ns();
	if (now < l->shut_ns)
		return false;
	if (!l->shut_ns && now - l->since_ns < NS_PER_SEC) {
		locals_shut(bt, now);
		return false;
	}
	if (!l->shut_ns && now - l->since_ns > CALM_NS)
		l->shut = 0;
	l->since_ns = now;
	l->shut_ns = l->gone = 0;
	return true;
}

/*
 * The next CR3 load shall look at page @pn, which is about to be mapped.  The
 * oldest of them goes if there are too many.
 */
static void local_add(struct bt *bt, uint32_t pn)
{
	struct locals *l = &bt->locals;
	uint32_t *slot;

	for (uint32_t i = 0; i < l->n; i++)
		if (l->pn[i] == pn)
			return;
	if (l->n < NLOCALS) {
		l->pn[l->n++] = pn;
		return;
	}
	slot = &l->pn[l->turn++ % NLOCALS];
	l->gone += local_drop(bt, *slot);
	*slot = pn;
}

static bool make_room(struct bt *bt);

/*
 * Map the page of @gva as the walk @t allows.  About 4 us.
 */
static int map_one(struct bt *bt, struct window *w, uint32_t gva,
		   const struct x86_walk *t)
{
	uint32_t pn = gva >> PAGE_SHIFT;
	struct wmap m;
	int prot;

	m = bt->v.cr0 & CR0_PG ? paged_run(bt, pn, t) :
	    unpaged_run(bt, pn, t->gpa >> PAGE_SHIFT);
	prot = PROT_READ | (m.writable ? PROT_WRITE : 0);
	if (w == &bt->kwin && !m.global)
		local_add(bt, m.pn);
	clear_range(bt, w, &m);
	if (mmap(linear(w, m.pn), (uint64_t)m.npages << PAGE_SHIFT, prot,
		 MAP_SHARED | MAP_FIXED | (m.npages == 1 ? MAP_POPULATE : 0),
		 bt->mem->fd,
		 mem_offset(bt->mem, (gpa_t)m.gpfn << PAGE_SHIFT)) ==
	    MAP_FAILED)
		return -errno;
	if ((!m.writable || protect_traced(bt, w, &m)) && !map_add(bt, w, &m))
		return 0;
	unmap(linear(w, m.pn), (uint64_t)m.npages << PAGE_SHIFT);
	return -ENOMEM;
}

static bool is_restless(const struct bt *bt, const struct window *w,
			uint32_t pn)
{
	return w == &bt->kwin && bt->restless[pn / 32] >> pn % 32 & 1;
}

/*
 * Fault-around: map the present, accessed pages behind @gva in the same go.
 * Their entries are only looked at: A and D must be set already.
 */
static void map_around(struct bt *bt, struct window *w, uint32_t gva)
{
	unsigned acc = bt->ctx->user ? X86_ACC_USER : 0;

	for (unsigned i = 1; i <= FAULT_AROUND; i++) {
		uint32_t next = gva + i * PAGE_SIZE;
		struct x86_walk t;

		if (next < gva || w->index[next >> PAGE_SHIFT] ||
		    is_restless(bt, w, next >> PAGE_SHIFT) ||
		    x86_translate_peek(&bt->x, next, acc, &t) ||
		    t.page_shift != PAGE_SHIFT || !(t.pte & PTE_A) ||
		    !mem_backed(bt->mem, t.gpa) ||
		    (w == &bt->kwin && !t.global) || map_one(bt, w, next, &t))
			return;
	}
}

/*
 * The page of @gva is in @w, only not writable, because it was traced: give
 * the write back without touching its neighbours.
 */
static bool untraced(struct bt *bt, struct window *w, uint32_t gva,
		     const struct x86_walk *t)
{
	uint32_t pn = gva >> PAGE_SHIFT, at = w->index[pn];
	struct wmap *m = &w->maps[at - 1];

	return at && m->writable && t->writable && map_valid(bt, m) &&
	       t->gpa >> PAGE_SHIFT == m->gpfn + (pn - m->pn) &&
	       !read_only(bt, t->gpa >> PAGE_SHIFT) &&
	       !mprotect(linear(w, pn), PAGE_SIZE, PROT_READ | PROT_WRITE);
}

/*
 * Map the page of @gva, for which the walk @t has just succeeded, into @w.
 * The caller has checked that its frame is backed.
 * Returns 0, -ENOSPC when the budget is spent, -EBUSY for a page that shall
 * go by SOFT, or a negative errno.
 */
int window_map_page(struct bt *bt, struct window *w, uint32_t gva,
		    const struct x86_walk *t, bool write)
{
	int r;

	if (write && untraced(bt, w, gva, t))
		return 0;
	if (is_restless(bt, w, gva >> PAGE_SHIFT) ||
	    (w == &bt->kwin && bt->v.cr0 & CR0_PG && !t->global &&
	     !locals_open(bt)))
		return -EBUSY;
	if (!make_room(bt))
		return -ENOSPC;
	r = map_one(bt, w, gva, t);
	if (!r && bt->v.cr0 & CR0_PG && t->page_shift == PAGE_SHIFT)
		map_around(bt, w, gva);
	return r;
}

static bool mode_changed(struct bt *bt, struct window *w)
{
	return w->mode != paging_mode(bt);
}

/*
 * The guest has mapped something else at page @pn once more.  Too often for a
 * host call each time: it goes by SOFT from now on.
 */
static bool give_up(struct bt *bt, struct window *w, uint32_t pn)
{
	uint32_t i = pn % NMOVED;

	if (w != &bt->kwin)
		return false;
	if (bt->moved[i].pn != pn)
		bt->moved[i].moves = 0;
	bt->moved[i].pn = pn;
	if (++bt->moved[i].moves < MOVES_MAX)
		return false;
	bt->restless[pn / 32] |= 1u << pn % 32;
	return bt->any_restless = true;
}

/* The guest has flushed everything: what its addresses mean may be new. */
static void forget_restless(struct bt *bt)
{
	if (!bt->any_restless)
		return;
	for (unsigned i = 0; i < NPAGES / 32; i++)
		bt->restless[i] = 0;
	for (unsigned i = 0; i < NMOVED; i++)
		bt->moved[i].moves = 0;
	bt->any_restless = false;
}

/* A TLB flush: drop the mappings whose guest entries have changed. */
void window_validate(struct bt *bt, struct window *w, bool global_too)
{
	if (w == &bt->kwin && global_too)
		forget_restless(bt);
	if (!w->base || !w->nmaps)
		return;
	if (mode_changed(bt, w)) {
		window_drop_all(bt, w);
		return;
	}
	bt->stats.validations++;
	for (uint32_t i = w->nmaps; i-- > 0;) {
		struct wmap *m = &w->maps[i];

		if ((!m->global || global_too) && !map_valid(bt, m))
			map_drop(bt, w, i);
	}
}

/* A CR3 load: what is not global must be what the new tables say. */
void window_validate_locals(struct bt *bt)
{
	struct locals *l = &bt->locals;
	struct window *w = &bt->kwin;

	for (uint32_t i = l->n; i-- > 0;) {
		uint32_t pn = l->pn[i], at = w->index[pn];

		if (at && !w->maps[at - 1].global) {
			if (map_valid(bt, &w->maps[at - 1]))
				continue;
			give_up(bt, w, pn);
			map_drop(bt, w, at - 1);
			l->gone++;
		}
		l->pn[i] = l->pn[--l->n];
	}
}

/* What is mapped at @pn goes if it is not true; the page behind it. */
static uint32_t invalidate(struct bt *bt, struct window *w, uint32_t pn)
{
	uint32_t at = w->index[pn];
	struct wmap *m = &w->maps[at - 1];

	if (!at)
		return pn + 1;
	if (map_valid(bt, m))
		return m->pn + m->npages;
	give_up(bt, w, pn);
	map_drop(bt, w, at - 1);
	return pn + 1;
}

/* INVLPG drops all of a large page, SDM Vol. 2A. */
void window_invlpg(struct bt *bt, struct window *w, uint32_t gva)
{
	uint32_t pn = gva >> PAGE_SHIFT, end = pn + 1;

	if (!w->base)
		return;
	if (bt->pieces[gva >> 22]) {
		pn &= ~1023u;
		end = pn + 1024;
	}
	while (pn < end)
		pn = invalidate(bt, w, pn);
}

/*
 * One host call instead of three steps (unmap, fault, map) where the guest has
 * moved a page.  False: the mapping must go.
 */
static bool map_move(struct bt *bt, struct window *w, struct wmap *m)
{
	unsigned acc = w == &bt->kwin ? 0 : X86_ACC_USER;
	struct x86_walk t;
	struct wmap to;
	int prot = PROT_READ;

	if (m->npages != 1 || mode_changed(bt, w) ||
	    x86_translate_peek(&bt->x, (gva_t)m->pn << PAGE_SHIFT, acc, &t) ||
	    t.page_shift != PAGE_SHIFT || !(t.pte & PTE_A) ||
	    !mem_backed(bt->mem, t.gpa) || (w == &bt->kwin && !t.global))
		return false;
	to = paged_run(bt, m->pn, &t);
	if (to.writable && !read_only(bt, to.gpfn))
		prot |= PROT_WRITE;
	if (mmap(linear(w, m->pn), PAGE_SIZE, prot,
		 MAP_SHARED | MAP_FIXED | MAP_POPULATE, bt->mem->fd,
		 mem_offset(bt->mem, (gpa_t)to.gpfn << PAGE_SHIFT)) ==
	    MAP_FAILED)
		return false;
	*m = to;
	bt->stats.maps++;
	return true;
}

void window_renew(struct bt *bt, struct window *w, uint32_t gva)
{
	uint32_t at;

	if (!w->base)
		return;
	if (bt->pieces[gva >> 22]) {
		window_invlpg(bt, w, gva);
		return;
	}
	at = w->index[gva >> PAGE_SHIFT];
	if (at && !map_valid(bt, &w->maps[at - 1]) &&
	    (give_up(bt, w, gva >> PAGE_SHIFT) ||
	     !map_move(bt, w, &w->maps[at - 1])))
		map_drop(bt, w, at - 1);
}

static void window_protect(struct bt *bt, struct window *w, uint32_t gpfn)
{
	for (uint32_t i = w->nmaps; i-- > 0;) {
		struct wmap *m = &w->maps[i];

		if (!m->writable || gpfn - m->gpfn >= m->npages)
			continue;
		if (mprotect(linear(w, m->pn + gpfn - m->gpfn), PAGE_SIZE,
			     PROT_READ))
			map_drop(bt, w, i);
		else
			count_vmas(bt, w, split(m));
	}
}

/* Frame @gpfn is traced from now on: no window may write it. */
void windows_protect(struct bt *bt, uint32_t gpfn)
{
	window_protect(bt, &bt->kwin, gpfn);
	for (unsigned i = 0; i < MAX_ROOTS; i++)
		if (bt->roots[i].win)
			window_protect(bt, bt->roots[i].win, gpfn);
}

/* ------------------------------------------------ address spaces */

static void root_release_window(struct bt *bt, struct root *r)
{
	if (!r->win)
		return;
	window_fini(bt, r->win);
	free(r->win);
	r->win = NULL;
	r->graduated = false;
}

/* The least recently used window but that of the current root. */
static struct root *root_oldest(struct bt *bt, bool with_window)
{
	struct root *best = NULL;

	for (unsigned i = 0; i < MAX_ROOTS; i++) {
		struct root *r = &bt->roots[i];

		if (r == bt->root || (with_window && !r->win))
			continue;
		if (!best || r->last_use < best->last_use)
			best = r;
	}
	return best;
}

/*
 * Empty the larger of the two windows that are in use.  What is needed of it
 * comes back at 4 us a page, so not again before long: false then.
 */
static bool start_over(struct bt *bt)
{
	struct window *w = &bt->kwin, *user = bt->root ? bt->root->win : NULL;
	uint64_t now;

	bt_fpu_save(bt);
	now = host_ns();
	if (bt->restarted_ns && now - bt->restarted_ns < RESTART_NS)
		return false;
	bt->restarted_ns = now;
	if (user && user->vmas > w->vmas)
		w = user;
	bt->stats.restarts++;
	window_drop_all(bt, w);
	return true;
}

/*
 * Keep the process under its budget of host mappings: windows that do not run
 * go first, unless the supervisor's has almost everything.  If there is no
 * room for all the same, the access goes by SOFT.
 */
static bool make_room(struct bt *bt)
{
	while (bt->vmas + ROOM > bt->vma_budget) {
		struct root *r = root_oldest(bt, true);
		bool hog = bt->kwin.vmas > bt->vma_budget / 4 * 3;

		if ((!r || hog) && start_over(bt))
			continue;
		if (!r)
			return false;
		bt->stats.evictions++;
		root_release_window(bt, r);
	}
	return true;
}

struct root *root_get(struct bt *bt, uint32_t cr3)
{
	struct root *r;

	for (unsigned i = 0; i < MAX_ROOTS; i++) {
		r = &bt->roots[(cr3 / PAGE_SIZE + i) % MAX_ROOTS];
		if (!r->used)
			break;
		if (r->cr3 == cr3)
			goto found;
	}
	if (r->used) {
		r = root_oldest(bt, false);
		root_release_window(bt, r);
	}
	*r = (struct root){ .cr3 = cr3, .used = true };
	if (bt->memory == MEMORY_WINDOW)
		root_graduate(bt, r);
found:
	r->last_use = ++bt->root_clock;
	return r;
}

/* Give @r a window: its user code has run long enough to repay one. */
void root_graduate(struct bt *bt, struct root *r)
{
	if (!r->win) {
		bt_fpu_save(bt);
		r->win = calloc(1, sizeof(*r->win));
		if (!r->win || window_init(bt, r->win)) {
			free(r->win);
			r->win = NULL;
			return;
		}
	}
	r->graduated = true;
	r->faults = 0;
	bt->stats.graduations++;
}

/*
 * A flush in the address space @r.  If nothing in its window is true any
 * more, its page directory belongs to a new process, which starts young.
 */
void root_validate(struct bt *bt, struct root *r)
{
	uint32_t was = r->win->nmaps;

	window_validate(bt, r->win, true);
	if (was && !r->win->nmaps && bt->memory == MEMORY_AUTO) {
		r->graduated = false;
		r->ticks = r->backoff = 0;
	}
}

/*
 * Back to SOFT: the window misses more than it serves.  What is mapped stays,
 * for the next time.
 */
void root_demote(struct bt *bt, struct root *r)
{
	r->graduated = false;
	r->backoff = r->backoff ? 2 * r->backoff : 16;
	if (r->backoff > 1024)
		r->backoff = 1024;
	r->ticks = 0;
	bt->stats.demotions++;
}

struct window *bt_window(struct bt *bt)
{
	return bt->ctx->user && bt->v.cr0 & CR0_PG ? bt->root->win
						   : &bt->kwin;
}
