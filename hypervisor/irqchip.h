/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interrupt controllers' state in a form that is neither the devices' nor
 * KVM's: what an engine with controllers of its own takes over from ours while
 * it runs, and gives back.  Registers have their datasheet layout.
 */
#ifndef HYPERVISOR_IRQCHIP_H
#define HYPERVISOR_IRQCHIP_H

#include "hypervisor/types.h"

#define IRQCHIP_CPUS	15
#define IRQCHIP_PINS	24
/* Registers of the local APIC, one every 16 bytes. */
#define IRQCHIP_LAPIC_REGS	64

/* Delivery modes, SDM figure 10-8 and 10-12. */
enum apic_delivery {
	APIC_FIXED, APIC_LOWEST, APIC_SMI, APIC_RESERVED, APIC_NMI,
	APIC_INIT, APIC_STARTUP, APIC_EXTINT,
};

/* Redirection table entry, datasheet 3.2.4. */
#define IOAPIC_VECTOR	0xffULL
#define IOAPIC_LOGICAL	(1ULL << 11)
#define IOAPIC_RIRR	(1ULL << 14)
#define IOAPIC_LEVEL	(1ULL << 15)
#define IOAPIC_MASKED	(1ULL << 16)

/* The local APIC's registers: offsets / 10h, SDM Vol. 3A table 10-1. */
enum {
	LAPIC_R_ID = 0x02, LAPIC_R_VERSION = 0x03, LAPIC_R_TPR = 0x08,
	LAPIC_R_APR = 0x09, LAPIC_R_PPR = 0x0a, LAPIC_R_EOI = 0x0b,
	LAPIC_R_LDR = 0x0d, LAPIC_R_DFR = 0x0e, LAPIC_R_SVR = 0x0f,
	LAPIC_R_ISR = 0x10, LAPIC_R_TMR = 0x18, LAPIC_R_IRR = 0x20,
	LAPIC_R_ESR = 0x28, LAPIC_R_ICR_LOW = 0x30, LAPIC_R_ICR_HIGH = 0x31,
	LAPIC_R_LVT = 0x32, LAPIC_R_INITIAL = 0x38, LAPIC_R_CURRENT = 0x39,
	LAPIC_R_DIVIDE = 0x3e,
};

/* Its local vector table, from LAPIC_R_LVT on. */
enum lvt { LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR,
	   LVT_COUNT };

struct irqchip_pic {
	uint8_t lines, irr, imr, isr, elcr;
	uint8_t base;		/* ICW2 */
	uint8_t top;		/* input of highest priority */
	uint8_t init;		/* ICW that is expected: 0, 2, 3, 4 */
	uint8_t icw4_wanted;	/* ICW1 bit 0 */
	uint8_t auto_eoi, rotate_auto_eoi, special_nested;
	uint8_t special_mask, read_isr, poll;
};

struct irqchip_ioapic {
	uint64_t redir[IRQCHIP_PINS];
	uint32_t lines;
	uint32_t id;		/* bits 3..0 */
	uint8_t index;
};

struct irqchip_lapic {
	uint32_t reg[IRQCHIP_LAPIC_REGS];
};

/*
 * One channel of the 8254.  @elapsed: input clocks since the count was loaded;
 * in periodic modes of channel 0 since the last edge that was delivered, so n
 * or more of them are ticks that the guest is owed.
 */
struct irqchip_pit_channel {
	uint32_t count;		/* in effect, 1 .. 65536 */
	uint64_t elapsed;
	uint8_t mode, rw, bcd, gate;	/* rw: as in the control word */
	uint8_t programmed;	/* by a control word since the reset */
	uint8_t armed;		/* by a count since then */
	uint8_t fired;		/* modes 0 and 4: the edge was delivered */
	uint8_t read_msb, write_msb, write_low;
	uint8_t latched;	/* bytes still to be read: 0, 1, 2 */
	uint8_t status_latched, status;
	uint16_t latch;
};

struct irqchip_pit {
	struct irqchip_pit_channel ch[3];
	uint8_t speaker;	/* port 61h bit 1; bit 0 is ch[2].gate */
	uint8_t replaced;	/* the HPET has channel 0's interrupt */
};

struct irqchip_state {
	struct irqchip_pic pic[2];
	struct irqchip_ioapic ioapic;
	unsigned ncpus;
	struct irqchip_lapic lapic[IRQCHIP_CPUS];
	bool has_pit;		/* the timer changes hands as well */
	struct irqchip_pit pit;
};

struct engine;

/*
 * Controllers inside an engine.  While they are in charge, ours are asleep:
 * lines go to line(), and the guest does not reach ours.
 */
struct engine_irqchip {
	/* Does this engine have them (an option, a host's ability)? */
	bool (*present)(struct engine *e);
	/* Input of the 8259 pair, and pin of the I/O APIC (0: pin 2).  Any
	 * thread. */
	void (*line)(struct engine *e, unsigned input, bool level);
	/*
	 * The pair and the I/O APIC; the local APIC of this engine's
	 * processor.  No vCPU runs.  0 or a negative errno.
	 */
	int (*get)(struct engine *e, struct irqchip_state *s);
	int (*set)(struct engine *e, const struct irqchip_state *s);
	int (*get_lapic)(struct engine *e, struct irqchip_lapic *l);
	int (*set_lapic)(struct engine *e, const struct irqchip_lapic *l);
	/*
	 * Can they send an NMI to this processor (or INIT or SMI) without any
	 * processor's doing?  No vCPU runs; changes nothing.
	 */
	bool (*nmi_possible)(struct engine *e);
	/*
	 * The 8254 and port 61h, if pit_present().  It counts from set_pit() on
	 * and raises line 0; get_pit() stops that.  As get() and set().
	 */
	bool (*pit_present)(struct engine *e);
	int (*get_pit)(struct engine *e, struct irqchip_pit *p);
	int (*set_pit)(struct engine *e, const struct irqchip_pit *p);
};

#endif
