// SPDX-License-Identifier: GPL-2.0-or-later
#include "backends/xenstore/tree.h"

#include <stdlib.h>
#include <string.h>

#include "backends/xenstore/path.h"

/* The last one that was given out; all trees draw from it. */
static uint64_t generation;

/*
 * Nodes.
 */

static struct xsd_node *node_new(const char *name, size_t len)
{
	struct xsd_node *n = calloc(1, sizeof(*n) + len + 1);

	if (!n)
		return NULL;
	memcpy(n->name, name, len);
	n->refs = 1;
	n->generation = ++generation;
	return n;
}

struct xsd_node *xsd_node_get(const struct xsd_node *n)
{
	struct xsd_node *mine = (struct xsd_node *)n;

	mine->refs++;
	return mine;
}

void xsd_node_put(struct xsd_node *n)
{
	if (!n || --n->refs)
		return;
	for (unsigned i = 0; i < n->nchild; i++)
		xsd_node_put(n->child[i]);
	free(n->child);
	free(n->perms);
	free(n->value);
	free(n);
}

/* memdup() that tells "nothing" from "no memory". */
static int copy_bytes(void *out, const void *from, size_t len)
{
	void *copy = NULL;

	if (len) {
		copy = malloc(len);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, from, len);
	}
	*(void **)out = copy;
	return 0;
}

static struct xsd_node *node_copy(const struct xsd_node *from)
{
	struct xsd_node *n = node_new(from->name, strlen(from->name));

	if (!n)
		return NULL;
	n->generation = from->generation;
	if (copy_bytes(&n->perms, from->perms,
		       from->nperms * sizeof(*n->perms)) ||
	    copy_bytes(&n->value, from->value, from->len) ||
	    copy_bytes(&n->child, from->child,
		       from->nchild * sizeof(*n->child))) {
		xsd_node_put(n);
		return NULL;
	}
	n->nperms = from->nperms;
	n->len = from->len;
	n->nchild = n->room = from->nchild;
	for (unsigned i = 0; i < n->nchild; i++)
		n->child[i]->refs++;
	return n;
}

/* Make the node in *slot this tree's own.  NULL: no memory. */
static struct xsd_node *node_own(struct xsd_node **slot)
{
	struct xsd_node *n = *slot;

	if (n->refs == 1)
		return n;
	n = node_copy(n);
	if (!n)
		return NULL;
	xsd_node_put(*slot);
	*slot = n;
	return n;
}

static int name_compare(const char *name, size_t len, const char *node_name)
{
	int c = strncmp(name, node_name, len);

	return c ? c : -(node_name[len] != '\0');
}

