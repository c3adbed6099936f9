// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The HV engine on a KVM that misbehaves.
 *
 * The KVM is this file's own, behind hv_ioctl_hook: it remembers the state it
 * is given, and KVM_RUN does what the test says.  So these tests need no
 * /dev/kvm, and each failure comes when it is wanted.
 *
 * Linux Documentation/virt/kvm/api.rst 4.10 (KVM_RUN), 5 (struct kvm_run).
 */
#define _GNU_SOURCE
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fullvirt/hv/hv.h"
#include "hypervisor/host.h"
#include "hypervisor/mem.h"

#define RUN_SIZE	16384
#define IO_OFFSET	8192	/* of an exit's data in struct kvm_run */

static struct fake {
	struct kvm_regs regs;
	struct kvm_sregs2 sregs;
	struct kvm_vcpu_events events;
	struct kvm_debugregs debug;
	struct kvm_xsave xsave;
	unsigned slots;			/* NR_MEMSLOTS */
	int missing_cap;		/* -1: none */
	int refused;			/* ioctl that fails with EIO; 0: none */
	int (*run)(struct kvm_run *run);
	struct kvm_run *shared;
	unsigned runs, interrupts, nmis;
	uint64_t offset;		/* goes down at each look */
	unsigned nmi_at;		/* ioctl when bus.nmi rises; 0: none */
	unsigned vector;
} fake;

static struct mem *mem;
static struct engine_bus bus;
static struct engine *engine;
static struct engine_exit_info info;
static char err[HV_REASON];
static unsigned acks, tpr_writes, unfinished;
static uint8_t tpr_written;
static uint32_t pio_val;
static uint64_t mmio_seen;

/*
 * The fake KVM.
 */

static int new_file(size_t size)
{
	int fd = memfd_create("fake", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, size), 0);
	return fd;
}

static int make_vcpu(void)
{
	int fd = new_file(RUN_SIZE);

	fake.shared = mmap(NULL, RUN_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			   fd, 0);
	ck_assert(fake.shared != MAP_FAILED);
	return fd;
}

static int check_extension(long cap)
{
	if (cap == KVM_CAP_NR_MEMSLOTS)
		return fake.slots;
	return cap != fake.missing_cap;
}

#define TAKE(field)	(memcpy(&fake.field, arg, sizeof(fake.field)), 0)
#define GIVE(field)	(memcpy(arg, &fake.field, sizeof(fake.field)), 0)

static int fake_ioctl(int fd, unsigned long request, void *arg)
{
	if (fake.refused && request == (unsigned)fake.refused)
		return -EIO;
	if (fake.nmi_at && request == fake.nmi_at) {
		atomic_store(&bus.nmi, 1);
		fake.nmi_at = 0;
	}
	switch (request) {
	case KVM_GET_API_VERSION: return KVM_API_VERSION;
	case KVM_CREATE_VM: return new_file(1);
	case KVM_CREATE_VCPU: return make_vcpu();
	case KVM_CHECK_EXTENSION: return check_extension((long)arg);
	case KVM_GET_VCPU_MMAP_SIZE: return RUN_SIZE;
	case KVM_GET_SUPPORTED_CPUID:
		((struct kvm_cpuid2 *)arg)->nent = 0;
		return 0;
	case KVM_SET_REGS: return TAKE(regs);
	case KVM_GET_REGS: return GIVE(regs);
	case KVM_SET_SREGS2: return TAKE(sregs);
	case KVM_GET_SREGS2: return GIVE(sregs);
	case KVM_SET_VCPU_EVENTS: return TAKE(events);
	case KVM_GET_VCPU_EVENTS: return GIVE(events);
	case KVM_SET_DEBUGREGS: return TAKE(debug);
	case KVM_GET_DEBUGREGS: return GIVE(debug);
	case KVM_SET_XSAVE: return TAKE(xsave);
	case KVM_GET_XSAVE: return GIVE(xsave);
	case KVM_GET_MSRS:
	case KVM_SET_MSRS:
		return ((struct kvm_msrs *)arg)->nmsrs;
	case KVM_GET_DEVICE_ATTR:	/* the TSC's offset */
		memcpy((void *)(uintptr_t)
		       ((struct kvm_device_attr *)arg)->addr,
		       &fake.offset, sizeof(fake.offset));
		fake.offset -= 1000;
		return 0;
	case KVM_NMI:
		fake.nmis++;
		return 0;
	case KVM_INTERRUPT:
		fake.interrupts++;
		fake.vector = ((struct kvm_interrupt *)arg)->irq;
		return 0;
	case KVM_RUN:
		fake.runs++;
		return fake.run(fake.shared);
	}
	return 0;
}

