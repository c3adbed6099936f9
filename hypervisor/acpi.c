/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI tables.  Specification 2.0, sections named below.
 *
 * In the image: FACS, DSDT, FADT, MADT, RSDT, each on a 64-byte boundary.  The
 * RSDP is apart, because firmware puts it elsewhere.
 */
#include "hypervisor/tables.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "hypervisor/aml.h"
#include "hypervisor/hpet.h"
#include "hypervisor/ioapic.h"
#include "hypervisor/lapic.h"
#include "hypervisor/mc146818.h"
#include "hypervisor/mem.h"
#include "hypervisor/parallel.h"
#include "hypervisor/pci_hotplug.h"
#include "hypervisor/piix4pm.h"

#define PACKED		__attribute__((packed))
#define ALIGNMENT	64
#define PCI_MEM_START	((uint32_t)MEM_LOW_MAX)
#define PCI_MEM_END	(IOAPIC_BASE - 1)

/* 5.2.5 */
struct header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem_id[6], oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} PACKED;

/* 5.2.4.3, revision 0 */
struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
} PACKED;

#define RSDT_MAX	3

struct rsdt {
	struct header h;
	uint32_t tables[RSDT_MAX];
} PACKED;

/* Generic address structure, 5.2.3.1 */
struct gas {
	uint8_t space, bits, offset, access;
	uint64_t addr;
} PACKED;

#define GAS_IO		1

/* 5.2.8 */
struct fadt {
	struct header h;
	uint32_t facs, dsdt;
	uint8_t model, profile;
	uint16_t sci_int;
	uint32_t smi_cmd;
	uint8_t acpi_enable, acpi_disable, s4bios_req, pstate_cnt;
	uint32_t pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm2_cnt, pm_tmr;
	uint32_t gpe0, gpe1;
	uint8_t pm1_evt_len, pm1_cnt_len, pm2_cnt_len, pm_tmr_len;
	uint8_t gpe0_len, gpe1_len, gpe1_base, cst_cnt;
	uint16_t lvl2_lat, lvl3_lat, flush_size, flush_stride;
	uint8_t duty_offset, duty_width, day_alarm, mon_alarm, century;
	uint16_t boot_arch;
	uint8_t reserved1;
	uint32_t flags;
	struct gas reset_reg;
	uint8_t reset_value, reserved2[3];
	uint64_t x_facs, x_dsdt;
	struct gas x_pm1a_evt, x_pm1b_evt, x_pm1a_cnt, x_pm1b_cnt, x_pm2_cnt;
	struct gas x_pm_tmr, x_gpe0, x_gpe1;
} PACKED;

#define FADT_WBINVD		(1u << 0)
#define FADT_PROC_C1		(1u << 2)
#define FADT_SLP_BUTTON		(1u << 5)	/* none among fixed events */
#define FADT_FIX_RTC		(1u << 6)	/* RTC wake is not fixed */
#define FADT_RESET_REG		(1u << 10)
#define ARCH_LEGACY		(1u << 0)
#define ARCH_8042		(1u << 1)
#define ARCH_NO_VGA		(1u << 2)
#define NO_C2			0x0fff	/* latency above 100 us: no C2, C3 */
#define RESET_PORT		0xcf9
#define RESET_VALUE		0x06

#define MADT_CPUS	15

/* 5.2.10 */
struct madt {
	struct header h;
	uint32_t lapic_addr, flags;
	struct { uint8_t type, len, id, reserved; uint32_t addr, base; }
		PACKED ioapic;
	struct { uint8_t type, len, bus, irq; uint32_t gsi; uint16_t flags; }
		PACKED iso[4];
	struct { uint8_t type, len, uid; uint16_t flags; uint8_t lint; }
		PACKED nmi;
	/* The last: as many as there are processors. */
	struct { uint8_t type, len, uid, id; uint32_t flags; }
		PACKED lapic[MADT_CPUS];
} PACKED;

