/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel that uses the interface as it should be used, but for one fault
 * that the build chooses (misuse.def).
 */
#include "tests/vmi/vmi.h"

static volatile unsigned ticks;

static void on_tick(struct trap *t)
{
	ticks++;
	pic_eoi(0);
}


/* ---- What is right ---------------------------------------------------------- */

static uint32_t pfn(const volatile void *p)
{
	return (uint32_t)p >> 12;
}

static void declare(void)
{
	vmi_call5(VMI_CALL_SET_LINEAR_MAPPING, 0, 0, MAPPED >> 12, 0, 0);
	vmi(VMI_CALL_ALLOCATE_PAGE, pfn(page_dir), VMI_LEVEL_PD, 0);
	for (uint32_t va = 0; va < MAPPED; va += 0x400000)
		vmi(VMI_CALL_ALLOCATE_PAGE, pfn(pte(va)), VMI_LEVEL_PT, 0);
	vmi(VMI_CALL_ALLOCATE_PAGE, pfn(pte(WINDOW_VA)), VMI_LEVEL_PT, 0);
}

#define FLAGS	(VMI_LEVEL_PT | VMI_PTE_CURRENT_AS | WINDOW_VA)

/* Map a page of the window, use it, take it away. */
static void map(void)
{
	uint32_t entry = (uint32_t)pte(WINDOW_VA);

	poke32(SCRATCH(0), 0x1234);
	vmi(VMI_CALL_SET_LAZY_MODE, VMI_LAZY_MMU, 0, 0);
	vmi(VMI_CALL_SET_PXE, SCRATCH(0) | PTE_P | PTE_W, entry, FLAGS);
	vmi(VMI_CALL_SET_LAZY_MODE, VMI_LAZY_NONE, 0, 0);
	ok(peek32(WINDOW_VA) == 0x1234, "the page is mapped");
	vmi(VMI_CALL_SET_PXE, 0, entry, FLAGS);
	vmi(VMI_CALL_INVAL_PAGE, WINDOW_VA, 0, 0);
	vmi(VMI_CALL_FLUSH_TLB, VMI_FLUSH_TLB | VMI_FLUSH_GLOBAL, 0, 0);
	vmi(VMI_CALL_SET_CR3, (uint32_t)page_dir, 0, 0);
	vmi(VMI_CALL_UPDATE_KERNEL_STACK, KERNEL_DS, SCRATCH(8), 0);
}

static void wait_for_tick(void)
{
	unsigned before = ticks;

	while (ticks == before) {
		vmi(VMI_CALL_HALT, 0, 0, 0);
		vmi(VMI_CALL_DISABLE_INTERRUPTS, 0, 0, 0);
	}
}

/* The window's table out of use and back. */
static void release(void)
{
	uint32_t entry = (uint32_t)&page_dir[WINDOW_VA >> 22];
	uint32_t table = page_dir[WINDOW_VA >> 22];

	vmi(VMI_CALL_SET_PXE, 0, entry, VMI_LEVEL_PD);
	vmi(VMI_CALL_FLUSH_TLB, VMI_FLUSH_TLB, 0, 0);
	vmi(VMI_CALL_RELEASE_PAGE, table >> 12, VMI_LEVEL_PT, 0);
#ifdef MISUSE_released
	vmi(VMI_CALL_SET_PXE, 0, (uint32_t)pte(WINDOW_VA), VMI_LEVEL_PT);
#endif
	vmi(VMI_CALL_ALLOCATE_PAGE, table >> 12, VMI_LEVEL_PT, 0);
	vmi(VMI_CALL_SET_PXE, table, entry, VMI_LEVEL_PD);
}

/* ---- What is wrong ---------------------------------------------------------- */

#ifdef MISUSE_user_off
static void on_int80(struct trap *t)
{
	guest_exit();
}

static void user_by_iret(void)
{
	static const uint8_t code[] = { 0xcd, 0x80 };	/* int 80h */

	memcpy(scratch[6], code, sizeof(code));
	trap_hooks[0x80] = on_int80;
	tss.esp0 = SCRATCH(9);
	__asm__ volatile("pushl %0; pushl %1; pushl $2; pushl %2; pushl %3\n"
			 "call *%4"
			 :: "i"(USER_DS), "r"(SCRATCH(8)), "i"(USER_CS),
			 "r"(SCRATCH(6)), "r"(vmi_entry[VMI_CALL_IRET])
			 : "memory");
	__builtin_unreachable();
}
#endif

