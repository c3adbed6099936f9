/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mkrom RAW ROM: fill in the lengths and checksums of a linked ROM, and see
 * whether the hypervisor would take it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/vmi_private.h"
#include "hypervisor/vmi_rom.h"
#include "spec/vmi.h"

static uint8_t rom[VMI_ROM_MAX + 1];

static void fill_in(size_t size)
{
	struct vmi_rom_header *h = (void *)rom;
	struct vmi_pci_header *pci = (void *)(rom + h->pci_header_offs);
	struct vmi_pnp_header *pnp = (void *)(rom + h->pnp_header_offs);

	h->rom_length = size / 512;
	pci->image_length = size / 512;
	pnp->checksum = 0;
	pnp->checksum = -vmi_rom_sum((void *)pnp, sizeof(*pnp));
	vmi_rom_fix_sum(rom, size);
}

int main(int argc, char **argv)
{
	struct vmi_rom_info info;
	char err[VMI_ROM_ERR_LEN];
	size_t n;
	FILE *f;

	if (argc != 3)
		return 2;
	f = fopen(argv[1], "rb");
	n = f ? fread(rom, 1, sizeof(rom), f) : 0;
	if (n < sizeof(struct vmi_rom_header) || n > VMI_ROM_MAX) {
		fprintf(stderr, "mkrom: %s: %zu bytes\n", argv[1], n);
		return 1;
	}
	fclose(f);
	n = (n + 511) & ~511u;
	fill_in(n);
	if (vmi_rom_parse(rom, n, &info, err)) {
		fprintf(stderr, "mkrom: %s: %s\n", argv[1], err);
		return 1;
	}
	f = fopen(argv[2], "wb");
	return !f || fwrite(rom, 1, n, f) != n || fclose(f);
}