static void linger(unsigned *seed, unsigned most)
{
	for (volatile unsigned i = rand_r(seed) % most; i; i--)
		;
}

/*
 * What KVM does between the check of immediate_exit and a signal.  A signal
 * that comes on the way there is felt in user mode, and KVM does not see it.
 */
static int run_until_signal(struct kvm_run *run)
{
	static const struct timespec limit = { 5, 0 };
	static unsigned seed = 2;
	sigset_t block, old;
	int n;

	linger(&seed, 20000);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &block, &old);
	n = run->immediate_exit ? -1 : ppoll(NULL, 0, &limit, &old);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	ck_assert_msg(n < 0, "a kick was lost");
	return -EINTR;
}

static int exit_with(struct kvm_run *run, uint32_t reason)
{
	run->exit_reason = reason;
	return 0;
}

/* After an exit for I/O: KVM finishes the instruction, and is kicked out. */
static int run_completed(struct kvm_run *run)
{
	return -EINTR;
}

/*
 * The machine around the engine.
 */

static uint32_t pio_read(void *opaque, uint16_t port, unsigned size)
{
	return 0x12345678;
}

static void pio_write(void *opaque, uint16_t port, unsigned size, uint32_t val)
{
	pio_val = val;
	atomic_store(&bus.stop, 1);
}

static int intr_ack(void *opaque)
{
	acks++;
	atomic_store(&bus.intr, 0);
	return 0x33;
}

static void tpr_write(void *opaque, uint8_t tpr)
{
	tpr_writes++;
	tpr_written = tpr;
	atomic_store(&bus.tpr, tpr);
}

static int create(void)
{
	struct engine_config cfg = { .mem = mem, .bus = &bus, .log = stderr };

	return hv_engine_ops.create(&engine, &cfg, err);
}

static void set_up(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.slots = 32;
	fake.missing_cap = -1;
	acks = tpr_writes = 0;
	engine = NULL;
	memset(&bus, 0, sizeof(bus));
	bus.pio_read = pio_read;
	bus.pio_write = pio_write;
	bus.intr_ack = intr_ack;
	bus.tpr_write = tpr_write;
	hv_ioctl_hook = fake_ioctl;
	host_kvm_device_set("/dev/null");
	ck_assert_int_eq(mem_create(&mem, 4 * MIB), 0);
}

static void tear_down(void)
{
	if (engine)
		hv_engine_ops.destroy(engine);
	mem_destroy(mem);
	hv_ioctl_hook = NULL;
}

static void run_with(int (*run)(struct kvm_run *run))
{
	if (!engine)
		ck_assert_msg(!create(), "%s", err);
	fake.run = run;
	memset(&info, 0, sizeof(info));
	hv_engine_ops.run(engine, &info);
}

static void expect_cannot(const char *text)
{
	ck_assert_int_eq(info.exit, ENGINE_CANNOT);
	ck_assert_msg(!!strstr(info.reason, text), "\"%s\" lacks \"%s\"",
		      info.reason, text);
}

/*
 * Failures of KVM_RUN.
 */

static int run_eintr(struct kvm_run *run)
{
	return -EINTR;
}

static int run_eagain(struct kvm_run *run)
{
	return -EAGAIN;
}

START_TEST(storm_of_interruptions_ends)
{
	run_with(_i ? run_eagain : run_eintr);
	expect_cannot("was interrupted ");
	expect_cannot(_i ? "Resource temporarily" : "Interrupted");
}
END_TEST

static const int gone[] = { ENODEV, EBADF, ENOTTY, EIO };

static int run_gone(struct kvm_run *run)
{
	return -gone[fake.vector];
}

START_TEST(kvm_that_goes_away_is_named)
{
	ck_assert_int_eq(create(), 0);
	fake.vector = _i;
	run_with(run_gone);
	expect_cannot("(KVM has gone away)");
	expect_cannot(strerror(gone[_i]));
}
END_TEST

static int run_fail_entry(struct kvm_run *run)
{
	run->fail_entry.hardware_entry_failure_reason = 0x80000021;
	return exit_with(run, KVM_EXIT_FAIL_ENTRY);
}

