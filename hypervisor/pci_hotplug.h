/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hotplug of PCI devices for guests with ACPI: registers at ports AE00h to
 * AE0Bh, which methods in the DSDT read and write (acpi.c), and event 1 of
 * the general-purpose events.  There is no chip of this kind; the registers are
 * those of QEMU's i440FX machine (its docs/specs/acpi_pci_hotplug), so that
 * tables made for that work.
 *
 *	AE00h, 4 bytes	slots that were filled; reading clears
 *	AE04h, 4 bytes	slots that shall be emptied; reading clears
 *	AE08h, 4 bytes	written: the guest has let go of these slots
 *
 * A slot is a device number of bus 0, and its bit.  Lock held.
 */
#ifndef HYPERVISOR_PCI_HOTPLUG_H
#define HYPERVISOR_PCI_HOTPLUG_H

#include "hypervisor/types.h"

#define PCI_HOTPLUG_PORT	0xae00
#define PCI_HOTPLUG_GPE		1
/* Slots that can be filled and emptied: 0 and 1 are the chipset's. */
#define PCI_HOTPLUG_FIRST	2
#define PCI_HOTPLUG_SLOTS	32

struct pci_hotplug;
struct ports;

struct pci_hotplug_config {
	struct ports *ports;
	/* Something is to be read: raise the event. */
	void (*event)(void *opaque);
	/* The guest has let go of @slot. */
	void (*eject)(void *opaque, unsigned slot);
	void *opaque;
};

/* Returns 0, -ENOMEM, -EEXIST. */
int pci_hotplug_create(struct pci_hotplug **out,
		       const struct pci_hotplug_config *cfg);
void pci_hotplug_filled(struct pci_hotplug *p, unsigned slot);
/* Ask the guest to let go of @slot. */
void pci_hotplug_ask(struct pci_hotplug *p, unsigned slot);
/* Slots that were asked for and not let go of, by bit. */
uint32_t pci_hotplug_asked(const struct pci_hotplug *p);
/* The device in @slot has gone in another way. */
void pci_hotplug_forget(struct pci_hotplug *p, unsigned slot);

#endif
