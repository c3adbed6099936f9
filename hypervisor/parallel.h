/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parallel printer port (SPP) at 378h, interrupt 7.  IBM PC/AT Technical
 * Reference, "Printer Adapter"; IEEE 1284 compatibility mode.
 */
#ifndef HYPERVISOR_PARALLEL_H
#define HYPERVISOR_PARALLEL_H

#include "hypervisor/irq.h"

#define PARALLEL_PORT	0x378
#define PARALLEL_IRQ	7

struct char_backend;
struct parallel;
struct ports;

/*
 * Claims three ports from @port.  @backend gets each byte that is strobed; it
 * stands for a printer that is always ready and loses what it cannot take.
 */
int parallel_create(struct parallel **out, struct ports *ports, unsigned port,
		    const struct irq *irq, struct char_backend *backend);

#endif
