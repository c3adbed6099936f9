// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The store, message by message: what Xen's docs/misc/xenstore.txt says of
 * each request, permissions, transactions, watches, quotas.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/xenstore/server.h"
#include "tests/unit/rig.h"

static struct xsd_server s;
static struct xsd_conn *host, *guest;	/* domain 0; domain 1, restricted */

/* The answer to the last request, and the events that came with it. */
static struct {
	uint32_t type;
	char body[XENSTORE_PAYLOAD_MAX + 1];
	size_t len;
} got;
static char events[4096];	/* "path token;" ... */

static void take(struct xsd_conn *c)
{
	got.type = XS_INVALID;
	for (struct xsd_out *o = c->out; o; o = o->next) {
		const struct xsd_sockmsg *h = (const void *)o->data;
		const char *body = (const char *)(h + 1);

		ck_assert_uint_eq(h->len + sizeof(*h), o->len);
		if (h->type == XS_WATCH_EVENT) {
			size_t n = strlen(events);

			snprintf(events + n, sizeof(events) - n, "%s %s;",
				 body, body + strlen(body) + 1);
			continue;
		}
		ck_assert_uint_eq(h->req_id, 7);
		got.type = h->type;
		got.len = h->len;
		memcpy(got.body, body, h->len);
		got.body[h->len] = '\0';
	}
	xsd_conn_drop_output(c);
}

static void feed(struct xsd_conn *c, uint32_t type, uint32_t tx,
		 const void *body, size_t len)
{
	struct xsd_sockmsg h = { type, 7, tx, len };

	xsd_conn_input(c, (const uint8_t *)&h, sizeof(h));
	xsd_conn_input(c, body, len);
}

/* Send a request; @body counts its last NUL.  Returns 0 or the errno. */
static int ask(struct xsd_conn *c, uint32_t type, uint32_t tx,
	       const void *body, size_t len)
{
	*events = '\0';
	feed(c, type, tx, body, len);
	take(c);
	ck_assert_ptr_null(xsd_tree_check(s.tree));
	if (got.type == XS_ERROR) {
		for (unsigned i = 0; i < 16; i++)
			if (!strcmp(xsd_errors[i].errstring, got.body))
				return xsd_errors[i].errnum;
		return -1;
	}
	ck_assert_uint_eq(got.type, type);
	return 0;
}
#define ASK(c, type, tx, text) ask(c, type, tx, text, sizeof(text))
/* Without the literal's own NUL: values. */
#define ASK0(c, type, tx, text) ask(c, type, tx, text, sizeof(text) - 1)

#define got_is(text) \
	do { \
		ck_assert_uint_eq(got.len, sizeof(text)); \
		ck_assert_mem_eq(got.body, text, sizeof(text)); \
	} while (0)
#define value_is(text) \
	do { \
		ck_assert_uint_eq(got.len, sizeof(text) - 1); \
		ck_assert_mem_eq(got.body, text, sizeof(text) - 1); \
	} while (0)

static uint32_t begin(struct xsd_conn *c)
{
	ck_assert_int_eq(ASK(c, XS_TRANSACTION_START, 0, ""), 0);
	return strtoul(got.body, NULL, 10);
}

static int end(struct xsd_conn *c, uint32_t tx)
{
	return ASK(c, XS_TRANSACTION_END, tx, "T");
}

static void setup(void)
{
	ck_assert_int_eq(xsd_server_init(&s, NULL, stderr), 0);
	host = xsd_conn_new(&s, -1);
	guest = xsd_conn_new(&s, -1);
	ck_assert_int_eq(ASK(host, XS_INTRODUCE, 0, "1\0" "0\0" "0"), 0);
	ck_assert_int_eq(ASK(guest, XS_CONTROL, 0, "restrict\0" "1"), 0);
	ck_assert_int_eq(ASK(host, XS_MKDIR, 0, "/local/domain/1"), 0);
	ck_assert_int_eq(ASK(host, XS_SET_PERMS, 0, "/local/domain/1\0n1"), 0);
}

