/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debug registers and breakpoints, SDM Vol. 3B 17.2.
 */
#include "fullvirt/x86/priv.h"

#define DR7_ENABLE(n)	(3u << 2 * (n))
#define DR7_TYPE(d, n)	((d) >> (16 + 4 * (n)) & 3)
#define DR7_LEN(d, n)	((d) >> (18 + 4 * (n)) & 3)
#define DR7_GD		(1u << 13)
#define DR7_FIXED	(1u << 10)
#define DR7_RESERVED	(0xd800u)	/* bits 11, 12, 14, 15 read as zero */
#define DR6_BD		(1u << 13)
#define DR6_FIXED	0xffff0ff0u
#define DR6_WRITABLE	0x0000e00fu

enum break_type { BREAK_EXEC, BREAK_WRITE, BREAK_IO, BREAK_RW };

static void refresh_debugger(struct x86 *x)
{
	for (unsigned n = 0; n < x->debug->n; n++)
		if (x->debug->bp[n].kind == ENGINE_BREAK_EXEC)
			x->cache->code_break = true;
		else
			x->cache->data_break = true;
}

void x86_debug_refresh(struct x86 *x)
{
	struct x86_decode_cache *c = x->cache;
	uint32_t dr7 = x->v->dr[7];

	c->data_break = c->code_break = false;
	if (unlikely(x->debug))
		refresh_debugger(x);
	if (likely(!(dr7 & 0xff)))
		return;
	for (unsigned n = 0; n < 4; n++) {
		if (!(dr7 & DR7_ENABLE(n)))
			continue;
		if (DR7_TYPE(dr7, n) == BREAK_EXEC)
			c->code_break = true;
		else
			c->data_break = true;
	}
}

static bool overlaps(const struct vcpu *v, unsigned n, uint32_t at,
		     unsigned size)
{
	static const uint8_t len[] = { 1, 2, 8, 4 };
	uint32_t l = len[DR7_LEN((uint32_t)v->dr[7], n)];
	uint32_t start = v->dr[n] & ~(l - 1);

	return at - start < l || start - at < size;
}

/* DR6 bits of the enabled breakpoints of the types in @types (bit mask). */
static uint32_t hits(const struct vcpu *v, unsigned types, uint32_t at,
		     unsigned size)
{
	uint32_t dr7 = v->dr[7], found = 0;

	for (unsigned n = 0; n < 4; n++)
		if (dr7 & DR7_ENABLE(n) && types >> DR7_TYPE(dr7, n) & 1 &&
		    overlaps(v, n, at, size))
			found |= 1u << n;
	return found;
}

const struct engine_breakpoint *x86_debugger_at(const struct x86 *x,
						uint32_t lin)
{
	for (unsigned n = 0; x->debug && n < x->debug->n; n++)
		if (x->debug->bp[n].kind == ENGINE_BREAK_EXEC &&
		    x->debug->bp[n].addr == lin)
			return &x->debug->bp[n];
	return NULL;
}

void x86_debugger_fetch(struct x86 *x, uint32_t lin)
{
	bool pass = x->debug_resume;

	x->debug_resume = false;
	if (pass || !x86_debugger_at(x, lin))
		return;
	x->debug_hit = x86_debugger_at(x, lin);
	x86_stop(x, X86_DEBUG);
}

static bool watches(const struct engine_breakpoint *b, uint32_t lin,
		    unsigned size, bool write)
{
	uint32_t start = b->addr;

	if (b->kind == ENGINE_BREAK_EXEC ||
	    b->kind == (write ? ENGINE_BREAK_READ : ENGINE_BREAK_WRITE))
		return false;
	return lin - start < b->len || start - lin < size;
}

static void debugger_data(struct x86 *x, uint32_t lin, unsigned size,
			  bool write)
{
	for (unsigned n = 0; n < x->debug->n; n++)
		if (watches(&x->debug->bp[n], lin, size, write))
			x->cache->watch_hit = &x->debug->bp[n];
}

/* Instruction breakpoints are faults: before anything is done. */
void x86_debug_fetch(struct x86 *x, uint32_t lin)
{
	uint32_t found = hits(x->v, 1u << BREAK_EXEC, lin, 1);

	if (!found)
		return;
	x->v->dr[6] |= found;
	x86_fault(x, VEC_DB);
}

/* Data breakpoints are traps: remembered until the instruction is done. */
void x86_debug_data(struct x86 *x, uint32_t lin, unsigned size, bool write)
{
	if (unlikely(x->debug))
		debugger_data(x, lin, size, write);
	x->cache->dr6_pending |= hits(x->v, 1u << BREAK_RW |
				      (write ? 1u << BREAK_WRITE : 0), lin,
				      size);
}

void x86_debug_io(struct x86 *x, uint16_t port, unsigned size)
{
	if (x->v->cr4 & CR4_DE)
		x->cache->dr6_pending |= hits(x->v, 1u << BREAK_IO, port,
					      size);
}

/* CPL, DR4/DR5, and general detect; returns the register meant. */
static unsigned dr_check(struct x86 *x, unsigned n)
{
	struct vcpu *v = x->v;

	if (vcpu_cpl(v))
		x86_gp(x, 0);
	if (n == 4 || n == 5) {
		if (v->cr4 & CR4_DE)
			x86_ud(x);
		n += 2;
	}
	if (v->dr[7] & DR7_GD) {
		v->dr[6] |= DR6_BD;
		x86_fault(x, VEC_DB);
	}
	return n;
}

uint32_t x86_mov_from_dr(struct x86 *x, unsigned n)
{
	n = dr_check(x, n);
	return x->v->dr[n];
}

void x86_mov_to_dr(struct x86 *x, unsigned n, uint32_t val)
{
	n = dr_check(x, n);
	if (n == 6)
		val = (val & DR6_WRITABLE) | DR6_FIXED;
	if (n == 7)
		val = (val & ~DR7_RESERVED) | DR7_FIXED;
	x->v->dr[n] = val;
	x86_refresh(x);
}
