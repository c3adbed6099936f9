/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kernels of old did, in their order: binding, the page tables of boot,
 * a process that comes and goes, the clock.  Linux 2.6.21, 2.6.24 (PAE),
 * 2.6.26 and 2.6.32; each finds the machine as its start-up code leaves it.
 * This kernel is linked at 64 MiB, so that it can lose the first 32, as the
 * PAE kernels do on the way (spec/vmi.md, "Page tables").
 */
#include "tests/vmi/vmi.h"

#define OFFSET		0xc0000000u	/* PAGE_OFFSET */
#define LOWMEM		0x8000000u
#define FIX_VA		0xffc00000u	/* a page table of its own */
#define USER_VA		0x40000000u
#define KERNEL_PTE	(PTE_P | PTE_W | PTE_A | PTE_D)
#define USER_PTE	(KERNEL_PTE | PTE_U)
#define LVTT		0x320
#define APIC_EOI	0xb0

struct person {
	const char *name;
	bool pae;
	bool old_clock;		/* 2.6.21: AVAILABLE, periodic for ever */
	bool releases_roots;	/* not in 2.6.25 to 28 */
	bool clones;		/* announces process roots as clones */
	bool separate_lazy;	/* explicit flush is 0, then the old mode */
	uint8_t lvtt, lazy_queries, apic_queries;
	unsigned pages;		/* of slot 0 */
};

static const struct person people[] = {
	{ "2.6.21", false, true, true, true, true, 0xef, 1, 2,
	  LOWMEM / PAGE },
	{ "2.6.24 PAE", true, false, true, false, false, 0x31, 4, 2,
	  LOWMEM / PAGE },
	{ "2.6.26", false, false, false, true, false, 0x31, 4, 2,
	  LOWMEM / PAGE },
	{ "2.6.32", false, false, true, true, false, 0x41, 4, 1, 0x38000 },
};

static const struct person *who;

/* Pages of the boot. */
enum { SWAPPER, TABLES, FIX_PT = TABLES + LOWMEM / (4 << 20), ROOT, USER_PT,
       USER_PAGE, PMD, ZERO, PAE_ROOT, PAE_PMD, DATA };

static uint32_t pfn(unsigned page)
{
	return SCRATCH(page) / PAGE;
}

/* The kernel's own view of a page. */
static uint32_t va(unsigned page)
{
	return SCRATCH(page) + OFFSET;
}

/* ------------------------------------------------ head.S */

static void boot_tables(void)
{
	uint32_t *pd = (uint32_t *)SCRATCH(SWAPPER);

	set_cr0(get_cr0() & ~(CR0_PG | CR0_WP));
	set_cr4(0);
	memset(scratch, 0, 64 * PAGE);
	for (uint32_t i = 0; i < LOWMEM >> 22; i++) {
		uint32_t *pt = (uint32_t *)SCRATCH(TABLES + i);

		for (uint32_t n = 0; n < 1024; n++)
			pt[n] = i << 22 | n << 12 | KERNEL_PTE;
		pd[i] = pd[OFFSET / (4 << 20) + i] = (uint32_t)pt | KERNEL_PTE;
	}
	set_cr3((uint32_t)pd);
	set_cr0(get_cr0() | CR0_PG | CR0_WP);
}

/* ------------------------------------------------ activation */

static bool ask(unsigned nr)
{
	uint32_t type, eip = vmi_reloc(nr, &type);

	if (type == VMI_RELOC_JUMP && nr != VMI_CALL_IRET &&
	    nr != VMI_CALL_SYSEXIT)
		return false;	/* BUG() there */
	vmi_type[nr] = type;
	vmi_entry[nr] = type == VMI_RELOC_CALL ? eip : 0;
	return type <= VMI_RELOC_NOP;
}

static bool ask_all(const uint8_t *list, unsigned n)
{
	bool good = true;

	for (unsigned i = 0; i < n; i++)
		good &= ask(list[i]);
	return good;
}

