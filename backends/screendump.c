/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pictures of a display: PPM, PNG (ISO/IEC 15948), and text as UTF-8.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/display.h"
#include "backends/zip.h"

#define RGB	3	/* bytes for a pixel */

/*
 * Code page 437: the graphic characters below 20h and 7Fh, then 80h up.
 */
static const uint16_t low[33] = {
	0x0020, 0x263a, 0x263b, 0x2665, 0x2666, 0x2663, 0x2660, 0x2022,
	0x25d8, 0x25cb, 0x25d9, 0x2642, 0x2640, 0x266a, 0x266b, 0x263c,
	0x25ba, 0x25c4, 0x2195, 0x203c, 0x00b6, 0x00a7, 0x25ac, 0x21a8,
	0x2191, 0x2193, 0x2192, 0x2190, 0x221f, 0x2194, 0x25b2, 0x25bc,
	0x2302,
};

static const uint16_t high[128] = {
	0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7,
	0x00ea, 0x00eb, 0x00e8, 0x00ef, 0x00ee, 0x00ec, 0x00c4, 0x00c5,
	0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9,
	0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192,
	0x00e1, 0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba,
	0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb,
	0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556,
	0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510,
	0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f,
	0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567,
	0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b,
	0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580,
	0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4,
	0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6, 0x03b5, 0x2229,
	0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248,
	0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0,
};

uint16_t display_unicode(uint8_t ch)
{
	if (ch < 0x20)
		return low[ch];
	if (ch < 0x7f)
		return ch;
	return ch == 0x7f ? low[32] : high[ch - 0x80];
}

static void put_utf8(uint16_t c, FILE *out)
{
	if (c < 0x80) {
		fputc(c, out);
	} else if (c < 0x800) {
		fputc(0xc0 | c >> 6, out);
		fputc(0x80 | (c & 0x3f), out);
	} else {
		fputc(0xe0 | c >> 12, out);
		fputc(0x80 | (c >> 6 & 0x3f), out);
		fputc(0x80 | (c & 0x3f), out);
	}
}

static int finish(FILE *out)
{
	return fflush(out) || ferror(out) ? -EIO : 0;
}

int display_write_text(struct display *d, FILE *out)
{
	static struct display_text t;

	if (!display_text(d, &t))
		return -EAGAIN;
	for (unsigned y = 0; y < t.rows; y++) {
		unsigned n = t.columns;

		while (n && (!t.cell[y][n - 1].ch || t.cell[y][n - 1].ch == ' '))
			n--;
		for (unsigned x = 0; x < n; x++)
			put_utf8(display_unicode(t.cell[y][x].ch), out);
		fputc('\n', out);
	}
	return finish(out);
}

static void pack_row(uint8_t *to, const uint32_t *from, unsigned width)
{
	for (unsigned x = 0; x < width; x++) {
		*to++ = from[x] >> 16;
		*to++ = from[x] >> 8;
		*to++ = from[x];
	}
}

int display_write_ppm(struct display *d, FILE *out)
{
	const struct display_surface *s = display_surface(d);
	uint8_t row[DISPLAY_WIDTH_MAX * RGB];

	display_update(d);
	fprintf(out, "P6\n%u %u\n255\n", s->width, s->height);
	for (unsigned y = 0; y < s->height; y++) {
		pack_row(row, s->pixels + (size_t)y * s->width, s->width);
		fwrite(row, RGB, s->width, out);
	}
	return finish(out);
}

/*
 * PNG: the signature and three chunks.
 */

/* ISO 15948, annex D: the polynomial EDB88320h, bits reversed. */
static uint32_t crc_add(uint32_t crc, const uint8_t *p, size_t len)
{
	while (len--) {
		crc ^= *p++;
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return crc;
}

static void put32(uint8_t *p, uint32_t val)
{
	for (int i = 0; i < 4; i++)
		p[i] = val >> (24 - 8 * i);
}

static void chunk(FILE *out, const char *type, const uint8_t *data,
		  size_t len)
{
	uint8_t word[4];
	uint32_t crc = crc_add(~0u, (const uint8_t *)type, 4);

	put32(word, len);
	fwrite(word, 1, 4, out);
	fwrite(type, 1, 4, out);
	fwrite(data, 1, len, out);
	put32(word, ~crc_add(crc, data, len));
	fwrite(word, 1, 4, out);
}

/* Each row begins with the number of its filter: 0, none. */
static uint8_t *filtered(const struct display_surface *s, size_t *len)
{
	size_t row = 1 + (size_t)s->width * RGB;
	uint8_t *p = malloc(row * s->height);

	*len = row * s->height;
	for (unsigned y = 0; p && y < s->height; y++) {
		p[y * row] = 0;
		pack_row(p + y * row + 1, s->pixels + (size_t)y * s->width,
			 s->width);
	}
	return p;
}

int display_write_png(struct display *d, FILE *out)
{
	static const uint8_t signature[8] = "\x89PNG\r\n\x1a\n";
	const struct display_surface *s = display_surface(d);
	/* 8 bits, RGB, deflate, no filters, not interlaced. */
	uint8_t head[13] = { [8] = 8, [9] = 2 };
	uint8_t *raw, *packed = NULL;
	size_t len, packed_len;
	int err = -ENOMEM;

	display_update(d);
	raw = filtered(s, &len);
	if (raw)
		packed = malloc(zip_bound(len));
	if (packed)
		err = zip_deflate(packed, &packed_len, raw, len);
	if (!err) {
		put32(head, s->width);
		put32(head + 4, s->height);
		fwrite(signature, 1, sizeof(signature), out);
		chunk(out, "IHDR", head, sizeof(head));
		chunk(out, "IDAT", packed, packed_len);
		chunk(out, "IEND", head, 0);
		err = finish(out);
	}
	free(raw);
	free(packed);
	return err;
}
