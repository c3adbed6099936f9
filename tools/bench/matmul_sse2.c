// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Matrix product with SSE2 intrinsics, two doubles at a time: the only file
 * built with -msse2.  Elements are small integers, so the sums are exact.
 */
#include <emmintrin.h>

#include "tools/bench/bench.h"

#define N 64

static double a[N][N], b[N][N], c[N][N] __attribute__((aligned(16)));

void prepare_matmul_sse2(void)
{
	uint32_t seed = 5;

	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++) {
			a[i][j] = bench_rand(&seed) & 15;
			b[i][j] = bench_rand(&seed) & 15;
		}
}

/* Four columns of one row of c: two accumulators. */
static void row_times_columns(int i, int j)
{
	__m128d lo = _mm_setzero_pd(), hi = _mm_setzero_pd();

	for (int k = 0; k < N; k++) {
		__m128d x = _mm_set1_pd(a[i][k]);

		lo = _mm_add_pd(lo, _mm_mul_pd(x, _mm_loadu_pd(&b[k][j])));
		hi = _mm_add_pd(hi, _mm_mul_pd(x, _mm_loadu_pd(&b[k][j + 2])));
	}
	_mm_storeu_pd(&c[i][j], lo);
	_mm_storeu_pd(&c[i][j + 2], hi);
}

uint32_t run_matmul_sse2(unsigned iters)
{
	uint32_t sum = 0;

	for (; iters; iters--) {
		a[iters % N][0] = iters & 7;
		for (int i = 0; i < N; i++)
			for (int j = 0; j < N; j += 4)
				row_times_columns(i, j);
		sum = sum * 3 + (int)c[iters % N][iters % 7];
	}
	return sum;
}
