/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Patterns of several instructions: control flow, strings, stack frames,
 * segment loads, code that changes itself, FPU environments.
 */
#include <string.h>

#include "tests/diff/gen.h"

static const struct gen_options body_mix = {
	.weight = { [GROUP_ALU] = 50, [GROUP_MOV] = 40, [GROUP_SHIFT] = 10 },
};

static void body(struct gen *g, unsigned n)
{
	while (n-- && room(g, 8))
		simple(g, &body_mix);
}

/* Code size 16 or 32: immediates and displacements of the default size. */
static unsigned word(const struct gen *g)
{
	return g->c->code16 ? 2 : 4;
}

/* An instruction of @op bytes with a memory operand at linear @target. */
static void put_mem(struct gen *g, const uint8_t *op, unsigned oplen,
		    unsigned reg, uint32_t target, const uint8_t *imm,
		    unsigned immlen)
{
	struct mem_plan m;
	uint8_t b[32];
	unsigned n;

	mem_plan(g, &m, target);
	n = mem_prefixes(&m, b);
	memcpy(b + n, op, oplen);
	n += oplen;
	n += mem_modrm(&m, reg, b + n);
	while (immlen--)
		b[n++] = *imm++;
	if (n <= 15)
		put(g, b, n);
}

#define OP(...) (const uint8_t[]){ __VA_ARGS__ }, \
	sizeof((const uint8_t[]){ __VA_ARGS__ })

/* mov dword [target], val */
static void put_store32(struct gen *g, uint32_t target, uint32_t val)
{
	const uint8_t imm[] = { val, val >> 8, val >> 16, val >> 24 };

	if (g->c->code16)
		put_mem(g, OP(0x66, 0xc7), 0, target, imm, 4);
	else
		put_mem(g, OP(0xc7), 0, target, imm, 4);
}

static void put_store16(struct gen *g, uint32_t target, uint32_t val)
{
	const uint8_t imm[] = { val, val >> 8 };

	if (g->c->code16)
		put_mem(g, OP(0xc7), 0, target, imm, 2);
	else
		put_mem(g, OP(0x66, 0xc7), 0, target, imm, 2);
}

static uint32_t safe_target(struct gen *g, unsigned size)
{
	return DATA_BASE + rnd_below(g, DATA_SIZE - size);
}

/* ---- Control flow -------------------------------------------------------- */

static void sp_jcc(struct gen *g)
{
	unsigned ahead = 1 + rnd_below(g, 4), cc = rnd_below(g, 16);

	if (chance(g, 60)) {
		PUT(g, 0x70 | cc, 0);
		fix_forward(g, g->c->code_len - 1, 1, ahead);
	} else {
		uint8_t b[6] = { 0x0f, 0x80 | cc };

		put(g, b, 2 + word(g));
		fix_forward(g, g->c->code_len - word(g), word(g), ahead);
	}
}

static void sp_jmp(struct gen *g)
{
	uint8_t b[5] = { 0xe9 };

	switch (rnd_below(g, 3)) {
	case 0:
		PUT(g, 0xeb, 0);
		fix_forward(g, g->c->code_len - 1, 1, 1 + rnd_below(g, 3));
		break;
	case 1:
		put(g, b, 1 + word(g));
		fix_forward(g, g->c->code_len - word(g), word(g),
			    1 + rnd_below(g, 3));
		break;
	default:	/* loopne, loope, loop, jecxz */
		if (chance(g, 20))
			PUT(g, 0x67, 0xe0 + rnd_below(g, 4), 0);
		else
			PUT(g, 0xe0 + rnd_below(g, 4), 0);
		fix_forward(g, g->c->code_len - 1, 1, 1 + rnd_below(g, 3));
	}
}

