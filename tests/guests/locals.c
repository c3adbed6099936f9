/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The supervisor's pages with CR4.PGE set: those that are not global change
 * with CR3, and global ones when everything is flushed.
 */
#include "tests/guests/guest.h"

#define ROOTS	8
#define VA	WINDOW_VA
#define OWN	(VA + 0x400000)		/* a table for each address space */
#define BIG	(VA + 0x800000)		/* a 4 MiB page, another in each */
#define FIRST	16			/* pages before it have moved a lot */
#define MANY	900			/* more than any engine keeps in view */
#define ENTRY	(PTE_P | PTE_W)

static uint32_t dirs[ROOTS][1024] __attribute__((aligned(4096)));
static volatile uint32_t own[ROOTS][1024] __attribute__((aligned(4096)));
static volatile uint32_t shared[1024] __attribute__((aligned(4096)));

static void go_to(unsigned r)
{
	set_cr3((uint32_t)dirs[r]);
}

static void flush_all(void)
{
	set_cr4(get_cr4() & ~CR4_PGE);
	set_cr4(get_cr4() | CR4_PGE);
}

static void make_roots(void)
{
	unsigned r;

	for (r = 0; r < ROOTS; r++) {
		memcpy(dirs[r], page_dir, sizeof(page_dir));
		dirs[r][VA >> 22] = (uint32_t)shared | ENTRY;
		dirs[r][OWN >> 22] = (uint32_t)own[r] | ENTRY;
		dirs[r][BIG >> 22] = (r & 1) << 22 | ENTRY | PTE_PS;
		own[r][0] = SCRATCH(r) | ENTRY;
		poke32(SCRATCH(r), 100 + r);
	}
	shared[0] = SCRATCH(ROOTS) | ENTRY;
	poke32(SCRATCH(ROOTS), 77);
}

static void own_pages(void)
{
	uint32_t writes[ROOTS] = { 0 }, x = 5;
	bool good = true, seen = true, both = true;
	unsigned n, r;

	for (n = 0; n < 20000; n++) {
		x = x * 1664525 + 1013904223;
		r = x >> 29;
		go_to(r);
		good &= peek32(OWN) == 100 + r + writes[r];
		poke32(OWN, peek32(OWN) + 1);
		writes[r]++;
		both &= peek32(VA) == 77 + n;
		poke32(VA, 78 + n);
	}
	for (r = 0; r < ROOTS; r++)
		seen &= peek32(SCRATCH(r)) == 100 + r + writes[r];
	ok(good, "20000 switches: each space has its own page");
	ok(seen, "and its stores are there");
	ok(both, "a page that all spaces have");
}

static void entry_changes(void)
{
	bool good = true;
	unsigned n;

	for (n = 0; n < 100; n++) {
		poke32(SCRATCH(20 + n), 0x5000 + n);
		shared[0] = SCRATCH(20 + n) | ENTRY;
		go_to(n % ROOTS);
		good &= peek32(VA) == 0x5000 + n;
	}
	ok(good, "an entry that was changed counts after a CR3 load");
	shared[0] = 0;
	go_to(0);
	ok(CATCH(peek32(VA)) == 14 && last.error == 0, "or is gone");
	shared[0] = SCRATCH(0) | PTE_P;
	peek32(VA);
	ok(CATCH(poke32(VA, 1)) == 14 && last.error == (PF_P | PF_W),
	   "or is read-only");
}

static void accessed_and_dirty(void)
{
	shared[0] = SCRATCH(0) | ENTRY;
	go_to(0);
	poke32(VA, 1);
	shared[0] &= ~(PTE_A | PTE_D);
	go_to(0);
	peek32(VA);
	ok((shared[0] & (PTE_A | PTE_D)) == PTE_A, "A is set again");
	poke32(VA, 2);
	ok(shared[0] & PTE_D, "and D");
	dirs[1][VA >> 22] &= ~PTE_A;
	go_to(1);
	peek32(VA);
	ok(dirs[1][VA >> 22] & PTE_A, "A in the next space's directory");
}

