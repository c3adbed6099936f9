// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What KVM can do, by trying.
 *
 * A child process makes a VM for each tiny guest (probe_guest.S), enters it
 * and watches which ports it reaches.  A timer interrupts a guest that gets
 * nowhere; the parent gives up on a child that is stuck in the kernel.  The
 * results lie in memory that both share, so those found before that count.
 *
 * Linux Documentation/virt/kvm/api.rst; Intel SDM Vol. 3A 4.3 to 4.5 (paging),
 * 9.8.5 (to long mode).
 */
#define _GNU_SOURCE
#include "fullvirt/hv/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fullvirt/hv/kvm_stats.h"
#include "fullvirt/hv/probe_guest.h"
#include "hypervisor/clock.h"
#include "hypervisor/host.h"
#include "hypervisor/vcpu.h"

/* A guest that needs longer hangs; the slowest known KVM needs 2 ms. */
#define GUEST_LIMIT_US	500000
/* For all of them; behind it the child is stuck. */
#define CHILD_LIMIT_MS	4000
/* A killed process needs less, unless it is stuck in the kernel. */
#define KILL_LIMIT_MS	200

/* Exits of one guest: its ports, and some that KVM makes for itself. */
#define EXITS_MAX	64

#define MSR_TSC		0x10

/* Bits of table entries, SDM Vol. 3A table 4-6: P, RW, US, A, D. */
#define PTE_BITS	0x67u
/* PDPTEs of PAE paging have no others than P, table 4-8. */
#define PDPTE_PAE_BITS	0x01u

extern const uint8_t probe_image[], probe_image_end[], probe_gdt[];
extern const uint8_t probe_real[], probe_unpaged[], probe_paging32[],
		     probe_pae[], probe_long[];

struct tiny {
	struct host_kvm *k;
	struct host_probe_state *state;	/* of the part that runs now */
	const struct tiny_guest *guest;
	int kvm, vm, vcpu, stats;
	uint8_t *ram;
	struct kvm_run *run;
	size_t run_len;
	uint64_t begin_ns;		/* at PORT_*_BEGIN */
	uint64_t emulated;		/* instructions, at PORT_LOOP_BEGIN */
};

/*
 * Page tables of the guests, from PROBE_TABLES on: a page for each level,
 * the first entry of each pointing to the next.
 */

static void put_entry(uint8_t *ram, uint32_t table, unsigned index,
		      uint64_t entry, unsigned size)
{
	memcpy(ram + table + index * size, &entry, size);
}

static void build_tables(uint8_t *ram, unsigned levels, unsigned size)
{
	uint32_t table = PROBE_TABLES;

	for (unsigned l = levels; l > 1; l--, table += PAGE_SIZE)
		put_entry(ram, table, 0, (table + PAGE_SIZE) |
			  (l == 3 && levels == 3 ? PDPTE_PAE_BITS : PTE_BITS),
			  size);
	for (unsigned i = 0; i < PROBE_RAM / PAGE_SIZE; i++)
		put_entry(ram, table, i, i * PAGE_SIZE | PTE_BITS, size);
	put_entry(ram, table, PROBE_MAGIC_VA / PAGE_SIZE,
		  PROBE_MAGIC_GPA | PTE_BITS, size);
}

static void tables_none(uint8_t *ram)
{
}

static void tables_32(uint8_t *ram)
{
	build_tables(ram, 2, 4);
}

static void tables_pae(uint8_t *ram)
{
	build_tables(ram, 3, 8);
}

static void tables_long(uint8_t *ram)
{
	build_tables(ram, 4, 8);
}

static const struct tiny_guest {
	enum host_probe probe;
	const uint8_t *entry;
	bool real;
	void (*tables)(uint8_t *ram);
	unsigned last_port;	/* reached: the guest is done */
} guests[] = {
	{ HOST_PROBE_REAL, probe_real, true, tables_none, PORT_MAGIC },
	{ HOST_PROBE_UNPAGED, probe_unpaged, false, tables_none, PORT_MAGIC },
	{ HOST_PROBE_PAGING32, probe_paging32, false, tables_32, PORT_MAGIC },
	{ HOST_PROBE_PAE, probe_pae, false, tables_pae, PORT_MAGIC },
	{ HOST_PROBE_LONG, probe_long, false, tables_long, PORT_SYSRET },
};

