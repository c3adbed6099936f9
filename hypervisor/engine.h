/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interface between the machine and an execution engine.
 *
 * An engine runs one vCPU on the calling thread until something that the
 * machine must decide.  Port and MMIO accesses and interrupt acknowledge are
 * calls into struct engine_bus rather than exits: an access can sit in the
 * middle of a guest instruction (string I/O, a task switch whose TSS is MMIO),
 * and a call lets the interpreter finish that instruction in one piece.  HV
 * makes the same calls out of its own exit loop.
 */
#ifndef HYPERVISOR_ENGINE_H
#define HYPERVISOR_ENGINE_H

#include <stdatomic.h>
#include <stdio.h>

#include "hypervisor/types.h"
#include "hypervisor/vcpu.h"

struct mem;

/* Why engine_ops.run() came back. */
enum engine_exit {
	ENGINE_KICKED,		/* engine_ops.kick(), or bus->stop was set */
	ENGINE_HALT,		/* HLT; vcpu.activity == ACTIVITY_HALT */
	ENGINE_SHUTDOWN,	/* triple fault */
	ENGINE_CANNOT,		/* unsupported; reason in engine_exit_info */
	ENGINE_HYPERCALL,	/* VMCALL-class instruction not handled inside */
	ENGINE_DEBUG,		/* a step or a breakpoint of set_debug() */
	ENGINE_LONG_MODE,	/* the instruction at rip enters long mode,
				 * which this engine does not have */
};

/* What a debugger outside the guest wants; guests do not see any of it. */
enum engine_break {
	ENGINE_BREAK_EXEC,	/* before the instruction at addr */
	ENGINE_BREAK_WRITE,	/* behind an instruction that wrote */
	ENGINE_BREAK_READ,	/* ... that read */
	ENGINE_BREAK_ACCESS,	/* ... that read or wrote */
	ENGINE_BREAK_STEP,	/* in engine_exit_info only */
};

#define ENGINE_BREAKPOINTS	32

struct engine_breakpoint {
	gva_t addr;		/* linear */
	uint32_t len;		/* bytes; 1 for ENGINE_BREAK_EXEC */
	enum engine_break kind;
};

struct engine_debug {
	bool step;		/* each run() does one instruction, without
				 * taking interrupts */
	unsigned n;
	struct engine_breakpoint bp[ENGINE_BREAKPOINTS];
};

struct engine_exit_info {
	enum engine_exit exit;
	char reason[160];	/* ENGINE_CANNOT: one line for the user */
	enum engine_break break_kind;	/* ENGINE_DEBUG: what was met */
	gva_t break_addr;		/* its address; a step: of no meaning */
	bool intr_enabled;	/* ENGINE_HALT: an interrupt ends it */
};

/*
 * What the machine offers to an engine.  All calls come on the vCPU thread,
 * with the engine's guest FPU state saved (ordinary C code may run).
 */
struct engine_bus {
	void *opaque;
	/* @size 1, 2 or 4 bytes.  Reads of unowned ports give all ones. */
	uint32_t (*pio_read)(void *opaque, uint16_t port, unsigned size);
	void (*pio_write)(void *opaque, uint16_t port, unsigned size,
			  uint32_t val);
	/* INTA cycle: the vector 0..255 to deliver, or -1 if none any more. */
	int (*intr_ack)(void *opaque);
	/* MSR accesses that belong to devices (APIC base, x2APIC).
	 * Return 0, or -1 to raise #GP. */
	int (*msr_read)(void *opaque, uint32_t msr, uint64_t *val);
	int (*msr_write)(void *opaque, uint32_t msr, uint64_t val);
	/*
	 * The local APIC's TPR changed through CR8, bits 7..0; NULL: no APIC.
	 * Only engines with CR8 (HV) call it.
	 */
	void (*tpr_write)(void *opaque, uint8_t tpr);
	/*
	 * The VMI ROM's (vmi_private.h), at CPL 0; @v is complete, and may be
	 * changed.  NULL: no such instruction.
	 */
	void (*hypercall)(void *opaque, struct vcpu *v);
	/*
	 * FERR#: with CR0.NE clear, a waiting x87 instruction met an exception
	 * and waits for an interrupt; or the exception that IGNNE# let pass is
	 * gone.  NULL: not connected.
	 */
	void (*ferr)(void *opaque, bool level);
	/* Linear address of the ROM's IRET, 0: none.  See x86_vmi_fault_eip(). */
	uint32_t vmi_iret;
	/*
	 * Non-zero while an interrupt waits for IF=1 (written by the machine
	 * under its lock before kick, read by the engine without it).
	 */
	atomic_int intr;
	atomic_int nmi;
	/* The local APIC's TPR, for CR8; written as intr is. */
	atomic_uint tpr;
	/*
	 * IGNNE#: waiting x87 instructions run although an exception is
	 * pending (with CR0.NE clear).  Changes inside bus calls only.
	 */
	atomic_int ignne;
	/* Ask run() to return ENGINE_KICKED at the next boundary. */
	atomic_int stop;
};

