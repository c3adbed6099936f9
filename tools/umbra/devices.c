// SPDX-License-Identifier: GPL-2.0-or-later
/* The list of optional devices; see devices.h. */
#define _GNU_SOURCE	/* strsep */
#include "tools/umbra/devices.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/block_queue.h"
#include "backends/char.h"
#include "backends/char_open.h"
#include "tools/lib/options.h"

int devices_add(struct device_list *l, const char *name, void *backend,
		const char *const *keys, char *err, size_t err_len)
{
	if (l->n == DEVICES_MAX) {
		snprintf(err, err_len, "%s: more than %d devices", name,
			 DEVICES_MAX);
		return -ENOSPC;
	}
	l->specs[l->n++] = (struct pc_device_spec){ name, backend, keys };
	return 0;
}

/* "NAME,KEY=VALUE,...": an array of its parts in one allocation. */
static char **split(const char *text)
{
	size_t parts = 1, len = strlen(text) + 1;
	char **v, *rest;

	for (const char *p = text; *p; p++)
		parts += *p == ',';
	v = malloc((parts + 1) * sizeof(*v) + len);
	if (!v)
		return NULL;
	rest = memcpy(v + parts + 1, text, len);
	for (size_t i = 0; i <= parts; i++)
		v[i] = strsep(&rest, ",");
	return v;
}

int devices_add_text(struct device_list *l, const char *text, void *backend,
		     char *err, size_t err_len)
{
	char **v = split(text);
	int code;

	if (!v) {
		snprintf(err, err_len, "out of memory");
		return -ENOMEM;
	}
	code = devices_add(l, v[0], backend, (const char *const *)v + 1, err, err_len);
	if (code)
		free(v);
	else
		l->texts[l->n - 1] = v;
	return code;
}

static int add_debugcon(struct device_list *l, const char *spec,
			const struct char_open_args *args, char *err,
			size_t err_len)
{
	static const char prefix[] = "debugcon: ";
	size_t n = sizeof(prefix) - 1;
	int code;

	memcpy(err, prefix, sizeof(prefix));
	code = char_open(&l->debugcon, spec, args, err + n, err_len - n);
	return code ? code : devices_add(l, "debugcon", l->debugcon, NULL, err,
				 err_len);
}

int devices_open(struct device_list *l, const struct run_config *c,
		 struct loop *loop, FILE *log, char *err, size_t err_len)
{
	struct char_open_args args = { .loop = loop, .log = log };
	int code = 0;

	if (c->debugcon)
		code = add_debugcon(l, c->debugcon, &args, err, err_len);
	if (!code)
		code = drives_open(l, c, loop, log, err, err_len);
	for (unsigned i = 0; i < c->devices.n && !code; i++)
		code = devices_add_text(l, c->devices.v[i], NULL, err, err_len);
	return code;
}

void devices_close(struct device_list *l)
{
	for (unsigned i = 0; i < l->n; i++)
		free(l->texts[i]);
	for (unsigned i = 0; i < l->nqueues; i++)
		block_queue_destroy(l->queues[i]);
	if (l->debugcon)
		l->debugcon->ops->destroy(l->debugcon);
	memset(l, 0, sizeof(*l));
}

bool devices_help(const struct run_config *c, FILE *out)
{
	const char *name, *help;

	if (!c->devices.n || strcmp(c->devices.v[0], "help"))
		return false;
	for (unsigned i = 0; pc_device_row(i, &name, &help); i++)
		fprintf(out, "  %-18s %s\n", name, help);
	return true;
}
