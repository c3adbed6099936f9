/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two halves of the PCI bus share: pci.c and pci_bar.c. */
#ifndef HYPERVISOR_PCI_PRIV_H
#define HYPERVISOR_PCI_PRIV_H

#include "hypervisor/device.h"
#include "hypervisor/pci.h"

#define PCI_DEVFNS	256

struct pci {
	struct device dev;
	struct pci_config cfg;
	struct pci_func *funcs[PCI_DEVFNS];	/* bus 0, by devfn */
	uint32_t address;
	uint8_t rcr;
	uint8_t asserted[PCI_PIRQS];	/* how many pins hold each line */
};

/* Did a write to [off, off+size) touch what decides where BARs are? */
bool pci_bar_touched(unsigned off, unsigned size);
/* Bring all mappings in line with configuration space. */
void pci_bars_update(struct pci *p);
/* Clear BARs to their reset values (type bits); maps nothing. */
void pci_bars_reset(struct pci_func *f);
void pci_bars_unmap(struct pci_func *f);

#endif
