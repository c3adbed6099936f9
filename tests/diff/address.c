/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where memory operands point, and the addressing forms that get there. */
#include <string.h>

#include "tests/diff/gen.h"

static uint32_t near_register(struct gen *g)
{
	unsigned r = rnd_below(g, 8);
	uint32_t t = g->regs.val[r] + (int8_t)rnd(g);

	if (!(g->regs.known & 1u << r))
		return 0;
	if (t >= DATA_BASE && t < RO_BASE - 16)
		return t;
	if (t >= STACK_BASE && t < STACK_BASE + STACK_SIZE - 16)
		return t;
	return 0;
}

uint32_t mem_target(struct gen *g, unsigned size, bool aligned)
{
	unsigned kind = rnd_below(g, 1000);
	uint32_t t = chance(g, 35) ? near_register(g) : 0;

	if (!t && kind < 760)
		t = DATA_BASE + rnd_below(g, DATA_SIZE - size);
	else if (!t && kind < 860)
		t = DATA_BASE + PG - rnd_below(g, size + 1);
	else if (!t && kind < 930)
		t = STACK_BASE + PG + rnd_below(g, 0x600);
	else if (!t && kind < 955)
		t = RO_BASE + rnd_below(g, RO_SIZE - size);
	else if (!t && kind < 965)
		t = RO_BASE - rnd_below(g, size + 1);
	else if (!t && kind < 972)
		t = RO_BASE + RO_SIZE - rnd_below(g, size + 1);
	else if (!t && kind < 992)	/* code pages, far from the code */
		t = (chance(g, 50) ? CODE_BASE : ALIAS_BASE) + 0x1800 +
		    rnd_below(g, 0x700);
	else if (!t)
		t = 0x40000000 + (rnd(g) & 0x0fffffff);
	if (aligned && !chance(g, 4))
		t &= ~15u;
	else if (chance(g, 50))
		t &= ~3u;
	return t;
}

static unsigned default_seg(int base)
{
	return base == R_SP || base == R_BP ? S_SS : S_DS;
}

/* An override that makes @seg the segment of a form with @base. */
static int override_for(unsigned seg, int base)
{
	return seg == default_seg(base) ? -1 : (int)seg;
}

static bool known(const struct gen *g, unsigned reg)
{
	return g->regs.known & 1u << reg;
}

/* ModRM 16-bit forms: base and index, -1 for none. */
static const int8_t forms16[8][2] = {
	{ R_BX, R_SI }, { R_BX, R_DI }, { R_BP, R_SI }, { R_BP, R_DI },
	{ R_SI, -1 }, { R_DI, -1 }, { R_BP, -1 }, { R_BX, -1 },
};

static void set_disp(struct gen *g, struct mem_plan *m, unsigned rm,
		     uint32_t d, unsigned full, bool mod0_ok)
{
	unsigned mod = 2;

	if (!d && mod0_ok && chance(g, 70))
		mod = 0;
	else if ((full == 2 ? (uint16_t)(d + 128) : d + 128) < 256 &&
		 chance(g, 85))
		mod = 1;
	m->disp_size = mod == 0 ? 0 : mod == 1 ? 1 : full;
	m->modrm = mod << 6 | rm;
	m->disp = d;
}

static bool plan16(struct gen *g, struct mem_plan *m, uint32_t target)
{
	unsigned tries, rm, seg;
	uint32_t off, sum;
	int b, x;

	for (tries = 0; tries < 24; tries++) {
		seg = rnd_below(g, S_COUNT);
		off = target - g->seg_base[seg];
		rm = rnd_below(g, 8);
		b = forms16[rm][0];
		x = forms16[rm][1];
		if (off > 0xffff || !known(g, b) || (x >= 0 && !known(g, x)))
			continue;
		sum = g->regs.val[b] + (x >= 0 ? g->regs.val[x] : 0);
		m->seg = override_for(seg, b);
		m->a16 = true;
		set_disp(g, m, rm, (off - sum) & 0xffff, 2, rm != 6);
		if (chance(g, 20)) {		/* disp16 alone */
			m->seg = override_for(seg, -1);
			m->modrm = 6;
			m->disp = off;
			m->disp_size = 2;
		}
		return true;
	}
	return false;
}

