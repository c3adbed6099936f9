/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Firmware images: a file for the flash chip below 4 GiB, or for an expansion
 * ROM, as a block of guest memory.
 */
#ifndef HYPERVISOR_FIRMWARE_H
#define HYPERVISOR_FIRMWARE_H

#include "hypervisor/types.h"

struct mem;
struct mem_block;

/* The largest flash image; the local APIC is below it. */
#define FIRMWARE_MAX	(16 * MIB)
#define FIRMWARE_ERR_LEN	160

/*
 * Map the BIOS image @data so that it ends at 4 GiB, read-only.  @len: bytes,
 * a multiple of 64 KiB up to FIRMWARE_MAX.  Lock held or nothing running.
 * Returns 0, or a negative errno with one line in @err.
 */
int firmware_place(struct mem_block **out, struct mem *m, const void *data,
		   size_t len, char *err);

/*
 * A block for an expansion ROM's BAR: @data, padded with ones to a power of
 * two.  @len: bytes, 1..16 MiB; it must begin with 55 AAh (PCI Firmware 3.0,
 * 5.1).  Returns as above.
 */
int firmware_rom(struct mem_block **out, struct mem *m, const void *data,
		 size_t len, char *err);

#endif
