// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Character backends: flow control, escapes, end of input, and a terminal
 * that is restored on every way out.
 */
#define _GNU_SOURCE
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>	/* login_tty */

#include "backends/char.h"
#include "backends/char_open.h"
#include "backends/tty.h"
#include "hypervisor/loop.h"

static struct loop *loop;
static struct char_backend *b;
static char err[256];

/* A front-end with as much room as the test gives it. */
static struct {
	size_t room;
	char got[8192];
	size_t len, want;
} guest;

static size_t guest_room(void *opaque)
{
	return guest.room;
}

static void guest_receive(void *opaque, const uint8_t *buf, size_t len)
{
	ck_assert_uint_le(len, guest.room);
	memcpy(guest.got + guest.len, buf, len);
	guest.len += len;
	guest.room -= len;
	if (guest.len >= guest.want)
		loop_quit(loop);
}

static const struct char_receiver receiver = {
	.room = guest_room, .receive = guest_receive,
};

/* What the hooks heard: escapes as keys, diverted input as it is. */
static char heard[64];

static void on_escape(void *opaque, uint8_t key)
{
	heard[strlen(heard)] = key;
	if (key == 'c')
		char_stdio_divert(b, true);
	if (key == 'g')
		char_stdio_divert(b, false);
}

static void on_diverted(void *opaque, const uint8_t *buf, size_t len)
{
	strncat(heard, (const char *)buf, len);
}

static const struct char_stdio_hooks hooks = { NULL, on_escape, on_diverted };

static void open_spec(const char *spec)
{
	struct char_open_args args = { .log = stderr, .hooks = &hooks };

	ck_assert_int_eq(loop_create(&loop), 0);
	args.loop = loop;
	ck_assert_msg(!char_open(&b, spec, &args, err, sizeof(err)), "%s", err);
}

static void close_all(void)
{
	b->ops->destroy(b);
	loop_destroy(loop);
}

static void run_until(size_t want)
{
	guest.want = want;
	if (guest.len < want)
		loop_run(loop);
}

static void on_tick(void *opaque, int fd, short revents)
{
	loop_del_fd(loop, fd);
	loop_quit(loop);
}

/* One round of what is ready now. */
static void loop_once(void)
{
	int tick[2];

	ck_assert(!pipe(tick));
	ck_assert_int_eq(write(tick[1], "t", 1), 1);
	ck_assert(!loop_add_fd(loop, tick[0], POLLIN, on_tick, NULL));
	loop_run(loop);
	close(tick[0]);
	close(tick[1]);
}

/* Descriptors 0 and 1 become pipes; returns our ends. */
static void redirect(int *to_stdin, int *from_stdout)
{
	int in[2], out[2];

	ck_assert(!pipe(in) && !pipe(out));
	dup2(in[0], 0);
	dup2(out[1], 1);
	close(in[0]);
	close(out[1]);
	*to_stdin = in[1];
	*from_stdout = out[0];
}

static void put(int fd, const char *s)
{
	ck_assert_int_eq(write(fd, s, strlen(s)), (ssize_t)strlen(s));
}

START_TEST(unknown_specs_are_refused)
{
	static const char *const bad[] = { "", "tube", "file", "file:",
					   "pty:1", "stdio:", "nul", "files:x" };

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!char_spec_valid(bad[i]), "%s", bad[i]);
	ck_assert(char_spec_valid("file:a:b"));
}
END_TEST

START_TEST(input_waits_for_room_and_loses_nothing)
{
	int in, out;

	redirect(&in, &out);
	open_spec("stdio");
	put(in, "abcdefgh");
	guest.room = 3;
	b->ops->set_receiver(b, &receiver, NULL);
	run_until(3);
	ck_assert_uint_eq(guest.len, 3);
	guest.room = 100;
	guest.want = 8;
	b->ops->resume_input(b);
	run_until(8);
	ck_assert_str_eq(guest.got, "abcdefgh");
	close_all();
}
END_TEST

START_TEST(input_stays_with_the_host_before_there_is_a_receiver)
{
	struct pollfd p;
	int in, out;

	redirect(&in, &out);
	open_spec("stdio");
	put(in, "abc");
	loop_once();
	p = (struct pollfd){ 0, POLLIN, 0 };
	ck_assert_int_eq(poll(&p, 1, 0), 1);
	close_all();
}
END_TEST

START_TEST(end_of_input_is_one_ctrl_d)
{
	int in, out;

	redirect(&in, &out);
	open_spec("stdio");
	put(in, "x");
	close(in);
	guest.room = 100;
	b->ops->set_receiver(b, &receiver, NULL);
	run_until(2);
	ck_assert_str_eq(guest.got, "x\004");
	close_all();
}
END_TEST

