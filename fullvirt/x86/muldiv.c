/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Multiplication, division, and the decimal adjustments, which 64-bit hosts
 * no longer have.
 *
 * Intel SDM Vol. 2: AAA, AAD, AAM, AAS, DAA, DAS, DIV, IDIV, IMUL, MUL.
 */
#include "fullvirt/x86/flags.h"
#include "fullvirt/x86/operand.h"

/* One-operand MUL/IMUL: edx:eax (dx:ax, ax) = eax (ax, al) * operand. */
#define MUL_ONE(name, insn)						\
static uint32_t name(struct vcpu *v, unsigned size, uint32_t b)		\
{									\
	uint32_t lo = v->gpr[GPR_AX], hi = v->gpr[GPR_DX];		\
	uint32_t f = flags_pack(v->rflags);				\
									\
	switch (size) {							\
	case 1:								\
		__asm__("xchgl %%eax, %k[f]\n\t" FLAGS_LOAD		\
			"xchgl %%eax, %k[f]\n\t" insn "b %b[b]\n\t"	\
			"xchgl %%eax, %k[f]" FLAGS_STORE		\
			"\n\txchgl %%eax, %k[f]"			\
			: "+a" (lo), [f] "+r" (f)			\
			: [b] "q" ((uint8_t)b) : "cc");			\
		gpr_set(v, GPR_AX, 2, lo);				\
		break;							\
	case 2:								\
		__asm__("xchgl %%eax, %k[f]\n\t" FLAGS_LOAD		\
			"xchgl %%eax, %k[f]\n\t" insn "w %w[b]\n\t"	\
			"xchgl %%eax, %k[f]" FLAGS_STORE		\
			"\n\txchgl %%eax, %k[f]"			\
			: "+a" (lo), "+d" (hi), [f] "+r" (f)		\
			: [b] "r" ((uint16_t)b) : "cc");		\
		gpr_set(v, GPR_AX, 2, lo);				\
		gpr_set(v, GPR_DX, 2, hi);				\
		break;							\
	default:							\
		__asm__("xchgl %%eax, %k[f]\n\t" FLAGS_LOAD		\
			"xchgl %%eax, %k[f]\n\t" insn "l %k[b]\n\t"	\
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

MUL_ONE(do_mul, "mul")
MUL_ONE(do_imul, "imul")

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

/*
 * Division faults before it writes anything.  Flags are undefined after it;
 * processors since the Pentium leave them alone.
 */
void op_div(struct x86 *x, const struct insn *i)
{
	struct vcpu *v = x->v;
	unsigned size = i->op[0].size, bits = size * 8;
	uint64_t d = operand_get(x, i, 0), n, q;

	n = size == 1 ? gpr_get(v, GPR_AX, 2) :
	    (uint64_t)gpr_get(v, GPR_DX, size) << bits |
	    gpr_get(v, GPR_AX, size);
	if (!d || (q = n / d) >> bits)
		x86_fault(x, VEC_DE);
	if (size == 1) {
		gpr_set(v, GPR_AX, 2, (n % d) << 8 | q);
		return;
	}
	gpr_set(v, GPR_AX, size, q);
	gpr_set(v, GPR_DX, size, n % d);
}

static int64_t sign_extend(uint64_t val, unsigned bits)
{
	return (int64_t)(val << (64 - bits)) >> (64 - bits);
}

void op_idiv(struct x86 *x, const struct insn *i)
{
	struct vcpu *v = x->v;
	unsigned size = i->op[0].size, bits = size * 8;
	int64_t d = sign_extend(operand_get(x, i, 0), bits), n, q;

	n = size == 1 ? gpr_get(v, GPR_AX, 2) :
	    (int64_t)((uint64_t)gpr_get(v, GPR_DX, size) << bits |
		      gpr_get(v, GPR_AX, size));
	n = sign_extend(n, bits * 2);
	/* INT64_MIN / -1 would trap on the host. */
	if (!d || (d == -1 && n == INT64_MIN))
		x86_fault(x, VEC_DE);
	q = n / d;
	if (q != sign_extend(q, bits))
		x86_fault(x, VEC_DE);
	if (size == 1) {
		gpr_set(v, GPR_AX, 2, ((n % d) & 0xff) << 8 | (q & 0xff));
		return;
	}
	gpr_set(v, GPR_AX, size, q);
	gpr_set(v, GPR_DX, size, n % d);
}

/* SF, ZF, PF of a byte. */
static uint32_t byte_flags(uint8_t b)
{
	return (b ? 0 : FLAG_ZF) | (b & 0x80 ? FLAG_SF : 0) |
	       (__builtin_parity(b) ? 0 : FLAG_PF);
}

static void bcd_done(struct vcpu *v, uint16_t ax, bool af, bool cf)
{
	gpr_set(v, GPR_AX, 2, ax);
	flags_set(v, FLAGS_ARITH, byte_flags(ax) | (af ? FLAG_AF : 0) |
		  (cf ? FLAG_CF : 0));
}

static void ascii_adjust(struct vcpu *v, int delta)
{
	uint16_t ax = gpr_get(v, GPR_AX, 2);
	bool adjust = (ax & 15) > 9 || (v->rflags & FLAG_AF);

	if (adjust)
		ax += delta;
	bcd_done(v, ax & 0xff0f, adjust, adjust);
}

void op_aaa(struct x86 *x, const struct insn *i)
{
	ascii_adjust(x->v, 0x106);
}

void op_aas(struct x86 *x, const struct insn *i)
{
	ascii_adjust(x->v, -0x106);
}

static void decimal_adjust(struct vcpu *v, int sign)
{
	uint16_t ax = gpr_get(v, GPR_AX, 2);
	uint8_t al = ax, old = al;
	bool cf = v->rflags & FLAG_CF, af = v->rflags & FLAG_AF, carry = false;

	if ((al & 15) > 9 || af) {
		carry = cf || (sign > 0 ? al > 0xf9 : al < 6);
		al += sign * 6;
		af = true;
	}
	if (old > 0x99 || cf) {
		al += sign * 0x60;
		carry = true;
	}
	bcd_done(v, (ax & 0xff00) | al, af, carry);
}

void op_daa(struct x86 *x, const struct insn *i)
{
	decimal_adjust(x->v, 1);
}

void op_das(struct x86 *x, const struct insn *i)
{
	decimal_adjust(x->v, -1);
}

void op_aam(struct x86 *x, const struct insn *i)
{
	uint8_t al = gpr_get(x->v, GPR_AX, 1), base = i->imm;

	if (!base)
		x86_fault(x, VEC_DE);
	bcd_done(x->v, (al / base) << 8 | al % base, false, false);
}

void op_aad(struct x86 *x, const struct insn *i)
{
	uint16_t ax = gpr_get(x->v, GPR_AX, 2);
	uint8_t al = (ax & 0xff) + (ax >> 8) * (uint8_t)i->imm;

	bcd_done(x->v, al, false, false);
}
