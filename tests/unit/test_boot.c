// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Boot loaders: what they put where, and what they refuse.
 */
#define _GNU_SOURCE
#include <asm/bootparam.h>
#include <check.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hypervisor/boot/boot.h"
#include "hypervisor/mem.h"
#include "hypervisor/vcpu.h"

#define RAM		(64 * MIB)
#define SETUP_LEN	(5 * 512)
#define CODE_LEN	4096
#define IMAGE_LEN	(SETUP_LEN + CODE_LEN)

static uint8_t image[IMAGE_LEN];
static char err[BOOT_ERR_LEN];

static struct setup_header *hdr(void)
{
	return (struct setup_header *)(image + 0x1f1);
}

/* A bzImage of protocol 2.15 with all that the loader looks at. */
static void make_linux(void)
{
	struct setup_header *h = hdr();

	memset(image, 0, sizeof(image));
	memset(image + SETUP_LEN, 0x90, CODE_LEN);
	h->setup_sects = 4;
	h->syssize = CODE_LEN / 16;
	h->boot_flag = 0xaa55;
	h->jump = 0x6aeb;	/* the header ends at 0x26c */
	h->header = 0x53726448;
	h->version = 0x20f;
	h->loadflags = LOADED_HIGH | KEEP_SEGMENTS | CAN_USE_HEAP;
	h->initrd_addr_max = 0x37ffffff;
	h->kernel_alignment = 0x200000;
	h->relocatable_kernel = 1;
	h->cmdline_size = 2047;
	h->pref_address = 0x1000000;
	h->init_size = 0x800000;
}

static void make_multiboot(uint32_t flags)
{
	uint32_t *h = (uint32_t *)(image + 64);

	memset(image, 0, sizeof(image));
	h[0] = 0x1badb002;
	h[1] = flags;
	h[2] = -(h[0] + flags);
}

/* The header at 64 is loaded to 1 MiB + 64, with 8 KiB of bss. */
static void make_addresses(void)
{
	uint32_t *h = (uint32_t *)(image + 64);

	make_multiboot(0x10003);
	h[3] = 0x100040;
	h[4] = 0x100000;
	h[5] = 0x100000 + IMAGE_LEN;
	h[6] = 0x100000 + IMAGE_LEN + 0x2000;
	h[7] = 0x100080;
}

static void make_elf(void)
{
	Elf32_Ehdr *e = (Elf32_Ehdr *)image;
	Elf32_Phdr *p = (Elf32_Phdr *)(image + 128);

	make_multiboot(3);
	memcpy(e->e_ident, ELFMAG, SELFMAG);
	e->e_ident[EI_CLASS] = ELFCLASS32;
	e->e_ident[EI_DATA] = ELFDATA2LSB;
	e->e_type = ET_EXEC;
	e->e_machine = EM_386;
	e->e_phoff = 128;
	e->e_phentsize = sizeof(*p);
	e->e_phnum = 1;
	e->e_entry = 0xc0200010;
	p->p_type = PT_LOAD;
	p->p_offset = 512;
	p->p_vaddr = 0xc0200000;
	p->p_paddr = 0x200000;
	p->p_filesz = 1024;
	p->p_memsz = 8192;
	memset(image + 512, 0xab, 1024);
}

static struct boot_config config(size_t len)
{
	return (struct boot_config){
		.kernel = "kernel", .kernel_data = image, .kernel_len = len,
		.cmdline = "console=ttyS0", .ram_size = RAM,
	};
}

/* A file with @len bytes of @byte; the name is good until the next call. */
static const char *temp_file(size_t len, int byte)
{
	static char path[] = "/tmp/umbra-test-XXXXXX";
	uint8_t *buf = malloc(len + 1);
	int fd;

	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	memset(buf, byte, len);
	ck_assert_int_eq(write(fd, buf, len), (ssize_t)len);
	close(fd);
	free(buf);
	return path;
}

static void expect_refused(const struct boot_config *c, const char *reason)
{
	struct boot *b = NULL;

	ck_assert_int_lt(boot_create(&b, c, err), 0);
	ck_assert_msg(strstr(err, reason), "\"%s\" lacks \"%s\"", err, reason);
	ck_assert(!strchr(err, '\n'));
	ck_assert_msg(!strncmp(err, c->ninitrds && strstr(err, "umbra-test") ?
			       c->initrds[0] : "kernel", 6), "%s", err);
}

