// SPDX-License-Identifier: GPL-2.0-or-later
#include "hypervisor/pci_hotplug.h"

#include <errno.h>
#include <stdlib.h>

#include "hypervisor/device.h"
#include "hypervisor/ports.h"

#define UP	0x0
#define DOWN	0x4
#define EJECT	0x8
#define LEN	0xc

struct pci_hotplug {
	struct device dev;
	struct pci_hotplug_config cfg;
	uint32_t up, down;	/* not read yet */
	uint32_t asked;		/* not let go of yet */
};

/* Registers are whole dwords; the guest's methods access them so. */
static uint32_t hotplug_read(void *opaque, unsigned off, unsigned size)
{
	struct pci_hotplug *p = opaque;
	uint32_t *reg = off == UP ? &p->up : off == DOWN ? &p->down : NULL;
	uint32_t val;

	if (size != 4 || !reg)
		return 0;
	val = *reg;
	*reg = 0;
	return val;
}

static void hotplug_write(void *opaque, unsigned off, unsigned size,
			  uint32_t val)
{
	struct pci_hotplug *p = opaque;

	if (size != 4 || off != EJECT)
		return;
	for (unsigned slot = PCI_HOTPLUG_FIRST; slot < PCI_HOTPLUG_SLOTS;
	     slot++)
		if (val & 1u << slot) {
			pci_hotplug_forget(p, slot);
			p->cfg.eject(p->cfg.opaque, slot);
		}
}

static const struct pio_ops ops = {
	hotplug_read, hotplug_write, PIO_1 | PIO_2 | PIO_4,
};

void pci_hotplug_filled(struct pci_hotplug *p, unsigned slot)
{
	p->up |= 1u << slot;
	p->cfg.event(p->cfg.opaque);
}

void pci_hotplug_ask(struct pci_hotplug *p, unsigned slot)
{
	p->down |= 1u << slot;
	p->asked |= 1u << slot;
	p->cfg.event(p->cfg.opaque);
}

uint32_t pci_hotplug_asked(const struct pci_hotplug *p)
{
	return p->asked;
}

void pci_hotplug_forget(struct pci_hotplug *p, unsigned slot)
{
	p->up &= ~(1u << slot);
	p->down &= ~(1u << slot);
	p->asked &= ~(1u << slot);
}

/* A guest that starts finds the devices by itself. */
static void reset(struct device *d)
{
	struct pci_hotplug *p = (struct pci_hotplug *)d;

	p->up = p->down = 0;
}

static void destroy(struct device *d)
{
	free(d);
}

static const struct field fields[] = {
	FIELD(struct pci_hotplug, up, 1),
	FIELD(struct pci_hotplug, down, 1),
	FIELD(struct pci_hotplug, asked, 1),
};

static const struct device_class class = {
	.name = "pci-hotplug", .version = 1,
	.fields = fields, .nfields = ARRAY_SIZE(fields),
	.reset = reset, .destroy = destroy,
};

int pci_hotplug_create(struct pci_hotplug **out,
		       const struct pci_hotplug_config *cfg)
{
	struct pci_hotplug *p = calloc(1, sizeof(*p));

	*out = p;
	if (!p)
		return -ENOMEM;
	p->dev.class = &class;
	p->cfg = *cfg;
	return ports_add(cfg->ports, PCI_HOTPLUG_PORT, LEN, &ops, p,
			 "pci hotplug");
}
