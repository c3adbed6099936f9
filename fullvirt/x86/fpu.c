/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x87, MMX and SSE: the guest's instruction runs on the host's own unit,
 * between FXRSTOR and FXSAVE of the vCPU's image, with its memory operand in
 * a buffer.
 *
 * The host must never take an exception on the way:
 * - x87 exceptions trap on the next waiting instruction.  We test for a
 *   pending one before each, and leave the unit with FNINIT.
 * - SSE exceptions trap at once.  With any unmasked, the instruction runs on
 *   a copy with all masked first, and its flags tell whether it traps.  One
 *   sticky bit can differ from hardware: with overflow unmasked, an exact
 *   result that overflows leaves MXCSR.PE set here.
 *
 * Intel SDM Vol. 1 8.7 (x87 exceptions), 11.5 (SSE exceptions).
 */
#include "fullvirt/x86/fpu.h"
#include "fullvirt/x86/operand.h"

#define MXCSR_UM	(1u << 11)
#define MXCSR_FZ	(1u << 15)
#define MXCSR_IE_DE_ZE	7u
#define MXCSR_UE	(1u << 4)
#define MXCSR_PE	(1u << 5)
#define MXCSR_MASK_SHIFT 7
#define RFLAGS_HOST	(FLAG_FIXED | FLAG_IF)

static bool ignored(const struct x86 *x)
{
	return x->bus && unlikely(atomic_load(&x->bus->ignne));
}

static void set_ferr(struct x86 *x, bool level)
{
	if (x->bus && x->bus->ferr)
		x->bus->ferr(x->bus->opaque, level);
}

void x86_fpu_ignne(struct x86 *x)
{
	if (!ignored(x))
		return;
	if (x->hooks && x->hooks->fpu_acquire)
		x->hooks->fpu_acquire(x->opaque);
	if (!fpu_pending(fpu_image(x)))
		set_ferr(x, false);
}

/* SDM Vol. 1 appendix D.2.1: at the instruction, until an interrupt comes. */
static _Noreturn void freeze(struct x86 *x)
{
	set_ferr(x, true);
	x->v->activity = ACTIVITY_HALT;
	x86_stop(x, X86_HALT);
}

static void raise_pending(struct x86 *x)
{
	if (!fpu_pending(fpu_image(x)))
		return;
	if (x->v->cr0 & CR0_NE)
		x86_fault(x, VEC_MF);
	if (!ignored(x))
		freeze(x);
}

void fpu_check(struct x86 *x, enum fpu_class cls)
{
	uint32_t cr0 = x->v->cr0;
	bool x87 = cls == FPU_X87 || cls == FPU_X87_NOWAIT ||
		   cls == FPU_FXSAVE;
	bool sse = cls == FPU_SSE || cls == FPU_SSE_MMX;

	if (unlikely(cr0 & CR0_EM && !x87))
		x86_ud(x);
	if (unlikely(sse && !(x->v->cr4 & CR4_OSFXSR)))
		x86_ud(x);
	if (unlikely(cr0 & (CR0_EM | CR0_TS)))
		x86_fault(x, VEC_NM);
	if (x->hooks && x->hooks->fpu_acquire)
		x->hooks->fpu_acquire(x->opaque);
	x86_fpu_ignne(x);
	if (cls == FPU_X87 || cls == FPU_MMX || cls == FPU_SSE_MMX)
		raise_pending(x);
}

void fpu_summarize(struct fxsave *f)
{
	f->fsw &= ~(FSW_ES | FSW_B);
	if (fpu_pending(f))
		f->fsw |= FSW_ES | FSW_B;
}

/* Operands of one execution. */
struct fpu_op {
	const struct operand *mem, *gpr;
	uint32_t lin, off;
	struct fpu_regs regs;
};

/* Alignment that AC asks for: x87's ten bytes count as eight. */
static unsigned natural_align(unsigned size)
{
	return size == 10 ? 8 : size;
}

static void mem_open(struct x86 *x, const struct insn *i, struct fpu_op *o)
{
	unsigned size = o->mem->size;
	bool write = o->mem->action & OPND_WRITES;

	o->off = ea_offset(x->v, i);
	o->lin = x->v->seg[i->seg].base + o->off;
	/* Comes before the limit, and is #GP for SS too. */
	if (i->fpu_flags & FPU_ALIGN16 && size == 16 && o->lin & 15)
		x86_gp(x, 0);
	o->lin = x86_linear_aligned(x, i->seg, o->off, size,
				    natural_align(size), write);
	if (o->mem->action & OPND_READS)
		x86_lin_read_bytes(x, o->lin, x->cache->fpu->bounce, size,
				   x->cache->user);
	if (write)
		x86_lin_probe_write(x, o->lin, size, x->cache->user);
}