static void misuse(void)
{
	uint32_t entry = (uint32_t)pte(WINDOW_VA);

	(void)entry;
#ifdef MISUSE_unaligned
	vmi(VMI_CALL_UPDATE_PXE, entry + 2, VMI_LEVEL_PT, 0);
#endif
#ifdef MISUSE_unmapped
	vmi(VMI_CALL_UPDATE_PXE, 0x70000000, VMI_LEVEL_PT, 0);
#endif
#ifdef MISUSE_undeclared
	vmi(VMI_CALL_SET_PXE, 0, SCRATCH(5), VMI_LEVEL_PT);
#endif
#ifdef MISUSE_level
	vmi(VMI_CALL_SET_PXE, 0, entry, VMI_LEVEL_PD);
#endif
#ifdef MISUSE_size
	vmi(VMI_CALL_UPDATE_PXE_LONG, entry, VMI_LEVEL_PT, 0);
#endif
#ifdef MISUSE_va
	vmi(VMI_CALL_SET_PXE, 0, entry, FLAGS + PAGE);
#endif
#ifdef MISUSE_flags
	vmi(VMI_CALL_SET_PXE, 0, entry, VMI_LEVEL_PT | VMI_PTE_DEFER);
#endif
#ifdef MISUSE_in_use
	vmi(VMI_CALL_RELEASE_PAGE, pfn(pte(0)), VMI_LEVEL_PT, 0);
	vmi(VMI_CALL_ALLOCATE_PAGE, pfn(pte(0)), VMI_LEVEL_PT, 0);
#endif
#ifdef MISUSE_range
	vmi(VMI_CALL_ALLOCATE_PAGE, 0xfffff, VMI_LEVEL_PT, 0);
#endif
#ifdef MISUSE_root
	memcpy(scratch[6], page_dir, sizeof(page_dir));
	vmi(VMI_CALL_SET_CR3, SCRATCH(6), 0, 0);
	vmi(VMI_CALL_SET_CR3, (uint32_t)page_dir, 0, 0);
#endif
#ifdef MISUSE_left_on
	vmi(VMI_CALL_SET_LAZY_MODE, VMI_LAZY_CPU, 0, 0);
	wait_for_tick();
	vmi(VMI_CALL_SET_LAZY_MODE, VMI_LAZY_NONE, 0, 0);
#endif
#ifdef MISUSE_nested
	vmi(VMI_CALL_SET_LAZY_MODE, VMI_LAZY_MMU, 0, 0);
	vmi(VMI_CALL_SET_LAZY_MODE, VMI_LAZY_CPU, 0, 0);
	vmi(VMI_CALL_SET_LAZY_MODE, VMI_LAZY_NONE, 0, 0);
#endif
#ifdef MISUSE_unbalanced
	vmi(VMI_CALL_SET_LAZY_MODE, VMI_LAZY_NONE, 0, 0);
#endif
#ifdef MISUSE_interrupts
	vmi(VMI_CALL_ENABLE_INTERRUPTS, 0, 0, 0);
	vmi(VMI_CALL_HALT, 0, 0, 0);
	vmi(VMI_CALL_DISABLE_INTERRUPTS, 0, 0, 0);
#endif
#ifdef MISUSE_flush
	vmi(VMI_CALL_FLUSH_TLB, VMI_FLUSH_GLOBAL, 0, 0);
#endif
#ifdef MISUSE_slot
	vmi(VMI_CALL_SET_LINEAR_MAPPING, VMI_LINEAR_MAP_SLOTS, 0, 1);
#endif
#ifdef MISUSE_alarm
	vmi(VMI_CALL_SET_ALARM, VMI_ALARM_PERIODIC, 0xffffffff, 0xffff);
	vmi(VMI_CALL_CANCEL_ALARM, VMI_COUNTER_REAL, 0, 0);
#endif
#ifdef MISUSE_value
	vmi(VMI_CALL_SET_LAZY_MODE, 7, 0, 0);
#endif
#ifdef MISUSE_page_flags
	vmi(VMI_CALL_ALLOCATE_PAGE, pfn(scratch[6]),
	    VMI_LEVEL_PT | VMI_LEVEL_PD, 0);
#endif
#ifdef MISUSE_clone
	vmi_call5(VMI_CALL_ALLOCATE_PAGE, pfn(scratch[6]),
		  VMI_LEVEL_PD | VMI_PAGE_CLONE, pfn(page_dir), 1000, 100);
#endif
#ifdef MISUSE_old_root
	memcpy(scratch[6], page_dir, sizeof(page_dir));
	vmi(VMI_CALL_ALLOCATE_PAGE, pfn(scratch[6]), VMI_LEVEL_PD, 0);
	vmi(VMI_CALL_RELEASE_PAGE, pfn(scratch[6]), VMI_LEVEL_PD, 0);
	vmi(VMI_CALL_SET_CR3, SCRATCH(6), 0, 0);
	vmi(VMI_CALL_SET_CR3, (uint32_t)page_dir, 0, 0);
#endif
#ifdef MISUSE_table
	/* Where nothing is, but what does not fault. */
	vmi(VMI_CALL_SET_PXE, 0xe0000000 | PTE_P | PTE_W, entry, FLAGS);
	vmi(VMI_CALL_GET_IDT, WINDOW_VA, 0, 0);
#endif
#ifdef MISUSE_index
	entry = (uint32_t)(gdt + GDT_ENTRIES);
	vmi_call5(VMI_CALL_WRITE_GDT_ENTRY, (uint32_t)gdt, GDT_ENTRIES,
		  peek32(entry), peek32(entry + 4), 0);
#endif
#ifdef MISUSE_stack
	vmi(VMI_CALL_UPDATE_KERNEL_STACK, KERNEL_DS, 0x70000000, 0);
#endif
#ifdef MISUSE_batch
	vmi(VMI_CALL_SET_PXE_BATCH, SCRATCH(6), 0, 0);
#endif
#ifdef MISUSE_parts
	poke32(SCRATCH(6), ~VMI_SWITCH_ALL);
	vmi(VMI_CALL_SWITCH_SPACE, SCRATCH(6), 0, 0);
#endif
#ifdef MISUSE_unasked
	vmi(VMI_CALL_INVAL_PAGE, WINDOW_VA, 0, 0);
#endif
#ifdef MISUSE_user_off
	user_by_iret();
#endif
#ifdef MISUSE_dies
	vmi(VMI_CALL_SET_IDT, SCRATCH(6), 0, 0);
	__asm__ volatile("ud2");
#endif
#ifdef MISUSE_native
	set_cr3(get_cr3());
#endif
}

