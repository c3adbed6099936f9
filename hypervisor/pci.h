/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI configuration mechanism 1, and what every PCI function has: 256 bytes
 * of configuration space with a mask of writable bits.  PCI Local Bus
 * Specification 2.1, 3.7.4.1 and chapter 6; 82371SB datasheet 2.5.3 (CF9h).
 */
#ifndef HYPERVISOR_PCI_H
#define HYPERVISOR_PCI_H

#include "hypervisor/irq.h"

#define PCI_CONFIG_LEN	256
#define PCI_DEVFN(dev, fn)	((dev) << 3 | (fn))

/* Configuration header, PCI 2.1 figure 6-1. */
#define PCI_VENDOR	0x00
#define PCI_DEVICE	0x02
#define PCI_COMMAND	0x04
#define PCI_STATUS	0x06
#define PCI_REVISION	0x08
#define PCI_CLASS_PROG	0x09
#define PCI_CLASS	0x0a	/* subclass, class */
#define PCI_HEADER	0x0e
#define PCI_INT_LINE	0x3c
#define PCI_INT_PIN	0x3d
#define PCI_HEADER_MULTI	0x80	/* function 0 of several */
#define PCI_COMMAND_IO		0x0001

/* Embedded in the device that owns it; saved with it. */
struct pci_func {
	uint8_t config[PCI_CONFIG_LEN];
	uint8_t writable[PCI_CONFIG_LEN];	/* bits a guest can change */
	uint8_t clear[PCI_CONFIG_LEN];		/* bits that a 1 clears */
	/* After the guest wrote [off, off+size) (may be NULL). */
	void (*written)(void *opaque, unsigned off, unsigned size);
	void *opaque;
};

struct pci;
struct ports;

/*
 * The host's half: claims ports CF8h-CFFh.  @reset: pulsed by a write to
 * CF9h that asks for it.
 */
int pci_create(struct pci **out, struct ports *ports,
	       const struct irq *reset);

/* Put @f at bus 0.  The caller keeps it.  -EEXIST if the place is taken. */
int pci_add(struct pci *p, unsigned devfn, struct pci_func *f);

/* Little-endian stores into configuration space, past the masks. */
void pci_put16(struct pci_func *f, unsigned off, uint16_t val);
uint16_t pci_get16(const struct pci_func *f, unsigned off);
void pci_put32(struct pci_func *f, unsigned off, uint32_t val);
uint32_t pci_get32(const struct pci_func *f, unsigned off);

/* Identity of a function without BARs.  @class: class << 8 | subclass. */
void pci_identify(struct pci_func *f, uint16_t vendor, uint16_t device,
		  uint8_t revision, uint16_t class);

#endif