struct loaded {
	struct mem *mem;
	struct vcpu v;
	struct boot *boot;
};

static void load(struct loaded *l, const struct boot_config *c)
{
	ck_assert_msg(!boot_create(&l->boot, c, err), "%s", err);
	ck_assert_int_eq(mem_create(&l->mem, c->ram_size), 0);
	vcpu_reset(&l->v, 0, false);
	ck_assert_int_eq(boot_load(l->boot, l->mem, &l->v, err), 0);
}

static void unload(struct loaded *l)
{
	boot_destroy(l->boot);
	mem_destroy(l->mem);
}

static void *at(struct loaded *l, gpa_t gpa)
{
	return mem_hva(l->mem, gpa);
}

START_TEST(linux_starts_flat_with_boot_params_in_esi)
{
	struct boot_config c = config(IMAGE_LEN);
	struct boot_params *p;
	struct loaded l;
	uint64_t *gdt;

	make_linux();
	load(&l, &c);
	ck_assert_uint_eq(l.v.rip, 0x100000);
	ck_assert_uint_eq(l.v.seg[SEG_CS].selector, 0x10);
	ck_assert_uint_eq(l.v.seg[SEG_DS].selector, 0x18);
	ck_assert_uint_eq(l.v.seg[SEG_SS].selector, 0x18);
	ck_assert_uint_eq(l.v.rflags & FLAG_IF, 0);
	ck_assert_uint_eq(l.v.gpr[GPR_BP] | l.v.gpr[GPR_DI] | l.v.gpr[GPR_BX],
			  0);
	ck_assert_uint_ge(l.v.gdtr.limit, 0x1f);
	gdt = at(&l, l.v.gdtr.base);
	ck_assert_uint_eq(gdt[2], 0x00cf9b000000ffff);
	ck_assert_uint_eq(gdt[3], 0x00cf93000000ffff);
	p = at(&l, l.v.gpr[GPR_SI]);
	ck_assert_uint_eq(p->hdr.header, 0x53726448);
	ck_assert_uint_eq(p->hdr.type_of_loader, 0xff);
	ck_assert_uint_eq(p->hdr.loadflags, LOADED_HIGH);
	ck_assert_uint_eq(p->hdr.code32_start, 0x100000);
	ck_assert_uint_eq(p->sentinel, 0);
	ck_assert_str_eq(at(&l, p->hdr.cmd_line_ptr), "console=ttyS0");
	ck_assert_uint_eq(*(uint8_t *)at(&l, 0x100000), 0x90);
	unload(&l);
}
END_TEST

/* Walk the 4-level tables at @cr3: what @va maps to. */
static gpa_t walk64(struct loaded *l, gva_t va)
{
	uint64_t e = l->v.cr3;

	for (int shift = 39; shift >= 21; shift -= 9) {
		uint64_t *table = at(l, e & 0xffffffffff000);

		e = table[va >> shift & 511];
		ck_assert_uint_eq(e & 3, 3);
		if (shift > 21)
			ck_assert_uint_eq(e & 0x80, 0);
	}
	ck_assert_uint_eq(e & 0x80, 0x80);
	return (e & 0xfffffffe00000) | (va & 0x1fffff);
}

START_TEST(linux_64_is_entered_in_long_mode_where_that_runs)
{
	static const gva_t places[] = { 0, 0x10000, 0x100200, 0x3fffffff,
					0x40000000, 0xfee00000, 0xffffffff };
	struct boot_config c = config(IMAGE_LEN);
	struct loaded l;
	uint64_t *gdt;

	make_linux();
	hdr()->xloadflags = XLF_KERNEL_64;
	ck_assert_msg(!boot_create(&l.boot, &c, err), "%s", err);
	ck_assert_int_eq(boot_guest_kind(l.boot), GUEST_64);
	boot_enter_long_mode(l.boot, true);
	ck_assert_int_eq(mem_create(&l.mem, c.ram_size), 0);
	vcpu_reset(&l.v, 0, false);
	ck_assert_int_eq(boot_load(l.boot, l.mem, &l.v, err), 0);
	ck_assert_uint_eq(l.v.rip, 0x100200);
	ck_assert_uint_eq(l.v.cr0 & (CR0_PE | CR0_PG), CR0_PE | CR0_PG);
	ck_assert_uint_eq(l.v.cr4 & CR4_PAE, CR4_PAE);
	ck_assert_uint_eq(l.v.msr.efer, EFER_LME | EFER_LMA);
	ck_assert_uint_eq(l.v.seg[SEG_CS].selector, 0x10);
	ck_assert_uint_eq(l.v.seg[SEG_CS].attr & (SEG_L | SEG_DB), SEG_L);
	ck_assert_uint_eq(l.v.seg[SEG_DS].selector, 0x18);
	ck_assert_uint_eq(l.v.rflags & FLAG_IF, 0);
	ck_assert_uint_eq(l.v.gpr[GPR_SI], 0x10000);
	gdt = at(&l, l.v.gdtr.base);
	ck_assert_uint_eq(gdt[2], 0x00af9b000000ffff);
	ck_assert_uint_eq(gdt[3], 0x00cf93000000ffff);
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
		ck_assert_uint_eq(walk64(&l, places[i]), places[i]);
	unload(&l);
}
END_TEST