static int run_internal(struct kvm_run *run)
{
	run->internal.suberror = KVM_INTERNAL_ERROR_DELIVERY_EV;
	run->internal.ndata = 2;
	run->internal.data[0] = 0xabc;
	return exit_with(run, KVM_EXIT_INTERNAL_ERROR);
}

static int run_unknown(struct kvm_run *run)
{
	return exit_with(run, 4711);
}

START_TEST(exits_that_nobody_can_handle_are_reported)
{
	static const struct {
		int (*run)(struct kvm_run *run);
		const char *text;
	} cases[] = {
		{ run_fail_entry, "entry failure 80000021" },
		{ run_internal, "KVM internal error 3 (abc" },
		{ run_unknown, "unknown KVM exit 4711" },
	};

	run_with(cases[_i].run);
	expect_cannot(cases[_i].text);
	/* And stay reported, until somebody sets another state. */
	run_with(run_eintr);
	expect_cannot(cases[_i].text);
}
END_TEST

/* In 64-bit code, first at CPL 3, where it is the program's #UD, then at 0. */
static int run_not_emulated(struct kvm_run *run)
{
	if (fake.runs > 1 && fake.events.exception.injected) {
		ck_assert_uint_eq(fake.events.exception.nr, VEC_UD);
		ck_assert(!fake.events.exception.has_error_code);
		fake.events.exception.injected = 0;
		fake.sregs.ss.dpl = 0;
	} else {
		fake.sregs.cr0 = CR0_PE | CR0_PG;
		fake.sregs.efer = EFER_LME | EFER_LMA;
		fake.sregs.ss.dpl = 3;
	}
	run->internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
	return exit_with(run, KVM_EXIT_INTERNAL_ERROR);
}

START_TEST(what_kvm_cannot_emulate_ends_programs_not_machines)
{
	run_with(run_not_emulated);
	expect_cannot("KVM cannot emulate the instruction");
	ck_assert_uint_eq(fake.runs, 2);
}
END_TEST

static int run_shutdown(struct kvm_run *run)
{
	return exit_with(run, KVM_EXIT_SHUTDOWN);
}

START_TEST(shutdown_is_a_triple_fault)
{
	run_with(run_shutdown);
	ck_assert_int_eq(info.exit, ENGINE_SHUTDOWN);
}
END_TEST

/*
 * Failures when the VM is made.
 */

START_TEST(missing_capability_is_named)
{
	fake.missing_cap = KVM_CAP_IMMEDIATE_EXIT;
	ck_assert_int_eq(create(), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err, "lacks immediate exit"));
}
END_TEST

START_TEST(refused_calls_are_named)
{
	static const struct {
		unsigned request;
		const char *text;
	} cases[] = {
		{ KVM_CREATE_VM, "KVM_CREATE_VM" },
		{ KVM_CREATE_VCPU, "KVM_CREATE_VCPU" },
		{ KVM_SET_CPUID2, "KVM_SET_CPUID2" },
		{ KVM_SET_REGS, "KVM_SET_REGS" },
		{ KVM_SET_USER_MEMORY_REGION, "guest memory" },
	};

	fake.refused = cases[_i].request;
	ck_assert_int_lt(create(), 0);
	ck_assert_msg(!!strstr(err, cases[_i].text), "%s", err);
	ck_assert_msg(!strncmp(err, "hv: ", 4), "%s", err);
}
END_TEST

/* Every other page is a hole: more runs of pages than slots. */
START_TEST(exhausted_slots_are_an_error_with_text)
{
	fake.slots = 3;
	for (unsigned n = 1; n < 10; n += 2)
		ck_assert_int_eq(mem_set_hole(mem, n * PAGE_SIZE, PAGE_SIZE),
				 0);
	ck_assert_int_eq(create(), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(err, "more than 3 pieces"));
}
END_TEST

/*
 * Kicks.
 */

#define KICKS	3000

static void *kicker(void *opaque)
{
	unsigned seed = 1;

	for (unsigned n = 0; n < KICKS; n++) {
		while (atomic_load(&bus.stop))
			sched_yield();
		/* From nothing to some microseconds: every place in the loop. */
		linger(&seed, 2000);
		atomic_store(&bus.stop, 1);
		hv_engine_ops.kick(engine);
	}
	return NULL;
}

START_TEST(kicks_are_not_lost)
{
	pthread_t thread;

	ck_assert_int_eq(create(), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, kicker, NULL), 0);
	for (unsigned n = 0; n < KICKS; n++) {
		run_with(run_until_signal);
		ck_assert_int_eq(info.exit, ENGINE_KICKED);
		atomic_store(&bus.stop, 0);
	}
	pthread_join(thread, NULL);
}
END_TEST

