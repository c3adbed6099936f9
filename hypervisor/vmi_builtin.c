/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ROMs inside the program (vmi-rom/builtin.S). */
#include "hypervisor/vmi_rom.h"

#define IMAGE(name)	extern const uint8_t vmi_rom_##name##_image[],	\
				vmi_rom_##name##_end[];
IMAGE(native)
IMAGE(bt)
IMAGE(hv)

/* In the order of VMI_ROM_NATIVE, _BT, _HV. */
static const struct {
	const uint8_t *from, *to;
} images[] = {
	{ vmi_rom_native_image, vmi_rom_native_end },
	{ vmi_rom_bt_image, vmi_rom_bt_end },
	{ vmi_rom_hv_image, vmi_rom_hv_end },
};

const uint8_t *vmi_rom_builtin(unsigned kind, size_t *len)
{
	if (kind >= ARRAY_SIZE(images))
		return NULL;
	*len = images[kind].to - images[kind].from;
	return images[kind].from;
}