static void activate(void)
{
	static const uint8_t first[] = {
		0, 28, 25, 24, 19, 20, 21, 22, 15, 16, 17, 18, 31, 32, 30, 29,
		23, 27, 6, 4, 3, 5, 7, 9, 10, 12, 11, 13, 14, 61, 65 };
	static const uint8_t pages[] = { 47, 47, 46 };
	static const uint8_t pae[] = { 39, 41 }, flat[] = { 38, 40 };
	static const uint8_t rest[] = { 44, 45, 48, 64 };
	static const uint8_t clock[] = { 66, 67, 70, 71, 68, 69, 35 };
	static const uint8_t sites[] = { 30, 29, 32, 31, 33, 34 };
	bool good;

	vmi_rom = NULL;
	vmi_find();
	vmi_rom = (void *)((uint32_t)vmi_rom + OFFSET);
	good = vmi_start() == 0;
	good &= ask_all(first, sizeof(first));
	for (unsigned i = 0; i < who->lazy_queries; i++)
		good &= ask(VMI_CALL_SET_LAZY_MODE);
	good &= ask_all(pages, sizeof(pages));
	good &= who->pae ? ask_all(pae, 2) : ask_all(flat, 2);
	good &= ask_all(rest, sizeof(rest));
	for (unsigned i = 0; i < who->apic_queries; i++)
		good &= ask(VMI_CALL_APIC_WRITE);
	good &= ask_all(clock, sizeof(clock));
	for (unsigned i = 0; i < 200; i++)	/* every site of the image */
		good &= ask_all(sites, sizeof(sites));
	ok(good && vmi_has(30) && vmi_has(31), "%s: binds, at PAGE_OFFSET",
	   who->name);
	vmi_or_native(VMI_CALL_SET_LINEAR_MAPPING, 0, OFFSET, who->pages, 0);
	vmi(VMI_CALL_SET_INTERRUPT_MASK, 0, 0, 0);
}

/* ------------------------------------------------ page tables */

static void set(uint32_t table, unsigned index, uint32_t val, uint32_t flags)
{
	if (who->pae)
		vmi_or_native(VMI_CALL_SET_PXE_LONG, val, 0,
			      table + index * 8, flags);
	else
		vmi_or_native(VMI_CALL_SET_PXE, val, table + index * 4, flags,
			      0);
}

static void update(uint32_t entry, uint32_t flags)
{
	vmi_or_native(who->pae ? VMI_CALL_UPDATE_PXE_LONG :
		      VMI_CALL_UPDATE_PXE, entry, flags, 0, 0);
}

static void allocate(unsigned page, uint32_t flags)
{
	vmi_or_native(VMI_CALL_ALLOCATE_PAGE, pfn(page),
		      flags | (who->pae ? VMI_PAGE_PAE : 0), 0, 0);
}

static void release(unsigned page, uint32_t flags)
{
	vmi_or_native(VMI_CALL_RELEASE_PAGE, pfn(page),
		      flags | (who->pae ? VMI_PAGE_PAE : 0), 0, 0);
}

static void flush(uint32_t flags)
{
	vmi_or_native(VMI_CALL_FLUSH_TLB, flags, 0, 0, 0);
}


/* One page of the fixmap, by its own page table. */
static void fixmap(unsigned slot, uint32_t phys)
{
	uint32_t at = FIX_VA + slot * PAGE;

	set(va(FIX_PT), slot, phys | KERNEL_PTE, VMI_LEVEL_PT);
	vmi_or_native(VMI_CALL_INVAL_PAGE, at, 0, 0, 0);
}

