/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which picture the VGA's registers describe, in pixels as programs count them:
 * doubled scan lines and dots are shown once.
 */
#include <string.h>

#include "backends/display.h"	/* largest text screen */
#include "hypervisor/vga_priv.h"

#define BLANK_WIDTH	640
#define BLANK_HEIGHT	480
#define SHIFT_CGA	1

/* A 10-bit CRTC value whose high bits are in two other registers. */
static unsigned cr10(const struct vga *v, unsigned low, unsigned reg8,
		     unsigned bit8, unsigned reg9, unsigned bit9)
{
	return v->cr[low] | (v->cr[reg8] >> bit8 & 1u) << 8 |
	       (v->cr[reg9] >> bit9 & 1u) << 9;
}

static void get_vbe(const struct vga *v, struct vga_mode *m)
{
	static const enum vga_format formats[33] = {
		[4] = VGA_PLANAR, [8] = VGA_256, [15] = VGA_555,
		[16] = VGA_565, [24] = VGA_24, [32] = VGA_32,
	};
	const uint16_t *r = v->vbe;
	unsigned bytes = (r[VBE_BPP] + 7) / 8;

	m->format = formats[r[VBE_BPP]];
	m->width = r[VBE_XRES];
	m->height = m->split = r[VBE_YRES];
	if (m->format == VGA_PLANAR) {
		m->pitch = r[VBE_VIRT_WIDTH] / 2;
		m->start = r[VBE_Y_OFFSET] * m->pitch +
			   r[VBE_X_OFFSET] / 8 * 4;
	} else {
		m->pitch = r[VBE_VIRT_WIDTH] * bytes;
		m->start = r[VBE_Y_OFFSET] * m->pitch +
			   r[VBE_X_OFFSET] * bytes;
	}
}

static void get_text(const struct vga *v, struct vga_mode *m, unsigned lines)
{
	m->format = VGA_TEXT;
	m->columns = v->cr[CR_H_END] + 1;
	m->char_width = v->sr[SR_CLOCK] & SR_CLOCK_8DOT ? 8 : 9;
	m->char_height = (v->cr[CR_MAX_SCAN] & 0x1f) + 1;
	m->rows = lines / m->char_height;
	m->width = m->columns * m->char_width;
	m->height = m->split = m->rows * m->char_height;
	if (m->columns > DISPLAY_COLUMNS_MAX || m->rows > DISPLAY_ROWS_MAX)
		m->width = 0;
}

static void get_graphics(const struct vga *v, struct vga_mode *m,
			 unsigned lines, unsigned doubled)
{
	unsigned shift = v->gr[GR_MODE] >> GR_MODE_SHIFT & 3;
	unsigned scan = (v->cr[CR_MAX_SCAN] & 0x1f) + 1;
	unsigned each = (1 + doubled) * scan;
	unsigned split = cr10(v, CR_LINE_COMPARE, CR_OVERFLOW, 4, CR_MAX_SCAN,
			      6) + 1;

	m->format = !shift ? VGA_PLANAR : shift == SHIFT_CGA ? VGA_CGA :
		    VGA_256;
	m->width = (v->cr[CR_H_END] + 1) * (m->format == VGA_256 ? 4 : 8);
	m->panning = v->ar[AR_PANNING] & 7;
	if (m->format == VGA_256)
		m->panning /= 2;
	if (!(v->cr[CR_MODE] & CR_MODE_NO_CGA)) {
		m->rows_each = scan;
		m->bank_bit = v->cr[CR_MODE] & CR_MODE_BYTE ? 0x8000 : 0x4000;
		each = 1 + doubled;
	}
	m->height = lines * (1 + doubled) / each;
	m->split = split / each < m->height ? split / each : m->height;
}

static void get_vga(const struct vga *v, struct vga_mode *m)
{
	unsigned doubled = v->cr[CR_MAX_SCAN] >> 7;
	unsigned lines = (cr10(v, CR_V_END, CR_OVERFLOW, 1, CR_OVERFLOW, 6) +
			  1) >> doubled;

	m->start = (v->cr[CR_START_HIGH] << 8 | v->cr[CR_START_LOW]) * 4u;
	m->pitch = v->cr[CR_OFFSET] * 8u;
	if (v->gr[GR_MISC] & GR_MISC_GRAPHICS)
		get_graphics(v, m, lines, doubled);
	else
		get_text(v, m, lines);
}

void vga_mode_get(const struct vga *v, struct vga_mode *m)
{
	memset(m, 0, sizeof(*m));
	m->rows_each = 1;
	if (vga_vbe_on(v))
		get_vbe(v, m);
	else if (v->ar_index & AR_INDEX_VIDEO &&
		 !(v->sr[SR_CLOCK] & SR_CLOCK_SCREEN_OFF))
		get_vga(v, m);
	if (m->width && m->height)
		return;
	m->format = VGA_BLANK;
	m->width = BLANK_WIDTH;
	m->height = m->split = BLANK_HEIGHT;
}

/* A colour of the palette, which has 6 bits unless VBE made it 8. */
static uint32_t dac_colour(const struct vga *v, uint8_t index)
{
	const uint8_t *c = v->palette[index & v->dac_mask];
	uint32_t rgb = 0;

	for (unsigned i = 0; i < 3; i++) {
		uint8_t part = c[i];

		if (!(v->vbe[VBE_ENABLE] & VBE_8BIT_DAC))
			part = (part & 0x3f) << 2 | (part >> 4 & 3);
		rgb = rgb << 8 | part;
	}
	return rgb;
}

void vga_colours(const struct vga *v, uint32_t c16[16], uint32_t c256[256])
{
	uint8_t select = v->ar[AR_COLOR];

	for (unsigned i = 0; i < 16; i++) {
		uint8_t index = (v->ar[i] & 0x3f) | (select & 0x0c) << 4;

		if (v->ar[AR_MODE] & AR_MODE_P54)
			index = (index & 0xcf) | (select & 3) << 4;
		c16[i] = dac_colour(v, index);
	}
	for (unsigned i = 0; i < 256; i++)
		c256[i] = dac_colour(v, i);
}
