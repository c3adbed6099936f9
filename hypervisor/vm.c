/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One VM: its life from power-on to the report of its end.
 *
 * The main thread runs the event loop (timers, character backends); each
 * virtual processor has a thread of its own (vm_cpu.c), which runs an engine
 * and, inside it, the devices that the guest touches.  All of them hold the
 * loop's lock while in a device.
 *
 * Stop and reset may be asked for in a signal handler, where a condition
 * cannot be signalled: an eventfd brings the loop to do it.
 */
#define _GNU_SOURCE
#include "hypervisor/vm.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <x86intrin.h>	/* __rdtsc */

#include "backends/char.h"
#include "hypervisor/clock.h"
#include "hypervisor/engine.h"
#include "hypervisor/loop.h"
#include "hypervisor/mem.h"
#include "hypervisor/pc.h"
#include "hypervisor/vm_priv.h"

static const struct {
	const char *text;
	int status;
} stops[VM_STOP_COUNT] = {
	[VM_RUNNING] = { "running", 0 },
#define STOP(name, status, text) [VM_STOP_##name] = { text, status },
#include "hypervisor/stop.def"
#undef STOP
};

/*
 * Requests.
 */

/* Any thread, also in a signal handler. */
static void attention(struct vm *vm)
{
	uint64_t one = 1;
	int saved = errno;

	for (unsigned n = 0; n < vm->ncpus; n++)
		vm_cpu_attend(&vm->cpus[n]);
	/* EAGAIN: one is pending already. */
	if (write(vm->event_fd, &one, sizeof(one)) < 0)
		errno = saved;
}

static bool set_stop_reason(struct vm *vm, enum vm_stop_reason reason)
{
	int running = VM_RUNNING;

	return atomic_compare_exchange_strong(&vm->stop_reason, &running,
					      reason);
}

void vm_request_stop(struct vm *vm, enum vm_stop_reason reason)
{
	set_stop_reason(vm, reason);
	attention(vm);
}

void vm_stop(struct vm *vm, enum vm_stop_reason reason, const char *fmt, ...)
{
	va_list ap;

	if (set_stop_reason(vm, reason) && fmt) {
		va_start(ap, fmt);
		vsnprintf(vm->stop_text, sizeof(vm->stop_text), fmt, ap);
		va_end(ap);
	}
	attention(vm);
}

void vm_request_reset(struct vm *vm)
{
	atomic_store(&vm->reset_wanted, true);
	attention(vm);
}

static void wake_all(struct vm *vm)
{
	for (unsigned n = 0; n < vm->ncpus; n++)
		vm_cpu_wake(&vm->cpus[n]);
	pthread_cond_broadcast(&vm->parked_cond);
}

/* The loop's half of attention(). */
void vm_on_event(void *opaque, int fd, short revents)
{
	struct vm *vm = opaque;
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return;
	wake_all(vm);
	vm_debug_tell(vm);
}

/*
 * Power-on.
 */

/* All processors wait for the first to start them. */
static void reset_others(struct vm *vm, uint64_t tsc_offset)
{
	for (unsigned n = 1; n < vm->ncpus; n++) {
		struct vcpu v;

		memset(&v, 0, sizeof(v));
		vcpu_reset(&v, n, false);
		v.msr.tsc_offset = tsc_offset;
		vm->cpus[n].init_wanted = vm->cpus[n].sipi_wanted = false;
		vm_cpu_set_state(&vm->cpus[n], &v);
	}
}

/* What the last boot left to another engine goes back to the first. */
static void first_engine(struct vm *vm)
{
	struct vm_cpu *cpu = &vm->cpus[0];

	cpu->ops = vm->start_ops;
	cpu->engine = vm_cpu_engine(cpu, cpu->ops);
}

/* Lock held; before there is an engine, vm_boot() tells it everything. */
void vm_mem_changed(void *opaque, gpa_t gpa, uint64_t len)
{
	struct vm *vm = opaque;

	for (unsigned n = 0; n < vm->ncpus; n++) {
		struct vm_cpu *cpu = &vm->cpus[n];

		if (cpu->engine)
			cpu->ops->mem_changed(cpu->engine, gpa, len);
	}
}

bool vm_boot(struct vm *vm)
{
	char err[8192];		/* a boot function may name files */
	struct vcpu v;

	memset(&v, 0, sizeof(v));
	vm_irqchip_take(vm);
	first_engine(vm);
	pc_reset(vm->pc);
	if (vm->cfg.boot)
		pc_direct_boot(vm->pc);
	vcpu_reset(&v, 0, false);
	v.msr.tsc_offset = vm->cfg.host_tsc ? 0 : -__rdtsc();
	if (vm->cfg.boot &&
	    vm->cfg.boot(vm->cfg.boot_opaque, vm->mem, &v, err)) {
		vm_stop(vm, VM_STOP_BOOT, "%s", err);
		return false;
	}
	vm_cpu_set_state(&vm->cpus[0], &v);
	reset_others(vm, v.msr.tsc_offset);
	vm_mem_changed(vm, 0, vm->mem->top);
	vm_irqchip_give(vm);
	return true;
}

/*
 * Pause.
 */