/* A loop with a count in ecx, if its body leaves ecx alone. */
static void sp_loop(struct gen *g)
{
	uint32_t count = 1 + rnd_below(g, 12);
	unsigned top, back;

	put_mov_imm(g, R_CX, count);
	top = g->c->code_len;
	body(g, 1 + rnd_below(g, 3));
	if (!(g->regs.known & 1u << R_CX) || g->regs.val[R_CX] != count)
		return;
	back = g->c->code_len;
	if (back - top > 100)
		return;
	if (chance(g, 50)) {
		PUT(g, chance(g, 80) ? 0xe2 : 0xe0 + rnd_below(g, 2),
		    top - back - 2);
	} else {
		put_osize(g, false, OP(0x49));
		back = g->c->code_len;
		PUT(g, 0x75, top - back - 2);
	}
	/* What the body wrote is not what it was the first time. */
	g->regs.known &= ~(1u << R_CX);
}

/* call F; jmp over; F: ...; ret; over: */
static void sp_call(struct gen *g)
{
	uint8_t b[5] = { 0xe8 };
	unsigned over;

	put(g, b, 1 + word(g));
	fix_forward(g, g->c->code_len - word(g), word(g), 1);
	PUT(g, 0xeb, 0);
	over = g->c->code_len;
	body(g, rnd_below(g, 3));
	if (chance(g, 70))
		PUT(g, 0xc3);
	else
		PUT(g, 0xc2, 4 * rnd_below(g, 3), 0);
	if (g->c->code_len - over < 128)
		g->c->code[over - 1] = g->c->code_len - over;
}

/* Jump or call through a register, memory, or a return. */
static void sp_indirect(struct gen *g)
{
	unsigned ahead = 2 + rnd_below(g, 2), reg = rnd_below(g, 8);
	unsigned op = chance(g, 60) ? 4 : 2;	/* FF /4 jmp, /2 call */
	uint8_t b[16] = { 0 };
	uint32_t t;

	if (reg == R_SP)
		reg = R_AX;
	switch (rnd_below(g, 3)) {
	case 0:
		b[0] = 0xb8 + reg;
		put(g, b, 1 + word(g));
		fix_forward(g, g->c->code_len - word(g), 5, ahead);
		PUT(g, 0xff, 0xc0 | op << 3 | reg);
		break;
	case 1:
		t = safe_target(g, 4);
		put_mem(g, OP(0xc7), 0, t, b, word(g));
		fix_forward(g, g->c->code_len - word(g), 5, ahead);
		put_mem(g, OP(0xff), op, t, NULL, 0);
		break;
	default:
		b[0] = 0x68;
		put(g, b, 1 + word(g));
		fix_forward(g, g->c->code_len - word(g), 5, ahead);
		if (chance(g, 70))
			PUT(g, 0xc3);
		else
			PUT(g, 0xc2, 4 * rnd_below(g, 4), 0);
	}
}

static uint16_t far_cs(struct gen *g)
{
	static const uint16_t sels[] = { SEL_CS, LDT_SEL(LDT_CODE32),
					 LDT_SEL(LDT_XONLY) };

	return sels[rnd_below(g, 3)];
}

/* Far jump, call, return and IRET between 32-bit segments. */
static void sp_far(struct gen *g)
{
	uint16_t cs = far_cs(g);
	uint8_t b[7] = { 0xea };

	if (g->c->code16)
		return;
	g->cs_base = cs == SEL_CS ? 0 :
		cs == LDT_SEL(LDT_CODE32) ? 0x0ffff000 : CODE_BASE;
	g->seg_base[S_CS] = g->cs_base;
	b[0] = chance(g, 50) ? 0xea : 0x9a;
	b[5] = cs;
	b[6] = cs >> 8;
	switch (rnd_below(g, 3)) {
	case 0:
		put(g, b, 7);
		fix_forward(g, g->c->code_len - 6, 5, 1);
		PUT(g, 0x90);
		break;
	case 1:
		PUT(g, 0x6a, cs);
		b[0] = 0x68;
		put(g, b, 5);
		fix_forward(g, g->c->code_len - 4, 5, 1 + rnd_below(g, 2));
		if (chance(g, 70))
			PUT(g, 0xcb);
		else
			PUT(g, 0xca, 4, 0);
		break;
	default:
		PUT(g, 0x9c);
		PUT(g, 0x6a, cs);
		b[0] = 0x68;
		put(g, b, 5);
		fix_forward(g, g->c->code_len - 4, 5, 1 + rnd_below(g, 2));
		PUT(g, 0xcf);
	}
	body(g, 2);
}

