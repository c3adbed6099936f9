// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Linux bzImage, 32-bit and 64-bit boot protocol: the setup code of the image is not
 * run; its header is completed and passed in struct boot_params, and the
 * processor enters the protected-mode part directly.
 *
 * Source: Linux Documentation/arch/x86/boot.rst, "The Real-Mode Kernel
 * Header", "Details of Header Fields", "32-bit Boot Protocol", "64-bit Boot Protocol"; layouts from
 * the uapi header <asm/bootparam.h>.
 *
 * Guest memory afterwards:
 *	0x01000		descriptor table
 *	0x02000		page tables of the 64-bit entry (linux64.c)
 *	0x10000		struct boot_params
 *	0x20000		command line
 *	0x100000	protected-mode kernel, which unpacks itself upwards
 *	top		initrd, as high as initrd_addr_max and RAM allow
 */
#include <asm/bootparam.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/boot/boot.h"
#include "hypervisor/boot/image.h"
#include "hypervisor/mem.h"
#include "hypervisor/vcpu.h"

#define GDT_GPA		0x1000
#define PARAMS_GPA	0x10000
#define CMDLINE_GPA	0x20000
#define CMDLINE_MAX	0x10000
#define KERNEL_GPA	HIGH_RAM_START

#define HDR_OFFSET	0x1f1		/* of struct setup_header */
#define HDR_JUMP	0x201		/* its second byte ends the header */
#define SECTOR		512
#define BOOT_FLAG	0xaa55
#define HDR_MAGIC	0x53726448	/* "HdrS" */

/* Protocol versions that brought the fields used here. */
#define PROTO_CMDLINE_PTR	0x202
#define PROTO_INITRD_MAX	0x203
#define PROTO_SYSSIZE32		0x204
#define PROTO_RELOCATABLE	0x205
#define PROTO_CMDLINE_SIZE	0x206
#define PROTO_INIT_SIZE		0x20a
#define PROTO_XLOADFLAGS	0x20c

/* What older kernels take, where the header has no field for it. */
#define INITRD_MAX_OLD	0x37ffffffU
#define CMDLINE_OLD	255

/* A loader without an assigned number, boot.rst "type_of_loader". */
#define LOADER_UNDEFINED	0xff

/* initrds are joined at this alignment, early-userspace/buffer-format.rst. */
#define INITRD_JOIN	4ULL

static uint64_t align_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) & ~(to - 1);
}

static bool linux_probe(const struct boot_file *f)
{
	uint16_t flag;
	uint32_t magic;

	if (f->len < HDR_JUMP + 1 + 4)
		return false;
	memcpy(&flag, f->data + 0x1fe, 2);
	memcpy(&magic, f->data + 0x202, 4);
	return flag == BOOT_FLAG && magic == HDR_MAGIC;
}

/*
 * The header as the file has it, zeros for the fields that its version does
 * not know; what lies behind the header is code.
 */
static void header_read(const struct boot_file *f, struct setup_header *h)
{
	size_t len = HDR_JUMP + 1 + f->data[HDR_JUMP] - HDR_OFFSET;

	memset(h, 0, sizeof(*h));
	if (len > sizeof(*h))
		len = sizeof(*h);
	if (len > f->len - HDR_OFFSET)
		len = f->len - HDR_OFFSET;
	memcpy(h, f->data + HDR_OFFSET, len);
}

static size_t cmdline_max(const struct setup_header *h)
{
	size_t max = h->version >= PROTO_CMDLINE_SIZE ? h->cmdline_size
						      : CMDLINE_OLD;

	return max < CMDLINE_MAX ? max : CMDLINE_MAX - 1;
}

static int check_header(struct boot *b, const struct setup_header *h,
			char *err)
{
	const char *path = b->kernel.path;
	size_t max = cmdline_max(h);

	if (h->version < PROTO_CMDLINE_PTR)
		return boot_fail(err, path, "boot protocol %u.%02u is too old "
				 "(2.02 or later needed)", h->version >> 8,
				 h->version & 0xff);
	if (!(h->loadflags & LOADED_HIGH))
		return boot_fail(err, path, "a zImage, which loads low (build "
				 "a bzImage)");
	if (strlen(b->cmdline) > max)
		return boot_fail(err, path, "command line has %zu bytes, this "
				 "kernel takes %zu", strlen(b->cmdline), max);
	return 0;
}

