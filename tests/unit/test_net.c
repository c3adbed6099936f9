// SPDX-License-Identifier: GPL-2.0-or-later
/* Network backends: frames in and out of each kind, and what they refuse. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/net.h"
#include "backends/net_open.h"
#include "hypervisor/loop.h"

static struct loop *loop;
static FILE *log_file;
static char err[300];

/* A card: keeps the last frame; may have no room. */
struct card {
	uint8_t frame[NET_FRAME_MAX];
	size_t len;
	unsigned count;
	bool full;
};

static bool ready(void *opaque)
{
	return !((struct card *)opaque)->full;
}

static void receive(void *opaque, const uint8_t *frame, size_t len)
{
	struct card *c = opaque;

	memcpy(c->frame, frame, len);
	c->len = len;
	c->count++;
	loop_quit(loop);
}

static const struct net_receiver receiver = { ready, receive, NULL };

static void setup(void)
{
	ck_assert_int_eq(loop_create(&loop), 0);
	log_file = fopen("/dev/null", "w");
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

static struct net_backend *make(const char *kind, const char *k1,
				const char *k2)
{
	const char *keys[] = { k1, k2, NULL };
	struct net_open_args args = { loop, log_file };
	struct net_backend *b;

	ck_assert_msg(!net_open(&b, kind, keys, &args, err, sizeof(err)),
		      "%s", err);
	return b;
}

static void expect_error(const char *kind, const char *key, const char *why)
{
	const char *keys[] = { key, NULL };
	struct net_open_args args = { loop, log_file };
	struct net_backend *b;

	ck_assert_int_lt(net_open(&b, kind, keys, &args, err, sizeof(err)), 0);
	ck_assert_msg(strstr(err, why), "\"%s\" lacks \"%s\"", err, why);
}

START_TEST(mistakes_are_named)
{
	expect_error("carrier-pigeon", NULL, "no such network");
	expect_error("user", "colour=red", "key colour is not known");
	expect_error("socket", NULL, "one of listen= and connect=");
	expect_error("socket", "listen=nowhere", "unix:PATH");
	expect_error("socket", "connect=unix:/nonexistent/x", "No such file");
	expect_error("tap", "ifname=no/name", "ip tuntap");
}
END_TEST

/* Two machines on one cable. */
START_TEST(socket_joins_two_machines)
{
	struct card a = { 0 }, b = { 0 };
	struct net_backend *l, *c;
	char on[100], to[100];
	uint8_t frame[NET_FRAME_MAX];

	snprintf(on, sizeof(on), "listen=unix:/tmp/umbra-test-net-%d",
		 getpid());
	snprintf(to, sizeof(to), "connect=unix:/tmp/umbra-test-net-%d",
		 getpid());
	l = make("socket", on, NULL);
	c = make("socket", to, NULL);
	l->ops->set_receiver(l, &receiver, &a);
	c->ops->set_receiver(c, &receiver, &b);
	for (unsigned len = 14; len <= NET_FRAME_MAX; len += 94) {
		memset(frame, len, len);
		c->ops->send(c, frame, len);
		loop_run(loop);
		ck_assert_uint_eq(a.len, len);
		ck_assert_int_eq(memcmp(a.frame, frame, len), 0);
		l->ops->send(l, frame, len);
		loop_run(loop);
		ck_assert_uint_eq(b.len, len);
	}
	c->ops->destroy(c);
	l->ops->destroy(l);
}
END_TEST

/* A frame that the card has no room for waits until it has. */
START_TEST(socket_holds_frames_back)
{
	struct card a = { .full = true };
	struct net_backend *l, *c;
	char on[100], to[100];
	uint8_t frame[60] = { 0 };

	snprintf(on, sizeof(on), "listen=unix:/tmp/umbra-test-net-%d",
		 getpid());
	snprintf(to, sizeof(to), "connect=unix:/tmp/umbra-test-net-%d",
		 getpid());
	l = make("socket", on, NULL);
	c = make("socket", to, NULL);
	l->ops->set_receiver(l, &receiver, &a);
	for (unsigned i = 0; i < 5; i++)
		c->ops->send(c, frame, sizeof(frame));
	for (unsigned i = 0; i < 10; i++)
		loop_once();
	ck_assert_uint_eq(a.count, 0);
	a.full = false;
	l->ops->resume(l);
	ck_assert_uint_eq(a.count, 5);
}
END_TEST

START_TEST(pcap_records_both_directions)
{
	char path[] = "/tmp/umbra-test-pcap-XXXXXX", key[100], on[100];
	uint8_t frame[60] = { 1, 2, 3 }, file[400];
	struct card card = { 0 };
	struct net_backend *b;
	int fd = mkstemp(path);

	snprintf(key, sizeof(key), "pcap=%s", path);
	snprintf(on, sizeof(on), "listen=unix:/tmp/umbra-test-net-%d",
		 getpid());
	b = make("socket", on, key);
	b->ops->set_receiver(b, &receiver, &card);
	b->ops->send(b, frame, sizeof(frame));
	ck_assert_int_eq(read(fd, file, sizeof(file)), 24 + 16 + 60);
	ck_assert_uint_eq(*(uint32_t *)file, 0xa1b23c4d);
	ck_assert_uint_eq(*(uint32_t *)(file + 20), 1);
	ck_assert_uint_eq(*(uint32_t *)(file + 24 + 8), 60);
	ck_assert_int_eq(memcmp(file + 40, frame, 60), 0);
	b->ops->destroy(b);
	unlink(path);
}
END_TEST

/* User networking: "who has 10.0.2.2?" gets an answer. */
static const uint8_t arp[60] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0x12, 0x34, 0x56,
	8, 6, 0, 1, 8, 0, 6, 4, 0, 1,
	0x52, 0x54, 0, 0x12, 0x34, 0x56, 10, 0, 2, 15,
	0, 0, 0, 0, 0, 0, 10, 0, 2, 2,
};

