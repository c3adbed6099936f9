/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's structure and that of one virtual processor with its thread,
 * for vm.c (from power-on to the end), vm_make.c (parts), vm_engine.c (who has
 * the machine), vm_info.c (what others see of it), vm_cpu.c and vm_debug.c.
 */
#ifndef HYPERVISOR_VM_PRIV_H
#define HYPERVISOR_VM_PRIV_H

#include <pthread.h>

#include "hypervisor/clock.h"	/* struct timer */
#include "hypervisor/engine.h"
#include "hypervisor/lapic.h"	/* enum apic_delivery */
#include "hypervisor/vm.h"

/* All engines there are; a vCPU has at most one of each. */
#define VM_ENGINES	3
extern const struct engine_ops *const vm_engines[VM_ENGINES];

struct vm_cpu {
	struct vm *vm;
	unsigned index;
	struct engine_bus bus;
	const struct engine_ops *ops;	/* of the engine that has the state */
	struct engine *engine;		/* NULL: not yet */
	struct engine *made[VM_ENGINES];	/* in the order of vm_engines */

	pthread_t thread;
	bool started;
	pthread_cond_t wake;	/* the thread waits for something */
	int wake_fd;		/* ... for timers, too: eventfd; -1: never so */

	/* Under the lock. */
	bool waiting;		/* the thread waits, it is not in run() */
	bool on_clock;		/* it waits by clock_wait() */
	bool parked;		/* outside run() for good or a pause */
	bool halted;		/* in HLT */
	bool halt_if;		/* ... with IF set: interrupts end it */
	bool wait_sipi;		/* after INIT */
	bool init_wanted;
	bool break_met;		/* parks until the debugger was told */
	struct engine_exit_info break_info;
	bool sipi_wanted;
	uint8_t sipi_vector;
	uint64_t runs, halts, kicks, moves;
	uint64_t used_ns;	/* by its thread, at the last look (vm_halt.c) */
};

struct vm {
	struct vm_config cfg;
	struct mem *mem;
	struct ports *ports;
	struct clock *clock;
	struct pc *pc;
	struct vmi *vmi;	/* of pc; NULL: no VMI */
	unsigned ncpus;
	struct vm_cpu cpus[VM_CPUS_MAX];
	const struct engine_ops *start_ops;	/* after power-on and reset */

	pthread_cond_t parked_cond;
	int event_fd;

	vm_event_fn *observer;
	void *observer_opaque;

	/* Under the lock: the debugger, vm_debug.c. */
	vm_debug_fn *debugger;
	void *debugger_opaque;
	struct engine_debug breaks;
	int step_cpu;		/* the only one that may run; -1: all */

	/* Under the lock. */
	unsigned pause_depth;
	bool stand;		/* processors park (vm_stand) */
	uint64_t pause_tsc;
	char stop_text[512];

	atomic_int stop_reason;	/* enum vm_stop_reason */
	atomic_int debug_exit;
	atomic_bool reset_wanted;
	uint64_t resets;
	/* The engine's interrupt controllers are in charge (irqchip.h). */
	bool irqchip_given;
	struct timer halt_timer;
};

/* vm_info.c: tell the observer, if there is one. */
void vm_tell(struct vm *vm, enum vm_event ev);
/* vm.c: power-on state, then the guest's software.  Lock held, nothing runs.
 * False: the VM was stopped instead. */
bool vm_boot(struct vm *vm);
/* vm.c: the loop's half of a request.  Loop callback. */
void vm_on_event(void *opaque, int fd, short revents);
/*
 * vm.c: bring all processors out of their engines, or let them go on; guest time
 * goes on.  Loop's thread, lock held (given up while they come).
 */
void vm_stand(struct vm *vm, bool stand);
/* vm.c: tell all engines.  Lock held; struct mem's `changed'. */
void vm_mem_changed(void *opaque, gpa_t gpa, uint64_t len);

/*
 * vm_engine.c.
 */

/* One of vm_engines, or NULL. */
const struct engine_ops *vm_engine_named(const char *name);
/*
 * Let an engine with interrupt controllers of its own have them, or take them
 * back.  Nothing to do without such an engine.  Lock held, nothing runs.
 */
void vm_irqchip_give(struct vm *vm);
void vm_irqchip_take(struct vm *vm);
/* The HPET takes channel 0's interrupt, or gives it back.  vCPU thread. */
void vm_irqchip_replace(void *opaque, bool on);

/*
 * vm_halt.c.  While an engine's interrupt controllers are in charge, notice the
 * end of all processors; from vm_halt_watch() until they are not.  Lock held.
 */
void vm_halt_init(struct vm *vm);
void vm_halt_watch(struct vm *vm);

/*
 * vm_debug.c.
 */

/* The engine of @cpu left for a breakpoint or step.  Its thread, lock held. */
void vm_debug_met(struct vm_cpu *cpu, const struct engine_exit_info *info);
/* Tell the debugger of what was met.  Loop callback. */
void vm_debug_tell(struct vm *vm);
/* Set its breakpoints in the engine that @cpu has now; it does not run. */
void vm_debug_apply(struct vm_cpu *cpu);

/*
 * vm_cpu.c.
 */

/* Prepare @vm->cpus[@index]: its bus, no engine yet. */
void vm_cpu_init(struct vm *vm, unsigned index);
/* Make the engine @ops for it.  As engine_ops.create(). */
int vm_cpu_make_engine(struct vm_cpu *cpu, const struct engine_ops *ops,
		       char *err);
void vm_cpu_fini(struct vm_cpu *cpu);
/* Hypercalls go to vm->vmi. */
/* Returns 0 or a negative errno. */
int vm_cpu_connect_vmi(struct vm_cpu *cpu);
/* If the thread waits for something, let it look again.  Lock held. */
void vm_cpu_wake(struct vm_cpu *cpu);
/* Returns 0 or an errno of pthread_create(). */
int vm_cpu_start(struct vm_cpu *cpu);

/* Make the thread look at its requests.  Any thread, in signal handlers too
 * (the loop wakes it if it waits). */
void vm_cpu_attend(struct vm_cpu *cpu);
/* The pins.  Lock held. */
void vm_cpu_intr(struct vm_cpu *cpu, bool level);
void vm_cpu_nmi(struct vm_cpu *cpu);
/* INIT, or a start-up IPI with @vector.  Lock held. */
void vm_cpu_startup(struct vm_cpu *cpu, enum apic_delivery how,
		    uint8_t vector);

/* Does its engine have interrupt controllers of its own? */
bool vm_cpu_irqchip(const struct vm_cpu *cpu);
/* Give it @v, on the engine it has.  Lock held, not running. */
void vm_cpu_set_state(struct vm_cpu *cpu, const struct vcpu *v);
/* The engine @ops of this vCPU, or NULL if it was not made. */
struct engine *vm_cpu_engine(struct vm_cpu *cpu,
			     const struct engine_ops *ops);
/*
 * Let the engine @ops (which was made) have it from now on, with the state
 * the other one has now.  Lock held, not running.
 */
void vm_cpu_move(struct vm_cpu *cpu, const struct engine_ops *ops);
/* The vCPU whose thread this is; 0 on other threads. */
unsigned vm_this_cpu(void *opaque);

#endif
