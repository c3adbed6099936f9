/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A display: what a graphics front-end shows, and who looks at it.
 *
 * The front-end (source) owns the contents: a surface of pixels, and in text
 * modes the characters behind them.  It draws only when somebody asks with
 * display_update(), and says which rectangles changed; viewers (VNC, the text
 * screen, screendumps) listen.  Without viewers nothing is drawn.
 *
 * All calls with the loop's lock held (loop.h).
 */
#ifndef BACKENDS_DISPLAY_H
#define BACKENDS_DISPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define DISPLAY_WIDTH_MAX	4096
#define DISPLAY_HEIGHT_MAX	4096
#define DISPLAY_COLUMNS_MAX	132
#define DISPLAY_ROWS_MAX	60

struct display;

struct display_rect {
	unsigned x, y, width, height;	/* pixels */
};

struct display_surface {
	unsigned width, height;		/* pixels, at least 1 */
	uint32_t *pixels;		/* 00RRGGBBh, width * height of them */
};

/* A text screen.  Attributes as the VGA has them: background, foreground. */
struct display_text {
	unsigned columns, rows;
	struct {
		uint8_t ch, attr;
	} cell[DISPLAY_ROWS_MAX][DISPLAY_COLUMNS_MAX];
	bool cursor;			/* visible */
	unsigned cursor_x, cursor_y;
};

/* The front-end's half. */
struct display_source_ops {
	/*
	 * Bring the surface up to date: display_resize() if its size changed,
	 * then draw, then display_damage() for each part that differs.
	 */
	void (*update)(void *opaque);
	/* The text screen; false in graphics modes.  May be NULL. */
	bool (*text)(void *opaque, struct display_text *out);
};

/* A viewer; the structure is its own, linked while it listens. */
struct display_listener {
	/* The surface is another one; all of it is damaged. */
	void (*resized)(void *opaque, const struct display_surface *s);
	/* Pixels in @r changed; inside the surface. */
	void (*damaged)(void *opaque, const struct display_rect *r);
	void *opaque;
	struct display_listener *next;
};

/* Returns 0 or -ENOMEM.  Without a source it shows 640 x 480 black pixels. */
int display_create(struct display **out);
void display_destroy(struct display *d);

/* For the source. */
void display_set_source(struct display *d, const struct display_source_ops *ops,
			void *opaque);
/*
 * Returns 0, -EINVAL beyond DISPLAY_*_MAX or for 0, -ENOMEM; the surface stays
 * as it was then.  A new surface is black.  No effect for the same size.
 */
int display_resize(struct display *d, unsigned width, unsigned height);
struct display_surface *display_surface(struct display *d);
void display_damage(struct display *d, const struct display_rect *r);

/* For viewers.  A listener is told resized() at once. */
void display_listen(struct display *d, struct display_listener *l);
void display_unlisten(struct display *d, struct display_listener *l);
void display_update(struct display *d);
bool display_text(struct display *d, struct display_text *out);

/*
 * Write the current screen, brought up to date, to @out: PPM (P6) or PNG.
 * Returns 0, -EIO, -ENOMEM; PNG without zlib: -ENOTSUP.
 */
int display_write_ppm(struct display *d, FILE *out);
int display_write_png(struct display *d, FILE *out);
/*
 * The text screen as lines of UTF-8, trailing spaces cut off.
 * Returns 0, -EIO, or -EAGAIN in graphics modes.
 */
int display_write_text(struct display *d, FILE *out);

/* Code page 437 to Unicode. */
uint16_t display_unicode(uint8_t ch);

#endif
