/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who notices that the guest has halted for good while its engine has interrupt
 * controllers of its own: a HLT stays inside the engine then (ours: vm_cpu.c).
 *
 * Once a second the loop asks whether any processor has run at all, by the time
 * that their threads have used.  If none has, all are brought out of their
 * engines, so that none can wake another, and their states say whether
 * anything can: start-up IPIs come from processors alone, and with IF clear
 * only an NMI ends a HLT.  Guest time goes on meanwhile, for some 100 us.
 */
#include "hypervisor/vm_priv.h"

#include <time.h>

#include "hypervisor/clock.h"
#include "hypervisor/irqchip.h"
#include "hypervisor/loop.h"

#define LOOK_NS		NS_PER_SEC

static uint64_t used_ns(const struct vm_cpu *cpu)
{
	struct timespec t;
	clockid_t id;

	if (!cpu->started || pthread_getcpuclockid(cpu->thread, &id) ||
	    clock_gettime(id, &t))
		return 0;
	return t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

/* Has any of them run since the last look? */
static bool any_ran(struct vm *vm)
{
	bool ran = false;

	for (unsigned n = 0; n < vm->ncpus; n++) {
		uint64_t used = used_ns(&vm->cpus[n]);

		ran |= used != vm->cpus[n].used_ns;
		vm->cpus[n].used_ns = used;
	}
	return ran;
}

static bool asleep_for_good(struct vm_cpu *cpu)
{
	struct vcpu v;

	cpu->ops->get_state(cpu->engine, &v);
	if (v.activity == ACTIVITY_WAIT_SIPI)
		return true;
	return v.activity == ACTIVITY_HALT && !(v.rflags & FLAG_IF) &&
	       !v.nmi_pending && v.event.kind == EVENT_NONE &&
	       !cpu->init_wanted &&
	       !cpu->ops->irqchip->nmi_possible(cpu->engine);
}

static bool all_asleep_for_good(struct vm *vm)
{
	bool all;

	vm_stand(vm, true);
	/* On its way out a processor may have reset the machine. */
	all = vm->irqchip_given;
	for (unsigned n = 0; n < vm->ncpus && all; n++)
		all = asleep_for_good(&vm->cpus[n]);
	vm_stand(vm, false);
	return all;
}

static void look(void *opaque)
{
	struct vm *vm = opaque;

	if (!vm->irqchip_given || atomic_load(&vm->stop_reason))
		return;
	if (!any_ran(vm) && all_asleep_for_good(vm))
		vm_stop(vm, VM_STOP_HALTED, NULL);
	else
		vm_halt_watch(vm);
}

void vm_halt_init(struct vm *vm)
{
	timer_init(&vm->halt_timer, vm->clock, look, vm);
}

void vm_halt_watch(struct vm *vm)
{
	timer_set(&vm->halt_timer, clock_now(vm->clock) + LOOK_NS);
}
