/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio devices on the PCI bus, transitional: the legacy interface in BAR 0,
 * version 1 in BAR 4.  A device type says what it is (struct virtio_type),
 * embeds a struct virtio, and moves buffers with the functions below; it sees
 * neither PCI nor the layout of the rings.
 *
 * Rings and everything in them are the guest's and untrusted.  A driver that
 * breaks their rules loses the device until it resets it: DEVICE_NEEDS_RESET
 * is set, nothing is processed, and the first case is reported.
 *
 * Virtual I/O Device (VIRTIO) Version 1.1.  All functions: lock held.
 */
#ifndef HYPERVISOR_VIRTIO_H
#define HYPERVISOR_VIRTIO_H

#include <stdio.h>

#include "hypervisor/device.h"
#include "hypervisor/pc_device.h"
#include "hypervisor/pci.h"

#define VIRTIO_QUEUES		8
#define VIRTIO_QUEUE_MAX	256	/* entries, a power of two */
#define VIRTIO_SEGMENTS		132	/* of one chain */
#define VIRTIO_CONFIG		64	/* bytes of device configuration */

/* Device status, 2.1. */
#define VIRTIO_S_ACKNOWLEDGE	0x01
#define VIRTIO_S_DRIVER		0x02
#define VIRTIO_S_DRIVER_OK	0x04
#define VIRTIO_S_FEATURES_OK	0x08
#define VIRTIO_S_NEEDS_RESET	0x40
#define VIRTIO_S_FAILED		0x80

/* Reserved feature bits, chapter 6, and legacy ones. */
#define VIRTIO_F_NOTIFY_ON_EMPTY	(1ull << 24)
#define VIRTIO_F_ANY_LAYOUT		(1ull << 27)
#define VIRTIO_F_INDIRECT_DESC		(1ull << 28)
#define VIRTIO_F_EVENT_IDX		(1ull << 29)
#define VIRTIO_F_VERSION_1		(1ull << 32)

struct iovec;
struct virtio;

struct virtio_type {
	const char *name;
	uint16_t id;			/* chapter 5: 1 network, 2 block ... */
	uint16_t pci_device;		/* transitional, 4.1.2.1 */
	uint16_t pci_class;		/* class << 8 | subclass */
	unsigned nqueues;
	uint16_t queue_size[VIRTIO_QUEUES];
	uint64_t features;		/* besides those of the transport */
	unsigned config_len;
	/* Bytes of the configuration that the driver may write, by bit. */
	uint64_t config_writable;
	/* The driver wrote [off, off+len) of it (may be NULL). */
	void (*config_written)(struct virtio *v, unsigned off, unsigned len);
	/* The driver is ready: DRIVER_OK (may be NULL). */
	void (*start)(struct virtio *v);
	/* There may be buffers in queue @q. */
	void (*notify)(struct virtio *v, unsigned q);
	/*
	 * Finish with all buffers taken; they are lost after this.  Also at
	 * power-on.
	 */
	void (*reset)(struct virtio *v);
};

/* One queue; plain data, saved as it is. */
struct virtio_queue {
	uint64_t desc, avail, used;	/* gpa */
	uint16_t size;
	uint16_t enabled;
	uint16_t last_avail;		/* the next entry to take */
	uint16_t used_idx;		/* the next entry to give back */
	uint16_t signalled;		/* used_idx at the last interrupt */
	uint16_t signalled_valid;
};

struct virtio {
	struct device dev;
	struct pci_func func;
	const struct virtio_type *type;
	struct mem *mem;
	FILE *log;

	uint64_t offered, features;	/* the host's; both sides' */
	uint32_t offered_select, driver_select, queue_select;
	uint64_t wanted;		/* what the driver has written */
	uint8_t status, isr, generation;
	bool reported;			/* a broken rule was printed */
	unsigned cfg_cap;		/* PCI configuration access capability */
	struct virtio_queue q[VIRTIO_QUEUES];
	uint8_t config[VIRTIO_CONFIG];
};

/* For the list of saved fields of a device with a struct virtio `member'. */
#define VIRTIO_FIELDS(type, member, ver) \
	PCI_FUNC_FIELDS(type, member.func, ver), \
	FIELD(type, member.features, ver), \
	FIELD(type, member.wanted, ver), \
	FIELD(type, member.offered_select, ver), \
	FIELD(type, member.driver_select, ver), \
	FIELD(type, member.queue_select, ver), \
	FIELD(type, member.status, ver), \
	FIELD(type, member.isr, ver), \
	FIELD(type, member.generation, ver), \
	FIELD(type, member.q, ver), \
	FIELD(type, member.config, ver)

