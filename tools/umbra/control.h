/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ways to look into a running machine and to tell it things: gdb, the
 * monitor and QMP on sockets.
 */
#ifndef TOOLS_UMBRA_CONTROL_H
#define TOOLS_UMBRA_CONTROL_H

#include <stddef.h>
#include <stdio.h>

struct debugger;
struct device_list;
struct hotplug;
struct loop;
struct monitor;
struct monitor_server;
struct qmp;
struct run_config;
struct vnc;

struct control {
	struct debugger *debugger;
	struct monitor_server *monitor;
	struct qmp *qmp;
	struct vnc *vnc;
	struct text_screen *text_screen;
	struct file_agent *files;	/* the caller's, or NULL */
	char *vnc_listen, *vnc_password;
};

/*
 * Open what @c asks for; @k all zeros but for files.  Main thread, lock held, before the VM
 * runs.  Returns 0, or a negative errno with one line in @err.
 */
int control_open(struct control *k, const struct run_config *c,
		 struct monitor *m, struct device_list *devices,
		 struct hotplug *hotplug,
		 struct loop *loop, FILE *log, char *err, size_t err_len);
/* The machine ended with @status; the loop does not run any more. */
void control_close(struct control *k, int status);

#endif