#ifdef MISUSE_unasked
/* All but one, whose place in a traced ROM is known: thunks are 16 bytes. */
static void bind_most(void)
{
	for (unsigned n = 0; n < VMI_CALLS; n++) {
		uint32_t type;

		if (n == VMI_CALL_INVAL_PAGE)
			continue;
		vmi_entry[n] = vmi_reloc(n, &type);
		vmi_type[n] = type;
	}
	vmi_entry[VMI_CALL_INVAL_PAGE] = vmi_entry[VMI_CALL_INVAL_PAGE - 1] + 16;
	vmi_type[VMI_CALL_INVAL_PAGE] = VMI_RELOC_CALL;
}
#endif

static void bind(void)
{
#ifdef MISUSE_unasked
	bind_most();
#else
	vmi_bind();
#endif
	ok(vmi_has(VMI_CALL_SET_PXE), "page-table calls are offered");
}

void guest_main(void)
{
	trap_hooks[IRQ_BASE] = on_tick;
	pic_init(1);
	pit_start(200);
	paging_on();
	vmi_find();
	ok(vmi_rom, "there is a ROM");
	if (!vmi_rom)
		return;
#ifdef MISUSE_unbound
	return;
#endif
#ifdef MISUSE_early
	bind();
	vmi(VMI_CALL_INVAL_PAGE, 0, 0, 0);
#endif
	ok(!vmi_start(), "it initialises");
	bind();
	/* It says that IRET and the like are as good as calls. */
	vmi(VMI_CALL_QUERY_FEATURES, 0, 0, 0);
	declare();
	map();
	release();
	wait_for_tick();
	misuse();
	for (const char *p = guest_cmdline; *p; p++)
		while (!memcmp(p, "forever", 7))
			wait_for_tick();
}
