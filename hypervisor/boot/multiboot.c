// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Multiboot kernels, Multiboot Specification 0.6.96: ELF images, or any
 * format whose header gives load addresses (the "a.out kludge").
 *
 * Modules go behind the kernel, each on a page; the information block follows
 * with everything it points to.  Where that does not fit above 1 MiB, both go
 * into conventional memory.
 */
#include <errno.h>
#include <string.h>

#include "hypervisor/boot/boot.h"
#include "hypervisor/boot/image.h"
#include "hypervisor/mem.h"
#include "hypervisor/vcpu.h"

/* 3.1: the header lies within the first 8192 bytes, 4-byte aligned. */
#define SEARCH_LEN	8192
#define HEADER_MAGIC	0x1badb002U
#define BOOT_MAGIC	0x2badb002U

/* Header flags, 3.1.2; of bits 0..15 the known ones are required features. */
#define HDR_PAGE_ALIGN	0x00000001U
#define HDR_MEM_INFO	0x00000002U
#define HDR_VIDEO	0x00000004U
#define HDR_REQUIRED	0x0000ffffU
#define HDR_ADDRESSES	0x00010000U

/* Information flags, 3.3. */
#define INFO_MEM	0x001U
#define INFO_CMDLINE	0x004U
#define INFO_MODS	0x008U
#define INFO_MMAP	0x040U
#define INFO_LOADER	0x200U

/* Descriptor table and data stay clear of the IVT and the BDA. */
#define LOW_BOTTOM	0x1000

struct mb_header {
	uint32_t magic, flags, checksum;
	/* HDR_ADDRESSES */
	uint32_t header_addr, load_addr, load_end_addr, bss_end_addr;
	uint32_t entry_addr;
};

/* 3.3 "Boot information format", up to the fields we fill. */
struct mb_info {
	uint32_t flags;
	uint32_t mem_lower, mem_upper;	/* KiB */
	uint32_t boot_device;
	uint32_t cmdline;
	uint32_t mods_count, mods_addr;
	uint32_t syms[4];
	uint32_t mmap_length, mmap_addr;
	uint32_t drives_length, drives_addr;
	uint32_t config_table;
	uint32_t boot_loader_name;
	uint32_t apm_table;
	uint32_t vbe[4];
};

struct mb_module {
	uint32_t start, end, string, reserved;
};

struct mb_mmap {
	uint32_t size;		/* of what follows */
	uint64_t base, length;
	uint32_t type;
} __attribute__((packed));

static const char loader_name[] = "Umbra";

static uint64_t page_up(uint64_t v)
{
	return (v + PAGE_SIZE - 1) & PAGE_MASK;
}

/* Offset of the header in the file, or -1. */
static long header_find(const struct boot_file *f, struct mb_header *h)
{
	size_t end = f->len < SEARCH_LEN ? f->len : SEARCH_LEN;

	for (size_t at = 0; at + 12 <= end; at += 4) {
		size_t len = sizeof(*h) < f->len - at ? sizeof(*h)
						      : f->len - at;

		memset(h, 0, sizeof(*h));
		memcpy(h, f->data + at, len);
		if (h->magic == HEADER_MAGIC &&
		    !(h->magic + h->flags + h->checksum))
			return at;
	}
	return -1;
}

static bool multiboot_probe(const struct boot_file *f)
{
	struct mb_header h;

	return header_find(f, &h) >= 0;
}

/* 3.1.3: the file is loaded as one piece around its header. */
static int addresses_plan(const struct boot_file *f, long at,
			  const struct mb_header *h, uint64_t ram_size,
			  struct multiboot_plan *mb, char *err)
{
	uint64_t before = (uint64_t)h->header_addr - h->load_addr;
	uint64_t filesz, memsz;

