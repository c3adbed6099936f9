/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI tables for firmware: two files, and a script of 128-byte commands that
 * says where to put them, which words are pointers, and what to sum up.
 * The format is SeaBIOS's (src/fw/romfile_loader.h); numbers little-endian.
 */
#include "hypervisor/tables.h"

#include <assert.h>
#include <string.h>

#include "hypervisor/fw_cfg.h"

#define PACKED		__attribute__((packed))
#define FILE_TABLES	"etc/acpi/tables"
#define FILE_RSDP	"etc/acpi/rsdp"
#define FILE_SCRIPT	"etc/table-loader"
#define COMMANDS_MAX	(2 * ACPI_FIXES_MAX + 4)

enum { CMD_ALLOCATE = 1, CMD_POINTER, CMD_CHECKSUM };
enum { ZONE_HIGH = 1, ZONE_FSEG };

#define ALIGN_FACS	64	/* ACPI 2.0, 5.2.9 */
#define ALIGN_RSDP	16	/* 5.2.4.1 */

struct command {
	uint32_t command;
	union {
		struct {
			char file[FW_CFG_FILE_NAME];
			uint32_t align;
			uint8_t zone;
		} PACKED allocate;
		struct {
			char in[FW_CFG_FILE_NAME], to[FW_CFG_FILE_NAME];
			uint32_t offset;
			uint8_t size;
		} PACKED pointer;
		struct {
			char file[FW_CFG_FILE_NAME];
			uint32_t at, start, len;
		} PACKED checksum;
		uint8_t pad[124];
	};
} PACKED;

_Static_assert(sizeof(struct command) == 128, "the loader's unit");

struct script {
	struct command cmd[COMMANDS_MAX];
	unsigned n;
};

static struct command *next(struct script *s, uint32_t command)
{
	assert(s->n < COMMANDS_MAX);
	s->cmd[s->n].command = command;
	return &s->cmd[s->n++];
}

static void allocate(struct script *s, const char *file, uint32_t align,
		     uint8_t zone)
{
	struct command *c = next(s, CMD_ALLOCATE);

	strcpy(c->allocate.file, file);
	c->allocate.align = align;
	c->allocate.zone = zone;
}

static void pointer(struct script *s, const char *in, uint32_t offset,
		    uint8_t size)
{
	struct command *c = next(s, CMD_POINTER);

	strcpy(c->pointer.in, in);
	strcpy(c->pointer.to, FILE_TABLES);
	c->pointer.offset = offset;
	c->pointer.size = size;
}

static void checksum(struct script *s, const char *file, uint32_t start,
		     uint32_t len, uint32_t at)
{
	struct command *c = next(s, CMD_CHECKSUM);

	strcpy(c->checksum.file, file);
	c->checksum.at = start + at;
	c->checksum.start = start;
	c->checksum.len = len;
}

static void write_script(struct script *s, const struct acpi_image *t)
{
	allocate(s, FILE_RSDP, ALIGN_RSDP, ZONE_FSEG);
	allocate(s, FILE_TABLES, ALIGN_FACS, ZONE_HIGH);
	for (unsigned i = 0; i < t->npointers; i++)
		pointer(s, FILE_TABLES, t->pointers[i].at,
			t->pointers[i].size);
	for (unsigned i = 0; i < t->ntables; i++)
		checksum(s, FILE_TABLES, t->tables[i].start,
			 t->tables[i].len, ACPI_SUM_AT);
	pointer(s, FILE_RSDP, ACPI_RSDP_RSDT_AT, 4);
	checksum(s, FILE_RSDP, 0, ACPI_RSDP_LEN, ACPI_RSDP_SUM_AT);
}

int acpi_offer(struct fw_cfg *f, const struct tables_config *cfg)
{
	static struct acpi_image t;
	static struct script s;
	int err;

	acpi_build(&t, cfg);
	memset(&s, 0, sizeof(s));
	write_script(&s, &t);
	err = fw_cfg_put_file(f, FILE_TABLES, t.bytes, t.len);
	if (!err)
		err = fw_cfg_put_file(f, FILE_RSDP, t.rsdp, sizeof(t.rsdp));
	if (!err)
		err = fw_cfg_put_file(f, FILE_SCRIPT, s.cmd,
				      s.n * sizeof(s.cmd[0]));
	return err;
}
