/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * String instructions.  Every iteration commits on its own, so a fault or the
 * iteration limit leaves the registers at the element that is next.
 *
 * Intel SDM Vol. 1 7.3.9, Vol. 2B REP.
 */
#include "fullvirt/x86/operand.h"
#include "fullvirt/x86/string.h"

/* Bytes that move per iteration, with the direction's sign. */
static uint32_t element_step(const struct x86 *x, const struct insn *i)
{
	return x->v->rflags & FLAG_DF ? -(uint32_t)i->aux : i->aux;
}

static uint32_t index_get(struct x86 *x, const struct insn *i, enum gpr r)
{
	return gpr_get(x->v, r, i->asize);
}

static void index_step(struct x86 *x, const struct insn *i, enum gpr r)
{
	gpr_set(x->v, r, i->asize,
		index_get(x, i, r) + element_step(x, i));
}

void x86_string(struct x86 *x, const struct insn *i, string_fn *one)
{
	struct vcpu *v = x->v;
	unsigned budget = v->rflags & FLAG_TF ? 1 : REP_BUDGET;
	uint32_t n;

	if (i->rep == REP_NONE) {
		one(x, i);
		return;
	}
	n = index_get(x, i, GPR_CX);
	if (!n)
		return;
	do {
		bool go = one(x, i);

		n--;
		gpr_set(v, GPR_CX, i->asize, n);
		if (!go)
			return;
		if (i->asize == 2)
			n &= 0xffff;
	} while (n && --budget && !x->cache->dr6_pending);
	if (n) {
		/* Stay on the instruction; RF keeps an instruction breakpoint
		 * from hitting again, SDM Vol. 3B 17.3.1.1. */
		x->cache->next_eip = v->rip;
		if (x->cache->code_break)
			v->rflags |= FLAG_RF;
	}
}

static bool movs(struct x86 *x, const struct insn *i)
{
	uint32_t val = x86_ld(x, i->seg, index_get(x, i, GPR_SI), i->aux);

	x86_st(x, SEG_ES, index_get(x, i, GPR_DI), i->aux, val);
	index_step(x, i, GPR_SI);
	index_step(x, i, GPR_DI);
	return true;
}

static bool stos(struct x86 *x, const struct insn *i)
{
	x86_st(x, SEG_ES, index_get(x, i, GPR_DI), i->aux,
	       gpr_get(x->v, GPR_AX, i->aux));
	index_step(x, i, GPR_DI);
	return true;
}

static bool lods(struct x86 *x, const struct insn *i)
{
	gpr_set(x->v, GPR_AX, i->aux,
		x86_ld(x, i->seg, index_get(x, i, GPR_SI), i->aux));
	index_step(x, i, GPR_SI);
	return true;
}

/* REPE goes on while equal, REPNE while not. */
static bool rep_goes_on(const struct x86 *x, const struct insn *i)
{
	return !(x->v->rflags & FLAG_ZF) == (i->rep == REP_REPNE);
}

static bool cmps(struct x86 *x, const struct insn *i)
{
	uint32_t a = x86_ld(x, i->seg, index_get(x, i, GPR_SI), i->aux);
	uint32_t b = x86_ld(x, SEG_ES, index_get(x, i, GPR_DI), i->aux);

	x86_compare(x->v, i->aux, a, b);
	index_step(x, i, GPR_SI);
	index_step(x, i, GPR_DI);
	return rep_goes_on(x, i);
}

static bool scas(struct x86 *x, const struct insn *i)
{
	uint32_t b = x86_ld(x, SEG_ES, index_get(x, i, GPR_DI), i->aux);

	x86_compare(x->v, i->aux, gpr_get(x->v, GPR_AX, i->aux), b);
	index_step(x, i, GPR_DI);
	return rep_goes_on(x, i);
}

/* The port is checked before memory, and memory before the port is read. */
static bool ins(struct x86 *x, const struct insn *i)
{
	uint16_t port = gpr_get(x->v, GPR_DX, 2);
	uint32_t off = index_get(x, i, GPR_DI);

	x86_io_check(x, port, i->aux);
	x86_lin_probe_write(x, x86_linear(x, SEG_ES, off, i->aux, true),
			    i->aux, x->cache->user);
	x86_st(x, SEG_ES, off, i->aux, x86_io_read(x, port, i->aux));
	index_step(x, i, GPR_DI);
	return true;
}

static bool outs(struct x86 *x, const struct insn *i)
{
	uint16_t port = gpr_get(x->v, GPR_DX, 2);
	uint32_t val;

	x86_io_check(x, port, i->aux);
	val = x86_ld(x, i->seg, index_get(x, i, GPR_SI), i->aux);
	index_step(x, i, GPR_SI);
	x86_io_write(x, port, i->aux, val);
	return true;
}

void op_movs(struct x86 *x, const struct insn *i)
{
	x86_string(x, i, movs);
}

void op_stos(struct x86 *x, const struct insn *i)
{
	x86_string(x, i, stos);
}

void op_lods(struct x86 *x, const struct insn *i)
{
	x86_string(x, i, lods);
}

void op_cmps(struct x86 *x, const struct insn *i)
{
	x86_string(x, i, cmps);
}

void op_scas(struct x86 *x, const struct insn *i)
{
	x86_string(x, i, scas);
}

void op_ins(struct x86 *x, const struct insn *i)
{
	x86_string(x, i, ins);
}

void op_outs(struct x86 *x, const struct insn *i)
{
	x86_string(x, i, outs);
}
