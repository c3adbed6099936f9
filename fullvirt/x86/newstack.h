/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stack under construction: where a far transfer or an event writes its
 * frame before SS:ESP changes, so that a fault finds the old stack in place.
 */
#ifndef FULLVIRT_X86_NEWSTACK_H
#define FULLVIRT_X86_NEWSTACK_H

#include "fullvirt/x86/priv.h"

struct new_stack {
	struct segment ss;
	uint32_t esp;
	unsigned width;		/* bytes per push: 2 or 4 */
	bool user;
};

static inline uint32_t new_stack_mask(const struct new_stack *s)
{
	return s->ss.attr & SEG_DB ? 0xffffffff : 0xffff;
}

/*
 * Are @n bytes below the top writable?  Raises #SS with the selector if the
 * stack is a new one (@inner), else with 0; #PF.
 */
static inline void new_stack_probe(struct x86 *x, const struct new_stack *s,
				   unsigned n, bool inner)
{
	uint32_t mask = new_stack_mask(s), off;

	/* In the order of the pushes: CR2 tells the first that fails. */
	for (unsigned k = s->width; k <= n; k += s->width) {
		off = (s->esp - k) & mask;
		if (!x86_in_limit(&s->ss, off, s->width))
			x86_fault_error(x, VEC_SS, inner ?
					SEL_ERR(s->ss.selector) : 0);
		x86_lin_probe(x, s->ss.base + off, s->width, s->user);
	}
}

static inline void new_stack_push(struct x86 *x, struct new_stack *s,
				  uint32_t val)
{
	uint32_t mask = new_stack_mask(s);

	s->esp = (s->esp & ~mask) | ((s->esp - s->width) & mask);
	x86_lin_write(x, (uint32_t)(s->ss.base + (s->esp & mask)), s->width,
		      val, s->user);
}

#endif