static int pick_base(struct gen *g, uint32_t want)
{
	unsigned i, best = 8, r;

	if (chance(g, 50)) {	/* the nearest */
		for (i = 0; i < 8; i++)
			if (known(g, i) && (best == 8 ||
			    g->regs.val[i] - want + 128 <
			    g->regs.val[best] - want + 128))
				best = i;
		if (best < 8)
			return best;
	}
	for (i = 0; i < 6; i++) {
		r = rnd_below(g, 8);
		if (known(g, r))
			return r;
	}
	return -1;
}

static void plan_absolute(struct gen *g, struct mem_plan *m, uint32_t off)
{
	m->disp = off;
	m->disp_size = 4;
	m->modrm = 5;
	if (chance(g, 25)) {	/* the same with a SIB byte */
		m->modrm = 4;
		m->has_sib = 1;
		m->sib = 0x25 | rnd_below(g, 4) << 6;
	}
}

static void plan32(struct gen *g, struct mem_plan *m, uint32_t target)
{
	unsigned seg = chance(g, 25) ? rnd_below(g, S_COUNT) : S_DS;
	unsigned idx = rnd_below(g, 8), scale = rnd_below(g, 4);
	bool use_idx = idx != R_SP && known(g, idx) && chance(g, 40);
	uint32_t off, d;
	int base = -1;

	if (chance(g, 85))
		base = pick_base(g, target);
	if (base >= 0 && seg == S_DS)
		seg = default_seg(base);
	off = target - g->seg_base[seg];
	m->seg = chance(g, 5) ? (int)seg : override_for(seg, base);
	if (base < 0 && !use_idx) {
		plan_absolute(g, m, off);
		return;
	}
	d = off;
	if (base >= 0)
		d -= g->regs.val[base];
	if (use_idx)
		d -= g->regs.val[idx] << scale;
	if (base < 0) {		/* index * scale + disp32 */
		m->modrm = 4;
		m->has_sib = 1;
		m->sib = scale << 6 | idx << 3 | 5;
		m->disp = d;
		m->disp_size = 4;
		return;
	}
	if (use_idx || base == R_SP || chance(g, 10)) {
		m->has_sib = 1;
		m->sib = scale << 6 | (use_idx ? idx : 4) << 3 | base;
		set_disp(g, m, 4, d, 4, base != R_BP);
	} else {
		set_disp(g, m, base, d, 4, base != R_BP);
	}
}

void mem_plan(struct gen *g, struct mem_plan *m, uint32_t target)
{
	memset(m, 0, sizeof(*m));
	if (!chance(g, g->c->code16 ? 75 : 12) || !plan16(g, m, target)) {
		memset(m, 0, sizeof(*m));
		plan32(g, m, target);
	}
	m->a67 = m->a16 != g->c->code16;
}

unsigned mem_prefixes(const struct mem_plan *m, uint8_t *p)
{
	static const uint8_t seg_prefix[S_COUNT] = {
		[S_ES] = 0x26, [S_CS] = 0x2e, [S_SS] = 0x36,
		[S_DS] = 0x3e, [S_FS] = 0x64, [S_GS] = 0x65,
	};
	unsigned n = 0;

	if (m->seg >= 0)
		p[n++] = seg_prefix[m->seg];
	if (m->a67)
		p[n++] = 0x67;
	return n;
}

unsigned mem_modrm(const struct mem_plan *m, unsigned reg, uint8_t *p)
{
	unsigned n = 0, i;

	p[n++] = m->modrm | reg << 3;
	if (m->has_sib)
		p[n++] = m->sib;
	for (i = 0; i < m->disp_size; i++)
		p[n++] = m->disp >> (8 * i);
	return n;
}
