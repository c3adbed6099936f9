// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Direct boot: reading files, choosing a loader, and what every loader leaves
 * behind (memory map, BIOS data area, descriptor table).
 */
#include "hypervisor/boot/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hypervisor/boot/image.h"
#include "hypervisor/mem.h"
#include "hypervisor/vcpu.h"

static const struct boot_loader *const loaders[] = {
	&boot_linux,
	&boot_multiboot,
};

int boot_fail(char *err, const char *path, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(err, BOOT_ERR_LEN, "%s: ", path);

	if (n < 0 || n >= BOOT_ERR_LEN)
		return -EINVAL;
	va_start(ap, fmt);
	vsnprintf(err + n, BOOT_ERR_LEN - n, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

uint64_t boot_low_top(uint64_t ram_size)
{
	return ram_size < MEM_LOW_MAX ? ram_size : MEM_LOW_MAX;
}

unsigned boot_memory_map(uint64_t ram_size, struct boot_range *out)
{
	const struct boot_range all[] = {
		{ 0, LOW_RAM_END, BOOT_MEM_RAM },
		{ LOW_RAM_END, 0xa0000 - LOW_RAM_END, BOOT_MEM_RESERVED },
		/* Option ROMs, ACPI and MP tables, BIOS. */
		{ 0xc0000, 0x40000, BOOT_MEM_RESERVED },
		{ HIGH_RAM_START, boot_low_top(ram_size) - HIGH_RAM_START,
		  BOOT_MEM_RAM },
		/* I/O APIC, local APIC, flash. */
		{ 0xfec00000, 0x1400000, BOOT_MEM_RESERVED },
		{ MEM_HIGH_BASE, ram_size - boot_low_top(ram_size),
		  BOOT_MEM_RAM },
	};
	unsigned n = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i].size)
			out[n++] = all[i];
	return n;
}

bool boot_in_ram(uint64_t ram_size, gpa_t gpa, uint64_t size)
{
	struct boot_range map[BOOT_RANGES_MAX];
	unsigned n = boot_memory_map(ram_size, map);

	for (unsigned i = 0; i < n; i++)
		if (map[i].type == BOOT_MEM_RAM && gpa >= map[i].start &&
		    gpa - map[i].start <= map[i].size &&
		    size <= map[i].size - (gpa - map[i].start))
			return map[i].start < MEM_HIGH_BASE;
	return false;
}

int boot_clear(struct mem *mem, gpa_t gpa, uint64_t size)
{
	static const uint8_t zeros[64 * KIB];

	while (size) {
		size_t n = size < sizeof(zeros) ? size : sizeof(zeros);

		if (mem_write(mem, gpa, zeros, n))
			return -EFAULT;
		gpa += n;
		size -= n;
	}
	return 0;
}

int boot_enter(struct mem *mem, struct vcpu *v, gpa_t gdt, uint32_t entry)
{
	/* Base 0, limit 4 GiB, present, accessed; SDM Vol. 3A 3.4.5. */
	static const uint64_t table[BOOT_GDT_LEN / 8] = {
		[BOOT_CS / 8] = 0x00cf9b000000ffff,
		[BOOT_DS / 8] = 0x00cf93000000ffff,
	};

	if (mem_write(mem, gdt, table, sizeof(table)))
		return -EFAULT;
	vcpu_set_flat32(v, BOOT_CS, BOOT_DS, entry);
	v->gdtr.base = gdt;
	v->gdtr.limit = sizeof(table) - 1;
	/* No IDT yet: an exception this early is a triple fault. */
	v->idtr.base = 0;
	v->idtr.limit = 0;
	for (unsigned r = 0; r < GPR_COUNT; r++)
		v->gpr[r] = 0;
	return 0;
}

/*
 * The words of the BIOS data area that operating systems read to find the
 * serial ports and the end of conventional memory.  IBM PC/AT Technical
 * Reference, BIOS listing, segment 40h.
 */
static int write_bda(struct mem *mem)
{
	static const struct { uint16_t gpa, val; } bda[] = {
		{ 0x400, 0x3f8 },		/* COM1 */
		{ 0x40e, LOW_RAM_END >> 4 },	/* EBDA segment */
		{ 0x410, 0x0202 },		/* one UART, a coprocessor */
		{ 0x413, LOW_RAM_END / KIB },	/* KiB of memory */
		{ 0x472, 0 },			/* cold boot */
	};
	uint8_t ebda_kib = 1;

	for (unsigned i = 0; i < ARRAY_SIZE(bda); i++)
		if (mem_write(mem, bda[i].gpa, &bda[i].val, 2))
			return -EFAULT;
	return mem_write(mem, LOW_RAM_END, &ebda_kib, 1);
}

