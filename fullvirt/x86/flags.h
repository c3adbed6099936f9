/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arithmetic by the host's own instructions, so that every flag, undefined
 * ones included, is what a processor makes of it.
 *
 * A packed flags word has SF ZF AF PF CF in bits 8..15 (as LAHF leaves them
 * in AH) and OF in bit 0.  Loading it: "add $127, al" overflows just when bit
 * 0 is set, and SAHF does the rest.  No pushf: it is slow and hits the red
 * zone.
 */
#ifndef FULLVIRT_X86_FLAGS_H
#define FULLVIRT_X86_FLAGS_H

#include "hypervisor/vcpu.h"

#define FLAGS_LOAD	"addb $127, %%al\n\tsahf\n\t"
#define FLAGS_STORE	"\n\tlahf\n\tseto %%al"

static inline uint32_t flags_pack(uint32_t f)
{
	return (f & 0xff) << 8 | ((f & FLAG_OF) ? 1 : 0);
}

static inline uint32_t flags_unpack(uint32_t w)
{
	return (w >> 8 & 0xd5) | (w & 1) << 11;
}

#endif
