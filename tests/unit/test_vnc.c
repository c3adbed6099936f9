/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RFB messages of a client that means no good, 10^5 of them.  The test keeps its own idea of the protocol (RFC 6143): what the
 * server must answer, byte for byte where it can be known, when it must hang
 * up, and what must reach keyboard and mouse.  At the end of each session
 * comes something of which nothing is expected but that the next one works.
 *
 * The test is the client, on a socket of its own that the server's loop watches
 * as well: waiting for an answer is running the loop, all in one thread.  An
 * answer is waited for before anything is sent that would change its form.
 */
#define _GNU_SOURCE
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#ifdef HAVE_ZLIB
#include <zlib.h>
#endif

#include "backends/display.h"
#include "backends/keys.h"
#include "backends/vnc.h"
#include "backends/vnc_auth.h"
#include "backends/vnc_priv.h"
#include "hypervisor/loop.h"
#include "tests/unit/fuzz.h"

#define SIDE_MAX	150	/* pixels */
#define PASSWORD	"umbra"
#define SIZE		(-223)	/* the pseudo-encoding of a new size */

static struct loop *loop;
static struct display *display;
static struct vnc *vnc[2];	/* without a password, and with one */
static char path[2][64];

/* What came through, and what should have. */
static unsigned keys, mice, keys_sent, mice_sent;

/* The session, as the test understands it. */
static int sock;
static struct vnc_format format;
static unsigned width, height;
static bool zrle, can_resize, resized, closed;
static bool pointer_seen;
#ifdef HAVE_ZLIB
static z_stream inflater;
#endif

/* Check's own write a line to a pipe each, which is too much for so many. */
#define must(good) \
	do { \
		if (!(good)) \
			ck_abort_msg("line %u: %s", __LINE__, #good); \
	} while (0)

static void on_key(void *o, unsigned code, int down)
{
	must(code != 0);
	keys++;
}

static void on_mouse(void *o, int dx, int dy, int dz, unsigned buttons)
{
	must(abs(dx) <= 65535);
	must(abs(dy) <= 65535);
	must(abs(dz) <= 1);
	must(buttons <= 7);
	mice++;
}

static const struct input_ops input = { on_key, on_mouse };

static void setup(void)
{
	char spec[160], err[160];

	ck_assert_int_eq(loop_create(&loop), 0);
	ck_assert_int_eq(display_create(&display), 0);
	ck_assert_int_eq(display_resize(display, 70, 40), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct vnc_config cfg = {
			.loop = loop, .display = display, .listen = spec,
			.password = i ? PASSWORD : NULL, .name = "Umbra",
			.input = &input,
		};

		snprintf(path[i], sizeof(path[i]), "/tmp/umbra-test-vnc-%d-%u",
			 getpid(), i);
		snprintf(spec, sizeof(spec), "unix:%s", path[i]);
		ck_assert_msg(!vnc_create(&vnc[i], &cfg, err, sizeof(err)),
			      "%s", err);
	}
}

static void teardown(void)
{
	for (unsigned i = 0; i < 2; i++) {
		vnc_destroy(vnc[i]);
		unlink(path[i]);
	}
	display_destroy(display);
	loop_destroy(loop);
}

/*
 * The client.
 */

static unsigned any(unsigned below)
{
	return rand() % below;
}

/* Something happened on our socket. */
static void on_ready(void *opaque, int fd, short revents)
{
	loop_quit(loop);
}

/* A server that does not answer ends the test by SIGALRM. */
static void wait_for(short events)
{
	alarm(60);
	loop_set_events(loop, sock, events);
	loop_run(loop);
	loop_set_events(loop, sock, 0);
}

/* The server may have hung up already. */
static void put(const void *buf, size_t len)
{
	const uint8_t *p = buf;

	while (len && !closed) {
		ssize_t n = send(sock, p, len, MSG_NOSIGNAL);

		if (n > 0) {
			p += n;
			len -= n;
		} else if (n < 0 && errno == EAGAIN) {
			wait_for(POLLOUT);
		} else {
			closed = true;
		}
	}
}

/* Up to @len bytes; 0 when the server has hung up. */
static size_t get_some(void *buf, size_t len)
{
	ssize_t n;

	while ((n = recv(sock, buf, len, 0)) < 0 && errno == EAGAIN)
		wait_for(POLLIN);
	return n > 0 ? n : 0;
}

static void get(void *buf, size_t len)
{
	for (size_t n; len; len -= n) {
		n = get_some(buf, len);
		must(n > 0);
		buf = (uint8_t *)buf + n;
	}
}

static unsigned get16(void)
{
	uint8_t b[2];

	get(b, 2);
	return vnc_get16(b);
}

static uint32_t get32(void)
{
	uint8_t b[4];

	get(b, 4);
	return vnc_get32(b);
}

static void expect_end(void)
{
	char c;

	must(get_some(&c, 1) == 0);
	closed = true;
}

static void connect_to(unsigned which)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char hello[12];

	strcpy(un.sun_path, path[which]);
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	must(connect(sock, (void *)&un, sizeof(un)) == 0);
	must(loop_add_fd(loop, sock, 0, on_ready, NULL) == 0);
	get(hello, 12);
	must(memcmp(hello, "RFB 003.008\n", 12) == 0);
	closed = zrle = can_resize = resized = pointer_seen = false;
}

