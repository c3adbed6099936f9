// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * umbra list: the machines in the store.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/types.h"
#include "tools/umbra/cmd.h"
#include "tools/umbra/domain.h"

static const struct column {
	const char *title, *node;
	int width;		/* negative: on the left */
	unsigned scale;		/* of numbers, 0: text */
} columns[] = {
	{ "NAME", "name", -20, 0 },
	{ "STATE", "umbra/state", -9, 0 },
	{ "CPUS", "umbra/vcpus", 4, 0 },
	{ "MIB", "memory/static-max", 6, 1024 },
	{ "ENGINE", "umbra/engine", -7, 0 },
	{ "PID", "umbra/pid", 7, 0 },
	{ "CONSOLE", "console/tty", -1, 0 },
};

static void print_cell(struct domain *d, const struct column *c)
{
	char *v = domain_read(d, "%s/%s", d->dir, c->node), text[32];

	if (c->scale && v) {
		snprintf(text, sizeof(text), "%llu",
			 strtoull(v, NULL, 10) / c->scale);
		printf(" %*s", c->width, text);
	} else {
		printf(" %*s", c->width, v && *v ? v : "-");
	}
	free(v);
}

static void print_domain(struct domain *d)
{
	printf("%5u", d->id);
	for (unsigned i = 0; i < ARRAY_SIZE(columns); i++)
		print_cell(d, &columns[i]);
	putchar('\n');
}

static int by_number(const void *a, const void *b)
{
	unsigned long x = strtoul(*(char *const *)a, NULL, 10);
	unsigned long y = strtoul(*(char *const *)b, NULL, 10);

	return (x > y) - (x < y);
}

static void list_domains(struct domain *d)
{
	unsigned n = 0;
	char **v = xs_directory(d->h, XBT_NULL, "/local/domain", &n);

	if (v)
		qsort(v, n, sizeof(*v), by_number);
	for (unsigned i = 0; v && i < n; i++) {
		d->id = strtoul(v[i], NULL, 10);
		if (!d->id || !xs_is_domain_introduced(d->h, d->id))
			continue;
		snprintf(d->dir, sizeof(d->dir), "/local/domain/%u", d->id);
		print_domain(d);
	}
	free(v);
}

static void list_devices(struct domain *d, const char *class)
{
	unsigned n = 0;
	char path[DOMAIN_PATH], **v;

	snprintf(path, sizeof(path), "/local/domain/0/backend/%s/%u", class,
		 d->id);
	v = xs_directory(d->h, XBT_NULL, path, &n);
	for (unsigned i = 0; v && i < n; i++) {
		char *state = domain_read(d, "%s/%s/state", path, v[i]);
		char *type = domain_read(d, "%s/%s/device-type", path, v[i]);
		char *bus = domain_read(d, "%s/%s/bus", path, v[i]);
		char *params = domain_read(d, "%s/%s/params", path, v[i]);

		if (!type)
			type = domain_read(d, "%s/%s/type", path, v[i]);
		if (!params)
			params = domain_read(d, "%s/%s/mac", path, v[i]);

		printf("%-6s %3s %-10s %-8s %-7s %s\n", class, v[i],
		       state && !strcmp(state, "4") ? "connected" :
		       state && !strcmp(state, "6") ? "closed" : "changing",
		       type ? type : "-", bus ? bus : "-",
		       params && *params ? params : "-");
		free(state);
		free(type);
		free(bus);
		free(params);
	}
	free(v);
}

static int list_one(const char *who)
{
	struct domain d;
	unsigned n = 0;
	char **v;

	domain_open(&d, "list", who);
	printf("%-6s %3s %-10s %-8s %-7s %s\n", "CLASS", "N", "STATE", "TYPE",
	       "BUS", "WHAT");
	v = xs_directory(d.h, XBT_NULL, "/local/domain/0/backend", &n);
	for (unsigned i = 0; v && i < n; i++)
		list_devices(&d, v[i]);
	free(v);
	domain_close(&d);
	return 0;
}

int cmd_list(int argc, char **argv)
{
	struct domain d = { .command = "list" };

	if (argc > 1 || (argc && *argv[0] == '-'))
		die("list: takes a machine's name or number, or nothing");
	if (argc)
		return list_one(argv[0]);
	printf("%5s", "ID");
	for (unsigned i = 0; i < ARRAY_SIZE(columns); i++)
		printf(" %*s", columns[i].width, columns[i].title);
	putchar('\n');
	d.h = domain_store();
	if (d.h)
		list_domains(&d);
	xs_close(d.h);
	return 0;
}
