/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio over PCI, VIRTIO 1.1 section 4.1: the common configuration of version
 * 1 and the legacy registers, both in front of the same struct virtio.
 * Interrupts go by INTx.
 */
#include <string.h>

#include "hypervisor/mem.h"
#include "hypervisor/ports.h"
#include "hypervisor/virtio.h"

/* Legacy registers, 4.1.4.8; the configuration follows. */
#define L_HOST_FEATURES	0x00
#define L_FEATURES	0x04
#define L_QUEUE_ADDRESS	0x08	/* in pages of 4 KiB */
#define L_QUEUE_SIZE	0x0c
#define L_QUEUE_SELECT	0x0e
#define L_QUEUE_NOTIFY	0x10
#define L_STATUS	0x12
#define L_ISR		0x13
#define L_CONFIG	0x14
#define LEGACY_SIZE	128

/* Where the structures of version 1 lie in BAR 4. */
#define MODERN_BAR	4
#define MODERN_SIZE	0x4000
#define AT_COMMON	0x0000
#define AT_ISR		0x1000
#define AT_DEVICE	0x2000
#define AT_NOTIFY	0x3000
#define NOTIFY_STEP	4	/* notify_off_multiplier */

/* struct virtio_pci_common_cfg, 4.1.4.3. */
#define C_DEVICE_FEATURE_SELECT	0x00
#define C_DEVICE_FEATURE	0x04
#define C_DRIVER_FEATURE_SELECT	0x08
#define C_DRIVER_FEATURE	0x0c
#define C_MSIX			0x10
#define C_NUM_QUEUES		0x12
#define C_STATUS		0x14
#define C_GENERATION		0x15
#define C_QUEUE_SELECT		0x16
#define C_QUEUE_SIZE		0x18
#define C_QUEUE_MSIX		0x1a
#define C_QUEUE_ENABLE		0x1c
#define C_QUEUE_NOTIFY_OFF	0x1e
#define C_QUEUE_DESC		0x20
#define C_QUEUE_DRIVER		0x28
#define C_QUEUE_DEVICE		0x30
#define C_END			0x38
#define NO_VECTOR		0xffff

#define CAP_VENDOR	0x09
#define FIRST_CAP	0x40
enum cap_type { CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE, CAP_PCI };
/* Within a capability, 4.1.4. */
#define CAP_TYPE	3
#define CAP_BAR		4
#define CAP_OFFSET	8
#define CAP_LENGTH	12
#define CAP_DATA	16

/* The selected queue; NULL: there is none of that number. */
static struct virtio_queue *selected(struct virtio *v)
{
	return v->queue_select < v->type->nqueues ? &v->q[v->queue_select]
						   : NULL;
}

/* Reading it ends the interrupt. */
static uint8_t read_isr(struct virtio *v)
{
	uint8_t isr = v->isr;

	v->isr = 0;
	virtio_update_irq(v);
	return isr;
}

/*
 * Legacy.
 */

static uint32_t legacy_register(struct virtio *v, unsigned off)
{
	struct virtio_queue *q = selected(v);

	switch (off) {
	case L_HOST_FEATURES: return (uint32_t)v->offered;
	case L_FEATURES: return (uint32_t)v->features;
	case L_QUEUE_ADDRESS: return q ? q->desc >> PAGE_SHIFT : 0;
	case L_QUEUE_SIZE: return q ? q->size : 0;
	case L_QUEUE_SELECT: return v->queue_select;
	case L_STATUS: return v->status;
	case L_ISR: return read_isr(v);
	default: return 0;
	}
}

static uint32_t legacy_read(void *opaque, unsigned off, unsigned size)
{
	struct virtio *v = opaque;
	uint32_t val;

	if (off >= L_CONFIG)
		return virtio_config_read(v, off - L_CONFIG, size);
	val = legacy_register(v, off);
	return size == 4 ? val : val & ((1u << size * 8) - 1);
}

static void legacy_queue_address(struct virtio *v, uint32_t page)
{
	struct virtio_queue *q = selected(v);

	if (q)
		virtio_legacy_address(q, (uint64_t)page << PAGE_SHIFT);
}