static void operands_open(struct x86 *x, const struct insn *i,
			  struct fpu_op *o)
{
	for (unsigned n = 0; n < ARRAY_SIZE(i->op); n++) {
		if (i->op[n].kind == OPND_MEM)
			o->mem = &i->op[n];
		else if (i->op[n].kind == OPND_REG)
			o->gpr = &i->op[n];
	}
	if (o->mem)
		mem_open(x, i, o);
	if (o->gpr)
		o->regs.eax = reg_get(x->v, o->gpr->reg, o->gpr->size);
	o->regs.flags = (x->v->rflags & FLAGS_ARITH) | RFLAGS_HOST;
}

/* An unmasked fault before the result leaves a memory destination alone. */
static bool store_suppressed(const struct x86 *x, const struct insn *i)
{
	const struct fxsave *f = (const struct fxsave *)x->v->fpu;

	return i->fpu_class == FPU_X87 &&
	       (f->fsw & ~f->fcw & FCW_MASKS & ~FSW_PE);
}

static void operands_close(struct x86 *x, const struct insn *i,
			   struct fpu_op *o)
{
	if (o->mem && o->mem->action & OPND_WRITES && !store_suppressed(x, i))
		x86_lin_write_bytes(x, o->lin, x->cache->fpu->bounce,
				    o->mem->size, x->cache->user);
	if (o->gpr && o->gpr->action & OPND_WRITES)
		reg_set(x->v, o->gpr->reg, o->gpr->size, o->regs.eax);
	flags_set(x->v, FLAGS_ARITH, o->regs.flags);
}

/* Run on @image; the guest keeps its own MXCSR mask and pointers. */
static void run_on(struct x86 *x, const struct insn *i, void *image,
		   struct fpu_regs *r)
{
	struct fpu_arena *a = x->cache->fpu;
	struct fxsave *f = image;
	uint64_t fop = load_raw(&f->fop, 2), fip = load_raw(&f->fip, 8);
	uint64_t fdp = load_raw(&f->fdp, 8);

	fpu_run(image, r, a->bounce, fpu_code(a, i));
	store_raw(&f->fop, 2, fop);
	store_raw(&f->fip, 8, fip);
	store_raw(&f->fdp, 8, fdp);
	f->mxcsr_mask = MXCSR_VALID;
}

/* The exception flags that the instruction gives under @mxcsr. */
static uint32_t trial(struct x86 *x, const struct insn *i, uint32_t mxcsr,
		      struct fpu_regs r)
{
	struct fpu_arena *a = x->cache->fpu;
	struct fxsave *f = (struct fxsave *)a->copy;
	uint8_t mem[16];
	uint32_t flags;

	copy_raw(a->copy, x->v->fpu, sizeof(a->copy));
	copy_raw(mem, a->bounce, sizeof(mem));
	f->mxcsr = (mxcsr & ~MXCSR_FLAGS) | MXCSR_MASKS;
	run_on(x, i, f, &r);
	flags = f->mxcsr & MXCSR_FLAGS;
	copy_raw(a->bounce, mem, sizeof(mem));
	return flags;
}

/*
 * Does it trap?  Unmasked underflow means "tiny", masked means "tiny and
 * inexact"; flush-to-zero acts on tiny, so with FZ set the masked flag
 * answers for the unmasked one.
 */
static void simd_trial(struct x86 *x, const struct insn *i,
		       const struct fpu_regs *r)
{
	struct fxsave *f = fpu_image(x);
	uint32_t unmasked = ~f->mxcsr >> MXCSR_MASK_SHIFT & MXCSR_FLAGS;
	uint32_t flags = trial(x, i, f->mxcsr, *r);

	if (!(f->mxcsr & MXCSR_UM))
		flags |= trial(x, i, f->mxcsr | MXCSR_FZ, *r) & MXCSR_UE;
	if (!(flags & unmasked))
		return;
	/* Faults found before the operation hide those of its result. */
	if (flags & unmasked & MXCSR_IE_DE_ZE)
		flags &= MXCSR_IE_DE_ZE;
	f->mxcsr |= flags;
	if (i->fpu_class == FPU_SSE_MMX)
		fpu_enter_mmx(f);
	if (!(x->v->cr4 & CR4_OSXMMEXCPT))
		x86_ud(x);
	x86_fault(x, VEC_XM);
}

