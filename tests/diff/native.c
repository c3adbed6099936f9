/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tester's end of the oracle process. */
#define _GNU_SOURCE
#include "tests/diff/native.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/diff/layout.h"

static struct diff_shared *shared;
static const char *runner;
static int shm_fd, to_runner = -1, from_runner = -1;
static pid_t pid;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void spawn(void)
{
	int req[2], rep[2];
	char arg[3][12];

	if (pipe(req) || pipe(rep))
		die("pipe");
	snprintf(arg[0], sizeof(arg[0]), "%d", shm_fd);
	snprintf(arg[1], sizeof(arg[1]), "%d", req[0]);
	snprintf(arg[2], sizeof(arg[2]), "%d", rep[1]);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		close(req[1]);
		close(rep[0]);
		execl(runner, runner, arg[0], arg[1], arg[2], (char *)NULL);
		die(runner);
	}
	close(req[0]);
	close(rep[1]);
	to_runner = req[1];
	from_runner = rep[0];
}

void native_stop(void)
{
	int status;

	close(to_runner);
	close(from_runner);
	waitpid(pid, &status, 0);
}

struct diff_shared *native_start(const char *path,
				 void (*fill)(struct diff_shared *))
{
	shm_fd = memfd_create("diff", 0);
	if (shm_fd < 0 || ftruncate(shm_fd, sizeof(*shared)))
		die("memfd");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED, shm_fd, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	fill(shared);
	runner = path;
	spawn();
	return shared;
}

void native_run(unsigned count)
{
	unsigned i;
	char c = 0;

	for (i = 0; i < count; i++)
		shared->slot[i].status = 0;
	shared->count = count;
	if (write(to_runner, &c, 1) == 1 && read(from_runner, &c, 1) == 1)
		return;
	native_stop();
	spawn();
}
