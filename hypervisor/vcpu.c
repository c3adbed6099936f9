/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processor state after reset and as boot loaders want it; see vcpu.h. */
#include "hypervisor/vcpu.h"

#include <string.h>

/* EDX after reset: family 6, as CPUID leaf 1 says.  SDM Vol. 3A 9.1.2. */
#define RESET_SIGNATURE	0x00000600

#define ATTR_CODE	(SEG_P | SEG_S | SEG_TYPE_CODE | SEG_TYPE_WRITE | \
			 SEG_TYPE_ACCESSED)
#define ATTR_DATA	(SEG_P | SEG_S | SEG_TYPE_WRITE | SEG_TYPE_ACCESSED)
#define ATTR_LDT	(SEG_P | 0x2)
#define ATTR_TSS_BUSY	(SEG_P | 0xb)

#define APIC_BASE_DEFAULT	0xfee00000ULL
#define APIC_BASE_BSP		(1ULL << 8)
#define APIC_BASE_ENABLE	(1ULL << 11)
/* PAT entries WB WT UC- UC, twice.  SDM Vol. 3A 11.12.4. */
#define PAT_DEFAULT		0x0007040600070406ULL

static struct segment real_segment(uint16_t selector, uint32_t attr)
{
	return (struct segment){
		.base = (uint64_t)selector << 4,
		.limit = 0xffff,
		.attr = attr,
		.selector = selector,
	};
}

void vcpu_load_real(struct vcpu *v, enum seg_reg seg, uint16_t selector)
{
	v->seg[seg] = real_segment(selector,
				   seg == SEG_CS ? ATTR_CODE : ATTR_DATA);
}

/* FCW, MXCSR and an empty tag word (FXSAVE's abridged form: 0). */
static void reset_fpu(struct vcpu *v)
{
	static const uint16_t fcw = 0x0040;
	static const uint32_t mxcsr = 0x1f80;

	memset(v->fpu, 0, sizeof(v->fpu));
	memcpy(v->fpu, &fcw, sizeof(fcw));
	/* FSAVE-style reset leaves tag 5555h: every register +0.0, in use. */
	v->fpu[4] = 0xff;
	memcpy(v->fpu + 24, &mxcsr, sizeof(mxcsr));
}

static void reset_msrs(struct vcpu *v)
{
	struct msr_state *m = &v->msr;

	memset(m, 0, sizeof(*m));
	m->apic_base = APIC_BASE_DEFAULT | APIC_BASE_ENABLE |
		       (v->cpu_index ? 0 : APIC_BASE_BSP);
	m->pat = PAT_DEFAULT;
	m->misc_enable = 1;	/* fast strings */
}

/* What INIT does not touch: FPU, MSRs, MTRRs, CR0.CD and NW. */
static void keep_over_init(struct vcpu *v, const struct vcpu *old)
{
	memcpy(v->fpu, old->fpu, sizeof(v->fpu));
	v->msr = old->msr;
	v->msr.efer = 0;
	v->xcr0 = old->xcr0;
	v->cr0 = (v->cr0 & ~(CR0_CD | CR0_NW)) | (old->cr0 & (CR0_CD | CR0_NW));
}

void vcpu_reset(struct vcpu *v, unsigned cpu_index, bool init)
{
	struct vcpu old = *v;

	memset(v, 0, sizeof(*v));
	v->cpu_index = cpu_index;
	v->rflags = FLAG_FIXED;
	v->rip = 0xfff0;
	v->gpr[GPR_DX] = RESET_SIGNATURE;
	for (int i = 0; i < SEG_COUNT; i++)
		vcpu_load_real(v, i, 0);
	v->seg[SEG_CS].selector = 0xf000;
	v->seg[SEG_CS].base = 0xffff0000;
	v->ldtr = real_segment(0, ATTR_LDT);
	v->tr = real_segment(0, ATTR_TSS_BUSY);
	v->gdtr.limit = 0xffff;
	v->idtr.limit = 0xffff;
	v->cr0 = CR0_CD | CR0_NW | CR0_ET;
	v->dr[6] = 0xffff0ff0;
	v->dr[7] = 0x400;
	v->xcr0 = 1;
	reset_fpu(v);
	reset_msrs(v);
	if (init)
		keep_over_init(v, &old);
	if (cpu_index)
		v->activity = ACTIVITY_WAIT_SIPI;
}

static struct segment flat_segment(uint16_t selector, uint32_t attr)
{
	return (struct segment){
		.limit = 0xffffffff,
		.attr = attr | SEG_DB | SEG_G,
		.selector = selector,
	};
}

void vcpu_set_flat32(struct vcpu *v, uint16_t cs, uint16_t ds, uint32_t eip)
{
	for (int i = 0; i < SEG_COUNT; i++)
		v->seg[i] = flat_segment(ds, ATTR_DATA);
	v->seg[SEG_CS] = flat_segment(cs, ATTR_CODE);
	v->cr0 = (v->cr0 & ~CR0_PG) | CR0_PE;
	v->rip = eip;
	v->rflags = FLAG_FIXED;
	v->activity = ACTIVITY_RUN;
}