#define MADT_PCAT	1	/* 8259s are there too */
#define ISO_CONFORM	0
#define ISO_LEVEL_HIGH	0x000d

/* IA-PC HPET 1.0a, 3.2.4 */
struct hpet_table {
	struct header h;
	uint32_t id;
	struct gas base;
	uint8_t number;
	uint16_t min_tick;	/* counts between periodic interrupts */
	uint8_t protection;
} PACKED;

#define HPET_MIN_TICK	0x80

struct facs {
	char signature[4];
	uint32_t length, hw_signature, waking_vector, lock, flags;
	uint8_t reserved[40];
} PACKED;

_Static_assert(offsetof(struct header, checksum) == ACPI_SUM_AT, "5.2.5");
_Static_assert(sizeof(struct rsdp) == ACPI_RSDP_LEN, "5.2.4.3");
_Static_assert(offsetof(struct rsdp, rsdt) == ACPI_RSDP_RSDT_AT, "5.2.4.3");

/* Append bytes; returns where. */
static uint32_t append(struct acpi_image *t, const void *p, unsigned len)
{
	unsigned at = (t->len + ALIGNMENT - 1) & ~(ALIGNMENT - 1u);

	assert(at + len <= ACPI_LEN_MAX);
	memcpy(t->bytes + at, p, len);
	t->len = at + len;
	return at;
}

/* The @size bytes at @at are a pointer. */
static void note_pointer(struct acpi_image *t, uint32_t at, unsigned size)
{
	assert(t->npointers < ACPI_FIXES_MAX);
	t->pointers[t->npointers].at = at;
	t->pointers[t->npointers++].size = size;
}

static struct header header(const char *signature, uint32_t length,
			    uint8_t revision)
{
	struct header h = {
		.length = length,
		.revision = revision,
		.oem_id = "UMBRA ",
		.oem_table_id = "UMBRAPC ",
		.oem_revision = 1,
		.creator_id = "UMBR",
		.creator_revision = 1,
	};

	memcpy(h.signature, signature, sizeof(h.signature));
	return h;
}

static uint32_t append_table(struct acpi_image *t, const void *p,
			     unsigned len)
{
	uint32_t at = append(t, p, len);

	assert(t->ntables < ACPI_FIXES_MAX);
	t->tables[t->ntables].start = at;
	t->tables[t->ntables++].len = len;
	return at;
}

/*
 * DSDT.
 */

static void device(struct aml *a, const char *name, const char *hid,
		   unsigned uid)
{
	aml_device(a, name);
	aml_name(a, "_HID");
	aml_eisaid(a, hid);
	aml_name(a, "_UID");
	aml_int(a, uid);
}

static void crs(struct aml *a)
{
	aml_name(a, "_CRS");
	aml_resources(a);
}

static void crs_end(struct aml *a)
{
	aml_resources_end(a);
	aml_end(a);		/* the device */
}

static void bus_resources(struct aml *a)
{
	aml_name(a, "_CRS");
	aml_resources(a);
	aml_res_bus(a, 0, 0xff);
	aml_res_io(a, 0xcf8, 8);
	aml_res_ports(a, 0, 0xcf7);
	aml_res_ports(a, 0xd00, 0xffff);
	aml_res_memory(a, 0xa0000, 0xbffff);
	aml_res_memory(a, PCI_MEM_START, PCI_MEM_END);
	aml_resources_end(a);
}

/* INTA#..INTD# of slot n go to PIRQ (n - 1 + pin) mod 4, as on PIIX boards. */
static void bus_routing(struct aml *a, const uint8_t pirq[4])
{
	aml_name(a, "_PRT");
	aml_package(a, 31 * 4);
	for (unsigned slot = 1; slot < 32; slot++)
		for (unsigned pin = 0; pin < 4; pin++) {
			aml_package(a, 4);
			aml_int(a, slot << 16 | 0xffff);
			aml_int(a, pin);
			aml_int(a, 0);
			aml_int(a, pirq[(slot - 1 + pin) & 3]);
			aml_end(a);
		}
	aml_end(a);
}

