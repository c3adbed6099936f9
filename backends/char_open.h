/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making character backends from what the user wrote.
 */
#ifndef BACKENDS_CHAR_OPEN_H
#define BACKENDS_CHAR_OPEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct char_backend;
struct loop;

/* Ctrl-A begins a command to us in the terminal's input. */
#define CHAR_ESCAPE	0x01
/* Sent when standard input ends: what a user would type (Ctrl-D). */
#define CHAR_EOT	0x04

/*
 * What the owner of the terminal wants to hear.  Loop thread, lock held.
 */
struct char_stdio_hooks {
	void *opaque;
	/* Ctrl-A and then @key, which is not Ctrl-A. */
	void (*escape)(void *opaque, uint8_t key);
	/* Input while char_stdio_divert() is on. */
	void (*diverted)(void *opaque, const uint8_t *buf, size_t len);
};

struct char_open_args {
	struct loop *loop;
	FILE *log;		/* where a pty's name and write errors go */
	const struct char_stdio_hooks *hooks;	/* kept; NULL: no escapes */
};

/*
 * Make a backend from @spec: "stdio", "file:PATH", "unix:PATH", "pty" or "null".
 * Main thread, before loop_run().  Returns 0, or a negative errno with one
 * line in @err (@errlen bytes).
 */
int char_open(struct char_backend **out, const char *spec,
	      const struct char_open_args *args, char *err, size_t errlen);

/* As char_open() would accept it, without opening anything. */
bool char_spec_valid(const char *spec);

/* Send the terminal's input to hooks->diverted, or to the guest again. */
void char_stdio_divert(struct char_backend *b, bool on);

/* One constructor for each kind; @arg is what follows the colon. */
int char_null_open(struct char_backend **out, const char *arg,
		   const struct char_open_args *args);
int char_file_open(struct char_backend **out, const char *arg,
		   const struct char_open_args *args);
int char_unix_open(struct char_backend **out, const char *arg,
		   const struct char_open_args *args);
int char_pty_open(struct char_backend **out, const char *arg,
		  const struct char_open_args *args);
/* -EBUSY if there is one already: a process has one terminal. */
int char_stdio_open(struct char_backend **out, const char *arg,
		    const struct char_open_args *args);

#endif
