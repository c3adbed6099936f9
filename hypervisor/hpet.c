/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HPET.  The counter is derived from guest time; each enabled comparator has a
 * host timer for its next match.  Section numbers are the specification's.
 *
 * Matches of a periodic timer that come late are paid once: who counts time
 * with it reads the main counter.
 */
#include "hypervisor/hpet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/clock.h"
#include "hypervisor/device.h"
#include "hypervisor/mem.h"

#define TICK_NS		10
#define TICK_FS		10000000ULL	/* 2.3.4: at most 100 ns */
#define CAPABILITIES	(TICK_FS << 32 | HPET_ID)

#define REG_CAP		0x000
#define REG_CONFIG	0x010
#define REG_STATUS	0x020
#define REG_COUNTER	0x0f0
#define REG_TIMERS	0x100	/* 20h for each: configuration, comparator */

#define CONFIG_ENABLE	0x1
#define CONFIG_LEGACY	0x2

#define TN_LEVEL	0x0002
#define TN_INT_ENABLE	0x0004
#define TN_PERIODIC	0x0008
#define TN_PERIODIC_CAP	0x0010
#define TN_64_CAP	0x0020
#define TN_SET		0x0040
#define TN_32		0x0100
#define TN_ROUTE	9	/* 5 bits */
#define TN_WRITABLE	0x3f4e
#define TN_FIXED	((uint64_t)HPET_ROUTES << 32 | TN_64_CAP | \
			 TN_PERIODIC_CAP)

struct comparator {
	uint64_t config, match, period;
	uint8_t level;		/* of the line it is routed to, as it drives it */
	uint8_t line;		/* which one: see line_of() */
};

struct hpet {
	struct device dev;
	struct hpet_config cfg;
	struct irq irq0, irq8;
	struct comparator tn[HPET_TIMERS];
	struct timer timer[HPET_TIMERS];
	struct { struct hpet *hpet; unsigned n; } arg[HPET_TIMERS];
	uint64_t config, status;
	/* Counter: while enabled relative to guest time, else its value. */
	uint64_t base;
};

enum { LINE_NONE, LINE_IRQ0, LINE_IRQ8 };	/* else a pin's number */

static bool enabled(const struct hpet *h)
{
	return h->config & CONFIG_ENABLE;
}

static uint64_t ticks_now(const struct hpet *h)
{
	return clock_now(h->cfg.clock) / TICK_NS;
}

static uint64_t counter(const struct hpet *h)
{
	return enabled(h) ? ticks_now(h) + h->base : h->base;
}

static uint64_t mask_of(const struct comparator *c)
{
	return c->config & TN_32 ? 0xffffffff : ~0ULL;
}

/*
 * Lines.
 */

static uint8_t line_of(const struct hpet *h, unsigned n)
{
	unsigned pin = h->tn[n].config >> TN_ROUTE & 31;

	if (!(h->tn[n].config & TN_INT_ENABLE))
		return LINE_NONE;
	if (h->config & CONFIG_LEGACY && n < 2)
		return n ? LINE_IRQ8 : LINE_IRQ0;
	return HPET_ROUTES >> pin & 1 ? pin : LINE_NONE;
}

static void drive(struct hpet *h, unsigned line, bool level)
{
	if (line == LINE_IRQ0)
		irq_set(&h->irq0, level);
	else if (line == LINE_IRQ8)
		irq_set(&h->irq8, level);
	else if (line != LINE_NONE)
		h->cfg.route(h->cfg.opaque, line, level);
}

/* The timer's line now stands at @level, wherever it leads by now. */
static void set_line(struct hpet *h, unsigned n, bool level)
{
	struct comparator *c = &h->tn[n];
	uint8_t line = line_of(h, n);

	if (c->level && (c->line != line || !level)) {
		drive(h, c->line, false);
		c->level = false;
	}
	c->line = line;
	if (level && !c->level) {
		drive(h, line, true);
		c->level = line != LINE_NONE;
	}
}

static void fire(struct hpet *h, unsigned n)
{
	if (h->tn[n].config & TN_LEVEL) {
		h->status |= 1u << n;
		set_line(h, n, true);
	} else {
		set_line(h, n, true);
		set_line(h, n, false);
	}
}

/*
 * Matches.
 */

