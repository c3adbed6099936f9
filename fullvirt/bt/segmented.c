/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stack, LEA and near calls where segments are not flat: 16- or 32-bit
 * operands on a 16- or 32-bit stack (SDM Vol. 1 6.2).  The stack pointer moves
 * after the access, and with a 16-bit stack only in its low half.
 */
#include "fullvirt/bt/templates.h"

/* esp or sp += @by; LEA with a 16-bit operand leaves the high half alone. */
static void move_sp(struct region *r, int32_t by)
{
	if (r->flags & CTX_STACK16)
		e8(&r->e, 0x66);
	e_lea32(&r->e, R15, (struct hmem){ R15, NO_REG, 0, by });
}

static void prefix16(struct region *r, const struct ginsn *g)
{
	if (g->opsize == 2)
		e8(&r->e, 0x66);
}

/* The stack at esp + @at, for an access of @g's operand size. */
static struct gaccess stack_slot(struct region *r, const struct ginsn *g,
				 int32_t at, bool write)
{
	e_lea32(&r->e, R8, (struct hmem){ R15, NO_REG, 0, at });
	if (r->flags & CTX_STACK16)
		e_rm_reg(&r->e, false, 0x0fb7, R8, R8);
	return tpl_seg_access(r, SEG_SS, g->opsize, write);
}

static void push_value(struct region *r, const struct ginsn *g, uint32_t v)
{
	struct gaccess a = stack_slot(r, g, -g->opsize, true);

	prefix16(r, g);
	e_rm_mem(&r->e, false, 0xc7, 0, a.m);
	e8(&r->e, v);
	e8(&r->e, v >> 8);
	if (g->opsize == 4) {
		e8(&r->e, v >> 16);
		e8(&r->e, v >> 24);
	}
	move_sp(r, -g->opsize);
}

static uint32_t immediate(const struct ginsn *g)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < g->imm_len; i++)
		v |= (uint32_t)g->bytes[g->imm_off + i] << 8 * i;
	return g->imm_len == 1 ? (uint32_t)(int8_t)v : v;
}

/* 50..57, 68, 6A. */
void tpl_seg_push(struct region *r, const struct ginsn *g)
{
	struct gaccess a;

	if (g->cls == C_PUSH_I) {
		push_value(r, g, immediate(g));
		return;
	}
	a = stack_slot(r, g, -g->opsize, true);
	prefix16(r, g);
	e_rm_mem(&r->e, false, 0x89, hreg(g->opcode & 7), a.m);
	move_sp(r, -g->opsize);
}

/* Load the top of the stack into r13d and step over it and @more bytes. */
static void pop_value(struct region *r, const struct ginsn *g, unsigned more)
{
	struct gaccess a = stack_slot(r, g, 0, false);

	e_rm_mem(&r->e, false, g->opsize == 2 ? 0x0fb7 : 0x8b, R13, a.m);
	move_sp(r, g->opsize + more);
}

void tpl_seg_pop(struct region *r, const struct ginsn *g)
{
	pop_value(r, g, 0);
	prefix16(r, g);
	e_mov32(&r->e, hreg(g->opcode & 7), R13);
}

void tpl_seg_lea(struct region *r, const struct ginsn *g)
{
	e_lea32(&r->e, R13, g_address(g, 0));
	if (g->addr16)
		e_rm_reg(&r->e, false, 0x0fb7, R13, R13);
	prefix16(r, g);
	e_mov32(&r->e, hreg(g->reg), R13);
}

void tpl_seg_push_eip(struct region *r, const struct ginsn *g)
{
	push_value(r, g, g->eip + g->len - r->ctx->cs_base);
}

/* The indirect stub takes an offset in CS, as RET does. */
void tpl_seg_ret(struct region *r, const struct ginsn *g)
{
	pop_value(r, g, g->imm_len ? immediate(g) & 0xffff : 0);
	e_mov32(&r->e, R8, R13);
	e_rel32(&r->e, 0xe9, bt_stub(r->bt, STUB_indirect));
}
