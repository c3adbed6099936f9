/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI configuration mechanism 1; see pci.h. */
#include "hypervisor/pci.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/mem.h"
#include "hypervisor/pci_priv.h"
#include "hypervisor/ports.h"

#define ADDR_ENABLE	0x80000000u
#define ADDR_WRITABLE	0x80fffffcu
#define RCR_HARD	0x02
#define RCR_CPU		0x04	/* 0 -> 1: reset now */
#define RCR_WRITABLE	0x06

/*
 * Pins.  A line is the OR of the pins on it.
 */

static void pin_changed(void *opaque, unsigned line, bool level)
{
	struct pci *p = opaque;

	p->asserted[line] += level ? 1 : -1;
	irq_set(&p->cfg.pirq[line], p->asserted[line]);
}

/* The host bridge is device 0; device 1's INTA# is PIRQA. */
static unsigned pirq_of(const struct pci_func *f)
{
	return ((f->devfn >> 3) + f->config[PCI_INT_PIN] - 2) & 3;
}

static void pin_update(struct pci_func *f)
{
	uint16_t command = pci_get16(f, PCI_COMMAND);

	irq_set(&f->pin, f->asserted && !(command & PCI_COMMAND_INTX_OFF));
}

void pci_irq(struct pci_func *f, bool level)
{
	if (f->asserted == level)
		return;
	f->asserted = level;
	f->config[PCI_STATUS] &= ~PCI_STATUS_INTX;
	if (level)
		f->config[PCI_STATUS] |= PCI_STATUS_INTX;
	pin_update(f);
}

static void wire_changed(void *opaque, unsigned input, bool level)
{
	pci_irq(opaque, level);
}

struct irq pci_irq_wire(struct pci_func *f)
{
	struct irq irq;

	irq_init(&irq, wire_changed, f, 0);
	return irq;
}

/*
 * Functions.
 */

static unsigned free_device(const struct pci *p)
{
	for (unsigned dev = 2; dev < PCI_DEVFNS / 8; dev++)
		if (!p->funcs[PCI_DEVFN(dev, 0)])
			return PCI_DEVFN(dev, 0);
	return PCI_ANY_DEVFN;
}

int pci_add(struct pci *p, unsigned devfn, struct pci_func *f)
{
	if (devfn == PCI_ANY_DEVFN)
		devfn = free_device(p);
	if (devfn == PCI_ANY_DEVFN)
		return -ENOSPC;
	if (p->funcs[devfn])
		return -EEXIST;
	p->funcs[devfn] = f;
	f->bus = p;
	f->devfn = devfn;
	irq_init(&f->pin, pin_changed, p, pirq_of(f));
	return 0;
}

void pci_remove(struct pci_func *f)
{
	if (!f->bus)
		return;
	pci_irq(f, false);
	pci_bars_unmap(f);
	f->bus->funcs[f->devfn] = NULL;
	f->bus = NULL;
}

struct pci_func *pci_at(const struct pci *p, unsigned devfn)
{
	return p->funcs[devfn];
}

void pci_remap(struct pci_func *f)
{
	if (f->bus)
		pci_bars_update(f->bus);
}

void pci_func_reset(struct pci_func *f)
{
	for (unsigned i = 0; i < PCI_CONFIG_LEN; i++)
		f->config[i] &= ~(f->writable[i] | f->clear[i]);
	pci_bars_reset(f);
	pci_irq(f, false);
	pci_remap(f);
}

int pci_func_loaded(struct pci_func *f)
{
	pci_remap(f);
	return 0;
}

unsigned pci_capability(struct pci_func *f, uint8_t id, unsigned at,
			unsigned len)
{
	unsigned last = PCI_CAPABILITY;

	assert(at >= 0x40 && !(at & 3) && !(len & 3) &&
	       at + len <= PCI_CONFIG_LEN);
	while (f->config[last])
		last = f->config[last] + 1u;
	f->config[last] = at;
	f->config[at] = id;
	f->config[at + 1] = 0;
	f->config[PCI_STATUS] |= PCI_STATUS_CAPS;
	return at;
}

int pci_dma_read(struct pci_func *f, gpa_t gpa, void *buf, size_t len)
{
	if (!pci_is_master(f))
		return -EACCES;
	return len ? mem_read(f->bus->cfg.mem, gpa, buf, len) : 0;
}

int pci_dma_write(struct pci_func *f, gpa_t gpa, const void *buf, size_t len)
{
	if (!pci_is_master(f))
		return -EACCES;
	return len ? mem_write(f->bus->cfg.mem, gpa, buf, len) : 0;
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

void pci_subsystem(struct pci_func *f, uint16_t vendor, uint16_t device)
{
	pci_put16(f, PCI_SUBVENDOR, vendor);
	pci_put16(f, PCI_SUBDEVICE, device);
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
	struct pci_func *f = selected(p);
	unsigned off = (p->address & 0xfc) + byte;
	uint32_t val = 0;

	if (!f)
		return 0xffffffff;
	if (f->reading)
		f->reading(f->opaque, off, size);
	for (unsigned i = 0; i < size; i++)
		val |= (uint32_t)f->config[off + i] << i * 8;
	return val;
}

static void config_write(struct pci *p, unsigned byte, unsigned size,
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
	if (pci_bar_touched(off, size))
		pci_bars_update(p);
	pin_update(f);
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
			irq_pulse(val & RCR_HARD ? &p->cfg.reset :
				  &p->cfg.init);
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
	FIELD(struct pci, asserted, 2),
};

/* The levels of the lines follow from what was saved with them. */
static int loaded(struct device *d)
{
	struct pci *p = (struct pci *)d;

	for (unsigned i = 0; i < PCI_PIRQS; i++)
		p->cfg.pirq[i].level = p->asserted[i];
	return p->address & ~ADDR_WRITABLE ? -EINVAL : 0;
}

static const struct device_class pci_class = {
	"pci", 2, fields, ARRAY_SIZE(fields), reset, loaded, destroy,
};

int pci_create(struct pci **out, const struct pci_config *cfg)
{
	struct pci *p = calloc(1, sizeof(*p));
	int err;

	*out = p;
	if (!p)
		return -ENOMEM;
	p->dev.class = &pci_class;
	p->cfg = *cfg;
	err = ports_add(cfg->ports, 0xcf8, 4, &address_ops, p, "pci address");
	if (!err)
		err = ports_add(cfg->ports, 0xcfc, 4, &data_ops, p,
				"pci data");
	return err;
}
