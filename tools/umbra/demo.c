// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * umbra demo: the guest of tools/demo, which is part of this program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lib/options.h"
#include "tools/umbra/cmd.h"

/* blob.S */
extern const unsigned char demo_image[], demo_image_end[];

static void usage_demo(FILE *out)
{
	fputs("usage: umbra demo [OPTIONS]\n\n"
	      "Options as for umbra run, without --kernel, --initrd and "
	      "--append.\n", out);
}

int cmd_demo(int argc, char **argv)
{
	static struct run_config c;
	static char err[OPTIONS_ERR_LEN];
	int status;

	if (options_parse(&c, argc, argv, err))
		die("%s", err);
	if (run_help(&c, usage_demo))
		return 0;
	if (c.kernel || c.initrds.n || c.cmdline)
		die("demo: brings its own kernel (umbra run takes --kernel)");
	c.kernel = strdup("demo");
	if (!c.kernel || options_finish(&c, err))
		die("%s", c.kernel ? err : "out of memory");
	status = run_machine(&c, demo_image, demo_image_end - demo_image);
	run_config_fini(&c);
	return status;
}
