/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading and writing an instruction's operands.
 *
 * A read-modify-write goes through struct rmw: the destination is checked for
 * writing before it is read, as the processor does (a read-only page gives a
 * write fault, not a read and then a fault).
 */
#ifndef FULLVIRT_X86_OPERAND_H
#define FULLVIRT_X86_OPERAND_H

#include "fullvirt/x86/priv.h"

static inline void *reg_ptr(struct vcpu *v, uint8_t off)
{
	return (uint8_t *)v->gpr + off;
}

static inline uint32_t reg_get(struct vcpu *v, uint8_t off, unsigned size)
{
	return load_raw(reg_ptr(v, off), size);
}

/* 32-bit writes keep the upper half zero. */
static inline void reg_set(struct vcpu *v, uint8_t off, unsigned size,
			   uint32_t val)
{
	if (size == 4)
		store_raw(reg_ptr(v, off), 8, val);
	else
		store_raw(reg_ptr(v, off), size, val);
}

static inline uint32_t gpr_get(struct vcpu *v, enum gpr r, unsigned size)
{
	return reg_get(v, r * 8, size);
}

static inline void gpr_set(struct vcpu *v, enum gpr r, unsigned size,
			   uint32_t val)
{
	reg_set(v, r * 8, size, val);
}

/* Effective address (offset in i->seg), modulo the address size. */
static inline uint32_t ea_offset(struct vcpu *v, const struct insn *i)
{
	uint32_t a = i->disp;

	if (i->base != NO_REG)
		a += reg_get(v, i->base, 4);
	if (i->index != NO_REG)
		a += reg_get(v, i->index, 4) << i->scale;
	return i->asize == 4 ? a : a & 0xffff;
}

static inline uint32_t mem_get(struct x86 *x, const struct insn *i,
			       unsigned size)
{
	return x86_ld(x, i->seg, ea_offset(x->v, i), size);
}

static inline void mem_set(struct x86 *x, const struct insn *i, unsigned size,
			   uint32_t val)
{
	x86_st(x, i->seg, ea_offset(x->v, i), size, val);
}

static inline uint32_t operand_get(struct x86 *x, const struct insn *i,
				   unsigned n)
{
	const struct operand *o = &i->op[n];

	switch (o->kind) {
	case OPND_REG: return reg_get(x->v, o->reg, o->size);
	case OPND_IMM: return i->imm;
	default: return mem_get(x, i, o->size);
	}
}

static inline void operand_set(struct x86 *x, const struct insn *i,
			       unsigned n, uint32_t val)
{
	const struct operand *o = &i->op[n];

	if (o->kind == OPND_REG)
		reg_set(x->v, o->reg, o->size, val);
	else
		mem_set(x, i, o->size, val);
}

struct rmw {
	uint8_t *p;		/* register or RAM; NULL: the slow way */
	uint32_t lin;
	uint8_t size;
	bool reg;
};

/* Open the memory at @off in @seg for read and write; returns its value. */
static inline uint64_t rmw_open_mem(struct x86 *x, unsigned seg, uint32_t off,
				    unsigned size, struct rmw *r)
{
	r->reg = false;
	r->size = size;
	r->p = NULL;
	r->lin = x86_linear(x, seg, off, size, true);
	if (likely(!x->cache->slow && !crosses_page(r->lin, size)))
		r->p = x86_lin_fast(x, r->lin, TLB_WRITE, x->cache->user);
	if (likely(r->p))
		return load_raw(r->p, size);
	x86_lin_probe_write(x, r->lin, size, x->cache->user);
	return x86_lin_read(x, r->lin, size, x->cache->user);
}

static inline uint32_t rmw_open(struct x86 *x, const struct insn *i,
				unsigned n, struct rmw *r)
{
	const struct operand *o = &i->op[n];

	if (o->kind != OPND_REG)
		return rmw_open_mem(x, i->seg, ea_offset(x->v, i), o->size, r);
	r->reg = true;
	r->lin = 0;
	r->size = o->size;
	r->p = reg_ptr(x->v, o->reg);
	return load_raw(r->p, o->size);
}

static inline void rmw_close(struct x86 *x, const struct rmw *r, uint64_t val)
{
	if (unlikely(!r->p))
		x86_lin_write(x, r->lin, r->size, val, x->cache->user);
	else if (r->reg && r->size == 4)
		store_raw(r->p, 8, (uint32_t)val);
	else
		store_raw(r->p, r->size, val);
}

#endif
