/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bochs VBE: ten registers that set a linear mode.  Values that do not fit the
 * video memory are not taken, so the picture never leaves it.
 */
#include <errno.h>
#include <string.h>

#include "backends/display.h"	/* the largest picture */
#include "hypervisor/mem.h"
#include "hypervisor/vga_priv.h"

/* What one row of @width pixels takes; 4 bits are four planes of one. */
static uint64_t row_bytes(unsigned width, unsigned bpp)
{
	return bpp == 4 ? width / 2 : (uint64_t)width * ((bpp + 7) / 8);
}

static bool fits(const struct vga *v, uint64_t width, uint64_t height)
{
	return row_bytes(width, v->vbe[VBE_BPP]) * height <= v->vram->size;
}

static bool depth_known(unsigned bpp)
{
	return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 ||
	       bpp == 32;
}

static void put_xres(struct vga *v, unsigned val)
{
	if (val && val <= DISPLAY_WIDTH_MAX && !(val & 7))
		v->vbe[VBE_XRES] = val;
}

static void put_yres(struct vga *v, unsigned val)
{
	if (val && val <= DISPLAY_HEIGHT_MAX)
		v->vbe[VBE_YRES] = val;
}

/* The virtual screen is as high as memory allows. */
static void set_virtual(struct vga *v, unsigned width)
{
	uint64_t row = row_bytes(width, v->vbe[VBE_BPP]);
	uint64_t height = row ? v->vram->size / row : 0;

	v->vbe[VBE_VIRT_WIDTH] = width;
	v->vbe[VBE_VIRT_HEIGHT] = height < 0xffff ? height : 0xffff;
}

static void put_virt_width(struct vga *v, unsigned val)
{
	if (vga_vbe_on(v) && val >= v->vbe[VBE_XRES] && !(val & 7) &&
	    fits(v, val, v->vbe[VBE_YRES]))
		set_virtual(v, val);
}

static void put_offset(struct vga *v, unsigned x, unsigned y)
{
	if (!vga_vbe_on(v) ||
	    x + v->vbe[VBE_XRES] > v->vbe[VBE_VIRT_WIDTH] ||
	    y + v->vbe[VBE_YRES] > v->vbe[VBE_VIRT_HEIGHT])
		return;
	v->vbe[VBE_X_OFFSET] = x;
	v->vbe[VBE_Y_OFFSET] = y;
}

static void enable(struct vga *v, unsigned val)
{
	if (!fits(v, v->vbe[VBE_XRES], v->vbe[VBE_YRES]))
		return;
	set_virtual(v, v->vbe[VBE_XRES]);
	v->vbe[VBE_X_OFFSET] = v->vbe[VBE_Y_OFFSET] = 0;
	v->vbe[VBE_BANK] = 0;
	v->vbe[VBE_ENABLE] = val;
	if (!(val & VBE_NO_CLEAR))
		memset(v->vram->hva, 0, row_bytes(v->vbe[VBE_XRES],
						  v->vbe[VBE_BPP]) *
		       v->vbe[VBE_YRES]);
}

static void put_enable(struct vga *v, unsigned val)
{
	if (val & VBE_ENABLED && !vga_vbe_on(v)) {
		enable(v, val);
		return;
	}
	if (!(val & VBE_ENABLED))
		v->vbe[VBE_BANK] = 0;
	v->vbe[VBE_ENABLE] = val;
}

void vga_vbe_put(struct vga *v, unsigned index, uint16_t val)
{
	bool on = vga_vbe_on(v);

	switch (index) {
	case VBE_ID:
		if (val >= VBE_ID_LOWEST && val <= VBE_ID_HIGHEST)
			v->vbe[VBE_ID] = val;
		break;
	case VBE_XRES:
		if (!on)
			put_xres(v, val);
		break;
	case VBE_YRES:
		if (!on)
			put_yres(v, val);
		break;
	case VBE_BPP:
		if (!on && depth_known(val ? val : 8))
			v->vbe[VBE_BPP] = val ? val : 8;
		break;
	case VBE_ENABLE:
		put_enable(v, val);
		break;
	case VBE_BANK:
		if (val * VBE_BANK_SIZE < v->vram->size)
			v->vbe[VBE_BANK] = val;
		break;
	case VBE_VIRT_WIDTH:
		put_virt_width(v, val);
		break;
	case VBE_X_OFFSET:
		put_offset(v, val, v->vbe[VBE_Y_OFFSET]);
		break;
	case VBE_Y_OFFSET:
		put_offset(v, v->vbe[VBE_X_OFFSET], val);
		break;
	}
}

uint16_t vga_vbe_get(const struct vga *v, unsigned index)
{
	bool caps = v->vbe[VBE_ENABLE] & VBE_GET_CAPS;

	if (index >= VBE_COUNT)
		return 0;
	if (index == VBE_MEMORY)
		return v->vram->size / VBE_BANK_SIZE;
	if (caps && index == VBE_XRES)
		return DISPLAY_WIDTH_MAX;
	if (caps && index == VBE_YRES)
		return DISPLAY_HEIGHT_MAX;
	if (caps && index == VBE_BPP)
		return 32;
	return v->vbe[index];
}

void vga_vbe_reset(struct vga *v)
{
	memset(v->vbe, 0, sizeof(v->vbe));
	v->vbe_index = 0;
	v->vbe[VBE_ID] = VBE_ID_HIGHEST;
	v->vbe[VBE_XRES] = 640;
	v->vbe[VBE_YRES] = 480;
	v->vbe[VBE_BPP] = 8;
}

int vga_vbe_loaded(const struct vga *v)
{
	const uint16_t *r = v->vbe;

	if (!r[VBE_XRES] || r[VBE_XRES] > DISPLAY_WIDTH_MAX ||
	    !r[VBE_YRES] || r[VBE_YRES] > DISPLAY_HEIGHT_MAX ||
	    !depth_known(r[VBE_BPP]) ||
	    r[VBE_BANK] * (uint64_t)VBE_BANK_SIZE >= v->vram->size)
		return -EINVAL;
	if (vga_vbe_on(v) &&
	    (r[VBE_XRES] + r[VBE_X_OFFSET] > r[VBE_VIRT_WIDTH] ||
	     r[VBE_YRES] + r[VBE_Y_OFFSET] > r[VBE_VIRT_HEIGHT] ||
	     !fits(v, r[VBE_VIRT_WIDTH], r[VBE_VIRT_HEIGHT])))
		return -EINVAL;
	return 0;
}
