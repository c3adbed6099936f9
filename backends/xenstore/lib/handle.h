/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection behind a struct xs_handle.
 */
#ifndef BACKENDS_XENSTORE_LIB_HANDLE_H
#define BACKENDS_XENSTORE_LIB_HANDLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "backends/xenstore/include/xen/io/xs_wire.h"

struct xs_message {
	struct xs_message *next;
	struct xsd_sockmsg head;
	char body[];		/* head.len bytes and a NUL */
};

struct xs_handle {
	int fd;
	bool is_socket;		/* else Xen's device */
	unsigned long flags;	/* of xs_open() */

	pthread_mutex_t request;	/* held for one request, answer too */

	pthread_mutex_t lock;	/* over what follows */
	pthread_cond_t changed;
	struct xs_message *answer;
	struct xs_message *events, **events_end;
	int ended;		/* errno that ended the connection, or 0 */
	int ready[2];		/* pipe of xs_fileno(): a byte while events
				 * are pending; -1 before */
	bool has_reader;
	pthread_t reader;
	int stop_reader[2];
};

/*
 * Send @n pieces as one request and wait for the answer, which the caller
 * frees.  NULL: errno is what the store answered, or says how the connection
 * ended.  Any thread.
 */
struct xs_message *xs_talk(struct xs_handle *h, uint32_t type, uint32_t tx_id,
			   const struct iovec *part, unsigned n);

/* From now on a thread of our own reads.  False: errno. */
bool xs_start_reader(struct xs_handle *h);

/* h->lock held: is the pipe as full as it must be? */
void xs_update_ready(struct xs_handle *h);

#endif
