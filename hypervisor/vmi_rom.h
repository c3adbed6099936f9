/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMI option ROM images: what is wrong with one, and what it says of itself.
 * Images are files of anybody's: nothing in one is trusted.
 */
#ifndef HYPERVISOR_VMI_ROM_H
#define HYPERVISOR_VMI_ROM_H

#include <stddef.h>
#include <stdio.h>

#include "hypervisor/types.h"

#define VMI_ROM_ERR_LEN	160
/* The window C0000..DFFFF; the length byte counts to 255 * 512. */
#define VMI_ROM_MAX	(255 * 512u)

struct vmi_rom_info {
	unsigned size;		/* bytes, by the header */
	uint8_t major, minor;
	uint32_t virtual_top;
	char license[32], manufacturer[64], product[64];	/* printable */
	uint16_t vendor, device;
	uint8_t version_major, version_minor;
	/* What only our own ROMs have. */
	bool ours;
	uint8_t kind;		/* VMI_ROM_NATIVE... */
	uint8_t flags;		/* VMI_ROM_TRACE */
	uint16_t answers;	/* offset; ncalls * VMI_ANSWER_SIZE bytes there */
	uint16_t ncalls;
	uint16_t iret;		/* offset of the IRET instruction */
};

/*
 * Check @len bytes at @rom as far as a guest and a BIOS would look, and more.
 * Returns 0, or -EINVAL with the reason in @err (VMI_ROM_ERR_LEN bytes).
 */
int vmi_rom_parse(const uint8_t *rom, size_t len, struct vmi_rom_info *info,
		  char *err);
/* Sum of all bytes; 0 in a valid ROM. */
uint8_t vmi_rom_sum(const uint8_t *rom, size_t len);
/* Make the bytes of one of our own ROMs sum up to 0. */
void vmi_rom_fix_sum(uint8_t *rom, size_t len);
/*
 * The offset and relocation type (VMI_RELOC_*) that one of our own ROMs has for
 * call @nr; type VMI_RELOC_NONE for what it does not know.
 */
unsigned vmi_rom_answer(const uint8_t *rom, const struct vmi_rom_info *info,
			unsigned nr, unsigned *offset);
const char *vmi_rom_kind_name(unsigned kind);

/* The ROMs that are part of the program.  @kind: VMI_ROM_NATIVE... */
const uint8_t *vmi_rom_builtin(unsigned kind, size_t *len);

#endif
