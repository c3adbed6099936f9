/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of guest addresses, from a System.map or the output of nm: lines
 * "ADDRESS TYPE NAME".
 */
#ifndef TOOLS_LIB_SYMBOLS_H
#define TOOLS_LIB_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

struct symbols;

/* Longest that symbol_name() makes. */
#define SYMBOL_LEN	96

/*
 * Read @path.  Lines that are not symbols, and data symbols, are passed over.
 * Returns 0, or a negative errno (-EINVAL: no symbol in it).
 */
int symbols_load(struct symbols **out, const char *path);
void symbols_free(struct symbols *s);	/* NULL: nothing */

/*
 * "name+1f" for @addr, or "" if @s is NULL or @addr below all symbols or more
 * than 1 MiB beyond one.  Returns @buf (SYMBOL_LEN bytes).
 */
const char *symbol_name(const struct symbols *s, uint32_t addr, char *buf);
/* The same without the offset. */
const char *symbol_base(const struct symbols *s, uint32_t addr, char *buf);

#endif
