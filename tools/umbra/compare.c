// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * umbra compare: hand over to tools/compare/compare.py, which drives child
 * processes (umbra run, QEMU) and has the statistics.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/umbra/cmd.h"

#define SCRIPT	"tools/compare/compare.py"

/*
 * The script belongs to the source tree, the program to a build directory in
 * it; UMBRA_SOURCE names a tree elsewhere.  Also the default for the directory
 * that the programs of the guests are in.
 */
static void find(char *script, char *build)
{
	char self[PATH_MAX];
	const char *source = getenv("UMBRA_SOURCE");
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n < 0)
		die("/proc/self/exe: %s", strerror(errno));
	self[n] = '\0';
	slash = strrchr(self, '/');
	*slash = '\0';
	if (snprintf(build, PATH_MAX, "%s", self) >= PATH_MAX)
		die("compare: %s: name too long", self);
	n = source ? snprintf(script, PATH_MAX, "%s/" SCRIPT, source)
		   : snprintf(script, PATH_MAX, "%s/../" SCRIPT, self);
	if (n >= PATH_MAX)
		die("compare: %s: name too long", self);
}

int cmd_compare(int argc, char **argv)
{
	char script[PATH_MAX], build[PATH_MAX];
	char **args = calloc(argc + 3, sizeof(*args));

	if (!args)
		die("out of memory");
	find(script, build);
	if (access(script, R_OK))
		die("%s: %s (set UMBRA_SOURCE to Umbra's source tree)",
		    script, strerror(errno));
	setenv("UMBRA_BUILD", build, 0);
	args[0] = "python3";
	args[1] = script;
	memcpy(args + 2, argv, argc * sizeof(*args));
	execvp(args[0], args);
	die("python3: %s (umbra compare needs it)", strerror(errno));
}
