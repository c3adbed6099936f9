// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/guests64/guest.h"

struct trap last;
uint64_t last_cr2;
trap_hook *trap_hooks[256];
uint8_t scratch[SCRATCH_PAGES][PAGE] __attribute__((aligned(4096)));

extern uint64_t gdt[], catch_rip;
extern const uint8_t trap_caught[], syscall_entry[];
void guest_init(void);
void trap_handle(struct trap *t);

/* SDM Vol. 3A figure 7-11. */
static struct tss {
	uint32_t reserved;
	uint64_t rsp[3], reserved1, ist[7], reserved2;
	uint16_t reserved3, iomap;
} __attribute__((packed)) tss;

/* SDM Vol. 3A figure 6-8. */
static struct gate {
	uint16_t low, sel;
	uint8_t ist, attr;
	uint16_t mid;
	uint32_t high, reserved;
} idt[256] __attribute__((aligned(16)));

static bool failed;

/* ---- Output --------------------------------------------------------------- */

/* The UART sends at once; looking whether it has would only cost time. */
void console_put(char c)
{
	outb(COM1, c);
}

void ok(bool good, const char *what)
{
	print("%s%s\n", good ? "ok " : "not ok ", what);
	if (good)
		return;
	failed = true;
	print("# last trap %x error %x rip %x cs %x rflags %x rsp %x cr2 %x\n",
	      last.vector, last.error, last.rip, last.cs, last.rflags,
	      last.rsp, last_cr2);
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
	catch_rip = 0;
}

void trap_handle(struct trap *t)
{
	if (trap_hooks[t->vector]) {
		trap_hooks[t->vector](t);
		return;
	}
	last = *t;
	last_cr2 = get_cr2();
	if (!catch_rip) {
		ok(false, "no exception outside a test");
		guest_exit();
	}
	/* Leave the handler without IRET: trap_caught reloads what matters. */
	__asm__ volatile("jmp *%0" :: "r"(trap_caught));
	__builtin_unreachable();
}

void idt_set(unsigned vector, uint64_t handler, unsigned type, unsigned dpl,
	     unsigned ist)
{
	idt[vector] = (struct gate){ handler, KERNEL_CS, ist,
				     0x80 | dpl << 5 | type, handler >> 16,
				     handler >> 32, 0 };
}

void idt_absent(unsigned vector)
{
	idt[vector].attr &= ~0x80;
}

/* For processors that come later, too. */
struct {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed)) idt_pointer = { sizeof(idt) - 1, (uint64_t)idt };

/* SDM Vol. 3A figure 7-4. */
static void set_tss_descriptor(void)
{
	uint64_t base = (uint64_t)&tss;

	gdt[TSS_SEL / 8] = (sizeof(tss) - 1) | (base & 0xffffff) << 16 |
			   0x89ull << 40 | (base >> 24 & 0xff) << 56;
	gdt[TSS_SEL / 8 + 1] = base >> 32;
}

void guest_init(void)
{
	unsigned i;

	outb(COM1 + 3, 3);	/* 8 bits */
	for (i = 0; i < 256; i++)
		idt_set(i, (uint64_t)trap_stubs + i * 16, 0xe,
			i == 0x80 || i == VEC_BP ? 3 : 0, 0);
	__asm__ volatile("lidt %0" :: "m"(idt_pointer));
	set_tss_descriptor();
	tss.rsp[0] = (uint64_t)trap_stack_top;
	tss.ist[0] = (uint64_t)ist_stack_top;
	tss.iomap = sizeof(tss);	/* none */
	__asm__ volatile("ltr %w0" :: "r"(TSS_SEL));
	wrmsr(MSR_STAR, (uint64_t)USER_CS32 << 48 | (uint64_t)KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (uint64_t)syscall_entry);
	wrmsr(MSR_SFMASK, FLAG_IF | FLAG_DF);
}

/* ---- Pages ---------------------------------------------------------------- */

uint64_t window_map(unsigned i, unsigned n, uint64_t bits)
{
	window_table[i] = (uint64_t)scratch[n] | bits;
	invlpg(WINDOW_VA + i * PAGE);
	invlpg(HIGH_VA + i * PAGE);
	return WINDOW_VA + i * PAGE;
}

/* ---- CPL 3 ---------------------------------------------------------------- */

unsigned user_run(const uint8_t *from, const uint8_t *to, uint64_t rflags,
		  uint64_t cs)
{
	memcpy(scratch[SCRATCH_PAGES - 1], from, to - from);
	window_map(USER_CODE_PAGE, SCRATCH_PAGES - 1, PTE_P | PTE_W | PTE_U);
	window_map(USER_STACK_PAGE, SCRATCH_PAGES - 2,
		   PTE_P | PTE_W | PTE_U | PTE_NX);
	return CATCH(enter_user(USER_CODE, USER_STACK_TOP, rflags | 2, cs));
}
