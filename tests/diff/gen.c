/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random instructions from insns.def, and whole cases. */
#include "tests/diff/gen.h"

#include <Zydis/Zydis.h>
#include <stdlib.h>
#include <string.h>

const char *const gen_group_names[GROUP_COUNT] = {
	"alu", "bcd", "mul", "div", "shift", "bit", "mov", "stack", "x87", "mmx", "sse", "sse2", "trap", "special",
};

/* ---- Random numbers ------------------------------------------------------ */

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

uint32_t rnd(struct gen *g)
{
	g->rng += 0x9e3779b97f4a7c15;
	return mix(g->rng) >> 32;
}

uint32_t rnd_below(struct gen *g, uint32_t n)
{
	return (uint64_t)rnd(g) * n >> 32;
}

bool chance(struct gen *g, unsigned percent)
{
	return rnd_below(g, 100) < percent;
}

uint32_t rnd_value(struct gen *g)
{
	static const uint32_t edges[] = {
		0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 33, 0x7f, 0x80, 0xff, 0x100,
		0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
		0x80000001, 0xfffffffe, 0xffffffff, 0x99, 0x3f800000,
	};

	switch (rnd_below(g, 4)) {
	case 0:
		return edges[rnd_below(g, sizeof(edges) / sizeof(edges[0]))];
	case 1:
		return rnd_below(g, 64);
	default:
		return rnd(g);
	}
}

/* ---- Laying instructions ------------------------------------------------- */

static void decoder(const struct gen_case *c, ZydisDecoder *d)
{
	ZydisDecoderInit(d, c->code16 ? ZYDIS_MACHINE_MODE_LONG_COMPAT_16 :
			 ZYDIS_MACHINE_MODE_LONG_COMPAT_32,
			 c->code16 ? ZYDIS_STACK_WIDTH_16 :
			 ZYDIS_STACK_WIDTH_32);
}

static int gpr_of(ZydisRegister r)
{
	if (r >= ZYDIS_REGISTER_EAX && r <= ZYDIS_REGISTER_EDI)
		return r - ZYDIS_REGISTER_EAX;
	if (r >= ZYDIS_REGISTER_AX && r <= ZYDIS_REGISTER_DI)
		return r - ZYDIS_REGISTER_AX;
	if (r >= ZYDIS_REGISTER_AL && r <= ZYDIS_REGISTER_BL)
		return r - ZYDIS_REGISTER_AL;
	if (r >= ZYDIS_REGISTER_AH && r <= ZYDIS_REGISTER_BH)
		return r - ZYDIS_REGISTER_AH;
	return -1;
}

/* What the generator needs to know of an instruction. */
struct effects {
	unsigned writes;	/* registers, one bit each */
	uint16_t undefined;	/* flags */
};

/*
 * Logical operations clear AF in every processor there is; the manual calls
 * it undefined.  Shifts by the operand size or more leave CF undefined.
 */
static uint16_t undefined_flags(const ZydisDecodedInstruction *zi)
{
	switch (zi->mnemonic) {
	case ZYDIS_MNEMONIC_AND:
	case ZYDIS_MNEMONIC_OR:
	case ZYDIS_MNEMONIC_XOR:
	case ZYDIS_MNEMONIC_TEST:
		return 0;
	case ZYDIS_MNEMONIC_SHL:
	case ZYDIS_MNEMONIC_SHR:
		return 0x811;
	default:
		return zi->cpu_flags ? zi->cpu_flags->undefined & 0x8d5 : 0;
	}
}

static unsigned operand_writes(const ZydisDecodedInstruction *zi,
			       const ZydisDecodedOperand *ops)
{
	unsigned i, mask = 0;
	int r;

	if (zi->mnemonic == ZYDIS_MNEMONIC_POPA ||
	    zi->mnemonic == ZYDIS_MNEMONIC_POPAD)
		return 0xff & ~(1u << R_SP);
	for (i = 0; i < zi->operand_count; i++) {
		if (ops[i].type != ZYDIS_OPERAND_TYPE_REGISTER ||
		    !(ops[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		r = gpr_of(ops[i].reg.value);
		/* Pushes and pops keep esp near enough. */
		if (r == R_SP && ops[i].visibility ==
		    ZYDIS_OPERAND_VISIBILITY_HIDDEN)
			continue;
		if (r >= 0)
			mask |= 1u << r;
	}
	return mask;
}

static void effects_of(const struct gen_case *c, const uint8_t *bytes,
		       unsigned len, struct effects *e)
{
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction zi;
	ZydisDecoder d;

	memset(e, 0, sizeof(*e));
	decoder(c, &d);
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&d, bytes, len, &zi, ops)))
		return;
	e->writes = operand_writes(&zi, ops);
	e->undefined = undefined_flags(&zi);
}

