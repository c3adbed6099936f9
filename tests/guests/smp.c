/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several processors: start-up, interprocessor interrupts of every kind, shared
 * memory.  How many there are stands in the MP table.
 *
 * Intel SDM Vol. 3A 8.4 (start-up), 10.6 (IPIs).
 */
#include "tests/guests/guest.h"

#define CPUS_MAX	16
#define TRAMPOLINE	0x9000		/* page of the start-up IPI */
#define LAPIC		0xfee00000u
#define LAPIC_ID	(LAPIC + 0x20)
#define LAPIC_TPR	(LAPIC + 0x80)
#define LAPIC_EOI	(LAPIC + 0xb0)
#define LAPIC_LDR	(LAPIC + 0xd0)
#define LAPIC_SVR	(LAPIC + 0xf0)
#define LAPIC_ICR	(LAPIC + 0x300)
#define LAPIC_ICR_HIGH	(LAPIC + 0x310)
#define SVR_ON		0x1ff
#define ICR_INIT	0x4500
#define ICR_SIPI	0x4600
#define ICR_NMI		0x4400
#define ICR_FIXED	0x4000
#define ICR_LOWEST	0x4100
#define ICR_LOGICAL	0x0800
#define ICR_SELF	0x40000
#define ICR_ALL		0x80000
#define ICR_OTHERS	0xc0000

#define VEC_BALL	0x50	/* travels around */
#define VEC_COUNT	0x51	/* counted where it arrives */
#define VEC_WORK	0x52	/* the processor adds to `sum' */
#define ROUNDS		50
#define ADDS		2000
#define PATIENCE	20000000u	/* loops of a wait that ends anyway */

static unsigned ncpus;
static volatile uint32_t online[CPUS_MAX];	/* times it came up */
static volatile uint32_t counted[CPUS_MAX], nmis[CPUS_MAX];
static volatile uint32_t numbered[CPUS_MAX];	/* by CPUID */
static volatile uint32_t ball_hops, sum, done;
extern uint8_t stacks[CPUS_MAX][8192];
uint8_t stacks[CPUS_MAX][8192] __attribute__((aligned(16)));
void ap_main(unsigned id);

static unsigned self(void)
{
	return peek32(LAPIC_ID) >> 24;
}

static void ipi(unsigned dest, uint32_t low)
{
	poke32(LAPIC_ICR_HIGH, dest << 24);
	poke32(LAPIC_ICR, low);
}

/* Initial APIC ID, CPUID.1:EBX. */
static uint32_t cpuid_number(void)
{
	uint32_t r[4];

	cpuid(1, r);
	return r[1] >> 24;
}

/* Wait until *@p is @val; false: it does not come. */
static bool comes(volatile uint32_t *p, uint32_t val)
{
	for (uint32_t n = 0; n < PATIENCE && *p != val; n++)
		__asm__ volatile("pause");
	return *p == val;
}

/* MultiProcessor Specification 1.4, 4.1: entries of type 0, 20 bytes. */
static unsigned count_cpus(void)
{
	uint32_t table = peek32(0xf0004), at = table + 44;
	unsigned n = 0;

	while (peek8(at) == 0) {
		n++;
		at += 20;
	}
	return n;
}

/*
 * The trampoline: real mode at TRAMPOLINE:0, to protected mode with the
 * kernel's tables, then to ap_main() on a stack by APIC ID.
 */
extern const uint8_t ap_start[], ap_end[];
__asm__(".pushsection .rodata\n.code16\n"
	"ap_start: cli; movw %cs, %ax; movw %ax, %ds\n"
	"	lgdtl ap_gdt - ap_start\n"
	"	movl %cr0, %eax; orl $1, %eax; movl %eax, %cr0\n"
	"	ljmpl $0x08, $ap_flat\n"
	".balign 8\n"
	"ap_gdt: .word 64 * 8 - 1; .long gdt\n"
	"ap_end:\n.code32\n.popsection\n"
	".pushsection .text\n"
	"ap_flat: movl $0x10, %eax; movl %eax, %ds; movl %eax, %es\n"
	"	movl %eax, %ss; movl %eax, %fs; movl %eax, %gs\n"
	"	movl 0xfee00020, %ebx; shrl $24, %ebx\n"
	"	leal 1(%ebx), %esp; shll $13, %esp; addl $stacks, %esp\n"
	"	pushl %ebx; call ap_main; 1: hlt; jmp 1b\n"
	".popsection");

static struct {
	uint16_t limit;
	uint32_t base;
} __attribute__((packed)) idt_reg = { sizeof(idt) - 1, (uint32_t)idt };

void ap_main(unsigned id)
{
	__asm__ volatile("lidt %0" :: "m"(idt_reg));
	poke32(LAPIC_SVR, SVR_ON);
	poke32(LAPIC_LDR, 1u << (24 + id));
	numbered[id] = cpuid_number();
	online[id]++;
	for (;;)
		__asm__ volatile("sti; hlt");
}