static void legacy_write(void *opaque, unsigned off, unsigned size,
			 uint32_t val)
{
	struct virtio *v = opaque;

	switch (off) {
	case L_FEATURES: virtio_set_features(v, val); break;
	case L_QUEUE_ADDRESS: legacy_queue_address(v, val); break;
	case L_QUEUE_SELECT: v->queue_select = val & 0xffff; break;
	case L_QUEUE_NOTIFY: virtio_kick(v, val & 0xffff); break;
	case L_STATUS: virtio_set_status(v, val); break;
	default:
		if (off >= L_CONFIG)
			virtio_config_write(v, off - L_CONFIG, size, val);
	}
}

static const struct pio_ops legacy_ops = {
	legacy_read, legacy_write, PIO_1 | PIO_2 | PIO_4,
};

/*
 * Version 1.  Registers are read and written in their own width; pieces of
 * the 64-bit ones in halves, 4.1.3.1.
 */

static uint64_t *queue_address(struct virtio_queue *q, unsigned off)
{
	switch (off & ~7u) {
	case C_QUEUE_DESC: return &q->desc;
	case C_QUEUE_DRIVER: return &q->avail;
	default: return &q->used;
	}
}

static uint32_t feature_word(uint64_t features, uint32_t select)
{
	return select > 1 ? 0 : features >> select * 32;
}

static uint32_t queue_register(struct virtio *v, unsigned off)
{
	struct virtio_queue *q = selected(v);

	if (off == C_QUEUE_MSIX)
		return NO_VECTOR;
	if (!q)
		return 0;
	switch (off) {
	case C_QUEUE_SIZE: return q->size;
	case C_QUEUE_ENABLE: return q->enabled;
	case C_QUEUE_NOTIFY_OFF: return v->queue_select;
	default: return *queue_address(q, off) >> (off & 4) * 8;
	}
}

static uint32_t common_read(struct virtio *v, unsigned off)
{
	switch (off) {
	case C_DEVICE_FEATURE_SELECT: return v->offered_select;
	case C_DEVICE_FEATURE:
		return feature_word(v->offered & ~(VIRTIO_F_ANY_LAYOUT |
						   VIRTIO_F_NOTIFY_ON_EMPTY),
				    v->offered_select);
	case C_DRIVER_FEATURE_SELECT: return v->driver_select;
	case C_DRIVER_FEATURE:
		return feature_word(v->wanted, v->driver_select);
	case C_MSIX: return NO_VECTOR;
	case C_NUM_QUEUES: return v->type->nqueues;
	case C_STATUS: return v->status;
	case C_GENERATION: return v->generation;
	case C_QUEUE_SELECT: return v->queue_select;
	default:
		return off >= C_QUEUE_SIZE && off < C_END
		       ? queue_register(v, off) : 0;
	}
}

static void driver_feature(struct virtio *v, uint32_t val)
{
	unsigned shift = v->driver_select * 32;

	if (v->driver_select > 1 || v->status & VIRTIO_S_FEATURES_OK)
		return;
	virtio_set_features(v, (v->wanted & ~(0xffffffffull << shift)) |
			       (uint64_t)val << shift);
}

/* 4.1.4.3.2: the driver sets addresses and size first, then enables. */
static void queue_write(struct virtio *v, unsigned off, uint32_t val)
{
	struct virtio_queue *q = selected(v);
	uint64_t *a;

	if (!q || q->enabled)
		return;
	switch (off) {
	case C_QUEUE_SIZE:
		if (val && val <= v->type->queue_size[v->queue_select] &&
		    !(val & (val - 1)))
			q->size = val;
		break;
	case C_QUEUE_ENABLE:
		q->enabled = val == 1;
		break;
	case C_QUEUE_MSIX:
		break;
	default:
		a = queue_address(q, off);
		*a = off & 4 ? (uint32_t)*a | (uint64_t)val << 32
			     : (*a & ~0xffffffffull) | val;
	}
}

static void common_write(struct virtio *v, unsigned off, uint32_t val)
{
	switch (off) {
	case C_DEVICE_FEATURE_SELECT: v->offered_select = val; break;
	case C_DRIVER_FEATURE_SELECT: v->driver_select = val; break;
	case C_DRIVER_FEATURE: driver_feature(v, val); break;
	case C_STATUS: virtio_set_status(v, val); break;
	case C_QUEUE_SELECT: v->queue_select = val & 0xffff; break;
	default:
		if (off >= C_QUEUE_SIZE && off < C_END)
			queue_write(v, off, val);
	}
}

