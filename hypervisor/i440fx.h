/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 82441FX (440FX) host bridge: configuration space and the PAM registers.
 * Intel datasheet, order 290549.
 */
#ifndef HYPERVISOR_I440FX_H
#define HYPERVISOR_I440FX_H

#include "hypervisor/types.h"

struct i440fx;
struct mem;
struct mem_block;
struct pci;

struct i440fx_config {
	struct pci *pci;
	struct mem *mem;
	/*
	 * The BIOS image on the ISA bus, or NULL: its end is at FFFFFh for
	 * accesses that PAM does not send to DRAM.
	 */
	const struct mem_block *bios;
};

/* Puts itself at device 0, function 0. */
int i440fx_create(struct i440fx **out, const struct i440fx_config *cfg);

/* Let DRAM answer for all of C0000h..FFFFFh, as firmware does in the end. */
void i440fx_all_dram(struct i440fx *h);

#endif
