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

/*
 * Not done yet: the instruction runs again.  RF keeps an instruction
 * breakpoint from hitting once more, SDM Vol. 3B 17.3.1.1.
 */
static void stay(struct x86 *x)
{
	x->cache->next_eip = x->v->rip;
	if (x->cache->code_break)
		x->v->rflags |= FLAG_RF;
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
	if (n)
		stay(x);
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

/*
 * How many elements from [r] on lie in one page of plain RAM, at most @n;
 * their HVA goes to *@p.  0: the slow way, which also raises what there is
 * to raise.
 */
static uint32_t run_of(struct x86 *x, const struct insn *i, unsigned seg,
		       enum gpr r, uint32_t n, enum tlb_use use, uint8_t **p)
{
	const struct segment *s = &x->v->seg[seg];
	uint32_t off = index_get(x, i, r), lin = s->base + off, room;

	room = (PAGE_SIZE - (lin & (PAGE_SIZE - 1))) / i->aux;
	if (n > room)
		n = room;
	if ((s->attr & SEG_FLAT_MASK) != SEG_TYPE_WRITE ||
	    (uint64_t)off + (uint64_t)n * i->aux - 1 > s->limit ||
	    lin & (i->aux - 1))
		return 0;
	*p = x86_lin_fast(x, lin, use, x->cache->user);
	return *p ? n : 0;
}

/* May whole runs be done at once? */
static bool runs_allowed(const struct x86 *x, const struct insn *i)
{
	return i->rep && i->asize == 4 && !x->cache->slow &&
	       !(x->v->rflags & (FLAG_DF | FLAG_TF));
}

static void run_done(struct x86 *x, uint32_t left)
{
	gpr_set(x->v, GPR_CX, 4, left);
	if (left)
		stay(x);
}

void op_movs(struct x86 *x, const struct insn *i)
{
	uint32_t count = gpr_get(x->v, GPR_CX, 4), n = 0;
	uint8_t *to, *from;

	if (runs_allowed(x, i))
		n = run_of(x, i, i->seg, GPR_SI, count, TLB_READ, &from);
	if (n)
		n = run_of(x, i, SEG_ES, GPR_DI, n, TLB_WRITE, &to);
	if (!n) {
		x86_string(x, i, movs);
		return;
	}
	/* One by one and upwards: the areas may overlap. */
	for (uint32_t k = 0; k < n * i->aux; k += i->aux)
		store_raw(to + k, i->aux, load_raw(from + k, i->aux));
	gpr_set(x->v, GPR_SI, 4, index_get(x, i, GPR_SI) + n * i->aux);
	gpr_set(x->v, GPR_DI, 4, index_get(x, i, GPR_DI) + n * i->aux);
	run_done(x, count - n);
}

void op_stos(struct x86 *x, const struct insn *i)
{
	uint32_t count = gpr_get(x->v, GPR_CX, 4), n = 0;
	uint32_t val = gpr_get(x->v, GPR_AX, 4);
	uint8_t *to;

	if (runs_allowed(x, i))
		n = run_of(x, i, SEG_ES, GPR_DI, count, TLB_WRITE, &to);
	if (!n) {
		x86_string(x, i, stos);
		return;
	}
	for (uint32_t k = 0; k < n * i->aux; k += i->aux)
		store_raw(to + k, i->aux, val);
	gpr_set(x->v, GPR_DI, 4, index_get(x, i, GPR_DI) + n * i->aux);
	run_done(x, count - n);
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
