/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Firmware images; see firmware.h. */
#include "hypervisor/firmware.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hypervisor/mem.h"

#define BIOS_UNIT	(64 * KIB)

static int fail(char *err, int code, const char *text)
{
	snprintf(err, FIRMWARE_ERR_LEN, "%s", text);
	return code;
}

static int make(struct mem_block **out, struct mem *m, uint64_t size,
		const void *data, size_t len, char *err)
{
	int code = mem_block_create(m, size, out);

	if (code)
		return fail(err, code, strerror(-code));
	memset((*out)->hva, 0xff, size);
	memcpy((*out)->hva, data, len);
	return 0;
}

int firmware_place(struct mem_block **out, struct mem *m, const void *data,
		   size_t len, char *err)
{
	int code;

	*out = NULL;
	if (!len || len % BIOS_UNIT || len > FIRMWARE_MAX)
		return fail(err, -EINVAL, "not a BIOS image: its size is no "
			    "multiple of 64 KiB up to 16 MiB");
	code = make(out, m, len, data, len, err);
	if (!code)
		code = mem_map_block(m, 4 * GIB - len, *out, MEM_ROM);
	return code ? fail(err, code, strerror(-code)) : 0;
}

int firmware_rom(struct mem_block **out, struct mem *m, const void *data,
		 size_t len, char *err)
{
	const uint8_t *p = data;
	uint64_t size = PAGE_SIZE;

	*out = NULL;
	if (len < 3 || len > FIRMWARE_MAX || p[0] != 0x55 || p[1] != 0xaa)
		return fail(err, -EINVAL, "not an expansion ROM (55 AA at its "
			    "start, up to 16 MiB)");
	while (size < len)
		size *= 2;
	return make(out, m, size, data, len, err);
}