START_TEST(linux_64_is_entered_at_its_32_bit_entry_otherwise)
{
	struct boot_config c = config(IMAGE_LEN);
	struct loaded l;

	make_linux();
	hdr()->xloadflags = XLF_KERNEL_64;
	load(&l, &c);
	ck_assert_uint_eq(l.v.rip, 0x100000);
	ck_assert_uint_eq(l.v.cr0 & CR0_PG, 0);
	unload(&l);
}
END_TEST

START_TEST(guest_kind_is_read_from_the_image)
{
	struct boot_config c = config(IMAGE_LEN);
	struct boot *b;

	make_linux();
	ck_assert_int_eq(boot_create(&b, &c, err), 0);
	ck_assert_int_eq(boot_guest_kind(b), GUEST_32);
	boot_destroy(b);
	/* A version whose header ends before that field. */
	hdr()->xloadflags = XLF_KERNEL_64;
	hdr()->version = 0x20b;
	ck_assert_int_eq(boot_create(&b, &c, err), 0);
	ck_assert_int_eq(boot_guest_kind(b), GUEST_32);
	boot_destroy(b);
	make_elf();
	ck_assert_int_eq(boot_create(&b, &c, err), 0);
	ck_assert_int_eq(boot_guest_kind(b), GUEST_UNKNOWN);
	boot_destroy(b);
}
END_TEST

START_TEST(linux_header_is_not_read_beyond_its_end)
{
	struct boot_config c = config(IMAGE_LEN);
	struct boot_params *p;
	struct loaded l;

	make_linux();
	/* A header of protocol 2.03 ends at 0x230; code follows. */
	hdr()->version = 0x203;
	hdr()->jump = 0x2eeb;
	memset(image + 0x230, 0xcc, 0x40);
	load(&l, &c);
	p = at(&l, l.v.gpr[GPR_SI]);
	ck_assert_uint_eq(p->hdr.init_size, 0);
	ck_assert_uint_eq(p->hdr.kernel_alignment, 0);
	unload(&l);
}
END_TEST

START_TEST(e820_covers_ram_and_leaves_holes)
{
	struct boot_config c = config(IMAGE_LEN);
	struct boot_params *p;
	struct loaded l;
	uint64_t ram = 0, last = 0;

	make_linux();
	load(&l, &c);
	p = at(&l, l.v.gpr[GPR_SI]);
	ck_assert_uint_gt(p->e820_entries, 2);
	for (unsigned i = 0; i < p->e820_entries; i++) {
		struct boot_e820_entry *e = &p->e820_table[i];

		ck_assert_uint_ge(e->addr, last);
		last = e->addr + e->size;
		if (e->type == 1)
			ram += e->size;
		ck_assert(e->type != 1 || last <= 0x9fc00 ||
			  (e->addr >= MIB && last <= RAM));
	}
	ck_assert_uint_eq(ram, 0x9fc00 + RAM - MIB);
	ck_assert_uint_eq(p->alt_mem_k, (RAM - MIB) / KIB);
	unload(&l);
}
END_TEST

START_TEST(e820_continues_above_4_gib)
{
	struct boot_config c = config(IMAGE_LEN);
	struct boot_e820_entry *e;
	struct boot_params *p;
	struct loaded l;

	make_linux();
	c.ram_size = 4 * GIB;
	load(&l, &c);
	p = at(&l, l.v.gpr[GPR_SI]);
	e = &p->e820_table[p->e820_entries - 1];
	ck_assert_uint_eq(e->addr, 4 * GIB);
	ck_assert_uint_eq(e->size, 1 * GIB);
	ck_assert_uint_eq(e->type, 1);
	unload(&l);
}
END_TEST