	if (f->len - at < sizeof(*h))
		return boot_fail(err, f->path, "truncated multiboot header");
	if (h->header_addr < h->load_addr || before > (uint64_t)at)
		return boot_fail(err, f->path, "multiboot header: load_addr "
				 "0x%x does not fit header_addr 0x%x",
				 h->load_addr, h->header_addr);
	filesz = f->len - (at - before);
	if (h->load_end_addr) {
		if (h->load_end_addr < h->load_addr ||
		    h->load_end_addr - h->load_addr > filesz)
			return boot_fail(err, f->path, "truncated: multiboot "
					 "header promises bytes up to 0x%x",
					 h->load_end_addr);
		filesz = h->load_end_addr - h->load_addr;
	}
	memsz = filesz;
	if (h->bss_end_addr > h->load_addr + filesz)
		memsz = h->bss_end_addr - h->load_addr;
	if (!boot_in_ram(ram_size, h->load_addr, memsz))
		return boot_fail(err, f->path, "load range 0x%x..0x%llx is not "
				 "in RAM (raise --mem)", h->load_addr,
				 (unsigned long long)h->load_addr + memsz);
	mb->seg[mb->nseg++] = (struct boot_segment){
		.gpa = h->load_addr, .memsz = memsz,
		.filesz = filesz, .offset = at - before,
	};
	mb->entry = h->entry_addr;
	return 0;
}

/* Bytes of the information block and all it points to, GDT first. */
static uint64_t info_len(const struct boot *b)
{
	uint64_t len = BOOT_GDT_LEN + sizeof(struct mb_info) +
		       b->ninitrds * sizeof(struct mb_module) +
		       BOOT_RANGES_MAX * sizeof(struct mb_mmap) +
		       strlen(b->kernel.path) + 1 + strlen(b->cmdline) + 1 +
		       sizeof(loader_name);

	for (unsigned i = 0; i < b->ninitrds; i++)
		len += strlen(b->initrds[i].path) + 1;
	return len;
}

/* First page behind the kernel's segments that begin in [from, to). */
static uint64_t segments_end(const struct multiboot_plan *mb, uint64_t from,
			     uint64_t to)
{
	uint64_t end = from;

	for (unsigned i = 0; i < mb->nseg; i++) {
		const struct boot_segment *s = &mb->seg[i];

		if (s->gpa >= from && s->gpa < to && s->gpa + s->memsz > end)
			end = s->gpa + s->memsz;
	}
	return page_up(end);
}

static int place_data(struct boot *b, char *err)
{
	struct multiboot_plan *mb = &b->mb;
	uint64_t at, len = 0;

	for (unsigned i = 0; i < b->ninitrds; i++)
		len += page_up(b->initrds[i].len);
	mb->info_len = info_len(b);
	at = segments_end(mb, HIGH_RAM_START, UINT64_MAX);
	if (!boot_in_ram(b->ram_size, at, len + mb->info_len))
		at = segments_end(mb, LOW_BOTTOM, HIGH_RAM_START);
	if (!boot_in_ram(b->ram_size, at, len + mb->info_len))
		return boot_fail(err, b->ninitrds ? b->initrds[0].path :
				 b->kernel.path, "%llu KiB of modules and boot "
				 "information do not fit behind the kernel "
				 "(raise --mem)", (unsigned long long)
				 (len + mb->info_len + KIB - 1) / KIB);
	mb->modules = at;
	mb->info = at + len;
	return 0;
}

static int multiboot_plan(struct boot *b, char *err)
{
	struct multiboot_plan *mb = &b->mb;
	struct mb_header h;
	long at = header_find(&b->kernel, &h);
	int ret;

	if (h.flags & HDR_VIDEO)
		return boot_fail(err, b->kernel.path, "multiboot header asks "
				 "for a video mode (there is no display)");
	if (h.flags & HDR_REQUIRED & ~(HDR_PAGE_ALIGN | HDR_MEM_INFO))
		return boot_fail(err, b->kernel.path, "multiboot header "
				 "requires unknown features (flags 0x%08x)",
				 h.flags);
	mb->flags = h.flags;
	if (h.flags & HDR_ADDRESSES)
		ret = addresses_plan(&b->kernel, at, &h, b->ram_size, mb, err);
	else
		ret = elf_plan(&b->kernel, b->ram_size, mb, err);
	return ret ? ret : place_data(b, err);
}

/* ELF32 files, which GRUB and QEMU want, may well hold 64-bit code. */
static enum guest_kind multiboot_guest_kind(const struct boot *b)
{
	return b->mb.wide ? GUEST_64 : GUEST_UNKNOWN;
}

