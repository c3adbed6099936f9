// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages between a machine and its attendant: neither trusts the other. */
#define _GNU_SOURCE
#include "tests/unit/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/xenstore/parcel.h"

static int sv[2];
static struct parcel out, in;

static void setup(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK,
				    0, sv), 0);
	parcel_init(&out);
}

/* Any bytes as a message. */
static int receive_raw(const void *buf, size_t len)
{
	ck_assert_int_eq(send(sv[0], buf, len, 0), len);
	return parcel_receive(sv[1], &in);
}

START_TEST(strings_and_keys_arrive)
{
	ck_assert_int_eq(parcel_add(&out, "verb"), 0);
	ck_assert_int_eq(parcel_add(&out, ""), 0);
	ck_assert_int_eq(parcel_add_key(&out, "key", "a=b"), 0);
	ck_assert_int_eq(parcel_send(sv[0], &out), 0);
	ck_assert_int_eq(parcel_receive(sv[1], &in), 0);
	ck_assert_uint_eq(in.n, 3);
	ck_assert_str_eq(in.arg[0], "verb");
	ck_assert_str_eq(in.arg[1], "");
	ck_assert_str_eq(in.arg[2], "key=a=b");
	ck_assert_ptr_null(in.arg[3]);
	ck_assert_int_eq(parcel_receive(sv[1], &in), -EAGAIN);
}
END_TEST

START_TEST(descriptors_arrive_as_new_ones)
{
	int fd = open("/dev/null", O_RDONLY);

	parcel_add(&out, "x");
	ck_assert_int_eq(parcel_add_fd(&out, fd), 0);
	ck_assert_int_eq(parcel_add_fd(&out, fd), 0);
	ck_assert_int_eq(parcel_send(sv[0], &out), 0);
	ck_assert_int_eq(parcel_receive(sv[1], &in), 0);
	ck_assert_uint_eq(in.nfds, 2);
	ck_assert_int_ne(in.fd[0], fd);
	ck_assert_int_eq(fcntl(in.fd[1], F_GETFD), FD_CLOEXEC);
	fd = in.fd[0];
	parcel_close_fds(&in);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
	static char big[PARCEL_BYTES + 1];
	unsigned n = 0;

	memset(big, 'x', sizeof(big) - 1);
	ck_assert_int_eq(parcel_add(&out, big), -E2BIG);
	ck_assert_int_eq(parcel_add_key(&out, "k", big), -E2BIG);
	while (!parcel_add(&out, "a"))
		n++;
	ck_assert_uint_eq(n, PARCEL_STRINGS);
	for (n = 0; !parcel_add_fd(&out, 0); n++)
		;
	ck_assert_uint_eq(n, PARCEL_FDS);
}
END_TEST

START_TEST(what_is_malformed_is_refused)
{
	static char big[PARCEL_BYTES + 100];

	ck_assert_int_eq(receive_raw("abc", 3), -EBADMSG);
	ck_assert_int_eq(receive_raw(big, sizeof(big)), -EBADMSG);
	ck_assert_int_eq(receive_raw(big, PARCEL_STRINGS + 1), -EBADMSG);
	ck_assert_int_eq(receive_raw(big, PARCEL_STRINGS), 0);
	ck_assert_uint_eq(in.n, PARCEL_STRINGS);
	ck_assert_int_eq(receive_raw("", 1), 0);
	ck_assert_str_eq(in.arg[0], "");
}
END_TEST

START_TEST(descriptors_of_a_bad_message_are_closed)
{
	int before = dup(0), after;

	close(before);
	out.data[0] = 'x';
	out.len = 1;
	parcel_add_fd(&out, 0);
	ck_assert_int_eq(parcel_send(sv[0], &out), 0);
	ck_assert_int_eq(parcel_receive(sv[1], &in), -EBADMSG);
	after = dup(0);
	ck_assert_int_eq(after, before);
}
END_TEST

START_TEST(the_end_is_EPIPE)
{
	close(sv[0]);
	ck_assert_int_eq(parcel_receive(sv[1], &in), -EPIPE);
	parcel_add(&out, "x");
	ck_assert_int_ne(parcel_send(sv[1], &out), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		strings_and_keys_arrive, descriptors_arrive_as_new_ones,
		what_does_not_fit_is_refused, what_is_malformed_is_refused,
		descriptors_of_a_bad_message_are_closed, the_end_is_EPIPE,
	};

	return rig_main("parcel", setup, tests, ARRAY_SIZE(tests));
}
