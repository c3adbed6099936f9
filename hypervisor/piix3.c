/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PIIX3 ISA bridge: configuration space and the PCI interrupt router (290550,
 * 2.2.8).  The chip's PIC, PIT, port 61h, ELCR
 * and reset register are devices of their own.
 */
#include "hypervisor/piix3.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/device.h"
#include "hypervisor/pci.h"

#define XBCS		0x4e
#define PIRQRC		0x60	/* A..D */
#define XBCS_DEFAULT	0x0003
/* Reserved values of a PIRQ route: interrupts 0, 1, 2, 8 and 13. */
#define NOT_ROUTABLE	0x2107

struct piix3 {
	struct device dev;
	struct pci_func func;
	struct irq isa[PIIX3_IRQS];
	uint8_t pirq[PIIX3_PIRQS];	/* levels */
};

/* Which lines are raised, a bit for each. */
static uint16_t raised(const struct piix3 *p)
{
	uint16_t lines = 0;

	for (unsigned n = 0; n < PIIX3_PIRQS; n++) {
		uint8_t to = p->func.config[PIRQRC + n];

		if (p->pirq[n] && !(to & PIIX3_PIRQ_OFF))
			lines |= 1u << (to & 15);
	}
	return lines & ~NOT_ROUTABLE;
}

static void update(struct piix3 *p)
{
	uint16_t lines = raised(p);

	for (unsigned i = 0; i < PIIX3_IRQS; i++)
		irq_set(&p->isa[i], lines >> i & 1);
}

static void written(void *opaque, unsigned off, unsigned size)
{
	update(opaque);
}

void piix3_pirq(struct piix3 *p, unsigned n, bool level)
{
	p->pirq[n] = level;
	update(p);
}

void piix3_route(struct piix3 *p, unsigned n, uint8_t irq)
{
	p->func.config[PIRQRC + n] = irq;
	update(p);
}

static void reset(struct device *d)
{
	struct piix3 *p = (struct piix3 *)d;
	struct pci_func *f = &p->func;

	memset(f->config, 0, sizeof(f->config));
	pci_identify(f, 0x8086, 0x7000, 0, 0x0601);
	pci_put16(f, PCI_COMMAND, 0x0007);
	pci_put16(f, PCI_STATUS, 0x0200);
	f->config[PCI_HEADER] = PCI_HEADER_MULTI;
	pci_put16(f, XBCS, XBCS_DEFAULT);
	memset(f->config + PIRQRC, PIIX3_PIRQ_OFF, PIIX3_PIRQS);
	memset(p->pirq, 0, sizeof(p->pirq));
	update(p);
}

/* The far ends of the lines are saved; ours follow from the routing. */
static int loaded(struct device *d)
{
	struct piix3 *p = (struct piix3 *)d;
	uint16_t lines = raised(p);

	for (unsigned i = 0; i < PIIX3_IRQS; i++)
		p->isa[i].level = lines >> i & 1;
	return 0;
}

static void destroy(struct device *d)
{
	free(d);
}

static const struct field fields[] = {
	FIELD(struct piix3, func.config, 1),
	FIELD(struct piix3, pirq, 2),
};

static const struct device_class piix3_class = {
	"piix3", 2, fields, ARRAY_SIZE(fields), reset, loaded, destroy,
};

int piix3_create(struct piix3 **out, struct pci *pci,
		 const struct irq isa[PIIX3_IRQS])
{
	struct piix3 *p = calloc(1, sizeof(*p));

	*out = p;
	if (!p)
		return -ENOMEM;
	p->dev.class = &piix3_class;
	memcpy(p->isa, isa, sizeof(p->isa));
	p->func.written = written;
	p->func.opaque = p;
	memset(p->func.writable + PIRQRC, 0x8f, PIIX3_PIRQS);
	p->func.writable[XBCS] = 0xff;
	p->func.writable[XBCS + 1] = 0x01;
	reset(&p->dev);
	return pci_add(pci, PCI_DEVFN(1, 0), &p->func);
}