/*
 * Making a guest.
 */

static int make_memory(struct tiny *t)
{
	struct kvm_userspace_memory_region slot = {
		.memory_size = PROBE_RAM,
	};
	uint32_t magic = PROBE_MAGIC;

	t->ram = mmap(NULL, PROBE_RAM, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (t->ram == MAP_FAILED)
		return -errno;
	memcpy(t->ram + PROBE_CODE, probe_image,
	       probe_image_end - probe_image);
	memcpy(t->ram + PROBE_MAGIC_GPA, &magic, sizeof(magic));
	t->guest->tables(t->ram);
	slot.userspace_addr = (uintptr_t)t->ram;
	return ioctl(t->vm, KVM_SET_USER_MEMORY_REGION, &slot) ? -errno : 0;
}

/* KVM on VT-x without unrestricted guest wants these; none is in our RAM. */
static void place_vmx_pages(int vm)
{
	uint64_t map = 0xfffbc000;

	/* Other KVMs do without: not an error. */
	ioctl(vm, KVM_SET_IDENTITY_MAP_ADDR, &map);
	ioctl(vm, KVM_SET_TSS_ADDR, (unsigned long)map + PAGE_SIZE);
}

static void flat(struct kvm_segment *s, uint16_t selector, unsigned type)
{
	*s = (struct kvm_segment){ .limit = 0xffffffff, .selector = selector,
				   .type = type, .present = 1, .s = 1,
				   .db = 1, .g = 1 };
}

static void set_segments(const struct tiny_guest *g, struct kvm_sregs *s)
{
	struct kvm_segment *data[] = { &s->ds, &s->es, &s->fs, &s->gs,
				       &s->ss };

	if (g->real) {
		s->cs.selector = 0;
		s->cs.base = 0;
		s->es.limit = 0xffffffff;
		s->es.g = 1;
		return;
	}
	s->cr0 |= CR0_PE;
	flat(&s->cs, PROBE_CS32, 11);
	for (unsigned i = 0; i < ARRAY_SIZE(data); i++)
		flat(data[i], PROBE_DS, 3);
	s->gdt.base = PROBE_CODE + (probe_gdt - probe_image);
	s->gdt.limit = PROBE_GDT_LEN - 1;
}

static int set_registers(struct tiny *t)
{
	struct kvm_regs r = {
		.rip = PROBE_CODE + (t->guest->entry - probe_image),
		.rsp = PROBE_STACK, .rflags = FLAG_FIXED,
	};
	struct kvm_sregs s;

	if (ioctl(t->vcpu, KVM_GET_SREGS, &s))
		return -errno;
	set_segments(t->guest, &s);
	if (ioctl(t->vcpu, KVM_SET_SREGS, &s) ||
	    ioctl(t->vcpu, KVM_SET_REGS, &r))
		return -errno;
	return 0;
}

/* Long mode has to be in CPUID before EFER.LME can be set. */
static int set_cpuid(struct tiny *t)
{
	enum { LEAVES = 256 };
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) +
				      LEAVES * sizeof(c->entries[0]));
	int ret = 0;

	if (!c)
		return -ENOMEM;
	c->nent = LEAVES;
	if (ioctl(t->kvm, KVM_GET_SUPPORTED_CPUID, c) ||
	    ioctl(t->vcpu, KVM_SET_CPUID2, c))
		ret = -errno;
	free(c);
	return ret;
}

/* A KVM that cannot set it is asked nonetheless: the guest will tell. */
static void set_tsc(struct tiny *t)
{
	struct {
		struct kvm_msrs h;
		struct kvm_msr_entry e;
	} m = { .h.nmsrs = 1, .e = { .index = MSR_TSC, .data = PROBE_TSC } };

	ioctl(t->vcpu, KVM_SET_MSRS, &m);
}

static int make_vcpu(struct tiny *t)
{
	int len = ioctl(t->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	int ret;

	if (len < 0)
		return -errno;
	t->vcpu = ioctl(t->vm, KVM_CREATE_VCPU, 0);
	if (t->vcpu < 0)
		return -errno;
	t->run_len = len;
	t->run = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, t->vcpu,
		      0);
	if (t->run == MAP_FAILED)
		return -errno;
	t->stats = ioctl(t->vcpu, KVM_GET_STATS_FD, NULL);
	ret = set_cpuid(t);
	set_tsc(t);
	return ret ? ret : set_registers(t);
}

