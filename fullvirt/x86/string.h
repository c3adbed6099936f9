/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FULLVIRT_X86_STRING_H
#define FULLVIRT_X86_STRING_H

#include "fullvirt/x86/priv.h"

/* Iterations before a REP instruction lets interrupts in. */
#define REP_BUDGET	512

/* One element; false ends the repetition. */
typedef bool string_fn(struct x86 *x, const struct insn *i);
void x86_string(struct x86 *x, const struct insn *i, string_fn *one);

/* Flags of a - b: alu.c */
void x86_compare(struct vcpu *v, unsigned size, uint32_t a, uint32_t b);

#endif