static void move_many(unsigned round)
{
	unsigned n;

	for (n = 0; n < MANY; n++)
		shared[FIRST + n] = ENTRY |
			SCRATCH((n + round) % SCRATCH_PAGES);
	go_to(round);
}

static void many_pages(void)
{
	bool good = true, same = true;
	unsigned round, n;

	for (n = 0; n < SCRATCH_PAGES; n++)
		poke32(SCRATCH(n), n);
	for (round = 0; round < 5; round++) {
		move_many(round);
		for (n = 0; n < MANY; n++)
			good &= peek32(VA + (FIRST + n) * PAGE) ==
				(n + round) % SCRATCH_PAGES;
	}
	ok(good, "900 pages, all moved five times");
	move_many(5);
	for (n = 0; n < MANY; n++)
		same &= peek32(VA + (FIRST + n) * PAGE) ==
			(n + 5) % SCRATCH_PAGES;
	ok(same, "and once more, for code that has not been there");
}

static void big_pages(void)
{
	bool good = true;
	unsigned n;

	poke32(0x3ffff0, 0xb160);
	poke32(0x7ffff0, 0xb161);
	for (n = 0; n < 64; n++) {
		go_to(n % ROOTS);
		good &= peek32(BIG + 0x3ffff0) == 0xb160 + (n & 1);
	}
	ok(good, "a 4 MiB page that differs");
}

/* The first 4 MiB have a hole: an engine may have them in pieces. */
static void big_page_moves(void)
{
	dirs[0][BIG >> 22] = ENTRY | PTE_PS | PTE_G;
	go_to(0);
	peek32(BIG + PAGE);
	peek32(BIG + 2 * PAGE);
	poke32(0x400000 + 2 * PAGE, 0xfeed);
	dirs[0][BIG >> 22] |= 0x400000;
	invlpg(BIG + PAGE);
	ok(peek32(BIG + 2 * PAGE) == 0xfeed, "INVLPG drops all of it");
}

/* A page table becomes the directory: the same entry at another level. */
static void table_as_directory(void)
{
	volatile uint32_t *table = own[4], *page = (void *)SCRATCH(30);
	const uint32_t i = OWN >> 22, va = i << 22 | i << 12;

	memcpy((void *)table, page_dir, sizeof(page_dir));
	table[i] = (uint32_t)page | ENTRY | PTE_A | PTE_D;
	page[i] = SCRATCH(31) | ENTRY | PTE_A | PTE_D;
	page[0] = 0x1234000;
	poke32(SCRATCH(31), 0x5678000);
	dirs[4][i] |= PTE_A;
	go_to(4);
	flush_all();
	ok(peek32(va) == 0x1234000, "a page");
	set_cr3((uint32_t)table);
	ok(peek32(va) == 0x5678000, "and with its table as the directory");
	set_cr3((uint32_t)page_dir);
	memset((void *)table, 0, PAGE);
}

/* The directory of the space that filled the TLB stays as it was. */
static void global_pages(void)
{
	own[2][1] = SCRATCH(2) | ENTRY | PTE_G;
	own[3][1] = SCRATCH(3) | ENTRY | PTE_G;
	poke32(SCRATCH(2), 222);
	poke32(SCRATCH(3), 333);
	go_to(2);
	ok(peek32(OWN + PAGE) == 222, "a global page");
	go_to(3);
	flush_all();
	ok(peek32(OWN + PAGE) == 333,
	   "is what the space in use says after a flush of everything");
	go_to(2);
	invlpg(OWN + PAGE);
	ok(peek32(OWN + PAGE) == 222, "and after INVLPG");
	own[2][1] = own[3][1] = 0;
	flush_all();
}

void guest_main(void)
{
	paging_on();
	set_cr4(get_cr4() | CR4_PGE | CR4_PSE);
	make_roots();
	table_as_directory();
	make_roots();
	own_pages();
	entry_changes();
	accessed_and_dirty();
	many_pages();
	big_pages();
	big_page_moves();
	global_pages();
	set_cr3((uint32_t)page_dir);
	set_cr4(get_cr4() & ~(CR4_PGE | CR4_PSE));
}