START_TEST(write_and_read_binary_values)
{
	ck_assert_int_eq(ASK0(host, XS_WRITE, 0, "/a/b\0x\0y\n"), 0);
	got_is("OK");
	ck_assert_int_eq(ASK(host, XS_READ, 0, "/a/b"), 0);
	value_is("x\0y\n");
	ck_assert_int_eq(ASK(host, XS_READ, 0, "/a"), 0);
	value_is("");
	ck_assert_int_eq(ASK(host, XS_READ, 0, "/b"), ENOENT);
}
END_TEST

START_TEST(malformed_requests_are_EINVAL)
{
	ck_assert_int_eq(ask(host, XS_READ, 0, "/a", 2), EINVAL);
	ck_assert_int_eq(ask(host, XS_READ, 0, "", 0), EINVAL);
	ck_assert_int_eq(ASK(host, XS_READ, 0, "/a\0b"), EINVAL);
	ck_assert_int_eq(ASK(host, XS_READ, 0, "/a/"), EINVAL);
	ck_assert_int_eq(ASK(host, XS_READ, 0, "//"), EINVAL);
	ck_assert_int_eq(ASK(host, XS_READ, 0, "/a b"), EINVAL);
	ck_assert_int_eq(ASK(host, XS_WRITE, 0, "@releaseDomain\0"), EINVAL);
	ck_assert_int_eq(ask(host, XS_WATCH, 0, "/a\0t", 4), EINVAL);
	ck_assert_int_eq(ASK(host, XS_WATCH, 0, "/a"), EINVAL);
	ck_assert_int_eq(ASK(host, XS_SET_PERMS, 0, "/vm\0"), EINVAL);
	ck_assert_int_eq(ask(host, XS_SET_PERMS, 0, "/vm\0n0", 6), EINVAL);
	ck_assert_int_eq(ASK(host, XS_TRANSACTION_END, 0, "x"), EINVAL);
	ck_assert_int_eq(ASK(host, XS_DIRECTORY_PART, 0, "/vm\0x"), EINVAL);
	ck_assert_int_eq(ASK(host, XS_INTRODUCE, 0, "1\0" "2"), EINVAL);
	ck_assert_int_eq(ASK(host, XS_RELEASE, 0, "x"), EINVAL);
}
END_TEST

START_TEST(unknown_requests_are_ENOSYS)
{
	ck_assert_int_eq(ASK(host, XS_ERROR, 0, ""), ENOSYS);
	ck_assert_int_eq(ASK(host, XS_WATCH_EVENT, 0, ""), ENOSYS);
	ck_assert_int_eq(ASK(host, 20, 0, "1"), ENOSYS);
	ck_assert_int_eq(ASK(host, 23, 0, ""), ENOSYS);
	ck_assert_int_eq(ASK(host, 0xffffffff, 0, ""), ENOSYS);
}
END_TEST

START_TEST(a_message_in_pieces_is_one_message)
{
	struct xsd_sockmsg h = { XS_READ, 7, 0, 15 };
	char all[sizeof(h) + 15];

	memcpy(all, &h, sizeof(h));
	memcpy(all + sizeof(h), "/tool/xenstored", 15);
	h.len = 16;
	memcpy(all, &h, sizeof(h));
	for (size_t i = 0; i < sizeof(all); i++)
		xsd_conn_input(host, (uint8_t *)all + i, 1);
	ck_assert_ptr_null(host->out);
	xsd_conn_input(host, (const uint8_t *)"", 1);
	take(host);
	ck_assert_uint_eq(got.type, XS_READ);
	value_is("umbra");
}
END_TEST

START_TEST(a_message_that_is_too_long_ends_the_connection)
{
	struct xsd_sockmsg h = { XS_READ, 7, 0, XENSTORE_PAYLOAD_MAX + 1 };

	xsd_conn_input(host, (const uint8_t *)&h, sizeof(h));
	ck_assert(host->dead);
	ck_assert(!guest->dead);
}
END_TEST

