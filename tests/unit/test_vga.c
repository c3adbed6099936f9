// SPDX-License-Identifier: GPL-2.0-or-later
/* VGA: registers, video memory as the processor sees it, pictures. */
#include "tests/unit/rig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backends/display.h"
#include "hypervisor/pci.h"
#include "hypervisor/vga.h"

#define A0000	0xa0000
#define B8000	0xb8000
#define LFB	0xe0000000u

static struct pci *pci;
static struct vga *vga;
static struct display *display;
static struct {
	unsigned resized, damaged;
	struct display_rect last, all;
} seen;
static char err[160];

static void on_resized(void *opaque, const struct display_surface *s)
{
	seen.resized++;
}

static void on_damaged(void *opaque, const struct display_rect *r)
{
	seen.damaged++;
	seen.last = *r;
}

static struct display_listener listener = {
	.resized = on_resized, .damaged = on_damaged,
};

static void setup(void)
{
	static uint8_t rom[1024] = { 0x55, 0xaa, 2 };
	struct pci_config bus = { .mem = rig_mem() };
	struct vga_config cfg = {
		.devfn = PCI_ANY_DEVFN, .mem = rig_mem(),
		.vram_size = VGA_VRAM_DEFAULT,
		.backend = { .rom = rom, .rom_len = sizeof(rom) },
	};

	rig_setup();
	mem_set_hole(rig_mem(), A0000, 0x20000);
	bus.ports = cfg.ports = rig_ports;
	cfg.clock = rig_clock;
	ck_assert_int_eq(pci_create(&pci, &bus), 0);
	ck_assert_int_eq(display_create(&display), 0);
	cfg.pci = pci;
	cfg.backend.display = display;
	ck_assert_msg(!vga_create(&vga, &cfg, err), "%s", err);
	display_listen(display, &listener);
}

static void indexed(unsigned port, unsigned index, uint8_t val)
{
	out8(port, index);
	out8(port + 1, val);
}

static uint8_t indexed_in(unsigned port, unsigned index)
{
	out8(port, index);
	return in8(port + 1);
}

static void attribute(unsigned index, uint8_t val)
{
	in8(0x3da);
	out8(0x3c0, index);
	out8(0x3c0, val);
}

static void vbe(unsigned index, uint16_t val)
{
	ports_write(rig_ports, 0x1ce, 2, index);
	ports_write(rig_ports, 0x1cf, 2, val);
}

static uint16_t vbe_in(unsigned index)
{
	ports_write(rig_ports, 0x1ce, 2, index);
	return ports_read(rig_ports, 0x1cf, 2);
}

static void poke(gpa_t gpa, uint8_t val)
{
	mem_mmio_write(rig_mem(), gpa, 1, val);
}

static uint8_t peek(gpa_t gpa)
{
	return mem_mmio_read(rig_mem(), gpa, 1);
}

/* The registers of a BIOS mode. */
struct mode {
	uint8_t misc, sr[5], cr[25], gr[9], ar[0x15];
};

static const struct mode text_80x25 = {
	0x67, { 0x03, 0x00, 0x03, 0x00, 0x02 },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d,
	  0x0e, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96,
	  0xb9, 0xa3, 0xff },
	{ 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x0f, 0xff },
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	  0x0c, 0x00, 0x0f, 0x08, 0x00 },
};

static const struct mode planar_640x480 = {
	0xe3, { 0x03, 0x01, 0x0f, 0x00, 0x06 },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00, 0x40, 0x00,
	  0x00, 0x00, 0x00, 0x00, 0x00, 0xea, 0x8c, 0xdf, 0x28, 0x00, 0xe7,
	  0x04, 0xe3, 0xff },
	{ 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0f, 0xff },
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	  0x01, 0x00, 0x0f, 0x00, 0x00 },
};

static const struct mode mode_13h = {
	0x63, { 0x03, 0x01, 0x0f, 0x00, 0x0e },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0x00,
	  0x00, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96,
	  0xb9, 0xa3, 0xff },
	{ 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0f, 0xff },
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	  0x41, 0x00, 0x0f, 0x00, 0x00 },
};