static void *kick_once(void *opaque)
{
	atomic_store(&bus.stop, 1);
	hv_engine_ops.kick(engine);
	return NULL;
}

/* Whole kicks come while the engine is behind its look at bus.stop. */
static int ack_and_kick(void *opaque)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, kick_once, NULL), 0);
	pthread_join(thread, NULL);
	return intr_ack(opaque);
}

START_TEST(kick_between_flags_and_entry_is_felt)
{
	ck_assert_int_eq(create(), 0);
	bus.intr_ack = ack_and_kick;
	atomic_store(&bus.intr, 1);
	fake.shared->ready_for_interrupt_injection = 1;
	fake.shared->if_flag = 1;
	run_with(run_until_signal);
	ck_assert_uint_eq(acks, 1);
	ck_assert_int_eq(info.exit, ENGINE_KICKED);
}
END_TEST

START_TEST(stop_that_is_set_before_is_seen)
{
	ck_assert_int_eq(create(), 0);
	atomic_store(&bus.stop, 1);
	run_with(run_until_signal);
	ck_assert_int_eq(info.exit, ENGINE_KICKED);
	ck_assert_uint_eq(fake.runs, 0);
}
END_TEST

/*
 * Interrupts.
 */

static int run_until_window(struct kvm_run *run)
{
	switch (fake.runs) {
	case 1:		/* IF is clear */
		ck_assert_int_eq(run->request_interrupt_window, 1);
		ck_assert_uint_eq(acks, 0);
		run->ready_for_interrupt_injection = 1;
		run->if_flag = 1;
		return exit_with(run, KVM_EXIT_IRQ_WINDOW_OPEN);
	case 2:
		ck_assert_uint_eq(fake.interrupts, 1);
		ck_assert_int_eq(run->request_interrupt_window, 0);
		run->ready_for_interrupt_injection = 1;
		atomic_store(&bus.stop, 1);
		return -EINTR;
	}
	ck_abort_msg("runs on");
	return -EINTR;
}

START_TEST(interrupt_waits_for_its_window_and_comes_once)
{
	ck_assert_int_eq(create(), 0);
	atomic_store(&bus.intr, 1);
	run_with(run_until_window);
	ck_assert_int_eq(info.exit, ENGINE_KICKED);
	ck_assert_uint_eq(acks, 1);
	ck_assert_uint_eq(fake.vector, 0x33);
}
END_TEST

/*
 * KVM has an instruction to finish, which may raise an exception; it would
 * forget the interrupt for that.
 */
static int run_unfinished(struct kvm_run *run)
{
	static const uint32_t exits[] = {
		KVM_EXIT_IO, KVM_EXIT_MMIO, KVM_EXIT_X86_RDMSR,
		KVM_EXIT_X86_WRMSR,
	};

	ck_assert_uint_eq(fake.interrupts, fake.runs > 2);
	run->ready_for_interrupt_injection = 1;
	run->if_flag = 1;
	if (fake.runs == 1) {
		atomic_store(&bus.intr, 1);
		run->io.count = 0;
		run->mmio.len = 0;
		return exit_with(run, exits[unfinished]);
	}
	if (fake.runs == 2) {
		ck_assert_int_eq(run->request_interrupt_window, 1);
		return exit_with(run, KVM_EXIT_IRQ_WINDOW_OPEN);
	}
	atomic_store(&bus.stop, 1);
	return -EINTR;
}

START_TEST(interrupt_waits_for_the_instruction_of_an_exit)
{
	unfinished = _i;
	run_with(run_unfinished);
	ck_assert_int_eq(info.exit, ENGINE_KICKED);
	ck_assert_uint_eq(acks, 1);
}
END_TEST

static int run_stopped(struct kvm_run *run)
{
	atomic_store(&bus.stop, 1);
	return -EINTR;
}

START_TEST(nmi_comes_once)
{
	ck_assert_int_eq(create(), 0);
	atomic_store(&bus.nmi, 1);
	run_with(run_stopped);
	ck_assert_uint_eq(fake.nmis, 1);
	ck_assert_int_eq(atomic_load(&bus.nmi), 0);
}
END_TEST

/* Another processor sends one while the state is here. */
static int run_nmi_meanwhile(struct kvm_run *run)
{
	if (fake.runs > 1)
		return run_stopped(run);
	fake.sregs.cr0 = CR0_PE | CR0_PG;
	fake.sregs.efer = EFER_LME | EFER_LMA;
	fake.sregs.ss.dpl = 3;
	fake.nmi_at = KVM_SET_REGS;
	run->internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
	return exit_with(run, KVM_EXIT_INTERNAL_ERROR);
}

