/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PC's two cascaded 8259A interrupt controllers with the ELCR of the
 * PIIX.  Intel 8259A datasheet (order 231468); 82371SB datasheet 2.5.4 (ELCR).
 */
#ifndef HYPERVISOR_I8259_H
#define HYPERVISOR_I8259_H

#include "hypervisor/irq.h"

struct irqchip_pic;

struct i8259;
struct ports;

/*
 * Claims ports 20h-21h, A0h-A1h and 4D0h-4D1h.
 * @intr: the wire from the master's INT pin.
 * Returns 0 or a negative errno.
 */
int i8259_create(struct i8259 **out, struct ports *ports,
		 const struct irq *intr);

/* An irq_fn.  @input: 0..15; 2 is the cascade and must not be driven. */
void i8259_set(void *opaque, unsigned input, bool level);
/* An irq_pending_fn: requested, not masked, not yet acknowledged. */
bool i8259_pending(void *opaque, unsigned input);

/*
 * The INTA cycle: the vector 0..255.  To be called with INT asserted; a
 * request that went away meanwhile gives the spurious level 7.
 */
int i8259_ack(struct i8259 *p);

/* One line per chip for "info pic". */
struct pic_info {
	uint8_t irr, imr, isr, elcr, base;
};
void i8259_info(const struct i8259 *p, struct pic_info out[2]);

/* For an engine with controllers of its own, there and back; arrays of 2. */
void i8259_get(const struct i8259 *p, struct irqchip_pic *out);
void i8259_put(struct i8259 *p, const struct irqchip_pic *in);

#endif
