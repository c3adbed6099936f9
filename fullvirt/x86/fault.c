/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How exceptions travel inside the interpreter: recorded in the private state,
 * then a jump to the innermost x86_try().
 */
#include "fullvirt/x86/priv.h"

static _Noreturn void unwind(struct x86 *x, enum unwind why)
{
	x->cache->unwind = why;
	__builtin_longjmp(x->cache->catch, 1);
}

_Noreturn void x86_fault(struct x86 *x, unsigned vector)
{
	x->cache->fault = (struct fault){ .vector = vector };
	unwind(x, UNWIND_FAULT);
}

_Noreturn void x86_fault_error(struct x86 *x, unsigned vector, uint32_t error)
{
	/* SDM Vol. 3A 6.13: EXT tells that delivery itself failed. */
	x->cache->fault = (struct fault){ .vector = vector, .has_error = true,
					  .error = error | x->cache->ext };
	unwind(x, UNWIND_FAULT);
}

_Noreturn void x86_fault_page(struct x86 *x, gva_t gva, uint32_t error)
{
	x->cache->fault = (struct fault){ .vector = VEC_PF, .has_error = true,
					  .error = error, .cr2 = gva };
	unwind(x, UNWIND_FAULT);
}

_Noreturn void x86_rethrow(struct x86 *x, const struct fault *f)
{
	x->cache->fault = *f;
	unwind(x, UNWIND_FAULT);
}

_Noreturn void x86_trap_debug(struct x86 *x, uint32_t dr6)
{
	x->v->dr[6] |= dr6;
	x->cache->fault = (struct fault){ .vector = VEC_DB, .trap = true };
	unwind(x, UNWIND_FAULT);
}

_Noreturn void x86_stop(struct x86 *x, enum x86_result r)
{
	x->cache->result = r;
	unwind(x, UNWIND_STOP);
}

_Noreturn void x86_cannot(struct x86 *x, const char *why)
{
	unsigned n = 0;

	for (; why[n] && n < sizeof(x->reason) - 1; n++)
		x->reason[n] = why[n];
	x->reason[n] = 0;
	x86_stop(x, X86_CANNOT);
}

__attribute__((noinline))
static bool catch_unwind(struct x86 *x, x86_try_fn *fn, void *arg)
{
	if (__builtin_setjmp(x->cache->catch))
		return false;
	fn(x, arg);
	return true;
}

bool x86_try(struct x86 *x, x86_try_fn *fn, void *arg)
{
	struct x86_decode_cache *c = x->cache;
	void *outer[ARRAY_SIZE(c->catch)];
	bool done;

	for (unsigned n = 0; n < ARRAY_SIZE(outer); n++)
		outer[n] = c->catch[n];
	c->unwind = UNWIND_NONE;
	done = catch_unwind(x, fn, arg);
	for (unsigned n = 0; n < ARRAY_SIZE(outer); n++)
		c->catch[n] = outer[n];
	return done;
}
