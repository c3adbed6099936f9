/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One VM and its vCPU thread.
 *
 * Two threads: the main thread runs the event loop (timers, character
 * backends), the vCPU thread runs the engine and, inside it, the devices that
 * the guest touches.  Both hold the loop's lock while in a device.
 *
 * Requests to the vCPU thread (stop, reset, pause) are flags.  Whoever sets
 * one also sets bus.stop and kicks the engine; the vCPU thread clears
 * bus.stop before it looks at the flags, so none is missed:
 *
 *	running --kick--> look at flags --> ended | reset | parked | running
 *	   |                  ^
 *	  HLT --> halted -----+  (on `wake`: interrupt or request)
 *
 * Stop and reset may be asked for in a signal handler, where a condition
 * cannot be signalled: an eventfd brings the loop to do it.
 */
#define _GNU_SOURCE
#include "hypervisor/vm.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <x86intrin.h>	/* __rdtsc */

#include "backends/char.h"
#include "hypervisor/clock.h"
#include "hypervisor/engine.h"
#include "hypervisor/loop.h"
#include "hypervisor/mem.h"
#include "hypervisor/pc.h"
#include "hypervisor/ports.h"
#include "hypervisor/report.h"

#define VGA_HOLE_START	0xa0000
#define VGA_HOLE_SIZE	0x20000

struct vm {
	struct vm_config cfg;
	struct mem *mem;
	struct ports *ports;
	struct clock *clock;
	struct pc *pc;
	const struct engine_ops *ops;
	struct engine *engine;
	struct engine_bus bus;

	pthread_t thread;
	bool started;
	pthread_cond_t wake;	/* the vCPU thread waits for something */
	pthread_cond_t parked_cond;
	int event_fd;

	/* Under the lock. */
	bool halted;		/* the vCPU thread waits on `wake` in HLT */
	bool parked;		/* the vCPU thread is outside run(), idle */
	unsigned pause_depth;
	uint64_t pause_tsc;
	char stop_text[512];

	atomic_int stop_reason;	/* enum vm_stop_reason */
	atomic_int debug_exit;
	atomic_bool reset_wanted;
	uint64_t halts, kicks, resets, runs;
};

static const struct {
	const char *text;
	int status;
} stops[VM_STOP_COUNT] = {
	[VM_RUNNING] = { "running", 0 },
#define STOP(name, status, text) [VM_STOP_##name] = { text, status },
#include "hypervisor/stop.def"
#undef STOP
};

static const struct engine_ops *const engines[] = {
	&bt_engine_ops,
	&hv_engine_ops,
	&interp_engine_ops,
};

/*
 * Requests.
 */

