// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The umbra command: find the subcommand, call it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hypervisor/types.h"
#include "tools/umbra/cmd.h"
#include "tools/umbra/version.h"

static const struct command {
	const char *name;
	int (*fn)(int argc, char **argv);
} commands[] = {
#define CMD(name, args, help) { #name, cmd_##name },
#include "tools/umbra/cmd.def"
#undef CMD
	/* What people type. */
	{ "--version", cmd_version },
	{ "--help", cmd_help },
	{ "-h", cmd_help },
};

void die(const char *fmt, ...)
{
	va_list ap;

	fputs("umbra: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(STATUS_ERROR);
}

int cmd_version(int argc, char **argv)
{
	printf("umbra %s\n", UMBRA_VERSION);
	return 0;
}

int cmd_help(int argc, char **argv)
{
	if (argc == 1 && !strcmp(argv[0], "man"))
		man_page(stdout);
	else if (argc)
		die("help: %s: no such topic (man is one)", argv[0]);
	else
		usage(stdout);
	return 0;
}

/*
 * Descriptors 0 to 2 exist, so that no file of ours takes one of these
 * numbers and is mistaken for a standard stream.
 */
static void open_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	open_standard_streams();
	/* A reader that goes away is an error of write(), not the end. */
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		usage(stderr);
		return STATUS_ERROR;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].fn(argc - 2, argv + 2);
	die("%s: no such command (see umbra help)", argv[1]);
}
