/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The oracle: runs cases on the host processor in a 32-bit process.
 *
 * Every case ends with a signal.  Its handler stores the state that the kernel
 * saved, sets memory up for the next case, and rewrites the signal frame so
 * that returning from the handler starts it.  One signal per case, and no code
 * of ours runs between load and case but "fxrstor; ljmp".
 *
 * The handler runs with the case's FS and GS: nothing in it may use thread
 * storage.
 *
 * Usage: runner32 SHM-FD REQUEST-FD REPLY-FD; a byte on REQUEST-FD runs
 * shared->count slots, a byte on REPLY-FD says that they are done.
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include "tests/diff/layout.h"

#define FXSAVE_IN_FRAME	112	/* struct _fpstate_32: after the FSAVE part */
#define TICK_US		2500	/* a case that sees two ticks is stuck */

static struct diff_shared *shared;
static volatile unsigned current;	/* slot that runs */
static volatile int running;		/* in a batch */
static volatile unsigned ticks;		/* timer ticks it has seen */
static gregset_t home;			/* of run_batch() */

/* What the trampoline reads. */
uint8_t tramp_fpu[512] __attribute__((aligned(16)));
struct { uint32_t eip; uint16_t cs; } __attribute__((packed)) tramp_far;
extern const uint8_t trampoline[], batch_trap[];
void batch_enter(void);

__asm__(
	".text\n"
	".globl trampoline, batch_enter, batch_trap\n"
	"trampoline:\n"
	"	fxrstor %cs:tramp_fpu\n"
	"	ljmp *%cs:tramp_far\n"
	"batch_enter:\n"
	"batch_trap:\n"
	"	ud2\n"
	"	ret\n");

static void die(const char *what)
{
	perror(what);
	_exit(1);
}

static void copy(void *dst, const void *src, unsigned len)
{
	unsigned n = len / 4;

	__asm__ volatile("rep movsl" : "+D"(dst), "+S"(src), "+c"(n)
			 :: "memory");
}

static const struct { int greg; unsigned char gpr; } gregs[] = {
	{ REG_EAX, R_AX }, { REG_ECX, R_CX }, { REG_EDX, R_DX },
	{ REG_EBX, R_BX }, { REG_ESP, R_SP }, { REG_EBP, R_BP },
	{ REG_ESI, R_SI }, { REG_EDI, R_DI },
};

static const struct { int greg; unsigned char seg; } sregs[] = {
	{ REG_ES, S_ES }, { REG_CS, S_CS }, { REG_SS, S_SS },
	{ REG_DS, S_DS }, { REG_FS, S_FS }, { REG_GS, S_GS },
};

/* Signal return leaves ID and NT as they are: clear what a case left. */
static void clear_flags(void)
{
	__asm__ volatile("pushl $2; popfl" ::: "cc", "memory");
}

static void load_case(gregset_t g)
{
	const struct diff_slot *s = &shared->slot[current];
	unsigned i;

	clear_flags();
	copy((void *)CODE_BASE, &shared->init.code, CODE_SIZE);
	copy((void *)DATA_BASE, &shared->init.data, DATA_SIZE);
	copy((void *)STACK_BASE, &shared->init.stack, STACK_SIZE);
	copy((uint8_t *)CODE_BASE + s->code_off, s->code,
	     (s->code_len + 3) & ~3u);
	for (i = 0; i < 8; i++)
		g[gregs[i].greg] = s->in.gpr[gregs[i].gpr];
	for (i = 0; i < S_COUNT; i++)
		g[sregs[i].greg] = s->in.seg[sregs[i].seg];
	g[REG_CS] = SEL_CS;
	g[REG_EIP] = (uint32_t)trampoline;
	g[REG_EFL] = s->in.eflags;
	copy(tramp_fpu, s->in.fpu, 512);
	tramp_far.eip = s->in.eip;
	tramp_far.cs = s->in.seg[S_CS];
}

static void store_case(const ucontext_t *uc)
{
	struct diff_slot *s = &shared->slot[current];
	const greg_t *g = uc->uc_mcontext.gregs;
	unsigned i;

	for (i = 0; i < 8; i++)
		s->out.gpr[gregs[i].gpr] = g[gregs[i].greg];
	for (i = 0; i < S_COUNT; i++)
		s->out.seg[sregs[i].seg] = g[sregs[i].greg];
	s->out.eip = g[REG_EIP];
	s->out.eflags = g[REG_EFL];
	s->out.vector = g[REG_TRAPNO];
	s->out.error = g[REG_ERR];
	s->out.cr2 = uc->uc_mcontext.cr2;
	copy(s->out.fpu, (char *)uc->uc_mcontext.fpregs + FXSAVE_IN_FRAME, 512);
	copy(s->mem.code, (void *)CODE_BASE, CODE_SIZE);
	copy(s->mem.data, (void *)DATA_BASE, DATA_SIZE);
	copy(s->mem.stack, (void *)STACK_BASE, STACK_SIZE);
}

