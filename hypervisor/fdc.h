/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 82077AA floppy disk controller at 3F0h, interrupt 6, DMA channel 2, with two
 * drives.  Intel 82077AA datasheet, order 290166; section numbers are its.
 */
#ifndef HYPERVISOR_FDC_H
#define HYPERVISOR_FDC_H

#include "hypervisor/irq.h"

struct block;
struct block_queue;
struct fdc;
struct i8237;
struct ports;

#define FDC_DRIVES	2

struct fdc_config {
	struct ports *ports;
	struct i8237 *dma;
	unsigned channel;	/* of it */
	struct irq irq;
};

/*
 * No drives yet.  *@out is set even on errors, to be destroyed.
 * Returns 0, -ENOMEM, -EEXIST (ports taken).
 */
int fdc_create(struct fdc **out, const struct fdc_config *cfg);

/*
 * Before the machine runs.  The drive's type comes from the medium in @q, which
 * is the caller's, for longer: 2.88M, 1.44M, 1.2M, 720K, 360K; without a medium
 * 1.44M.  Returns 0, -EEXIST (there is one), -EFBIG (no floppy is that large).
 */
int fdc_attach(struct fdc *f, unsigned unit, struct block_queue *q);

/* What CMOS byte 10h calls the drive: 1 .. 5; 0: none. */
uint8_t fdc_cmos_type(const struct fdc *f, unsigned unit);

/*
 * Put another disk in, NULL: take it out.  The guest sees the disk change line.
 * Returns 0, -ENODEV (no such drive), -EFBIG; @b is then still the caller's.
 */
int fdc_change(struct fdc *f, unsigned unit, struct block *b);

#endif
