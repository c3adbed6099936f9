/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One VM: what others see of it and do to its front panel. */
#include "hypervisor/vm_priv.h"

#include <stdio.h>

#include "hypervisor/irqchip.h"
#include "hypervisor/mem.h"
#include "hypervisor/pc.h"
#include "hypervisor/ports.h"
#include "hypervisor/report.h"
#include "hypervisor/vmi.h"

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

void vm_print_irq(struct vm *vm, FILE *out)
{
	const struct vm_cpu *first = &vm->cpus[0];

	pc_print_irq(vm->pc, out);
	if (vm_cpu_irqchip(first) &&
	    first->ops->irqchip->pit_present(first->engine))
		fputs("KVM's own 8254 (line 0) is not counted\n", out);
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
