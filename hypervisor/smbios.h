/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMBIOS structures for firmware.  System Management BIOS Reference
 * Specification 2.8 (DMTF DSP0134).
 */
#ifndef HYPERVISOR_SMBIOS_H
#define HYPERVISOR_SMBIOS_H

#include "hypervisor/types.h"

struct fw_cfg;

struct smbios_config {
	uint64_t ram_size;	/* bytes */
	unsigned cpus;
	uint8_t uuid[16];
};

/*
 * Give firmware the structures and their entry point as files of fw_cfg; it
 * places them and adds the structure about itself.
 * Returns 0, or what fw_cfg_put_file() returns.
 */
int smbios_offer(struct fw_cfg *f, const struct smbios_config *cfg);

#endif