/*
 * Run with everything masked although the guest has unmasked exceptions:
 * the trial has shown that none of those comes.
 */
static void run_simd(struct x86 *x, const struct insn *i, struct fpu_regs *r)
{
	struct fxsave *f = fpu_image(x);
	uint32_t masks = f->mxcsr & MXCSR_MASKS;

	if (masks != MXCSR_MASKS)
		simd_trial(x, i, r);
	f->mxcsr |= MXCSR_MASKS;
	run_on(x, i, f, r);
	f->mxcsr = (f->mxcsr & ~MXCSR_MASKS) | masks;
}

static void set_pointers(struct x86 *x, const struct insn *i,
			 const struct fpu_op *o)
{
	struct fxsave *f = fpu_image(x);

	f->fop = (i->opcode << 8 | i->modrm) & 0x7ff;
	f->fip = x->v->rip;
	f->fcs = x->v->seg[SEG_CS].selector;
	f->rsvd2 = 0;
	if (!o->mem)
		return;
	f->fdp = o->off;
	f->fds = x->v->seg[i->seg].selector;
	f->rsvd3 = 0;
}

/*
 * Exceptions that IGNNE# lets pass must not stop the host's unit: out of the
 * image, and back when the instruction has run.
 */
static uint16_t pending_take(struct fxsave *f)
{
	uint16_t flags = f->fsw & ~f->fcw & FCW_MASKS;

	f->fsw &= ~flags;
	fpu_summarize(f);
	return flags;
}

static void pending_return(struct fxsave *f, uint16_t flags)
{
	f->fsw |= flags;
	fpu_summarize(f);
}

void op_fpu(struct x86 *x, const struct insn *i)
{
	struct fpu_op o = { 0 };
	uint16_t passed = 0;

	fpu_check(x, i->fpu_class);
	operands_open(x, i, &o);
	if (i->fpu_class != FPU_X87_NOWAIT && ignored(x))
		passed = pending_take(fpu_image(x));
	if (i->fpu_flags & FPU_SIMD)
		run_simd(x, i, &o.regs);
	else
		run_on(x, i, x->v->fpu, &o.regs);
	if (i->fpu_flags & FPU_POINTERS)
		set_pointers(x, i, &o);
	operands_close(x, i, &o);
	if (passed)
		pending_return(fpu_image(x), passed);
}

/* FWAIT asks for MP and TS together, and EM does not matter. */
void op_fwait(struct x86 *x, const struct insn *i)
{
	if ((x->v->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS))
		x86_fault(x, VEC_NM);
	if (x->hooks && x->hooks->fpu_acquire)
		x->hooks->fpu_acquire(x->opaque);
	x86_fpu_ignne(x);
	raise_pending(x);
}

void op_ldmxcsr(struct x86 *x, const struct insn *i)
{
	uint32_t val;

	fpu_check(x, i->fpu_class);
	val = mem_get(x, i, 4);
	if (val & ~MXCSR_VALID)
		x86_gp(x, 0);
	fpu_image(x)->mxcsr = val;
}

void op_stmxcsr(struct x86 *x, const struct insn *i)
{
	fpu_check(x, i->fpu_class);
	mem_set(x, i, 4, fpu_image(x)->mxcsr);
}

/* MASKMOVQ, MASKMOVDQU: the bytes whose mask bit 7 is set go to [edi]. */
void op_maskmov(struct x86 *x, const struct insn *i)
{
	struct fxsave *f = fpu_image(x);
	bool mmx = i->fpu_class == FPU_MMX;
	unsigned size = mmx ? 8 : 16;
	uint32_t off = gpr_get(x->v, GPR_DI, i->asize), lin;
	const uint8_t *val, *mask;

	fpu_check(x, i->fpu_class);
	/* Processors enter MMX state even if the store then faults. */
	if (mmx)
		fpu_enter_mmx(f);
	lin = x86_linear(x, i->seg, off, size, true);
	x86_lin_probe_write(x, lin, size, x->cache->user);
	val = mmx ? f->st[i->op[0].reg] : f->xmm[i->op[0].reg];
	mask = mmx ? f->st[i->op[1].reg] : f->xmm[i->op[1].reg];
	for (unsigned n = 0; n < size; n++)
		if (mask[n] & 0x80)
			x86_lin_write(x, lin + n, 1, val[n], x->cache->user);
}
