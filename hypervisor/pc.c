/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PC: device table and wiring.
 *
 *	devices -- isa[0..15] --+-- 8259 pair -- INT -- LINT0 --+
 *	                        |                               local APIC -- INTR
 *	                        +-- I/O APIC -- APIC bus -------+
 *
 * An ISA line is the OR of all devices on it.  It reaches the 8259 input of
 * the same number and the I/O APIC pin of the same number, except that line 0
 * (the timer) is on pin 2.
 */
#include "hypervisor/pc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hypervisor/clock.h"
#include "hypervisor/device.h"
#include "hypervisor/firmware.h"
#include "hypervisor/fw_cfg.h"
#include "hypervisor/hotplug.h"
#include "hypervisor/hpet.h"
#include "hypervisor/i440fx.h"
#include "hypervisor/i8042.h"
#include "hypervisor/i8237.h"
#include "hypervisor/i8254.h"
#include "hypervisor/i8259.h"
#include "hypervisor/ioapic.h"
#include "hypervisor/irqchip.h"
#include "hypervisor/lapic.h"
#include "hypervisor/mc146818.h"
#include "hypervisor/mem.h"
#include "hypervisor/pc_device.h"
#include "hypervisor/pci.h"
#include "hypervisor/pci_hotplug.h"
#include "hypervisor/piix3.h"
#include "hypervisor/piix4pm.h"
#include "hypervisor/ports.h"
#include "hypervisor/smbios.h"
#include "hypervisor/sysports.h"
#include "hypervisor/tables.h"
#include "hypervisor/uart16550.h"
#include "hypervisor/vmi.h"

#define ISA_LINES	16
#define IRQ_TIMER	0
#define IRQ_KEYBOARD	1
#define IRQ_CASCADE	2
#define IRQ_RTC		8
#define IRQ_SCI		9
#define IRQ_MOUSE	12
#define TIMER_PIN	2	/* of the I/O APIC */
#define PM_BASE		0x600
#define DEVICES_MAX	96

#define EQUIPMENT_FPU	0x02
#define EQUIPMENT_MOUSE	0x04

static const uint16_t serial_port[PC_SERIAL_MAX] = {
	0x3f8, 0x2f8, 0x3e8, 0x2e8,
};
static const uint8_t serial_irq[PC_SERIAL_MAX] = { 4, 3, 4, 3 };
static const uint8_t pirq_irq[PIIX3_PIRQS] = { 10, 10, 11, 11 };

/* How many devices hold each shared line; a device of its own to be saved. */
struct wires {
	struct device dev;
	uint8_t isa[ISA_LINES];
	uint8_t a20;
	/* HPET's legacy replacement, and what it keeps from lines 0 and 8. */
	uint8_t replaced, cut[2];
};

struct pc {
	struct pc_config cfg;
	struct wires wires;
	struct i8259 *pic;
	struct ioapic *ioapic;
	struct lapic *lapic[PC_CPUS_MAX];
	struct i8254 *pit;
	struct i8237 *dma;
	struct hpet *hpet;
	struct mc146818 *rtc;
	struct i8042 *kbc;
	struct port92 *port92;
	struct port80 *port80;
	struct debug_exit *debug_exit;
	struct pci *pci;
	struct fw_cfg *fw_cfg;
	struct mem_block *bios;		/* NULL: none */
	struct i440fx *host_bridge;
	struct piix3 *isa_bridge;
	struct piix4pm *pm;
	struct pci_hotplug *hotplug;
	struct uart16550 *serial[PC_SERIAL_MAX];

	/* An engine has the interrupt controllers; NULL: we do. */
	pc_line_fn *line;
	void *line_opaque;

	struct device *devices[DEVICES_MAX];
	unsigned ndevices;
	/* Of these, those that the guest can let go of; by PCI slot. */
	struct { struct device *d; const void *backend; }
		plugged[PCI_HOTPLUG_SLOTS];
};

/*
 * Wires.
 */