bool room(const struct gen *g, unsigned insns)
{
	return g->c->ninsns + insns < GEN_INSNS - 4 &&
	       g->c->code_len + insns * 15 + 160 < CASE_BYTES;
}

uint32_t here(const struct gen *g)
{
	return CODE_BASE + g->c->code_off + g->c->code_len;
}

/* The farthest instruction boundary that a field at @f can reach. */
static unsigned fix_reach(struct gen *g, const struct gen_fix *f)
{
	unsigned i, end = f->at + f->size, target = g->c->code_len;

	if (f->size != 1 || target - end <= 127)
		return target;
	for (i = g->c->ninsns; i > 0; i--)
		if (g->c->start[i - 1] <= end + 127)
			return g->c->start[i - 1];
	return end;
}

static void fix_resolve(struct gen *g, struct gen_fix *f)
{
	unsigned target = fix_reach(g, f);
	uint32_t val = target - (f->at + f->size), i;

	if (f->size == 5)
		val = CODE_BASE + g->c->code_off + target - f->base;
	for (i = 0; i < (f->size == 5 ? (g->c->code16 ? 2 : 4) : f->size); i++)
		g->c->code[f->at + i] = val >> (8 * i);
	g->regs.known &= f->regs.known;
	for (i = 0; i < 8; i++)
		if (g->regs.val[i] != f->regs.val[i])
			g->regs.known &= ~(1u << i);
}

/* One more instruction is laid: resolve the branches that end here. */
static void fix_advance(struct gen *g, bool all)
{
	unsigned i, n = 0;

	for (i = 0; i < g->nfixes; i++) {
		struct gen_fix *f = &g->fix[i];

		if (all || --f->left == 0)
			fix_resolve(g, f);
		else
			g->fix[n++] = *f;
	}
	g->nfixes = n;
}

void fix_forward(struct gen *g, unsigned at, unsigned size, unsigned ahead)
{
	if (g->nfixes == GEN_FIXES)
		fix_advance(g, true);
	g->fix[g->nfixes++] = (struct gen_fix){
		.at = at, .size = size, .left = ahead, .regs = g->regs,
		.base = g->cs_base,
	};
}

/* pushf; and [esp], ~mask; popf.  Returns its length. */
static unsigned lay_cleaner(const struct gen *g, uint8_t *p, uint16_t mask)
{
	const uint32_t keep = ~(uint32_t)mask;
	const uint8_t clean[] = { 0x66, 0x9c, 0x66, 0x67, 0x81, 0x24, 0x24,
				  keep, keep >> 8, keep >> 16, keep >> 24,
				  0x66, 0x9d };
	const uint8_t clean32[] = { 0x9c, 0x81, 0x24, 0x24, keep, keep >> 8,
				    keep >> 16, keep >> 24, 0x9d };

	if (g->c->code16)
		memcpy(p, clean, sizeof(clean));
	else
		memcpy(p, clean32, sizeof(clean32));
	return g->c->code16 ? sizeof(clean) : sizeof(clean32);
}

void put(struct gen *g, const uint8_t *bytes, unsigned len)
{
	struct gen_case *c = g->c;
	unsigned n = c->ninsns;
	struct effects e;

	if (n == GEN_INSNS || c->code_len + len + 16 > CASE_BYTES)
		abort();
	effects_of(c, bytes, len, &e);
	memcpy(c->code + c->code_len, bytes, len);
	c->start[n] = c->code_len;
	c->first[n] = c->len[n] = len;
	c->undefined[n] = e.undefined;
	if (e.undefined && !g->o->undefined_flags)
		c->len[n] += lay_cleaner(g, c->code + c->code_len + len,
					 e.undefined);
	c->code_len += c->len[n];
	c->ninsns++;
	g->regs.known &= ~e.writes;
	fix_advance(g, false);
}

