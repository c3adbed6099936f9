/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every device front-end has in common: a reset, and a saved state that
 * is a versioned list of fields next to the device's structure.
 *
 * A saved device is its class name, its version and its fields, each with
 * name and size.  Loading goes by name: a field that the file lacks keeps its
 * reset value if the class got it later than the file's version, and is an
 * error otherwise; a field that the class does not know is an error.
 */
#ifndef HYPERVISOR_DEVICE_H
#define HYPERVISOR_DEVICE_H

#include "hypervisor/types.h"

struct device;
struct state;

enum field_kind {
	FIELD_PLAIN,		/* bytes as they lie in the structure */
	FIELD_TRUTH,		/* a bool: one byte, 0 or 1 */
	FIELD_DEADLINE,		/* struct timer: its deadline in guest ns */
};

struct field {
	const char *name;
	uint32_t offset, size;	/* bytes, within the device's structure */
	enum field_kind kind;
	uint32_t since;		/* the class version that introduced it */
};

#define FIELD(type, member, ver) \
	{ #member, offsetof(type, member), sizeof(((type *)0)->member), \
	  FIELD_PLAIN, ver }
#define FIELD_BOOL(type, member, ver) \
	{ #member, offsetof(type, member), sizeof(((type *)0)->member), \
	  FIELD_TRUTH, ver }
#define FIELD_TIMER(type, member, ver) \
	{ #member, offsetof(type, member), sizeof(uint64_t), \
	  FIELD_DEADLINE, ver }

struct device_class {
	const char *name;
	uint32_t version;
	const struct field *fields;
	unsigned nfields;
	/* Power-on state; interrupt lines go low.  Lock held. */
	void (*reset)(struct device *d);
	/*
	 * After the fields were loaded: check them (the file is untrusted)
	 * and derive the rest, without moving interrupt lines, whose far
	 * ends have saved state of their own.  0 or -EINVAL.  May be NULL.
	 */
	int (*loaded)(struct device *d);
	void (*destroy)(struct device *d);
	/*
	 * Finish what is under way in other threads, before the state is
	 * saved; may wait.  NULL: nothing ever is.
	 */
	void (*settle)(struct device *d);
};

/* The first member of every device's structure. */
struct device {
	const struct device_class *class;
};

void device_reset(struct device *d);
void device_destroy(struct device *d);

/* A growing byte string that devices are saved to and loaded from. */
struct state {
	uint8_t *data;
	size_t len, room, pos;
};

void state_free(struct state *s);
/* Append @len bytes.  Returns 0 or -ENOMEM. */
int state_put(struct state *s, const void *buf, size_t len);
/* Take @len bytes.  Returns 0, or -EINVAL beyond the end. */
int state_get(struct state *s, void *buf, size_t len);

/* Append @d to @s.  Returns 0 or -ENOMEM. */
int device_save(const struct device *d, struct state *s);
/*
 * Reset @d and take its fields from @s, which must stand at a device of the
 * same class.  Returns 0, or -EINVAL (wrong class, newer version, bad field)
 * or what its loaded() says, and then @d is as after reset.
 */
int device_load(struct device *d, struct state *s);

#endif
