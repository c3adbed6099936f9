// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/bare/bare.h"

/* 8259A data sheet, "Initialization Command Words". */
#define PIC1	0x20
#define PIC2	0xa0
#define ICW1	0x11		/* edge, cascade, ICW4 follows */
#define ICW4	0x01		/* 8086 mode */
#define CASCADE	2		/* the slave's input at the master */
#define EOI	0x20

/* 8254 data sheet, "Control Word Format". */
#define PIT_CH0	0x40
#define PIT_CMD	0x43
#define PIT_HZ	1193182
#define RATE	0x34		/* channel 0, both bytes, mode 2 */

void pic_init(uint16_t mask)
{
	outb(PIC1, ICW1);
	outb(PIC2, ICW1);
	outb(PIC1 + 1, IRQ_BASE);
	outb(PIC2 + 1, IRQ_BASE + 8);
	outb(PIC1 + 1, 1 << CASCADE);
	outb(PIC2 + 1, CASCADE);
	outb(PIC1 + 1, ICW4);
	outb(PIC2 + 1, ICW4);
	outb(PIC1 + 1, ~mask);
	outb(PIC2 + 1, ~mask >> 8);
}

void pic_eoi(unsigned irq)
{
	if (irq >= 8)
		outb(PIC2, EOI);
	outb(PIC1, EOI);
}

void pit_start(unsigned hz)
{
	unsigned n = PIT_HZ / hz;

	outb(PIT_CMD, RATE);
	outb(PIT_CH0, n);
	outb(PIT_CH0, n >> 8);
}
