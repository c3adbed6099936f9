/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupt lines.  A device gets a struct irq, its end of the wire; what the
 * other end is (a PIC pin, an I/O APIC pin, a PCI interrupt router, a
 * processor's INTR pin) it does not know.  Levels are logical: raised means
 * asserted.  Lock held.
 */
#ifndef HYPERVISOR_IRQ_H
#define HYPERVISOR_IRQ_H

#include "hypervisor/types.h"

/* Called only when @level differs from the time before. */
typedef void irq_fn(void *opaque, unsigned input, bool level);

/* Has an earlier edge on @input still to reach the processor? */
typedef bool irq_pending_fn(void *opaque, unsigned input);

struct irq {
	irq_fn *fn;		/* NULL: not connected */
	void *opaque;
	unsigned input;
	bool level;
	irq_pending_fn *pending;	/* NULL: never */
};

static inline void irq_init(struct irq *irq, irq_fn *fn, void *opaque,
			    unsigned input)
{
	*irq = (struct irq){ fn, opaque, input, false, NULL };
}

static inline void irq_set(struct irq *irq, bool level)
{
	if (irq->level == level)
		return;
	irq->level = level;
	if (irq->fn)
		irq->fn(irq->opaque, irq->input, level);
}

static inline void irq_raise(struct irq *irq)
{
	irq_set(irq, true);
}

static inline void irq_lower(struct irq *irq)
{
	irq_set(irq, false);
}

/* An edge for edge-triggered inputs; leaves the line low. */
static inline void irq_pulse(struct irq *irq)
{
	irq_lower(irq);
	irq_raise(irq);
	irq_lower(irq);
}

/*
 * True while another edge would be lost because the processor has not taken
 * the one before.  Timers that must not lose ticks ask first.
 */
static inline bool irq_pending(const struct irq *irq)
{
	return irq->pending && irq->pending(irq->opaque, irq->input);
}

#endif
