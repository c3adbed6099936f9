// SPDX-License-Identifier: GPL-2.0-or-later
#include "hypervisor/hotplug.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hotplug {
	struct {
		const struct hotplug_class *class;
		void *opaque;
	} v[HOTPLUG_CLASSES_MAX];
	unsigned n;
	hotplug_balloon_fn *balloon;
	void *balloon_opaque;
	hotplug_ballooned_fn *ballooned;
	void *ballooned_opaque;
	hotplug_done_fn *done;
	void *done_opaque;
	struct {
		const struct block_queue *q;
		hotplug_change_fn *fn;
		void *opaque;
	} drive[HOTPLUG_DRIVES_MAX];
	unsigned ndrives;
	const struct hotplug_bus *bus;
	void *bus_opaque;
	hotplug_gone_fn *gone;
	void *gone_opaque;
};

struct hotplug *hotplug_new(void)
{
	return calloc(1, sizeof(struct hotplug));
}

void hotplug_free(struct hotplug *h)
{
	free(h);
}

/* The class's place, or h->n. */
static unsigned class_find(const struct hotplug *h, const char *name)
{
	unsigned i = 0;

	while (i < h->n && strcmp(h->v[i].class->name, name))
		i++;
	return i;
}

int hotplug_add(struct hotplug *h, const struct hotplug_class *c, void *opaque)
{
	if (class_find(h, c->name) < h->n)
		return -EEXIST;
	if (h->n == HOTPLUG_CLASSES_MAX)
		return -ENOSPC;
	h->v[h->n].class = c;
	h->v[h->n++].opaque = opaque;
	return 0;
}

void hotplug_remove(struct hotplug *h, const struct hotplug_class *c)
{
	unsigned i = class_find(h, c->name);

	if (i < h->n)
		h->v[i] = h->v[--h->n];
}

void hotplug_set_balloon(struct hotplug *h, hotplug_balloon_fn *fn,
			 void *opaque)
{
	h->balloon = fn;
	h->balloon_opaque = opaque;
}

bool hotplug_has_balloon(const struct hotplug *h)
{
	return h->balloon;
}

void hotplug_on_done(struct hotplug *h, hotplug_done_fn *fn, void *opaque)
{
	h->done = fn;
	h->done_opaque = opaque;
}

void hotplug_done(struct hotplug *h, const char *class, unsigned n, int ret,
		  const char *text)
{
	if (h->done)
		h->done(h->done_opaque, class, n, ret, text);
}

static int unknown(const char *class, char *err)
{
	snprintf(err, HOTPLUG_ERR_LEN, "%s: this machine has nothing to "
		 "attach such a device to", class);
	return -ENODEV;
}

static int unsupported(const char *what, const char *class, char *err)
{
	snprintf(err, HOTPLUG_ERR_LEN, "%s: %s is not possible while the "
		 "machine runs", class, what);
	return -ENOTSUP;
}

int hotplug_attach(struct hotplug *h, const char *class,
		   const struct hotplug_args *a, char *err)
{
	unsigned i = class_find(h, class);

	if (i == h->n)
		return unknown(class, err);
	if (!h->v[i].class->attach)
		return unsupported("attaching", class, err);
	return h->v[i].class->attach(h->v[i].opaque, a, err);
}

int hotplug_detach(struct hotplug *h, const char *class, unsigned n, char *err)
{
	unsigned i = class_find(h, class);

	if (i == h->n)
		return unknown(class, err);
	if (!h->v[i].class->detach)
		return unsupported("detaching", class, err);
	return h->v[i].class->detach(h->v[i].opaque, n, err);
}

int hotplug_media(struct hotplug *h, const char *class,
		  const struct hotplug_args *a, char *err)
{
	unsigned i = class_find(h, class);

	if (i == h->n)
		return unknown(class, err);
	if (!h->v[i].class->media)
		return unsupported("changing the medium", class, err);
	return h->v[i].class->media(h->v[i].opaque, a, err);
}

int hotplug_balloon(struct hotplug *h, uint64_t bytes, char *err)
{
	if (h->balloon)
		return h->balloon(h->balloon_opaque, bytes, err);
	snprintf(err, HOTPLUG_ERR_LEN, "the machine has no balloon device");
	return -ENODEV;
}

int hotplug_add_drive(struct hotplug *h, const struct block_queue *q,
		      hotplug_change_fn *fn, void *opaque)
{
	if (h->ndrives == HOTPLUG_DRIVES_MAX)
		return -ENOSPC;
	h->drive[h->ndrives].q = q;
	h->drive[h->ndrives].fn = fn;
	h->drive[h->ndrives++].opaque = opaque;
	return 0;
}

int hotplug_change(struct hotplug *h, const struct block_queue *q,
		   struct block *b, bool force)
{
	for (unsigned i = 0; i < h->ndrives; i++)
		if (h->drive[i].q == q)
			return h->drive[i].fn(h->drive[i].opaque, b, force);
	return -ENOTSUP;
}

void hotplug_on_ballooned(struct hotplug *h, hotplug_ballooned_fn *fn,
			  void *opaque)
{
	h->ballooned = fn;
	h->ballooned_opaque = opaque;
}

void hotplug_ballooned(struct hotplug *h, uint64_t bytes)
{
	if (h->ballooned)
		h->ballooned(h->ballooned_opaque, bytes);
}

void hotplug_set_bus(struct hotplug *h, const struct hotplug_bus *bus,
		     void *opaque)
{
	h->bus = bus;
	h->bus_opaque = opaque;
}

static int no_bus(char *err)
{
	snprintf(err, HOTPLUG_ERR_LEN, "the machine has no bus to attach it "
		 "to");
	return -ENODEV;
}

int hotplug_plug(struct hotplug *h, const struct pc_device_spec *spec,
		 unsigned *slot, char *err)
{
	return h->bus ? h->bus->plug(h->bus_opaque, spec, slot, err) :
	       no_bus(err);
}

int hotplug_unplug(struct hotplug *h, unsigned slot, char *err)
{
	return h->bus ? h->bus->unplug(h->bus_opaque, slot, err) : no_bus(err);
}

int hotplug_find(struct hotplug *h, const void *backend)
{
	return h->bus ? h->bus->find(h->bus_opaque, backend) : -ENOENT;
}

void hotplug_on_gone(struct hotplug *h, hotplug_gone_fn *fn, void *opaque)
{
	h->gone = fn;
	h->gone_opaque = opaque;
}

void hotplug_gone(struct hotplug *h, unsigned slot)
{
	if (h->gone)
		h->gone(h->gone_opaque, slot);
}

const char *hotplug_key(const struct hotplug_args *a, const char *key)
{
	size_t n = strlen(key);

	for (unsigned i = 0; a->keys[i]; i++)
		if (!strncmp(a->keys[i], key, n) && a->keys[i][n] == '=')
			return a->keys[i] + n + 1;
	return NULL;
}
