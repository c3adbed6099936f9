// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Disks in the store: the class "vbd".  A drive's number is its place in the
 * list of the machine's drives, those of the command line first.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/block.h"
#include "backends/block_queue.h"
#include "backends/xenstore/link.h"
#include "hypervisor/hotplug.h"
#include "hypervisor/types.h"
#include "tools/lib/options.h"
#include "tools/umbra/devices.h"
#include "tools/umbra/store.h"

static const char *const bus_names[DRIVE_IFS] = {
	[DRIVE_IDE] = "ide", [DRIVE_FLOPPY] = "floppy", [DRIVE_SCSI] = "scsi",
	[DRIVE_VIRTIO] = "virtio", [DRIVE_NONE] = "none",
};

/* The medium that @a names, or NULL for none. */
static int open_medium(struct block **out, const struct hotplug_args *a,
		       char *err)
{
	const char *mode = hotplug_key(a, "mode");
	struct block_config cfg = {
		.file = hotplug_key(a, "params"),
		.format = hotplug_key(a, "format"),
		.read_only = !mode || strcmp(mode, "w"),
	};
	char why[BLOCK_ERR_LEN];
	int ret;

	*out = NULL;
	if (!cfg.file || !*cfg.file)
		return 0;
	ret = block_open(out, &cfg, why);
	if (ret)
		snprintf(err, HOTPLUG_ERR_LEN, "%.250s", why);
	return ret;
}

/* `mode' says whether a removable medium may be written: floppies. */
static int vbd_media(void *opaque, const struct hotplug_args *a, char *err)
{
	struct store *s = opaque;
	const char *force = hotplug_key(a, "force");
	struct block *medium;
	int ret;

	if (a->n >= s->devices->nqueues) {
		snprintf(err, HOTPLUG_ERR_LEN, "there is no drive %u", a->n);
		return -ENODEV;
	}
	ret = open_medium(&medium, a, err);
	if (ret)
		return ret;
	ret = hotplug_change(s->hotplug, s->devices->queues[a->n], medium,
			     force && !strcmp(force, "1"));
	if (ret) {
		block_close(medium);
		snprintf(err, HOTPLUG_ERR_LEN, "drive %u: %s", a->n,
			 ret == -EBUSY ? "the guest has locked it" :
			 ret == -ENOTSUP ? "its medium cannot be changed" :
			 strerror(-ret));
	}
	return ret;
}

/*
 * Disks that come and go, on virtio or SCSI, each with a queue of its own.
 */

#define DISKS_MAX	32
#define DISK_THREADS	4

static struct disk {
	struct block_queue *q;		/* NULL: unused */
	unsigned n, slot;
	bool first;	/* there from the start: the queue is not ours */
} disks[DISKS_MAX];

static struct disk *disk_find(unsigned n)
{
	for (unsigned i = 0; i < DISKS_MAX; i++)
		if (disks[i].q && disks[i].n == n)
			return &disks[i];
	return NULL;
}

static bool on_scsi(const struct hotplug_args *a)
{
	const char *bus = hotplug_key(a, "bus");

	return bus && !strcmp(bus, "scsi");
}

static int plug(struct store *s, struct disk *d,
		const struct hotplug_args *a, struct block *medium, char *err)
{
	const char *serial = hotplug_key(a, "serial");
	char text[64];
	const char *keys[] = { serial ? text : NULL, NULL };
	struct pc_device_spec spec = { on_scsi(a) ? "scsi-hd" : "virtio-blk",
				       NULL, keys };
	int ret = block_queue_create(&d->q, medium, s->loop, DISK_THREADS,
				     s->log);

	if (ret) {
		block_close(medium);
		d->q = NULL;
		snprintf(err, HOTPLUG_ERR_LEN, "%s", strerror(-ret));
		return ret;
	}
	snprintf(text, sizeof(text), "serial=%s", serial ? serial : "");
	spec.backend = d->q;
	d->n = a->n;
	d->first = false;
	ret = hotplug_plug(s->hotplug, &spec, &d->slot, err);
	if (ret) {
		block_queue_destroy(d->q);
		d->q = NULL;
	}
	return ret;
}

