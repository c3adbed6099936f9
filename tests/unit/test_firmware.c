// SPDX-License-Identifier: GPL-2.0-or-later
/* What firmware meets: its image, PAM, fw_cfg, the tables in it. */
#include "tests/unit/fuzz.h"
#include "tests/unit/rig.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hypervisor/firmware.h"
#include "hypervisor/fw_cfg.h"
#include "hypervisor/i440fx.h"
#include "hypervisor/pci.h"
#include "hypervisor/smbios.h"
#include "hypervisor/tables.h"

#define BIOS_LEN	(256 * KIB)

static struct pci *pci;
static struct i440fx *bridge;
static struct fw_cfg *fw;
static struct mem_block *bios;
static unsigned changes;

static void on_changed(void *opaque, gpa_t gpa, uint64_t len)
{
	changes++;
}

static void setup(void)
{
	static uint8_t image[BIOS_LEN];
	struct pci_config bus = { .mem = rig_mem() };
	struct i440fx_config cfg = { .mem = rig_mem() };
	char err[FIRMWARE_ERR_LEN];

	rig_setup();
	bus.ports = rig_ports;
	for (unsigned i = 0; i < BIOS_LEN; i += 4)
		memcpy(image + i, &(uint32_t){ 0xb1050000 + i / 4 }, 4);
	ck_assert_int_eq(firmware_place(&bios, rig_mem(), image, BIOS_LEN,
					err), 0);
	ck_assert_int_eq(pci_create(&pci, &bus), 0);
	cfg.pci = pci;
	cfg.bios = bios;
	ck_assert_int_eq(i440fx_create(&bridge, &cfg), 0);
	ck_assert_int_eq(fw_cfg_create(&fw, rig_ports, rig_mem()), 0);
}

static uint32_t guest32(gpa_t gpa)
{
	uint32_t val;

	if (!mem_backed(rig_mem(), gpa))
		return mem_mmio_read(rig_mem(), gpa, 4);
	ck_assert_int_eq(mem_read(rig_mem(), gpa, &val, 4), 0);
	return val;
}

/* As an engine does it. */
static void guest_put32(gpa_t gpa, uint32_t val)
{
	if (mem_flags(rig_mem(), gpa) & MEM_RAM)
		ck_assert_int_eq(mem_write(rig_mem(), gpa, &val, 4), 0);
	else
		mem_mmio_write(rig_mem(), gpa, 4, val);
}

static void pam(unsigned reg, uint8_t val)
{
	ports_write(rig_ports, 0xcf8, 4, 0x80000000 | (reg & ~3u));
	ports_write(rig_ports, 0xcfc + (reg & 3), 1, val);
}

START_TEST(image_ends_at_4_gib_and_at_1_mib)
{
	struct mem_block *b;
	char err[FIRMWARE_ERR_LEN];

	ck_assert_uint_eq(guest32(4 * GIB - 4), 0xb1050000 + BIOS_LEN / 4 - 1);
	ck_assert_uint_eq(guest32(4 * GIB - BIOS_LEN), 0xb1050000);
	ck_assert_uint_eq(guest32(0xffffc), 0xb1050000 + BIOS_LEN / 4 - 1);
	ck_assert_uint_eq(guest32(0xe0000), 0xb1050000 + 0x20000 / 4);
	ck_assert_uint_eq(mem_flags(rig_mem(), 0xe0000), MEM_ROM);
	ck_assert_int_eq(firmware_place(&b, rig_mem(), "", 1, err), -EINVAL);
	ck_assert_int_eq(firmware_place(&b, rig_mem(), "", 0, err), -EINVAL);
}
END_TEST

START_TEST(pam_off_leaves_the_isa_bus)
{
	ck_assert_uint_eq(guest32(0xc0000), 0xffffffff);
	guest_put32(0xc0000, 1);
	guest_put32(0xf0000, 1);
	pam(0x5a, 0x11);
	pam(0x59, 0x10);
	ck_assert_uint_eq(guest32(0xc0000), 0);
	ck_assert_uint_eq(guest32(0xf0000), 0);
}
END_TEST