/* Any thread, also in a signal handler. */
static void attention(struct vm *vm)
{
	uint64_t one = 1;
	int saved = errno;

	atomic_store(&vm->bus.stop, 1);
	if (vm->engine)
		vm->ops->kick(vm->engine);
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

/* The loop's half of attention(). */
static void on_event(void *opaque, int fd, short revents)
{
	struct vm *vm = opaque;
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return;
	pthread_cond_signal(&vm->wake);
}

static void on_pc_event(void *opaque, enum pc_event ev, unsigned arg,
			const char *text)
{
	struct vm *vm = opaque;

	switch (ev) {
	case PC_RESET:
		vm_request_reset(vm);
		break;
	case PC_POWEROFF:
		vm_stop(vm, VM_STOP_POWEROFF, NULL);
		break;
	case PC_DEBUG_EXIT:
		atomic_store(&vm->debug_exit, arg);
		vm_stop(vm, VM_STOP_DEBUG_EXIT, "value 0x%x", arg);
		break;
	case PC_UNSUPPORTED:
		vm_stop(vm, VM_STOP_CANNOT, "%s", text);
		break;
	}
}

/*
 * The processor's pins.
 */

static void pin_changed(struct vm *vm)
{
	if (vm->halted) {
		pthread_cond_signal(&vm->wake);
	} else if (vm->engine) {
		vm->kicks++;
		vm->ops->kick(vm->engine);
	}
}

static void on_intr(void *opaque, unsigned input, bool level)
{
	struct vm *vm = opaque;

	atomic_store(&vm->bus.intr, level);
	if (level)
		pin_changed(vm);
}

/* NMI is an edge; the engine clears the flag when it delivers one. */
static void on_nmi(void *opaque, unsigned input, bool level)
{
	struct vm *vm = opaque;

	if (!level)
		return;
	atomic_store(&vm->bus.nmi, 1);
	pin_changed(vm);
}

/*
 * struct engine_bus: the engine's way to the devices.
 */

static uint32_t bus_pio_read(void *opaque, uint16_t port, unsigned size)
{
	struct vm *vm = opaque;
	uint32_t val;

	loop_lock(vm->cfg.loop);
	val = ports_read(vm->ports, port, size);
	loop_unlock(vm->cfg.loop);
	return val;
}

static void bus_pio_write(void *opaque, uint16_t port, unsigned size,
			  uint32_t val)
{
	struct vm *vm = opaque;

	loop_lock(vm->cfg.loop);
	ports_write(vm->ports, port, size, val);
	loop_unlock(vm->cfg.loop);
}

static int bus_intr_ack(void *opaque)
{
	struct vm *vm = opaque;
	int vector;

	loop_lock(vm->cfg.loop);
	vector = pc_intr_ack(vm->pc);
	loop_unlock(vm->cfg.loop);
	return vector;
}

static int bus_msr_read(void *opaque, uint32_t msr, uint64_t *val)
{
	struct vm *vm = opaque;
	int ret;

	loop_lock(vm->cfg.loop);
	ret = pc_msr_read(vm->pc, msr, val);
	loop_unlock(vm->cfg.loop);
	return ret;
}

static int bus_msr_write(void *opaque, uint32_t msr, uint64_t val)
{
	struct vm *vm = opaque;
	int ret;

	loop_lock(vm->cfg.loop);
	ret = pc_msr_write(vm->pc, msr, val);
	loop_unlock(vm->cfg.loop);
	return ret;
}

static void init_bus(struct vm *vm)
{
	vm->bus.opaque = vm;
	vm->bus.pio_read = bus_pio_read;
	vm->bus.pio_write = bus_pio_write;
	vm->bus.intr_ack = bus_intr_ack;
	vm->bus.msr_read = bus_msr_read;
	vm->bus.msr_write = bus_msr_write;
}

/*
 * The vCPU thread.
 */

/* Lock held, vCPU not running.  False: the VM was stopped instead. */
static bool boot(struct vm *vm)
{
	char err[8192];		/* a boot function may name files */
	struct vcpu v;

	memset(&v, 0, sizeof(v));
	pc_reset(vm->pc);
	if (vm->cfg.boot)
		pc_direct_boot(vm->pc);
	atomic_store(&vm->bus.nmi, 0);
	vcpu_reset(&v, 0, false);
	v.msr.tsc_offset = -__rdtsc();
	if (vm->cfg.boot &&
	    vm->cfg.boot(vm->cfg.boot_opaque, vm->mem, &v, err)) {
		vm_stop(vm, VM_STOP_BOOT, "%s", err);
		return false;
	}
	vm->ops->set_state(vm->engine, &v);
	vm->ops->mem_changed(vm->engine, 0, vm->mem->top);
	return true;
}

static void reset(struct vm *vm)
{
	atomic_store(&vm->reset_wanted, false);
	if (vm->cfg.no_reboot) {
		vm_stop(vm, VM_STOP_RESET, NULL);
		return;
	}
	vm->resets++;
	boot(vm);
}

static void park(struct vm *vm)
{
	vm->parked = true;
	pthread_cond_broadcast(&vm->parked_cond);
	while (vm->pause_depth && !atomic_load(&vm->stop_reason))
		loop_wait(vm->cfg.loop, &vm->wake);
	vm->parked = false;
}

static bool requests(struct vm *vm)
{
	return atomic_load(&vm->stop_reason) || vm->pause_depth ||
	       atomic_load(&vm->reset_wanted);
}

static bool interrupted(struct vm *vm)
{
	return atomic_load(&vm->bus.intr) || atomic_load(&vm->bus.nmi);
}

static void halt(struct vm *vm)
{
	struct vcpu v;

	vm->halts++;
	if (interrupted(vm))
		return;
	vm->ops->get_state(vm->engine, &v);
	if (!(v.rflags & FLAG_IF) && !pc_nmi_possible(vm->pc)) {
		vm_stop(vm, VM_STOP_HALTED, NULL);
		return;
	}
	vm->halted = true;
	while (!interrupted(vm) && !requests(vm))
		loop_wait(vm->cfg.loop, &vm->wake);
	vm->halted = false;
}

static void triple_fault(struct vm *vm)
{
	if (vm->cfg.no_reboot) {
		vm_stop(vm, VM_STOP_TRIPLE_FAULT, NULL);
		return;
	}
	/* Guests use it to reset, so no report; but not in silence either. */
	fprintf(vm->cfg.log, "umbra: triple fault, resetting (--no-reboot "
		"stops here and shows the registers)\n");
	vm_request_reset(vm);
}

/* One stay in the engine.  Lock held at entry and return. */
static void run(struct vm *vm)
{
	struct engine_exit_info info = { .exit = ENGINE_KICKED };

	vm->runs++;
	loop_unlock(vm->cfg.loop);
	vm->ops->run(vm->engine, &info);
	loop_lock(vm->cfg.loop);
	switch (info.exit) {
	case ENGINE_KICKED:
		break;
	case ENGINE_HALT:
		halt(vm);
		break;
	case ENGINE_SHUTDOWN:
		triple_fault(vm);
		break;
	case ENGINE_CANNOT:
		vm_stop(vm, VM_STOP_CANNOT, "%s", info.reason);
		break;
	case ENGINE_LONG_MODE:
		vm_stop(vm, VM_STOP_CANNOT, "the guest enters long mode, "
			"which %s does not have (use --engine auto or hv, or "
			"a 32-bit guest)", vm->ops->name);
		break;
	case ENGINE_DEBUG:
		vm_stop(vm, VM_STOP_INTERNAL, "a breakpoint nobody set");
		break;
	case ENGINE_HYPERCALL:
		vm_stop(vm, VM_STOP_INTERNAL, "hypercall without a handler");
		break;
	}
}

static void *vcpu_main(void *opaque)
{
	struct vm *vm = opaque;

	loop_lock(vm->cfg.loop);
	for (;;) {
		atomic_store(&vm->bus.stop, 0);
		if (atomic_load(&vm->stop_reason))
			break;
		else if (vm->pause_depth)
			park(vm);
		else if (atomic_load(&vm->reset_wanted))
			reset(vm);
		else
			run(vm);
	}
	vm->parked = true;
	pthread_cond_broadcast(&vm->parked_cond);
	loop_unlock(vm->cfg.loop);
	loop_quit(vm->cfg.loop);
	return NULL;
}

/*
 * Pause.
 */

void vm_pause(struct vm *vm)
{
	if (vm->pause_depth++)
		return;
	atomic_store(&vm->bus.stop, 1);
	vm->ops->kick(vm->engine);
	pthread_cond_signal(&vm->wake);
	while (vm->started && !vm->parked)
		loop_wait(vm->cfg.loop, &vm->parked_cond);
	clock_stop(vm->clock);
	vm->pause_tsc = __rdtsc();
}

/* The time-stamp counter stood still as well. */
void vm_resume(struct vm *vm)
{
	struct vcpu v;

	if (--vm->pause_depth)
		return;
	vm->ops->get_state(vm->engine, &v);
	v.msr.tsc_offset -= __rdtsc() - vm->pause_tsc;
	vm->ops->set_state(vm->engine, &v);
	clock_start(vm->clock);
	pthread_cond_signal(&vm->wake);
}

/*
 * Life cycle.
 */

static int find_engine(struct vm *vm, char *err)
{
	const char *name = vm->cfg.engine ? vm->cfg.engine : "bt";

	for (unsigned i = 0; i < ARRAY_SIZE(engines); i++)
		if (!strcmp(engines[i]->name, name)) {
			vm->ops = engines[i];
			return 0;
		}
	snprintf(err, VM_ERR_LEN, "engine %s: not known (try bt, hv or interp)",
		 name);
	return -EINVAL;
}

static int fail(char *err, const char *what, int code)
{
	if (code)
		snprintf(err, VM_ERR_LEN, "%s: %s", what, strerror(-code));
	return code;
}

/* Lock held; before there is an engine, boot() tells it everything. */
static void on_mem_changed(void *opaque, gpa_t gpa, uint64_t len)
{
	struct vm *vm = opaque;

	if (vm->engine)
		vm->ops->mem_changed(vm->engine, gpa, len);
}

static int create_memory(struct vm *vm, char *err)
{
	uint64_t size = vm->cfg.ram_size;
	char what[64];
	int code = mem_create(&vm->mem, size);

	if (!code)
		code = mem_set_hole(vm->mem, VGA_HOLE_START, VGA_HOLE_SIZE);
	snprintf(what, sizeof(what), "%llu MiB of guest memory",
		 (unsigned long long)(size / MIB));
	if (code)
		return fail(err, what, code);
	vm->mem->lock = vm->cfg.loop;
	vm->mem->changed = on_mem_changed;
	vm->mem->changed_opaque = vm;
	return 0;
}

static int create_events(struct vm *vm, char *err)
{
	vm->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (vm->event_fd < 0)
		return fail(err, "eventfd", -errno);
	return fail(err, "event loop",
		    loop_add_fd(vm->cfg.loop, vm->event_fd, POLLIN, on_event,
				vm));
}

static int create_pc(struct vm *vm, char *err)
{
	struct pc_config cfg = {
		.mem = vm->mem,
		.ports = vm->ports,
		.clock = vm->clock,
		.event = on_pc_event,
		.opaque = vm,
		.loop = vm->cfg.loop,
		.devices = vm->cfg.devices,
		.ndevices = vm->cfg.ndevices,
		.bios = vm->cfg.bios,
		.bios_len = vm->cfg.bios_len,
		.boot_order = vm->cfg.boot_order,
		.boot_menu = vm->cfg.boot_menu,
		.log = vm->cfg.log,
	};

	for (unsigned i = 0; i < VM_SERIAL_MAX; i++)
		cfg.serial[i] = vm->cfg.serial[i];
	irq_init(&cfg.intr, on_intr, vm, 0);
	irq_init(&cfg.nmi, on_nmi, vm, 0);
	return pc_create(&vm->pc, &cfg, err);
}

static int create_engine(struct vm *vm, char *err)
{
	struct engine_config cfg = {
		.mem = vm->mem,
		.bus = &vm->bus,
		.long_mode = vm->ops == &hv_engine_ops,
		.options = vm->cfg.engine_options,
		.log = vm->cfg.log,
		.perf_map = vm->cfg.perf_map,
	};

	return vm->ops->create(&vm->engine, &cfg, err);
}

static int create_parts(struct vm *vm, char *err)
{
	int code = find_engine(vm, err);

	if (!code)
		code = create_memory(vm, err);
	if (!code)
		code = create_events(vm, err);
	if (!code)
		code = fail(err, "ports", ports_create(&vm->ports));
	if (!code)
		code = fail(err, "clock",
			    clock_create(&vm->clock, vm->cfg.loop));
	if (!code)
		code = create_pc(vm, err);
	if (!code)
		code = create_engine(vm, err);
	return code;
}

int vm_create(struct vm **out, const struct vm_config *cfg, char *err)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	int code;

	*out = NULL;
	if (!vm)
		return fail(err, "vm", -ENOMEM);
	vm->cfg = *cfg;
	vm->event_fd = -1;
	pthread_cond_init(&vm->wake, NULL);
	pthread_cond_init(&vm->parked_cond, NULL);
	init_bus(vm);
	code = create_parts(vm, err);
	if (code) {
		vm_destroy(vm);
		return code;
	}
	*out = vm;
	return 0;
}

