// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "backends/xenstore/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "backends/xenstore/server.h"
#include "hypervisor/loop.h"

/* How long one waits for a daemon that is ending, in steps of 10 ms. */
#define LOCK_TRIES	200
#define BACKLOG		1024
#define CONNS_MAX	1024
/* Descriptors that are not connections: log, sockets, locks, timer. */
#define FDS_RESERVED	32
#define PATH_ROOM	(sizeof(((struct sockaddr_un *)0)->sun_path) + 8)

struct daemon {
	struct xsd_server server;	/* first: on_changed() */
	const struct xsd_daemon_config *cfg;
	struct loop *loop;
	int lock_fd, start_fd, listen_fd, timer_fd;
	char old[PATH_ROOM];	/* the socket's name while we look around */
};

static struct loop *signalled;

static int fail(char *err, int ret, const char *what, const char *name)
{
	snprintf(err, XSD_ERR_LEN, "%s: %s: %s", name, what, strerror(-ret));
	return ret;
}

static int open_lock(const char *socket, const char *suffix)
{
	char path[PATH_ROOM];
	int fd;

	snprintf(path, sizeof(path), "%s%s", socket, suffix);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

/* The one daemon of this socket, or -EBUSY. */
static int lock_socket(struct daemon *d)
{
	static const struct timespec pause = { .tv_nsec = 10000000 };
	char pid[16];
	int n;

	d->lock_fd = open_lock(d->cfg->socket, ".lock");
	d->start_fd = open_lock(d->cfg->socket, ".start");
	if (d->lock_fd < 0 || d->start_fd < 0)
		return d->lock_fd < 0 ? d->lock_fd : d->start_fd;
	for (int i = 0; flock(d->lock_fd, LOCK_EX | LOCK_NB); i++) {
		if (errno != EWOULDBLOCK)
			return -errno;
		if (i == LOCK_TRIES)
			return -EBUSY;
		nanosleep(&pause, NULL);
	}
	n = snprintf(pid, sizeof(pid), "%d\n", getpid());
	if (ftruncate(d->lock_fd, 0) || write(d->lock_fd, pid, n) != n)
		return -errno;
	return 0;
}

/*
 * Connections.
 */

static bool peer_is_allowed(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

/* Take what is waiting.  Returns how many were taken. */
static unsigned accept_all(struct daemon *d)
{
	unsigned n = 0;

	while (d->server.nconns < d->server.conns_max) {
		int fd = accept4(d->listen_fd, NULL, NULL,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0)
			return n;
		if (!peer_is_allowed(fd) || !xsd_conn_new(&d->server, fd))
			close(fd);
		else
			n++;
	}
	/* Until one goes: on_changed(). */
	loop_set_events(d->loop, d->listen_fd, 0);
	return n;
}

static void on_connect(void *opaque, int fd, short revents)
{
	accept_all(opaque);
}

static void set_idle_timer(struct daemon *d)
{
	struct itimerspec when = { .it_value.tv_sec = d->cfg->idle };

	if (!xsd_server_is_empty(&d->server))
		when.it_value.tv_sec = 0;
	timerfd_settime(d->timer_fd, 0, &when, NULL);
}

/* A connection has gone. */
static void on_changed(void *opaque)
{
	struct daemon *d = opaque;

	loop_set_events(d->loop, d->listen_fd, POLLIN);
	set_idle_timer(d);
	if (d->server.stop)
		loop_quit(d->loop);
}

/* Before it is answered: whoever starts one next waits for our lock. */
static void on_stopping(void *opaque)
{
	struct daemon *d = opaque;

	unlink(d->cfg->socket);
}

/* daemon.h explains.  True: nobody can come any more. */
static bool retire(struct daemon *d)
{
	if (!xsd_server_is_empty(&d->server) ||
	    flock(d->start_fd, LOCK_EX | LOCK_NB))
		return false;
	if (rename(d->cfg->socket, d->old))
		return errno == ENOENT;	/* somebody removed it by hand */
	if (!accept_all(d)) {
		unlink(d->old);
		return true;
	}
	rename(d->old, d->cfg->socket);
	flock(d->start_fd, LOCK_UN);
	return false;
}

static void on_idle(void *opaque, int fd, short revents)
{
	struct daemon *d = opaque;
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return;
	if (retire(d))
		loop_quit(d->loop);
	else
		set_idle_timer(d);
}

/*
 * Start and end.
 */

static int make_socket(struct daemon *d)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t mask = umask(0177);
	int ret = 0;

	/* Nobody connects before listen(): it has another name until then. */
	snprintf(d->old, sizeof(d->old), "%s.old", d->cfg->socket);
	if (strlen(d->old) >= sizeof(addr.sun_path))
		ret = -ENAMETOOLONG;
	else
		strcpy(addr.sun_path, d->old);
	d->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
			      SOCK_CLOEXEC, 0);
	if (!ret)
		unlink(d->old);
	if (!ret && (d->listen_fd < 0 ||
		     bind(d->listen_fd, (struct sockaddr *)&addr,
			  sizeof(addr)) ||
		     listen(d->listen_fd, BACKLOG) ||
		     rename(d->old, d->cfg->socket)))
		ret = -errno;
	umask(mask);
	return ret;
}

