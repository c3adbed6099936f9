// SPDX-License-Identifier: GPL-2.0-or-later
/* The host adapter as a PCI function, as rows of pc_device.def, and saved. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/block.h"
#include "hypervisor/buslogic_priv.h"
#include "hypervisor/hotplug.h"
#include "hypervisor/mem.h"
#include "hypervisor/pc_device.h"
#include "hypervisor/ports.h"

#define CLASS_NAME	"buslogic"
#define IO_LEN		32
#define MMIO_LEN	4096
#define REGISTERS	4

static uint32_t io_read(void *opaque, unsigned off, unsigned size)
{
	return off < REGISTERS ? bl_read(opaque, off) : 0;
}

static void io_write(void *opaque, unsigned off, unsigned size, uint32_t val)
{
	if (off < REGISTERS)
		bl_write(opaque, off, val);
}

/* The same registers; wider accesses reach the first one. */
static uint64_t mmio_read(void *opaque, gpa_t off, unsigned size)
{
	return off < REGISTERS ? bl_read(opaque, off) : 0;
}

static void mmio_write(void *opaque, gpa_t off, unsigned size, uint64_t val)
{
	if (off < REGISTERS)
		bl_write(opaque, off, val);
}

static const struct pio_ops io_ops = { io_read, io_write, PIO_1 };
static const struct mmio_ops mmio_ops = { mmio_read, mmio_write };

static void settle(struct device *dev)
{
	struct buslogic *b = (struct buslogic *)dev;

	for (unsigned i = 0; i < BUSLOGIC_TARGETS; i++)
		if (b->unit[i].ops)
			block_queue_drain(b->unit[i].q);
}

static void reset(struct device *dev)
{
	struct buslogic *b = (struct buslogic *)dev;

	bl_abandon(b);
	settle(dev);
	b->gone = 0;
	pci_func_reset(&b->func);
	/* As the adapter's own BIOS leaves it; drivers rely on that. */
	pci_put16(&b->func, PCI_COMMAND, PCI_COMMAND_MASTER);
	bl_reset(b);
}

static void destroy(struct device *dev)
{
	struct buslogic *b = (struct buslogic *)dev;

	bl_abandon(b);
	settle(dev);
	free(dev);
}

#define UNIT(n)	FIELD(struct buslogic, unit[n].s, 1)
/*
 * Commands that are done and wait for a mailbox would be lost; they cannot be
 * when the driver gives as many incoming mailboxes as outgoing ones, as all do.
 */
static const struct field fields[] = {
	PCI_FUNC_FIELDS(struct buslogic, func, 1),
	FIELD(struct buslogic, s, 1),
	UNIT(0), UNIT(1), UNIT(2), UNIT(3), UNIT(4), UNIT(5), UNIT(6),
	UNIT(7), UNIT(8), UNIT(9), UNIT(10), UNIT(11), UNIT(12), UNIT(13),
	UNIT(14), UNIT(15),
};

static int loaded(struct device *dev)
{
	struct buslogic *b = (struct buslogic *)dev;
	const struct bl_state *s = &b->s;

	if (s->have > s->want || s->want > BL_PARAMS ||
	    s->reply_pos > s->reply_len || s->reply_len > BL_REPLY ||
	    (s->mailboxes ? s->next_out >= s->mailboxes ||
			    s->next_in >= s->mailboxes :
			    s->next_out || s->next_in))
		return -EINVAL;
	if (s->busy && s->have < s->want && !bl_half_command(b))
		return -EINVAL;
	for (unsigned i = 0; i < BUSLOGIC_TARGETS; i++)
		if (scsi_loaded(&b->unit[i]))
			return -EINVAL;
	return pci_func_loaded(&b->func);
}

static const struct device_class bl_class = {
	.name = CLASS_NAME, .version = 1,
	.fields = fields, .nfields = ARRAY_SIZE(fields),
	.reset = reset, .settle = settle, .loaded = loaded,
	.destroy = destroy,
};