static int vbd_attach(void *opaque, const struct hotplug_args *a, char *err)
{
	const char *bus = hotplug_key(a, "bus");
	struct block *medium;
	unsigned i = 0;
	int ret;

	while (i < DISKS_MAX && disks[i].q)
		i++;
	if (i == DISKS_MAX || disk_find(a->n)) {
		snprintf(err, HOTPLUG_ERR_LEN, "no room for another disk");
		return -EBUSY;
	}
	if (bus && strcmp(bus, "virtio") && !on_scsi(a)) {
		snprintf(err, HOTPLUG_ERR_LEN, "bus %s: disks can be attached "
			 "to virtio and scsi while the machine runs", bus);
		return -EINVAL;
	}
	ret = open_medium(&medium, a, err);
	if (!ret && !medium) {
		snprintf(err, HOTPLUG_ERR_LEN, "no image (params is empty)");
		ret = -EINVAL;
	}
	return ret ? ret : plug(opaque, &disks[i], a, medium, err);
}

static int vbd_detach(void *opaque, unsigned n, char *err)
{
	struct store *s = opaque;
	struct disk *d = disk_find(n);
	int ret;

	if (!d) {
		snprintf(err, HOTPLUG_ERR_LEN, "drive %u is not on virtio or "
			 "scsi, and stays", n);
		return -EBUSY;
	}
	ret = hotplug_unplug(s->hotplug, d->slot, err);
	return ret ? ret : -EINPROGRESS;
}

/* The guest has let go; it may do so unasked. */
void vbd_gone(struct store *s, unsigned slot)
{
	for (unsigned i = 0; i < DISKS_MAX; i++) {
		struct disk *d = &disks[i];

		if (!d->q || d->slot != slot)
			continue;
		if (d->first)
			block_queue_change(d->q, NULL);
		else
			block_queue_destroy(d->q);
		d->q = NULL;
		hotplug_done(s->hotplug, "vbd", d->n, 0, NULL);
	}
}

/* After the VM. */
void vbd_close(void)
{
	for (unsigned i = 0; i < DISKS_MAX; i++) {
		if (disks[i].q && !disks[i].first)
			block_queue_destroy(disks[i].q);
		disks[i].q = NULL;
	}
}

static const struct hotplug_class vbd_class = {
	.name = "vbd",
	.attach = vbd_attach,
	.detach = vbd_detach,
	.media = vbd_media,
};

int vbd_init(struct store *s)
{
	return hotplug_add(s->hotplug, &vbd_class, s);
}

static void publish(struct store *s, unsigned n, const struct drive_opt *d)
{
	char params[4096], bus[32], type[32], format[32], mode[8], dev[32];
	const char *keys[] = { params, bus, type, format, mode, dev, NULL };
	struct block *b = block_queue_medium(s->devices->queues[n]);
	char *real = d->file ? realpath(d->file, NULL) : NULL;

	/* A name that is no file (a server's) stays as it was given. */
	snprintf(params, sizeof(params), "params=%s",
		 real ? real : d->file ? d->file : "");
	free(real);
	snprintf(bus, sizeof(bus), "bus=%s", bus_names[d->iface]);
	snprintf(type, sizeof(type), "device-type=%s",
		 d->cdrom ? "cdrom" : d->iface == DRIVE_FLOPPY ? "floppy" :
		 "disk");
	snprintf(format, sizeof(format), "format=%s", b ? b->ops->name : "");
	snprintf(mode, sizeof(mode), "mode=%s", b && !b->read_only ? "w" :
		 "r");
	snprintf(dev, sizeof(dev), "unit=%d.%d", d->bus, d->unit);
	link_publish_device(s->link, "vbd", n, keys);
}

/* Drives on virtio can leave like those that came later. */
static void note_removable(struct store *s, unsigned n)
{
	struct block_queue *q = s->devices->queues[n];
	int slot = hotplug_find(s->hotplug, q);

	for (unsigned i = 0; slot >= 0 && i < DISKS_MAX; i++) {
		if (disks[i].q)
			continue;
		disks[i] = (struct disk){ q, n, slot, true };
		return;
	}
}

/* The drives' queues are in the order of the configuration. */
void vbd_publish(struct store *s)
{
	for (unsigned i = 0; i < s->c->drives.n && i < s->devices->nqueues;
	     i++) {
		publish(s, i, &s->c->drives.v[i]);
		note_removable(s, i);
	}
}
