/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What hot callouts share.
 */
#ifndef FULLVIRT_BT_HOT_H
#define FULLVIRT_BT_HOT_H

#include "fullvirt/bt/bt.h"

/*
 * Template and callout agree on: bt->r9 what (see the templates), bt->r10 the
 * eip behind the instruction, bt->site the host code behind it.
 */

/* Leave it to the interpreter; nothing may have changed yet. */
void *hot_slow(struct bt *bt);

/* Done, and the context is what it was. */
static inline void *hot_done(struct bt *bt)
{
	bt->v.rip = (uint32_t)bt->r10;
	bt_fpu_restore(bt);	/* a walk may have gone to a device */
	return (void *)bt->site;
}

/* What hot_mem() gives: guest addresses need not be aligned. */
typedef uint32_t guest_u32 __attribute__((aligned(1), may_alias));
typedef uint64_t guest_u64 __attribute__((aligned(1), may_alias));

/* The 8 bytes of the descriptor of @sel, or NULL if not plainly readable. */
const guest_u64 *hot_descriptor(struct bt *bt, uint16_t sel);
struct segment hot_segment(uint64_t desc, uint16_t sel);
/* @n bytes at @gva if they are plain RAM within one page, else NULL. */
void *hot_mem(struct bt *bt, uint32_t gva, unsigned n, unsigned access);

/* Bits 40..47 of a descriptor: type, S, DPL, P. */
static inline unsigned desc_kind(uint64_t d)
{
	return d >> 40 & 0xff;
}

#endif
