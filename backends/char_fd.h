/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the backends over file descriptors share: an output ring that the loop
 * empties and an input queue that waits for the front-end's room.  Private to
 * backends/.
 */
#ifndef BACKENDS_CHAR_FD_H
#define BACKENDS_CHAR_FD_H

#include <stdbool.h>
#include <stdio.h>

#include "backends/char.h"

struct loop;

#define CHAR_RING	65536u		/* bytes of output, a power of two */
#define CHAR_QUEUE	4096u		/* bytes of input */

struct char_fd {
	struct char_backend base;
	struct loop *loop;
	FILE *log;
	const char *what;		/* for messages, kept by reference */
	/* Owned; -1: none.  Two numbers, even for one terminal. */
	int in, out;
	size_t chunk;			/* bytes that write() takes unblocked */

	uint8_t ring[CHAR_RING];
	unsigned head, used;
	bool dead;			/* output failed and was reported */

	uint8_t queue[CHAR_QUEUE];
	unsigned queued;
	bool eof;
	bool lossy;			/* read on when the queue is full */

	const struct char_receiver *receiver;
	void *opaque;
	/*
	 * Sees input first; returns how much of @buf is left for the guest,
	 * compacted.  NULL: all.
	 */
	size_t (*filter)(struct char_fd *f, uint8_t *buf, size_t len);
	/* Input ended (NULL: nothing to do). */
	void (*ended)(struct char_fd *f);
};

/*
 * Take over @in and @out (either may be -1) and watch them.  @f is zeroed by
 * the caller, which sets base.ops.  Returns 0 or a negative errno; the
 * descriptors are then still the caller's.
 */
int char_fd_init(struct char_fd *f, struct loop *l, FILE *log,
		 const char *what, int in, int out);
/* Send what is buffered (two seconds at most), stop watching, close. */
void char_fd_fini(struct char_fd *f);

size_t char_fd_write(struct char_backend *b, const uint8_t *buf, size_t len);
void char_fd_set_receiver(struct char_backend *b,
			  const struct char_receiver *r, void *opaque);
void char_fd_resume_input(struct char_backend *b);
void char_fd_flush(struct char_backend *b);

/* Queue input for the guest as if it had been read; drops what is too much. */
void char_fd_inject(struct char_fd *f, const uint8_t *buf, size_t len);

#endif
