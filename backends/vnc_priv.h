/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What vnc.c and vnc_encode.c share. */
#ifndef BACKENDS_VNC_PRIV_H
#define BACKENDS_VNC_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct display_surface;
struct stream_conn;

#define VNC_TILE	64u	/* ZRLE's, and the grain of damage */

/* RFC 6143, 7.4; only true colour is served. */
struct vnc_format {
	uint8_t bits, depth, big_endian, true_colour;
	uint16_t max[3];	/* red, green, blue */
	uint8_t shift[3];
};

enum vnc_encoding { VNC_RAW = 0, VNC_ZRLE = 16 };

/* A stream that each client has for itself; NULL without zlib. */
struct vnc_zrle;
struct vnc_zrle *vnc_zrle_new(void);
void vnc_zrle_free(struct vnc_zrle *z);

/* One rectangle with its header.  @z NULL: raw. */
void vnc_send_rect(struct stream_conn *c, const struct vnc_format *f,
		   struct vnc_zrle *z, const struct display_surface *s,
		   unsigned x, unsigned y, unsigned w, unsigned h);

static inline void vnc_put16(uint8_t *p, unsigned v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static inline void vnc_put32(uint8_t *p, uint32_t v)
{
	vnc_put16(p, v >> 16);
	vnc_put16(p + 2, v);
}

static inline unsigned vnc_get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static inline uint32_t vnc_get32(const uint8_t *p)
{
	return (uint32_t)vnc_get16(p) << 16 | vnc_get16(p + 2);
}

#endif
