// SPDX-License-Identifier: GPL-2.0-or-later
#include "backends/xenstore/txn.h"

#include <stdlib.h>
#include <string.h>

#include "backends/xenstore/path.h"

#define ACCESS_ROOM	64	/* a power of two */

struct xsd_access {
	uint64_t generation;	/* at the start; 0: there was no such node */
	uint32_t hash;
	char path[];
};

struct xsd_txn *xsd_txn_new(uint32_t id, const struct xsd_tree *store)
{
	struct xsd_txn *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->id = id;
	x->end = &x->first;
	x->room = ACCESS_ROOM;
	x->base = xsd_tree_copy(store);
	x->tree = xsd_tree_copy(store);
	x->access = calloc(x->room, sizeof(*x->access));
	if (!x->base || !x->tree || !x->access) {
		xsd_txn_free(x);
		return NULL;
	}
	return x;
}

void xsd_txn_free(struct xsd_txn *x)
{
	struct xsd_change *c, *next;

	for (c = x->first; c; c = next) {
		next = c->next;
		free(c);
	}
	for (unsigned i = 0; x->access && i < x->room; i++)
		free(x->access[i]);
	free(x->access);
	xsd_tree_free(x->base);
	xsd_tree_free(x->tree);
	free(x);
}

/* FNV-1a */
static uint32_t path_hash(const char *path)
{
	uint32_t h = 2166136261u;

	for (; *path; path++)
		h = (h ^ (uint8_t)*path) * 16777619u;
	return h;
}

/* The slot where @path is, or belongs. */
static struct xsd_access **access_slot(struct xsd_access **table,
				       unsigned room, const char *path,
				       uint32_t hash)
{
	unsigned i = hash & (room - 1);

	while (table[i] && (table[i]->hash != hash ||
			    strcmp(table[i]->path, path)))
		i = (i + 1) & (room - 1);
	return &table[i];
}

static int access_grow(struct xsd_txn *x)
{
	unsigned room = 2 * x->room;
	struct xsd_access **table = calloc(room, sizeof(*table));

	if (!table)
		return -ENOMEM;
	for (unsigned i = 0; i < x->room; i++)
		if (x->access[i])
			*access_slot(table, room, x->access[i]->path,
				     x->access[i]->hash) = x->access[i];
	free(x->access);
	x->access = table;
	x->room = room;
	return 0;
}

int xsd_txn_access(struct xsd_txn *x, const char *path)
{
	uint32_t hash = path_hash(path);
	struct xsd_access **slot = access_slot(x->access, x->room, path, hash);
	const struct xsd_node *n = xsd_tree_find(x->base, path);
	size_t len = strlen(path) + 1;
	struct xsd_access *a;

	if (*slot)
		return 0;
	if (2 * x->naccess >= x->room) {
		if (access_grow(x))
			return -ENOMEM;
		slot = access_slot(x->access, x->room, path, hash);
	}
	a = malloc(sizeof(*a) + len);
	if (!a)
		return -ENOMEM;
	a->generation = n ? n->generation : 0;
	a->hash = hash;
	memcpy(a->path, path, len);
	*slot = a;
	x->naccess++;
	return 0;
}

static int access_children(struct xsd_txn *x, const struct xsd_node *n,
			   char *path, size_t len)
{
	int ret = xsd_txn_access(x, path);

	for (unsigned i = 0; !ret && i < n->nchild; i++) {
		const char *name = n->child[i]->name;
		size_t room = strlen(name) + 1;

		path[len] = '/';
		memcpy(path + len + 1, name, room);
		ret = access_children(x, n->child[i], path, len + room);
		path[len] = '\0';
	}
	return ret;
}

int xsd_txn_access_below(struct xsd_txn *x, const char *path)
{
	char buf[XSD_PATH_ROOM];
	size_t len = strlen(path);

	memcpy(buf, path, len + 1);
	return access_children(x, xsd_tree_find(x->tree, path), buf, len);
}

/* A copy with everything in one block. */
static struct xsd_change *change_copy(const struct xsd_change *from)
{
	size_t path = strlen(from->path) + 1;
	size_t perms = from->nperms * sizeof(*from->perms);
	struct xsd_change *c = malloc(sizeof(*c) + perms + path + from->len);
	char *p = (char *)(c + 1);

	if (!c)
		return NULL;
	*c = *from;
	c->next = NULL;
	if (perms)
		memcpy(p, from->perms, perms);
	memcpy(p + perms, from->path, path);
	if (from->len)
		memcpy(p + perms + path, from->value, from->len);
	c->perms = (struct xs_permissions *)p;
	c->path = p + perms;
	c->value = (uint8_t *)p + perms + path;
	return c;
}

int xsd_txn_change(struct xsd_txn *x, const struct xsd_change *from)
{
	struct xsd_change *c = change_copy(from);
	int ret = c ? xsd_tree_apply(x->tree, c) : -ENOMEM;

	if (ret) {
		free(c);
		return ret;
	}
	*x->end = c;
	x->end = &c->next;
	return 0;
}

bool xsd_txn_conflicts(const struct xsd_txn *x, const struct xsd_tree *store)
{
	if (store->root == x->base->root)
		return false;
	for (unsigned i = 0; i < x->room; i++) {
		const struct xsd_access *a = x->access[i];
		const struct xsd_node *n;

		if (!a)
			continue;
		n = xsd_tree_find(store, a->path);
		if ((n ? n->generation : 0) != a->generation)
			return true;
	}
	return false;
}
