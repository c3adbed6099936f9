// SPDX-License-Identifier: GPL-2.0-or-later
/* COM1: output polled, input by interrupt.  Data sheet: PC16550D. */
#include <stdarg.h>

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

static void putc(char c)
{
	if (c == '\n')
		putc('\r');
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

static void put_number(uint32_t n, unsigned base)
{
	char buf[11], *p = buf + sizeof(buf);

	do {
		*--p = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	while (p < buf + sizeof(buf))
		putc(*p++);
}

void print(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		const char *s;

		if (*fmt != '%') {
			putc(*fmt);
			continue;
		}
		switch (*++fmt) {
		case 's':
			for (s = va_arg(ap, const char *); *s; s++)
				putc(*s);
			break;
		case 'u':
			put_number(va_arg(ap, uint32_t), 10);
			break;
		case 'x':
			put_number(va_arg(ap, uint32_t), 16);
			break;
		case 'c':
			putc(va_arg(ap, int));
			break;
		default:
			putc(*fmt);
		}
	}
	va_end(ap);
}
