/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 64 address spaces, switched at random; user code runs in each. */
#include "tests/guests/guest.h"

#define ROOTS	64
#define VA	WINDOW_VA
#define PAGES	8	/* of user data in each */

static uint32_t dirs[ROOTS][1024] __attribute__((aligned(4096)));
static uint32_t tabs[ROOTS][1024] __attribute__((aligned(4096)));
static uint8_t data[ROOTS][PAGES][PAGE] __attribute__((aligned(4096)));
static uint8_t code[PAGE] __attribute__((aligned(4096)));

/* for each page: add [page], 1; then int 0x80 */
static void make_code(void)
{
	uint8_t *p = code;
	uint32_t i, va;

	for (i = 0; i < PAGES; i++) {
		va = VA + i * PAGE;
		*p++ = 0x83;
		*p++ = 0x05;
		memcpy(p, &va, 4);
		p += 4;
		*p++ = 1;
	}
	*p++ = 0xcd;
	*p++ = 0x80;
}

static void make_roots(void)
{
	uint32_t r, i;

	for (r = 0; r < ROOTS; r++) {
		memcpy(dirs[r], page_dir, sizeof(page_dir));
		dirs[r][VA >> 22] = (uint32_t)tabs[r] | PTE_P | PTE_W | PTE_U;
		for (i = 0; i < PAGES; i++)
			tabs[r][i] = (uint32_t)data[r][i] | PTE_P | PTE_W |
				PTE_U;
		tabs[r][100] = (uint32_t)code | PTE_P | PTE_U;
	}
}

void guest_main(void)
{
	static uint32_t count[ROOTS];
	volatile bool good = true;
	volatile uint32_t n;
	uint32_t r, i, x = 7;

	paging_on();
	make_code();
	make_roots();
	for (n = 0; n < 20000; n++) {
		x = x * 1664525 + 1013904223;
		r = x >> 26;
		set_cr3((uint32_t)dirs[r]);
		good &= USER(VA + 100 * PAGE, 0, 0) == 0x80;
		count[r]++;
		good &= peek32(VA) == count[r];
	}
	ok(good, "20000 switches among 64 roots");
	good = true;
	for (r = 0; r < ROOTS; r++)
		for (i = 0; i < PAGES; i++)
			good &= *(uint32_t *)data[r][i] == count[r];
	ok(good, "each space saw its own stores");
	/* Remap a page of a space that is not current. */
	good = true;
	for (r = 0; r < ROOTS; r++) {
		tabs[r][0] = (uint32_t)data[ROOTS - 1 - r][1] | PTE_P |
			PTE_W | PTE_U;
		set_cr3((uint32_t)dirs[r]);
		good &= peek32(VA) == *(uint32_t *)data[ROOTS - 1 - r][1];
	}
	ok(good, "changes made while a space was away");
	set_cr3((uint32_t)page_dir);
}
