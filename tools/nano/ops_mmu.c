// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows about the MMU.  Entries alternate between two frames whose first words
 * differ, and rows that use what they mapped count right values as events: a
 * stale translation is a failed row, not a fast one.
 */
#include "spec/vmi.h"
#include "tools/nano/ops.h"

#define BATCH		64u
#define CR4_PGE		0x80u
#define USER_PTE	(PTE_P | PTE_W | PTE_U | PTE_A | PTE_D)
#define KERNEL_PTE	(PTE_P | PTE_W | PTE_A | PTE_D | PTE_G)
#define TIMES(n)	for (uint32_t left = (n); left; left--)

extern uint8_t traced_code[], traced_data[];

static uint32_t user_pte(uint32_t frame, uint32_t i)
{
	return (uint32_t)frames[frame & 1][i] | USER_PTE;
}

static uint32_t kernel_pte(uint32_t frame, uint32_t i)
{
	return (uint32_t)frames[frame & 1][i] |
		(machine.pge ? KERNEL_PTE : KERNEL_PTE & ~PTE_G);
}

static void store(uint32_t *pte, uint32_t v)
{
	*(volatile uint32_t *)pte = v;
}

/* One event if page @i at @va shows the frame last entered. */
static void use(uint32_t va, uint32_t i, uint32_t frame)
{
	if (peek32(va + i * PAGE) == (frame & 1))
		events++;
}

static uint32_t cr3(void)
{
	return (uint32_t)root[0];
}

static void load_cr3(uint32_t v)
{
	__asm__ volatile("movl %0, %%cr3" :: "r"(v) : "memory");
}

bool pte_prepare(uint32_t n)
{
	for (unsigned i = 0; i < TEST_PAGES; i++) {
		poke32((uint32_t)frames[0][i], 0);
		poke32((uint32_t)frames[1][i], 1);
	}
	return true;
}

/* ---- Flushes ---------------------------------------------------------------- */

void cr3_n(uint32_t n)
{
	TIMES(n)
		load_cr3(cr3());
}

void cr3_v(uint32_t n)
{
	TIMES(n)
		set_cr3(cr3());
}

void invlpg_n(uint32_t n)
{
	TIMES(n)
		invlpg(TEST_VA);
}

void invlpg_v(uint32_t n)
{
	pv_u32 *inval = PV(pv_u32 *, VMI_CALL_INVAL_PAGE);

	TIMES(n)
		inval(TEST_VA);
}

void flush_global_n(uint32_t n)
{
	uint32_t cr4;

	__asm__ volatile("movl %%cr4, %0" : "=r"(cr4));
	TIMES(n)
		__asm__ volatile("movl %0, %%cr4\n"
				 "movl %1, %%cr4"
				 :: "r"(cr4 & ~CR4_PGE), "r"(cr4) : "memory");
}

void flush_global_v(uint32_t n)
{
	pv_u32 *flush = PV(pv_u32 *, VMI_CALL_FLUSH_TLB);

	TIMES(n)
		flush(VMI_FLUSH_TLB | VMI_FLUSH_GLOBAL);
}

/* ---- Page-table entries ----------------------------------------------------- */

/* The store alone. */
void pte_n(uint32_t n)
{
	TIMES(n)
		store(&test_table[0], user_pte(left, 0));
}

#define USER_FLAGS(va)	(VMI_LEVEL_PT | VMI_PTE_CURRENT_AS | (va))

/* The call where there is one; a store is what it stands for. */
static inline void set_entry(pv_3u32 *set, uint32_t *pte, uint32_t v,
			     uint32_t va)
{
	if (set)
		set(v, (uint32_t)pte, USER_FLAGS(va));
	else
		store(pte, v);
}

static inline void inval_page(pv_u32 *inval, uint32_t va)
{
	if (inval)
		inval(va);
	else
		invlpg(va);
}

void pte_v(uint32_t n)
{
	pv_3u32 *set = PV(pv_3u32 *, VMI_CALL_SET_PXE);

	TIMES(n)
		set_entry(set, &test_table[0], user_pte(left, 0), TEST_VA);
}

