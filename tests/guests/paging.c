/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 32-bit paging: changes and their visibility, A and D, WP, U/S, 4 MiB pages. */
#include "tests/guests/guest.h"

#define VA	WINDOW_VA

static void map(uint32_t va, uint32_t pa, uint32_t bits)
{
	*pte(va) = pa | bits;
}

/* SDM Vol. 3A 4.10.4: after INVLPG or a CR3 load the new entry counts. */
static void changes(void)
{
	volatile bool good = true;
	uint32_t i;

	poke32(SCRATCH(0), 0x1111);
	poke32(SCRATCH(1), 0x2222);
	map(VA, SCRATCH(0), PTE_P | PTE_W);
	ok(peek32(VA) == 0x1111, "a new mapping needs no flush");
	map(VA, SCRATCH(1), PTE_P | PTE_W);
	invlpg(VA);
	ok(peek32(VA) == 0x2222, "invlpg makes a changed mapping visible");
	map(VA, SCRATCH(0), PTE_P | PTE_W);
	set_cr3(get_cr3());
	ok(peek32(VA) == 0x1111, "a CR3 load makes a changed mapping visible");
	map(VA, 0, 0);
	invlpg(VA);
	ok(CATCH(peek32(VA)) == 14 && last.error == 0 && last_cr2 == VA,
	   "an unmapped page faults");
	for (i = 0; i < 2000; i++) {
		map(VA, SCRATCH(i & 1), PTE_P | PTE_W);
		invlpg(VA);
		good &= peek32(VA) == (i & 1 ? 0x2222 : 0x1111);
	}
	ok(good, "2000 remappings, each seen at once");
}

/* The page directory, too. */
static void directory(void)
{
	uint32_t *table = (uint32_t *)SCRATCH(8), save = page_dir[VA >> 22];

	memset(table, 0, PAGE);
	table[0] = SCRATCH(2) | PTE_P | PTE_W;
	poke32(SCRATCH(2), 0x3333);
	map(VA, SCRATCH(0), PTE_P | PTE_W);
	invlpg(VA);
	peek32(VA);
	page_dir[VA >> 22] = (uint32_t)table | PTE_P | PTE_W;
	set_cr3(get_cr3());
	ok(peek32(VA) == 0x3333, "a directory entry points to another table");
	page_dir[VA >> 22] = 0;
	set_cr3(get_cr3());
	ok(CATCH(poke32(VA + 0x123, 0)) == 14 && last.error == PF_W &&
	   last_cr2 == VA + 0x123, "a missing table faults");
	page_dir[VA >> 22] = save;
	set_cr3(get_cr3());
}

/* SDM Vol. 3A 4.8.  @g: PTE_G or 0; @what: of the page. */
static void accessed_dirty(uint32_t g, const char *what)
{
	map(VA, SCRATCH(0), PTE_P | PTE_W | g);
	invlpg(VA);
	ok(!(*pte(VA) & (PTE_A | PTE_D)), "%s: A and D start clear", what);
	peek32(VA);
	ok((*pte(VA) & (PTE_A | PTE_D)) == PTE_A, "%s: a read sets A alone",
	   what);
	poke32(VA, 5);
	ok((*pte(VA) & (PTE_A | PTE_D)) == (PTE_A | PTE_D),
	   "%s: a write sets D", what);
	*pte(VA) &= ~(PTE_A | PTE_D);
	invlpg(VA);
	peek32(VA);
	ok((*pte(VA) & (PTE_A | PTE_D)) == PTE_A,
	   "%s: A is set again after clearing and invlpg", what);
	*pte(VA) &= ~PTE_A;
	invlpg(VA);
	poke32(VA, 6);
	ok((*pte(VA) & (PTE_A | PTE_D)) == (PTE_A | PTE_D),
	   "%s: D is set again after clearing and invlpg", what);
	page_dir[VA >> 22] &= ~PTE_A;
	invlpg(VA);
	peek32(VA);
	ok(page_dir[VA >> 22] & PTE_A, "%s: the directory entry gets A", what);
	map(VA, SCRATCH(0), PTE_P | g);
	invlpg(VA);
	CATCH(poke32(VA, 7));
	ok(!(*pte(VA) & PTE_D), "%s: a write that faults does not set D",
	   what);
}

