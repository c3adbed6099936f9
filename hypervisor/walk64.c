// SPDX-License-Identifier: GPL-2.0-or-later
/* The guest's page tables in long mode, as somebody from outside reads them. */
#include "hypervisor/walk64.h"

#include <errno.h>

#include "hypervisor/mem.h"
#include "hypervisor/vcpu.h"

/* Bits of an entry, SDM Vol. 3A tables 4-15 to 4-20. */
#define PTE_P		1u
#define PTE_PS		0x80u
#define PTE_ADDR	0x000ffffffffff000ULL
#define INDEX_BITS	9
#define TOP_SHIFT	39

bool walk64_active(const struct vcpu *v)
{
	return v->cr0 & CR0_PG && v->msr.efer & EFER_LMA;
}

/* Bits 47 to 63 are alike. */
static bool canonical(gva_t gva)
{
	return (uint64_t)((int64_t)gva >> 47) + 1 <= 1;
}

int walk64_peek(const struct vcpu *v, struct mem *mem, gva_t gva, gpa_t *gpa)
{
	uint64_t table = v->cr3 & PTE_ADDR, entry, below;

	if (!canonical(gva))
		return -EFAULT;
	for (int shift = TOP_SHIFT;; shift -= INDEX_BITS) {
		unsigned i = gva >> shift & ((1u << INDEX_BITS) - 1);

		if (mem_read(mem, table + i * sizeof(entry), &entry,
			     sizeof(entry)) || !(entry & PTE_P))
			return -EFAULT;
		table = entry & PTE_ADDR;
		if (shift == PAGE_SHIFT ||
		    (shift < TOP_SHIFT && entry & PTE_PS)) {
			below = (1ULL << shift) - 1;
			*gpa = (table & ~below) | (gva & below);
			return 0;
		}
	}
}