static int make_loop(struct daemon *d)
{
	int ret = loop_create(&d->loop);

	if (ret)
		return ret;
	d->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK |
				     TFD_CLOEXEC);
	if (d->timer_fd < 0)
		return -errno;
	ret = loop_add_fd(d->loop, d->timer_fd, POLLIN, on_idle, d);
	if (!ret)
		ret = loop_add_fd(d->loop, d->listen_fd, POLLIN, on_connect,
				  d);
	return ret;
}

static unsigned conns_max(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur > CONNS_MAX)
		return CONNS_MAX;
	return r.rlim_cur > 2 * FDS_RESERVED ? r.rlim_cur - FDS_RESERVED :
	       FDS_RESERVED;
}

static void on_signal(int sig)
{
	loop_quit(signalled);
}

static void catch_signals(struct daemon *d)
{
	struct sigaction sa = { .sa_handler = on_signal,
				.sa_flags = SA_RESTART };

	signalled = d->loop;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void say_ready(int fd)
{
	char c = 0;

	if (fd < 0)
		return;
	/* Whoever waited may have gone. */
	if (write(fd, &c, 1) < 0)
		errno = 0;
	close(fd);
}

static void tear_down(struct daemon *d)
{
	const int fds[] = { d->listen_fd, d->timer_fd, d->start_fd,
			    d->lock_fd };

	if (d->server.tree)
		xsd_server_fini(&d->server);
	loop_destroy(d->loop);
	/* The lock goes last. */
	for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

int xsd_daemon_run(const struct xsd_daemon_config *cfg, char *err)
{
	struct daemon d = { .cfg = cfg, .listen_fd = -1, .timer_fd = -1,
			    .start_fd = -1, .lock_fd = -1 };
	int ret = lock_socket(&d);

	if (ret == -EBUSY)
		snprintf(err, XSD_ERR_LEN, "%s: another daemon serves it",
			 cfg->socket);
	else if (ret)
		fail(err, ret, "lock", cfg->socket);
	if (!ret && (ret = make_socket(&d)))
		fail(err, ret, "socket", cfg->socket);
	if (!ret && (ret = make_loop(&d)))
		fail(err, ret, "event loop", cfg->socket);
	if (!ret && (ret = xsd_server_init(&d.server, d.loop, cfg->log)))
		fail(err, ret, "store", cfg->socket);
	if (!ret) {
		d.server.log_requests = cfg->log_requests;
		d.server.conns_max = conns_max();
		d.server.changed = on_changed;
		d.server.stopping = on_stopping;
		d.server.opaque = &d;
		catch_signals(&d);
		set_idle_timer(&d);
		say_ready(cfg->ready_fd);
		loop_run(d.loop);
		if (!d.server.stop)
			unlink(cfg->socket);
	}
	tear_down(&d);
	return ret;
}