/* Does the file hold all that its header promises? */
static int check_length(struct boot *b, const struct setup_header *h,
			char *err)
{
	uint64_t sectors = h->setup_sects ? h->setup_sects : 4;
	uint64_t setup = (sectors + 1) * SECTOR;
	uint64_t paragraphs = h->version >= PROTO_SYSSIZE32 ?
			      h->syssize : h->syssize & 0xffff;

	b->linux_plan.setup_len = setup;
	/* syssize is rounded up to 16 bytes. */
	if (!paragraphs || setup + paragraphs * 16 >= b->kernel.len + 16)
		return boot_fail(err, b->kernel.path, "truncated: %zu bytes, "
				 "the header promises %llu", b->kernel.len,
				 (unsigned long long)(setup + paragraphs * 16));
	return 0;
}

/*
 * First gpa behind what the kernel occupies before it reads its memory map.
 * Loaded below pref_address it moves itself up to there.
 */
static uint64_t kernel_end(const struct boot *b, const struct setup_header *h)
{
	uint64_t start = KERNEL_GPA;
	uint64_t end = start + b->kernel.len - b->linux_plan.setup_len;

	if (h->version < PROTO_INIT_SIZE)
		return end;
	if (h->relocatable_kernel && h->kernel_alignment)
		start = (start + h->kernel_alignment - 1) /
			h->kernel_alignment * h->kernel_alignment;
	if (h->pref_address > start || !h->relocatable_kernel)
		start = h->pref_address;
	if (start > UINT32_MAX)
		return UINT64_MAX;
	return start + h->init_size > end ? start + h->init_size : end;
}

/*
 * Memory that "mem=SIZE" on the command line leaves; the kernel would not
 * find an initrd above it.  UINT64_MAX without one.
 */
static uint64_t cmdline_mem(const char *cmdline)
{
	static const char units[] = "kmg";
	uint64_t mem = UINT64_MAX;

	for (const char *p = cmdline; (p = strstr(p, "mem=")); p += 4) {
		const char *unit;
		char *end;
		uint64_t n;

		if (p != cmdline && p[-1] != ' ')
			continue;
		n = strtoull(p + 4, &end, 0);
		unit = *end ? strchr(units, *end | 0x20) : NULL;
		if (unit)
			n <<= 10 * (unit - units + 1);
		if (n && n < mem)
			mem = n;
	}
	return mem;
}

static uint64_t initrds_len(const struct boot *b)
{
	uint64_t len = 0;

	for (unsigned i = 0; i < b->ninitrds; i++)
		len = align_up(len, INITRD_JOIN) + b->initrds[i].len;
	return len;
}

static int place_initrd(struct boot *b, const struct setup_header *h,
			uint64_t bottom, char *err)
{
	uint64_t max = h->version >= PROTO_INITRD_MAX ? h->initrd_addr_max
						      : INITRD_MAX_OLD;
	uint64_t top = boot_low_top(b->ram_size);
	uint64_t mem = cmdline_mem(b->cmdline);
	uint64_t len = initrds_len(b);

	if (!len)
		return 0;
	if (top > max + 1)
		top = max + 1;
	if (top > mem)
		top = mem;
	bottom = align_up(bottom, PAGE_SIZE);
	if (top < bottom || len > top - bottom)
		return boot_fail(err, b->initrds[0].path, "%llu KiB of initrd "
				 "do not fit between the kernel (up to %llu "
				 "KiB) and %llu KiB (raise --mem)",
				 (unsigned long long)(len + KIB - 1) / KIB,
				 (unsigned long long)bottom / KIB,
				 (unsigned long long)top / KIB);
	b->linux_plan.initrd = (top - len) & PAGE_MASK;
	b->linux_plan.initrd_len = len;
	return 0;
}

static int linux_plan(struct boot *b, char *err)
{
	uint64_t top = boot_low_top(b->ram_size), end;
	struct setup_header h;
	int ret;

	header_read(&b->kernel, &h);
	ret = check_header(b, &h, err);
	if (!ret)
		ret = check_length(b, &h, err);
	if (ret)
		return ret;
	end = kernel_end(b, &h);
	if (end > top)
		return boot_fail(err, b->kernel.path, "needs %llu MiB of "
				 "memory to unpack, the guest has %llu (raise "
				 "--mem)",
				 (unsigned long long)((end + MIB - 1) / MIB),
				 (unsigned long long)(top / MIB));
	b->linux_plan.entry = KERNEL_GPA;
	b->linux_plan.kernel64 = h.version >= PROTO_XLOADFLAGS &&
				 (h.xloadflags & XLF_KERNEL_64);
	return place_initrd(b, &h, end, err);
}

static enum guest_kind linux_guest_kind(const struct boot *b)
{
	return b->linux_plan.kernel64 ? GUEST_64 : GUEST_32;
}

