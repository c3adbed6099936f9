// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The machine as the rows need it: descriptor tables as Linux has them, two
 * address spaces, interrupts of the local APIC alone.
 */
#include "spec/vmi.h"
#include "tools/nano/nano.h"

#define CR0_MP		0x2u
#define CR0_TS		0x8u
#define CR0_WP		0x10000u
#define CR0_PG		0x80000000u
#define CR4_PSE		0x10u
#define CR4_PGE		0x80u

/* Local APIC, Intel SDM Vol. 3A table 10-1. */
#define APIC_SVR	0x0f0
#define APIC_LVTT	0x320
#define APIC_LVT0	0x350
#define APIC_DIVIDE	0x3e0
#define APIC_MASKED	0x10000
#define APIC_ENABLE	0x100
#define MSR_SYSENTER_CS	0x174

struct tss tss __attribute__((aligned(PAGE)));
uint64_t gdt[GDT_ENTRIES] __attribute__((aligned(PAGE)));
static uint64_t idt[256] __attribute__((aligned(PAGE)));
uint32_t root[2][1024] __attribute__((aligned(PAGE)));
uint32_t test_table[1024] __attribute__((aligned(PAGE)));
uint32_t ktest_table[1024] __attribute__((aligned(PAGE)));
uint8_t frames[2][TEST_PAGES][PAGE] __attribute__((aligned(PAGE)));
static uint32_t user_table[2][1024] __attribute__((aligned(PAGE)));
static uint32_t apic_table[1024] __attribute__((aligned(PAGE)));
static uint8_t user_stack[2][PAGE] __attribute__((aligned(PAGE)));
static uint8_t sysenter_stack[512] __attribute__((aligned(16)));

struct machine machine;

extern uint8_t user_begin[];
extern const uint8_t trap_stubs[], trap_spurious[], leave_user[];
extern const uint8_t sysenter_entry[];

/* ---- Descriptor tables ------------------------------------------------------ */

uint64_t descriptor(uint32_t base, uint32_t limit, uint16_t attr)
{
	uint32_t lo = (limit & 0xffff) | base << 16;
	uint32_t hi = (base >> 16 & 0xff) | (attr & 0xff) << 8 |
		(limit & 0xf0000) | (attr & 0xf000) << 8 | (base & 0xff000000);

	return (uint64_t)hi << 32 | lo;
}

void gate_set(unsigned vector, const void *handler, unsigned dpl)
{
	uint32_t off = (uint32_t)handler;
	uint32_t lo = (off & 0xffff) | SEL_KERNEL_CS << 16;
	uint32_t hi = (off & 0xffff0000) | 0x8e00 | dpl << 13;

	set_gate(idt, vector, (uint64_t)hi << 32 | lo);
}

/* Data segments stay the user's, as Linux has them; CS and SS are the kernel's. */
static void load_segments(void)
{
	__asm__ volatile("ljmp %0, $1f\n1:\n"
			 "movl %1, %%ss\n"
			 "movl %2, %%ds; movl %2, %%es\n"
			 "movl %3, %%fs; movl %3, %%gs\n"
			 :: "i"(SEL_KERNEL_CS), "r"(SEL_KERNEL_DS),
			    "r"(SEL_USER_DS), "r"(0) : "memory");
}

static void tables_init(void)
{
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) g = { sizeof(gdt) - 1, (uint32_t)gdt },
				  i = { sizeof(idt) - 1, (uint32_t)idt };

	gdt[SEL_KERNEL_CS / 8] = descriptor(0, 0xfffff, 0xc09b);
	gdt[SEL_KERNEL_DS / 8] = descriptor(0, 0xfffff, 0xc093);
	gdt[SEL_USER_CS / 8] = descriptor(0, 0xfffff, 0xc0fb);
	gdt[SEL_USER_DS / 8] = descriptor(0, 0xfffff, 0xc0f3);
	gdt[SEL_TSS / 8] = descriptor((uint32_t)&tss, sizeof(tss) - 1, 0x89);
	tss.ss0 = SEL_KERNEL_DS;
	tss.iomap = sizeof(tss);
	for (unsigned v = 0; v < 256; v++)
		gate_set(v, trap_stubs + v * 16, 0);
	gate_set(VEC_LEAVE, leave_user, 3);
	gate_set(VEC_SPURIOUS, trap_spurious, 0);
	load_gdt(&g);
	load_idt(&i);
	load_segments();
	load_tr(SEL_TSS);
}

/* ---- Paging ----------------------------------------------------------------- */

/* PGE from CPUID; kernel pages are global where that exists. */
static void map_kernel(uint32_t *dir, uint32_t g)
{
	for (unsigned i = 0; i < 4; i++)	/* 16 MiB, linear = physical */
		dir[i] = i << 22 | PTE_PS | PTE_P | PTE_W | g;
	dir[KTEST_VA >> 22] = (uint32_t)ktest_table | PTE_P | PTE_W;
	dir[LAPIC_VA >> 22] = (uint32_t)apic_table | PTE_P | PTE_W;
}

