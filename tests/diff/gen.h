/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The generator: makes case number K of a seed.  It follows the values that
 * registers have along the stream as far as they are constants, so that memory
 * operands reach memory that exists; all that matters is that most do.
 */
#ifndef TESTS_DIFF_GEN_H
#define TESTS_DIFF_GEN_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/diff/layout.h"

#define GEN_INSNS	128	/* instructions in one case, patterns included */
/* What POPF at CPL 3 may be given: all but VM, AC, the reserved bits,
 * and NT, which makes IRET fault under a 64-bit kernel. */
#define FLAG_MASK_USER	0x00203fd5u

#define GEN_FIXES	16	/* branches whose target is not laid yet */

enum gen_group {
	GROUP_ALU, GROUP_BCD, GROUP_MUL, GROUP_DIV, GROUP_SHIFT, GROUP_BIT,
	GROUP_MOV, GROUP_STACK, GROUP_X87, GROUP_MMX, GROUP_SSE,
	GROUP_SSE2, GROUP_TRAP, GROUP_SPECIAL, GROUP_COUNT,
};

extern const char *const gen_group_names[GROUP_COUNT];

struct gen_case {
	struct diff_state in;
	uint32_t code_off, code_len;
	uint8_t code[CASE_BYTES];
	uint16_t start[GEN_INSNS];	/* offsets of the instructions */
	uint8_t len[GEN_INSNS];
	/*
	 * An instruction that leaves flags undefined is laid with code that
	 * clears these flags, as one unit.  first[] is the length of the
	 * instruction, undefined[] the flags until the unit ends.
	 */
	uint8_t first[GEN_INSNS];
	uint16_t undefined[GEN_INSNS];
	unsigned ninsns;
	bool code16;			/* runs in a 16-bit code segment */
};

struct gen_options {
	uint64_t seed;
	unsigned max_insns;
	unsigned weight[GROUP_COUNT];	/* of the random choice */
	bool undefined_flags;		/* let them stand */
	bool code16;			/* all in 16-bit code */
	bool segments;			/* half of the segments not flat */
	bool no_code16;
	bool no_stack16;
	bool no_segments;		/* flat DS and ES only */
};

/* What a register holds, as far as the generator knows. */
struct gen_regs {
	uint8_t known;			/* one bit for each */
	uint32_t val[8];
};

struct gen_fix {
	uint16_t at;			/* offset of the field */
	uint8_t size;			/* 1, 2, 4: relative; 5: absolute */
	uint8_t left;			/* instructions until the target */
	struct gen_regs regs;
	uint32_t base;			/* of CS, for absolute ones */
};

struct gen {
	struct gen_case *c;
	const struct gen_options *o;
	uint64_t rng;
	struct gen_regs regs;
	uint32_t seg_base[S_COUNT];
	uint32_t cs_base;
	struct gen_fix fix[GEN_FIXES];
	unsigned nfixes;
};

void gen_make(struct gen_case *c, const struct gen_options *o, uint64_t k);

/* For special.c */
uint32_t rnd(struct gen *g);
uint32_t rnd_below(struct gen *g, uint32_t n);
bool chance(struct gen *g, unsigned percent);
uint32_t rnd_value(struct gen *g);

/* Lay one complete instruction and account for what it writes. */
void put(struct gen *g, const uint8_t *bytes, unsigned len);
#define PUT(g, ...) do { \
	const uint8_t put_[] = { __VA_ARGS__ }; \
	put(g, put_, sizeof(put_)); \
} while (0)
/* The same for a 16- or 32-bit operand: adds 66 where it is needed. */
void put_osize(struct gen *g, bool osize16, const uint8_t *bytes,
	       unsigned len);
void put_mov_imm(struct gen *g, unsigned reg, uint32_t val);

/*
 * Append prefixes that select addressing, and ModRM with SIB and displacement
 * for linear address @target; prefixes must come first, so this is split:
 * mem_plan() chooses a form, mem_prefixes() and mem_modrm() write it.
 */
struct mem_plan {
	int seg;			/* override, or -1 */
	bool a16, a67;
	uint8_t modrm, sib, has_sib, disp_size;
	uint32_t disp;
};
void mem_plan(struct gen *g, struct mem_plan *m, uint32_t target);
unsigned mem_prefixes(const struct mem_plan *m, uint8_t *p);
unsigned mem_modrm(const struct mem_plan *m, unsigned reg, uint8_t *p);
uint32_t mem_target(struct gen *g, unsigned size, bool aligned);

/* A branch field of @size at code offset @at, @ahead instructions forward. */
void fix_forward(struct gen *g, unsigned at, unsigned size, unsigned ahead);
/* Linear address of the next instruction to be laid. */
uint32_t here(const struct gen *g);
bool room(const struct gen *g, unsigned insns);

/* A pattern of several instructions. */
void special(struct gen *g);
/* One random instruction of the tables. */
void simple(struct gen *g, const struct gen_options *o);

#endif
