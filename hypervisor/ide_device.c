// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The IDE function as a PCI function, as rows of pc_device.def, and as saved
 * state.
 *
 * After a reset both channels decode their ports, as firmware would leave
 * them; the chip itself waits to be told (PIIX3 2.3.9).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/block.h"
#include "hypervisor/hotplug.h"
#include "hypervisor/ide_priv.h"
#include "hypervisor/pc_device.h"

#define IDETIM			0x40
#define SIDETIM			0x44
#define IDETIM_DECODE		0x8000
#define PROG_BUS_MASTER		0x80
#define BM_BAR			4
#define BM_LEN			16
#define CLASS_NAME		"piix3-ide"

static void reset(struct device *dev)
{
	struct ide *ide = (struct ide *)dev;
	struct pci_func *f = &ide->func;

	pci_func_reset(f);
	pci_put16(f, PCI_COMMAND, PCI_COMMAND_IO);
	for (unsigned i = 0; i < IDE_CHANNELS; i++) {
		pci_put16(f, IDETIM + 2 * i, IDETIM_DECODE);
		ide_channel_reset(&ide->ch[i]);
	}
}

static void settle(struct device *dev)
{
	struct ide *ide = (struct ide *)dev;

	for (unsigned i = 0; i < IDE_CHANNELS * IDE_DRIVES; i++) {
		struct ide_drive *d = &ide->ch[i / 2].drive[i % 2];

		if (d->present)
			block_queue_drain(d->scsi.q);
	}
}

static void destroy(struct device *dev)
{
	settle(dev);
	free(dev);
}

#define DRIVE_FIELDS(c, n) \
	FIELD_BOOL(struct ide, ch[c].drive[n].present, 1), \
	FIELD_BOOL(struct ide, ch[c].drive[n].cd, 1), \
	FIELD(struct ide, ch[c].drive[n].s, 1), \
	FIELD(struct ide, ch[c].drive[n].buf, 1), \
	FIELD(struct ide, ch[c].drive[n].scsi.s, 1)
#define CHANNEL_FIELDS(c) \
	FIELD(struct ide, ch[c].control, 1), \
	FIELD(struct ide, ch[c].selected, 1), \
	FIELD(struct ide, ch[c].intrq, 1), \
	FIELD(struct ide, ch[c].bm, 1), \
	FIELD_BOOL(struct ide, ch[c].irq.level, 1), \
	DRIVE_FIELDS(c, 0), \
	DRIVE_FIELDS(c, 1)

static const struct field fields[] = {
	PCI_FUNC_FIELDS(struct ide, func, 1),
	CHANNEL_FIELDS(0),
	CHANNEL_FIELDS(1),
};

static bool channel_loaded(const struct ide_channel *ch)
{
	for (unsigned i = 0; i < IDE_DRIVES; i++) {
		const struct ide_drive *d = &ch->drive[i];

		/* What the file says is there must be here, too. */
		if (d->present != !!d->scsi.q ||
		    (d->present && d->cd != (d->scsi.ops == &scsi_cd_ops)) ||
		    !ide_drive_loaded(d))
			return false;
	}
	return ch->selected < IDE_DRIVES && ch->intrq <= 1 && !(ch->bm.table &
								3);
}

static int loaded(struct device *dev)
{
	struct ide *ide = (struct ide *)dev;
	bool good = true;

	for (unsigned i = 0; i < IDE_CHANNELS; i++)
		good &= channel_loaded(&ide->ch[i]);
	/* A load that failed must not leave drives that are not there. */
	for (unsigned i = 0; i < IDE_CHANNELS * IDE_DRIVES; i++) {
		struct ide_drive *d = &ide->ch[i / 2].drive[i % 2];

		d->present = d->scsi.q;
		d->cd = d->scsi.ops == &scsi_cd_ops;
	}
	return good ? pci_func_loaded(&ide->func) : -EINVAL;
}

static const struct device_class ide_class = {
	.name = CLASS_NAME, .version = 1,
	.fields = fields, .nfields = ARRAY_SIZE(fields),
	.reset = reset, .settle = settle, .loaded = loaded,
	.destroy = destroy,
};

static void init_function(struct ide *ide)
{
	struct pci_func *f = &ide->func;

	pci_identify(f, 0x8086, 0x7010, 0, 0x0101);
	f->config[PCI_CLASS_PROG] = PROG_BUS_MASTER;
	pci_put16(f, PCI_STATUS, 0x0280);
	memset(f->writable + IDETIM, 0xff, 4);
	f->writable[SIDETIM] = 0xff;
	pci_bar_io(f, BM_BAR, BM_LEN, &ide_bm_ops, ide, "ide bus master");
}

int ide_create(struct ide **out, const struct ide_config *cfg)
{
	struct ide *ide = calloc(1, sizeof(*ide));
	int ret;

	*out = ide;
	if (!ide)
		return -ENOMEM;
	ide->dev.class = &ide_class;
	ide->ports = cfg->ports;
	for (unsigned i = 0; i < IDE_CHANNELS; i++) {
		ide->ch[i].ide = ide;
		ide->ch[i].irq = cfg->irq[i];
		for (unsigned n = 0; n < IDE_DRIVES; n++) {
			ide->ch[i].drive[n].ch = &ide->ch[i];
			ide->ch[i].drive[n].unit = n;
		}
	}
	init_function(ide);
	ret = pci_add(cfg->pci, PCI_DEVFN(1, 1), &ide->func);
	if (!ret)
		ret = ide_ports_add(ide);
	return ret;
}

