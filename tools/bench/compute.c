// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Integer rows: sieve, CRC-32, quicksort, LZ match finder, pointer chase.
 *
 * Built for plain i686, without libc calls in the loops: which memcpy glibc
 * picks depends on CPUID, and then native and guest would not run the same
 * code.
 */
#include <stddef.h>

#include "tools/bench/bench.h"

#define SIEVE_SIZE	200000	/* flags for 1, 3, 5 ... 399,999 */

uint32_t run_sieve(unsigned iters)
{
	static uint8_t composite[SIEVE_SIZE];
	uint32_t primes = 0;

	while (iters--) {
		for (unsigned i = 0; i < SIEVE_SIZE; i++)
			composite[i] = 0;
		for (unsigned i = 1; i < SIEVE_SIZE; i++) {
			if (composite[i])
				continue;
			primes++;
			for (unsigned j = 3 * i + 1; j < SIEVE_SIZE;
			     j += 2 * i + 1)
				composite[j] = 1;
		}
	}
	return primes;
}

#define CRC_SIZE	65536	/* bytes */
#define CRC_POLY	0xedb88320u	/* IEEE 802.3, reflected */

static uint32_t crc_table[256];
static uint8_t crc_data[CRC_SIZE];

void prepare_crc32(void)
{
	uint32_t seed = 1;

	for (unsigned i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = c & 1 ? c >> 1 ^ CRC_POLY : c >> 1;
		crc_table[i] = c;
	}
	for (unsigned i = 0; i < CRC_SIZE; i++)
		crc_data[i] = bench_rand(&seed);
}

uint32_t run_crc32(unsigned iters)
{
	uint32_t crc = ~0u;

	while (iters--)
		for (unsigned i = 0; i < CRC_SIZE; i++)
			crc = crc_table[(crc ^ crc_data[i]) & 0xff] ^ crc >> 8;
	return ~crc;
}

#define SORT_SIZE	16384	/* elements */
#define SORT_SMALL	8	/* insertion sort below this */

typedef int sort_compare(const void *a, const void *b);

static int compare_int(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static void insertion_sort(int *a, int n, sort_compare *cmp)
{
	for (int i = 1; i < n; i++) {
		int key = a[i], j = i;

		for (; j > 0 && cmp(&a[j - 1], &key) > 0; j--)
			a[j] = a[j - 1];
		a[j] = key;
	}
}

/* Hoare partition; recursion into the left part, iteration on the right. */
static void quick_sort(int *a, int n, sort_compare *cmp)
{
	while (n > SORT_SMALL) {
		int pivot = a[n / 2], i = -1, j = n;

		for (;;) {
			do
				i++;
			while (cmp(&a[i], &pivot) < 0);
			do
				j--;
			while (cmp(&a[j], &pivot) > 0);
			if (i >= j)
				break;
			int swap = a[i];

			a[i] = a[j];
			a[j] = swap;
		}
		quick_sort(a, j + 1, cmp);
		a += j + 1;
		n -= j + 1;
	}
	insertion_sort(a, n, cmp);
}

uint32_t run_qsort(unsigned iters)
{
	static int a[SORT_SIZE];
	static sort_compare *volatile compare = compare_int;
	uint32_t seed = 7, sum = 0;

	while (iters--) {
		for (int i = 0; i < SORT_SIZE; i++)
			a[i] = bench_rand(&seed);
		quick_sort(a, SORT_SIZE, compare);
		for (int i = 0; i < SORT_SIZE; i += 1024)
			sum = sum * 31 + a[i];
	}
	return sum;
}

#define LZ_SIZE		65536	/* bytes of input */
#define LZ_HASH_BITS	13
#define LZ_CHAIN	32	/* candidates looked at per position */
#define LZ_MAX		258	/* longest match, as in deflate */
#define LZ_NONE		0xffff

static uint8_t lz_data[LZ_SIZE + LZ_MAX];

/* Words of a small vocabulary, skewed: it compresses about like text. */
void prepare_lz(void)
{
	static const char word[16][8] = {
		"the ", "of ", "page ", "table ", "and ", "guest ", "to ",
		"host ", "fault ", "a ", "in ", "window ", "is ", "cache ",
		"trace\n", "unit ",
	};
	uint32_t seed = 3;
	unsigned n = 0;

	while (n < LZ_SIZE) {
		uint32_t r = bench_rand(&seed);
		const char *w = word[r & 15 & r >> 4];

		if ((r >> 8 & 7) == 0)
			lz_data[n++] = 'a' + (r >> 12) % 26;
		while (*w && n < LZ_SIZE)
			lz_data[n++] = *w++;
	}
}

static unsigned lz_match(unsigned a, unsigned b)
{
	unsigned n = 0;

	while (n < LZ_MAX && lz_data[a + n] == lz_data[b + n])
		n++;
	return n;
}

static uint32_t lz_pass(void)
{
	static uint16_t head[1 << LZ_HASH_BITS], prev[LZ_SIZE];
	uint32_t sum = 0;

	for (unsigned i = 0; i < 1 << LZ_HASH_BITS; i++)
		head[i] = LZ_NONE;
	for (unsigned pos = 0; pos + 3 < LZ_SIZE - LZ_MAX; pos++) {
		uint32_t h = lz_data[pos] | lz_data[pos + 1] << 8 |
			     lz_data[pos + 2] << 16;
		unsigned best = 0, cand;

		h = h * 2654435761u >> (32 - LZ_HASH_BITS);
		cand = head[h];
		for (int n = LZ_CHAIN; cand != LZ_NONE && n; n--) {
			if (lz_data[cand + best] == lz_data[pos + best]) {
				unsigned len = lz_match(cand, pos);

				if (len > best)
					best = len;
			}
			cand = prev[cand];
		}
		sum = sum * 17 + best;
		prev[pos] = head[h];
		head[h] = pos;
	}
	return sum;
}

uint32_t run_lz(unsigned iters)
{
	uint32_t sum = 0;

	while (iters--)
		sum += lz_pass();
	return sum;
}

#define CHASE_NODES	4096

/* One cache line per node: 256 KiB, inside a second-level cache. */
struct chase_node {
	struct chase_node *next;
	uint32_t value;
	uint8_t pad[64 - sizeof(void *) - sizeof(uint32_t)];
};

static struct chase_node chase[CHASE_NODES] __attribute__((aligned(4096)));

/* Sattolo's shuffle: one cycle through all nodes. */
void prepare_chase(void)
{
	static uint16_t order[CHASE_NODES];
	uint32_t seed = 11;

	for (unsigned i = 0; i < CHASE_NODES; i++)
		order[i] = i;
	for (unsigned i = CHASE_NODES - 1; i > 0; i--) {
		unsigned j = bench_rand(&seed) % i;
		uint16_t swap = order[i];

		order[i] = order[j];
		order[j] = swap;
	}
	for (unsigned i = 0; i < CHASE_NODES; i++) {
		chase[i].next = &chase[order[i]];
		chase[i].value = i;
	}
}

uint32_t run_chase(unsigned iters)
{
	struct chase_node *n = chase;
	uint32_t sum = 0;

	for (; iters; iters--) {
		for (unsigned i = 0; i < CHASE_NODES; i++)
			n = n->next;
		sum += n->value + iters;
	}
	return sum;
}