START_TEST(nmi_while_the_state_is_stored_is_not_lost)
{
	run_with(run_nmi_meanwhile);
	ck_assert_uint_eq(fake.nmis, 1);
}
END_TEST

/* One that KVM has not delivered goes on with the state, once. */
START_TEST(nmi_that_kvm_has_travels_with_the_state)
{
	struct vcpu v;

	ck_assert_int_eq(create(), 0);
	fake.events.nmi.pending = 1;
	hv_engine_ops.get_state(engine, &v);
	ck_assert_uint_eq(v.nmi_pending, 1);
	hv_engine_ops.set_state(engine, &v);
	ck_assert_uint_eq(fake.events.nmi.pending, 0);
	run_with(run_stopped);
	hv_engine_ops.get_state(engine, &v);
	ck_assert_uint_eq(v.nmi_pending, 0);
	ck_assert_uint_eq(fake.nmis, 1);
	v.nmi_pending = 0;
	atomic_store(&bus.nmi, 1);
	hv_engine_ops.set_state(engine, &v);
	ck_assert_int_eq(atomic_load(&bus.nmi), 0);
}
END_TEST

/* As KVM's do where the host's counter is not stable. */
START_TEST(offset_that_moves_counts_from_the_first_look)
{
	struct vcpu a, b;

	run_with(run_stopped);
	fake.offset = 5000;
	hv_engine_ops.get_state(engine, &a);
	hv_engine_ops.get_state(engine, &b);
	ck_assert_uint_eq(a.msr.tsc_offset, 5000);
	ck_assert_uint_eq(b.msr.tsc_offset, 5000);
	atomic_store(&bus.stop, 0);
	run_with(run_stopped);
	hv_engine_ops.get_state(engine, &b);
	ck_assert_uint_eq(b.msr.tsc_offset, 4000);
	b.msr.tsc_offset = 77;
	hv_engine_ops.set_state(engine, &b);
	hv_engine_ops.get_state(engine, &a);
	ck_assert_uint_eq(a.msr.tsc_offset, 77);
}
END_TEST

static int run_cr8(struct kvm_run *run)
{
	if (fake.runs == 1) {
		ck_assert_uint_eq(run->cr8, 3);
		run->cr8 = 5;
		return exit_with(run, KVM_EXIT_SET_TPR);
	}
	ck_assert_uint_eq(run->cr8, 5);
	return run_stopped(run);
}

START_TEST(cr8_and_the_apic_tell_each_other)
{
	ck_assert_int_eq(create(), 0);
	atomic_store(&bus.tpr, 0x30);
	run_with(run_cr8);
	ck_assert_uint_eq(tpr_writes, 1);
	ck_assert_uint_eq(tpr_written, 0x50);
}
END_TEST

/*
 * I/O: the instruction is finished before anybody sees the state.
 */

static int run_out(struct kvm_run *run)
{
	uint16_t val = 0xbeef;

	if (fake.runs > 1) {
		ck_assert_uint_eq(fake.runs, 2);
		ck_assert_int_eq(run->immediate_exit, 1);
		fake.regs.rip = 0x1002;
		return run_completed(run);
	}
	run->io.direction = KVM_EXIT_IO_OUT;
	run->io.size = 2;
	run->io.port = 0x80;
	run->io.count = 1;
	run->io.data_offset = IO_OFFSET;
	memcpy((uint8_t *)run + IO_OFFSET, &val, sizeof(val));
	return exit_with(run, KVM_EXIT_IO);
}

START_TEST(instruction_of_an_exit_is_finished_before_a_stop)
{
	struct vcpu v;

	run_with(run_out);
	ck_assert_int_eq(info.exit, ENGINE_KICKED);
	ck_assert_uint_eq(pio_val, 0xbeef);
	hv_engine_ops.get_state(engine, &v);
	ck_assert_uint_eq(v.rip, 0x1002);
	ck_assert_uint_eq(fake.runs, 2);
}
END_TEST

