/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Local APIC.
 *
 * The INTR pin of the processor is the OR of a vector that may be delivered
 * now and of the 8259's request where LINT0 lets it through; it is recomputed
 * after every change.  The timer's current count is derived from guest time.
 */
#include "hypervisor/lapic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/clock.h"
#include "hypervisor/device.h"
#include "hypervisor/irqchip.h"
#include "hypervisor/mem.h"

/* Register offsets / 10h, SDM table 10-1. */
enum {
	R_ID = 0x02, R_VERSION = 0x03, R_TPR = 0x08, R_APR = 0x09,
	R_PPR = 0x0a, R_EOI = 0x0b, R_LDR = 0x0d, R_DFR = 0x0e, R_SVR = 0x0f,
	R_ISR = 0x10, R_TMR = 0x18, R_IRR = 0x20, R_ESR = 0x28,
	R_ICR_LOW = 0x30, R_ICR_HIGH = 0x31, R_LVT = 0x32,
	R_INITIAL = 0x38, R_CURRENT = 0x39, R_DIVIDE = 0x3e,
};

enum lvt { LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR,
	   LVT_COUNT };

/* Integrated APIC, LVT_COUNT entries, no EOI suppression. */
#define VERSION		(0x14 | (LVT_COUNT - 1) << 16)

#define BASE_BSP	(1ULL << 8)
#define BASE_X2APIC	(1ULL << 10)
#define BASE_ENABLE	(1ULL << 11)
#define BASE_ADDR	0xffffff000ULL	/* 36 physical address bits */
#define SVR_ENABLE	0x100
#define SVR_KEPT	0x3ff		/* with focus checking, bit 9 */
#define DFR_FIXED	0x0fffffff	/* low bits read as ones */
#define DFR_FLAT	0xf
#define LVT_VECTOR	0xff
#define LVT_MASKED	0x10000
#define LVT_PERIODIC	0x20000
#define LVT_LEVEL	0x8000
#define LVT_RIRR	0x4000
#define ICR_LOGICAL	0x800
#define ICR_ASSERT	0x4000
#define ICR_LEVEL	0x8000
#define ICR_KEPT	0xcdfff		/* without delivery status */
#define ESR_SEND_ILLEGAL	0x20
#define ESR_RECV_ILLEGAL	0x40
#define ESR_BAD_REGISTER	0x80
#define DEST_ALL	0xff


/* Periods that a late guest still gets. */
#define OWED_MAX	1000
/* A periodic timer shorter than this would only starve the host. */
#define PERIOD_MIN_NS	10000ULL

struct lapic {
	struct device dev;
	struct lapic_config cfg;
	struct irq intr, nmi;
	struct timer timer;
	uint64_t base;			/* IA32_APIC_BASE */
	gpa_t mapped;			/* where the registers are; 0: nowhere */
	/* Guest ns of the timer's start; modulo 2^64, may lie before 0. */
	uint64_t started;
	uint64_t periods;		/* delivered since then */
	uint32_t irr[8], isr[8], tmr[8];
	uint32_t lvt[LVT_COUNT];
	uint32_t id, tpr, ldr, dfr, svr, esr, esr_pending;
	uint32_t icr_low, icr_high;
	uint32_t initial, divide;
	uint8_t running;		/* the timer counts */
	uint8_t lines;			/* levels of LINT0 and LINT1 */
};

/* Which LVT bits exist, SDM figure 10-8. */
static const uint32_t lvt_writable[LVT_COUNT] = {
	[LVT_TIMER] = 0x300ff,
	[LVT_THERMAL] = 0x107ff,
	[LVT_PERF] = 0x107ff,
	[LVT_LINT0] = 0x1a7ff,
	[LVT_LINT1] = 0x1a7ff,
	[LVT_ERROR] = 0x100ff,
};

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