static const struct mode cga_320x200 = {
	0x63, { 0x03, 0x09, 0x03, 0x00, 0x02 },
	{ 0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0x00,
	  0x00, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x14, 0x00, 0x96,
	  0xb9, 0xa2, 0xff },
	{ 0x00, 0x00, 0x00, 0x00, 0x00, 0x30, 0x0f, 0x0f, 0xff },
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	  0x01, 0x00, 0x03, 0x00, 0x00 },
};

/* Palette entry n is n in each of red and green, 63 - n in blue. */
static void load_palette(void)
{
	out8(0x3c8, 0);
	for (unsigned i = 0; i < 256; i++) {
		out8(0x3c9, i & 63);
		out8(0x3c9, i & 63);
		out8(0x3c9, 63 - (i & 63));
	}
}

static uint32_t colour_of(unsigned i)
{
	unsigned a = i & 63, b = 63 - a;

	a = a << 2 | a >> 4;
	b = b << 2 | b >> 4;
	return a << 16 | a << 8 | b;
}

static void set_mode(const struct mode *m)
{
	out8(0x3c2, m->misc);
	for (unsigned i = 0; i < sizeof(m->sr); i++)
		indexed(0x3c4, i, m->sr[i]);
	indexed(0x3d4, 0x11, 0);
	for (unsigned i = 0; i < sizeof(m->cr); i++)
		indexed(0x3d4, i, m->cr[i]);
	for (unsigned i = 0; i < sizeof(m->gr); i++)
		indexed(0x3ce, i, m->gr[i]);
	for (unsigned i = 0; i < sizeof(m->ar); i++)
		attribute(i, m->ar[i]);
	out8(0x3c0, 0x20);
	load_palette();
}

static uint32_t pixel(unsigned x, unsigned y)
{
	const struct display_surface *s = display_surface(display);

	display_update(display);
	return s->pixels[y * s->width + x];
}

static void check_size(unsigned width, unsigned height)
{
	const struct display_surface *s = display_surface(display);

	display_update(display);
	ck_assert_uint_eq(s->width, width);
	ck_assert_uint_eq(s->height, height);
}

START_TEST(reset_shows_black)
{
	check_size(640, 480);
	ck_assert_uint_eq(pixel(0, 0), 0);
	ck_assert_uint_eq(seen.damaged, 0);
}
END_TEST

START_TEST(registers_read_back)
{
	set_mode(&text_80x25);
	ck_assert_uint_eq(in8(0x3cc), 0x67);
	ck_assert_uint_eq(indexed_in(0x3d4, 0x13), 0x28);
	ck_assert_uint_eq(indexed_in(0x3ce, 6), 0x0e);
	in8(0x3da);
	out8(0x3c0, 0x10);
	ck_assert_uint_eq(in8(0x3c1), 0x0c);
	/* CR11 bit 7 protects 0..7, but for line compare's bit in 7. */
	indexed(0x3d4, 0, 0x11);
	ck_assert_uint_eq(indexed_in(0x3d4, 0), 0x5f);
	indexed(0x3d4, 7, 0xff & ~0x10);
	ck_assert_uint_eq(indexed_in(0x3d4, 7), 0x0f);
	/* The other emulation's ports are silent. */
	ck_assert_uint_eq(in8(0x3b5), 0xff);
	out8(0x3c2, 0x66);
	ck_assert_uint_eq(in8(0x3d5), 0xff);
	ck_assert_uint_eq(indexed_in(0x3b4, 0x13), 0x28);
	/* 16-bit writes are index and data. */
	ports_write(rig_ports, 0x3ce, 2, 0x5508);
	ck_assert_uint_eq(indexed_in(0x3ce, 8), 0x55);
}
END_TEST

START_TEST(dac_takes_three_writes)
{
	load_palette();
	out8(0x3c8, 5);
	out8(0x3c9, 1);
	out8(0x3c9, 2);
	out8(0x3c7, 5);		/* an unfinished colour is forgotten */
	ck_assert_uint_eq(in8(0x3c7), 3);
	ck_assert_uint_eq(in8(0x3c9), 5);
	ck_assert_uint_eq(in8(0x3c9), 5);
	ck_assert_uint_eq(in8(0x3c9), 58);
	ck_assert_uint_eq(in8(0x3c9), 6);
	out8(0x3c8, 7);
	ck_assert_uint_eq(in8(0x3c7), 0);
}
END_TEST