static void isa_devices(struct aml *a, const struct tables_config *cfg)
{
	device(a, "RTC_", "PNP0B00", 0);
	crs(a);
	aml_res_io(a, 0x70, 2);
	aml_res_irq(a, 8);
	crs_end(a);

	device(a, "KBD_", "PNP0303", 0);
	crs(a);
	aml_res_io(a, 0x60, 1);
	aml_res_io(a, 0x64, 1);
	aml_res_irq(a, 1);
	crs_end(a);

	device(a, "MOU_", "PNP0F13", 0);
	crs(a);
	aml_res_irq(a, 12);
	crs_end(a);

	if (cfg->parallel) {
		device(a, "LPT_", "PNP0400", 0);
		crs(a);
		aml_res_io(a, PARALLEL_PORT, 3);
		aml_res_irq(a, PARALLEL_IRQ);
		crs_end(a);
	}

	for (unsigned i = 0; i < 4; i++) {
		char name[5] = { 'C', 'O', 'M', '1' + i };

		if (!cfg->serial[i])
			continue;
		device(a, name, "PNP0501", i + 1);
		crs(a);
		aml_res_io(a, cfg->serial[i], 8);
		aml_res_irq(a, cfg->serial_irq[i]);
		crs_end(a);
	}
}

static const char *slot_name(unsigned slot)
{
	static char name[5];

	snprintf(name, sizeof(name), "S%03u", slot);
	return name;
}

/* A slot of bus 0: where it is, and how to let go of what is in it. */
static void slot_device(struct aml *a, unsigned slot)
{
	aml_device(a, slot_name(slot));
	aml_name(a, "_ADR");
	aml_int(a, slot << 16);
	aml_name(a, "_SUN");
	aml_int(a, slot);
	aml_method(a, "_EJ0", 1);
	aml_store(a);
	aml_int(a, 1u << slot);
	aml_ref(a, "B0EJ");
	aml_end(a);
	aml_end(a);
}

#define DEVICE_CHECK	1
#define EJECT_REQUEST	3

/* HPNT (slots, what): notify each slot whose bit is set. */
static void slot_notifier(struct aml *a)
{
	aml_method(a, "HPNT", 2);
	for (unsigned slot = PCI_HOTPLUG_FIRST; slot < PCI_HOTPLUG_SLOTS;
	     slot++) {
		aml_if(a);
		aml_and(a);
		aml_arg(a, 0);
		aml_int(a, 1u << slot);
		aml_nothing(a);
		aml_notify(a);
		aml_ref(a, slot_name(slot));
		aml_arg(a, 1);
		aml_end(a);
	}
	aml_end(a);
	aml_method(a, "HPEV", 0);
	aml_ref(a, "HPNT");
	aml_ref(a, "PCIU");
	aml_int(a, DEVICE_CHECK);
	aml_ref(a, "HPNT");
	aml_ref(a, "PCID");
	aml_int(a, EJECT_REQUEST);
	aml_end(a);
}

/* See pci_hotplug.h. */
static void hotplug(struct aml *a)
{
	aml_scope(a, "\\_SB_");
	aml_scope(a, "PCI0");
	aml_ports(a, "HPRG", PCI_HOTPLUG_PORT, 12);
	aml_fields(a, "HPRG");
	aml_field_dword(a, "PCIU");
	aml_field_dword(a, "PCID");
	aml_field_dword(a, "B0EJ");
	aml_end(a);
	for (unsigned slot = PCI_HOTPLUG_FIRST; slot < PCI_HOTPLUG_SLOTS;
	     slot++)
		slot_device(a, slot);
	slot_notifier(a);
	aml_end(a);
	aml_end(a);

	aml_scope(a, "\\_GPE");
	aml_method(a, "_E01", 0);
	aml_path(a, "\\_SB_.PCI0.HPEV");
	aml_end(a);
	aml_end(a);
}

