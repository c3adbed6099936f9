/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The devices of a PC that its user chooses, and those that come and go while
 * it runs.
 */
#include "hypervisor/pc_priv.h"

#include <errno.h>
#include <string.h>

#include "hypervisor/buslogic.h"
#include "hypervisor/mc146818.h"
#include "hypervisor/pci.h"
#include "hypervisor/scsi.h"

static struct irq site_irq(void *opaque, unsigned n)
{
	return pc_isa_wire(opaque, n);
}

struct device *pc_site_find(void *opaque, const char *class, unsigned nth)
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
		.find = pc_site_find,
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

/* Make @spec with one key more than it has, its place. */
static int make_placed(struct pc *pc, const struct pc_device_spec *spec,
		       const char *place, struct device **out, char *err)
{
	const char *keys[PLUG_KEYS_MAX + 2] = { NULL };
	struct pc_device_spec placed = { spec->name, spec->backend, keys };
	struct pc_site site = site_of(pc);
	unsigned n = 0;

	for (; spec->keys && spec->keys[n]; n++) {
		if (n == PLUG_KEYS_MAX) {
			snprintf(err, PC_ERR_LEN, "too many keys");
			return -EINVAL;
		}
		keys[n] = spec->keys[n];
	}
	keys[n] = place;
	return pc_device_make(out, &site, &placed, err);
}

/* The guest lets go of @slot; display and the like stay. */
void pc_unplugged(void *opaque, unsigned slot)
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

/*
 * Disks on the SCSI adapter count as slots behind those of the PCI bus.  The
 * guest has to look for them: parallel SCSI says nothing.
 */
#define SCSI_SLOT(id)	(PCI_HOTPLUG_SLOTS + (id))

static struct buslogic *adapter(struct pc *pc)
{
	return (struct buslogic *)pc_site_find(pc, "buslogic", 0);
}

static int plug_scsi(struct pc *pc, const struct pc_device_spec *spec,
		     unsigned *slot, char *err)
{
	struct buslogic *b = adapter(pc);
	struct device *none = NULL;
	char unit[16];
	unsigned id = 0;

	if (!b) {
		snprintf(err, PC_ERR_LEN, "the machine has no SCSI adapter "
			 "(--device buslogic)");
		return -ENODEV;
	}
	while (id < BUSLOGIC_TARGETS && (id == BUSLOGIC_ID ||
					 buslogic_unit(b, id)))
		id++;
	if (id == BUSLOGIC_TARGETS) {
		snprintf(err, PC_ERR_LEN, "the SCSI bus is full");
		return -EBUSY;
	}
	snprintf(unit, sizeof(unit), "unit=%u", id);
	*slot = SCSI_SLOT(id);
	return make_placed(pc, spec, unit, &none, err);
}

static int bus_plug(void *opaque, const struct pc_device_spec *spec,
		    unsigned *slot, char *err)
{
	struct pc *pc = opaque;
	struct device *d = NULL;
	char addr[16];
	int ret;

	if (!strcmp(spec->name, "scsi-hd"))
		return plug_scsi(pc, spec, slot, err);
	*slot = PCI_HOTPLUG_FIRST;
	while (*slot < PCI_HOTPLUG_SLOTS && !slot_is_free(pc, *slot))
		++*slot;
	if (*slot == PCI_HOTPLUG_SLOTS || pc->ndevices == DEVICES_MAX) {
		snprintf(err, PC_ERR_LEN, "the PCI bus is full");
		return -EBUSY;
	}
	snprintf(addr, sizeof(addr), "addr=%x", *slot);
	ret = make_placed(pc, spec, addr, &d, err);
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

	if (slot >= PCI_HOTPLUG_SLOTS && adapter(pc) &&
	    !buslogic_detach(adapter(pc), slot - PCI_HOTPLUG_SLOTS)) {
		hotplug_gone(pc->cfg.hotplug, slot);
		return 0;
	}
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
	for (unsigned id = 0; adapter(pc) && id < BUSLOGIC_TARGETS; id++) {
		const struct scsi_unit *u = buslogic_unit(adapter(pc), id);

		if (u && !u->ops->removable && u->q == backend)
			return SCSI_SLOT(id);
	}
	return -ENOENT;
}

const struct hotplug_bus pc_hotplug_bus = { bus_plug, bus_unplug, bus_find };

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
	static const char *const removable[] = {
		"virtio-blk", "virtio-net", "pcnet",
	};
	uint32_t came = slots_used(pc) & ~before;
	unsigned slot = came ? __builtin_ctz(came) : 0;
	bool known = false;

	for (unsigned i = 0; came && i < ARRAY_SIZE(removable); i++)
		known |= !strcmp(spec->name, removable[i]);
	if (!known)
		return;
	pc->plugged[slot].d = d;
	pc->plugged[slot].backend = spec->backend;
}

/* A guest that starts anew holds nothing that it was asked to let go of. */
void pc_finish_unplugs(struct pc *pc)
{
	uint32_t asked = pci_hotplug_asked(pc->hotplug);

	for (unsigned slot = 0; slot < PCI_HOTPLUG_SLOTS; slot++)
		if (asked & 1u << slot) {
			pci_hotplug_forget(pc->hotplug, slot);
			pc_unplugged(pc, slot);
		}
}

int pc_make_devices(struct pc *pc, char *err)
{
	struct pc_site site = site_of(pc);

	for (unsigned i = 0; i < pc->cfg.ndevices; i++) {
		const struct pc_device_spec *spec = &pc->cfg.devices[i];
		uint32_t before = slots_used(pc);
		struct device *d = NULL;
		int code;

		if (pc->ndevices == DEVICES_MAX) {
			snprintf(err, PC_ERR_LEN, "%s: more than %u devices",
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