/* Where @name is, or belongs.  *found says which. */
static unsigned child_index(const struct xsd_node *n, const char *name,
			    size_t len, bool *found)
{
	unsigned low = 0, high = n->nchild;

	*found = false;
	while (low < high) {
		unsigned mid = (low + high) / 2;
		int c = name_compare(name, len, n->child[mid]->name);

		if (!c) {
			*found = true;
			return mid;
		}
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static int child_insert(struct xsd_node *n, unsigned at,
			struct xsd_node *child)
{
	if (n->nchild == n->room) {
		unsigned room = n->room ? 2 * n->room : 4;
		struct xsd_node **v = realloc(n->child, room * sizeof(*v));

		if (!v)
			return -ENOMEM;
		n->child = v;
		n->room = room;
	}
	memmove(&n->child[at + 1], &n->child[at],
		(n->nchild - at) * sizeof(*n->child));
	n->child[at] = child;
	n->nchild++;
	n->generation = ++generation;
	return 0;
}

static void child_remove(struct xsd_node *n, unsigned at)
{
	xsd_node_put(n->child[at]);
	n->nchild--;
	memmove(&n->child[at], &n->child[at + 1],
		(n->nchild - at) * sizeof(*n->child));
	n->generation = ++generation;
}

/*
 * Who owns how many.
 */

unsigned xsd_tree_owned(const struct xsd_tree *t, unsigned id)
{
	for (unsigned i = 0; i < t->nowner; i++)
		if (t->owner[i].id == id)
			return t->owner[i].nodes;
	return 0;
}

/* Room for one owner more, so that owner_add() cannot fail. */
static int owner_prepare(struct xsd_tree *t)
{
	struct xsd_owner *v = realloc(t->owner,
				      (t->nowner + 1) * sizeof(*v));

	if (!v)
		return -ENOMEM;
	t->owner = v;
	return 0;
}

static void owner_add(struct xsd_tree *t, unsigned id, int by)
{
	for (unsigned i = 0; i < t->nowner; i++) {
		if (t->owner[i].id != id)
			continue;
		t->owner[i].nodes += by;
		if (!t->owner[i].nodes)
			t->owner[i] = t->owner[--t->nowner];
		return;
	}
	t->owner[t->nowner++] = (struct xsd_owner){ id, by };
}

static void count_out(struct xsd_tree *t, const struct xsd_node *n)
{
	for (unsigned i = 0; i < n->nchild; i++)
		count_out(t, n->child[i]);
	owner_add(t, n->perms[0].id, -1);
	t->nodes--;
}

/*
 * Trees.
 */

struct xsd_tree *xsd_tree_new(void)
{
	static const struct xs_permissions perms = { 0, XS_PERM_NONE };
	struct xsd_tree *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->root = node_new("", 0);
	if (!t->root || owner_prepare(t) ||
	    copy_bytes(&t->root->perms, &perms, sizeof(perms))) {
		xsd_tree_free(t);
		return NULL;
	}
	t->root->nperms = 1;
	t->nodes = 1;
	owner_add(t, 0, 1);
	return t;
}

struct xsd_tree *xsd_tree_copy(const struct xsd_tree *from)
{
	struct xsd_tree *t = malloc(sizeof(*t));

	if (!t)
		return NULL;
	*t = *from;
	if (copy_bytes(&t->owner, from->owner,
		       from->nowner * sizeof(*t->owner))) {
		free(t);
		return NULL;
	}
	xsd_node_get(t->root);
	return t;
}

void xsd_tree_free(struct xsd_tree *t)
{
	if (!t)
		return;
	xsd_node_put(t->root);
	free(t->owner);
	free(t);
}

const struct xsd_node *xsd_node_find(const struct xsd_node *n,
				     const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");
		bool found;
		unsigned i = child_index(n, path, len, &found);

		if (!found)
			return NULL;
		n = n->child[i];
		path += len;
		path += *path == '/';
	}
	return n;
}

const struct xsd_node *xsd_tree_find(const struct xsd_tree *t,
				     const char *path)
{
	return *path == '/' ? xsd_node_find(t->root, path + 1) : NULL;
}

static struct xsd_node *child_new(const struct xsd_node *parent,
				  const char *name, size_t len, unsigned owner)
{
	struct xsd_node *n = node_new(name, len);

	if (n && copy_bytes(&n->perms, parent->perms,
			    parent->nperms * sizeof(*n->perms))) {
		xsd_node_put(n);
		n = NULL;
	}
	if (!n)
		return NULL;
	n->nperms = parent->nperms;
	if (owner != XSD_INHERIT)
		n->perms[0].id = owner;
	return n;
}

/* The child @name of @n, for changes; made if it does not exist. */
static struct xsd_node *child_own(struct xsd_tree *t, struct xsd_node *n,
				  const char *name, size_t len, unsigned owner)
{
	bool found;
	unsigned i = child_index(n, name, len, &found);
	struct xsd_node *child;

	if (found)
		return node_own(&n->child[i]);
	if (owner_prepare(t))
		return NULL;
	child = child_new(n, name, len, owner);
	if (!child || child_insert(n, i, child)) {
		xsd_node_put(child);
		return NULL;
	}
	owner_add(t, child->perms[0].id, 1);
	t->nodes++;
	return child;
}

/*
 * The node at the first @len bytes of @path, for changes; made, with its
 * parents, where it does not exist.  NULL: no memory.
 */
static struct xsd_node *own_path(struct xsd_tree *t, const char *path,
				 size_t len, unsigned owner)
{
	const char *end = path + len;
	struct xsd_node *n = node_own(&t->root);

	for (path++; n && path < end; ) {
		size_t part = strcspn(path, "/");

		if (part > (size_t)(end - path))
			part = end - path;
		n = child_own(t, n, path, part, owner);
		path += part + 1;
	}
	return n;
}

static int apply_write(struct xsd_tree *t, const struct xsd_change *c)
{
	uint8_t *value;
	struct xsd_node *n;

	if (copy_bytes(&value, c->value, c->len))
		return -ENOMEM;
	n = own_path(t, c->path, strlen(c->path), c->owner);
	if (!n) {
		free(value);
		return -ENOMEM;
	}
	free(n->value);
	n->value = value;
	n->len = c->len;
	n->generation = ++generation;
	return 0;
}

static int apply_mkdir(struct xsd_tree *t, const struct xsd_change *c)
{
	if (xsd_tree_find(t, c->path))
		return 0;
	return own_path(t, c->path, strlen(c->path), c->owner) ? 0 : -ENOMEM;
}

static int apply_rm(struct xsd_tree *t, const struct xsd_change *c)
{
	size_t parent_len = xsd_path_parent(c->path);
	const char *name = strrchr(c->path, '/') + 1;
	struct xsd_node *parent;
	unsigned i;
	bool found;

	if (!xsd_tree_find(t, c->path))
		return 0;
	parent = own_path(t, c->path, parent_len, XSD_INHERIT);
	if (!parent)
		return -ENOMEM;
	i = child_index(parent, name, strlen(name), &found);
	count_out(t, parent->child[i]);
	child_remove(parent, i);
	return 0;
}

static int apply_perms(struct xsd_tree *t, const struct xsd_change *c)
{
	struct xs_permissions *perms;
	struct xsd_node *n;

	if (!xsd_tree_find(t, c->path))
		return -ENOENT;
	if (owner_prepare(t) || copy_bytes(&perms, c->perms,
					   c->nperms * sizeof(*perms)))
		return -ENOMEM;
	n = own_path(t, c->path, strlen(c->path), XSD_INHERIT);
	if (!n) {
		free(perms);
		return -ENOMEM;
	}
	/* In this order: there is room for one new owner. */
	owner_add(t, n->perms[0].id, -1);
	owner_add(t, perms[0].id, 1);
	free(n->perms);
	n->perms = perms;
	n->nperms = c->nperms;
	n->generation = ++generation;
	return 0;
}

int xsd_tree_apply(struct xsd_tree *t, const struct xsd_change *c)
{
	switch (c->kind) {
	case XSD_WRITE:
		return apply_write(t, c);
	case XSD_MKDIR:
		return apply_mkdir(t, c);
	case XSD_RM:
		return apply_rm(t, c);
	case XSD_SET_PERMS:
		return apply_perms(t, c);
	}
	return -EINVAL;
}

/*
 * Order.
 */

static const char *node_check(const struct xsd_node *n, unsigned *count)
{
	const char *why = NULL;

	++*count;
	if (!n->refs || !n->nperms)
		return "a node without users or owner";
	if (n->generation > generation)
		return "a generation from the future";
	for (unsigned i = 0; !why && i < n->nchild; i++) {
		if (i && strcmp(n->child[i - 1]->name, n->child[i]->name) >= 0)
			return "children out of order";
		why = node_check(n->child[i], count);
	}
	return why;
}

const char *xsd_tree_check(const struct xsd_tree *t)
{
	unsigned count = 0, owned = 0;
	const char *why = node_check(t->root, &count);

	for (unsigned i = 0; i < t->nowner; i++)
		owned += t->owner[i].nodes;
	if (!why && (count != t->nodes || owned != t->nodes))
		why = "nodes were counted wrong";
	return why;
}
