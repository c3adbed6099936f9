/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the FPU files share: the FXSAVE image, instruction classes, and the
 * arena of host code.
 */
#ifndef FULLVIRT_X86_FPU_H
#define FULLVIRT_X86_FPU_H

#include "fullvirt/x86/priv.h"

/* Who checks what before the instruction, SDM Vol. 3A table 2-2 and 13.1. */
enum fpu_class {
	FPU_X87,		/* EM or TS: #NM; pending exception: #MF */
	FPU_X87_NOWAIT,		/* as above, but never #MF */
	FPU_MMX,		/* EM: #UD; TS: #NM; pending: #MF */
	FPU_SSE,		/* EM or no OSFXSR: #UD; TS: #NM */
	FPU_SSE_MMX,		/* FPU_SSE, and #MF: it uses MMX registers */
	FPU_FXSAVE,		/* EM or TS: #NM */
};

/* insn.fpu_flags */
#define FPU_ALIGN16	1u	/* 16-byte operand must be aligned: #GP(0) */
#define FPU_POINTERS	2u	/* sets FOP, FIP, FDP */
#define FPU_SIMD	4u	/* may raise #XM */

#define FCW_MASKS	0x3fu
#define FCW_VALID	0x1f3fu
#define FCW_FIXED	0x40u
#define FSW_PE		0x20u
#define FSW_ES		0x80u
#define FSW_B		0x8000u
#define MXCSR_FLAGS	0x3fu
#define MXCSR_MASKS	0x1f80u
#define MXCSR_VALID	0xffffu

/*
 * The image in vcpu.fpu.  Between instructions of the guest the pointers hold
 * guest values in the 32-bit format: offset, then selector.
 */
struct fxsave {
	uint16_t fcw, fsw;
	uint8_t ftw, rsvd1;	/* ftw: a bit for each register in use */
	uint16_t fop;
	uint32_t fip;
	uint16_t fcs, rsvd2;
	uint32_t fdp;
	uint16_t fds, rsvd3;
	uint32_t mxcsr, mxcsr_mask;
	uint8_t st[8][16];	/* relative to the top of stack */
	uint8_t xmm[16][16];
	uint8_t rsvd4[96];
};
_Static_assert(sizeof(struct fxsave) == 512, "FXSAVE image");

static inline struct fxsave *fpu_image(struct x86 *x)
{
	return (struct fxsave *)x->v->fpu;
}

static inline unsigned fpu_top(const struct fxsave *f)
{
	return f->fsw >> 11 & 7;
}

/* An unmasked x87 exception waits for the next waiting instruction. */
static inline bool fpu_pending(const struct fxsave *f)
{
	return f->fsw & ~f->fcw & FCW_MASKS;
}

/* Raise what @cls prescribes; afterwards the image is in x->v->fpu. */
void fpu_check(struct x86 *x, enum fpu_class cls);
/* Make FSW.ES and B agree with flags and masks. */
void fpu_summarize(struct fxsave *f);

/*
 * Move TOP: the image keeps registers relative to it, so they change places.
 */
void fpu_set_top(struct fxsave *f, unsigned top);
/* What any MMX instruction does first: TOP 0, every register in use. */
void fpu_enter_mmx(struct fxsave *f);

/* Registers for and from the host code. */
struct fpu_regs {
	uint64_t eax;
	uint64_t flags;
};

/*
 * Load @image, run @code (which ends in RET) with rdi = @mem, store @image.
 * fpu_run.S.  The host's MXCSR and x87 control word survive.
 */
void fpu_run(void *image, struct fpu_regs *r, void *mem, void *code);

/* Host code slots, 16 bytes each, found by a hash of the instruction. */
#define ARENA_SLOTS	4096u
#define ARENA_SLOT	16u

struct fpu_arena {
	uint8_t bounce[512] __attribute__((aligned(64)));
	uint8_t copy[512] __attribute__((aligned(64)));
	uint8_t *rw, *rx;	/* the same pages, writable and executable */
	uint64_t key[ARENA_SLOTS];
};

/* The code for @i, made if it is not there.  fpu_arena.c */
void *fpu_code(struct fpu_arena *a, const struct insn *i);

#endif
