/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transactions: a copy of the tree, what was looked at in it, and what was
 * changed.
 *
 * At the end, if every node that the transaction looked at or changed is in
 * the store as it was at the start (or still is not there), its changes are
 * made again to the store; they have the same outcome there.
 */
#ifndef BACKENDS_XENSTORE_TXN_H
#define BACKENDS_XENSTORE_TXN_H

#include "backends/xenstore/tree.h"

struct xsd_txn {
	struct xsd_txn *next;
	uint32_t id;
	struct xsd_tree *base, *tree;	/* as at the start; as it sees it */
	struct xsd_change *first, **end;	/* what it changed, in order */
	/* What it looked at: a hash table of paths. */
	struct xsd_access **access;
	unsigned naccess, room;
};

/* NULL: no memory. */
struct xsd_txn *xsd_txn_new(uint32_t id, const struct xsd_tree *store);
void xsd_txn_free(struct xsd_txn *x);

/* It looks at @path.  Returns 0 or -ENOMEM. */
int xsd_txn_access(struct xsd_txn *x, const char *path);
/* It looks at all that is below @path, which exists. */
int xsd_txn_access_below(struct xsd_txn *x, const char *path);

/* It makes this change.  Returns what xsd_tree_apply() does. */
int xsd_txn_change(struct xsd_txn *x, const struct xsd_change *c);

/* Has @store changed where @x looked? */
bool xsd_txn_conflicts(const struct xsd_txn *x, const struct xsd_tree *store);

#endif