static void flat_tables(void)
{
	uint32_t cr4 = get_cr4();

	allocate(SWAPPER, 0x42);
	vmi_or_native(VMI_CALL_SET_CR4, cr4 | CR4_PSE, 0, 0, 0);
	vmi_or_native(VMI_CALL_SET_CR4, cr4 | CR4_PSE | CR4_PGE, 0, 0, 0);
	for (uint32_t i = 0; i < LOWMEM >> 22; i++)
		set(va(SWAPPER), OFFSET / (4 << 20) + i, i << 22 |
		    KERNEL_PTE | PTE_PS | PTE_G, VMI_LEVEL_PD);
	allocate(FIX_PT, 0x41);
	set(va(SWAPPER), FIX_VA >> 22, SCRATCH(FIX_PT) | KERNEL_PTE,
	    VMI_LEVEL_PD);
	vmi_or_native(VMI_CALL_SET_CR3, SCRATCH(SWAPPER), 0, 0, 0);
	flush(3);
	/* The identity map goes; of ours, the part where this is not. */
	set(va(SWAPPER), 0, 0, VMI_LEVEL_PD);
	flush(3);
	ok(CATCH(peek32(0x2000)) == 14 && peek32(va(DATA)) == 0,
	   "%s: the tables of boot", who->name);
}

/*
 * The page that is the root, and is used as such, becomes a PDPT while PAE is
 * off: what it loses maps the first 32 MiB.
 */
static void pae_tables(void)
{
	allocate(PMD, 0x42);
	for (uint32_t i = 0; i < LOWMEM >> 21; i++)
		set(va(PMD), i, i << 21 | KERNEL_PTE | PTE_PS, VMI_LEVEL_PD);
	allocate(FIX_PT, 0x41);
	set(va(PMD), FIX_VA >> 21 & 511, SCRATCH(FIX_PT) | KERNEL_PTE,
	    VMI_LEVEL_PD);
	for (unsigned i = 0; i < 3; i++)
		set(va(SWAPPER), i, SCRATCH(ZERO) | PTE_P, VMI_LEVEL_PDP);
	memset((void *)(va(SWAPPER) + 24), 0, 8);
	set(va(SWAPPER), 3, SCRATCH(PMD) | PTE_P, VMI_LEVEL_PDP);
	set(va(SWAPPER), 0, SCRATCH(PMD) | PTE_P, VMI_LEVEL_PDP);
	vmi_or_native(VMI_CALL_SET_CR3, SCRATCH(SWAPPER), 0, 0, 0);
	vmi_or_native(VMI_CALL_SET_CR4, get_cr4() | CR4_PAE, 0, 0, 0);
	flush(3);
	ok(get_cr4() & CR4_PAE && peek32(va(DATA)) == 0 &&
	   CATCH(peek32(USER_VA)) == 14, "%s: the tables of boot", who->name);
}

static void fixmaps(void)
{
	bool good = true;

	poke32(va(DATA), 1);
	poke32(va(DATA + 1), 2);
	for (unsigned i = 0; i < 20; i++) {
		fixmap(3, SCRATCH(DATA + i % 2));
		good &= peek32(FIX_VA + 3 * PAGE) == 1 + i % 2;
	}
	poke32(va(DATA), 0);
	ok(good, "%s: a fixmap page goes to and fro", who->name);
}

/* ------------------------------------------------ a process */

static void lazy(unsigned mode)
{
	vmi_or_native(VMI_CALL_SET_LAZY_MODE, mode, 0, 0, 0);
}

static unsigned process_root(void)
{
	return who->pae ? PAE_ROOT : ROOT;
}

static void new_root(void)
{
	uint32_t clone = who->pae ? 0x72 : 0x62;

	memcpy((void *)va(process_root()), (void *)va(SWAPPER), PAGE);
	if (who->clones && vmi_has(VMI_CALL_ALLOCATE_PAGE))
		vmi_call5(VMI_CALL_ALLOCATE_PAGE, pfn(process_root()), clone,
			  pfn(SWAPPER), OFFSET >> 22, 1024 - (OFFSET >> 22));
	allocate(USER_PT, 0x41);
	if (who->pae) {
		allocate(PAE_PMD, 0x42);
		set(va(PAE_PMD), 0, SCRATCH(USER_PT) | USER_PTE, VMI_LEVEL_PD);
		set(va(PAE_ROOT), USER_VA >> 30, SCRATCH(PAE_PMD) | PTE_P,
		    VMI_LEVEL_PDP);
	} else {
		set(va(ROOT), USER_VA >> 22, SCRATCH(USER_PT) | USER_PTE,
		    VMI_LEVEL_PD);
	}
}

