/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Encodings of the host instructions that templates are made of.
 * Intel SDM Vol. 2A chapter 2 (ModRM, SIB, REX).
 */
#include "fullvirt/bt/emit.h"

static void e_rex(struct emit *e, bool w, uint8_t reg, uint8_t index,
		  uint8_t base)
{
	uint8_t rex = 0x40;

	if (w)
		rex |= 8;
	if (reg != NO_REG && reg & 8)
		rex |= 4;
	if (index != NO_REG && index & 8)
		rex |= 2;
	if (base != NO_REG && base & 8)
		rex |= 1;
	if (rex != 0x40)
		e8(e, rex);
}

static void e_op(struct emit *e, unsigned op)
{
	if (op >> 8)
		e8(e, op >> 8);
	e8(e, op);
}

static void e_modrm_mem(struct emit *e, uint8_t reg, struct hmem m)
{
	bool no_base = m.base == NO_REG;
	uint8_t mod, rm;

	if (no_base)
		mod = 0;
	else if (m.disp == 0 && (m.base & 7) != RBP)
		mod = 0;
	else if (m.disp == (int8_t)m.disp)
		mod = 1;
	else
		mod = 2;
	rm = m.index != NO_REG || no_base || (m.base & 7) == RSP ? 4
								  : m.base & 7;
	e8(e, mod << 6 | (reg & 7) << 3 | rm);
	if (rm == 4)
		e8(e, m.scale << 6 |
		      (m.index == NO_REG ? 4 : m.index & 7) << 3 |
		      (no_base ? 5 : m.base & 7));
	if (mod == 1)
		e8(e, m.disp);
	else if (mod == 2 || no_base)
		e32(e, m.disp);
}

void e_rm_mem(struct emit *e, bool w, unsigned op, uint8_t reg, struct hmem m)
{
	e_rex(e, w, reg, m.index, m.base);
	e_op(e, op);
	e_modrm_mem(e, reg, m);
}

void e_rm_reg(struct emit *e, bool w, unsigned op, uint8_t reg, uint8_t rm)
{
	e_rex(e, w, reg, NO_REG, rm);
	e_op(e, op);
	e8(e, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

void e_lea32(struct emit *e, uint8_t reg, struct hmem m)
{
	e_rm_mem(e, false, 0x8d, reg, m);
}

void e_load32(struct emit *e, uint8_t reg, uint32_t off)
{
	e_rm_mem(e, false, 0x8b, reg, (struct hmem){ R14, NO_REG, 0, off });
}

void e_store32(struct emit *e, uint32_t off, uint8_t reg)
{
	e_rm_mem(e, false, 0x89, reg, (struct hmem){ R14, NO_REG, 0, off });
}

void e_mov32(struct emit *e, uint8_t dst, uint8_t src)
{
	e_rm_reg(e, false, 0x8b, dst, src);
}

void e_mov64(struct emit *e, uint8_t dst, uint8_t src)
{
	e_rm_reg(e, true, 0x8b, dst, src);
}

void e_mov_imm32(struct emit *e, uint8_t reg, uint32_t imm)
{
	e_rex(e, false, NO_REG, NO_REG, reg);
	e8(e, 0xb8 | (reg & 7));
	e32(e, imm);
}

/* shrx: VEX.LZ.F2.0F38.W0 F7 /r with r12 as the count: vvvv = ~12. */
void e_page(struct emit *e, uint8_t dst, uint8_t src)
{
	e8(e, 0xc4);
	e8(e, (dst & 8 ? 0 : 0x80) | 0x40 | (src & 8 ? 0 : 0x20) | 2);
	e8(e, (~R12 & 15) << 3 | 3);
	e8(e, 0xf7);
	e8(e, 0xc0 | (dst & 7) << 3 | (src & 7));
}

/* VEX.LZ.F2.0F3A.W1 F0 /r ib, vvvv = 1111. */
void e_rorx64(struct emit *e, uint8_t dst, uint8_t src, uint8_t count)
{
	e8(e, 0xc4);
	e8(e, (dst & 8 ? 0 : 0x80) | 0x40 | (src & 8 ? 0 : 0x20) | 3);
	e8(e, 0x80 | 0x78 | 3);
	e8(e, 0xf0);
	e8(e, 0xc0 | (dst & 7) << 3 | (src & 7));
	e8(e, count);
}

void e_jecxz(struct emit *e, uint8_t skip)
{
	e8(e, 0x67);
	e8(e, 0xe3);
	e8(e, skip);
}

struct hmem g_address(const struct ginsn *g, int32_t extra)
{
	struct hmem m = {
		.base = g->base == NO_REG ? NO_REG : hreg(g->base),
		.index = g->index == NO_REG ? NO_REG : hreg(g->index),
		.scale = g->scale,
		.disp = g->disp + extra,
	};

	return m;
}
