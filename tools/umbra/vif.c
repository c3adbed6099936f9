// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Network cards in the store: the class "vif".  The network of a card that
 * comes while the machine runs is a descriptor that the attendant
 * made (user networking's process, a tap interface).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "backends/net.h"
#include "backends/net_open.h"
#include "backends/xenstore/link.h"
#include "hypervisor/hotplug.h"
#include "hypervisor/types.h"
#include "tools/lib/options.h"
#include "tools/umbra/devices.h"
#include "tools/umbra/store.h"

#define CARDS_MAX	32

static struct card {
	struct net_backend *net;	/* NULL: unused */
	unsigned n, slot;
	bool first;	/* there from the start: the network is not ours */
} cards[CARDS_MAX];

static struct card *card_find(unsigned n)
{
	for (unsigned i = 0; i < CARDS_MAX; i++)
		if (cards[i].net && cards[i].n == n)
			return &cards[i];
	return NULL;
}

/* The network that came along with the request. */
static int adopt(struct store *s, struct card *c,
		 const struct hotplug_args *a, char *err)
{
	struct net_open_args args = { .loop = s->loop, .log = s->log };
	const char *type = hotplug_key(a, "type");
	int fd;

	if (a->nfiles != 1) {
		snprintf(err, HOTPLUG_ERR_LEN, "no network came with it");
		return -EINVAL;
	}
	/* The message's own descriptor is closed behind it. */
	fd = fcntl(a->files[0].fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return -errno;
	return net_adopt(&c->net, type ? type : "user", fd, &args, err,
			 HOTPLUG_ERR_LEN);
}

static int vif_attach(void *opaque, const struct hotplug_args *a, char *err)
{
	struct store *s = opaque;
	const char *mac = hotplug_key(a, "mac");
	char text[64];
	const char *keys[] = { mac ? text : NULL, NULL };
	const char *model = hotplug_key(a, "model");
	struct pc_device_spec spec = { model ? model : "virtio-net", NULL,
				       keys };
	struct card *c = cards;
	int ret;

	if (strcmp(spec.name, "virtio-net") && strcmp(spec.name, "pcnet")) {
		snprintf(err, HOTPLUG_ERR_LEN, "model %.60s: must be "
			 "virtio-net or pcnet", spec.name);
		return -EINVAL;
	}
	while (c < cards + CARDS_MAX && c->net)
		c++;
	if (c == cards + CARDS_MAX || card_find(a->n)) {
		snprintf(err, HOTPLUG_ERR_LEN, "no room for another card");
		return -EBUSY;
	}
	ret = adopt(s, c, a, err);
	if (ret)
		return ret;
	snprintf(text, sizeof(text), "mac=%s", mac ? mac : "");
	spec.backend = c->net;
	c->n = a->n;
	c->first = false;
	ret = hotplug_plug(s->hotplug, &spec, &c->slot, err);
	if (ret) {
		c->net->ops->destroy(c->net);
		c->net = NULL;
	}
	return ret;
}

static int vif_detach(void *opaque, unsigned n, char *err)
{
	struct store *s = opaque;
	struct card *c = card_find(n);
	int ret;

	if (!c) {
		snprintf(err, HOTPLUG_ERR_LEN, "network card %u is not one "
			 "that can leave", n);
		return -EBUSY;
	}
	ret = hotplug_unplug(s->hotplug, c->slot, err);
	return ret ? ret : -EINPROGRESS;
}

void vif_gone(struct store *s, unsigned slot)
{
	for (struct card *c = cards; c < cards + CARDS_MAX; c++) {
		if (!c->net || c->slot != slot)
			continue;
		if (!c->first)
			c->net->ops->destroy(c->net);
		c->net = NULL;
		hotplug_done(s->hotplug, "vif", c->n, 0, NULL);
	}
}

void vif_close(void)
{
	for (struct card *c = cards; c < cards + CARDS_MAX; c++) {
		if (c->net && !c->first)
			c->net->ops->destroy(c->net);
		c->net = NULL;
	}
}

static const struct hotplug_class vif_class = {
	.name = "vif",
	.attach = vif_attach,
	.detach = vif_detach,
};

int vif_init(struct store *s)
{
	return hotplug_add(s->hotplug, &vif_class, s);
}

/* Networks are in the order in which they are published. */
static void note_removable(struct store *s, unsigned n)
{
	struct net_backend *net = n < s->devices->nnets ?
				  s->devices->nets[n].backend : NULL;
	int slot = net ? hotplug_find(s->hotplug, net) : -ENOENT;
	struct card *c = cards;

	while (c < cards + CARDS_MAX && c->net)
		c++;
	if (slot >= 0 && c < cards + CARDS_MAX)
		*c = (struct card){ net, n, slot, true };
}

/* "KIND,KEY=VALUE..." of --nic and --netdev, as it was given. */
static void publish(struct store *s, unsigned n, const char *text)
{
	char params[512], type[64];
	const char *keys[] = { params, type, NULL };

	snprintf(params, sizeof(params), "params=%s", text);
	snprintf(type, sizeof(type), "type=%.*s", (int)strcspn(text, ","),
		 text);
	link_publish_device(s->link, "vif", n, keys);
	note_removable(s, n);
}

void vif_publish(struct store *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->c->netdevs.n; i++)
		publish(s, n++, s->c->netdevs.v[i]);
	for (unsigned i = 0; i < s->c->nics.n; i++)
		if (strcmp(s->c->nics.v[i], "none"))
			publish(s, n++, s->c->nics.v[i]);
}