static uint64_t modern_read(void *opaque, gpa_t off, unsigned size)
{
	struct virtio *v = opaque;

	if (size == 8)
		return modern_read(v, off, 4) |
		       modern_read(v, off + 4, 4) << 32;
	switch (off & ~0xfffull) {
	case AT_COMMON: return common_read(v, off);
	case AT_ISR: return off == AT_ISR ? read_isr(v) : 0;
	case AT_DEVICE: return virtio_config_read(v, off - AT_DEVICE, size);
	default: return 0;
	}
}

static void modern_write(void *opaque, gpa_t off, unsigned size, uint64_t val)
{
	struct virtio *v = opaque;

	if (size == 8) {
		modern_write(v, off, 4, (uint32_t)val);
		modern_write(v, off + 4, 4, val >> 32);
		return;
	}
	switch (off & ~0xfffull) {
	case AT_COMMON: common_write(v, off, val); break;
	case AT_DEVICE:
		virtio_config_write(v, off - AT_DEVICE, size, val);
		break;
	case AT_NOTIFY: virtio_kick(v, (off - AT_NOTIFY) / NOTIFY_STEP); break;
	}
}

static const struct mmio_ops modern_ops = { modern_read, modern_write };

/*
 * The window in configuration space, 4.1.4.9: offset, length and BAR are the
 * driver's, and reading or writing the data does the access.
 */

/* Only BAR 4 is reachable; anything else does nothing. */
static bool window(struct virtio *v, uint32_t *off, uint32_t *len)
{
	unsigned cap = v->cfg_cap;

	*off = pci_get32(&v->func, cap + CAP_OFFSET);
	*len = pci_get32(&v->func, cap + CAP_LENGTH);
	return v->func.config[cap + CAP_BAR] == MODERN_BAR &&
	       (*len == 1 || *len == 2 || *len == 4) &&
	       *off < MODERN_SIZE && *off % *len == 0;
}

static bool touches_data(struct virtio *v, unsigned off, unsigned size)
{
	unsigned data = v->cfg_cap + CAP_DATA;

	return off < data + 4 && data < off + size;
}

static void config_reading(void *opaque, unsigned off, unsigned size)
{
	struct virtio *v = opaque;
	uint32_t at, len;

	if (touches_data(v, off, size) && window(v, &at, &len))
		pci_put32(&v->func, v->cfg_cap + CAP_DATA,
			  modern_read(v, at, len));
}

static void config_written(void *opaque, unsigned off, unsigned size)
{
	struct virtio *v = opaque;
	uint32_t at, len;

	if (touches_data(v, off, size) && window(v, &at, &len))
		modern_write(v, at, len, pci_get32(&v->func, v->cfg_cap +
						   CAP_DATA));
}

/* @at: where the last one ended. */
static unsigned add_cap(struct virtio *v, unsigned at, enum cap_type type,
			uint32_t off, uint32_t len, unsigned size)
{
	uint8_t *c = v->func.config + at;

	pci_capability(&v->func, CAP_VENDOR, at, size);
	c[2] = size;
	c[CAP_TYPE] = type;
	c[CAP_BAR] = MODERN_BAR;
	pci_put32(&v->func, at + CAP_OFFSET, off);
	pci_put32(&v->func, at + CAP_LENGTH, len);
	return at + size;
}

void virtio_pci_init(struct virtio *v)
{
	unsigned at = FIRST_CAP;

	pci_bar_io(&v->func, 0, LEGACY_SIZE, &legacy_ops, v, v->type->name);
	pci_bar_mem(&v->func, MODERN_BAR, MODERN_SIZE, 0, &modern_ops, v,
		    v->type->name);
	at = add_cap(v, at, CAP_COMMON, AT_COMMON, C_END, 16);
	at = add_cap(v, at, CAP_ISR, AT_ISR, 1, 16);
	if (v->type->config_len)
		at = add_cap(v, at, CAP_DEVICE, AT_DEVICE, v->type->config_len,
			     16);
	at = add_cap(v, at, CAP_NOTIFY, AT_NOTIFY,
		     v->type->nqueues * NOTIFY_STEP, 20);
	pci_put32(&v->func, at - 4, NOTIFY_STEP);
	v->cfg_cap = at;
	add_cap(v, at, CAP_PCI, 0, 0, 20);
	v->func.writable[at + CAP_BAR] = 0xff;
	memset(v->func.writable + at + CAP_OFFSET, 0xff, 12);
	v->func.reading = config_reading;
	v->func.written = config_written;
	v->func.opaque = v;
}