/* Jumps to nowhere, and an instruction that straddles the end of the code. */
static void sp_wild(struct gen *g)
{
	/* Instructions that are valid whatever follows. */
	static const uint16_t heads[] = { 0x00b8, 0xaf0f, 0xc081, 0xb866,
					  0x00e8, 0x058b, 0x10a1, 0x05c7,
					  0xb60f, 0x1068 };
	const uint32_t end = CODE_BASE + CODE_SIZE;
	uint32_t t = 0x40000000 + (rnd(g) & 0xffffff);

	if (g->c->code16 || !chance(g, 15))
		return;
	if (chance(g, 60)) {
		t = end - 2;
		put_store16(g, t, heads[rnd_below(g, 10)]);
	}
	put_mov_imm(g, R_AX, t - g->cs_base);
	PUT(g, 0xff, 0xe0);
}

/* ---- Strings ------------------------------------------------------------- */

/* Somewhere good for a run of @len bytes; at times not good at all. */
static uint32_t run_start(struct gen *g, unsigned len, bool down, bool write)
{
	uint32_t t = DATA_BASE + rnd_below(g, DATA_SIZE - len);

	if (chance(g, 25))	/* across the page boundary */
		t = DATA_BASE + PG - rnd_below(g, len + 1);
	if (down && chance(g, 12))	/* off the beginning */
		return DATA_BASE + rnd_below(g, len + 1);
	if (down)
		return t + len - 4;
	if (chance(g, 12))	/* into the read-only page, or off its end */
		t = (write ? RO_BASE : RO_BASE + RO_SIZE) -
		    rnd_below(g, len + 1);
	return t;
}

static void sp_string(struct gen *g)
{
	static const uint8_t ops[] = { 0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab,
				       0xac, 0xad, 0xae, 0xaf, 0xa4, 0xa5,
				       0xaa, 0xab };
	uint8_t op = ops[rnd_below(g, sizeof(ops))], b[5];
	uint32_t count = chance(g, 85) ? rnd_below(g, 24) : rnd_below(g, 700);
	unsigned len = 4 * count + 8, n = 0;
	bool down = chance(g, 20);
	uint32_t src, dst;
	int seg = -1;

	src = run_start(g, len, down, false);
	dst = run_start(g, len, down, true);
	if (chance(g, 15))	/* overlap */
		dst = src + rnd_below(g, 9) - 4;
	if (chance(g, 20))
		seg = chance(g, 50) ? S_FS : S_GS;
	put_mov_imm(g, R_SI, src - g->seg_base[seg >= 0 ? seg : S_DS]);
	put_mov_imm(g, R_DI, dst - g->seg_base[S_ES]);
	if (chance(g, 80))
		put_mov_imm(g, R_CX, count);
	PUT(g, down ? 0xfd : 0xfc);
	if (seg >= 0)
		b[n++] = seg == S_FS ? 0x64 : 0x65;
	if (g->c->code16 ? chance(g, 60) : chance(g, 6))
		b[n++] = 0x67;
	if (chance(g, 25))
		b[n++] = 0x66;
	/* REP without a count is long: bounded by memory, though. */
	if ((g->regs.known & 1u << R_CX) && chance(g, 75))
		b[n++] = 0xf2 + rnd_below(g, 2);
	b[n++] = op;
	put(g, b, n);
	if (down && chance(g, 80))
		PUT(g, 0xfc);
}

static void sp_xlat(struct gen *g)
{
	put_mov_imm(g, R_BX, safe_target(g, 256) - g->seg_base[S_DS]);
	PUT(g, 0xd7);
}

static void sp_maskmov(struct gen *g)
{
	put_mov_imm(g, R_DI, safe_target(g, 16) - g->seg_base[S_DS]);
	if (chance(g, 50))
		PUT(g, 0x0f, 0xf7, 0xc0 | rnd_below(g, 64));
	else
		PUT(g, 0x66, 0x0f, 0xf7, 0xc0 | rnd_below(g, 64));
}