static int make_guest(struct tiny *t)
{
	int ret;

	t->vm = ioctl(t->kvm, KVM_CREATE_VM, 0);
	if (t->vm < 0)
		return -errno;
	place_vmx_pages(t->vm);
	ret = make_memory(t);
	return ret ? ret : make_vcpu(t);
}

static void drop_guest(struct tiny *t)
{
	if (t->run != MAP_FAILED)
		munmap(t->run, t->run_len);
	if (t->ram != MAP_FAILED)
		munmap(t->ram, PROBE_RAM);
	if (t->stats >= 0)
		close(t->stats);
	if (t->vcpu >= 0)
		close(t->vcpu);
	if (t->vm >= 0)
		close(t->vm);
}

/*
 * Running it.
 */

static struct kvm_run *volatile current_run;
static volatile sig_atomic_t expired;

static void on_limit(int sig)
{
	struct kvm_run *run = current_run;

	expired = 1;
	if (run)
		run->immediate_exit = 1;
}

/* 0 stops it; it goes on firing until then, so that none comes too early. */
static void set_limit(unsigned us)
{
	struct itimerval it = { { 0, us ? 10000 : 0 },
				{ us / 1000000, us % 1000000 } };

	expired = 0;
	setitimer(ITIMER_REAL, &it, NULL);
}

/* @code: what KVM calls it; 0: nothing to add. */
static void failed(struct tiny *t, enum host_probe_result result,
		   const char *why, long code)
{
	struct host_probe_state *s = t->state;

	s->result = result;
	if (code)
		snprintf(s->why, sizeof(s->why), "%s %ld", why, code);
	else
		snprintf(s->why, sizeof(s->why), "%s", why);
}

static void works(struct tiny *t)
{
	t->state->result = PROBE_WORKS;
	*t->state->why = '\0';
}

static bool stat_now(struct tiny *t, const char *name, uint64_t *val)
{
	return t->stats >= 0 && !kvm_stat_read(t->stats, name, val);
}

static void loop_begins(struct tiny *t)
{
	if (!stat_now(t, "insn_emulation", &t->emulated))
		t->emulated = UINT64_MAX;
	t->begin_ns = host_ns();
}

static void loop_ends(struct tiny *t, unsigned times)
{
	uint64_t ns = host_ns() - t->begin_ns, emulated;

	ns /= 2 * times;
	if (!t->state->insn_ns || ns < t->state->insn_ns)
		t->state->insn_ns = ns;
	if (t->emulated != UINT64_MAX &&
	    stat_now(t, "insn_emulation", &emulated))
		t->state->emulated = emulated - t->emulated < times ?
				     HOST_NO : HOST_YES;
}

static bool check_magic(struct tiny *t, uint32_t val)
{
	if (val != PROBE_MAGIC) {
		failed(t, PROBE_FAILS, "wrong memory read by the guest", 0);
		return false;
	}
	works(t);
	return true;
}

static bool check_selector(struct tiny *t, uint32_t val, uint16_t want)
{
	if (val == want)
		return true;
	failed(t, PROBE_FAILS, "the guest finds itself in code segment", val);
	return false;
}

/* INVLPG exits where KVM shadows the guest's page tables. */
static void look_at_mmu(struct tiny *t)
{
	uint64_t n;

	if (t->guest->tables != tables_none && stat_now(t, "invlpg", &n))
		t->k->hw_mmu = n ? HOST_NO : HOST_YES;
}

/* Every RDTSC counts, since some modes may be emulated and others not. */
static void look_at_tsc(struct tiny *t, uint32_t high)
{
	bool good = high >> 30 == PROBE_TSC >> 62;

	if (t->k->tsc_offset != HOST_NO)
		t->k->tsc_offset = good ? HOST_YES : HOST_NO;
}

/* What goes on behind a port belongs to another result. */
static void next_part(struct tiny *t, enum host_probe probe)
{
	t->state = &t->k->probe[probe];
	failed(t, PROBE_HANGS, "KVM does not return", 0);
}

