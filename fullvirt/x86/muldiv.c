/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Multiplication, division, and the decimal adjustments, which 64-bit hosts
 * no longer have.
 *
 * Intel SDM Vol. 2: AAA, AAD, AAM, AAS, DAA, DAS, DIV, IDIV, IMUL, MUL.
 */
#include "fullvirt/x86/flags.h"
#include "fullvirt/x86/operand.h"

/*
 * One-operand MUL, IMUL, DIV and IDIV on AL/AX, DX:AX, EDX:EAX.  The caller has
 * seen to it that a division does not trap.
 */
#define ONE_OPERAND(name, mnem)						\
static uint32_t name(struct vcpu *v, unsigned size, uint32_t b)		\
{									\
	uint32_t lo = v->gpr[GPR_AX], hi = v->gpr[GPR_DX];		\
	uint32_t f = flags_pack(v->rflags);				\
									\
	switch (size) {							\
	case 1:								\
		__asm__("xchgl %%eax, %k[f]\n\t" FLAGS_LOAD		\
			"xchgl %%eax, %k[f]\n\t" mnem "b %b[b]\n\t"	\
			"xchgl %%eax, %k[f]" FLAGS_STORE		\
			"\n\txchgl %%eax, %k[f]"			\
			: "+a" (lo), [f] "+r" (f)			\
			: [b] "q" ((uint8_t)b) : "cc");			\
		gpr_set(v, GPR_AX, 2, lo);				\
		break;							\
	case 2:								\
		__asm__("xchgl %%eax, %k[f]\n\t" FLAGS_LOAD		\
			"xchgl %%eax, %k[f]\n\t" mnem "w %w[b]\n\t"	\
			"xchgl %%eax, %k[f]" FLAGS_STORE		\
			"\n\txchgl %%eax, %k[f]"			\
			: "+a" (lo), "+d" (hi), [f] "+r" (f)		\
			: [b] "r" ((uint16_t)b) : "cc");		\
		gpr_set(v, GPR_AX, 2, lo);				\
		gpr_set(v, GPR_DX, 2, hi);				\
		break;							\
	default:							\
		__asm__("xchgl %%eax, %k[f]\n\t" FLAGS_LOAD		\
			"xchgl %%eax, %k[f]\n\t" mnem "l %k[b]\n\t"	\
			"xchgl %%eax, %k[f]" FLAGS_STORE		\
			"\n\txchgl %%eax, %k[f]"			\
			: "+a" (lo), "+d" (hi), [f] "+r" (f)		\
			: [b] "r" (b) : "cc");				\
		gpr_set(v, GPR_AX, 4, lo);				\
		gpr_set(v, GPR_DX, 4, hi);				\
		break;							\
	}								\
	return flags_unpack(f);						\
}

ONE_OPERAND(do_mul, "mul")
ONE_OPERAND(do_imul, "imul")
ONE_OPERAND(do_div, "div")
ONE_OPERAND(do_idiv, "idiv")

void op_mul(struct x86 *x, const struct insn *i)
{
	unsigned size = i->op[0].size;
	uint32_t b = operand_get(x, i, 0);

	flags_set(x->v, FLAGS_ARITH, do_mul(x->v, size, b));
}

static uint32_t imul2(struct vcpu *v, unsigned size, uint32_t a, uint32_t b)
{
	uint32_t w = flags_pack(v->rflags);

	if (size == 2) {
		uint16_t t = a;

		__asm__(FLAGS_LOAD "imulw %[b], %[a]" FLAGS_STORE
			: [a] "+r" (t), "+a" (w) : [b] "r" ((uint16_t)b)
			: "cc");
		a = t;
	} else {
		__asm__(FLAGS_LOAD "imull %[b], %[a]" FLAGS_STORE
			: [a] "+r" (a), "+a" (w) : [b] "r" (b) : "cc");
	}
	flags_set(v, FLAGS_ARITH, flags_unpack(w));
	return a;
}

void op_imul(struct x86 *x, const struct insn *i)
{
	unsigned size = i->op[0].size;
	uint32_t a, b;

	if (i->op[1].kind == OPND_NONE) {
		b = operand_get(x, i, 0);
		flags_set(x->v, FLAGS_ARITH, do_imul(x->v, size, b));
		return;
	}
	a = operand_get(x, i, 1);
	b = operand_get(x, i, i->op[2].kind == OPND_NONE ? 0 : 2);
	operand_set(x, i, 0, imul2(x->v, size, a, b));
}

/* edx:eax, dx:ax or ax. */
static uint64_t dividend(struct vcpu *v, unsigned size)
{
	if (size == 1)
		return gpr_get(v, GPR_AX, 2);
	return (uint64_t)gpr_get(v, GPR_DX, size) << size * 8 |
	       gpr_get(v, GPR_AX, size);
}

