// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows about processes: getppid, fork, exec, pipe ping-pong, context switch.
 *
 * syscall() rather than raw int 0x80: libc goes through the vsyscall page,
 * which is what programs do and what the guest kernel tunes for its CPU.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/bench/bench.h"

uint32_t run_getppid(unsigned iters)
{
	uint32_t calls = 0;

	/* The pid itself differs between systems; the count must not. */
	for (; iters; iters--)
		calls += syscall(SYS_getppid) >= 0;
	return calls;
}

static pid_t fork_or_fail(void)
{
	pid_t pid = fork();

	if (pid < 0)
		bench_fail("fork");
	return pid;
}

/* Returns 1 if @pid ended with exit status @want. */
static unsigned wait_for(pid_t pid, int want)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		bench_fail("waitpid");
	return WIFEXITED(status) && WEXITSTATUS(status) == want;
}

uint32_t run_fork(unsigned iters)
{
	uint32_t good = 0;

	for (; iters; iters--) {
		pid_t pid = fork_or_fail();

		if (!pid)
			_exit(3);
		good += wait_for(pid, 3);
	}
	return good;
}

uint32_t run_exec(unsigned iters)
{
	char *argv[] = { (char *)"umbra-bench", (char *)"--exit", NULL };
	char *envp[] = { NULL };
	uint32_t good = 0;

	for (; iters; iters--) {
		pid_t pid = fork_or_fail();

		if (!pid) {
			execve(bench_self, argv, envp);
			_exit(127);
		}
		good += wait_for(pid, 0);
	}
	return good;
}

static void pipe_or_fail(int fd[2])
{
	if (pipe(fd))
		bench_fail("pipe");
}

/* Receive a byte, add one, pass it on. */
static void relay(int from, int to, unsigned times)
{
	uint8_t token;

	while (times--) {
		if (read(from, &token, 1) != 1)
			_exit(1);
		token++;
		if (write(to, &token, 1) != 1)
			_exit(1);
	}
}

/*
 * Pass a token @rounds times around a ring of @n processes, this one
 * included.  Each link is a pipe.  Only the passing is measured.
 */
static uint32_t ring(unsigned n, unsigned rounds)
{
	int link[8][2];
	pid_t pid[8];
	uint8_t token = 0;
	uint32_t sum = 0;

	clock_pause();
	for (unsigned i = 0; i < n; i++)
		pipe_or_fail(link[i]);
	for (unsigned i = 1; i < n; i++) {
		pid[i] = fork_or_fail();
		if (!pid[i]) {
			relay(link[i - 1][0], link[i][1], rounds);
			_exit(0);
		}
	}
	clock_resume();

	for (unsigned r = 0; r < rounds; r++) {
		if (write(link[0][1], &token, 1) != 1 ||
		    read(link[n - 1][0], &token, 1) != 1)
			bench_fail("ring");
		sum += token;
	}

	clock_pause();
	for (unsigned i = 1; i < n; i++)
		sum += wait_for(pid[i], 0);
	for (unsigned i = 0; i < n; i++) {
		close(link[i][0]);
		close(link[i][1]);
	}
	clock_resume();
	return sum;
}

uint32_t run_pipe(unsigned iters)
{
	return ring(2, iters);
}

uint32_t run_ctxsw(unsigned iters)
{
	return ring(8, iters);
}

uint32_t run_sleep(unsigned iters)
{
	const struct timespec t = { .tv_nsec = 200000 };
	uint32_t slept = 0;

	for (; iters; iters--)
		slept += !nanosleep(&t, NULL);
	return slept;
}
