/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMBIOS 2.8; the numbers in comments are the specification's sections.
 *
 * A structure is its formatted part and then its strings, each ended by a NUL,
 * the last by two.  Strings are referred to by number, from 1.
 */
#include "hypervisor/smbios.h"

#include <assert.h>
#include <string.h>

#include "hypervisor/fw_cfg.h"
#include "hypervisor/mem.h"
#include "hypervisor/tables.h"
#include "hypervisor/vcpu.h"

#define PACKED		__attribute__((packed))
#define TABLE_MAX	0x6000
#define MAKER		"Umbra"
#define UNKNOWN		2	/* "unknown" in most enumerations */
#define NO_HANDLE	0xfffe

struct header {
	uint8_t type, len;
	uint16_t handle;
} PACKED;

/* 7.2 */
struct system_info {
	struct header h;
	uint8_t maker, product, version, serial, uuid[16], wakeup, sku, family;
} PACKED;

/* 7.4 */
struct chassis {
	struct header h;
	uint8_t maker, type, version, serial, tag, boot, power, thermal;
	uint8_t security;
	uint32_t oem;
	uint8_t height, cords, elements, element_len, sku;
} PACKED;

/* 7.5 */
struct processor {
	struct header h;
	uint8_t socket, type, family, maker;
	uint32_t signature, features;
	uint8_t version, voltage;
	uint16_t clock, max_speed, speed;
	uint8_t status, upgrade;
	uint16_t l1, l2, l3;
	uint8_t serial, tag, part, cores, enabled, threads;
	uint16_t flags, family2;
} PACKED;

/* 7.17 */
struct memory_array {
	struct header h;
	uint8_t location, use, correction;
	uint32_t kib;
	uint16_t error, devices;
	uint64_t bytes;
} PACKED;

/* 7.18 */
struct memory_device {
	struct header h;
	uint16_t array, error, total_width, data_width, mib;
	uint8_t form, set, locator, bank, type;
	uint16_t detail, speed;
	uint8_t maker, serial, tag, part, attributes;
	uint32_t ext_mib;
	uint16_t configured, mv_min, mv_max, mv;
} PACKED;

/* 7.20 */
struct memory_map {
	struct header h;
	uint32_t first_kib, last_kib;
	uint16_t array;
	uint8_t width;
	uint64_t first, last;
} PACKED;

/* 7.33 */
struct boot_status {
	struct header h;
	uint8_t reserved[6], status;
} PACKED;

/* 5.2.1 */
struct entry_point {
	char anchor[4];
	uint8_t checksum, len, major, minor;
	uint16_t max_structure;
	uint8_t revision, formatted[5];
	char anchor2[5];
	uint8_t checksum2;
	uint16_t table_len;
	uint32_t table;
	uint16_t count;
	uint8_t bcd;
} PACKED;

#define SUM2_AT		0x10	/* "_DMI_" on: the intermediate part */

enum {
	T_SYSTEM = 1, T_CHASSIS = 3, T_PROCESSOR = 4, T_ARRAY = 16,
	T_MEMORY = 17, T_MAP = 19, T_BOOT = 32, T_END = 127,
};

struct table {
	uint8_t bytes[TABLE_MAX];
	unsigned len, count, largest;
};

/* @strings: each with its NUL, the whole as a literal; "" for none. */
static void add(struct table *t, unsigned type, unsigned n, void *structure,
		unsigned len, const char *strings, unsigned strings_len)
{
	struct header h = { type, len, type << 8 | n };
	unsigned start = t->len;

	assert(t->len + len + strings_len + 1 <= TABLE_MAX);
	memcpy(structure, &h, sizeof(h));
	memcpy(t->bytes + t->len, structure, len);
	memcpy(t->bytes + t->len + len, strings, strings_len);
	/* No strings: two NULs; else one behind the last's own. */
	t->len += len + strings_len + 1;
	t->count++;
	if (t->len - start > t->largest)
		t->largest = t->len - start;
}

#define ADD(t, type, n, s, strings) \
	add(t, type, n, s, sizeof(*(s)), strings, sizeof(strings))