static bool bit_test(const uint32_t *r, uint8_t vector)
{
	return r[vector >> 5] >> (vector & 31) & 1;
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

static bool enabled(const struct lapic *l)
{
	return l->base & BASE_ENABLE;
}

static uint32_t processor_priority(const struct lapic *l)
{
	int vector = bit_highest(l->isr);
	uint32_t class = vector < 0 ? 0 : vector & 0xf0;

	return (l->tpr & 0xf0) >= class ? l->tpr : class;
}

/* The vector that may be delivered now, or -1. */
static int deliverable(const struct lapic *l)
{
	int vector = bit_highest(l->irr);

	if (vector < 0 || !enabled(l) || !(l->svr & SVR_ENABLE))
		return -1;
	if ((uint32_t)(vector & 0xf0) <= (processor_priority(l) & 0xf0))
		return -1;
	return vector;
}

static enum apic_delivery lvt_delivery(const struct lapic *l, enum lvt i)
{
	return l->lvt[i] >> 8 & 7;
}

/* With the APIC switched off, LINT0 is the processor's INTR pin. */
static bool pic_passes(const struct lapic *l)
{
	if (!(l->lines & 1))
		return false;
	if (!enabled(l))
		return true;
	return !(l->lvt[LVT_LINT0] & LVT_MASKED) &&
	       lvt_delivery(l, LVT_LINT0) == APIC_EXTINT;
}

static void update(struct lapic *l)
{
	irq_set(&l->intr, deliverable(l) >= 0 || pic_passes(l));
}

static void lvt_fire(struct lapic *l, enum lvt i);

static void error(struct lapic *l, uint32_t bit)
{
	bool new = !(l->esr_pending & bit);

	l->esr_pending |= bit;
	if (new)
		lvt_fire(l, LVT_ERROR);
}

static void request(struct lapic *l, uint8_t vector, bool level)
{
	if (vector < 16) {
		error(l, ESR_RECV_ILLEGAL);
		return;
	}
	if (!(l->svr & SVR_ENABLE))
		return;
	bit_set(l->irr, vector);
	if (level)
		bit_set(l->tmr, vector);
	else
		bit_clear(l->tmr, vector);
	update(l);
}

static void nmi(struct lapic *l)
{
	irq_pulse(&l->nmi);
}

static void unsupported(struct lapic *l, const char *what)
{
	l->cfg.unsupported(l->cfg.opaque, what);
}

/* The bootstrap processor never waits for a start-up IPI. */
static void startup(struct lapic *l, enum apic_delivery how, uint8_t vector)
{
	if (l->cfg.startup && (l->cfg.id || how == APIC_INIT))
		l->cfg.startup(l->cfg.opaque, l->cfg.id, how, vector);
	else if (how == APIC_INIT)
		unsupported(l, "local APIC: INIT of the running processor");
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
		unsupported(l, "local APIC: SMI");
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

/* A local interrupt source fired. */
static void lvt_fire(struct lapic *l, enum lvt i)
{
	uint32_t e = l->lvt[i];
	bool fixed = i == LVT_TIMER || i == LVT_ERROR;

	if (!(e & LVT_MASKED))
		deliver(l, fixed ? APIC_FIXED : lvt_delivery(l, i),
			e & LVT_VECTOR, false);
}

/* A level-triggered LINT pin in fixed mode asks again after each EOI. */
static void lint_level(struct lapic *l, enum lvt i)
{
	uint32_t *e = &l->lvt[i];
	bool high = l->lines >> (i - LVT_LINT0) & 1;

	if (high && *e & LVT_LEVEL && !(*e & (LVT_MASKED | LVT_RIRR)) &&
	    lvt_delivery(l, i) == APIC_FIXED && l->svr & SVR_ENABLE) {
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
			lvt_delivery(l, i) == APIC_FIXED;

	l->lines = (l->lines & ~(1u << input)) | level << input;
	if (by_level)
		lint_level(l, i);
	else if (rise && enabled(l))
		lvt_fire(l, i);
	else if (rise && input)
		nmi(l);
	update(l);
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
	return enabled(l) && addressed(l, m->dest, m->logical);
}

void lapic_take(struct lapic *l, const struct apic_msg *m)
{
	if (enabled(l))
		deliver(l, m->delivery, m->vector, m->level);
}

bool lapic_receive(struct lapic *l, const struct apic_msg *m)
{
	if (!lapic_addressed(l, m))
		return false;
	lapic_take(l, m);
	return true;
}

uint8_t lapic_priority(const struct lapic *l)
{
	return processor_priority(l);
}

bool lapic_requested(const struct lapic *l, uint8_t vector)
{
	return bit_test(l->irr, vector);
}

/* With one processor, every other destination is nobody. */
static void ipi_alone(struct lapic *l, const struct apic_msg *m,
		      enum apic_who which)
{
	if (which == APIC_SELF || which == APIC_ALL ||
	    (which == APIC_DEST && lapic_addressed(l, m)))
		lapic_take(l, m);
}

static void send_ipi(struct lapic *l)
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
		error(l, ESR_SEND_ILLEGAL);
		return;
	}
	if (l->cfg.send && which != APIC_SELF)
		l->cfg.send(l->cfg.opaque, &m, which);
	else
		ipi_alone(l, &m, which);
}

/*
 * Timer, SDM 10.5.4.
 */

/* ns per count. */
static uint64_t divisor(const struct lapic *l)
{
	unsigned code = (l->divide & 3) | (l->divide >> 1 & 4);

	return code == 7 ? 1 : 2ULL << code;
}

static uint64_t timer_period(const struct lapic *l)
{
	return muldiv64((uint64_t)l->initial * divisor(l), NS_PER_SEC,
			LAPIC_TIMER_HZ);
}

static bool timer_periodic(const struct lapic *l)
{
	return l->lvt[LVT_TIMER] & LVT_PERIODIC;
}

static uint64_t periods_due(const struct lapic *l)
{
	uint64_t period = timer_period(l);
	uint64_t ns = clock_now(l->cfg.clock) - l->started;

	if (!l->running)
		return 0;
	return timer_periodic(l) ? ns / period : ns >= period;
}

static uint32_t current_count(const struct lapic *l)
{
	uint64_t counts;

	if (!l->running)
		return 0;
	counts = muldiv64(clock_now(l->cfg.clock) - l->started,
			  LAPIC_TIMER_HZ, NS_PER_SEC) / divisor(l);
	if (timer_periodic(l))
		return l->initial - counts % l->initial;
	return counts < l->initial ? l->initial - counts : 0;
}

static void timer_schedule(struct lapic *l)
{
	uint64_t now, when;

	if (!l->running || l->lvt[LVT_TIMER] & LVT_MASKED) {
		timer_cancel(&l->timer);
		return;
	}
	now = clock_now(l->cfg.clock);
	when = l->started + (l->periods + 1) * timer_period(l);
	if (l->periods && when < now + PERIOD_MIN_NS)
		when = now + PERIOD_MIN_NS;
	timer_set(&l->timer, when);
}

/*
 * Give the guest a period that is due, if it took the one before; what is
 * still owed follows when it takes this one (lapic_ack).
 */
static void timer_pay_period(struct lapic *l)
{
	uint64_t due = periods_due(l);

	if (due <= l->periods || bit_test(l->irr, l->lvt[LVT_TIMER]))
		return;
	if (due - l->periods > OWED_MAX)
		l->periods = due - OWED_MAX;
	l->periods++;
	lvt_fire(l, LVT_TIMER);
}

static void timer_expired(void *opaque)
{
	struct lapic *l = opaque;

	if (timer_periodic(l)) {
		timer_pay_period(l);
		if (periods_due(l) > l->periods)
			return;		/* lapic_ack() goes on */
	} else if (periods_due(l)) {
		l->running = 0;
		lvt_fire(l, LVT_TIMER);
	}
	timer_schedule(l);
}

static void timer_start(struct lapic *l, uint32_t initial)
{
	l->initial = initial;
	l->running = initial != 0;
	l->started = clock_now(l->cfg.clock);
	l->periods = 0;
	timer_schedule(l);
}

/*
 * A new divider, mode or mask: go on from the current count.  What expired
 * while it was masked is lost.
 */
static void timer_change(struct lapic *l, uint32_t *reg, uint32_t val)
{
	uint64_t count = current_count(l);
	uint64_t done = l->initial - count;

	if (!count)
		l->running = 0;
	*reg = val;
	l->started = clock_now(l->cfg.clock) - done * divisor(l);
	l->periods = 0;
	timer_schedule(l);
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
	if (vector == (int)(l->lvt[LVT_TIMER] & LVT_VECTOR) &&
	    timer_periodic(l) && !timer_armed(&l->timer)) {
		timer_pay_period(l);
		timer_schedule(l);
	}
	update(l);
	return vector;
}

static void end_of_interrupt(struct lapic *l)
{
	int vector = bit_highest(l->isr);

	if (vector < 0)
		return;
	bit_clear(l->isr, vector);
	if (bit_test(l->tmr, vector)) {
		for (enum lvt i = LVT_LINT0; i <= LVT_LINT1; i++)
			if ((int)(l->lvt[i] & LVT_VECTOR) == vector) {
				l->lvt[i] &= ~LVT_RIRR;
				lint_level(l, i);
			}
		l->cfg.eoi(l->cfg.ioapic, vector);
	}
	update(l);
}

/*
 * Registers.
 */

static void write_svr(struct lapic *l, uint32_t val)
{
	l->svr = val & SVR_KEPT;
	if (!(val & SVR_ENABLE))
		for (int i = 0; i < LVT_COUNT; i++)
			l->lvt[i] |= LVT_MASKED;
	timer_schedule(l);
}

/* While the APIC is disabled by software, the mask bits stay set. */
static void write_lvt(struct lapic *l, enum lvt i, uint32_t val)
{
	val = (val & lvt_writable[i]) | (l->lvt[i] & LVT_RIRR);
	if (!(l->svr & SVR_ENABLE))
		val |= LVT_MASKED;
	if (i == LVT_TIMER) {
		timer_change(l, &l->lvt[i], val);
		return;
	}
	l->lvt[i] = val;
	if (i == LVT_LINT0 || i == LVT_LINT1)
		lint_level(l, i);
}

static uint32_t read_reg(struct lapic *l, unsigned reg)
{
	switch (reg) {
	case R_ID:
		return l->id;
	case R_VERSION:
		return VERSION;
	case R_TPR:
		return l->tpr;
	case R_PPR:
		return processor_priority(l);
	case R_APR:
	case R_EOI:
		return 0;
	case R_LDR:
		return l->ldr;
	case R_DFR:
		return l->dfr;
	case R_SVR:
		return l->svr;
	case R_ESR:
		return l->esr;
	case R_ICR_LOW:
		return l->icr_low;
	case R_ICR_HIGH:
		return l->icr_high;
	case R_INITIAL:
		return l->initial;
	case R_CURRENT:
		return current_count(l);
	case R_DIVIDE:
		return l->divide;
	case R_ISR ... R_ISR + 7:
		return l->isr[reg - R_ISR];
	case R_TMR ... R_TMR + 7:
		return l->tmr[reg - R_TMR];
	case R_IRR ... R_IRR + 7:
		return l->irr[reg - R_IRR];
	case R_LVT ... R_LVT + LVT_COUNT - 1:
		return l->lvt[reg - R_LVT];
	default:
		error(l, ESR_BAD_REGISTER);
		return 0;
	}
}

static void set_tpr(struct lapic *l, uint8_t tpr)
{
	l->tpr = tpr;
	if (l->cfg.tpr)
		l->cfg.tpr(l->cfg.opaque, l->cfg.id, tpr);
}

void lapic_set_tpr(struct lapic *l, uint8_t tpr)
{
	set_tpr(l, tpr);
	update(l);
}

static void write_reg(struct lapic *l, unsigned reg, uint32_t val)
{
	switch (reg) {
	case R_ID:
		l->id = val & 0xff000000;
		break;
	case R_TPR:
		set_tpr(l, val);
		break;
	case R_EOI:
		end_of_interrupt(l);
		return;
	case R_LDR:
		l->ldr = val & 0xff000000;
		break;
	case R_DFR:
		l->dfr = val | DFR_FIXED;
		break;
	case R_SVR:
		write_svr(l, val);
		break;
	case R_ESR:
		l->esr = l->esr_pending;
		l->esr_pending = 0;
		break;
	case R_ICR_LOW:
		l->icr_low = val & ICR_KEPT;
		send_ipi(l);
		break;
	case R_ICR_HIGH:
		l->icr_high = val & 0xff000000;
		break;
	case R_INITIAL:
		timer_start(l, val);
		break;
	case R_DIVIDE:
		timer_change(l, &l->divide, val & 0xb);
		break;
	case R_LVT ... R_LVT + LVT_COUNT - 1:
		write_lvt(l, reg - R_LVT, val);
		break;
	case R_VERSION: case R_APR: case R_PPR: case R_CURRENT:
	case R_ISR ... R_IRR + 7:
		return;		/* read-only */
	default:
		error(l, ESR_BAD_REGISTER);
		return;
	}
	update(l);
}

/*
 * Registers are 32 bits wide on 16-byte boundaries; narrower and wider
 * accesses are undefined (SDM 10.4.1): reads give the bytes, writes nothing.
 */
uint64_t lapic_mmio_read(struct lapic *l, gpa_t off, unsigned size)
{
	unsigned byte = off & 15;

	if (byte + size > 4)
		return 0;
	return read_reg(l, off >> 4) >> byte * 8;
}

void lapic_mmio_write(struct lapic *l, gpa_t off, unsigned size, uint64_t val)
{
	if (!(off & 15) && size == 4)
		write_reg(l, off >> 4, val);
}

static uint64_t mmio_read(void *opaque, gpa_t off, unsigned size)
{
	return lapic_mmio_read(opaque, off, size);
}

static void mmio_write(void *opaque, gpa_t off, unsigned size, uint64_t val)
{
	lapic_mmio_write(opaque, off, size, val);
}

static const struct mmio_ops mmio_ops = { mmio_read, mmio_write };

void lapic_timer_fire(struct lapic *l)
{
	if (!enabled(l))
		return;
	lvt_fire(l, LVT_TIMER);
	update(l);
}

/*
 * IA32_APIC_BASE, SDM 10.4.4.
 */

uint64_t lapic_base(const struct lapic *l)
{
	return l->base;
}

/* Put the registers where @base says. */
static void remap(struct lapic *l, uint64_t base)
{
	gpa_t want = base & BASE_ENABLE ? base & BASE_ADDR : 0;

	if (!l->cfg.mem) {
		if (want && want != LAPIC_DEFAULT_BASE)
			unsupported(l, "local APIC of one of several "
				    "processors moved");
		return;
	}
	if (want == l->mapped)
		return;
	if (l->mapped)
		mem_del_mmio(l->cfg.mem, l->mapped);
	l->mapped = 0;
	if (!want)
		return;
	if (mem_backed(l->cfg.mem, want) ||
	    mem_add_mmio(l->cfg.mem, want, LAPIC_SIZE, &mmio_ops, l, "lapic"))
		unsupported(l, "local APIC moved onto RAM or another device");
	else
		l->mapped = want;
}

/* Off and on again is a reset, SDM 10.4.7.1; the registers start anew. */
static void clear(struct lapic *l)
{
	memset(l->irr, 0, sizeof(l->irr));
	memset(l->isr, 0, sizeof(l->isr));
	memset(l->tmr, 0, sizeof(l->tmr));
	for (int i = 0; i < LVT_COUNT; i++)
		l->lvt[i] = LVT_MASKED;
	l->id = l->cfg.id << 24;
	l->ldr = l->esr = l->esr_pending = 0;
	set_tpr(l, 0);
	l->dfr = 0xffffffff;
	l->svr = 0xff;
	l->icr_low = l->icr_high = 0;
	l->initial = l->divide = l->running = 0;
	timer_cancel(&l->timer);
}

void lapic_init_reset(struct lapic *l)
{
	uint32_t id = l->id;

	clear(l);
	l->id = id;
	update(l);
}

int lapic_set_base(struct lapic *l, uint64_t val)
{
	if (val & (BASE_X2APIC | ~(BASE_ADDR | BASE_BSP | BASE_ENABLE)))
		return -1;
	remap(l, val);
	l->base = val;
	if (!enabled(l))
		clear(l);
	update(l);
	return 0;
}

void lapic_virtual_wire(struct lapic *l)
{
	write_svr(l, SVR_ENABLE | 0xff);
	l->lvt[LVT_LINT0] = APIC_EXTINT << 8;
	l->lvt[LVT_LINT1] = APIC_NMI << 8;
	update(l);
}

/*
 * LINT1 is not wired, so an NMI can come only from the watchdog's path: LINT0
 * (the timer through the 8259) or a performance counter, which we have none.
 */
bool lapic_nmi_possible(const struct lapic *l)
{
	return enabled(l) && !(l->lvt[LVT_LINT0] & LVT_MASKED) &&
	       lvt_delivery(l, LVT_LINT0) == APIC_NMI;
}

void lapic_get(struct lapic *l, struct irqchip_lapic *out)
{
	static const struct { uint8_t first, n; } ranges[] = {
		{ R_ID, 2 }, { R_TPR, 1 }, { R_LDR, 3 }, { R_ISR, 24 },
		{ R_ICR_LOW, 2 }, { R_LVT, LVT_COUNT }, { R_INITIAL, 2 },
		{ R_DIVIDE, 1 },
	};

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++)
		for (unsigned k = 0; k < ranges[i].n; k++)
			out->reg[ranges[i].first + k] =
				read_reg(l, ranges[i].first + k);
	out->reg[R_ESR] = l->esr;
	timer_cancel(&l->timer);
}