static void map_user(unsigned space)
{
	const uint32_t user = PTE_P | PTE_W | PTE_U;
	uint32_t *t = user_table[space], *dir = root[space];

	t[0] = (uint32_t)user_begin | user;
	t[1] = (uint32_t)frames[space][0] | user;
	dir[USER_VA >> 22] = (uint32_t)t | user;
	/* The stack's top is at USER_STACK: the last page of the 4 MiB. */
	t[1023] = (uint32_t)user_stack[space] | user;
}

static void paging_init(void)
{
	const uint32_t g = machine.pge ? PTE_G : 0;
	uint32_t cr0, cr4;

	for (unsigned i = 0; i < TEST_PAGES; i++) {
		test_table[i] = (uint32_t)frames[0][i] | PTE_P | PTE_W | PTE_U;
		ktest_table[i] = (uint32_t)frames[0][i] | PTE_P | PTE_W | g;
	}
	apic_table[LAPIC_VA >> 12 & 1023] = LAPIC_VA | PTE_P | PTE_W |
		PTE_PCD | g;
	for (unsigned s = 0; s < 2; s++) {
		map_kernel(root[s], g);
		map_user(s);
	}
	root[0][TEST_VA >> 22] = (uint32_t)test_table | PTE_P | PTE_W | PTE_U;
	__asm__ volatile("movl %%cr4, %0" : "=r"(cr4));
	set_cr4(cr4 | CR4_PSE | (machine.pge ? CR4_PGE : 0));
	set_cr3((uint32_t)root[0]);
	__asm__ volatile("movl %%cr0, %0" : "=r"(cr0));
	set_cr0((cr0 | CR0_PG | CR0_WP | CR0_MP) & ~CR0_TS);
}

/* Tell the ROM what was there before it. */
static void announce_tables(void)
{
	if (pv_call(VMI_CALL_SET_LINEAR_MAPPING))
		PV(pv_4u32 *, VMI_CALL_SET_LINEAR_MAPPING)
			(0, 0, 16 << 20 >> 12, 0);
	for (unsigned s = 0; s < 2; s++) {
		table_announce(root[s], VMI_LEVEL_PD);
		table_announce(user_table[s], VMI_LEVEL_PT);
	}
	table_announce(test_table, VMI_LEVEL_PT);
	table_announce(ktest_table, VMI_LEVEL_PT);
	table_announce(apic_table, VMI_LEVEL_PT);
}

/* ---- The rest --------------------------------------------------------------- */

/* All lines of the 8259 pair masked: IMR, 8259A data sheet OCW1. */
static void pic_off(void)
{
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

static void apic_init(void)
{
	apic_write(APIC_SVR, APIC_ENABLE | VEC_SPURIOUS);
	apic_write(APIC_LVT0, APIC_MASKED);
	apic_write(APIC_DIVIDE, 0xb);		/* by 1 */
	apic_write(APIC_LVTT, VEC_TIMER);
}

static void sysenter_init(void)
{
	wrmsr(MSR_SYSENTER_CS, SEL_KERNEL_CS);
	wrmsr(MSR_SYSENTER_CS + 1,
	      (uint32_t)sysenter_stack + sizeof(sysenter_stack));
	wrmsr(MSR_SYSENTER_CS + 2, (uint32_t)sysenter_entry);
}

static void print_signature(uint32_t leaf)
{
	uint32_t r[4];

	cpuid(leaf, r);
	/* Vendors are in EBX EDX ECX, hypervisors in EBX ECX EDX. */
	if (!leaf) {
		uint32_t swap = r[2];

		r[2] = r[3];
		r[3] = swap;
	}
	for (unsigned i = 0; i < 12; i++) {
		char c = r[1 + i / 4] >> i % 4 * 8;

		if (c)
			print("%c", c);
	}
}

static void cpu_init(void)
{
	uint32_t b, c, d;
	uint32_t a = 1;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
	machine.pge = d & 1u << 13;
	machine.sep = d & 1u << 11;
	machine.apic = d & 1u << 9;
	print("#cpu\t");
	print_signature(0);
	print("\t");
	if (c & 1u << 31)
		print_signature(0x40000000);
	else
		print("-");
	print("\n");
}

void machine_init(bool paging, bool all_calls)
{
	cpu_init();
	pic_off();
	machine.paging = paging;
	tables_init();
	if (paging)
		paging_init();
	if (machine.sep)
		sysenter_init();
	if (!paging)
		print("#vmi\tnone: paging is off\n");
	else if (pv_init(all_calls))
		announce_tables();
	/* Without paging LAPIC_VA is its physical address. */
	if (machine.apic)
		apic_init();
}
