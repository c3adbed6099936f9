/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the attendant's process; one thread.
 */
#ifndef BACKENDS_XENSTORE_ATTENDANT_PRIV_H
#define BACKENDS_XENSTORE_ATTENDANT_PRIV_H

#include <stdbool.h>

#include "backends/xenstore/attendant.h"
#include "backends/xenstore/include/xenstore.h"

struct parcel;

#define PATH_ROOM	512

/* XenbusState (Xen public/io/xenbus.h). */
enum xenbus_state {
	XENBUS_INITIALISING = 1, XENBUS_INIT_WAIT, XENBUS_INITIALISED,
	XENBUS_CONNECTED, XENBUS_CLOSING, XENBUS_CLOSED,
};

/* Something that is said again to a new daemon. */
struct said {
	struct said *next;
	char *value;
	char path[];		/* relative to the domain's directory */
};

enum device_status { DEVICE_ATTACHING, DEVICE_CONNECTED, DEVICE_DETACHING,
		     DEVICE_CHANGING };

struct att_device {
	struct att_device *next;
	enum device_status status;
	char class[32];
	unsigned n;
	char *params;		/* the medium that the VM has; never NULL */
	char *wanted;		/* DEVICE_CHANGING: the one it shall have */
	/* "key=value" strings as they were when it was attached. */
	char **keys;
	unsigned nkeys;
};

struct att {
	const struct attendant_config *cfg;
	struct attendant info;	/* fd: ours */
	int vm_pid;
	struct xs_handle *h;	/* NULL: no store at the moment */
	char dir[40];		/* /local/domain/ID */
	struct said *said;
	unsigned nsaid;
	struct att_device *devices;
};

/* Is the VM gone, or the message too long for it?  Both end the attendant. */
void att_send(struct att *a, const struct parcel *p);
void att_note(struct att *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* attendant_register.c: returns 0, or a negative errno with @err. */
int att_register(struct att *a, char *err);
/* Set a node by its absolute path; false: no store any more, or no room. */
bool att_write(struct att *a, const char *path, const char *value);
/* A value, or NULL; free() it. */
char *att_read(struct att *a, const char *path);

/* attendant_device.c */
/* An event at @path, in or above the backends' directory. */
void att_device_event(struct att *a, const char *path);
/* The VM has finished: CLASS N RET TEXT. */
void att_device_done(struct att *a, const struct parcel *p);
/* The VM has had one from the start: CLASS N KEY=VALUE... */
void att_device_publish(struct att *a, const struct parcel *p);
/* Write them all to a new store. */
void att_device_rewrite(struct att *a);

#endif
