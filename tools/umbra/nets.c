// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Networks: --netdev opens one, a card takes it by its id; --nic does both.
 * QEMU's spelling.
 */
#define _GNU_SOURCE	/* strsep */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/net.h"
#include "backends/net_open.h"
#include "tools/lib/options.h"
#include "tools/umbra/devices.h"

#define KEYS_MAX	32
#define DEFAULT_MODEL	"virtio-net"

/* "KIND,KEY=VALUE,...", taken apart; points into .text. */
struct spec {
	char *text, *kind;
	const char *card[4];		/* model=, mac=, addr=, id= values */
	const char *keys[KEYS_MAX + 1];	/* the rest, the backend's */
};

enum { MODEL, MAC, ADDR, ID };
static const char *const card_keys[] = { "model=", "mac=", "addr=", "id=" };

static int card_key(const char *key)
{
	for (unsigned i = 0; i < ARRAY_SIZE(card_keys); i++)
		if (!strncmp(key, card_keys[i], strlen(card_keys[i])))
			return i;
	return -1;
}

static int parse(struct spec *s, const char *text, char *err, size_t len)
{
	char *rest, *key;
	unsigned n = 0;
	int k;

	memset(s, 0, sizeof(*s));
	rest = s->text = strdup(text);
	if (!rest)
		return -ENOMEM;
	s->kind = strsep(&rest, ",");
	while ((key = strsep(&rest, ","))) {
		k = card_key(key);
		if (k >= 0) {
			s->card[k] = strchr(key, '=') + 1;
		} else if (n == KEYS_MAX) {
			snprintf(err, len, "%s: more than %d keys", s->kind,
				 KEYS_MAX);
			return -EINVAL;
		} else {
			s->keys[n++] = key;
		}
	}
	return 0;
}

static int open_net(struct device_list *l, const struct spec *s,
		    const struct net_open_args *args, char *err, size_t len)
{
	struct net_entry *e = &l->nets[l->nnets];
	int ret;

	if (l->nnets == ARRAY_SIZE(l->nets)) {
		snprintf(err, len, "%s: more networks than %zu", s->kind,
			 ARRAY_SIZE(l->nets));
		return -ENOSPC;
	}
	ret = net_open(&e->backend, s->kind, s->keys, args, err, len);
	if (ret)
		return ret;
	l->nnets++;
	e->id = s->card[ID] ? strdup(s->card[ID]) : NULL;
	return s->card[ID] && !e->id ? -ENOMEM : 0;
}

static int netdev(struct device_list *l, const char *text,
		  const struct net_open_args *args, char *err, size_t len)
{
	struct spec s;
	int ret = parse(&s, text, err, len);

	if (!ret && (!s.card[ID] || s.card[MODEL] || s.card[MAC])) {
		snprintf(err, len, "--netdev %s: needs id=, and no model= or "
			 "mac= (those are the card's: --device "
			 DEFAULT_MODEL ",netdev=ID)", text);
		ret = -EINVAL;
	}
	if (!ret)
		ret = open_net(l, &s, args, err, len);
	free(s.text);
	return ret;
}

static int add_card(struct device_list *l, const struct spec *s, char *err,
		    size_t len)
{
	char text[256];
	int n = snprintf(text, sizeof(text), "%s",
			 s->card[MODEL] ? s->card[MODEL] : DEFAULT_MODEL);

	for (unsigned k = MAC; k <= ADDR; k++)
		if (s->card[k])
			n += snprintf(text + n, sizeof(text) - n, ",%s%s",
				      card_keys[k], s->card[k]);
	return devices_add_text(l, text, l->nets[l->nnets - 1].backend, err,
				len);
}

static int nic(struct device_list *l, const char *text,
	       const struct net_open_args *args, char *err, size_t len)
{
	struct spec s;
	int ret = parse(&s, text, err, len);

	if (!ret)
		ret = open_net(l, &s, args, err, len);
	if (!ret)
		ret = add_card(l, &s, err, len);
	free(s.text);
	return ret;
}

int nets_open(struct device_list *l, const struct run_config *c,
	      struct loop *loop, FILE *log, char *err, size_t len)
{
	struct net_open_args args = { loop, log };
	int ret = 0;

	for (unsigned i = 0; !ret && i < c->netdevs.n; i++)
		ret = netdev(l, c->netdevs.v[i], &args, err, len);
	for (unsigned i = 0; !ret && i < c->nics.n; i++)
		if (strcmp(c->nics.v[i], "none"))
			ret = nic(l, c->nics.v[i], &args, err, len);
	return ret;
}

struct net_backend *nets_find(struct device_list *l, const char *id)
{
	for (unsigned i = 0; i < l->nnets; i++)
		if (l->nets[i].id && !strcmp(l->nets[i].id, id))
			return l->nets[i].backend;
	return NULL;
}

void nets_close(struct device_list *l)
{
	for (unsigned i = 0; i < l->nnets; i++) {
		l->nets[i].backend->ops->destroy(l->nets[i].backend);
		free(l->nets[i].id);
	}
}
