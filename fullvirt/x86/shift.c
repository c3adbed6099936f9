/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shifts, rotates, double shifts, bit tests and scans, by the host's own.
 */
#include "fullvirt/x86/flags.h"
#include "fullvirt/x86/operand.h"

#define SHIFT_WIDTH(mnem, type, con, sfx)				\
	do {								\
		type t = a;						\
									\
		__asm__(FLAGS_LOAD mnem sfx " %%cl, %[a]" FLAGS_STORE	\
			: [a] "+" con (t), "+a" (w)			\
			: "c" (n) : "cc");				\
		a = t;							\
	} while (0)

/* A count of zero (modulo 32) touches no flag: the host sees to it. */
#define SHIFT(handler, mnem)							\
void handler(struct x86 *x, const struct insn *i)				\
{									\
	struct rmw r;							\
	uint32_t n = operand_get(x, i, 1), w = flags_pack(x->v->rflags); \
	uint32_t a = rmw_open(x, i, 0, &r);				\
									\
	switch (r.size) {						\
	case 1: SHIFT_WIDTH(mnem, uint8_t, "q", "b"); break;		\
	case 2: SHIFT_WIDTH(mnem, uint16_t, "r", "w"); break;		\
	default: SHIFT_WIDTH(mnem, uint32_t, "r", "l"); break;		\
	}								\
	rmw_close(x, &r, a);						\
	flags_set(x->v, FLAGS_ARITH, flags_unpack(w));			\
}

SHIFT(op_rol, "rol")
SHIFT(op_ror, "ror")
SHIFT(op_rcl, "rcl")
SHIFT(op_rcr, "rcr")
SHIFT(op_shl, "shl")
SHIFT(op_shr, "shr")
SHIFT(op_sar, "sar")

#define DOUBLE_SHIFT(handler, mnem)						\
void handler(struct x86 *x, const struct insn *i)				\
{									\
	struct rmw r;							\
	uint32_t n = operand_get(x, i, 2), b = operand_get(x, i, 1);	\
	uint32_t a = rmw_open(x, i, 0, &r), w = flags_pack(x->v->rflags); \
									\
	if (r.size == 2) {						\
		uint16_t t = a;						\
									\
		__asm__(FLAGS_LOAD mnem "w %%cl, %[b], %[a]" FLAGS_STORE \
			: [a] "+r" (t), "+a" (w)			\
			: [b] "r" ((uint16_t)b), "c" (n) : "cc");	\
		a = t;							\
	} else {							\
		__asm__(FLAGS_LOAD mnem "l %%cl, %[b], %[a]" FLAGS_STORE \
			: [a] "+r" (a), "+a" (w)			\
			: [b] "r" (b), "c" (n) : "cc");			\
	}								\
	rmw_close(x, &r, a);						\
	flags_set(x->v, FLAGS_ARITH, flags_unpack(w));			\
}

DOUBLE_SHIFT(op_shld, "shld")
DOUBLE_SHIFT(op_shrd, "shrd")

/* The operand of BT and friends; a register index reaches beyond it. */
static uint32_t bit_open(struct x86 *x, const struct insn *i, bool write,
			 uint32_t *bit, struct rmw *r)
{
	unsigned size = i->op[0].size, bits = size * 8;
	uint32_t n = operand_get(x, i, 1), off;

	*bit = n & (bits - 1);
	if (i->op[0].kind == OPND_REG)
		return rmw_open(x, i, 0, r);
	off = ea_offset(x->v, i);
	if (i->op[1].kind == OPND_REG) {
		int32_t index = size == 2 ? (int16_t)n : (int32_t)n;

		off += (index >> (size == 2 ? 4 : 5)) * (int)size;
		if (i->asize == 2)
			off &= 0xffff;
	}
	return write ? rmw_open_mem(x, i->seg, off, size, r) :
	       x86_ld(x, i->seg, off, size);
}

#define BIT_WIDTH(mnem, type, sfx)					\
	do {								\
		type t = a;						\
									\
		__asm__(FLAGS_LOAD mnem sfx " %[b], %[a]" FLAGS_STORE	\
			: [a] "+r" (t), "+a" (w)			\
			: [b] "r" ((type)bit) : "cc");			\
		a = t;							\
	} while (0)

#define BIT(handler, mnem, write)						\
void handler(struct x86 *x, const struct insn *i)				\
{									\
	struct rmw r;							\
	uint32_t bit, w = flags_pack(x->v->rflags);			\
	uint32_t a = bit_open(x, i, write, &bit, &r);			\
									\
	if (i->op[0].size == 2)						\
		BIT_WIDTH(mnem, uint16_t, "w");				\
	else								\
		BIT_WIDTH(mnem, uint32_t, "l");				\
	if (write)							\
		rmw_close(x, &r, a);					\
	flags_set(x->v, FLAGS_ARITH, flags_unpack(w));			\
}

BIT(op_bt, "bt", false)
BIT(op_bts, "bts", true)
BIT(op_btr, "btr", true)
BIT(op_btc, "btc", true)

/* With a zero source the destination stays, as on every processor so far. */
#define SCAN(handler, mnem)							\
void handler(struct x86 *x, const struct insn *i)				\
{									\
	uint32_t w = flags_pack(x->v->rflags);				\
	uint32_t bit = operand_get(x, i, 1);				\
	uint32_t a = reg_get(x->v, i->op[0].reg, i->op[0].size);	\
									\
	if (i->op[0].size == 2)						\
		BIT_WIDTH(mnem, uint16_t, "w");			\
	else								\
		BIT_WIDTH(mnem, uint32_t, "l");			\
	if (bit)							\
		operand_set(x, i, 0, a);				\
	flags_set(x->v, FLAGS_ARITH, flags_unpack(w));			\
}

SCAN(op_bsf, "bsf")
SCAN(op_bsr, "bsr")

/* The 16-bit form is undefined; processors give zero. */
void op_bswap(struct x86 *x, const struct insn *i)
{
	uint32_t a = operand_get(x, i, 0);

	operand_set(x, i, 0, i->op[0].size == 2 ? 0 : __builtin_bswap32(a));
}
