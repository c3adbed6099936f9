/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In the guest: what fork() promises, many times over, as the kernel may copy
 * pages early that were written to after an earlier fork().  Data, bss, heap,
 * stack and a private mapping are copies, whoever writes first, or not at all
 * in some rounds; a shared page is shared; what is read-only stays read-only;
 * a child's child gets the child's.  No library, 32 bits.
 *
 * Exit status: 0, or the line number of what failed, modulo 256.
 */
#include <asm/unistd.h>
#include <linux/mman.h>
#include <linux/signal.h>

#define PAGE	4096
#define ROUNDS	300
#define HEAP	8		/* pages */
#define WORDS	(PAGE / 4)

static int data[4 * WORDS] = { 1 };
static int bss[4 * WORDS];
static int *heap, *mapped, *shared, *fixed;

static long sys6(long nr, long a, long b, long c, long d, long e, long f)
{
	long ret, args[7] = { nr, a, b, c, d, e, f };

	asm volatile("push %%ebp; push %%ebx; mov 4(%%eax), %%ebx;"
		     "mov 8(%%eax), %%ecx; mov 12(%%eax), %%edx;"
		     "mov 16(%%eax), %%esi; mov 20(%%eax), %%edi;"
		     "mov 24(%%eax), %%ebp; mov (%%eax), %%eax; int $0x80;"
		     "pop %%ebx; pop %%ebp"
		     : "=a" (ret) : "a" (args)
		     : "ecx", "edx", "esi", "edi", "memory");
	return ret;
}

static long sys(long nr, long a, long b, long c)
{
	return sys6(nr, a, b, c, 0, 0, 0);
}

static void quit(int status)
{
	sys(__NR_exit, status, 0, 0);
	__builtin_unreachable();
}

#define check(cond)	do { if (!(cond)) quit(__LINE__ & 255); } while (0)

static int *map(int flags)
{
	long p = sys6(__NR_mmap2, 0, HEAP * PAGE, PROT_READ | PROT_WRITE,
		      flags | MAP_ANONYMOUS, -1, 0);

	check(p > 0 || p < -4095);
	return (int *)p;
}

/* A word in each page; pages behind @some keep what they have. */
static void put(int *stack, int mark, int some)
{
	for (int i = 0; i < 4 && i < some; i++) {
		data[i * WORDS + 7] = mark;
		bss[i * WORDS + 9] = mark + 1;
		stack[i * WORDS + 11] = mark + 2;
	}
	for (int i = 0; i < HEAP && i < some; i++) {
		heap[i * WORDS] = mark + 3;
		mapped[i * WORDS + WORDS - 1] = mark + 4;
	}
}

static int all(const int *stack, int mark)
{
	int good = 1;

	for (int i = 0; i < 4; i++)
		good &= data[i * WORDS + 7] == mark &&
			bss[i * WORDS + 9] == mark + 1 &&
			stack[i * WORDS + 11] == mark + 2;
	for (int i = 0; i < HEAP; i++)
		good &= heap[i * WORDS] == mark + 3 &&
			mapped[i * WORDS + WORDS - 1] == mark + 4;
	return good;
}

static int status_of(int pid)
{
	int status = -1;

	check(sys(__NR_waitpid, pid, (long)&status, 0) == pid);
	return status;
}

static void grandchild(int *stack, int mark)
{
	check(all(stack, mark));
	put(stack, mark * 3, HEAP);
	check(all(stack, mark * 3));
	shared[2]++;
	quit(0);
}

static void child(int *stack, int mark, int round)
{
	int pid;

	check(all(stack, mark));
	put(stack, mark + 1000, round % 9);
	put(stack, mark + 2000, HEAP);
	pid = sys(__NR_fork, 0, 0, 0);
	if (!pid)
		grandchild(stack, mark + 2000);
	put(stack, mark + 4000, HEAP);
	check(!status_of(pid));
	check(all(stack, mark + 4000));
	shared[1] = mark;
	if (round % 10 == 5)
		fixed[0] = 1;	/* SIGSEGV */
	quit(0);
}

static void one_round(int *stack, int round)
{
	int mark = 10000 * round, pid;

	put(stack, mark, HEAP);
	/* Unshared in other rounds, so that it may be copied early. */
	fixed[1] = mark;
	if (round % 10 == 5)
		sys(__NR_mprotect, (long)fixed, PAGE, PROT_READ);
	pid = sys(__NR_fork, 0, 0, 0);
	if (!pid)
		child(stack, mark, round);
	check(pid > 0);
	if (round & 1)
		put(stack, mark + 5000, HEAP);
	check((status_of(pid) & 127) == (round % 10 == 5 ? SIGSEGV : 0));
	check(all(stack, round & 1 ? mark + 5000 : mark));
	check(shared[1] == mark && shared[2] == round + 1);
	check(fixed[0] == 0 && fixed[1] == mark);
	sys(__NR_mprotect, (long)fixed, PAGE, PROT_READ | PROT_WRITE);
}

void _start(void)
{
	int stack[4 * WORDS];
	long end = sys(__NR_brk, 0, 0, 0);

	heap = (int *)((end + PAGE - 1) & -PAGE);
	check(sys(__NR_brk, (long)heap + HEAP * PAGE, 0, 0) ==
	      (long)heap + HEAP * PAGE);
	mapped = map(MAP_PRIVATE);
	fixed = map(MAP_PRIVATE);
	shared = map(MAP_SHARED);
	for (int round = 0; round < ROUNDS; round++)
		one_round(stack, round);
	quit(0);
}