/* Where the next piece of the information block goes. */
struct cursor {
	struct mem *mem;
	gpa_t gpa;
	int ret;
};

/* Append @len bytes; returns their gpa. */
static uint32_t put(struct cursor *c, const void *data, size_t len)
{
	gpa_t at = c->gpa;

	if (mem_write(c->mem, at, data, len))
		c->ret = -EFAULT;
	c->gpa += len;
	return at;
}

static uint32_t put_string(struct cursor *c, const char *s)
{
	return put(c, s, strlen(s) + 1);
}

/* 3.3 "cmdline": by convention the kernel's name comes first. */
static uint32_t put_cmdline(struct cursor *c, const struct boot *b)
{
	uint32_t at = put(c, b->kernel.path, strlen(b->kernel.path));

	if (*b->cmdline)
		put(c, " ", 1);
	put_string(c, b->cmdline);
	return at;
}

static void put_modules(struct cursor *c, struct boot *b, struct mb_info *info)
{
	gpa_t table = c->gpa, at = b->mb.modules;

	info->mods_count = b->ninitrds;
	info->mods_addr = table;
	c->gpa += b->ninitrds * sizeof(struct mb_module);
	for (unsigned i = 0; i < b->ninitrds; i++) {
		const struct boot_file *f = &b->initrds[i];
		struct mb_module m = { .start = at, .end = at + f->len };

		m.string = put_string(c, f->path);
		if (mem_write(c->mem, table + i * sizeof(m), &m, sizeof(m)) ||
		    mem_write(c->mem, at, f->data, f->len))
			c->ret = -EFAULT;
		at += page_up(f->len);
	}
}

static void put_mmap(struct cursor *c, struct boot *b, struct mb_info *info)
{
	struct boot_range map[BOOT_RANGES_MAX];
	unsigned n = boot_memory_map(b->ram_size, map);

	info->mmap_addr = c->gpa;
	info->mmap_length = n * sizeof(struct mb_mmap);
	for (unsigned i = 0; i < n; i++) {
		struct mb_mmap e = {
			.size = sizeof(e) - sizeof(e.size),
			.base = map[i].start, .length = map[i].size,
			.type = map[i].type,
		};

		put(c, &e, sizeof(e));
	}
}

static int write_info(struct boot *b, struct mem *mem, gpa_t at)
{
	struct cursor c = { mem, at + sizeof(struct mb_info), 0 };
	struct mb_info info = {
		.flags = INFO_MEM | INFO_CMDLINE | INFO_MODS | INFO_MMAP |
			 INFO_LOADER,
		.mem_lower = LOW_RAM_END / KIB,
		.mem_upper = (boot_low_top(b->ram_size) - MIB) / KIB,
	};

	put_mmap(&c, b, &info);
	put_modules(&c, b, &info);
	info.cmdline = put_cmdline(&c, b);
	info.boot_loader_name = put_string(&c, loader_name);
	if (mem_write(mem, at, &info, sizeof(info)))
		c.ret = -EFAULT;
	return c.ret;
}

static int write_segments(struct boot *b, struct mem *mem)
{
	const struct multiboot_plan *mb = &b->mb;

	for (unsigned i = 0; i < mb->nseg; i++) {
		const struct boot_segment *s = &mb->seg[i];

		if (mem_write(mem, s->gpa, b->kernel.data + s->offset,
			      s->filesz) ||
		    boot_clear(mem, s->gpa + s->filesz,
			       s->memsz - s->filesz))
			return -EFAULT;
	}
	return 0;
}

static int multiboot_load(struct boot *b, struct mem *mem, struct vcpu *v)
{
	gpa_t gdt = b->mb.info, info = gdt + BOOT_GDT_LEN;

	if (write_segments(b, mem) || write_info(b, mem, info) ||
	    boot_enter(mem, v, gdt, b->mb.entry))
		return -EFAULT;
	v->gpr[GPR_AX] = BOOT_MAGIC;
	v->gpr[GPR_BX] = info;
	return 0;
}

const struct boot_loader boot_multiboot = {
	.probe = multiboot_probe,
	.plan = multiboot_plan,
	.guest_kind = multiboot_guest_kind,
	.load = multiboot_load,
};
