/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One VM: memory, devices, clock, engine and its vCPU thread.
 */
#ifndef HYPERVISOR_VM_H
#define HYPERVISOR_VM_H

#include <stdio.h>

#include "hypervisor/engine.h"
#include "hypervisor/types.h"

struct char_backend;
struct hotplug;
struct loop;
struct mem;
struct pc_device_spec;
struct vcpu;
struct vm;

enum vm_stop_reason {
	VM_RUNNING,
#define STOP(name, status, text) VM_STOP_##name,
#include "hypervisor/stop.def"
#undef STOP
	VM_STOP_COUNT,
};

#define VM_SERIAL_MAX	4
#define VM_ERR_LEN	160
/* APIC IDs have 4 bits in places, and the I/O APIC needs one. */
#define VM_CPUS_MAX	15

/*
 * Put the guest's software in place: called once before the VM starts and
 * again after each reset, with the vCPU not running, devices freshly reset,
 * guest RAM as the guest left it, and @v in its power-on state (set
 * registers, for instance through vcpu_set_flat32()).
 * Returns 0, or a negative errno with one line in @err (VM_ERR_LEN bytes).
 */
typedef int vm_boot_fn(void *opaque, struct mem *mem, struct vcpu *v,
		       char *err);

struct vm_config {
	uint64_t ram_size;	/* bytes, as mem_create() takes it */
	const char *engine;	/* "bt", "interp", "hv"; NULL: "bt" */
	/*
	 * An engine that is made as well, for the vCPU to move to: "hv" for
	 * guests that begin under bt and may enter long mode.  NULL: none.
	 * If it cannot be made, a line in the log says so, and there is none.
	 */
	const char *spare_engine;
	/*
	 * The guest's TSC is the host's, without offset: for a KVM that has
	 * none, so that all engines show the same one.
	 */
	bool host_tsc;
	unsigned cpus;		/* 0: 1; more than 1 under "hv" only */
	/* NULL-terminated "key=value" strings for the engine, or NULL. */
	const char *const *engine_options;
	struct loop *loop;	/* made by the caller, destroyed by it after */
	/* COM1..COM4; NULL: no such port.  The caller keeps them. */
	struct char_backend *serial[VM_SERIAL_MAX];
	/* Optional devices (pc_device.h); the caller keeps the array. */
	const struct pc_device_spec *devices;
	unsigned ndevices;
	struct hotplug *hotplug;	/* the caller's, for longer; or NULL */
	/*
	 * Firmware to start with instead of @boot, as pc_config has it; not
	 * kept.  NULL: none.
	 */
	const void *bios;
	size_t bios_len;
	const char *boot_order;		/* NULL: firmware's choice (pc.h) */
	bool boot_menu;
	/* Firmware uses COM1 even where there is a display. */
	bool boot_serial;
	bool no_reboot;		/* a reset ends the VM */
	FILE *log;		/* never NULL: what a user should read */
	FILE *perf_map;		/* NULL: none */
	vm_boot_fn *boot;		/* NULL: @bios boots */
	void *boot_opaque;
};

/*
 * Build the machine; nothing runs yet.  Main thread.
 * Returns 0, or a negative errno with one line in @err (VM_ERR_LEN bytes).
 */
int vm_create(struct vm **out, const struct vm_config *cfg, char *err);
void vm_destroy(struct vm *vm);

/*
 * Boot and run to the end: the calling (main) thread runs the event loop, a
 * thread of its own the vCPU.  Prints why the VM ended to cfg->log.
 * Returns the exit status for the process (stop.def).
 */
int vm_run(struct vm *vm);

/*
 * End the VM; the first reason wins.  @fmt: what to print after the reason's
 * own message, or NULL.  Any thread, lock held or not.
 */
void vm_stop(struct vm *vm, enum vm_stop_reason reason, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* As above without a text; async-signal-safe. */
void vm_request_stop(struct vm *vm, enum vm_stop_reason reason);
/* Reset the machine as the reset button does; async-signal-safe. */
void vm_request_reset(struct vm *vm);
/* Press the ACPI power button.  Loop callback (lock held). */
void vm_power_button(struct vm *vm);

/*
 * Bring the vCPU to a stop between two instructions and guest time with it;
 * nests.  Loop callback (lock held, given up while waiting).
 */
void vm_pause(struct vm *vm);
void vm_resume(struct vm *vm);

/* The first vCPU's state; paused only. */
void vm_get_state(struct vm *vm, struct vcpu *v);
struct mem *vm_mem(struct vm *vm);
const char *vm_engine_name(const struct vm *vm);
/*
 * Move the vCPU to the engine @name, which was made at the start (engine or
 * spare_engine of the configuration).  Loop callback (lock held).
 * Returns 0, -ENOENT without such an engine, -EINVAL if it cannot run the
 * guest in its present state; then one line in @err (VM_ERR_LEN bytes).
 */
int vm_set_engine(struct vm *vm, const char *name, char *err);

/* The user at keyboard and mouse (ps2.h).  Lock held. */
void vm_key(struct vm *vm, unsigned code, bool down);
void vm_mouse(struct vm *vm, int dx, int dy, int dz, unsigned buttons);

/* What a manager of machines wants to hear; called with the lock held. */
enum vm_event { VM_EVENT_RESET, VM_EVENT_POWERDOWN };
typedef void vm_event_fn(void *opaque, enum vm_event ev);
void vm_set_observer(struct vm *vm, vm_event_fn *fn, void *opaque);

/*
 * A debugger.  When a breakpoint is met or a step done, @fn is called in the
 * loop, with the VM paused once more than it was: vm_resume() lets it go on.
 */
typedef void vm_debug_fn(void *opaque, unsigned cpu,
			 const struct engine_exit_info *info);
void vm_set_debugger(struct vm *vm, vm_debug_fn *fn, void *opaque);
/*
 * Breakpoints of all processors, as engine_ops.set_debug() has them; they stay
 * over resets and moves between engines.  Paused only.
 * Returns 0, or -ENOSPC: an engine has fewer, and none changed.
 */
int vm_set_breaks(struct vm *vm, const struct engine_debug *d);
/* Let vm_resume() do one instruction of @cpu alone.  Paused only. */
void vm_step(struct vm *vm, unsigned cpu);
unsigned vm_cpus(const struct vm *vm);
/* The state of processor @cpu; paused only. */
void vm_get_cpu(struct vm *vm, unsigned cpu, struct vcpu *v);
void vm_set_cpu(struct vm *vm, unsigned cpu, const struct vcpu *v);

/* Registers and the bytes at eip, as reports show them; paused only. */
void vm_print_registers(struct vm *vm, FILE *out);
/* The interrupt controllers ("info pic"), and how often each line rose
 * ("info irq"); paused only. */
void vm_print_pic(struct vm *vm, FILE *out);
void vm_print_irq(struct vm *vm, FILE *out);
/* Counters of machine and engine ("info stats", --stats); paused or ended. */
void vm_print_stats(struct vm *vm, FILE *out);

/*
 * engine_ops.census over all processors.  vCPU thread inside a bus callback,
 * paused, or ended.
 */
void vm_census(struct vm *vm, engine_census_fn *fn, void *opaque);

/* Why it ended (VM_RUNNING: it has not), its message and exit status. */
enum vm_stop_reason vm_stopped(const struct vm *vm);
const char *vm_stop_text(enum vm_stop_reason reason);
int vm_exit_status(const struct vm *vm);

#endif
