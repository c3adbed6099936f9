/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every PC has: a constructor for each, and their table.
 */
#include "hypervisor/pc_priv.h"

#include <string.h>
#include <time.h>

#include "hypervisor/clock.h"
#include "hypervisor/ferr.h"
#include "hypervisor/fw_cfg.h"
#include "hypervisor/hpet.h"
#include "hypervisor/i440fx.h"
#include "hypervisor/i8042.h"
#include "hypervisor/i8237.h"
#include "hypervisor/i8254.h"
#include "hypervisor/ioapic.h"
#include "hypervisor/mc146818.h"
#include "hypervisor/mem.h"
#include "hypervisor/pci.h"
#include "hypervisor/piix4pm.h"
#include "hypervisor/ports.h"
#include "hypervisor/sysports.h"
#include "hypervisor/uart16550.h"

#define IRQ_KEYBOARD	1
#define IRQ_MOUSE	12
#define IRQ_FPU		13

#define EQUIPMENT_FPU	0x02
#define EQUIPMENT_MOUSE	0x04

const uint16_t pc_serial_port[PC_SERIAL_MAX] = {
	0x3f8, 0x2f8, 0x3e8, 0x2e8,
};
const uint8_t pc_serial_irq[PC_SERIAL_MAX] = { 4, 3, 4, 3 };
const uint8_t pc_pirq_irq[PIIX3_PIRQS] = { 10, 10, 11, 11 };

static void pm_sleep(void *opaque, unsigned type)
{
	if (type == PM_SLP_TYP_S5)
		pc_raise_event(opaque, PC_POWEROFF, 0, NULL);
	else
		pc_unsupported(opaque, "ACPI sleep state other than S5");
}

static void on_debug_exit(void *opaque, uint32_t val)
{
	pc_raise_event(opaque, PC_DEBUG_EXIT, val, NULL);
}

static int make_pit(struct pc *pc)
{
	struct irq irq = pc_legacy_wire(pc, IRQ_TIMER);

	return i8254_create(&pc->pit, pc->cfg.ports, pc->cfg.clock, &irq);
}

static void hpet_route(void *opaque, unsigned pin, bool level)
{
	struct pc *pc = opaque;

	ioapic_set(pc->ioapic, pin, level);
}

static int make_hpet(struct pc *pc)
{
	struct hpet_config cfg = {
		.mem = pc->cfg.mem,
		.clock = pc->cfg.clock,
		.route = hpet_route,
		.legacy = pc_replace_legacy,
		.irq0 = pc_isa_wire(pc, IRQ_TIMER),
		.irq8 = pc_isa_wire(pc, IRQ_RTC),
		.opaque = pc,
	};

	/* Only firmware's tables tell of it. */
	return pc->bios ? hpet_create(&pc->hpet, &cfg) : 0;
}

static int make_dma(struct pc *pc)
{
	return i8237_create(&pc->dma, pc->cfg.ports, pc->cfg.mem);
}

static void cmos_put(struct pc *pc, unsigned index, uint64_t val,
		     unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		mc146818_set(pc->rtc, index + i, val >> i * 8);
}

static void fill_cmos(struct pc *pc)
{
	uint64_t ram = pc->cfg.mem->ram_size;
	uint64_t low = at_most(ram, MEM_LOW_MAX);
	uint64_t ext = at_most((low - MIB) / KIB, 0xffff);
	uint64_t above16 = low > 16 * MIB ? low - 16 * MIB : 0;

	cmos_put(pc, CMOS_BASE_KIB, 640, 2);
	cmos_put(pc, CMOS_EXT_KIB, ext, 2);
	cmos_put(pc, CMOS_EXT_KIB_POST, ext, 2);
	cmos_put(pc, CMOS_ABOVE_16M, at_most(above16 / (64 * KIB), 0xffff), 2);
	cmos_put(pc, CMOS_ABOVE_4G, (ram - low) / (64 * KIB), 3);
	cmos_put(pc, CMOS_EQUIPMENT, EQUIPMENT_FPU | EQUIPMENT_MOUSE, 1);
	mc146818_sum(pc->rtc);
}

static int make_rtc(struct pc *pc)
{
	struct irq irq = pc_legacy_wire(pc, IRQ_RTC);
	struct timespec ts;
	int err;

	clock_gettime(CLOCK_REALTIME, &ts);
	err = mc146818_create(&pc->rtc, pc->cfg.ports, pc->cfg.clock, &irq,
			      ts.tv_sec * NS_PER_SEC + ts.tv_nsec);
	if (!err)
		fill_cmos(pc);
	return err;
}

static int make_kbc(struct pc *pc)
{
	struct irq irq1 = pc_isa_wire(pc, IRQ_KEYBOARD);
	struct irq irq12 = pc_isa_wire(pc, IRQ_MOUSE);
	struct irq a20 = pc_wire(pc, pc_a20_line);
	struct irq rst = pc_wire(pc, pc_init_line);

	return i8042_create(&pc->kbc, pc->cfg.ports, &irq1, &irq12, &a20,
			    &rst);
}

static int make_port92(struct pc *pc)
{
	struct irq a20 = pc_wire(pc, pc_a20_line);
	struct irq rst = pc_wire(pc, pc_init_line);

	return port92_create(&pc->port92, pc->cfg.ports, &a20, &rst);
}

static int make_port80(struct pc *pc)
{
	return port80_create(&pc->port80, pc->cfg.ports);
}

static int make_ferr(struct pc *pc)
{
	struct irq irq = pc_isa_wire(pc, IRQ_FPU);

	return ferr_create(&pc->ferr, pc->cfg.ports, &irq, &pc->cfg.ignne);
}

