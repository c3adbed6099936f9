// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The attendant's process: between the VM's socket and the store.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/xenstore/attendant_priv.h"
#include "backends/xenstore/parcel.h"

#define REGISTER_MS	15000
/* Between attempts to find a store again. */
#define RETRY_MS	1000
/* A machine publishes some dozens of nodes. */
#define SAID_MAX	256

bool attendant_name_valid(const char *name)
{
	size_t len = strlen(name);
	bool digits = true;

	for (const char *p = name; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return false;
		digits = digits && isdigit((unsigned char)*p);
	}
	return len && len <= ATTENDANT_NAME_MAX && !digits;
}

/*
 * To the VM.
 */

void att_send(struct att *a, const struct parcel *p)
{
	if (parcel_send(a->info.fd, p))
		_exit(0);
}

static void send_strings(struct att *a, const char *verb, const char *arg)
{
	struct parcel p;

	parcel_init(&p);
	if (!parcel_add(&p, verb) && !parcel_add(&p, arg))
		att_send(a, &p);
}

void att_note(struct att *a, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	send_strings(a, "note", text);
}

/*
 * Wishes for the whole machine.
 */

static void on_shutdown(struct att *a, const char *path)
{
	static const char *const known[] = { "poweroff", "reboot", "halt" };
	char *wish = att_read(a, path), status[PATH_ROOM];
	bool ok = false;

	if (!wish || !*wish) {
		free(wish);
		return;
	}
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		ok = ok || !strcmp(wish, known[i]);
	snprintf(status, sizeof(status), "%s/control/status", a->dir);
	att_write(a, status, ok ? "ok" : "unknown request (poweroff, reboot "
		  "and halt are known)");
	/* Taken: the guest's side of Xen's protocol. */
	att_write(a, path, "");
	if (ok)
		send_strings(a, "control", wish);
	free(wish);
}

static void on_target(struct att *a, const char *path)
{
	char status[PATH_ROOM], *asked, *kib;

	snprintf(status, sizeof(status), "%s/memory/status", a->dir);
	asked = att_read(a, status);
	kib = att_read(a, path);
	if (asked && !strcmp(asked, "pending") && kib)
		send_strings(a, "balloon", kib);
	free(asked);
	free(kib);
}

static void on_ballooned(struct att *a, const struct parcel *p)
{
	char path[PATH_ROOM];

	if (p->n != 5)
		return;
	snprintf(path, sizeof(path), "%s/memory/status", a->dir);
	att_write(a, path, strcmp(p->arg[3], "0") ? p->arg[4] : "ok");
}

static void on_event(struct att *a, const char *path, const char *token)
{
	if (!strcmp(token, "shutdown"))
		on_shutdown(a, path);
	else if (!strcmp(token, "target"))
		on_target(a, path);
	else
		att_device_event(a, path);
}

/*
 * From the VM.
 */

static void said_write(struct att *a, const struct said *s)
{
	char path[PATH_ROOM];

	if (snprintf(path, sizeof(path), "%s/%s", a->dir, s->path) <
	    (int)sizeof(path))
		att_write(a, path, s->value);
}

/* Where the VM may publish. */
static bool may_publish(const char *path)
{
	static const char *const dirs[] = {
		"console/", "serial/", "memory/", "umbra/", "control/feature-",
	};

	for (unsigned i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (!strncmp(path, dirs[i], strlen(dirs[i])))
			return true;
	return false;
}

static struct said *said_find(struct att *a, const char *path)
{
	struct said *s = a->said;
	size_t len = strlen(path) + 1;

	while (s && strcmp(s->path, path))
		s = s->next;
	if (s)
		return s;
	s = calloc(1, sizeof(*s) + len);
	if (!s)
		_exit(1);
	memcpy(s->path, path, len);
	s->next = a->said;
	a->said = s;
	a->nsaid++;
	return s;
}

static void on_publish(struct att *a, const struct parcel *p)
{
	struct said *s;

	if (p->n != 3 || !may_publish(p->arg[1]) || strlen(p->arg[1]) > 64 ||
	    a->nsaid == SAID_MAX)
		return;
	s = said_find(a, p->arg[1]);
	free(s->value);
	s->value = strdup(p->arg[2]);
	if (!s->value)
		_exit(1);
	said_write(a, s);
}

static const struct {
	const char *verb;
	void (*fn)(struct att *a, const struct parcel *p);
} verbs[] = {
	{ "publish", on_publish },
	{ "device", att_device_publish },
	{ "done", att_device_done },
	{ "ballooned", on_ballooned },
};

static void on_vm(struct att *a)
{
	static struct parcel p;
	int ret = parcel_receive(a->info.fd, &p);

	if (ret == -EAGAIN)
		return;
	if (ret)
		_exit(0);		/* the VM has ended */
	for (unsigned i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].verb, p.arg[0]))
			verbs[i].fn(a, &p);
	parcel_close_fds(&p);
}

/*
 * The store.
 */

