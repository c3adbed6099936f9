/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The complete x86 interpreter: executes one guest instruction on a struct
 * vcpu with every check the architecture prescribes, and delivers exceptions
 * and interrupts through the guest's IDT.  BT calls it for whatever it does
 * not translate; HV for whatever KVM cannot emulate; the "interp" engine for
 * everything.
 *
 * The code is compiled with -mgeneral-regs-only, because BT calls it with the
 * guest's x87/SSE state live in the host registers.  Guest FPU instructions
 * run on x->v->fpu through fxrstor/fxsave in fpu.c's assembly; the owner of
 * live state saves it first in hooks->fpu_acquire.
 *
 * Known differences from hardware: an x87 exception with CR0.NE clear (FERR#,
 * IRQ 13) is X86_CANNOT; with MXCSR.OM clear, an exact result that overflows
 * also sets MXCSR.PE; FCS and FDS read as zero after the FPU state was live in
 * the host's registers (FOP, FIP and FDP are the owner's to put back); a TSS
 * that makes CR3 fault does so in the old task.
 *
 * Instructions are atomic: an instruction that faults leaves the vCPU and
 * memory as they were at its start (REP strings: at the faulting iteration).
 */
#ifndef FULLVIRT_X86_INTERP_H
#define FULLVIRT_X86_INTERP_H

#include "hypervisor/types.h"
#include "hypervisor/vcpu.h"

struct mem;
struct engine_breakpoint;
struct engine_bus;
struct engine_debug;
struct x86;
struct x86_census;

enum x86_result {
	X86_OK,			/* one instruction (or exception) done */
	X86_HALT,		/* HLT; rip is behind it */
	X86_SHUTDOWN,		/* triple fault */
	X86_CANNOT,		/* not supported; x->reason says what */
	X86_HYPERCALL,		/* VMCALL/VMMCALL in ring 0, bus->hypercall
				 * set; rip is behind it.  Else: #UD */
	X86_LONG_MODE,		/* LMA would become 1; rip at the instruction */
	X86_DEBUG,		/* x->debug: see x->debug_hit */
};

/* Access kinds for x86_translate(). */
#define X86_ACC_READ	0u
#define X86_ACC_WRITE	1u
#define X86_ACC_USER	2u	/* CPL 3 */
#define X86_ACC_EXEC	4u

/* Page-fault error code bits, SDM Vol. 3A figure 4-12. */
#define PFERR_P		1u
#define PFERR_W		2u
#define PFERR_U		4u
#define PFERR_RSVD	8u
#define PFERR_I		16u

/* Result of a page walk. */
struct x86_walk {
	gpa_t gpa;		/* of the byte asked for */
	uint32_t error;		/* page-fault error code if the walk failed */
	uint8_t page_shift;	/* 12, 21 or 22 */
	bool writable;		/* a write at this CPL needs no further fault
				 * and D is already set */
	bool user;		/* U/S of all levels */
	bool rw;		/* R/W of all levels, D and CR0.WP ignored */
	bool global;		/* G bit in effect (CR4.PGE) */
	bool exec;		/* not NX */
	gpa_t pte_gpa;		/* of the leaf entry */
	gpa_t pde_gpa;		/* of the entry above it, or = pte_gpa */
	uint64_t pte;		/* the leaf entry after A/D update */
};

/*
 * What the owner of the interpreter wants to hear; any may be NULL.
 * Called on the vCPU thread in the middle of an instruction.
 */
struct x86_hooks {
	/* Cached translations: all non-global, all, or of one page, die. */
	void (*tlb_flush)(void *opaque, bool global_too);
	void (*tlb_invlpg)(void *opaque, gva_t gva);
	/*
	 * As tlb_invlpg, by a guest that says so through the VMI: what it
	 * invalidates it has just changed, and mostly goes on to use.
	 */
	void (*tlb_inval)(void *opaque, gva_t gva);
	/* CR3 was loaded with @root (flush of non-global follows). */
	void (*cr3_load)(void *opaque, uint64_t old_cr3, uint64_t new_cr3);
	/* The guest's FPU state must be in x->v->fpu now / may be reloaded. */
	void (*fpu_acquire)(void *opaque);
	/* Ordinary C code (bus calls, library) follows: same as above. */
	void (*bus_enter)(void *opaque);
	/*
	 * An exception is about to be delivered.  Return true to swallow it
	 * (test harness).  rip is that of the faulting instruction.
	 */
	bool (*exception)(void *opaque, unsigned vector, bool has_error,
			  uint32_t error);
	/*
	 * Fast translation supplied by the owner; returns an HVA for an
	 * access of @size bytes within one page to plain RAM, or NULL to
	 * make the interpreter walk the tables itself.
	 */
	void *(*hva)(void *opaque, gva_t gva, unsigned size, unsigned access);
};

struct x86 {
	struct vcpu *v;
	struct mem *mem;
	struct engine_bus *bus;
	const struct x86_hooks *hooks;
	void *opaque;
	/*
	 * A debugger's breakpoints; NULL: none.  x86_debug_changed() after a
	 * change.  Its step is the engine's business.
	 */
	const struct engine_debug *debug;
	const struct engine_breakpoint *debug_hit;	/* X86_DEBUG: which */
	struct x86_census *census;	/* NULL: nobody counts (census.h) */
	bool debug_resume;	/* pass the breakpoint at rip this time */
	bool long_mode;		/* CPUID offers it: another engine has it */
	char reason[160];
	uint64_t icount;	/* instructions executed here */
	struct x86_decode_cache *cache;
};

