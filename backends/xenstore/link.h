/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VM's end of its place in the store.  The VM itself, which is confined,
 * never talks to the store: its attendant does (attendant.h), and tells it
 * what is wanted.  README.md in this directory has the protocol of the nodes.
 */
#ifndef BACKENDS_XENSTORE_LINK_H
#define BACKENDS_XENSTORE_LINK_H

#include <stdint.h>
#include <stdio.h>

struct hotplug;
struct link;
struct loop;

/* Requests for the whole machine: values of control/shutdown. */
enum link_control { LINK_POWEROFF, LINK_REBOOT, LINK_HALT };

struct link_config {
	int fd;			/* from attendant_start(); the link's now */
	struct loop *loop;
	FILE *log;
	struct hotplug *hotplug;
	/* Loop callback (lock held). */
	void (*control)(void *opaque, enum link_control what);
	void *opaque;
};

/* Main thread, before the loop runs.  Returns 0 or a negative errno. */
int link_create(struct link **out, const struct link_config *cfg);
/* NULL is fine.  The attendant ends, and with it the domain in the store. */
void link_destroy(struct link *l);

/*
 * Publish @value at @path, relative to the domain's directory
 * ("console/tty").  Lock held, or before the loop runs.
 */
void link_publish(struct link *l, const char *path, const char *value);
/*
 * A device that is there from the start, with its "key=value" strings (NULL
 * at the end), as `umbra attach' would have written them.
 */
void link_publish_device(struct link *l, const char *class, unsigned n,
			 const char *const *keys);

#endif