static void on_store(struct att *a)
{
	char **v;

	while (a->h && (v = xs_check_watch(a->h))) {
		on_event(a, v[XS_WATCH_PATH], v[XS_WATCH_TOKEN]);
		free(v);
	}
	if (a->h && errno != EAGAIN) {
		xs_close(a->h);
		a->h = NULL;
		att_note(a, "the store has gone; looking for another");
	}
}

static void find_store(struct att *a)
{
	char err[XSD_ERR_LEN];

	if (att_register(a, err))
		return;
	for (struct said *s = a->said; s; s = s->next)
		said_write(a, s);
	att_device_rewrite(a);
	att_note(a, "registered again, as domain %u", a->info.domid);
}

static void serve(struct att *a)
{
	for (;;) {
		struct pollfd p[2] = {
			{ .fd = a->info.fd, .events = POLLIN },
			{ .fd = a->h ? xs_fileno(a->h) : -1,
			  .events = POLLIN },
		};
		int n = poll(p, 2, a->h ? -1 : RETRY_MS);

		if (n > 0 && p[0].revents)
			on_vm(a);
		if (n > 0 && p[1].revents)
			on_store(a);
		if (!n && !a->h)
			find_store(a);
	}
}

/*
 * Start.
 */

static void make_uuid(char *out)
{
	uint8_t b[16];

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		abort();
	b[6] = (b[6] & 0x0f) | 0x40;	/* RFC 4122: version 4, */
	b[8] = (b[8] & 0x3f) | 0x80;	/* variant 1 */
	for (unsigned i = 0; i < sizeof(b); i++)
		out += sprintf(out, "%s%02x", i == 4 || i == 6 || i == 8 ||
			       i == 10 ? "-" : "", b[i]);
}

/* Out of the terminal's reach, and with nothing of the VM's open. */
static void detach(int *fd)
{
	int null = open("/dev/null", O_RDWR);

	setsid();
	prctl(PR_SET_NAME, "umbra-attendant");
	for (int i = 0; i <= STDERR_FILENO; i++)
		dup2(null, i);
	if (*fd != STDERR_FILENO + 1)
		*fd = dup2(*fd, STDERR_FILENO + 1);
	close_range(STDERR_FILENO + 2, ~0u, 0);
	fcntl(*fd, F_SETFD, FD_CLOEXEC);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
}

static void attendant_main(const struct attendant_config *cfg, int fd,
			   int vm_pid)
{
	struct att a = { .cfg = cfg, .vm_pid = vm_pid };
	char err[XSD_ERR_LEN], text[16];
	struct parcel p;
	int ret;

	detach(&fd);
	a.info.fd = fd;
	if (cfg->name)
		snprintf(a.info.name, sizeof(a.info.name), "%s", cfg->name);
	make_uuid(a.info.uuid);
	ret = att_register(&a, err);
	parcel_init(&p);
	if (ret) {
		snprintf(text, sizeof(text), "%d", ret);
		parcel_add(&p, "failed");
		parcel_add(&p, text);
		parcel_add(&p, err);
	} else {
		snprintf(text, sizeof(text), "%u", a.info.domid);
		parcel_add(&p, "ready");
		parcel_add(&p, text);
		parcel_add(&p, a.info.name);
		parcel_add(&p, a.info.uuid);
	}
	att_send(&a, &p);
	if (ret)
		_exit(1);
	serve(&a);
}

static int wait_ready(struct attendant *out, char *err)
{
	struct pollfd pfd = { .fd = out->fd, .events = POLLIN };
	static struct parcel p;
	int ret;

	while (poll(&pfd, 1, REGISTER_MS) < 0)
		if (errno != EINTR)
			break;
	ret = pfd.revents ? parcel_receive(out->fd, &p) : -ETIMEDOUT;
	if (!ret && p.n == 4 && !strcmp(p.arg[0], "ready")) {
		out->domid = strtoul(p.arg[1], NULL, 10);
		snprintf(out->name, sizeof(out->name), "%s", p.arg[2]);
		snprintf(out->uuid, sizeof(out->uuid), "%s", p.arg[3]);
		return 0;
	}
	if (!ret && p.n == 3) {
		snprintf(err, XSD_ERR_LEN, "%s", p.arg[2]);
		ret = atoi(p.arg[1]);
	} else {
		snprintf(err, XSD_ERR_LEN, "the store does not answer: %s",
			 strerror(-ret));
	}
	return ret < 0 ? ret : -EIO;
}

/* Two forks: it is nobody's child, and sends nobody SIGCHLD. */
int attendant_start(struct attendant *out, const struct attendant_config *cfg,
		    char *err)
{
	int pair[2], ret, status;
	int vm_pid = getpid();
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		snprintf(err, XSD_ERR_LEN, "socketpair: %s", strerror(errno));
		return -errno;
	}
	pid = fork();
	if (!pid) {
		pid = fork();
		if (!pid)
			attendant_main(cfg, pair[1], vm_pid);
		_exit(pid < 0);
	}
	close(pair[1]);
	out->fd = pair[0];
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	ret = wait_ready(out, err);
	if (ret)
		close(pair[0]);
	return ret;
}
