/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI bus 0: configuration mechanism 1, functions, their base address
 * registers and interrupt pins.
 *
 * A device embeds a struct pci_func, declares its BARs once, and puts the
 * function on the bus.  From then on the bus maps and unmaps the BARs as the
 * guest programs them and the command register allows; the device sees only
 * accesses relative to a BAR, a level to set on its pin, and DMA helpers that
 * obey bus-master enable.  For a device with MMIO and an interrupt:
 *
 *	pci_identify(&d->func, 0x1af4, 0x1000, 0, 0x0200);
 *	d->func.config[PCI_INT_PIN] = 1;
 *	pci_bar_mem(&d->func, 0, 4096, 0, &ops, d, "thing");
 *	return pci_add(pci, PCI_ANY_DEVFN, &d->func);
 *
 * with PCI_FUNC_FIELDS(struct thing, func, 1) among its saved fields,
 * pci_func_reset() in its reset, pci_func_loaded() in its loaded, and
 * pci_remove() in its destroy if it can leave while the machine runs.
 *
 * PCI Local Bus Specification 2.3, 3.2.2.3 and chapter 6; 82371SB datasheet
 * 2.5.3 (CF9h).  All functions: lock held.
 */
#ifndef HYPERVISOR_PCI_H
#define HYPERVISOR_PCI_H

#include "hypervisor/irq.h"

#define PCI_CONFIG_LEN	256
#define PCI_DEVFN(dev, fn)	((dev) << 3 | (fn))
#define PCI_ANY_DEVFN	0xffffu	/* pci_add(): function 0 of a free device */

/* Configuration header, PCI 2.3 figure 6-1. */
#define PCI_VENDOR	0x00
#define PCI_DEVICE	0x02
#define PCI_COMMAND	0x04
#define PCI_STATUS	0x06
#define PCI_REVISION	0x08
#define PCI_CLASS_PROG	0x09
#define PCI_CLASS	0x0a	/* subclass, class */
#define PCI_LATENCY	0x0d
#define PCI_HEADER	0x0e
#define PCI_BAR0	0x10
#define PCI_SUBVENDOR	0x2c
#define PCI_SUBDEVICE	0x2e
#define PCI_ROM		0x30
#define PCI_CAPABILITY	0x34
#define PCI_INT_LINE	0x3c
#define PCI_INT_PIN	0x3d
#define PCI_HEADER_MULTI	0x80	/* function 0 of several */
#define PCI_COMMAND_IO		0x0001
#define PCI_COMMAND_MEM		0x0002
#define PCI_COMMAND_MASTER	0x0004
#define PCI_COMMAND_INTX_OFF	0x0400
#define PCI_STATUS_INTX		0x0008
#define PCI_STATUS_CAPS		0x0010

struct mem;
struct mem_block;
struct mmio_ops;
struct pci;
struct pio_ops;
struct ports;

/* Base address registers 0..5, and the expansion ROM's. */
#define PCI_BARS	6
#define PCI_BAR_ROM	6
#define PCI_BAR_COUNT	7
#define PCI_PIRQS	4

enum pci_bar_kind {
	PCI_BAR_NONE,
	PCI_BAR_IO,		/* ports */
	PCI_BAR_MEM,		/* calls for each access */
	PCI_BAR_BLOCK,		/* host memory that the guest reads and writes */
	PCI_BAR_BLOCK_ROM,	/* host memory that the guest only reads */
};

/* Flags of a memory BAR. */
#define PCI_BAR_64		1u	/* takes the next register as well */
#define PCI_BAR_PREFETCH	2u

struct pci_bar {
	enum pci_bar_kind kind;
	unsigned flags;
	uint64_t size;		/* bytes, a power of two */
	const struct pio_ops *pio;
	const struct mmio_ops *mmio;
	const struct mem_block *block;
	void *opaque;
	const char *name;
	uint64_t at;		/* where it is mapped; 0: nowhere */
};

/* Embedded in the device that owns it; saved with it. */
struct pci_func {
	uint8_t config[PCI_CONFIG_LEN];
	uint8_t writable[PCI_CONFIG_LEN];	/* bits a guest can change */
	uint8_t clear[PCI_CONFIG_LEN];		/* bits that a 1 clears */
	/*
	 * After the guest wrote [off, off+size) and BARs were remapped (may
	 * be NULL).
	 */
	void (*written)(void *opaque, unsigned off, unsigned size);
	/* Before the guest reads there (may be NULL). */
	void (*reading)(void *opaque, unsigned off, unsigned size);
	void *opaque;

	struct pci_bar bars[PCI_BAR_COUNT];
	struct irq pin;		/* to the bus; set with pci_irq() */
	bool asserted;		/* what the device asks for */
	struct pci *bus;	/* NULL: not added */
	unsigned devfn;
};

