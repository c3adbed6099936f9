/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One VM: its parts, and its life from creation to the report of its end.
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
#include <poll.h>
#include <pthread.h>
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
#include "hypervisor/host.h"
#include "hypervisor/irqchip.h"
#include "hypervisor/mem.h"
#include "hypervisor/modes.h"
#include "hypervisor/pc.h"
#include "hypervisor/ports.h"
#include "hypervisor/report.h"
#include "hypervisor/vm_priv.h"
#include "hypervisor/vmi.h"

#define VGA_HOLE_START	0xa0000
#define VGA_HOLE_SIZE	0x20000

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
		pthread_cond_signal(&vm->cpus[n].wake);
	pthread_cond_broadcast(&vm->parked_cond);
}

/* The loop's half of attention(). */
static void on_event(void *opaque, int fd, short revents)
{
	struct vm *vm = opaque;
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return;
	wake_all(vm);
	vm_debug_tell(vm);
}

static void on_pc_event(void *opaque, enum pc_event ev, unsigned arg,
			const char *text)
{
	struct vm *vm = opaque;

	switch (ev) {
	case PC_RESET:
		vm_request_reset(vm);
		break;
	case PC_INIT:
		for (unsigned n = 0; n < vm->ncpus; n++)
			vm_cpu_startup(&vm->cpus[n], APIC_INIT, 0);
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
 * The processors' pins; @input is the number of the processor.
 */

static void on_intr(void *opaque, unsigned input, bool level)
{
	struct vm *vm = opaque;

	vm_cpu_intr(&vm->cpus[input], level);
}

static void on_nmi(void *opaque, unsigned input, bool level)
{
	struct vm *vm = opaque;

	if (level)
		vm_cpu_nmi(&vm->cpus[input]);
}

static void on_ignne(void *opaque, unsigned input, bool level)
{
	struct vm *vm = opaque;

	atomic_store(&vm->cpus[input].bus.ignne, level);
}

static void on_startup(void *opaque, unsigned cpu, enum apic_delivery how,
		       uint8_t vector)
{
	struct vm *vm = opaque;

	vm_cpu_startup(&vm->cpus[cpu], how, vector);
}

static void on_tpr(void *opaque, unsigned cpu, uint8_t tpr)
{
	struct vm *vm = opaque;

	atomic_store(&vm->cpus[cpu].bus.tpr, tpr);
}

/*
 * Power-on.
 */

/*
 * Interrupt controllers inside an engine.
 */

static void line_to_engine(void *opaque, unsigned input, bool level)
{
	struct vm_cpu *cpu = &((struct vm *)opaque)->cpus[0];

	cpu->ops->irqchip->line(cpu->engine, input, level);
}

static void irqchip_failed(struct vm *vm, int code)
{
	if (code < 0)
		vm_stop(vm, VM_STOP_INTERNAL, "interrupt controllers of "
			"engine %s: %s", vm->cpus[0].ops->name,
			strerror(-code));
}

/* Local APICs first: the I/O APIC may have something for them at once. */
void vm_irqchip_give(struct vm *vm)
{
	struct vm_cpu *first = &vm->cpus[0];
	struct irqchip_state s;
	int code = 0;

	if (vm->irqchip_given || !vm_cpu_irqchip(first))
		return;
	s.has_pit = first->ops->irqchip->pit_present(first->engine);
	pc_irqchip_give(vm->pc, &s, line_to_engine, vm);
	vm->irqchip_given = true;
	for (unsigned n = 0; n < vm->ncpus && code >= 0; n++)
		code = first->ops->irqchip->set_lapic(vm->cpus[n].engine,
						      &s.lapic[n]);
	if (code >= 0)
		code = first->ops->irqchip->set(first->engine, &s);
	if (code >= 0 && s.has_pit)
		code = first->ops->irqchip->set_pit(first->engine, &s.pit);
	irqchip_failed(vm, code);
}

/* The HPET takes channel 0's interrupt, or gives it back.  vCPU thread. */
static void on_replace(void *opaque, bool on)
{
	struct vm *vm = opaque;
	struct vm_cpu *first = &vm->cpus[0];
	struct irqchip_pit pit;
	int code;

	if (!vm->irqchip_given ||
	    !first->ops->irqchip->pit_present(first->engine))
		return;
	code = first->ops->irqchip->get_pit(first->engine, &pit);
	pit.replaced = on;
	if (code >= 0)
		code = first->ops->irqchip->set_pit(first->engine, &pit);
	irqchip_failed(vm, code);
}

void vm_irqchip_take(struct vm *vm)
{
	struct vm_cpu *first = &vm->cpus[0];
	uint64_t base[VM_CPUS_MAX];
	struct irqchip_state s = { .ncpus = vm->ncpus };
	struct vcpu v;
	int code;

	if (!vm->irqchip_given)
		return;
	s.has_pit = first->ops->irqchip->pit_present(first->engine);
	code = s.has_pit ? first->ops->irqchip->get_pit(first->engine,
							&s.pit) : 0;
	if (code >= 0)
		code = first->ops->irqchip->get(first->engine, &s);
	for (unsigned n = 0; n < vm->ncpus && code >= 0; n++) {
		struct vm_cpu *cpu = &vm->cpus[n];

		code = cpu->ops->irqchip->get_lapic(cpu->engine, &s.lapic[n]);
		cpu->ops->get_state(cpu->engine, &v);
		base[n] = v.msr.apic_base;
	}
	irqchip_failed(vm, code);
	if (code >= 0)
		pc_irqchip_take(vm->pc, &s, base);
	vm->irqchip_given = false;
}

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
static void tell_mem_changed(void *opaque, gpa_t gpa, uint64_t len)
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
	tell_mem_changed(vm, 0, vm->mem->top);
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

void vm_pause(struct vm *vm)
{
	if (vm->pause_depth++)
		return;
	for (unsigned n = 0; n < vm->ncpus; n++)
		vm_cpu_attend(&vm->cpus[n]);
	wake_all(vm);
	while (!all_parked(vm))
		loop_wait(vm->cfg.loop, &vm->parked_cond);
	vm_irqchip_take(vm);
	clock_stop(vm->clock);
	vm->pause_tsc = __rdtsc();
}

/* The time-stamp counters stood still as well. */
void vm_resume(struct vm *vm)
{
	uint64_t stood;

	if (--vm->pause_depth)
		return;
	stood = __rdtsc() - vm->pause_tsc;
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
	clock_start(vm->clock);
	wake_all(vm);
}

/*
 * Engines.
 */

static const struct engine_ops *engine_named(const char *name)
{
	for (unsigned i = 0; i < VM_ENGINES; i++)
		if (!strcmp(vm_engines[i]->name, name))
			return vm_engines[i];
	return NULL;
}

/* What @ops lacks for a guest in this state; @why: MODE_TEXT_LEN bytes. */
static bool fits(const struct engine_ops *ops, const struct vcpu *v,
		 char *why)
{
	bool long_mode = v->msr.efer & EFER_LMA;

	if (ops == &hv_engine_ops)
		return long_mode || mode_hv_runs(host_caps(), GUEST_32, why);
	snprintf(why, MODE_TEXT_LEN, "the guest is in long mode");
	return !long_mode;
}

int vm_set_engine(struct vm *vm, const char *name, char *err)
{
	const struct engine_ops *ops = engine_named(name);
	struct vm_cpu *cpu = &vm->cpus[0];
	char why[MODE_TEXT_LEN];
	struct vcpu v;
	bool good;

	if (!ops || !vm_cpu_engine(cpu, ops)) {
		snprintf(err, VM_ERR_LEN, "%s: this machine was started "
			 "without such an engine", name);
		return -ENOENT;
	}
	vm_pause(vm);
	cpu->ops->get_state(cpu->engine, &v);
	good = fits(ops, &v, why);
	if (good)
		vm_cpu_move(cpu, ops);
	else
		snprintf(err, VM_ERR_LEN, "%s: %.140s", name, why);
	vm_resume(vm);
	return good ? 0 : -EINVAL;
}

/*
 * Life cycle.
 */

static int find_engines(struct vm *vm, char *err)
{
	const char *name = vm->cfg.engine ? vm->cfg.engine : "bt";

	vm->start_ops = engine_named(name);
	if (vm->cfg.spare_engine && !engine_named(vm->cfg.spare_engine))
		name = vm->cfg.spare_engine;
	else if (vm->start_ops)
		return 0;
	snprintf(err, VM_ERR_LEN, "engine %s: not known (try bt, hv or interp)",
		 name);
	return -EINVAL;
}

static int check_cpus(struct vm *vm, char *err)
{
	unsigned n = vm->cfg.cpus ? vm->cfg.cpus : 1;

	if (n > VM_CPUS_MAX) {
		snprintf(err, VM_ERR_LEN, "%u processors: at most %u", n,
			 VM_CPUS_MAX);
		return -EINVAL;
	}
	if (n > 1 && vm->start_ops != &hv_engine_ops) {
		snprintf(err, VM_ERR_LEN, "%u processors: engine %s runs one "
			 "(use --engine hv, or --cpus 1)", n,
			 vm->start_ops->name);
		return -EINVAL;
	}
	vm->ncpus = n;
	for (n = 0; n < vm->ncpus; n++)
		vm_cpu_init(vm, n);
	return 0;
}

static int fail(char *err, const char *what, int code)
{
	if (code)
		snprintf(err, VM_ERR_LEN, "%s: %s", what, strerror(-code));
	return code;
}

/* Moves would leave the log behind, so all engines must keep it. */
static int dirty_log(void *opaque, bool on)
{
	struct vm_cpu *cpu = &((struct vm *)opaque)->cpus[0];

	if (cpu->vm->cfg.spare_engine || !cpu->ops->dirty_log)
		return -ENOTSUP;
	return cpu->ops->dirty_log(cpu->engine, on);
}

static int dirty_fetch(void *opaque, uint64_t *bits)
{
	struct vm_cpu *cpu = &((struct vm *)opaque)->cpus[0];

	return cpu->ops->dirty_fetch ?
	       cpu->ops->dirty_fetch(cpu->engine, bits) : -ENOTSUP;
}

static const struct mem_dirty_ops dirty_ops = { dirty_log, dirty_fetch };

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
	vm->mem->changed = tell_mem_changed;
	vm->mem->changed_opaque = vm;
	vm->mem->dirty = &dirty_ops;
	vm->mem->dirty_opaque = vm;
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
		.ncpus = vm->ncpus,
		.this_cpu = vm_this_cpu,
		.startup = on_startup,
		.tpr = on_tpr,
		.event = on_pc_event,
		.opaque = vm,
		.loop = vm->cfg.loop,
		.devices = vm->cfg.devices,
		.ndevices = vm->cfg.ndevices,
		.hotplug = vm->cfg.hotplug,
		.bios = vm->cfg.bios,
		.bios_len = vm->cfg.bios_len,
		.boot_order = vm->cfg.boot_order,
		.boot_menu = vm->cfg.boot_menu,
		.boot_serial = vm->cfg.boot_serial,
		.log = vm->cfg.log,
	};
	int code;

	for (unsigned i = 0; i < VM_SERIAL_MAX; i++)
		cfg.serial[i] = vm->cfg.serial[i];
	for (unsigned n = 0; n < vm->ncpus; n++) {
		irq_init(&cfg.intr[n], on_intr, vm, n);
		irq_init(&cfg.nmi[n], on_nmi, vm, n);
	}
	irq_init(&cfg.ignne, on_ignne, vm, 0);
	code = pc_create(&vm->pc, &cfg, err);
	if (!code)
		pc_on_replace(vm->pc, on_replace, vm);
	return code;
}

