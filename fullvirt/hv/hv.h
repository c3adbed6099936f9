/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The HV engine: what its files share.
 *
 * One KVM VM (struct hv_vm) for the machine, one KVM vCPU and one engine
 * (struct hv) for each of its processors.  KVM knows of RAM and ROM only; the
 * devices are the same objects as under BT and hear of accesses through the
 * engine bus.
 *
 * Who holds the vCPU's state: KVM, but for what it has no place for (MSRs that
 * KVM leaves to us, activity, cpu_index), which is in hv->v and nowhere else, or
 * where the state is one that this KVM cannot run (hv->ours).
 * hv_state_load() completes hv->v from KVM, hv_state_store() puts it back.
 */
#ifndef FULLVIRT_HV_HV_H
#define FULLVIRT_HV_HV_H

#include <linux/kvm.h>
#include <pthread.h>

#include "fullvirt/x86/interp.h"
#include "hypervisor/engine.h"
#include "hypervisor/irqchip.h"

#define HV_REASON	160
/* Interrupts KVM_RUN; BT has SIGUSR2. */
#define HV_KICK_SIGNAL	SIGUSR1
/* Leaves of CPUID that are offered; kvm.h calls them entries. */
#define HV_CPUID_MAX	64

/* A run of pages of one kind, as KVM was told of it. */
struct hv_slot {
	gpa_t gpa;
	gpa_t from;		/* whose memory it shows; differs if A20 is closed */
	uint64_t size;		/* bytes; 0: free */
	bool rom;
};

/* hv.irqchip, hv.pit */
enum hv_irqchip { HV_IRQCHIP_AUTO, HV_IRQCHIP_ON, HV_IRQCHIP_OFF };

/* What is shared by the engines of one machine; freed by the last. */
struct hv_vm {
	unsigned users;
	int kvm_fd, vm_fd;
	struct mem *mem;
	size_t run_size;	/* of struct kvm_run and its pages */
	bool msr_exits;		/* MSRs that we keep exit to us */
	bool sregs2, readonly;
	bool block_irq;		/* steps without interrupts (Linux 5.16) */
	/*
	 * KVM without a processor's help: outside of long mode it runs
	 * CPL 0 without paging, and loses CR0.PG and EFLAGS.VM of other
	 * states.  These are the interpreter's.
	 */
	bool weak;
	bool irqchip;		/* KVM's interrupt controllers (irqchip.c) */
	bool pit;		/* KVM's 8254 (pit.c) */
	struct irqchip_pit_channel pit_told;	/* channel 0, by us */
	uint32_t pit_told_count;	/* the count that KVM got for it */
	uint64_t pit_since;	/* CLOCK_MONOTONIC, ns: when */
	uint64_t pit_owed;	/* parts of periods, input clocks */
	bool irqchip_works;	/* they keep what they are told (trial.c) */
	pthread_mutex_t lock;	/* the slots */
	struct hv_slot *slots;
	unsigned nslots, max_slots;
	/* One bit for each page that was written; NULL: no log (dirty.c). */
	uint64_t *dirty;
	struct kvm_cpuid2 *supported;
};

/* Counters: name, what it is. */
#define HV_STATS(X) \
	X(entries, "KVM_RUN calls") \
	X(pio, "port exits") \
	X(mmio, "memory exits") \
	X(msr, "MSR exits") \
	X(halts, "halts") \
	X(windows, "interrupt window exits") \
	X(interrupts, "interrupts injected") \
	X(nmis, "NMIs injected") \
	X(kicks, "interrupted KVM_RUN calls") \
	X(emulations, "instructions KVM gave up on") \
	X(interpreted, "instructions interpreted") \
	X(state_loads, "states read from KVM") \
	X(state_stores, "states written to KVM")


struct hv {
	struct engine engine;
	struct hv_vm *vm;
	struct engine_bus *bus;
	FILE *log;
	int fd;			/* the KVM vCPU */
	struct kvm_run *run;

	pthread_t thread;	/* that is or was in run() */
	bool running;		/* atomic: kicks need a signal */
	/* KVM cannot hold the state: all of it is in v. */
	bool ours;
	/* KVM still has to finish the instruction of the last exit. */
	bool io_pending;
	bool tsc_attr;		/* KVM_VCPU_TSC_OFFSET is there */
	bool tsc_known;		/* since the last KVM_RUN (msr.c) */
	uint8_t cr8;		/* TPR >> 4 that KVM was told */
	/*
	 * The local APIC's timer in KVM: its count when the vCPU stopped, and
	 * the initial count of one that has expired, which KVM is not told.
	 */
	uint32_t timer_left, timer_initial;

	/* run() cannot go on; why. */
	char broken[HV_REASON];
	/* EINTR or EAGAIN in a row, and when the first came (ns). */
	uint64_t streak, streak_since;
	/* Instructions to interpret at the next failure; grows and shrinks. */
	unsigned batch;
	uint64_t failed_at_entry;	/* stats.entries of the last failure */

	struct engine_debug debug;
	bool debug_resume;	/* begin behind the breakpoint at rip */
	bool debug_past;	/* one instruction without breakpoints */
	gva_t debug_pc;		/* linear address of the last stop */
	struct x86 x;		/* the interpreter, on v */
	struct vcpu v;
	struct {
#define X(name, text) uint64_t name;
		HV_STATS(X)
#undef X
	} stats;
};