START_TEST(rm_needs_a_parent_alone)
{
	ASK(host, XS_MKDIR, 0, "/a/b/c");
	ck_assert_int_eq(ASK(host, XS_RM, 0, "/a/x"), 0);
	ck_assert_int_eq(ASK(host, XS_RM, 0, "/a/x/y"), ENOENT);
	ck_assert_int_eq(ASK(host, XS_RM, 0, "/a"), 0);
	ck_assert_int_eq(ASK(host, XS_READ, 0, "/a/b/c"), ENOENT);
	ck_assert_int_eq(ASK(host, XS_RM, 0, "/"), EINVAL);
}
END_TEST

START_TEST(directory_lists_in_order)
{
	ASK(host, XS_MKDIR, 0, "/a/b");
	ASK(host, XS_MKDIR, 0, "/a/aa");
	ASK(host, XS_MKDIR, 0, "/a/a");
	ck_assert_int_eq(ASK(host, XS_DIRECTORY, 0, "/a"), 0);
	got_is("a\0aa\0b");
	ck_assert_int_eq(ASK(host, XS_DIRECTORY, 0, "/a/b"), 0);
	ck_assert_uint_eq(got.len, 0);
}
END_TEST

START_TEST(directory_part_ends_with_an_empty_name)
{
	char gen[32];

	ASK(host, XS_MKDIR, 0, "/a/bb");
	ASK(host, XS_MKDIR, 0, "/a/c");
	ck_assert_int_eq(ASK(host, XS_DIRECTORY_PART, 0, "/a\0" "0"), 0);
	strcpy(gen, got.body);
	ck_assert_uint_eq(got.len, strlen(gen) + 1 + 6);
	ck_assert_mem_eq(got.body + strlen(gen) + 1, "bb\0c\0", 6);
	ck_assert_int_eq(ASK(host, XS_DIRECTORY_PART, 0, "/a\0" "3"), 0);
	ck_assert_mem_eq(got.body + strlen(gen) + 1, "c\0", 3);
	ck_assert_int_eq(ASK(host, XS_DIRECTORY_PART, 0, "/a\0" "99"), 0);
	ck_assert_uint_eq(got.len, strlen(gen) + 2);
	/* A change of the list shows in the generation. */
	ASK(host, XS_MKDIR, 0, "/a/d");
	ASK(host, XS_DIRECTORY_PART, 0, "/a\0" "0");
	ck_assert_str_ne(got.body, gen);
}
END_TEST

START_TEST(a_long_directory_is_E2BIG)
{
	char body[64];

	for (int i = 0; i < 200; i++) {
		int n = snprintf(body, sizeof(body),
				 "/a/a-name-of-twenty-bytes-%d", i) + 1;

		ck_assert_int_eq(ask(host, XS_MKDIR, 0, body, n), 0);
	}
	ck_assert_int_eq(ASK(host, XS_DIRECTORY, 0, "/a"), E2BIG);
	ck_assert_int_eq(ASK(host, XS_DIRECTORY_PART, 0, "/a\0" "0"), 0);
	ck_assert_uint_le(got.len, XENSTORE_PAYLOAD_MAX);
	ck_assert_uint_gt(got.len, XENSTORE_PAYLOAD_MAX - 64);
}
END_TEST

/*
 * Permissions.
 */