static int run_in(struct kvm_run *run)
{
	uint32_t val;

	if (fake.runs > 1) {
		memcpy(&val, (uint8_t *)run + IO_OFFSET, sizeof(val));
		mmio_seen = val;
		return run_stopped(run);
	}
	run->io.direction = KVM_EXIT_IO_IN;
	run->io.size = 1;
	run->io.port = 0x60;
	run->io.count = 3;
	run->io.data_offset = IO_OFFSET;
	memset((uint8_t *)run + IO_OFFSET, 0, 4);
	return exit_with(run, KVM_EXIT_IO);
}

START_TEST(string_input_fills_its_count_and_no_more)
{
	run_with(run_in);
	ck_assert_uint_eq(mmio_seen, 0x787878);
}
END_TEST

static int run_long_mmio(struct kvm_run *run)
{
	if (fake.runs > 1)
		return run_stopped(run);
	/* More than struct kvm_run has room for, at a page that is RAM. */
	run->mmio.phys_addr = 0x2000;
	run->mmio.len = 0xffffffff;
	run->mmio.is_write = 1;
	memset(run->mmio.data, 0x5a, sizeof(run->mmio.data));
	return exit_with(run, KVM_EXIT_MMIO);
}

START_TEST(memory_exit_is_not_believed_beyond_its_data)
{
	uint8_t got[10];

	run_with(run_long_mmio);
	ck_assert_int_eq(mem_read(mem, 0x2000, got, sizeof(got)), 0);
	ck_assert_uint_eq(got[7], 0x5a);
	ck_assert_uint_eq(got[8], 0);
}
END_TEST

/*
 * HLT.
 */

static int run_hlt(struct kvm_run *run)
{
	run->if_flag = 1;
	run->ready_for_interrupt_injection = 1;
	if (fake.runs == 1 && fake.vector)
		atomic_store(&bus.intr, 1);	/* just before it halts */
	if (fake.runs > 1)
		return run_stopped(run);
	return exit_with(run, KVM_EXIT_HLT);
}

START_TEST(hlt_is_an_exit)
{
	struct vcpu v;

	run_with(run_hlt);
	ck_assert_int_eq(info.exit, ENGINE_HALT);
	hv_engine_ops.get_state(engine, &v);
	ck_assert_uint_eq(v.activity, ACTIVITY_HALT);
}
END_TEST

START_TEST(hlt_with_an_interrupt_waiting_goes_on)
{
	struct vcpu v;

	ck_assert_int_eq(create(), 0);
	fake.vector = 1;
	run_with(run_hlt);
	ck_assert_int_eq(info.exit, ENGINE_KICKED);
	ck_assert_uint_eq(fake.interrupts, 1);
	hv_engine_ops.get_state(engine, &v);
	ck_assert_uint_eq(v.activity, ACTIVITY_RUN);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hv_kvm");
	TCase *t = tcase_create("hv_kvm");
	SRunner *r = srunner_create(s);

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, storm_of_interruptions_ends, 0, 2);
	tcase_add_loop_test(t, kvm_that_goes_away_is_named, 0,
			    ARRAY_SIZE(gone));
	tcase_add_loop_test(t, exits_that_nobody_can_handle_are_reported, 0, 3);
	tcase_add_test(t, what_kvm_cannot_emulate_ends_programs_not_machines);
	tcase_add_test(t, shutdown_is_a_triple_fault);
	tcase_add_test(t, missing_capability_is_named);
	tcase_add_loop_test(t, refused_calls_are_named, 0, 5);
	tcase_add_test(t, exhausted_slots_are_an_error_with_text);
	tcase_add_test(t, kicks_are_not_lost);
	tcase_add_test(t, kick_between_flags_and_entry_is_felt);
	tcase_add_test(t, stop_that_is_set_before_is_seen);
	tcase_add_test(t, interrupt_waits_for_its_window_and_comes_once);
	tcase_add_loop_test(t, interrupt_waits_for_the_instruction_of_an_exit,
			    0, 4);
	tcase_add_test(t, nmi_comes_once);
	tcase_add_test(t, nmi_while_the_state_is_stored_is_not_lost);
	tcase_add_test(t, nmi_that_kvm_has_travels_with_the_state);
	tcase_add_test(t, offset_that_moves_counts_from_the_first_look);
	tcase_add_test(t, cr8_and_the_apic_tell_each_other);
	tcase_add_test(t, instruction_of_an_exit_is_finished_before_a_stop);
	tcase_add_test(t, string_input_fills_its_count_and_no_more);
	tcase_add_test(t, memory_exit_is_not_believed_beyond_its_data);
	tcase_add_test(t, hlt_is_an_exit);
	tcase_add_test(t, hlt_with_an_interrupt_waiting_goes_on);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