static void vmi_iret_known(void *opaque, uint32_t lin)
{
	struct vm *vm = opaque;

	for (unsigned n = 0; n < vm->ncpus; n++)
		vm->cpus[n].bus.vmi_iret = lin;
}

static void vmi_power_off(void *opaque)
{
	vm_stop(opaque, VM_STOP_POWEROFF, NULL);
}

/* Before the engines, which look whether there are hypercalls. */
static void connect_vmi(struct vm *vm)
{
	vm->vmi = pc_vmi(vm->pc);
	if (!vm->vmi)
		return;
	vmi_on_iret(vm->vmi, vmi_iret_known, vm);
	vmi_on_power_off(vm->vmi, vmi_power_off, vm);
	for (unsigned n = 0; n < vm->ncpus; n++)
		vm_cpu_connect_vmi(&vm->cpus[n]);
}

/* Only a single processor can move. */
static int create_spare(struct vm *vm, char *err)
{
	const struct engine_ops *ops;

	if (!vm->cfg.spare_engine || vm->ncpus > 1)
		return 0;
	ops = engine_named(vm->cfg.spare_engine);
	return ops == vm->start_ops ? 0 :
	       vm_cpu_make_engine(&vm->cpus[0], ops, err);
}

static int create_engines(struct vm *vm, char *err)
{
	int code = 0;

	for (unsigned n = 0; n < vm->ncpus && !code; n++) {
		struct vm_cpu *cpu = &vm->cpus[n];

		code = vm_cpu_make_engine(cpu, vm->start_ops, err);
		cpu->ops = vm->start_ops;
		cpu->engine = vm_cpu_engine(cpu, cpu->ops);
	}
	return code ? code : create_spare(vm, err);
}

