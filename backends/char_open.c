// SPDX-License-Identifier: GPL-2.0-or-later
#include "backends/char_open.h"

#include <errno.h>
#include <string.h>

#include "backends/char.h"

static const struct kind {
	const char *name;
	bool takes_arg;
	int (*open)(struct char_backend **out, const char *arg,
		    const struct char_open_args *args);
} kinds[] = {
	{ "stdio", false, char_stdio_open },
	{ "file", true, char_file_open },
	{ "pty", false, char_pty_open },
	{ "unix", true, char_unix_open },
	{ "null", false, char_null_open },
};

static const struct kind *kind_find(const char *spec, const char **arg)
{
	size_t len = strcspn(spec, ":");

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct kind *k = &kinds[i];

		if (strlen(k->name) != len || strncmp(k->name, spec, len))
			continue;
		*arg = spec[len] ? spec + len + 1 : NULL;
		if (*arg && !**arg)
			return NULL;
		return k->takes_arg == !!*arg ? k : NULL;
	}
	return NULL;
}

bool char_spec_valid(const char *spec)
{
	const char *arg;

	return kind_find(spec, &arg);
}

int char_open(struct char_backend **out, const char *spec,
	      const struct char_open_args *args, char *err, size_t errlen)
{
	const char *arg, *why;
	const struct kind *k = kind_find(spec, &arg);
	int ret;

	*out = NULL;
	if (!k) {
		snprintf(err, errlen, "%s: no such serial backend (use stdio, "
			 "file:PATH, unix:PATH, pty or null)", spec);
		return -EINVAL;
	}
	ret = k->open(out, arg, args);
	if (!ret)
		return 0;
	why = ret == -EBUSY ? "used twice" :
	      ret == -ENXIO ? "a FIFO that nobody reads" : strerror(-ret);
	snprintf(err, errlen, "%s: %s", arg ? arg : spec, why);
	return ret;
}
