/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * struct vcpu: the complete architectural state of one virtual processor,
 * independent of the engine that runs it.  An engine owns the live state
 * while it runs and hands it over through engine.h; snapshots store it, and a
 * vCPU moves between engines by it.
 *
 * Field order and widths are frozen per VCPU_STATE_VERSION.  Sources: Intel
 * SDM Vol. 3A chapters 2 and 3, Vol. 3C 24.4.1 (segment access rights).
 */
#ifndef HYPERVISOR_VCPU_H
#define HYPERVISOR_VCPU_H

#include "hypervisor/types.h"

#define VCPU_STATE_VERSION	2

/* Family 6, model 0x1c, stepping 10: CPUID.1:EAX, and EDX after reset. */
#define VCPU_SIGNATURE		0x106cau

enum gpr {
	GPR_AX, GPR_CX, GPR_DX, GPR_BX, GPR_SP, GPR_BP, GPR_SI, GPR_DI,
	GPR_R8, GPR_R9, GPR_R10, GPR_R11, GPR_R12, GPR_R13, GPR_R14, GPR_R15,
	GPR_COUNT,
};

/* Encoding order of the sreg field in ModRM. */
enum seg_reg {
	SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_COUNT,
};

/*
 * Access rights of a loaded segment, packed as bits 8..23 of a descriptor's
 * high dword are (type, S, DPL, P, limit nibble zero, AVL, L, D/B, G) plus
 * SEG_UNUSABLE for a null selector.
 */
#define SEG_TYPE_MASK		0x000fu
#define SEG_TYPE_ACCESSED	0x0001u
#define SEG_TYPE_WRITE		0x0002u	/* data: writable; code: readable */
#define SEG_TYPE_DOWN		0x0004u	/* data: expand-down; code: conforming */
#define SEG_TYPE_CODE		0x0008u
#define SEG_S			0x0010u	/* code or data, not system */
#define SEG_DPL_SHIFT		5
#define SEG_DPL_MASK		0x0060u
#define SEG_P			0x0080u
#define SEG_AVL			0x1000u
#define SEG_L			0x2000u
#define SEG_DB			0x4000u	/* default size 32 bit / big */
#define SEG_G			0x8000u
#define SEG_UNUSABLE		0x10000u

/* One segment register with its hidden part. */
struct segment {
	uint64_t base;
	uint32_t limit;		/* in bytes, the last valid offset */
	uint32_t attr;		/* SEG_* */
	uint16_t selector;
	uint16_t pad[3];
};

/* GDTR or IDTR. */
struct desc_table {
	uint64_t base;
	uint16_t limit;
	uint16_t pad[3];
};

#define FLAG_CF		(1u << 0)
#define FLAG_FIXED	(1u << 1)
#define FLAG_PF		(1u << 2)
#define FLAG_AF		(1u << 4)
#define FLAG_ZF		(1u << 6)
#define FLAG_SF		(1u << 7)
#define FLAG_TF		(1u << 8)
#define FLAG_IF		(1u << 9)
#define FLAG_DF		(1u << 10)
#define FLAG_OF		(1u << 11)
#define FLAG_IOPL	(3u << 12)
#define FLAG_IOPL_SHIFT	12
#define FLAG_NT		(1u << 14)
#define FLAG_RF		(1u << 16)
#define FLAG_VM		(1u << 17)
#define FLAG_AC		(1u << 18)
#define FLAG_VIF	(1u << 19)
#define FLAG_VIP	(1u << 20)
#define FLAG_ID		(1u << 21)
#define FLAGS_ARITH	(FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

#define CR0_PE		(1u << 0)
#define CR0_MP		(1u << 1)
#define CR0_EM		(1u << 2)
#define CR0_TS		(1u << 3)
#define CR0_ET		(1u << 4)
#define CR0_NE		(1u << 5)
#define CR0_WP		(1u << 16)
#define CR0_AM		(1u << 18)
#define CR0_NW		(1u << 29)
#define CR0_CD		(1u << 30)
#define CR0_PG		(1u << 31)

#define CR4_VME		(1u << 0)
#define CR4_PVI		(1u << 1)
#define CR4_TSD		(1u << 2)
#define CR4_DE		(1u << 3)
#define CR4_PSE		(1u << 4)
#define CR4_PAE		(1u << 5)
#define CR4_MCE		(1u << 6)
#define CR4_PGE		(1u << 7)
#define CR4_PCE		(1u << 8)
#define CR4_OSFXSR	(1u << 9)
#define CR4_OSXMMEXCPT	(1u << 10)
#define CR4_SMEP	(1u << 20)

#define EFER_SCE	(1u << 0)
#define EFER_LME	(1u << 8)
#define EFER_LMA	(1u << 10)
#define EFER_NX		(1u << 11)

