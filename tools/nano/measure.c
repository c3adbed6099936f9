// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One row: find how many operations fill a run, take the empty loop off, and
 * report the median of the runs.  Figures are in hundredths of a cycle.
 */
#include "tools/nano/nano.h"

volatile uint32_t events;

/* 64 by 32 bits; saturates, where the quotient has more than 32 bits. */
static uint32_t divide(uint64_t a, uint32_t b)
{
	uint32_t hi = a >> 32, lo = a, q;

	if (hi >= b)
		return 0xffffffff;
	__asm__("divl %2" : "=a"(q), "+d"(hi) : "r"(b), "a"(lo));
	return q;
}

static uint64_t time_run(const struct row *row, op_fn *op, uint32_t n)
{
	uint64_t start;

	if (row->prepare && !row->prepare(n))
		return 0;
	start = cycles_now();
	op(n);
	return cycles_now() - start;
}

/* Double until a run is long enough; the first ones warm up. */
static uint32_t calibrate(const struct measure *m, const struct row *row,
			  op_fn *op)
{
	uint64_t want = (uint64_t)m->kcycles * 1000;
	uint32_t n = row->max && row->max < 16 ? row->max : 16;

	while (time_run(row, op, n) < want) {
		if (n >= 1u << 28 || (row->max && 2 * n > row->max))
			break;
		n *= 2;
	}
	return n;
}

static void sort(uint32_t *v, unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		uint32_t x = v[i];
		unsigned j = i;

		for (; j && v[j - 1] > x; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
}

static void print_cycles(uint32_t hundredths)
{
	print("\t%u.%02u", hundredths / 100, hundredths % 100);
}

bool measure_row(const struct measure *m, const struct row *row, op_fn *op,
		 const char *how)
{
	static uint32_t sample[REPEAT_MAX];
	uint32_t n = calibrate(m, row, op), before;

	for (unsigned i = 0; i < m->repeat; i++) {
		uint64_t base = 0, t;

		if (row->empty) {
			base = cycles_now();
			row->empty(n);
			base = cycles_now() - base;
		}
		before = events;
		t = time_run(row, op, n);
		if (events - before != row->events * n) {
			print("#fail\t%s\t%u operations made %u events\n",
			      row->name, n, events - before);
			return false;
		}
		sample[i] = t > base ? divide((t - base) * 100, n) : 0;
	}
	sort(sample, m->repeat);
	print("nano\t%s\t%s", row->name, how);
	print_cycles(sample[m->repeat / 2]);
	print_cycles(sample[0]);
	print_cycles(sample[m->repeat - 1]);
	print("\t%u\n", n);
	return true;
}