static void isa_line(void *opaque, unsigned n, bool level)
{
	struct pc *pc = opaque;
	uint8_t was = pc->wires.isa[n];

	pc->wires.isa[n] += level ? 1 : -1;
	if (!was == !pc->wires.isa[n])
		return;
	if (pc->line) {
		pc->line(pc->line_opaque, n, level);
		return;
	}
	i8259_set(pc->pic, n, level);
	ioapic_set(pc->ioapic, n == IRQ_TIMER ? TIMER_PIN : n, level);
}

static bool isa_pending(void *opaque, unsigned n)
{
	struct pc *pc = opaque;

	if (pc->line)
		return false;	/* not to be known from outside */
	return i8259_pending(pc->pic, n) ||
	       ioapic_pending(pc->ioapic, n == IRQ_TIMER ? TIMER_PIN : n);
}

static struct irq isa_wire(struct pc *pc, unsigned n)
{
	struct irq irq;

	irq_init(&irq, isa_line, pc, n);
	irq.pending = isa_pending;
	return irq;
}

/*
 * The 8254 and the RTC reach their lines unless the HPET stands for them.
 * @n: 0 or 8.
 */
static void legacy_line(void *opaque, unsigned n, bool level)
{
	struct pc *pc = opaque;

	pc->wires.cut[n / 8] = level;
	if (!pc->wires.replaced)
		isa_line(pc, n, level);
}

static void replace_legacy(void *opaque, bool on)
{
	struct pc *pc = opaque;

	for (unsigned n = 0; n < 2; n++)
		if (pc->wires.cut[n] && pc->wires.replaced != on)
			isa_line(pc, n * 8, !on);
	pc->wires.replaced = on;
}

static struct irq legacy_wire(struct pc *pc, unsigned n)
{
	struct irq irq = isa_wire(pc, n);

	irq.fn = legacy_line;
	return irq;
}

static void raise_event(struct pc *pc, enum pc_event ev, unsigned arg,
			const char *text)
{
	pc->cfg.event(pc->cfg.opaque, ev, arg, text);
}

static void reset_line(void *opaque, unsigned n, bool level)
{
	if (level)
		raise_event(opaque, PC_RESET, 0, NULL);
}

/* Either gate opens it, as on the PS/2. */
static void a20_line(void *opaque, unsigned n, bool level)
{
	struct pc *pc = opaque;

	pc->wires.a20 += level ? 1 : -1;
	mem_set_a20(pc->cfg.mem, pc->wires.a20);
}

static struct irq wire(struct pc *pc, irq_fn *fn)
{
	struct irq irq;

	irq_init(&irq, fn, pc, 0);
	return irq;
}

static void pic_int(void *opaque, unsigned n, bool level)
{
	struct pc *pc = opaque;

	/* Only the bootstrap processor's LINT0 is wired. */
	if (pc->lapic[0])
		lapic_lint(pc->lapic[0], 0, level);
}

static int pic_ack(void *opaque)
{
	struct pc *pc = opaque;

	return i8259_ack(pc->pic);
}

static void apic_eoi(void *opaque, uint8_t vector)
{
	struct pc *pc = opaque;

	ioapic_eoi(pc->ioapic, vector);
}

/* The addressed APIC of lowest priority, SDM Vol. 3A 10.6.2.4. */
static void send_lowest(struct pc *pc, const struct apic_msg *m)
{
	struct lapic *best = NULL;

	for (unsigned n = 0; n < pc->cfg.ncpus; n++) {
		struct lapic *l = pc->lapic[n];

		if (lapic_addressed(l, m) &&
		    (!best || lapic_priority(l) < lapic_priority(best)))
			best = l;
	}
	if (best)
		lapic_take(best, m);
}

/* A pin in ExtINT mode stands for the 8259, which is on LINT0. */
static void apic_send(void *opaque, const struct apic_msg *m)
{
	struct pc *pc = opaque;

	if (m->delivery == APIC_LOWEST) {
		send_lowest(pc, m);
		return;
	}
	for (unsigned n = 0; n < pc->cfg.ncpus; n++)
		lapic_receive(pc->lapic[n], m);
}

static unsigned this_cpu(const struct pc *pc)
{
	return pc->cfg.this_cpu ? pc->cfg.this_cpu(pc->cfg.opaque) : 0;
}