START_TEST(rsdp_is_found_only_with_a_good_checksum)
{
	struct boot_config c = config(IMAGE_LEN);
	struct boot_params *p;
	struct loaded l;
	uint8_t *r, sum = 0;

	make_linux();
	load(&l, &c);
	p = at(&l, l.v.gpr[GPR_SI]);
	ck_assert_uint_eq(p->acpi_rsdp_addr, 0);
	r = at(&l, 0xf0040);
	memcpy(r, "RSD PTR ", 8);
	ck_assert_int_eq(boot_load(l.boot, l.mem, &l.v, err), 0);
	ck_assert_uint_eq(p->acpi_rsdp_addr, 0);
	for (unsigned i = 0; i < 20; i++)
		sum += r[i];
	r[8] = -sum;
	ck_assert_int_eq(boot_load(l.boot, l.mem, &l.v, err), 0);
	ck_assert_uint_eq(p->acpi_rsdp_addr, 0xf0040);
	unload(&l);
}
END_TEST

static void check_initrd(uint64_t ram, uint64_t max, uint64_t want_end)
{
	const char *path = temp_file(10000, 'r');
	struct boot_config c = config(IMAGE_LEN);
	struct boot_params *p;
	struct loaded l;

	make_linux();
	hdr()->initrd_addr_max = max;
	c.ram_size = ram;
	c.initrds = &path;
	c.ninitrds = 1;
	load(&l, &c);
	p = at(&l, l.v.gpr[GPR_SI]);
	ck_assert_uint_eq(p->hdr.ramdisk_size, 10000);
	ck_assert_uint_eq(p->hdr.ramdisk_image % PAGE_SIZE, 0);
	ck_assert_uint_le(p->hdr.ramdisk_image + 10000, want_end);
	ck_assert_uint_gt(p->hdr.ramdisk_image + 10000, want_end - PAGE_SIZE);
	ck_assert_uint_eq(*(char *)at(&l, p->hdr.ramdisk_image + 9999), 'r');
	unload(&l);
	unlink(path);
}

START_TEST(initrd_lies_at_the_end_of_ram)
{
	check_initrd(RAM, 0x37ffffff, RAM);
}
END_TEST

START_TEST(initrd_obeys_initrd_addr_max)
{
	check_initrd(RAM, 0x2ffffff, 0x3000000);
	check_initrd(2 * GIB, 0x37ffffff, 0x38000000);
}
END_TEST

START_TEST(initrd_obeys_mem_on_the_command_line)
{
	const char *path = temp_file(4096, 'r');
	struct boot_config c = config(IMAGE_LEN);
	struct boot_params *p;
	struct loaded l;

	make_linux();
	c.cmdline = "quiet mem=40M";
	c.initrds = &path;
	c.ninitrds = 1;
	load(&l, &c);
	p = at(&l, l.v.gpr[GPR_SI]);
	ck_assert_uint_eq(p->hdr.ramdisk_image, 40 * MIB - 4096);
	unload(&l);
	unlink(path);
}
END_TEST

START_TEST(two_initrds_are_joined_at_four_bytes)
{
	const char *path = temp_file(5, 'r');
	const char *both[] = { path, path };
	struct boot_config c = config(IMAGE_LEN);
	struct boot_params *p;
	struct loaded l;

	make_linux();
	c.initrds = both;
	c.ninitrds = 2;
	load(&l, &c);
	p = at(&l, l.v.gpr[GPR_SI]);
	ck_assert_uint_eq(p->hdr.ramdisk_size, 13);
	ck_assert_int_eq(memcmp(at(&l, p->hdr.ramdisk_image),
				"rrrrr\0\0\0rrrrr", 13), 0);
	unload(&l);
	unlink(path);
}
END_TEST

START_TEST(initrd_that_does_not_fit_is_named)
{
	/* 16 + 8 MiB for the kernel leave 40 of 64. */
	const char *path = temp_file(41 * MIB, 'r');
	struct boot_config c = config(IMAGE_LEN);

	make_linux();
	c.initrds = &path;
	c.ninitrds = 1;
	expect_refused(&c, "do not fit");
	ck_assert(strstr(err, path));
	c.ram_size = 40 * MIB;
	expect_refused(&c, "larger than the guest's 40 MiB");
	unlink(path);
}
END_TEST

