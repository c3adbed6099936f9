/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Direct boot: put a kernel, its modules and what firmware would have left
 * behind into guest memory, without running any firmware.
 *
 * Everything that can be wrong with the files is found by boot_create(),
 * before a VM exists; boot_load() can then be repeated after every reset.
 */
#ifndef HYPERVISOR_BOOT_BOOT_H
#define HYPERVISOR_BOOT_BOOT_H

#include "hypervisor/modes.h"	/* enum guest_kind */
#include "hypervisor/types.h"

struct boot;
struct mem;
struct vcpu;

/* Bytes for an error line: a path and a sentence. */
#define BOOT_ERR_LEN	4608

struct boot_config {
	const char *kernel;		/* path, or a name if @kernel_data */
	const void *kernel_data;	/* embedded kernel; NULL: read @kernel */
	size_t kernel_len;		/* bytes at @kernel_data */
	/* Linux: joined to one initrd; multiboot: one module each. */
	const char *const *initrds;
	unsigned ninitrds;
	const char *cmdline;		/* NULL: not given */
	const char *linux_cmdline;	/* for Linux, if @cmdline is not given */
	uint64_t ram_size;		/* bytes, as given to mem_create() */
	bool vga_text;			/* the machine has an 80x25 VGA text screen */
};

/*
 * Read the files of @cfg, find out what they are and where they go.  @cfg is
 * not kept.  Files are untrusted and read once; later changes to them do not
 * matter.  Main thread.
 * Returns 0, or a negative errno with one line "FILE: reason" in @err
 * (BOOT_ERR_LEN bytes): -EINVAL for what is malformed or does not fit.
 */
int boot_create(struct boot **out, const struct boot_config *cfg, char *err);
void boot_destroy(struct boot *b);

/*
 * A vm_boot_fn (vm.h); @opaque is the struct boot.  Overwrites the parts of
 * RAM it needs and the registers of @v.  Fails only if @mem is smaller than
 * boot_config.ram_size.
 * Linux Documentation/arch/x86/boot.rst "32-bit" and "64-bit boot protocol"; Multiboot
 * Specification 0.6.96.
 */
int boot_load(void *opaque, struct mem *mem, struct vcpu *v, char *err);

/* What the image says about the guest; most multiboot kernels do
 * not say. */
enum guest_kind boot_guest_kind(const struct boot *b);

/*
 * @on: the engine runs 64-bit code, so enter kernels that have a 64-bit entry
 * there.  Before boot_load(); off at first.
 */
void boot_enter_long_mode(struct boot *b, bool on);

#endif
