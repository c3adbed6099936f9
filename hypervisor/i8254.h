/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 8254 programmable interval timer and the PC's port 61h, which holds the
 * gate of channel 2 and the speaker.  Intel 8254 datasheet (order 231164).
 */
#ifndef HYPERVISOR_I8254_H
#define HYPERVISOR_I8254_H

#include "hypervisor/irq.h"

/* Input clock of all three channels. */
#define PIT_HZ	1193182ULL

struct clock;
struct i8254;
struct irqchip_pit;
struct ports;

/*
 * Claims ports 40h-43h and 61h.  @irq0: the wire from OUT0.
 * Returns 0 or a negative errno.
 */
int i8254_create(struct i8254 **out, struct ports *ports,
		 struct clock *clock, const struct irq *irq0);

/* Ticks that channel 0 owed to a guest that did not take them in time:
 * delivered late, and given up. */
void i8254_ticks(const struct i8254 *p, uint64_t *late, uint64_t *lost);

/*
 * Its state for an engine that has an 8254 (irqchip.h), and back.  Between the
 * two it sleeps, with OUT0 low.  Of counts that wait for the end of a period
 * the engine learns as if they were in effect.
 */
void i8254_get(struct i8254 *p, struct irqchip_pit *out);
void i8254_put(struct i8254 *p, const struct irqchip_pit *in);

#endif
