/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a PC tells of itself: firmware's configuration, and the tables that a
 * kernel finds when it is booted without firmware.
 */
#include "hypervisor/pc_priv.h"

#include <stdlib.h>
#include <string.h>

#include "hypervisor/fw_cfg.h"
#include "hypervisor/i440fx.h"
#include "hypervisor/lapic.h"
#include "hypervisor/mc146818.h"
#include "hypervisor/mem.h"
#include "hypervisor/piix4pm.h"
#include "hypervisor/ports.h"
#include "hypervisor/smbios.h"
#include "hypervisor/vmi.h"

struct tables_config pc_tables_of(struct pc *pc)
{
	struct tables_config cfg = {
		.cpus = pc->cfg.ncpus,
		.ioapic_id = pc_ioapic_id(pc),
		.pm_base = PM_BASE,
		.sci_irq = IRQ_SCI,
		.apm_port = pc->bios ? PIIX4_APM_PORT : 0,
		.vga = pc_site_find(pc, "vga", 0),
		.hpet = pc->hpet,
		.parallel = pc_site_find(pc, "parallel", 0),
	};

	memcpy(cfg.pirq, pc_pirq_irq, sizeof(cfg.pirq));
	for (unsigned i = 0; i < PC_SERIAL_MAX; i++) {
		cfg.serial[i] = pc->serial[i] ? pc_serial_port[i] : 0;
		cfg.serial_irq[i] = pc_serial_irq[i];
	}
	return cfg;
}

#define E820_RAM	1

static int offer_memory(struct pc *pc)
{
	uint64_t ram = pc->cfg.mem->ram_size, low = at_most(ram, MEM_LOW_MAX);
	struct {
		uint64_t addr, len;
		uint32_t type;
	} __attribute__((packed)) map[] = {
		{ 0, low, E820_RAM },
		{ MEM_HIGH_BASE, ram - low, E820_RAM },
	};
	int err = fw_cfg_put_int(pc->fw_cfg, FW_CFG_RAM_SIZE, low, 8);

	if (!err)
		err = fw_cfg_put_file(pc->fw_cfg, "etc/e820", map, ram > low ?
				      sizeof(map) : sizeof(map[0]));
	return err;
}

static int offer_numbers(struct pc *pc)
{
	const struct { uint16_t key, len, val; } numbers[] = {
		{ FW_CFG_NOGRAPHIC, 2, 0 },
		{ FW_CFG_NB_CPUS, 2, pc->cfg.ncpus },
		{ FW_CFG_MAX_CPUS, 2, pc->cfg.ncpus },
		{ FW_CFG_BOOT_MENU, 2, pc->cfg.boot_menu },
		{ FW_CFG_IRQ0_OVERRIDE, 1, 1 },
	};
	int err = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(numbers) && !err; i++)
		err = fw_cfg_put_int(pc->fw_cfg, numbers[i].key,
				     numbers[i].val, numbers[i].len);
	return err;
}

/* Where firmware looks for the order: 4 bits for each device. */
static void put_boot_order(struct pc *pc)
{
	static const char letters[] = " acdn";	/* 1: floppy ... 4: network */
	const char *s = pc->cfg.boot_order ? pc->cfg.boot_order : "cad";
	unsigned order = 0;

	for (unsigned i = 0; i < 3 && s[i]; i++) {
		const char *at = strchr(letters + 1, s[i]);

		if (at)
			order |= (unsigned)(at - letters) << 4 * i;
	}
	mc146818_set(pc->rtc, CMOS_BOOT_2, order);
	mc146818_set(pc->rtc, CMOS_BOOT_1, order >> 4 & 0xf0);
}

/* The firmware's screen and keyboard, on COM1 alone or as well. */
static int offer_serial_console(struct pc *pc)
{
	if (!pc->serial[0] || (pc_site_find(pc, "vga", 0) &&
			       !pc->cfg.boot_serial))
		return 0;
	return fw_cfg_put_file(pc->fw_cfg, "etc/sercon-port", &pc_serial_port[0],
			       sizeof(pc_serial_port[0]));
}

int pc_offer_firmware(struct pc *pc)
{
	struct tables_config tables = pc_tables_of(pc);
	struct smbios_config smbios = {
		.ram_size = pc->cfg.mem->ram_size, .cpus = pc->cfg.ncpus,
	};
	int err = offer_memory(pc);

	put_boot_order(pc);
	if (!err)
		err = offer_numbers(pc);
	if (!err)
		err = offer_serial_console(pc);
	if (!err)
		err = acpi_offer(pc->fw_cfg, &tables);
	if (!err)
		err = smbios_offer(pc->fw_cfg, &smbios);
	return err;
}

/*
 * Lines 9, 10 and 11 carry level-triggered requests: ELCR, which is the
 * 8259's second register.
 */
static void route_interrupts(struct pc *pc)
{
	uint16_t level = 1u << IRQ_SCI;

	for (unsigned i = 0; i < PIIX3_PIRQS; i++) {
		piix3_route(pc->isa_bridge, i, pc_pirq_irq[i]);
		level |= 1u << pc_pirq_irq[i];
	}
	ports_write(pc->cfg.ports, 0x4d0, 2, level);
}

void pc_direct_boot(struct pc *pc)
{
	struct tables_config cfg = pc_tables_of(pc);

	i440fx_all_dram(pc->host_bridge);
	route_interrupts(pc);
	piix4pm_enable(pc->pm, PM_BASE);
	lapic_virtual_wire(pc->lapic[0]);
	if (acpi_place(pc->cfg.mem, &cfg) || mptable_place(pc->cfg.mem, &cfg))
		abort();	/* the area is RAM in every machine */
	if (pc_vmi(pc))
		vmi_place(pc_vmi(pc));
}
