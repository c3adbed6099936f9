/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the loaders share: files in memory, the memory map they announce, the
 * descriptor table they start with.  Private to hypervisor/boot.
 */
#ifndef HYPERVISOR_BOOT_IMAGE_H
#define HYPERVISOR_BOOT_IMAGE_H

#include "hypervisor/modes.h"	/* enum guest_kind */
#include "hypervisor/types.h"

struct boot;
struct mem;
struct vcpu;

/* Conventional memory ends here; the rest up to 640 KiB is the EBDA. */
#define LOW_RAM_END	0x9fc00ULL
#define HIGH_RAM_START	(1 * MIB)

/* Selectors that Linux prescribes (__BOOT_CS, __BOOT_DS). */
#define BOOT_CS		0x10
#define BOOT_DS		0x18

struct boot_file {
	char *path;
	uint8_t *data;
	size_t len;
};

/* A stretch of the guest-physical map as firmware announces it. */
struct boot_range {
	gpa_t start;
	uint64_t size;
	uint32_t type;		/* BOOT_MEM_*, ACPI 6.4 table 15-374 */
};
#define BOOT_MEM_RAM		1
#define BOOT_MEM_RESERVED	2
#define BOOT_RANGES_MAX		8

/* One piece of the kernel file and where it goes. */
struct boot_segment {
	gpa_t gpa;
	uint64_t memsz;		/* bytes; beyond filesz zeros */
	uint64_t filesz;
	uint64_t offset;	/* in the file, filesz bytes are there */
};
#define BOOT_SEGMENTS_MAX	64

/* Addresses that linux.c chose. */
struct linux_plan {
	gpa_t entry;
	bool kernel64;		/* has a 64-bit entry, at LINUX_ENTRY64 */
	size_t setup_len;	/* boot sector and setup, bytes in the file */
	gpa_t initrd;		/* 0: none */
	uint64_t initrd_len;
};

/* Addresses that multiboot.c chose. */
struct multiboot_plan {
	bool wide;		/* an ELF64 file */
	uint32_t flags;		/* of the kernel's header */
	gpa_t entry;
	struct boot_segment seg[BOOT_SEGMENTS_MAX];
	unsigned nseg;
	gpa_t modules;		/* of the first one, page-aligned */
	gpa_t info;		/* information block and strings */
	uint64_t info_len;
};

struct boot_loader {
	/* Is @f for this loader?  Looks at magic numbers only. */
	bool (*probe)(const struct boot_file *f);
	/* Check everything, fill the plan.  As boot_create(). */
	int (*plan)(struct boot *b, char *err);
	/* After plan(). */
	enum guest_kind (*guest_kind)(const struct boot *b);
	/* Carry the plan out. */
	int (*load)(struct boot *b, struct mem *mem, struct vcpu *v);
};

extern const struct boot_loader boot_linux;
extern const struct boot_loader boot_multiboot;

struct boot {
	const struct boot_loader *loader;
	struct boot_file kernel;
	struct boot_file *initrds;
	unsigned ninitrds;
	char *cmdline;		/* never NULL */
	uint64_t ram_size;
	bool vga_text;
	bool long_mode;		/* enter at a 64-bit entry, if there is one */
	union {
		struct linux_plan linux_plan;
		struct multiboot_plan mb;
	};
};

/* Write "PATH: text" to @err (BOOT_ERR_LEN bytes).  Returns -EINVAL. */
int boot_fail(char *err, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* First gpa behind the RAM below 4 GiB. */
uint64_t boot_low_top(uint64_t ram_size);

/*
 * The map that a BIOS would report: sorted, without overlaps.
 * Returns the number of entries in @out (BOOT_RANGES_MAX).
 */
unsigned boot_memory_map(uint64_t ram_size, struct boot_range *out);

/* Is [gpa, gpa + size) RAM below 4 GiB that a kernel may be loaded to? */
bool boot_in_ram(uint64_t ram_size, gpa_t gpa, uint64_t size);

/* Fill [gpa, gpa + size) with zeros.  Returns 0 or -EFAULT. */
int boot_clear(struct mem *mem, gpa_t gpa, uint64_t size);

/*
 * Put @v into flat 32-bit mode at @entry, interrupts off, GDTR at a table
 * with BOOT_CS and BOOT_DS, which is written to @gdt.  Returns 0 or -EFAULT.
 */
int boot_enter(struct mem *mem, struct vcpu *v, gpa_t gdt, uint32_t entry);
#define BOOT_GDT_LEN	32

/*
 * linux64.c: put @v into long mode at @entry, with page tables that map the
 * first 4 GiB one to one.  Returns 0 or -EFAULT.
 */
int linux64_enter(struct mem *mem, struct vcpu *v, gpa_t gdt, gpa_t entry);
/* Offset of the 64-bit entry from the protected-mode kernel's start. */
#define LINUX_ENTRY64	0x200

/*
 * Read an ELF executable's segments and entry (physical) into @mb: ELF32 for
 * the i386, ELF64 for x86-64.  As boot_create().  System V ABI, Intel386 and
 * AMD64 supplements, chapters 4 and 5.
 */
int elf_plan(const struct boot_file *f, uint64_t ram_size,
	     struct multiboot_plan *mb, char *err);

#endif
