// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One virtual processor: its thread, its bus, its engines.
 *
 * Requests (stop, reset, pause, INIT) are flags.  Whoever sets one also sets
 * bus.stop and kicks the engine; the thread clears bus.stop before it looks at
 * the flags, so none is missed:
 *
 *	running --kick--> look at flags --> ended | reset | parked | INIT
 *	   |                  ^                                       |
 *	  HLT --> halted -----+---------------- waits for SIPI <------+
 *
 * where everything that waits does so on `wake'.  A processor that was halted
 * when somebody paused the machine is halted afterwards.
 */
#include "hypervisor/vm_priv.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hypervisor/clock.h"
#include "hypervisor/irqchip.h"
#include "hypervisor/loop.h"
#include "hypervisor/mem.h"
#include "hypervisor/pc.h"
#include "hypervisor/ports.h"
#include "hypervisor/vmi.h"

/* Real-mode address of a start-up IPI's vector, SDM Vol. 3A 8.4.3. */
#define SIPI_SELECTOR(vector)	((vector) << 8)
#define SIPI_BASE(vector)	((vector) << 12)

const struct engine_ops *const vm_engines[VM_ENGINES] = {
	&bt_engine_ops,
	&hv_engine_ops,
	&interp_engine_ops,
};

static __thread unsigned this_cpu;

unsigned vm_this_cpu(void *opaque)
{
	return this_cpu;
}

/*
 * The pins.
 */

void vm_cpu_wake(struct vm_cpu *cpu)
{
	uint64_t one = 1;

	if (!cpu->on_clock)
		pthread_cond_signal(&cpu->wake);
	/* Fails only when a wake-up is pending anyway. */
	else if (write(cpu->wake_fd, &one, sizeof(one)) < 0)
		return;
}

void vm_cpu_attend(struct vm_cpu *cpu)
{
	atomic_store(&cpu->bus.stop, 1);
	if (cpu->engine)
		cpu->ops->kick(cpu->engine);
}

static void pin_changed(struct vm_cpu *cpu)
{
	if (cpu->waiting) {
		vm_cpu_wake(cpu);
	} else if (cpu->engine) {
		cpu->kicks++;
		cpu->ops->kick(cpu->engine);
	}
}

void vm_cpu_intr(struct vm_cpu *cpu, bool level)
{
	atomic_store(&cpu->bus.intr, level);
	if (level)
		pin_changed(cpu);
}

/* NMI is an edge; the engine clears the flag when it delivers one. */
void vm_cpu_nmi(struct vm_cpu *cpu)
{
	atomic_store(&cpu->bus.nmi, 1);
	pin_changed(cpu);
}

void vm_cpu_startup(struct vm_cpu *cpu, enum apic_delivery how,
		    uint8_t vector)
{
	if (how == APIC_INIT) {
		cpu->init_wanted = true;
		cpu->sipi_wanted = false;
		vm_cpu_attend(cpu);
	} else if (cpu->wait_sipi || cpu->init_wanted) {
		cpu->sipi_wanted = true;
		cpu->sipi_vector = vector;
	}
	vm_cpu_wake(cpu);
}

/*
 * struct engine_bus: the engine's way to the devices.
 */

static uint32_t bus_pio_read(void *opaque, uint16_t port, unsigned size)
{
	struct vm *vm = ((struct vm_cpu *)opaque)->vm;
	uint32_t val;

	loop_lock(vm->cfg.loop);
	val = ports_read(vm->ports, port, size);
	loop_unlock(vm->cfg.loop);
	return val;
}

static void bus_pio_write(void *opaque, uint16_t port, unsigned size,
			  uint32_t val)
{
	struct vm *vm = ((struct vm_cpu *)opaque)->vm;

	loop_lock(vm->cfg.loop);
	ports_write(vm->ports, port, size, val);
	loop_unlock(vm->cfg.loop);
}

static int bus_intr_ack(void *opaque)
{
	struct vm_cpu *cpu = opaque;
	int vector;

	loop_lock(cpu->vm->cfg.loop);
	vector = pc_intr_ack(cpu->vm->pc, cpu->index);
	loop_unlock(cpu->vm->cfg.loop);
	return vector;
}

static int bus_msr_read(void *opaque, uint32_t msr, uint64_t *val)
{
	struct vm_cpu *cpu = opaque;
	int ret;

	loop_lock(cpu->vm->cfg.loop);
	ret = pc_msr_read(cpu->vm->pc, cpu->index, msr, val);
	loop_unlock(cpu->vm->cfg.loop);
	return ret;
}

static int bus_msr_write(void *opaque, uint32_t msr, uint64_t val)
{
	struct vm_cpu *cpu = opaque;
	int ret;

	loop_lock(cpu->vm->cfg.loop);
	ret = pc_msr_write(cpu->vm->pc, cpu->index, msr, val);
	loop_unlock(cpu->vm->cfg.loop);
	return ret;
}

static void bus_tpr_write(void *opaque, uint8_t tpr)
{
	struct vm_cpu *cpu = opaque;

	loop_lock(cpu->vm->cfg.loop);
	pc_tpr_write(cpu->vm->pc, cpu->index, tpr);
	loop_unlock(cpu->vm->cfg.loop);
}

static void bus_ferr(void *opaque, bool level)
{
	struct vm_cpu *cpu = opaque;

	loop_lock(cpu->vm->cfg.loop);
	pc_ferr(cpu->vm->pc, level);
	loop_unlock(cpu->vm->cfg.loop);
}

static void bus_hypercall(void *opaque, struct vcpu *v)
{
	vmi_hypercall(((struct vm_cpu *)opaque)->vm->vmi, v);
}

int vm_cpu_connect_vmi(struct vm_cpu *cpu)
{
	cpu->bus.hypercall = bus_hypercall;
	cpu->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return cpu->wake_fd < 0 ? -errno : 0;
}

void vm_cpu_init(struct vm *vm, unsigned index)
{
	struct vm_cpu *cpu = &vm->cpus[index];

	cpu->vm = vm;
	cpu->index = index;
	pthread_cond_init(&cpu->wake, NULL);
	cpu->wake_fd = -1;
	cpu->bus.opaque = cpu;
	cpu->bus.pio_read = bus_pio_read;
	cpu->bus.pio_write = bus_pio_write;
	cpu->bus.intr_ack = bus_intr_ack;
	cpu->bus.msr_read = bus_msr_read;
	cpu->bus.msr_write = bus_msr_write;
	cpu->bus.tpr_write = bus_tpr_write;
	if (!index)
		cpu->bus.ferr = bus_ferr;
}

/*
 * Engines.
 */

static struct engine **slot(struct vm_cpu *cpu, const struct engine_ops *ops)
{
	for (unsigned n = 0; n < VM_ENGINES; n++)
		if (vm_engines[n] == ops)
			return &cpu->made[n];
	abort();
}

struct engine *vm_cpu_engine(struct vm_cpu *cpu,
			     const struct engine_ops *ops)
{
	return *slot(cpu, ops);
}

static bool long_mode_offered(const struct vm *vm)
{
	return vm->start_ops == &hv_engine_ops ||
	       (vm->cfg.spare_engine &&
		!strcmp(vm->cfg.spare_engine, hv_engine_ops.name));
}

int vm_cpu_make_engine(struct vm_cpu *cpu, const struct engine_ops *ops,
		       char *err)
{
	struct vm *vm = cpu->vm;
	struct engine_config cfg = {
		.mem = vm->mem,
		.bus = &cpu->bus,
		.cpu_index = cpu->index,
		.peer = *slot(&vm->cpus[0], ops),
		.long_mode = long_mode_offered(vm),
		.options = vm->cfg.engine_options,
		.log = vm->cfg.log,
		.perf_map = vm->cfg.perf_map,
	};

	return ops->create(slot(cpu, ops), &cfg, err);
}

/* The first of a kind goes last: others may share what it has. */
void vm_cpu_fini(struct vm_cpu *cpu)
{
	cpu->engine = NULL;
	for (unsigned n = 0; n < VM_ENGINES; n++)
		if (cpu->made[n])
			vm_engines[n]->destroy(cpu->made[n]);
	pthread_cond_destroy(&cpu->wake);
	if (cpu->wake_fd >= 0)
		close(cpu->wake_fd);
}

bool vm_cpu_irqchip(const struct vm_cpu *cpu)
{
	return cpu->ops->irqchip && cpu->ops->irqchip->present(cpu->engine);
}

void vm_cpu_set_state(struct vm_cpu *cpu, const struct vcpu *v)
{
	bool ours = !vm_cpu_irqchip(cpu);

	cpu->halted = ours && v->activity == ACTIVITY_HALT;
	cpu->halt_if = v->rflags & FLAG_IF;
	cpu->wait_sipi = ours && v->activity == ACTIVITY_WAIT_SIPI;
	cpu->ops->set_state(cpu->engine, v);
}

/*
 * The engine that comes back has not seen what the other one wrote to memory.
 */
void vm_cpu_move(struct vm_cpu *cpu, const struct engine_ops *ops)
{
	struct vcpu v;

	if (ops == cpu->ops)
		return;
	cpu->ops->get_state(cpu->engine, &v);
	cpu->engine = *slot(cpu, ops);
	cpu->ops = ops;
	cpu->moves++;
	ops->mem_changed(cpu->engine, 0, cpu->vm->mem->top);
	vm_cpu_set_state(cpu, &v);
	vm_debug_apply(cpu);
}

/*
 * The thread.
 */

static bool wants_park(const struct vm_cpu *cpu)
{
	const struct vm *vm = cpu->vm;

	/* Processor 0 resets the machine when the others stand still. */
	return vm->pause_depth || vm->stand || cpu->break_met ||
	       (vm->step_cpu >= 0 && vm->step_cpu != (int)cpu->index) ||
	       (cpu->index && atomic_load(&vm->reset_wanted));
}

static bool requests(const struct vm_cpu *cpu)
{
	return atomic_load(&cpu->vm->stop_reason) || wants_park(cpu) ||
	       atomic_load(&cpu->vm->reset_wanted) || cpu->init_wanted;
}

static bool interrupted(const struct vm_cpu *cpu)
{
	return atomic_load(&cpu->bus.nmi) ||
	       (cpu->halt_if && atomic_load(&cpu->bus.intr));
}

static void wait(struct vm_cpu *cpu)
{
	cpu->waiting = true;
	loop_wait(cpu->vm->cfg.loop, &cpu->wake);
	cpu->waiting = false;
}

/*
 * A wait so short is spent running: falling asleep and being woken up would
 * take longer, on a host that is itself a VM several times as long.
 */
static void spin(struct vm_cpu *cpu, uint64_t until)
{
	loop_unlock(cpu->vm->cfg.loop);
	while (!interrupted(cpu) && !atomic_load(&cpu->bus.stop) &&
	       host_ns() < until)
		__builtin_ia32_pause();
	loop_lock(cpu->vm->cfg.loop);
}

/*
 * Also for timers, so that the alarm for which the guest waits wakes up this
 * thread alone.
 */
static void wait_on_clock(struct vm_cpu *cpu)
{
	bool waited;

	cpu->waiting = true;
	waited = clock_wait(cpu->vm->clock, cpu->wake_fd, &cpu->on_clock);
	cpu->waiting = false;
	if (!waited)
		wait(cpu);
}

/* Until somebody wakes us, or an alarm of the guest's is due. */
static void wait_for_alarm(struct vm_cpu *cpu)
{
	struct vmi *vmi = cpu->vm->vmi;
	uint64_t ns = vmi_wait_begin(vmi, cpu->index);

	if (ns == UINT64_MAX) {
		wait_on_clock(cpu);
		return;
	}
	spin(cpu, host_ns() + ns);
	vmi_wait_end(vmi, cpu->index);
}

static void park(struct vm_cpu *cpu)
{
	struct vm *vm = cpu->vm;

	cpu->parked = true;
	pthread_cond_broadcast(&vm->parked_cond);
	while (wants_park(cpu) && !atomic_load(&vm->stop_reason))
		wait(cpu);
	cpu->parked = false;
}

static bool others_parked(const struct vm *vm)
{
	for (unsigned n = 1; n < vm->ncpus; n++)
		if (vm->cpus[n].started && !vm->cpus[n].parked)
			return false;
	return true;
}

/* Processor 0. */
static void reset(struct vm *vm)
{
	if (vm->cfg.no_reboot) {
		vm_stop(vm, VM_STOP_RESET, NULL);
		return;
	}
	while (!others_parked(vm) && !atomic_load(&vm->stop_reason))
		loop_wait(vm->cfg.loop, &vm->parked_cond);
	atomic_store(&vm->reset_wanted, false);
	vm->resets++;
	vm_tell(vm, VM_EVENT_RESET);
	vm_boot(vm);
	for (unsigned n = 1; n < vm->ncpus; n++)
		vm_cpu_wake(&vm->cpus[n]);
}

static void init(struct vm_cpu *cpu)
{
	struct vcpu v;

	cpu->init_wanted = false;
	cpu->ops->get_state(cpu->engine, &v);
	vcpu_reset(&v, cpu->index, true);
	vm_cpu_set_state(cpu, &v);
}

static void wait_sipi(struct vm_cpu *cpu)
{
	struct vcpu v;

	while (!cpu->sipi_wanted && !requests(cpu))
		wait(cpu);
	/* An INIT that came before the start-up IPI is to be done before. */
	if (!cpu->sipi_wanted || cpu->init_wanted)
		return;
	cpu->sipi_wanted = false;
	cpu->ops->get_state(cpu->engine, &v);
	if (!cpu->vm->vmi || !vmi_ap_start(cpu->vm->vmi, cpu->index, &v)) {
		v.activity = ACTIVITY_RUN;
		v.rip = 0;
		v.seg[SEG_CS].selector = SIPI_SELECTOR(cpu->sipi_vector);
		v.seg[SEG_CS].base = SIPI_BASE(cpu->sipi_vector);
	}
	vm_cpu_set_state(cpu, &v);
}

/*
 * Nothing in the machine can make this processor run again by itself, nor has
 * anything that its thread has not felt yet.
 */
static bool asleep_for_good(const struct vm_cpu *cpu)
{
	if (cpu->sipi_wanted)
		return false;
	return cpu->wait_sipi ||
	       (cpu->halted && !cpu->halt_if && !cpu->init_wanted &&
		!interrupted(cpu) &&
		!pc_nmi_possible(cpu->vm->pc, cpu->index));
}

static bool all_asleep_for_good(const struct vm *vm)
{
	for (unsigned n = 0; n < vm->ncpus; n++)
		if (!asleep_for_good(&vm->cpus[n]))
			return false;
	return true;
}

static void halt(struct vm_cpu *cpu)
{
	if (!interrupted(cpu) && all_asleep_for_good(cpu->vm)) {
		vm_stop(cpu->vm, VM_STOP_HALTED, NULL);
		return;
	}
	if (cpu->vm->vmi)
		vmi_idle(cpu->vm->vmi, cpu->index, true);
	while (!interrupted(cpu) && !requests(cpu)) {
		if (cpu->vm->vmi)
			wait_for_alarm(cpu);
		else
			wait(cpu);
	}
	if (cpu->vm->vmi)
		vmi_idle(cpu->vm->vmi, cpu->index, false);
	if (interrupted(cpu))
		cpu->halted = false;
}

static void note_halt(struct vm_cpu *cpu, bool intr_enabled)
{
	cpu->halts++;
	cpu->halted = true;
	cpu->halt_if = intr_enabled;
}

static void triple_fault(struct vm *vm)
{
	if (pc_soft_reset_resumes(vm->pc)) {
		pc_soft_reset(vm->pc);
		return;
	}
	if (vm->cfg.no_reboot) {
		vm_stop(vm, VM_STOP_TRIPLE_FAULT, NULL);
		return;
	}
	/* Guests use it to reset, so no report; but not in silence either. */
	fprintf(vm->cfg.log, "umbra: triple fault, resetting (--no-reboot "
		"stops here and shows the registers)\n");
	vm_request_reset(vm);
}

static void enter_long_mode(struct vm_cpu *cpu)
{
	struct vm *vm = cpu->vm;
	const char *from = cpu->ops->name;

	if (!vm_cpu_engine(cpu, &hv_engine_ops)) {
		vm_stop(vm, VM_STOP_CANNOT, "the guest enters long mode, "
			"which %s does not have (use --engine auto or hv on a "
			"host with KVM, or a 32-bit guest)", from);
		return;
	}
	vm_cpu_move(cpu, &hv_engine_ops);
	vm_irqchip_give(vm);
	fprintf(vm->cfg.log, "umbra: the guest enters long mode: moved from "
		"%s to %s\n", from, cpu->ops->name);
}

/* One stay in the engine.  Lock held at entry and return. */
static void run(struct vm_cpu *cpu)
{
	struct engine_exit_info info = { .exit = ENGINE_KICKED };
	struct vm *vm = cpu->vm;

	cpu->runs++;
	loop_unlock(vm->cfg.loop);
	cpu->ops->run(cpu->engine, &info);
	loop_lock(vm->cfg.loop);
	switch (info.exit) {
	case ENGINE_KICKED:
		break;
	case ENGINE_HALT:
		note_halt(cpu, info.intr_enabled);
		break;
	case ENGINE_SHUTDOWN:
		triple_fault(vm);
		break;
	case ENGINE_CANNOT:
		vm_stop(vm, VM_STOP_CANNOT, "%s", info.reason);
		break;
	case ENGINE_LONG_MODE:
		enter_long_mode(cpu);
		break;
	case ENGINE_DEBUG:
		vm_debug_met(cpu, &info);
		break;
	case ENGINE_HYPERCALL:
		vm_stop(vm, VM_STOP_INTERNAL, "hypercall without a handler");
		break;
	}
}

static void *cpu_main(void *opaque)
{
	struct vm_cpu *cpu = opaque;
	struct vm *vm = cpu->vm;

	this_cpu = cpu->index;
	loop_lock(vm->cfg.loop);
	for (;;) {
		atomic_store(&cpu->bus.stop, 0);
		if (atomic_load(&vm->stop_reason))
			break;
		else if (wants_park(cpu))
			park(cpu);
		else if (atomic_load(&vm->reset_wanted))
			reset(vm);
		else if (cpu->init_wanted)
			init(cpu);
		else if (cpu->wait_sipi)
			wait_sipi(cpu);
		else if (cpu->halted)
			halt(cpu);
		else
			run(cpu);
	}
	cpu->parked = true;
	pthread_cond_broadcast(&vm->parked_cond);
	loop_unlock(vm->cfg.loop);
	loop_quit(vm->cfg.loop);
	return NULL;
}

/*
 * Signals that ask the process for something are the main thread's: a handler
 * that called vm_request_stop() on a vCPU thread would kick the engine from
 * inside it.  Faults and the engine's own signals stay open.
 */
int vm_cpu_start(struct vm_cpu *cpu)
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
	code = pthread_create(&cpu->thread, NULL, cpu_main, cpu);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	cpu->started = !code;
	return code;
}