/* For the device's list of saved fields. */
#define PCI_FUNC_FIELDS(type, member, ver) \
	FIELD(type, member.config, ver), \
	FIELD_BOOL(type, member.pin.level, ver), \
	FIELD_BOOL(type, member.asserted, ver)

struct pci_config {
	struct ports *ports;
	struct mem *mem;
	/* Pulsed by a write to CF9h that asks for it: hard, soft. */
	struct irq reset, init;
	struct irq pirq[PCI_PIRQS];	/* lines A..D to the interrupt router */
};

/* The host's half: claims ports CF8h-CFFh. */
int pci_create(struct pci **out, const struct pci_config *cfg);

/*
 * Put @f at bus 0.  The caller keeps it; it must have its identity, interrupt
 * pin and BARs.  The pins of device d reach PIRQ (d + pin - 2) & 3, pin 1
 * being INTA#.  @devfn PCI_ANY_DEVFN: function 0 of the lowest device from 2
 * up that has none.
 * Returns 0, -EEXIST if the place is taken, -ENOSPC if none is free.
 */
int pci_add(struct pci *p, unsigned devfn, struct pci_func *f);
/* Take @f off: BARs unmapped, pin low.  No effect if it is not on a bus. */
void pci_remove(struct pci_func *f);
/* The function at @devfn, or NULL. */
struct pci_func *pci_at(const struct pci *p, unsigned devfn);

/* Little-endian stores into configuration space, past the masks. */
void pci_put16(struct pci_func *f, unsigned off, uint16_t val);
uint16_t pci_get16(const struct pci_func *f, unsigned off);
void pci_put32(struct pci_func *f, unsigned off, uint32_t val);
uint32_t pci_get32(const struct pci_func *f, unsigned off);

/*
 * Identity and what every function can have written: the interrupt line.
 * @class: class << 8 | subclass.
 */
void pci_identify(struct pci_func *f, uint16_t vendor, uint16_t device,
		  uint8_t revision, uint16_t class);
void pci_subsystem(struct pci_func *f, uint16_t vendor, uint16_t device);

/*
 * Declare BAR @n (0..5).  They make the command register's I/O, memory and
 * bus-master bits writable.  @size: a power of two, 4..256 for ports (the
 * register's 16 address bits), 16 bytes..2 GiB for memory.
 * A block (mem.h) is mapped into guest memory as it is; the guest's accesses
 * make no calls.  Its size must be a power of two and a multiple of 4 KiB.
 */
void pci_bar_io(struct pci_func *f, unsigned n, unsigned size,
		const struct pio_ops *ops, void *opaque, const char *name);
void pci_bar_mem(struct pci_func *f, unsigned n, uint64_t size,
		 unsigned flags, const struct mmio_ops *ops, void *opaque,
		 const char *name);
void pci_bar_block(struct pci_func *f, unsigned n, unsigned flags,
		   const struct mem_block *block, const char *name);
/* The expansion ROM, read-only.  @block as above. */
void pci_bar_rom(struct pci_func *f, const struct mem_block *block,
		 const char *name);

/*
 * Add a capability of @len bytes (its two header bytes included, multiple of
 * 4) and return its offset.  Before pci_add().  The space from 40h up is
 * given out upwards from @at.  PCI 2.3, 6.7.
 */
unsigned pci_capability(struct pci_func *f, uint8_t id, unsigned at,
			unsigned len);

/*
 * Power-on state: bits that a guest can write are cleared, BARs unmapped and
 * the pin low.  For the device's reset, which may set values of its own after.
 */
void pci_func_reset(struct pci_func *f);
/* Map what the loaded registers say; for the device's loaded.  0 or -EINVAL. */
int pci_func_loaded(struct pci_func *f);
/* Map again after the device itself changed configuration bytes. */
void pci_remap(struct pci_func *f);

/*
 * Level of the function's pin, which must be in its configuration space.
 * Interrupt disable in the command register is honoured.
 */
void pci_irq(struct pci_func *f, bool level);
/* The same as a wire, for parts that know no PCI. */
struct irq pci_irq_wire(struct pci_func *f);

/*
 * DMA.  Returns 0, -EACCES while bus mastering is off, or -EFAULT if any byte
 * is not memory (nothing is copied then).  @len may be 0.
 */
int pci_dma_read(struct pci_func *f, gpa_t gpa, void *buf, size_t len);
int pci_dma_write(struct pci_func *f, gpa_t gpa, const void *buf, size_t len);
static inline bool pci_is_master(const struct pci_func *f)
{
	return f->config[PCI_COMMAND] & PCI_COMMAND_MASTER;
}

#endif