/* An IPI of the processor that this thread is. */
static void apic_ipi(void *opaque, const struct apic_msg *m,
		     enum apic_who which)
{
	struct pc *pc = opaque;
	unsigned self = this_cpu(pc);

	if (which == APIC_DEST) {
		apic_send(pc, m);
		return;
	}
	for (unsigned n = 0; n < pc->cfg.ncpus; n++)
		if (which == APIC_ALL || n != self)
			lapic_take(pc->lapic[n], m);
}

static bool apic_requested(void *opaque, uint8_t vector)
{
	struct pc *pc = opaque;

	for (unsigned n = 0; n < pc->cfg.ncpus; n++)
		if (lapic_requested(pc->lapic[n], vector))
			return true;
	return false;
}

static void apic_startup(void *opaque, unsigned cpu, enum apic_delivery how,
			 uint8_t vector)
{
	struct pc *pc = opaque;

	if (how == APIC_INIT)
		lapic_init_reset(pc->lapic[cpu]);
	pc->cfg.startup(pc->cfg.opaque, cpu, how, vector);
}

static void apic_tpr(void *opaque, unsigned cpu, uint8_t tpr)
{
	struct pc *pc = opaque;

	if (pc->cfg.tpr)
		pc->cfg.tpr(pc->cfg.opaque, cpu, tpr);
}

/*
 * Several processors see each their own APIC at the same address.
 */

static uint64_t apic_page_read(void *opaque, gpa_t off, unsigned size)
{
	struct pc *pc = opaque;

	return lapic_mmio_read(pc->lapic[this_cpu(pc)], off, size);
}

static void apic_page_write(void *opaque, gpa_t off, unsigned size,
			    uint64_t val)
{
	struct pc *pc = opaque;

	lapic_mmio_write(pc->lapic[this_cpu(pc)], off, size, val);
}

static const struct mmio_ops apic_page = { apic_page_read, apic_page_write };

static void unsupported(void *opaque, const char *what)
{
	raise_event(opaque, PC_UNSUPPORTED, 0, what);
}

static void pm_sleep(void *opaque, unsigned type)
{
	if (type == PM_SLP_TYP_S5)
		raise_event(opaque, PC_POWEROFF, 0, NULL);
	else
		unsupported(opaque, "ACPI sleep state other than S5");
}

static void on_debug_exit(void *opaque, uint32_t val)
{
	raise_event(opaque, PC_DEBUG_EXIT, val, NULL);
}

/*
 * Constructors, in the order of the table below.
 */

static int make_pic(struct pc *pc)
{
	struct irq out = wire(pc, pic_int);

	return i8259_create(&pc->pic, pc->cfg.ports, &out);
}

static int make_one_lapic(struct pc *pc, unsigned n)
{
	struct lapic_config cfg = {
		.id = n,
		.clock = pc->cfg.clock,
		.mem = pc->cfg.ncpus > 1 ? NULL : pc->cfg.mem,
		.intr = pc->cfg.intr[n],
		.nmi = pc->cfg.nmi[n],
		.pic_ack = pic_ack, .pic = pc,
		.eoi = apic_eoi, .ioapic = pc,
		.send = pc->cfg.ncpus > 1 ? apic_ipi : NULL,
		.startup = pc->cfg.startup ? apic_startup : NULL,
		.tpr = apic_tpr,
		.unsupported = unsupported, .opaque = pc,
	};

	return lapic_create(&pc->lapic[n], &cfg);
}

static int make_lapic(struct pc *pc)
{
	return make_one_lapic(pc, 0);
}

/* Those of the other processors, and the page where all of them are. */
static int make_other_lapics(struct pc *pc)
{
	int err = 0;

	for (unsigned n = 1; n < pc->cfg.ncpus && !err; n++) {
		err = make_one_lapic(pc, n);
		if (pc->lapic[n])
			pc->devices[pc->ndevices++] =
				(struct device *)pc->lapic[n];
	}
	if (err || pc->cfg.ncpus == 1)
		return err;
	return mem_add_mmio(pc->cfg.mem, LAPIC_DEFAULT_BASE, LAPIC_SIZE,
			    &apic_page, pc, "local APICs");
}