START_TEST(a_domain_is_kept_out_of_what_is_not_its)
{
	ASK0(host, XS_WRITE, 0, "/secret\0x");
	ck_assert_int_eq(ASK(guest, XS_READ, 0, "/secret"), EACCES);
	ck_assert_int_eq(ASK(guest, XS_READ, 0, "/absent"), EACCES);
	ck_assert_int_eq(ASK(guest, XS_DIRECTORY, 0, "/"), EACCES);
	ck_assert_int_eq(ASK0(guest, XS_WRITE, 0, "/secret\0y"), EACCES);
	ck_assert_int_eq(ASK0(guest, XS_WRITE, 0, "/new\0y"), EACCES);
	ck_assert_int_eq(ASK(guest, XS_RM, 0, "/secret"), EACCES);
	ck_assert_int_eq(ASK(guest, XS_GET_PERMS, 0, "/secret"), EACCES);
	ck_assert_int_eq(ASK(guest, XS_SET_PERMS, 0, "/secret\0b1"), EACCES);
	ck_assert_int_eq(ASK(guest, XS_CONTROL, 0, "check"), EACCES);
	ck_assert_int_eq(ASK(guest, XS_INTRODUCE, 0, "2\0" "0\0" "0"), EACCES);
	ck_assert_int_eq(ASK(guest, XS_RELEASE, 0, "1"), EACCES);
	ck_assert_int_eq(ASK(guest, XS_SET_TARGET, 0, "1\0" "1"), EACCES);
}
END_TEST

START_TEST(a_domain_owns_what_it_makes)
{
	ck_assert_int_eq(ASK0(guest, XS_WRITE, 0, "data/x\0y"), 0);
	ck_assert_int_eq(ASK(host, XS_READ, 0, "/local/domain/1/data/x"), 0);
	value_is("y");
	ck_assert_int_eq(ASK(guest, XS_GET_PERMS, 0, "data/x"), 0);
	got_is("n1");
	ck_assert_int_eq(ASK(guest, XS_READ, 0, "absent"), ENOENT);
	/* It may let others in, but not give it away. */
	ck_assert_int_eq(ASK(guest, XS_SET_PERMS, 0, "data/x\0n1\0r2"), 0);
	ck_assert_int_eq(ASK(guest, XS_SET_PERMS, 0, "data/x\0n2"), EPERM);
}
END_TEST

START_TEST(single_permissions_are_kept_to)
{
	ASK0(host, XS_WRITE, 0, "/p\0v");
	ASK(host, XS_SET_PERMS, 0, "/p\0n0\0r1");
	ck_assert_int_eq(ASK(guest, XS_READ, 0, "/p"), 0);
	ck_assert_int_eq(ASK0(guest, XS_WRITE, 0, "/p\0w"), EACCES);
	ASK(host, XS_SET_PERMS, 0, "/p\0n0\0w1");
	ck_assert_int_eq(ASK(guest, XS_READ, 0, "/p"), EACCES);
	ck_assert_int_eq(ASK0(guest, XS_WRITE, 0, "/p\0w"), 0);
	ASK(host, XS_SET_PERMS, 0, "/p\0r0");
	ck_assert_int_eq(ASK(guest, XS_READ, 0, "/p"), 0);
	ASK(host, XS_SET_PERMS, 0, "/p\0b0\0n1");
	ck_assert_int_eq(ASK(guest, XS_READ, 0, "/p"), EACCES);
}
END_TEST

START_TEST(a_target_lends_its_permissions)
{
	ASK(host, XS_INTRODUCE, 0, "2\0" "0\0" "0");
	ASK0(host, XS_WRITE, 0, "/p\0v");
	ASK(host, XS_SET_PERMS, 0, "/p\0n2");
	ck_assert_int_eq(ASK(guest, XS_READ, 0, "/p"), EACCES);
	ck_assert_int_eq(ASK(host, XS_SET_TARGET, 0, "1\0" "2"), 0);
	ck_assert_int_eq(ASK(guest, XS_READ, 0, "/p"), 0);
}
END_TEST

/*
 * Transactions.
 */

START_TEST(a_transaction_is_isolated)
{
	uint32_t t = begin(host);

	ASK0(host, XS_WRITE, t, "/a\0in");
	ck_assert_int_eq(ASK(host, XS_READ, 0, "/a"), ENOENT);
	ASK0(host, XS_WRITE, 0, "/b\0out");
	ck_assert_int_eq(ASK(host, XS_READ, t, "/b"), ENOENT);
	ck_assert_int_eq(ASK(host, XS_TRANSACTION_END, t, "F"), 0);
	ck_assert_int_eq(ASK(host, XS_READ, 0, "/a"), ENOENT);
	ck_assert_int_eq(ASK(host, XS_READ, t, "/a"), ENOENT);
	ck_assert_int_eq(end(host, t), ENOENT);
}
END_TEST

