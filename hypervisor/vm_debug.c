// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Debuggers.  A processor that meets a breakpoint parks itself; the loop then
 * pauses the machine and calls the debugger, which owns that pause.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hypervisor/vm_priv.h"

void vm_debug_met(struct vm_cpu *cpu, const struct engine_exit_info *info)
{
	const uint64_t one = 1;

	if (!cpu->vm->debugger)
		return;
	cpu->break_met = true;
	cpu->break_info = *info;
	/* EAGAIN: the loop is on its way. */
	if (write(cpu->vm->event_fd, &one, sizeof(one)) < 0)
		return;
}

/* Steps are over when the machine stops, whoever stopped it. */
static void end_step(struct vm *vm)
{
	int n = vm->step_cpu;

	vm->step_cpu = -1;
	if (n >= 0)
		vm_debug_apply(&vm->cpus[n]);
}

void vm_debug_tell(struct vm *vm)
{
	for (unsigned n = 0; n < vm->ncpus; n++) {
		struct vm_cpu *cpu = &vm->cpus[n];

		if (!cpu->break_met)
			continue;
		vm_pause(vm);
		cpu->break_met = false;
		end_step(vm);
		if (vm->debugger)
			vm->debugger(vm->debugger_opaque, n,
				     &cpu->break_info);
		else
			vm_resume(vm);
	}
}

void vm_set_debugger(struct vm *vm, vm_debug_fn *fn, void *opaque)
{
	vm->debugger = fn;
	vm->debugger_opaque = opaque;
}

void vm_debug_apply(struct vm_cpu *cpu)
{
	struct engine_debug d = cpu->vm->breaks;
	int code;

	d.step = cpu->vm->step_cpu == (int)cpu->index;
	code = cpu->ops->set_debug(cpu->engine, &d);
	if (code)
		fprintf(cpu->vm->cfg.log, "umbra: processor %u: breakpoints "
			"are not those that the debugger has set: %s\n",
			cpu->index, strerror(-code));
}

int vm_set_breaks(struct vm *vm, const struct engine_debug *d)
{
	int err = 0;

	end_step(vm);
	for (unsigned n = 0; n < vm->ncpus && !err; n++)
		err = vm->cpus[n].ops->set_debug(vm->cpus[n].engine, d);
	if (!err)
		vm->breaks = *d;
	for (unsigned n = 0; n < vm->ncpus && err; n++)
		vm_debug_apply(&vm->cpus[n]);
	return err;
}

void vm_step(struct vm *vm, unsigned cpu)
{
	end_step(vm);
	vm->step_cpu = cpu;
	vm_debug_apply(&vm->cpus[cpu]);
}

unsigned vm_cpus(const struct vm *vm)
{
	return vm->ncpus;
}

void vm_get_cpu(struct vm *vm, unsigned n, struct vcpu *v)
{
	struct vm_cpu *cpu = &vm->cpus[n];

	cpu->ops->get_state(cpu->engine, v);
	if (cpu->halted)
		v->activity = ACTIVITY_HALT;
}

void vm_set_cpu(struct vm *vm, unsigned n, const struct vcpu *v)
{
	vm_cpu_set_state(&vm->cpus[n], v);
}
