// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pixels for VNC clients: their format, and two encodings, Raw (RFC 6143,
 * 7.7.1) and ZRLE (7.7.6), of whose tiles we make the solid, the packed
 * palette and the raw kind.
 *
 * HAVE_ZLIB: zlib was there at build time.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/display.h"
#include "backends/stream.h"
#include "backends/vnc_priv.h"

#define PALETTE_MAX	16u
#define TILE_BYTES	(VNC_TILE * VNC_TILE * 4 + PALETTE_MAX * 4 + 1)

static uint32_t convert(const struct vnc_format *f, uint32_t rgb)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 3; i++) {
		uint32_t c = rgb >> (16 - 8 * i) & 0xff;

		v |= (c * f->max[i] + 127) / 255 << f->shift[i];
	}
	return v;
}

/* @n bytes of a pixel, in the client's order; returns behind them. */
static uint8_t *put_pixel(uint8_t *p, const struct vnc_format *f, uint32_t v,
			  unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		p[f->big_endian ? n - 1 - i : i] = v >> 8 * i;
	return p + n;
}

static void send_header(struct stream_conn *c, unsigned x, unsigned y,
			unsigned w, unsigned h, enum vnc_encoding e)
{
	uint8_t b[12];

	vnc_put16(b, x);
	vnc_put16(b + 2, y);
	vnc_put16(b + 4, w);
	vnc_put16(b + 6, h);
	vnc_put32(b + 8, e);
	stream_send(c, b, sizeof(b));
}

static void send_raw(struct stream_conn *c, const struct vnc_format *f,
		     const struct display_surface *s, unsigned x, unsigned y,
		     unsigned w, unsigned h)
{
	uint8_t line[DISPLAY_WIDTH_MAX * 4];

	send_header(c, x, y, w, h, VNC_RAW);
	for (unsigned j = y; j < y + h; j++) {
		const uint32_t *from = s->pixels + (size_t)j * s->width + x;
		uint8_t *p = line;

		for (unsigned i = 0; i < w; i++)
			p = put_pixel(p, f, convert(f, from[i]), f->bits / 8);
		stream_send(c, line, p - line);
	}
}

#ifndef HAVE_ZLIB

struct vnc_zrle *vnc_zrle_new(void)
{
	return NULL;
}

void vnc_zrle_free(struct vnc_zrle *z)
{
}

#else

#include <zlib.h>

struct vnc_zrle {
	z_stream z;
	uint8_t *out;
	size_t len, room;
};

struct vnc_zrle *vnc_zrle_new(void)
{
	struct vnc_zrle *z = calloc(1, sizeof(*z));

	if (z && deflateInit(&z->z, Z_BEST_SPEED) != Z_OK) {
		free(z);
		return NULL;
	}
	return z;
}

void vnc_zrle_free(struct vnc_zrle *z)
{
	if (!z)
		return;
	deflateEnd(&z->z);
	free(z->out);
	free(z);
}

/*
 * Bytes of a compressed pixel: three when the colours fit into the low or high
 * three bytes of four; *skip: bits below them.
 */
static unsigned pixel_size(const struct vnc_format *f, unsigned *skip)
{
	uint32_t used = 0;

	*skip = 0;
	for (unsigned i = 0; i < 3; i++)
		used |= (uint32_t)f->max[i] << f->shift[i];
	if (f->bits != 32 || f->depth > 24)
		return f->bits / 8;
	if (!(used >> 24))
		return 3;
	*skip = used & 0xff ? 0 : 8;
	return used & 0xff ? 4 : 3;
}

/* The colours of a tile, up to PALETTE_MAX; 0: more. */
static unsigned find_palette(const uint32_t *px, unsigned n,
			     uint32_t pal[PALETTE_MAX], uint8_t *index)
{
	unsigned colours = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned k = 0;

		while (k < colours && pal[k] != px[i])
			k++;
		if (k == PALETTE_MAX)
			return 0;
		if (k == colours)
			pal[colours++] = px[i];
		index[i] = k;
	}
	return colours;
}

