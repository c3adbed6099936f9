// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The loop around KVM_RUN.
 *
 * Kicks.  A kicker has set a flag in the bus; it sets run->immediate_exit and,
 * if the thread may be inside KVM_RUN, sends a signal that does nothing but
 * interrupt it.  The loop clears immediate_exit before it looks at the flags.
 * So either the loop sees the flag, or KVM_RUN returns at once:
 *
 *	loop		immediate_exit = 0;  look at flags;  KVM_RUN
 *	kicker		flag = 1;  immediate_exit = 1;  signal
 *
 * I/O.  After an exit for I/O, KVM finishes the instruction at the next
 * KVM_RUN.  Before the state is read or left to somebody else, hv_complete()
 * makes it do that and nothing more.
 *
 * Interrupts are injected here, whoever keeps the interrupt controllers: a
 * vector is acknowledged only when KVM will take it, and otherwise KVM is
 * asked to exit as soon as it would.  It will not while it has an instruction
 * to finish: should that raise an exception (RDMSR that we refuse, EFLAGS.TF),
 * KVM injects the exception and forgets an interrupt it was given before.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "fullvirt/hv/hv.h"
#include "hypervisor/clock.h"
#include "hypervisor/mem.h"
#include "hypervisor/vmi_private.h"

/*
 * So many interruptions in a row that nobody asked for, within so short a
 * time, mean that the guest does not get anywhere.
 */
#define STREAK_MAX	100000
#define STREAK_NS	2000000000ULL

static void on_kick_signal(int sig)
{
}

/* No SA_RESTART: the signal is to be felt. */
int hv_signal_init(void)
{
	struct sigaction sa = { .sa_handler = on_kick_signal,
				.sa_flags = SA_ONSTACK };

	return sigaction(HV_KICK_SIGNAL, &sa, NULL) ? -errno : 0;
}

void hv_kick(struct engine *e)
{
	struct hv *hv = to_hv(e);

	__atomic_store_n(&hv->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&hv->running, __ATOMIC_SEQ_CST) &&
	    !pthread_equal(hv->thread, pthread_self()))
		pthread_kill(hv->thread, HV_KICK_SIGNAL);
}

/* EINTR and EAGAIN are what kicks look like, too. */
static void note_interruption(struct hv *hv, int err)
{
	uint64_t now;

	hv->stats.kicks++;
	if (hv->streak++ == 0)
		hv->streak_since = host_ns();
	if (hv->streak < STREAK_MAX)
		return;
	now = host_ns();
	if (now - hv->streak_since < STREAK_NS)
		hv_break(hv, err, "KVM_RUN was interrupted %llu times within "
			 "%llu ms and ran nothing: %s",
			 (unsigned long long)hv->streak,
			 (unsigned long long)((now - hv->streak_since) /
					      1000000),
			 strerror(-err));
	hv->streak = 0;
}

/*
 * One KVM_RUN.  Returns 0 with an exit to handle, -EINTR when there is none,
 * or another negative errno with hv->broken set.
 */
static int enter(struct hv *hv)
{
	int ret;

	hv->cr8 = atomic_load(&hv->bus->tpr) >> 4;
	hv->run->cr8 = hv->cr8;
	hv->stats.entries++;
	hv->tsc_known = false;
	ret = hv_ioctl(hv->fd, KVM_RUN, NULL);
	hv->io_pending = false;
	if (!hv->vm->irqchip && hv->run->cr8 != hv->cr8 &&
	    hv->bus->tpr_write)
		hv->bus->tpr_write(hv->bus->opaque, hv->run->cr8 << 4);
	if (ret >= 0) {
		hv->streak = 0;
		return 0;
	}
	if (ret == -EINTR || ret == -EAGAIN) {
		note_interruption(hv, ret);
		return -EINTR;
	}
	return hv_break(hv, ret, "KVM_RUN: %s%s", strerror(-ret),
			ret == -ENODEV || ret == -EBADF || ret == -ENOTTY ||
			ret == -EIO ? " (KVM has gone away)" : "");
}

/*
 * Exits.
 */

static void exit_io(struct hv *hv)
{
	struct kvm_run *run = hv->run;
	struct engine_bus *bus = hv->bus;
	uint8_t *p = (uint8_t *)run + run->io.data_offset;
	uint32_t val;

	hv->stats.pio++;
	hv->io_pending = true;
	for (unsigned n = 0; n < run->io.count; n++, p += run->io.size) {
		val = 0;
		if (run->io.direction == KVM_EXIT_IO_OUT) {
			memcpy(&val, p, run->io.size);
			bus->pio_write(bus->opaque, run->io.port,
				       run->io.size, val);
			continue;
		}
		val = bus->pio_read(bus->opaque, run->io.port, run->io.size);
		memcpy(p, &val, run->io.size);
	}
}

