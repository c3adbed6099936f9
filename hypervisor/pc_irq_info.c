/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupt lines and controllers, for people: "info pic" and "info irq". */
#include "hypervisor/pc_priv.h"

#include <stdio.h>

#include "hypervisor/i8259.h"
#include "hypervisor/ioapic.h"
#include "hypervisor/irqchip.h"

static void print_8259(const struct pc *pc, FILE *out)
{
	struct pic_info info[2];

	i8259_info(pc->pic, info);
	for (int i = 0; i < 2; i++)
		fprintf(out, "pic%d: irr %02x imr %02x isr %02x elcr %02x "
			"base %02x\n", i, info[i].irr, info[i].imr,
			info[i].isr, info[i].elcr, info[i].base);
}

static void print_pin(const struct irqchip_ioapic *io, unsigned pin, FILE *out)
{
	uint64_t e = io->redir[pin];

	fprintf(out, "  pin %2u: %-4s %s%s vector %02x to %s %02x%s%s\n", pin,
		io->lines >> pin & 1 ? "high" : "low",
		e & IOAPIC_LEVEL ? "level " : "edge ",
		apic_delivery_name(e >> 8 & 7), (unsigned)(e & 0xff),
		e & IOAPIC_LOGICAL ? "logical" : "processor",
		(unsigned)(e >> 56), e & IOAPIC_MASKED ? ", masked" : "",
		e & IOAPIC_RIRR ? ", waits for its EOI" : "");
}

/* Pins as they are after a reset say nothing. */
static void print_ioapic(const struct pc *pc, FILE *out)
{
	struct irqchip_ioapic io;

	ioapic_get(pc->ioapic, &io);
	fprintf(out, "ioapic: id %u\n", (unsigned)io.id);
	for (unsigned pin = 0; pin < IRQCHIP_PINS; pin++)
		if (io.redir[pin] != IOAPIC_MASKED || io.lines >> pin & 1)
			print_pin(&io, pin, out);
}

void pc_print_pic(const struct pc *pc, FILE *out)
{
	print_8259(pc, out);
	print_ioapic(pc, out);
	for (unsigned n = 0; n < pc->cfg.ncpus; n++)
		lapic_print(pc->lapic[n], out);
}

void pc_print_irq(const struct pc *pc, FILE *out)
{
	for (unsigned n = 0; n < ISA_LINES; n++)
		if (pc->raised[n])
			fprintf(out, "%2u: %llu\n", n,
				(unsigned long long)pc->raised[n]);
}
