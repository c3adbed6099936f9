/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Port I/O and its permission bitmap, SDM Vol. 1 19.5.
 */
#include "fullvirt/x86/operand.h"
#include "fullvirt/x86/vmi.h"

#define TSS32_IOMAP	0x66	/* offset of the bitmap's offset */

static bool bitmap_allows(struct x86 *x, uint16_t port, unsigned size)
{
	const struct segment *tr = &x->v->tr;
	uint32_t map, at, bits;

	if (tr->attr & SEG_UNUSABLE ||
	    (tr->attr & SEG_TYPE_MASK) < TYPE_TSS32 ||
	    tr->limit < TSS32_IOMAP + 1)
		return false;
	map = x86_sys_read(x, tr->base + TSS32_IOMAP, 2);
	at = map + port / 8;
	/* Always two bytes: the access may straddle them. */
	if (at + 1 > tr->limit)
		return false;
	bits = x86_sys_read(x, (uint32_t)(tr->base + at), 2) >> (port & 7);
	return !(bits & ((1u << size) - 1));
}

void x86_io_check(struct x86 *x, uint16_t port, unsigned size)
{
	const struct vcpu *v = x->v;
	unsigned iopl = (v->rflags & FLAG_IOPL) >> FLAG_IOPL_SHIFT;

	if (x->cache->data_break)
		x86_debug_io(x, port, size);
	if (vcpu_real_mode(v) || (!(v->rflags & FLAG_VM) &&
				  vcpu_cpl(v) <= iopl))
		return;
	if (!bitmap_allows(x, port, size))
		x86_gp(x, 0);
}

uint32_t x86_io_read(struct x86 *x, uint16_t port, unsigned size)
{
	x86_bus_enter(x);
	if (!x->bus || !x->bus->pio_read)
		return 0xffffffff;
	return x->bus->pio_read(x->bus->opaque, port, size);
}

void x86_io_write(struct x86 *x, uint16_t port, unsigned size, uint32_t val)
{
	x86_bus_enter(x);
	if (x->bus && x->bus->pio_write)
		x->bus->pio_write(x->bus->opaque, port, size, val);
}

static uint16_t port_operand(struct x86 *x, const struct insn *i, unsigned n)
{
	return i->op[n].kind == OPND_IMM ? i->imm & 0xff :
	       gpr_get(x->v, GPR_DX, 2);
}

void op_in(struct x86 *x, const struct insn *i)
{
	uint16_t port = port_operand(x, i, 1);
	unsigned size = i->op[0].size;

	x86_io_check(x, port, size);
	gpr_set(x->v, GPR_AX, size, x86_io_read(x, port, size));
}

void op_out(struct x86 *x, const struct insn *i)
{
	uint16_t port = port_operand(x, i, 0);
	unsigned size = i->op[1].size;

	x86_io_check(x, port, size);
	if (size == 1 && x86_vmi_port(x, port))
		x86_hypercall(x);
	else
		x86_io_write(x, port, size, gpr_get(x->v, GPR_AX, size));
}
