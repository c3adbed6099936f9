/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stack instructions.  ESP moves only after the access that may fault.
 */
#include "fullvirt/x86/operand.h"

/* Flags that POPF may change at CPL 0; SDM Vol. 2B, table 4-19. */
#define POPF_FLAGS	(FLAGS_ARITH | FLAG_TF | FLAG_DF | FLAG_NT | FLAG_AC | \
			 FLAG_ID)

void x86_sp_add(struct vcpu *v, uint32_t n)
{
	uint32_t mask = stack_mask(v), sp = v->gpr[GPR_SP];

	v->gpr[GPR_SP] = (sp & ~mask) | ((sp + n) & mask);
}

/* Write @size bytes @n below the top; does not move esp. */
static void stack_poke(struct x86 *x, uint32_t n, unsigned size, uint32_t val)
{
	uint32_t sp = x->v->gpr[GPR_SP];

	x86_st(x, SEG_SS, (sp - n) & stack_mask(x->v), size, val);
}

void x86_push(struct x86 *x, unsigned size, uint32_t val)
{
	stack_poke(x, size, size, val);
	x86_sp_add(x->v, -size);
}

uint32_t x86_stack_peek(struct x86 *x, uint32_t n, unsigned size)
{
	uint32_t sp = x->v->gpr[GPR_SP];

	return x86_ld(x, SEG_SS, (sp + n) & stack_mask(x->v), size);
}

/*
 * A segment register is zero-extended to the operand size, as AMD's manual
 * says and its processors do; some of Intel's write 16 bits only and leave
 * the upper half of the slot (SDM Vol. 2B, PUSH allows both).
 */
static void push_sreg(struct x86 *x, const struct insn *i)
{
	x86_push(x, i->osize, x->v->seg[i->op[0].reg].selector);
}

void op_push(struct x86 *x, const struct insn *i)
{
	if (i->op[0].kind == OPND_SREG)
		push_sreg(x, i);
	else
		x86_push(x, i->osize, operand_get(x, i, 0));
}

static void pop_sreg(struct x86 *x, const struct insn *i)
{
	unsigned seg = i->op[0].reg;
	uint16_t sel = x86_stack_peek(x, 0, 2);
	struct vcpu *v = x->v;
	uint32_t mask = stack_mask(v), sp = v->gpr[GPR_SP];

	x86_seg_load(x, seg, sel);
	/* The old stack size counts, should SS have changed it. */
	v->gpr[GPR_SP] = (sp & ~mask) | ((sp + i->osize) & mask);
	if (seg == SEG_SS)
		v->shadow = SHADOW_MOV_SS;
}

/* The address of POP [esp+n] is computed with esp already moved. */
static void pop_mem(struct x86 *x, const struct insn *i)
{
	uint32_t val = x86_stack_peek(x, 0, i->osize), old = x->v->gpr[GPR_SP];
	uint32_t off;

	x86_sp_add(x->v, i->osize);
	off = ea_offset(x->v, i);
	x->v->gpr[GPR_SP] = old;
	x86_st(x, i->seg, off, i->osize, val);
	x86_sp_add(x->v, i->osize);
}

void op_pop(struct x86 *x, const struct insn *i)
{
	uint32_t val;

	if (i->op[0].kind == OPND_SREG) {
		pop_sreg(x, i);
	} else if (i->op[0].kind == OPND_MEM) {
		pop_mem(x, i);
	} else {
		val = x86_stack_peek(x, 0, i->osize);
		x86_sp_add(x->v, i->osize);
		reg_set(x->v, i->op[0].reg, i->osize, val);
	}
}

/* Registers in the order of their numbers; esp as it was before. */
void op_pusha(struct x86 *x, const struct insn *i)
{
	unsigned size = i->osize;

	/* All pages first, so that nothing is written if one faults. */
	for (unsigned r = GPR_AX; r <= GPR_DI; r += GPR_DI) {
		uint32_t off = (x->v->gpr[GPR_SP] - (r + 1) * size) &
			       stack_mask(x->v);

		x86_lin_probe_write(x, x86_linear(x, SEG_SS, off, size, true),
				    size, x->cache->user);
	}
	for (unsigned r = GPR_AX; r <= GPR_DI; r++)
		stack_poke(x, (r + 1) * size, size, x->v->gpr[r]);
	x86_sp_add(x->v, -8 * size);
}