static void set_names(struct ide_drive *d, const struct ide_drive_config *cfg)
{
	unsigned n = (d->ch - d->ch->ide->ch) * IDE_DRIVES + d->unit;

	if (cfg->serial)
		snprintf(d->serial, sizeof(d->serial), "%s", cfg->serial);
	else
		snprintf(d->serial, sizeof(d->serial), "UM%05u", n + 1);
	snprintf(d->model, sizeof(d->model), "%s", cfg->model ? cfg->model :
		 d->cd ? "UMBRA CD-ROM" : "UMBRA HARDDISK");
	snprintf(d->scsi.vendor, sizeof(d->scsi.vendor), "UMBRA");
	snprintf(d->scsi.product, sizeof(d->scsi.product), "CD-ROM");
	snprintf(d->scsi.revision, sizeof(d->scsi.revision), "1.0");
	memcpy(d->scsi.serial, d->serial, sizeof(d->scsi.serial));
}

int ide_attach(struct ide *ide, unsigned channel, unsigned unit,
	       const struct ide_drive_config *cfg)
{
	struct ide_drive *d = &ide->ch[channel].drive[unit];
	struct block *b = block_queue_medium(cfg->q);

	if (d->present)
		return -EEXIST;
	if (cfg->kind == IDE_DISK && (!b || !b->size))
		return -EINVAL;
	d->present = true;
	d->cd = cfg->kind == IDE_CD;
	d->scsi.ops = d->cd ? &scsi_cd_ops : NULL;
	d->scsi.q = cfg->q;
	set_names(d, cfg);
	ide_channel_reset(d->ch);
	return 0;
}

struct scsi_unit *ide_cd(struct ide *ide, unsigned channel, unsigned unit)
{
	struct ide_drive *d = &ide->ch[channel].drive[unit];

	return d->present && d->cd ? &d->scsi : NULL;
}

/*
 * Rows of pc_device.def.
 */

int ide_make(struct device **out, const struct pc_site *site,
	     const struct pc_device_spec *spec, char *err)
{
	struct ide_config cfg = { .pci = site->pci, .ports = site->ports };
	int ret = pc_spec_check(spec, "", err);

	if (ret)
		return ret;
	cfg.irq[0] = site->isa_irq(site->opaque, 14);
	cfg.irq[1] = site->isa_irq(site->opaque, 15);
	ret = ide_create((struct ide **)out, &cfg);
	if (ret)
		snprintf(err, PC_ERR_LEN, "%s: %s", spec->name,
			 strerror(-ret));
	return ret;
}

/* "ide.0" or "ide.1"; "0" or "1". */
static int get_place(const struct pc_device_spec *spec, unsigned *channel,
		     unsigned *unit, char *err)
{
	const char *bus = pc_spec_key(spec, "bus");
	const char *u = pc_spec_key(spec, "unit");

	*channel = bus && !strcmp(bus, "ide.1");
	*unit = u && !strcmp(u, "1");
	if ((!bus || *channel || !strcmp(bus, "ide.0")) &&
	    (!u || *unit || !strcmp(u, "0")))
		return 0;
	snprintf(err, PC_ERR_LEN, "%s: bus is ide.0 or ide.1, unit 0 or 1",
		 spec->name);
	return -EINVAL;
}

static int change_medium(void *opaque, struct block *b, bool force)
{
	return scsi_change(opaque, b, force);
}

static int drive_make(const struct pc_site *site,
		      const struct pc_device_spec *spec, enum ide_kind kind,
		      char *err)
{
	struct ide *ide = (struct ide *)site->find(site->opaque, CLASS_NAME,
						   0);
	struct ide_drive_config cfg = {
		.kind = kind, .q = spec->backend,
		.serial = pc_spec_key(spec, "serial"),
		.model = pc_spec_key(spec, "model"),
	};
	unsigned channel, unit;
	int ret = pc_spec_check(spec, "bus unit serial model", err);

	if (!ret)
		ret = get_place(spec, &channel, &unit, err);
	if (ret)
		return ret;
	ret = ide ? ide_attach(ide, channel, unit, &cfg) : -ENODEV;
	if (!ret && kind == IDE_CD && site->hotplug)
		ret = hotplug_add_drive(site->hotplug, cfg.q, change_medium,
					ide_cd(ide, channel, unit));
	if (ret)
		snprintf(err, PC_ERR_LEN, "%s: ide.%u unit %u: %s",
			 spec->name, channel, unit,
			 ret == -EEXIST ? "there is a drive already" :
			 ret == -EINVAL ? "an empty disk" :
			 ret == -ENOSPC ? "too many drives" :
			 "no piix3-ide in front of it");
	return ret;
}

int ide_hd_make(struct device **out, const struct pc_site *site,
		const struct pc_device_spec *spec, char *err)
{
	return drive_make(site, spec, IDE_DISK, err);
}

int ide_cd_make(struct device **out, const struct pc_site *site,
		const struct pc_device_spec *spec, char *err)
{
	return drive_make(site, spec, IDE_CD, err);
}
