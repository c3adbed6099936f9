/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store as a daemon: connections, what they ask for, what they watch.
 *
 * One thread, that of the loop.  Nothing waits for a client: what it does not
 * read is queued, from one that has too much queued nothing more is read, and
 * one that leaves too many events unread loses its connection.
 */
#ifndef BACKENDS_XENSTORE_SERVER_H
#define BACKENDS_XENSTORE_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "backends/xenstore/include/xen/io/xs_wire.h"
#include "backends/xenstore/path.h"
#include "backends/xenstore/tree.h"

struct loop;
struct xsd_txn;
struct xsd_conn;

enum xsd_quota {
#define QUOTA(name, domain, host, error, help) XSD_QUOTA_##name,
#include "backends/xenstore/quota.def"
#undef QUOTA
	XSD_QUOTAS,
};

/* From here on Xen uses domain ids for purposes of its own (xen.h). */
#define XSD_DOMID_END	0x7ff0
#define XSD_NO_TARGET	(~0u)

struct xsd_watch {
	struct xsd_watch *next;		/* of the server's list */
	struct xsd_conn *conn;
	size_t skip;		/* bytes of base that events leave out */
	const char *token;
	char path[];		/* canonical or special; then the token */
};

struct xsd_domain {
	struct xsd_domain *next;
	unsigned id, target;	/* or XSD_NO_TARGET */
	bool introduced;	/* else it has a keeper alone, so far */
	unsigned long mfn;
	unsigned port;
	struct xsd_conn *keeper;	/* it ends with this one; or NULL */
};

/* A message on its way out. */
struct xsd_out {
	struct xsd_out *next;
	size_t len, sent;
	uint8_t data[];		/* struct xsd_sockmsg and payload */
};

struct xsd_conn {
	struct xsd_conn *next;
	struct xsd_server *server;
	int fd;			/* -1: none (tests) */
	unsigned id;		/* the domain it acts as; 0: everything */
	char base[32];		/* where its relative paths start */
	bool dead;		/* to be freed when nobody uses it */

	uint8_t in[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
	size_t have;		/* bytes of it */

	struct xsd_out *out, **out_end;
	size_t queued;		/* bytes of payload and headers in `out' */

	unsigned nwatches, ntxns;
	struct xsd_txn *txns;
	uint32_t last_txn;
};

struct xsd_server {
	struct loop *loop;
	FILE *log;		/* requests, with control `log|on' */
	bool log_requests;
	struct xsd_tree *tree;
	unsigned initial_nodes;
	/* @introduceDomain, @releaseDomain: who may watch them. */
	struct xsd_tree *special;
	struct xsd_conn *conns;
	unsigned nconns, conns_max;
	bool dead_conns;	/* there are some */
	struct xsd_watch *watches;
	struct xsd_domain *domains;
	unsigned quota_host[XSD_QUOTAS], quota_domain[XSD_QUOTAS];
	bool stop;		/* control `stop' was given */
	/* A connection has gone; `stop' was given.  May be NULL. */
	void (*changed)(void *opaque);
	void (*stopping)(void *opaque);
	void *opaque;
};

/* server.c: a store with its first nodes.  Returns 0 or -ENOMEM. */
int xsd_server_init(struct xsd_server *s, struct loop *loop, FILE *log);
void xsd_server_fini(struct xsd_server *s);
/* No connection, no domain, no nodes but the first ones. */
bool xsd_server_is_empty(const struct xsd_server *s);
/* Free what died.  Call when no connection is in use. */
void xsd_server_reap(struct xsd_server *s);
unsigned xsd_quota(const struct xsd_conn *c, enum xsd_quota q);
/* Make a change to the store and tell who watches. */
int xsd_server_apply(struct xsd_server *s, const struct xsd_change *c);

/*
 * conn.c: a client on @fd, a connected stream socket that does not block and
 * that the connection owns from now on; -1: requests come from
 * xsd_conn_input() alone, answers are queued.  Returns NULL without memory.
 */
struct xsd_conn *xsd_conn_new(struct xsd_server *s, int fd);
/* Bytes have come in. */
void xsd_conn_input(struct xsd_conn *c, const uint8_t *buf, size_t len);
/* End it; it is freed later. */
void xsd_conn_kill(struct xsd_conn *c, const char *why);
/* Queue a message for @c, which may be dead. */
void xsd_conn_send(struct xsd_conn *c, const struct xsd_sockmsg *head,
		   const void *body, size_t len);
/* Drop what is queued (tests). */
void xsd_conn_drop_output(struct xsd_conn *c);

/* request.c: one request of head->len bytes; @body has a NUL behind them. */
void xsd_request(struct xsd_conn *c, const struct xsd_sockmsg *head,
		 uint8_t *body);
/* XS_PERM_* of @c at node @n. */
unsigned xsd_access(const struct xsd_conn *c, const struct xsd_node *n);

/*
 * watch.c.  @path canonical; @skip: length of the base that it was relative
 * to, with the slash.  Returns 0, -EEXIST, -ENOMEM.
 */
int xsd_watch_add(struct xsd_conn *c, const char *path, size_t skip,
		  const char *token);
/* Returns 0 or -ENOENT. */
int xsd_watch_remove(struct xsd_conn *c, const char *path, const char *token);
void xsd_watch_remove_all(struct xsd_conn *c);
/*
 * Something happened to @path (or a special name).  @removed: the node that
 * was there and is gone, or NULL.
 */
void xsd_watch_fire(struct xsd_server *s, const char *path,
		    const struct xsd_node *removed);
/* The event of a watch that is new. */
void xsd_watch_fire_first(struct xsd_conn *c, const char *path, size_t skip,
			  const char *token);

/* domain.c */
struct xsd_domain *xsd_domain_find(struct xsd_server *s, unsigned id);
bool xsd_domain_is_introduced(struct xsd_server *s, unsigned id);
/* Returns 0, -EBUSY (somebody else keeps it), -ENOMEM. */
int xsd_domain_keep(struct xsd_server *s, unsigned id, struct xsd_conn *c);
/* Returns 0, -EINVAL (other numbers than before), -ENOMEM. */
int xsd_domain_introduce(struct xsd_server *s, unsigned id, unsigned long mfn,
			 unsigned port);
/* Returns 0 or -ENOENT. */
int xsd_domain_release(struct xsd_server *s, unsigned id);
/* @c has gone: the domains that it keeps end, and so do their nodes. */
void xsd_domain_forsaken(struct xsd_server *s, struct xsd_conn *c);
/* Remove the nodes of domain @id. */
void xsd_domain_clean(struct xsd_server *s, unsigned id);

/*
 * control.c: the command and its @len bytes of arguments.  Fills @out.
 * Returns the length of the answer, or a negative errno.
 */
int xsd_control(struct xsd_conn *c, char *cmd, char *args, size_t len,
		char *out, size_t room);

#endif