/* False: the guest is done. */
static bool port_reached(struct tiny *t, unsigned port, uint32_t val)
{
	switch (port) {
	case PORT_LOOP_BEGIN:
	case PORT_USER_BEGIN:
		loop_begins(t);
		break;
	case PORT_LOOP_END:
		loop_ends(t, PROBE_LOOPS);
		break;
	case PORT_USER_END:
		loop_ends(t, PROBE_USER_LOOPS);
		works(t);
		next_part(t, HOST_PROBE_COMPAT);
		break;
	case PORT_TSC:
		look_at_tsc(t, val);
		break;
	case PORT_MAGIC:
		look_at_mmu(t);
		if (!check_magic(t, val))
			return false;
		if (port != t->guest->last_port)
			next_part(t, HOST_PROBE_USER64);
		break;
	case PORT_COMPAT:
		if (!check_magic(t, val))
			return false;
		next_part(t, HOST_PROBE_SYSCALL);
		break;
	case PORT_SYSCALL:
		return check_selector(t, val, PROBE_CS64);
	case PORT_SYSRET:
		if (check_selector(t, val, PROBE_USER_CS64))
			works(t);
		break;
	default:
		failed(t, PROBE_FAILS, "KVM reports a port that the guest "
		       "does not use:", port);
		return false;
	}
	return port != t->guest->last_port;
}

/* False: the guest is done. */
static bool exit_handled(struct tiny *t)
{
	struct kvm_run *run = t->run;
	uint32_t val = 0;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		if (run->io.direction != KVM_EXIT_IO_OUT || run->io.size > 4)
			break;
		memcpy(&val, (uint8_t *)run + run->io.data_offset,
		       run->io.size);
		return port_reached(t, run->io.port, val);
	case KVM_EXIT_SHUTDOWN:
		failed(t, PROBE_FAILS, "triple fault", 0);
		return false;
	case KVM_EXIT_INTERNAL_ERROR:
		failed(t, PROBE_FAILS, "KVM internal error",
		       run->internal.suberror);
		return false;
	case KVM_EXIT_FAIL_ENTRY:
		failed(t, PROBE_FAILS, "KVM cannot enter the guest", 0);
		return false;
	}
	failed(t, PROBE_FAILS, "KVM exit reason", run->exit_reason);
	return false;
}

static void run_guest(struct tiny *t)
{
	for (unsigned i = 0; i < EXITS_MAX; i++) {
		if (ioctl(t->vcpu, KVM_RUN, 0) < 0) {
			if (expired)
				failed(t, PROBE_HANGS, "no progress in 500 ms",
				       0);
			else if (errno == EINTR || errno == EAGAIN)
				continue;
			else
				failed(t, PROBE_FAILS, "KVM_RUN error", errno);
			return;
		}
		if (!exit_handled(t))
			return;
	}
	failed(t, PROBE_HANGS, "exits without progress", 0);
}

static void probe_guest(struct host_kvm *k, int kvm,
			const struct tiny_guest *g)
{
	struct tiny t = { .k = k, .state = &k->probe[g->probe], .guest = g,
			  .kvm = kvm, .vm = -1, .vcpu = -1, .stats = -1,
			  .ram = MAP_FAILED, .run = MAP_FAILED };
	int ret;

	/* In case that we never come back. */
	failed(&t, PROBE_HANGS, "KVM does not return", 0);
	ret = make_guest(&t);
	if (ret) {
		failed(&t, PROBE_FAILS, "cannot make the guest, error", -ret);
	} else {
		current_run = t.run;
		set_limit(GUEST_LIMIT_US);
		run_guest(&t);
		set_limit(0);
		current_run = NULL;
	}
	drop_guest(&t);
}

static void probe_irqchip(struct host_kvm *k, int kvm)
{
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);

	if (vm < 0)
		return;
	k->irqchip = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_IRQCHIP) > 0 &&
		     !ioctl(vm, KVM_CREATE_IRQCHIP, 0) ? HOST_YES : HOST_NO;
	close(vm);
}

/*
 * /dev/kvm itself.
 */

static void unusable(struct host_kvm *k, enum host_kvm_state state,
		     const char *why)
{
	k->state = state;
	snprintf(k->why, sizeof(k->why), "%s", why);
}

