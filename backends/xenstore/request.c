// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The requests, as a table.  Each handler checks what it got, does it, and
 * fills in the answer's body; an error is answered by name.
 *
 * A request inside of a transaction looks at the transaction's tree and notes
 * that it did.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/xenstore/server.h"
#include "backends/xenstore/txn.h"
#include "hypervisor/types.h"

#define ALL	(XS_PERM_READ | XS_PERM_WRITE | XS_PERM_OWNER)

struct request {
	struct xsd_conn *c;
	struct xsd_server *s;
	struct xsd_txn *txn;		/* or NULL */
	const struct xsd_sockmsg *head;
	char *body;			/* head->len bytes and a NUL */
	char path[XSD_PATH_ROOM];	/* the first string, canonical */
	size_t skip;			/* of it: the base and a slash */
	char *rest;			/* what follows the first string */
	size_t rest_len;
	/* The answer: `OK' unless a handler has something else. */
	char out[XENSTORE_PAYLOAD_MAX];
	size_t out_len;
	bool answered;
};

/*
 * Permissions.
 */

/* What domain @id may do, if it is not 0. */
static unsigned domain_access(unsigned id, const struct xsd_node *n)
{
	if (n->perms[0].id == id)
		return ALL;
	for (unsigned i = 1; i < n->nperms; i++)
		if (n->perms[i].id == id)
			return n->perms[i].perms;
	return n->perms[0].perms;
}

unsigned xsd_access(const struct xsd_conn *c, const struct xsd_node *n)
{
	struct xsd_domain *d;
	unsigned access;

	if (!c->id)
		return ALL;
	access = domain_access(c->id, n);
	d = xsd_domain_find(c->server, c->id);
	if (d && d->target != XSD_NO_TARGET)
		access |= domain_access(d->target, n);
	return access;
}

static const struct xsd_tree *tree_of(const struct request *r)
{
	if (*r->path == '@')
		return r->s->special;
	return r->txn ? r->txn->tree : r->s->tree;
}

/* The node at @path, noted; NULL also where memory is short (*ret). */
static const struct xsd_node *look(struct request *r, const char *path,
				   int *ret)
{
	*ret = 0;
	if (*path == '@')
		return xsd_node_find(r->s->special->root, path);
	if (r->txn)
		*ret = xsd_txn_access(r->txn, path);
	return *ret ? NULL : xsd_tree_find(tree_of(r), path);
}

/*
 * The nearest node above r->path that exists: it is what new nodes inherit
 * from, and whose permissions say whether one may know that a node is not
 * there.  *missing: how many nodes would have to be made.
 */
static const struct xsd_node *nearest(struct request *r, unsigned *missing,
				      int *ret)
{
	char path[XSD_PATH_ROOM];
	const struct xsd_node *n = NULL;

	strcpy(path, r->path);
	*ret = 0;
	*missing = 0;
	while (!n && !*ret && strcmp(path, "/")) {
		path[xsd_path_parent(path)] = '\0';
		n = look(r, path, ret);
		++*missing;
	}
	return n;
}

/* The node at r->path if it exists and @wanted is allowed. */
static int find(struct request *r, unsigned wanted, const struct xsd_node **out)
{
	const struct xsd_node *above;
	unsigned missing;
	int ret;

	*out = look(r, r->path, &ret);
	if (ret)
		return ret;
	if (*out)
		return xsd_access(r->c, *out) & wanted ? 0 : -EACCES;
	if (*r->path == '@' || !strcmp(r->path, "/"))
		return -ENOENT;
	above = nearest(r, &missing, &ret);
	if (ret)
		return ret;
	return xsd_access(r->c, above) & wanted ? -ENOENT : -EACCES;
}

/*
 * Arguments.
 */

/* The first string of the body as a path. */
static int get_path(struct request *r, bool special)
{
	size_t n = strlen(r->body);
	int ret;

	if (n >= r->head->len)
		return -EINVAL;		/* no NUL */
	ret = xsd_path_canonical(r->body, r->c->base, r->path);
	if (!ret && *r->path == '@' && !special)
		ret = -EINVAL;
	if (*r->body != '/' && *r->body != '@')
		r->skip = strlen(r->c->base) + 1;
	r->rest = r->body + n + 1;
	r->rest_len = r->head->len - n - 1;
	return ret;
}