START_TEST(transaction_ids_are_the_connections_own)
{
	uint32_t t = begin(host);

	ck_assert_int_eq(ASK(guest, XS_READ, t + 5, "x"), ENOENT);
	ck_assert_int_eq(end(guest, t), ENOENT);
	ck_assert_int_eq(ASK(host, XS_TRANSACTION_START, t, ""), EBUSY);
	ck_assert_int_eq(end(host, t), 0);
}
END_TEST

/* What the transaction did, what others did, and does it conflict? */
static void conflict(uint32_t mine, const char *my_body, size_t my_len,
		     uint32_t theirs, const char *body, size_t len, int want)
{
	uint32_t t;

	ASK(host, XS_RM, 0, "/t");
	ASK(host, XS_MKDIR, 0, "/t/a/b");
	ASK(host, XS_MKDIR, 0, "/t/c");
	t = begin(host);
	ask(host, mine, t, my_body, my_len);
	ck_assert_int_eq(ask(host, theirs, 0, body, len), 0);
	ck_assert_int_eq(end(host, t), want);
}
#define CONFLICT(mine, my, theirs, their, want) \
	conflict(mine, my, sizeof(my), theirs, their, sizeof(their), want)

START_TEST(conflicts_are_where_both_looked)
{
	CONFLICT(XS_READ, "/t/a", XS_WRITE, "/t/a\0x", EAGAIN);
	CONFLICT(XS_READ, "/t/x", XS_WRITE, "/t/x\0x", EAGAIN);
	CONFLICT(XS_READ, "/t/a", XS_SET_PERMS, "/t/a\0r0", EAGAIN);
	CONFLICT(XS_READ, "/t/a/b", XS_RM, "/t/a", EAGAIN);
	CONFLICT(XS_DIRECTORY, "/t", XS_MKDIR, "/t/new", EAGAIN);
	CONFLICT(XS_DIRECTORY, "/t", XS_RM, "/t/c", EAGAIN);
	CONFLICT(XS_WRITE, "/t/a\0x", XS_WRITE, "/t/a\0y", EAGAIN);
	CONFLICT(XS_RM, "/t/a", XS_WRITE, "/t/a/b\0y", EAGAIN);
	CONFLICT(XS_RM, "/t/a", XS_MKDIR, "/t/a/b/new", EAGAIN);
	CONFLICT(XS_RM, "/t/a", XS_MKDIR, "/t/new", EAGAIN);
	CONFLICT(XS_READ, "/t/a", XS_WRITE, "/t/c\0x", 0);
	CONFLICT(XS_WRITE, "/t/a/b\0x", XS_WRITE, "/t/a\0x", 0);
	CONFLICT(XS_WRITE, "/t/a/b\0x", XS_WRITE, "/t/c/d\0x", 0);
	CONFLICT(XS_DIRECTORY, "/t", XS_WRITE, "/t/c\0x", 0);
}
END_TEST

START_TEST(a_commit_keeps_what_others_did_elsewhere)
{
	uint32_t t = begin(host);

	ASK0(host, XS_WRITE, t, "/mine/a\0" "1");
	ASK0(host, XS_WRITE, 0, "/vm/x\0" "2");
	ck_assert_int_eq(end(host, t), 0);
	ck_assert_int_eq(ASK(host, XS_READ, 0, "/mine/a"), 0);
	value_is("1");
	ck_assert_int_eq(ASK(host, XS_READ, 0, "/vm/x"), 0);
	value_is("2");
}
END_TEST

/*
 * Watches.
 */

