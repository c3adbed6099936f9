/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A running machine's place in the xenstore: its attendant, its link, and
 * the disks as devices that come and go (backends/xenstore/README.md).
 */
#ifndef TOOLS_UMBRA_STORE_H
#define TOOLS_UMBRA_STORE_H

#include <stdio.h>

#include "backends/xenstore/attendant.h"

struct char_backend;
struct device_list;
struct hotplug;
struct link;
struct loop;
struct monitor;
struct run_config;
struct vm;

struct store {
	bool registered;
	struct attendant who;
	struct hotplug *hotplug;
	struct link *link;
	struct loop *loop;
	struct vm *vm;
	FILE *log;
	const struct run_config *c;
	struct device_list *devices;
};

/*
 * Register the machine that @c describes.  While the process has one thread.
 * Ends the program if the user asked for it (--name, --xenstore on) and it
 * cannot be; otherwise says so on @log, and the machine runs without.
 */
void store_register(struct store *s, const struct run_config *c,
		    const char *engine, FILE *log);
/* The loop is there.  Makes s->hotplug, which the VM gets. */
void store_connect(struct store *s, struct loop *loop,
		   struct device_list *devices);
/*
 * The VM is there: publish it, and from now on when @m stops it and lets it go
 * on.  @serial: RUN_SERIAL_MAX backends or NULL.
 */
void store_publish(struct store *s, struct vm *vm,
		   struct char_backend *const *serial, struct monitor *m);
/* After the VM is gone; the domain goes from the store. */
void store_close(struct store *s);

/* vbd.c: the class of disks.  Returns 0 or a negative errno. */
int vbd_init(struct store *s);
/* What was in PCI slot @slot is gone. */
void vbd_gone(struct store *s, unsigned slot);
void vbd_close(void);
/* vif.c: the same of network cards. */
int vif_init(struct store *s);
void vif_gone(struct store *s, unsigned slot);
void vif_close(void);
void vif_publish(struct store *s);
/* Publish the drives that the machine has from the start. */
void vbd_publish(struct store *s);

#endif
