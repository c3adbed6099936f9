/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's screen: its display, the VGA's ROM, the picture at the end. */
#ifndef TOOLS_UMBRA_SCREEN_H
#define TOOLS_UMBRA_SCREEN_H

#include <stdio.h>

#include "hypervisor/vga.h"

struct run_config;

struct screen {
	struct display *display;	/* NULL: the machine has none */
	struct vga_backend vga;		/* for the "VGA" device */
	void *rom;
	FILE *dump;			/* --screendump, or NULL */
	const char *dump_name;
};

/*
 * From --vga and --screendump.  Returns 0, or a negative errno with one line in
 * @err; screen_close() after a failure, too.
 */
int screen_open(struct screen *s, const struct run_config *c, char *err,
		size_t err_len);
/*
 * Write the screen to @out in the format that @name ends in: .txt its text, .ppm
 * or else PNG its picture.  Returns 0 or as display_write_*(), of which
 * screen_problem() says what it means.
 */
int screen_write(struct screen *s, const char *name, FILE *out);
const char *screen_problem(int code);
/* Write the screendump, if one was asked for.  The VM must still be there. */
void screen_dump(struct screen *s, FILE *log);
void screen_close(struct screen *s);

#endif
