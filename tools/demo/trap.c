// SPDX-License-Identifier: GPL-2.0-or-later
/* IDT, 8259 pair, timer; the common end of all interrupts. */
#include "demo.h"

#define VECTORS		48
#define VEC_BP		3
#define VEC_PF		14

/* Intel SDM Vol. 3A 6.11: 32-bit interrupt gate, present. */
#define GATE_INTR	0x8e00

/* start.S: 16 bytes each. */
extern const uint8_t trap_stubs[];

static struct {
	uint16_t low, selector;
	uint16_t type, high;
} idt[VECTORS];

bool (*page_fault)(uint32_t addr, uint32_t error);
volatile uint32_t ticks;

static void idt_init(void)
{
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) idtr = { sizeof(idt) - 1, (uint32_t)idt };
	uint16_t cs;

	__asm__ volatile("mov %%cs, %0" : "=r"(cs));
	for (unsigned i = 0; i < VECTORS; i++) {
		uint32_t at = (uint32_t)trap_stubs + i * 16;

		idt[i].low = at;
		idt[i].high = at >> 16;
		idt[i].selector = cs;
		idt[i].type = GATE_INTR;
	}
	__asm__ volatile("lidt %0" : : "m"(idtr));
}

void trap_init(void)
{
	idt_init();
	pic_init(1 << IRQ_TIMER | 1 << IRQ_COM1);
	pit_start(HZ);
	__asm__ volatile("sti");
}

static void die(struct frame *f)
{
	print("\nexception %u, error %x, at %x\n", f->vector, f->error,
	      f->eip);
	power_off();
}

void interrupt(struct frame *f)
{
	uint32_t addr;

	if (f->vector == IRQ_BASE + IRQ_TIMER)
		ticks++;
	if (f->vector >= IRQ_BASE) {
		pic_eoi(f->vector - IRQ_BASE);
		return;
	}
	__asm__ volatile("mov %%cr2, %0" : "=r"(addr));
	if (f->vector == VEC_PF && page_fault && page_fault(addr, f->error))
		return;
	die(f);
}
