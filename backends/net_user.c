// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * User networking: a TCP/IP stack (libslirp) that makes the guest's
 * connections with the host's sockets, without privileges.
 *
 * It runs in a process of its own, joined to ours by a packet socket.  So the
 * stack, which parses what the guest sends, cannot reach guest memory, and the
 * machine keeps a sandbox without sockets.  The child ends when our end of the
 * socket closes.
 *
 * HAVE_SLIRP: libslirp was there at build time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/net_fd.h"
#include "backends/net_open.h"

#ifndef HAVE_SLIRP

int net_user_start(int *fd, const char *const *keys, char *err, size_t errlen)
{
	snprintf(err, errlen, "user: built without libslirp (install "
		 "libslirp-dev and build again)");
	return -ENOTSUP;
}

int net_user_open(struct net_backend **out, const char *const *keys,
		  const struct net_open_args *args, char *err, size_t errlen)
{
	snprintf(err, errlen, "user: built without libslirp (install "
		 "libslirp-dev and build again)");
	return -ENOTSUP;
}

#else

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <slirp/libslirp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SOCKET_BUFFER	(4 << 20)	/* bytes each way */
#define ROUND		64		/* frames between two looks at sockets */
#define TIMERS		8
#define STATUS_LEN	200		/* the child's one line about its start */

/*
 * The child.
 */

struct timer {
	SlirpTimerCb fn;
	void *opaque;
	int64_t at_ms;		/* -1: idle */
	bool used;
};

static struct {
	Slirp *slirp;
	int fd;			/* to the machine */
	struct pollfd *polls;
	unsigned n, room;
	struct timer timers[TIMERS];
} child;