void put_osize(struct gen *g, bool osize16, const uint8_t *bytes, unsigned len)
{
	uint8_t buf[16] = { 0x66 };

	if (osize16 == g->c->code16) {
		put(g, bytes, len);
		return;
	}
	memcpy(buf + 1, bytes, len);
	put(g, buf, len + 1);
}

void put_mov_imm(struct gen *g, unsigned reg, uint32_t val)
{
	const uint8_t b[] = { 0xb8 + reg, val, val >> 8, val >> 16, val >> 24 };

	put_osize(g, false, b, 5);
	g->regs.known |= 1u << reg;
	g->regs.val[reg] = val;
}

/* ---- Single instructions ------------------------------------------------- */

#define V	0xff
#define O	0x01
#define L	0x02
#define M	0x04
#define R	0x08
#define A	0x10
#define D	0x20
#define N	0x40

struct row {
	const char *enc;
	uint8_t group, msize, attrs;
};

static const struct row rows[] = {
#define ROW(group, enc, msize, attrs) { enc, GROUP_##group, msize, attrs },
#include "tests/diff/insns.def"
#undef ROW
};

#define NROWS	(sizeof(rows) / sizeof(rows[0]))

static unsigned group_first[GROUP_COUNT], group_rows[GROUP_COUNT];
static unsigned short order[NROWS];

static void rows_init(void)
{
	unsigned g, i, n = 0;

	for (g = 0; g < GROUP_COUNT; g++) {
		group_first[g] = n;
		for (i = 0; i < NROWS; i++)
			if (rows[i].group == g)
				order[n++] = i;
		group_rows[g] = n - group_first[g];
	}
}

/* An instruction being put together. */
struct asmbuf {
	uint8_t b[32];
	unsigned len;
};

static void add(struct asmbuf *a, uint32_t val, unsigned bytes)
{
	for (; bytes; bytes--, val >>= 8)
		a->b[a->len++] = val;
}

static void add_modrm(struct gen *g, struct asmbuf *a,
		      const struct mem_plan *m, unsigned reg)
{
	if (m)
		a->len += mem_modrm(m, reg, a->b + a->len);
	else
		add(a, 0xc0 | reg << 3 | rnd_below(g, 8), 1);
}

static void add_token(struct gen *g, struct asmbuf *a, const char *tok,
		      const struct mem_plan *m, bool osize16)
{
	unsigned lo, hi;

	if (tok[0] == '/')
		add_modrm(g, a, m, tok[1] == 'r' ? rnd_below(g, 8) :
			  tok[1] == 's' ? rnd_below(g, 6) :
			  (unsigned)tok[1] - '0');
	else if (!strncmp(tok, "ib", 2))
		add(a, rnd_value(g), 1);
	else if (!strncmp(tok, "iw", 2))
		add(a, rnd_value(g), 2);
	else if (!strncmp(tok, "iz", 2))
		add(a, rnd_value(g), osize16 ? 2 : 4);
	else if (!strncmp(tok, "mo", 2))
		add(a, m->disp, m->a16 ? 2 : 4);
	else {
		lo = hi = strtoul(tok, NULL, 16);
		if (tok[2] == '.')
			hi = strtoul(tok + 4, NULL, 16);
		add(a, lo + rnd_below(g, hi - lo + 1), 1);
	}
}

static void moffs_plan(struct gen *g, struct mem_plan *m, uint32_t target)
{
	unsigned seg = S_DS;

	memset(m, 0, sizeof(*m));
	m->seg = -1;
	m->a16 = g->c->code16 || chance(g, 15);
	m->a67 = m->a16 != g->c->code16;
	if (m->a16 || chance(g, 15)) {
		seg = chance(g, 50) ? S_FS : S_GS;
		m->seg = seg;
	}
	m->disp = target - g->seg_base[seg];
}

static unsigned row_msize(const struct row *r, bool osize16)
{
	return r->msize == V ? (osize16 ? 2 : 4) : r->msize ? r->msize : 4;
}

