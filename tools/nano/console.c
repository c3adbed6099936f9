// SPDX-License-Identifier: GPL-2.0-or-later
/* COM1, polled (PC16550D 8.0), and the way out. */
#include <stdarg.h>

#include "tools/nano/nano.h"

#define COM1		0x3f8
#define LSR		5
#define LSR_THRE	0x20
#define LCR		3
#define LCR_8N1		0x03
#define DEBUG_EXIT	0xf4

void console_init(void)
{
	outb(COM1 + LCR, LCR_8N1);
}

static void put(char c)
{
	while (!(inb(COM1 + LSR) & LSR_THRE))
		;
	outb(COM1, c);
}

static void put_number(uint32_t v, unsigned base, unsigned width)
{
	char buf[12];
	unsigned n = 0;

	do {
		buf[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	for (; width > n; width--)
		put('0');
	while (n)
		put(buf[--n]);
}

static void put_string(const char *s)
{
	while (*s)
		put(*s++);
}

void print(const char *f, ...)
{
	va_list ap;

	va_start(ap, f);
	for (; *f; f++) {
		unsigned width = 0;

		if (*f != '%') {
			put(*f);
			continue;
		}
		for (f++; *f >= '0' && *f <= '9'; f++)
			width = width * 10 + *f - '0';
		if (*f == 's')
			put_string(va_arg(ap, const char *));
		else if (*f == 'u')
			put_number(va_arg(ap, uint32_t), 10, width);
		else if (*f == 'x')
			put_number(va_arg(ap, uint32_t), 16, width);
		else if (*f == 'c')
			put(va_arg(ap, int));
		else
			put(*f);
	}
	va_end(ap);
}

void guest_exit(bool good)
{
	outb(DEBUG_EXIT, good ? PASS_CODE : FAIL_CODE);
	/* Nobody there: stay, with the results on the screen. */
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* Compilers turn loops into these calls. */
void *memset(void *p, int c, size_t n);
void *memcpy(void *to, const void *from, size_t n);

void *memset(void *p, int c, size_t n)
{
	void *at = p;

	__asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(c) : "memory");
	return p;
}

void *memcpy(void *to, const void *from, size_t n)
{
	void *at = to;

	__asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(n)
			 :: "memory");
	return to;
}
