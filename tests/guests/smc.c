/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code that changes: by itself, through another mapping, under a remapping. */
#include "tests/guests/guest.h"

#define CODE	WINDOW_VA
#define ALIAS	(WINDOW_VA + 0x100000)

typedef uint32_t code_fn(void);

/* mov eax, imm32; ret */
static void put_code(uint32_t at, uint32_t val)
{
	poke8(at, 0xb8);
	poke32(at + 1, val);
	poke8(at + 5, 0xc3);
}

static uint32_t call(uint32_t at)
{
	return ((code_fn *)at)();
}

static void direct(void)
{
	bool good = true;
	uint32_t i;

	for (i = 0; i < 5000; i++) {
		put_code(CODE, i);
		good &= call(CODE) == i;
	}
	ok(good, "5000 functions written over each other");
	put_code(CODE, 1);
	for (i = 0; i < 1000; i++)
		call(CODE);
	poke32(CODE + 1, 77);
	ok(call(CODE) == 77, "hot code, its immediate patched");
	poke8(CODE + 0x800, 1);
	for (i = 0, good = true; i < 1000; i++) {
		poke32(CODE + 0x804, i);
		good &= call(CODE) == 77 && peek32(CODE + 0x804) == i;
	}
	ok(good, "data beside code on one page");
}

/* As text_poke() does it: the code's own mapping is read-only. */
static void through_alias(void)
{
	bool good = true;
	uint32_t i;

	*pte(CODE) = SCRATCH(0) | PTE_P;
	invlpg(CODE);
	put_code(ALIAS, 5);
	ok(call(CODE) == 5, "code written through another mapping");
	for (i = 0; i < 3000; i++) {
		poke32(ALIAS + 1, i);
		good &= call(CODE) == i;
	}
	ok(good, "3000 patches through another mapping");
	*pte(CODE) = SCRATCH(0) | PTE_P | PTE_W;
	invlpg(CODE);
}

/* The same linear address, other frames. */
static void remapped(void)
{
	bool good = true;
	uint32_t i;

	for (i = 0; i < 4; i++)
		put_code(SCRATCH(i), 100 + i);
	for (i = 0; i < 4000; i++) {
		*pte(CODE) = SCRATCH(i & 3) | PTE_P;
		invlpg(CODE);
		good &= call(CODE) == 100 + (i & 3);
	}
	ok(good, "4000 remappings of a code page");
	*pte(CODE) = SCRATCH(0) | PTE_P | PTE_W;
	invlpg(CODE);
}

/* An instruction across two pages; either half changes. */
static void straddle(void)
{
	const uint32_t at = CODE + PAGE - 3;
	bool good = true;
	uint32_t i;

	*pte(CODE + PAGE) = SCRATCH(1) | PTE_P | PTE_W;
	invlpg(CODE + PAGE);
	put_code(at, 0x11223344);
	ok(call(at) == 0x11223344, "an instruction across two pages");
	for (i = 0; i < 500; i++) {
		poke8(CODE + PAGE, i);
		good &= (call(at) >> 16 & 0xff) == (i & 0xff);
		poke8(CODE + PAGE - 2, i);
		good &= (call(at) & 0xff) == (i & 0xff);
	}
	ok(good, "either half patched");
	memcpy((void *)SCRATCH(2), (void *)SCRATCH(1), PAGE);
	poke8(SCRATCH(2), 0x99);
	*pte(CODE + PAGE) = SCRATCH(2) | PTE_P;
	invlpg(CODE + PAGE);
	ok((call(at) >> 16 & 0xff) == 0x99, "the second page remapped");
	*pte(CODE + PAGE) = 0;
	invlpg(CODE + PAGE);
	ok(CATCH(call(at)) == 14 && last_cr2 == CODE + PAGE &&
	   last.eip == at, "the second page gone");
}

/* Within one run: the store is the instruction before. */
static void own_tail(void)
{
	uint32_t r = 0, n;

	__asm__ volatile("movl $0, %0\n"
			 "movl $99, 1f+1\n"
			 "1: movl $1, %%eax\n"
			 "movl %%eax, %0" : "=r"(r) :: "eax", "memory");
	ok(r == 99, "an instruction changes the next one");
	__asm__ volatile("movl $1000, %%ecx; xorl %%edx, %%edx\n"
			 "1: incl 2f+1\n"
			 "2: movl $0, %%eax\n"
			 "addl %%eax, %%edx\n"
			 "loop 1b" : "=d"(n) :: "eax", "ecx", "memory");
	ok(n == 500500, "a loop counts in its own code");
	__asm__ volatile("movl $1f, %%edi; movl $4, %%ecx; movb $0x42, %%al\n"
			 "xorl %%edx, %%edx; cld; rep stosb\n"
			 "1: nop; nop; nop; nop" : "=d"(n)
			 :: "eax", "ecx", "edi", "memory");
	ok(n == 4, "rep stosb over what follows");
}

/* DMA has no place here, but a frame can be code and then data and code. */
static void reused(void)
{
	bool good = true;
	uint32_t i;

	for (i = 0; i < 300; i++) {
		put_code(CODE, i);
		good &= call(CODE) == i;
		memset((void *)CODE, i, PAGE);
		good &= peek8(CODE + 100) == (i & 0xff);
	}
	ok(good, "a frame that is code and data in turn");
}

void guest_main(void)
{
	paging_on();
	*pte(CODE) = SCRATCH(0) | PTE_P | PTE_W;
	*pte(ALIAS) = SCRATCH(0) | PTE_P | PTE_W;
	direct();
	through_alias();
	remapped();
	straddle();
	own_tail();
	reused();
}
