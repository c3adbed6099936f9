/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/guests/guest.h"

struct trap last;
uint32_t last_cr2;
trap_hook *trap_hooks[256];
struct tss tss __attribute__((aligned(4096)));
uint64_t gdt[GDT_ENTRIES] __attribute__((aligned(8)));
uint64_t idt[256] __attribute__((aligned(8)));
uint32_t page_dir[1024] __attribute__((aligned(4096)));
static uint32_t low_tables[MAPPED >> 22][1024] __attribute__((aligned(4096)));
static uint32_t window_table[1024] __attribute__((aligned(4096)));
uint8_t scratch[SCRATCH_PAGES][PAGE] __attribute__((aligned(4096)));

extern uint32_t catch_eip;
extern const uint8_t trap_stubs[], trap_caught[], real_start[], real_end[];
void real_call(uint32_t ip);
void guest_init(void);
void trap_handle(struct trap *t);

static bool failed;

/* Of struct multiboot_info: flags, and the command line if bit 2 is set. */
extern uint32_t *multiboot_info;
uint32_t *multiboot_info;
const char *guest_cmdline = "";

/* ---- Output --------------------------------------------------------------- */

void console_put(char c)
{
	while (!(inb(COM1 + 5) & 0x20))
		;
	outb(COM1, c);
}

void ok(bool good, const char *fmt, ...)
{
	va_list ap;

	print(good ? "ok " : "not ok ");
	va_start(ap, fmt);
	vprint(fmt, ap);
	va_end(ap);
	print("\n");
	if (!good) {
		failed = true;
		print("# last trap %x error %x eip %x cs %x eflags %x cr2 %x\n",
		      last.vector, last.error, last.eip, last.cs, last.eflags,
		      last_cr2);
	}
}

void guest_exit(void)
{
	print("# end\n");
	outb(DEBUG_EXIT, failed ? FAIL_CODE : PASS_CODE);
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* ---- Exceptions ----------------------------------------------------------- */

void trap_clear(void)
{
	catch_eip = 0;
}

void trap_handle(struct trap *t)
{
	if (trap_hooks[t->vector]) {
		trap_hooks[t->vector](t);
		return;
	}
	last = *t;
	last_cr2 = get_cr2();
	if (!catch_eip) {
		ok(false, "no exception outside a test");
		guest_exit();
	}
	/* Leave the handler without IRET: trap_caught reloads what matters. */
	__asm__ volatile("jmp *%0" :: "r"(trap_caught));
	__builtin_unreachable();
}

/* ---- Descriptor tables ---------------------------------------------------- */

uint64_t descriptor(uint32_t base, uint32_t limit, uint32_t attr)
{
	uint32_t lo = (limit & 0xffff) | base << 16;
	uint32_t hi = (base >> 16 & 0xff) | (attr & 0xff) << 8 |
		(limit & 0xf0000) | (attr & 0xf000) << 8 | (base & 0xff000000);

	return (uint64_t)hi << 32 | lo;
}

uint64_t gate(uint16_t sel, uint32_t off, uint8_t type, unsigned dpl)
{
	uint32_t lo = (off & 0xffff) | (uint32_t)sel << 16;
	uint32_t hi = (off & 0xffff0000) | (uint32_t)(type | dpl << 5) << 8;

	return (uint64_t)hi << 32 | lo;
}

void idt_set(unsigned vector, uint64_t g)
{
	idt[vector] = g;
}

struct table_ptr {
	uint16_t limit;
	uint32_t base;
} __attribute__((packed));

static void load_tables(void)
{
	struct table_ptr g = { sizeof(gdt) - 1, (uint32_t)gdt };
	struct table_ptr i = { sizeof(idt) - 1, (uint32_t)idt };

	__asm__ volatile("lgdt %0; lidt %1" :: "m"(g), "m"(i));
	__asm__ volatile("ljmp %0, $1f\n1:\n"
			 "movl %1, %%ds; movl %1, %%es; movl %1, %%ss\n"
			 "movl %1, %%fs; movl %1, %%gs\n"
			 :: "i"(KERNEL_CS), "r"(KERNEL_DS) : "memory");
	__asm__ volatile("ltr %w0" :: "r"(TSS_SEL));
}

void guest_init(void)
{
	const uint32_t flat = SEG_G | SEG_DB;
	unsigned i;

	outb(COM1 + 3, 3);	/* 8 bits */
	pic_init(0);		/* firmware leaves the timer on vector 8 */
	if (multiboot_info[0] & 4)
		guest_cmdline = (const char *)multiboot_info[4];
	gdt[KERNEL_CS / 8] = descriptor(0, 0xfffff, SEG_CODE | flat);
	gdt[KERNEL_DS / 8] = descriptor(0, 0xfffff, SEG_DATA | flat);
	gdt[USER_CS / 8] = descriptor(0, 0xfffff, SEG_CODE | SEG_USER | flat);
	gdt[USER_DS / 8] = descriptor(0, 0xfffff, SEG_DATA | SEG_USER | flat);
	gdt[TSS_SEL / 8] = descriptor((uint32_t)&tss, sizeof(tss) - 1,
				      SEG_TSS);
	gdt[CODE16 / 8] = descriptor(0, 0xffff, SEG_CODE);
	gdt[DATA16 / 8] = descriptor(0, 0xffff, SEG_DATA);
	tss.ss0 = KERNEL_DS;
	tss.iomap = sizeof(tss);	/* none */
	for (i = 0; i < 256; i++)
		idt[i] = gate(KERNEL_CS, (uint32_t)trap_stubs + i * 16, 0x8e,
			      i == 0x80 || i == 3 || i == 4 ? 3 : 0);
	load_tables();
}

/* ---- Paging --------------------------------------------------------------- */

volatile uint32_t *pte(uint32_t va)
{
	if (va >= WINDOW_VA && va < WINDOW_VA + 0x400000)
		return &window_table[va >> 12 & 1023];
	return &low_tables[va >> 22][va >> 12 & 1023];
}

void paging_on(void)
{
	uint32_t i;

	memset(page_dir, 0, sizeof(page_dir));
	for (i = 0; i < MAPPED >> 22; i++)
		page_dir[i] = (uint32_t)low_tables[i] | PTE_P | PTE_W | PTE_U;
	page_dir[WINDOW_VA >> 22] = (uint32_t)window_table | PTE_P | PTE_W |
		PTE_U;
	for (i = 0; i < MAPPED; i += PAGE)
		*pte(i) = i | PTE_P | PTE_W | PTE_U;
	memset(window_table, 0, sizeof(window_table));
	set_cr3((uint32_t)page_dir);
	set_cr0(get_cr0() | CR0_PG | CR0_WP);
}

void paging_off(void)
{
	set_cr0(get_cr0() & ~(CR0_PG | CR0_WP));
}

/* ---- Real mode ------------------------------------------------------------ */

void real_mode_call(uint16_t ip)
{
	struct table_ptr ivt = { 0x3ff, 0 };

	memcpy((void *)REAL_CODE, real_start, real_end - real_start);
	memcpy((void *)REAL_IVT, &ivt, sizeof(ivt));
	real_call(ip);
}
