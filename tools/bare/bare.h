/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What our kernels without an operating system share: the built-in demo, the
 * nanobenchmark, and the test kernels of 32 and 64 bits.  Each compiles these
 * files with its own flags and has a console_put() of its own.
 */
#ifndef TOOLS_BARE_BARE_H
#define TOOLS_BARE_BARE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Ports of PC chips. */
#define COM1		0x3f8
#define DEBUG_EXIT	0xf4	/* isa-debug-exit: status 2 * value + 1 */
#define PASS_CODE	0x10
#define FAIL_CODE	0x11

#define BARE_IO(suffix, type) \
static inline void out##suffix(uint16_t port, type val) \
{ \
	__asm__ volatile("out" #suffix " %0, %1" :: "a"(val), "Nd"(port)); \
} \
static inline type in##suffix(uint16_t port) \
{ \
	type val; \
	__asm__ volatile("in" #suffix " %1, %0" : "=a"(val) : "Nd"(port)); \
	return val; \
}
BARE_IO(b, uint8_t)
BARE_IO(w, uint16_t)
BARE_IO(l, uint32_t)

static inline void cpuid(uint32_t leaf, uint32_t out[4])
{
	__asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]),
			 "=d"(out[3]) : "a"(leaf), "c"(0));
}

/*
 * bare.c: %s %c %d %u %x %%, and a width with leading zeros.  Numbers are as
 * wide as a register.
 */
#ifdef __i386__
#define BARE_PRINTF(fmt, args)	__attribute__((format(printf, fmt, args)))
#else
#define BARE_PRINTF(fmt, args)	/* there, %x is 64 bits */
#endif
void print(const char *fmt, ...) BARE_PRINTF(1, 2);
void vprint(const char *fmt, va_list ap);
/* The kernel's own. */
void console_put(char c);

/* What compilers call. */
void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* timer.c: remap the 8259s to IRQ_BASE, mask all but the inputs in @mask. */
#define IRQ_BASE	0x20
void pic_init(uint16_t mask);
void pic_eoi(unsigned irq);
/* PIT channel 0, mode 2, @hz interrupts a second. */
void pit_start(unsigned hz);

#endif