/*
 * Getting in.
 */

static void put_version(unsigned minor)
{
	char text[13];

	snprintf(text, sizeof(text), "RFB 003.00%u\n", minor);
	put(text, 12);
}

/* A wrong answer: 7.1.3 has a reason behind it in 3.8. */
static void expect_refusal(unsigned minor)
{
	char reason[64];
	uint32_t n;

	must(get32() == 1);
	if (minor == 8) {
		n = get32();
		must(n < sizeof(reason));
		get(reason, n);
	}
	expect_end();
}

static void answer(unsigned minor)
{
	uint8_t challenge[VNC_CHALLENGE], reply[VNC_CHALLENGE];
	bool wrong = !any(8);

	get(challenge, sizeof(challenge));
	vnc_response(PASSWORD, challenge, reply);
	if (wrong)
		reply[any(VNC_CHALLENGE)] ^= 1 << any(8);
	put(reply, sizeof(reply));
	if (wrong)
		expect_refusal(minor);
	else
		must(get32() == 0);
}

static void choose_security(unsigned which, unsigned minor)
{
	uint8_t list[2], choice = any(12) ? which + 1 : any(256);

	get(list, 2);
	must(list[0] == 1);
	must(list[1] == which + 1);
	put(&choice, 1);
	if (choice != which + 1)
		expect_refusal(minor);
	else if (which)
		answer(minor);
	else if (minor == 8)
		must(get32() == 0);
}

static void handshake(unsigned which)
{
	static const unsigned minors[] = { 3, 7, 8, 8, 8, 5 };
	unsigned minor = minors[any(6)];

	if (!any(40)) {
		char junk[12];

		for (unsigned i = 0; i < 12; i++)
			junk[i] = any(256);
		put(junk, 12);
		expect_end();
		return;
	}
	put_version(minor);
	if (minor >= 7 && minor != 5) {
		choose_security(which, minor);
	} else {
		must(get32() == which + 1);
		if (which)
			answer(3);
	}
}

static void init(void)
{
	uint8_t b[24], shared = any(256);
	char name[5];

	put(&shared, 1);
	get(b, sizeof(b));
	must(vnc_get16(b) == width);
	must(vnc_get16(b + 2) == height);
	must(vnc_get32(b + 20) == 5);
	get(name, 5);
	must(memcmp(name, "Umbra", 5) == 0);
	format = (struct vnc_format){ 32, 24, 0, 1, { 255, 255, 255 },
				      { 16, 8, 0 } };
#ifdef HAVE_ZLIB
	inflateReset(&inflater);
#endif
}

/*
 * Updates.
 */

/* Every pixel of the test's screen has this colour. */
static uint32_t colour;

static uint32_t converted(void)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 3; i++)
		v |= ((colour >> (16 - 8 * i) & 0xff) * format.max[i] + 127) /
		     255 << format.shift[i];
	return v;
}

static void expect_raw(unsigned w, unsigned h)
{
	unsigned n = format.bits / 8;
	uint32_t want = converted();
	uint8_t line[SIDE_MAX * 4];

	for (; h; h--) {
		get(line, w * n);
		for (unsigned i = 0; i < w * n; i++) {
			unsigned at = format.big_endian ? n - 1 - i % n : i % n;

			must(line[i] == (want >> 8 * at & 0xff));
		}
	}
}