static void fill_header(struct boot *b, struct setup_header *h)
{
	h->type_of_loader = LOADER_UNDEFINED;
	/* No heap: setup code does not run.  Segments: reload from our GDT. */
	h->loadflags &= ~(CAN_USE_HEAP | KEEP_SEGMENTS | QUIET_FLAG);
	h->heap_end_ptr = 0;
	h->vid_mode = 0xffff;			/* "normal" */
	h->code32_start = b->linux_plan.entry;
	h->cmd_line_ptr = CMDLINE_GPA;
	h->ramdisk_image = b->linux_plan.initrd;
	h->ramdisk_size = b->linux_plan.initrd_len;
	h->setup_data = 0;
}

static void fill_memory(struct boot *b, struct boot_params *p)
{
	struct boot_range map[BOOT_RANGES_MAX];
	unsigned n = boot_memory_map(b->ram_size, map);
	uint64_t ext_kib = (boot_low_top(b->ram_size) - MIB) / KIB;

	for (unsigned i = 0; i < n; i++) {
		p->e820_table[i].addr = map[i].start;
		p->e820_table[i].size = map[i].size;
		p->e820_table[i].type = map[i].type;
	}
	p->e820_entries = n;
	p->alt_mem_k = ext_kib;
	/* int 15h function 88h: 16 bits. */
	p->screen_info.ext_mem_k = ext_kib < 0xfc00 ? ext_kib : 0xfc00;
}

/* Without a screen all zeros, which Linux takes for "none". */
static void fill_screen(struct boot *b, struct screen_info *s)
{
	if (!b->vga_text)
		return;
	s->orig_video_mode = 3;
	s->orig_video_cols = 80;
	s->orig_video_lines = 25;
	s->orig_video_isVGA = 1;	/* VGA, text */
	s->orig_video_points = 16;
	s->orig_y = 24;
}

/*
 * The ACPI root pointer, on a 16-byte boundary in 0xe0000..0xfffff with bytes
 * 0..19 adding up to zero (ACPI 6.4 5.2.5.1).  0: none there.
 */
static gpa_t find_rsdp(struct mem *mem)
{
	for (gpa_t gpa = 0xe0000; gpa < 0x100000; gpa += 16) {
		uint8_t r[20], sum = 0;

		if (mem_read(mem, gpa, r, sizeof(r)) ||
		    memcmp(r, "RSD PTR ", 8))
			continue;
		for (unsigned i = 0; i < sizeof(r); i++)
			sum += r[i];
		if (!sum)
			return gpa;
	}
	return 0;
}

static int write_initrds(struct boot *b, struct mem *mem)
{
	gpa_t gpa = b->linux_plan.initrd;
	static const uint8_t pad[INITRD_JOIN];

	for (unsigned i = 0; i < b->ninitrds; i++) {
		const struct boot_file *f = &b->initrds[i];
		size_t gap = align_up(gpa, INITRD_JOIN) - gpa;

		if (mem_write(mem, gpa, pad, gap) ||
		    mem_write(mem, gpa + gap, f->data, f->len))
			return -EFAULT;
		gpa += gap + f->len;
	}
	return 0;
}

/* Either boot protocol wants the address of the boot_params in ESI or RSI. */
static int enter(struct boot *b, struct mem *mem, struct vcpu *v)
{
	const struct linux_plan *l = &b->linux_plan;
	int ret = b->long_mode && l->kernel64 ?
		  linux64_enter(mem, v, GDT_GPA, l->entry + LINUX_ENTRY64) :
		  boot_enter(mem, v, GDT_GPA, l->entry);

	v->gpr[GPR_SI] = PARAMS_GPA;
	return ret;
}

static int linux_load(struct boot *b, struct mem *mem, struct vcpu *v)
{
	const struct boot_file *k = &b->kernel;
	size_t setup = b->linux_plan.setup_len;
	struct boot_params p;

	memset(&p, 0, sizeof(p));
	header_read(k, &p.hdr);
	fill_header(b, &p.hdr);
	fill_memory(b, &p);
	fill_screen(b, &p.screen_info);
	p.acpi_rsdp_addr = find_rsdp(mem);

	if (mem_write(mem, PARAMS_GPA, &p, sizeof(p)) ||
	    mem_write(mem, CMDLINE_GPA, b->cmdline, strlen(b->cmdline) + 1) ||
	    mem_write(mem, KERNEL_GPA, k->data + setup, k->len - setup) ||
	    write_initrds(b, mem) || enter(b, mem, v))
		return -EFAULT;
	return 0;
}

const struct boot_loader boot_linux = {
	.probe = linux_probe,
	.plan = linux_plan,
	.guest_kind = linux_guest_kind,
	.load = linux_load,
};