START_TEST(text_has_glyphs_attributes_and_a_cursor)
{
	struct display_text t;

	set_mode(&text_80x25);
	check_size(720, 400);
	/* Plane 2: glyph 'A' is a full row in its line 3. */
	indexed(0x3c4, 2, 4);
	indexed(0x3c4, 4, 6);
	indexed(0x3ce, 5, 0);
	indexed(0x3ce, 6, 4);
	poke(A0000 + 'A' * 32 + 3, 0x80);
	poke(A0000 + 0xc4 * 32, 0xff);
	indexed(0x3c4, 2, 3);
	indexed(0x3c4, 4, 2);
	indexed(0x3ce, 5, 0x10);
	indexed(0x3ce, 6, 0x0e);
	mem_mmio_write(rig_mem(), B8000 + 2, 4, 0x4ec41e41);
	ck_assert_uint_eq(peek(B8000 + 3), 0x1e);
	ck_assert_uint_eq(pixel(9, 3), colour_of(14));
	ck_assert_uint_eq(pixel(10, 3), colour_of(1));
	ck_assert_uint_eq(pixel(17, 3), colour_of(1));
	ck_assert_uint_eq(pixel(26, 0), colour_of(14));	/* 9th dot of C4h */
	/* The cursor, two lines at the bottom of the next cell. */
	indexed(0x3d4, 0x0f, 3);
	ck_assert_uint_eq(pixel(27, 13), colour_of(0));
	poke(B8000 + 7, 0x0f);
	ck_assert_uint_eq(pixel(27, 13), colour_of(15));
	ck_assert_uint_eq(pixel(27, 12), colour_of(0));
	ck_assert(display_text(display, &t));
	ck_assert_uint_eq(t.columns, 80);
	ck_assert_uint_eq(t.rows, 25);
	ck_assert_uint_eq(t.cell[0][1].ch, 'A');
	ck_assert_uint_eq(t.cell[0][1].attr, 0x1e);
	ck_assert(t.cursor && t.cursor_x == 3 && t.cursor_y == 0);
	/* Scrolled by one line. */
	indexed(0x3d4, 0x0d, 80);
	poke(B8000 + 160, 'x');
	ck_assert(display_text(display, &t));
	ck_assert_uint_eq(t.cell[0][0].ch, 'x');
}
END_TEST

START_TEST(write_modes_of_planes)
{
	set_mode(&planar_640x480);
	/* Mode 2: a colour, through the bit mask. */
	indexed(0x3ce, 5, 2);
	indexed(0x3ce, 8, 0x80);
	peek(A0000);
	poke(A0000, 5);
	ck_assert_uint_eq(pixel(0, 0), colour_of(5));
	ck_assert_uint_eq(pixel(1, 0), colour_of(0));
	/* Mode 0: set/reset for planes 1 and 3, data for the others. */
	indexed(0x3ce, 5, 0);
	indexed(0x3ce, 8, 0xff);
	indexed(0x3ce, 0, 0x08);
	indexed(0x3ce, 1, 0x0a);
	poke(A0000 + 80, 0x40);
	ck_assert_uint_eq(pixel(0, 1), colour_of(8));
	ck_assert_uint_eq(pixel(1, 1), colour_of(13));
	/* Rotated, XORed with the latch. */
	indexed(0x3ce, 1, 0);
	indexed(0x3ce, 3, 0x18 | 1);
	peek(A0000 + 80);
	poke(A0000 + 80, 0x01);
	ck_assert_uint_eq(pixel(0, 1), colour_of(7));
	/* Mode 1 copies latches, map mask chooses planes. */
	indexed(0x3ce, 3, 0);
	indexed(0x3ce, 5, 1);
	indexed(0x3c4, 2, 0x01);
	peek(A0000);
	poke(A0000 + 160, 0);
	ck_assert_uint_eq(pixel(0, 2), colour_of(1));
	/* Mode 3: set/reset where data and bit mask agree. */
	indexed(0x3c4, 2, 0x0f);
	indexed(0x3ce, 5, 3);
	indexed(0x3ce, 0, 0x06);
	indexed(0x3ce, 8, 0x0f);
	peek(A0000 + 1000);	/* latches 0 */
	poke(A0000 + 240, 0xff);
	ck_assert_uint_eq(pixel(0, 3), colour_of(0));
	ck_assert_uint_eq(pixel(4, 3), colour_of(6));
	/* Read map and colour compare. */
	indexed(0x3ce, 4, 1);
	ck_assert_uint_eq(peek(A0000 + 240), 0x0f);
	indexed(0x3ce, 4, 0);
	ck_assert_uint_eq(peek(A0000 + 240), 0);
	indexed(0x3ce, 5, 8);
	indexed(0x3ce, 2, 0x06);
	indexed(0x3ce, 7, 0x0f);
	ck_assert_uint_eq(peek(A0000 + 240), 0x0f);
	indexed(0x3ce, 7, 0);
	ck_assert_uint_eq(peek(A0000 + 240), 0xff);
}
END_TEST