static int64_t now_ns(void *opaque)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* A frame that the machine does not take is lost; TCP sends it again. */
static ssize_t send_packet(const void *buf, size_t len, void *opaque)
{
	if (send(child.fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return len;
	return len;
}

static void guest_error(const char *msg, void *opaque)
{
}

static void *timer_new(SlirpTimerCb fn, void *fn_opaque, void *opaque)
{
	for (unsigned i = 0; i < TIMERS; i++) {
		struct timer *t = &child.timers[i];

		if (t->used)
			continue;
		*t = (struct timer){ fn, fn_opaque, -1, true };
		return t;
	}
	abort();
}

static void timer_free(void *timer, void *opaque)
{
	((struct timer *)timer)->used = false;
}

static void timer_mod(void *timer, int64_t ms, void *opaque)
{
	((struct timer *)timer)->at_ms = ms;
}

static void nothing_fd(int fd, void *opaque)
{
}

static void nothing(void *opaque)
{
}

static const SlirpCb callbacks = {
	.send_packet = send_packet, .guest_error = guest_error,
	.clock_get_ns = now_ns, .timer_new = timer_new,
	.timer_free = timer_free, .timer_mod = timer_mod,
	.register_poll_fd = nothing_fd, .unregister_poll_fd = nothing_fd,
	.notify = nothing,
};

static const struct { int slirp, poll; } events[] = {
	{ SLIRP_POLL_IN, POLLIN }, { SLIRP_POLL_OUT, POLLOUT },
	{ SLIRP_POLL_PRI, POLLPRI }, { SLIRP_POLL_ERR, POLLERR },
	{ SLIRP_POLL_HUP, POLLHUP },
};
#define EVENTS	(sizeof(events) / sizeof(events[0]))

static int add_poll(int fd, int wanted, void *opaque)
{
	struct pollfd p = { .fd = fd };

	if (child.n == child.room) {
		child.room = child.room ? child.room * 2 : 64;
		child.polls = realloc(child.polls,
				      child.room * sizeof(*child.polls));
		if (!child.polls)
			abort();
	}
	for (unsigned i = 0; i < EVENTS; i++)
		if (wanted & events[i].slirp)
			p.events |= events[i].poll;
	child.polls[child.n] = p;
	return child.n++;
}

static int get_revents(int idx, void *opaque)
{
	int got = 0;

	for (unsigned i = 0; i < EVENTS; i++)
		if (child.polls[idx].revents & events[i].poll)
			got |= events[i].slirp;
	return got;
}

/* Milliseconds until the first timer, at most @most. */
static uint32_t until_timer(uint32_t most)
{
	int64_t now = now_ns(NULL) / 1000000;

	for (unsigned i = 0; i < TIMERS; i++) {
		struct timer *t = &child.timers[i];

		if (!t->used || t->at_ms < 0)
			continue;
		if (t->at_ms <= now)
			return 0;
		if (t->at_ms - now < most)
			most = t->at_ms - now;
	}
	return most;
}

static void run_timers(void)
{
	int64_t now = now_ns(NULL) / 1000000;

	for (unsigned i = 0; i < TIMERS; i++) {
		struct timer *t = &child.timers[i];

		if (!t->used || t->at_ms < 0 || t->at_ms > now)
			continue;
		t->at_ms = -1;
		t->fn(t->opaque);
	}
}

/* Frames of the guest.  False: the machine is gone. */
static bool input(void)
{
	uint8_t frame[NET_FRAME_MAX];

	for (unsigned i = 0; i < ROUND; i++) {
		ssize_t n = recv(child.fd, frame, sizeof(frame), MSG_DONTWAIT);

		if (!n || (n < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		if (n < 0)
			break;
		slirp_input(child.slirp, frame, n);
	}
	return true;
}

static void child_loop(void)
{
	uint32_t timeout;
	int got;

	for (;;) {
		child.n = 0;
		add_poll(child.fd, SLIRP_POLL_IN, NULL);
		timeout = 1000000;
		slirp_pollfds_fill(child.slirp, &timeout, add_poll, NULL);
		got = poll(child.polls, child.n, until_timer(timeout));
		slirp_pollfds_poll(child.slirp, got < 0, get_revents, NULL);
		run_timers();
		if (child.polls[0].revents && !input())
			return;
	}
}

/*
 * What the user wrote.  The child parses it: a mistake comes back as a line.
 */

static bool address(const char *text, size_t len, struct in_addr *a)
{
	char buf[32];

	if (len >= sizeof(buf))
		return false;
	memcpy(buf, text, len);
	buf[len] = '\0';
	return inet_pton(AF_INET, buf, a) == 1;
}

/* "[ADDR]:PORT" up to @stop; returns behind it, or NULL. */
static const char *endpoint(const char *s, char stop, struct in_addr *a,
			    int *port)
{
	const char *colon = strchr(s, ':');
	char *end;
	unsigned long n;

	if (!colon || (colon != s && !address(s, colon - s, a)))
		return NULL;
	n = strtoul(colon + 1, &end, 10);
	if (end == colon + 1 || n > 65535 || *end != stop)
		return NULL;
	*port = n;
	return stop ? end + 1 : end;
}

/* tcp|udp:[ADDR]:PORT-[ADDR]:PORT; the host's end defaults to loopback. */
static bool forward(Slirp *s, const char *rule, char *status)
{
	struct in_addr host = { htonl(INADDR_LOOPBACK) }, guest = { 0 };
	bool udp = !strncmp(rule, "udp:", 4);
	int hport, gport;
	const char *p = rule;

	if (udp || !strncmp(rule, "tcp:", 4))
		p += 4;
	p = endpoint(p, '-', &host, &hport);
	if (p)
		p = endpoint(p, '\0', &guest, &gport);
	if (!p || !gport) {
		snprintf(status, STATUS_LEN, "user: hostfwd=%s: not "
			 "tcp|udp:[ADDR]:PORT-[ADDR]:PORT", rule);
		return false;
	}
	if (!slirp_add_hostfwd(s, udp, host, hport, guest, gport))
		return true;
	snprintf(status, STATUS_LEN, "user: hostfwd=%s: %s", rule,
		 strerror(errno));
	return false;
}

static bool parse_address(const char *const *keys, const char *key,
			  struct in_addr *a, char *status)
{
	unsigned at = 0;
	const char *s = net_key(keys, key, &at);

	if (!s || address(s, strlen(s), a))
		return true;
	snprintf(status, STATUS_LEN, "user: %s=%s: not an IPv4 address", key,
		 s);
	return false;
}

static bool parse_net(const char *const *keys, SlirpConfig *c, char *status)
{
	unsigned at = 0;
	const char *s = net_key(keys, "net", &at), *slash;
	unsigned long bits = 24;
	uint32_t net;

	inet_pton(AF_INET, "10.0.2.0", &c->vnetwork);
	slash = s ? strchr(s, '/') : NULL;
	if (slash)
		bits = strtoul(slash + 1, NULL, 10);
	if (s && (!address(s, slash ? (size_t)(slash - s) : strlen(s),
			   &c->vnetwork) || bits < 8 || bits > 28)) {
		snprintf(status, STATUS_LEN, "user: net=%s: not ADDR/BITS "
			 "(8 to 28)", s);
		return false;
	}
	c->vnetmask.s_addr = htonl(0xffffffffu << (32 - bits));
	net = ntohl(c->vnetwork.s_addr & c->vnetmask.s_addr);
	c->vnetwork.s_addr = htonl(net);
	c->vhost.s_addr = htonl(net + 2);
	c->vnameserver.s_addr = htonl(net + 3);
	c->vdhcp_start.s_addr = htonl(net + 15);
	return parse_address(keys, "host", &c->vhost, status) &&
	       parse_address(keys, "dns", &c->vnameserver, status) &&
	       parse_address(keys, "dhcpstart", &c->vdhcp_start, status);
}

static const char *text_key(const char *const *keys, const char *key)
{
	unsigned at = 0;

	return net_key(keys, key, &at);
}

static bool child_start(const char *const *keys, char *status)
{
	const char *restrict_ = text_key(keys, "restrict"), *rule;
	SlirpConfig c = { .version = 4, .in_enabled = true };
	unsigned at = 0;

	if (!parse_net(keys, &c, status))
		return false;
	c.restricted = restrict_ && (!strcmp(restrict_, "on") ||
				     !strcmp(restrict_, "yes"));
	c.vhostname = text_key(keys, "hostname");
	c.tftp_path = text_key(keys, "tftp");
	c.bootfile = text_key(keys, "bootfile");
	child.slirp = slirp_new(&c, &callbacks, NULL);
	if (!child.slirp) {
		snprintf(status, STATUS_LEN, "user: these addresses do not "
			 "fit together");
		return false;
	}
	while ((rule = net_key(keys, "hostfwd", &at)))
		if (!forward(child.slirp, rule, status))
			return false;
	return true;
}

static void child_main(int fd, const char *const *keys)
{
	static const int ignored[] = { SIGINT, SIGHUP, SIGQUIT, SIGTERM,
				       SIGPIPE, SIGTSTP };
	char status[STATUS_LEN] = "";
	int null;
	bool ok;

	for (unsigned i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_NAME, "umbra-net");
	/* Nothing of the machine's: files, sockets, the terminal. */
	child.fd = dup2(fd, 3);
	close_range(4, ~0u, 0);
	null = open("/dev/null", O_RDWR);
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	ok = child_start(keys, status);
	send(child.fd, status, STATUS_LEN, 0);
	if (ok)
		child_loop();
	_exit(0);
}

/*
 * The machine's end.
 */

static void user_destroy(struct net_backend *b)
{
	net_fd_fini((struct net_fd *)b);
	free(b);
}

static const struct net_ops user_ops = {
	"user", net_fd_send, net_fd_set_receiver, net_fd_resume, user_destroy,
};

/* Twice: the grandchild is nobody's zombie. */
static int spawn(int fd, int other, const char *const *keys)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (!pid) {
		close(other);
		if (!fork())
			child_main(fd, keys);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return 0;
}

int net_user_start(int *fd, const char *const *keys, char *err, size_t errlen)
{
	char status[STATUS_LEN] = "";
	int sv[2], size = SOCKET_BUFFER, ret;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return -errno;
	for (unsigned i = 0; i < 2; i++)
		setsockopt(sv[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	ret = spawn(sv[1], sv[0], keys);
	close(sv[1]);
	if (!ret && recv(sv[0], status, sizeof(status), 0) <= 0)
		ret = -EIO;
	if (!ret && *status) {
		snprintf(err, errlen, "%s", status);
		ret = -EINVAL;
	} else if (ret) {
		snprintf(err, errlen, "user: the network process did not "
			 "start: %s", strerror(-ret));
	}
	if (ret)
		close(sv[0]);
	else
		fcntl(sv[0], F_SETFL, O_NONBLOCK);
	*fd = sv[0];
	return ret;
}

int net_user_open(struct net_backend **out, const char *const *keys,
		  const struct net_open_args *args, char *err, size_t errlen)
{
	struct net_fd *f = calloc(1, sizeof(*f));
	int fd, ret;

	if (!f)
		return -ENOMEM;
	ret = net_user_start(&fd, keys, err, errlen);
	if (!ret) {
		ret = net_fd_init(f, &user_ops, args->loop, args->log,
				  "user network", fd);
		if (ret)
			close(fd);
	}
	if (ret) {
		free(f);
		return ret;
	}
	*out = &f->base;
	return 0;
}

#endif
