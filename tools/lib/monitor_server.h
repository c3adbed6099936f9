/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The monitor on a socket: a line in, its output and a prompt out. */
#ifndef TOOLS_LIB_MONITOR_SERVER_H
#define TOOLS_LIB_MONITOR_SERVER_H

#include <stddef.h>

struct loop;
struct monitor;
struct monitor_server;

/*
 * Serve on @spec (stream_listen()), four clients at most.  @m is kept.
 * Returns 0, or a negative errno with one line in @err.
 */
int monitor_server_create(struct monitor_server **out, struct monitor *m,
			  struct loop *loop, const char *spec, char *err,
			  size_t err_len);
void monitor_server_destroy(struct monitor_server *s);

#endif
