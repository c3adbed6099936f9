/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 82371SB (PIIX3) IDE function at PCI 0:1.1: two channels at the ports of the
 * AT, two drives each, PIO and bus-master DMA.  Hard disks (ATA-6) and CD-ROM
 * drives (ATAPI, see scsi.h).
 *
 * Intel 290550 (PIIX3), T13/1410D (ATA/ATAPI-6), INF-8020i (ATAPI CD-ROM),
 * "Programming Interface for Bus Master IDE Controller" 1.0.
 */
#ifndef HYPERVISOR_IDE_H
#define HYPERVISOR_IDE_H

#include "hypervisor/irq.h"

struct block;
struct block_queue;
struct ide;
struct pci;
struct ports;
struct scsi_unit;

#define IDE_CHANNELS	2
#define IDE_DRIVES	2	/* on each channel */

struct ide_config {
	struct pci *pci;
	struct ports *ports;
	struct irq irq[IDE_CHANNELS];	/* 14 and 15 */
};

/*
 * No drives yet.  *@out is set even on errors, to be destroyed.
 * Returns 0, -ENOMEM, -EEXIST (ports or PCI function taken).
 */
int ide_create(struct ide **out, const struct ide_config *cfg);

enum ide_kind { IDE_DISK, IDE_CD };

struct ide_drive_config {
	enum ide_kind kind;
	struct block_queue *q;		/* the caller's, for longer */
	const char *serial;		/* up to 20 characters; NULL: made up */
	const char *model;		/* up to 40; NULL: the usual one */
};

/*
 * Before the machine runs.  @channel, @unit: 0 or 1.
 * Returns 0, -EEXIST (there is one), -EINVAL (a disk without a medium).
 */
int ide_attach(struct ide *ide, unsigned channel, unsigned unit,
	       const struct ide_drive_config *cfg);

/* The CD-ROM drive there, for scsi_change(); NULL: there is none. */
struct scsi_unit *ide_cd(struct ide *ide, unsigned channel, unsigned unit);

#endif
