/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PC's own struct, for the files that put it together: pc_wires.c (lines),
 * pc_apic.c (interrupt controllers), pc_parts.c (what every machine has),
 * pc_slots.c (what can be chosen, and hotplug), pc_offer.c (tables for
 * firmware and kernels) and pc.c (life and state).
 */
#ifndef UMBRA_PC_PRIV_H
#define UMBRA_PC_PRIV_H

#include "hypervisor/device.h"
#include "hypervisor/hotplug.h"
#include "hypervisor/irq.h"
#include "hypervisor/pc.h"
#include "hypervisor/pc_device.h"
#include "hypervisor/pci_hotplug.h"
#include "hypervisor/piix3.h"
#include "hypervisor/tables.h"

#define ISA_LINES	16
#define IRQ_TIMER	0
#define IRQ_RTC		8
#define IRQ_SCI		9
#define TIMER_PIN	2	/* of the I/O APIC */
#define PM_BASE		0x600
#define DEVICES_MAX	96

static inline uint64_t at_most(uint64_t val, uint64_t max)
{
	return val < max ? val : max;
}

extern const uint16_t pc_serial_port[PC_SERIAL_MAX];
extern const uint8_t pc_serial_irq[PC_SERIAL_MAX];
extern const uint8_t pc_pirq_irq[PIIX3_PIRQS];

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
	struct ferr *ferr;
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
	uint64_t raised[ISA_LINES];	/* how often; for "info irq" */
	pc_replace_fn *replace;		/* NULL: nobody listens */
	void *replace_opaque;

	struct device *devices[DEVICES_MAX];
	unsigned ndevices;
	/* Of these, those that the guest can let go of; by PCI slot. */
	struct { struct device *d; const void *backend; }
		plugged[PCI_HOTPLUG_SLOTS];
};

/* pc_wires.c: a wire to ISA line @n; the timer's and the clock's own. */
struct irq pc_isa_wire(struct pc *pc, unsigned n);
struct irq pc_legacy_wire(struct pc *pc, unsigned n);
struct irq pc_wire(struct pc *pc, irq_fn *fn);
void pc_replace_legacy(void *pc, bool on);
void pc_reset_line(void *pc, unsigned n, bool level);
void pc_init_line(void *pc, unsigned n, bool level);
void pc_a20_line(void *pc, unsigned n, bool level);
void pc_irq0_edge(void *pc);
void pc_raise_event(struct pc *pc, enum pc_event ev, unsigned arg,
		    const char *text);
void pc_unsupported(void *pc, const char *what);
extern const struct device_class pc_wires_class;

/* pc_apic.c.  Return 0 or -ENOMEM. */
int pc_make_pic(struct pc *pc);
int pc_make_ioapic(struct pc *pc);
int pc_make_lapic(struct pc *pc);
int pc_make_other_lapics(struct pc *pc);
unsigned pc_ioapic_id(const struct pc *pc);

/* pc_parts.c: 0 or -errno with the part's name in @err. */
int pc_make_parts(struct pc *pc, char *err);

/* pc_slots.c. */
struct device *pc_site_find(void *pc, const char *class, unsigned nth);
int pc_make_devices(struct pc *pc, char *err);
void pc_unplugged(void *pc, unsigned slot);
void pc_finish_unplugs(struct pc *pc);
extern const struct hotplug_bus pc_hotplug_bus;

/* pc_offer.c. */
struct tables_config pc_tables_of(struct pc *pc);
int pc_offer_firmware(struct pc *pc);

#endif