/* The debugger's breakpoint of kind ENGINE_BREAK_EXEC at @lin, or NULL. */
const struct engine_breakpoint *x86_debugger_at(const struct x86 *x,
						uint32_t lin);

/* Returns 0 or -ENOMEM.  @hooks may be NULL. */
int x86_init(struct x86 *x, struct vcpu *v, struct mem *mem,
	     struct engine_bus *bus, const struct x86_hooks *hooks,
	     void *opaque);
void x86_fini(struct x86 *x);

/*
 * Forget the interpreter's own cached translations.  To be called after the
 * guest-physical map or the vCPU's paging state changed other than through
 * this interpreter.  Not needed while hooks->hva is set: then no translation
 * is cached here.  vCPU thread; constant time.
 */
void x86_tlb_flush(struct x86 *x);

/*
 * Execute the instruction at CS:rip, deliver the exception it raises, if any,
 * and the single-step trap.  A REP string instruction stops early (rip on the
 * instruction, X86_OK) after some hundred iterations so that interrupts can
 * come in between.  Maintains v->shadow.  Does not look for interrupts.
 */
enum x86_result x86_step(struct x86 *x);

/*
 * Deliver an exception or interrupt through the IDT, with double and triple
 * fault rules.  v->rip must be what the frame shall hold.
 */
enum x86_event { X86_EVENT_EXCEPTION, X86_EVENT_SOFT_INT, X86_EVENT_INTR,
		 X86_EVENT_NMI };
enum x86_result x86_deliver(struct x86 *x, enum x86_event kind,
			    unsigned vector, bool has_error, uint32_t error);

/*
 * Deliver the event that v->event says had begun, if any; X86_OK without one.
 * Engines call it before the first instruction of a state they were given.
 */
enum x86_result x86_deliver_event(struct x86 *x);

/* As above for #PF: sets CR2 first. */
enum x86_result x86_deliver_pf(struct x86 *x, gva_t gva, uint32_t error);

/*
 * Walk the guest's page tables for one byte at @gva.  @access: X86_ACC_*.
 * Sets A (and D for writes) in the entries, with an atomic compare-exchange.
 * Returns 0, or -EFAULT with w->error set (nothing raised).  PG=0: identity.
 * Intel SDM Vol. 3A 4.3, 4.4, 4.6, 4.7.
 */
int x86_translate(struct x86 *x, gva_t gva, unsigned access,
		  struct x86_walk *w);

/* As x86_translate but reads only: no A/D update (debuggers, monitors). */
int x86_translate_peek(struct x86 *x, gva_t gva, unsigned access,
		       struct x86_walk *w);

/*
 * Where the page-directory entry for @gva lies in the tables in use (PG = 1), or
 * X86_NOWHERE, which is beyond all memory, where the PDPTE is not present.
 */
#define X86_NOWHERE	(1ULL << 63)
gpa_t x86_directory_entry(const struct x86 *x, uint32_t gva);

/*
 * CPUID as the guest sees it (SSE3 level, no AVX/SMAP/UMIP; RDRAND and the
 * invariant TSC where the host has them; long mode with x->long_mode), filled
 * from cpuid.c's table.
 */
void x86_cpuid(const struct x86 *x, uint32_t leaf, uint32_t subleaf,
	       uint32_t out[4]);
/* Asked of the host once. */
bool x86_has_rdrand(void);

/* MSRs.  Return 0, or -1 for #GP.  Shared by rdmsr/wrmsr and the engines. */
int x86_rdmsr(struct x86 *x, uint32_t msr, uint64_t *val);
int x86_wrmsr(struct x86 *x, uint32_t msr, uint64_t val);

/*
 * While IGNNE# is held: let go of FERR# if no x87 exception is pending any
 * more.  Between instructions, on the vCPU thread; costs a load otherwise.
 */
void x86_fpu_ignne(struct x86 *x);

/*
 * After FXSAVE64 of live guest state into v->fpu: take out what the host's
 * processor put there, its own instruction and data pointers (which the guest
 * would see in FNSAVE) and its MXCSR_MASK.  Who can tell the guest's pointers
 * from them puts these in afterwards.
 */
static inline void x86_fpu_saved(struct vcpu *v)
{
	enum { FOP = 6, POINTERS = 8, POINTERS_END = 24, MASK = 28 };

	*(uint16_t *)(v->fpu + FOP) = 0;
	for (unsigned n = POINTERS; n < POINTERS_END; n += 8)
		*(uint64_t *)(v->fpu + n) = 0;
	*(uint32_t *)(v->fpu + MASK) = 0xffff;
}

/*
 * Load a segment register from @selector with all protected-mode checks.
 * Returns 0, or the vector of the exception with *error set (not raised).
 */
int x86_load_segment(struct x86 *x, enum seg_reg seg, uint16_t selector,
		     uint32_t *error);

#endif