/* A single colour: each tile is its kind (1) and the colour. */
static void expect_zrle(unsigned w, unsigned h)
{
	uint32_t len = get32();
	static uint8_t packed[1 << 16];
#ifdef HAVE_ZLIB
	unsigned tiles = (w + VNC_TILE - 1) / VNC_TILE *
			 ((h + VNC_TILE - 1) / VNC_TILE);
	uint8_t flat[256];
	unsigned n;
#endif

	must(len <= sizeof(packed));
	get(packed, len);
#ifdef HAVE_ZLIB
	inflater.next_in = packed;
	inflater.avail_in = len;
	inflater.next_out = flat;
	inflater.avail_out = sizeof(flat);
	must(inflate(&inflater, Z_SYNC_FLUSH) == Z_OK);
	must(inflater.avail_in == 0);
	n = sizeof(flat) - inflater.avail_out;
	must(n % tiles == 0);
	must(n / tiles >= 2);
	must(n / tiles <= 5);
	for (unsigned i = 0; i < tiles; i++) {
		must(flat[i * (n / tiles)] == 1);
		must(memcmp(flat + i * (n / tiles), flat, n / tiles) == 0);
	}
#endif
}

/* One update; @whole: every pixel is in it, once. */
static void expect_update(bool whole)
{
	unsigned rects, pixels = 0, at[4];

	must(get16() >> 8 == 0);
	rects = get16();
	for (unsigned i = 0; i < rects; i++) {
		int32_t encoding;

		for (unsigned k = 0; k < 4; k++)
			at[k] = get16();
		encoding = get32();
		if (encoding == SIZE) {
			must(resized && can_resize && !i);
			must(at[2] == width);
			must(at[3] == height);
			resized = false;
			continue;
		}
		must(encoding == (zrle ? VNC_ZRLE : VNC_RAW));
		must(at[2] && at[3]);
		must(at[0] + at[2] <= width);
		must(at[1] + at[3] <= height);
		pixels += at[2] * at[3];
		if (zrle)
			expect_zrle(at[2], at[3]);
		else
			expect_raw(at[2], at[3]);
	}
	must(!resized);
	must(rects >= 1);
	if (whole)
		must(pixels == width * height);
}

static void request(bool whole)
{
	uint8_t m[10] = { 3, !whole };

	for (unsigned i = 2; i < 10; i++)
		m[i] = any(256);
	put(m, sizeof(m));
	if (closed)
		return;
	if (resized && !can_resize)
		expect_end();
	else
		expect_update(whole);
}

/*
 * The guest's side.
 */

static void paint(void)
{
	const struct display_surface *s = display_surface(display);

	colour = rand() & 0xffffff;
	for (unsigned i = 0; i < s->width * s->height; i++)
		s->pixels[i] = colour;
}

/* Another size, or a part that changed; then an update is asked for. */
static void change_screen(void)
{
	unsigned w = width, h = height;
	struct display_rect r;

	if (!any(3)) {
		width = 1 + any(SIDE_MAX);
		height = 1 + any(SIDE_MAX);
	}
	must(display_resize(display, width, height) == 0);
	resized |= w != width || h != height;
	paint();
	r.x = any(width);
	r.y = any(height);
	r.width = 1 + any(width - r.x);
	r.height = 1 + any(height - r.y);
	display_damage(display, &r);
	request(false);
}

/*
 * Messages.
 */

static void msg_format(void)
{
	static const uint8_t sizes[] = { 8, 16, 32, 32, 32, 24, 0, 64 };
	uint8_t m[20] = { 0 };
	struct vnc_format f = { .big_endian = !any(4), .true_colour = !!any(9) };
	bool good;

	f.bits = sizes[any(any(4) ? 5 : 8)];
	good = f.true_colour && f.bits && (f.bits & (f.bits - 1)) == 0 &&
	       f.bits <= 32;
	m[4] = f.bits;
	m[5] = any(256);
	m[6] = f.big_endian;
	m[7] = f.true_colour;
	for (unsigned i = 0; i < 3; i++) {
		f.max[i] = any(3) ? 255 : any(65536);
		f.shift[i] = any(30) ? any(32) : any(256);
		good &= f.shift[i] < 32;
		vnc_put16(m + 8 + 2 * i, f.max[i]);
		m[14 + i] = f.shift[i];
	}
	put(m, sizeof(m));
	if (good)
		format = f;
	else
		expect_end();
}

