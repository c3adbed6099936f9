/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VGA's registers and video memory, shared by its parts: vga.c (device,
 * ports), vga_mem.c (what the processor sees at A0000h), vga_vbe.c (Bochs VBE),
 * vga_mode.c (which picture the registers describe), vga_draw.c (pixels).
 *
 * Video memory holds the four planes interleaved: byte a of plane p is
 * vram[4 * a + p].  In chain-4 and VBE modes it is simply linear.  Programs that
 * write in one scheme and show the other see pixels elsewhere than on the
 * chips; none are known.
 */
#ifndef HYPERVISOR_VGA_PRIV_H
#define HYPERVISOR_VGA_PRIV_H

#include "hypervisor/device.h"
#include "hypervisor/pci.h"
#include "hypervisor/vga.h"

/* Sequencer (index 3C4h). */
enum { SR_RESET, SR_CLOCK, SR_MAP_MASK, SR_FONT, SR_MEMORY, SR_COUNT = 8 };
#define SR_CLOCK_8DOT		0x01
#define SR_CLOCK_SCREEN_OFF	0x20
#define SR_MEMORY_SEQUENTIAL	0x04	/* no odd/even addressing */
#define SR_MEMORY_CHAIN4	0x08

/* Graphics controller (3CEh). */
enum {
	GR_SET_RESET, GR_ENABLE_SET, GR_COMPARE, GR_ROTATE, GR_READ_MAP,
	GR_MODE, GR_MISC, GR_IGNORE, GR_BIT_MASK, GR_COUNT = 16,
};
#define GR_MODE_READ1		0x08
#define GR_MODE_ODD_EVEN	0x10
#define GR_MODE_SHIFT		5	/* 2 bits: 0 planar, 1 CGA, 2 and 3 256 */
#define GR_MISC_GRAPHICS	0x01
#define GR_MISC_MAP		2	/* 2 bits */

/* CRT controller (3D4h). */
enum {
	CR_H_END = 0x01, CR_OVERFLOW = 0x07, CR_PRESET_ROW = 0x08,
	CR_MAX_SCAN = 0x09, CR_CURSOR_START = 0x0a, CR_CURSOR_END = 0x0b,
	CR_START_HIGH = 0x0c, CR_START_LOW = 0x0d, CR_CURSOR_HIGH = 0x0e,
	CR_CURSOR_LOW = 0x0f, CR_V_RETRACE_END = 0x11, CR_V_END = 0x12,
	CR_OFFSET = 0x13, CR_MODE = 0x17, CR_LINE_COMPARE = 0x18,
	CR_COUNT = 0x19,
};
#define CR_PROTECT		0x80	/* in CR_V_RETRACE_END: 0..7 read-only */
#define CR_MODE_NO_CGA		0x01	/* row scan does not select a bank */
#define CR_MODE_BYTE		0x40

/* Attribute controller (3C0h). */
enum {
	AR_MODE = 0x10, AR_OVERSCAN, AR_PLANES, AR_PANNING, AR_COLOR,
	AR_COUNT,
};
#define AR_INDEX_VIDEO		0x20	/* palette is the screen's, not the CPU's */
#define AR_MODE_LINE_GRAPHICS	0x04
#define AR_MODE_BLINK		0x08
#define AR_MODE_P54		0x80	/* palette bits 4, 5 from AR_COLOR */

/* Bochs VBE (1CEh). */
enum {
	VBE_ID, VBE_XRES, VBE_YRES, VBE_BPP, VBE_ENABLE, VBE_BANK,
	VBE_VIRT_WIDTH, VBE_VIRT_HEIGHT, VBE_X_OFFSET, VBE_Y_OFFSET,
	VBE_MEMORY, VBE_COUNT,
};
#define VBE_ID_LOWEST		0xb0c0
#define VBE_ID_HIGHEST		0xb0c5
#define VBE_ENABLED		0x01
#define VBE_GET_CAPS		0x02
#define VBE_8BIT_DAC		0x20
#define VBE_LFB			0x40
#define VBE_NO_CLEAR		0x80
#define VBE_BANK_SIZE		(64 * KIB)

#define MISC_COLOUR		0x01	/* CRTC at 3Dx, not 3Bx */

struct vga {
	struct device dev;
	struct pci_func func;
	struct vga_config cfg;
	struct mem_block *vram, *rom;

	uint8_t misc, feature;
	uint8_t sr_index, sr[SR_COUNT];
	uint8_t gr_index, gr[GR_COUNT];
	uint8_t cr_index, cr[CR_COUNT];
	uint8_t ar_index, ar[AR_COUNT], ar_data;	/* ar_data: flip-flop */
	uint8_t dac_read, dac_write, dac_sub, dac_mask, dac_reading;
	uint8_t dac_new[3];
	uint8_t palette[256][3];	/* as written: 6 or 8 bits */
	uint32_t latch;			/* the four planes' last read bytes */
	uint16_t vbe_index, vbe[VBE_COUNT];
};

static inline bool vga_vbe_on(const struct vga *v)
{
	return v->vbe[VBE_ENABLE] & VBE_ENABLED;
}

/* vga_mem.c */
int vga_mem_create(struct vga *v);

/* vga_vbe.c */
uint16_t vga_vbe_get(const struct vga *v, unsigned index);
void vga_vbe_put(struct vga *v, unsigned index, uint16_t val);
void vga_vbe_reset(struct vga *v);
/* Check loaded registers.  0 or -EINVAL. */
int vga_vbe_loaded(const struct vga *v);

/*
 * vga_mode.c: what the registers describe.
 */
enum vga_format {
	VGA_BLANK, VGA_TEXT, VGA_PLANAR, VGA_CGA, VGA_256,
	VGA_555, VGA_565, VGA_24, VGA_32,
};

struct vga_mode {
	enum vga_format format;
	unsigned width, height;		/* pixels */
	uint32_t start;			/* byte in vram of the first row */
	uint32_t pitch;			/* bytes in vram from row to row */
	unsigned split;			/* row from which vram 0 is shown */
	unsigned panning;		/* pixels shifted out on the left */
	unsigned rows_each;		/* CGA: pixel rows for one of memory */
	uint32_t bank_bit;		/* CGA: in vram, for odd pixel rows */
	/* Text. */
	unsigned columns, rows, char_width, char_height;
};

void vga_mode_get(const struct vga *v, struct vga_mode *m);
/* The 16 colours of the attribute controller, and all 256, as 00RRGGBBh. */
void vga_colours(const struct vga *v, uint32_t c16[16], uint32_t c256[256]);

/* vga_draw.c: struct display_source_ops. */
extern const struct display_source_ops vga_source_ops;

#endif