static int create_parts(struct vm *vm, char *err)
{
	int code = find_engines(vm, err);

	if (!code)
		code = check_cpus(vm, err);
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
		connect_vmi(vm);
	if (!code)
		code = create_engines(vm, err);
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
	vm->step_cpu = -1;
	pthread_cond_init(&vm->parked_cond, NULL);
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
	if (vm->pc)
		pc_irqchip_drop(vm->pc);
	for (unsigned n = vm->ncpus; n > 0; n--)
		vm_cpu_fini(&vm->cpus[n - 1]);
	pc_destroy(vm->pc);
	clock_destroy(vm->clock);
	ports_destroy(vm->ports);
	if (vm->event_fd >= 0) {
		loop_del_fd(vm->cfg.loop, vm->event_fd);
		close(vm->event_fd);
	}
	mem_destroy(vm->mem);
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

/*
 * What others ask about it.
 */

void vm_set_observer(struct vm *vm, vm_event_fn *fn, void *opaque)
{
	vm->observer = fn;
	vm->observer_opaque = opaque;
}

void vm_tell(struct vm *vm, enum vm_event ev)
{
	if (vm->observer)
		vm->observer(vm->observer_opaque, ev);
}

void vm_key(struct vm *vm, unsigned code, bool down)
{
	pc_key(vm->pc, code, down);
}

void vm_mouse(struct vm *vm, int dx, int dy, int dz, unsigned buttons)
{
	pc_mouse(vm->pc, dx, dy, dz, buttons);
}

void vm_power_button(struct vm *vm)
{
	vm_tell(vm, VM_EVENT_POWERDOWN);
	pc_power_button(vm->pc);
}

void vm_get_state(struct vm *vm, struct vcpu *v)
{
	vm_get_cpu(vm, 0, v);
}

struct mem *vm_mem(struct vm *vm)
{
	return vm->mem;
}

const char *vm_engine_name(const struct vm *vm)
{
	return vm->cpus[0].ops->name;
}

void vm_print_registers(struct vm *vm, FILE *out)
{
	for (unsigned n = 0; n < vm->ncpus; n++) {
		struct vm_cpu *cpu = &vm->cpus[n];
		struct vcpu v;

		if (vm->ncpus > 1)
			fprintf(out, "processor %u:\n", n);
		cpu->ops->get_state(cpu->engine, &v);
		if (v.activity == ACTIVITY_WAIT_SIPI) {
			fputs("not started\n", out);
			continue;
		}
		if (cpu->halted)
			v.activity = ACTIVITY_HALT;
		report_registers(&v, out);
		report_code(&v, vm->mem, out);
	}
}

void vm_print_pic(struct vm *vm, FILE *out)
{
	pc_print_pic(vm->pc, out);
}

static void print_cpu_stats(struct vm_cpu *cpu, FILE *out)
{
	fprintf(out, "processor %u: %llu engine entries, %llu halts, "
		"%llu kicks, %llu moves\n", cpu->index,
		(unsigned long long)cpu->runs, (unsigned long long)cpu->halts,
		(unsigned long long)cpu->kicks,
		(unsigned long long)cpu->moves);
	for (unsigned n = 0; n < VM_ENGINES; n++) {
		if (!cpu->made[n])
			continue;
		fprintf(out, "engine %s:\n", vm_engines[n]->name);
		vm_engines[n]->stats(cpu->made[n], out);
	}
}

void vm_print_stats(struct vm *vm, FILE *out)
{
	uint16_t port;
	uint64_t unowned = ports_unowned(vm->ports, &port);

	fprintf(out, "machine: %llu resets\n",
		(unsigned long long)vm->resets);
	fprintf(out, "unowned: %llu port accesses (last %04xh), "
		"%llu memory reads, %llu writes\n",
		(unsigned long long)unowned, port,
		(unsigned long long)vm->mem->unowned_reads,
		(unsigned long long)vm->mem->unowned_writes);
	pc_print_stats(vm->pc, out);
	if (vm->vmi)
		vmi_print_stats(vm->vmi, out);
	for (unsigned n = 0; n < vm->ncpus; n++)
		print_cpu_stats(&vm->cpus[n], out);
}

void vm_census(struct vm *vm, engine_census_fn *fn, void *opaque)
{
	for (unsigned n = 0; n < vm->ncpus; n++) {
		struct vm_cpu *cpu = &vm->cpus[n];

		if (cpu->ops->census)
			cpu->ops->census(cpu->engine, fn, opaque);
	}
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
