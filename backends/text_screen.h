/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's text screen on a terminal: what changes is drawn with the escape
 * sequences of ECMA-48, what is typed becomes keys.  The terminal is expected
 * to speak UTF-8.
 */
#ifndef BACKENDS_TEXT_SCREEN_H
#define BACKENDS_TEXT_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "backends/keys.h"

struct char_backend;
struct display;
struct loop;
struct text_screen;

struct text_screen_config {
	struct loop *loop;
	struct display *display;
	struct char_backend *tty;	/* nobody else receives from it */
	int fd;				/* whose window size counts */
	const struct input_ops *input;
	void *input_opaque;
	/*
	 * Somebody else writes to the terminal, or has since the last call;
	 * NULL: never.
	 */
	bool (*hidden)(void *opaque);
	void *hidden_opaque;
};

/*
 * All kept; lock held (or before loop_run()).  Returns 0 or a negative errno.
 */
int text_screen_create(struct text_screen **out,
		       const struct text_screen_config *cfg);
/* Leaves the cursor below the screen. */
void text_screen_destroy(struct text_screen *s);

/*
 * What a terminal sends, as keystrokes: text_keys.c.  Escape by itself is
 * known from the beginning of a sequence by the time that follows.
 */
struct text_keys {
	bool escape;		/* came, and in seq what followed */
	char seq[12];
	unsigned len;
	/* @keysym with Shift, Alt and Ctrl, of TEXT_KEY_*. */
	void (*stroke)(void *opaque, uint32_t keysym, unsigned mods);
	void *opaque;
};

#define TEXT_KEY_SHIFT	1u	/* as terminals number them */
#define TEXT_KEY_ALT	2u
#define TEXT_KEY_CTRL	4u

void text_keys_feed(struct text_keys *k, uint8_t byte);
/* Nothing came for a while. */
void text_keys_pause(struct text_keys *k);

#endif
