// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * QEMU's other way to name a drive: --drive if=none,id=ID,... and --device
 * DRIVE,drive=ID,...  The device says where the drive goes, and disappears from
 * the list of devices.
 */
#define _GNU_SOURCE	/* strsep */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/types.h"
#include "tools/lib/drive.h"
#include "tools/lib/options.h"

static const struct {
	const char *name;
	enum drive_if iface;
	bool cdrom;
} drives[] = {
	{ "virtio-blk", DRIVE_VIRTIO, false },
	{ "virtio-blk-pci", DRIVE_VIRTIO, false },
	{ "ide-hd", DRIVE_IDE, false }, { "ide-cd", DRIVE_IDE, true },
	{ "scsi-hd", DRIVE_SCSI, false }, { "scsi-cd", DRIVE_SCSI, true },
	{ "floppy", DRIVE_FLOPPY, false },
};

static int fail(char *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(char *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, OPTIONS_ERR_LEN, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static struct drive_opt *drive_called(struct drive_list *l, const char *id)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->v[i].id && !strcmp(l->v[i].id, id))
			return &l->v[i];
	return NULL;
}

static int put_number(int *where, const char *value, const char *prefix,
		      unsigned max)
{
	size_t n = strlen(prefix);
	char *end;
	unsigned long v;

	if (!strncmp(value, prefix, n))
		value += n;
	v = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || v > max)
		return -EINVAL;
	*where = v;
	return 0;
}

/* One key of the device; QEMU's buses are called ide.N and scsi.0. */
static int set_key(struct drive_opt *d, const char *key, const char *value,
		   const char *text, char *err)
{
	int ret;

	if (!strcmp(key, "drive"))
		return 0;
	if (!strcmp(key, "serial")) {
		free(d->serial);
		d->serial = strdup(value);
		return d->serial ? 0 : -ENOMEM;
	}
	if (!strcmp(key, "unit") || !strcmp(key, "scsi-id"))
		ret = put_number(&d->unit, value, "", 15);
	else if (!strcmp(key, "bus"))
		ret = put_number(&d->bus, value, d->iface == DRIVE_IDE ?
				 "ide." : "scsi.", 1);
	else
		return fail(err, "--device %s: key %s is not known (keys: "
			    "drive serial unit bus)", text, key);
	return ret ? fail(err, "--device %s: %s=%s: not a number that fits",
			  text, key, value) : 0;
}

static int place(struct drive_opt *d, unsigned row, const char *text,
		 char *parts, char *err)
{
	char *key, *value;
	int ret = 0;

	if (d->iface != DRIVE_NONE)
		return fail(err, "--device %s: that drive has its place "
			    "already (--drive if=none)", text);
	d->iface = drives[row].iface;
	d->cdrom |= drives[row].cdrom;
	while (!ret && (key = strsep(&parts, ","))) {
		value = strchr(key, '=');
		if (value)
			*value++ = '\0';
		ret = set_key(d, key, value ? value : "", text, err);
	}
	return ret;
}

/* @text: "NAME,KEY=VALUE,...".  1: it was a drive; 0: another device. */
static int take(struct drive_list *l, const char *text, char *err)
{
	char *copy = strdup(text), *rest = copy, *name, *id, *end;
	struct drive_opt *d;
	unsigned row = 0;
	int ret;

	if (!copy)
		return -ENOMEM;
	name = strsep(&rest, ",");
	while (row < ARRAY_SIZE(drives) && strcmp(drives[row].name, name))
		row++;
	id = rest && row < ARRAY_SIZE(drives) ? strstr(text, ",drive=") : NULL;
	if (!id) {
		free(copy);
		return 0;
	}
	id = strdup(id + strlen(",drive="));
	end = id ? strchr(id, ',') : NULL;
	if (end)
		*end = '\0';
	d = id ? drive_called(l, id) : NULL;
	ret = !id ? -ENOMEM : d ? place(d, row, text, rest, err) :
	      fail(err, "--device %s: no --drive has id=%s", text, id);
	free(id);
	free(copy);
	return ret ? ret : 1;
}

int drive_take_devices(struct drive_list *l, struct string_list *devices,
		       char *err)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < devices->n; i++) {
		int ret = take(l, devices->v[i], err);

		if (ret < 0)
			return ret;
		if (ret) {
			free(devices->v[i]);
			devices->v[i] = NULL;
		}
	}
	for (unsigned i = 0; i < devices->n; i++)
		if (devices->v[i])
			devices->v[kept++] = devices->v[i];
	devices->n = kept;
	if (devices->v)
		devices->v[kept] = NULL;
	return 0;
}
