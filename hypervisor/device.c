/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reset, save and load of devices; the format is described in device.h. */
#include "hypervisor/device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/clock.h"

#define NAME_MAX_LEN	63

void device_reset(struct device *d)
{
	d->class->reset(d);
}

void device_destroy(struct device *d)
{
	if (d)
		d->class->destroy(d);
}

void state_free(struct state *s)
{
	free(s->data);
	memset(s, 0, sizeof(*s));
}

int state_put(struct state *s, const void *buf, size_t len)
{
	if (s->len + len > s->room) {
		size_t room = (s->len + len) * 2;
		uint8_t *p = realloc(s->data, room);

		if (!p)
			return -ENOMEM;
		s->data = p;
		s->room = room;
	}
	memcpy(s->data + s->len, buf, len);
	s->len += len;
	return 0;
}

int state_get(struct state *s, void *buf, size_t len)
{
	if (len > s->len - s->pos)
		return -EINVAL;
	memcpy(buf, s->data + s->pos, len);
	s->pos += len;
	return 0;
}

static int put_u32(struct state *s, uint32_t val)
{
	return state_put(s, &val, sizeof(val));
}

static int put_name(struct state *s, const char *name)
{
	uint8_t len = strlen(name);
	int err = state_put(s, &len, 1);

	return err ? err : state_put(s, name, len);
}

/* @name: NAME_MAX_LEN + 1 bytes. */
static int get_name(struct state *s, char *name)
{
	uint8_t len;

	if (state_get(s, &len, 1) || len > NAME_MAX_LEN)
		return -EINVAL;
	name[len] = 0;
	return state_get(s, name, len);
}

static const void *field_source(const struct device *d, const struct field *f)
{
	const char *p = (const char *)d + f->offset;

	if (f->kind == FIELD_DEADLINE)
		return &((const struct timer *)p)->deadline;
	return p;
}

int device_save(const struct device *d, struct state *s)
{
	const struct device_class *c = d->class;
	int err = put_name(s, c->name);

	if (!err)
		err = put_u32(s, c->version);
	if (!err)
		err = put_u32(s, c->nfields);
	for (unsigned i = 0; i < c->nfields && !err; i++) {
		const struct field *f = &c->fields[i];

		err = put_name(s, f->name);
		if (!err)
			err = put_u32(s, f->size);
		if (!err)
			err = state_put(s, field_source(d, f), f->size);
	}
	return err;
}

static int load_field(struct device *d, const struct field *f,
		      struct state *s)
{
	char *p = (char *)d + f->offset;
	uint64_t deadline;
	uint8_t truth;

	switch (f->kind) {
	case FIELD_PLAIN:
		return state_get(s, p, f->size);
	case FIELD_TRUTH:
		if (state_get(s, &truth, 1) || truth > 1)
			return -EINVAL;
		*(bool *)p = truth;
		return 0;
	case FIELD_DEADLINE:
		if (state_get(s, &deadline, sizeof(deadline)))
			return -EINVAL;
		timer_set((struct timer *)p, deadline);
		return 0;
	}
	return -EINVAL;
}

static int field_index(const struct device_class *c, const char *name)
{
	for (unsigned i = 0; i < c->nfields; i++)
		if (!strcmp(c->fields[i].name, name))
			return i;
	return -1;
}

static int load_fields(struct device *d, struct state *s, uint32_t count,
		       uint64_t *seen)
{
	const struct device_class *c = d->class;
	char name[NAME_MAX_LEN + 1];
	uint32_t size;

	while (count--) {
		int i;

		if (get_name(s, name) || state_get(s, &size, sizeof(size)))
			return -EINVAL;
		i = field_index(c, name);
		if (i < 0 || size != c->fields[i].size)
			return -EINVAL;
		if (load_field(d, &c->fields[i], s))
			return -EINVAL;
		*seen |= 1ULL << i;
	}
	return 0;
}

static int take_fields(struct device *d, struct state *s, uint32_t version,
		       uint32_t count)
{
	const struct device_class *c = d->class;
	uint64_t seen = 0;

	if (load_fields(d, s, count, &seen))
		return -EINVAL;
	for (unsigned i = 0; i < c->nfields; i++)
		if (!(seen >> i & 1) && c->fields[i].since <= version)
			return -EINVAL;
	return c->loaded ? c->loaded(d) : 0;
}

int device_load(struct device *d, struct state *s)
{
	const struct device_class *c = d->class;
	char name[NAME_MAX_LEN + 1];
	uint32_t version, count;
	int err;

	if (get_name(s, name) || strcmp(name, c->name) ||
	    state_get(s, &version, sizeof(version)) || version > c->version ||
	    state_get(s, &count, sizeof(count)) || count > c->nfields)
		return -EINVAL;
	c->reset(d);
	err = take_fields(d, s, version, count);
	if (err)
		c->reset(d);	/* what came of it is not to be used */
	return err;
}