static void build(struct gen *g, struct asmbuf *a, const struct row *r)
{
	bool modrm = strchr(r->enc, '/'), moffs = strstr(r->enc, "mo");
	bool mem = moffs || (modrm && !(r->attrs & R) &&
			     (r->attrs & M || chance(g, 60)));
	bool p66 = (r->attrs & N) ? g->c->code16 : (r->attrs & O) && chance(g, g->c->code16 ? 50 : 25);
	bool osize16 = g->c->code16 != p66;
	struct mem_plan m;
	const char *tok;

	a->len = 0;
	if (mem) {
		uint32_t t = mem_target(g, row_msize(r, osize16), r->attrs & A);

		if (moffs)
			moffs_plan(g, &m, t);
		else
			mem_plan(g, &m, t);
		a->len += mem_prefixes(&m, a->b);
	}
	if (p66)
		add(a, 0x66, 1);
	if (mem && (r->attrs & L) && chance(g, 20))
		add(a, 0xf0, 1);
	for (tok = r->enc; tok; tok = strchr(tok, ' ')) {
		if (*tok == ' ')
			tok++;
		add_token(g, a, tok, mem ? &m : NULL, osize16);
	}
}

/* Divisions of random numbers fault: make the dividend small first. */
static void tame_dividend(struct gen *g)
{
	put_mov_imm(g, R_DX, chance(g, 70) ? 0 : 0xffffffff);
	put_mov_imm(g, R_AX, rnd_below(g, 0x8000));
	if (chance(g, 50))
		put_mov_imm(g, R_BX, rnd_value(g) | 0x80);
}

static uint32_t start_pointer(struct gen *g)
{
	switch (rnd_below(g, 8)) {
	case 0:
		return RO_BASE - rnd_below(g, 64);
	case 1:
		return DATA_BASE + PG - rnd_below(g, 32);
	case 2:
		return STACK_BASE + 0x1000 + rnd_below(g, 0x200);
	default:
		return DATA_BASE + rnd_below(g, DATA_SIZE - 64);
	}
}

/* Few constants left: make one more register known. */
static void reload(struct gen *g)
{
	unsigned reg = rnd_below(g, 8);

	if (reg != R_SP)
		put_mov_imm(g, reg, chance(g, 60) ? start_pointer(g) :
			    rnd_value(g));
}

void simple(struct gen *g, const struct gen_options *o)
{
	unsigned total = 0, i, grp, tries, w;
	const struct row *r;
	struct effects e;
	struct asmbuf a;

	for (i = 0; i < GROUP_SPECIAL; i++)
		total += o->weight[i];
	if (!total)
		return;
	w = rnd_below(g, total);
	for (grp = 0; w >= o->weight[grp]; grp++)
		w -= o->weight[grp];
	r = &rows[order[group_first[grp] + rnd_below(g, group_rows[grp])]];
	if (__builtin_popcount(g->regs.known & ~(1u << R_SP)) < 4)
		reload(g);
	if ((r->attrs & D) && chance(g, 80))
		tame_dividend(g);
	/* Prefer what leaves esp and the pointers alone. */
	for (tries = 0; tries < 8; tries++) {
		build(g, &a, r);
		effects_of(g->c, a.b, a.len, &e);
		if (!(e.writes & (1u << R_SP)) &&
		    (!(e.writes & g->regs.known & 0xe8) || chance(g, 40)))
			break;
		if (chance(g, 3))
			break;
	}
	if (a.len <= 15)
		put(g, a.b, a.len);
}

/* ---- Whole cases --------------------------------------------------------- */

static void init_regs(struct gen *g)
{
	struct diff_state *in = &g->c->in;
	unsigned i;

	for (i = 0; i < 8; i++)
		in->gpr[i] = chance(g, 45) ? start_pointer(g) : rnd_value(g);
	in->gpr[R_SP] = STACK_BASE + 0x1200 + rnd_below(g, 0x200) * 4;
	if (chance(g, 5))
		in->gpr[R_SP] += rnd_below(g, 4);
	if (chance(g, 5))
		in->gpr[R_SP] = STACK_BASE + PG + rnd_below(g, 8) * 4;
	memcpy(g->regs.val, in->gpr, sizeof(in->gpr));
	g->regs.known = 0xff;
	in->eflags = 0x202 | (rnd(g) & 0x8d5) | (chance(g, 20) ? 0x400 : 0);
}

