// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands to the store itself (XS_CONTROL, xenstore-control(1)).  `check',
 * `help', `log', `memreport', `print' and `quota' have the names they have in
 * Xen; the others are ours.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "backends/xenstore/server.h"
#include "hypervisor/types.h"

#define ARGS_MAX	4

struct reply {
	char *text;
	size_t len, room;
};

struct command {
	const char *name, *args, *help;
	int (*fn)(struct xsd_conn *c, char **arg, unsigned n,
		  struct reply *out);
};

static const char *const quota_names[XSD_QUOTAS] = {
#define QUOTA(name, domain, host, error, help) #name,
#include "backends/xenstore/quota.def"
#undef QUOTA
};

static void say(struct reply *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct reply *out, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(out->text + out->len, out->room - out->len, fmt, ap);
	va_end(ap);
	if (n > 0 && out->len + n < out->room)
		out->len += n;
}

static int cmd_check(struct xsd_conn *c, char **arg, unsigned n,
		     struct reply *out)
{
	const char *why = xsd_tree_check(c->server->tree);

	if (why)
		fprintf(c->server->log, "umbra: xenstored: check: %s\n", why);
	return why ? -EIO : 0;
}

static int cmd_log(struct xsd_conn *c, char **arg, unsigned n,
		   struct reply *out)
{
	bool on = n == 1 && !strcmp(arg[0], "on");

	if (n != 1 || (!on && strcmp(arg[0], "off")))
		return -EINVAL;
	c->server->log_requests = on;
	return 0;
}

static int cmd_memreport(struct xsd_conn *c, char **arg, unsigned n,
			 struct reply *out)
{
	struct xsd_server *s = c->server;
	unsigned watches = 0, txns = 0;
	size_t queued = 0;

	for (struct xsd_conn *i = s->conns; i; i = i->next) {
		watches += i->nwatches;
		txns += i->ntxns;
		queued += i->queued;
	}
	say(out, "%u nodes, %u connections, %u watches, %u transactions, "
	    "%zu bytes queued\n", s->tree->nodes, s->nconns, watches, txns,
	    queued);
	return 0;
}

static int cmd_print(struct xsd_conn *c, char **arg, unsigned n,
		     struct reply *out)
{
	if (n != 1)
		return -EINVAL;
	fputs("umbra: xenstored: ", c->server->log);
	for (const char *p = arg[0]; *p; p++)
		fputc(*p >= ' ' && *p <= '~' ? *p : '?', c->server->log);
	fputc('\n', c->server->log);
	fflush(c->server->log);
	return 0;
}

static int parse_number(const char *text, unsigned long max, unsigned *out)
{
	char *end;
	unsigned long val;

	errno = 0;
	val = strtoul(text, &end, 10);
	if (errno || end == text || *end || val > max)
		return -EINVAL;
	*out = val;
	return 0;
}

static int quota_set(struct xsd_server *s, const char *name, const char *text)
{
	unsigned val;

	if (parse_number(text, ~0u, &val))
		return -EINVAL;
	for (unsigned i = 0; i < XSD_QUOTAS; i++)
		if (!strcmp(quota_names[i], name)) {
			s->quota_domain[i] = val;
			return 0;
		}
	return -EINVAL;
}

/* Xen's: `quota' shows them, `quota|set|NAME|VALUE' changes one. */
static int cmd_quota(struct xsd_conn *c, char **arg, unsigned n,
		     struct reply *out)
{
	if (n == 3 && !strcmp(arg[0], "set"))
		return quota_set(c->server, arg[1], arg[2]);
	if (n)
		return -EINVAL;
	say(out, "%-18s %10s %10s\n", "name", "domain", "host");
	for (unsigned i = 0; i < XSD_QUOTAS; i++)
		say(out, "%-18s %10u %10u\n", quota_names[i],
		    c->server->quota_domain[i], c->server->quota_host[i]);
	return 0;
}

static int cmd_restrict(struct xsd_conn *c, char **arg, unsigned n,
			struct reply *out)
{
	unsigned id;

	if (n != 1 || parse_number(arg[0], XSD_DOMID_END - 1, &id) || !id)
		return -EINVAL;
	c->id = id;
	snprintf(c->base, sizeof(c->base), "/local/domain/%u", id);
	return 0;
}

static int cmd_keep(struct xsd_conn *c, char **arg, unsigned n,
		    struct reply *out)
{
	unsigned id;

	if (n != 1 || parse_number(arg[0], XSD_DOMID_END - 1, &id) || !id)
		return -EINVAL;
	return xsd_domain_keep(c->server, id, c);
}

static int cmd_clean(struct xsd_conn *c, char **arg, unsigned n,
		     struct reply *out)
{
	unsigned id;

	if (n != 1 || parse_number(arg[0], XSD_DOMID_END - 1, &id) || !id)
		return -EINVAL;
	xsd_domain_clean(c->server, id);
	return 0;
}

static int cmd_stop(struct xsd_conn *c, char **arg, unsigned n,
		    struct reply *out)
{
	c->server->stop = true;
	if (c->server->stopping)
		c->server->stopping(c->server->opaque);
	return 0;
}

static int cmd_help(struct xsd_conn *c, char **arg, unsigned n,
		    struct reply *out);

static const struct command commands[] = {
	{ "check", "", "is the store in order", cmd_check },
	{ "clean", "DOMID", "remove the nodes of a domain", cmd_clean },
	{ "help", "", "this list", cmd_help },
	{ "keep", "DOMID", "the domain ends with this connection", cmd_keep },
	{ "log", "on|off", "log requests", cmd_log },
	{ "memreport", "", "how much there is of what", cmd_memreport },
	{ "print", "TEXT", "write to the log", cmd_print },
	{ "quota", "[set NAME VALUE]", "show quotas, change a domain's",
	  cmd_quota },
	{ "restrict", "DOMID", "act as this domain from now on",
	  cmd_restrict },
	{ "stop", "", "end the store", cmd_stop },
};

static int cmd_help(struct xsd_conn *c, char **arg, unsigned n,
		    struct reply *out)
{
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		say(out, "%-10s%-18s%s\n", commands[i].name, commands[i].args,
		    commands[i].help);
	return 0;
}

/* The strings of @args.  Returns how many, or -EINVAL. */
static int split(char *args, size_t len, char **arg)
{
	unsigned n = 0;

	if (len && args[len - 1])
		return -EINVAL;
	for (size_t i = 0; i < len; i += strlen(args + i) + 1) {
		if (n == ARGS_MAX)
			return -EINVAL;
		arg[n++] = args + i;
	}
	return n;
}

int xsd_control(struct xsd_conn *c, char *cmd, char *args, size_t len,
		char *out, size_t room)
{
	struct reply r = { out, 0, room };
	char *arg[ARGS_MAX];
	int n = split(args, len, arg), ret = -EINVAL;

	for (unsigned i = 0; n >= 0 && i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, cmd))
			ret = commands[i].fn(c, arg, n, &r);
	if (!ret && !r.len)
		say(&r, "OK");
	out[r.len] = '\0';
	return ret ? ret : (int)r.len + 1;
}
