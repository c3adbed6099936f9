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

/* Instructions. */
static inline void invlpg(uintptr_t va)
{
	__asm__ volatile("invlpg (%0)" :: "r"(va) : "memory");
}

static inline void wrmsr(uint32_t msr, uint64_t val)
{
	__asm__ volatile("wrmsr" :: "c"(msr), "a"((uint32_t)val),
			 "d"((uint32_t)(val >> 32)) : "memory");
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

/* Memory and devices' registers, each access just once. */
static inline uint32_t peek32(uintptr_t a)
{
	return *(volatile uint32_t *)a;
}

static inline void poke32(uintptr_t a, uint32_t v)
{
	*(volatile uint32_t *)a = v;
}

static inline uint8_t peek8(uintptr_t a)
{
	return *(volatile uint8_t *)a;
}

static inline void poke8(uintptr_t a, uint8_t v)
{
	*(volatile uint8_t *)a = v;
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
