/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HYPERVISOR_WALK64_H
#define HYPERVISOR_WALK64_H

#include "hypervisor/types.h"

struct mem;
struct vcpu;

/* Is @v in long mode with paging, where translations have 4 levels? */
bool walk64_active(const struct vcpu *v);

/*
 * What @gva maps to, without regard to rights and without setting A: for
 * reports and debuggers.  Returns 0, or -EFAULT: not canonical, not present, or
 * a table outside of RAM.  Intel SDM Vol. 3A 4.5 (4-level paging; LA57 is not
 * offered).
 */
int walk64_peek(const struct vcpu *v, struct mem *mem, gva_t gva, gpa_t *gpa);

#endif