void vm_destroy(struct vm *vm)
{
	if (!vm)
		return;
	if (vm->engine)
		vm->ops->destroy(vm->engine);
	pc_destroy(vm->pc);
	clock_destroy(vm->clock);
	ports_destroy(vm->ports);
	if (vm->event_fd >= 0) {
		loop_del_fd(vm->cfg.loop, vm->event_fd);
		close(vm->event_fd);
	}
	mem_destroy(vm->mem);
	pthread_cond_destroy(&vm->wake);
	pthread_cond_destroy(&vm->parked_cond);
	free(vm);
}

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

/*
 * Signals that ask the process for something are the main thread's: a handler
 * that called vm_request_stop() on the vCPU thread would kick the engine from
 * inside it.  Faults and the engine's own signals stay open.
 */
static int start_vcpu_thread(struct vm *vm)
{
	static const int mine[] = {
		SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM, SIGCHLD, SIGPIPE,
		SIGWINCH, SIGTSTP, SIGCONT,
	};
	sigset_t set, old;
	int code;

	sigemptyset(&set);
	for (unsigned i = 0; i < ARRAY_SIZE(mine); i++)
		sigaddset(&set, mine[i]);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	code = pthread_create(&vm->thread, NULL, vcpu_main, vm);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	vm->started = !code;
	return code;
}