static void msg_encodings(void)
{
	static const int32_t known[] = { VNC_RAW, VNC_ZRLE, SIZE, 1, 5, -239 };
	unsigned n = any(10) ? any(8) : any(400);
	uint8_t m[4 + 4 * 400] = { 2 };
	bool with_zrle = false, with_size = false;

	vnc_put16(m + 2, n);
	for (unsigned i = 0; i < n; i++) {
		int32_t e = any(4) ? known[any(6)] : rand();

		vnc_put32(m + 4 + 4 * i, e);
		with_zrle |= e == VNC_ZRLE;
		with_size |= e == SIZE;
	}
	put(m, 4 + 4 * n);
	if (n > 256) {
		expect_end();
		return;
	}
#ifdef HAVE_ZLIB
	zrle = with_zrle;
#endif
	can_resize = with_size;
}

static void msg_key(void)
{
	uint8_t m[8] = { 4, any(3), any(256), any(256) };
	uint32_t sym = any(4) ? any(0x80) + any(2) * 0xff00 :
			  (uint32_t)rand();

	vnc_put32(m + 4, sym);
	keys_sent += !!key_by_keysym(sym);
	put(m, sizeof(m));
}

static void msg_pointer(void)
{
	uint8_t m[6] = { 5, any(256), any(256), any(256), any(256),
			 any(256) };

	/* The first one only says where it is. */
	mice_sent += pointer_seen;
	pointer_seen = true;
	put(m, sizeof(m));
}

static void msg_cut(void)
{
	static uint8_t m[8 + 70000];
	unsigned n = any(50) ? any(200) : any(70000);

	m[0] = 6;
	vnc_put32(m + 4, n);
	put(m, 8 + n);
	if (n > 65536)
		expect_end();
}

static void msg_request(void)
{
	request(true);
}

static void (*const messages[])(void) = {
	msg_format, msg_encodings, msg_key, msg_key, msg_pointer, msg_pointer,
	msg_cut, msg_request, change_screen,
};
#define MESSAGES	(sizeof(messages) / sizeof(messages[0]))

/* Something of every length; it may be half a message. */
static void garbage(void)
{
	uint8_t m[64];
	unsigned n = any(sizeof(m));

	for (unsigned i = 0; i < n; i++)
		m[i] = any(3) ? any(8) : any(256);
	put(m, n);
	shutdown(sock, SHUT_WR);
	while (get_some(m, sizeof(m)))
		;
	/* Whatever that was, the server is done with it. */
	keys_sent = keys;
	mice_sent = mice;
}

static void expect_input(void)
{
	must(keys == keys_sent);
	must(mice == mice_sent);
}

/* An unknown message ends it; what was sent before must have arrived. */
static void end_session(void)
{
	uint8_t unknown = any(2) ? 1 : 7 + any(249);

	if (!closed)
		put(&unknown, 1);
	if (!closed)
		expect_end();
	expect_input();
}

/* Returns how many messages it had. */
static unsigned session(void)
{
	unsigned which = !any(4), n = 0, end = any(30);

	connect_to(which);
	handshake(which);
	if (!closed)
		init();
	while (!closed && n < end) {
		messages[any(MESSAGES)]();
		n++;
	}
	if (closed || any(4)) {
		end_session();
	} else {
		msg_request();	/* with its answer, all before it was read */
		expect_input();
		if (!closed)
			garbage();
	}
	loop_del_fd(loop, sock);
	close(sock);
	return n + 1;
}

START_TEST(random_messages_do_no_harm)
{
	unsigned n = fuzz_cases(100000), done = 0;

	srand(7);
	width = 70;
	height = 40;
#ifdef HAVE_ZLIB
	ck_assert_int_eq(inflateInit(&inflater), Z_OK);
#endif
	while (done < n)
		done += session();
#ifdef HAVE_ZLIB
	inflateEnd(&inflater);
#endif
	ck_assert_uint_gt(keys, done / 40);
	ck_assert_uint_gt(mice, done / 40);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vnc");
	TCase *t = tcase_create("random_messages_do_no_harm");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, random_messages_do_no_harm);
	tcase_set_timeout(t, 120);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