START_TEST(mode_13h_is_linear_and_mode_x_is_not)
{
	set_mode(&mode_13h);
	check_size(320, 200);
	poke(A0000 + 320 * 7 + 5, 33);
	ck_assert_uint_eq(pixel(5, 7), colour_of(33));
	ck_assert_uint_eq(peek(A0000 + 320 * 7 + 5), 33);
	/* Unchained, byte mode: four pixels at one address. */
	indexed(0x3c4, 4, 6);
	indexed(0x3d4, 0x14, 0);
	indexed(0x3d4, 0x17, 0xe3);
	indexed(0x3c4, 2, 0x04);
	poke(A0000 + 80 * 9 + 1, 44);
	ck_assert_uint_eq(pixel(6, 9), colour_of(44));
	ck_assert_uint_eq(pixel(5, 9), colour_of(0));
	/* Split screen: from row 100 on, memory from 0. */
	indexed(0x3d4, 0x18, 199);
	indexed(0x3d4, 0x11, 0);
	indexed(0x3d4, 7, 0x0f);
	indexed(0x3d4, 9, 0x01);
	ck_assert_uint_eq(pixel(6, 109), colour_of(44));
}
END_TEST

START_TEST(cga_rows_alternate_between_banks)
{
	set_mode(&cga_320x200);
	check_size(320, 200);
	poke(B8000, 0xe4);		/* 3 2 1 0 */
	poke(B8000 + 1, 0x40);
	poke(B8000 + 0x2000, 0x80);
	poke(B8000 + 80, 0xc0);
	ck_assert_uint_eq(pixel(0, 0), colour_of(3));
	ck_assert_uint_eq(pixel(1, 0), colour_of(2));
	ck_assert_uint_eq(pixel(2, 0), colour_of(1));
	ck_assert_uint_eq(pixel(4, 0), colour_of(1));
	ck_assert_uint_eq(pixel(0, 1), colour_of(2));
	ck_assert_uint_eq(pixel(0, 2), colour_of(3));
}
END_TEST

static void map_lfb(void)
{
	ports_write(rig_ports, 0xcf8, 4, 0x80001010);
	ports_write(rig_ports, 0xcfc, 4, LFB);
	ports_write(rig_ports, 0xcf8, 4, 0x80001004);
	ports_write(rig_ports, 0xcfc, 2, 3);
}

static void vbe_mode(unsigned width, unsigned height, unsigned bpp)
{
	vbe(4, 0);
	vbe(1, width);
	vbe(2, height);
	vbe(3, bpp);
	vbe(4, 0x41);
}

static void lfb_write(uint32_t off, uint32_t val, unsigned size)
{
	ck_assert_int_eq(mem_write(rig_mem(), LFB + off, &val, size), 0);
}