static void put_timer(struct lapic *l, const struct irqchip_lapic *in)
{
	uint32_t count = in->reg[R_CURRENT];

	l->divide = in->reg[R_DIVIDE] & 0xb;
	l->initial = in->reg[R_INITIAL];
	l->running = l->initial && count && count <= l->initial;
	l->started = clock_now(l->cfg.clock) -
		     (uint64_t)(l->initial - count) * divisor(l);
	l->periods = 0;
}

void lapic_put(struct lapic *l, const struct irqchip_lapic *in,
	       uint64_t base)
{
	remap(l, base);
	l->base = base;
	l->id = in->reg[R_ID];
	l->ldr = in->reg[R_LDR];
	l->dfr = in->reg[R_DFR] | DFR_FIXED;
	l->svr = in->reg[R_SVR] & SVR_KEPT;
	l->esr = in->reg[R_ESR];
	l->icr_low = in->reg[R_ICR_LOW] & ICR_KEPT;
	l->icr_high = in->reg[R_ICR_HIGH];
	memcpy(l->isr, &in->reg[R_ISR], sizeof(l->isr));
	memcpy(l->tmr, &in->reg[R_TMR], sizeof(l->tmr));
	memcpy(l->irr, &in->reg[R_IRR], sizeof(l->irr));
	for (int i = 0; i < LVT_COUNT; i++)
		l->lvt[i] = in->reg[R_LVT + i] &
			    (lvt_writable[i] | LVT_RIRR);
	put_timer(l, in);
	set_tpr(l, in->reg[R_TPR]);
	timer_schedule(l);
	update(l);
}

