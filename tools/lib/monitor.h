/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user's side of a running VM: what Ctrl-A does in the terminal, and the
 * small monitor behind Ctrl-A c.
 */
#ifndef TOOLS_LIB_MONITOR_H
#define TOOLS_LIB_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "backends/char_open.h"

struct char_backend;
struct vm;

#define MONITOR_LINE	256

/* Zeroed, then vm (and, for a terminal, tty) filled in by the owner. */
struct monitor {
	struct vm *vm;
	struct char_backend *tty;	/* where to print; NULL: nowhere */
	bool open;			/* input goes to the monitor */
	bool paused;			/* `stop' was given */
	char line[MONITOR_LINE];
	unsigned len;
};

/*
 * Run one command line; its output goes to @out.  Loop callback (lock held).
 * Unknown commands and arguments say so.
 */
void monitor_command(struct monitor *m, const char *line, FILE *out);

/* struct char_stdio_hooks: opaque is the struct monitor. */
void monitor_escape(void *opaque, uint8_t key);
void monitor_input(void *opaque, const uint8_t *buf, size_t len);

/* The tables, for --help and the man page. */
void monitor_help(FILE *out);
void monitor_roff(FILE *out);
void monitor_keys_help(FILE *out);

#endif