START_TEST(vbe_shows_each_depth)
{
	map_lfb();
	ck_assert_uint_eq(vbe_in(0), 0xb0c5);
	ck_assert_uint_eq(vbe_in(10), 256);
	load_palette();
	vbe_mode(1024, 768, 32);
	check_size(1024, 768);
	lfb_write((1024 * 3 + 9) * 4, 0xff123456, 4);
	ck_assert_uint_eq(pixel(9, 3), 0x123456);
	vbe_mode(800, 600, 24);
	lfb_write((800 * 3 + 9) * 3, 0x123456, 3);
	ck_assert_uint_eq(pixel(9, 3), 0x123456);
	vbe_mode(800, 600, 16);
	lfb_write((800 * 3 + 9) * 2, 0xf81f, 2);
	ck_assert_uint_eq(pixel(9, 3), 0xff00ff);
	vbe_mode(800, 600, 15);
	lfb_write((800 * 3 + 9) * 2, 0x7c1f, 2);
	ck_assert_uint_eq(pixel(9, 3), 0xff00ff);
	vbe_mode(640, 400, 8);
	lfb_write(640 * 3 + 9, 33, 1);
	ck_assert_uint_eq(pixel(9, 3), colour_of(33));
	vbe(4, 0x61);		/* 8-bit DAC */
	ck_assert_uint_eq(pixel(9, 3), 33 << 16 | 33 << 8 | 30);
}
END_TEST

START_TEST(vbe_banks_reach_all_memory)
{
	map_lfb();
	vbe_mode(800, 600, 32);
	indexed(0x3ce, 6, 5);
	vbe(5, 3);
	mem_mmio_write(rig_mem(), A0000 + 16, 4, 0x00abcdef);
	ck_assert_uint_eq(pixel((3 * 65536 + 16) / 4 % 800,
				(3 * 65536 + 16) / 4 / 800), 0xabcdef);
	vbe(5, 256);		/* beyond memory: not taken */
	ck_assert_uint_eq(vbe_in(5), 3);
}
END_TEST

START_TEST(vbe_scrolls_within_its_virtual_screen)
{
	map_lfb();
	vbe_mode(640, 480, 32);
	vbe(6, 1024);
	ck_assert_uint_eq(vbe_in(6), 1024);
	ck_assert_uint_eq(vbe_in(7), 16 * MIB / 4096);
	lfb_write((1024 * 500 + 600) * 4, 0x112233, 4);
	vbe(8, 300);
	vbe(9, 100);
	ck_assert_uint_eq(pixel(300, 400), 0x112233);
	vbe(8, 385);		/* 385 + 640 > 1024 */
	ck_assert_uint_eq(vbe_in(8), 300);
}
END_TEST

START_TEST(vbe_modes_that_do_not_fit_are_not_set)
{
	vbe_mode(4096, 4096, 32);
	ck_assert_uint_eq(vbe_in(4) & 1, 0);
	vbe(1, 641);
	ck_assert_uint_eq(vbe_in(1), 4096);
	vbe(3, 12);
	ck_assert_uint_eq(vbe_in(3), 32);
	vbe(4, 2);
	ck_assert_uint_eq(vbe_in(1), DISPLAY_WIDTH_MAX);
	check_size(640, 480);
}
END_TEST

START_TEST(damage_is_what_changed)
{
	map_lfb();
	vbe_mode(640, 480, 32);
	display_update(display);
	seen.damaged = 0;
	display_update(display);
	ck_assert_uint_eq(seen.damaged, 0);
	lfb_write((640 * 10 + 20) * 4, 1, 4);
	lfb_write((640 * 11 + 5) * 4, 1, 4);
	display_update(display);
	ck_assert_uint_eq(seen.damaged, 1);
	ck_assert_uint_eq(seen.last.x, 5);
	ck_assert_uint_eq(seen.last.y, 10);
	ck_assert_uint_eq(seen.last.width, 16);
	ck_assert_uint_eq(seen.last.height, 2);
	lfb_write((640 * 100) * 4, 1, 4);
	lfb_write((640 * 300 + 639) * 4, 1, 4);
	display_update(display);
	ck_assert_uint_eq(seen.damaged, 3);
	ck_assert_uint_eq(seen.last.x, 639);
}
END_TEST

START_TEST(registers_are_in_bar_2_as_well)
{
	ports_write(rig_ports, 0xcf8, 4, 0x80001018);
	ports_write(rig_ports, 0xcfc, 4, 0xe8000000);
	map_lfb();
	mem_mmio_write(rig_mem(), 0xe8000502, 2, 1280);
	ck_assert_uint_eq(vbe_in(1), 1280);
	ck_assert_uint_eq(mem_mmio_read(rig_mem(), 0xe8000500, 2), 0xb0c5);
	mem_mmio_write(rig_mem(), 0xe8000402, 1, 0x63);
	ck_assert_uint_eq(in8(0x3cc), 0x63);
	ck_assert_uint_eq(mem_mmio_read(rig_mem(), 0xe8000600, 4), 8);
}
END_TEST

