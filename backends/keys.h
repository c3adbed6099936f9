/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys by name (sendkey) and by X keysym (VNC), as scan codes. */
#ifndef BACKENDS_KEYS_H
#define BACKENDS_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who takes what a keyboard and a mouse do.  Lock held. */
struct input_ops {
	/* @code: of scan code set 1, E0xxh for the extended keys. */
	void (*key)(void *opaque, unsigned code, int down);
	/* Movement, right and up positive; buttons: 1 left, 2 right, 4 middle. */
	void (*mouse)(void *opaque, int dx, int dy, int dz, unsigned buttons);
};

/* The scan code of the key called @name (@len characters), or 0. */
unsigned key_by_name(const char *name, size_t len);
/* The scan code of the key that makes @keysym, or 0. */
unsigned key_by_keysym(uint32_t keysym);
/* Does @keysym take Shift with that key? */
bool key_needs_shift(uint32_t keysym);
/* The name of key @n from 0, or NULL beyond the last. */
const char *key_name(unsigned n);

#endif