static void write_dsdt(struct aml *a, const struct tables_config *cfg)
{
	aml_scope(a, "\\_SB_");
	aml_device(a, "PCI0");
	aml_name(a, "_HID");
	aml_eisaid(a, "PNP0A03");
	aml_name(a, "_ADR");
	aml_int(a, 0);
	aml_name(a, "_UID");
	aml_int(a, 0);
	bus_resources(a);
	bus_routing(a, cfg->pirq);
	aml_device(a, "ISA_");
	aml_name(a, "_ADR");
	aml_int(a, 1 << 16);
	isa_devices(a, cfg);
	aml_end(a);
	aml_end(a);
	aml_end(a);

	aml_name(a, "\\_S5_");
	aml_package(a, 4);
	aml_int(a, PM_SLP_TYP_S5);
	for (int i = 0; i < 3; i++)
		aml_int(a, 0);
	aml_end(a);
	hotplug(a);
}

static uint32_t append_dsdt(struct acpi_image *out,
			    const struct tables_config *cfg)
{
	static struct {
		struct header h;
		uint8_t code[AML_MAX];
	} PACKED t;
	struct aml a = { .len = 0 };
	unsigned len;

	write_dsdt(&a, cfg);
	len = sizeof(t.h) + a.len;
	/* Revision 1: integers are 32 bits wide. */
	t.h = header("DSDT", len, 1);
	memcpy(t.code, a.code, a.len);
	return append_table(out, &t, len);
}

/*
 * The fixed tables.
 */

static struct gas io(unsigned port, unsigned bits)
{
	return (struct gas){ GAS_IO, bits, 0, 0, port };
}

static uint32_t append_fadt(struct acpi_image *out,
			    const struct tables_config *cfg,
			    uint32_t facs, uint32_t dsdt)
{
	unsigned pm = cfg->pm_base;
	uint32_t at;
	struct fadt t = {
		.h = header("FACP", sizeof(t), 3),
		.facs = facs, .dsdt = dsdt,
		.sci_int = cfg->sci_irq,
		.smi_cmd = cfg->apm_port,
		.acpi_enable = cfg->apm_port ? APM_ACPI_ENABLE : 0,
		.acpi_disable = cfg->apm_port ? APM_ACPI_DISABLE : 0,
		.pm1a_evt = pm + PM1A_EVT, .pm1_evt_len = 4,
		.pm1a_cnt = pm + PM1A_CNT, .pm1_cnt_len = 2,
		.pm_tmr = pm + PM_TMR, .pm_tmr_len = 4,
		.gpe0 = pm + PM_GPE0, .gpe0_len = 4,
		.lvl2_lat = NO_C2, .lvl3_lat = NO_C2,
		.century = CMOS_CENTURY,
		.boot_arch = ARCH_LEGACY | ARCH_8042 |
			     (cfg->vga ? 0 : ARCH_NO_VGA),
		.flags = FADT_WBINVD | FADT_PROC_C1 | FADT_SLP_BUTTON |
			 FADT_FIX_RTC | FADT_RESET_REG,
		.reset_reg = io(RESET_PORT, 8),
		.reset_value = RESET_VALUE,
		.x_dsdt = dsdt,
		.x_pm1a_evt = io(pm + PM1A_EVT, 32),
		.x_pm1a_cnt = io(pm + PM1A_CNT, 16),
		.x_pm_tmr = io(pm + PM_TMR, 32),
		.x_gpe0 = io(pm + PM_GPE0, 32),
	};

	at = append_table(out, &t, sizeof(t));
	note_pointer(out, at + offsetof(struct fadt, facs), 4);
	note_pointer(out, at + offsetof(struct fadt, dsdt), 4);
	note_pointer(out, at + offsetof(struct fadt, x_dsdt), 8);
	return at;
}

