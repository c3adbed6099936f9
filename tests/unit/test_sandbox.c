// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sandbox: what a confined process can still do, and what ends it.  Each
 * test confines a child, because there is no way back.
 */
#define _GNU_SOURCE
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "tools/lib/sandbox.h"

/* hypervisor/stop.def: internal error */
#define STATUS_REFUSED	10
#define STATUS_NO_FILTER 77

static char report[256];

/*
 * Exit status of a confined child that runs @fn; what it printed: report.
 * -1: none; main() calls this too, where nothing can be asserted.
 */
static int confined(int (*fn)(void))
{
	int p[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe(p) || (pid = fork()) < 0)
		return -1;
	if (!pid) {
		const char *why = sandbox_enter(p[1]);

		if (why)
			dprintf(p[1], "%s", why);
		_exit(why ? STATUS_NO_FILTER : fn());
	}
	close(p[1]);
	n = read(p[0], report, sizeof(report) - 1);
	report[n > 0 ? n : 0] = '\0';
	close(p[0]);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void expect_allowed(int (*fn)(void))
{
	int status = confined(fn);

	ck_assert_msg(!status, "status %d: %s", status, report);
}

static void expect_refused(int (*fn)(void), long call)
{
	char want[80];

	snprintf(want, sizeof(want), "umbra: sandbox: system call %ld refused\n",
		 call);
	ck_assert_int_eq(confined(fn), STATUS_REFUSED);
	ck_assert_str_eq(report, want);
}

#define REFUSED(name, nr, expression) \
	static int name##_call(void) \
	{ \
		return (expression) ? 1 : 2; \
	} \
	START_TEST(name) \
	{ \
		expect_refused(name##_call, nr); \
	} \
	END_TEST

REFUSED(execve_is_refused, SYS_execve,
	execl("/bin/true", "true", NULL))
REFUSED(socket_is_refused, SYS_socket,
	socket(AF_UNIX, SOCK_STREAM, 0))
REFUSED(fork_is_refused, SYS_clone,
	syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))
REFUSED(kill_is_refused, SYS_kill,
	kill(getpid(), 0))
REFUSED(signal_to_another_process_is_refused, SYS_tgkill,
	syscall(SYS_tgkill, 1, 1, 0))
REFUSED(typing_into_the_terminal_is_refused, SYS_ioctl,
	syscall(SYS_ioctl, 0, TIOCSTI, "x"))
REFUSED(stat_of_a_path_is_refused, SYS_newfstatat,
	syscall(SYS_newfstatat, AT_FDCWD, "/", report, 0))
REFUSED(executable_memory_is_refused, SYS_mmap,
	mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
REFUSED(making_memory_executable_is_refused, SYS_mprotect,
	mprotect((void *)((uintptr_t)report & -4096), 4096,
		 PROT_READ | PROT_EXEC))
REFUSED(ptrace_is_refused, SYS_ptrace,
	syscall(SYS_ptrace, 0, 0, 0, 0))
/* The x32 call of that number; the kernel may have it or not. */
REFUSED(calls_of_another_abi_are_refused, 0x40000000 | SYS_write,
	syscall(0x40000000 | SYS_write, 1, "", 0))

static int opens_nothing(void)
{
	return open("/dev/null", O_RDONLY) == -1 && errno == EPERM ? 0 : 1;
}

START_TEST(open_fails)
{
	expect_allowed(opens_nothing);
}
END_TEST

static int does_nothing(void)
{
	return 0;
}

static void *thread(void *p)
{
	return malloc(64);
}

/* What the vCPU thread and its end need. */
static int starts_a_thread(void)
{
	pthread_t t;
	void *p = NULL;

	if (pthread_create(&t, NULL, thread, NULL) || pthread_join(t, &p))
		return 1;
	free(p);
	return p ? 0 : 2;
}

START_TEST(threads_are_allowed)
{
	expect_allowed(starts_a_thread);
}
END_TEST

static volatile sig_atomic_t raised;

static void on_signal(int sig)
{
	raised = sig;
}

static int raises_a_signal(void)
{
	signal(SIGUSR1, on_signal);
	return raise(SIGUSR1) || raised != SIGUSR1;
}

START_TEST(signals_to_itself_are_allowed)
{
	expect_allowed(raises_a_signal);
}
END_TEST

static int maps_and_protects(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p, 4096, PROT_NONE))
		return 1;
	return munmap(p, 8192);
}

START_TEST(data_memory_is_allowed)
{
	expect_allowed(maps_and_protects);
}
END_TEST

static int tells_the_time(void)
{
	struct timespec ts;
	time_t t = time(NULL);
	struct tm tm;

	return !gmtime_r(&t, &tm) || syscall(SYS_clock_gettime,
					     CLOCK_MONOTONIC, &ts);
}

START_TEST(time_is_allowed)
{
	expect_allowed(tells_the_time);
}
END_TEST

static bool has_filter(void)
{
	if (confined(does_nothing) != STATUS_NO_FILTER)
		return true;
	printf("no system call filter: %s\n", report);
	return false;
}

int main(void)
{
	Suite *s = suite_create("sandbox");
	TCase *t = tcase_create("sandbox");
	SRunner *r;
	int failed;

	if (!has_filter())
		return 77;
	suite_add_tcase(s, t);
	tcase_add_test(t, execve_is_refused);
	tcase_add_test(t, socket_is_refused);
	tcase_add_test(t, fork_is_refused);
	tcase_add_test(t, kill_is_refused);
	tcase_add_test(t, signal_to_another_process_is_refused);
	tcase_add_test(t, typing_into_the_terminal_is_refused);
	tcase_add_test(t, stat_of_a_path_is_refused);
	tcase_add_test(t, executable_memory_is_refused);
	tcase_add_test(t, making_memory_executable_is_refused);
	tcase_add_test(t, ptrace_is_refused);
	tcase_add_test(t, calls_of_another_abi_are_refused);
	tcase_add_test(t, open_fails);
	tcase_add_test(t, threads_are_allowed);
	tcase_add_test(t, signals_to_itself_are_allowed);
	tcase_add_test(t, data_memory_is_allowed);
	tcase_add_test(t, time_is_allowed);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
