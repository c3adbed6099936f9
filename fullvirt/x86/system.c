/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System instructions that are neither control registers nor descriptors.
 */
#include <x86intrin.h>	/* __rdtsc */

#include "fullvirt/x86/operand.h"

void op_ud(struct x86 *x, const struct insn *i)
{
	x86_ud(x);
}

static bool iopl_allows(const struct vcpu *v)
{
	return vcpu_real_mode(v) ||
	       vcpu_cpl(v) <= (v->rflags & FLAG_IOPL) >> FLAG_IOPL_SHIFT;
}

void op_cli(struct x86 *x, const struct insn *i)
{
	if (!iopl_allows(x->v))
		x86_gp(x, 0);
	x->v->rflags &= ~(uint64_t)FLAG_IF;
}

/* Interrupts stay off until after the next instruction, if they were off. */
void op_sti(struct x86 *x, const struct insn *i)
{
	if (!iopl_allows(x->v))
		x86_gp(x, 0);
	if (!(x->v->rflags & FLAG_IF))
		x->v->shadow = SHADOW_STI;
	x->v->rflags |= FLAG_IF;
}

void op_hlt(struct x86 *x, const struct insn *i)
{
	x->v->activity = ACTIVITY_HALT;
	x->cache->result = X86_HALT;
}

void op_cpuid(struct x86 *x, const struct insn *i)
{
	uint32_t out[4];

	x86_cpuid(x, gpr_get(x->v, GPR_AX, 4), gpr_get(x->v, GPR_CX, 4), out);
	gpr_set(x->v, GPR_AX, 4, out[0]);
	gpr_set(x->v, GPR_BX, 4, out[1]);
	gpr_set(x->v, GPR_CX, 4, out[2]);
	gpr_set(x->v, GPR_DX, 4, out[3]);
}

static void set_edx_eax(struct vcpu *v, uint64_t val)
{
	gpr_set(v, GPR_AX, 4, val);
	gpr_set(v, GPR_DX, 4, val >> 32);
}

void op_rdtsc(struct x86 *x, const struct insn *i)
{
	if (x->v->cr4 & CR4_TSD && vcpu_cpl(x->v))
		x86_gp(x, 0);
	set_edx_eax(x->v, __rdtsc() + x->v->msr.tsc_offset);
}

/* CF says whether there was a number; the host's does.  SDM Vol. 2B RDRAND. */
void op_rdrand(struct x86 *x, const struct insn *i)
{
	uint32_t val;
	bool good;

	if (i->rep || !x86_has_rdrand())
		x86_ud(x);
	__asm__ volatile("rdrand %0" : "=r" (val), "=@ccc" (good));
	operand_set(x, i, 0, val);
	flags_set(x->v, FLAGS_ARITH, good ? FLAG_CF : 0);
}

/* No performance counters are offered: every index is beyond the last. */
void op_rdpmc(struct x86 *x, const struct insn *i)
{
	x86_gp(x, 0);
}

void op_rdmsr(struct x86 *x, const struct insn *i)
{
	uint64_t val = 0;

	if (x86_rdmsr(x, x->v->gpr[GPR_CX], &val))
		x86_gp(x, 0);
	set_edx_eax(x->v, val);
}

void op_wrmsr(struct x86 *x, const struct insn *i)
{
	uint64_t val = (x->v->gpr[GPR_DX] << 32) |
		       (uint32_t)x->v->gpr[GPR_AX];

	if (x86_wrmsr(x, x->v->gpr[GPR_CX], val))
		x86_gp(x, 0);
}

/* Rights of a read, nothing else. */
void op_clflush(struct x86 *x, const struct insn *i)
{
	mem_get(x, i, 1);
}