static bool is_hypercall(const struct hv *hv)
{
	const struct kvm_run *run = hv->run;

	return run->io.port == VMI_HC_PORT && run->io.size == 1 &&
	       run->io.count == 1 && hv->bus->hypercall &&
	       run->io.direction == KVM_EXIT_IO_OUT;
}

/* At CPL 0, the VMI ROM's; else an OUT like any other. */
static void exit_hypercall(struct hv *hv)
{
	const uint8_t *p = (uint8_t *)hv->run + hv->run->io.data_offset;
	uint8_t val = *p;

	hv->io_pending = true;
	hv_complete(hv);	/* KVM finishes the OUT first */
	if (hv->broken[0] || hv_call_load(hv))
		return;
	if (vcpu_cpl(&hv->v) || vcpu_real_or_v86(&hv->v)) {
		hv->bus->pio_write(hv->bus->opaque, VMI_HC_PORT, 1, val);
		return;
	}
	hv->bus->hypercall(hv->bus->opaque, &hv->v);
	hv_call_store(hv);
}

/* The largest natural access at @gpa of at most @len bytes. */
static unsigned piece(gpa_t gpa, unsigned len)
{
	unsigned n = 8;

	while (n > len)
		n >>= 1;
	return n;
}

/* A page may have become RAM since the processor missed it. */
static void mmio_piece(struct mem *m, gpa_t gpa, uint8_t *p, unsigned len,
		       bool write)
{
	uint64_t val = 0;

	if (mem_backed(m, gpa)) {
		if (write)
			mem_write(m, gpa, p, len);
		else
			mem_read(m, gpa, p, len);
	} else if (write) {
		memcpy(&val, p, len);
		mem_mmio_write(m, gpa, len, val);
	} else {
		val = mem_mmio_read(m, gpa, len);
		memcpy(p, &val, len);
	}
}

static void exit_mmio(struct hv *hv)
{
	struct kvm_run *run = hv->run;
	unsigned done = 0;

	hv->stats.mmio++;
	hv->io_pending = true;
	while (done < run->mmio.len && done < sizeof(run->mmio.data)) {
		gpa_t gpa = run->mmio.phys_addr + done;
		unsigned n = piece(gpa, run->mmio.len - done);

		mmio_piece(hv->vm->mem, gpa, run->mmio.data + done, n,
			   run->mmio.is_write);
		done += n;
	}
}

/* Is there what ends a HLT? */
static bool wakes(const struct hv *hv)
{
	return atomic_load(&hv->bus->nmi) ||
	       (atomic_load(&hv->bus->intr) && hv->run->if_flag);
}

static bool exit_halt(struct hv *hv, struct engine_exit_info *info)
{
	hv->stats.halts++;
	if (wakes(hv))
		return true;
	hv->v.activity = ACTIVITY_HALT;
	info->exit = ENGINE_HALT;
	info->intr_enabled = hv->run->if_flag;
	return false;
}

static bool exit_internal(struct hv *hv, struct engine_exit_info *info)
{
	const struct kvm_run *run = hv->run;

	if (run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION)
		return hv_emulate(hv, info);
	hv_break(hv, -EIO, "KVM internal error %u (%llx %llx)",
		 run->internal.suberror,
		 (unsigned long long)(run->internal.ndata > 0 ?
				      run->internal.data[0] : 0),
		 (unsigned long long)(run->internal.ndata > 1 ?
				      run->internal.data[1] : 0));
	return true;
}

