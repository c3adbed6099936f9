/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What drives a machine shall have: --drive and its shorter forms, and the keys
 * ide0:0.*, scsi0:0.*, virtio0:0.* and floppy0.* of the configuration file.
 */
#ifndef TOOLS_LIB_DRIVE_H
#define TOOLS_LIB_DRIVE_H

#include <stdbool.h>
#include <stdio.h>

#include "backends/block.h"

enum drive_if { DRIVE_IDE, DRIVE_FLOPPY, DRIVE_SCSI, DRIVE_VIRTIO,
		DRIVE_NONE, DRIVE_IFS };

#define DRIVE_UNPLACED	(-1)

struct drive_opt {
	char *file;			/* NULL: no medium */
	char *format, *serial, *id;	/* NULL: not given */
	enum drive_if iface;
	bool cdrom;
	int index, bus, unit;		/* DRIVE_UNPLACED: not given */
	bool read_only, snapshot, discard, no_lock;
	enum block_cache cache;
};

struct drive_list {
	struct drive_opt *v;
	unsigned n;
};

/* Bytes for an error line. */
#define DRIVE_ERR_LEN	512

void drive_list_fini(struct drive_list *l);

/*
 * Add a drive.  @option: "drive", with @value as --drive takes it (",," is a
 * comma in a value); or "hda" to "hdd", "cdrom", "fda", "fdb", with a file
 * name.  Returns 0, or -EINVAL or -ENOMEM with the cause in @err
 * (DRIVE_ERR_LEN bytes).
 */
int drive_add(struct drive_list *l, const char *option, const char *value,
	      char *err);

/*
 * Set @key (such as "ide1:0.fileName") of the configuration file.  @base: the
 * directory, with slash, where relative paths start.
 * Returns 0, -ENOENT (not a drive's key), -EINVAL, -ENOMEM; @err as above.
 */
int drive_set_key(struct drive_list *l, const char *key, const char *value,
		  const char *base, char *err);

/*
 * Give every drive its place: index, bus and unit agree after this, and no two
 * drives share one.  @snapshot: all disks are snapshots.  As drive_add().
 */
int drive_finish(struct drive_list *l, bool snapshot, char *err);

struct string_list;

/*
 * Drives with if=none go where a device of @devices with their id says, as
 * "ide-hd,drive=ID"; these devices are taken out.  Before drive_finish().
 * Returns 0, -ENOMEM, or -EINVAL with one line in @err (OPTIONS_ERR_LEN).
 */
int drive_take_devices(struct drive_list *l, struct string_list *devices,
		       char *err);

/* How many units a bus of this kind has; 0: one bus without end. */
unsigned drive_units(enum drive_if iface);

/* The keys of --drive, a line each. */
void drive_help(FILE *out);

#endif
