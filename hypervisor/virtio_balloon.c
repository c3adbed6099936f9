/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hypervisor/virtio_balloon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/hotplug.h"
#include "hypervisor/mem.h"
#include "hypervisor/virtio.h"

#define F_DEFLATE_ON_OOM	(1ull << 2)
/* struct virtio_balloon_config, 5.5.4. */
#define C_NUM_PAGES	0
#define C_ACTUAL	4
enum { Q_INFLATE, Q_DEFLATE, QUEUES };
#define BATCH		256u	/* page numbers read at once */
#define BALLOON_LEAST	(4ull * MIB)	/* no guest lives with less */
#define BUFFER_MAX	65536u	/* bytes of one buffer; Linux sends 1024 */

struct virtio_balloon {
	struct virtio v;
	struct hotplug *hotplug;	/* NULL: nobody asks */
};

static uint32_t config_get(const struct virtio *v, unsigned off)
{
	uint32_t val;

	memcpy(&val, v->config + off, 4);
	return val;
}

/* 5.5.6: numbers of pages of 4 KiB, whatever the guest's page size. */
static void give_up(struct virtio *v, const struct virtio_chain *c)
{
	uint32_t pfn[BATCH];
	uint64_t off = 0;
	size_t n;

	if (c->out_len > BUFFER_MAX) {
		virtio_broken(v, "a buffer of more than 16384 pages");
		return;
	}
	while ((n = virtio_read(v, c, off, pfn, sizeof(pfn)) / 4)) {
		for (size_t i = 0; i < n; i++)
			if (mem_discard(v->mem, (gpa_t)pfn[i] << PAGE_SHIFT,
					PAGE_SIZE))
				virtio_broken(v, "a page that is not memory");
		off += n * 4;
	}
}

/* What is taken back is there again by itself, as zeros. */
static void notify(struct virtio *v, unsigned q)
{
	struct virtio_chain c;

	while (virtio_pop(v, q, &c)) {
		if (q == Q_INFLATE)
			give_up(v, &c);
		virtio_push(v, q, c.head, 0);
	}
	virtio_signal(v, q);
}

static void forget(struct virtio *v)
{
	memset(v->config + C_ACTUAL, 0, 4);
}

/* Of the configuration the driver writes `actual' alone. */
static void config_written(struct virtio *v, unsigned off, unsigned len)
{
	struct hotplug *h = ((struct virtio_balloon *)v)->hotplug;
	uint64_t given = virtio_balloon_actual(&v->dev);

	if (h && given <= v->mem->ram_size)
		hotplug_ballooned(h, v->mem->ram_size - given);
}

static int set_memory(void *opaque, uint64_t bytes, char *err)
{
	struct virtio_balloon *b = opaque;
	uint64_t ram = b->v.mem->ram_size;

	if (bytes > ram || bytes < BALLOON_LEAST) {
		snprintf(err, HOTPLUG_ERR_LEN, "must be between %llu and "
			 "%llu KiB", BALLOON_LEAST / KIB,
			 (unsigned long long)(ram / KIB));
		return -EINVAL;
	}
	virtio_balloon_set(&b->v.dev, ram - bytes);
	return 0;
}

static const struct virtio_type balloon_type = {
	.name = "virtio-balloon", .id = 5, .pci_device = 0x1002,
	.pci_class = 0x00ff,
	.nqueues = QUEUES, .queue_size = { 128, 128 },
	.features = F_DEFLATE_ON_OOM,
	.config_len = 8, .config_writable = 0xf0,
	.config_written = config_written, .notify = notify, .reset = forget,
};

void virtio_balloon_set(struct device *d, uint64_t bytes)
{
	struct virtio *v = &((struct virtio_balloon *)d)->v;
	uint32_t pages = bytes >> PAGE_SHIFT;

	memcpy(v->config + C_NUM_PAGES, &pages, 4);
	virtio_config_changed(v);
}

uint64_t virtio_balloon_actual(const struct device *d)
{
	return (uint64_t)config_get(&((struct virtio_balloon *)d)->v,
				    C_ACTUAL) << PAGE_SHIFT;
}

uint64_t virtio_balloon_target(const struct device *d)
{
	return (uint64_t)config_get(&((struct virtio_balloon *)d)->v,
				    C_NUM_PAGES) << PAGE_SHIFT;
}

static void destroy(struct device *d)
{
	struct virtio_balloon *b = (struct virtio_balloon *)d;

	if (b->hotplug)
		hotplug_set_balloon(b->hotplug, NULL, NULL);
	virtio_device_destroy(d);
}

static const struct field fields[] = {
	VIRTIO_FIELDS(struct virtio_balloon, v, 1),
};

static const struct device_class balloon_class = {
	"virtio-balloon", 1, fields, ARRAY_SIZE(fields), virtio_device_reset,
	virtio_device_loaded, destroy,
};

int virtio_balloon_make(struct device **out, const struct pc_site *site,
			const struct pc_device_spec *spec, char *err)
{
	int ret = virtio_make(out, sizeof(struct virtio_balloon),
			      &balloon_type, &balloon_class, site, spec,
			      "addr", NULL, err);
	struct virtio_balloon *d = (struct virtio_balloon *)*out;

	if (ret)
		return ret;
	d->hotplug = site->hotplug;
	if (site->hotplug)
		hotplug_set_balloon(site->hotplug, set_memory, d);
	return 0;
}
