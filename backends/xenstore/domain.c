// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Domains: who has been introduced, and what remains to be cleared away when
 * one goes.
 *
 * A domain may have a keeper, a connection that it does not outlive (control
 * command `keep'): a VM whose process is killed leaves nothing behind.  The
 * keeper comes first, then the domain's nodes, then its introduction.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/xenstore/server.h"

struct xsd_domain *xsd_domain_find(struct xsd_server *s, unsigned id)
{
	struct xsd_domain *d = s->domains;

	while (d && d->id != id)
		d = d->next;
	return d;
}

bool xsd_domain_is_introduced(struct xsd_server *s, unsigned id)
{
	const struct xsd_domain *d = xsd_domain_find(s, id);

	return d && d->introduced;
}

/* The domain's entry, made if there is none.  NULL: no memory. */
static struct xsd_domain *domain_get(struct xsd_server *s, unsigned id)
{
	struct xsd_domain *d = xsd_domain_find(s, id);

	if (d)
		return d;
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->id = id;
	d->target = XSD_NO_TARGET;
	d->next = s->domains;
	s->domains = d;
	return d;
}

int xsd_domain_introduce(struct xsd_server *s, unsigned id, unsigned long mfn,
			 unsigned port)
{
	struct xsd_domain *d = domain_get(s, id);

	if (!d)
		return -ENOMEM;
	if (d->introduced)
		return d->mfn == mfn && d->port == port ? 0 : -EINVAL;
	d->introduced = true;
	d->mfn = mfn;
	d->port = port;
	xsd_watch_fire(s, "@introduceDomain", NULL);
	return 0;
}

int xsd_domain_keep(struct xsd_server *s, unsigned id, struct xsd_conn *c)
{
	struct xsd_domain *d = domain_get(s, id);

	if (!d)
		return -ENOMEM;
	if (d->keeper && d->keeper != c)
		return -EBUSY;
	d->keeper = c;
	return 0;
}

int xsd_domain_release(struct xsd_server *s, unsigned id)
{
	struct xsd_domain **where = &s->domains, *d;
	bool introduced;

	while (*where && (*where)->id != id)
		where = &(*where)->next;
	d = *where;
	if (!d)
		return -ENOENT;
	introduced = d->introduced;
	*where = d->next;
	free(d);
	if (introduced)
		xsd_watch_fire(s, "@releaseDomain", NULL);
	return 0;
}

static void remove_path(struct xsd_server *s, const char *path)
{
	struct xsd_change c = { .kind = XSD_RM, .path = path };
	int ret = xsd_server_apply(s, &c);

	if (ret)
		fprintf(s->log, "umbra: xenstored: cannot remove %s: %s\n",
			path, strerror(-ret));
}

static bool childless(struct xsd_server *s, const char *path)
{
	const struct xsd_node *n = xsd_tree_find(s->tree, path);

	return n && !n->nchild;
}

/* backend/CLASS/ID of one class, and backend/CLASS if that was all. */
static void clean_class(struct xsd_server *s, const char *class, unsigned id)
{
	char path[XSD_PATH_ROOM];
	int n = snprintf(path, sizeof(path), "/local/domain/0/backend/%s",
			 class);

	if (n + 16 > (int)sizeof(path))
		return;
	snprintf(path + n, sizeof(path) - n, "/%u", id);
	if (!xsd_tree_find(s->tree, path))
		return;
	remove_path(s, path);
	path[n] = '\0';
	if (childless(s, path))
		remove_path(s, path);
}

static void clean_backends(struct xsd_server *s, unsigned id)
{
	static const char path[] = "/local/domain/0/backend";
	const struct xsd_node *n = xsd_tree_find(s->tree, path);

	if (!n)
		return;
	n = xsd_node_get(n);
	for (unsigned i = 0; i < n->nchild; i++)
		clean_class(s, n->child[i]->name, id);
	xsd_node_put((struct xsd_node *)n);
	if (childless(s, path))
		remove_path(s, path);
}

/* The node `vm' of the domain names its place in /vm. */
static void clean_vm(struct xsd_server *s, const char *domain)
{
	char path[XSD_PATH_ROOM], vm[64];
	const struct xsd_node *n;

	snprintf(path, sizeof(path), "%s/vm", domain);
	n = xsd_tree_find(s->tree, path);
	if (!n || n->len >= sizeof(vm) || n->len < 5 ||
	    memcmp(n->value, "/vm/", 4))
		return;
	memcpy(vm, n->value, n->len);
	vm[n->len] = '\0';
	if (strlen(vm) == n->len && !xsd_path_canonical(vm, "", path))
		remove_path(s, path);
}

void xsd_domain_clean(struct xsd_server *s, unsigned id)
{
	char path[48];

	snprintf(path, sizeof(path), "/local/domain/%u", id);
	clean_vm(s, path);
	clean_backends(s, id);
	if (xsd_tree_find(s->tree, path))
		remove_path(s, path);
}

void xsd_domain_forsaken(struct xsd_server *s, struct xsd_conn *c)
{
	for (struct xsd_domain *d = s->domains, *next; d; d = next) {
		unsigned id = d->id;

		next = d->next;
		if (d->keeper != c)
			continue;
		xsd_domain_clean(s, id);
		xsd_domain_release(s, id);
	}
}
