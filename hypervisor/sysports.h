/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Single ports that are a device each: system control port A (92h), the
 * POST code latch (80h) and isa-debug-exit (F4h).
 */
#ifndef HYPERVISOR_SYSPORTS_H
#define HYPERVISOR_SYSPORTS_H

#include "hypervisor/irq.h"

struct char_backend;
struct debug_exit;
struct debugcon;
struct port92;
struct port80;
struct ports;

/*
 * IBM PS/2 Hardware Interface Technical Reference, "System Control Port A".
 * @a20: raised while bit 1 is set.  @reset: pulsed when bit 0 goes high.
 */
int port92_create(struct port92 **out, struct ports *ports,
		  const struct irq *a20, const struct irq *reset);

/* Open the gate, as if the guest had. */
void port92_open_a20(struct port92 *p);

/* A latch: what was written last reads back.  Guests write it to wait. */
int port80_create(struct port80 **out, struct ports *ports);
uint8_t port80_code(const struct port80 *p);

/*
 * A test guest leaves by writing a value: @fn gets it.  The process then
 * ends with (value << 1) | 1.
 */
int debug_exit_create(struct debug_exit **out, struct ports *ports,
		      void (*fn)(void *opaque, uint32_t val), void *opaque);

/*
 * Bochs's and QEMU's debug port: what firmware writes to @port goes to @out,
 * and E9h reads back.  What the backend does not take is lost.
 */
int debugcon_create(struct debugcon **out, struct ports *ports, unsigned port,
		    struct char_backend *backend);

#endif
