/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI configuration mechanism 1; see pci.h. */
#include "hypervisor/pci.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/device.h"
#include "hypervisor/ports.h"

#define ADDR_ENABLE	0x80000000u
#define ADDR_WRITABLE	0x80fffffcu
#define RCR_HARD	0x02
#define RCR_CPU		0x04	/* 0 -> 1: reset now */
#define RCR_WRITABLE	0x06

struct pci {
	struct device dev;
	struct irq reset;
	struct pci_func *funcs[256];	/* bus 0, by devfn */
	uint32_t address;
	uint8_t rcr;
};

int pci_add(struct pci *p, unsigned devfn, struct pci_func *f)
{
	if (p->funcs[devfn])
		return -EEXIST;
	p->funcs[devfn] = f;
	return 0;
}

void pci_put16(struct pci_func *f, unsigned off, uint16_t val)
{
	f->config[off] = val;
	f->config[off + 1] = val >> 8;
}

uint16_t pci_get16(const struct pci_func *f, unsigned off)
{
	return f->config[off] | f->config[off + 1] << 8;
}

void pci_put32(struct pci_func *f, unsigned off, uint32_t val)
{
	pci_put16(f, off, val);
	pci_put16(f, off + 2, val >> 16);
}

uint32_t pci_get32(const struct pci_func *f, unsigned off)
{
	return pci_get16(f, off) | (uint32_t)pci_get16(f, off + 2) << 16;
}

void pci_identify(struct pci_func *f, uint16_t vendor, uint16_t device,
		  uint8_t revision, uint16_t class)
{
	pci_put16(f, PCI_VENDOR, vendor);
	pci_put16(f, PCI_DEVICE, device);
	f->config[PCI_REVISION] = revision;
	pci_put16(f, PCI_CLASS, class);
	f->writable[PCI_INT_LINE] = 0xff;
}

/* The function that CF8h selects, or NULL. */
static struct pci_func *selected(const struct pci *p)
{
	if (!(p->address & ADDR_ENABLE) || p->address >> 16 & 0xff)
		return NULL;
	return p->funcs[p->address >> 8 & 0xff];
}

static uint32_t config_read(const struct pci *p, unsigned byte, unsigned size)
{
	const struct pci_func *f = selected(p);
	unsigned off = (p->address & 0xfc) + byte;
	uint32_t val = 0;

	if (!f)
		return 0xffffffff;
	for (unsigned i = 0; i < size; i++)
		val |= (uint32_t)f->config[off + i] << i * 8;
	return val;
}

static void config_write(const struct pci *p, unsigned byte, unsigned size,
			 uint32_t val)
{
	struct pci_func *f = selected(p);
	unsigned off = (p->address & 0xfc) + byte;

	if (!f)
		return;
	for (unsigned i = 0; i < size; i++) {
		uint8_t *c = &f->config[off + i], v = val >> i * 8;
		uint8_t w = f->writable[off + i];

		*c = ((*c & ~w) | (v & w)) & ~(v & f->clear[off + i]);
	}
	if (f->written)
		f->written(f->opaque, off, size);
}

/* Only a dword access to CF8h reaches the address register. */
static uint32_t address_read(void *opaque, unsigned off, unsigned size)
{
	struct pci *p = opaque;

	if (size == 4)
		return p->address;
	return size == 1 && off == 1 ? p->rcr : 0xffffffff;
}

static void address_write(void *opaque, unsigned off, unsigned size,
			  uint32_t val)
{
	struct pci *p = opaque;

	if (size == 4) {
		p->address = val & ADDR_WRITABLE;
	} else if (size == 1 && off == 1) {
		bool go = val & ~p->rcr & RCR_CPU;

		p->rcr = val & RCR_WRITABLE;
		if (go)
			irq_pulse(&p->reset);
	}
}

static uint32_t data_read(void *opaque, unsigned off, unsigned size)
{
	return off + size <= 4 ? config_read(opaque, off, size) : 0xffffffff;
}

static void data_write(void *opaque, unsigned off, unsigned size,
		       uint32_t val)
{
	if (off + size <= 4)
		config_write(opaque, off, size, val);
}

static const struct pio_ops address_ops = {
	address_read, address_write, PIO_1 | PIO_2 | PIO_4,
};
static const struct pio_ops data_ops = {
	data_read, data_write, PIO_1 | PIO_2 | PIO_4,
};

static void reset(struct device *d)
{
	struct pci *p = (struct pci *)d;

	p->address = 0;
	p->rcr = 0;
}

static void destroy(struct device *d)
{
	free(d);
}

static const struct field fields[] = {
	FIELD(struct pci, address, 1),
	FIELD(struct pci, rcr, 1),
};

static int loaded(struct device *d)
{
	struct pci *p = (struct pci *)d;

	return p->address & ~ADDR_WRITABLE ? -EINVAL : 0;
}

static const struct device_class pci_class = {
	"pci", 1, fields, ARRAY_SIZE(fields), reset, loaded, destroy,
};

int pci_create(struct pci **out, struct ports *ports,
	       const struct irq *reset_line)
{
	struct pci *p = calloc(1, sizeof(*p));
	int err;

	*out = p;
	if (!p)
		return -ENOMEM;
	p->dev.class = &pci_class;
	p->reset = *reset_line;
	err = ports_add(ports, 0xcf8, 4, &address_ops, p, "pci address");
	if (!err)
		err = ports_add(ports, 0xcfc, 4, &data_ops, p, "pci data");
	return err;
}
