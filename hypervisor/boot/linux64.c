// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The state in which 64-bit Linux kernels are entered.
 *
 * Linux Documentation/arch/x86/boot.rst "64-bit Boot Protocol": long mode,
 * paging with the loaded kernel, boot_params and command line mapped one to
 * one, a GDT with __BOOT_CS and __BOOT_DS, interrupts off.  Intel SDM Vol. 3A
 * 4.5 (4-level paging).
 */
#include <errno.h>

#include "hypervisor/boot/image.h"
#include "hypervisor/mem.h"
#include "hypervisor/vcpu.h"

/* Six pages: the top level, the next, four of 2 MiB pages. */
#define PML4_GPA	0x2000
#define PDPT_GPA	0x3000
#define PD_GPA		0x4000
#define GIGABYTES	4
#define ENTRIES		512

#define PTE_P_RW	0x3u
#define PTE_PS		0x80u

/* Base 0, present, accessed; SDM Vol. 3A 3.4.5.  The code segment is 64-bit. */
#define DESC_CODE64	0x00af9b000000ffffULL
#define DESC_DATA	0x00cf93000000ffffULL

static int write_entry(struct mem *mem, gpa_t table, unsigned i, uint64_t e)
{
	return mem_write(mem, table + i * sizeof(e), &e, sizeof(e));
}

static int write_tables(struct mem *mem)
{
	int ret = boot_clear(mem, PML4_GPA, 2 * PAGE_SIZE);

	ret |= write_entry(mem, PML4_GPA, 0, PDPT_GPA | PTE_P_RW);
	for (unsigned g = 0; g < GIGABYTES; g++)
		ret |= write_entry(mem, PDPT_GPA, g,
				   (PD_GPA + g * PAGE_SIZE) | PTE_P_RW);
	/* The directories are consecutive, so one index runs through all. */
	for (uint64_t i = 0; i < GIGABYTES * ENTRIES; i++)
		ret |= write_entry(mem, PD_GPA, i,
				   i * 2 * MIB | PTE_PS | PTE_P_RW);
	return ret ? -EFAULT : 0;
}

int linux64_enter(struct mem *mem, struct vcpu *v, gpa_t gdt, gpa_t entry)
{
	static const uint64_t table[BOOT_GDT_LEN / 8] = {
		[BOOT_CS / 8] = DESC_CODE64,
		[BOOT_DS / 8] = DESC_DATA,
	};

	/* Registers, segments and descriptor tables as for 32-bit code. */
	if (boot_enter(mem, v, gdt, entry) || write_tables(mem) ||
	    mem_write(mem, gdt, table, sizeof(table)))
		return -EFAULT;
	v->seg[SEG_CS].attr |= SEG_L;
	v->seg[SEG_CS].attr &= ~SEG_DB;
	v->cr3 = PML4_GPA;
	v->cr4 = CR4_PAE;
	v->msr.efer = EFER_LME | EFER_LMA;
	v->cr0 |= CR0_PG;
	return 0;
}
