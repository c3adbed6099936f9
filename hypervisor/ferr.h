/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x87 exceptions as interrupt 13: the AT's flip-flop between the processor's
 * FERR# and IGNNE# pins, and port F0h.
 *
 * With CR0.NE clear, a processor that meets an unmasked x87 exception pulls
 * FERR# and stands still until it is interrupted.  FERR# raises interrupt 13.
 * The handler writes to port F0h, which lowers the interrupt and, while FERR#
 * is pulled, holds IGNNE#: now waiting instructions run in spite of the
 * exception.  Both end when the processor lets go of FERR#.
 *
 * 82371SB (PIIX3) "Coprocessor Error Register", Intel SDM Vol. 1 appendix D
 * "Guidelines for Writing SIMD and x87 Exception Handlers" (MS-DOS compatible).
 */
#ifndef HYPERVISOR_FERR_H
#define HYPERVISOR_FERR_H

#include "hypervisor/irq.h"

struct ferr;
struct ports;

/* @irq: interrupt 13.  @ignne: the processor's pin. */
int ferr_create(struct ferr **out, struct ports *ports, const struct irq *irq,
		const struct irq *ignne);

/* The processor pulls FERR# (again), or lets go of it.  Lock held. */
void ferr_set(struct ferr *f, bool level);

#endif