static void start(unsigned id)
{
	ipi(id, ICR_INIT);
	ipi(id, ICR_SIPI | TRAMPOLINE >> 12);
	ipi(id, ICR_SIPI | TRAMPOLINE >> 12);	/* the second is ignored */
}

/* Pass it on; the one who began counts the rounds. */
static void on_ball(struct trap *t)
{
	unsigned id = self();

	poke32(LAPIC_EOI, 0);
	ball_hops++;
	if (ball_hops < ROUNDS * ncpus)
		ipi((id + 1) % ncpus, ICR_FIXED | VEC_BALL);
}

static void on_count(struct trap *t)
{
	__asm__ volatile("lock incl %0" : "+m"(counted[self()]));
	poke32(LAPIC_EOI, 0);
}

static void on_work(struct trap *t)
{
	for (unsigned n = 0; n < ADDS; n++)
		__asm__ volatile("lock incl %0" : "+m"(sum));
	poke32(LAPIC_EOI, 0);
	__asm__ volatile("lock incl %0" : "+m"(done));
}

static void on_nmi(struct trap *t)
{
	__asm__ volatile("lock incl %0" : "+m"(nmis[self()]));
}

static bool all_counted(uint32_t others, uint32_t own)
{
	bool good = comes(&counted[0], own);

	for (unsigned n = 1; n < ncpus; n++)
		good &= comes(&counted[n], others);
	return good;
}

static void start_up(void)
{
	bool good = true;

	ncpus = count_cpus();
	print("# %u processors\n", ncpus);
	memcpy((void *)TRAMPOLINE, ap_start, ap_end - ap_start);
	for (unsigned n = 1; n < ncpus; n++)
		start(n);
	for (unsigned n = 1; n < ncpus; n++)
		good &= comes(&online[n], 1);
	ok(good, "INIT and start-up IPIs start each processor once");
	good = cpuid_number() == 0;
	for (unsigned n = 1; n < ncpus; n++)
		good &= numbered[n] == n;
	ok(good, "CPUID has the APIC IDs");
}

static uint32_t count_all(void)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < ncpus; i++)
		n += counted[i];
	return n;
}

/* Who gets it, is KVM's business where KVM has the APICs. */
static void lowest_priority(void)
{
	uint32_t before = count_all(), own = counted[0];

	poke32(LAPIC_TPR, 0x20);
	ipi(0xff, ICR_LOWEST | ICR_LOGICAL | VEC_COUNT);
	for (uint32_t n = 0; n < PATIENCE && count_all() == before; n++)
		__asm__ volatile("pause");
	poke32(LAPIC_TPR, 0);
	ok(count_all() == before + 1, "lowest priority: one processor");
	if (counted[0] != own)
		print("# it was the one with the higher TPR\n");
}

static void destinations(void)
{
	ipi(0, ICR_FIXED | ICR_OTHERS | VEC_COUNT);
	ok(all_counted(1, 0), "all but self");
	ipi(0, ICR_FIXED | ICR_ALL | VEC_COUNT);
	ok(all_counted(2, 1), "all with self");
	ipi(0, ICR_FIXED | ICR_SELF | VEC_COUNT);
	ok(all_counted(2, 2), "self");
	ipi(0xfe, ICR_FIXED | ICR_LOGICAL | VEC_COUNT);
	ok(all_counted(3, 2), "logical destinations, a bit each");
	lowest_priority();
}

void guest_main(void)
{
	trap_hooks[VEC_BALL] = on_ball;
	trap_hooks[VEC_COUNT] = on_count;
	trap_hooks[VEC_WORK] = on_work;
	trap_hooks[2] = on_nmi;
	poke32(LAPIC_SVR, SVR_ON);
	poke32(LAPIC_LDR, 1u << 24);
	start_up();
	__asm__ volatile("sti");
	destinations();

	ipi(1 % ncpus, ICR_FIXED | VEC_BALL);
	ok(comes(&ball_hops, ROUNDS * ncpus),
	   "an interrupt goes around %u times", ROUNDS);

	ipi(0, ICR_FIXED | ICR_ALL | VEC_WORK);
	ok(comes(&done, ncpus) && sum == ADDS * ncpus,
	   "locked additions of all processors add up");

	ipi(ncpus - 1, ICR_NMI);
	ok(comes(&nmis[ncpus - 1], 1), "NMI to another processor");

	ipi(ncpus - 1, ICR_INIT);
	ipi(ncpus - 1, ICR_FIXED | VEC_COUNT);	/* reaches no one */
	start(ncpus - 1);
	ok(comes(&online[ncpus - 1], 2), "INIT stops it, and it starts anew");
}
