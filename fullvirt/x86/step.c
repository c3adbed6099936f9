/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One instruction after the other: fetch, execute, commit, debug traps.
 *
 * Order at an instruction boundary, SDM Vol. 3A table 6-2: traps of the
 * previous instruction, then (our caller) NMI and interrupts, then instruction
 * breakpoints, then faults of fetch, decode and execution.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fullvirt/x86/census.h"
#include "fullvirt/x86/priv.h"

int x86_init(struct x86 *x, struct vcpu *v, struct mem *mem,
	     struct engine_bus *bus, const struct x86_hooks *hooks,
	     void *opaque)
{
	memset(x, 0, sizeof(*x));
	x->v = v;
	x->mem = mem;
	x->bus = bus;
	x->hooks = hooks;
	x->opaque = opaque;
	x->cache = aligned_alloc(64, sizeof(*x->cache));
	if (!x->cache)
		return -ENOMEM;
	memset(x->cache, 0, sizeof(*x->cache));
	x->cache->tlb_gen = 1ULL << TLB_GEN_SHIFT;
	if (x86_fpu_init(x)) {
		free(x->cache);
		x->cache = NULL;
		return -ENOMEM;
	}
	return 0;
}

void x86_fini(struct x86 *x)
{
	if (!x->cache)
		return;
	x86_fpu_fini(x);
	free(x->cache);
	x->cache = NULL;
}

void x86_refresh(struct x86 *x)
{
	struct x86_decode_cache *c = x->cache;

	c->user = vcpu_cpl(x->v) == 3;
	x86_debug_refresh(x);
	c->slow = c->data_break || (x->hooks && x->hooks->hva);
}

static void check(struct x86 *x, const struct insn *i)
{
	if (i->check & CHECK_PROT && vcpu_real_or_v86(x->v))
		x86_ud(x);
	if (i->check & CHECK_CPL0 && vcpu_cpl(x->v))
		x86_gp(x, 0);
}

static inline void execute(struct x86 *x, const struct insn *i)
{
	struct x86_decode_cache *c = x->cache;

	c->next_eip = (uint32_t)x->v->rip + i->len;
	if (unlikely(x->census))
		x86_census_note(x, (const uint8_t *)&i->lo, i->len);
	if (unlikely(i->check))
		check(x, i);
	i->fn(x, i);
	x->v->rip = c->next_eip;
	x->icount++;
}

/* TF, RF, interrupt shadow or breakpoints play a part. */
static void step_careful(struct x86 *x)
{
	struct x86_decode_cache *c = x->cache;
	struct vcpu *v = x->v;
	uint32_t shadow = v->shadow, dr6 = c->dr6_pending;
	uint32_t lin = v->seg[SEG_CS].base + v->rip;

	if (unlikely(x->debug)) {
		x86_debugger_watch(x);	/* what event delivery met */
		x86_debugger_fetch(x, lin);
	}
	if (dr6 && !(shadow & SHADOW_MOV_SS)) {
		c->dr6_pending = 0;
		x86_trap_debug(x, dr6);
	}
	if (c->code_break && !(v->rflags & FLAG_RF) &&
	    !(shadow & SHADOW_MOV_SS))
		x86_debug_fetch(x, lin);
	c->single_step = v->rflags & FLAG_TF;
	v->shadow = 0;
	v->rflags &= ~(uint64_t)FLAG_RF;
	execute(x, x86_fetch(x));
	/* MOV SS holds traps off together with interrupts, SDM 6.8.3. */
	if (v->shadow & SHADOW_MOV_SS)
		return;
	dr6 = c->dr6_pending | (c->single_step ? DR6_BS : 0);
	c->dr6_pending = 0;
	if (dr6)
		x86_trap_debug(x, dr6);
	x86_debugger_watch(x);
}

static inline void step(struct x86 *x)
{
	struct x86_decode_cache *c = x->cache;
	const struct vcpu *v = x->v;

	if (unlikely(v->rflags & (FLAG_TF | FLAG_RF) || v->shadow ||
		     c->data_break || c->code_break || c->dr6_pending)) {
		step_careful(x);
		return;
	}
	execute(x, x86_fetch(x));
	if (unlikely(c->dr6_pending)) {
		uint32_t dr6 = c->dr6_pending;

		c->dr6_pending = 0;
		x86_trap_debug(x, dr6);
	}
}

static bool boundary_wanted(const struct x86 *x)
{
	const struct engine_bus *b = x->bus;

	if (!b)
		return false;
	if (atomic_load_explicit(&b->stop, memory_order_relaxed) ||
	    atomic_load_explicit(&b->nmi, memory_order_relaxed))
		return true;
	return atomic_load_explicit(&b->intr, memory_order_relaxed) &&
	       x->v->rflags & FLAG_IF && !x->v->shadow;
}

static void run_steps(struct x86 *x, void *arg)
{
	unsigned n = *(unsigned *)arg;

	do
		step(x);
	while (x->cache->result == X86_OK && --n && !boundary_wanted(x));
}

enum x86_result x86_run(struct x86 *x, unsigned n)
{
	struct x86_decode_cache *c = x->cache;

	x86_tlb_context(x);
	x86_refresh(x);
	c->result = X86_OK;
	c->ext = 0;
	if (x86_try(x, run_steps, &n) || c->unwind == UNWIND_STOP)
		return c->result;
	return x86_fault_deliver(x);
}

enum x86_result x86_step(struct x86 *x)
{
	return x86_run(x, 1);
}
