// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ELF executables for the i386 and x86-64: which bytes of the file go where.
 * Both kinds are entered in 32-bit mode; the class says what the kernel will be
 * (and linkers make 64-bit code with 32-bit addresses, too).
 */
#include <elf.h>
#include <string.h>

#include "hypervisor/boot/boot.h"
#include "hypervisor/boot/image.h"

/* What both classes have, in the wider types. */
struct header {
	bool wide;
	uint16_t type, machine, phentsize, phnum;
	uint64_t entry, phoff;
};

struct segment_header {
	uint32_t type;
	uint64_t offset, vaddr, paddr, filesz, memsz;
};

#define READ_HEADER(Ehdr) do { \
	Ehdr eh; \
	if (f->len < sizeof(eh)) \
		return boot_fail(err, f->path, "truncated ELF header"); \
	memcpy(&eh, f->data, sizeof(eh)); \
	*h = (struct header){ \
		.wide = h->wide, .type = eh.e_type, .machine = eh.e_machine, \
		.phentsize = eh.e_phentsize, .phnum = eh.e_phnum, \
		.entry = eh.e_entry, .phoff = eh.e_phoff, \
	}; \
} while (0)

static int read_header(const struct boot_file *f, struct header *h, char *err)
{
	if (f->len < EI_NIDENT || memcmp(f->data, ELFMAG, SELFMAG))
		return boot_fail(err, f->path, "multiboot image is not ELF and "
				 "gives no load addresses");
	h->wide = f->data[EI_CLASS] == ELFCLASS64;
	if (h->wide)
		READ_HEADER(Elf64_Ehdr);
	else if (f->data[EI_CLASS] == ELFCLASS32)
		READ_HEADER(Elf32_Ehdr);
	else
		return boot_fail(err, f->path, "neither a 32-bit nor a 64-bit "
				 "ELF file");
	return 0;
}

static int check_header(const struct boot_file *f, const struct header *h,
			char *err)
{
	size_t size = h->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

	if (f->data[EI_DATA] != ELFDATA2LSB ||
	    h->machine != (h->wide ? EM_X86_64 : EM_386))
		return boot_fail(err, f->path, "not for the i386 or x86-64");
	if (h->type != ET_EXEC)
		return boot_fail(err, f->path, "not an executable ELF file");
	if (h->phentsize != size || h->phoff > f->len ||
	    (f->len - h->phoff) / size < h->phnum)
		return boot_fail(err, f->path, "truncated program headers");
	return 0;
}

#define READ_SEGMENT(Phdr) do { \
	Phdr ph; \
	memcpy(&ph, f->data + h->phoff + i * sizeof(ph), sizeof(ph)); \
	return (struct segment_header){ \
		ph.p_type, ph.p_offset, ph.p_vaddr, ph.p_paddr, \
		ph.p_filesz, ph.p_memsz, \
	}; \
} while (0)

static struct segment_header read_segment(const struct boot_file *f,
					  const struct header *h, unsigned i)
{
	if (h->wide)
		READ_SEGMENT(Elf64_Phdr);
	READ_SEGMENT(Elf32_Phdr);
}

static int add_segment(const struct boot_file *f,
		       const struct segment_header *ph, uint64_t ram_size,
		       struct multiboot_plan *mb, char *err)
{
	unsigned long long at = ph->paddr;

	if (ph->filesz > ph->memsz)
		return boot_fail(err, f->path, "segment at 0x%llx has more "
				 "bytes in the file than in memory", at);
	if (ph->offset > f->len || ph->filesz > f->len - ph->offset)
		return boot_fail(err, f->path, "truncated: segment at 0x%llx "
				 "ends behind the file", at);
	if (!boot_in_ram(ram_size, ph->paddr, ph->memsz))
		return boot_fail(err, f->path, "segment 0x%llx..0x%llx is not "
				 "in RAM (raise --mem, or link it elsewhere)",
				 at, at + ph->memsz);
	if (mb->nseg == BOOT_SEGMENTS_MAX)
		return boot_fail(err, f->path, "more than %d segments",
				 BOOT_SEGMENTS_MAX);
	mb->seg[mb->nseg++] = (struct boot_segment){
		.gpa = ph->paddr, .memsz = ph->memsz,
		.filesz = ph->filesz, .offset = ph->offset,
	};
	return 0;
}

int elf_plan(const struct boot_file *f, uint64_t ram_size,
	     struct multiboot_plan *mb, char *err)
{
	bool entry = false;
	struct header h = { 0 };
	int ret = read_header(f, &h, err);

	if (!ret)
		ret = check_header(f, &h, err);
	for (unsigned i = 0; !ret && i < h.phnum; i++) {
		struct segment_header ph = read_segment(f, &h, i);

		if (ph.type != PT_LOAD || !ph.memsz)
			continue;
		ret = add_segment(f, &ph, ram_size, mb, err);
		/* e_entry is virtual, the kernel starts unpaged. */
		if (h.entry - ph.vaddr < ph.memsz && !entry) {
			mb->entry = h.entry - ph.vaddr + ph.paddr;
			entry = true;
		}
	}
	if (!ret && !entry)
		return boot_fail(err, f->path, "entry point 0x%llx is in no "
				 "segment", (unsigned long long)h.entry);
	mb->wide = !ret && h.wide;
	return ret;
}
