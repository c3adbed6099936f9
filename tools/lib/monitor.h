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

struct block_stats;
struct char_backend;
struct net_stats;
struct vm;

/* Somebody stopped the guest, or let it go on. */
typedef void monitor_change_fn(void *opaque, bool paused);
#define MONITOR_OBSERVERS	4

#define MONITOR_LINE	256

/* A drive, for "info block" and QMP. */
struct monitor_block {
	const char *bus;
	char name[32];
	const char *file, *format;	/* NULL: no medium */
	bool read_only, removable;
	uint64_t size;			/* bytes */
	const struct block_stats *stats;
};

/* Zeroed, then vm (and, for a terminal, tty) filled in by the owner. */
struct monitor {
	struct vm *vm;
	struct char_backend *tty;	/* where to print; NULL: nowhere */
	bool open;			/* input goes to the monitor */
	bool was_open;			/* ... or did; its reader's to clear */
	bool clear;			/* the terminal is full of something */
	bool paused;			/* one vm_pause() is ours */
	struct {
		monitor_change_fn *fn;
		void *opaque;
	} observers[MONITOR_OBSERVERS];
	unsigned nobservers;
	/* Drive and network @n from 0; false beyond the last.  May be NULL. */
	bool (*block)(unsigned n, struct monitor_block *b);
	bool (*net)(unsigned n, const char **kind,
		    const struct net_stats **stats);
	/*
	 * Put @file (NULL: nothing) into the drive called @name; or write the
	 * screen to @file.  Return 0, or a negative errno with one line in
	 * @err (MONITOR_LINE bytes).  May be NULL.
	 */
	int (*change)(const char *name, const char *file, bool force,
		      char *err);
	int (*screendump)(const char *file, char *err);
	char line[MONITOR_LINE];
	unsigned len;
};

/*
 * Run one command line; its output goes to @out.  Loop callback (lock held).
 * False: there is no such command, which the output says.
 */
bool monitor_command(struct monitor *m, const char *line, FILE *out);

/*
 * Stop the guest and its time; let it go on.  No effect if it is so already;
 * else the observers are called.  stopped: the caller has paused the VM (a
 * breakpoint), and the pause becomes the monitor's.  Loop callbacks.
 */
void monitor_stop(struct monitor *m);
void monitor_cont(struct monitor *m);
void monitor_stopped(struct monitor *m);
/* At most MONITOR_OBSERVERS; kept to the end. */
void monitor_observe(struct monitor *m, monitor_change_fn *fn, void *opaque);

/* struct char_stdio_hooks: opaque is the struct monitor. */
void monitor_escape(void *opaque, uint8_t key);
void monitor_input(void *opaque, const uint8_t *buf, size_t len);

/* The tables, for --help and the man page. */
void monitor_help(FILE *out);
void monitor_roff(FILE *out);
void monitor_keys_help(FILE *out);

#endif
