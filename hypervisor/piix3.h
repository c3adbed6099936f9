/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 82371SB (PIIX3) PCI-to-ISA bridge.  Intel datasheet, order 290550. */
#ifndef HYPERVISOR_PIIX3_H
#define HYPERVISOR_PIIX3_H

#include "hypervisor/irq.h"

#define PIIX3_PIRQS	4
/* Routing of a PIRQ that is not routed. */
#define PIIX3_PIRQ_OFF	0x80
#define PIIX3_IRQS	16

struct pci;
struct piix3;

/*
 * Puts itself at device 1, function 0 of several.
 * @isa: wires to the ISA interrupt lines; those that no PCI interrupt can be
 * routed to (0, 1, 2, 8, 13) stay low.
 */
int piix3_create(struct piix3 **out, struct pci *pci,
		 const struct irq isa[PIIX3_IRQS]);

/* Level of PIRQ @n (0..3): reaches the line that it is routed to. */
void piix3_pirq(struct piix3 *p, unsigned n, bool level);

/* Route PIRQ @n (0..3) to ISA interrupt @irq, as firmware does. */
void piix3_route(struct piix3 *p, unsigned n, uint8_t irq);

#endif