static uint8_t *pack_indices(uint8_t *p, const uint8_t *index, unsigned w,
			     unsigned h, unsigned colours)
{
	unsigned bits = colours == 2 ? 1 : colours <= 4 ? 2 : 4;

	for (unsigned j = 0; j < h; j++) {
		unsigned acc = 0, have = 0;

		for (unsigned i = 0; i < w; i++) {
			acc = acc << bits | index[j * w + i];
			have += bits;
			if (have == 8) {
				*p++ = acc;
				acc = have = 0;
			}
		}
		if (have)	/* rows begin on bytes */
			*p++ = acc << (8 - have);
	}
	return p;
}

static size_t encode_tile(uint8_t *out, const struct vnc_format *f,
			  const uint32_t *px, unsigned w, unsigned h)
{
	static uint8_t index[VNC_TILE * VNC_TILE];	/* the loop's thread */
	uint32_t pal[PALETTE_MAX];
	unsigned skip, size = pixel_size(f, &skip);
	unsigned colours = find_palette(px, w * h, pal, index);
	uint8_t *p = out;

	*p++ = colours;		/* 1: solid; 2..16: palette; 0: raw */
	for (unsigned i = 0; i < colours; i++)
		p = put_pixel(p, f, convert(f, pal[i]) >> skip, size);
	if (colours > 1)
		p = pack_indices(p, index, w, h, colours);
	for (unsigned i = 0; !colours && i < w * h; i++)
		p = put_pixel(p, f, convert(f, px[i]) >> skip, size);
	return p - out;
}

static bool compress_more(struct vnc_zrle *z, const uint8_t *in, size_t len,
			  int flush)
{
	z->z.next_in = (uint8_t *)in;
	z->z.avail_in = len;
	do {
		if (z->room - z->len < 4096) {
			size_t room = z->room ? z->room * 2 : 65536;
			uint8_t *p = realloc(z->out, room);

			if (!p)
				return false;
			z->out = p;
			z->room = room;
		}
		z->z.next_out = z->out + z->len;
		z->z.avail_out = z->room - z->len;
		deflate(&z->z, flush);
		z->len = z->room - z->z.avail_out;
	} while (z->z.avail_in || !z->z.avail_out);
	return true;
}

static bool encode_row(struct vnc_zrle *z, const struct vnc_format *f,
		       const struct display_surface *s, unsigned x,
		       unsigned y, unsigned w, unsigned h)
{
	static uint32_t px[VNC_TILE * VNC_TILE];
	static uint8_t tile[TILE_BYTES];
	size_t len;

	for (unsigned at = 0; at < w; at += VNC_TILE) {
		unsigned n = w - at < VNC_TILE ? w - at : VNC_TILE;

		for (unsigned j = 0; j < h; j++)
			memcpy(px + j * n, s->pixels + (size_t)(y + j) *
			       s->width + x + at, n * 4);
		len = encode_tile(tile, f, px, n, h);
		if (!compress_more(z, tile, len, Z_NO_FLUSH))
			return false;
	}
	return true;
}

static bool send_zrle(struct stream_conn *c, const struct vnc_format *f,
		      struct vnc_zrle *z, const struct display_surface *s,
		      unsigned x, unsigned y, unsigned w, unsigned h)
{
	uint8_t len[4];

	z->len = 0;
	for (unsigned at = 0; at < h; at += VNC_TILE)
		if (!encode_row(z, f, s, x, y + at, w,
				h - at < VNC_TILE ? h - at : VNC_TILE))
			return false;
	if (!compress_more(z, NULL, 0, Z_SYNC_FLUSH))
		return false;
	send_header(c, x, y, w, h, VNC_ZRLE);
	vnc_put32(len, z->len);
	stream_send(c, len, 4);
	stream_send(c, z->out, z->len);
	return true;
}

#endif

void vnc_send_rect(struct stream_conn *c, const struct vnc_format *f,
		   struct vnc_zrle *z, const struct display_surface *s,
		   unsigned x, unsigned y, unsigned w, unsigned h)
{
#ifdef HAVE_ZLIB
	if (z && !send_zrle(c, f, z, s, x, y, w, h)) {
		stream_close(c);	/* its stream is lost */
		return;
	}
	if (z)
		return;
#endif
	send_raw(c, f, s, x, y, w, h);
}
