// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Watches.  An event at P concerns the watches on P and on what P is below
 * of; when P was removed also those on nodes that were below P, and they are
 * told their own path (Xen docs/misc/xenstore.txt, WATCH_EVENT).
 */
#include <stdlib.h>
#include <string.h>

#include "backends/xenstore/server.h"

static void event_send(struct xsd_conn *c, const char *path, size_t skip,
		       const char *token)
{
	struct xsd_sockmsg head = { .type = XS_WATCH_EVENT };
	uint8_t body[XSD_PATH_ROOM + XENSTORE_PAYLOAD_MAX];
	/* "" would be the base itself: say it whole. */
	const char *shown = strlen(path) > skip ? path + skip : path;
	size_t path_len = strlen(shown) + 1, token_len = strlen(token) + 1;

	/* Path and token came in one message; an event's path is longer. */
	if (path_len + token_len > XENSTORE_PAYLOAD_MAX)
		return;
	memcpy(body, shown, path_len);
	memcpy(body + path_len, token, token_len);
	xsd_conn_send(c, &head, body, path_len + token_len);
}

void xsd_watch_fire_first(struct xsd_conn *c, const char *path, size_t skip,
			  const char *token)
{
	event_send(c, path, skip, token);
}

static bool same(const struct xsd_watch *w, const struct xsd_conn *c,
		 const char *path, const char *token)
{
	return w->conn == c && !strcmp(w->path, path) &&
	       !strcmp(w->token, token);
}

int xsd_watch_add(struct xsd_conn *c, const char *path, size_t skip,
		  const char *token)
{
	size_t path_len = strlen(path) + 1, token_len = strlen(token) + 1;
	struct xsd_watch *w;

	for (w = c->server->watches; w; w = w->next)
		if (same(w, c, path, token))
			return -EEXIST;
	w = malloc(sizeof(*w) + path_len + token_len);
	if (!w)
		return -ENOMEM;
	w->conn = c;
	w->skip = skip;
	memcpy(w->path, path, path_len);
	w->token = memcpy(w->path + path_len, token, token_len);
	w->next = c->server->watches;
	c->server->watches = w;
	c->nwatches++;
	return 0;
}

int xsd_watch_remove(struct xsd_conn *c, const char *path, const char *token)
{
	struct xsd_watch **where = &c->server->watches, *w;

	for (; (w = *where); where = &w->next) {
		if (!same(w, c, path, token))
			continue;
		*where = w->next;
		free(w);
		c->nwatches--;
		return 0;
	}
	return -ENOENT;
}

void xsd_watch_remove_all(struct xsd_conn *c)
{
	struct xsd_watch **where = &c->server->watches, *w;

	while ((w = *where)) {
		if (w->conn == c) {
			*where = w->next;
			free(w);
		} else {
			where = &w->next;
		}
	}
	c->nwatches = 0;
}

/* May @c hear of @path?  What it may not read now, it may have been able to. */
static bool may_hear(const struct xsd_conn *c, const char *path,
		     const struct xsd_node *gone)
{
	const struct xsd_server *s = c->server;
	const struct xsd_node *n = *path == '@' ?
		xsd_node_find(s->special->root, path) :
		xsd_tree_find(s->tree, path);

	if (!c->id)
		return true;
	return (n && xsd_access(c, n) & XS_PERM_READ) ||
	       (gone && xsd_access(c, gone) & XS_PERM_READ);
}

/* What of the removed node's tree is at @path, which is below @top? */
static const struct xsd_node *removed_at(const struct xsd_node *removed,
					 const char *top, const char *path)
{
	path += strlen(top);
	return xsd_node_find(removed, path + (*path == '/'));
}

void xsd_watch_fire(struct xsd_server *s, const char *path,
		    const struct xsd_node *removed)
{
	for (struct xsd_watch *w = s->watches; w; w = w->next) {
		const struct xsd_node *gone = removed;
		const char *at = path;

		if (!xsd_path_below(path, w->path)) {
			if (!removed || !xsd_path_below(w->path, path))
				continue;
			at = w->path;
			gone = removed_at(removed, path, at);
			if (!gone)
				continue;
		}
		if (may_hear(w->conn, at, gone))
			event_send(w->conn, at, w->skip, w->token);
	}
}
