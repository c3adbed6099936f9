// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/bare/bare.h"

static void put_number(uintptr_t v, unsigned base, unsigned width)
{
	char buf[24];
	unsigned n = 0;

	do {
		buf[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	for (; width > n; width--)
		console_put('0');
	while (n)
		console_put(buf[--n]);
}

static void put_signed(intptr_t v, unsigned width)
{
	if (v < 0)
		console_put('-');
	put_number(v < 0 ? -(uintptr_t)v : (uintptr_t)v, 10, width);
}

static void put_string(const char *s)
{
	while (*s)
		console_put(*s++);
}

void vprint(const char *f, va_list ap)
{
	for (; *f; f++) {
		unsigned width = 0;

		if (*f != '%') {
			console_put(*f);
			continue;
		}
		for (f++; *f >= '0' && *f <= '9'; f++)
			width = width * 10 + *f - '0';
		if (*f == 's')
			put_string(va_arg(ap, const char *));
		else if (*f == 'd')
			put_signed(va_arg(ap, intptr_t), width);
		else if (*f == 'u')
			put_number(va_arg(ap, uintptr_t), 10, width);
		else if (*f == 'x')
			put_number(va_arg(ap, uintptr_t), 16, width);
		else if (*f == 'c')
			console_put(va_arg(ap, int));
		else
			console_put(*f);
	}
}

void print(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprint(fmt, ap);
	va_end(ap);
}

void *memcpy(void *dst, const void *src, size_t n)
{
	void *d = dst;

	__asm__ volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(n)
			 :: "memory");
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	void *d = dst;

	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *p = a, *q = b;

	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}
