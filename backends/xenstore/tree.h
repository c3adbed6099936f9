/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nodes of a store, as a tree of which copies cost nothing.
 *
 * A copy shares all nodes with its original.  A node that belongs to more
 * than one tree (or to more than one parent, which is the same) never
 * changes: a change first replaces the nodes from the root down to it by
 * copies of their own.  Every change gives the node, and one that gains or
 * loses a child, a generation that no node ever had.
 *
 * One thread.
 */
#ifndef BACKENDS_XENSTORE_TREE_H
#define BACKENDS_XENSTORE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/xenstore/include/xenstore_lib.h"

/* More permissions than this in one node are refused (ENOSPC). */
#define XSD_PERMS_MAX	64

struct xsd_node {
	unsigned refs;
	uint64_t generation;
	struct xs_permissions *perms;	/* [0].id is the owner */
	unsigned nperms;
	uint8_t *value;
	unsigned len;			/* bytes of value */
	struct xsd_node **child;	/* sorted by name */
	unsigned nchild, room;
	char name[];
};

struct xsd_tree {
	struct xsd_node *root;
	unsigned nodes;
	/* How many nodes each domain owns. */
	struct xsd_owner { unsigned id, nodes; } *owner;
	unsigned nowner;
};

enum xsd_change_kind { XSD_WRITE, XSD_MKDIR, XSD_RM, XSD_SET_PERMS };

/* One change, that has been allowed. */
struct xsd_change {
	struct xsd_change *next;
	enum xsd_change_kind kind;
	const char *path;		/* canonical, not special */
	const uint8_t *value;		/* XSD_WRITE: @len bytes */
	unsigned len;
	const struct xs_permissions *perms;	/* XSD_SET_PERMS: @nperms */
	unsigned nperms;
	/* Owner of nodes that come into being, or XSD_INHERIT. */
	unsigned owner;
};

#define XSD_INHERIT	(~0u)

/* A tree of the root alone, which domain 0 owns.  NULL: no memory. */
struct xsd_tree *xsd_tree_new(void);
/* NULL: no memory. */
struct xsd_tree *xsd_tree_copy(const struct xsd_tree *t);
void xsd_tree_free(struct xsd_tree *t);

/* The node at a canonical @path, or NULL. */
const struct xsd_node *xsd_tree_find(const struct xsd_tree *t,
				     const char *path);
/* The node at @path seen from @n ("" is @n itself, "a/b" below it). */
const struct xsd_node *xsd_node_find(const struct xsd_node *n,
				     const char *path);
struct xsd_node *xsd_node_get(const struct xsd_node *n);
void xsd_node_put(struct xsd_node *n);

/* How many nodes of @t does domain @id own? */
unsigned xsd_tree_owned(const struct xsd_tree *t, unsigned id);

/*
 * Do it.  Write and mkdir make missing parents, with their parent's
 * permissions; rm of what does not exist changes nothing; set_perms needs the
 * node (-ENOENT).  Returns 0 or -ENOMEM, and then nothing has changed but that
 * some parents may exist.
 */
int xsd_tree_apply(struct xsd_tree *t, const struct xsd_change *c);

/* Is the tree in order?  NULL, or what is wrong. */
const char *xsd_tree_check(const struct xsd_tree *t);

#endif