int buslogic_create(struct buslogic **out, struct pci *pci, unsigned devfn)
{
	struct buslogic *b = calloc(1, sizeof(*b));
	struct pci_func *f;

	*out = b;
	if (!b)
		return -ENOMEM;
	f = &b->func;
	b->dev.class = &bl_class;
	b->done_tail = &b->done;
	pci_identify(f, 0x104b, 0x1040, 8, 0x0100);
	pci_subsystem(f, 0x104b, 0x1040);
	f->config[PCI_INT_PIN] = 1;
	pci_bar_io(f, 0, IO_LEN, &io_ops, b, "buslogic");
	pci_bar_mem(f, 1, MMIO_LEN, 0, &mmio_ops, b, "buslogic");
	return pci_add(pci, devfn, f);
}

struct scsi_unit *buslogic_unit(struct buslogic *b, unsigned id)
{
	return id < BUSLOGIC_TARGETS && b->unit[id].ops ? &b->unit[id] : NULL;
}

int buslogic_attach(struct buslogic *b, unsigned id,
		    const struct scsi_ops *ops, struct block_queue *q,
		    const char *serial)
{
	struct block *medium = block_queue_medium(q);
	struct scsi_unit *u;

	if (id >= BUSLOGIC_TARGETS || (!ops->removable &&
				       (!medium || !medium->size)))
		return -EINVAL;
	u = &b->unit[id];
	if (u->ops || id == BUSLOGIC_ID)
		return -EEXIST;
	u->ops = ops;
	u->q = q;
	b->gone &= ~(1u << id);
	snprintf(u->vendor, sizeof(u->vendor), "UMBRA");
	snprintf(u->product, sizeof(u->product), "%s", ops->removable ?
		 "CD-ROM" : "HARDDISK");
	snprintf(u->revision, sizeof(u->revision), "1.0");
	if (serial)
		snprintf(u->serial, sizeof(u->serial), "%s", serial);
	else
		snprintf(u->serial, sizeof(u->serial), "UM%05u", 100 + id);
	scsi_reset(u);
	return 0;
}

int buslogic_detach(struct buslogic *b, unsigned id)
{
	struct scsi_unit *u = buslogic_unit(b, id);

	if (!u || u->ops->removable)
		return u ? -EBUSY : -ENODEV;
	block_queue_drain(u->q);
	memset(u, 0, sizeof(*u));
	b->gone |= 1u << id;
	return 0;
}

/*
 * Rows of pc_device.def.
 */

int buslogic_make(struct device **out, const struct pc_site *site,
		  const struct pc_device_spec *spec, char *err)
{
	unsigned devfn;
	int ret = pc_spec_check(spec, "addr", err);

	if (!ret)
		ret = pc_spec_devfn(spec, &devfn, err);
	if (ret)
		return ret;
	ret = buslogic_create((struct buslogic **)out, site->pci, devfn);
	if (ret)
		snprintf(err, PC_ERR_LEN, "%s: %s", spec->name,
			 strerror(-ret));
	return ret;
}

static int change_medium(void *opaque, struct block *b, bool force)
{
	return scsi_change(opaque, b, force);
}

static int drive_make(const struct pc_site *site,
		      const struct pc_device_spec *spec,
		      const struct scsi_ops *ops, char *err)
{
	struct buslogic *b = (struct buslogic *)
			     site->find(site->opaque, CLASS_NAME, 0);
	const char *u = pc_spec_key(spec, "unit");
	unsigned id = u ? strtoul(u, NULL, 10) : 0;
	int ret = pc_spec_check(spec, "unit serial", err);

	if (ret)
		return ret;
	ret = b ? buslogic_attach(b, id, ops, spec->backend,
				  pc_spec_key(spec, "serial")) : -ENODEV;
	if (!ret && ops->removable && site->hotplug)
		ret = hotplug_add_drive(site->hotplug, spec->backend,
					change_medium, buslogic_unit(b, id));
	if (ret)
		snprintf(err, PC_ERR_LEN, "%s: unit %u: %s", spec->name, id,
			 ret == -EEXIST ? "taken (7 is the adapter's own)" :
			 ret == -EINVAL ? "an empty disk, or no such unit" :
			 ret == -ENOSPC ? "too many drives" :
			 "no buslogic in front of it");
	return ret;
}

int scsi_hd_make(struct device **out, const struct pc_site *site,
		 const struct pc_device_spec *spec, char *err)
{
	return drive_make(site, spec, &scsi_disk_ops, err);
}

int scsi_cd_make(struct device **out, const struct pc_site *site,
		 const struct pc_device_spec *spec, char *err)
{
	return drive_make(site, spec, &scsi_cd_ops, err);
}