void pte_use_n(uint32_t n)
{
	TIMES(n) {
		store(&test_table[0], user_pte(left, 0));
		invlpg(TEST_VA);
		use(TEST_VA, 0, left);
	}
}

void pte_use_v(uint32_t n)
{
	pv_3u32 *set = PV(pv_3u32 *, VMI_CALL_SET_PXE);
	pv_u32 *inval = PV(pv_u32 *, VMI_CALL_INVAL_PAGE);

	TIMES(n) {
		set_entry(set, &test_table[0], user_pte(left, 0), TEST_VA);
		inval_page(inval, TEST_VA);
		use(TEST_VA, 0, left);
	}
}

/* As kmap() and vmalloc() do: a global page. */
void pte_kernel_n(uint32_t n)
{
	TIMES(n) {
		store(&ktest_table[0], kernel_pte(left, 0));
		invlpg(KTEST_VA);
		use(KTEST_VA, 0, left);
	}
}

void pte_kernel_v(uint32_t n)
{
	pv_3u32 *set = PV(pv_3u32 *, VMI_CALL_SET_PXE);
	pv_u32 *inval = PV(pv_u32 *, VMI_CALL_INVAL_PAGE);

	TIMES(n) {
		set_entry(set, &ktest_table[0], kernel_pte(left, 0), KTEST_VA);
		inval_page(inval, KTEST_VA);
		use(KTEST_VA, 0, left);
	}
}

/* BATCH entries, one flush, BATCH uses; an operation is one entry. */
static void use_batch(uint32_t size, uint32_t frame)
{
	for (uint32_t i = 0; i < size; i++)
		use(TEST_VA, i, frame);
}

static uint32_t batch_size(uint32_t left)
{
	return left < BATCH ? left : BATCH;
}

void pte_batch_n(uint32_t n)
{
	for (uint32_t size, frame = 0; n; n -= size, frame++) {
		size = batch_size(n);
		for (uint32_t i = 0; i < size; i++)
			store(&test_table[i], user_pte(frame, i));
		load_cr3(cr3());
		use_batch(size, frame);
	}
}

/* 3.0: one call for each, in lazy mode where the ROM has one. */
void pte_batch_v(uint32_t n)
{
	pv_3u32 *set = PV(pv_3u32 *, VMI_CALL_SET_PXE);
	pv_u32 *flush = PV(pv_u32 *, VMI_CALL_FLUSH_TLB);
	pv_u32 *lazy = PV(pv_u32 *, VMI_CALL_SET_LAZY_MODE);

	for (uint32_t size, frame = 0; n; n -= size, frame++) {
		size = batch_size(n);
		if (lazy)
			lazy(VMI_LAZY_MMU);
		for (uint32_t i = 0; i < size; i++)
			set_entry(set, &test_table[i], user_pte(frame, i),
				  TEST_VA + i * PAGE);
		if (lazy)
			lazy(VMI_LAZY_NONE);
		if (flush)
			flush(VMI_FLUSH_TLB);
		else
			load_cr3(cr3());
		use_batch(size, frame);
	}
}

/* 3.1: all of them, and their invalidation, in one call. */
void pte_batch31_v(uint32_t n)
{
	static struct vmi_pxe_update updates[BATCH];
	pv_map *batch = PV(pv_map *, VMI_CALL_SET_PXE_BATCH);

	for (uint32_t size, frame = 0; n; n -= size, frame++) {
		size = batch_size(n);
		for (uint32_t i = 0; i < size; i++)
			updates[i] = (struct vmi_pxe_update){
				.ptep = (uint32_t)&test_table[i],
				.flags = USER_FLAGS(TEST_VA + i * PAGE) |
					VMI_PTE_INVAL,
				.pte_low = user_pte(frame, i),
			};
		if (batch((uint32_t)updates, size) != size)
			return;		/* too few events: the row fails */
		use_batch(size, frame);
	}
}

/* ---- Address-space switch --------------------------------------------------- */

/* A thread's three TLS segments. */
static uint64_t tls_entry(uint32_t space, uint32_t i)
{
	return descriptor(USER_VA + space * PAGE + i * 64, 0xfffff, 0xc0f3);
}

