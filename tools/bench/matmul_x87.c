// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Matrix product on the x87 stack (built with -mfpmath=387 -mno-sse).
 * Elements are small integers, so the sums are exact in any precision.
 */
#include "tools/bench/bench.h"

#define N 64

static double a[N][N], b[N][N], c[N][N];

void prepare_matmul_x87(void)
{
	uint32_t seed = 5;

	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++) {
			a[i][j] = bench_rand(&seed) & 15;
			b[i][j] = bench_rand(&seed) & 15;
		}
}

uint32_t run_matmul_x87(unsigned iters)
{
	uint32_t sum = 0;

	for (; iters; iters--) {
		a[iters % N][0] = iters & 7;
		for (int i = 0; i < N; i++)
			for (int j = 0; j < N; j++) {
				double dot = 0;

				for (int k = 0; k < N; k++)
					dot += a[i][k] * b[k][j];
				c[i][j] = dot;
			}
		sum = sum * 3 + (int)c[iters % N][iters % 7];
	}
	return sum;
}