static uint32_t append_madt(struct acpi_image *out,
			    const struct tables_config *cfg)
{
	struct madt t = {
		.h = header("APIC", sizeof(t), 1),
		.lapic_addr = LAPIC_DEFAULT_BASE,
		.flags = MADT_PCAT,
		.ioapic = { 1, sizeof(t.ioapic), cfg->ioapic_id, 0,
			    IOAPIC_BASE, 0 },
		.iso = {
			{ 2, sizeof(t.iso[0]), 0, 0, 2, ISO_CONFORM },
			{ 2, sizeof(t.iso[0]), 0, cfg->sci_irq, cfg->sci_irq,
			  ISO_LEVEL_HIGH },
			{ 2, sizeof(t.iso[0]), 0, cfg->pirq[0], cfg->pirq[0],
			  ISO_LEVEL_HIGH },
			{ 2, sizeof(t.iso[0]), 0, cfg->pirq[2], cfg->pirq[2],
			  ISO_LEVEL_HIGH },
		},
		.nmi = { 4, sizeof(t.nmi), 0xff, 0, 1 },
	};

	unsigned absent = MADT_CPUS - cfg->cpus;
	unsigned len = sizeof(t) - absent * sizeof(t.lapic[0]);

	for (unsigned n = 0; n < cfg->cpus; n++) {
		t.lapic[n].len = sizeof(t.lapic[n]);
		t.lapic[n].uid = t.lapic[n].id = n;
		t.lapic[n].flags = 1;
	}
	t.h.length = len;
	return append_table(out, &t, len);
}

static uint32_t append_hpet(struct acpi_image *out)
{
	struct hpet_table t = {
		.h = header("HPET", sizeof(t), 1),
		.id = HPET_ID,
		.base = { .space = 0 /* memory */, .addr = HPET_BASE },
		.min_tick = HPET_MIN_TICK,
	};

	return append_table(out, &t, sizeof(t));
}

void acpi_build(struct acpi_image *t, const struct tables_config *cfg)
{
	struct facs facs = { .signature = "FACS", .length = sizeof(facs) };
	struct rsdp rsdp = { .signature = "RSD PTR ", .oem_id = "UMBRA " };
	uint32_t tables[RSDT_MAX], facs_at, dsdt_at;
	struct rsdt rsdt;
	unsigned n = 0;

	t->len = t->npointers = t->ntables = 0;
	memset(t->bytes, 0, sizeof(t->bytes));
	facs_at = append(t, &facs, sizeof(facs));
	dsdt_at = append_dsdt(t, cfg);
	tables[n++] = append_fadt(t, cfg, facs_at, dsdt_at);
	tables[n++] = append_madt(t, cfg);
	if (cfg->hpet)
		tables[n++] = append_hpet(t);
	rsdt.h = header("RSDT", offsetof(struct rsdt, tables[n]), 1);
	memcpy(rsdt.tables, tables, n * sizeof(tables[0]));
	rsdp.rsdt = append_table(t, &rsdt, rsdt.h.length);
	for (unsigned i = 0; i < n; i++)
		note_pointer(t, rsdp.rsdt + offsetof(struct rsdt, tables[i]),
			     4);
	memcpy(t->rsdp, &rsdp, sizeof(rsdp));
}

static void add_base(uint8_t *p, unsigned size)
{
	uint64_t val = 0;

	memcpy(&val, p, size);
	val += TABLES_ACPI;
	memcpy(p, &val, size);
}

int acpi_place(struct mem *m, const struct tables_config *cfg)
{
	static struct acpi_image t;

	acpi_build(&t, cfg);
	for (unsigned i = 0; i < t.npointers; i++)
		add_base(t.bytes + t.pointers[i].at, t.pointers[i].size);
	for (unsigned i = 0; i < t.ntables; i++)
		table_checksum(t.bytes + t.tables[i].start, t.tables[i].len,
			       ACPI_SUM_AT);
	add_base(t.rsdp + ACPI_RSDP_RSDT_AT, 4);
	table_checksum(t.rsdp, sizeof(t.rsdp), ACPI_RSDP_SUM_AT);
	append(&t, t.rsdp, sizeof(t.rsdp));
	return mem_rom_load(m, TABLES_ACPI, t.bytes, t.len);
}