/* Bit strings: the register moves the address. */
static void sp_bitstring(struct gen *g)
{
	unsigned reg = rnd_below(g, 8), op = 0x83 | (4 + rnd_below(g, 4)) << 3;
	uint32_t idx = rnd_below(g, 4096) - 2048;

	if (reg == R_SP)
		reg = R_CX;
	put_mov_imm(g, reg, idx);
	if (chance(g, 25))
		put_mem(g, OP(0x66, 0x0f, op), reg,
			DATA_BASE + 0x800 + rnd_below(g, 0x1000), NULL, 0);
	else if ((op & 0x38) != 0x20 && chance(g, 15))
		put_mem(g, OP(0xf0, 0x0f, op), reg,
			DATA_BASE + 0x800 + rnd_below(g, 0x1000), NULL, 0);
	else
		put_mem(g, OP(0x0f, op), reg,
			DATA_BASE + 0x800 + rnd_below(g, 0x1000), NULL, 0);
}

static void sp_bound(struct gen *g)
{
	uint32_t t = safe_target(g, 8), lo = rnd_below(g, 100);
	unsigned reg = rnd_below(g, 8);

	if (reg == R_SP)
		reg = R_DX;
	put_store32(g, t, lo);
	put_store32(g, t + 4, lo + 50);
	put_mov_imm(g, reg, lo + rnd_below(g, 55));
	put_mem(g, OP(0x62), reg, t, NULL, 0);
}

/* cmpxchg8b and cmpxchg that match. */
static void sp_cmpxchg(struct gen *g)
{
	uint32_t t = safe_target(g, 8), lo = rnd_value(g), hi = rnd_value(g);

	put_store32(g, t, lo);
	put_mov_imm(g, R_AX, lo);
	if (chance(g, 50)) {
		put_store32(g, t + 4, hi);
		put_mov_imm(g, R_DX, hi);
		put_mem(g, OP(0xf0, 0x0f, 0xc7), 1, t, NULL, 0);
	} else {
		put_mem(g, OP(0x0f, 0xb1), rnd_below(g, 8), t, NULL, 0);
	}
}

/* ---- Stack --------------------------------------------------------------- */

static void sp_flags(struct gen *g)
{
	uint32_t f = rnd(g) & (FLAG_MASK_USER);

	if (!chance(g, 5))
		f &= ~0x100u;		/* TF */
	if (!chance(g, 20))
		f &= ~0x400u;		/* DF */
	if (g->c->code16)
		PUT(g, 0x68, f, f >> 8);
	else
		PUT(g, 0x68, f, f >> 8, f >> 16, f >> 24);
	PUT(g, 0x9d);
	if (f & 0x400)
		PUT(g, 0xfc);
}

static void sp_frame(struct gen *g)
{
	uint32_t bp = STACK_BASE + PG + 0x100 + rnd_below(g, 0x80) * 4;

	bp -= g->seg_base[S_SS];
	switch (rnd_below(g, 4)) {
	case 0:
		put_mov_imm(g, R_BP, bp);
		PUT(g, 0xc9);
		g->regs.val[R_SP] = bp + word(g);
		break;
	case 1:
		put_mov_imm(g, R_BP, bp);
		PUT(g, 0xc8, rnd_below(g, 64), 0,
		    chance(g, 70) ? 0 : rnd_below(g, 34));
		break;
	case 2:
		put_osize(g, false, OP(0x55));
		put_osize(g, false, OP(0x89, 0xe5));
		g->regs.known |= 1u << R_BP;
		g->regs.val[R_BP] = g->regs.val[R_SP] - 4;
		body(g, 2);
		PUT(g, 0xc9);
		break;
	default:
		put_mov_imm(g, R_SP, bp);
	}
}

/*
 * Pushing a selector writes two or four bytes, by processor (SDM Vol. 2B,
 * PUSH): put zero in the other half.
 */