START_TEST(write_only_shadow_copies_the_bios)
{
	pam(0x59, 0x20);
	for (gpa_t p = 0xf0000; p < 0x100000; p += 4)
		guest_put32(p, guest32(p) ^ 1);
	ck_assert_uint_eq(guest32(0xf0000), 0xb1050000 + 0x30000 / 4);
	pam(0x59, 0x10);
	ck_assert_uint_eq(guest32(0xf0000), (0xb1050000 + 0x30000 / 4) ^ 1);
	ck_assert_uint_eq(guest32(0xffffc),
			  (0xb1050000 + BIOS_LEN / 4 - 1) ^ 1);
	guest_put32(0xf0000, 5);
	ck_assert_uint_ne(guest32(0xf0000), 5);
	pam(0x59, 0x30);
	guest_put32(0xf0000, 5);
	ck_assert_uint_eq(guest32(0xf0000), 5);
	pam(0x59, 0);
	ck_assert_uint_eq(guest32(0xf0000), 0xb1050000 + 0x30000 / 4);
}
END_TEST

START_TEST(each_register_has_two_segments)
{
	for (unsigned n = 0; n < 12; n++) {
		gpa_t at = 0xc0000 + n * 0x4000;

		changes = 0;
		rig_mem()->changed = on_changed;
		pam(0x5a + n / 2, n & 1 ? 0x30 : 0x03);
		ck_assert_uint_eq(changes, 1);
		ck_assert_uint_eq(mem_flags(rig_mem(), at), MEM_RAM);
		ck_assert_uint_eq(mem_flags(rig_mem(), at + 0x3fff), MEM_RAM);
		ck_assert(!(mem_flags(rig_mem(), at + 0x4000) & MEM_RAM));
		ck_assert(!n || !(mem_flags(rig_mem(), at - 1) & MEM_RAM));
		pam(0x5a + n / 2, 0);
	}
}
END_TEST

static void all_dram(void)
{
	i440fx_all_dram(bridge);
	guest_put32(0xf0000, 77);
}

START_TEST(save_and_load_put_the_map_back)
{
	pam(0x59, 0x10);
	rig_save_load(bridge, all_dram);
	ck_assert_uint_eq(mem_flags(rig_mem(), 0xf0000), MEM_ROM);
	ck_assert_uint_eq(guest32(0xf0000), 77);
	device_reset((struct device *)bridge);
	ck_assert_uint_eq(guest32(0xf0000), 0xb1050000 + 0x30000 / 4);
}
END_TEST

/*
 * fw_cfg.
 */

static void select_item(uint16_t key)
{
	ports_write(rig_ports, 0x510, 2, key);
}

static void read_bytes(void *buf, unsigned n)
{
	uint8_t *p = buf;

	while (n--)
		*p++ = in8(0x511);
}

START_TEST(items_are_read_byte_by_byte_and_end_in_zeros)
{
	char buf[8];

	select_item(FW_CFG_SIGNATURE);
	read_bytes(buf, 8);
	ck_assert_mem_eq(buf, "QEMU\0\0\0\0", 8);
	select_item(FW_CFG_ID);
	ck_assert_uint_eq(in8(0x511), 3);
	ck_assert_int_eq(fw_cfg_put_int(fw, FW_CFG_NB_CPUS, 0x1234, 2), 0);
	select_item(FW_CFG_NB_CPUS);
	ck_assert_uint_eq(in8(0x511), 0x34);
	ck_assert_uint_eq(in8(0x511), 0x12);
	ck_assert_uint_eq(in8(0x511), 0);
	select_item(0x4000);
	ck_assert_uint_eq(in8(0x511), 0);
	select_item(0x8000 | 0xfff);
	ck_assert_uint_eq(in8(0x511), 0);
	/* Writes to the data register do nothing. */
	select_item(FW_CFG_SIGNATURE);
	out8(0x511, 'X');
	ck_assert_uint_eq(in8(0x511), 'Q');
	ck_assert_int_eq(fw_cfg_put(fw, 0x4001, "", 1), -EINVAL);
	ck_assert_int_eq(fw_cfg_put(fw, 0x1000, "", 1), -EINVAL);
}
END_TEST

