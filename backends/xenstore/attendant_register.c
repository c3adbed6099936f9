// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A domain's place in the store: its number, its first nodes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/xenstore/attendant_priv.h"

#define COUNTER		"/tool/umbra/domid"
/* Xen's own numbers begin here (xen.h, DOMID_FIRST_RESERVED). */
#define DOMID_END	0x7ff0
/* Attempts at a transaction that others get in the way of. */
#define TRIES		1000

bool att_write(struct att *a, const char *path, const char *value)
{
	return a->h && xs_write(a->h, XBT_NULL, path, value, strlen(value));
}

char *att_read(struct att *a, const char *path)
{
	return a->h ? xs_read(a->h, XBT_NULL, path, NULL) : NULL;
}

static bool put(struct xs_handle *h, xs_transaction_t t, const char *dir,
		const char *name, const char *value)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return xs_write(h, t, path, value, strlen(value));
}

/*
 * A transaction, again and again until nobody got in its way.  @step returns
 * 0 or a negative errno.
 */
static int transact(struct att *a, int (*step)(struct att *a,
					       xs_transaction_t t))
{
	for (int i = 0; i < TRIES; i++) {
		xs_transaction_t t = xs_transaction_start(a->h);
		int ret;

		if (!t)
			return -errno;
		ret = step(a, t);
		if (xs_transaction_end(a->h, t, ret) || ret)
			return ret;
		if (errno != EAGAIN)
			return -errno;
	}
	return -EAGAIN;
}

static bool domid_is_free(struct att *a, xs_transaction_t t, unsigned id)
{
	char path[PATH_ROOM];
	unsigned len;
	char *v;

	snprintf(path, sizeof(path), "/local/domain/%u", id);
	v = xs_read(a->h, t, path, &len);
	free(v);
	return !v && !xs_is_domain_introduced(a->h, id);
}

/* The number it had, or the next that nobody has. */
static int claim_domid(struct att *a, xs_transaction_t t)
{
	unsigned id = a->info.domid, last;
	char *v = xs_read(a->h, t, COUNTER, NULL), text[16];

	last = v ? strtoul(v, NULL, 10) : 0;
	free(v);
	if (!id || !domid_is_free(a, t, id)) {
		id = last;
		do
			id = id + 1 < DOMID_END ? id + 1 : 1;
		while (id != last && !domid_is_free(a, t, id));
		if (id == last)
			return -ENOSPC;
		last = id;
	}
	if (id > last)
		last = id;
	snprintf(text, sizeof(text), "%u", last);
	if (!xs_write(a->h, t, COUNTER, text, strlen(text)))
		return -errno;
	a->info.domid = id;
	return 0;
}

/* Does another domain have this name? */
static bool name_is_taken(struct att *a, xs_transaction_t t)
{
	unsigned n = 0;
	char **v = xs_directory(a->h, t, "/local/domain", &n);
	bool taken = false;

	for (unsigned i = 0; v && i < n && !taken; i++) {
		char path[PATH_ROOM], *name;

		snprintf(path, sizeof(path), "/local/domain/%s/name", v[i]);
		name = xs_read(a->h, t, path, NULL);
		taken = name && !strcmp(name, a->info.name);
		free(name);
	}
	free(v);
	return taken;
}

static int write_domain(struct att *a, xs_transaction_t t)
{
	char vm[64], id[16], kib[24], vcpus[16], pid[16];
	const struct { const char *name, *value; } nodes[] = {
		{ "vm", vm },
		{ "name", a->info.name },
		{ "domid", id },
		{ "memory/static-max", kib },
		{ "memory/target", kib },
		{ "control/shutdown", "" },
		{ "device", "" },
		{ "umbra/engine", a->cfg->engine },
		{ "umbra/vcpus", vcpus },
		{ "umbra/pid", pid },
		{ "umbra/state", "starting" },
	};
	struct xs_permissions perms[] = {
		{ 0, XS_PERM_NONE }, { a->info.domid, XS_PERM_READ },
	};
	bool ok;

	if (name_is_taken(a, t))
		return -EEXIST;
	snprintf(vm, sizeof(vm), "/vm/%s", a->info.uuid);
	snprintf(id, sizeof(id), "%u", a->info.domid);
	snprintf(kib, sizeof(kib), "%llu",
		 (unsigned long long)a->cfg->ram_size / 1024);
	snprintf(vcpus, sizeof(vcpus), "%u", a->cfg->vcpus);
	snprintf(pid, sizeof(pid), "%d", a->vm_pid);
	ok = put(a->h, t, vm, "name", a->info.name) &&
	     put(a->h, t, vm, "uuid", a->info.uuid) &&
	     xs_mkdir(a->h, t, a->dir) &&
	     xs_set_permissions(a->h, t, a->dir, perms, 2);
	for (unsigned i = 0; ok && i < sizeof(nodes) / sizeof(nodes[0]); i++)
		ok = put(a->h, t, a->dir, nodes[i].name, nodes[i].value);
	return ok ? 0 : -errno;
}

/* Before there is a node: what dies on the way leaves nothing. */
static int keep(struct att *a)
{
	char text[16], *answer;

	snprintf(text, sizeof(text), "%u", a->info.domid);
	answer = xs_control_command(a->h, "keep", text, strlen(text) + 1);
	free(answer);
	return answer ? 0 : -errno;
}

static int fail(char *err, int ret, const struct att *a)
{
	if (ret == -EEXIST)
		snprintf(err, XSD_ERR_LEN, "%s: another machine has this name "
			 "(umbra list)", a->info.name);
	else
		snprintf(err, XSD_ERR_LEN, "%s: %s", xs_daemon_socket(),
			 ret == -EINVAL ? "not a store of umbra's" :
			 strerror(-ret));
	return ret;
}

static bool watch_all(struct att *a)
{
	char path[PATH_ROOM];
	bool ok;

	snprintf(path, sizeof(path), "%s/control/shutdown", a->dir);
	ok = xs_watch(a->h, path, "shutdown");
	snprintf(path, sizeof(path), "%s/memory/target", a->dir);
	return ok && xs_watch(a->h, path, "target") &&
	       xs_watch(a->h, "/local/domain/0/backend", "backend");
}

static int register_connected(struct att *a)
{
	int ret = transact(a, claim_domid);

	if (ret)
		return ret;
	snprintf(a->dir, sizeof(a->dir), "/local/domain/%u", a->info.domid);
	if (!*a->info.name)
		snprintf(a->info.name, sizeof(a->info.name), "vm%u",
			 a->info.domid);
	ret = keep(a);
	if (!ret)
		ret = transact(a, write_domain);
	if (!ret && (!watch_all(a) ||
		     !xs_introduce_domain(a->h, a->info.domid, 0, 0)))
		ret = -errno;
	return ret;
}

int att_register(struct att *a, char *err)
{
	int ret = xsd_start(NULL, err);

	if (ret)
		return ret;
	a->h = xs_open(0);
	ret = a->h ? register_connected(a) : -errno;
	if (!ret)
		return 0;
	xs_close(a->h);
	a->h = NULL;
	return fail(err, ret, a);
}
