// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program written for libxenstore: it uses every function and prints what
 * each returned.  Linked with ours and with Debian's library it must print the
 * same.  Lines "ok"/"not ok" are TAP; the others begin with "=" and are for
 * the comparison.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xenstore.h>

#define WIDE	800	/* children whose names do not fit one message */
#define THREADS	4
#define ROUNDS	200

static struct xs_handle *h, *other;

static void ok(bool good, const char *name)
{
	printf("%s %s\n", good ? "ok" : "not ok", name);
}

/* What it returned, and errno where it failed. */
static void show(const char *what, bool good)
{
	printf("= %s: %s\n", what, good ? "true" : strerrorname_np(errno));
}
#define SHOW(call) (errno = 0, show(#call, call))

static void show_string(const char *what, char *s)
{
	printf("= %s: %s\n", what, s ? s : strerrorname_np(errno));
	free(s);
}
#define SHOW_STRING(call) (errno = 0, show_string(#call, call))

static void show_directory(const char *path)
{
	unsigned n = 77;
	char **v = xs_directory(h, XBT_NULL, path, &n);

	printf("= directory %s:", path);
	if (!v)
		printf(" %s", strerrorname_np(errno));
	for (unsigned i = 0; v && i < n; i++)
		printf(" %s", v[i]);
	printf("\n");
	free(v);
}

static void show_perms(const char *path)
{
	unsigned n = 77;
	struct xs_permissions *p = xs_get_permissions(h, XBT_NULL, path, &n);

	printf("= perms %s:", path);
	if (!p)
		printf(" %s", strerrorname_np(errno));
	for (unsigned i = 0; p && i < n; i++)
		printf(" %u:%u", p[i].id, p[i].perms);
	printf("\n");
	free(p);
}

static void show_event(char **v)
{
	if (v)
		printf("= event %s %s\n", v[XS_WATCH_PATH], v[XS_WATCH_TOKEN]);
	else
		printf("= event %s\n", strerrorname_np(errno));
	free(v);
}

static void values(void)
{
	static const char binary[] = "a\0b\xff";
	unsigned len = 77;
	char *v;

	SHOW(xs_write(h, XBT_NULL, "/t/value", "text", 4));
	SHOW_STRING(xs_read(h, XBT_NULL, "/t/value", &len));
	printf("= %u\n", len);
	SHOW(xs_write(h, XBT_NULL, "/t/empty", "", 0));
	SHOW_STRING(xs_read(h, XBT_NULL, "/t/empty", &len));
	printf("= %u\n", len);
	SHOW(xs_write(h, XBT_NULL, "/t/binary", binary, sizeof(binary)));
	v = xs_read(h, XBT_NULL, "/t/binary", &len);
	ok(v && len == sizeof(binary) && !memcmp(v, binary, len) && !v[len],
	   "binary_values_come_back_with_a_nul_behind");
	free(v);
	SHOW_STRING(xs_read(h, XBT_NULL, "/t/value", NULL));
	SHOW_STRING(xs_read(h, XBT_NULL, "/t/absent", &len));
	SHOW_STRING(xs_read(h, XBT_NULL, "/bad//path", &len));
	SHOW_STRING(xs_read(h, XBT_NULL, "/bad.path", &len));
	SHOW_STRING(xs_read(h, XBT_NULL, "/t/", &len));
	SHOW_STRING(xs_read(h, XBT_NULL, "", &len));
	SHOW_STRING(xs_read(h, 12345, "/t/value", &len));
	SHOW(xs_mkdir(h, XBT_NULL, "/t/made/deep"));
	SHOW(xs_mkdir(h, XBT_NULL, "/t/made/deep"));
	SHOW(xs_mkdir(h, XBT_NULL, "/t/value"));
	SHOW_STRING(xs_read(h, XBT_NULL, "/t/value", &len));
	show_directory("/t");
	show_directory("/t/made");
	show_directory("/t/made/deep");
	show_directory("/t/absent");
	SHOW(xs_rm(h, XBT_NULL, "/t/made"));
	SHOW(xs_rm(h, XBT_NULL, "/t/made"));
	SHOW(xs_rm(h, XBT_NULL, "/t/made/deep"));
	SHOW(xs_rm(h, XBT_NULL, "/"));
	show_directory("/t");
}

