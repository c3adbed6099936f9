// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * umbra xenstored: the store's daemon.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/xenstore/daemon.h"
#include "backends/xenstore/include/xenstore.h"
#include "hypervisor/types.h"
#include "tools/umbra/cmd.h"

/* Seconds that a store without clients and nodes waits for the next one. */
#define IDLE_SECONDS	10

struct options {
	bool foreground, stop, env, verbose;
	const char *socket, *idle, *ready_fd;
};

static const struct {
	const char *name, *arg, *help;
	size_t offset;
} table[] = {
	{ "--foreground", NULL, "stay in the terminal, messages go there",
	  offsetof(struct options, foreground) },
	{ "--verbose", NULL, "log every request",
	  offsetof(struct options, verbose) },
	{ "--stop", NULL, "end the daemon that runs",
	  offsetof(struct options, stop) },
	{ "--env", NULL, "print what a shell must set for Xen's own programs",
	  offsetof(struct options, env) },
	{ "--idle", "SECONDS", "end when there was no client and no node for "
	  "so long (10; 0: never)", offsetof(struct options, idle) },
	{ "--socket", "PATH", "serve this socket, not the one of the "
	  "environment", offsetof(struct options, socket) },
	/* Between xsd_start() and the daemon. */
	{ "--ready-fd", "FD", NULL, offsetof(struct options, ready_fd) },
};

static void usage_xenstored(FILE *out)
{
	fputs("usage: umbra xenstored [OPTIONS]\n\n"
	      "The store that VMs and tools meet in.  It is started when it "
	      "is needed.\n\n", out);
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].help)
			fprintf(out, "  %-13s %-8s %s\n", table[i].name,
				table[i].arg ? table[i].arg : "",
				table[i].help);
	fputs("\nThe socket is $XENSTORED_PATH, else socket in "
	      "$XENSTORED_RUNDIR, else in\n$XDG_RUNTIME_DIR/umbra.\n", out);
}

static void parse(struct options *o, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		unsigned t = 0;
		void *field;

		while (t < ARRAY_SIZE(table) && strcmp(argv[i], table[t].name))
			t++;
		if (t == ARRAY_SIZE(table))
			die("xenstored: %s: unknown option (see umbra "
			    "xenstored --help)", argv[i]);
		field = (char *)o + table[t].offset;
		if (!table[t].arg)
			*(bool *)field = true;
		else if (++i < argc)
			*(const char **)field = argv[i];
		else
			die("xenstored: %s: needs a value (%s)",
			    table[t].name, table[t].arg);
	}
}

static unsigned parse_unsigned(const char *what, const char *text)
{
	char *end;
	unsigned long val;

	errno = 0;
	val = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || val > INT_MAX)
		die("xenstored: %s %s: not a number", what, text);
	return val;
}

static int stop(void)
{
	struct xs_handle *h = xs_open(0);
	char *answer;

	if (!h)
		die("xenstored: %s: %s (none runs)", xs_daemon_socket(),
		    strerror(errno));
	answer = xs_control_command(h, "stop", NULL, 0);
	if (!answer)
		die("xenstored: --stop: %s", strerror(errno));
	free(answer);
	xs_close(h);
	return 0;
}

static int serve(const struct options *o, const char *socket)
{
	struct xsd_daemon_config cfg = {
		.socket = socket,
		.idle = o->idle ? parse_unsigned("--idle", o->idle) :
			IDLE_SECONDS,
		.log = stderr,
		.log_requests = o->verbose,
		.ready_fd = o->ready_fd ?
			(int)parse_unsigned("--ready-fd", o->ready_fd) : -1,
	};
	char err[XSD_ERR_LEN];

	if (xsd_daemon_run(&cfg, err))
		die("xenstored: %s", err);
	return 0;
}

int cmd_xenstored(int argc, char **argv)
{
	struct options o = { 0 };
	char path[PATH_MAX], err[XSD_ERR_LEN];

	if (argc == 1 && !strcmp(argv[0], "--help")) {
		usage_xenstored(stdout);
		return 0;
	}
	parse(&o, argc, argv);
	if (o.socket)
		setenv("XENSTORED_PATH", o.socket, 1);
	if (o.stop)
		return stop();
	if (xsd_socket_path(path, sizeof(path), err))
		die("xenstored: %s", err);
	if (o.env) {
		printf("XENSTORED_PATH='%s'; export XENSTORED_PATH\n", path);
		return 0;
	}
	if (o.foreground || o.ready_fd)
		return serve(&o, path);
	if (xsd_start(NULL, err))
		die("xenstored: %s", err);
	return 0;
}
