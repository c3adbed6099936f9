/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Initial states of struct vcpu: power-on reset, INIT, and the flat 32-bit
 * processor that boot loaders start from.
 *
 * Intel SDM Vol. 3A table 9-1 (reset and INIT), Vol. 1 10.5.1 (FXSAVE image).
 */
#include "hypervisor/vcpu.h"

#include <string.h>
#include <x86intrin.h>	/* __rdtsc: the guest's TSC starts at zero */

#define RESET_EIP		0xfff0u
#define RESET_CS_SELECTOR	0xf000
#define RESET_CS_BASE		0xffff0000u
#define RESET_DR6		0xffff0ff0u
#define RESET_DR7		0x400u
#define RESET_FCW		0x40
#define RESET_MXCSR		0x1f80u
/* MXCSR bits that exist: no misaligned-SSE bit (17). */
#define RESET_MXCSR_MASK	0xffffu
#define RESET_PAT		0x0007040600070406ULL
#define APIC_BASE_DEFAULT	0xfee00000ULL
#define APIC_BASE_ENABLE	(1u << 11)
#define APIC_BASE_BSP		(1u << 8)
#define MISC_ENABLE_FAST_STRING	1u
/* MTRRs on, everything write-back: what firmware leaves behind. */
#define MTRR_DEF_ENABLE_WB	0x806u

#define ATTR_DATA16	(SEG_P | SEG_S | SEG_TYPE_WRITE | SEG_TYPE_ACCESSED)
#define ATTR_CODE16	(ATTR_DATA16 | SEG_TYPE_CODE)
#define ATTR_FLAT	(SEG_G | SEG_DB)
#define ATTR_LDT	(SEG_P | 2u)
#define ATTR_TSS_BUSY	(SEG_P | 11u)

static void fpu_reset(uint8_t *fpu)
{
	uint16_t fcw = RESET_FCW;
	uint32_t mxcsr[2] = { RESET_MXCSR, RESET_MXCSR_MASK };

	memset(fpu, 0, 512);
	memcpy(fpu, &fcw, sizeof(fcw));
	memcpy(fpu + 24, mxcsr, sizeof(mxcsr));
}

static void msr_reset(struct msr_state *m, bool bsp)
{
	memset(m, 0, sizeof(*m));
	m->tsc_offset = -__rdtsc();
	m->apic_base = APIC_BASE_DEFAULT | APIC_BASE_ENABLE |
		       (bsp ? APIC_BASE_BSP : 0);
	m->misc_enable = MISC_ENABLE_FAST_STRING;
	m->pat = RESET_PAT;
}

static void segments_reset(struct vcpu *v)
{
	static const struct segment data = { .limit = 0xffff,
					     .attr = ATTR_DATA16 };

	for (unsigned s = 0; s < SEG_COUNT; s++)
		v->seg[s] = data;
	v->seg[SEG_CS] = (struct segment){ .base = RESET_CS_BASE,
					   .limit = 0xffff,
					   .attr = ATTR_CODE16,
					   .selector = RESET_CS_SELECTOR };
	v->ldtr = (struct segment){ .limit = 0xffff, .attr = ATTR_LDT };
	v->tr = (struct segment){ .limit = 0xffff, .attr = ATTR_TSS_BUSY };
	v->gdtr = (struct desc_table){ .limit = 0xffff };
	v->idtr = (struct desc_table){ .limit = 0xffff };
}

void vcpu_reset(struct vcpu *v, unsigned cpu_index, bool init)
{
	struct vcpu old = *v;

	memset(v, 0, sizeof(*v));
	v->cpu_index = cpu_index;
	v->gpr[GPR_DX] = VCPU_SIGNATURE;
	v->rip = RESET_EIP;
	v->rflags = FLAG_FIXED;
	v->cr0 = CR0_CD | CR0_NW | CR0_ET;
	v->dr[6] = RESET_DR6;
	v->dr[7] = RESET_DR7;
	v->xcr0 = 1;
	segments_reset(v);
	if (init) {
		v->cr0 = (old.cr0 & (CR0_CD | CR0_NW)) | CR0_ET;
		v->msr = old.msr;
		v->msr.efer = 0;
		memcpy(v->fpu, old.fpu, sizeof(v->fpu));
	} else {
		msr_reset(&v->msr, cpu_index == 0);
		fpu_reset(v->fpu);
	}
	v->activity = cpu_index ? ACTIVITY_WAIT_SIPI : ACTIVITY_RUN;
}

void vcpu_load_real(struct vcpu *v, enum seg_reg seg, uint16_t selector)
{
	v->seg[seg] = (struct segment){ .base = (uint32_t)selector << 4,
					.limit = 0xffff,
					.attr = ATTR_DATA16,
					.selector = selector };
}

void vcpu_set_flat32(struct vcpu *v, uint16_t cs, uint16_t ds, uint32_t eip)
{
	for (unsigned s = 0; s < SEG_COUNT; s++)
		v->seg[s] = (struct segment){ .limit = 0xffffffff,
					      .attr = ATTR_FLAT | ATTR_DATA16,
					      .selector = ds };
	v->seg[SEG_CS].selector = cs;
	v->seg[SEG_CS].attr = ATTR_FLAT | ATTR_CODE16;
	v->cr0 = CR0_PE | CR0_ET;
	v->cr3 = 0;
	v->cr4 = 0;
	v->msr.efer = 0;
	v->msr.mtrr_def_type = MTRR_DEF_ENABLE_WB;
	v->rflags = FLAG_FIXED;
	v->rip = eip;
	v->shadow = 0;
	v->activity = ACTIVITY_RUN;
}
