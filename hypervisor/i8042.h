/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 8042 keyboard controller of the PS/2 with a keyboard and a mouse.
 * IBM PS/2 Hardware Interface Technical Reference, "Keyboard/Auxiliary
 * Device Controller".
 */
#ifndef HYPERVISOR_I8042_H
#define HYPERVISOR_I8042_H

#include "hypervisor/irq.h"

struct i8042;
struct ports;

/*
 * Claims ports 60h and 64h.  @irq1, @irq12: keyboard and mouse.  @a20: raised
 * while output port bit 1 lets address line 20 through.  @reset: pulsed when
 * output port bit 0 goes low.
 * Returns 0 or a negative errno.
 */
int i8042_create(struct i8042 **out, struct ports *ports,
		 const struct irq *irq1, const struct irq *irq12,
		 const struct irq *a20, const struct irq *reset);

/* Input events, as ps2.h describes them.  Lock held. */
void i8042_key(struct i8042 *c, unsigned code, bool down);
void i8042_mouse(struct i8042 *c, int dx, int dy, int dz, unsigned buttons);

#endif
