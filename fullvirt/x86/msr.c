/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model-specific registers, SDM Vol. 4 chapter 2.  A register without a row
 * here belongs to a device (the bus decides) or does not exist: #GP(0).
 */
#include <x86intrin.h>	/* __rdtsc */

#include "fullvirt/x86/priv.h"

#define MSR_TSC			0x10
#define MSR_APIC_BASE		0x1b
#define MSR_MTRR_CAP		0xfe
#define MSR_MTRR_VAR		0x200	/* base, mask pairs */
#define MSR_EFER		0xc0000080u
#define MSR_X2APIC_FIRST	0x800
#define MSR_X2APIC_LAST		0xbff

/* 8 variable ranges, fixed ranges, write-combining. */
#define MTRR_CAP	0x508
#define MTRR_VARS	16

/* MSRs that are a field of struct msr_state and nothing more. */
struct msr_field {
	uint32_t msr;
	uint16_t offset;
	uint64_t reserved;	/* #GP when written non-zero */
};

#define FIELD(msr, name, reserved) \
	{ msr, offsetof(struct msr_state, name), reserved }
#define HIGH	0xffffffff00000000ULL

static const struct msr_field fields[] = {
	FIELD(0x174, sysenter_cs, 0),
	FIELD(0x175, sysenter_esp, 0),
	FIELD(0x176, sysenter_eip, 0),
	FIELD(0x179, mcg_cap, ~0ULL),
	FIELD(0x17a, mcg_status, ~7ULL),
	FIELD(0x1a0, misc_enable, 0),
	FIELD(0x277, pat, 0xf8f8f8f8f8f8f8f8ULL),
	FIELD(0x2ff, mtrr_def_type, ~0xcffULL),
	FIELD(0x250, mtrr_fixed[0], 0),
	FIELD(0x258, mtrr_fixed[1], 0),
	FIELD(0x259, mtrr_fixed[2], 0),
	FIELD(0x268, mtrr_fixed[3], 0),
	FIELD(0x269, mtrr_fixed[4], 0),
	FIELD(0x26a, mtrr_fixed[5], 0),
	FIELD(0x26b, mtrr_fixed[6], 0),
	FIELD(0x26c, mtrr_fixed[7], 0),
	FIELD(0x26d, mtrr_fixed[8], 0),
	FIELD(0x26e, mtrr_fixed[9], 0),
	FIELD(0x26f, mtrr_fixed[10], 0),
};

/*
 * Registers that an operating system for this processor may touch and that
 * do nothing here: they read as zero, writes are dropped.
 */
static const uint32_t ignored[] = {
	0x00,	/* P5_MC_ADDR */
	0x01,	/* P5_MC_TYPE */
	0x17,	/* PLATFORM_ID */
	0x2a,	/* EBL_CR_POWERON */
	0x79,	/* BIOS_UPDT_TRIG */
	0x8b,	/* BIOS_SIGN_ID */
	0x119,	/* BBL_CR_CTL */
	0x1d9,	/* DEBUGCTL */
};

static uint64_t *field_find(struct x86 *x, uint32_t msr, uint64_t *reserved)
{
	for (unsigned n = 0; n < ARRAY_SIZE(fields); n++)
		if (fields[n].msr == msr) {
			*reserved = fields[n].reserved;
			return (uint64_t *)((uint8_t *)&x->v->msr +
					    fields[n].offset);
		}
	if (msr >= MSR_MTRR_VAR && msr < MSR_MTRR_VAR + MTRR_VARS) {
		*reserved = 0;
		return &x->v->msr.mtrr_var[msr - MSR_MTRR_VAR];
	}
	return NULL;
}

static bool is_ignored(uint32_t msr)
{
	for (unsigned n = 0; n < ARRAY_SIZE(ignored); n++)
		if (ignored[n] == msr)
			return true;
	return false;
}

static bool is_device(uint32_t msr)
{
	return msr == MSR_APIC_BASE ||
	       (msr >= MSR_X2APIC_FIRST && msr <= MSR_X2APIC_LAST);
}

static int device_read(struct x86 *x, uint32_t msr, uint64_t *val)
{
	x86_bus_enter(x);
	if (x->bus && x->bus->msr_read)
		return x->bus->msr_read(x->bus->opaque, msr, val);
	if (msr != MSR_APIC_BASE)
		return -1;
	*val = x->v->msr.apic_base;
	return 0;
}

static int device_write(struct x86 *x, uint32_t msr, uint64_t val)
{
	int r = msr == MSR_APIC_BASE ? 0 : -1;

	x86_bus_enter(x);
	if (x->bus && x->bus->msr_write)
		r = x->bus->msr_write(x->bus->opaque, msr, val);
	/* CPUID shows the APIC's enable bit. */
	if (!r && msr == MSR_APIC_BASE)
		x->v->msr.apic_base = val;
	return r;
}

int x86_rdmsr(struct x86 *x, uint32_t msr, uint64_t *val)
{
	uint64_t reserved, *f = field_find(x, msr, &reserved);

	if (f) {
		*val = *f;
		return 0;
	}
	switch (msr) {
	case MSR_TSC:
		*val = __rdtsc() + x->v->msr.tsc_offset;
		return 0;
	case MSR_MTRR_CAP:
		*val = MTRR_CAP;
		return 0;
	case MSR_EFER:
		*val = x->v->msr.efer;
		return 0;
	}
	if (is_device(msr))
		return device_read(x, msr, val);
	*val = 0;
	return is_ignored(msr) ? 0 : -1;
}

/*
 * LME and SCE can be set, whether CPUID offers long mode or not: a guest that
 * goes on to turn paging on is told what is missing, instead of a #GP that it
 * does not expect.  LMA is the processor's.
 */
static int efer_write(struct x86 *x, uint64_t val)
{
	if (val & ~(uint64_t)(EFER_NX | EFER_LME | EFER_SCE))
		return -1;
	x->v->msr.efer = val;
	x86_tlb_flush(x);
	if (x->hooks && x->hooks->tlb_flush)
		x->hooks->tlb_flush(x->opaque, true);
	return 0;
}

int x86_wrmsr(struct x86 *x, uint32_t msr, uint64_t val)
{
	uint64_t reserved, *f = field_find(x, msr, &reserved);

	if (f) {
		if (val & reserved)
			return -1;
		*f = val;
		return 0;
	}
	switch (msr) {
	case MSR_TSC:
		x->v->msr.tsc_offset = val - __rdtsc();
		return 0;
	case MSR_EFER:
		return efer_write(x, val);
	}
	if (is_device(msr))
		return device_write(x, msr, val);
	return is_ignored(msr) ? 0 : -1;
}
