/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The descriptions of the machine that firmware leaves in memory for an
 * operating system: ACPI tables and the MP configuration table.
 */
#ifndef HYPERVISOR_TABLES_H
#define HYPERVISOR_TABLES_H

#include "hypervisor/types.h"

struct fw_cfg;
struct mem;

/* Where they go when no firmware places them: below the BIOS area, and at its start. */
#define TABLES_ACPI	0xe0000
#define TABLES_MP	0xf0000

struct tables_config {
	unsigned cpus;		/* processors, APIC IDs from 0 */
	unsigned ioapic_id;
	unsigned pm_base;	/* I/O port of the PIIX4 PM registers */
	unsigned sci_irq;
	unsigned apm_port;	/* SMI command; 0: ACPI mode is always on */
	bool vga, hpet, parallel;
	uint8_t pirq[4];	/* ISA interrupt of each PCI PIRQ */
	uint16_t serial[4];	/* base ports; 0: absent */
	uint8_t serial_irq[4];
};

#define ACPI_LEN_MAX	0x4000
#define ACPI_FIXES_MAX	16
#define ACPI_RSDP_LEN	20

/*
 * ACPI tables before they have a place: pointers count from the first byte,
 * checksums are 0.
 */
struct acpi_image {
	uint8_t bytes[ACPI_LEN_MAX];
	unsigned len;
	uint8_t rsdp[ACPI_RSDP_LEN];	/* points to the RSDT */
	struct { uint16_t at; uint8_t size; } pointers[ACPI_FIXES_MAX];
	unsigned npointers;
	struct { uint16_t start, len; } tables[ACPI_FIXES_MAX];
	unsigned ntables;
};

/* Of a table and of the RSDP, where the checksum is; and RSDP to RSDT. */
#define ACPI_SUM_AT		9
#define ACPI_RSDP_SUM_AT	8
#define ACPI_RSDP_RSDT_AT	16

/* ACPI Specification 2.0. */
void acpi_build(struct acpi_image *t, const struct tables_config *cfg);
/* Build, and place at TABLES_ACPI.  0, or what mem_rom_load() returns. */
int acpi_place(struct mem *m, const struct tables_config *cfg);
/*
 * Build, and give them to firmware as files of fw_cfg, with the script that
 * places them.  0, or what fw_cfg_put_file() returns.
 */
int acpi_offer(struct fw_cfg *f, const struct tables_config *cfg);
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