/* A body of one path and no more. */
static int get_only_path(struct request *r, bool special)
{
	int ret = get_path(r, special);

	return !ret && r->rest_len ? -EINVAL : ret;
}

/* The strings of the body, @least at least.  Returns how many, or -EINVAL. */
static int get_strings(struct request *r, char **v, int least, int most)
{
	size_t len = r->head->len;
	int n = 0;

	if (!len || r->body[len - 1])
		return -EINVAL;
	for (char *p = r->body; n < most && p < r->body + len; n++) {
		v[n] = p;
		p += strlen(p) + 1;
	}
	return n < least ? -EINVAL : n;
}

static int get_number(const char *text, unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	return errno || end == text || *end ? -EINVAL : 0;
}

/* A domain id other than 0, as the only (@more: the first) string. */
static int get_domid(const char *text, unsigned *id)
{
	unsigned long val;

	if (get_number(text, &val) || !val || val >= XSD_DOMID_END)
		return -EINVAL;
	*id = val;
	return 0;
}

static int get_only_domid(struct request *r, unsigned *id)
{
	char *arg;
	int ret = get_strings(r, &arg, 1, 1);

	return ret < 0 ? ret : get_domid(arg, id);
}

static int answer(struct request *r, const void *data, size_t len)
{
	if (len > sizeof(r->out))
		return -E2BIG;
	if (len)
		memcpy(r->out, data, len);
	r->out_len = len;
	return 0;
}

static int answer_string(struct request *r, const char *s)
{
	return answer(r, s, strlen(s) + 1);
}

/*
 * Reading.
 */

static int op_read(struct request *r)
{
	const struct xsd_node *n;
	int ret = get_only_path(r, false);

	if (!ret)
		ret = find(r, XS_PERM_READ, &n);
	return ret ? ret : answer(r, n->value, n->len);
}

static int op_directory(struct request *r)
{
	const struct xsd_node *n;
	int ret = get_only_path(r, false);
	size_t len = 0;

	if (!ret)
		ret = find(r, XS_PERM_READ, &n);
	for (unsigned i = 0; !ret && i < n->nchild; i++) {
		size_t room = strlen(n->child[i]->name) + 1;

		if (len + room > sizeof(r->out))
			return -E2BIG;
		memcpy(r->out + len, n->child[i]->name, room);
		len += room;
	}
	r->out_len = len;
	return ret;
}

/*
 * Whole names from byte @offset of the list on, and an empty name after the
 * last.  An offset inside of a name gives the rest of that.
 */
static size_t names_from(const struct xsd_node *n, unsigned long offset,
			 char *out, size_t room)
{
	size_t len = 0;

	for (unsigned i = 0; i < n->nchild; i++) {
		const char *name = n->child[i]->name;
		size_t size = strlen(name) + 1;

		if (offset >= size) {
			offset -= size;
			continue;
		}
		name += offset;
		size -= offset;
		offset = 0;
		if (len + size + 1 > room)
			return len;
		memcpy(out + len, name, size);
		len += size;
	}
	out[len++] = '\0';
	return len;
}

static int op_directory_part(struct request *r)
{
	const struct xsd_node *n;
	unsigned long offset;
	int ret = get_path(r, false);

	if (!ret && (!r->rest_len || r->rest[r->rest_len - 1] ||
		     get_number(r->rest, &offset)))
		ret = -EINVAL;
	if (!ret)
		ret = find(r, XS_PERM_READ, &n);
	if (ret)
		return ret;
	r->out_len = snprintf(r->out, sizeof(r->out), "%llu",
			      (unsigned long long)n->generation) + 1;
	r->out_len += names_from(n, offset, r->out + r->out_len,
				 sizeof(r->out) - r->out_len);
	return 0;
}

