// SPDX-License-Identifier: GPL-2.0-or-later
/* From drives as the user describes them to devices with open images. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/block.h"
#include "backends/block_queue.h"
#include "tools/lib/options.h"
#include "tools/umbra/devices.h"

/*
 * Controllers (NULL: every drive is one), and the drives on them, as pc_device.def calls them.  @threads:
 * most requests that can be in flight.
 */
static const struct bus {
	const char *controller, *disk, *cd;
	unsigned threads;
} buses[DRIVE_IFS] = {
	[DRIVE_IDE] = { "piix3-ide", "ide-hd", "ide-cd", 1 },
	[DRIVE_FLOPPY] = { "isa-fdc", "floppy", NULL, 1 },
	[DRIVE_SCSI] = { "buslogic", "scsi-hd", "scsi-cd", 4 },
	[DRIVE_VIRTIO] = { NULL, "virtio-blk", NULL, 4 },
};

static int open_medium(struct block **out, const struct drive_opt *d,
		       char *err, size_t err_len)
{
	struct block_config cfg = {
		.file = d->file, .format = d->format, .cache = d->cache,
		.read_only = d->read_only, .snapshot = d->snapshot,
		.discard = d->discard, .no_lock = d->no_lock,
	};
	char why[BLOCK_ERR_LEN];
	int ret;

	*out = NULL;
	if (!d->file)
		return 0;
	ret = block_open(out, &cfg, why);
	if (ret)
		snprintf(err, err_len, "%s", why);
	return ret;
}

static int add_drive(struct device_list *l, const struct drive_opt *d,
		     struct block_queue *q, char *err, size_t err_len)
{
	const struct bus *b = &buses[d->iface];
	char text[256];
	int n = snprintf(text, sizeof(text), "%s", d->cdrom ? b->cd : b->disk);

	if (d->iface == DRIVE_IDE)
		n += snprintf(text + n, sizeof(text) - n, ",bus=ide.%d",
			      d->bus);
	if (drive_units(d->iface))
		n += snprintf(text + n, sizeof(text) - n, ",unit=%d",
			      d->unit);
	if (d->serial)
		n += snprintf(text + n, sizeof(text) - n, ",serial=%s",
			      d->serial);
	if (n >= (int)sizeof(text) || (d->serial && strchr(d->serial, ','))) {
		snprintf(err, err_len, "%s: serial is too long or has a comma",
			 d->serial);
		return -EINVAL;
	}
	return devices_add_text(l, text, q, err, err_len);
}

static int open_drive(struct device_list *l, const struct drive_opt *d,
		      struct loop *loop, FILE *log, char *err, size_t err_len)
{
	const struct bus *b = &buses[d->iface];
	struct block_queue *q;
	struct block *medium;
	int ret = open_medium(&medium, d, err, err_len);

	if (ret)
		return ret;
	ret = block_queue_create(&q, medium, loop, b->threads, log);
	if (ret) {
		block_close(medium);
		snprintf(err, err_len, "%s: %s", d->file ? d->file : "drive",
			 strerror(-ret));
		return ret;
	}
	l->queues[l->nqueues++] = q;
	return add_drive(l, d, q, err, err_len);
}

/* A controller comes in front of the first drive on it. */
static int add_controller(struct device_list *l, const struct run_config *c,
			  enum drive_if iface, char *err, size_t err_len)
{
	for (unsigned i = 0; buses[iface].controller && i < c->drives.n; i++)
		if (c->drives.v[i].iface == iface)
			return devices_add(l, buses[iface].controller, NULL,
					   NULL, err, err_len);
	return 0;
}

static int check_bus(const struct drive_opt *d, char *err, size_t err_len)
{
	if (buses[d->iface].disk)
		return 0;
	snprintf(err, err_len, "%s: if=none puts it nowhere "
		 "(--device virtio-blk|ide-hd|ide-cd|scsi-hd|scsi-cd|floppy,drive=ID)",
		 d->file ? d->file : "drive");
	return -EINVAL;
}

int drives_open(struct device_list *l, const struct run_config *c,
		struct loop *loop, FILE *log, char *err, size_t err_len)
{
	int ret = 0;

	for (unsigned i = 0; !ret && i < c->drives.n; i++)
		ret = check_bus(&c->drives.v[i], err, err_len);
	for (unsigned i = 0; !ret && i < DRIVE_IFS; i++)
		ret = add_controller(l, c, i, err, err_len);
	for (unsigned i = 0; !ret && i < c->drives.n; i++)
		ret = open_drive(l, &c->drives.v[i], loop, log, err, err_len);
	return ret;
}

void drives_print_stats(const struct device_list *l,
			const struct run_config *c, FILE *out)
{
	for (unsigned i = 0; i < l->nqueues && i < c->drives.n; i++) {
		const struct block_stats *st =
			block_queue_stats(l->queues[i]);
		const struct drive_opt *d = &c->drives.v[i];

		fprintf(out, "drive %u (%s): %llu reads of %llu KiB, %llu "
			"writes of %llu KiB, %llu flushes, %llu errors\n", i,
			d->file ? d->file : "empty at first",
			(unsigned long long)st->requests[BLOCK_READ],
			(unsigned long long)st->bytes[BLOCK_READ] >> 10,
			(unsigned long long)st->requests[BLOCK_WRITE],
			(unsigned long long)st->bytes[BLOCK_WRITE] >> 10,
			(unsigned long long)st->requests[BLOCK_FLUSH],
			(unsigned long long)st->errors);
	}
}