static void long_things(void)
{
	char *big = malloc(8192);

	memset(big, 'x', 8192);
	SHOW(xs_write(h, XBT_NULL, "/t/long", big, 4096 - 8));
	SHOW(xs_write(h, XBT_NULL, "/t/long", big, 4096));
	ok(xs_write(h, XBT_NULL, "/t/after", "", 0),
	   "a_message_that_is_too_long_is_not_sent");
	big[0] = '/';
	big[3072] = '\0';
	SHOW(xs_write(h, XBT_NULL, big, "", 0));
	big[3072] = 'x';
	big[3073] = '\0';
	errno = 0;
	ok(!xs_write(h, XBT_NULL, big, "", 0) && errno == EINVAL,
	   "a_path_of_3073_bytes_is_refused");
	big[3072] = '\0';
	SHOW(xs_rm(h, XBT_NULL, big));
	free(big);
}

static void wide_directory(void)
{
	char path[80], **v;
	unsigned n = 0, good = 0;

	for (int i = 0; i < WIDE; i++) {
		snprintf(path, sizeof(path), "/wide/a-child-with-a-name-%03d",
			 i);
		xs_write(h, XBT_NULL, path, "", 0);
	}
	v = xs_directory(h, XBT_NULL, "/wide", &n);
	for (unsigned i = 0; v && i < n; i++)
		good += !strncmp(v[i], "a-child-with-a-name-", 20);
	ok(n == WIDE && good == WIDE, "800_children_are_listed");
	free(v);
	ok(xs_rm(h, XBT_NULL, "/wide"), "800_children_are_removed");
}

static void permissions(void)
{
	struct xs_permissions p[] = {
		{ 1, XS_PERM_NONE }, { 2, XS_PERM_READ },
		{ 3, XS_PERM_WRITE }, { 4, XS_PERM_READ | XS_PERM_WRITE },
	};
	struct xs_permissions bad = { 1, 0x40 };

	SHOW(xs_write(h, XBT_NULL, "/p/a", "", 0));
	show_perms("/p/a");
	SHOW(xs_set_permissions(h, XBT_NULL, "/p/a", p, 4));
	show_perms("/p/a");
	SHOW(xs_mkdir(h, XBT_NULL, "/p/a/inherits"));
	show_perms("/p/a/inherits");
	SHOW(xs_set_permissions(h, XBT_NULL, "/p/a", &bad, 1));
	SHOW(xs_set_permissions(h, XBT_NULL, "/p/absent", p, 1));
	show_perms("/p/absent");
	show_perms("@releaseDomain");
	SHOW(xs_restrict(h, 1));
	SHOW(xs_rm(h, XBT_NULL, "/p"));
}