static void sp_pushseg(struct gen *g)
{
	static const uint8_t ops[] = { 0x06, 0x0e, 0x16, 0x1e };
	uint8_t b[12];
	unsigned n = 0;
	bool osize16 = chance(g, 20);

	if (osize16 != g->c->code16)
		b[n++] = 0x66;
	if (chance(g, 40)) {
		b[n++] = 0x0f;
		b[n++] = 0xa0 | rnd_below(g, 2) << 3;
	} else {
		b[n++] = ops[rnd_below(g, 4)];
	}
	/* One unit: nothing may jump in between. */
	if (!osize16) {
		static const uint8_t wipe[] = { 0xc7, 0x44, 0x24, 2, 0, 0 };

		b[n++] = g->c->code16 ? 0x67 : 0x66;
		memcpy(b + n, wipe, sizeof(wipe));
		n += sizeof(wipe);
	}
	put(g, b, n);
}

static void sp_stack(struct gen *g)
{
	switch (rnd_below(g, 8)) {
	case 0:
		PUT(g, 0x54);				/* push esp */
		break;
	case 1:						/* pop [esp+d] */
		if (!g->c->code16)
			PUT(g, 0x8f, 0x44, 0x24, rnd_below(g, 64));
		break;
	case 2:						/* push [esp+d] */
		if (!g->c->code16)
			PUT(g, 0xff, 0x74, 0x24, rnd_below(g, 64));
		break;
	case 3:						/* push; pop esp */
		put_osize(g, false, OP(0x54));
		put_osize(g, false, OP(0x5c));
		g->regs.known |= 1u << R_SP;
		break;
	case 4:						/* add esp, n */
		put_osize(g, false, OP(0x83, 0xc4,
				       (rnd_below(g, 16) - 8) * 4));
		g->regs.known |= 1u << R_SP;
		break;
	case 5:						/* lea esp, */
		if (!g->c->code16)
			PUT(g, 0x8d, 0x64, 0x24,
			    (rnd_below(g, 16) - 8) * 4);
		g->regs.known |= 1u << R_SP;
		break;
	case 6:						/* xchg [m], esp */
		put_mem(g, OP(0x87), R_SP, safe_target(g, 4), NULL, 0);
		put_mov_imm(g, R_SP, STACK_BASE + PG + 0x400 -
			    g->seg_base[S_SS]);
		break;
	default:					/* off the stack */
		put_mov_imm(g, R_SP, (chance(g, 50) ? STACK_BASE :
			    STACK_BASE + STACK_SIZE) + rnd_below(g, 17) - 8 -
			    g->seg_base[S_SS]);
		body(g, 1);
	}
}

/* ---- Segments ------------------------------------------------------------ */

static uint16_t any_selector(struct gen *g)
{
	if (chance(g, 40))
		return SEL_DS;
	if (chance(g, 10))
		return rnd_below(g, 4);
	if (chance(g, 10))	/* beyond the LDT's limit */
		return LDT_SEL(LDT_COUNT) + 8 * rnd_below(g, 8);
	return LDT_SEL(rnd_below(g, LDT_COUNT)) & (chance(g, 15) ? ~3 : ~0);
}

/* Bases as the generator has to know them; others count as flat. */
static void note_segment(struct gen *g, unsigned seg, uint16_t sel)
{
	static const uint32_t base[LDT_COUNT] = {
#define LDT_BASE(n, b, ...) [LDT_##n] = b,
		LDT_LIST(LDT_BASE)
	};
	unsigned i = sel >> 3;

	g->seg_base[seg] = (sel & 4) && i < LDT_COUNT ? base[i] : 0;
}

static void sp_segload(struct gen *g)
{
	static const uint8_t pops[] = { [S_ES] = 0x07, [S_DS] = 0x1f };
	static const uint8_t lxs[] = { [S_ES] = 0xc4, [S_DS] = 0xc5 };
	static const uint8_t segs[] = { S_ES, S_DS, S_FS, S_GS };
	unsigned seg = segs[rnd_below(g, 4)];
	uint16_t sel = any_selector(g);
	uint32_t t;

	switch (rnd_below(g, 4)) {
	case 0:
		put_mov_imm(g, R_AX, sel);
		PUT(g, 0x8e, 0xc0 | seg << 3);
		break;
	case 1:
		t = safe_target(g, 2);
		put_store16(g, t, sel);
		put_mem(g, OP(0x8e), seg, t, NULL, 0);
		break;
	case 2:
		PUT(g, 0x6a, sel & 0x7f);
		sel &= 0x7f;
		if (seg == S_FS || seg == S_GS)
			PUT(g, 0x0f, seg == S_FS ? 0xa1 : 0xa9);
		else
			PUT(g, pops[seg]);
		break;
	default:
		t = safe_target(g, 6);
		put_store16(g, t + word(g), sel);
		if (seg == S_FS || seg == S_GS)
			put_mem(g, OP(0x0f, seg == S_FS ? 0xb4 : 0xb5),
				rnd_below(g, 4), t, NULL, 0);
		else
			put_mem(g, OP(lxs[seg]), rnd_below(g, 4), t, NULL, 0);
	}
	note_segment(g, seg, sel);
	body(g, 1);
	if (chance(g, 70) && sel != SEL_DS && seg < S_FS) {
		put_mov_imm(g, R_DX, SEL_DS);
		PUT(g, 0x8e, 0xc2 | seg << 3);
		note_segment(g, seg, SEL_DS);
	}
}