int vm_run(struct vm *vm)
{
	bool booted;
	int code;

	loop_lock(vm->cfg.loop);
	booted = boot(vm);
	if (booted)
		clock_start(vm->clock);
	loop_unlock(vm->cfg.loop);
	if (booted) {
		code = start_vcpu_thread(vm);
		if (code)
			vm_stop(vm, VM_STOP_INTERNAL, "vCPU thread: %s",
				strerror(code));
	}
	if (vm->started) {
		loop_run(vm->cfg.loop);
		pthread_join(vm->thread, NULL);
		vm->started = false;
	}
	clock_stop(vm->clock);
	report_end(vm);
	return vm_exit_status(vm);
}

/*
 * What others ask about it.
 */

void vm_power_button(struct vm *vm)
{
	pc_power_button(vm->pc);
}

void vm_get_state(struct vm *vm, struct vcpu *v)
{
	vm->ops->get_state(vm->engine, v);
}

void vm_set_state(struct vm *vm, const struct vcpu *v)
{
	vm->ops->set_state(vm->engine, v);
}

struct mem *vm_mem(struct vm *vm)
{
	return vm->mem;
}

const char *vm_engine_name(const struct vm *vm)
{
	return vm->ops->name;
}

void vm_print_registers(struct vm *vm, FILE *out)
{
	struct vcpu v;

	vm->ops->get_state(vm->engine, &v);
	report_registers(&v, out);
	report_code(&v, vm->mem, out);
}

void vm_print_stats(struct vm *vm, FILE *out)
{
	uint16_t port;
	uint64_t unowned = ports_unowned(vm->ports, &port);

	fprintf(out, "machine: %llu engine entries, %llu halts, %llu kicks, "
		"%llu resets\n", (unsigned long long)vm->runs,
		(unsigned long long)vm->halts, (unsigned long long)vm->kicks,
		(unsigned long long)vm->resets);
	fprintf(out, "unowned: %llu port accesses (last %04xh), "
		"%llu memory reads, %llu writes\n",
		(unsigned long long)unowned, port,
		(unsigned long long)vm->mem->unowned_reads,
		(unsigned long long)vm->mem->unowned_writes);
	pc_print_stats(vm->pc, out);
	vm->ops->stats(vm->engine, out);
}

void vm_census(struct vm *vm, engine_census_fn *fn, void *opaque)
{
	if (vm->ops->census)
		vm->ops->census(vm->engine, fn, opaque);
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