static void init_segs(struct gen *g, const struct gen_options *o)
{
	static const uint32_t base[LDT_COUNT] = {
#define LDT_BASE(n, b, ...) [LDT_##n] = b,
		LDT_LIST(LDT_BASE)
	};
	static const uint8_t data[] = { LDT_SMALL, LDT_RDONLY, LDT_DOWN,
					LDT_DOWN16, LDT_FS };
	struct diff_state *in = &g->c->in;
	unsigned odd = o->segments ? 50 : 5, i;

	in->seg[S_CS] = SEL_CS;
	in->seg[S_SS] = in->seg[S_DS] = in->seg[S_ES] = SEL_DS;
	in->seg[S_FS] = LDT_SEL(LDT_FS);
	in->seg[S_GS] = LDT_SEL(LDT_GS);
	if (!o->no_segments && chance(g, odd))
		in->seg[S_DS] = LDT_SEL(data[rnd_below(g, sizeof(data))]);
	if (!o->no_segments && chance(g, odd))
		in->seg[S_ES] = LDT_SEL(data[rnd_below(g, sizeof(data))]);
	if (!o->no_segments && chance(g, odd))
		in->seg[S_CS] = LDT_SEL(LDT_CODE32);
	if (o->code16 || (!o->no_code16 && chance(g, 8))) {
		g->c->code16 = true;
		in->seg[S_CS] = LDT_SEL(LDT_CODE16);
		if (!o->no_stack16 && chance(g, 50)) {
			in->seg[S_SS] = LDT_SEL(LDT_STACK16);
			in->gpr[R_SP] &= 0x1fff;
			g->regs.val[R_SP] = in->gpr[R_SP];
		}
	}
	for (i = 0; i < S_COUNT; i++)
		g->seg_base[i] = in->seg[i] & 4 ? base[in->seg[i] >> 3] : 0;
	g->cs_base = g->seg_base[S_CS];
}

/* ST and XMM registers hold numbers of all kinds; exceptions mostly masked. */
static void init_fpu(struct gen *g)
{
	static const uint16_t exps[] = { 0x3fff, 0x4005, 0x3ff0, 0xbfff, 0,
					 0x7fff, 0x0001, 0x7ffe, 0x403e };
	uint8_t *f = g->c->in.fpu;
	unsigned i, j;
	uint32_t v;

	memset(f, 0, 512);
	v = 0x37f;
	if (chance(g, 30))
		v = (rnd(g) & 0xf00) | 0x7f;
	if (chance(g, 6))
		v &= ~(rnd(g) & 0x3f);
	f[0] = v;
	f[1] = v >> 8;
	f[3] = rnd_below(g, 8) << 3;	/* TOP */
	f[4] = chance(g, 50) ? 0 : rnd(g);	/* tags, abridged */
	v = 0x1f80;
	if (chance(g, 30))
		v = (rnd(g) & 0xe040) | 0x1f80;
	if (chance(g, 6))
		v &= ~(rnd(g) & 0x1f80);
	f[24] = v;
	f[25] = v >> 8;
	for (i = 0; i < 8; i++) {
		uint8_t *st = f + 32 + 16 * i;

		for (j = 0; j < 8; j++)
			st[j] = chance(g, 50) ? rnd(g) : 0;
		st[7] |= 0x80;
		v = exps[rnd_below(g, 9)] + rnd_below(g, 4);
		st[8] = v;
		st[9] = v >> 8;
		for (j = 0; j < 16; j++)
			f[160 + 16 * i + j] = rnd(g);
		if (chance(g, 60))	/* doubles near one */
			f[160 + 16 * i + 7] = 0x3f, f[160 + 16 * i + 15] = 0xbf;
		if (chance(g, 30))	/* floats */
			for (j = 3; j < 16; j += 4)
				f[160 + 16 * i + j] = 0x3e + rnd_below(g, 3);
	}
}

void gen_make(struct gen_case *c, const struct gen_options *o, uint64_t k)
{
	struct gen g = { .c = c, .o = o, .rng = mix(mix(o->seed) ^ k) };
	unsigned n, i, total = 0;

	if (!group_rows[0])
		rows_init();
	memset(c, 0, sizeof(*c));
	init_regs(&g);
	init_segs(&g, o);
	init_fpu(&g);
	c->code_off = 0x100 + rnd_below(&g, 0x80);
	if (chance(&g, 25))
		c->code_off = PG - rnd_below(&g, 100);
	c->in.eip = CODE_BASE + c->code_off - g.cs_base;
	for (i = 0; i < GROUP_COUNT; i++)
		total += o->weight[i];
	n = 1 + rnd_below(&g, o->max_insns);
	for (i = 0; i < n && room(&g, 16); i++) {
		if (rnd_below(&g, total) < o->weight[GROUP_SPECIAL])
			special(&g);
		else
			simple(&g, o);
	}
	fix_advance(&g, true);
}