static void handler(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;
	greg_t *g = uc->uc_mcontext.gregs;

	if (g[REG_EIP] == (greg_t)batch_trap && sig == SIGILL) {
		copy(home, g, sizeof(home));
		current = 0;
		running = 1;
	} else if (!running) {
		if (sig != SIGALRM)
			_exit(2);
		return;
	} else if (sig == SIGALRM && ++ticks < 2) {
		load_case(g);	/* the tick may have disturbed it */
		return;
	} else {
		store_case(uc);
		shared->slot[current].status = sig == SIGALRM ? SLOT_TIMEOUT :
			sig == SIGSYS ? SLOT_SYSCALL : SLOT_DONE;
		current++;
	}
	ticks = 0;
	if (current < shared->count) {
		load_case(g);
	} else {
		running = 0;
		copy(g, home, sizeof(home));
		g[REG_EIP] += 2;
	}
}

static void map(unsigned addr, unsigned size, int prot, int fd)
{
	int how = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	void *p = mmap((void *)addr, size, prot, how | MAP_FIXED, fd, 0);

	if (p == MAP_FAILED)
		die("mmap");
}

static void map_all(int shm)
{
	const int rwx = PROT_READ | PROT_WRITE | PROT_EXEC;
	int fd = memfd_create("code", 0);

	if (fd < 0 || ftruncate(fd, CODE_SIZE))
		die("memfd");
	shared = (struct diff_shared *)ORACLE_SHM;
	map(ORACLE_SHM, (sizeof(*shared) + PG - 1) & -PG,
	    PROT_READ | PROT_WRITE, shm);
	if (mprotect(shared, offsetof(struct diff_shared, count), PROT_READ))
		die("mprotect");
	map(CODE_BASE, CODE_SIZE, rwx, fd);
	map(ALIAS_BASE, CODE_SIZE, rwx, fd);
	map(DATA_BASE, DATA_SIZE, PROT_READ | PROT_WRITE, -1);
	map(STACK_BASE, STACK_SIZE, PROT_READ | PROT_WRITE, -1);
	map(RO_BASE, RO_SIZE, PROT_READ | PROT_WRITE, -1);
	memcpy((void *)RO_BASE, shared->ro, RO_SIZE);
	if (mprotect((void *)RO_BASE, RO_SIZE, PROT_READ))
		die("mprotect");
	memset((void *)CODE_BASE, CODE_FILL, CODE_SIZE);
	memcpy((void *)DATA_BASE, shared->init.data, DATA_SIZE);
	memcpy((void *)STACK_BASE, shared->init.stack, STACK_SIZE);
}

static void set_ldt(void)
{
	static const struct user_desc ldt[] = {
#define LDT_DESC(n, b, lim, pages, code, rw, down, big, pres) { \
		.entry_number = LDT_##n, .base_addr = b, .limit = lim, \
		.limit_in_pages = pages, .contents = code ? 2 : down, \
		.read_exec_only = !rw, .seg_32bit = big, \
		.seg_not_present = !pres },
		LDT_LIST(LDT_DESC)
	};
	unsigned i;

	for (i = 0; i < LDT_COUNT; i++)
		if (syscall(SYS_modify_ldt, 0x11, &ldt[i], sizeof(ldt[i])))
			die("modify_ldt");
}

/*
 * Cases must not call Linux.  The generator makes no such instruction; should
 * one come up by accident, only these few calls get through.
 */
static void set_filter(void)
{
	static const int allowed[] = {
		SYS_read, SYS_write, SYS_rt_sigreturn, SYS_sigreturn,
		SYS_exit_group,
	};
	struct sock_filter f[1 + 2 * 5 + 1];
	struct sock_fprog prog = { .filter = f };
	unsigned i, n = 0;

	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		offsetof(struct seccomp_data, nr));
	for (i = 0; i < 5; i++) {
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			(unsigned)allowed[i], 0, 1);
		f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
			SECCOMP_RET_ALLOW);
	}
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
		SECCOMP_RET_TRAP);
	prog.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		die("seccomp");
}

static void set_signals(void)
{
	static const int sigs[] = { SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGTRAP,
				    SIGSYS, SIGALRM };
	static uint8_t stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_sigaction = handler,
				.sa_flags = SA_SIGINFO | SA_ONSTACK };
	struct itimerval it = { { 0, TICK_US }, { 0, TICK_US } };
	unsigned i;

	sigfillset(&sa.sa_mask);
	if (sigaltstack(&ss, NULL))
		die("sigaltstack");
	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		if (sigaction(sigs[i], &sa, NULL))
			die("sigaction");
	if (setitimer(ITIMER_REAL, &it, NULL))
		die("setitimer");
}

static void run_batch(void)
{
	static const uint32_t mxcsr = 0x1f80;

	/* The end of the batch restores every register but the FPU's. */
	__asm__ volatile("pushal; pushfl; call batch_enter; popfl; popal"
			 ::: "memory");
	__asm__ volatile("fninit; ldmxcsr %0" :: "m"(mxcsr));
}

static int read_byte(int fd)
{
	char c;
	ssize_t n;

	/* The timer interrupts the wait. */
	do
		n = read(fd, &c, 1);
	while (n < 0);
	return n == 1;
}

int main(int argc, char **argv)
{
	int request, reply;

	if (argc != 4)
		return 1;
	if (!(personality(0xffffffff) & ADDR_NO_RANDOMIZE)) {
		personality(ADDR_NO_RANDOMIZE);
		execv("/proc/self/exe", argv);
		die("exec");
	}
	request = atoi(argv[2]);
	reply = atoi(argv[3]);
	map_all(atoi(argv[1]));
	set_ldt();
	set_signals();
	set_filter();
	while (read_byte(request)) {
		run_batch();
		if (write(reply, "", 1) != 1)
			return 1;
	}
	return 0;
}
