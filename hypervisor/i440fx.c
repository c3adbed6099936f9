/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 82441FX host bridge: configuration space only.
 *
 * The PAM registers choose between DRAM and the BIOS ROM on the ISA bus for
 * C0000h..FFFFFh.  This machine has no ROM there, so DRAM answers whatever
 * they say, and they start as firmware leaves them.
 */
#include "hypervisor/i440fx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/device.h"
#include "hypervisor/pci.h"

#define PMCCFG		0x50
#define PAM0		0x59
#define PAM_COUNT	7
#define SMRAM		0x72
#define SMRAM_DEFAULT	0x02
#define PAM_DRAM	0x33	/* read and write, both halves */

struct i440fx {
	struct device dev;
	struct pci_func func;
};

static void reset(struct device *d)
{
	struct i440fx *h = (struct i440fx *)d;
	struct pci_func *f = &h->func;

	memset(f->config, 0, sizeof(f->config));
	pci_identify(f, 0x8086, 0x1237, 2, 0x0600);
	pci_put16(f, PCI_COMMAND, 0x0006);
	pci_put16(f, PCI_STATUS, 0x0280);
	memset(f->config + PAM0 + 1, PAM_DRAM, PAM_COUNT - 1);
	f->config[PAM0] = PAM_DRAM & 0xf0;
	f->config[SMRAM] = SMRAM_DEFAULT;
}

static void destroy(struct device *d)
{
	free(d);
}

static const struct field fields[] = {
	FIELD(struct i440fx, func.config, 1),
};

static const struct device_class i440fx_class = {
	"i440fx", 1, fields, ARRAY_SIZE(fields), reset, NULL, destroy,
};

int i440fx_create(struct i440fx **out, struct pci *pci)
{
	struct i440fx *h = calloc(1, sizeof(*h));

	*out = h;
	if (!h)
		return -ENOMEM;
	h->dev.class = &i440fx_class;
	memset(h->func.writable + PAM0, PAM_DRAM, PAM_COUNT);
	h->func.writable[PMCCFG] = 0xff;
	h->func.writable[PMCCFG + 1] = 0xff;
	h->func.writable[SMRAM] = 0x78;
	reset(&h->dev);
	return pci_add(pci, PCI_DEVFN(0, 0), &h->func);
}
