// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keystrokes out of what a terminal sends: characters, control characters,
 * Alt as a preceding escape, and the sequences of xterm, VT220 and the Linux
 * console for the other keys.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/text_screen.h"

#define ESC		0x1b
#define XK_ESCAPE	0xff1b
#define XK_BACKSPACE	0xff08
#define XK_TAB		0xff09
#define XK_RETURN	0xff0d
#define XK_F1		0xffbe

static const struct {
	char final;
	uint32_t keysym;
} letters[] = {
	{ 'A', 0xff52 }, { 'B', 0xff54 }, { 'C', 0xff53 }, { 'D', 0xff51 },
	{ 'H', 0xff50 }, { 'F', 0xff57 }, { 'P', XK_F1 }, { 'Q', XK_F1 + 1 },
	{ 'R', XK_F1 + 2 }, { 'S', XK_F1 + 3 },
};

/* ESC [ N ~; 0: no such key. */
static const uint32_t numbers[] = {
	[1] = 0xff50, [2] = 0xff63, [3] = 0xffff, [4] = 0xff57, [5] = 0xff55,
	[6] = 0xff56, [7] = 0xff50, [8] = 0xff57,
	[11] = XK_F1, [12] = XK_F1 + 1, [13] = XK_F1 + 2, [14] = XK_F1 + 3,
	[15] = XK_F1 + 4, [17] = XK_F1 + 5, [18] = XK_F1 + 6,
	[19] = XK_F1 + 7, [20] = XK_F1 + 8, [21] = XK_F1 + 9,
	[23] = XK_F1 + 10, [24] = XK_F1 + 11,
};

static void stroke(struct text_keys *k, uint32_t keysym, unsigned mods)
{
	if (keysym)
		k->stroke(k->opaque, keysym, mods);
}

static void control(struct text_keys *k, uint8_t byte, unsigned mods)
{
	static const char others[] = "\\]6-";	/* Ctrl with these: 1C..1F */

	mods |= TEXT_KEY_CTRL;
	if (!byte)
		stroke(k, ' ', mods);
	else if (byte < ESC)
		stroke(k, byte | 0x60, mods);
	else
		stroke(k, others[byte - 0x1c], mods);
}

/* No part of a sequence.  Characters beyond ASCII have no key here. */
static void plain(struct text_keys *k, uint8_t byte, unsigned mods)
{
	switch (byte) {
	case '\b':
	case 0x7f:
		stroke(k, XK_BACKSPACE, mods);
		break;
	case '\t':
		stroke(k, XK_TAB, mods);
		break;
	case '\r':
	case '\n':
		stroke(k, XK_RETURN, mods);
		break;
	case ESC:
		stroke(k, XK_ESCAPE, mods);
		break;
	default:
		if (byte < ' ')
			control(k, byte, mods);
		else if (byte < 0x7f)
			stroke(k, byte, mods);
	}
}

static uint32_t letter(char final)
{
	for (unsigned n = 0; n < sizeof(letters) / sizeof(letters[0]); n++)
		if (letters[n].final == final)
			return letters[n].keysym;
	return 0;
}

/* k->seq is whole: "[3~", "[1;5C", "OP", "[[A". */
static void sequence(struct text_keys *k)
{
	char final = k->seq[k->len - 1], *rest;
	unsigned long n, mods = 1;

	k->seq[k->len - 1] = '\0';
	if (k->seq[1] == '[') {		/* Linux console: F1 to F5 */
		if (final >= 'A' && final <= 'E')
			stroke(k, XK_F1 + (final - 'A'), 0);
		return;
	}
	n = strtoul(k->seq + 1, &rest, 10);
	if (*rest == ';')
		mods = strtoul(rest + 1, NULL, 10);
	mods = mods ? (mods - 1) & 7 : 0;
	if (final == '~' && n < sizeof(numbers) / sizeof(numbers[0]))
		stroke(k, numbers[n], mods);
	else if (final == 'Z')
		stroke(k, XK_TAB, TEXT_KEY_SHIFT);
	else if (final != '~')
		stroke(k, letter(final), mods);
}

/* ECMA-48 5.4: parameters and intermediates are below 40h. */
static bool ends(const struct text_keys *k, uint8_t byte)
{
	return k->len > 1 && byte >= 0x40 && !(k->len == 2 && byte == '[');
}

/* Behind an escape: @byte begins a sequence, or was typed with Alt. */
static void second(struct text_keys *k, uint8_t byte)
{
	if (byte == '[' || byte == 'O') {
		k->seq[k->len++] = byte;
	} else if (byte == ESC) {
		stroke(k, XK_ESCAPE, 0);
	} else {
		k->escape = false;
		plain(k, byte, TEXT_KEY_ALT);
	}
}

void text_keys_feed(struct text_keys *k, uint8_t byte)
{
	if (!k->escape) {
		k->escape = byte == ESC;
		if (!k->escape)
			plain(k, byte, 0);
	} else if (!k->len) {
		second(k, byte);
	} else {
		k->seq[k->len++] = byte;
		if (ends(k, byte))
			sequence(k);
		else if (k->len < sizeof(k->seq))
			return;
		k->escape = false;
		k->len = 0;
	}
}

void text_keys_pause(struct text_keys *k)
{
	if (k->escape && !k->len)
		stroke(k, XK_ESCAPE, 0);
	else if (k->escape && k->len == 1)
		plain(k, k->seq[0], TEXT_KEY_ALT);
	k->escape = false;
	k->len = 0;
}