static int op_get_perms(struct request *r)
{
	static const char letters[] = { 'n', 'r', 'w', 'b' };
	const struct xsd_node *n;
	int ret = get_only_path(r, true);
	size_t len = 0;

	if (!ret)
		ret = find(r, XS_PERM_READ, &n);
	for (unsigned i = 0; !ret && i < n->nperms; i++)
		len += snprintf(r->out + len, sizeof(r->out) - len, "%c%u",
				letters[n->perms[i].perms & 3],
				n->perms[i].id) + 1;
	r->out_len = len;
	return ret;
}

/*
 * Changing.
 */

static int change(struct request *r, const struct xsd_change *c)
{
	if (r->txn)
		return xsd_txn_change(r->txn, c);
	return xsd_server_apply(r->s, c);
}

/* May the nodes that r->path lacks be made?  Sets their owner. */
static int may_create(struct request *r, unsigned *owner)
{
	const struct xsd_tree *t = tree_of(r);
	unsigned have = r->c->id ? xsd_tree_owned(t, r->c->id) : t->nodes;
	const struct xsd_node *above;
	unsigned missing;
	int ret;

	above = nearest(r, &missing, &ret);
	if (ret)
		return ret;
	if (!(xsd_access(r->c, above) & XS_PERM_WRITE))
		return -EACCES;
	*owner = r->c->id ? r->c->id : XSD_INHERIT;
	if (have + missing > xsd_quota(r->c, XSD_QUOTA_nodes))
		return -ENOSPC;
	return 0;
}

static int may_change(struct request *r, struct xsd_change *c, bool *exists)
{
	const struct xsd_node *n;
	int ret = find(r, XS_PERM_WRITE, &n);

	*exists = !ret;
	if (ret == -ENOENT)
		ret = may_create(r, &c->owner);
	return ret;
}

static int op_write(struct request *r)
{
	struct xsd_change c = { .kind = XSD_WRITE, .path = r->path };
	int ret = get_path(r, false);
	bool exists;

	if (!ret && r->rest_len > xsd_quota(r->c, XSD_QUOTA_node_size))
		ret = -ENOSPC;
	if (!ret)
		ret = may_change(r, &c, &exists);
	c.value = (uint8_t *)r->rest;
	c.len = r->rest_len;
	return ret ? ret : change(r, &c);
}

static int op_mkdir(struct request *r)
{
	struct xsd_change c = { .kind = XSD_MKDIR, .path = r->path };
	int ret = get_only_path(r, false);
	bool exists = false;

	if (!ret)
		ret = may_change(r, &c, &exists);
	return ret || exists ? ret : change(r, &c);
}

/* What is not there is removed already, if there is where it could be. */
static int absent_is_fine(struct request *r)
{
	char path[XSD_PATH_ROOM];
	int ret;

	strcpy(path, r->path);
	path[xsd_path_parent(path)] = '\0';
	if (look(r, path, &ret))
		return 0;
	return ret ? ret : -ENOENT;
}

static int op_rm(struct request *r)
{
	struct xsd_change c = { .kind = XSD_RM, .path = r->path };
	const struct xsd_node *n;
	int ret = get_only_path(r, false);

	if (!ret && !strcmp(r->path, "/"))
		ret = -EINVAL;
	if (!ret)
		ret = find(r, XS_PERM_WRITE, &n);
	if (ret == -ENOENT)
		return absent_is_fine(r);
	/* The parent loses a child, and all below goes. */
	if (!ret && r->txn) {
		ret = absent_is_fine(r);
		if (!ret)
			ret = xsd_txn_access_below(r->txn, r->path);
	}
	return ret ? ret : change(r, &c);
}

static int parse_perms(struct request *r, struct xs_permissions *perms,
		       unsigned *n)
{
	*n = 0;
	if (!r->rest_len || r->rest[r->rest_len - 1])
		return -EINVAL;
	for (size_t i = 0; i < r->rest_len; i++)
		*n += !r->rest[i];
	if (*n > xsd_quota(r->c, XSD_QUOTA_perms) || *n > XSD_PERMS_MAX)
		return -ENOSPC;
	return xs_strings_to_perms(perms, *n, r->rest) ? 0 : -EINVAL;
}

