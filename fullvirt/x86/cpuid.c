/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUID as the guest sees it: a 32-bit in-order Intel processor with SSE3.
 *
 * The choice of family 6 model 28 is deliberate.  That processor does not
 * speculate, so an operating system finds nothing to work around: Linux sets
 * no X86_BUG_* for it (its table says NO_SPECULATION) and patches retpolines,
 * page-table isolation and buffer clearing away; on AMD models it would keep
 * retpolines, and on AMD before Zen also the FXSAVE leak work-around.
 */
#include <cpuid.h>

#include "fullvirt/x86/priv.h"

#define F1D_APIC	(1u << 9)
#define APIC_ENABLED	(1u << 11)

/* Leaf 1 EDX: FPU DE PSE TSC MSR PAE MCE CX8 APIC SEP MTRR PGE MCA CMOV PAT
 * PSE36 CLFSH MMX FXSR SSE SSE2. */
#define LEAF1_EDX	((1u << 0) | (1u << 2) | (1u << 3) | (1u << 4) | \
			 (1u << 5) | (1u << 6) | (1u << 7) | (1u << 8) | \
			 F1D_APIC | (1u << 11) | (1u << 12) | (1u << 13) | \
			 (1u << 14) | (1u << 15) | (1u << 16) | (1u << 17) | \
			 (1u << 19) | (1u << 23) | (1u << 24) | (1u << 25) | \
			 (1u << 26))
#define LEAF1_ECX	((1u << 0) | (1u << 31))	/* SSE3, hypervisor */
#define RDRAND		(1u << 30)
#define CLFLUSH_64	(8u << 8)	/* EBX: line size in 8-byte units */
#define NX		(1u << 20)
#define SYSCALL		(1u << 11)
#define LONG_MODE	(1u << 29)
#define LAHF_64		(1u << 0)
#define LINEAR_BITS_48	0x3000u
#define LINEAR_BITS	0xff00u
#define INVARIANT_TSC	(1u << 8)

#define TEXT4(a, b, c, d) \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | \
	 (uint32_t)(d) << 24)

struct leaf {
	uint32_t leaf, subleaf;
	uint32_t out[4];
};

#define ANY	0xffffffffu

static const struct leaf leaves[] = {
	{ 0, ANY, { 4, TEXT4('G', 'e', 'n', 'u'), TEXT4('n', 't', 'e', 'l'),
		    TEXT4('i', 'n', 'e', 'I') } },
	{ 1, ANY, { VCPU_SIGNATURE, CLFLUSH_64, LEAF1_ECX, LEAF1_EDX } },
	/* TLBs 4 KiB x 64; 32 KiB L1 I and D, 512 KiB L2. */
	{ 2, ANY, { 0x0130b201, 0, 0, 0x003f2c00 } },
	{ 4, 0, { 0x00000121, 0x01c0003f, 63, 0 } },
	{ 4, 1, { 0x00000122, 0x01c0003f, 63, 0 } },
	{ 4, 2, { 0x00000143, 0x01c0003f, 511, 0 } },
	{ 0x40000000, ANY, { 0x40000000, TEXT4('U', 'm', 'b', 'r'),
			     TEXT4('a', 'U', 'm', 'b'),
			     TEXT4('r', 'a', 'U', 'm') } },
	{ 0x80000000, ANY, { 0x80000008, 0, 0, 0 } },
	{ 0x80000001, ANY, { 0, 0, 0, NX } },
	{ 0x80000002, ANY, { TEXT4('U', 'm', 'b', 'r'),
			     TEXT4('a', ' ', 'v', 'i'),
			     TEXT4('r', 't', 'u', 'a'),
			     TEXT4('l', ' ', 'C', 'P') } },
	{ 0x80000003, ANY, { TEXT4('U', 0, 0, 0), 0, 0, 0 } },
	/* L2 512 KiB, 8-way, 64-byte lines. */
	{ 0x80000006, ANY, { 0, 0, 0x02006040, 0 } },
	/* 36 physical, 32 linear bits. */
	{ 0x80000008, ANY, { 0x2024, 0, 0, 0 } },
};

/* What the host must have for the guest to have it. */
struct host_bit {
	uint32_t leaf, mask;
	unsigned reg;		/* 0: EAX */
	int known;		/* 0: not asked yet, 1: no, 2: yes */
};

/* Asked once: where the host is itself a VM, its CPUID is an exit, 10 us. */
static bool host_has(struct host_bit *h)
{
	int k = __atomic_load_n(&h->known, __ATOMIC_RELAXED);
	uint32_t r[4];

	if (!k) {
		k = __get_cpuid(h->leaf, &r[0], &r[1], &r[2], &r[3]) &&
		    r[h->reg] & h->mask ? 2 : 1;
		__atomic_store_n(&h->known, k, __ATOMIC_RELAXED);
	}
	return k == 2;
}

static bool host_tsc_invariant(void)
{
	static struct host_bit bit = { 0x80000007, INVARIANT_TSC, 3 };

	return host_has(&bit);
}

bool x86_has_rdrand(void)
{
	static struct host_bit bit = { 1, RDRAND, 2 };

	return host_has(&bit);
}

/* A leaf that does not exist reads as the highest basic one, SDM Vol. 2A. */
static uint32_t existing(uint32_t leaf)
{
	uint32_t top = leaf & 0xf0000000;

	if (leaf <= 4 || (top == 0x40000000 && leaf == top) ||
	    (top == 0x80000000 && leaf <= 0x80000008))
		return leaf;
	return 4;
}

/* What a processor with long mode shows in addition. */
static void add_long_mode(uint32_t leaf, uint32_t out[4])
{
	if (leaf == 0x80000001) {
		out[2] |= LAHF_64;
		out[3] |= LONG_MODE | SYSCALL;
	} else if (leaf == 0x80000008) {
		out[0] = (out[0] & ~LINEAR_BITS) | LINEAR_BITS_48;
	}
}

void x86_cpuid(const struct x86 *x, uint32_t leaf, uint32_t subleaf,
	       uint32_t out[4])
{
	leaf = existing(leaf);
	out[0] = out[1] = out[2] = out[3] = 0;
	for (unsigned n = 0; n < ARRAY_SIZE(leaves); n++)
		if (leaves[n].leaf == leaf && (leaves[n].subleaf == ANY ||
					       leaves[n].subleaf == subleaf))
			for (unsigned k = 0; k < 4; k++)
				out[k] = leaves[n].out[k];
	if (leaf == 1) {
		out[1] |= x->v->cpu_index << 24;
		if (x86_has_rdrand())
			out[2] |= RDRAND;
		if (!(x->v->msr.apic_base & APIC_ENABLED))
			out[3] &= ~F1D_APIC;
	}
	if (x->long_mode)
		add_long_mode(leaf, out);
	if (leaf == 0x80000007 && host_tsc_invariant())
		out[3] |= INVARIANT_TSC;
}