START_TEST(empty_and_missing_files_are_named)
{
	const char *path = temp_file(0, 0);
	struct boot_config c = config(IMAGE_LEN);

	make_linux();
	c.initrds = &path;
	c.ninitrds = 1;
	expect_refused(&c, "is empty");
	unlink(path);
	expect_refused(&c, "No such file or directory");
	c.kernel_data = NULL;
	c.ninitrds = 0;
	c.kernel = "kernel-that-is-not-there";
	expect_refused(&c, "kernel-that-is-not-there: No such file");
}
END_TEST

START_TEST(kernel_too_big_for_memory_says_what_it_needs)
{
	struct boot_config c = config(IMAGE_LEN);

	make_linux();
	c.ram_size = 16 * MIB;
	expect_refused(&c, "needs 24 MiB");
}
END_TEST

START_TEST(linux_with_bad_header_is_refused)
{
	struct boot_config c = config(IMAGE_LEN);

	make_linux();
	hdr()->version = 0x201;
	expect_refused(&c, "too old");
	make_linux();
	hdr()->loadflags = 0;
	expect_refused(&c, "zImage");
	make_linux();
	hdr()->syssize += 1;
	expect_refused(&c, "truncated");
	make_linux();
	hdr()->syssize = 0xffffffff;
	expect_refused(&c, "truncated");
	make_linux();
	hdr()->init_size = 0xffffffff;
	expect_refused(&c, "MiB of memory");
	make_linux();
	hdr()->pref_address = UINT64_MAX - 5;
	expect_refused(&c, "MiB of memory");
	make_linux();
	hdr()->cmdline_size = 5;
	expect_refused(&c, "command line has 13 bytes, this kernel takes 5");
}
END_TEST

/* Every length: never a crash, never accepted until it is whole. */
START_TEST(truncated_images_are_refused)
{
	for (size_t len = 1; len < IMAGE_LEN - 16; len += 7) {
		struct boot_config c = config(len);

		make_linux();
		expect_refused(&c, "");
		make_addresses();
		expect_refused(&c, "");
	}
	for (size_t len = 1; len < 1536; len++) {
		struct boot_config c = config(len);

		make_elf();
		expect_refused(&c, "");
	}
}
END_TEST

START_TEST(random_images_are_refused)
{
	struct boot_config c = config(IMAGE_LEN);

	srand(1);
	for (unsigned n = 0; n < 200; n++) {
		for (unsigned i = 0; i < IMAGE_LEN; i++)
			image[i] = rand();
		expect_refused(&c, "neither a Linux kernel");
	}
}
END_TEST

/* Random fields behind good magic numbers: refused or loaded, no crash. */
START_TEST(random_headers_do_no_harm)
{
	struct boot_config c = config(IMAGE_LEN);
	unsigned loaded = 0;

	srand(_i);
	for (unsigned n = 0; n < 300; n++) {
		struct boot *b;

		if (_i % 3 == 0)
			make_linux();
		else if (_i % 3 == 1)
			make_addresses();
		else
			make_elf();
		for (unsigned k = 0; k < 3; k++) {
			static const unsigned from[] = { 0x206, 76, 16 };
			static const unsigned size[] = { 0x66, 20, 176 };

			image[from[_i % 3] + rand() % size[_i % 3]] = rand();
		}
		if (boot_create(&b, &c, err))
			continue;
		boot_destroy(b);
		loaded++;
	}
	ck_assert_uint_lt(loaded, 300);
}
END_TEST

START_TEST(multiboot_elf_enters_at_the_physical_address)
{
	struct boot_config c = config(IMAGE_LEN);
	struct loaded l;

	make_elf();
	load(&l, &c);
	ck_assert_uint_eq(l.v.rip, 0x200010);
	ck_assert_uint_eq(l.v.gpr[GPR_AX], 0x2badb002);
	ck_assert_uint_eq(*(uint8_t *)at(&l, 0x2003ff), 0xab);
	ck_assert_uint_eq(*(uint8_t *)at(&l, 0x200400), 0);
	unload(&l);
}
END_TEST

