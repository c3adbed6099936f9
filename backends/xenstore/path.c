// SPDX-License-Identifier: GPL-2.0-or-later
#include "backends/xenstore/path.h"

#include <stdio.h>
#include <string.h>

static bool well_formed(const char *path)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789-/_@";
	size_t len = strlen(path);

	if (path[strspn(path, allowed)] || strstr(path, "//"))
		return false;
	return len == 1 || path[len - 1] != '/';
}

int xsd_path_canonical(const char *name, const char *base, char *out)
{
	bool absolute = *name == '/' || *name == '@';
	size_t max = absolute ? XENSTORE_ABS_PATH_MAX : XENSTORE_REL_PATH_MAX;
	int n;

	if (!*name || strlen(name) > max)
		return -EINVAL;
	n = absolute ? snprintf(out, XSD_PATH_ROOM, "%s", name) :
		       snprintf(out, XSD_PATH_ROOM, "%s/%s", base, name);
	return n < XSD_PATH_ROOM && well_formed(out) ? 0 : -EINVAL;
}

bool xsd_path_below(const char *path, const char *parent)
{
	size_t n = strlen(parent);

	if (n == 1 && *parent == '/')
		return *path == '/';
	return !strncmp(path, parent, n) && (path[n] == '/' || !path[n]);
}

size_t xsd_path_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? 1 : slash - path;
}
