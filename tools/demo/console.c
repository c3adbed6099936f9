// SPDX-License-Identifier: GPL-2.0-or-later
/* COM1: output polled, input by interrupt.  Data sheet: PC16550D. */
#include "demo.h"

/* PC16550D 8.0, register offsets and bits. */
#define RBR	0
#define THR	0
#define IER	1
#define FCR	2
#define LCR	3
#define MCR	4
#define LSR	5
#define IER_ERBFI	0x01
#define LCR_8N1		0x03
#define LCR_DLAB	0x80
#define MCR_DTR_RTS	0x03
#define MCR_OUT2	0x08	/* connects the interrupt line on a PC */
#define LSR_DR		0x01
#define LSR_THRE	0x20

void console_init(void)
{
	outb(COM1 + LCR, LCR_DLAB);
	outb(COM1 + 0, 1);		/* 115200 baud */
	outb(COM1 + 1, 0);
	outb(COM1 + LCR, LCR_8N1);
	outb(COM1 + FCR, 0x01);		/* FIFOs on */
	outb(COM1 + MCR, MCR_DTR_RTS | MCR_OUT2);
	outb(COM1 + IER, IER_ERBFI);
}

void console_put(char c)
{
	if (c == '\n')
		console_put('\r');
	while (!(inb(COM1 + LSR) & LSR_THRE))
		;
	outb(COM1 + THR, c);
}

int console_getc(void)
{
	for (;;) {
		/* STI takes effect behind HLT, so no wake-up is lost. */
		__asm__ volatile("cli");
		if (inb(COM1 + LSR) & LSR_DR)
			break;
		__asm__ volatile("sti; hlt");
	}
	__asm__ volatile("sti");
	return inb(COM1 + RBR);
}
