/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The monitor's views of guest memory. */
#ifndef TOOLS_LIB_MONITOR_X_H
#define TOOLS_LIB_MONITOR_X_H

#include <stdbool.h>
#include <stdio.h>

struct mem;
struct vcpu;

/*
 * "[/COUNT FORMAT SIZE] ADDRESS" as in gdb's x: formats x d u o c i, sizes b h
 * w g.  @v gives the address space and, for i, the width of code.
 */
void monitor_examine(const struct vcpu *v, struct mem *mem, const char *args,
		     bool physical, FILE *out);

/* Mapped linear memory: neighbours with equal rights joined; each page. */
void monitor_print_ranges(const struct vcpu *v, struct mem *mem, FILE *out);
void monitor_print_pages(const struct vcpu *v, struct mem *mem, FILE *out);

#endif
