/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 82371SB (PIIX3) PCI-to-ISA bridge.  Intel datasheet, order 290550. */
#ifndef HYPERVISOR_PIIX3_H
#define HYPERVISOR_PIIX3_H

#include "hypervisor/types.h"

#define PIIX3_PIRQS	4
/* Routing of a PIRQ that is not routed. */
#define PIIX3_PIRQ_OFF	0x80

struct pci;
struct piix3;

/* Puts itself at device 1, function 0 of several. */
int piix3_create(struct piix3 **out, struct pci *pci);

/* Route PIRQ @n (0..3) to ISA interrupt @irq, as firmware does. */
void piix3_route(struct piix3 *p, unsigned n, uint8_t irq);

#endif
