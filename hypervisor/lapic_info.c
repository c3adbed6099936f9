/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The local APIC's registers, for people. */
#include "hypervisor/lapic_priv.h"

#include <stdio.h>

static const char *const delivery_names[8] = {
	"fixed", "lowest", "SMI", "reserved", "NMI", "INIT", "start-up",
	"ExtINT",
};

static const char *const lvt_names[LVT_COUNT] = {
	"timer", "thermal", "performance", "LINT0", "LINT1", "error",
};

const char *apic_delivery_name(enum apic_delivery how)
{
	return delivery_names[how & 7];
}

static void print_vectors(const char *what, const uint32_t *r, FILE *out)
{
	fprintf(out, "  %s:", what);
	for (unsigned vector = 0; vector < 256; vector++)
		if (lapic_bit(r, vector))
			fprintf(out, " %02x", vector);
	fputc('\n', out);
}

static void print_lvt(const struct lapic *l, enum lvt i, FILE *out)
{
	uint32_t e = l->lvt[i];

	if (e == LVT_MASKED)
		return;
	fprintf(out, "  %s: %s vector %02x%s\n", lvt_names[i],
		apic_delivery_name(lapic_lvt_delivery(l, i)), e & LVT_VECTOR,
		e & LVT_MASKED ? ", masked" : "");
}

void lapic_print(const struct lapic *l, FILE *out)
{
	if (!lapic_enabled(l)) {
		fprintf(out, "lapic%u: off\n", l->cfg.id);
		return;
	}
	fprintf(out, "lapic%u: at %llx%s, priority of the task %02x, of the "
		"processor %02x, ldr %08x dfr %08x esr %02x\n", l->cfg.id,
		(unsigned long long)(l->base & BASE_ADDR),
		l->svr & SVR_ENABLE ? "" : " (disabled by software)", l->tpr,
		lapic_priority(l), l->ldr, l->dfr, l->esr);
	for (enum lvt i = 0; i < LVT_COUNT; i++)
		print_lvt(l, i, out);
	fprintf(out, "  timer: %s, %u of %u counts left\n",
		l->lvt[LVT_TIMER] & LVT_PERIODIC ? "periodic" : "one-shot",
		lapic_timer_count(l), l->initial);
	print_vectors("requested", l->irr, out);
	print_vectors("in service", l->isr, out);
}
