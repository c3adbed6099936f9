// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The store itself.
 */
#include "backends/xenstore/server.h"

#include <stdlib.h>
#include <string.h>

#include "hypervisor/types.h"

static const unsigned quota_domain[XSD_QUOTAS] = {
#define QUOTA(name, domain, host, error, help) domain,
#include "backends/xenstore/quota.def"
#undef QUOTA
};

static const unsigned quota_host[XSD_QUOTAS] = {
#define QUOTA(name, domain, host, error, help) host,
#include "backends/xenstore/quota.def"
#undef QUOTA
};

/* What is there before anybody came. */
static const struct {
	const char *path, *value;
} first_nodes[] = {
	{ "/tool/xenstored", "umbra" },
	{ "/tool/umbra/domid", "0" },	/* the last that was given out */
	{ "/local/domain/0/name", "Domain-0" },
	{ "/local/domain/0/domid", "0" },
	{ "/vm", "" },
};

static const char *const special_names[] = {
	"/@introduceDomain", "/@releaseDomain",
};

static int write_first(struct xsd_tree *t, const char *path, const char *value)
{
	struct xsd_change c = {
		.kind = XSD_WRITE, .path = path, .owner = XSD_INHERIT,
		.value = (const uint8_t *)value, .len = strlen(value),
	};

	return xsd_tree_apply(t, &c);
}

static int make_trees(struct xsd_server *s)
{
	int ret = 0;

	s->tree = xsd_tree_new();
	s->special = xsd_tree_new();
	if (!s->tree || !s->special)
		return -ENOMEM;
	for (unsigned i = 0; !ret && i < ARRAY_SIZE(first_nodes); i++)
		ret = write_first(s->tree, first_nodes[i].path,
				  first_nodes[i].value);
	for (unsigned i = 0; !ret && i < ARRAY_SIZE(special_names); i++)
		ret = write_first(s->special, special_names[i], "");
	s->initial_nodes = s->tree->nodes;
	return ret;
}

int xsd_server_init(struct xsd_server *s, struct loop *loop, FILE *log)
{
	memset(s, 0, sizeof(*s));
	s->loop = loop;
	s->log = log;
	memcpy(s->quota_host, quota_host, sizeof(quota_host));
	memcpy(s->quota_domain, quota_domain, sizeof(quota_domain));
	if (!make_trees(s))
		return 0;
	xsd_server_fini(s);
	return -ENOMEM;
}

void xsd_server_fini(struct xsd_server *s)
{
	struct xsd_domain *d;

	for (struct xsd_conn *c = s->conns; c; c = c->next)
		xsd_conn_kill(c, NULL);
	s->changed = NULL;
	xsd_server_reap(s);
	while ((d = s->domains)) {
		s->domains = d->next;
		free(d);
	}
	xsd_tree_free(s->tree);
	xsd_tree_free(s->special);
	s->tree = s->special = NULL;
}

bool xsd_server_is_empty(const struct xsd_server *s)
{
	return !s->conns && !s->domains &&
	       s->tree->nodes == s->initial_nodes;
}

unsigned xsd_quota(const struct xsd_conn *c, enum xsd_quota q)
{
	return c->id ? c->server->quota_domain[q] : c->server->quota_host[q];
}

int xsd_server_apply(struct xsd_server *s, const struct xsd_change *c)
{
	const struct xsd_node *n = xsd_tree_find(s->tree, c->path);
	struct xsd_node *removed = NULL;
	int ret;

	if (n && c->kind == XSD_RM)
		removed = xsd_node_get(n);
	ret = xsd_tree_apply(s->tree, c);
	if (!ret && (c->kind != XSD_RM || removed) &&
	    (c->kind != XSD_MKDIR || !n))
		xsd_watch_fire(s, c->path, removed);
	xsd_node_put(removed);
	return ret;
}