static void make_elf64(void)
{
	Elf64_Ehdr *e = (Elf64_Ehdr *)image;
	Elf64_Phdr *p = (Elf64_Phdr *)(image + 128);

	make_multiboot(3);
	memcpy(e->e_ident, ELFMAG, SELFMAG);
	e->e_ident[EI_CLASS] = ELFCLASS64;
	e->e_ident[EI_DATA] = ELFDATA2LSB;
	e->e_type = ET_EXEC;
	e->e_machine = EM_X86_64;
	e->e_phoff = 128;
	e->e_phentsize = sizeof(*p);
	e->e_phnum = 1;
	e->e_entry = 0xffffffff80200010;
	p->p_type = PT_LOAD;
	p->p_offset = 512;
	p->p_vaddr = 0xffffffff80200000;
	p->p_paddr = 0x200000;
	p->p_filesz = 1024;
	p->p_memsz = 8192;
	memset(image + 512, 0xab, 1024);
}

START_TEST(multiboot_elf64_is_entered_in_32_bit_mode)
{
	struct boot_config c = config(IMAGE_LEN);
	Elf64_Phdr *p = (Elf64_Phdr *)(image + 128);
	struct loaded l;

	make_elf64();
	load(&l, &c);
	ck_assert_int_eq(boot_guest_kind(l.boot), GUEST_64);
	ck_assert_uint_eq(l.v.rip, 0x200010);
	ck_assert_uint_eq(l.v.cr0 & CR0_PG, 0);
	ck_assert_uint_eq(*(uint8_t *)at(&l, 0x200000), 0xab);
	unload(&l);
	p->p_paddr = 1ull << 40;
	expect_refused(&c, "0x10000000000..");
	make_elf64();
	p->p_offset = ~0ull;
	expect_refused(&c, "truncated: segment");
	make_elf64();
	((Elf64_Ehdr *)image)->e_phoff = ~0ull - 8;
	expect_refused(&c, "truncated program headers");
	make_elf64();
	((Elf64_Ehdr *)image)->e_machine = EM_386;
	expect_refused(&c, "not for the i386 or x86-64");
	make_elf64();
	image[EI_CLASS] = 3;
	expect_refused(&c, "neither a 32-bit nor a 64-bit");
}
END_TEST

START_TEST(multiboot_bss_is_cleared_again_after_a_reset)
{
	struct boot_config c = config(IMAGE_LEN);
	struct loaded l;

	make_elf();
	load(&l, &c);
	memset(at(&l, 0x200000), 0x55, 8192);
	ck_assert_int_eq(boot_load(l.boot, l.mem, &l.v, err), 0);
	ck_assert_uint_eq(*(uint8_t *)at(&l, 0x200000), 0xab);
	ck_assert_uint_eq(*(uint8_t *)at(&l, 0x200000 + 8191), 0);
	unload(&l);
}
END_TEST

START_TEST(multiboot_addresses_load_any_format)
{
	struct boot_config c = config(IMAGE_LEN);
	struct loaded l;

	make_addresses();
	image[IMAGE_LEN - 1] = 0x77;
	load(&l, &c);
	ck_assert_uint_eq(l.v.rip, 0x100080);
	ck_assert_uint_eq(*(uint32_t *)at(&l, 0x100040), 0x1badb002);
	ck_assert_uint_eq(*(uint8_t *)at(&l, 0x100000 + IMAGE_LEN - 1), 0x77);
	unload(&l);
}
END_TEST

START_TEST(multiboot_information_is_complete)
{
	const char *path = temp_file(5000, 'm');
	const char *both[] = { path, path };
	struct boot_config c = config(IMAGE_LEN);
	struct loaded l;
	uint32_t *info, *mod;

	make_elf();
	c.initrds = both;
	c.ninitrds = 2;
	load(&l, &c);
	info = at(&l, l.v.gpr[GPR_BX]);
	ck_assert_uint_eq(info[0] & 0x4d, 0x4d);
	ck_assert_uint_eq(info[1], 639);
	ck_assert_uint_eq(info[2], (RAM - MIB) / KIB);
	ck_assert_str_eq(at(&l, info[4]), "kernel console=ttyS0");
	ck_assert_uint_eq(info[5], 2);
	mod = at(&l, info[6]);
	for (unsigned i = 0; i < 2; i++, mod += 4) {
		ck_assert_uint_eq(mod[0] % PAGE_SIZE, 0);
		ck_assert_uint_ge(mod[0], 0x202000);
		ck_assert_uint_eq(mod[1] - mod[0], 5000);
		ck_assert_uint_eq(*(char *)at(&l, mod[1] - 1), 'm');
		ck_assert_str_eq(at(&l, mod[2]), path);
	}
	ck_assert_uint_eq(info[11] % 24, 0);
	ck_assert_uint_eq(*(uint32_t *)at(&l, info[12]), 20);
	unload(&l);
	unlink(path);
}
END_TEST

