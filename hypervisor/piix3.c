/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PIIX3 ISA bridge: configuration space.  The chip's PIC, PIT, port 61h, ELCR
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

struct piix3 {
	struct device dev;
	struct pci_func func;
};

void piix3_route(struct piix3 *p, unsigned n, uint8_t irq)
{
	p->func.config[PIRQRC + n] = irq;
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
}

static void destroy(struct device *d)
{
	free(d);
}

static const struct field fields[] = {
	FIELD(struct piix3, func.config, 1),
};

static const struct device_class piix3_class = {
	"piix3", 1, fields, ARRAY_SIZE(fields), reset, NULL, destroy,
};

int piix3_create(struct piix3 **out, struct pci *pci)
{
	struct piix3 *p = calloc(1, sizeof(*p));

	*out = p;
	if (!p)
		return -ENOMEM;
	p->dev.class = &piix3_class;
	memset(p->func.writable + PIRQRC, 0x8f, PIIX3_PIRQS);
	p->func.writable[XBCS] = 0xff;
	p->func.writable[XBCS + 1] = 0x01;
	reset(&p->dev);
	return pci_add(pci, PCI_DEVFN(1, 0), &p->func);
}