static void sp_stackseg(struct gen *g)
{
	static const uint16_t sels[] = { SEL_DS, LDT_SEL(LDT_STACK16),
					 LDT_SEL(LDT_ABSENT),
					 LDT_SEL(LDT_RDONLY), 0,
					 LDT_SEL(LDT_FS) };
	uint16_t sel = sels[rnd_below(g, chance(g, 80) ? 2 : 6)];
	uint32_t sp = STACK_BASE + PG + 0x200 + rnd_below(g, 64) * 4;

	if (g->o->no_stack16 && sel == LDT_SEL(LDT_STACK16))
		sel = SEL_DS;
	put_mov_imm(g, R_AX, sel);
	PUT(g, 0x8e, 0xd0);
	note_segment(g, S_SS, sel);
	put_mov_imm(g, R_SP, sp - g->seg_base[S_SS]);
	body(g, 1);
}

/*
 * mov word [d], sel; then LAR, LSL, VERR or VERW of it, as one unit: any
 * other selector may name a segment of Linux's.
 */
static void put_selector_memory(struct gen *g, uint32_t d, uint16_t sel)
{
	uint8_t a67 = g->c->code16 ? 0x67 : 0x3e, o16 = g->c->code16 ?
		0x3e : 0x66;
	uint8_t op = chance(g, 50) ? 0 : 2 + rnd_below(g, 2);
	uint8_t reg = op ? rnd_below(g, 4) : 4 + rnd_below(g, 2);

	/* 3e (ds:) stands where no prefix is needed. */
	PUT(g, a67, o16, 0xc7, 0x05, d, d >> 8, d >> 16, d >> 24, sel,
	    sel >> 8, a67, 0x0f, op, 0x05 | reg << 3, d, d >> 8, d >> 16,
	    d >> 24);
	if (op)
		g->regs.known &= ~(1u << reg);
}

/* mov cx, sel; DS: stands for the prefix that 16-bit code does not need. */
#define SEL_TO_CX(g, sel) \
	(g)->c->code16 ? 0x3e : 0x66, 0xb9, (sel), (sel) >> 8

/* Limits, access rights and validity of selectors. */
static void sp_selector(struct gen *g)
{
	uint16_t sel = any_selector(g);
	uint32_t t = safe_target(g, 2);

	if (chance(g, 40)) {
		put_selector_memory(g, t - g->seg_base[S_DS], sel);
		return;
	}
	/* As one unit, for the same reason. */
	switch (rnd_below(g, 4)) {
	case 0:
		PUT(g, SEL_TO_CX(g, sel), 0x0f, 0x00, 0xe1);	/* verr cx */
		break;
	case 1:
		PUT(g, SEL_TO_CX(g, sel), 0x0f, 0x00, 0xe9);	/* verw cx */
		break;
	default:
		PUT(g, SEL_TO_CX(g, sel), 0x0f, 0x02 + rnd_below(g, 2),
		    0xc1);				/* lar, lsl eax, cx */
		g->regs.known &= ~(1u << R_AX);
	}
	g->regs.known &= ~(1u << R_CX);
}

/* ---- Code that changes itself -------------------------------------------- */

