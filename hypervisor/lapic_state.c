/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The local APIC: life, place in memory, and its state for others. */
#include "hypervisor/lapic_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/mem.h"

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
			lapic_unsupported(l, "local APIC of one of several "
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
	    mem_add_mmio(l->cfg.mem, want, LAPIC_SIZE, &lapic_mmio_ops, l, "lapic"))
		lapic_unsupported(l, "local APIC moved onto RAM or another device");
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
	lapic_write_tpr(l, 0);
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
	lapic_update(l);
}

int lapic_set_base(struct lapic *l, uint64_t val)
{
	if (val & (BASE_X2APIC | ~(BASE_ADDR | BASE_BSP | BASE_ENABLE)))
		return -1;
	remap(l, val);
	l->base = val;
	if (!lapic_enabled(l))
		clear(l);
	lapic_update(l);
	return 0;
}

void lapic_virtual_wire(struct lapic *l)
{
	lapic_write_svr(l, SVR_ENABLE | 0xff);
	l->lvt[LVT_LINT0] = APIC_EXTINT << 8;
	l->lvt[LVT_LINT1] = APIC_NMI << 8;
	lapic_update(l);
}

/*
 * LINT1 is not wired, so an NMI can come only from the watchdog's path: LINT0
 * (the timer through the 8259) or a performance counter, which we have none.
 */
bool lapic_nmi_possible(const struct lapic *l)
{
	return lapic_enabled(l) && !(l->lvt[LVT_LINT0] & LVT_MASKED) &&
	       lapic_lvt_delivery(l, LVT_LINT0) == APIC_NMI;
}

void lapic_get(struct lapic *l, struct irqchip_lapic *out)
{
	static const struct { uint8_t first, n; } ranges[] = {
		{ LAPIC_R_ID, 2 }, { LAPIC_R_TPR, 1 }, { LAPIC_R_LDR, 3 },
		{ LAPIC_R_ISR, 24 }, { LAPIC_R_ICR_LOW, 2 },
		{ LAPIC_R_LVT, LVT_COUNT }, { LAPIC_R_INITIAL, 2 },
		{ LAPIC_R_DIVIDE, 1 },
	};

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++)
		for (unsigned k = 0; k < ranges[i].n; k++)
			out->reg[ranges[i].first + k] =
				lapic_read_reg(l, ranges[i].first + k);
	out->reg[LAPIC_R_ESR] = l->esr;
	timer_cancel(&l->timer);
}

void lapic_put(struct lapic *l, const struct irqchip_lapic *in,
	       uint64_t base)
{
	remap(l, base);
	l->base = base;
	l->id = in->reg[LAPIC_R_ID];
	l->ldr = in->reg[LAPIC_R_LDR];
	l->dfr = in->reg[LAPIC_R_DFR] | DFR_FIXED;
	l->svr = in->reg[LAPIC_R_SVR] & SVR_KEPT;
	l->esr = in->reg[LAPIC_R_ESR];
	l->icr_low = in->reg[LAPIC_R_ICR_LOW] & ICR_KEPT;
	l->icr_high = in->reg[LAPIC_R_ICR_HIGH];
	memcpy(l->isr, &in->reg[LAPIC_R_ISR], sizeof(l->isr));
	memcpy(l->tmr, &in->reg[LAPIC_R_TMR], sizeof(l->tmr));
	memcpy(l->irr, &in->reg[LAPIC_R_IRR], sizeof(l->irr));
	for (int i = 0; i < LVT_COUNT; i++)
		l->lvt[i] = in->reg[LAPIC_R_LVT + i] &
			    (lapic_lvt_writable[i] | LVT_RIRR);
	lapic_timer_put(l, in);
	lapic_write_tpr(l, in->reg[LAPIC_R_TPR]);
	lapic_timer_schedule(l);
	lapic_update(l);
}

static void reset(struct device *d)
{
	struct lapic *l = (struct lapic *)d;
	uint64_t base = LAPIC_DEFAULT_BASE | BASE_ENABLE |
			(l->cfg.id ? 0 : BASE_BSP);

	clear(l);
	remap(l, base);
	l->base = base;
	lapic_update(l);
}

static int loaded(struct device *d)
{
	struct lapic *l = (struct lapic *)d;
	uint64_t base = l->base;

	if (base & (BASE_X2APIC | ~(BASE_ADDR | BASE_BSP | BASE_ENABLE)) ||
	    (l->running && !l->initial))
		return -EINVAL;
	remap(l, base);
	lapic_write_tpr(l, l->tpr);
	/* The processor's pin is nobody's saved state but ours. */
	lapic_update(l);
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
	timer_init(&l->timer, cfg->clock, lapic_timer_expired, l);
	reset(&l->dev);
	return 0;
}