static struct net_backend *user(const char *k1, const char *k2)
{
	const char *keys[] = { k1, k2, NULL };
	struct net_open_args args = { loop, log_file };
	struct net_backend *b;

	if (net_open(&b, "user", keys, &args, err, sizeof(err)) == -ENOTSUP) {
		printf("# user networking is not built in: not tested\n");
		exit(0);
	}
	ck_assert_ptr_nonnull(b);
	return b;
}

START_TEST(user_network_answers_arp)
{
	struct card card = { 0 };
	struct net_backend *b = user(NULL, NULL);

	b->ops->set_receiver(b, &receiver, &card);
	b->ops->send(b, arp, sizeof(arp));
	loop_run(loop);
	ck_assert_uint_ge(card.len, 42);
	ck_assert_uint_eq(card.frame[21], 2);		/* a reply */
	ck_assert_int_eq(memcmp(card.frame + 28, "\x0a\0\x02\x02", 4), 0);
	b->ops->destroy(b);
}
END_TEST

START_TEST(user_network_refuses_what_it_cannot_do)
{
	user(NULL, NULL);
	expect_error("user", "hostfwd=tcp:80", "not tcp|udp");
	expect_error("user", "hostfwd=tcp::99999-:22", "not tcp|udp");
	expect_error("user", "net=1.2.3/4", "not ADDR/BITS");
	expect_error("user", "dns=none", "not an IPv4 address");
}
END_TEST

/* A connection to the forwarded port makes the stack look for the guest. */
START_TEST(user_network_forwards_ports)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct card card = { 0 };
	struct net_backend *b;
	socklen_t len = sizeof(in);
	char key[100];
	int s = socket(AF_INET, SOCK_STREAM, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(s, (void *)&in, sizeof(in)), 0);
	ck_assert_int_eq(getsockname(s, (void *)&in, &len), 0);
	close(s);
	snprintf(key, sizeof(key), "hostfwd=tcp::%u-10.0.2.15:22",
		 ntohs(in.sin_port));
	b = user(key, NULL);
	b->ops->set_receiver(b, &receiver, &card);
	s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	connect(s, (void *)&in, sizeof(in));
	loop_run(loop);
	ck_assert_uint_eq(card.frame[12] << 8 | card.frame[13], 0x0806);
	/* A second one cannot have the port. */
	expect_error("user", key, "Address already in use");
	close(s);
	b->ops->destroy(b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("net");
	TCase *t = tcase_create("backends");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, mistakes_are_named);
	tcase_add_test(t, socket_joins_two_machines);
	tcase_add_test(t, socket_holds_frames_back);
	tcase_add_test(t, pcap_records_both_directions);
	tcase_add_test(t, user_network_answers_arp);
	tcase_add_test(t, user_network_refuses_what_it_cannot_do);
	tcase_add_test(t, user_network_forwards_ports);
	tcase_set_timeout(t, 20);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