static void transactions(void)
{
	xs_transaction_t t = xs_transaction_start(h), u;
	unsigned len;

	ok(t != XBT_NULL, "a_transaction_starts");
	SHOW(xs_write(h, t, "/x/a", "new", 3));
	SHOW_STRING(xs_read(h, t, "/x/a", &len));
	SHOW_STRING(xs_read(other, XBT_NULL, "/x/a", &len));
	SHOW(xs_transaction_end(h, t, false));
	SHOW_STRING(xs_read(other, XBT_NULL, "/x/a", &len));

	t = xs_transaction_start(h);
	SHOW(xs_rm(h, t, "/x"));
	SHOW_STRING(xs_read(h, t, "/x/a", &len));
	SHOW(xs_transaction_end(h, t, true));
	SHOW_STRING(xs_read(h, XBT_NULL, "/x/a", &len));
	SHOW(xs_transaction_end(h, t, true));

	/* What was read has changed. */
	t = xs_transaction_start(h);
	SHOW_STRING(xs_read(h, t, "/x/a", &len));
	SHOW(xs_write(other, XBT_NULL, "/x/a", "theirs", 6));
	SHOW_STRING(xs_read(h, t, "/x/a", &len));
	SHOW(xs_write(h, t, "/x/b", "", 0));
	SHOW(xs_transaction_end(h, t, false));
	SHOW_STRING(xs_read(h, XBT_NULL, "/x/b", &len));

	/* What was changed has changed. */
	t = xs_transaction_start(h);
	u = xs_transaction_start(other);
	SHOW(xs_write(h, t, "/x/a", "1", 1));
	SHOW(xs_write(other, u, "/x/a", "2", 1));
	SHOW(xs_transaction_end(other, u, false));
	SHOW(xs_transaction_end(h, t, false));
	SHOW_STRING(xs_read(h, XBT_NULL, "/x/a", &len));

	/* What was absent exists. */
	t = xs_transaction_start(h);
	SHOW_STRING(xs_read(h, t, "/x/later", &len));
	SHOW(xs_write(other, XBT_NULL, "/x/later", "", 0));
	SHOW(xs_transaction_end(h, t, false));

	/* Somebody else's business. */
	t = xs_transaction_start(h);
	SHOW(xs_write(h, t, "/x/a", "3", 1));
	SHOW(xs_write(other, XBT_NULL, "/elsewhere", "", 0));
	SHOW(xs_transaction_end(h, t, false));
	SHOW_STRING(xs_read(h, XBT_NULL, "/x/a", &len));
	SHOW(xs_rm(h, XBT_NULL, "/x"));
	SHOW(xs_rm(h, XBT_NULL, "/elsewhere"));
}

static bool readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

static void watches(void)
{
	unsigned n = 0;
	int fd;

	show_event(xs_check_watch(h));
	SHOW(xs_watch(h, "/w", "token"));
	fd = xs_fileno(h);
	ok(fd >= 0 && readable(fd, 5000), "the_first_event_makes_it_readable");
	show_event(xs_read_watch(h, &n));
	printf("= %u\n", n);
	ok(!readable(fd, 0), "no_event_makes_it_not_readable");
	show_event(xs_check_watch(h));
	SHOW(xs_watch(h, "/w", "token"));
	SHOW(xs_write(other, XBT_NULL, "/w/a/b", "", 0));
	show_event(xs_read_watch(h, &n));
	SHOW(xs_write(h, XBT_NULL, "/w", "own", 3));
	show_event(xs_read_watch(h, &n));
	SHOW(xs_write(other, XBT_NULL, "/wide", "", 0));
	SHOW(xs_watch(h, "/w/a/b", "below"));
	show_event(xs_read_watch(h, &n));
	SHOW(xs_unwatch(h, "/w", "token"));
	SHOW(xs_unwatch(h, "/w", "token"));
	SHOW(xs_rm(other, XBT_NULL, "/w"));
	show_event(xs_read_watch(h, &n));
	SHOW(xs_watch(h, "@introduceDomain", "in"));
	show_event(xs_read_watch(h, &n));
	SHOW(xs_watch(h, "@releaseDomain", "out"));
	show_event(xs_read_watch(h, &n));
	SHOW(xs_introduce_domain(other, 77, 5, 6));
	show_event(xs_read_watch(h, &n));
	SHOW(xs_release_domain(other, 77));
	show_event(xs_read_watch(h, &n));
	SHOW(xs_unwatch(h, "@introduceDomain", "in"));
	SHOW(xs_unwatch(h, "@releaseDomain", "out"));
	SHOW(xs_unwatch(h, "/w/a/b", "below"));
	ok(!readable(fd, 100), "nothing_more_has_come");
	show_event(xs_check_watch(h));
	SHOW(xs_rm(h, XBT_NULL, "/wide"));
}

