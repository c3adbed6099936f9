// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/umbra/domain.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/umbra/cmd.h"

#define TRIES	1000

struct xs_handle *domain_store(void)
{
	struct xs_handle *h = xs_open(0);

	if (!h && errno != ENOENT && errno != ECONNREFUSED)
		die("%s: %s", xs_daemon_socket(), strerror(errno));
	return h;
}

static bool has_name(struct xs_handle *h, const char *id, const char *name)
{
	char path[DOMAIN_PATH], *v;
	bool yes;

	snprintf(path, sizeof(path), "/local/domain/%s/name", id);
	v = xs_read(h, XBT_NULL, path, NULL);
	yes = v && !strcmp(v, name);
	free(v);
	return yes;
}

/* 0: there is none. */
static unsigned find(struct xs_handle *h, const char *who)
{
	char *end;
	unsigned long id = strtoul(who, &end, 10);
	unsigned n = 0;
	char **v;

	if (*who && !*end)
		return id < INT_MAX && xs_is_domain_introduced(h, id) ? id : 0;
	id = 0;
	v = xs_directory(h, XBT_NULL, "/local/domain", &n);
	for (unsigned i = 0; v && i < n && !id; i++)
		if (has_name(h, v[i], who))
			id = strtoul(v[i], NULL, 10);
	free(v);
	return id;
}

void domain_open(struct domain *d, const char *command, const char *who)
{
	d->command = command;
	d->h = domain_store();
	d->id = d->h ? find(d->h, who) : 0;
	if (!d->id)
		die("%s: %s: no such machine (see umbra list)", command, who);
	snprintf(d->dir, sizeof(d->dir), "/local/domain/%u", d->id);
}

void domain_close(struct domain *d)
{
	xs_close(d->h);
}

char *domain_read(struct domain *d, const char *fmt, ...)
{
	char path[DOMAIN_PATH];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return xs_read(d->h, XBT_NULL, path, NULL);
}

/* True: done.  False: once more. */
static bool write_once(struct domain *d, const struct domain_node *nodes,
		       unsigned n, const char *(*check)(struct domain *d,
							xs_transaction_t t,
							void *opaque),
		       void *opaque)
{
	xs_transaction_t t = xs_transaction_start(d->h);
	const char *why = NULL;
	bool ok = t;

	if (ok && check)
		why = check(d, t, opaque);
	if (why) {
		xs_transaction_end(d->h, t, true);
		die("%s: %s", d->command, why);
	}
	for (unsigned i = 0; ok && i < n; i++)
		ok = xs_write(d->h, t, nodes[i].path, nodes[i].value,
			      strlen(nodes[i].value));
	if (ok && xs_transaction_end(d->h, t, false))
		return true;
	if (errno != EAGAIN)
		die("%s: the store: %s", d->command, strerror(errno));
	return false;
}

void domain_write(struct domain *d, const struct domain_node *nodes,
		  unsigned n, const char *(*check)(struct domain *d,
						   xs_transaction_t t,
						   void *opaque),
		  void *opaque)
{
	for (int i = 0; i < TRIES; i++)
		if (write_once(d, nodes, n, check, opaque))
			return;
	die("%s: the store is too busy", d->command);
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

static void drain_events(struct domain *d)
{
	char **v;

	while ((v = xs_check_watch(d->h)))
		free(v);
	if (errno != EAGAIN)
		die("%s: the store has gone", d->command);
}

bool domain_wait(struct domain *d, const char *path, unsigned seconds,
		 bool (*ready)(struct domain *d, void *opaque), void *opaque)
{
	long long end = now_ms() + seconds * 1000ll, left;

	if (!xs_watch(d->h, path, "wait"))
		die("%s: the store: %s", d->command, strerror(errno));
	while (!ready(d, opaque)) {
		struct pollfd p = { .fd = xs_fileno(d->h), .events = POLLIN };

		left = end - now_ms();
		if (left <= 0)
			return false;
		if (poll(&p, 1, left) > 0)
			drain_events(d);
	}
	xs_unwatch(d->h, path, "wait");
	return true;
}

void domain_timeout(int *argc, char ***argv, const char *command,
		    unsigned *seconds)
{
	char *end;
	long val;

	if (*argc < 1 || strcmp((*argv)[0], "--timeout"))
		return;
	if (*argc < 2)
		die("%s: --timeout: needs a value (SECONDS)", command);
	errno = 0;
	val = strtol((*argv)[1], &end, 10);
	if (errno || end == (*argv)[1] || *end || val < 0 || val > INT_MAX)
		die("%s: --timeout %s: not a number", command, (*argv)[1]);
	*seconds = val;
	*argc -= 2;
	*argv += 2;
}
