/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The subcommands.  Each takes the arguments behind its name and returns the
 * exit status of the process.
 */
#ifndef TOOLS_UMBRA_CMD_H
#define TOOLS_UMBRA_CMD_H

#include <stddef.h>
#include <stdbool.h>
#include <stdio.h>

/* Status of start-up errors, see hypervisor/stop.def for all others. */
#define STATUS_ERROR	1

#define CMD(name, args, help) int cmd_##name(int argc, char **argv);
#include "tools/umbra/cmd.def"
#undef CMD

/* One line "umbra: OBJECT: cause (next step)" on stderr; exits with 1. */
void die(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));

void usage(FILE *out);
void usage_run(FILE *out);
/* The manual page, roff. */
void man_page(FILE *out);

struct run_config;

/*
 * Print the help that the command line asked for, if any (@usage: for --help),
 * and free @c then.
 */
bool run_help(struct run_config *c, void (*usage)(FILE *out));

/*
 * Build the machine that @c describes, run it, take it apart.  @kernel: an
 * embedded image of @len bytes instead of the file c->kernel, or NULL.
 */
int run_machine(const struct run_config *c, const void *kernel, size_t len);

#endif
