/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What hot callouts share: the instruction at hand, and descriptors.
 */
#ifndef FULLVIRT_BT_HOT_H
#define FULLVIRT_BT_HOT_H

#include "fullvirt/bt/bt.h"

/* The callout at hand. */
struct hot {
	struct tu *tu;
	struct tu_insn *in;
	const uint8_t *bytes;
	unsigned op;		/* index of the opcode in bytes */
	bool p66, odd;		/* odd: any prefix but 66 and rep */
	uint8_t rep;
};

struct hot hot_begin(struct bt *bt);
/* Leave it to the interpreter. */
void *hot_slow(struct bt *bt, struct hot *h);
/* Done, and the context is what it was. */
void *hot_done(struct bt *bt, struct hot *h);
/* Done, rip still at the instruction, and the context may have changed. */
void *hot_done_ctx(struct bt *bt, struct hot *h);

/* The 8 bytes of the descriptor of @sel, or NULL if not plainly readable. */
const uint64_t *hot_descriptor(struct bt *bt, uint16_t sel);
struct segment hot_segment(uint64_t desc, uint16_t sel);
/* @n bytes at @gva if they are plain RAM within one page, else NULL. */
void *hot_mem(struct bt *bt, uint32_t gva, unsigned n, unsigned access);

/* Bits 40..47 of a descriptor: type, S, DPL, P. */
static inline unsigned desc_kind(uint64_t d)
{
	return d >> 40 & 0xff;
}

#endif
