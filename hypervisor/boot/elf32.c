// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ELF32 executables for the i386: which bytes of the file go where.
 */
#include <elf.h>
#include <string.h>

#include "hypervisor/boot/boot.h"
#include "hypervisor/boot/image.h"

static int check_ehdr(const struct boot_file *f, Elf32_Ehdr *eh, char *err)
{
	if (f->len < EI_NIDENT || memcmp(f->data, ELFMAG, SELFMAG))
		return boot_fail(err, f->path, "multiboot image is not ELF and "
				 "gives no load addresses");
	if (f->data[EI_CLASS] != ELFCLASS32)
		return boot_fail(err, f->path, "not a 32-bit ELF file (link "
				 "it with -m elf_i386)");
	if (f->len < sizeof(*eh))
		return boot_fail(err, f->path, "truncated ELF header");
	memcpy(eh, f->data, sizeof(*eh));
	if (eh->e_ident[EI_DATA] != ELFDATA2LSB || eh->e_machine != EM_386)
		return boot_fail(err, f->path, "not for the i386");
	if (eh->e_type != ET_EXEC)
		return boot_fail(err, f->path, "not an executable ELF file");
	if (eh->e_phentsize != sizeof(Elf32_Phdr) ||
	    eh->e_phoff > f->len ||
	    (f->len - eh->e_phoff) / sizeof(Elf32_Phdr) < eh->e_phnum)
		return boot_fail(err, f->path, "truncated program headers");
	return 0;
}

static int add_segment(const struct boot_file *f, const Elf32_Phdr *ph,
		       uint64_t ram_size, struct multiboot_plan *mb, char *err)
{
	if (ph->p_filesz > ph->p_memsz)
		return boot_fail(err, f->path, "segment at 0x%x has more bytes "
				 "in the file than in memory", ph->p_paddr);
	if (ph->p_offset > f->len || ph->p_filesz > f->len - ph->p_offset)
		return boot_fail(err, f->path, "truncated: segment at 0x%x "
				 "ends behind the file", ph->p_paddr);
	if (!boot_in_ram(ram_size, ph->p_paddr, ph->p_memsz))
		return boot_fail(err, f->path, "segment 0x%x..0x%llx is not in "
				 "RAM (raise --mem, or link it elsewhere)",
				 ph->p_paddr, (unsigned long long)ph->p_paddr +
				 ph->p_memsz);
	if (mb->nseg == BOOT_SEGMENTS_MAX)
		return boot_fail(err, f->path, "more than %d segments",
				 BOOT_SEGMENTS_MAX);
	mb->seg[mb->nseg++] = (struct boot_segment){
		.gpa = ph->p_paddr, .memsz = ph->p_memsz,
		.filesz = ph->p_filesz, .offset = ph->p_offset,
	};
	return 0;
}

int elf32_plan(const struct boot_file *f, uint64_t ram_size,
	       struct multiboot_plan *mb, char *err)
{
	bool entry = false;
	Elf32_Ehdr eh;
	int ret = check_ehdr(f, &eh, err);

	for (unsigned i = 0; !ret && i < eh.e_phnum; i++) {
		Elf32_Phdr ph;

		memcpy(&ph, f->data + eh.e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type != PT_LOAD || !ph.p_memsz)
			continue;
		ret = add_segment(f, &ph, ram_size, mb, err);
		/* e_entry is virtual, the kernel starts unpaged. */
		if (eh.e_entry - ph.p_vaddr < ph.p_memsz && !entry) {
			mb->entry = eh.e_entry - ph.p_vaddr + ph.p_paddr;
			entry = true;
		}
	}
	if (!ret && !entry)
		return boot_fail(err, f->path, "entry point 0x%x is in no "
				 "segment", eh.e_entry);
	return ret;
}