static void protection(void)
{
	extern const uint8_t user_read[], user_write[];
	uint32_t sp = SCRATCH(20) + PAGE;

	map(VA, SCRATCH(0), PTE_P);
	invlpg(VA);
	ok(CATCH(poke32(VA, 1)) == 14 && last.error == (PF_P | PF_W),
	   "CR0.WP: CPL 0 cannot write a read-only page");
	set_cr0(get_cr0() & ~CR0_WP);
	ok(CATCH(poke32(VA, 0x77)) == NO_TRAP && peek32(VA) == 0x77,
	   "without WP it can");
	set_cr0(get_cr0() | CR0_WP);
	ok(CATCH(poke32(VA, 1)) == 14, "and cannot again with WP");

	map(VA, SCRATCH(0), PTE_P | PTE_W);
	invlpg(VA);
	poke32(VA, 0x1234);
	ok(USER(user_read, sp, 0) == 14 && last.error == (PF_P | PF_U) &&
	   last.eip == (uint32_t)user_read && last_cr2 == VA,
	   "CPL 3 cannot read a supervisor page");
	ok(USER(user_write, sp, 0) == 14 &&
	   last.error == (PF_P | PF_U | PF_W), "nor write it");
	ok(USER(VA, sp, 0) == 14 && last.error == (PF_P | PF_U) &&
	   last.eip == VA, "nor run it");
	map(VA, SCRATCH(0), PTE_P | PTE_U);
	invlpg(VA);
	ok(USER(user_read, sp, 0) == 0x80 && last.eax == 0x1234,
	   "CPL 3 reads a user page");
	ok(USER(user_write, sp, 0) == 14 &&
	   last.error == (PF_P | PF_U | PF_W), "but not writes a read-only one");
	map(VA, SCRATCH(0), PTE_P | PTE_U | PTE_W);
	invlpg(VA);
	ok(USER(user_write, sp, 0) == 0x80 && peek32(SCRATCH(0)) == 0x5678,
	   "CPL 3 writes a writable user page");
	page_dir[VA >> 22] &= ~PTE_W;
	set_cr3(get_cr3());
	ok(USER(user_write, sp, 0) == 14, "R/W of both levels counts");
	page_dir[VA >> 22] = (page_dir[VA >> 22] | PTE_W) & ~PTE_U;
	set_cr3(get_cr3());
	ok(USER(user_read, sp, 0) == 14, "U/S of both levels counts");
	page_dir[VA >> 22] |= PTE_U;
	set_cr3(get_cr3());
}

__asm__(
	".globl user_read, user_write\n"
	"user_read: movl 0x40000000, %eax; int $0x80\n"
	"user_write: movl $0x5678, 0x40000000; int $0x80\n");

static void large_pages(void)
{
	const uint32_t big = 0x50000000;

	set_cr4(get_cr4() | CR4_PSE);
	page_dir[big >> 22] = 0x400000 | PTE_P | PTE_W | PTE_PS;
	poke32(0x400000 + 0x12345 * 4, 0xabcd);
	ok(peek32(big + 0x12345 * 4) == 0xabcd, "a 4 MiB page maps");
	ok((page_dir[big >> 22] & (PTE_A | PTE_D)) == PTE_A, "it gets A");
	poke32(big, 1);
	ok(page_dir[big >> 22] & PTE_D, "it gets D");
	poke32(0x800000, 0x4444);
	page_dir[big >> 22] = 0x800000 | PTE_P | PTE_PS;
	invlpg(big + 0x300000);
	ok(peek32(big) == 0x4444, "invlpg anywhere in it drops all of it");
	ok(CATCH(poke32(big + 0x3ffffc, 1)) == 14 &&
	   last.error == (PF_P | PF_W), "it can be read-only");
	page_dir[big >> 22] = 0;
	invlpg(big);
	ok(CATCH(peek32(big)) == 14, "and go away");
}

/* Global pages outlive CR3 loads; CR4 changes end them. */
static void global_pages(void)
{
	set_cr4(get_cr4() | CR4_PGE);
	accessed_dirty(PTE_G, "global page");
	map(VA, SCRATCH(0), PTE_P | PTE_W | PTE_G);
	invlpg(VA);
	poke32(VA, 0x1111);
	poke32(SCRATCH(1), 0x2222);
	map(VA, SCRATCH(1), PTE_P | PTE_W | PTE_G);
	set_cr4(get_cr4() & ~CR4_PGE);
	ok(peek32(VA) == 0x2222, "clearing CR4.PGE flushes global pages");
	set_cr4(get_cr4() | CR4_PGE);
	map(VA, SCRATCH(0), PTE_P | PTE_W | PTE_G);
	invlpg(VA);
	ok(peek32(VA) == 0x1111, "invlpg flushes a global page");
	set_cr4(get_cr4() & ~CR4_PGE);
}

/* Operands that straddle pages with different fates. */
static void straddle(void)
{
	map(VA, SCRATCH(0), PTE_P | PTE_W);
	map(VA + PAGE, SCRATCH(4), PTE_P | PTE_W);
	invlpg(VA);
	invlpg(VA + PAGE);
	poke32(VA + PAGE - 2, 0xa1b2c3d4);
	ok(peek32(VA + PAGE - 2) == 0xa1b2c3d4 &&
	   peek8(SCRATCH(0) + PAGE - 1) == 0xc3 &&
	   peek8(SCRATCH(4)) == 0xb2, "a store across two frames");
	map(VA + PAGE, SCRATCH(4), PTE_P);
	invlpg(VA + PAGE);
	poke32(SCRATCH(0) + PAGE - 4, 0);
	ok(CATCH(poke32(VA + PAGE - 2, ~0u)) == 14 &&
	   last_cr2 == VA + PAGE && last.error == (PF_P | PF_W) &&
	   peek32(SCRATCH(0) + PAGE - 4) == 0,
	   "a store whose second half faults stores nothing");
	map(VA, 0, 0);
	invlpg(VA);
	ok(CATCH(peek32(VA + PAGE - 1)) == 14 && last_cr2 == VA + PAGE - 1,
	   "a load whose first half faults");
}

void guest_main(void)
{
	paging_on();
	changes();
	directory();
	accessed_dirty(0, "ordinary page");
	protection();
	straddle();
	large_pages();
	global_pages();
}