static int set_special_perms(struct request *r, struct xsd_change *c)
{
	char path[XSD_PATH_ROOM + 1];

	if (r->c->id)
		return -EACCES;
	if (r->txn)
		return -EINVAL;
	snprintf(path, sizeof(path), "/%s", r->path);
	c->path = path;
	return xsd_tree_apply(r->s->special, c);
}

/* Giving a node away takes domain 0. */
static int op_set_perms(struct request *r)
{
	struct xs_permissions perms[XSD_PERMS_MAX];
	struct xsd_change c = { .kind = XSD_SET_PERMS, .path = r->path,
				.perms = perms };
	const struct xsd_node *n;
	int ret = get_path(r, true);

	if (!ret)
		ret = parse_perms(r, perms, &c.nperms);
	if (!ret)
		ret = find(r, XS_PERM_OWNER, &n);
	if (ret)
		return ret;
	if (*r->path == '@')
		return set_special_perms(r, &c);
	if (r->c->id && perms[0].id != n->perms[0].id)
		return -EPERM;
	return change(r, &c);
}

/*
 * Watches.
 */

static int get_watch(struct request *r)
{
	int ret = get_path(r, true);

	if (!ret && (!r->rest_len || !memchr(r->rest, '\0', r->rest_len)))
		ret = -EINVAL;
	return ret;
}

static void send_answer(struct request *r)
{
	struct xsd_sockmsg head = *r->head;

	xsd_conn_send(r->c, &head, r->out, r->out_len);
	r->answered = true;
}

/* The answer comes before the first event. */
static int op_watch(struct request *r)
{
	int ret = get_watch(r);

	if (!ret && r->c->nwatches >= xsd_quota(r->c, XSD_QUOTA_watches))
		ret = -E2BIG;
	if (!ret)
		ret = xsd_watch_add(r->c, r->path, r->skip, r->rest);
	if (ret)
		return ret;
	send_answer(r);
	xsd_watch_fire_first(r->c, r->path, r->skip, r->rest);
	return 0;
}

static int op_unwatch(struct request *r)
{
	int ret = get_watch(r);

	return ret ? ret : xsd_watch_remove(r->c, r->path, r->rest);
}

/*
 * Transactions.
 */

static void txn_drop(struct xsd_conn *c, struct xsd_txn *x)
{
	struct xsd_txn **where = &c->txns;

	while (*where != x)
		where = &(*where)->next;
	*where = x->next;
	c->ntxns--;
	xsd_txn_free(x);
}

static struct xsd_txn *txn_find(struct xsd_conn *c, uint32_t id)
{
	struct xsd_txn *x = c->txns;

	while (x && x->id != id)
		x = x->next;
	return x;
}

static int op_reset_watches(struct request *r)
{
	xsd_watch_remove_all(r->c);
	while (r->c->txns)
		txn_drop(r->c, r->c->txns);
	r->txn = NULL;
	return 0;
}

static int op_txn_start(struct request *r)
{
	struct xsd_conn *c = r->c;
	struct xsd_txn *x;

	if (r->txn)
		return -EBUSY;
	if (c->ntxns >= xsd_quota(c, XSD_QUOTA_transactions))
		return -ENOSPC;
	/* 0 means none; after 2^32 some may be in use still. */
	do
		c->last_txn++;
	while (!c->last_txn || txn_find(c, c->last_txn));
	x = xsd_txn_new(c->last_txn, r->s->tree);
	if (!x)
		return -ENOMEM;
	x->next = c->txns;
	c->txns = x;
	c->ntxns++;
	r->out_len = snprintf(r->out, sizeof(r->out), "%u", x->id) + 1;
	return 0;
}

/* Has the domain, with what others did meanwhile, too many nodes? */
static bool commit_exceeds(const struct request *r, const struct xsd_txn *x)
{
	unsigned id = r->c->id;
	unsigned now = id ? xsd_tree_owned(r->s->tree, id) : r->s->tree->nodes;
	unsigned was = id ? xsd_tree_owned(x->base, id) : x->base->nodes;
	unsigned is = id ? xsd_tree_owned(x->tree, id) : x->tree->nodes;

	return is > was && now + (is - was) > xsd_quota(r->c, XSD_QUOTA_nodes);
}