/* Item and size of a file by the directory; 0: none. */
static unsigned find(const char *name, uint32_t *size)
{
	uint32_t count;
	struct {
		uint32_t size;
		uint16_t key, reserved;
		char name[56];
	} e;

	select_item(FW_CFG_FILE_DIR);
	read_bytes(&count, 4);
	for (count = be32toh(count); count; count--) {
		read_bytes(&e, sizeof(e));
		*size = be32toh(e.size);
		if (!strcmp(e.name, name))
			return be16toh(e.key);
	}
	return 0;
}

static uint8_t *read_file(const char *name, uint32_t *size)
{
	unsigned key = find(name, size);
	uint8_t *p = calloc(1, *size + 1);

	ck_assert_uint_ge(key, FW_CFG_FILE_FIRST);
	select_item(key);
	read_bytes(p, *size);
	return p;
}

START_TEST(files_have_names)
{
	char name[64];
	uint32_t size;

	ck_assert_uint_eq(find("opt/a", &size), 0);
	ck_assert_int_eq(fw_cfg_put_file(fw, "opt/a", "alpha", 5), 0);
	ck_assert_int_eq(fw_cfg_put_file(fw, "opt/b", "beta", 4), 0);
	ck_assert_str_eq((char *)read_file("opt/b", &size), "beta");
	ck_assert_int_eq(fw_cfg_put_file(fw, "opt/a", "al", 2), 0);
	ck_assert_str_eq((char *)read_file("opt/a", &size), "al");
	memset(name, 'x', sizeof(name));
	name[56] = 0;
	ck_assert_int_eq(fw_cfg_put_file(fw, name, "", 0), -EINVAL);
	name[55] = 0;
	ck_assert_int_eq(fw_cfg_put_file(fw, name, "", 0), 0);
	for (unsigned i = 3; i < FW_CFG_FILES_MAX; i++) {
		snprintf(name, sizeof(name), "file%u", i);
		ck_assert_int_eq(fw_cfg_put_file(fw, name, name, 4), 0);
	}
	ck_assert_int_eq(fw_cfg_put_file(fw, "more", "", 0), -ENOSPC);
}
END_TEST

#define DESC	0x2000
#define BUF	0x3000

static uint32_t dma(uint32_t control, uint32_t len, uint64_t gpa)
{
	struct { uint32_t control, len; uint64_t gpa; } d = {
		htobe32(control), htobe32(len), htobe64(gpa),
	};

	ck_assert_int_eq(mem_write(rig_mem(), DESC, &d, sizeof(d)), 0);
	ports_write(rig_ports, 0x514, 4, 0);
	ports_write(rig_ports, 0x518, 4, htobe32(DESC));
	ck_assert_int_eq(mem_read(rig_mem(), DESC, &d, sizeof(d)), 0);
	return be32toh(d.control);
}

START_TEST(dma_reads_skips_and_refuses)
{
	char buf[8] = "xxxxxxx";

	ck_assert_uint_eq(ports_read(rig_ports, 0x514, 4), htobe32(0x51454d55));
	ck_assert_uint_eq(ports_read(rig_ports, 0x518, 4), htobe32(0x20434647));
	ck_assert_int_eq(fw_cfg_put_file(fw, "f", "abcdef", 6), 0);
	ck_assert_int_eq(mem_write(rig_mem(), BUF, buf, 8), 0);
	ck_assert_uint_eq(dma(FW_CFG_FILE_FIRST << 16 | 0xa, 2, BUF), 0);
	ck_assert_uint_eq(dma(0x4, 1, 0), 0);
	ck_assert_uint_eq(dma(0x2, 5, BUF + 2), 0);
	ck_assert_int_eq(mem_read(rig_mem(), BUF, buf, 8), 0);
	ck_assert_mem_eq(buf, "abdef\0\0", 8);
	/* No writing; no reading into what is not RAM. */
	ck_assert_uint_eq(dma(FW_CFG_FILE_FIRST << 16 | 0x18, 2, BUF), 1);
	ck_assert_uint_eq(dma(0x2, 2, 0xa0000000), 1);
	ck_assert_uint_eq(dma(0x2, 0xffffffff, BUF), 1);
}
END_TEST

static uint32_t seed = 1;

static uint32_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	return seed ^= seed << 5;
}

