/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MP configuration table for kernels that know no ACPI.
 * Intel MultiProcessor Specification 1.4, chapter 4.
 */
#include "hypervisor/tables.h"

#include <string.h>

#include "hypervisor/ioapic.h"
#include "hypervisor/lapic.h"
#include "hypervisor/mem.h"
#include "hypervisor/vcpu.h"

#define PACKED		__attribute__((packed))
#define ISA_IRQS	16
#define CASCADE		2

enum { E_CPU, E_BUS, E_IOAPIC, E_IO_INT, E_LOCAL_INT };
enum { BUS_PCI, BUS_ISA };
enum { INT_VECTORED, INT_NMI, INT_SMI, INT_EXTINT };

#define CPU_ENABLED	0x01
#define CPU_BSP		0x02
#define IOAPIC_ENABLED	0x01
#define APIC_VERSION	0x14
#define IOAPIC_VERSION	0x11
/* CPUID.1:EDX: FPU, CX8, APIC. */
#define CPU_FEATURES	0x301
#define DEST_ALL	0xff
/* Interrupt flags, table 4-10: polarity, trigger mode. */
#define FLAGS_CONFORM	0x0000
#define FLAGS_LEVEL_HIGH 0x000d

struct floating {
	char signature[4];
	uint32_t table;
	uint8_t length, revision, checksum, features[5];
} PACKED;

struct table {
	char signature[4];
	uint16_t length;
	uint8_t revision, checksum;
	char oem[8], product[12];
	uint32_t oem_table;
	uint16_t oem_size, entries;
	uint32_t lapic;
	uint16_t ext_length;
	uint8_t ext_checksum, reserved;
} PACKED;

struct cpu {
	uint8_t type, id, version, flags;
	uint32_t signature, features, reserved[2];
} PACKED;

struct bus {
	uint8_t type, id;
	char name[6];
} PACKED;

struct ioapic_entry {
	uint8_t type, id, version, flags;
	uint32_t addr;
} PACKED;

struct interrupt {
	uint8_t type, kind;
	uint16_t flags;
	uint8_t bus, irq, apic, pin;
} PACKED;

struct builder {
	uint8_t bytes[1024];
	unsigned len;
	struct table head;
};

static void add(struct builder *b, const void *entry, unsigned len)
{
	memcpy(b->bytes + b->len, entry, len);
	b->len += len;
	b->head.entries++;
}

static void add_bus(struct builder *b, unsigned id, const char *name)
{
	struct bus bus = { .type = E_BUS, .id = id };

	memcpy(bus.name, name, sizeof(bus.name));
	add(b, &bus, sizeof(bus));
}

static void add_isa_irqs(struct builder *b, const struct tables_config *cfg)
{
	for (unsigned irq = 0; irq < ISA_IRQS; irq++) {
		bool level = irq == cfg->sci_irq || irq == cfg->pirq[0] ||
			     irq == cfg->pirq[2];
		struct interrupt e = {
			E_IO_INT, INT_VECTORED,
			level ? FLAGS_LEVEL_HIGH : FLAGS_CONFORM,
			BUS_ISA, irq, cfg->ioapic_id, irq ? irq : CASCADE,
		};

		if (irq != CASCADE)
			add(b, &e, sizeof(e));
	}
}

static void add_cpus(struct builder *b, unsigned cpus)
{
	for (unsigned n = 0; n < cpus; n++) {
		struct cpu cpu = {
			E_CPU, n, APIC_VERSION,
			CPU_ENABLED | (n ? 0 : CPU_BSP),
			VCPU_SIGNATURE, CPU_FEATURES, { 0, 0 },
		};

		add(b, &cpu, sizeof(cpu));
	}
}

static void add_entries(struct builder *b, const struct tables_config *cfg)
{
	struct ioapic_entry io = {
		E_IOAPIC, cfg->ioapic_id, IOAPIC_VERSION, IOAPIC_ENABLED,
		IOAPIC_BASE,
	};
	struct interrupt extint = {
		E_LOCAL_INT, INT_EXTINT, FLAGS_CONFORM, BUS_ISA, 0, 0, 0,
	};
	struct interrupt nmi = {
		E_LOCAL_INT, INT_NMI, FLAGS_CONFORM, BUS_ISA, 0, DEST_ALL, 1,
	};

	add_cpus(b, cfg->cpus);
	add_bus(b, BUS_PCI, "PCI   ");
	add_bus(b, BUS_ISA, "ISA   ");
	add(b, &io, sizeof(io));
	add_isa_irqs(b, cfg);
	add(b, &extint, sizeof(extint));
	add(b, &nmi, sizeof(nmi));
}

int mptable_place(struct mem *m, const struct tables_config *cfg)
{
	struct builder b = {
		.len = sizeof(struct floating) + sizeof(struct table),
		.head = {
			.signature = "PCMP", .revision = 4,
			.oem = "UMBRA   ", .product = "UMBRA PC    ",
			.lapic = LAPIC_DEFAULT_BASE,
		},
	};
	struct floating f = {
		.signature = "_MP_",
		.table = TABLES_MP + sizeof(struct floating),
		.length = 1, .revision = 4,
	};
	uint8_t *table = b.bytes + sizeof(f);

	add_entries(&b, cfg);
	b.head.length = b.len - sizeof(f);
	memcpy(table, &b.head, sizeof(b.head));
	table_checksum(table, b.head.length, offsetof(struct table, checksum));
	table_checksum((uint8_t *)&f, sizeof(f),
		       offsetof(struct floating, checksum));
	memcpy(b.bytes, &f, sizeof(f));
	return mem_rom_load(m, TABLES_MP, b.bytes, b.len);
}
