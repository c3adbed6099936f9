/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Local APIC in xAPIC mode.  Intel SDM Vol. 3A chapter 10.
 */
#ifndef HYPERVISOR_LAPIC_H
#define HYPERVISOR_LAPIC_H

#include <stdio.h>

#include "hypervisor/irq.h"
#include "hypervisor/irqchip.h"

#define LAPIC_DEFAULT_BASE	0xfee00000ULL
#define LAPIC_SIZE		0x1000ULL
/* Input clock of the timer, before the divider. */
#define LAPIC_TIMER_HZ		1000000000ULL

/* As people call it. */
const char *apic_delivery_name(enum apic_delivery how);

/* What travels on the APIC bus. */
struct apic_msg {
	uint8_t dest;
	bool logical;		/* destination mode */
	bool level;		/* level-triggered: its EOI is broadcast */
	uint8_t vector;
	enum apic_delivery delivery;
};

/* Destination shorthands, SDM 10.6.1. */
enum apic_who { APIC_DEST, APIC_SELF, APIC_ALL, APIC_OTHERS };

struct clock;
struct lapic;
struct mem;

struct lapic_config {
	unsigned id;
	struct clock *clock;
	/*
	 * Where the registers are to appear.  NULL: the owner maps them, at
	 * LAPIC_DEFAULT_BASE and nowhere else (several processors share the
	 * address), and calls lapic_mmio_read() and lapic_mmio_write().
	 */
	struct mem *mem;
	struct irq intr, nmi;	/* wires to the processor's pins */
	/* INTA cycle of the 8259 whose INT pin is on LINT0. */
	int (*pic_ack)(void *opaque);
	void *pic;
	/* EOI of a level-triggered vector, for the I/O APICs. */
	void (*eoi)(void *opaque, uint8_t vector);
	void *ioapic;
	/*
	 * An interprocessor interrupt for others: @m, or for those that
	 * @which says.  NULL: there are none.
	 */
	void (*send)(void *opaque, const struct apic_msg *m,
		     enum apic_who which);
	/* INIT or a start-up IPI for this processor; NULL: not supported. */
	void (*startup)(void *opaque, unsigned id, enum apic_delivery how,
			uint8_t vector);
	/* TPR changed; may be NULL. */
	void (*tpr)(void *opaque, unsigned id, uint8_t tpr);
	/* Something this machine does not do (INIT, SMI). */
	void (*unsupported)(void *opaque, const char *what);
	void *opaque;
};

int lapic_create(struct lapic **out, const struct lapic_config *cfg);

/* An irq_fn: LINT0 (@input 0), LINT1 (@input 1). */
void lapic_lint(void *opaque, unsigned input, bool level);
/* A message from an I/O APIC.  Returns whether it was for this APIC. */
bool lapic_receive(struct lapic *l, const struct apic_msg *m);
/* Would it take @m, as far as the destination goes? */
bool lapic_addressed(const struct lapic *l, const struct apic_msg *m);
/* Take @m whatever its destination. */
void lapic_take(struct lapic *l, const struct apic_msg *m);
/* Processor priority register, for lowest-priority delivery. */
uint8_t lapic_priority(const struct lapic *l);
/* Is fixed @vector requested and not yet taken by the processor? */
bool lapic_requested(const struct lapic *l, uint8_t vector);

/* INTA cycle: a vector, or -1 if the request went away. */
int lapic_ack(struct lapic *l);
/* IA32_APIC_BASE.  Write: 0, or -1 for #GP (x2APIC and reserved bits). */
uint64_t lapic_base(const struct lapic *l);
int lapic_set_base(struct lapic *l, uint64_t val);

/* TPR through CR8. */
void lapic_set_tpr(struct lapic *l, uint8_t tpr);
/* INIT of its processor: all but ID and base address, SDM 10.4.7.3. */
void lapic_init_reset(struct lapic *l);

/* The registers, where the owner maps them. */
uint64_t lapic_mmio_read(struct lapic *l, gpa_t off, unsigned size);
void lapic_mmio_write(struct lapic *l, gpa_t off, unsigned size,
		      uint64_t val);

/* As firmware leaves it: enabled, LINT0 = ExtINT, LINT1 = NMI. */
void lapic_virtual_wire(struct lapic *l);
/* The timer's vector as if it had expired; nothing if it is masked. */
void lapic_timer_fire(struct lapic *l);
/* Is an unmasked local interrupt set to NMI delivery? */
bool lapic_nmi_possible(const struct lapic *l);

/*
 * For an engine with controllers of its own.  get: the registers as they are
 * now; the timer here stops.  put: go on with @in, the timer from its current
 * count; @base is IA32_APIC_BASE.
 */
void lapic_get(struct lapic *l, struct irqchip_lapic *out);
void lapic_put(struct lapic *l, const struct irqchip_lapic *in,
	       uint64_t base);

/* For "info pic". */
void lapic_print(const struct lapic *l, FILE *out);

#endif