/* Exception vectors, Intel SDM Vol. 3A table 6-1. */
enum vector {
	VEC_DE = 0, VEC_DB = 1, VEC_NMI = 2, VEC_BP = 3, VEC_OF = 4,
	VEC_BR = 5, VEC_UD = 6, VEC_NM = 7, VEC_DF = 8, VEC_TS = 10,
	VEC_NP = 11, VEC_SS = 12, VEC_GP = 13, VEC_PF = 14, VEC_MF = 16,
	VEC_AC = 17, VEC_MC = 18, VEC_XM = 19,
};

/* vcpu.shadow: what the previous instruction holds off, SDM Vol. 3A 6.8.3. */
#define SHADOW_STI	1u
#define SHADOW_MOV_SS	2u

/* vcpu.activity */
enum activity {
	ACTIVITY_RUN,
	ACTIVITY_HALT,		/* after HLT, waits for an interrupt */
	ACTIVITY_WAIT_SIPI,
	ACTIVITY_SHUTDOWN,	/* triple fault */
};

/*
 * An event whose delivery had begun when the state was taken: the processor
 * delivers it before the next instruction, whatever IF and the interrupt
 * shadow say (SDM Vol. 3C 24.8.3; since version 2).  INT n and its like are
 * none: rip stands at the instruction, which runs again.
 */
enum event_kind {
	EVENT_NONE,
	EVENT_INTR,		/* acknowledged at the interrupt controller */
	EVENT_NMI,
	EVENT_EXCEPTION,	/* CR2 and DR6 are written already */
};

struct vcpu_event {
	uint8_t kind;		/* enum event_kind */
	uint8_t vector;
	uint8_t has_error;
	uint8_t pad;
	uint32_t error;
};

struct msr_state {
	uint64_t tsc_offset;	/* guest TSC = host TSC + tsc_offset */
	uint64_t tsc_aux;
	uint64_t tsc_adjust;
	uint64_t apic_base;
	uint64_t misc_enable;
	uint64_t pat;
	uint64_t efer;
	uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
	uint64_t mtrr_def_type;
	uint64_t mtrr_fixed[11];
	uint64_t mtrr_var[16];	/* base, mask pairs */
	uint64_t mcg_status, mcg_cap;
};

struct vcpu {
	uint64_t gpr[GPR_COUNT];
	uint64_t rip;
	uint64_t rflags;	/* FLAG_FIXED always set */

	struct segment seg[SEG_COUNT];
	struct segment ldtr, tr;
	struct desc_table gdtr, idtr;

	uint64_t cr0, cr2, cr3, cr4, cr8;
	uint64_t pdpte[4];	/* loaded by MOV CR3 with PAE, SDM 4.4.1 */
	uint64_t dr[8];		/* DR0..3, DR6, DR7; 4 and 5 unused */
	uint64_t xcr0;
	struct msr_state msr;

	/* FXSAVE64 image, SDM Vol. 1 10.5.1; AVX state is not offered. */
	uint8_t fpu[512] __attribute__((aligned(64)));

	uint32_t shadow;	/* SHADOW_* */
	uint32_t activity;	/* enum activity */
	uint32_t nmi_masked;	/* between NMI delivery and IRET */
	uint32_t nmi_pending;	/* latched, not delivered (engine_bus.nmi) */
	uint32_t cpu_index;	/* 0 is the bootstrap processor */
	uint32_t pad;
	struct vcpu_event event;
};

/* Current privilege level: DPL of SS holds it in every mode but real. */
static inline unsigned vcpu_cpl(const struct vcpu *v)
{
	if (!(v->cr0 & CR0_PE))
		return 0;
	if (v->rflags & FLAG_VM)
		return 3;
	return (v->seg[SEG_SS].attr & SEG_DPL_MASK) >> SEG_DPL_SHIFT;
}

static inline bool vcpu_real_mode(const struct vcpu *v)
{
	return !(v->cr0 & CR0_PE);
}

/* Real mode or v8086: segment base is selector * 16, SDM Vol. 3B 20. */
static inline bool vcpu_real_or_v86(const struct vcpu *v)
{
	return vcpu_real_mode(v) || (v->rflags & FLAG_VM);
}

/*
 * Put @v into the state after power-on or INIT (@init: keep what INIT keeps),
 * SDM Vol. 3A table 9-1.  rip = 0xfff0, CS base 0xffff0000.
 */
void vcpu_reset(struct vcpu *v, unsigned cpu_index, bool init);

/*
 * Load @seg as real mode does: base = @selector * 16, limit 64 KiB.
 */
void vcpu_load_real(struct vcpu *v, enum seg_reg seg, uint16_t selector);

/*
 * Make @v a flat 32-bit ring-0 processor (PE=1, PG=0, all segments 4 GiB,
 * CS selector @cs, data @ds) that starts at @eip.  Boot loaders use it.
 */
void vcpu_set_flat32(struct vcpu *v, uint16_t cs, uint16_t ds, uint32_t eip);

#endif