/* A descriptor of random fields, mostly near what makes sense. */
static void fuzz_dma(void)
{
	static const uint64_t bases[] = {
		0, BUF, 16 * MIB - 8, 0xa0000, 0xffffffff, 1ULL << 40, ~0ULL,
	};
	struct { uint32_t control, len; uint64_t gpa; } d = {
		htobe32((rnd() % 80) << 16 | (rnd() & 0x1f)),
		htobe32(rnd() % 4 ? rnd() % 300 : rnd()),
		htobe64(bases[rnd() % ARRAY_SIZE(bases)] + rnd() % 16),
	};
	gpa_t at = rnd() % 8 ? DESC : bases[rnd() % ARRAY_SIZE(bases)];

	if (!mem_flags(rig_mem(), DESC + 0x1000))
		return;
	mem_write(rig_mem(), DESC, &d, sizeof(d));
	ports_write(rig_ports, 0x514, 4, htobe32(at >> 32));
	ports_write(rig_ports, 0x518, 4, htobe32(at));
}

/*
 * An item, or what is none, by the data port and by DMA: the same bytes, and
 * none behind them is touched.
 */
static void same_both_ways(void)
{
	unsigned key = rnd() % 2 ? rnd() % 0x30 : rnd() & 0xffff;
	unsigned skip = rnd() % 8, len = 1 + rnd() % 64;
	uint8_t want[72], got[72];

	select_item(key);
	read_bytes(want, skip);
	read_bytes(want, len);
	memset(want + len, 0xa5, 8);
	memset(got, 0xa5, sizeof(got));
	mem_write(rig_mem(), BUF, got, len + 8);
	if (dma(key << 16 | 0xc, skip, 0) || dma(0x2, len, BUF))
		ck_abort_msg("item %#x: an error", key);
	mem_read(rig_mem(), BUF, got, len + 8);
	if (memcmp(got, want, len + 8))
		ck_abort_msg("item %#x: +%u, %u bytes differ", key, skip, len);
}

START_TEST(no_access_harms)
{
	static const uint16_t ports[] = {
		0x510, 0x511, 0x512, 0x514, 0x515, 0x516, 0x518, 0x51b,
	};
	unsigned n = fuzz_cases(100000);
	char buf[4];

	fw_cfg_put_file(fw, "f", "abcdef", 6);
	for (unsigned i = 0; i < n; i++) {
		uint16_t port = ports[rnd() % ARRAY_SIZE(ports)];

		switch (rnd() % 4) {
		case 0:
			fuzz_dma();
			break;
		case 1:
			ports_read(rig_ports, port, 1 << rnd() % 3);
			break;
		case 2:
			if (port < 0x514)
				ports_write(rig_ports, port, 1 << rnd() % 3,
					    rnd());
			break;
		case 3:
			same_both_ways();
			break;
		}
	}
	select_item(FW_CFG_SIGNATURE);
	read_bytes(buf, 4);
	ck_assert_mem_eq(buf, "QEMU", 4);
}
END_TEST

static void move_on(void)
{
	select_item(FW_CFG_ID);
}

START_TEST(fw_cfg_keeps_its_place)
{
	select_item(FW_CFG_SIGNATURE);
	in8(0x511);
	rig_save_load(fw, move_on);
	ck_assert_uint_eq(in8(0x511), 'E');
}
END_TEST

/*
 * Tables: be the firmware, run the script, and see that what comes out is what
 * acpi_place() makes.
 */

#define AT_TABLES	0x7c0000u
#define AT_RSDP		0xf5a00u

static uint64_t get(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	memcpy(&v, p, n);
	return v;
}

static uint8_t sum(const uint8_t *p, unsigned n)
{
	uint8_t s = 0;

	while (n--)
		s += *p++;
	return s;
}

static void run_script(uint8_t *tables, uint8_t *rsdp)
{
	uint32_t size, allocated = 0;
	uint8_t *script = read_file("etc/table-loader", &size);

	ck_assert_uint_eq(size % 128, 0);
	for (uint8_t *c = script; c < script + size; c += 128) {
		uint8_t *file = strcmp((char *)c + 4, "etc/acpi/rsdp") ?
				tables : rsdp;
		uint32_t at;
		uint64_t val;

		switch (get(c, 4)) {
		case 1:
			allocated++;
			break;
		case 2:
			ck_assert_str_eq((char *)c + 60, "etc/acpi/tables");
			at = get(c + 116, 4);
			val = get(file + at, c[120]) + AT_TABLES;
			memcpy(file + at, &val, c[120]);
			break;
		case 3:
			at = get(c + 60, 4);
			file[at] -= sum(file + get(c + 64, 4), get(c + 68, 4));
			break;
		default:
			ck_abort_msg("command %u", (unsigned)get(c, 4));
		}
	}
	ck_assert_uint_eq(allocated, 2);
}

