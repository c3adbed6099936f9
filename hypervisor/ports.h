/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The I/O port space: 65536 ports, each owned by at most one device, found
 * through one flat table.  Lock held for every call.
 */
#ifndef HYPERVISOR_PORTS_H
#define HYPERVISOR_PORTS_H

#include "hypervisor/types.h"

struct ports;

/* Widths an owner takes; others are split into bytes, low port first. */
#define PIO_1	1u
#define PIO_2	2u
#define PIO_4	4u

/* @off: port minus the first port of the range.  @size: 1, 2 or 4 bytes. */
struct pio_ops {
	uint32_t (*read)(void *opaque, unsigned off, unsigned size);
	void (*write)(void *opaque, unsigned off, unsigned size, uint32_t val);
	unsigned widths;	/* PIO_*, PIO_1 always among them; 0: PIO_1 */
};

int ports_create(struct ports **out);
void ports_destroy(struct ports *p);

/*
 * Claim [first, first + count).  @name: for reports, kept by reference.
 * Returns 0, -EEXIST if one is taken, -ENOSPC beyond 255 ranges.
 */
int ports_add(struct ports *p, unsigned first, unsigned count,
	      const struct pio_ops *ops, void *opaque, const char *name);
/* Give up the range that begins at @first.  -ENOENT if there is none. */
int ports_del(struct ports *p, unsigned first);

/* Ports nobody owns read as all ones; both kinds of access are counted. */
uint32_t ports_read(struct ports *p, uint16_t port, unsigned size);
void ports_write(struct ports *p, uint16_t port, unsigned size, uint32_t val);

/* How many accesses met no owner, and the port of the latest one. */
uint64_t ports_unowned(const struct ports *p, uint16_t *last);

#endif
