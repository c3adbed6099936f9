/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Local APIC: how interrupts are requested, prioritized, sent, taken and ended.
 *
 * The INTR pin of the processor is the OR of a vector that may be delivered
 * now and of the 8259's request where LINT0 lets it through; it is recomputed
 * after every change.
 */
#include "hypervisor/lapic_priv.h"

/*
 * 256-bit registers.
 */

static void bit_set(uint32_t *r, uint8_t vector)
{
	r[vector >> 5] |= 1u << (vector & 31);
}

static void bit_clear(uint32_t *r, uint8_t vector)
{
	r[vector >> 5] &= ~(1u << (vector & 31));
}

/* The highest vector in @r, or -1. */
static int bit_highest(const uint32_t *r)
{
	for (int i = 7; i >= 0; i--)
		if (r[i])
			return i * 32 + 31 - __builtin_clz(r[i]);
	return -1;
}

/*
 * Priorities and the INTR pin, SDM 10.8.3.
 */

uint8_t lapic_priority(const struct lapic *l)
{
	int vector = bit_highest(l->isr);
	uint32_t class = vector < 0 ? 0 : vector & 0xf0;

	return (l->tpr & 0xf0) >= class ? l->tpr : class;
}

/* The vector that may be delivered now, or -1. */
static int deliverable(const struct lapic *l)
{
	int vector = bit_highest(l->irr);

	if (vector < 0 || !lapic_enabled(l) || !(l->svr & SVR_ENABLE))
		return -1;
	if ((vector & 0xf0) <= (lapic_priority(l) & 0xf0))
		return -1;
	return vector;
}

/* With the APIC switched off, LINT0 is the processor's INTR pin. */
static bool pic_passes(const struct lapic *l)
{
	if (!(l->lines & 1))
		return false;
	if (!lapic_enabled(l))
		return true;
	return !(l->lvt[LVT_LINT0] & LVT_MASKED) &&
	       lapic_lvt_delivery(l, LVT_LINT0) == APIC_EXTINT;
}

void lapic_update(struct lapic *l)
{
	irq_set(&l->intr, deliverable(l) >= 0 || pic_passes(l));
}

void lapic_error(struct lapic *l, uint32_t bit)
{
	bool new = !(l->esr_pending & bit);

	l->esr_pending |= bit;
	if (new)
		lapic_lvt_fire(l, LVT_ERROR);
}

static void request(struct lapic *l, uint8_t vector, bool level)
{
	if (vector < 16) {
		lapic_error(l, ESR_RECV_ILLEGAL);
		return;
	}
	if (!(l->svr & SVR_ENABLE))
		return;
	bit_set(l->irr, vector);
	if (level)
		bit_set(l->tmr, vector);
	else
		bit_clear(l->tmr, vector);
	lapic_update(l);
}

static void nmi(struct lapic *l)
{
	irq_pulse(&l->nmi);
}

void lapic_unsupported(struct lapic *l, const char *what)
{
	l->cfg.unsupported(l->cfg.opaque, what);
}

/* The bootstrap processor never waits for a start-up IPI. */
static void startup(struct lapic *l, enum apic_delivery how, uint8_t vector)
{
	if (l->cfg.startup && (l->cfg.id || how == APIC_INIT))
		l->cfg.startup(l->cfg.opaque, l->cfg.id, how, vector);
	else if (how == APIC_INIT)
		lapic_unsupported(l, "local APIC: INIT of the running processor");
}

static void deliver(struct lapic *l, enum apic_delivery how, uint8_t vector,
		    bool level)
{
	switch (how) {
	case APIC_FIXED:
	case APIC_LOWEST:
		request(l, vector, level);
		break;
	case APIC_NMI:
		nmi(l);
		break;
	case APIC_SMI:
		lapic_unsupported(l, "local APIC: SMI");
		break;
	case APIC_INIT:
	case APIC_STARTUP:
		startup(l, how, vector);
		break;
	case APIC_EXTINT:
	case APIC_RESERVED:
		break;
	}
}

void lapic_lvt_fire(struct lapic *l, enum lvt i)
{
	uint32_t e = l->lvt[i];
	bool fixed = i == LVT_TIMER || i == LVT_ERROR;

	if (!(e & LVT_MASKED))
		deliver(l, fixed ? APIC_FIXED : lapic_lvt_delivery(l, i),
			e & LVT_VECTOR, false);
}