/* mov byte [disp32], imm8: always 7 bytes, so the target is computable. */
static void put_patch8(struct gen *g, uint32_t target, uint8_t val)
{
	if (chance(g, 30))
		target += ALIAS_BASE - CODE_BASE;
	PUT(g, 0xc6, 0x05, target, target >> 8, target >> 16, target >> 24,
	    val);
}

static void put_patch32(struct gen *g, uint32_t target, uint32_t val)
{
	if (chance(g, 30))
		target += ALIAS_BASE - CODE_BASE;
	PUT(g, 0xc7, 0x05, target, target >> 8, target >> 16, target >> 24,
	    val, val >> 8, val >> 16, val >> 24);
}

static void sp_selfmod(struct gen *g)
{
	static const uint8_t singles[] = { 0x40, 0x48, 0x90, 0xf5, 0xf8, 0xf9,
					   0x98, 0x99, 0x9f, 0x41, 0x43 };
	uint8_t single = singles[rnd_below(g, sizeof(singles))];
	uint32_t top, t;
	unsigned back;

	if (g->c->code16 || g->seg_base[S_DS])
		return;
	switch (rnd_below(g, 6)) {
	case 0:		/* the immediate of the next instruction */
		put_patch8(g, here(g) + 7 + 1, rnd(g));
		put_mov_imm(g, R_AX, rnd(g));
		g->regs.known &= ~(1u << R_AX);
		break;
	case 1:		/* the next opcode */
		put_patch8(g, here(g) + 7, single);
		PUT(g, 0x47);
		g->regs.known &= ~0x0f;
		break;
	case 2:		/* four bytes at once */
		put_patch32(g, here(g) + 10, 0x40904890);
		PUT(g, 0x90); PUT(g, 0x90); PUT(g, 0x90); PUT(g, 0x90);
		g->regs.known &= ~(1u << R_AX);
		break;
	case 3:		/* in a loop: patched for the second time round */
		put_mov_imm(g, R_CX, 2 + rnd_below(g, 6));
		top = here(g);
		back = g->c->code_len;
		PUT(g, 0xb8, rnd(g), 1, 2, 3);
		PUT(g, 0x01, 0xc3);
		if (chance(g, 50))
			put_patch8(g, top + 1, rnd(g));
		else	/* inc byte [top+1] */
			PUT(g, 0xfe, 0x05, top + 1, (top + 1) >> 8,
			    (top + 1) >> 16, (top + 1) >> 24);
		PUT(g, 0xe2, back - (g->c->code_len + 2));
		g->regs.known &= ~0x0b;
		break;
	case 4:		/* a branch's condition or distance */
		t = here(g) + 7;
		if (chance(g, 50))
			put_patch8(g, t, 0x70 | rnd_below(g, 16));
		else
			put_patch8(g, t + 1, rnd_below(g, 3));
		PUT(g, 0x70 | rnd_below(g, 16), 2);
		PUT(g, 0x40);
		PUT(g, 0x48);
		g->regs.known &= ~(1u << R_AX);
		break;
	default:	/* rep stosb over what follows, as one unit */
		if (g->seg_base[S_ES])
			return;
		t = here(g) + 15;
		PUT(g, 0xb0, single, 0xb9, 1 + rnd_below(g, 6), 0, 0, 0,
		    0xbf, t, t >> 8, t >> 16, t >> 24, 0xfc, 0xf3, 0xaa,
		    0x40, 0x41, 0x43, 0x90, 0x90, 0x90);
		g->regs.known &= ~0x8f;
	}
}

/* ---- x87 and SSE state --------------------------------------------------- */

/*
 * A state image, with what differs by design zeroed, as one unit: instruction
 * and data pointers, and the MXCSR mask.  All through DS:disp32, so that the
 * zeros go where the image went.
 */
