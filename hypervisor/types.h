/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HYPERVISOR_TYPES_H
#define HYPERVISOR_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Guest virtual (= linear, after segmentation) address. */
typedef uint64_t gva_t;
/* Guest physical address. */
typedef uint64_t gpa_t;

#define PAGE_SHIFT	12
#define PAGE_SIZE	4096ULL
#define PAGE_MASK	(~(PAGE_SIZE - 1))

#define KIB		1024ULL
#define MIB		(1024 * KIB)
#define GIB		(1024 * MIB)

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#endif
