// SPDX-License-Identifier: GPL-2.0-or-later
/* See file_agent.h.  Requests and answers are packets; one at a time. */
#define _GNU_SOURCE
#include "tools/lib/file_agent.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hypervisor/types.h"

#define WAIT_MS	5000

struct file_agent {
	int fd;
	/* The agent's own. */
	char *dir[FILE_AGENT_DIRS];
	unsigned ndirs;
};

struct request {
	uint32_t mode;
	char path[PATH_MAX];
};

union control {
	char buf[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

/*
 * The agent's process.
 */

static void add_dir(struct file_agent *a, const char *name)
{
	char *real = realpath(name, NULL);

	for (unsigned i = 0; real && i < a->ndirs; i++)
		if (!strcmp(a->dir[i], real)) {
			free(real);
			return;
		}
	if (real && a->ndirs < FILE_AGENT_DIRS)
		a->dir[a->ndirs++] = real;
	else
		free(real);
}

/* The directory of @path if it is one of ours, else NULL; to be freed. */
static char *known_dir(const struct file_agent *a, const char *path)
{
	char copy[PATH_MAX], *real;

	snprintf(copy, sizeof(copy), "%s", path);
	real = realpath(dirname(copy), NULL);
	for (unsigned i = 0; real && i < a->ndirs; i++)
		if (!strcmp(a->dir[i], real))
			return real;
	free(real);
	return NULL;
}

static bool dump_name(const char *name)
{
	static const char *const ends[] = { ".ppm", ".png", ".txt" };
	size_t n = strlen(name);

	for (unsigned i = 0; i < ARRAY_SIZE(ends); i++)
		if (n > 4 && !strcmp(name + n - 4, ends[i]))
			return true;
	return false;
}

/* What is there already must be a file, or it is left alone. */
static int open_dump(int dir, const char *name)
{
	struct stat st;
	int fd;

	if (!dump_name(name))
		return -EINVAL;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
		    O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && !ftruncate(fd, 0))
		return fd;
	close(fd);
	return -EINVAL;
}

static int open_in(int dir, const char *name, enum file_agent_mode mode)
{
	int fd;

	if (mode == FILE_AGENT_DUMP)
		return open_dump(dir, name);
	fd = openat(dir, name, O_CLOEXEC | O_NONBLOCK |
		    (mode == FILE_AGENT_WRITE ? O_RDWR : O_RDONLY));
	return fd < 0 ? -errno : fd;
}

static int serve(const struct file_agent *a, const struct request *r)
{
	char copy[PATH_MAX], *where = known_dir(a, r->path);
	int dir, fd;

	if (!where)
		return -EXDEV;
	dir = open(where, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(where);
	if (dir < 0)
		return -errno;
	snprintf(copy, sizeof(copy), "%s", r->path);
	fd = open_in(dir, basename(copy), r->mode);
	close(dir);
	return fd;
}

static void answer(int to, int fd)
{
	int32_t err = fd < 0 ? fd : 0;
	union control c = { .buf = { 0 } };
	struct iovec v = { &err, sizeof(err) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	if (fd >= 0) {
		m.msg_control = c.buf;
		m.msg_controllen = sizeof(c.buf);
		c.align = (struct cmsghdr){ CMSG_LEN(sizeof(fd)), SOL_SOCKET,
					    SCM_RIGHTS };
		memcpy(CMSG_DATA(&c.align), &fd, sizeof(fd));
	}
	sendmsg(to, &m, MSG_NOSIGNAL);
	if (fd >= 0)
		close(fd);
}

static _Noreturn void agent_main(struct file_agent *a, int fd)
{
	static const int quiet[] = { SIGINT, SIGQUIT, SIGHUP, SIGTERM,
				     SIGTSTP };
	struct request r;
	ssize_t n;

	for (unsigned i = 0; i < ARRAY_SIZE(quiet); i++)
		signal(quiet[i], SIG_IGN);
	prctl(PR_SET_NAME, "umbra-files");
	/* Nobody's pipe or terminal stays open because of us. */
	dup2(fd, 3);
	close_range(4, ~0u, 0);
	for (int i = 0; i < 3; i++)
		close(i);
	while ((n = recv(3, &r, sizeof(r), 0)) > 0) {
		if (n != sizeof(r) || !memchr(r.path, 0, sizeof(r.path)))
			break;
		answer(3, serve(a, &r));
	}
	_exit(0);
}

static void add_dirs(struct file_agent *a, const char *const *dirs, unsigned n)
{
	char copy[PATH_MAX];

	add_dir(a, ".");
	for (unsigned i = 0; i < n; i++) {
		if (!dirs[i])
			continue;
		snprintf(copy, sizeof(copy), "%s", dirs[i]);
		add_dir(a, dirname(copy));
	}
}

/*
 * The machine's process.
 */

int file_agent_start(struct file_agent **out, const char *const *dirs,
		     unsigned n)
{
	struct file_agent *a = calloc(1, sizeof(*a));
	int fd[2], ret;
	pid_t pid;

	*out = NULL;
	if (!a)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd)) {
		ret = -errno;
		free(a);
		return ret;
	}
	pid = fork();
	if (!pid) {
		add_dirs(a, dirs, n);
		agent_main(a, fd[1]);
	}
	ret = pid < 0 ? -errno : 0;
	close(fd[1]);
	a->fd = fd[0];
	if (ret) {
		close(fd[0]);
		free(a);
		return ret;
	}
	*out = a;
	return 0;
}

void file_agent_stop(struct file_agent *a)
{
	if (!a)
		return;
	close(a->fd);
	free(a);
}

static int take_answer(int from)
{
	int32_t err = -EPIPE;
	union control c;
	struct iovec v = { &err, sizeof(err) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1,
			    .msg_control = c.buf,
			    .msg_controllen = sizeof(c.buf) };
	struct pollfd p = { .fd = from, .events = POLLIN };
	int n = poll(&p, 1, WAIT_MS), fd;

	if (n <= 0)
		return n ? -errno : -ETIMEDOUT;
	if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) != sizeof(err))
		return -EPIPE;
	if (err || m.msg_controllen < CMSG_LEN(sizeof(fd)))
		return err ? err : -EPIPE;
	memcpy(&fd, CMSG_DATA(&c.align), sizeof(fd));
	return fd;
}

int file_agent_open(struct file_agent *a, const char *path,
		    enum file_agent_mode mode)
{
	struct request r = { .mode = mode };

	if (strlen(path) >= sizeof(r.path))
		return -ENAMETOOLONG;
	strcpy(r.path, path);
	if (send(a->fd, &r, sizeof(r), MSG_NOSIGNAL) != sizeof(r))
		return -EPIPE;
	return take_answer(a->fd);
}
