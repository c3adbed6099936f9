/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's life: its socket, one daemon for each, started by whoever
 * needs it first and gone when nobody does.
 *
 * SOCKET.lock is held by the daemon that serves SOCKET, for as long as it
 * lives.  SOCKET.start is held by whoever starts one, and by a daemon while it
 * decides to end:
 *
 *	client	connect fails; lock .start; connect again; still nobody: run
 *		a daemon, wait until it listens; unlock .start
 *	daemon	nothing to do; lock .start; take the socket's name away; has
 *		somebody connected before that: give it back; else end
 *
 * so a client never finds a daemon that goes away before it serves, and
 * never starts two.  A killed daemon leaves a socket that nobody listens on:
 * connect() fails, and the next daemon, who holds .lock, replaces it.
 */
#ifndef BACKENDS_XENSTORE_DAEMON_H
#define BACKENDS_XENSTORE_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define XSD_ERR_LEN	4608	/* a path fits */

struct xsd_daemon_config {
	const char *socket;	/* absolute path */
	unsigned idle;		/* s without clients and nodes; 0: stay */
	FILE *log;
	bool log_requests;
	int ready_fd;		/* gets one byte when clients may come; or -1 */
};

/*
 * Serve until SIGTERM or SIGINT, the control command `stop', or idleness.
 * Main thread, which has no other.  Returns 0, or a negative errno with one
 * line in @err (XSD_ERR_LEN bytes): -EBUSY where a daemon serves already.
 */
int xsd_daemon_run(const struct xsd_daemon_config *cfg, char *err);

/*
 * See that a daemon serves the user's socket (xs_daemon_socket()): start
 * @program (NULL: this one) `xenstored' if none does.  Waits for it, ten
 * seconds at most.  Returns 0, or a negative errno with one line in @err.
 */
int xsd_start(const char *program, char *err);

/*
 * The socket's absolute path, in @len bytes; its directory is made if it is
 * not there, and must be safe: nobody else may replace what is in it.
 * Returns 0, or a negative errno with one line in @err.
 */
int xsd_socket_path(char *out, size_t len, char *err);

#endif