static void reset(struct device *d)
{
	struct lapic *l = (struct lapic *)d;
	uint64_t base = LAPIC_DEFAULT_BASE | BASE_ENABLE |
			(l->cfg.id ? 0 : BASE_BSP);

	clear(l);
	remap(l, base);
	l->base = base;
	update(l);
}

static int loaded(struct device *d)
{
	struct lapic *l = (struct lapic *)d;
	uint64_t base = l->base;

	if (base & (BASE_X2APIC | ~(BASE_ADDR | BASE_BSP | BASE_ENABLE)) ||
	    (l->running && !l->initial))
		return -EINVAL;
	remap(l, base);
	set_tpr(l, l->tpr);
	/* The processor's pin is nobody's saved state but ours. */
	update(l);
	return 0;
}

static void destroy(struct device *d)
{
	struct lapic *l = (struct lapic *)d;

	timer_cancel(&l->timer);
	remap(l, 0);
	free(l);
}

static const struct field fields[] = {
	FIELD_TIMER(struct lapic, timer, 1),
	FIELD(struct lapic, base, 1),
	FIELD(struct lapic, started, 1),
	FIELD(struct lapic, periods, 1),
	FIELD(struct lapic, irr, 1),
	FIELD(struct lapic, isr, 1),
	FIELD(struct lapic, tmr, 1),
	FIELD(struct lapic, lvt, 1),
	FIELD(struct lapic, id, 1),
	FIELD(struct lapic, tpr, 1),
	FIELD(struct lapic, ldr, 1),
	FIELD(struct lapic, dfr, 1),
	FIELD(struct lapic, svr, 1),
	FIELD(struct lapic, esr, 1),
	FIELD(struct lapic, esr_pending, 1),
	FIELD(struct lapic, icr_low, 1),
	FIELD(struct lapic, icr_high, 1),
	FIELD(struct lapic, initial, 1),
	FIELD(struct lapic, divide, 1),
	FIELD(struct lapic, running, 1),
	FIELD(struct lapic, lines, 1),
};

static const struct device_class lapic_class = {
	"lapic", 1, fields, ARRAY_SIZE(fields), reset, loaded, destroy,
};

int lapic_create(struct lapic **out, const struct lapic_config *cfg)
{
	struct lapic *l = calloc(1, sizeof(*l));

	*out = l;
	if (!l)
		return -ENOMEM;
	l->dev.class = &lapic_class;
	l->cfg = *cfg;
	l->intr = cfg->intr;
	l->nmi = cfg->nmi;
	timer_init(&l->timer, cfg->clock, timer_expired, l);
	reset(&l->dev);
	return 0;
}