/*
 * Make a device of @size bytes, whose structure begins with a struct virtio,
 * as @spec says: its keys may be "addr" and those in @keys; @needs: how a
 * backend comes with it (pc_spec_needs()), or NULL.
 * Returns 0 or a negative errno, as a pc_device_fn does.
 */
int virtio_make(struct device **out, size_t size,
		const struct virtio_type *type,
		const struct device_class *class, const struct pc_site *site,
		const struct pc_device_spec *spec, const char *keys,
		const char *needs, char *err);

/* For struct device_class. */
void virtio_device_reset(struct device *d);
int virtio_device_loaded(struct device *d);
void virtio_device_destroy(struct device *d);

static inline bool virtio_has(const struct virtio *v, uint64_t feature)
{
	return v->features & feature;
}

/* A buffer of the driver's: segments to read, then segments to write. */
struct virtio_seg {
	gpa_t gpa;
	uint32_t len;
};

struct virtio_chain {
	uint16_t head;
	unsigned nout, nin;		/* segments read; written */
	uint64_t out_len, in_len;	/* bytes */
	struct virtio_seg seg[VIRTIO_SEGMENTS];
};

/* Take the next buffer of queue @q.  False: none, or the device is broken. */
bool virtio_pop(struct virtio *v, unsigned q, struct virtio_chain *c);
/* Put back the one popped last. */
void virtio_unpop(struct virtio *v, unsigned q);
/* Is there one?  Does not take it. */
bool virtio_waiting(struct virtio *v, unsigned q);
/* Give it back with @written bytes; virtio_signal() when all are given. */
void virtio_push(struct virtio *v, unsigned q, uint16_t head,
		 uint32_t written);
/* virtio_push() in two: several buffers that the driver must see at once. */
void virtio_fill(struct virtio *v, unsigned q, uint16_t head,
		 uint32_t written);
void virtio_publish(struct virtio *v, unsigned q);
void virtio_signal(struct virtio *v, unsigned q);

/*
 * Copy from the segments to be read, or into those to be written, at offset
 * @off.  Returns the number of bytes copied: fewer than @len at the end, or
 * where a segment is not memory (the device is then broken).
 */
size_t virtio_read(struct virtio *v, const struct virtio_chain *c,
		   uint64_t off, void *buf, size_t len);
size_t virtio_write(struct virtio *v, const struct virtio_chain *c,
		    uint64_t off, const void *buf, size_t len);

/*
 * Those bytes themselves, [off, off+len) of the segments to be read (@in false)
 * or written, for a transfer that ends before the lock is given up.  @iov: room
 * for VIRTIO_SEGMENTS.  Returns how many there are, or 0: copy.  After writing,
 * virtio_direct_done() with the same.
 */
unsigned virtio_direct(struct virtio *v, const struct virtio_chain *c,
		       bool in, uint64_t off, uint64_t len,
		       struct iovec *iov);
void virtio_direct_done(struct virtio *v, const struct virtio_chain *c,
			uint64_t off, uint64_t len);

/* The device changed its configuration: tell the driver. */
void virtio_config_changed(struct virtio *v);
/* The driver broke a rule: stop until it resets the device. */
void virtio_broken(struct virtio *v, const char *why);
static inline bool virtio_running(const struct virtio *v)
{
	return (v->status & (VIRTIO_S_DRIVER_OK | VIRTIO_S_NEEDS_RESET)) ==
	       VIRTIO_S_DRIVER_OK;
}

/* The transport's calls, virtio_pci.c to virtio.c. */
void virtio_set_status(struct virtio *v, uint8_t status);
void virtio_set_features(struct virtio *v, uint64_t features);
void virtio_kick(struct virtio *v, unsigned q);
/* The legacy layout: one address for all three parts, 2.6.2. */
void virtio_legacy_address(struct virtio_queue *q, uint64_t gpa);
uint32_t virtio_config_read(const struct virtio *v, unsigned off,
			    unsigned len);
void virtio_config_write(struct virtio *v, unsigned off, unsigned len,
			 uint32_t val);
void virtio_pci_init(struct virtio *v);
void virtio_update_irq(struct virtio *v);

#endif