/* Set the host timer for the next match. */
static void arm(struct hpet *h, unsigned n)
{
	struct comparator *c = &h->tn[n];
	uint64_t now = counter(h), mask = mask_of(c), left;

	timer_cancel(&h->timer[n]);
	if (!enabled(h) || !(c->config & TN_INT_ENABLE))
		return;
	left = (c->match - now) & mask;
	if (!left)
		left = mask == ~0ULL ? mask : mask + 1;
	/* Further away than guest time can count: never. */
	if (left > INT64_MAX / TICK_NS / 2)
		return;
	timer_set(&h->timer[n], (ticks_now(h) + left) * TICK_NS);
}

/* The first match behind @now of a timer that was due at c->match. */
static void advance(struct comparator *c, uint64_t now)
{
	uint64_t mask = mask_of(c), late = (now - c->match) & mask;

	if (c->period)
		c->match = (c->match + (late / c->period + 1) * c->period) &
			   mask;
}

static void expired(void *opaque)
{
	struct hpet *h = *(struct hpet **)opaque;
	unsigned n = ((typeof(&h->arg[0]))opaque)->n;
	struct comparator *c = &h->tn[n];

	if (c->config & TN_PERIODIC)
		advance(c, counter(h));
	fire(h, n);
	arm(h, n);
}

static void arm_all(struct hpet *h)
{
	for (unsigned n = 0; n < HPET_TIMERS; n++)
		arm(h, n);
}

/*
 * Registers: 64 bits each, read and written as halves, too.
 */

static uint64_t reg_get(const struct hpet *h, unsigned reg)
{
	unsigned n = (reg - REG_TIMERS) / 0x20;

	switch (reg) {
	case REG_CAP:
		return CAPABILITIES;
	case REG_CONFIG:
		return h->config;
	case REG_STATUS:
		return h->status;
	case REG_COUNTER:
		return counter(h);
	}
	if (reg < REG_TIMERS || n >= HPET_TIMERS)
		return 0;
	switch (reg & 0x1f) {
	case 0x00:
		return h->tn[n].config | TN_FIXED;
	case 0x08:
		return h->tn[n].match;
	default:
		return 0;
	}
}

static void put_config(struct hpet *h, uint64_t val)
{
	uint64_t now = counter(h), was = h->config;

	h->config = val & (CONFIG_ENABLE | CONFIG_LEGACY);
	h->base = enabled(h) ? now - ticks_now(h) : now;
	if ((was ^ h->config) & CONFIG_LEGACY)
		h->cfg.legacy(h->cfg.opaque, h->config & CONFIG_LEGACY);
	for (unsigned n = 0; n < HPET_TIMERS; n++)
		set_line(h, n, h->status >> n & 1);
	arm_all(h);
}

static void put_status(struct hpet *h, uint64_t val)
{
	h->status &= ~val;
	for (unsigned n = 0; n < HPET_TIMERS; n++)
		if (val >> n & 1)
			set_line(h, n, false);
}

static void put_counter(struct hpet *h, uint64_t val)
{
	h->base = enabled(h) ? val - ticks_now(h) : val;
	arm_all(h);
}

static void put_timer(struct hpet *h, unsigned n, uint64_t val)
{
	struct comparator *c = &h->tn[n];

	c->config = val & TN_WRITABLE;
	if (c->config & TN_32) {
		c->match &= 0xffffffff;
		c->period &= 0xffffffff;
	}
	if (!(c->config & TN_LEVEL))
		h->status &= ~(1ULL << n);
	set_line(h, n, h->status >> n & 1);
	arm(h, n);
}

/*
 * 2.3.9.2.2: of a periodic timer the value is the period; behind TN_SET also
 * the next match.
 */
static void put_match(struct hpet *h, unsigned n, uint64_t val)
{
	struct comparator *c = &h->tn[n];
	bool periodic = c->config & TN_PERIODIC;

	val &= mask_of(c);
	if (!periodic || c->config & TN_SET)
		c->match = val;
	if (periodic)
		c->period = val;
	c->config &= ~(uint64_t)TN_SET;
	arm(h, n);
}

