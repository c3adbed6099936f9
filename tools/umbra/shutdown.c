// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * umbra shutdown and umbra balloon: wishes for a whole machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/types.h"
#include "tools/lib/options.h"
#include "tools/umbra/cmd.h"
#include "tools/umbra/domain.h"

static const struct {
	const char *option, *wish;
} kinds[] = {
	{ "--poweroff", "poweroff" },
	{ "--reboot", "reboot" },
	{ "--halt", "halt" },
};

/* The wish was taken. */
static bool is_taken(struct domain *d, void *opaque)
{
	char *v = domain_read(d, "%s/control/shutdown", d->dir);
	bool taken = !v || !*v;

	free(v);
	return taken;
}

static bool is_gone(struct domain *d, void *opaque)
{
	return !xs_is_domain_introduced(d->h, d->id);
}

static void wish_for(struct domain *d, const char *wish, unsigned seconds)
{
	struct domain_node node = { .value = wish };

	snprintf(node.path, sizeof(node.path), "%s/control/shutdown", d->dir);
	domain_write(d, &node, 1, NULL, NULL);
	if (!domain_wait(d, node.path, seconds, is_taken, NULL))
		die("shutdown: the machine has not heard of it in %u seconds",
		    seconds);
}

int cmd_shutdown(int argc, char **argv)
{
	const char *wish = "poweroff", *who = NULL;
	unsigned seconds = DOMAIN_TIMEOUT;
	bool wait = true;
	struct domain d;

	while (argc) {
		unsigned k = 0;

		domain_timeout(&argc, &argv, "shutdown", &seconds);
		if (!argc)
			break;
		while (k < ARRAY_SIZE(kinds) && strcmp(argv[0],
						       kinds[k].option))
			k++;
		if (k < ARRAY_SIZE(kinds))
			wish = kinds[k].wish;
		else if (!strcmp(argv[0], "--no-wait"))
			wait = false;
		else if (*argv[0] == '-' || who)
			die("shutdown: %s: unexpected (umbra shutdown "
			    "[--reboot|--halt] [--no-wait] [--timeout "
			    "SECONDS] MACHINE)", argv[0]);
		else
			who = argv[0];
		argc--;
		argv++;
	}
	if (!who)
		die("shutdown: which machine? (see umbra list)");
	domain_open(&d, "shutdown", who);
	wish_for(&d, wish, seconds);
	if (wait && strcmp(wish, "reboot") &&
	    !domain_wait(&d, "@releaseDomain", seconds, is_gone, NULL))
		die("shutdown: %s: still runs after %u seconds (--halt does "
		    "not ask the guest)", who, seconds);
	domain_close(&d);
	return 0;
}

struct balloon {
	uint64_t kib;
	bool refused;
};

static bool has_answered(struct domain *d, void *opaque)
{
	struct balloon *b = opaque;
	char *status = domain_read(d, "%s/memory/status", d->dir);
	char *actual = domain_read(d, "%s/memory/actual", d->dir);
	bool ok = status && !strcmp(status, "ok");
	bool ready;

	b->refused = status && !ok && strcmp(status, "pending");
	if (b->refused)
		fprintf(stderr, "umbra: balloon: %s\n", status);
	ready = b->refused ||
		(ok && actual && strtoull(actual, NULL, 10) == b->kib);
	free(status);
	free(actual);
	return ready;
}

int cmd_balloon(int argc, char **argv)
{
	unsigned seconds = DOMAIN_TIMEOUT;
	struct domain_node nodes[2] = { { .value = "pending" } };
	struct balloon b = { 0 };
	char text[24], path[DOMAIN_PATH];
	struct domain d;
	uint64_t bytes;

	domain_timeout(&argc, &argv, "balloon", &seconds);
	if (argc != 2)
		die("balloon: umbra balloon [--timeout SECONDS] MACHINE SIZE");
	if (size_parse(argv[1], MIB, &bytes) || bytes % PAGE_SIZE)
		die("balloon: %s: not an amount of memory (such as 256M)",
		    argv[1]);
	domain_open(&d, "balloon", argv[0]);
	b.kib = bytes / KIB;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)b.kib);
	snprintf(nodes[0].path, DOMAIN_PATH, "%s/memory/status", d.dir);
	snprintf(nodes[1].path, DOMAIN_PATH, "%s/memory/target", d.dir);
	nodes[1].value = text;
	domain_write(&d, nodes, 2, NULL, NULL);
	snprintf(path, sizeof(path), "%s/memory", d.dir);
	if (!domain_wait(&d, path, seconds, has_answered, &b))
		die("balloon: the guest has not got there in %u seconds",
		    seconds);
	domain_close(&d);
	return b.refused ? STATUS_ERROR : 0;
}
