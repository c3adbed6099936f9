/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which engine has the machine: moves between engines, and interrupt controllers
 * that an engine has of its own (irqchip.h).
 */
#include "hypervisor/vm_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hypervisor/host.h"
#include "hypervisor/irqchip.h"
#include "hypervisor/modes.h"
#include "hypervisor/pc.h"

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
	vm_halt_watch(vm);
	for (unsigned n = 0; n < vm->ncpus && code >= 0; n++)
		code = first->ops->irqchip->set_lapic(vm->cpus[n].engine,
						      &s.lapic[n]);
	if (code >= 0)
		code = first->ops->irqchip->set(first->engine, &s);
	if (code >= 0 && s.has_pit)
		code = first->ops->irqchip->set_pit(first->engine, &s.pit);
	irqchip_failed(vm, code);
}

void vm_irqchip_replace(void *opaque, bool on)
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
	timer_cancel(&vm->halt_timer);
}

/*
 * Moves.
 */

const struct engine_ops *vm_engine_named(const char *name)
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
	const struct engine_ops *ops = vm_engine_named(name);
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
	good = ops == cpu->ops || fits(ops, &v, why);
	if (good)
		vm_cpu_move(cpu, ops);
	else
		snprintf(err, VM_ERR_LEN, "%s: %.140s", name, why);
	vm_resume(vm);
	return good ? 0 : -EINVAL;
}
