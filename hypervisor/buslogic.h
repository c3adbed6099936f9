/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BusLogic BT-958 SCSI host adapter ("MultiMaster", firmware 5.07B) with disks
 * and CD-ROM drives.  BusLogic "MultiMaster Ultra SCSI Host Adapters for PCI
 * Systems", technical reference; what its drivers rely on.
 */
#ifndef HYPERVISOR_BUSLOGIC_H
#define HYPERVISOR_BUSLOGIC_H

#include "hypervisor/types.h"

struct block_queue;
struct buslogic;
struct pci;
struct scsi_ops;
struct scsi_unit;

#define BUSLOGIC_TARGETS	16
#define BUSLOGIC_ID		7	/* the adapter's own */

/*
 * @devfn: as pci_add().  *@out is set even on errors, to be destroyed.
 * Returns 0, -ENOMEM or what pci_add() returns.
 */
int buslogic_create(struct buslogic **out, struct pci *pci, unsigned devfn);

/*
 * Put a disk (scsi_disk_ops) or CD-ROM drive (scsi_cd_ops) at target @id; @q is
 * the caller's, for longer.  @serial: NULL: made up.
 * Returns 0, -EEXIST (taken, or the adapter's own), -EINVAL (a disk without a
 * medium, @id above 15).
 */
int buslogic_attach(struct buslogic *b, unsigned id,
		    const struct scsi_ops *ops, struct block_queue *q,
		    const char *serial);

/*
 * Take a disk away, at once: what was asked of it is finished first, what is asked
 * from now on finds no
 * logical unit.  Returns 0, -ENODEV, or -EBUSY for a CD-ROM
 * drive, which stays.
 */
int buslogic_detach(struct buslogic *b, unsigned id);

/* The unit at @id, or NULL. */
struct scsi_unit *buslogic_unit(struct buslogic *b, unsigned id);

#endif
