// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Three processors: INIT and start-up IPIs, real mode to long mode on each,
 * IPIs both ways, locked instructions.
 */
#include "tests/guests64/guest.h"
#include "tests/guests64/lapic.h"

#define CPUS		3
#define TRAMPOLINE	0x8000	/* page 8: the start-up IPI's vector */
#define ICR_HIGH	(LAPIC_ICR + 0x10)
#define ICR_INIT	0x4500
#define ICR_STARTUP	0x4600
#define ICR_OTHERS	0xc0000
#define ICR_FIXED	0x4000
#define PING_VECTOR	0x71
#define PONG_VECTOR	0x72
#define START_VECTOR	0x73
#define STOP_VECTOR	0x74
#define ADDS		500
#define LIMIT		(1ull << 32)	/* cycles, more than a second */

extern const uint8_t trampoline[], trampoline_end[];
static volatile uint64_t started, counter, done, pings[CPUS], pongs;
static volatile uint64_t ticks[CPUS];
static volatile uint8_t ids[CPUS];
/* A processor that starts again takes a new one. */
uint8_t stacks[2 * CPUS][4096] __attribute__((aligned(16)));

/*
 * 16-bit code at 0800:0000, no stack.  CR0 turns on protection and paging in
 * one, which long mode allows (SDM Vol. 3A 9.8.5).  Each processor takes a
 * number and with it a stack.
 */
__asm__(".section .rodata\n.code16\n"
	"trampoline:\n"
	"cli\nmovw %cs, %ax\nmovw %ax, %ds\n"
	"lgdtl 1f - trampoline\n"
	"movl $0x620, %eax\nmovl %eax, %cr4\n"
	"movl $pml4, %eax\nmovl %eax, %cr3\n"
	"movl $0xc0000080, %ecx\nmovl $0x901, %eax\nxorl %edx, %edx\nwrmsr\n"
	"movl $0x80010023, %eax\nmovl %eax, %cr0\n"
	"ljmpl $0x10, $ap_start\n"
	".balign 4\n1: .word 0x4f\n.long gdt\n"
	"trampoline_end:\n.code64\n.text\n"
	"ap_start:\n"
	"movl $0x18, %eax\nmovl %eax, %ds\nmovl %eax, %es\nmovl %eax, %ss\n"
	"movl $1, %edi\nlock xaddq %rdi, ap_number\n"
	"movq %rdi, %rax\nincq %rax\nshlq $12, %rax\n"
	"leaq stacks(%rax), %rsp\n"
	"lidt idt_pointer\n"
	"call ap_main\n"
	"1: hlt\njmp 1b\n"
	".data\n.globl ap_number\nap_number: .quad 1\n.previous\n");

void ap_main(uint64_t number);

static uint8_t my_id(void)
{
	return peek32(LAPIC_ID) >> 24;
}

static void send(uint8_t id, uint32_t low)
{
	poke32(ICR_HIGH, (uint32_t)id << 24);
	poke32(LAPIC_ICR, low);
}

static void on_ping(struct trap *t)
{
	uint8_t me = my_id();

	if (me < CPUS)
		__atomic_add_fetch(&pings[me], 1, __ATOMIC_SEQ_CST);
	poke32(LAPIC_EOI, 0);
	send(0, ICR_FIXED | PONG_VECTOR);
}

static void on_tick(struct trap *t)
{
	uint8_t me = my_id();

	if (me < CPUS)
		ticks[me]++;
	poke32(LAPIC_EOI, 0);
}

/* Sent to all: each starts its own timer, some 1000 times a second. */
static void on_start_timer(struct trap *t)
{
	poke32(LAPIC_DIVIDE, 0xb);
	poke32(LAPIC_TIMER, LAPIC_PERIODIC | TIMER_VECTOR);
	poke32(LAPIC_INITIAL, 1000000);
	poke32(LAPIC_EOI, 0);
}

static void on_stop_timer(struct trap *t)
{
	poke32(LAPIC_INITIAL, 0);
	poke32(LAPIC_EOI, 0);
}

static void on_pong(struct trap *t)
{
	pongs++;
	poke32(LAPIC_EOI, 0);
}