static void put_image(struct gen *g, const uint8_t *op, unsigned oplen,
		      unsigned reg, uint32_t t, const uint8_t *zero,
		      unsigned nzero)
{
	uint32_t d = t - g->seg_base[S_DS], a;
	uint8_t b[128];
	unsigned n = 0, i, first;

	if (g->c->code16)
		b[n++] = 0x67;
	memcpy(b + n, op, oplen);
	n += oplen;
	b[n++] = 0x05 | reg << 3;
	memcpy(b + n, &d, 4);
	first = n += 4;
	for (i = 0; i < nzero; i++) {	/* mov word [d + zero[i]], 0 */
		a = d + zero[i];
		b[n++] = g->c->code16 ? 0x67 : 0x66;
		b[n++] = 0xc7;
		b[n++] = 0x05;
		memcpy(b + n, &a, 4);
		b[n + 4] = b[n + 5] = 0;
		n += 6;
	}
	put(g, b, n);
	g->c->first[g->c->ninsns - 1] = first;
}

static void sp_fpstate(struct gen *g)
{
	uint32_t t = safe_target(g, 512) & ~15u;
	static const uint8_t env32[] = { 12, 14, 16, 18, 20, 22, 24, 26 };
	static const uint8_t env16[] = { 6, 8, 10, 12 };
	static const uint8_t fxs[] = { 6, 8, 10, 12, 14, 16, 18, 20, 22,
				       28, 30 };
	const uint8_t *env = g->c->code16 ? env16 : env32;
	unsigned nenv = g->c->code16 ? sizeof(env16) : sizeof(env32);

	switch (rnd_below(g, 8)) {
	case 0:
		put_image(g, OP(0xd9), 6, t, env, nenv);	/* fnstenv */
		if (chance(g, 50))
			put_mem(g, OP(0xd9), 4, t, NULL, 0);	/* fldenv */
		break;
	case 1:
		put_image(g, OP(0xdd), 6, t, env, nenv);	/* fnsave */
		if (chance(g, 60))
			put_mem(g, OP(0xdd), 4, t, NULL, 0);	/* frstor */
		break;
	case 2:
	case 3:
		put_image(g, OP(0x0f, 0xae), 0, t, fxs, sizeof(fxs));
		body(g, 1);
		if (chance(g, 60))
			put_mem(g, OP(0x0f, 0xae), 1, t, NULL, 0);
		break;
	case 4:
	case 5:
		put_store16(g, t, 0x40 | (rnd(g) & 0xf00) |
			    (chance(g, 85) ? 0x3f : rnd(g) & 0x3f));
		put_mem(g, OP(0xd9), 5, t, NULL, 0);		/* fldcw */
		break;
	default:
		put_store32(g, t, (rnd(g) & 0xe07f) |
			    (chance(g, 85) ? 0x1f80 : rnd(g) & 0x1f80) |
			    (chance(g, 3) ? 0x10000 : 0));
		put_mem(g, OP(0x0f, 0xae), 2, t, NULL, 0);	/* ldmxcsr */
	}
}

/* ---- The choice ---------------------------------------------------------- */

static const struct { void (*fn)(struct gen *g); unsigned weight; } specials[] = {
	{ sp_jcc, 14 }, { sp_jmp, 6 }, { sp_loop, 6 }, { sp_call, 6 },
	{ sp_indirect, 6 }, { sp_far, 3 }, { sp_wild, 2 }, { sp_string, 12 },
	{ sp_xlat, 2 }, { sp_maskmov, 2 }, { sp_bitstring, 4 },
	{ sp_bound, 2 }, { sp_cmpxchg, 3 }, { sp_flags, 4 }, { sp_frame, 5 },
	{ sp_stack, 5 }, { sp_pushseg, 3 }, { sp_segload, 4 }, { sp_stackseg, 2 },
	{ sp_selector, 2 }, { sp_selfmod, 5 }, { sp_fpstate, 4 },
};

#define NSPECIALS	(sizeof(specials) / sizeof(specials[0]))

void special(struct gen *g)
{
	const unsigned *have = g->o->weight;
	unsigned i, total = 0, w;

	for (i = 0; i < NSPECIALS; i++)
		total += specials[i].weight;
	w = rnd_below(g, total);
	for (i = 0; w >= specials[i].weight; i++)
		w -= specials[i].weight;
	if ((specials[i].fn == sp_fpstate || specials[i].fn == sp_maskmov) &&
	    !(have[GROUP_X87] | have[GROUP_MMX] | have[GROUP_SSE]))
		return;
	specials[i].fn(g);
}