/*
 * Out of memory in the middle of it is answered like one that was not even
 * tried, but what has been done stays.
 */
static int commit(struct request *r, struct xsd_txn *x)
{
	int ret = 0;

	if (xsd_txn_conflicts(x, r->s->tree))
		return -EAGAIN;
	if (commit_exceeds(r, x))
		return -ENOSPC;
	for (struct xsd_change *c = x->first; c && !ret; c = c->next)
		ret = xsd_server_apply(r->s, c);
	return ret;
}

static int op_txn_end(struct request *r)
{
	struct xsd_txn *x = r->txn;
	int ret = 0;

	if (r->head->len != 2 || (*r->body != 'T' && *r->body != 'F') ||
	    r->body[1])
		return -EINVAL;
	if (!x)
		return -ENOENT;
	r->txn = NULL;
	if (*r->body == 'T')
		ret = commit(r, x);
	txn_drop(r->c, x);
	return ret;
}

/*
 * Domains.
 */

static int op_introduce(struct request *r)
{
	char *v[3];
	unsigned long port, mfn;
	unsigned id;
	int ret = get_strings(r, v, 3, 3);

	if (ret < 0)
		return ret;
	/* The frame number is signed, whoever thought of that. */
	mfn = strtol(v[1], NULL, 10);
	if (get_domid(v[0], &id) || get_number(v[2], &port))
		return -EINVAL;
	return xsd_domain_introduce(r->s, id, mfn, port);
}

static int op_release(struct request *r)
{
	unsigned id;
	int ret = get_only_domid(r, &id);

	return ret ? ret : xsd_domain_release(r->s, id);
}

static int op_resume(struct request *r)
{
	unsigned id;
	int ret = get_only_domid(r, &id);

	if (!ret && !xsd_domain_is_introduced(r->s, id))
		ret = -ENOENT;
	return ret;
}

static int op_set_target(struct request *r)
{
	struct xsd_domain *d;
	unsigned id, target;
	char *v[2];
	int ret = get_strings(r, v, 2, 2);

	if (ret < 0)
		return ret;
	if (get_domid(v[0], &id) || get_domid(v[1], &target))
		return -EINVAL;
	d = xsd_domain_find(r->s, id);
	if (!d || !d->introduced || !xsd_domain_is_introduced(r->s, target))
		return -ENOENT;
	d->target = target;
	return 0;
}

static int op_is_introduced(struct request *r)
{
	unsigned long id;
	char *arg;
	int ret = get_strings(r, &arg, 1, 1);

	if (ret < 0 || get_number(arg, &id))
		return -EINVAL;
	return answer_string(r, !id || xsd_domain_is_introduced(r->s, id) ?
			     "T" : "F");
}

static int op_domain_path(struct request *r)
{
	char path[64], *arg;
	unsigned long id;
	int ret = get_strings(r, &arg, 1, 1);

	if (ret < 0 || get_number(arg, &id))
		return -EINVAL;
	snprintf(path, sizeof(path), "/local/domain/%lu", id & 0xffff);
	return answer_string(r, path);
}

static int op_control(struct request *r)
{
	size_t n = strlen(r->body) + 1;
	int ret;

	if (n > r->head->len)
		return -EINVAL;
	ret = xsd_control(r->c, r->body, r->body + n, r->head->len - n,
			  r->out, sizeof(r->out));
	r->out_len = ret > 0 ? ret : 0;
	return ret < 0 ? ret : 0;
}

/*
 * The table.
 */

enum {
	TXN = 1,	/* a transaction id means something */
	HOST = 2,	/* for domain 0 alone */
};

