// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding the store, or starting one; daemon.h has the protocol.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/xenstore/daemon.h"
#include "backends/xenstore/include/xenstore_lib.h"

#define READY_MS	10000
/* The daemon's end of the pipe that it says "ready" on. */
#define READY_FD	3
#define SUFFIX_ROOM	8	/* ".start" */

static int fail(char *err, int ret, const char *name, const char *what)
{
	snprintf(err, XSD_ERR_LEN, "%s: %s", name, what);
	return ret;
}

/* Who may write to the directory may replace the socket. */
static int check_dir(const char *dir, char *err)
{
	struct stat st;

	if (mkdir(dir, 0700) && errno != EEXIST)
		return fail(err, -errno, dir, strerror(errno));
	if (stat(dir, &st))
		return fail(err, -errno, dir, strerror(errno));
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return fail(err, -EPERM, dir, "belongs to somebody else");
	if ((st.st_mode & 022) && !(st.st_mode & S_ISVTX))
		return fail(err, -EPERM, dir, "others may write there");
	return 0;
}

int xsd_socket_path(char *out, size_t len, char *err)
{
	const char *path = xs_daemon_socket();
	char cwd[PATH_MAX] = "", *slash;
	int n, ret;

	if (*path != '/' && !getcwd(cwd, sizeof(cwd)))
		return fail(err, -errno, path, strerror(errno));
	n = snprintf(out, len, "%s%s%s", cwd, *cwd ? "/" : "", path);
	if (n >= (int)len || n + SUFFIX_ROOM >
	    (int)sizeof(((struct sockaddr_un *)0)->sun_path))
		return fail(err, -ENAMETOOLONG, path, "too long for a "
			    "socket (XENSTORED_PATH says where it is)");
	slash = strrchr(out, '/');
	*slash = '\0';
	ret = check_dir(*out ? out : "/", err);
	*slash = '/';
	return ret;
}

/* Does somebody listen there? */
static bool is_served(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes;

	strcpy(addr.sun_path, path);
	yes = fd >= 0 && !connect(fd, (struct sockaddr *)&addr, sizeof(addr));
	if (fd >= 0)
		close(fd);
	return yes;
}

/* In the daemon to be: nothing of the starter's stays open. */
static void run_daemon(const char *program, const char *path, int ready)
{
	static const char fd_text[] = { '0' + READY_FD, '\0' };
	char *argv[] = { "umbra", "xenstored", "--socket", (char *)path,
			 "--ready-fd", (char *)fd_text, NULL };
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGHUP, SIG_IGN);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	if (ready != READY_FD)
		dup2(ready, READY_FD);
	else
		fcntl(ready, F_SETFD, 0);
	close_range(READY_FD + 1, ~0u, 0);
	if (chdir("/"))
		_exit(1);
	execv(program, argv);
	_exit(1);
}

/* Between two forks, so that the daemon is nobody's child. */
static int spawn(const char *program, const char *path, int ready)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (!pid) {
		pid = fork();
		if (!pid)
			run_daemon(program, path, ready);
		_exit(pid < 0);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status ? -EAGAIN : 0;
}

static int wait_ready(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char c;

	while (poll(&p, 1, READY_MS) < 0)
		if (errno != EINTR)
			return -errno;
	if (!p.revents)
		return -ETIMEDOUT;
	return read(fd, &c, 1) == 1 ? 0 : -EIO;
}

static int start_locked(const char *program, const char *path, char *err)
{
	int ready[2], ret;

	if (is_served(path))
		return 0;
	if (pipe2(ready, O_CLOEXEC))
		return fail(err, -errno, "pipe", strerror(errno));
	ret = spawn(program, path, ready[1]);
	close(ready[1]);
	if (!ret)
		ret = wait_ready(ready[0]);
	close(ready[0]);
	if (ret)
		fail(err, ret, path, ret == -EIO ? "the store's daemon did "
		     "not start (umbra xenstored --foreground says why)" :
		     strerror(-ret));
	return ret;
}

int xsd_start(const char *program, char *err)
{
	char path[PATH_MAX], start[PATH_MAX + SUFFIX_ROOM];
	int ret = xsd_socket_path(path, sizeof(path), err);
	int fd;

	if (ret || is_served(path))
		return ret;
	snprintf(start, sizeof(start), "%s.start", path);
	fd = open(start, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(err, -errno, start, strerror(errno));
	while (flock(fd, LOCK_EX))
		if (errno != EINTR)
			break;
	ret = start_locked(program ? program : "/proc/self/exe", path, err);
	close(fd);
	return ret;
}
