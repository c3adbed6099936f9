// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * memcpy and string rows: byte loops of our own, and the string instructions
 * that i686 libraries and kernels use.  Nothing here calls libc; see
 * compute.c for the reason.
 */
#include <stddef.h>

#include "tools/bench/bench.h"

#define COPY_SIZE	(1 << 20)	/* bytes */

/*
 * The buffers are not a power of two apart: in a direct-mapped software TLB
 * (TCG's) their pages would evict each other at every element.
 */
static struct {
	uint8_t from[COPY_SIZE];
	uint8_t gap[5 * 4096];
	uint8_t to[COPY_SIZE];
} area __attribute__((aligned(4096)));

static void rep_movsl(void *to, const void *from, size_t bytes)
{
	size_t n = bytes / 4;

	asm volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(n)
		     : : "memory");
}

static void rep_movsb(void *to, const void *from, size_t n)
{
	asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n)
		     : : "memory");
}

static void rep_stosl(void *to, uint32_t value, size_t bytes)
{
	size_t n = bytes / 4;

	asm volatile("rep stosl" : "+D"(to), "+c"(n) : "a"(value)
		     : "memory");
}

/* Bytes before the first @c; it must be there. */
static size_t repne_scasb(const void *s, uint8_t c)
{
	size_t n = ~(size_t)0;

	asm volatile("repne scasb" : "+D"(s), "+c"(n) : "a"(c)
		     : "memory", "cc");
	return ~n - 1;
}

void prepare_memcpy(void)
{
	uint32_t seed = 13;

	for (unsigned i = 0; i < COPY_SIZE; i++)
		area.from[i] = bench_rand(&seed);
}

uint32_t run_memcpy(unsigned iters)
{
	uint32_t sum = 0;

	for (; iters; iters--) {
		area.from[iters % COPY_SIZE] = iters;
		rep_movsl(area.to, area.from, COPY_SIZE);
		sum = sum * 5 + area.to[iters % COPY_SIZE];
	}
	return sum;
}

#define STRING_SIZE	4096	/* bytes, with the terminator */

static char text[STRING_SIZE], copy[STRING_SIZE];

void prepare_string(void)
{
	uint32_t seed = 17;

	for (unsigned i = 0; i < STRING_SIZE - 1; i++)
		text[i] = 'a' + bench_rand(&seed) % 24;
	text[STRING_SIZE - 2] = 'z';
}

__attribute__((noinline)) static size_t own_strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

__attribute__((noinline)) static const char *own_strchr(const char *s, char c)
{
	while (*s && *s != c)
		s++;
	return s;
}

__attribute__((noinline)) static int own_memcmp(const char *a, const char *b,
						size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b)
			return *a - *b;
	return 0;
}

__attribute__((noinline)) static void own_strcpy(char *to, const char *from)
{
	while ((*to++ = *from++))
		;
}

uint32_t run_string(unsigned iters)
{
	uint32_t sum = 0;

	for (; iters; iters--) {
		text[iters % 64] = 'a' + iters % 24;
		own_strcpy(copy, text);
		sum += own_strlen(copy);
		sum += own_strchr(copy, 'z') - copy;
		sum += own_memcmp(copy, text, STRING_SIZE);
		rep_stosl(copy, iters, STRING_SIZE);
		rep_movsb(copy + 1, text, STRING_SIZE - 1);
		sum += repne_scasb(copy + 1, 'z') + copy[1 + iters % 64];
	}
	return sum;
}
