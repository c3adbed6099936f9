/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 82093AA I/O APIC with 24 inputs.  Intel 82093AA datasheet (order 290566).
 */
#ifndef HYPERVISOR_IOAPIC_H
#define HYPERVISOR_IOAPIC_H

#include "hypervisor/irq.h"
#include "hypervisor/lapic.h"	/* struct apic_msg */

#define IOAPIC_BASE	0xfec00000ULL
#define IOAPIC_SIZE	0x1000ULL
#define IOAPIC_PINS	24

struct ioapic;
struct mem;

struct ioapic_config {
	unsigned id;
	struct mem *mem;
	/* The APIC bus: send @m to whom it concerns. */
	void (*send)(void *opaque, const struct apic_msg *m);
	/* Is @vector still requested at its destination? */
	bool (*requested)(void *opaque, uint8_t vector);
	void *opaque;
};

int ioapic_create(struct ioapic **out, const struct ioapic_config *cfg);

/*
 * An irq_fn.  @input: pin 0..23.  Levels are logical; the polarity bits of
 * the redirection table are taken to match the wiring.
 */
void ioapic_set(void *opaque, unsigned input, bool level);
/* An irq_pending_fn. */
bool ioapic_pending(void *opaque, unsigned input);
/* EOI broadcast of a level-triggered vector. */
void ioapic_eoi(void *opaque, uint8_t vector);

/* For an engine with controllers of its own, there and back. */
void ioapic_get(const struct ioapic *io, struct irqchip_ioapic *out);
void ioapic_put(struct ioapic *io, const struct irqchip_ioapic *in);

#endif
