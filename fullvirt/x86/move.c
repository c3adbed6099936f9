/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data movement, conversions, flag bits, conditions.
 */
#include "fullvirt/x86/cond.h"
#include "fullvirt/x86/operand.h"

/* MOV with a segment register as destination. */
static void mov_to_sreg(struct x86 *x, const struct insn *i)
{
	unsigned seg = i->op[0].reg;
	uint16_t sel = i->op[1].kind == OPND_REG ?
		reg_get(x->v, i->op[1].reg, 2) : mem_get(x, i, 2);

	x86_seg_load(x, seg, sel);
	if (seg == SEG_SS)
		x->v->shadow = SHADOW_MOV_SS;
}

/* To memory always 16 bits; to a register the operand size, zero-extended. */
static void mov_from_sreg(struct x86 *x, const struct insn *i)
{
	uint16_t sel = x->v->seg[i->op[1].reg].selector;

	if (i->op[0].kind == OPND_MEM)
		mem_set(x, i, 2, sel);
	else
		operand_set(x, i, 0, sel);
}

void op_mov(struct x86 *x, const struct insn *i)
{
	const struct operand *d = &i->op[0], *s = &i->op[1];

	if (unlikely(d->kind == OPND_CR))
		x86_mov_to_cr(x, d->reg, reg_get(x->v, s->reg, 4));
	else if (unlikely(d->kind == OPND_DR))
		x86_mov_to_dr(x, d->reg, reg_get(x->v, s->reg, 4));
	else if (unlikely(d->kind == OPND_SREG))
		mov_to_sreg(x, i);
	else if (unlikely(s->kind == OPND_SREG))
		mov_from_sreg(x, i);
	else if (unlikely(s->kind == OPND_CR))
		operand_set(x, i, 0, x86_mov_from_cr(x, s->reg));
	else if (unlikely(s->kind == OPND_DR))
		operand_set(x, i, 0, x86_mov_from_dr(x, s->reg));
	else
		operand_set(x, i, 0, operand_get(x, i, 1));
}

void op_movzx(struct x86 *x, const struct insn *i)
{
	operand_set(x, i, 0, operand_get(x, i, 1));
}

void op_movsx(struct x86 *x, const struct insn *i)
{
	uint32_t val = operand_get(x, i, 1);

	operand_set(x, i, 0, i->op[1].size == 1 ? (uint32_t)(int8_t)val :
		    (uint32_t)(int16_t)val);
}

void op_lea(struct x86 *x, const struct insn *i)
{
	operand_set(x, i, 0, ea_offset(x->v, i));
}

void op_xchg(struct x86 *x, const struct insn *i)
{
	struct rmw r;
	unsigned m = i->op[1].kind == OPND_MEM;
	uint32_t a = rmw_open(x, i, m, &r);
	uint32_t b = operand_get(x, i, !m);

	rmw_close(x, &r, b);
	operand_set(x, i, !m, a);
}

void op_xlat(struct x86 *x, const struct insn *i)
{
	struct vcpu *v = x->v;
	uint32_t off = gpr_get(v, GPR_BX, 4) + gpr_get(v, GPR_AX, 1);

	if (i->asize == 2)
		off &= 0xffff;
	gpr_set(v, GPR_AX, 1, x86_ld(x, i->seg, off, 1));
}

void op_cbw(struct x86 *x, const struct insn *i)
{
	gpr_set(x->v, GPR_AX, 2, (int8_t)gpr_get(x->v, GPR_AX, 1));
}

void op_cwde(struct x86 *x, const struct insn *i)
{
	gpr_set(x->v, GPR_AX, 4, (int16_t)gpr_get(x->v, GPR_AX, 2));
}

void op_cwd(struct x86 *x, const struct insn *i)
{
	gpr_set(x->v, GPR_DX, 2, (int16_t)gpr_get(x->v, GPR_AX, 2) >> 15);
}

void op_cdq(struct x86 *x, const struct insn *i)
{
	gpr_set(x->v, GPR_DX, 4, (int32_t)gpr_get(x->v, GPR_AX, 4) >> 31);
}

void op_lahf(struct x86 *x, const struct insn *i)
{
	reg_set(x->v, GPR_AX * 8 + 1, 1, (x->v->rflags & 0xd5) | FLAG_FIXED);
}

void op_sahf(struct x86 *x, const struct insn *i)
{
	flags_set(x->v, FLAGS_ARITH & 0xff,
		  reg_get(x->v, GPR_AX * 8 + 1, 1));
}

void op_salc(struct x86 *x, const struct insn *i)
{
	gpr_set(x->v, GPR_AX, 1, x->v->rflags & FLAG_CF ? 0xff : 0);
}

void op_cmc(struct x86 *x, const struct insn *i)
{
	x->v->rflags ^= FLAG_CF;
}

void op_clc(struct x86 *x, const struct insn *i)
{
	x->v->rflags &= ~(uint64_t)FLAG_CF;
}

void op_stc(struct x86 *x, const struct insn *i)
{
	x->v->rflags |= FLAG_CF;
}

void op_cld(struct x86 *x, const struct insn *i)
{
	x->v->rflags &= ~(uint64_t)FLAG_DF;
}

void op_std(struct x86 *x, const struct insn *i)
{
	x->v->rflags |= FLAG_DF;
}

void op_nop(struct x86 *x, const struct insn *i)
{
}

void op_setcc(struct x86 *x, const struct insn *i)
{
	operand_set(x, i, 0, cond_true(x->v->rflags, i->aux));
}

/* A memory source is read, and may fault, whatever the condition. */
void op_cmovcc(struct x86 *x, const struct insn *i)
{
	uint32_t val = operand_get(x, i, 1);

	if (cond_true(x->v->rflags, i->aux))
		operand_set(x, i, 0, val);
}

/* LDS, LES, LFS, LGS, LSS; aux is the segment register. */
void op_lxs(struct x86 *x, const struct insn *i)
{
	uint32_t at = ea_offset(x->v, i), off;
	uint16_t sel;

	if (i->op[1].kind != OPND_MEM)
		x86_ud(x);
	off = x86_ld(x, i->seg, at, i->osize);
	at += i->osize;
	sel = x86_ld(x, i->seg, i->asize == 2 ? at & 0xffff : at, 2);
	x86_seg_load(x, i->aux, sel);
	reg_set(x->v, i->op[0].reg, i->osize, off);
}
