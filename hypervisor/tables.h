/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The descriptions of the machine that firmware leaves in memory for an
 * operating system: ACPI tables and the MP configuration table.
 */
#ifndef HYPERVISOR_TABLES_H
#define HYPERVISOR_TABLES_H

#include "hypervisor/types.h"

struct mem;

/* Where they go: below the BIOS area, and at its start. */
#define TABLES_ACPI	0xe0000
#define TABLES_MP	0xf0000

struct tables_config {
	unsigned ioapic_id;
	unsigned pm_base;	/* I/O port of the PIIX4 PM registers */
	unsigned sci_irq;
	uint8_t pirq[4];	/* ISA interrupt of each PCI PIRQ */
	uint16_t serial[4];	/* base ports; 0: absent */
	uint8_t serial_irq[4];
};

/* ACPI Specification 2.0.  0, or what mem_rom_load() returns. */
int acpi_place(struct mem *m, const struct tables_config *cfg);
/* Intel MultiProcessor Specification 1.4. */
int mptable_place(struct mem *m, const struct tables_config *cfg);

/* Make the bytes of [p, p + len) sum to 0 by setting @p[at]. */
static inline void table_checksum(uint8_t *p, unsigned len, unsigned at)
{
	uint8_t sum = 0;

	p[at] = 0;
	for (unsigned i = 0; i < len; i++)
		sum += p[i];
	p[at] = -sum;
}

#endif