START_TEST(a_watch_begins_with_an_event)
{
	ck_assert_int_eq(ASK(host, XS_WATCH, 0, "/w\0tok"), 0);
	ck_assert_str_eq(events, "/w tok;");
	ck_assert_int_eq(ASK(host, XS_WATCH, 0, "/w\0tok"), EEXIST);
	ck_assert_int_eq(ASK(host, XS_WATCH, 0, "/w\0other"), 0);
	ASK0(host, XS_WRITE, 0, "/w/x/y\0z");
	ck_assert_str_eq(events, "/w/x/y other;/w/x/y tok;");
	ASK0(host, XS_WRITE, 0, "/wx\0z");
	ck_assert_str_eq(events, "");
	ck_assert_int_eq(ASK(host, XS_UNWATCH, 0, "/w\0tok"), 0);
	ck_assert_int_eq(ASK(host, XS_UNWATCH, 0, "/w\0tok"), ENOENT);
}
END_TEST

START_TEST(removal_tells_watches_below_their_own_path)
{
	ASK(host, XS_MKDIR, 0, "/w/a/b");
	ASK(host, XS_WATCH, 0, "/w/a/b\0below");
	ASK(host, XS_WATCH, 0, "/w/a/never\0absent");
	ASK(host, XS_WATCH, 0, "/w\0above");
	ASK(host, XS_RM, 0, "/w/a");
	ck_assert_str_eq(events, "/w/a above;/w/a/b below;");
}
END_TEST

START_TEST(nothing_happened_means_no_event)
{
	ASK(host, XS_MKDIR, 0, "/w/a");
	ASK(host, XS_WATCH, 0, "/w\0t");
	ASK(host, XS_MKDIR, 0, "/w/a");
	ck_assert_str_eq(events, "");
	ASK(host, XS_RM, 0, "/w/x");
	ck_assert_str_eq(events, "");
	ASK0(host, XS_WRITE, 0, "/w/a\0");
	ck_assert_str_eq(events, "/w/a t;");
	ASK(host, XS_SET_PERMS, 0, "/w/a\0r0");
	ck_assert_str_eq(events, "/w/a t;");
}
END_TEST

START_TEST(relative_watches_have_relative_events)
{
	ck_assert_int_eq(ASK(guest, XS_WATCH, 0, "data\0t"), 0);
	ck_assert_str_eq(events, "data t;");
	ASK0(guest, XS_WRITE, 0, "data/x\0" "1");
	ck_assert_str_eq(events, "data/x t;");
}
END_TEST

START_TEST(a_domain_hears_of_what_it_may_read)
{
	ASK(guest, XS_WATCH, 0, "/p\0t");
	ASK0(host, XS_WRITE, 0, "/p/x\0" "1");
	*events = '\0';
	take(guest);
	ck_assert_str_eq(events, "");
	ASK(host, XS_SET_PERMS, 0, "/p/x\0n0\0r1");
	take(guest);
	ck_assert_str_eq(events, "/p/x t;");
	/* It could read what is gone. */
	ASK(host, XS_RM, 0, "/p/x");
	take(guest);
	ck_assert_str_eq(events, "/p/x t;");
	ASK(guest, XS_WATCH, 0, "@releaseDomain\0r");
	ASK(host, XS_INTRODUCE, 0, "3\0" "0\0" "0");
	ASK(host, XS_RELEASE, 0, "3");
	take(guest);
	ck_assert_str_eq(events, "");
	ASK(host, XS_SET_PERMS, 0, "@releaseDomain\0n0\0r1");
	ASK(host, XS_INTRODUCE, 0, "3\0" "0\0" "0");
	ASK(host, XS_RELEASE, 0, "3");
	take(guest);
	ck_assert_str_eq(events, "@releaseDomain r;");
}
END_TEST

START_TEST(reset_drops_watches_and_transactions)
{
	uint32_t t = begin(host);

	ASK(host, XS_WATCH, 0, "/w\0t");
	ck_assert_int_eq(ASK(host, XS_RESET_WATCHES, 0, ""), 0);
	ASK(host, XS_MKDIR, 0, "/w/x");
	ck_assert_str_eq(events, "");
	ck_assert_int_eq(end(host, t), ENOENT);
}
END_TEST