START_TEST(multiboot_with_bad_header_is_refused)
{
	struct boot_config c = config(IMAGE_LEN);
	Elf32_Ehdr *e = (Elf32_Ehdr *)image;
	Elf32_Phdr *p = (Elf32_Phdr *)(image + 128);

	make_multiboot(4);
	expect_refused(&c, "video");
	make_multiboot(0x20);
	expect_refused(&c, "unknown features");
	make_multiboot(3);
	expect_refused(&c, "not ELF");
	make_elf();
	e->e_ident[EI_CLASS] = ELFCLASS64;
	expect_refused(&c, "not for the i386 or x86-64");
	make_elf();
	p->p_paddr = 0xa0000;
	expect_refused(&c, "not in RAM");
	make_elf();
	p->p_memsz = RAM;
	expect_refused(&c, "not in RAM");
	make_elf();
	p->p_filesz = p->p_memsz + 1;
	expect_refused(&c, "more bytes");
	make_elf();
	e->e_entry = 0x1000;
	expect_refused(&c, "entry point");
}
END_TEST

START_TEST(multiboot_fits_into_one_mebibyte)
{
	struct boot_config c = config(IMAGE_LEN);
	Elf32_Phdr *p = (Elf32_Phdr *)(image + 128);
	struct loaded l;

	make_elf();
	p->p_paddr = 0x10000;
	c.ram_size = MIB;
	load(&l, &c);
	ck_assert_uint_eq(l.v.rip, 0x10010);
	ck_assert_uint_ge(l.v.gpr[GPR_BX], 0x12000);
	ck_assert_uint_lt(l.v.gpr[GPR_BX], 0x9f000);
	unload(&l);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("boot");
	TCase *t = tcase_create("boot");
	SRunner *r = srunner_create(s);

	tcase_set_timeout(t, 60);
	tcase_add_test(t, linux_starts_flat_with_boot_params_in_esi);
	tcase_add_test(t, linux_64_is_entered_in_long_mode_where_that_runs);
	tcase_add_test(t, linux_64_is_entered_at_its_32_bit_entry_otherwise);
	tcase_add_test(t, guest_kind_is_read_from_the_image);
	tcase_add_test(t, linux_header_is_not_read_beyond_its_end);
	tcase_add_test(t, e820_covers_ram_and_leaves_holes);
	tcase_add_test(t, e820_continues_above_4_gib);
	tcase_add_test(t, rsdp_is_found_only_with_a_good_checksum);
	tcase_add_test(t, initrd_lies_at_the_end_of_ram);
	tcase_add_test(t, initrd_obeys_initrd_addr_max);
	tcase_add_test(t, initrd_obeys_mem_on_the_command_line);
	tcase_add_test(t, two_initrds_are_joined_at_four_bytes);
	tcase_add_test(t, initrd_that_does_not_fit_is_named);
	tcase_add_test(t, empty_and_missing_files_are_named);
	tcase_add_test(t, kernel_too_big_for_memory_says_what_it_needs);
	tcase_add_test(t, linux_with_bad_header_is_refused);
	tcase_add_test(t, truncated_images_are_refused);
	tcase_add_test(t, random_images_are_refused);
	tcase_add_loop_test(t, random_headers_do_no_harm, 0, 30);
	tcase_add_test(t, multiboot_elf_enters_at_the_physical_address);
	tcase_add_test(t, multiboot_elf64_is_entered_in_32_bit_mode);
	tcase_add_test(t, multiboot_bss_is_cleared_again_after_a_reset);
	tcase_add_test(t, multiboot_addresses_load_any_format);
	tcase_add_test(t, multiboot_information_is_complete);
	tcase_add_test(t, multiboot_with_bad_header_is_refused);
	tcase_add_test(t, multiboot_fits_into_one_mebibyte);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