void op_popa(struct x86 *x, const struct insn *i)
{
	uint32_t val[8];

	for (unsigned r = GPR_AX; r <= GPR_DI; r++)
		val[r] = x86_stack_peek(x, (GPR_DI - r) * i->osize, i->osize);
	for (unsigned r = GPR_AX; r <= GPR_DI; r++)
		if (r != GPR_SP)
			gpr_set(x->v, r, i->osize, val[r]);
	x86_sp_add(x->v, 8 * i->osize);
}

/* v8086 with IOPL < 3: trap to the monitor (no VME). */
static void v86_iopl_check(struct x86 *x)
{
	if (x->v->rflags & FLAG_VM && (x->v->rflags & FLAG_IOPL) != FLAG_IOPL)
		x86_gp(x, 0);
}

void op_pushf(struct x86 *x, const struct insn *i)
{
	v86_iopl_check(x);
	x86_push(x, i->osize, x->v->rflags & ~(FLAG_VM | FLAG_RF));
}

void op_popf(struct x86 *x, const struct insn *i)
{
	struct vcpu *v = x->v;
	unsigned cpl = vcpu_cpl(v);
	uint32_t val, mask = POPF_FLAGS;

	v86_iopl_check(x);
	val = x86_stack_peek(x, 0, i->osize);
	if (cpl == 0)
		mask |= FLAG_IOPL;
	if (cpl <= (v->rflags & FLAG_IOPL) >> FLAG_IOPL_SHIFT)
		mask |= FLAG_IF;
	if (i->osize == 2)
		mask &= 0xffff;
	x86_sp_add(v, i->osize);
	flags_set(v, mask, val);
}

/* Copy the outer frames' pointers of a nested procedure. */
static void enter_nested(struct x86 *x, const struct insn *i, unsigned level,
			 uint32_t *pushed)
{
	uint32_t bp = x->v->gpr[GPR_BP], mask = stack_mask(x->v);

	for (unsigned n = 1; n < level; n++) {
		bp = bp - i->osize;
		*pushed += i->osize;
		stack_poke(x, *pushed, i->osize,
			   x86_ld(x, SEG_SS, bp & mask, i->osize));
	}
}

void op_enter(struct x86 *x, const struct insn *i)
{
	struct vcpu *v = x->v;
	uint32_t mask = stack_mask(v), sp = v->gpr[GPR_SP], frame;
	uint32_t pushed = i->osize, end;
	unsigned level = i->imm2 & 31;

	frame = sp - i->osize;
	end = (sp - i->osize * (level + 1) - (uint16_t)i->imm) & mask;
	stack_poke(x, pushed, i->osize, v->gpr[GPR_BP]);
	if (level) {
		enter_nested(x, i, level, &pushed);
		pushed += i->osize;
		stack_poke(x, pushed, i->osize, frame);
	}
	/* SDM Vol. 2A: the new top must be writable. */
	x86_lin_probe_write(x, x86_linear(x, SEG_SS, end, i->osize, true),
			    i->osize, x->cache->user);
	gpr_set(v, GPR_BP, i->osize, frame);
	v->gpr[GPR_SP] = (sp & ~mask) | end;
}

void op_leave(struct x86 *x, const struct insn *i)
{
	struct vcpu *v = x->v;
	uint32_t mask = stack_mask(v), bp = v->gpr[GPR_BP];
	uint32_t val = x86_ld(x, SEG_SS, bp & mask, i->osize);
	uint32_t sp = v->gpr[GPR_SP];

	v->gpr[GPR_SP] = (sp & ~mask) | ((bp + i->osize) & mask);
	gpr_set(v, GPR_BP, i->osize, val);
}