START_TEST(equal_events_are_queued_once)
{
	feed(host, XS_WATCH, 0, "/w\0t", 5);
	feed(guest, XS_READ, 0, "x", 2);
	for (int i = 0; i < 50; i++)
		feed(host, XS_WRITE, 0, "/w\0v", 4);
	*events = '\0';
	take(host);
	ck_assert_str_eq(events, "/w t;");
}
END_TEST

/*
 * Quotas.
 */

START_TEST(a_domain_has_no_more_than_its_nodes)
{
	char body[32];
	int i, ret = 0, n;

	for (i = 0; !ret && i < 2000; i++) {
		n = snprintf(body, sizeof(body), "n/%d", i) + 1;
		ret = ask(guest, XS_WRITE, 0, body, n);
	}
	ck_assert_int_eq(ret, ENOSPC);
	ck_assert_uint_eq(xsd_tree_owned(s.tree, 1),
			  s.quota_domain[XSD_QUOTA_nodes]);
	/* What is there can be changed, and what goes makes room. */
	ck_assert_int_eq(ASK0(guest, XS_WRITE, 0, "n/1\0v"), 0);
	ck_assert_int_eq(ASK(guest, XS_RM, 0, "n"), 0);
	ck_assert_int_eq(ASK0(guest, XS_WRITE, 0, "n/x\0v"), 0);
	/* The host is not concerned. */
	ck_assert_int_eq(ASK0(host, XS_WRITE, 0, "/h/x\0v"), 0);
}
END_TEST

START_TEST(transactions_do_not_get_around_the_nodes_quota)
{
	char body[32];
	uint32_t t[2];
	int n;

	ASK(host, XS_CONTROL, 0, "quota\0set\0nodes\0" "20");
	t[0] = begin(guest);
	t[1] = begin(guest);
	for (int i = 0; i < 24; i++) {
		n = snprintf(body, sizeof(body), "t%d/%d", i & 1, i) + 1;
		ask(guest, XS_WRITE, t[i & 1], body, n);
	}
	ck_assert_int_eq(end(guest, t[0]), 0);
	/* The parent of both has changed: it conflicts, and may not exceed. */
	ck_assert_int_ne(end(guest, t[1]), 0);
	ck_assert_int_le(xsd_tree_owned(s.tree, 1), 20);
}
END_TEST

START_TEST(values_watches_transactions_and_permissions_are_limited)
{
	char body[4096] = "big";
	int ret = 0;

	ck_assert_int_eq(ask(guest, XS_WRITE, 0, body, 4 + 2048), 0);
	ck_assert_int_eq(ask(guest, XS_WRITE, 0, body, 4 + 2049), ENOSPC);
	for (int i = 0; i < 128; i++) {
		int n = snprintf(body, sizeof(body), "w%cx", '\0') + 1;

		n = 2 + snprintf(body + 2, 16, "%d", i) + 1;
		ck_assert_int_eq(ask(guest, XS_WATCH, 0, body, n), 0);
	}
	ck_assert_int_eq(ASK(guest, XS_WATCH, 0, "w\0more"), E2BIG);
	for (int i = 0; i < 10; i++)
		begin(guest);
	ret = ASK(guest, XS_TRANSACTION_START, 0, "");
	ck_assert_int_eq(ret, ENOSPC);
	ck_assert_int_eq(ASK(guest, XS_SET_PERMS, 0,
			     "big\0n1\0r2\0r3\0r4\0r5\0r6"), ENOSPC);
}
END_TEST

START_TEST(who_does_not_read_events_is_cut_off)
{
	char body[64];

	feed(guest, XS_WATCH, 0, "data\0t", 7);
	for (int i = 0; i < 100000 && !guest->dead; i++) {
		int n = snprintf(body, sizeof(body),
				 "/local/domain/1/data/%d", i % 500) + 1;

		feed(host, XS_WRITE, 0, body, n);
		xsd_conn_drop_output(host);
	}
	ck_assert(guest->dead);
	ck_assert_uint_le(guest->queued,
			  s.quota_domain[XSD_QUOTA_outstanding] + 4200);
	ck_assert(!host->dead);
}
END_TEST

