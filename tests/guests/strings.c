/* SPDX-License-Identifier: GPL-2.0-or-later */
/* String instructions over page boundaries, stopped in the middle. */
#include "tests/guests/guest.h"

#define SRC	WINDOW_VA
#define DST	(WINDOW_VA + 0x100000)
#define HOLE	2	/* page without a frame */

static void setup(void)
{
	uint32_t i;

	for (i = 0; i < 4; i++) {
		*pte(SRC + i * PAGE) = i == HOLE ? 0 :
			SCRATCH(i) | PTE_P | PTE_W;
		*pte(DST + i * PAGE) = i == HOLE ? 0 :
			SCRATCH(10 + i) | PTE_P | PTE_W;
	}
	set_cr3(get_cr3());
	for (i = 0; i < 2 * PAGE; i++) {
		poke8(SRC + i, i * 7 + 1);
		poke8(DST + i, 0);
	}
}

/* Forward copy into a hole: registers at the faulting iteration. */
static void copy(void)
{
	const uint32_t n = PAGE;
	uint32_t from = SRC + 100, to = DST + HOLE * PAGE - 1000;
	uint32_t v;

	v = CATCH(__asm__ volatile("cld; rep movsb"
		:: "S"(from), "D"(to), "c"(n) : "memory"));
	ok(v == 14 && last_cr2 == DST + HOLE * PAGE && last.error == PF_W,
	   "rep movsb stops at the hole");
	ok(last.edi == DST + HOLE * PAGE && last.esi == from + 1000 &&
	   last.ecx == n - 1000, "esi, edi and ecx are at the iteration");
	ok(!memcmp((void *)to, (void *)from, 1000), "what came before is done");

	v = CATCH(__asm__ volatile("cld; rep movsl"
		:: "S"(SRC + HOLE * PAGE - 402), "D"(DST), "c"(1000)
		: "memory"));
	ok(v == 14 && last_cr2 == SRC + HOLE * PAGE && last.error == 0 &&
	   last.ecx == 1000 - 100 && last.esi == SRC + HOLE * PAGE - 2,
	   "rep movsl from an odd address stops before the dword");

	v = CATCH(__asm__ volatile("std; rep movsb; cld"
		:: "S"(SRC + 50), "D"(DST + 3 * PAGE + 9), "c"(500)
		: "memory"));
	ok(v == 14 && last.edi == DST + 3 * PAGE - 1 && last.ecx == 490 &&
	   last.esi == SRC + 40 && (last.eflags & FLAG_DF),
	   "downwards into a hole");
}

static void fill(void)
{
	uint32_t v;

	v = CATCH(__asm__ volatile("cld; rep stosl"
		:: "a"(0x01020304), "D"(DST + HOLE * PAGE - 64), "c"(100)
		: "memory"));
	ok(v == 14 && last.edi == DST + HOLE * PAGE && last.ecx == 84 &&
	   peek32(DST + HOLE * PAGE - 4) == 0x01020304, "rep stosl");
	*pte(DST + PAGE) &= ~PTE_W;
	invlpg(DST + PAGE);
	v = CATCH(__asm__ volatile("cld; rep stosb"
		:: "a"(9), "D"(DST + PAGE - 5), "c"(100) : "memory"));
	ok(v == 14 && last.error == (PF_P | PF_W) && last.ecx == 95 &&
	   peek8(DST + PAGE - 1) == 9, "rep stosb into a read-only page");
	*pte(DST + PAGE) |= PTE_W;
	invlpg(DST + PAGE);
}

static void scan(void)
{
	uint32_t v;

	memset((void *)SRC, 'a', 2 * PAGE);
	v = CATCH(__asm__ volatile("cld; repe scasb"
		:: "a"('a'), "D"(SRC), "c"(-1) : "memory"));
	ok(v == 14 && last.edi == SRC + HOLE * PAGE &&
	   last.ecx == ~(2 * PAGE), "repe scasb runs to the hole");
	poke8(SRC + PAGE + 7, 'b');
	v = CATCH(__asm__ volatile("cld; repe scasb; jmp 1f; 1: int3"
		:: "a"('a'), "D"(SRC), "c"(-1) : "memory"));
	ok(v == 3 && last.edi == SRC + PAGE + 8 && !(last.eflags & FLAG_ZF),
	   "or to the byte that differs");
	memcpy((void *)DST, (void *)SRC, 2 * PAGE);
	v = CATCH(__asm__ volatile("cld; repe cmpsl"
		:: "S"(SRC), "D"(DST), "c"(PAGE) : "memory"));
	ok(v == 14 && last.ecx == PAGE - 2 * PAGE / 4 &&
	   last.esi == SRC + HOLE * PAGE, "repe cmpsl runs to the hole");
	v = CATCH(__asm__ volatile("cld; rep lodsw"
		:: "S"(SRC + PAGE), "c"(PAGE) : "memory"));
	ok(v == 14 && last.esi == SRC + HOLE * PAGE && last.ecx == PAGE / 2,
	   "rep lodsw runs to the hole");
}

/* The handler supplies the page, as demand paging does. */
static volatile uint32_t supplied;

static void on_fault(struct trap *t)
{
	uint32_t va = get_cr2() & -PAGE;

	*pte(va) = SCRATCH(30 + supplied % 64) | PTE_P | PTE_W;
	memset((void *)SCRATCH(30 + supplied % 64), supplied, PAGE);
	supplied++;
}

static void demand(void)
{
	const uint32_t base = WINDOW_VA + 0x200000;
	uint32_t i;
	bool good = true;

	trap_hooks[14] = on_fault;
	__asm__ volatile("cld; rep stosb" : "=D"(i)
			 : "0"(base + 5), "c"(10 * PAGE), "a"(0xee) : "memory");
	ok(supplied == 11, "one fault for each page of a rep stosb");
	for (i = 5; i < 10 * PAGE + 5; i++)
		good &= peek8(base + i) == 0xee;
	ok(good && peek8(base + 4) == 0 && peek8(base + 10 * PAGE + 5) == 10,
	   "each byte is stored once and no other");
	supplied = 20;
	__asm__ volatile("cld; rep movsl" : "=D"(i)
			 : "0"(base + 0x20000), "S"(base + 0x40000),
			   "c"(2 * PAGE / 4) : "memory");
	ok(supplied == 24, "a copy between missing pages");
	trap_hooks[14] = NULL;
}

void guest_main(void)
{
	paging_on();
	setup();
	copy();
	fill();
	scan();
	demand();
}
