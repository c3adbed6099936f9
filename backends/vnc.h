/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VNC server for a display: RFB 3.3, 3.7 and 3.8 (RFC 6143).
 */
#ifndef BACKENDS_VNC_H
#define BACKENDS_VNC_H

#include <stddef.h>
#include <stdio.h>

#include "backends/keys.h"

struct display;
struct loop;
struct vnc;

struct vnc_config {
	struct loop *loop;
	struct display *display;
	const char *listen;	/* as stream_listen() takes it */
	const char *password;	/* 8 characters count; NULL: none is asked */
	const char *name;	/* of the desktop */
	const struct input_ops *input;
	void *input_opaque;
};

/*
 * Main thread, before the sandbox.  Strings are kept by reference.
 * Returns 0, or a negative errno with one line in @err (@err_len bytes).
 */
int vnc_create(struct vnc **out, const struct vnc_config *cfg, char *err,
	       size_t err_len);
void vnc_destroy(struct vnc *v);
/* The TCP port, or 0. */
unsigned vnc_port(const struct vnc *v);

#endif