static bool all_parked(const struct vm *vm)
{
	for (unsigned n = 0; n < vm->ncpus; n++)
		if (vm->cpus[n].started && !vm->cpus[n].parked)
			return false;
	return true;
}

static void park_all(struct vm *vm)
{
	for (unsigned n = 0; n < vm->ncpus; n++)
		vm_cpu_attend(&vm->cpus[n]);
	wake_all(vm);
	while (!all_parked(vm))
		loop_wait(vm->cfg.loop, &vm->parked_cond);
}

void vm_stand(struct vm *vm, bool stand)
{
	vm->stand = stand;
	if (stand)
		park_all(vm);
	else
		wake_all(vm);
}

/* What engines say of time-stamp counters is from the first look (msr.c). */
static void note_counters(struct vm *vm)
{
	struct vcpu v;

	for (unsigned n = 0; n < vm->ncpus; n++)
		vm->cpus[n].ops->get_state(vm->cpus[n].engine, &v);
}

void vm_pause(struct vm *vm)
{
	if (vm->pause_depth++)
		return;
	park_all(vm);
	vm_irqchip_take(vm);
	note_counters(vm);
	vm->pause_tsc = clock_stop(vm->clock);
}

/*
 * The time-stamp counters stood still as well, and just as long: guests compare
 * them with other clocks.
 */
void vm_resume(struct vm *vm)
{
	uint64_t stood;

	if (--vm->pause_depth)
		return;
	stood = clock_start(vm->clock) - vm->pause_tsc;
	for (unsigned n = 0; n < vm->ncpus; n++) {
		struct vm_cpu *cpu = &vm->cpus[n];
		struct vcpu v;

		cpu->ops->get_state(cpu->engine, &v);
		v.activity = cpu->halted ? ACTIVITY_HALT : v.activity;
		if (!vm->cfg.host_tsc)
			v.msr.tsc_offset -= stood;
		vm_cpu_set_state(cpu, &v);
	}
	vm_irqchip_give(vm);
	wake_all(vm);
}

/*
 * Run, to the end.
 */

/* Reasons whose cause is to be looked for in the guest's registers. */
static bool wants_registers(enum vm_stop_reason reason)
{
	return reason == VM_STOP_TRIPLE_FAULT || reason == VM_STOP_HALTED ||
	       reason == VM_STOP_CANNOT || reason == VM_STOP_INTERNAL;
}

/* The guest's last words come before ours. */
static void flush_serial(struct vm *vm)
{
	for (unsigned i = 0; i < VM_SERIAL_MAX; i++) {
		struct char_backend *b = vm->cfg.serial[i];

		if (b && b->ops->flush)
			b->ops->flush(b);
	}
}

static void report_end(struct vm *vm)
{
	enum vm_stop_reason reason = atomic_load(&vm->stop_reason);
	const char *text = vm->stop_text;

	flush_serial(vm);
	if (wants_registers(reason))
		vm_print_registers(vm, vm->cfg.log);
	fprintf(vm->cfg.log, "umbra: %s%s%s\n", stops[reason].text,
		*text ? ": " : "", text);
	fflush(vm->cfg.log);
}

/* If one cannot be started, the others end at once. */
static void start_cpus(struct vm *vm)
{
	for (unsigned n = 0; n < vm->ncpus; n++) {
		int code = vm_cpu_start(&vm->cpus[n]);

		if (code) {
			vm_stop(vm, VM_STOP_INTERNAL, "vCPU thread: %s",
				strerror(code));
			return;
		}
	}
}

/* The first to end has ended the loop, which would have woken the others. */
static void join_cpus(struct vm *vm)
{
	loop_lock(vm->cfg.loop);
	wake_all(vm);
	loop_unlock(vm->cfg.loop);
	for (unsigned n = 0; n < vm->ncpus; n++)
		if (vm->cpus[n].started) {
			pthread_join(vm->cpus[n].thread, NULL);
			vm->cpus[n].started = false;
		}
}

int vm_run(struct vm *vm)
{
	bool booted;

	loop_lock(vm->cfg.loop);
	booted = vm_boot(vm);
	vm->pause_tsc = __rdtsc();
	if (booted && !vm->pause_depth)
		clock_start(vm->clock);
	loop_unlock(vm->cfg.loop);
	if (booted)
		start_cpus(vm);
	if (vm->cpus[0].started)
		loop_run(vm->cfg.loop);
	join_cpus(vm);
	clock_stop(vm->clock);
	report_end(vm);
	return vm_exit_status(vm);
}

enum vm_stop_reason vm_stopped(const struct vm *vm)
{
	return atomic_load(&vm->stop_reason);
}

const char *vm_stop_text(enum vm_stop_reason reason)
{
	return stops[reason].text;
}

/* isa-debug-exit: (value << 1) | 1, of which a process returns 8 bits. */
int vm_exit_status(const struct vm *vm)
{
	enum vm_stop_reason reason = atomic_load(&vm->stop_reason);

	if (reason == VM_STOP_DEBUG_EXIT)
		return (atomic_load(&vm->debug_exit) << 1 | 1) & 0xff;
	return stops[reason].status;
}