/* Fill @info for ENGINE_DEBUG; @hit: NULL for a step. */
static inline void engine_report_break(struct engine_exit_info *info,
				       const struct engine_breakpoint *hit)
{
	info->exit = ENGINE_DEBUG;
	info->break_kind = hit ? hit->kind : ENGINE_BREAK_STEP;
	info->break_addr = hit ? hit->addr : 0;
}

/* A privileged or sensitive instruction that ran in ring 0. */
struct engine_census {
	uint32_t eip;		/* linear */
	gpa_t gpa;		/* where it was then; 0: not known */
	uint64_t count;
	const char *insn;	/* "cli", "mov to cr3" ... */
};
typedef void engine_census_fn(void *opaque, const struct engine_census *row);

struct engine;

struct engine_config {
	struct mem *mem;
	struct engine_bus *bus;
	unsigned cpu_index;
	/* Another engine of the same machine and kind, or NULL: what can be
	 * shared between them is. */
	struct engine *peer;
	/* CPUID offers long mode: this engine or one the vCPU can move to has
	 * it. */
	bool long_mode;
	/* NULL-terminated "key=value" strings from the configuration
	 * (bt.tc_size, bt.vma_budget, bt.memory, bt.verify ...). */
	const char *const *options;
	FILE *log;
	FILE *perf_map;		/* NULL: none */
};

struct engine_irqchip;

struct engine_ops {
	const char *name;	/* "bt", "hv", "interp" */
	/* Returns 0, or a negative errno with one line in @err (160 bytes). */
	int (*create)(struct engine **out, const struct engine_config *cfg,
		      char *err);
	void (*destroy)(struct engine *e);
	/* vCPU thread only. */
	void (*run)(struct engine *e, struct engine_exit_info *info);
	/*
	 * Any thread.  Makes the engine look at bus->intr, nmi and stop at the
	 * next guest instruction boundary; wakes nothing that is not running.
	 */
	void (*kick)(struct engine *e);
	/* vCPU thread, outside run(). */
	void (*get_state)(struct engine *e, struct vcpu *out);
	void (*set_state)(struct engine *e, const struct vcpu *in);
	/*
	 * Guest memory was remapped or written behind the engine's back by
	 * the machine: while the vCPU does not run (reset, load), or on its
	 * thread inside a bus callback (PAM, A20, BARs).  What the engine
	 * knows of [gpa, gpa+len) is void from the next guest instruction on.
	 */
	void (*mem_changed)(struct engine *e, gpa_t gpa, uint64_t len);
	/*
	 * Note which pages of RAM are written from now on, by the guest or by
	 * others through mem.h; or stop that.  For the whole machine, by one
	 * of its engines.  No vCPU runs.  Returns 0, -ENOTSUP, -ENOMEM or what
	 * KVM says.  NULL: the engine cannot.
	 */
	int (*dirty_log)(struct engine *e, bool on);
	/*
	 * Set the bits of pages that were written since the log began or was
	 * last fetched, in @bits: one for each page below mem->top.  As above;
	 * -EINVAL without a log.
	 */
	int (*dirty_fetch)(struct engine *e, uint64_t *bits);
	/*
	 * Break there from now on; NULL or all zero: nowhere.  vCPU thread,
	 * outside run().  After a stop at a breakpoint, run() begins with the
	 * instruction there.  Returns 0, -ENOSPC for more breakpoints than
	 * the engine has, or -ENOTSUP for those it would not see; what was
	 * set before stays then.
	 */
	int (*set_debug)(struct engine *e, const struct engine_debug *d);
	/*
	 * With the setting bt.census=1: tell @fn every such instruction, in
	 * no order; @fn NULL: forget them all.  vCPU thread (also inside a bus
	 * callback), or after run().  The member is NULL where an engine
	 * cannot count.
	 */
	void (*census)(struct engine *e, engine_census_fn *fn, void *opaque);
	/* Interrupt controllers inside the engine (irqchip.h), or NULL. */
	const struct engine_irqchip *irqchip;
	/* Human-readable counters ("info stats", --stats). */
	void (*stats)(struct engine *e, FILE *out);
};

struct engine {
	const struct engine_ops *ops;
};

extern const struct engine_ops bt_engine_ops;
extern const struct engine_ops interp_engine_ops;
extern const struct engine_ops hv_engine_ops;

#endif
