/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Character backends: the host-facing half of serial ports and consoles.
 *
 * A front-end writes to a backend and registers one receiver for input.  All
 * calls in both directions are made with the loop's lock held (loop.h), from
 * the vCPU thread or the loop's thread; neither side may block.
 */
#ifndef BACKENDS_CHAR_H
#define BACKENDS_CHAR_H

#include <stddef.h>
#include <stdint.h>

struct char_backend;

/* What a front-end offers to its backend. */
struct char_receiver {
	/* How many bytes receive() would take now; 0: hold the input back. */
	size_t (*room)(void *opaque);
	/* @len bytes of input, 1 .. room(). */
	void (*receive)(void *opaque, const uint8_t *buf, size_t len);
	/* The other side sent a break (may be NULL). */
	void (*line_break)(void *opaque);
};

struct char_ops {
	const char *name;	/* "stdio", "file", "pty", "null" */
	/*
	 * Send @len bytes.  Returns how many were taken, 0 .. @len; the rest
	 * is the front-end's to drop or to retry.  Called once per guest
	 * store, often with one byte: buffer, and send from the loop.
	 */
	size_t (*write)(struct char_backend *b, const uint8_t *buf,
			size_t len);
	/*
	 * Start to deliver input to @r (NULL: stop).  Before the first call
	 * input stays in the host's buffers.
	 */
	void (*set_receiver)(struct char_backend *b,
			     const struct char_receiver *r, void *opaque);
	/* room() was 0 and is not any more: look for input again. */
	void (*resume_input)(struct char_backend *b);
	/*
	 * Send what is buffered before somebody else writes to the same
	 * place; waits for a slow reader, two seconds at most.  NULL: nothing
	 * is ever buffered.
	 */
	void (*flush)(struct char_backend *b);
	/*
	 * Where somebody can connect to: the name of the pty or socket.
	 * NULL: nowhere.
	 */
	const char *(*address)(const struct char_backend *b);
	/* Send what is buffered, restore the terminal, free @b. */
	void (*destroy)(struct char_backend *b);
};

/* The first member of every backend's own structure. */
struct char_backend {
	const struct char_ops *ops;
};

#endif
