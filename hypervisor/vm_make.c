/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One VM: putting it together, and taking it apart. */
#include "hypervisor/vm_priv.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hypervisor/clock.h"
#include "hypervisor/loop.h"
#include "hypervisor/mem.h"
#include "hypervisor/pc.h"
#include "hypervisor/ports.h"
#include "hypervisor/vmi.h"

#define VGA_HOLE_START	0xa0000
#define VGA_HOLE_SIZE	0x20000

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
 * Parts.
 */

static int find_engines(struct vm *vm, char *err)
{
	const char *name = vm->cfg.engine ? vm->cfg.engine : "bt";

	vm->start_ops = vm_engine_named(name);
	if (vm->cfg.spare_engine && !vm_engine_named(vm->cfg.spare_engine))
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
	vm->mem->changed = vm_mem_changed;
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
		    loop_add_fd(vm->cfg.loop, vm->event_fd, POLLIN, vm_on_event,
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
		pc_on_replace(vm->pc, vm_irqchip_replace, vm);
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
static int connect_vmi(struct vm *vm)
{
	int err = 0;

	vm->vmi = pc_vmi(vm->pc);
	if (!vm->vmi)
		return 0;
	vmi_on_iret(vm->vmi, vmi_iret_known, vm);
	vmi_on_power_off(vm->vmi, vmi_power_off, vm);
	for (unsigned n = 0; n < vm->ncpus && !err; n++)
		err = vm_cpu_connect_vmi(&vm->cpus[n]);
	return err;
}

/*
 * Only a single processor can move.  Nobody has asked for this engine, so the
 * machine does without one that cannot be made; but bad options are errors.
 */
static int create_spare(struct vm *vm, char *err)
{
	const struct engine_ops *ops;
	int code;

	if (!vm->cfg.spare_engine || vm->ncpus > 1)
		return 0;
	ops = vm_engine_named(vm->cfg.spare_engine);
	code = ops == vm->start_ops ? 0 :
	       vm_cpu_make_engine(&vm->cpus[0], ops, err);
	if (!code || code == -EINVAL)
		return code;
	fprintf(vm->cfg.log, "umbra: %s; the guest stays in %s\n", err,
		vm->start_ops->name);
	vm->cfg.spare_engine = NULL;
	return 0;
}

/* The spare one first, on which it depends whether long mode is offered. */
static int create_engines(struct vm *vm, char *err)
{
	int code = create_spare(vm, err);

	for (unsigned n = 0; n < vm->ncpus && !code; n++) {
		struct vm_cpu *cpu = &vm->cpus[n];

		code = vm_cpu_make_engine(cpu, vm->start_ops, err);
		cpu->ops = vm->start_ops;
		cpu->engine = vm_cpu_engine(cpu, cpu->ops);
	}
	return code;
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
		vm_halt_init(vm);
	if (!code)
		code = create_pc(vm, err);
	if (!code)
		code = fail(err, "VMI", connect_vmi(vm));
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
