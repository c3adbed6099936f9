/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtio devices: status, features, life cycle; see virtio.h. */
#include "hypervisor/virtio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VENDOR_RED_HAT	0x1af4
#define LEGACY_ALIGN	4096u

static const uint64_t transport_features =
	VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1 |
	VIRTIO_F_ANY_LAYOUT | VIRTIO_F_NOTIFY_ON_EMPTY;
/* What a driver with VERSION_1 does not see, 6.3. */
#define LEGACY_ONLY	(VIRTIO_F_ANY_LAYOUT | VIRTIO_F_NOTIFY_ON_EMPTY)

void virtio_update_irq(struct virtio *v)
{
	pci_irq(&v->func, v->isr);
}

static void reset_queues(struct virtio *v)
{
	memset(v->q, 0, sizeof(v->q));
	for (unsigned i = 0; i < v->type->nqueues; i++)
		v->q[i].size = v->type->queue_size[i];
}

/* What a driver resets, 2.1.2: all but the configuration. */
static void device_reset_all(struct virtio *v)
{
	v->type->reset(v);
	v->status = v->isr = 0;
	v->features = v->wanted = 0;
	v->offered_select = v->driver_select = v->queue_select = 0;
	reset_queues(v);
	virtio_update_irq(v);
}

void virtio_device_reset(struct device *d)
{
	struct virtio *v = (struct virtio *)d;

	device_reset_all(v);
	pci_func_reset(&v->func);
	v->reported = false;
}

/* The saved queues are as untrusted as the file. */
int virtio_device_loaded(struct device *d)
{
	struct virtio *v = (struct virtio *)d;

	for (unsigned i = 0; i < VIRTIO_QUEUES; i++) {
		const struct virtio_queue *q = &v->q[i];
		bool in_use = i < v->type->nqueues;

		if (q->size & (q->size - 1) || (in_use && !q->size) ||
		    q->size > (in_use ? v->type->queue_size[i] : 0))
			return -1;
	}
	if (v->features & ~v->offered)
		return -1;
	return pci_func_loaded(&v->func);
}

static int init(struct virtio *v, const struct pc_site *site, unsigned devfn)
{
	const struct virtio_type *t = v->type;

	v->mem = site->mem;
	v->log = site->log;
	v->offered = transport_features | t->features;
	pci_identify(&v->func, VENDOR_RED_HAT, t->pci_device, 0, t->pci_class);
	pci_subsystem(&v->func, VENDOR_RED_HAT, t->id);
	v->func.config[PCI_INT_PIN] = 1;
	virtio_pci_init(v);
	reset_queues(v);
	return pci_add(site->pci, devfn, &v->func);
}

int virtio_make(struct device **out, size_t size,
		const struct virtio_type *type,
		const struct device_class *class, const struct pc_site *site,
		const struct pc_device_spec *spec, const char *keys,
		const char *needs, char *err)
{
	struct virtio *v;
	unsigned devfn;
	int ret = needs ? pc_spec_needs(spec, needs, err) : 0;

	if (!ret)
		ret = pc_spec_check(spec, keys, err);
	if (!ret)
		ret = pc_spec_devfn(spec, &devfn, err);
	if (ret)
		return ret;
	v = calloc(1, size);
	if (!v)
		return -ENOMEM;
	v->dev.class = class;
	v->type = type;
	*out = &v->dev;
	return init(v, site, devfn);
}

void virtio_device_destroy(struct device *d)
{
	pci_remove(&((struct virtio *)d)->func);
	free(d);
}

void virtio_broken(struct virtio *v, const char *why)
{
	if (!v->reported)
		fprintf(v->log, "umbra: %s: the driver broke a rule: %s (the "
			"device stops until it is reset)\n", v->type->name,
			why);
	v->reported = true;
	if (v->status & VIRTIO_S_NEEDS_RESET)
		return;
	v->status |= VIRTIO_S_NEEDS_RESET;
	if (v->status & VIRTIO_S_DRIVER_OK)
		virtio_config_changed(v);
}

void virtio_config_changed(struct virtio *v)
{
	v->generation++;
	if (!(v->status & VIRTIO_S_DRIVER_OK))
		return;
	v->isr |= 2;		/* 4.1.4.5: bit 1, configuration */
	virtio_update_irq(v);
}

void virtio_set_features(struct virtio *v, uint64_t features)
{
	v->wanted = features;
	v->features = features & v->offered;
	if (v->features & VIRTIO_F_VERSION_1)
		v->features &= ~LEGACY_ONLY;
}

/* 3.1.1: FEATURES_OK stays clear if the driver wants what is not offered. */
static uint8_t accept_features(struct virtio *v, uint8_t status)
{
	if (status & ~v->status & VIRTIO_S_FEATURES_OK &&
	    v->wanted & ~v->offered)
		status &= ~VIRTIO_S_FEATURES_OK;
	return status;
}

void virtio_set_status(struct virtio *v, uint8_t status)
{
	bool ran = virtio_running(v);

	if (!status) {
		device_reset_all(v);
		return;
	}
	status = accept_features(v, status) |
		 (v->status & VIRTIO_S_NEEDS_RESET);
	v->status = status;
	if (ran || !virtio_running(v))
		return;
	if (v->type->start)
		v->type->start(v);
	/* Buffers may have been offered before. */
	for (unsigned i = 0; i < v->type->nqueues; i++)
		if (v->q[i].enabled)
			v->type->notify(v, i);
}

void virtio_kick(struct virtio *v, unsigned q)
{
	if (q < v->type->nqueues && v->q[q].enabled && virtio_running(v))
		v->type->notify(v, q);
}

void virtio_legacy_address(struct virtio_queue *q, uint64_t gpa)
{
	q->desc = gpa;
	q->avail = gpa + 16ull * q->size;
	q->used = (q->avail + 6 + 2ull * q->size + LEGACY_ALIGN - 1) &
		  ~(uint64_t)(LEGACY_ALIGN - 1);
	q->enabled = gpa != 0;
	q->last_avail = q->used_idx = q->signalled_valid = 0;
}

uint32_t virtio_config_read(const struct virtio *v, unsigned off,
			    unsigned len)
{
	uint32_t val = 0;

	for (unsigned i = 0; i < len; i++)
		if (off + i < v->type->config_len)
			val |= (uint32_t)v->config[off + i] << i * 8;
	return val;
}

void virtio_config_write(struct virtio *v, unsigned off, unsigned len,
			 uint32_t val)
{
	bool any = false;

	for (unsigned i = 0; i < len; i++) {
		if (off + i >= v->type->config_len ||
		    !(v->type->config_writable >> (off + i) & 1))
			continue;
		v->config[off + i] = val >> i * 8;
		any = true;
	}
	if (any && v->type->config_written)
		v->type->config_written(v, off, len);
}
