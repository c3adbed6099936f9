/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory by linear address, as debuggers and monitors look at it: page
 * tables are read, never changed, and rights do not matter.
 */
#ifndef HYPERVISOR_LINEAR_H
#define HYPERVISOR_LINEAR_H

#include "hypervisor/types.h"

struct mem;
struct vcpu;

/*
 * The physical address of @lin under the page tables of @v (any paging mode
 * but five levels).  Intel SDM Vol. 3A 4.3, 4.4, 4.5.
 * Returns 0, or -EFAULT if it is not mapped.
 */
int linear_to_gpa(const struct vcpu *v, struct mem *mem, gva_t lin,
		  gpa_t *gpa);

/*
 * Copy @len bytes; across pages.  Returns 0, or -EFAULT if any byte is not
 * mapped to memory (some may have been copied).  Writes also change ROM.
 */
int linear_read(const struct vcpu *v, struct mem *mem, gva_t lin, void *buf,
		size_t len);
int linear_write(const struct vcpu *v, struct mem *mem, gva_t lin,
		 const void *buf, size_t len);

/* A page that is mapped. */
struct linear_page {
	gva_t lin;
	gpa_t gpa;
	uint64_t size;		/* bytes */
	uint64_t entry;		/* of the last level */
	bool user, write;	/* by all levels */
};

/*
 * Call @fn for every page that @v maps, in order, or for those that the first
 * 16 million entries map.  Paging is on.
 */
void linear_pages(const struct vcpu *v, struct mem *mem,
		  void (*fn)(void *opaque, const struct linear_page *p),
		  void *opaque);

#endif
