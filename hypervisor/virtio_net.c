/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network device, VIRTIO 1.1 section 5.1, without offloads. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/net.h"
#include "hypervisor/net_mac.h"
#include "hypervisor/virtio.h"

#define F_MAC		(1ull << 5)
#define F_MRG_RXBUF	(1ull << 15)
#define F_STATUS	(1ull << 16)
/* struct virtio_net_config, 5.1.4. */
#define C_MAC		0
#define C_STATUS	6
#define S_LINK_UP	1
/* struct virtio_net_hdr, 5.1.6: num_buffers comes last and may be absent. */
#define HDR_MAX		12u
#define HDR_SHORT	10u
#define HDR_BUFFERS	10
#define RX_CHAINS	16u
enum { Q_RECEIVE, Q_TRANSMIT, QUEUES };

struct virtio_net {
	struct virtio v;
	struct net_backend *backend;
	uint8_t mac[NET_MAC_LEN];
	struct virtio_chain rx[RX_CHAINS];	/* of one frame, while it is
						 * being delivered */
};

static struct virtio_net *of(struct virtio *v)
{
	return (struct virtio_net *)v;
}

static unsigned header_len(const struct virtio *v)
{
	return virtio_has(v, F_MRG_RXBUF | VIRTIO_F_VERSION_1) ? HDR_MAX
							       : HDR_SHORT;
}

static void transmit(struct virtio *v, const struct virtio_chain *c)
{
	struct net_backend *b = of(v)->backend;
	uint8_t frame[NET_FRAME_MAX];
	unsigned hdr = header_len(v);
	size_t len;

	if (c->out_len < hdr + 14 || c->out_len > hdr + sizeof(frame)) {
		b->stats.dropped++;
		return;
	}
	len = virtio_read(v, c, hdr, frame, sizeof(frame));
	b->stats.sent++;
	b->stats.sent_bytes += len;
	b->ops->send(b, frame, len);
}

static void notify(struct virtio *v, unsigned q)
{
	struct net_backend *b = of(v)->backend;
	struct virtio_chain c;

	if (q == Q_RECEIVE) {
		b->ops->resume(b);
		return;
	}
	while (virtio_pop(v, q, &c)) {
		transmit(v, &c);
		virtio_push(v, q, c.head, 0);
	}
	virtio_signal(v, q);
}

static bool ready(void *opaque)
{
	return virtio_waiting(opaque, Q_RECEIVE);
}

/*
 * Take buffers for @len bytes: one, or as many as it needs with MRG_RXBUF
 * (5.1.6.4).  Returns how many; 0: there are not enough, and none was taken.
 */
static unsigned take(struct virtio *v, size_t len)
{
	struct virtio_chain *c = of(v)->rx;
	unsigned n = 0, most = virtio_has(v, F_MRG_RXBUF) ? RX_CHAINS : 1;
	uint64_t room = 0;

	while (room < len && n < most && virtio_pop(v, Q_RECEIVE, &c[n]))
		room += c[n++].in_len;
	if (room >= len)
		return n;
	while (n--)
		virtio_unpop(v, Q_RECEIVE);
	return 0;
}

static void scatter(struct virtio *v, unsigned n, const uint8_t *packet,
		    size_t len)
{
	size_t done = 0, got;

	for (unsigned i = 0; i < n; i++) {
		const struct virtio_chain *c = &of(v)->rx[i];

		got = virtio_write(v, c, 0, packet + done, len - done);
		virtio_fill(v, Q_RECEIVE, c->head, got);
		done += got;
	}
	virtio_publish(v, Q_RECEIVE);
	virtio_signal(v, Q_RECEIVE);
}

static void receive(void *opaque, const uint8_t *frame, size_t len)
{
	struct virtio *v = opaque;
	struct net_stats *stats = &of(v)->backend->stats;
	uint8_t packet[HDR_MAX + NET_FRAME_MAX] = { 0 };
	unsigned hdr = header_len(v), n;

	if (len > NET_FRAME_MAX)
		return;
	memcpy(packet + hdr, frame, len);
	if (len < NET_FRAME_MIN)
		len = NET_FRAME_MIN;
	n = take(v, hdr + len);
	if (!n) {
		stats->dropped++;
		return;
	}
	if (hdr == HDR_MAX)
		packet[HDR_BUFFERS] = n;
	stats->received++;
	stats->received_bytes += len;
	scatter(v, n, packet, hdr + len);
}

static void link_changed(void *opaque, bool up)
{
	struct virtio *v = opaque;

	v->config[C_STATUS] = up ? S_LINK_UP : 0;
	virtio_config_changed(v);
}

static const struct net_receiver receiver = { ready, receive, link_changed };

/* A legacy driver may have changed the address, 5.1.4.1. */
static void forget(struct virtio *v)
{
	memcpy(v->config + C_MAC, of(v)->mac, NET_MAC_LEN);
}

static const struct virtio_type net_type = {
	.name = "virtio-net", .id = 1, .pci_device = 0x1000,
	.pci_class = 0x0200,
	.nqueues = QUEUES, .queue_size = { 256, 256 },
	.features = F_MAC | F_MRG_RXBUF | F_STATUS,
	.config_len = 8, .config_writable = 0x3f,
	.notify = notify, .reset = forget,
};

static void destroy(struct device *d)
{
	struct virtio_net *n = (struct virtio_net *)d;

	if (n->backend)
		n->backend->ops->set_receiver(n->backend, NULL, NULL);
	virtio_device_destroy(d);
}

static const struct field fields[] = {
	VIRTIO_FIELDS(struct virtio_net, v, 1),
};

static const struct device_class net_class = {
	"virtio-net", 1, fields, ARRAY_SIZE(fields), virtio_device_reset,
	virtio_device_loaded, destroy,
};

/* @spec->backend: a struct net_backend, the caller's. */
int virtio_net_make(struct device **out, const struct pc_site *site,
		    const struct pc_device_spec *spec, char *err)
{
	int ret = virtio_make(out, sizeof(struct virtio_net), &net_type,
			      &net_class, site, spec, "addr mac",
			      "netdev=ID", err);
	struct virtio_net *d = (struct virtio_net *)*out;

	if (!ret)
		ret = net_mac(d->mac, spec, err);
	if (ret)
		return ret;
	d->v.config[C_STATUS] = S_LINK_UP;
	d->backend = spec->backend;
	d->backend->ops->set_receiver(d->backend, &receiver, &d->v);
	return 0;
}