static const struct op {
	const char *name;
	int (*fn)(struct request *r);
	unsigned flags;
} ops[XS_TYPE_COUNT] = {
	[XS_CONTROL] = { "CONTROL", op_control, HOST },
	[XS_DIRECTORY] = { "DIRECTORY", op_directory, TXN },
	[XS_READ] = { "READ", op_read, TXN },
	[XS_GET_PERMS] = { "GET_PERMS", op_get_perms, TXN },
	[XS_WATCH] = { "WATCH", op_watch, 0 },
	[XS_UNWATCH] = { "UNWATCH", op_unwatch, 0 },
	[XS_TRANSACTION_START] = { "TRANSACTION_START", op_txn_start, TXN },
	[XS_TRANSACTION_END] = { "TRANSACTION_END", op_txn_end, TXN },
	[XS_INTRODUCE] = { "INTRODUCE", op_introduce, HOST },
	[XS_RELEASE] = { "RELEASE", op_release, HOST },
	[XS_GET_DOMAIN_PATH] = { "GET_DOMAIN_PATH", op_domain_path, 0 },
	[XS_WRITE] = { "WRITE", op_write, TXN },
	[XS_MKDIR] = { "MKDIR", op_mkdir, TXN },
	[XS_RM] = { "RM", op_rm, TXN },
	[XS_SET_PERMS] = { "SET_PERMS", op_set_perms, TXN },
	[XS_IS_DOMAIN_INTRODUCED] = { "IS_DOMAIN_INTRODUCED",
				      op_is_introduced, 0 },
	[XS_RESUME] = { "RESUME", op_resume, HOST },
	[XS_SET_TARGET] = { "SET_TARGET", op_set_target, HOST },
	[XS_RESET_WATCHES] = { "RESET_WATCHES", op_reset_watches, 0 },
	[XS_DIRECTORY_PART] = { "DIRECTORY_PART", op_directory_part, TXN },
};

static int perform(struct request *r, const struct op *op)
{
	struct xsd_txn *x = r->txn;

	if (!op || !op->fn)
		return -ENOSYS;
	if ((op->flags & HOST) && r->c->id)
		return -EACCES;
	if ((op->flags & TXN) && r->head->tx_id && !x)
		return -ENOENT;
	if (!(op->flags & TXN))
		r->txn = x = NULL;
	if (x && x->naccess > xsd_quota(r->c, XSD_QUOTA_transaction_nodes) &&
	    op->fn != op_txn_end)
		return -ENOSPC;
	answer_string(r, "OK");
	return op->fn(r);
}

static void answer_error(struct request *r, int error)
{
	struct xsd_sockmsg head = *r->head;
	const char *name = "EINVAL";

	for (unsigned i = 0; i < ARRAY_SIZE(xsd_errors); i++)
		if (xsd_errors[i].errnum == error)
			name = xsd_errors[i].errstring;
	head.type = XS_ERROR;
	xsd_conn_send(r->c, &head, name, strlen(name) + 1);
}

/* Bodies are not text: what would disturb a terminal is not printed. */
static void log_request(const struct request *r, const struct op *op, int ret)
{
	fprintf(r->s->log, "umbra: xenstored: %d: %s", r->c->fd,
		op && op->name ? op->name : "unknown");
	if (r->head->tx_id)
		fprintf(r->s->log, " (transaction %u)", r->head->tx_id);
	for (size_t i = 0; i < r->head->len; i++) {
		if (!i)
			fputc(' ', r->s->log);
		fputc(r->body[i] >= ' ' && r->body[i] <= '~' ? r->body[i] :
		      r->body[i] ? '?' : '|', r->s->log);
	}
	fprintf(r->s->log, "%s%s\n", ret ? ": " : "",
		ret ? strerror(-ret) : "");
	fflush(r->s->log);
}

void xsd_request(struct xsd_conn *c, const struct xsd_sockmsg *head,
		 uint8_t *body)
{
	struct request r = {
		.c = c, .s = c->server, .head = head, .body = (char *)body,
		.txn = head->tx_id ? txn_find(c, head->tx_id) : NULL,
	};
	const struct op *op = head->type < XS_TYPE_COUNT ? &ops[head->type] :
			      NULL;
	int ret = perform(&r, op);

	if (r.s->log_requests)
		log_request(&r, op, ret);
	if (ret)
		answer_error(&r, -ret);
	else if (!r.answered)
		send_answer(&r);
}