static void map_user(unsigned n, uint32_t flags)
{
	set(va(USER_PT), n, SCRATCH(USER_PAGE + 40 + n) | USER_PTE, flags);
}

static void context_switch(uint32_t cr3)
{
	lazy(VMI_LAZY_CPU);
	vmi_or_native(VMI_CALL_SET_CR3, cr3, 0, 0, 0);
	tss.esp0 = SCRATCH(200);
	vmi_or_native(VMI_CALL_UPDATE_KERNEL_STACK, 0x68, SCRATCH(200), 0, 0);
	for (unsigned i = 6; i < 9; i++)
		vmi_or_native(VMI_CALL_WRITE_GDT_ENTRY,
			      (uint32_t)gdt, GDT_ENTRIES - i, 0, 0);
	lazy(VMI_LAZY_NONE);
	vmi_or_native(VMI_CALL_CLTS, 0, 0, 0, 0);
}

/* An interrupt in lazy mode maps a page, and uses it. */
static void lazy_interrupt(void)
{
	lazy(VMI_LAZY_MMU);
	map_user(1, VMI_LEVEL_PT);
	fixmap(4, SCRATCH(DATA + 1));
	if (who->separate_lazy) {
		lazy(VMI_LAZY_NONE);
		lazy(VMI_LAZY_MMU);
	}
	ok(peek32(FIX_VA + 4 * PAGE) == 2, "%s: an interrupt in lazy mode",
	   who->name);
	lazy(VMI_LAZY_NONE);
}

static void *user_entry(unsigned n)
{
	return (void *)(va(USER_PT) + n * (who->pae ? 8 : 4));
}

/*
 * CONFIG_HIGHPTE: the page table is no part of the linear map; the kernel maps
 * it for a moment, says so in slot 1, and stores by that address.
 */
static void high_table(void)
{
	uint32_t at = FIX_VA + 6 * PAGE;

	poke32(va(USER_PAGE + 42), 80);
	fixmap(6, SCRATCH(USER_PT));
	vmi_or_native(VMI_CALL_SET_LINEAR_MAPPING, 1, at, 1, pfn(USER_PT));
	set(at, 2, SCRATCH(USER_PAGE + 42) | USER_PTE,
	    0x11 | (USER_VA + 2 * PAGE));
	fixmap(6, SCRATCH(DATA));
	ok(peek32(USER_VA + 2 * PAGE) == 80, "%s: a page table in high memory",
	   who->name);
}

static void process(void)
{
	uint32_t at = USER_VA, *e = user_entry(0);

	poke32(va(USER_PAGE + 40), 77);
	poke32(va(USER_PAGE + 41), 78);
	new_root();
	lazy_interrupt();
	context_switch(SCRATCH(process_root()));
	map_user(0, 0x11 | at);
	ok(peek32(at) == 77 && peek32(at + PAGE) == 78,
	   "%s: a process and its pages", who->name);
	high_table();
	/* fork: write-protect in memory, tell, flush. */
	__asm__ volatile("lock andl %1, %0" : "+m"(*e) : "ir"(~PTE_W));
	update((uint32_t)e, 0x11 | at);
	flush(1);
	ok(CATCH(poke32(at, 1)) == 14 && last.error == (PF_P | PF_W),
	   "%s: what fork protects is protected", who->name);
	*e |= PTE_W;
	update((uint32_t)e, 0x31 | at);
	vmi_or_native(VMI_CALL_INVAL_PAGE, at, 0, 0, 0);
	poke32(at, 79);
	ok(peek32(va(USER_PAGE + 40)) == 79, "%s: and then not", who->name);
	/* exit: in memory alone, then other uses of the pages. */
	memset((void *)va(USER_PT), 0, PAGE);
	context_switch(SCRATCH(SWAPPER));
	release(USER_PT, 0x41);
	if (who->releases_roots)
		release(process_root(), 0x42);
	memset((void *)va(process_root()), 0xff, PAGE);
	memset((void *)va(USER_PT), 0xee, PAGE);
	ok(CATCH(peek32(at)) == 14, "%s: exit", who->name);
	memset((void *)va(USER_PT), 0, PAGE);
	allocate(process_root(), 0x41);		/* again, as something else */
	release(process_root(), 0x41);
	release(DATA, 0x41);			/* never announced */
	flush(3);
}