void op_div(struct x86 *x, const struct insn *i)
{
	unsigned size = i->op[0].size;
	uint32_t d = operand_get(x, i, 0);

	if (!d || (dividend(x->v, size) / d) >> size * 8)
		x86_fault(x, VEC_DE);
	flags_set(x->v, FLAGS_ARITH, do_div(x->v, size, d));
}

static int64_t sign_extend(uint64_t val, unsigned bits)
{
	return (int64_t)(val << (64 - bits)) >> (64 - bits);
}

void op_idiv(struct x86 *x, const struct insn *i)
{
	unsigned size = i->op[0].size, bits = size * 8;
	int64_t d = sign_extend(operand_get(x, i, 0), bits);
	int64_t n = sign_extend(dividend(x->v, size), bits * 2);

	/* INT64_MIN / -1 would trap right here. */
	if (!d || (d == -1 && n == INT64_MIN) ||
	    n / d != sign_extend(n / d, bits))
		x86_fault(x, VEC_DE);
	flags_set(x->v, FLAGS_ARITH, do_idiv(x->v, size, d));
}

/*
 * The decimal adjustments.  Their undefined flags are those of the addition
 * or subtraction behind them, as AMD processors have it.
 */
/* SF, ZF, PF of a byte. */
static uint32_t byte_flags(uint8_t b)
{
	return (b ? 0 : FLAG_ZF) | (b & 0x80 ? FLAG_SF : 0) |
	       (__builtin_parity(b) ? 0 : FLAG_PF);
}

/* OF of @a +/- @b = @r at the width whose sign bit is @sign. */
static uint32_t overflow_flag(uint32_t a, uint32_t b, uint32_t r,
			      uint32_t sign, bool sub)
{
	return (a ^ r) & (sub ? a ^ b : b ^ r) & sign ? FLAG_OF : 0;
}

static void ascii_adjust(struct vcpu *v, bool sub)
{
	uint16_t ax = gpr_get(v, GPR_AX, 2), d = 0, r;
	uint32_t flags = 0;

	if ((ax & 15) > 9 || (v->rflags & FLAG_AF)) {
		d = 0x106;
		flags = FLAG_AF | FLAG_CF;
	}
	r = sub ? ax - d : ax + d;
	flags |= (r ? 0 : FLAG_ZF) | (r & 0x8000 ? FLAG_SF : 0) |
		 (byte_flags(r) & FLAG_PF) |
		 overflow_flag(ax, d, r, 0x8000, sub);
	gpr_set(v, GPR_AX, 2, r & 0xff0f);
	flags_set(v, FLAGS_ARITH, flags);
}

void op_aaa(struct x86 *x, const struct insn *i)
{
	ascii_adjust(x->v, false);
}

void op_aas(struct x86 *x, const struct insn *i)
{
	ascii_adjust(x->v, true);
}

static void decimal_adjust(struct vcpu *v, bool sub)
{
	uint8_t al = gpr_get(v, GPR_AX, 1), d = 0, r;
	uint32_t flags = 0, old = v->rflags;

	if ((al & 15) > 9 || old & FLAG_AF) {
		d = 6;
		flags = FLAG_AF;
		if (sub && al < 6)
			flags |= FLAG_CF;
	}
	if (al > 0x99 || old & FLAG_CF) {
		d += 0x60;
		flags |= FLAG_CF;
	}
	r = sub ? al - d : al + d;
	gpr_set(v, GPR_AX, 1, r);
	flags_set(v, FLAGS_ARITH, flags | byte_flags(r) |
		  overflow_flag(al, d, r, 0x80, sub));
}

void op_daa(struct x86 *x, const struct insn *i)
{
	decimal_adjust(x->v, false);
}

void op_das(struct x86 *x, const struct insn *i)
{
	decimal_adjust(x->v, true);
}

void op_aam(struct x86 *x, const struct insn *i)
{
	uint8_t al = gpr_get(x->v, GPR_AX, 1), base = i->imm;

	if (!base)
		x86_fault(x, VEC_DE);
	gpr_set(x->v, GPR_AX, 2, (al / base) << 8 | al % base);
	flags_set(x->v, FLAGS_ARITH, byte_flags(al % base));
}

void op_aad(struct x86 *x, const struct insn *i)
{
	uint16_t ax = gpr_get(x->v, GPR_AX, 2);
	uint8_t al = ax, d = (ax >> 8) * (uint8_t)i->imm, r = al + d;

	gpr_set(x->v, GPR_AX, 2, r);
	flags_set(x->v, FLAGS_ARITH, byte_flags(r) | (r < al ? FLAG_CF : 0) |
		  ((al ^ d ^ r) & FLAG_AF) |
		  overflow_flag(al, d, r, 0x80, false));
}