int boot_load(void *opaque, struct mem *mem, struct vcpu *v, char *err)
{
	struct boot *b = opaque;
	int ret = write_bda(mem);

	if (!ret)
		ret = b->loader->load(b, mem, v);
	if (ret)	/* VM_ERR_LEN bytes */
		snprintf(err, 160, "boot loader: memory map has changed");
	return ret;
}

/* Read @fd to its end; files that cannot fit into the guest are refused. */
static int read_all(int fd, struct boot_file *f, uint64_t max, char *err)
{
	size_t cap = 0;

	for (;;) {
		ssize_t n;

		if (f->len == cap) {
			uint8_t *p = realloc(f->data, cap = cap * 2 + MIB);

			if (!p)
				return boot_fail(err, f->path, "out of memory");
			f->data = p;
		}
		n = read(fd, f->data + f->len, cap - f->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return boot_fail(err, f->path, "%s", strerror(errno));
		if (!n)
			break;
		f->len += n;
		if (f->len > max)
			return boot_fail(err, f->path, "larger than the "
					 "guest's %llu MiB of memory (raise "
					 "--mem)", (unsigned long long)
					 (max / MIB));
	}
	if (!f->len)
		return boot_fail(err, f->path, "is empty");
	return 0;
}

static int file_read(struct boot_file *f, const char *path, uint64_t max,
		     char *err)
{
	struct stat st;
	int fd, ret;

	f->path = strdup(path);
	if (!f->path)
		return boot_fail(err, path, "out of memory");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return boot_fail(err, path, "%s", strerror(errno));
	if (!fstat(fd, &st) && S_ISDIR(st.st_mode))
		ret = boot_fail(err, path, "is a directory");
	else
		ret = read_all(fd, f, max, err);
	close(fd);
	return ret;
}

static int kernel_get(struct boot *b, const struct boot_config *cfg, char *err)
{
	if (!cfg->kernel_data)
		return file_read(&b->kernel, cfg->kernel, cfg->ram_size, err);
	b->kernel.path = strdup(cfg->kernel);
	b->kernel.data = malloc(cfg->kernel_len);
	if (!b->kernel.path || !b->kernel.data)
		return boot_fail(err, cfg->kernel, "out of memory");
	memcpy(b->kernel.data, cfg->kernel_data, cfg->kernel_len);
	b->kernel.len = cfg->kernel_len;
	return 0;
}

static int initrds_get(struct boot *b, const struct boot_config *cfg,
		       char *err)
{
	b->initrds = calloc(cfg->ninitrds + 1, sizeof(*b->initrds));
	if (!b->initrds)
		return boot_fail(err, "initrd", "out of memory");
	for (; b->ninitrds < cfg->ninitrds; b->ninitrds++) {
		int ret = file_read(&b->initrds[b->ninitrds],
				    cfg->initrds[b->ninitrds],
				    cfg->ram_size, err);

		if (ret) {
			b->ninitrds++;	/* its path is to be freed */
			return ret;
		}
	}
	return 0;
}

static int choose_loader(struct boot *b, const struct boot_config *cfg,
			 char *err)
{
	const char *cmdline = cfg->cmdline;

	for (unsigned i = 0; i < ARRAY_SIZE(loaders) && !b->loader; i++)
		if (loaders[i]->probe(&b->kernel))
			b->loader = loaders[i];
	if (!b->loader)
		return boot_fail(err, b->kernel.path, "neither a Linux kernel "
				 "(bzImage) nor a multiboot image");
	if (!cmdline && b->loader == &boot_linux)
		cmdline = cfg->linux_cmdline;
	b->cmdline = strdup(cmdline ? cmdline : "");
	if (!b->cmdline)
		return boot_fail(err, b->kernel.path, "out of memory");
	return b->loader->plan(b, err);
}

int boot_create(struct boot **out, const struct boot_config *cfg, char *err)
{
	struct boot *b = calloc(1, sizeof(*b));
	int ret;

	if (!b)
		return boot_fail(err, cfg->kernel, "out of memory");
	b->ram_size = cfg->ram_size;
	b->vga_text = cfg->vga_text;
	ret = kernel_get(b, cfg, err);
	if (!ret)
		ret = initrds_get(b, cfg, err);
	if (!ret)
		ret = choose_loader(b, cfg, err);
	if (ret) {
		boot_destroy(b);
		return ret;
	}
	*out = b;
	return 0;
}

static void file_free(struct boot_file *f)
{
	free(f->path);
	free(f->data);
}

void boot_destroy(struct boot *b)
{
	if (!b)
		return;
	file_free(&b->kernel);
	for (unsigned i = 0; i < b->ninitrds; i++)
		file_free(&b->initrds[i]);
	free(b->initrds);
	free(b->cmdline);
	free(b);
}

enum guest_kind boot_guest_kind(const struct boot *b)
{
	return b->loader->guest_kind(b);
}

void boot_enter_long_mode(struct boot *b, bool on)
{
	b->long_mode = on;
}