static int make_debug_exit(struct pc *pc)
{
	return debug_exit_create(&pc->debug_exit, pc->cfg.ports,
				 on_debug_exit, pc);
}

static void pirq_line(void *opaque, unsigned n, bool level)
{
	struct pc *pc = opaque;

	piix3_pirq(pc->isa_bridge, n, level);
}

static int make_pci(struct pc *pc)
{
	struct pci_config cfg = {
		.ports = pc->cfg.ports,
		.mem = pc->cfg.mem,
		.reset = pc_wire(pc, pc_reset_line),
		.init = pc_wire(pc, pc_init_line),
	};

	for (unsigned n = 0; n < PCI_PIRQS; n++)
		irq_init(&cfg.pirq[n], pirq_line, pc, n);
	return pci_create(&pc->pci, &cfg);
}

static int make_host_bridge(struct pc *pc)
{
	struct i440fx_config cfg = {
		.pci = pc->pci, .mem = pc->cfg.mem, .bios = pc->bios,
	};

	return i440fx_create(&pc->host_bridge, &cfg);
}

static int make_fw_cfg(struct pc *pc)
{
	return fw_cfg_create(&pc->fw_cfg, pc->cfg.ports, pc->cfg.mem);
}

static int make_isa_bridge(struct pc *pc)
{
	struct irq isa[PIIX3_IRQS];

	for (unsigned n = 0; n < PIIX3_IRQS; n++)
		isa[n] = pc_isa_wire(pc, n);
	return piix3_create(&pc->isa_bridge, pc->pci, isa);
}

static int make_pm(struct pc *pc)
{
	struct piix4pm_config cfg = {
		.pci = pc->pci,
		.ports = pc->cfg.ports,
		.clock = pc->cfg.clock,
		.sci = pc_isa_wire(pc, IRQ_SCI),
		.sleep = pm_sleep,
		.opaque = pc,
	};

	return piix4pm_create(&pc->pm, &cfg);
}

static void hotplug_event(void *opaque)
{
	struct pc *pc = opaque;

	piix4pm_gpe(pc->pm, PCI_HOTPLUG_GPE);
}

static int make_hotplug(struct pc *pc)
{
	struct pci_hotplug_config cfg = {
		.ports = pc->cfg.ports,
		.event = hotplug_event,
		.eject = pc_unplugged,
		.opaque = pc,
	};

	return pci_hotplug_create(&pc->hotplug, &cfg);
}

static int make_serial(struct pc *pc, unsigned i)
{
	struct irq irq = pc_isa_wire(pc, pc_serial_irq[i]);

	if (!pc->cfg.serial[i])
		return 0;
	return uart16550_create(&pc->serial[i], pc->cfg.ports, pc_serial_port[i],
				pc->cfg.clock, &irq, pc->cfg.serial[i]);
}

static int make_serial1(struct pc *pc)
{
	return make_serial(pc, 0);
}

static int make_serial2(struct pc *pc)
{
	return make_serial(pc, 1);
}

static int make_serial3(struct pc *pc)
{
	return make_serial(pc, 2);
}

static int make_serial4(struct pc *pc)
{
	return make_serial(pc, 3);
}

/*
 * The machine.  Interrupt controllers come first, because the lines of the
 * others lead there; they are reset and loaded in the same order.
 */
static const struct {
	const char *name;
	int (*make)(struct pc *pc);
	size_t place;		/* of the pointer to it in struct pc */
} parts[] = {
	{ "8259 interrupt controllers", pc_make_pic, offsetof(struct pc, pic) },
	{ "I/O APIC", pc_make_ioapic, offsetof(struct pc, ioapic) },
	{ "local APIC", pc_make_lapic, offsetof(struct pc, lapic[0]) },
	{ "8254 timer", make_pit, offsetof(struct pc, pit) },
	{ "HPET", make_hpet, offsetof(struct pc, hpet) },
	{ "DMA controllers", make_dma, offsetof(struct pc, dma) },
	{ "real-time clock", make_rtc, offsetof(struct pc, rtc) },
	{ "keyboard controller", make_kbc, offsetof(struct pc, kbc) },
	{ "system control port A", make_port92, offsetof(struct pc, port92) },
	{ "POST port", make_port80, offsetof(struct pc, port80) },
	{ "coprocessor error", make_ferr, offsetof(struct pc, ferr) },
	{ "debug-exit port", make_debug_exit,
	  offsetof(struct pc, debug_exit) },
	{ "PCI bus", make_pci, offsetof(struct pc, pci) },
	{ "host bridge", make_host_bridge, offsetof(struct pc, host_bridge) },
	{ "firmware configuration", make_fw_cfg, offsetof(struct pc, fw_cfg) },
	{ "ISA bridge", make_isa_bridge, offsetof(struct pc, isa_bridge) },
	{ "power management", make_pm, offsetof(struct pc, pm) },
	{ "PCI hotplug", make_hotplug, offsetof(struct pc, hotplug) },
	{ "serial port 1", make_serial1, offsetof(struct pc, serial[0]) },
	{ "serial port 2", make_serial2, offsetof(struct pc, serial[1]) },
	{ "serial port 3", make_serial3, offsetof(struct pc, serial[2]) },
	{ "serial port 4", make_serial4, offsetof(struct pc, serial[3]) },
};

_Static_assert(ARRAY_SIZE(parts) < DEVICES_MAX, "too many devices");

int pc_make_parts(struct pc *pc, char *err)
{
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
		struct device **d = (void *)((char *)pc + parts[i].place);
		int code = parts[i].make(pc);

		if (*d)
			pc->devices[pc->ndevices++] = *d;
		if (code) {
			snprintf(err, PC_ERR_LEN, "%s: %s", parts[i].name,
				 strerror(-code));
			return code;
		}
	}
	return 0;
}