/* ------------------------------------------------ clock */

static volatile uint32_t irq0, lvtt;

static void apic_write(uint32_t reg, uint32_t val)
{
	if (vmi_has(VMI_CALL_APIC_WRITE))
		vmi(VMI_CALL_APIC_WRITE, reg, val, 0);
	else
		poke32(FIX_VA + 5 * PAGE + reg, val);
}

static void on_irq0(struct trap *t)
{
	irq0++;
	pic_eoi(0);
}

static void on_lvtt(struct trap *t)
{
	lvtt++;
	apic_write(APIC_EOI, 0);
}

static uint64_t counter(unsigned which)
{
	return vmi(VMI_CALL_GET_CYCLE_COUNTER, which, 0, 0);
}

static void alarm(uint32_t flags, uint64_t expiry, uint32_t period)
{
	vmi_call5(VMI_CALL_SET_ALARM, flags, expiry, expiry >> 32, period, 0);
}

static bool ticks(volatile uint32_t *n, uint32_t hz)
{
	uint64_t end = counter(0) + 20ull * hz;
	uint32_t was = *n;

	while (*n - was < 5 && counter(0) < end)
		vmi_or_native(VMI_CALL_HALT, 0, 0, 0, 0);
	__asm__ volatile("cli");
	return *n - was >= 5;
}

/* An interrupt that is on its way. */
static void let_in(void)
{
	__asm__ volatile("sti; nop; nop; nop; cli");
}

static void one_shots(uint32_t hz)
{
	uint32_t was;

	let_in();		/* the last one of the periodic alarm */
	was = lvtt;
	for (unsigned i = 0; i < 5; i++) {
		alarm(0x10000, counter(0) + hz / 1000, 0);
		vmi_or_native(VMI_CALL_HALT, 0, 0, 0, 0);
		__asm__ volatile("cli");
	}
	ok(lvtt - was == 5, "%s: five one-shot ticks", who->name);
}

static void clock(void)
{
	unsigned which = who->old_clock;
	uint32_t hz, flags = 0x100 | which;

	if (!vmi_has(VMI_CALL_GET_CYCLE_FREQUENCY)) {
		ok(true, "%s: clock # SKIP this ROM has none", who->name);
		return;
	}
	hz = vmi(VMI_CALL_GET_CYCLE_FREQUENCY, 0, 0, 0);
	fixmap(5, 0xfee00000);
	trap_hooks[IRQ_BASE] = on_irq0;
	trap_hooks[who->lvtt] = on_lvtt;
	pic_init(1);
	outb(0x43, 0x3a);
	alarm(flags, counter(which), hz / 250);
	ok(ticks(&irq0, hz), "%s: the clock, by IRQ 0", who->name);
	if (who->old_clock)
		apic_write(LVTT, who->lvtt);
	vmi(VMI_CALL_CANCEL_ALARM, who->old_clock ? 1 : flags, 0, 0);
	if (!who->old_clock)
		apic_write(LVTT, who->lvtt);
	alarm(flags | VMI_ALARM_LVTT, counter(which), hz / 250);
	ok(ticks(&lvtt, hz), "%s: the clock, by the local APIC", who->name);
	vmi(VMI_CALL_CANCEL_ALARM, flags | VMI_ALARM_LVTT, 0, 0);
	if (!who->old_clock)
		one_shots(hz);
	let_in();
	trap_hooks[who->lvtt] = NULL;
	outb(0x21, 0xff);
}

void guest_main(void)
{
	for (unsigned i = 0; i < sizeof(people) / sizeof(*people); i++) {
		who = &people[i];
		boot_tables();
		activate();
		if (who->pae)
			pae_tables();
		else
			flat_tables();
		fixmaps();
		process();
		clock();
	}
}
