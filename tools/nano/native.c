// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rows that an ordinary 32-bit process can do, under the host's kernel:
 *
 *	umbra-nano [rows=a,b] [repeat=N] [kcycles=N]
 *
 * The host's kernel and its signals are part of what is measured: the columns
 * say "process", not "native", and compare with care.  Output as the kernel's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "tools/nano/nano.h"

#define TIMES(n)	for (uint32_t left = (n); left; left--)

static void *vdso_entry;
static volatile uint32_t *forbidden;

void print(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
}

static void empty_loop(uint32_t n)
{
	TIMES(n)
		__asm__ volatile("");
}

static void call_row(uint32_t n)
{
	__asm__ volatile("jmp 2f\n"
			 ".balign 16\n"
			 "1: ret\n"
			 ".balign 16\n"
			 "2: call 1b\n"
			 "decl %0\n"
			 "jnz 2b" : "+r"(n) :: "memory");
}

static void call_indirect_row(uint32_t n)
{
	uint32_t at;

	__asm__ volatile("movl $1f, %1\n"
			 "jmp 2f\n"
			 ".balign 16\n"
			 "1: ret\n"
			 ".balign 16\n"
			 "2: call *%1\n"
			 "decl %0\n"
			 "jnz 2b" : "+r"(n), "=&r"(at) :: "memory");
}

/* A call number that does not exist is the shortest way through. */
static void syscall_row(uint32_t n)
{
	TIMES(n) {
		int result = -1;

		__asm__ volatile("int $0x80" : "+a"(result) :: "memory");
		events += result == -ENOSYS;
	}
}

static void sysenter_row(uint32_t n)
{
	TIMES(n) {
		int result = -1;

		__asm__ volatile("call *%1" : "+a"(result) : "r"(vdso_entry)
				 : "memory");
		events += result == -ENOSYS;
	}
}

/* Both instructions are two bytes long. */
static void step_over(int sig, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	c->uc_mcontext.gregs[REG_EIP] += 2;
	events++;
}

static void divide_row(uint32_t n)
{
	TIMES(n)
		__asm__ volatile("divb %%cl" :: "c"(0) : "eax", "cc");
}

static void fault_row(uint32_t n)
{
	TIMES(n)
		__asm__ volatile("movl %%eax, (%%edx)" :: "a"(0),
				 "d"(forbidden) : "memory");
}

static void rdtsc_row(uint32_t n)
{
	TIMES(n)
		__asm__ volatile("rdtsc" ::: "eax", "edx");
}

static void cpuid_row(uint32_t n)
{
	TIMES(n)
		__asm__ volatile("cpuid" :: "a"(1), "c"(0) : "ebx", "edx");
}

static const struct row rows[] = {
	{ "call", .native = call_row, .empty = empty_loop },
	{ "call-indirect", .native = call_indirect_row, .empty = empty_loop },
	{ "syscall", .native = syscall_row, .empty = empty_loop, .events = 1 },
	{ "sysenter", .native = sysenter_row, .empty = empty_loop,
	  .events = 1 },
	{ "divzero", .native = divide_row, .empty = empty_loop, .events = 1 },
	{ "pgfault", .native = fault_row, .empty = empty_loop, .events = 1 },
	{ "rdtsc", .native = rdtsc_row, .empty = empty_loop },
	{ "cpuid", .native = cpuid_row, .empty = empty_loop },
};

static void prepare(void)
{
	struct sigaction sa = { .sa_sigaction = step_over,
				.sa_flags = SA_SIGINFO };

	vdso_entry = (void *)getauxval(AT_SYSINFO);
	forbidden = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	if (forbidden == MAP_FAILED || sigaction(SIGSEGV, &sa, NULL) ||
	    sigaction(SIGFPE, &sa, NULL)) {
		perror("umbra-nano");
		exit(1);
	}
}

/* "row" is one of the words of "a,b,c"; all are, without a list. */
static bool listed(const char *list, const char *row)
{
	size_t n = strlen(row);

	if (!list)
		return true;
	for (const char *p = list; (p = strstr(p, row)); p += n)
		if ((p == list || p[-1] == ',') && (!p[n] || p[n] == ','))
			return true;
	return false;
}

static void usage(void)
{
	fputs("usage: umbra-nano [rows=a,b] [repeat=N] [kcycles=N]\n", stderr);
	exit(2);
}

/* Sets *field if @arg is KEY=NUMBER with 1 to @max. */
static bool number(const char *arg, const char *key, uint32_t *field,
		   unsigned long max)
{
	size_t n = strlen(key);
	unsigned long v;
	char *end;

	if (strncmp(arg, key, n))
		return false;
	v = strtoul(arg + n, &end, 10);
	if (!v || *end || v > max)
		usage();
	*field = v;
	return true;
}

int main(int argc, char **argv)
{
	struct measure m = { .repeat = 15, .kcycles = 3000 };
	const char *list = NULL;
	unsigned done = 0, failed = 0;

	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "rows=", 5))
			list = argv[i] + 5;
		else if (!number(argv[i], "repeat=", &m.repeat, REPEAT_MAX) &&
			 !number(argv[i], "kcycles=", &m.kcycles, 1000000))
			usage();
	}
	prepare();
	print("#nano\t%u\n", NANO_VERSION);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];

		if (!listed(list, row->name))
			continue;
		if (!strcmp(row->name, "sysenter") && !vdso_entry)
			print("#skip\tsysenter\tthe host has no vsyscall page\n");
		else if (measure_row(&m, row, row->native, "process"))
			done++;
		else
			failed++;
	}
	print("#done\t%u\t%u\n", done, failed);
	return failed != 0;
}