START_TEST(escapes_are_taken_out_of_the_input)
{
	int in, out;

	redirect(&in, &out);
	open_spec("stdio");
	guest.room = 100;
	put(in, "a\001hb\001\001c\001cinfo\001gd");
	b->ops->set_receiver(b, &receiver, NULL);
	run_until(5);
	ck_assert_str_eq(guest.got, "ab\001cd");
	ck_assert_str_eq(heard, "hcinfog");
	close_all();
}
END_TEST

START_TEST(output_is_bounded_and_in_order)
{
	static uint8_t data[200000], back[200000];
	size_t sent = 0, got = 0;
	int in, out;

	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = i * 7 + i / 251;
	redirect(&in, &out);
	open_spec("stdio");
	/* Nobody reads and the loop does not run: the ring fills up. */
	sent = b->ops->write(b, data, sizeof(data));
	ck_assert_uint_eq(sent, 65536);
	ck_assert_uint_eq(b->ops->write(b, data, 1), 0);
	fcntl(out, F_SETFL, O_NONBLOCK);
	while (got < sizeof(data)) {
		ssize_t n = read(out, back + got, sizeof(back) - got);

		if (n > 0)
			got += n;
		loop_once();
		sent += b->ops->write(b, data + sent, sizeof(data) - sent);
	}
	ck_assert_int_eq(memcmp(data, back, sizeof(data)), 0);
	close_all();
}
END_TEST

START_TEST(vanished_reader_is_survived)
{
	int in, out;

	signal(SIGPIPE, SIG_IGN);
	redirect(&in, &out);
	open_spec("stdio");
	close(out);
	ck_assert_uint_eq(b->ops->write(b, (const uint8_t *)"x", 1), 1);
	loop_once();
	ck_assert_uint_eq(b->ops->write(b, (const uint8_t *)"x", 1), 1);
	close_all();
}
END_TEST

START_TEST(file_holds_all_output_after_destroy)
{
	char spec[] = "file:/tmp/umbra-test-XXXXXX", buf[16] = "";
	int fd = mkstemp(spec + 5);

	open_spec(spec);
	b->ops->write(b, (const uint8_t *)"hello", 5);
	close_all();
	ck_assert_int_eq(read(fd, buf, sizeof(buf)), 5);
	ck_assert_str_eq(buf, "hello");
	unlink(spec + 5);
}
END_TEST

START_TEST(full_device_is_reported_once)
{
	open_spec("file:/dev/full");
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(b->ops->write(b, (const uint8_t *)"x", 1),
				  1);
		loop_once();
	}
	close_all();
}
END_TEST

START_TEST(pty_carries_both_ways_and_survives_a_hangup)
{
	char name[64] = "", buf[16] = "", line[128] = "";
	FILE *log = fmemopen(line, sizeof(line), "w");
	struct char_open_args args = { .log = log };
	int fd;

	ck_assert_int_eq(loop_create(&loop), 0);
	args.loop = loop;
	ck_assert_msg(!char_open(&b, "pty", &args, err, sizeof(err)), "%s",
		      err);
	fclose(log);
	ck_assert_int_eq(sscanf(line, "umbra: serial port on %63s", name), 1);
	guest.room = 100;
	b->ops->set_receiver(b, &receiver, NULL);
	for (unsigned i = 1; i <= 2; i++) {
		fd = open(name, O_RDWR | O_NOCTTY);
		ck_assert_int_ge(fd, 0);
		put(fd, "ab");
		run_until(2 * i);
		b->ops->write(b, (const uint8_t *)"cd", 2);
		loop_once();
		ck_assert_int_eq(read(fd, buf, sizeof(buf)), 2);
		ck_assert_int_eq(memcmp(buf, "cd", 2), 0);
		close(fd);
	}
	ck_assert_str_eq(guest.got, "abab");
	close_all();
}
END_TEST

/*
 * The terminal: a child with a pty of its own goes raw, tells us, and leaves
 * in one of these ways.
 */
static void leave_exit(void) { exit(0); }
static void leave_abort(void) { abort(); }
static void leave_segv(void) { raise(SIGSEGV); }
static void leave_stop(void) { raise(SIGTSTP); exit(0); }
static void leave_restore(void) { tty_restore(); _exit(0); }

static void (*const leave[])(void) = {
	leave_exit, leave_abort, leave_segv, leave_stop, leave_restore,
};