static inline struct hv *to_hv(struct engine *e)
{
	return (struct hv *)e;
}

/*
 * kvm.c.  All calls to KVM go through hv_ioctl(); tests put another function
 * there.  Returns what ioctl(2) does, or a negative errno.
 */
typedef int hv_ioctl_fn(int fd, unsigned long request, void *arg);
extern hv_ioctl_fn *hv_ioctl_hook;	/* NULL: the system call */
int hv_ioctl(int fd, unsigned long request, void *arg);
/*
 * Open KVM and make a VM for @mem.  0, or a negative errno with one line in
 * @err (HV_REASON bytes).
 */
int hv_vm_create(struct hv_vm **out, struct mem *mem, char *err);
/*
 * trial.c.  Find out vm->weak, and, with @irqchip, vm->irqchip_works.  0, or a
 * negative errno with one line in @err.  Some hundred us.
 */
int hv_vm_try(struct hv_vm *vm, bool irqchip, char *err);
/*
 * irqchip.c.  Before the first vCPU, after hv_vm_try().  0, or with
 * HV_IRQCHIP_ON a negative errno and one line in @err.
 */
int hv_irqchip_create(struct hv_vm *vm, enum hv_irqchip want, char *err);
/*
 * The vCPU leaves run(): note how far its timer is, let KVM deliver it.  True:
 * there is an exit to handle first.
 */
bool hv_irqchip_settle(struct hv *hv);
extern const struct engine_irqchip hv_irqchip;
/* pit.c.  As above, after it; and for struct engine_irqchip. */
int hv_pit_create(struct hv_vm *vm, enum hv_irqchip want, char *err);
bool hv_pit_present(struct engine *e);
int hv_pit_get(struct engine *e, struct irqchip_pit *p);
int hv_pit_set(struct engine *e, const struct irqchip_pit *p);
/* One user less; the last closes everything. */
void hv_vm_put(struct hv_vm *vm);
bool hv_vm_has(const struct hv_vm *vm, int cap);

/*
 * slots.c.  Make KVM's slots those of vm->mem.  0, or a negative errno with a
 * reason (-ENOSPC: more runs of pages than KVM has slots).  Any thread.
 */
int hv_slots_sync(struct hv_vm *vm, char *err);

/* Tell KVM of all slots again, whose flags changed.  vm->lock held. */
int hv_slots_tell(struct hv_vm *vm);

/*
 * dirty.c.  The dirty log behind engine.h.  The first two take vm->lock; the
 * last, with it held, moves KVM's log of slot @n into vm->dirty.
 */
int hv_dirty_log(struct engine *e, bool on);
int hv_dirty_fetch(struct engine *e, uint64_t *bits);
int hv_slot_dirty(struct hv_vm *vm, unsigned n);

/* cpuid.c.  Tell KVM what CPUID shows.  0 or a negative errno. */
int hv_cpuid_set(struct hv *hv);

/*
 * state.c.  vCPU thread, outside KVM_RUN, no I/O pending.  Return 0, or a
 * negative errno with hv->broken set.
 */
int hv_state_load(struct hv *hv);
int hv_state_store(struct hv *hv);
/*
 * The same for a hypercall, which is called often, looks at registers and
 * changes general ones: no FPU, events or debug registers, and nothing but
 * general registers and RFLAGS goes back.
 */
int hv_call_load(struct hv *hv);
int hv_call_store(struct hv *hv);

/* msr.c.  The MSRs that KVM keeps, to and from v->msr.  As above. */
int hv_msrs_load(struct hv *hv);
/* The TSC's offset alone.  Returns a negative errno, else 0 or more. */
int hv_tsc_load(struct hv *hv);
int hv_msrs_store(struct hv *hv);
/* Make those that KVM shall not keep exit to us; before the first vCPU. */
int hv_msrs_filter(struct hv_vm *vm);
/* A KVM_EXIT_X86_RDMSR or WRMSR. */
void hv_msr_exit(struct hv *hv, bool write);

/* run.c */
void hv_run(struct engine *e, struct engine_exit_info *info);
void hv_kick(struct engine *e);
int hv_signal_init(void);
/* Finish the instruction that the last exit came from. */
void hv_complete(struct hv *hv);

/*
 * emulate.c.  KVM cannot emulate the instruction at rip: interpret it, and
 * some behind it.  Returns true to go on, else fills @info.
 */
bool hv_emulate(struct hv *hv, struct engine_exit_info *info);
/* As above while hv->ours: interpret until KVM can take over. */
bool hv_interpret(struct hv *hv, struct engine_exit_info *info);
/* Is the state in hv->v one that this KVM cannot hold? */
bool hv_foreign(const struct hv *hv);

/*
 * softint.c.  In long mode, state loaded: if INT n or INT3 is at rip, do its
 * part of the work, store the state and return true.
 */
bool hv_soft_interrupt(struct hv *hv);

/* debug.c */
int hv_set_debug(struct engine *e, const struct engine_debug *d);
void hv_debug_state(struct hv *hv, const struct vcpu *v);
void hv_debug_resume(struct hv *hv);
bool hv_debug_exit(struct hv *hv, struct engine_exit_info *info);

/* Note that the engine cannot go on; the first reason stays. */
int hv_break(struct hv *hv, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
