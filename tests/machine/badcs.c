/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In the guest: return to user mode with a code segment that does not exist.
 * The kernel's IRET, wherever it is executed, faults; it must turn that into
 * SIGSEGV for this program.  Exit status 0 then; no library, 32 bits.
 */
#include <asm/sigcontext.h>
#include <asm/signal.h>
#include <asm/ucontext.h>
#include <asm/unistd.h>

#define BAD_CS	0x1003		/* GDT entry 512, RPL 3 */

static long sys(long nr, long a, long b, long c, long d)
{
	long ret;

	asm volatile("int $0x80" : "=a" (ret)
		     : "a" (nr), "b" (a), "c" (b), "d" (c), "S" (d)
		     : "memory");
	return ret;
}

static void quit(int status)
{
	sys(__NR_exit, status, 0, 0, 0);
}

static void on_fault(int sig)
{
	quit(0);
}

static void on_usr1(int sig, void *info, void *context)
{
	struct ucontext *uc = context;

	uc->uc_mcontext.cs = BAD_CS;
}

asm("restorer: mov $173, %eax; int $0x80");	/* rt_sigreturn */
extern void restorer(void);

/* As rt_sigaction takes it; asm/signal.h has that of the old call. */
struct rt_sigaction {
	void *handler;
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask[2];
};

static void handle(int sig, void *fn)
{
	struct rt_sigaction act = {
		.handler = fn,
		.flags = SA_SIGINFO | SA_RESTORER,
		.restorer = restorer,
	};

	sys(__NR_rt_sigaction, sig, (long)&act, 0, sizeof(act.mask));
}

void _start(void)
{
	handle(SIGSEGV, on_fault);
	handle(SIGILL, on_fault);
	handle(SIGUSR1, on_usr1);
	sys(__NR_kill, sys(__NR_getpid, 0, 0, 0, 0), SIGUSR1, 0, 0);
	quit(1);
}