static void transaction_events(void)
{
	xs_transaction_t t;
	unsigned n;

	SHOW(xs_watch(h, "/e", "t"));
	show_event(xs_read_watch(h, &n));
	t = xs_transaction_start(other);
	SHOW(xs_write(other, t, "/e/a", "", 0));
	ok(!readable(xs_fileno(h), 100), "no_event_before_the_end");
	SHOW(xs_transaction_end(other, t, false));
	show_event(xs_read_watch(h, &n));
	SHOW(xs_unwatch(h, "/e", "t"));
	SHOW(xs_rm(h, XBT_NULL, "/e"));
	while (xs_check_watch(h))
		;
}

/* Events that are pending go with the watch. */
static void filter(void)
{
	struct xs_handle *f = xs_open(XS_UNWATCH_FILTER);
	unsigned n;

	SHOW(xs_watch(f, "/f", "gone"));
	show_event(xs_read_watch(f, &n));
	SHOW(xs_write(f, XBT_NULL, "/f/a", "", 0));
	SHOW(xs_unwatch(f, "/f", "gone"));
	show_event(xs_check_watch(f));
	SHOW(xs_rm(f, XBT_NULL, "/f"));
	xs_close(f);
}

static void domains(void)
{
	SHOW_STRING(xs_get_domain_path(h, 5));
	SHOW(xs_is_domain_introduced(h, 0));
	errno = EINVAL;
	ok(!xs_is_domain_introduced(h, 5), "domain_5_is_unknown");
	SHOW(xs_introduce_domain(h, 5, 10, 11));
	SHOW(xs_introduce_domain(h, 5, 10, 11));
	SHOW(xs_introduce_domain(h, 0, 10, 11));
	SHOW(xs_introduce_domain(h, 6, 12, 13));
	SHOW(xs_is_domain_introduced(h, 5));
	SHOW(xs_set_target(h, 5, 6));
	SHOW(xs_set_target(h, 5, 7));
	SHOW(xs_resume_domain(h, 5));
	SHOW(xs_resume_domain(h, 8));
	SHOW(xs_release_domain(h, 5));
	SHOW(xs_release_domain(h, 6));
	SHOW(xs_release_domain(h, 5));
	printf("= %d\n", xs_suspend_evtchn_port(5));
	xs_write(h, XBT_NULL, "/local/domain/5/device/suspend/event-channel",
		 "42", 2);
	printf("= %d\n", xs_suspend_evtchn_port(5));
	xs_rm(h, XBT_NULL, "/local/domain/5");
}

static void control(void)
{
	SHOW_STRING(xs_control_command(h, "check", NULL, 0));
	SHOW_STRING(xs_debug_command(h, "log", "off", 4));
	SHOW_STRING(xs_control_command(h, "no-such-command", NULL, 0));
}

static void text(void)
{
	static const char *const bad[] = {
		"x1", "", "r", "r1x", " r1", "r 1", "n0", "w3", "b65535",
	};
	struct xs_permissions p[2] = { 0 };
	int fd[2];
	char buf[4];

	SHOW(xs_strings_to_perms(p, 2, "r1\0b2"));
	printf("= %u %u %u %u\n", p[0].id, p[0].perms, p[1].id, p[1].perms);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		printf("= %s: %d\n", bad[i], xs_strings_to_perms(p, 1, bad[i]));
	printf("= %d%d%d%d%d%d\n", xs_path_is_subpath("/a", "/a"),
	       xs_path_is_subpath("/a", "/a/b"), xs_path_is_subpath("/a", "/ab"),
	       xs_path_is_subpath("/", "/ab"), xs_path_is_subpath("/a/b", "/a"),
	       xs_path_is_subpath("", "/a"));
	if (pipe(fd))
		return;
	SHOW(xs_write_all(fd[1], "abc", 3));
	ok(read(fd[0], buf, 4) == 3, "write_all_writes_all");
	close(fd[0]);
	close(fd[1]);
	SHOW(xs_write_all(-1, "abc", 3));
	printf("= %s %s\n", xs_daemon_socket(), xs_daemon_socket_ro());
	printf("= %s\n", xs_daemon_rundir());
}