void ap_main(uint64_t number)
{
	poke32(LAPIC_SVR, SVR_ENABLE);
	if (number < CPUS)
		ids[number] = my_id();
	__atomic_add_fetch(&started, 1, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < ADDS; i++)
		__asm__ volatile("lock incq %0" : "+m"(counter));
	__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
	for (;;)
		__asm__ volatile("sti; hlt; cli" ::: "memory");
}

/* Wait until *n reaches @want, or the time is up. */
static bool reaches(volatile uint64_t *n, uint64_t want)
{
	uint64_t end = rdtsc() + LIMIT;

	__asm__ volatile("sti" ::: "memory");
	while (*n < want && rdtsc() < end)
		__asm__ volatile("pause" ::: "memory");
	__asm__ volatile("cli" ::: "memory");
	return *n == want;
}

static bool reaches_more(volatile uint64_t *n, uint64_t want)
{
	reaches(n, want);
	return *n >= want;
}

static void start(void)
{
	memcpy((void *)TRAMPOLINE, trampoline, trampoline_end - trampoline);
	poke32(LAPIC_ICR, ICR_OTHERS | ICR_INIT);
	poke32(LAPIC_ICR, ICR_OTHERS | ICR_STARTUP | TRAMPOLINE >> 12);
}

static void bring_up(void)
{
	ok(my_id() == 0 && rdmsr(0x1b) & 0x100,
	   "the first processor has ID 0 and the BSP bit");
	start();
	ok(reaches(&started, CPUS - 1), "INIT and start-up IPIs start the others");
	ok(ids[1] + ids[2] == 3 && ids[1] != ids[2], "their APIC IDs are 1 and 2");
	poke32(LAPIC_ICR, ICR_OTHERS | ICR_STARTUP | TRAMPOLINE >> 12);
	ok(reaches(&done, CPUS - 1) && started == CPUS - 1,
	   "a start-up IPI to a running processor does nothing");
	ok(counter == (CPUS - 1) * ADDS, "locked increments do not get lost");
}

static void ipis(void)
{
	trap_hooks[PING_VECTOR] = on_ping;
	trap_hooks[PONG_VECTOR] = on_pong;
	for (unsigned i = 1; i <= 10; i++) {
		send(1, ICR_FIXED | PING_VECTOR);
		if (!reaches(&pongs, i))
			break;
	}
	ok(pings[1] == 10 && pongs == 10, "10 IPIs to one, 10 back");
	ok(pings[2] == 0, "none to the other");
	poke32(LAPIC_ICR, ICR_OTHERS | ICR_FIXED | PING_VECTOR);
	/* Their answers may arrive as one. */
	ok(reaches(&pings[1], 11) && reaches(&pings[2], 1),
	   "one to all others");
}

static void timers(void)
{
	trap_hooks[TIMER_VECTOR] = on_tick;
	trap_hooks[START_VECTOR] = on_start_timer;
	trap_hooks[STOP_VECTOR] = on_stop_timer;
	poke32(LAPIC_ICR, ICR_OTHERS | ICR_FIXED | START_VECTOR);
	ok(reaches_more(&ticks[1], 50) && reaches_more(&ticks[2], 50),
	   "timers of the others wake them from HLT");
	ok(ticks[0] == 0, "and nobody else");
	poke32(LAPIC_ICR, ICR_OTHERS | ICR_FIXED | STOP_VECTOR);
}

/* The second one starts over, with a new number and stack. */
static void again(void)
{
	send(2, ICR_INIT);
	send(2, ICR_FIXED | PING_VECTOR);
	for (unsigned i = 0; i < 1000; i++)
		__asm__ volatile("pause");
	ok(pings[2] == 1, "a processor behind INIT takes no interrupts");
	send(2, ICR_STARTUP | TRAMPOLINE >> 12);
	ok(reaches(&started, CPUS), "and starts again");
}

void guest_main(void)
{
	pic_init(0);
	poke32(LAPIC_SVR, SVR_ENABLE);
	bring_up();
	ipis();
	timers();
	again();
}
