/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's machine protocol, the part of it that means something here: commands
 * and events have QEMU's names and fields (QEMU QMP Reference Manual).
 */
#ifndef TOOLS_LIB_QMP_H
#define TOOLS_LIB_QMP_H

#include <stddef.h>

struct loop;
struct monitor;
struct qmp;

/*
 * Serve on @spec (stream_listen()), four clients at most.  @m is kept.
 * Returns 0, or a negative errno with one line in @err; -ENOTSUP when built
 * without jansson.
 */
int qmp_create(struct qmp **out, struct monitor *m, struct loop *loop,
	       const char *spec, char *err, size_t err_len);
/* Tell clients that the machine is down, and leave.  NULL is fine. */
void qmp_destroy(struct qmp *q);

#endif
