/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The I/O port space; see ports.h. */
#include "hypervisor/ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RANGES_MAX	256	/* index 0 is "nobody" */
#define PORT_COUNT	65536

struct range {
	const struct pio_ops *ops;
	void *opaque;
	const char *name;
	uint16_t first;
	unsigned widths;
};

struct ports {
	struct range ranges[RANGES_MAX];
	uint64_t unowned;
	uint16_t unowned_last;
	uint8_t owner[PORT_COUNT];
};

int ports_create(struct ports **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void ports_destroy(struct ports *p)
{
	free(p);
}

static unsigned free_range(struct ports *p)
{
	for (unsigned i = 1; i < RANGES_MAX; i++)
		if (!p->ranges[i].ops)
			return i;
	return 0;
}

int ports_add(struct ports *p, unsigned first, unsigned count,
	      const struct pio_ops *ops, void *opaque, const char *name)
{
	unsigned i = free_range(p);

	if (!count || first + count > PORT_COUNT)
		return -EINVAL;
	if (!i)
		return -ENOSPC;
	for (unsigned port = first; port < first + count; port++)
		if (p->owner[port])
			return -EEXIST;
	p->ranges[i] = (struct range){
		ops, opaque, name, first, ops->widths ? ops->widths : PIO_1,
	};
	memset(p->owner + first, i, count);
	return 0;
}

int ports_del(struct ports *p, unsigned first)
{
	unsigned i = first < PORT_COUNT ? p->owner[first] : 0;

	if (!i || p->ranges[i].first != first)
		return -ENOENT;
	for (unsigned port = first; port < PORT_COUNT; port++)
		if (p->owner[port] == i)
			p->owner[port] = 0;
	memset(&p->ranges[i], 0, sizeof(p->ranges[i]));
	return 0;
}

static void note_unowned(struct ports *p, uint16_t port)
{
	p->unowned++;
	p->unowned_last = port;
}

/* The range that takes all of the access in one piece, or NULL. */
static struct range *whole(struct ports *p, uint16_t port, unsigned size)
{
	unsigned i = p->owner[port];

	if (!(p->ranges[i].widths & size))
		return NULL;
	if (port + size > PORT_COUNT || p->owner[port + size - 1] != i)
		return NULL;
	return &p->ranges[i];
}

uint32_t ports_read(struct ports *p, uint16_t port, unsigned size)
{
	struct range *r = whole(p, port, size);
	uint32_t val = 0;

	if (r)
		return r->ops->read(r->opaque, port - r->first, size) &
		       0xffffffffu >> (32 - size * 8);
	if (size == 1) {
		note_unowned(p, port);
		return 0xff;
	}
	for (unsigned i = 0; i < size; i++)
		val |= (ports_read(p, port + i, 1) & 0xff) << i * 8;
	return val;
}

void ports_write(struct ports *p, uint16_t port, unsigned size, uint32_t val)
{
	struct range *r = whole(p, port, size);

	if (r) {
		r->ops->write(r->opaque, port - r->first, size, val);
		return;
	}
	if (size == 1) {
		note_unowned(p, port);
		return;
	}
	for (unsigned i = 0; i < size; i++)
		ports_write(p, port + i, 1, val >> i * 8 & 0xff);
}

uint64_t ports_unowned(const struct ports *p, uint16_t *last)
{
	*last = p->unowned_last;
	return p->unowned;
}
