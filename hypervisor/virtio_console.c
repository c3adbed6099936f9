/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Console device with one port, VIRTIO 1.1 section 5.3. */
#include <errno.h>
#include <stdlib.h>

#include "backends/char.h"
#include "hypervisor/virtio.h"

enum { Q_RECEIVE, Q_TRANSMIT, QUEUES };
#define CHUNK	512u

struct virtio_console {
	struct virtio v;
	struct char_backend *backend;
};

static struct virtio_console *of(struct virtio *v)
{
	return (struct virtio_console *)v;
}

/*
 * What the backend does not take is dropped, as on a serial line that nobody
 * reads: a guest must not hang because of its console.
 */
static void transmit(struct virtio *v, const struct virtio_chain *c)
{
	struct char_backend *b = of(v)->backend;
	uint8_t buf[CHUNK];
	uint64_t off = 0;
	size_t n;

	while ((n = virtio_read(v, c, off, buf, sizeof(buf)))) {
		b->ops->write(b, buf, n);
		off += n;
	}
}

static void notify(struct virtio *v, unsigned q)
{
	struct char_backend *b = of(v)->backend;
	struct virtio_chain c;

	if (q == Q_RECEIVE) {
		b->ops->resume_input(b);
		return;
	}
	while (virtio_pop(v, q, &c)) {
		transmit(v, &c);
		virtio_push(v, q, c.head, 0);
	}
	virtio_signal(v, q);
}

/* One buffer at a time is looked at; deliver() asks again for the rest. */
static size_t room(void *opaque)
{
	struct virtio *v = opaque;
	struct virtio_chain c;

	if (!virtio_pop(v, Q_RECEIVE, &c))
		return 0;
	virtio_unpop(v, Q_RECEIVE);
	return c.in_len;
}

static void receive(void *opaque, const uint8_t *buf, size_t len)
{
	struct virtio *v = opaque;
	struct virtio_chain c;

	if (!virtio_pop(v, Q_RECEIVE, &c))
		return;
	virtio_push(v, Q_RECEIVE, c.head, virtio_write(v, &c, 0, buf, len));
	virtio_signal(v, Q_RECEIVE);
}

static const struct char_receiver receiver = {
	.room = room, .receive = receive,
};

static void forget(struct virtio *v)
{
}

static const struct virtio_type console_type = {
	.name = "virtio-console", .id = 3, .pci_device = 0x1003,
	.pci_class = 0x0780,
	.nqueues = QUEUES, .queue_size = { 64, 64 },
	.notify = notify, .reset = forget,
};

static void destroy(struct device *d)
{
	struct virtio_console *c = (struct virtio_console *)d;

	if (c->backend)
		c->backend->ops->set_receiver(c->backend, NULL, NULL);
	virtio_device_destroy(d);
}

static const struct field fields[] = {
	VIRTIO_FIELDS(struct virtio_console, v, 1),
};

static const struct device_class console_class = {
	"virtio-console", 1, fields, ARRAY_SIZE(fields), virtio_device_reset,
	virtio_device_loaded, destroy,
};

/* @spec->backend: a struct char_backend, the caller's. */
int virtio_console_make(struct device **out, const struct pc_site *site,
			const struct pc_device_spec *spec, char *err)
{
	int ret = virtio_make(out, sizeof(struct virtio_console),
			      &console_type, &console_class, site, spec,
			      "addr", "chardev=BACKEND", err);
	struct virtio_console *d = (struct virtio_console *)*out;

	if (ret)
		return ret;
	d->backend = spec->backend;
	d->backend->ops->set_receiver(d->backend, &receiver, &d->v);
	return 0;
}
