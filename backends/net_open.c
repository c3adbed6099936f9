// SPDX-License-Identifier: GPL-2.0-or-later
#include "backends/net_open.h"

#include <errno.h>
#include <string.h>

#include "backends/net.h"

static const struct kind {
	const char *name;
	const char *keys;	/* separated by spaces; hostfwd may repeat */
	int (*open)(struct net_backend **out, const char *const *keys,
		    const struct net_open_args *args, char *err,
		    size_t errlen);
	const char *help;
} kinds[] = {
	{ "user", "hostfwd restrict net host dhcpstart dns hostname tftp "
	  "bootfile pcap", net_user_open,
	  "user: a network of its own behind the host's sockets; keys: "
	  "hostfwd=tcp|udp:[ADDR]:PORT-[ADDR]:PORT, restrict, net, host, "
	  "dhcpstart, dns, hostname, tftp, bootfile, pcap" },
	{ "tap", "ifname pcap", net_tap_open,
	  "tap: an interface of the host; keys: ifname, pcap" },
	{ "socket", "listen connect pcap", net_socket_open,
	  "socket: a cable to another machine; keys: listen or connect "
	  "(unix:PATH or tcp:[ADDR:]PORT), pcap" },
};

const char *net_kind_help(unsigned n)
{
	return n < sizeof(kinds) / sizeof(kinds[0]) ? kinds[n].help : NULL;
}

const char *net_key(const char *const *keys, const char *key, unsigned *at)
{
	size_t len = strlen(key);

	for (; keys && keys[*at]; ++*at) {
		const char *k = keys[*at];

		if (!strncmp(k, key, len) && (k[len] == '=' || !k[len])) {
			++*at;
			return k[len] ? k + len + 1 : "on";
		}
	}
	return NULL;
}

static bool key_known(const char *known, const char *key)
{
	size_t len = strcspn(key, "=");

	while (*known) {
		size_t n = strcspn(known, " ");

		if (n == len && !strncmp(known, key, n))
			return true;
		known += n + strspn(known + n, " ");
	}
	return false;
}

static const struct kind *find(const char *name)
{
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

int net_open(struct net_backend **out, const char *name,
	     const char *const *keys, const struct net_open_args *args,
	     char *err, size_t errlen)
{
	const struct kind *k = find(name);
	struct net_backend *inner;
	const char *pcap;
	unsigned at = 0;
	int ret;

	*out = NULL;
	if (!k) {
		snprintf(err, errlen, "%s: no such network (user, tap or "
			 "socket)", name);
		return -EINVAL;
	}
	for (unsigned i = 0; keys && keys[i]; i++)
		if (!key_known(k->keys, keys[i])) {
			snprintf(err, errlen, "%s: key %.*s is not known "
				 "(keys: %s)", name,
				 (int)strcspn(keys[i], "="), keys[i],
				 k->keys);
			return -EINVAL;
		}
	ret = k->open(out, keys, args, err, errlen);
	pcap = net_key(keys, "pcap", &at);
	if (ret || !pcap)
		return ret;
	inner = *out;
	ret = net_pcap_wrap(out, inner, pcap, args, err, errlen);
	if (ret) {
		inner->ops->destroy(inner);
		*out = NULL;
	}
	return ret;
}
