// SPDX-License-Identifier: GPL-2.0-or-later
#include "backends/keys.h"

#include <string.h>

static const struct {
	const char *name;
	uint16_t code;
	uint16_t plain, shifted;
} keys[] = {
#define KEY(name, code, plain, shifted) { name, code, plain, shifted },
#include "backends/keys.def"
#undef KEY
};
#define KEYS	(sizeof(keys) / sizeof(keys[0]))

unsigned key_by_name(const char *name, size_t len)
{
	for (unsigned i = 0; i < KEYS; i++)
		if (strlen(keys[i].name) == len &&
		    !strncmp(keys[i].name, name, len))
			return keys[i].code;
	return 0;
}

unsigned key_by_keysym(uint32_t keysym)
{
	for (unsigned i = 0; keysym && i < KEYS; i++)
		if (keys[i].plain == keysym || keys[i].shifted == keysym)
			return keys[i].code;
	return 0;
}

bool key_needs_shift(uint32_t keysym)
{
	for (unsigned i = 0; keysym && i < KEYS; i++)
		if (keys[i].plain == keysym || keys[i].shifted == keysym)
			return keys[i].shifted == keysym &&
			       keys[i].plain != keysym;
	return false;
}

const char *key_name(unsigned n)
{
	return n < KEYS ? keys[n].name : NULL;
}
