/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM's attendant: a process beside the confined one, which stands for the VM
 * in the store.  It registers the domain, publishes what the VM says of
 * itself, watches for wishes (README.md), opens the files that they name, and
 * passes them on.  The VM can ask it for nothing but to publish text below its
 * own directory; files are opened because the store names them, and only the
 * user's own programs write there.
 *
 * When the VM's process ends, however it ends, so does the attendant, and
 * with its connection the domain in the store.  When the store's daemon
 * ends, the attendant starts another and registers the domain again.
 */
#ifndef BACKENDS_XENSTORE_ATTENDANT_H
#define BACKENDS_XENSTORE_ATTENDANT_H

#include <stdint.h>

#include "backends/xenstore/daemon.h"	/* XSD_ERR_LEN */

#define ATTENDANT_NAME_MAX	64
#define ATTENDANT_UUID_LEN	36

struct attendant_config {
	const char *name;	/* NULL: vmDOMID */
	const char *engine;
	uint64_t ram_size;	/* bytes */
	unsigned vcpus;
};

struct attendant {
	int fd;			/* the VM's end (link.h) */
	unsigned domid;
	char name[ATTENDANT_NAME_MAX + 1];
	char uuid[ATTENDANT_UUID_LEN + 1];
};

/*
 * Start the attendant and wait until the domain is registered (15 s at most).
 * The process has one thread so far.  Returns 0, or a negative errno with one
 * line in @err (XSD_ERR_LEN bytes): -EEXIST for a name that is in use.
 */
int attendant_start(struct attendant *out, const struct attendant_config *cfg,
		    char *err);

/* Letters, digits and ._- , not a number, 1 to ATTENDANT_NAME_MAX bytes. */
bool attendant_name_valid(const char *name);

#endif
