/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two-operand and one-operand integer arithmetic, XADD and CMPXCHG.
 */
#include "fullvirt/x86/flags.h"
#include "fullvirt/x86/operand.h"
#include "fullvirt/x86/string.h"

/* a OP= b at one width; w: packed flags in and out. */
#define ALU2_WIDTH(insn, type, con, sfx)				\
	do {								\
		type t = a;						\
									\
		__asm__(FLAGS_LOAD insn sfx " %[b], %[a]" FLAGS_STORE	\
			: [a] "+" con (t), "+a" (w)			\
			: [b] con ((type)b) : "cc");			\
		a = t;							\
	} while (0)

#define ALU2(name, insn)						\
static inline uint32_t name(struct vcpu *v, unsigned size, uint32_t a,	\
			    uint32_t b, uint32_t *flags)		\
{									\
	uint32_t w = flags_pack(v->rflags);				\
									\
	switch (size) {							\
	case 1: ALU2_WIDTH(insn, uint8_t, "q", "b"); break;		\
	case 2: ALU2_WIDTH(insn, uint16_t, "r", "w"); break;		\
	default: ALU2_WIDTH(insn, uint32_t, "r", "l"); break;		\
	}								\
	*flags = flags_unpack(w);					\
	return a;							\
}

#define ALU1_WIDTH(insn, type, con, sfx)				\
	do {								\
		type t = a;						\
									\
		__asm__(FLAGS_LOAD insn sfx " %[a]" FLAGS_STORE		\
			: [a] "+" con (t), "+a" (w) : : "cc");		\
		a = t;							\
	} while (0)

#define ALU1(name, insn)						\
static inline uint32_t name(struct vcpu *v, unsigned size, uint32_t a,	\
			    uint32_t *flags)				\
{									\
	uint32_t w = flags_pack(v->rflags);				\
									\
	switch (size) {							\
	case 1: ALU1_WIDTH(insn, uint8_t, "q", "b"); break;		\
	case 2: ALU1_WIDTH(insn, uint16_t, "r", "w"); break;		\
	default: ALU1_WIDTH(insn, uint32_t, "r", "l"); break;		\
	}								\
	*flags = flags_unpack(w);					\
	return a;							\
}

ALU2(do_add, "add")
ALU2(do_or, "or")
ALU2(do_adc, "adc")
ALU2(do_sbb, "sbb")
ALU2(do_and, "and")
ALU2(do_sub, "sub")
ALU2(do_xor, "xor")
ALU1(do_inc, "inc")
ALU1(do_dec, "dec")
ALU1(do_neg, "neg")

#define OP_RMW2(op, fn)							\
void op(struct x86 *x, const struct insn *i)				\
{									\
	struct rmw r;							\
	uint32_t flags, b = operand_get(x, i, 1);			\
	uint32_t a = rmw_open(x, i, 0, &r);				\
									\
	a = fn(x->v, r.size, a, b, &flags);				\
	rmw_close(x, &r, a);						\
	flags_set(x->v, FLAGS_ARITH, flags);				\
}

OP_RMW2(op_add, do_add)
OP_RMW2(op_or, do_or)
OP_RMW2(op_adc, do_adc)
OP_RMW2(op_sbb, do_sbb)
OP_RMW2(op_and, do_and)
OP_RMW2(op_sub, do_sub)
OP_RMW2(op_xor, do_xor)

#define OP_RMW1(op, fn)							\
void op(struct x86 *x, const struct insn *i)				\
{									\
	struct rmw r;							\
	uint32_t flags, a = rmw_open(x, i, 0, &r);			\
									\
	a = fn(x->v, r.size, a, &flags);				\
	rmw_close(x, &r, a);						\
	flags_set(x->v, FLAGS_ARITH, flags);				\
}

OP_RMW1(op_inc, do_inc)
OP_RMW1(op_dec, do_dec)
OP_RMW1(op_neg, do_neg)

void op_not(struct x86 *x, const struct insn *i)
{
	struct rmw r;
	uint32_t a = rmw_open(x, i, 0, &r);

	rmw_close(x, &r, ~a);
}

void op_cmp(struct x86 *x, const struct insn *i)
{
	uint32_t flags, a = operand_get(x, i, 0), b = operand_get(x, i, 1);

	do_sub(x->v, i->op[0].size, a, b, &flags);
	flags_set(x->v, FLAGS_ARITH, flags);
}

void op_test(struct x86 *x, const struct insn *i)
{
	uint32_t flags, a = operand_get(x, i, 0), b = operand_get(x, i, 1);

	do_and(x->v, i->op[0].size, a, b, &flags);
	flags_set(x->v, FLAGS_ARITH, flags);
}

/* SDM Vol. 2D: with source and destination the same register, the sum wins. */
void op_xadd(struct x86 *x, const struct insn *i)
{
	struct rmw r;
	uint32_t flags, a = rmw_open(x, i, 0, &r);
	uint32_t b = operand_get(x, i, 1);
	uint32_t sum = do_add(x->v, r.size, a, b, &flags);

	if (r.reg)
		operand_set(x, i, 1, a);
	rmw_close(x, &r, sum);
	if (!r.reg)
		operand_set(x, i, 1, a);
	flags_set(x->v, FLAGS_ARITH, flags);
}

/* The destination is written in either case, so it must be writable. */
void op_cmpxchg(struct x86 *x, const struct insn *i)
{
	struct rmw r;
	uint32_t flags, a = rmw_open(x, i, 0, &r);
	uint32_t acc = gpr_get(x->v, GPR_AX, r.size);

	do_sub(x->v, r.size, acc, a, &flags);
	if (flags & FLAG_ZF) {
		rmw_close(x, &r, operand_get(x, i, 1));
	} else {
		if (!r.reg)
			rmw_close(x, &r, a);
		gpr_set(x->v, GPR_AX, r.size, a);
	}
	flags_set(x->v, FLAGS_ARITH, flags);
}

void op_cmpxchg8b(struct x86 *x, const struct insn *i)
{
	struct vcpu *v = x->v;
	struct rmw r;
	uint64_t a, acc = v->gpr[GPR_DX] << 32 | (uint32_t)v->gpr[GPR_AX];

	if (i->op[0].kind != OPND_MEM)
		x86_ud(x);
	a = rmw_open_mem(x, i->seg, ea_offset(v, i), 8, &r);
	if (a == acc) {
		rmw_close(x, &r, v->gpr[GPR_CX] << 32 |
			  (uint32_t)v->gpr[GPR_BX]);
		v->rflags |= FLAG_ZF;
		return;
	}
	rmw_close(x, &r, a);
	gpr_set(v, GPR_AX, 4, a);
	gpr_set(v, GPR_DX, 4, a >> 32);
	v->rflags &= ~(uint64_t)FLAG_ZF;
}

void x86_compare(struct vcpu *v, unsigned size, uint32_t a, uint32_t b)
{
	uint32_t flags;

	do_sub(v, size, a, b, &flags);
	flags_set(v, FLAGS_ARITH, flags);
}