static void other_mode(void)
{
	set_mode(&text_80x25);
	vbe_mode(640, 480, 32);
}

START_TEST(save_and_load_keep_the_picture)
{
	set_mode(&mode_13h);
	poke(A0000, 9);
	out8(0x3c8, 9);
	out8(0x3c9, 63);
	rig_save_load(vga, other_mode);
	poke(A0000, 9);		/* memory is not the device's to save */
	check_size(320, 200);
	ck_assert_uint_eq(pixel(0, 0), colour_of(9));
	out8(0x3c9, 0);
	out8(0x3c9, 0);
	ck_assert_uint_eq(pixel(0, 0), 0xff0000);
}
END_TEST

static char *written(int (*fn)(struct display *d, FILE *f), size_t *len)
{
	char *p;
	FILE *f = open_memstream(&p, len);

	ck_assert_int_eq(fn(display, f), 0);
	fclose(f);
	return p;
}

START_TEST(screendumps)
{
	size_t len;
	char *p;

	set_mode(&text_80x25);
	for (unsigned i = 0; i < 2000; i++)
		mem_mmio_write(rig_mem(), B8000 + 2 * i, 2, 0x0720);
	poke(B8000 + 162, 'H');
	poke(B8000 + 164, 0x81);	/* u with two dots */
	p = written(display_write_text, &len);
	ck_assert_int_eq(strncmp(p, "\n H\xc3\xbc\n\n", 7), 0);
	ck_assert_uint_eq(len, 25 + 4);
	set_mode(&mode_13h);
	for (unsigned i = 0; i < 64000; i++)
		poke(A0000 + i, 0);
	poke(A0000 + 1, 63);
	p = written(display_write_ppm, &len);
	ck_assert_uint_eq(len, 15 + 320 * 200 * 3);
	ck_assert_mem_eq(p, "P6\n320 200\n255\n\0\0\xff\xff\xff\0", 21);
	ck_assert_int_eq(display_write_text(display, stderr), -EAGAIN);
#ifdef HAVE_ZLIB
	p = written(display_write_png, &len);
	ck_assert_mem_eq(p, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\x40\0\0\0\xc8"
			 "\x8\2\0\0\0", 29);
	ck_assert_mem_eq(p + len - 8, "IEND\xae\x42\x60\x82", 8);
#endif
}
END_TEST

static uint32_t seed = 3;

static uint32_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	return seed ^= seed << 5;
}

START_TEST(no_registers_harm)
{
	static const uint16_t ports[] = {
		0x3c0, 0x3c2, 0x3c4, 0x3c5, 0x3ce, 0x3cf, 0x3d4, 0x3d5, 0x3da,
		0x3b4, 0x3b5, 0x3c8, 0x3c9,
	};

	for (unsigned i = 0; i < 100000; i++) {
		if (rnd() % 4)
			ports_write(rig_ports, ports[rnd() % ARRAY_SIZE(ports)],
				    1 + rnd() % 2, rnd());
		else
			vbe(rnd() % 12, rnd() % 3 ? rnd() % 2049 : rnd());
		mem_mmio_write(rig_mem(), A0000 + rnd() % 0x1fff8, 8, rnd());
		mem_mmio_read(rig_mem(), A0000 + rnd() % 0x1fff8, 8);
		if (i % 250 == 0)
			display_update(display);
	}
}
END_TEST

int main(void)
{
	const TTest *const list[] = {
		reset_shows_black, registers_read_back, dac_takes_three_writes,
		text_has_glyphs_attributes_and_a_cursor,
		write_modes_of_planes, mode_13h_is_linear_and_mode_x_is_not,
		cga_rows_alternate_between_banks, vbe_shows_each_depth,
		vbe_banks_reach_all_memory,
		vbe_scrolls_within_its_virtual_screen,
		vbe_modes_that_do_not_fit_are_not_set,
		damage_is_what_changed, registers_are_in_bar_2_as_well,
		save_and_load_keep_the_picture, screendumps,
		no_registers_harm,
	};

	return rig_main("vga", setup, list, ARRAY_SIZE(list));
}