static void add_system(struct table *t, const struct smbios_config *cfg)
{
	struct system_info s = { .maker = 1, .product = 2,
				 .wakeup = 6 /* power switch */ };
	struct chassis c = {
		.maker = 1, .type = 1 /* other */, .boot = 3 /* safe */,
		.power = 3, .thermal = 3, .security = UNKNOWN,
	};

	memcpy(s.uuid, cfg->uuid, sizeof(s.uuid));
	ADD(t, T_SYSTEM, 0, &s, MAKER "\0PC (i440FX, PIIX)");
	ADD(t, T_CHASSIS, 0, &c, MAKER);
}

static void add_processors(struct table *t, const struct smbios_config *cfg)
{
	for (unsigned i = 0; i < cfg->cpus; i++) {
		struct processor p = {
			.socket = 1, .type = 3 /* central */,
			.family = 1 /* other */, .maker = 2,
			.signature = VCPU_SIGNATURE,
			.status = 0x41 /* populated, enabled */,
			.upgrade = 1, .l1 = 0xffff, .l2 = 0xffff,
			.l3 = 0xffff, .cores = 1, .enabled = 1, .threads = 1,
			.flags = UNKNOWN, .family2 = 1,
		};

		ADD(t, T_PROCESSOR, i, &p, "CPU\0" MAKER);
	}
}

static void add_map(struct table *t, unsigned n, uint64_t first, uint64_t size)
{
	struct memory_map m = {
		.first_kib = first / KIB,
		.last_kib = (first + size) / KIB - 1,
		.array = T_ARRAY << 8, .width = 1,
	};

	if (size)
		ADD(t, T_MAP, n, &m, "");
}

static void add_memory(struct table *t, const struct smbios_config *cfg)
{
	uint64_t low = cfg->ram_size < MEM_LOW_MAX ? cfg->ram_size :
		       MEM_LOW_MAX;
	uint32_t mib = cfg->ram_size / MIB;
	struct memory_array a = {
		.location = 1, .use = 3 /* system */, .correction = 3,
		.kib = cfg->ram_size / KIB, .error = NO_HANDLE, .devices = 1,
	};
	struct memory_device d = {
		.array = T_ARRAY << 8, .error = NO_HANDLE,
		.total_width = 0xffff, .data_width = 0xffff,
		.mib = mib < 0x7fff ? mib : 0x7fff, .ext_mib = mib,
		.form = 9 /* DIMM */, .locator = 1, .type = 7 /* RAM */,
		.detail = 2,
	};

	ADD(t, T_ARRAY, 0, &a, "");
	ADD(t, T_MEMORY, 0, &d, "DIMM 0");
	add_map(t, 0, 0, low);
	add_map(t, 1, MEM_HIGH_BASE, cfg->ram_size - low);
}

int smbios_offer(struct fw_cfg *f, const struct smbios_config *cfg)
{
	static struct table t;
	struct boot_status boot = { .status = 0 /* no errors */ };
	struct header end;
	struct entry_point e = {
		.anchor = "_SM_", .len = sizeof(e), .major = 2, .minor = 8,
		.anchor2 = "_DMI_", .bcd = 0x28,
	};
	int err;

	memset(&t, 0, sizeof(t));
	add_system(&t, cfg);
	add_processors(&t, cfg);
	add_memory(&t, cfg);
	ADD(&t, T_BOOT, 0, &boot, "");
	ADD(&t, T_END, 0, &end, "");
	e.max_structure = t.largest;
	e.table_len = t.len;
	e.count = t.count;
	table_checksum((uint8_t *)&e + SUM2_AT, sizeof(e) - SUM2_AT,
		       offsetof(struct entry_point, checksum2) - SUM2_AT);
	table_checksum((uint8_t *)&e, sizeof(e),
		       offsetof(struct entry_point, checksum));
	err = fw_cfg_put_file(f, "etc/smbios/smbios-tables", t.bytes, t.len);
	if (!err)
		err = fw_cfg_put_file(f, "etc/smbios/smbios-anchor", &e,
				      sizeof(e));
	return err;
}