START_TEST(acpi_script_yields_tables_that_hang_together)
{
	struct tables_config cfg = { .pm_base = 0x600, .sci_irq = 9,
				     .apm_port = 0xb2 };
	uint32_t len, rsdp_len;
	uint8_t *tables, *rsdp;
	const uint8_t *rsdt, *fadt;

	ck_assert_int_eq(acpi_offer(fw, &cfg), 0);
	tables = read_file("etc/acpi/tables", &len);
	rsdp = read_file("etc/acpi/rsdp", &rsdp_len);
	run_script(tables, rsdp);
	ck_assert_uint_eq(sum(rsdp, 20), 0);
	rsdt = tables + get(rsdp + 16, 4) - AT_TABLES;
	ck_assert_mem_eq(rsdt, "RSDT", 4);
	for (unsigned i = 36; i < get(rsdt + 4, 4); i += 4) {
		const uint8_t *t = tables + get(rsdt + i, 4) - AT_TABLES;

		ck_assert(t >= tables);
		ck_assert(t + get(t + 4, 4) <= tables + len);
		ck_assert_uint_eq(sum(t, get(t + 4, 4)), 0);
	}
	fadt = tables + get(rsdt + 36, 4) - AT_TABLES;
	ck_assert_mem_eq(fadt, "FACP", 4);
	ck_assert_mem_eq(tables + get(fadt + 36, 4) - AT_TABLES, "FACS", 4);
	ck_assert_mem_eq(tables + get(fadt + 40, 4) - AT_TABLES, "DSDT", 4);
	ck_assert_uint_eq(get(fadt + 140, 8), get(fadt + 40, 4));
	ck_assert_uint_eq(get(fadt + 48, 4), 0xb2);
}
END_TEST

START_TEST(smbios_structures_can_be_walked)
{
	struct smbios_config cfg = { .ram_size = 5 * GIB, .cpus = 255 };
	uint32_t size, len, seen = 0, count;
	uint8_t *e, *t, *p;

	ck_assert_int_eq(smbios_offer(fw, &cfg), 0);
	e = read_file("etc/smbios/smbios-anchor", &size);
	ck_assert_uint_eq(size, 31);
	ck_assert_uint_eq(sum(e, 31), 0);
	ck_assert_uint_eq(sum(e + 16, 15), 0);
	t = read_file("etc/smbios/smbios-tables", &len);
	ck_assert_uint_eq(get(e + 22, 2), len);
	count = get(e + 28, 2);
	for (p = t; count; count--) {
		uint8_t type = p[0], *s = p;

		if (type < 32)
			seen |= 1u << type;
		p += p[1];
		while (p[0] || p[1])
			p++;
		p += 2;
		ck_assert(p <= t + len);
		ck_assert_uint_le(p - s, get(e + 8, 2));
		ck_assert(type != 127 || count == 1);
	}
	ck_assert_ptr_eq(p, t + len);
	ck_assert_uint_eq(seen, 1u << 1 | 1u << 3 | 1u << 4 | 1u << 16 |
			  1u << 17 | 1u << 19);
}
END_TEST

int main(void)
{
	const TTest *const list[] = {
		image_ends_at_4_gib_and_at_1_mib, pam_off_leaves_the_isa_bus,
		write_only_shadow_copies_the_bios,
		each_register_has_two_segments,
		save_and_load_put_the_map_back,
		items_are_read_byte_by_byte_and_end_in_zeros,
		files_have_names, dma_reads_skips_and_refuses,
		no_access_harms, fw_cfg_keeps_its_place,
		acpi_script_yields_tables_that_hang_together,
		smbios_structures_can_be_walked,
	};

	return rig_main("firmware", setup, list, ARRAY_SIZE(list));
}
