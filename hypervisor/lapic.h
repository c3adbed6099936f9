/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Local APIC in xAPIC mode.  Intel SDM Vol. 3A chapter 10.
 */
#ifndef HYPERVISOR_LAPIC_H
#define HYPERVISOR_LAPIC_H

#include "hypervisor/irq.h"

#define LAPIC_DEFAULT_BASE	0xfee00000ULL
#define LAPIC_SIZE		0x1000ULL
/* Input clock of the timer, before the divider. */
#define LAPIC_TIMER_HZ		1000000000ULL

/* Delivery modes, SDM figure 10-8 and 10-12. */
enum apic_delivery {
	APIC_FIXED, APIC_LOWEST, APIC_SMI, APIC_RESERVED, APIC_NMI,
	APIC_INIT, APIC_STARTUP, APIC_EXTINT,
};

/* What travels on the APIC bus. */
struct apic_msg {
	uint8_t dest;
	bool logical;		/* destination mode */
	bool level;		/* level-triggered: its EOI is broadcast */
	uint8_t vector;
	enum apic_delivery delivery;
};

struct clock;
struct lapic;
struct mem;

struct lapic_config {
	unsigned id;
	struct clock *clock;
	struct mem *mem;
	struct irq intr, nmi;	/* wires to the processor's pins */
	/* INTA cycle of the 8259 whose INT pin is on LINT0. */
	int (*pic_ack)(void *opaque);
	void *pic;
	/* EOI of a level-triggered vector, for the I/O APICs. */
	void (*eoi)(void *opaque, uint8_t vector);
	void *ioapic;
	/* Something this machine does not do (INIT, SMI). */
	void (*unsupported)(void *opaque, const char *what);
	void *opaque;
};

int lapic_create(struct lapic **out, const struct lapic_config *cfg);

/* An irq_fn: LINT0 (@input 0), LINT1 (@input 1). */
void lapic_lint(void *opaque, unsigned input, bool level);
/* A message from an I/O APIC.  Returns whether it was for this APIC. */
bool lapic_receive(struct lapic *l, const struct apic_msg *m);
/* Is fixed @vector requested and not yet taken by the processor? */
bool lapic_requested(const struct lapic *l, uint8_t vector);

/* INTA cycle: a vector, or -1 if the request went away. */
int lapic_ack(struct lapic *l);
/* IA32_APIC_BASE.  Write: 0, or -1 for #GP (x2APIC and reserved bits). */
uint64_t lapic_base(const struct lapic *l);
int lapic_set_base(struct lapic *l, uint64_t val);

/* As firmware leaves it: enabled, LINT0 = ExtINT, LINT1 = NMI. */
void lapic_virtual_wire(struct lapic *l);
/* Is an unmasked local interrupt set to NMI delivery? */
bool lapic_nmi_possible(const struct lapic *l);

#endif