/*
 * Domains.
 */

START_TEST(a_domain_ends_with_its_keeper)
{
	struct xsd_conn *keeper = xsd_conn_new(&s, -1);

	ASK(host, XS_WATCH, 0, "@releaseDomain\0r");
	ck_assert_int_eq(ASK(keeper, XS_CONTROL, 0, "keep\0" "1"), 0);
	ck_assert_int_eq(ASK(host, XS_CONTROL, 0, "keep\0" "1"), EBUSY);
	ASK0(host, XS_WRITE, 0, "/local/domain/1/vm\0/vm/u");
	ASK0(host, XS_WRITE, 0, "/vm/u/name\0n");
	ASK0(host, XS_WRITE, 0, "/local/domain/0/backend/vbd/1/768/state\0" "4");
	ASK0(host, XS_WRITE, 0, "/local/domain/0/backend/vif/2/0/state\0" "4");
	xsd_conn_kill(keeper, NULL);
	xsd_server_reap(&s);
	*events = '\0';
	take(host);
	ck_assert_str_eq(events, "@releaseDomain r;");
	ck_assert_int_eq(ASK(host, XS_READ, 0, "/local/domain/1"), ENOENT);
	ck_assert_int_eq(ASK(host, XS_READ, 0, "/vm/u"), ENOENT);
	ck_assert_int_eq(ASK(host, XS_READ, 0, "/local/domain/0/backend/vbd"),
			 ENOENT);
	ck_assert_int_eq(ASK(host, XS_READ, 0,
			     "/local/domain/0/backend/vif/2/0/state"), 0);
	ASK(host, XS_IS_DOMAIN_INTRODUCED, 0, "1");
	got_is("F");
}
END_TEST

START_TEST(every_error_has_a_name_on_the_wire)
{
	static const int used[] = { EINVAL, EACCES, EEXIST, ENOENT, ENOMEM,
				    ENOSPC, EIO, ENOSYS, EBUSY, EAGAIN, E2BIG,
				    EPERM };
	unsigned found = 0;

	for (unsigned i = 0; i < sizeof(used) / sizeof(used[0]); i++)
		for (unsigned j = 0; j < 16; j++)
			found += xsd_errors[j].errnum == used[i];
	ck_assert_uint_eq(found, sizeof(used) / sizeof(used[0]));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		write_and_read_binary_values,
		malformed_requests_are_EINVAL,
		unknown_requests_are_ENOSYS,
		a_message_in_pieces_is_one_message,
		a_message_that_is_too_long_ends_the_connection,
		rm_needs_a_parent_alone,
		directory_lists_in_order,
		directory_part_ends_with_an_empty_name,
		a_long_directory_is_E2BIG,
		a_domain_is_kept_out_of_what_is_not_its,
		a_domain_owns_what_it_makes,
		single_permissions_are_kept_to,
		a_target_lends_its_permissions,
		a_transaction_is_isolated,
		transaction_ids_are_the_connections_own,
		conflicts_are_where_both_looked,
		a_commit_keeps_what_others_did_elsewhere,
		a_watch_begins_with_an_event,
		removal_tells_watches_below_their_own_path,
		nothing_happened_means_no_event,
		relative_watches_have_relative_events,
		a_domain_hears_of_what_it_may_read,
		reset_drops_watches_and_transactions,
		equal_events_are_queued_once,
		a_domain_has_no_more_than_its_nodes,
		transactions_do_not_get_around_the_nodes_quota,
		values_watches_transactions_and_permissions_are_limited,
		who_does_not_read_events_is_cut_off,
		a_domain_ends_with_its_keeper,
		every_error_has_a_name_on_the_wire,
	};

	return rig_main("xenstore", setup, tests, ARRAY_SIZE(tests));
}