static void __attribute__((noreturn)) raw_child(int tell, void (*out)(void))
{
	static const struct rlimit no_core;

	setrlimit(RLIMIT_CORE, &no_core);
	if (tty_raw(0) || write(tell, "r", 1) != 1)
		_exit(99);
	usleep(200000);
	out();
	_exit(98);
}

static int connect_to(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(un.sun_path, path);
	return connect(fd, (struct sockaddr *)&un, sizeof(un)) ? -errno : fd;
}

START_TEST(unix_socket_serves_one_client_after_the_other)
{
	char spec[100], buf[8] = "";
	int fd, second;

	snprintf(spec, sizeof(spec), "unix:/tmp/umbra-test-char-%d", getpid());
	open_spec(spec);
	b->ops->set_receiver(b, &receiver, NULL);
	ck_assert_uint_eq(b->ops->write(b, (const uint8_t *)"lost", 4), 4);
	fd = connect_to(spec + 5);
	ck_assert_int_ge(fd, 0);
	loop_once();
	second = connect_to(spec + 5);
	loop_once();
	ck_assert_int_eq(read(second, buf, 1), 0);	/* turned away */
	put(fd, "abcdef");
	guest.room = 2;
	run_until(2);
	guest.room = 100;
	guest.want = 100;	/* no loop_quit() out of the loop */
	b->ops->resume_input(b);
	ck_assert_str_eq(guest.got, "abcdef");
	b->ops->write(b, (const uint8_t *)"xyz", 3);
	loop_once();
	ck_assert_int_eq(read(fd, buf, 3), 3);
	ck_assert_str_eq(buf, "xyz");
	close(fd);
	loop_once();
	loop_once();
	fd = connect_to(spec + 5);
	loop_once();
	put(fd, "g");
	run_until(7);
	/* A socket that is served is not taken away from its owner. */
	ck_assert_int_eq(char_open(&(struct char_backend *){ NULL }, spec,
				   &(struct char_open_args){ .loop = loop },
				   err, sizeof(err)), -EADDRINUSE);
	close_all();
	ck_assert_int_eq(access(spec + 5, F_OK), -1);
}
END_TEST

START_TEST(terminal_is_restored)
{
	struct termios before, raw, after;
	int master, slave, tell[2], status;
	struct sigaction segv;
	char c;
	pid_t pid;

	sigaction(SIGSEGV, NULL, &segv);
	if (leave[_i] == leave_segv && segv.sa_handler != SIG_DFL)
		return;		/* a sanitizer's own handler ends the process */
	ck_assert(!openpty(&master, &slave, NULL, NULL, NULL));
	ck_assert(!pipe(tell));
	tcgetattr(slave, &before);
	pid = fork();
	if (!pid) {
		login_tty(slave);
		raw_child(tell[1], leave[_i]);
	}
	ck_assert_int_eq(read(tell[0], &c, 1), 1);
	tcgetattr(slave, &raw);
	ck_assert(!(raw.c_lflag & (ICANON | ECHO | ISIG)));
	ck_assert(raw.c_oflag & OPOST);
	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
	if (WIFSTOPPED(status)) {
		ck_assert_ptr_eq(leave[_i], leave_stop);
		tcgetattr(slave, &after);
		ck_assert_uint_eq(after.c_lflag, before.c_lflag);
		kill(pid, SIGCONT);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	}
	ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) == 0);
	tcgetattr(slave, &after);
	ck_assert_uint_eq(after.c_lflag, before.c_lflag);
	ck_assert_uint_eq(after.c_iflag, before.c_iflag);
	ck_assert_uint_eq(after.c_cflag, before.c_cflag);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("char");
	TCase *t = tcase_create("char");
	SRunner *r = srunner_create(s);

	tcase_set_timeout(t, 20);
	tcase_add_test(t, unknown_specs_are_refused);
	tcase_add_test(t, input_waits_for_room_and_loses_nothing);
	tcase_add_test(t,
		       input_stays_with_the_host_before_there_is_a_receiver);
	tcase_add_test(t, end_of_input_is_one_ctrl_d);
	tcase_add_test(t, escapes_are_taken_out_of_the_input);
	tcase_add_test(t, output_is_bounded_and_in_order);
	tcase_add_test(t, vanished_reader_is_survived);
	tcase_add_test(t, file_holds_all_output_after_destroy);
	tcase_add_test(t, full_device_is_reported_once);
	tcase_add_test(t, pty_carries_both_ways_and_survives_a_hangup);
	tcase_add_test(t, unix_socket_serves_one_client_after_the_other);
	tcase_add_loop_test(t, terminal_is_restored, 0,
			    sizeof(leave) / sizeof(leave[0]));
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
