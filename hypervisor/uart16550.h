/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 16550A UART.  National Semiconductor PC16550D datasheet.
 */
#ifndef HYPERVISOR_UART16550_H
#define HYPERVISOR_UART16550_H

#include "hypervisor/irq.h"

struct char_backend;
struct clock;
struct ports;
struct uart16550;

/*
 * Claims 8 ports from @base.  @irq: the wire from INTR, behind the gate that
 * OUT2 controls on a PC.  @be: where the line goes to.
 * Returns 0 or a negative errno.
 */
int uart16550_create(struct uart16550 **out, struct ports *ports,
		     unsigned base, struct clock *clock,
		     const struct irq *irq, struct char_backend *be);

#endif
