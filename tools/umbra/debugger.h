/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gdb on a VM: the target behind tools/lib/gdb.h. */
#ifndef TOOLS_UMBRA_DEBUGGER_H
#define TOOLS_UMBRA_DEBUGGER_H

#include <stddef.h>
#include <stdio.h>

struct debugger;
struct loop;
struct monitor;

/*
 * Serve gdb on @spec (stream_listen()).  @m: its VM is the target; it says who
 * stopped it.  Both are kept.  Main thread, before the VM runs.
 * Returns 0, or a negative errno with one line in @err.
 */
int debugger_create(struct debugger **out, struct monitor *m,
		    struct loop *loop, const char *spec, FILE *log, char *err,
		    size_t err_len);
/* Tell the client that the machine ended with @status, and leave. */
void debugger_destroy(struct debugger *d, int status);

#endif
