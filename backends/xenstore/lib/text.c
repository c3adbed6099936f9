// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Helpers that need no connection.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/xenstore/include/xenstore.h"

bool xs_write_all(int fd, const void *data, unsigned int len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

static bool perm_letter(unsigned int *perms, char letter)
{
	switch (letter) {
	case 'n':
		*perms = XS_PERM_NONE;
		return true;
	case 'r':
		*perms = XS_PERM_READ;
		return true;
	case 'w':
		*perms = XS_PERM_WRITE;
		return true;
	case 'b':
		*perms = XS_PERM_READ | XS_PERM_WRITE;
		return true;
	}
	return false;
}

bool xs_strings_to_perms(struct xs_permissions *perms, unsigned int num,
			 const char *strings)
{
	const char *p = strings;

	for (unsigned int i = 0; i < num; i++) {
		char *end = NULL;

		if (perm_letter(&perms[i].perms, *p)) {
			perms[i].id = strtol(p + 1, &end, 0);
			if (end == p + 1 || *end)
				end = NULL;
		}
		if (!end) {
			errno = EINVAL;
			return false;
		}
		p = end + 1;
	}
	return true;
}

bool xs_path_is_subpath(const char *parent, const char *child)
{
	size_t len = strlen(parent);

	return !strncmp(parent, child, len) &&
	       (child[len] == '/' || !child[len]);
}