/* Several threads use one handle, and one reads events meanwhile. */
static void *writer(void *opaque)
{
	char path[40], val[16];
	long good = 0;

	for (int i = 0; i < ROUNDS; i++) {
		char *back;
		unsigned len;

		snprintf(path, sizeof(path), "/m/%ld", (long)opaque);
		snprintf(val, sizeof(val), "%d", i);
		if (!xs_write(h, XBT_NULL, path, val, strlen(val)))
			break;
		back = xs_read(h, XBT_NULL, path, &len);
		good += back && !strcmp(back, val);
		free(back);
	}
	return (void *)good;
}

static void *event_reader(void *opaque)
{
	unsigned n;
	char **v;
	long count = 0;
	bool last = false;

	while (!last && (v = xs_read_watch(h, &n))) {
		count++;
		last = !strcmp(v[XS_WATCH_PATH], "/m/last");
		free(v);
	}
	return (void *)count;
}

static void threads(void)
{
	pthread_t t[THREADS], e;
	void *ret;
	long good = 0;

	xs_watch(h, "/m", "m");
	pthread_create(&e, NULL, event_reader, NULL);
	for (long i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, writer, (void *)i);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], &ret);
		good += (long)ret;
	}
	ok(good == THREADS * ROUNDS, "threads_share_a_handle");
	xs_write(h, XBT_NULL, "/m/last", "", 0);
	pthread_join(e, &ret);
	ok((long)ret > 2, "a_thread_waits_for_events_meanwhile");
	xs_unwatch(h, "/m", "m");
	xs_rm(h, XBT_NULL, "/m");
}

/* A counter that several processes increment. */
static bool increment(struct xs_handle *x)
{
	for (;;) {
		xs_transaction_t t = xs_transaction_start(x);
		unsigned len;
		char *v = xs_read(x, t, "/counter", &len), next[16];

		snprintf(next, sizeof(next), "%d", v ? atoi(v) + 1 : 1);
		free(v);
		if (!xs_write(x, t, "/counter", next, strlen(next)))
			return false;
		if (xs_transaction_end(x, t, false))
			return true;
		if (errno != EAGAIN)
			return false;
	}
}

static void child(void)
{
	struct xs_handle *x;

	xs_daemon_destroy_postfork(h);
	x = xs_open(0);
	for (int i = 0; x && i < 50; i++)
		if (!increment(x))
			_exit(1);
	_exit(!x);
}

static void processes(void)
{
	int status, good = 0;
	unsigned len;
	char *v;

	fflush(stdout);
	for (int i = 0; i < THREADS; i++)
		if (!fork())
			child();
	for (int i = 0; i < THREADS; i++)
		good += wait(&status) > 0 && !status;
	v = xs_read(h, XBT_NULL, "/counter", &len);
	ok(good == THREADS && v && atoi(v) == THREADS * 50,
	   "no_increment_in_a_transaction_is_lost");
	free(v);
	xs_rm(h, XBT_NULL, "/counter");
}

static void openings(void)
{
	struct xs_handle *x[] = {
		xs_daemon_open(), xs_domain_open(), xs_daemon_open_readonly(),
	};

	for (unsigned i = 0; i < 3; i++) {
		ok(x[i] && xs_is_domain_introduced(x[i], 0),
		   "an_older_opening_works");
		xs_daemon_close(x[i]);
	}
	xs_close(NULL);
	setenv("XENSTORED_PATH", "/nowhere/socket", 1);
	ok(!xs_open(0) && errno == ENOENT, "no_store_is_ENOENT");
	unsetenv("XENSTORED_PATH");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	h = xs_open(0);
	other = xs_open(0);
	ok(h && other, "the_store_opens");
	if (!h || !other)
		return 1;
	values();
	long_things();
	wide_directory();
	permissions();
	transactions();
	watches();
	transaction_events();
	filter();
	domains();
	control();
	text();
	threads();
	processes();
	openings();
	xs_rm(h, XBT_NULL, "/t");
	xs_close(other);
	xs_close(h);
	return 0;
}
