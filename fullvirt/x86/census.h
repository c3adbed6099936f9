/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A census of privileged and sensitive instructions that ran in ring 0: where
 * and how often.  For people who paravirtualize a kernel and want to know
 * what they have left.
 */
#ifndef FULLVIRT_X86_CENSUS_H
#define FULLVIRT_X86_CENSUS_H

#include "hypervisor/engine.h"

struct x86;
struct x86_census;

/*
 * Which row of sensitive.def the instruction at @bytes (@n of them, one whole
 * instruction) is, or -1 for none.  Needs no decoder; about 10 ns.
 */
int x86_sensitive(const uint8_t *bytes, unsigned n);

/* Returns 0 or -ENOMEM. */
int x86_census_create(struct x86_census **out);
void x86_census_free(struct x86_census *c);	/* NULL: nothing */

/*
 * The instruction @bytes (@n) at CS:rip is about to run: count it if it is
 * sensitive and CPL is 0.  vCPU thread.
 */
void x86_census_note(struct x86 *x, const uint8_t *bytes, unsigned n);

/* As engine_ops.census. */
void x86_census_each(struct x86_census *c, engine_census_fn *fn, void *opaque);
/* The most frequent ones, for statistics. */
void x86_census_print(const struct x86_census *c, FILE *out);

#endif
