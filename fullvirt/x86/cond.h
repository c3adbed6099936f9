/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FULLVIRT_X86_COND_H
#define FULLVIRT_X86_COND_H

#include "hypervisor/vcpu.h"

/* Condition code 0..15 as the low four bits of Jcc, SDM Vol. 1 appendix B. */
static inline bool cond_true(uint32_t f, unsigned cc)
{
	bool less = !(f & FLAG_SF) != !(f & FLAG_OF), r;

	switch (cc >> 1) {
	case 0: r = f & FLAG_OF; break;
	case 1: r = f & FLAG_CF; break;
	case 2: r = f & FLAG_ZF; break;
	case 3: r = f & (FLAG_CF | FLAG_ZF); break;
	case 4: r = f & FLAG_SF; break;
	case 5: r = f & FLAG_PF; break;
	case 6: r = less; break;
	default: r = less || (f & FLAG_ZF); break;
	}
	return r != (cc & 1);
}

#endif