static void reg_put(struct hpet *h, unsigned reg, uint64_t val)
{
	unsigned n = (reg - REG_TIMERS) / 0x20;

	if (reg == REG_CONFIG)
		put_config(h, val);
	else if (reg == REG_STATUS)
		put_status(h, val);
	else if (reg == REG_COUNTER)
		put_counter(h, val);
	else if (reg >= REG_TIMERS && n < HPET_TIMERS && !(reg & 0x1f))
		put_timer(h, n, val);
	else if (reg >= REG_TIMERS && n < HPET_TIMERS && (reg & 0x1f) == 8)
		put_match(h, n, val);
}

/* 2.3.1: aligned accesses of 4 or 8 bytes; others read 0. */
static bool aligned(gpa_t off, unsigned size)
{
	return (size == 4 || size == 8) && !(off & (size - 1));
}

static uint64_t hpet_read(void *opaque, gpa_t off, unsigned size)
{
	if (!aligned(off, size))
		return 0;
	return reg_get(opaque, off & ~7u) >> (off & 4) * 8;
}

/*
 * What stays in the half that is not written: of status nothing, which would
 * be cleared; of a comparator what the write is about.
 */
static uint64_t value_behind(const struct hpet *h, unsigned reg)
{
	unsigned n = (reg - REG_TIMERS) / 0x20;

	if (reg == REG_STATUS)
		return 0;
	if (reg >= REG_TIMERS && n < HPET_TIMERS && (reg & 0x1f) == 8 &&
	    (h->tn[n].config & (TN_PERIODIC | TN_SET)) == TN_PERIODIC)
		return h->tn[n].period;
	return reg_get(h, reg);
}

static void hpet_write(void *opaque, gpa_t off, unsigned size, uint64_t val)
{
	struct hpet *h = opaque;
	unsigned reg = off & ~7u;
	uint64_t old = value_behind(h, reg);

	if (!aligned(off, size))
		return;
	if (size == 4 && off & 4)
		val = (uint32_t)old | val << 32;
	else if (size == 4)
		val = (old & ~0xffffffffULL) | (uint32_t)val;
	reg_put(h, reg, val);
}

static const struct mmio_ops hpet_ops = { hpet_read, hpet_write };

/*
 * Life cycle.
 */

static void reset(struct device *d)
{
	struct hpet *h = (struct hpet *)d;

	for (unsigned n = 0; n < HPET_TIMERS; n++) {
		set_line(h, n, false);
		timer_cancel(&h->timer[n]);
		h->tn[n] = (struct comparator){ .match = ~0ULL };
	}
	if (h->config & CONFIG_LEGACY)
		h->cfg.legacy(h->cfg.opaque, false);
	h->config = h->status = h->base = 0;
}

static int loaded(struct device *d)
{
	struct hpet *h = (struct hpet *)d;

	for (unsigned n = 0; n < HPET_TIMERS; n++)
		if (h->tn[n].line > LINE_IRQ8 &&
		    !(h->tn[n].line < 32 && HPET_ROUTES >> h->tn[n].line & 1))
			return -EINVAL;
	arm_all(h);
	return 0;
}

static void destroy(struct device *d)
{
	struct hpet *h = (struct hpet *)d;

	for (unsigned n = 0; n < HPET_TIMERS; n++)
		timer_cancel(&h->timer[n]);
	free(h);
}

static const struct field fields[] = {
	FIELD(struct hpet, tn, 1),
	FIELD(struct hpet, config, 1),
	FIELD(struct hpet, status, 1),
	FIELD(struct hpet, base, 1),
	FIELD_BOOL(struct hpet, irq0.level, 1),
	FIELD_BOOL(struct hpet, irq8.level, 1),
};

static const struct device_class hpet_class = {
	"hpet", 1, fields, ARRAY_SIZE(fields), reset, loaded, destroy,
};

int hpet_create(struct hpet **out, const struct hpet_config *cfg)
{
	struct hpet *h = calloc(1, sizeof(*h));

	*out = h;
	if (!h)
		return -ENOMEM;
	h->dev.class = &hpet_class;
	h->cfg = *cfg;
	h->irq0 = cfg->irq0;
	h->irq8 = cfg->irq8;
	for (unsigned n = 0; n < HPET_TIMERS; n++) {
		h->arg[n].hpet = h;
		h->arg[n].n = n;
		timer_init(&h->timer[n], cfg->clock, expired, &h->arg[n]);
	}
	reset(&h->dev);
	return mem_add_mmio(cfg->mem, HPET_BASE, HPET_SIZE, &hpet_ops, h,
			    "hpet");
}
