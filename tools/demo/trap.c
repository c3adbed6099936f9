// SPDX-License-Identifier: GPL-2.0-or-later
/* IDT, 8259 pair, timer; the common end of all interrupts. */
#include "demo.h"

#define VECTORS		48
#define IRQ_BASE	32
#define VEC_BP		3
#define VEC_PF		14

/* Intel SDM Vol. 3A 6.11: 32-bit interrupt gate, present. */
#define GATE_INTR	0x8e00

/* 8259A data sheet, "Initialization Command Words". */
#define PIC1	0x20
#define PIC2	0xa0
#define ICW1	0x11		/* edge, cascade, ICW4 follows */
#define EOI	0x20

#define PIT_CH0	0x40
#define PIT_CMD	0x43
#define PIT_HZ	1193182

extern void (*const stubs[VECTORS])(void);

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
		uint32_t at = (uint32_t)stubs[i];

		idt[i].low = at;
		idt[i].high = at >> 16;
		idt[i].selector = cs;
		idt[i].type = GATE_INTR;
	}
	__asm__ volatile("lidt %0" : : "m"(idtr));
}

static void pic_init(void)
{
	outb(PIC1, ICW1);
	outb(PIC2, ICW1);
	outb(PIC1 + 1, IRQ_BASE);
	outb(PIC2 + 1, IRQ_BASE + 8);
	outb(PIC1 + 1, 1 << 2);		/* slave on input 2 */
	outb(PIC2 + 1, 2);
	outb(PIC1 + 1, 1);		/* 8086 mode */
	outb(PIC2 + 1, 1);
	outb(PIC1 + 1, 0xff & ~(1 << IRQ_TIMER | 1 << IRQ_COM1));
	outb(PIC2 + 1, 0xff);
}

void trap_init(void)
{
	uint16_t divisor = PIT_HZ / HZ;

	idt_init();
	pic_init();
	outb(PIT_CMD, 0x34);		/* channel 0, both bytes, mode 2 */
	outb(PIT_CH0, divisor & 0xff);
	outb(PIT_CH0, divisor >> 8);
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
		if (f->vector >= IRQ_BASE + 8)
			outb(PIC2, EOI);
		outb(PIC1, EOI);
		return;
	}
	__asm__ volatile("mov %%cr2, %0" : "=r"(addr));
	if (f->vector == VEC_PF && page_fault && page_fault(addr, f->error))
		return;
	die(f);
}