/* Each space has its own frame in the user's second page. */
static void use_space(uint32_t space)
{
	if (peek32(USER_VA + PAGE) == (space & 1))
		events++;
}

void switch_n(uint32_t n)
{
	/* To space 0 last. */
	for (uint32_t s = (n & 1) ^ 1; n; n--, s ^= 1) {
		load_cr3((uint32_t)root[s]);
		*(volatile uint32_t *)&tss.esp0 = USER_STACK - 16 * s;
		for (unsigned i = 0; i < 3; i++)
			*(volatile uint64_t *)&gdt[TLS_INDEX + i] =
				tls_entry(s, i);
		use_space(s);
	}
	load_cr3(cr3());
}

void switch_v(uint32_t n)
{
	pv_2u32 *stack = PV(pv_2u32 *, VMI_CALL_UPDATE_KERNEL_STACK);
	pv_4u32 *entry = PV(pv_4u32 *, VMI_CALL_WRITE_GDT_ENTRY);
	pv_u32 *lazy = PV(pv_u32 *, VMI_CALL_SET_LAZY_MODE);

	for (uint32_t s = (n & 1) ^ 1; n; n--, s ^= 1) {
		if (lazy)
			lazy(VMI_LAZY_CPU);
		set_cr3((uint32_t)root[s]);
		*(volatile uint32_t *)&tss.esp0 = USER_STACK - 16 * s;
		if (stack)
			stack(SEL_KERNEL_DS, USER_STACK - 16 * s);
		for (unsigned i = 0; i < 3; i++) {
			uint64_t d = tls_entry(s, i);

			if (entry)
				entry((uint32_t)gdt, TLS_INDEX + i, d,
				      d >> 32);
			else
				*(volatile uint64_t *)&gdt[TLS_INDEX + i] = d;
		}
		if (lazy)
			lazy(VMI_LAZY_NONE);
		use_space(s);
	}
	set_cr3(cr3());
}

void switch31_v(uint32_t n)
{
	pv_get64 *switch_to = PV(pv_get64 *, VMI_CALL_SWITCH_SPACE);
	struct vmi_switch_space to = {
		.flags = VMI_SWITCH_TLS | VMI_SWITCH_STACK | VMI_SWITCH_CR3,
		.tss_va = (uint32_t)&tss,
		.gdt_va = (uint32_t)gdt, .tls_index = TLS_INDEX,
	};

	for (uint32_t s = (n & 1) ^ 1; n; n--, s ^= 1) {
		to.cr3 = (uint32_t)root[s];
		to.esp0 = USER_STACK - 16 * s;
		for (unsigned i = 0; i < 3; i++) {
			uint64_t d = tls_entry(s, i);

			to.tls[2 * i] = d;
			to.tls[2 * i + 1] = d >> 32;
		}
		if ((uint32_t)switch_to((uint32_t)&to))
			return;
		use_space(s);
	}
	set_cr3(cr3());
}

/* ---- Traced stores ---------------------------------------------------------- */

/* One store to a page with code that runs, again and again: adapted to. */
void traced_hot(uint32_t n)
{
	((void (*)(void))traced_code)();
	TIMES(n)
		poke32((uint32_t)traced_data, left);
}

/*
 * Stores that never met the trace before, each its own instruction: movl
 * %eax, (%edx) up to TRACED_COLD_MAX times, and ret.  They have run already
 * on another page, so that their translation is not measured.
 */
static uint8_t cold_code[PAGE] __attribute__((aligned(PAGE)));
static uint32_t cold_other;

static void cold_run(void *data)
{
	__asm__ volatile("call *%0" :: "r"(cold_code), "a"(0), "d"(data)
			 : "memory");
}

bool traced_cold_prepare(uint32_t n)
{
	uint8_t *p = cold_code;

	if (n > TRACED_COLD_MAX)
		return false;
	/* New code here: what was known of the old stores goes. */
	for (uint32_t i = 0; i < n; i++) {
		*p++ = 0x89;
		*p++ = 0x02;
	}
	*p = 0xc3;
	((void (*)(void))traced_code)();
	cold_run(&cold_other);
	cold_run(&cold_other);
	return true;
}

void traced_cold(uint32_t n)
{
	cold_run(traced_data);
}
