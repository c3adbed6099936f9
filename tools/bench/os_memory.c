// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows about memory and signals: first touch, file mappings, signal delivery.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "tools/bench/bench.h"

#define PAGE		4096u	/* bytes */
#define TOUCH_CHUNK	4096u	/* pages mapped at a time: 16 MiB */

static void touch_chunk(unsigned pages)
{
	size_t size = pages * PAGE;
	volatile uint8_t *p;

	clock_pause();
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		bench_fail("mmap");
	/* One fault per 4 KiB everywhere; fails where there is no THP. */
	madvise((void *)p, size, MADV_NOHUGEPAGE);
	clock_resume();

	for (unsigned i = 0; i < pages; i++)
		p[i * PAGE] = 1;

	clock_pause();
	munmap((void *)p, size);
	clock_resume();
}

uint32_t run_touch(unsigned iters)
{
	uint32_t touched = 0;

	while (touched < iters) {
		unsigned n = iters - touched;

		if (n > TOUCH_CHUNK)
			n = TOUCH_CHUNK;
		touch_chunk(n);
		touched += n;
	}
	return touched;
}

#define MAP_SIZE	(16 * PAGE)

static int map_fd;

/* A memfd is a tmpfs file that needs no mount in the guest. */
void prepare_mmap(void)
{
	static uint8_t data[MAP_SIZE];

	for (unsigned i = 0; i < MAP_SIZE; i++)
		data[i] = i / PAGE + 1;
	map_fd = memfd_create("umbra-bench", 0);
	if (map_fd < 0 || write(map_fd, data, MAP_SIZE) != MAP_SIZE)
		bench_fail("memfd");
}

uint32_t run_mmap(unsigned iters)
{
	uint32_t sum = 0;

	for (; iters; iters--) {
		volatile uint8_t *p = mmap(NULL, MAP_SIZE,
					   PROT_READ | PROT_WRITE,
					   MAP_SHARED, map_fd, 0);

		if (p == MAP_FAILED)
			bench_fail("mmap");
		for (unsigned i = 0; i < MAP_SIZE; i += PAGE)
			sum += p[i];
		if (munmap((void *)p, MAP_SIZE))
			bench_fail("munmap");
	}
	return sum;
}

static volatile uint32_t handled;

static void on_signal(int sig)
{
	handled++;
}

void prepare_signal(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	if (sigaction(SIGUSR1, &sa, NULL))
		bench_fail("sigaction");
}

uint32_t run_signal(unsigned iters)
{
	pid_t self = getpid();

	handled = 0;
	for (; iters; iters--)
		syscall(SYS_kill, self, SIGUSR1);
	return handled;
}

static volatile uint8_t *forbidden;
extern const char segv_resume[];

/* Step over the store: to the label behind it. */
static void on_segv(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	if (info->si_addr != (void *)forbidden)
		_exit(2);
	handled++;
	uc->uc_mcontext.gregs[REG_EIP] = (uintptr_t)segv_resume;
}

void prepare_sigsegv(void)
{
	struct sigaction sa = {
		.sa_sigaction = on_segv,
		.sa_flags = SA_SIGINFO,
	};

	forbidden = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	if (forbidden == MAP_FAILED || sigaction(SIGSEGV, &sa, NULL))
		bench_fail("sigsegv");
}

__attribute__((noinline, noclone)) static void store_forbidden(void)
{
	asm volatile("movb $1, %0\n"
		     ".globl segv_resume\n"
		     "segv_resume:" : "=m"(*forbidden));
}

uint32_t run_sigsegv(unsigned iters)
{
	handled = 0;
	for (; iters; iters--)
		store_forbidden();
	return handled;
}
