/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entropy device, VIRTIO 1.1 section 5.4: the host's getrandom(2). */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "hypervisor/virtio.h"

#define CHUNK	256u		/* getrandom() gives so many uninterrupted */

struct virtio_rng {
	struct virtio v;
};

static uint32_t fill(struct virtio *v, const struct virtio_chain *c)
{
	uint8_t buf[CHUNK];
	uint64_t done = 0;

	while (done < c->in_len && done < 64 * KIB) {
		uint64_t left = c->in_len - done;
		ssize_t n = getrandom(buf, left < CHUNK ? left : CHUNK, 0);

		if (n <= 0 || !virtio_write(v, c, done, buf, n))
			break;
		done += n;
	}
	return done;
}

static void notify(struct virtio *v, unsigned q)
{
	struct virtio_chain c;

	while (virtio_pop(v, q, &c))
		virtio_push(v, q, c.head, fill(v, &c));
	virtio_signal(v, q);
}

static void forget(struct virtio *v)
{
}

static const struct virtio_type rng_type = {
	.name = "virtio-rng", .id = 4, .pci_device = 0x1005,
	.pci_class = 0x00ff,
	.nqueues = 1, .queue_size = { 64 },
	.notify = notify, .reset = forget,
};

static const struct field fields[] = {
	VIRTIO_FIELDS(struct virtio_rng, v, 1),
};

static const struct device_class rng_class = {
	"virtio-rng", 1, fields, ARRAY_SIZE(fields), virtio_device_reset,
	virtio_device_loaded, virtio_device_destroy,
};

int virtio_rng_make(struct device **out, const struct pc_site *site,
		    const struct pc_device_spec *spec, char *err)
{
	return virtio_make(out, sizeof(struct virtio_rng), &rng_type,
			   &rng_class, site, spec, "addr", NULL, err);
}
