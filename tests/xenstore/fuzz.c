// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random messages to the store, compiled with ASan and UBSan: sequences of
 * requests that are mostly well formed, from several connections, with some
 * of the bytes changed.  After each sequence the tree must be in order.
 *
 *	fuzz CASES [SEED [FIRST]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/xenstore/server.h"

#define CONNS		6
#define REQUESTS_MAX	12
/* A store is used for so many cases, so that it grows and is taken apart. */
#define CASES_A_STORE	500

static uint64_t state;
static struct xsd_server s;
static struct xsd_conn *conn[CONNS];
static FILE *null;

/* xorshift64* */
static uint32_t any(uint32_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545f4914f6cdd1d >> 33) % below;
}

static bool one_in(uint32_t n)
{
	return !any(n);
}

struct body {
	uint8_t data[2 * XENSTORE_PAYLOAD_MAX];
	size_t len;
};

static void put(struct body *b, const void *data, size_t len)
{
	if (b->len + len > sizeof(b->data))
		return;
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static void put_text(struct body *b, const char *text)
{
	put(b, text, strlen(text));
}

static void put_nul(struct body *b)
{
	put(b, "", 1);
}

static void put_bytes(struct body *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t c = any(256);

		put(b, &c, 1);
	}
}

/* Few names, so that paths meet. */
static void put_path(struct body *b)
{
	static const char *const names[] = {
		"a", "b", "cc", "local", "domain", "0", "1", "2", "backend",
		"vbd", "device", "vm", "state", "-_@", "verylongname-0123456",
	};
	static const char *const starts[] = {
		"/", "/", "/", "/local/domain/", "/local/domain/1/", "",
		"/local/domain/0/backend/", "@introduceDomain", "@", "//",
	};
	unsigned depth = one_in(50) ? any(400) : any(5);

	put_text(b, starts[any(10)]);
	for (unsigned i = 0; i < depth; i++) {
		if (i)
			put_text(b, "/");
		put_text(b, names[any(15)]);
	}
	if (one_in(40))
		put_bytes(b, 1);
}

static void put_number(struct body *b)
{
	static const char *const special[] = {
		"-1", "", "65535", "99999999999999999999", "0x10", "7ff0",
		"1 ", "4294967296",
	};
	char text[16];

	snprintf(text, sizeof(text), "%u", any(5));
	put_text(b, one_in(10) ? special[any(8)] : text);
	if (!one_in(30))
		put_nul(b);
}

static void put_perms(struct body *b)
{
	unsigned n = one_in(20) ? any(80) : 1 + any(4);

	for (unsigned i = 0; i < n; i++) {
		char text[] = { "nrwbx"[any(5)], '0' + any(4), 0 };

		put(b, text, sizeof(text));
	}
}

static void put_control(struct body *b)
{
	static const char *const words[] = {
		"check", "log", "on", "off", "memreport", "print", "quota",
		"set", "watches", "nodes", "restrict", "keep", "clean", "stop",
		"help", "1", "2", "%n%s",
	};

	for (unsigned i = 0; i <= any(5); i++) {
		put_text(b, words[any(18)]);
		put_nul(b);
	}
}

static void put_payload(struct body *b, uint32_t type)
{
	switch (type) {
	case XS_WRITE:
		put_path(b);
		put_nul(b);
		put_bytes(b, one_in(20) ? any(4200) : any(20));
		break;
	case XS_SET_PERMS:
		put_path(b);
		put_nul(b);
		put_perms(b);
		break;
	case XS_WATCH:
	case XS_UNWATCH:
		put_path(b);
		put_nul(b);
		put_text(b, one_in(2) ? "t" : "token");
		put_nul(b);
		break;
	case XS_TRANSACTION_END:
		put_text(b, one_in(4) ? "F" : "T");
		put_nul(b);
		break;
	case XS_INTRODUCE:
	case XS_RELEASE:
	case XS_RESUME:
	case XS_SET_TARGET:
	case XS_GET_DOMAIN_PATH:
	case XS_IS_DOMAIN_INTRODUCED:
		for (unsigned i = any(4); i < 4; i++)
			put_number(b);
		break;
	case XS_CONTROL:
		put_control(b);
		break;
	case XS_DIRECTORY_PART:
		put_path(b);
		put_nul(b);
		put_number(b);
		break;
	case XS_TRANSACTION_START:
	case XS_RESET_WATCHES:
		put_nul(b);
		break;
	default:
		put_path(b);
		if (!one_in(30))
			put_nul(b);
	}
}

static void flip(struct body *b)
{
	for (unsigned n = 1 + any(4); n && b->len; n--)
		b->data[any(b->len)] ^= 1 << any(8);
	if (one_in(4))
		b->len = any(b->len + 1);
}

static void message(struct body *out)
{
	/* The changing requests more often. */
	static const uint32_t often[] = {
		XS_WRITE, XS_WRITE, XS_MKDIR, XS_RM, XS_TRANSACTION_START,
		XS_TRANSACTION_END, XS_WATCH, XS_SET_PERMS,
	};
	uint32_t type = one_in(2) ? often[any(8)] : any(24);
	struct xsd_sockmsg h = { type, any(9), one_in(2) ? any(6) : 0, 0 };
	struct body b = { .len = 0 };

	put_payload(&b, type);
	if (one_in(8))
		flip(&b);
	h.len = b.len;
	if (one_in(200))
		h.len += any(64) - 32;
	if (one_in(500))
		h.type = any(1u << 30);
	put(out, &h, sizeof(h));
	put(out, b.data, b.len);
}

/* Bytes in pieces, as a socket would bring them. */
static void deliver(struct xsd_conn *c, const struct body *b)
{
	size_t at = 0;

	while (at < b->len && !c->dead) {
		size_t n = 1 + any(one_in(4) ? 20 : 5000);

		if (n > b->len - at)
			n = b->len - at;
		xsd_conn_input(c, b->data + at, n);
		at += n;
	}
}

static void one_case(void)
{
	unsigned n = 1 + any(REQUESTS_MAX);

	for (unsigned i = 0; i < n; i++) {
		struct xsd_conn **c = &conn[any(CONNS)];
		struct body b = { .len = 0 };

		if (!*c)
			*c = xsd_conn_new(&s, -1);
		message(&b);
		deliver(*c, &b);
		if (one_in(50))
			xsd_conn_kill(*c, NULL);
		if (one_in(3))
			xsd_conn_drop_output(*c);
		for (unsigned k = 0; k < CONNS; k++)
			if (conn[k] && conn[k]->dead)
				conn[k] = NULL;
		xsd_server_reap(&s);
	}
}

static void fresh_store(void)
{
	if (s.tree)
		xsd_server_fini(&s);
	if (xsd_server_init(&s, NULL, null))
		abort();
	memset(conn, 0, sizeof(conn));
}

int main(int argc, char **argv)
{
	unsigned long cases = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	unsigned long seed = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
	unsigned long first = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;

	null = fopen("/dev/null", "w");
	if (!null)
		return 1;
	for (unsigned long i = first; i < first + cases; i++) {
		const char *why;

		if (i == first || !(i % CASES_A_STORE))
			fresh_store();
		state = (seed * 1000003 + i) * 0x9e3779b97f4a7c15 | 1;
		one_case();
		why = xsd_tree_check(s.tree);
		if (why) {
			printf("not ok case %lu of seed %lu: %s\n", i, seed,
			       why);
			return 1;
		}
	}
	xsd_server_fini(&s);
	fclose(null);
	printf("ok %lu cases of seed %lu\n", cases, seed);
	return 0;
}
