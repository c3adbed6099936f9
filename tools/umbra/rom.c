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

/* Bit 1 << type: what the specification lets a ROM answer. */
static const uint8_t allowed[] = {
#define TYPES_N		(1 << VMI_RELOC_NONE)
#define TYPES_NC	(TYPES_N | 1 << VMI_RELOC_CALL)
#define TYPES_NCP	(TYPES_NC | 1 << VMI_RELOC_NOP)
#define TYPES_CJ	(1 << VMI_RELOC_CALL | 1 << VMI_RELOC_JUMP)
#define TYPES_NCJ	(TYPES_N | TYPES_CJ)
#define VMI_CALL(nr, id, name, since, class, conv, result, types, site, args, \
		 text) TYPES_##types,
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

/* spec/vmi.md, "What belongs together". */
static const struct {
	unsigned if_call, then_call;
} pairs[] = {
	{ VMI_CALL_GET_CYCLE_FREQUENCY, VMI_CALL_GET_CYCLE_COUNTER },
	{ VMI_CALL_GET_CYCLE_FREQUENCY, VMI_CALL_SET_ALARM },
	{ VMI_CALL_GET_CYCLE_FREQUENCY, VMI_CALL_CANCEL_ALARM },
	{ VMI_CALL_GET_CYCLE_FREQUENCY, VMI_CALL_GET_WALLCLOCK_TIME },
	{ VMI_CALL_SET_PXE_LONG, VMI_CALL_UPDATE_PXE_LONG },
	{ VMI_CALL_SET_PXE, VMI_CALL_UPDATE_PXE },
	{ VMI_CALL_WRITE_LDT_ENTRY, VMI_CALL_WRITE_IDT_ENTRY },
	{ VMI_CALL_ALLOCATE_PAGE, VMI_CALL_RELEASE_PAGE },
	{ VMI_CALL_RELEASE_PAGE, VMI_CALL_ALLOCATE_PAGE },
	{ VMI_CALL_GET_INTERRUPT_MASK, VMI_CALL_DISABLE_INTERRUPTS },
	{ VMI_CALL_DISABLE_INTERRUPTS, VMI_CALL_GET_INTERRUPT_MASK },
};

static bool offers(const uint8_t *rom, const struct vmi_rom_info *info,
		   unsigned nr)
{
	unsigned at;

	return vmi_rom_answer(rom, info, nr, &at) == VMI_RELOC_CALL;
}

static unsigned bad_answers(const char *name, const uint8_t *rom,
			    const struct vmi_rom_info *info)
{
	unsigned bad = 0, at;

	for (unsigned n = 0; n < info->ncalls; n++) {
		unsigned type = vmi_rom_answer(rom, info, n, &at);

		if (type > VMI_RELOC_NOP || !(allowed[n] >> type & 1) ||
		    at >= info->size) {
			printf("%s: %s: answer %s\n", name, call_names[n],
			       type_name(type));
			bad++;
		}
	}
	for (unsigned i = 0; i < ARRAY_SIZE(pairs); i++)
		if (offers(rom, info, pairs[i].if_call) &&
		    !offers(rom, info, pairs[i].then_call)) {
			printf("%s: offers %s without %s\n", name,
			       call_names[pairs[i].if_call],
			       call_names[pairs[i].then_call]);
			bad++;
		}
	return bad;
}

static int verify(const char *name, const uint8_t *rom,
		  const struct vmi_rom_info *info)
{
	if (info->ours && bad_answers(name, rom, info))
		return STATUS_ERROR;
	printf("%s: a valid ROM for VMI %u.%u\n", name, info->major,
	       info->minor);
	return 0;
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
	int status = 0;

	if (argc != 2 || (strcmp(argv[0], "info") && strcmp(argv[0], "verify")))
		die("usage: umbra rom info|verify FILE");
	rom = get_rom(argv[1], &len, &file);
	if (vmi_rom_parse(rom, len, &info, err))
		die("%s: %s", argv[1], err);
	if (!strcmp(argv[0], "info"))
		print_info(rom, &info);
	else
		status = verify(argv[1], rom, &info);
	free(file);
	return status;
}