void lapic_lint_level(struct lapic *l, enum lvt i)
{
	uint32_t *e = &l->lvt[i];
	bool high = l->lines >> (i - LVT_LINT0) & 1;

	if (high && *e & LVT_LEVEL && !(*e & (LVT_MASKED | LVT_RIRR)) &&
	    lapic_lvt_delivery(l, i) == APIC_FIXED && l->svr & SVR_ENABLE) {
		*e |= LVT_RIRR;
		request(l, *e & LVT_VECTOR, true);
	}
}

void lapic_lint(void *opaque, unsigned input, bool level)
{
	struct lapic *l = opaque;
	enum lvt i = LVT_LINT0 + input;
	bool rise = level && !(l->lines >> input & 1);
	bool by_level = l->lvt[i] & LVT_LEVEL &&
			lapic_lvt_delivery(l, i) == APIC_FIXED;

	l->lines = (l->lines & ~(1u << input)) | level << input;
	if (by_level)
		lapic_lint_level(l, i);
	else if (rise && lapic_enabled(l))
		lapic_lvt_fire(l, i);
	else if (rise && input)
		nmi(l);
	lapic_update(l);
}

/*
 * Destinations, SDM 10.6.2.
 */

static bool addressed(const struct lapic *l, uint8_t dest, bool logical)
{
	uint8_t ldr = l->ldr >> 24;

	if (dest == DEST_ALL)
		return true;
	if (!logical)
		return dest == l->id >> 24;
	if (l->dfr >> 28 == DFR_FLAT)
		return dest & ldr;
	return dest >> 4 == ldr >> 4 && dest & ldr & 15;
}

bool lapic_addressed(const struct lapic *l, const struct apic_msg *m)
{
	return lapic_enabled(l) && addressed(l, m->dest, m->logical);
}

void lapic_take(struct lapic *l, const struct apic_msg *m)
{
	if (lapic_enabled(l))
		deliver(l, m->delivery, m->vector, m->level);
}

bool lapic_receive(struct lapic *l, const struct apic_msg *m)
{
	if (!lapic_addressed(l, m))
		return false;
	lapic_take(l, m);
	return true;
}

bool lapic_requested(const struct lapic *l, uint8_t vector)
{
	return lapic_bit(l->irr, vector);
}

/* With one processor, every other destination is nobody. */
static void ipi_alone(struct lapic *l, const struct apic_msg *m,
		      enum apic_who which)
{
	if (which == APIC_SELF || which == APIC_ALL ||
	    (which == APIC_DEST && lapic_addressed(l, m)))
		lapic_take(l, m);
}

void lapic_send_ipi(struct lapic *l)
{
	enum apic_delivery how = l->icr_low >> 8 & 7;
	enum apic_who which = l->icr_low >> 18 & 3;
	uint8_t vector = l->icr_low;
	struct apic_msg m = {
		.dest = l->icr_high >> 24,
		.logical = l->icr_low & ICR_LOGICAL,
		.vector = vector,
		.delivery = how,
	};

	/* INIT level de-assert only synchronised arbitration IDs. */
	if (how == APIC_INIT && !(l->icr_low & ICR_ASSERT))
		return;
	if (how <= APIC_LOWEST && vector < 16) {
		lapic_error(l, ESR_SEND_ILLEGAL);
		return;
	}
	if (l->cfg.send && which != APIC_SELF)
		l->cfg.send(l->cfg.opaque, &m, which);
	else
		ipi_alone(l, &m, which);
}

/*
 * Acknowledge and EOI.
 */

int lapic_ack(struct lapic *l)
{
	int vector = deliverable(l);

	if (vector < 0)
		return pic_passes(l) ? l->cfg.pic_ack(l->cfg.pic) : -1;
	bit_clear(l->irr, vector);
	bit_set(l->isr, vector);
	if (vector == (int)(l->lvt[LVT_TIMER] & LVT_VECTOR))
		lapic_timer_taken(l);
	lapic_update(l);
	return vector;
}

void lapic_end_of_interrupt(struct lapic *l)
{
	int vector = bit_highest(l->isr);

	if (vector < 0)
		return;
	bit_clear(l->isr, vector);
	if (lapic_bit(l->tmr, vector)) {
		for (enum lvt i = LVT_LINT0; i <= LVT_LINT1; i++)
			if ((int)(l->lvt[i] & LVT_VECTOR) == vector) {
				l->lvt[i] &= ~LVT_RIRR;
				lapic_lint_level(l, i);
			}
		l->cfg.eoi(l->cfg.ioapic, vector);
	}
	lapic_update(l);
}
