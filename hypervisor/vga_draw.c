/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drawing: each row of the picture is made again and compared with the surface,
 * and what differs is copied and reported.
 *
 * Comparing is how changes are found, because the guest writes a linear frame
 * buffer without our hearing of it.  1024 x 768 in 32 bits takes about 1 ms, and
 * nothing is drawn unless somebody looks.
 */
#include <string.h>

#include "backends/display.h"
#include "hypervisor/mem.h"
#include "hypervisor/vga_priv.h"

#define FONT_BYTES	32	/* for a character, whatever its height */
#define FONT_PLANE	2
/* Cells go whole into the row buffer, which is cut at the picture's width. */
#define ROW_MAX		(DISPLAY_WIDTH_MAX + 32)

struct picture {
	const struct vga *v;
	struct vga_mode mode;
	uint32_t c16[16], c256[256];
	uint32_t row[ROW_MAX];
	uint32_t font[2];		/* offset in plane 2 by attribute bit 3 */
};

static const uint8_t *at(const struct picture *p, uint32_t off)
{
	return p->v->vram->hva + (off & (p->v->vram->size - 1));
}

/* A little-endian word of @n bytes that may wrap at the end of memory. */
static uint32_t word(const struct picture *p, uint32_t off, unsigned n)
{
	uint32_t val = 0;

	for (unsigned i = 0; i < n; i++)
		val |= (uint32_t)*at(p, off + i) << i * 8;
	return val;
}

static uint32_t row_start(const struct picture *p, unsigned y)
{
	const struct vga_mode *m = &p->mode;
	uint32_t off;

	if (y >= m->split)
		return (y - m->split) * m->pitch;
	off = m->start + y / m->rows_each * m->pitch;
	if (m->bank_bit)
		off = (off & ~m->bank_bit) |
		      (y % m->rows_each & 1 ? m->bank_bit : 0);
	return off;
}

/*
 * One function for each format: fill p->row for row @y.
 */

static void row_blank(struct picture *p, unsigned y)
{
	memset(p->row, 0, p->mode.width * sizeof(*p->row));
}

/* Eight pixels from four planes, the leftmost in the highest bits. */
static void planar8(const struct picture *p, uint32_t w, uint32_t *out)
{
	for (int b = 7; b >= 0; b--) {
		unsigned i = (w >> b & 1) | (w >> (b + 7) & 2) |
			     (w >> (b + 14) & 4) | (w >> (b + 21) & 8);

		*out++ = p->c16[i];
	}
}

static void row_planar(struct picture *p, unsigned y)
{
	uint32_t off = row_start(p, y), mask = 0;

	for (unsigned i = 0; i < 4; i++)
		if (p->v->ar[AR_PLANES] >> i & 1)
			mask |= 0xffu << 8 * i;
	for (unsigned x = 0; x < p->mode.width + 8; x += 8, off += 4)
		planar8(p, word(p, off, 4) & mask, p->row + x);
}

/* Four pixels of two bits in planes 0 and 2, then four in 1 and 3. */
static void row_cga(struct picture *p, unsigned y)
{
	uint32_t off = row_start(p, y), *out = p->row;

	for (unsigned x = 0; x < p->mode.width; x += 8, off += 4)
		for (unsigned i = 0; i < 8; i++) {
			uint32_t w = word(p, off, 4) >> (i / 4) * 8;
			unsigned shift = 6 - i % 4 * 2;

			*out++ = p->c16[((w >> shift & 3) |
					 (w >> (16 + shift) & 3) << 2) &
					(p->v->ar[AR_PLANES] & 15)];
		}
}

static void row_256(struct picture *p, unsigned y)
{
	uint32_t off = row_start(p, y);

	for (unsigned x = 0; x < p->mode.width + 4; x++)
		p->row[x] = p->c256[*at(p, off + x)];
}

/* @n bits at @shift, widened to eight. */
static uint32_t widen(uint32_t val, unsigned shift, unsigned n)
{
	uint32_t c = val >> shift & ((1u << n) - 1);

	return c << (8 - n) | c >> (2 * n - 8);
}

static void row_16(struct picture *p, unsigned y, unsigned green)
{
	uint32_t off = row_start(p, y);

	for (unsigned x = 0; x < p->mode.width; x++) {
		uint32_t w = word(p, off + 2 * x, 2);

		p->row[x] = widen(w, 5 + green, 5) << 16 |
			    widen(w, 5, green) << 8 | widen(w, 0, 5);
	}
}

static void row_555(struct picture *p, unsigned y)
{
	row_16(p, y, 5);
}

static void row_565(struct picture *p, unsigned y)
{
	row_16(p, y, 6);
}

static void row_24(struct picture *p, unsigned y)
{
	uint32_t off = row_start(p, y);

	for (unsigned x = 0; x < p->mode.width; x++)
		p->row[x] = word(p, off + 3 * x, 3);
}

static void row_32(struct picture *p, unsigned y)
{
	uint32_t off = row_start(p, y), width = p->mode.width;

	if (off + 4 * width <= p->v->vram->size)
		memcpy(p->row, at(p, off), 4 * width);
	else
		for (unsigned x = 0; x < width; x++)
			p->row[x] = word(p, off + 4 * x, 4);
	for (unsigned x = 0; x < width; x++)
		p->row[x] &= 0xffffff;
}

/*
 * Text.
 */

static uint32_t cell_offset(const struct picture *p, unsigned column,
			    unsigned row)
{
	return p->mode.start + row * p->mode.pitch + column * 4;
}

