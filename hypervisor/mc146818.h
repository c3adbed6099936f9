/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MC146818A real-time clock with 128 bytes of CMOS memory.  Motorola
 * MC146818A datasheet; the meaning of the CMOS bytes is the IBM AT's.
 */
#ifndef HYPERVISOR_MC146818_H
#define HYPERVISOR_MC146818_H

#include "hypervisor/irq.h"

/* CMOS bytes that the machine fills in; RAM sizes are little-endian. */
#define CMOS_SHUTDOWN		0x0f	/* 0: power-on; else where firmware
					 * goes on after INIT */
#define CMOS_FLOPPY		0x10
#define CMOS_EQUIPMENT		0x14
#define CMOS_BASE_KIB		0x15	/* 2 bytes */
#define CMOS_EXT_KIB		0x17	/* above 1 MiB, 2 bytes */
#define CMOS_SUM		0x2e	/* of 10h..2Dh, high byte first */
#define CMOS_EXT_KIB_POST	0x30	/* as CMOS_EXT_KIB */
#define CMOS_CENTURY		0x32
#define CMOS_ABOVE_16M		0x34	/* in 64 KiB units, 2 bytes */
#define CMOS_BOOT_1		0x38	/* third boot device in bits 4..7; bit 0:
					   no check of a floppy's signature */
#define CMOS_BOOT_2		0x3d	/* first and second, 4 bits each */
#define CMOS_ABOVE_4G		0x5b	/* in 64 KiB units, 3 bytes */
#define CMOS_CPUS		0x5f	/* their number minus one */

struct clock;
struct mc146818;
struct ports;

/*
 * Claims ports 70h-71h.  @irq8: the wire from IRQ#.  @unix_ns: the time of
 * day at guest time 0, ns since 1970 UTC.
 * Returns 0 or a negative errno.
 */
int mc146818_create(struct mc146818 **out, struct ports *ports,
		    struct clock *clock, const struct irq *irq8,
		    uint64_t unix_ns);

/* Set a CMOS byte outside the clock's own (@index 0Eh..7Fh). */
void mc146818_set(struct mc146818 *r, unsigned index, uint8_t val);
uint8_t mc146818_get(const struct mc146818 *r, unsigned index);
/* Recompute CMOS_SUM. */
void mc146818_sum(struct mc146818 *r);

#endif