/* Returns true to go on (or hv->broken is set), false with @info filled. */
static bool handle(struct hv *hv, struct engine_exit_info *info)
{
	const struct kvm_run *run = hv->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		if (is_hypercall(hv))
			exit_hypercall(hv);
		else
			exit_io(hv);
		return true;
	case KVM_EXIT_MMIO:
		exit_mmio(hv);
		return true;
	case KVM_EXIT_X86_RDMSR:
	case KVM_EXIT_X86_WRMSR:
		hv->io_pending = true;
		hv_msr_exit(hv, run->exit_reason == KVM_EXIT_X86_WRMSR);
		return true;
	case KVM_EXIT_HLT:
		return exit_halt(hv, info);
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		hv->stats.windows++;
		return true;
	case KVM_EXIT_INTR:
	case KVM_EXIT_SET_TPR:
		return true;
	case KVM_EXIT_SHUTDOWN:
		hv->v.activity = ACTIVITY_SHUTDOWN;
		info->exit = ENGINE_SHUTDOWN;
		return false;
	case KVM_EXIT_DEBUG:
		return hv_debug_exit(hv, info);
	case KVM_EXIT_INTERNAL_ERROR:
		return exit_internal(hv, info);
	case KVM_EXIT_FAIL_ENTRY:
		hv_break(hv, -EIO, "the processor refuses the guest's state: "
			 "entry failure %llx",
			 (unsigned long long)
			 run->fail_entry.hardware_entry_failure_reason);
		return true;
	default:
		hv_break(hv, -EIO, "unknown KVM exit %u", run->exit_reason);
		return true;
	}
}

/*
 * Injection.
 */

static void inject_nmi(struct hv *hv)
{
	int ret;

	if (!atomic_exchange(&hv->bus->nmi, 0))
		return;
	hv->stats.nmis++;
	ret = hv_ioctl(hv->fd, KVM_NMI, NULL);
	if (ret < 0)
		hv_break(hv, ret, "KVM_NMI: %s", strerror(-ret));
}

static void inject_intr(struct hv *hv)
{
	struct kvm_run *run = hv->run;
	struct kvm_interrupt irq;
	int vector, ret;

	run->request_interrupt_window = 0;
	if (!atomic_load(&hv->bus->intr))
		return;
	if (hv->io_pending || !run->ready_for_interrupt_injection ||
	    !run->if_flag) {
		run->request_interrupt_window = 1;
		return;
	}
	vector = hv->bus->intr_ack(hv->bus->opaque);
	if (vector < 0)
		return;
	irq.irq = vector;
	ret = hv_ioctl(hv->fd, KVM_INTERRUPT, &irq);
	if (ret < 0) {
		hv_break(hv, ret, "KVM_INTERRUPT: %s", strerror(-ret));
		return;
	}
	hv->stats.interrupts++;
	run->ready_for_interrupt_injection = 0;
	run->request_interrupt_window = atomic_load(&hv->bus->intr) != 0;
}

/*
 * Finish the last exit's instruction.  It may need more of the same (a string
 * instruction's next piece); nothing else runs.
 */
void hv_complete(struct hv *hv)
{
	struct engine_exit_info info;

	while (hv->io_pending && !hv->broken[0]) {
		hv->run->immediate_exit = 1;
		if (enter(hv) == 0 && !handle(hv, &info))
			break;
	}
}

static bool cannot(struct hv *hv, struct engine_exit_info *info)
{
	info->exit = ENGINE_CANNOT;
	snprintf(info->reason, sizeof(info->reason), "%s", hv->broken);
	return false;
}

/* Between two entries.  False: leave, @info is filled. */
static bool prepare(struct hv *hv, struct engine_exit_info *info)
{
	__atomic_store_n(&hv->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	if (hv->broken[0])
		return cannot(hv, info);
	if (atomic_load(&hv->bus->stop)) {
		info->exit = ENGINE_KICKED;
		return false;
	}
	if (hv->debug.step || hv->debug_past || hv->ours)
		return true;
	inject_nmi(hv);
	if (!hv->vm->irqchip)
		inject_intr(hv);
	return true;
}

static void loop(struct hv *hv, struct engine_exit_info *info)
{
	while (prepare(hv, info)) {
		bool on = hv->ours ? hv_interpret(hv, info) :
			  enter(hv) ? true : handle(hv, info);

		if (!on)
			break;
	}
	hv_complete(hv);
}

void hv_run(struct engine *e, struct engine_exit_info *info)
{
	struct hv *hv = to_hv(e);

	info->reason[0] = 0;
	hv->thread = pthread_self();
	__atomic_store_n(&hv->running, true, __ATOMIC_SEQ_CST);
	if (hv->v.activity == ACTIVITY_HALT && !hv->vm->irqchip &&
	    !wakes(hv)) {
		info->exit = ENGINE_HALT;
		info->intr_enabled = hv->run->if_flag;
	} else {
		hv->v.activity = ACTIVITY_RUN;
		hv_debug_resume(hv);
		loop(hv, info);
		while (hv_irqchip_settle(hv)) {
			handle(hv, info);
			hv_complete(hv);
		}
	}
	__atomic_store_n(&hv->running, false, __ATOMIC_SEQ_CST);
}
