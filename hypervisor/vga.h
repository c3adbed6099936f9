/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VGA with Bochs's VBE extensions, as a PCI function 1234:1111 that
 * vgabios-stdvga and the drivers of operating systems know.
 *
 * IBM VGA hardware as described in the Intel 82810 (order 290656) and IBM PS/2
 * Hardware Interface Technical Reference; Bochs VBE: bochs.sourceforge.io
 * "VBE display API"; QEMU docs/specs/standard-vga.rst.
 */
#ifndef HYPERVISOR_VGA_H
#define HYPERVISOR_VGA_H

#include "hypervisor/types.h"

#define VGA_VRAM_DEFAULT	(16 * MIB)

struct clock;
struct display;
struct mem;
struct pci;
struct ports;
struct vga;

/* The backend of a "VGA" specification (pc_device.h); the caller keeps it. */
struct vga_backend {
	struct display *display;	/* NULL: nobody will look */
	/* Expansion ROM, copied; NULL: none (the guest has its own code). */
	const void *rom;
	size_t rom_len;
};

struct vga_config {
	struct pci *pci;
	unsigned devfn;			/* or PCI_ANY_DEVFN */
	struct ports *ports;
	struct mem *mem;
	struct clock *clock;
	uint64_t vram_size;		/* bytes, a power of two, 1..256 MiB */
	struct vga_backend backend;
};

/*
 * Claims 3B4-3B5, 3BA, 3C0-3CF, 3D4-3D5, 3DA, 1CE-1D0 and memory A0000-BFFFF.
 * Its video memory is a block (mem.h): saved with guest memory, not with the
 * device.  Returns 0, or a negative errno with one line in @err (160 bytes).
 */
int vga_create(struct vga **out, const struct vga_config *cfg, char *err);

#endif