static void open_failed(struct host_kvm *k, int error)
{
	switch (error) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
	case ENOTDIR:
		unusable(k, HOST_KVM_MISSING, "no such device (load a kvm "
			 "module, or pass the device into the container)");
		break;
	case EACCES:
	case EPERM:
		unusable(k, HOST_KVM_NO_PERMISSION, "permission denied (join "
			 "the group that owns the device, often kvm)");
		break;
	case EBUSY:
		unusable(k, HOST_KVM_BUSY, "the processor's virtualization "
			 "is in use by another hypervisor");
		break;
	default:
		unusable(k, HOST_KVM_BROKEN, strerror(error));
	}
}

static void probe_all(struct host_kvm *k, const char *device)
{
	int kvm = open(device, O_RDWR | O_CLOEXEC), vm;

	if (kvm < 0) {
		open_failed(k, errno);
		return;
	}
	k->api_version = ioctl(kvm, KVM_GET_API_VERSION, 0);
	if (k->api_version != KVM_API_VERSION) {
		unusable(k, HOST_KVM_BROKEN, "does not speak the KVM API, "
			 "version 12");
		return;
	}
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0) {
		open_failed(k, errno);
		return;
	}
	close(vm);
	probe_irqchip(k, kvm);
	for (unsigned i = 0; i < ARRAY_SIZE(guests); i++)
		probe_guest(k, kvm, &guests[i]);
	if (k->probe[HOST_PROBE_REAL].emulated != HOST_UNKNOWN)
		k->unrestricted = k->probe[HOST_PROBE_REAL].emulated ==
				  HOST_NO ? HOST_YES : HOST_NO;
	k->state = HOST_KVM_USABLE;
	*k->why = '\0';
}

static void child_main(hv_probe_fn *probe, struct host_kvm *k,
		       const char *device)
{
	struct sigaction sa = { .sa_handler = on_limit };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigaction(SIGALRM, &sa, NULL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	probe(k, device);
	_exit(0);
}

/* Did the child end within @limit_ms? */
static bool ends_within(int pidfd, int limit_ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	uint64_t end = host_ns() + limit_ms * 1000000ULL;
	int n, left = limit_ms;

	do {
		n = poll(&p, 1, left);
		left = (int64_t)(end - host_ns()) / 1000000;
	} while (n < 0 && errno == EINTR && left > 0);
	return n > 0;
}

/* One that is stuck in the kernel stays; nobody can wait for it. */
static void give_up(pid_t pid, int pidfd)
{
	kill(pid, SIGKILL);
	if (pidfd >= 0 && ends_within(pidfd, KILL_LIMIT_MS))
		waitpid(pid, NULL, 0);
}

/* Wait for the child, or make an end of it. */
static void wait_child(pid_t pid, unsigned limit_ms, struct host_kvm *k)
{
	int fd = syscall(SYS_pidfd_open, pid, 0), status;

	if (fd < 0 || !ends_within(fd, limit_ms)) {
		give_up(pid, fd);
		unusable(k, HOST_KVM_BROKEN, "a call never returns");
	} else if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
		unusable(k, HOST_KVM_BROKEN, "probing it killed the process");
	}
	if (fd >= 0)
		close(fd);
}

void hv_probe_with(hv_probe_fn *probe, unsigned limit_ms, const char *device,
		   struct host_kvm *k)
{
	struct host_kvm *shared = mmap(NULL, sizeof(*k), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t begin = host_ns();
	pid_t pid;

	memset(k, 0, sizeof(*k));
	if (shared == MAP_FAILED) {
		unusable(k, HOST_KVM_BROKEN, strerror(errno));
		return;
	}
	unusable(shared, HOST_KVM_BROKEN, "not probed");
	pid = fork();
	if (!pid)
		child_main(probe, shared, device);
	if (pid < 0)
		unusable(shared, HOST_KVM_BROKEN, "cannot fork to probe it");
	else
		wait_child(pid, limit_ms, shared);
	*k = *shared;
	k->probe_us = (host_ns() - begin) / 1000;
	munmap(shared, sizeof(*k));
}

void hv_probe(const char *device, struct host_kvm *k)
{
	hv_probe_with(probe_all, CHILD_LIMIT_MS, device, k);
}
