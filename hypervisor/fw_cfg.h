/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fw_cfg: how firmware asks the machine about itself.  A selector register,
 * a data register, and a DMA interface; items are numbered, files have names
 * as well.  QEMU docs/specs/fw_cfg.rst.
 */
#ifndef HYPERVISOR_FW_CFG_H
#define HYPERVISOR_FW_CFG_H

#include "hypervisor/types.h"

/* Items with fixed numbers. */
#define FW_CFG_SIGNATURE	0x00
#define FW_CFG_ID		0x01
#define FW_CFG_UUID		0x02	/* 16 bytes */
#define FW_CFG_RAM_SIZE		0x03	/* 8 bytes */
#define FW_CFG_NOGRAPHIC	0x04	/* 2 bytes */
#define FW_CFG_NB_CPUS		0x05	/* 2 bytes */
#define FW_CFG_BOOT_MENU	0x0e	/* 2 bytes */
#define FW_CFG_MAX_CPUS		0x0f	/* 2 bytes */
#define FW_CFG_FILE_DIR		0x19
#define FW_CFG_FILE_FIRST	0x20
#define FW_CFG_IRQ0_OVERRIDE	0x8002	/* 1 byte */

#define FW_CFG_FILE_NAME	56	/* bytes, the final NUL included */
#define FW_CFG_FILES_MAX	64

struct fw_cfg;
struct mem;
struct ports;

/* Claims ports 510h, 511h and 514h-51Bh. */
int fw_cfg_create(struct fw_cfg **out, struct ports *ports, struct mem *mem);

/*
 * Give item @key the bytes [data, data+len), which are copied; replaces what
 * it had.  Little-endian numbers by fw_cfg_put_int() (@len 1, 2, 4 or 8).
 * Lock held or nothing running.  Returns 0, -EINVAL for a key that cannot be,
 * -ENOMEM.
 */
int fw_cfg_put(struct fw_cfg *f, unsigned key, const void *data, size_t len);
int fw_cfg_put_int(struct fw_cfg *f, unsigned key, uint64_t val, size_t len);

/*
 * As above for a file.  @name: up to 55 bytes.
 * Returns also -EINVAL for a name that is too long, -ENOSPC for the 65th file.
 */
int fw_cfg_put_file(struct fw_cfg *f, const char *name, const void *data,
		    size_t len);

#endif
