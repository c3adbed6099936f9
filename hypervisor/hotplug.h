/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices that come and go while the guest runs, as the machine sees it: the
 * device code offers classes, whoever hears the user's wishes (the xenstore's
 * link, a monitor) calls them.
 *
 * All functions: loop's lock held.  A class's functions are called by the
 * loop's thread; as all callbacks they must not block.
 */
#ifndef HYPERVISOR_HOTPLUG_H
#define HYPERVISOR_HOTPLUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOTPLUG_ERR_LEN		256
#define HOTPLUG_CLASSES_MAX	8
#define HOTPLUG_KEYS_MAX	32
#define HOTPLUG_FILES_MAX	16
#define HOTPLUG_DRIVES_MAX	32

struct hotplug;

/* What a device shall be.  Valid during the call alone. */
struct hotplug_args {
	unsigned n;		/* number of the device within its class */
	/* "key=value", as the backend's nodes are called; NULL at the end. */
	const char *keys[HOTPLUG_KEYS_MAX + 1];
	/*
	 * Files that the keys name, open, since a confined process cannot
	 * open them: backends/offer.h makes open calls find them.
	 */
	struct { const char *path; int fd; } files[HOTPLUG_FILES_MAX];
	unsigned nfiles;
};

/*
 * Each function returns 0, -EINPROGRESS (hotplug_done() follows: the guest has
 * to agree), or another negative errno with one line in @err
 * (HOTPLUG_ERR_LEN bytes).  NULL: not supported.
 */
struct hotplug_class {
	const char *name;	/* of the nodes: "vbd" disks, "vif" networks */
	/* Make a device; -EBUSY if there is no room for one. */
	int (*attach)(void *opaque, const struct hotplug_args *a, char *err);
	int (*detach)(void *opaque, unsigned n, char *err);
	/*
	 * Take the medium out (the key `params' is missing or empty) or put
	 * another one in.  -ENOTSUP for a device that has none.
	 */
	int (*media)(void *opaque, const struct hotplug_args *a, char *err);
};

/* A finished one; @text: the line of an error. */
typedef void hotplug_done_fn(void *opaque, const char *class, unsigned n,
			     int ret, const char *text);
/* Ask the guest to live with @bytes of memory.  Returns as above. */
typedef int hotplug_balloon_fn(void *opaque, uint64_t bytes, char *err);

/* NULL: no memory.  Main thread. */
struct hotplug *hotplug_new(void);
void hotplug_free(struct hotplug *h);
/* @c is kept.  Returns 0, -EEXIST, -ENOSPC. */
int hotplug_add(struct hotplug *h, const struct hotplug_class *c,
		void *opaque);
void hotplug_remove(struct hotplug *h, const struct hotplug_class *c);
void hotplug_set_balloon(struct hotplug *h, hotplug_balloon_fn *fn,
			 void *opaque);
bool hotplug_has_balloon(const struct hotplug *h);
void hotplug_on_done(struct hotplug *h, hotplug_done_fn *fn, void *opaque);

/*
 * Drives whose medium the user can change, known by their queue.  @fn as
 * scsi_change(): -EBUSY when the guest has locked it, @b is the caller's then.
 */
struct block;
struct block_queue;
typedef int hotplug_change_fn(void *opaque, struct block *b, bool force);
/* From the drive's constructor.  Returns 0 or -ENOSPC. */
int hotplug_add_drive(struct hotplug *h, const struct block_queue *q,
		      hotplug_change_fn *fn, void *opaque);
/* -ENOTSUP: it has no removable medium. */
int hotplug_change(struct hotplug *h, const struct block_queue *q,
		   struct block *b, bool force);

/* The balloon: the guest has @bytes of memory now. */
typedef void hotplug_ballooned_fn(void *opaque, uint64_t bytes);
void hotplug_on_ballooned(struct hotplug *h, hotplug_ballooned_fn *fn,
			  void *opaque);
void hotplug_ballooned(struct hotplug *h, uint64_t bytes);

/*
 * The PCI bus, by the machine.  plug: make the device that @spec describes, in
 * *@slot; unplug: ask the guest to let go of it.  Return 0 or a negative
 * errno with one line in @err.
 */
struct pc_device_spec;
struct hotplug_bus {
	int (*plug)(void *opaque, const struct pc_device_spec *spec,
		    unsigned *slot, char *err);
	int (*unplug)(void *opaque, unsigned slot, char *err);
	/* The slot of the device with this backend, or -ENOENT. */
	int (*find)(void *opaque, const void *backend);
};
void hotplug_set_bus(struct hotplug *h, const struct hotplug_bus *bus,
		     void *opaque);
/* -ENODEV without a bus. */
int hotplug_plug(struct hotplug *h, const struct pc_device_spec *spec,
		 unsigned *slot, char *err);
int hotplug_unplug(struct hotplug *h, unsigned slot, char *err);
/*
 * Where the device with @backend (pc_device_spec) is, if the guest can let go
 * of it; -ENOENT if not.
 */
int hotplug_find(struct hotplug *h, const void *backend);
/*
 * What was in @slot is gone: its backend can be closed.  Any thread, lock
 * held.
 */
typedef void hotplug_gone_fn(void *opaque, unsigned slot);
void hotplug_on_gone(struct hotplug *h, hotplug_gone_fn *fn, void *opaque);
void hotplug_gone(struct hotplug *h, unsigned slot);

/* From a class: what returned -EINPROGRESS is finished. */
void hotplug_done(struct hotplug *h, const char *class, unsigned n, int ret,
		  const char *text);

/* -ENODEV for a class that nobody offers; else as the class's function. */
int hotplug_attach(struct hotplug *h, const char *class,
		   const struct hotplug_args *a, char *err);
int hotplug_detach(struct hotplug *h, const char *class, unsigned n,
		   char *err);
int hotplug_media(struct hotplug *h, const char *class,
		  const struct hotplug_args *a, char *err);
int hotplug_balloon(struct hotplug *h, uint64_t bytes, char *err);

/* The value of @key, or NULL. */
const char *hotplug_key(const struct hotplug_args *a, const char *key);

#endif
