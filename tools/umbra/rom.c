/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * umbra rom info|verify FILE: what a VMI option ROM says of itself.  FILE may
 * be native, bt or hv: the ROMs that are built in.
 */
#include <stdlib.h>
#include <string.h>

#include "hypervisor/vmi_private.h"
#include "hypervisor/vmi_rom.h"
#include "spec/vmi.h"
#include "tools/lib/file.h"
#include "tools/umbra/cmd.h"

static const char *const call_names[] = {
#define VMI_CALL(nr, id, name, since, class, conv, result, types, site, args, \
		 text) #name,
#include "spec/vmi-calls.def"
};

static const char *type_name(unsigned type)
{
	static const char *const names[] = { "none", "call", "jump", "nop" };

	return type < ARRAY_SIZE(names) ? names[type] : "?";
}

static void print_answers(const uint8_t *rom, const struct vmi_rom_info *info)
{
	for (unsigned n = 0; n < info->ncalls; n++) {
		unsigned at, type = vmi_rom_answer(rom, info, n, &at);

		printf("%3u %-20s %-5s", n, call_names[n], type_name(type));
		if (at)
			printf(" +%04x", at);
		putchar('\n');
	}
}

static void print_info(const uint8_t *rom, const struct vmi_rom_info *info)
{
	printf("%s %s, VMI %u.%u, version %u.%u, %u bytes, license %s\n",
	       info->manufacturer, info->product, info->major, info->minor,
	       info->version_major, info->version_minor, info->size,
	       info->license);
	if (info->virtual_top)
		printf("linear addresses from %08x are the hypervisor's\n",
		       info->virtual_top);
	if (!info->ours) {
		printf("not one of Umbra's: only asking it tells which calls "
		       "it has\n");
		return;
	}
	printf("Umbra's, for engine %s\n", vmi_rom_kind_name(info->kind));
	print_answers(rom, info);
}

static const uint8_t *get_rom(const char *name, size_t *len, void **file)
{
	static char err[8192];

	for (unsigned k = VMI_ROM_NATIVE; k <= VMI_ROM_HV; k++)
		if (!strcmp(name, vmi_rom_kind_name(k)))
			return vmi_rom_builtin(k, len);
	if (file_load(name, VMI_ROM_MAX, file, len, err, sizeof(err)))
		die("%s", err);
	return *file;
}

int cmd_rom(int argc, char **argv)
{
	struct vmi_rom_info info;
	char err[VMI_ROM_ERR_LEN];
	void *file = NULL;
	const uint8_t *rom;
	size_t len;

	if (argc != 2 || (strcmp(argv[0], "info") && strcmp(argv[0], "verify")))
		die("usage: umbra rom info|verify FILE");
	rom = get_rom(argv[1], &len, &file);
	if (vmi_rom_parse(rom, len, &info, err))
		die("%s: %s", argv[1], err);
	if (!strcmp(argv[0], "info"))
		print_info(rom, &info);
	else
		printf("%s: a valid ROM for VMI %u.%u\n", argv[1], info.major,
		       info.minor);
	free(file);
	return 0;
}
