/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page-table pages that become data, and data that becomes page tables. */
#include "tests/guests/guest.h"

#define VA	WINDOW_VA

static void link_table(uint32_t table)
{
	page_dir[VA >> 22] = table | PTE_P | PTE_W;
	set_cr3(get_cr3());
}

static void table_then_data(void)
{
	uint32_t *a = (uint32_t *)SCRATCH(0), *b = (uint32_t *)SCRATCH(1), i;
	bool good = true;

	for (i = 0; i < 1024; i++) {
		a[i] = SCRATCH(10 + i % 4) | PTE_P | PTE_W;
		b[i] = SCRATCH(14 + i % 4) | PTE_P | PTE_W;
	}
	for (i = 0; i < 8; i++)
		poke32(SCRATCH(10 + i), 0x1000 + i);
	link_table((uint32_t)a);
	for (i = 0; i < 8; i++)
		good &= peek32(VA + i * PAGE) == 0x1000 + i % 4;
	ok(good, "a table in use");
	link_table((uint32_t)b);
	memset(a, 0x55, PAGE);
	for (i = 0, good = true; i < 1024; i++)
		good &= a[i] == 0x55555555;
	ok(good, "the old table holds data");
	for (i = 0, good = true; i < 8; i++)
		good &= peek32(VA + i * PAGE) == 0x1004 + i % 4;
	ok(good, "and the new one maps");
}

/* fork and exit in miniature: pages change roles at random. */
static void roles(void)
{
	volatile bool good = true;
	uint32_t n, i, x = 1;

	for (n = 0; n < 2000; n++) {
		uint32_t *t = (uint32_t *)SCRATCH(20 + n % 8);

		x = x * 1664525 + 1013904223;
		for (i = 0; i < 1024; i++)
			t[i] = 0;
		t[x >> 22] = SCRATCH(30 + n % 16) | PTE_P | PTE_W;
		poke32(SCRATCH(30 + n % 16) + 8, n);
		link_table((uint32_t)t);
		good &= peek32(VA + (x >> 22) * PAGE + 8) == n;
		poke32(VA + (x >> 22) * PAGE + 12, n);
		good &= peek32(SCRATCH(30 + n % 16) + 12) == n;
		good &= (t[x >> 22] & (PTE_A | PTE_D)) == (PTE_A | PTE_D);
	}
	ok(good, "2000 tables in 8 frames, A and D set in each");
}

/* The table maps itself, as some kernels have it. */
static void self_map(void)
{
	uint32_t *t = (uint32_t *)SCRATCH(0);
	const uint32_t window = VA + 0x3ff000;

	memset(t, 0, PAGE);
	t[1023] = (uint32_t)t | PTE_P | PTE_W;
	link_table((uint32_t)t);
	poke32(SCRATCH(40), 0xbeef);
	poke32(window, SCRATCH(40) | PTE_P | PTE_W);
	ok(peek32(VA) == 0xbeef, "an entry written through its own mapping");
	poke32(SCRATCH(41), 0xcafe);
	poke32(window, SCRATCH(41) | PTE_P | PTE_W);
	invlpg(VA);
	ok(peek32(VA) == 0xcafe, "and changed");
	ok(peek32(window) & PTE_A, "A seen through it");
}

void guest_main(void)
{
	paging_on();
	table_then_data();
	roles();
	self_map();
}