static unsigned ioapic_id(const struct pc *pc)
{
	return pc->cfg.ncpus;
}

static int make_ioapic(struct pc *pc)
{
	struct ioapic_config cfg = {
		.id = ioapic_id(pc),
		.mem = pc->cfg.mem,
		.send = apic_send,
		.requested = apic_requested,
		.opaque = pc,
	};

	return ioapic_create(&pc->ioapic, &cfg);
}

static int make_pit(struct pc *pc)
{
	struct irq irq = legacy_wire(pc, IRQ_TIMER);

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
		.legacy = replace_legacy,
		.irq0 = isa_wire(pc, IRQ_TIMER),
		.irq8 = isa_wire(pc, IRQ_RTC),
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

static uint64_t at_most(uint64_t val, uint64_t max)
{
	return val < max ? val : max;
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
	struct irq irq = legacy_wire(pc, IRQ_RTC);
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
	struct irq irq1 = isa_wire(pc, IRQ_KEYBOARD);
	struct irq irq12 = isa_wire(pc, IRQ_MOUSE);
	struct irq a20 = wire(pc, a20_line), rst = wire(pc, reset_line);

	return i8042_create(&pc->kbc, pc->cfg.ports, &irq1, &irq12, &a20,
			    &rst);
}

static int make_port92(struct pc *pc)
{
	struct irq a20 = wire(pc, a20_line), rst = wire(pc, reset_line);

	return port92_create(&pc->port92, pc->cfg.ports, &a20, &rst);
}

static int make_port80(struct pc *pc)
{
	return port80_create(&pc->port80, pc->cfg.ports);
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
		.reset = wire(pc, reset_line),
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
		isa[n] = isa_wire(pc, n);
	return piix3_create(&pc->isa_bridge, pc->pci, isa);
}

static int make_pm(struct pc *pc)
{
	struct piix4pm_config cfg = {
		.pci = pc->pci,
		.ports = pc->cfg.ports,
		.clock = pc->cfg.clock,
		.sci = isa_wire(pc, IRQ_SCI),
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

/* The guest lets go of @slot; display and the like stay. */
static void unplugged(void *opaque, unsigned slot)
{
	struct pc *pc = opaque;
	struct device *d = pc->plugged[slot].d;
	unsigned i = 0;

	if (!d)
		return;
	while (pc->devices[i] != d)
		i++;
	pc->ndevices--;
	memmove(&pc->devices[i], &pc->devices[i + 1],
		(pc->ndevices - i) * sizeof(pc->devices[0]));
	pc->plugged[slot].d = NULL;
	device_destroy(d);
	if (pc->cfg.hotplug)
		hotplug_gone(pc->cfg.hotplug, slot);
}

static int make_hotplug(struct pc *pc)
{
	struct pci_hotplug_config cfg = {
		.ports = pc->cfg.ports,
		.event = hotplug_event,
		.eject = unplugged,
		.opaque = pc,
	};

	return pci_hotplug_create(&pc->hotplug, &cfg);
}

static int make_serial(struct pc *pc, unsigned i)
{
	struct irq irq = isa_wire(pc, serial_irq[i]);

	if (!pc->cfg.serial[i])
		return 0;
	return uart16550_create(&pc->serial[i], pc->cfg.ports, serial_port[i],
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
	{ "8259 interrupt controllers", make_pic, offsetof(struct pc, pic) },
	{ "I/O APIC", make_ioapic, offsetof(struct pc, ioapic) },
	{ "local APIC", make_lapic, offsetof(struct pc, lapic[0]) },
	{ "8254 timer", make_pit, offsetof(struct pc, pit) },
	{ "HPET", make_hpet, offsetof(struct pc, hpet) },
	{ "DMA controllers", make_dma, offsetof(struct pc, dma) },
	{ "real-time clock", make_rtc, offsetof(struct pc, rtc) },
	{ "keyboard controller", make_kbc, offsetof(struct pc, kbc) },
	{ "system control port A", make_port92, offsetof(struct pc, port92) },
	{ "POST port", make_port80, offsetof(struct pc, port80) },
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

static void wires_reset(struct device *d)
{
}

static const struct field wires_fields[] = {
	FIELD(struct wires, isa, 1),
	FIELD(struct wires, a20, 1),
	FIELD(struct wires, replaced, 2),
	FIELD(struct wires, cut, 2),
};

static const struct device_class wires_class = {
	"wires", 2, wires_fields, ARRAY_SIZE(wires_fields), wires_reset, NULL,
	NULL,
};

/*
 * Optional devices.
 */

static struct irq site_irq(void *opaque, unsigned n)
{
	return isa_wire(opaque, n);
}

static struct device *site_find(void *opaque, const char *class, unsigned nth)
{
	struct pc *pc = opaque;

	for (unsigned i = 0; i < pc->ndevices; i++)
		if (!strcmp(pc->devices[i]->class->name, class) && !nth--)
			return pc->devices[i];
	return NULL;
}

static void site_cmos(void *opaque, unsigned index, uint8_t val)
{
	struct pc *pc = opaque;

	mc146818_set(pc->rtc, index, val);
	mc146818_sum(pc->rtc);
}

static struct pc_site site_of(struct pc *pc)
{
	return (struct pc_site){
		.mem = pc->cfg.mem,
		.ports = pc->cfg.ports,
		.clock = pc->cfg.clock,
		.loop = pc->cfg.loop,
		.log = pc->cfg.log,
		.pci = pc->pci,
		.isa_irq = site_irq,
		.find = site_find,
		.cmos = site_cmos,
		.fw_cfg = pc->fw_cfg,
		.firmware = pc->bios,
		.dma = pc->dma,
		.hotplug = pc->cfg.hotplug,
		.opaque = pc,
	};
}

static bool slot_is_free(const struct pc *pc, unsigned slot)
{
	for (unsigned fn = 0; fn < 8; fn++)
		if (pci_at(pc->pci, PCI_DEVFN(slot, fn)))
			return false;
	return true;
}

#define PLUG_KEYS_MAX	15

/* Make @spec in @slot: one key more than it has. */
static int make_in_slot(struct pc *pc, const struct pc_device_spec *spec,
			unsigned slot, struct device **out, char *err)
{
	const char *keys[PLUG_KEYS_MAX + 2] = { NULL };
	struct pc_device_spec placed = { spec->name, spec->backend, keys };
	struct pc_site site = site_of(pc);
	char addr[16];
	unsigned n = 0;

	snprintf(addr, sizeof(addr), "addr=%x", slot);
	for (; spec->keys && spec->keys[n]; n++) {
		if (n == PLUG_KEYS_MAX) {
			snprintf(err, PC_ERR_LEN, "too many keys");
			return -EINVAL;
		}
		keys[n] = spec->keys[n];
	}
	keys[n] = addr;
	return pc_device_make(out, &site, &placed, err);
}

static int bus_plug(void *opaque, const struct pc_device_spec *spec,
		    unsigned *slot, char *err)
{
	struct pc *pc = opaque;
	struct device *d = NULL;
	int ret;

	*slot = PCI_HOTPLUG_FIRST;
	while (*slot < PCI_HOTPLUG_SLOTS && !slot_is_free(pc, *slot))
		++*slot;
	if (*slot == PCI_HOTPLUG_SLOTS || pc->ndevices == DEVICES_MAX) {
		snprintf(err, PC_ERR_LEN, "the PCI bus is full");
		return -EBUSY;
	}
	ret = make_in_slot(pc, spec, *slot, &d, err);
	if (ret) {
		if (d)
			device_destroy(d);
		return ret;
	}
	device_reset(d);
	pc->devices[pc->ndevices++] = d;
	pc->plugged[*slot].d = d;
	pc->plugged[*slot].backend = spec->backend;
	pci_hotplug_filled(pc->hotplug, *slot);
	return 0;
}

static int bus_unplug(void *opaque, unsigned slot, char *err)
{
	struct pc *pc = opaque;

	if (slot >= PCI_HOTPLUG_SLOTS || !pc->plugged[slot].d) {
		snprintf(err, PC_ERR_LEN, "it is part of the machine");
		return -EBUSY;
	}
	pci_hotplug_ask(pc->hotplug, slot);
	return 0;
}

static int bus_find(void *opaque, const void *backend)
{
	struct pc *pc = opaque;

	for (unsigned slot = 0; slot < PCI_HOTPLUG_SLOTS; slot++)
		if (pc->plugged[slot].d &&
		    pc->plugged[slot].backend == backend)
			return slot;
	return -ENOENT;
}

static const struct hotplug_bus bus = { bus_plug, bus_unplug, bus_find };

/* Slots with something in them, by bit. */
static uint32_t slots_used(const struct pc *pc)
{
	uint32_t used = 0;

	for (unsigned slot = 0; slot < PCI_HOTPLUG_SLOTS; slot++)
		if (!slot_is_free(pc, slot))
			used |= 1u << slot;
	return used;
}

/* Disks and networks that the machine begins with can leave, too. */
static void note_removable(struct pc *pc, const struct pc_device_spec *spec,
			   struct device *d, uint32_t before)
{
	uint32_t came = slots_used(pc) & ~before;
	unsigned slot = came ? __builtin_ctz(came) : 0;

	if (!came || (strcmp(spec->name, "virtio-blk") &&
		      strcmp(spec->name, "virtio-net")))
		return;
	pc->plugged[slot].d = d;
	pc->plugged[slot].backend = spec->backend;
}

/* A guest that starts anew holds nothing that it was asked to let go of. */
static void finish_unplugs(struct pc *pc)
{
	uint32_t asked = pci_hotplug_asked(pc->hotplug);

	for (unsigned slot = 0; slot < PCI_HOTPLUG_SLOTS; slot++)
		if (asked & 1u << slot) {
			pci_hotplug_forget(pc->hotplug, slot);
			unplugged(pc, slot);
		}
}

static int make_devices(struct pc *pc, char *err)
{
	struct pc_site site = site_of(pc);

	for (unsigned i = 0; i < pc->cfg.ndevices; i++) {
		const struct pc_device_spec *spec = &pc->cfg.devices[i];
		uint32_t before = slots_used(pc);
		struct device *d = NULL;
		int code;

		if (pc->ndevices == DEVICES_MAX) {
			snprintf(err, 160, "%s: more than %u devices",
				 spec->name, DEVICES_MAX);
			return -ENOSPC;
		}
		code = pc_device_make(&d, &site, spec, err);
		if (d)
			pc->devices[pc->ndevices++] = d;
		if (code)
			return code;
		if (d)
			note_removable(pc, spec, d, before);
	}
	return 0;
}

static int make_bios(struct pc *pc, char *err)
{
	char why[FIRMWARE_ERR_LEN];
	int code;

	if (!pc->cfg.bios)
		return 0;
	code = firmware_place(&pc->bios, pc->cfg.mem, pc->cfg.bios,
			      pc->cfg.bios_len, why);
	if (code)
		snprintf(err, 160, "bios: %.120s", why);
	return code;
}

/*
 * What firmware asks for.
 */

static struct tables_config tables_of(struct pc *pc)
{
	struct tables_config cfg = {
		.cpus = pc->cfg.ncpus,
		.ioapic_id = ioapic_id(pc),
		.pm_base = PM_BASE,
		.sci_irq = IRQ_SCI,
		.apm_port = pc->bios ? PIIX4_APM_PORT : 0,
		.vga = site_find(pc, "vga", 0),
		.hpet = pc->hpet,
		.parallel = site_find(pc, "parallel", 0),
	};

	memcpy(cfg.pirq, pirq_irq, sizeof(cfg.pirq));
	for (unsigned i = 0; i < PC_SERIAL_MAX; i++) {
		cfg.serial[i] = pc->serial[i] ? serial_port[i] : 0;
		cfg.serial_irq[i] = serial_irq[i];
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

/* Without a display, the firmware's screen and keyboard are on COM1. */
static int offer_serial_console(struct pc *pc)
{
	if (!pc->serial[0] || site_find(pc, "vga", 0))
		return 0;
	return fw_cfg_put_file(pc->fw_cfg, "etc/sercon-port", &serial_port[0],
			       sizeof(serial_port[0]));
}

static int offer_firmware(struct pc *pc)
{
	struct tables_config tables = tables_of(pc);
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

/* An alarm of the VMI "as if the PIT fired". */
static void irq0_edge(void *opaque)
{
	struct pc *pc = opaque;
	bool level = pc->wires.isa[IRQ_TIMER];

	i8259_set(pc->pic, IRQ_TIMER, false);
	ioapic_set(pc->ioapic, TIMER_PIN, false);
	i8259_set(pc->pic, IRQ_TIMER, true);
	ioapic_set(pc->ioapic, TIMER_PIN, true);
	i8259_set(pc->pic, IRQ_TIMER, level);
	ioapic_set(pc->ioapic, TIMER_PIN, level);
}

struct vmi *pc_vmi(const struct pc *pc)
{
	for (unsigned i = 0; i < pc->ndevices; i++)
		if (!strcmp(pc->devices[i]->class->name, "vmi"))
			return (struct vmi *)pc->devices[i];
	return NULL;
}

/* Each constructor leaves its device in place even when it fails. */
int pc_create(struct pc **out, const struct pc_config *cfg, char *err)
{
	struct pc *pc = calloc(1, sizeof(*pc));
	int code;

	*out = pc;
	if (!pc) {
		snprintf(err, 160, "pc: out of memory");
		return -ENOMEM;
	}
	pc->cfg = *cfg;
	if (!pc->cfg.ncpus)
		pc->cfg.ncpus = 1;
	code = make_bios(pc, err);
	if (code)
		return code;
	pc->wires.dev.class = &wires_class;
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
		struct device **d = (void *)((char *)pc + parts[i].place);

		code = parts[i].make(pc);
		if (*d)
			pc->devices[pc->ndevices++] = *d;
		if (code) {
			snprintf(err, 160, "%s: %s", parts[i].name,
				 strerror(-code));
			return code;
		}
	}
	if (make_other_lapics(pc)) {
		snprintf(err, 160, "local APICs: out of memory");
		return -ENOMEM;
	}
	code = make_devices(pc, err);
	if (pc->cfg.hotplug)
		hotplug_set_bus(pc->cfg.hotplug, &bus, pc);
	if (pc_vmi(pc))
		vmi_on_irq0(pc_vmi(pc), irq0_edge, pc);
	if (!code)
		code = offer_firmware(pc);
	if (code == -ENOMEM)
		snprintf(err, 160, "pc: out of memory");
	return code;
}

void pc_destroy(struct pc *pc)
{
	if (!pc)
		return;
	if (pc->cfg.hotplug)
		hotplug_set_bus(pc->cfg.hotplug, NULL, NULL);
	if (pc->cfg.ncpus > 1)
		mem_del_mmio(pc->cfg.mem, LAPIC_DEFAULT_BASE);
	while (pc->ndevices)
		device_destroy(pc->devices[--pc->ndevices]);
	mem_block_destroy(pc->bios);
	free(pc);
}

void pc_reset(struct pc *pc)
{
	finish_unplugs(pc);
	for (unsigned i = 0; i < pc->ndevices; i++)
		device_reset(pc->devices[i]);
}

/*
 * Lines 9, 10 and 11 carry level-triggered requests: ELCR, which is the
 * 8259's second register.
 */
static void route_interrupts(struct pc *pc)
{
	uint16_t level = 1u << IRQ_SCI;

	for (unsigned i = 0; i < PIIX3_PIRQS; i++) {
		piix3_route(pc->isa_bridge, i, pirq_irq[i]);
		level |= 1u << pirq_irq[i];
	}
	ports_write(pc->cfg.ports, 0x4d0, 2, level);
}

void pc_direct_boot(struct pc *pc)
{
	struct tables_config cfg = tables_of(pc);

	i440fx_all_dram(pc->host_bridge);
	route_interrupts(pc);
	piix4pm_enable(pc->pm, PM_BASE);
	lapic_virtual_wire(pc->lapic[0]);
	if (acpi_place(pc->cfg.mem, &cfg) || mptable_place(pc->cfg.mem, &cfg))
		abort();	/* the area is RAM in every machine */
	if (pc_vmi(pc))
		vmi_place(pc_vmi(pc));
}

int pc_intr_ack(struct pc *pc, unsigned cpu)
{
	return lapic_ack(pc->lapic[cpu]);
}

#define MSR_APIC_BASE	0x1b

int pc_msr_read(struct pc *pc, unsigned cpu, uint32_t msr, uint64_t *val)
{
	if (msr != MSR_APIC_BASE)
		return -1;
	*val = lapic_base(pc->lapic[cpu]);
	return 0;
}

int pc_msr_write(struct pc *pc, unsigned cpu, uint32_t msr, uint64_t val)
{
	return msr == MSR_APIC_BASE ? lapic_set_base(pc->lapic[cpu], val) : -1;
}

void pc_tpr_write(struct pc *pc, unsigned cpu, uint8_t tpr)
{
	lapic_set_tpr(pc->lapic[cpu], tpr);
}

bool pc_nmi_possible(const struct pc *pc, unsigned cpu)
{
	return lapic_nmi_possible(pc->lapic[cpu]);
}

void pc_key(struct pc *pc, unsigned code, bool down)
{
	i8042_key(pc->kbc, code, down);
}

void pc_mouse(struct pc *pc, int dx, int dy, int dz, unsigned buttons)
{
	i8042_mouse(pc->kbc, dx, dy, dz, buttons);
}

void pc_power_button(struct pc *pc)
{
	piix4pm_power_button(pc->pm);
}

void pc_irqchip_give(struct pc *pc, struct irqchip_state *s,
		     pc_line_fn *line, void *opaque)
{
	s->ncpus = pc->cfg.ncpus;
	i8259_get(pc->pic, s->pic);
	ioapic_get(pc->ioapic, &s->ioapic);
	for (unsigned n = 0; n < pc->cfg.ncpus; n++)
		lapic_get(pc->lapic[n], &s->lapic[n]);
	pc->line = line;
	pc->line_opaque = opaque;
}

void pc_irqchip_drop(struct pc *pc)
{
	pc->line = NULL;
}

void pc_irqchip_take(struct pc *pc, const struct irqchip_state *s,
		     const uint64_t *base)
{
	pc->line = NULL;
	ioapic_put(pc->ioapic, &s->ioapic);
	for (unsigned n = 0; n < pc->cfg.ncpus; n++)
		lapic_put(pc->lapic[n], &s->lapic[n], base[n]);
	i8259_put(pc->pic, s->pic);
}

int pc_save(const struct pc *pc, struct state *s)
{
	int err;

	for (unsigned i = 0; i < pc->ndevices; i++)
		if (pc->devices[i]->class->settle)
			pc->devices[i]->class->settle(pc->devices[i]);
	err = device_save(&pc->wires.dev, s);
	for (unsigned i = 0; i < pc->ndevices && !err; i++)
		err = device_save(pc->devices[i], s);
	return err;
}

/*
 * All devices are reset before the first is loaded, so that no reset moves a
 * line into a controller that has its saved state already.
 */
int pc_load(struct pc *pc, struct state *s)
{
	struct wires saved = pc->wires;
	int err = device_load(&saved.dev, s);

	pc_reset(pc);
	for (unsigned i = 0; i < pc->ndevices && !err; i++)
		err = device_load(pc->devices[i], s);
	pc->wires = saved;
	mem_set_a20(pc->cfg.mem, pc->wires.a20);
	return err;
}

void pc_print_pic(const struct pc *pc, FILE *out)
{
	struct pic_info info[2];

	i8259_info(pc->pic, info);
	for (int i = 0; i < 2; i++)
		fprintf(out, "pic%d: irr %02x imr %02x isr %02x elcr %02x "
			"base %02x\n", i, info[i].irr, info[i].imr,
			info[i].isr, info[i].elcr, info[i].base);
}

void pc_print_stats(const struct pc *pc, FILE *out)
{
	uint64_t late, lost;

	i8254_ticks(pc->pit, &late, &lost);
	fprintf(out, "timer: %llu ticks late, %llu lost; last POST code "
		"%02xh\n", (unsigned long long)late, (unsigned long long)lost,
		port80_code(pc->port80));
}
