// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The requests: arguments to strings, the answer to what the caller gets.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/xenstore/include/xenstore.h"
#include "backends/xenstore/lib/handle.h"

/* Attempts at a directory that others keep changing. */
#define DIRECTORY_TRIES	100

struct number {
	char text[MAX_STRLEN(uint64_t) + 1];
};

static struct iovec string_part(const char *s)
{
	return (struct iovec){ (char *)s, strlen(s) + 1 };
}

static struct iovec number_part(struct number *n, unsigned long val)
{
	snprintf(n->text, sizeof(n->text), "%lu", val);
	return string_part(n->text);
}

/* Requests that are answered with nothing but success. */
static bool done(struct xs_message *m)
{
	free(m);
	return m;
}

static struct xs_message *talk_string(struct xs_handle *h, uint32_t type,
				      xs_transaction_t t, const char *s)
{
	struct iovec part = string_part(s);

	return xs_talk(h, type, t, &part, 1);
}

static struct xs_message *talk_number(struct xs_handle *h, uint32_t type,
				      unsigned long val)
{
	struct number n;
	struct iovec part = number_part(&n, val);

	return xs_talk(h, type, XBT_NULL, &part, 1);
}

/* The body alone, in the block it came in. */
static char *body_only(struct xs_message *m)
{
	char *body = (char *)m;

	if (m)
		memmove(body, m->body, m->head.len + 1);
	return body;
}

/*
 * Directories.
 */

static unsigned count_strings(const char *s, size_t len)
{
	unsigned n = 0;

	for (size_t i = 0; i < len; i++)
		n += !s[i];
	return n;
}

/* An array of the strings in @s, which ends with a NUL if not empty. */
static char **string_array(const char *s, size_t len, unsigned int *num)
{
	unsigned n = count_strings(s, len);
	char **v = malloc(n * sizeof(*v) + len + 1);
	char *text;

	if (!v)
		return NULL;
	text = (char *)(v + n);
	memcpy(text, s, len);
	text[len] = '\0';
	for (unsigned i = 0; i < n; i++) {
		v[i] = text;
		text += strlen(text) + 1;
	}
	*num = n;
	return v;
}

/* The list of names so far, read in parts. */
struct names {
	char *text;
	size_t len;
	char generation[MAX_STRLEN(uint64_t) + 1];
};

enum part_result { PART_MORE, PART_LAST, PART_CHANGED, PART_ERROR };

/*
 * One part: the node's generation, names, and an empty name behind the last
 * of all.
 */
static enum part_result part_add(struct names *n, const struct xs_message *m)
{
	size_t skip = strnlen(m->body, m->head.len) + 1;
	size_t len = m->head.len;
	bool last;
	char *text;

	errno = EIO;
	if (skip >= len || skip > sizeof(n->generation) || m->body[len - 1])
		return PART_ERROR;
	if (!n->len)
		memcpy(n->generation, m->body, skip);
	else if (strcmp(n->generation, m->body))
		return PART_CHANGED;
	last = len == skip + 1 || !m->body[len - 2];
	len -= skip + last;
	text = realloc(n->text, n->len + len + 1);
	if (!text)
		return PART_ERROR;
	memcpy(text + n->len, m->body + skip, len);
	n->text = text;
	n->len += len;
	return last ? PART_LAST : PART_MORE;
}

static enum part_result part_read(struct xs_handle *h, xs_transaction_t t,
				  const char *path, struct names *n)
{
	struct number offset;
	struct iovec part[] = { string_part(path),
				number_part(&offset, n->len) };
	struct xs_message *m = xs_talk(h, XS_DIRECTORY_PART, t, part, 2);
	enum part_result r = m ? part_add(n, m) : PART_ERROR;

	free(m);
	return r;
}

/* Names that make no one message are read in parts. */
static char **directory_parts(struct xs_handle *h, xs_transaction_t t,
			      const char *path, unsigned int *num)
{
	struct names n = { 0 };
	enum part_result r;
	char **v = NULL;
	int saved;

	for (int tries = 0; tries < DIRECTORY_TRIES; ) {
		r = part_read(h, t, path, &n);
		if (r == PART_LAST || r == PART_ERROR)
			break;
		if (r == PART_CHANGED) {
			n.len = 0;
			tries++;
			errno = EAGAIN;
		}
	}
	if (r == PART_LAST)
		v = string_array(n.text ? n.text : "", n.len, num);
	saved = errno;
	free(n.text);
	errno = saved;
	return v;
}

char **xs_directory(struct xs_handle *h, xs_transaction_t t,
		    const char *path, unsigned int *num)
{
	struct xs_message *m = talk_string(h, XS_DIRECTORY, t, path);
	char **v;

	if (!m && errno == E2BIG)
		return directory_parts(h, t, path, num);
	if (!m)
		return NULL;
	v = string_array(m->body, m->head.len, num);
	free(m);
	return v;
}

/*
 * Values.
 */

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path,
	      unsigned int *len)
{
	struct xs_message *m = talk_string(h, XS_READ, t, path);

	if (m && len)
		*len = m->head.len;
	return body_only(m);
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path,
	      const void *data, unsigned int len)
{
	struct iovec part[] = { string_part(path), { (void *)data, len } };

	return done(xs_talk(h, XS_WRITE, t, part, 2));
}

bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	return done(talk_string(h, XS_MKDIR, t, path));
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	return done(talk_string(h, XS_RM, t, path));
}

/*
 * Permissions.
 */

struct xs_permissions *xs_get_permissions(struct xs_handle *h,
					  xs_transaction_t t,
					  const char *path, unsigned int *num)
{
	struct xs_message *m = talk_string(h, XS_GET_PERMS, t, path);
	struct xs_permissions *perms = NULL;
	unsigned n;

	if (!m)
		return NULL;
	n = count_strings(m->body, m->head.len);
	perms = malloc((n ? n : 1) * sizeof(*perms));
	if (perms && !xs_strings_to_perms(perms, n, m->body)) {
		free(perms);
		perms = NULL;
	}
	free(m);
	if (perms)
		*num = n;
	return perms;
}

/* "b5" and its NUL.  Returns its length, or 0 with EINVAL. */
static size_t perm_text(char *out, size_t room, const struct xs_permissions *p)
{
	static const char letters[] = { 'n', 'r', 'w', 'b' };
	unsigned bits = p->perms & ~XS_PERM_OWNER;

	if (bits > (XS_PERM_READ | XS_PERM_WRITE)) {
		errno = EINVAL;
		return 0;
	}
	return snprintf(out, room, "%c%u", letters[bits], p->id) + 1;
}

bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t,
			const char *path, struct xs_permissions *perms,
			unsigned int num_perms)
{
	char text[XENSTORE_PAYLOAD_MAX];
	struct iovec part[] = { string_part(path), { text, 0 } };

	for (unsigned i = 0; i < num_perms; i++) {
		char one[1 + MAX_STRLEN(unsigned) + 1];
		size_t n = perm_text(one, sizeof(one), &perms[i]);

		if (!n)
			return false;
		if (part[1].iov_len + n > sizeof(text)) {
			errno = ENOSPC;
			return false;
		}
		memcpy(text + part[1].iov_len, one, n);
		part[1].iov_len += n;
	}
	return done(xs_talk(h, XS_SET_PERMS, t, part, 2));
}

bool xs_restrict(struct xs_handle *h, unsigned domid)
{
	return false;
}

/*
 * Transactions.
 */

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
	struct xs_message *m = talk_string(h, XS_TRANSACTION_START, XBT_NULL,
					   "");
	xs_transaction_t t = m ? strtoul(m->body, NULL, 0) : XBT_NULL;

	free(m);
	return t;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort)
{
	return done(talk_string(h, XS_TRANSACTION_END, t, abort ? "F" : "T"));
}

/*
 * Domains.
 */

bool xs_introduce_domain(struct xs_handle *h, unsigned int domid,
			 unsigned long mfn, unsigned int eventchn)
{
	struct number n[3];
	struct iovec part[] = { number_part(&n[0], domid),
				number_part(&n[1], mfn),
				number_part(&n[2], eventchn) };

	return done(xs_talk(h, XS_INTRODUCE, XBT_NULL, part, 3));
}

bool xs_set_target(struct xs_handle *h, unsigned int domid,
		   unsigned int target)
{
	struct number n[2];
	struct iovec part[] = { number_part(&n[0], domid),
				number_part(&n[1], target) };

	return done(xs_talk(h, XS_SET_TARGET, XBT_NULL, part, 2));
}

bool xs_resume_domain(struct xs_handle *h, unsigned int domid)
{
	return done(talk_number(h, XS_RESUME, domid));
}

bool xs_release_domain(struct xs_handle *h, unsigned int domid)
{
	return done(talk_number(h, XS_RELEASE, domid));
}

char *xs_get_domain_path(struct xs_handle *h, unsigned int domid)
{
	return body_only(talk_number(h, XS_GET_DOMAIN_PATH, domid));
}

bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid)
{
	struct xs_message *m = talk_number(h, XS_IS_DOMAIN_INTRODUCED, domid);
	bool yes = m && *m->body == 'T';

	free(m);
	return yes;
}

/*
 * The rest.
 */

char *xs_control_command(struct xs_handle *h, const char *cmd, void *data,
			 unsigned int len)
{
	struct iovec part[] = { string_part(cmd), { data, len } };

	return body_only(xs_talk(h, XS_CONTROL, XBT_NULL, part, 2));
}

char *xs_debug_command(struct xs_handle *h, const char *cmd, void *data,
		       unsigned int len)
{
	return xs_control_command(h, cmd, data, len);
}

/* Written there by Xen's tools for the domain. */
int xs_suspend_evtchn_port(int domid)
{
	struct xs_handle *h = xs_open(0);
	int port = -1;
	char path[64], *val;

	if (!h)
		return -1;
	snprintf(path, sizeof(path),
		 "/local/domain/%d/device/suspend/event-channel", domid);
	val = xs_read(h, XBT_NULL, path, NULL);
	if (val)
		port = atoi(val);
	free(val);
	xs_close(h);
	return port;
}