/* Is the cursor in this cell? */
static bool cursor_at(const struct picture *p, uint32_t off)
{
	const uint8_t *cr = p->v->cr;
	uint32_t place = (cr[CR_CURSOR_HIGH] << 8 | cr[CR_CURSOR_LOW]) * 4u;

	return !(cr[CR_CURSOR_START] & 0x20) && off == place;
}

static bool cursor_line(const struct picture *p, unsigned line)
{
	return line >= (p->v->cr[CR_CURSOR_START] & 0x1fu) &&
	       line <= (p->v->cr[CR_CURSOR_END] & 0x1fu);
}

static void draw_cell(struct picture *p, uint32_t off, unsigned line,
		      uint32_t *out)
{
	uint8_t ch = *at(p, off), attr = *at(p, off + 1);
	uint8_t mode = p->v->ar[AR_MODE];
	uint8_t back = attr >> 4 & (mode & AR_MODE_BLINK ? 7 : 15);
	uint32_t fg = p->c16[attr & 15], bg = p->c16[back];
	uint32_t glyph = p->font[attr >> 3 & 1] + ch * FONT_BYTES + line;
	unsigned bits = *at(p, glyph * 4 + FONT_PLANE) << 1;

	if (mode & AR_MODE_LINE_GRAPHICS && ch >= 0xc0 && ch <= 0xdf)
		bits |= bits >> 1 & 1;
	if (cursor_at(p, off) && cursor_line(p, line))
		bits = 0x1ff;
	for (unsigned i = 0; i < p->mode.char_width; i++)
		out[i] = bits >> (8 - i) & 1 ? fg : bg;
}

static void row_text(struct picture *p, unsigned y)
{
	const struct vga_mode *m = &p->mode;

	for (unsigned x = 0; x < m->columns; x++)
		draw_cell(p, cell_offset(p, x, y / m->char_height),
			  y % m->char_height, p->row + x * m->char_width);
}

static bool text(void *opaque, struct display_text *t)
{
	struct picture p = { .v = opaque };
	const struct vga_mode *m = &p.mode;

	vga_mode_get(opaque, &p.mode);
	if (m->format != VGA_TEXT)
		return false;
	t->columns = m->columns;
	t->rows = m->rows;
	t->cursor = false;
	for (unsigned y = 0; y < m->rows; y++)
		for (unsigned x = 0; x < m->columns; x++) {
			uint32_t off = cell_offset(&p, x, y);

			t->cell[y][x].ch = *at(&p, off);
			t->cell[y][x].attr = *at(&p, off + 1);
			if (!cursor_at(&p, off))
				continue;
			t->cursor = true;
			t->cursor_x = x;
			t->cursor_y = y;
		}
	return true;
}

/*
 * The whole.
 */

/* Offsets of the eight fonts, by the bits of SR3 for each. */
static uint32_t font_offset(unsigned n)
{
	return (n & 3) * 0x4000 + (n >> 2) * 0x2000;
}

static void prepare(struct picture *p, const struct vga *v)
{
	uint8_t font = v->sr[SR_FONT];

	p->v = v;
	vga_mode_get(v, &p->mode);
	vga_colours(v, p->c16, p->c256);
	p->font[0] = font_offset((font & 3) | (font >> 2 & 4));
	p->font[1] = font_offset((font >> 2 & 3) | (font >> 3 & 4));
}

/* First and last pixel of row @y that differ, copied; false: none. */
static bool merge_row(struct picture *p, uint32_t *to, unsigned y,
		      unsigned *first, unsigned *last)
{
	const uint32_t *from = p->row;
	unsigned a = 0, b = p->mode.width;

	if (y < p->mode.split)
		from += p->mode.panning;
	if (!memcmp(from, to, b * sizeof(*to)))
		return false;
	while (from[a] == to[a])
		a++;
	while (from[b - 1] == to[b - 1])
		b--;
	memcpy(to + a, from + a, (b - a) * sizeof(*to));
	*first = a;
	*last = b - 1;
	return true;
}

/* The damage of rows one after the other, as one rectangle. */
static void grow(struct display_rect *r, unsigned y, unsigned first,
		 unsigned last)
{
	unsigned end = r->x + r->width;

	if (!r->height) {
		*r = (struct display_rect){ first, y, last - first + 1, 1 };
		return;
	}
	if (last + 1 > end)
		end = last + 1;
	if (first < r->x)
		r->x = first;
	r->width = end - r->x;
	r->height++;
}

static void flush(struct display *d, struct display_rect *r)
{
	if (r->height)
		display_damage(d, r);
	r->height = 0;
}

static void update(void *opaque)
{
	static void (*const rows[])(struct picture *p, unsigned y) = {
		[VGA_BLANK] = row_blank, [VGA_TEXT] = row_text,
		[VGA_PLANAR] = row_planar, [VGA_CGA] = row_cga,
		[VGA_256] = row_256, [VGA_555] = row_555,
		[VGA_565] = row_565, [VGA_24] = row_24, [VGA_32] = row_32,
	};
	struct vga *v = opaque;
	struct display *d = v->cfg.backend.display;
	struct display_surface *s = display_surface(d);
	struct display_rect dirty = { .height = 0 };
	struct picture p;
	unsigned first, last;

	prepare(&p, v);
	if (display_resize(d, p.mode.width, p.mode.height))
		return;
	for (unsigned y = 0; y < s->height; y++) {
		rows[p.mode.format](&p, y);
		if (merge_row(&p, s->pixels + (size_t)y * s->width, y, &first,
			      &last))
			grow(&dirty, y, first, last);
		else
			flush(d, &dirty);
	}
	flush(d, &dirty);
}

const struct display_source_ops vga_source_ops = { update, text };
