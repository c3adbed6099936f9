/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Split virtqueues, VIRTIO 1.1 section 2.6.
 *
 * The driver may write the rings at any moment (several processors, or DMA of
 * its other devices), so every value is read once and checked after.
 */
#include <string.h>
#include <sys/uio.h>

#include "hypervisor/mem.h"
#include "hypervisor/virtio.h"

#define DESC_NEXT	1u
#define DESC_WRITE	2u
#define DESC_INDIRECT	4u
#define AVAIL_NO_INTERRUPT	1u

struct desc {		/* 2.6.5 */
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

static bool read_ring(struct virtio *v, uint64_t gpa, void *buf, size_t len)
{
	if (!pci_dma_read(&v->func, gpa, buf, len))
		return true;
	virtio_broken(v, "a ring that is not in memory");
	return false;
}

static bool write_ring(struct virtio *v, uint64_t gpa, const void *buf,
		       size_t len)
{
	if (!pci_dma_write(&v->func, gpa, buf, len))
		return true;
	virtio_broken(v, "a ring that is not in memory");
	return false;
}

/* How many buffers wait; 0 also when the ring is broken. */
static unsigned waiting(struct virtio *v, const struct virtio_queue *q)
{
	uint16_t idx;

	if (!virtio_running(v) || !q->enabled ||
	    !read_ring(v, q->avail + 2, &idx, 2))
		return 0;
	if ((uint16_t)(idx - q->last_avail) > q->size) {
		virtio_broken(v, "more buffers than the ring has entries");
		return 0;
	}
	return (uint16_t)(idx - q->last_avail);
}

/* Where the driver wants to hear of the next buffer from, 2.6.10. */
static void put_avail_event(struct virtio *v, const struct virtio_queue *q)
{
	if (virtio_has(v, VIRTIO_F_EVENT_IDX))
		write_ring(v, q->used + 4 + 8ull * q->size, &q->last_avail, 2);
}

bool virtio_waiting(struct virtio *v, unsigned n)
{
	struct virtio_queue *q = &v->q[n];

	if (waiting(v, q))
		return true;
	/* Ask for a notification, then look again: one may have come. */
	put_avail_event(v, q);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return waiting(v, q);
}

static bool add_segment(struct virtio *v, struct virtio_chain *c,
			const struct desc *d)
{
	bool in = d->flags & DESC_WRITE;

	if (c->nout + c->nin == VIRTIO_SEGMENTS) {
		virtio_broken(v, "a buffer of too many segments");
		return false;
	}
	if (!in && c->nin) {
		virtio_broken(v, "a readable segment behind a writable one");
		return false;
	}
	c->seg[c->nout + c->nin] = (struct virtio_seg){ d->addr, d->len };
	c->nin += in;
	c->nout += !in;
	c->in_len += in ? d->len : 0;
	c->out_len += in ? 0 : d->len;
	return true;
}

/* A table of descriptors: the queue's own, or an indirect one. */
struct table {
	uint64_t gpa;
	uint32_t n;
	bool indirect;
};

static bool enter_indirect(struct virtio *v, struct table *t,
			   const struct desc *d)
{
	if (t->indirect || d->flags & DESC_NEXT || !d->len || d->len % 16 ||
	    !virtio_has(v, VIRTIO_F_INDIRECT_DESC)) {
		virtio_broken(v, "an indirect table where none may be");
		return false;
	}
	*t = (struct table){ d->addr, d->len / 16, true };
	return true;
}

/* The segments of the chain that begins at entry @i of @t. */
static bool walk(struct virtio *v, struct virtio_chain *c, struct table t,
		 uint32_t i)
{
	struct desc d;

	for (uint32_t seen = 0;; seen++) {
		if (i >= t.n || seen > t.n) {
			virtio_broken(v, "a chain that leaves its table, or "
				      "does not end");
			return false;
		}
		if (!read_ring(v, t.gpa + 16ull * i, &d, sizeof(d)))
			return false;
		if (d.flags & DESC_INDIRECT) {
			if (!enter_indirect(v, &t, &d))
				return false;
			i = 0;
			seen = 0;
			continue;
		}
		if (!add_segment(v, c, &d))
			return false;
		if (!(d.flags & DESC_NEXT))
			return true;
		i = d.next;
	}
}

bool virtio_pop(struct virtio *v, unsigned n, struct virtio_chain *c)
{
	struct virtio_queue *q = &v->q[n];
	uint16_t head;

	if (!virtio_waiting(v, n))
		return false;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (!read_ring(v, q->avail + 4 + 2ull * (q->last_avail % q->size),
		       &head, 2))
		return false;
	*c = (struct virtio_chain){ .head = head };
	if (!walk(v, c, (struct table){ q->desc, q->size, false }, head))
		return false;
	q->last_avail++;
	return true;
}

void virtio_unpop(struct virtio *v, unsigned n)
{
	v->q[n].last_avail--;
}

void virtio_fill(struct virtio *v, unsigned n, uint16_t head,
		 uint32_t written)
{
	struct virtio_queue *q = &v->q[n];
	const uint32_t elem[2] = { head, written };

	if (!virtio_running(v) || !q->enabled)
		return;
	if (write_ring(v, q->used + 4 + 8ull * (q->used_idx % q->size), elem,
		       sizeof(elem)))
		q->used_idx++;
}

void virtio_publish(struct virtio *v, unsigned n)
{
	struct virtio_queue *q = &v->q[n];

	if (!virtio_running(v) || !q->enabled)
		return;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	write_ring(v, q->used + 2, &q->used_idx, 2);
}

void virtio_push(struct virtio *v, unsigned n, uint16_t head,
		 uint32_t written)
{
	virtio_fill(v, n, head, written);
	virtio_publish(v, n);
}

/* Does the driver want an interrupt for what was pushed since the last? */
static bool wants_interrupt(struct virtio *v, struct virtio_queue *q,
			    uint16_t was, bool first)
{
	uint16_t flags, event;

	if (virtio_has(v, VIRTIO_F_NOTIFY_ON_EMPTY) && !waiting(v, q))
		return true;
	if (!virtio_has(v, VIRTIO_F_EVENT_IDX))
		return read_ring(v, q->avail, &flags, 2) &&
		       !(flags & AVAIL_NO_INTERRUPT);
	if (!read_ring(v, q->avail + 4 + 2ull * q->size, &event, 2))
		return false;
	/* 2.6.7.2: has used_idx passed the event? */
	return first || (uint16_t)(q->used_idx - event - 1) <
			(uint16_t)(q->used_idx - was);
}

void virtio_signal(struct virtio *v, unsigned n)
{
	struct virtio_queue *q = &v->q[n];
	uint16_t was = q->signalled;
	bool first = !q->signalled_valid;

	if (!virtio_running(v) || !q->enabled || q->used_idx == was)
		return;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	q->signalled = q->used_idx;
	q->signalled_valid = 1;
	if (!wants_interrupt(v, q, was, first))
		return;
	v->isr |= 1;		/* 4.1.4.5: bit 0, a queue */
	virtio_update_irq(v);
}

/*
 * The next piece of [*off, *off + *len) of the segments from **seg to @end;
 * false: there is none.
 */
static bool next_piece(const struct virtio_seg **seg,
		       const struct virtio_seg *end, uint64_t *off,
		       uint64_t *len, struct virtio_seg *piece)
{
	for (; *len && *seg < end; (*seg)++) {
		uint64_t n;

		if (*off >= (*seg)->len) {
			*off -= (*seg)->len;
			continue;
		}
		n = (*seg)->len - *off;
		if (n > *len)
			n = *len;
		*piece = (struct virtio_seg){ (*seg)->gpa + *off, n };
		*off += n;
		*len -= n;
		return true;
	}
	return false;
}

/* Copy [off, off+len) of a chain's segments, piece by piece. */
static size_t transfer(struct virtio *v, const struct virtio_seg *seg,
		       unsigned n, uint64_t off, uint8_t *buf, size_t len,
		       bool write)
{
	const struct virtio_seg *end = seg + n;
	uint64_t left = len;
	struct virtio_seg p;
	size_t done = 0;

	while (next_piece(&seg, end, &off, &left, &p)) {
		int err = write ? pci_dma_write(&v->func, p.gpa, buf + done,
						p.len)
				: pci_dma_read(&v->func, p.gpa, buf + done,
					       p.len);
		if (err) {
			virtio_broken(v, "a segment that is not in memory");
			break;
		}
		done += p.len;
	}
	return done;
}

size_t virtio_read(struct virtio *v, const struct virtio_chain *c,
		   uint64_t off, void *buf, size_t len)
{
	return transfer(v, c->seg, c->nout, off, buf, len, false);
}

size_t virtio_write(struct virtio *v, const struct virtio_chain *c,
		    uint64_t off, const void *buf, size_t len)
{
	return transfer(v, c->seg + c->nout, c->nin, off, (uint8_t *)buf, len,
			true);
}

unsigned virtio_direct(struct virtio *v, const struct virtio_chain *c,
		       bool in, uint64_t off, uint64_t len,
		       struct iovec *iov)
{
	const struct virtio_seg *seg = in ? c->seg + c->nout : c->seg;
	const struct virtio_seg *end = seg + (in ? c->nin : c->nout);
	struct virtio_seg piece;
	unsigned n = 0;

	if (!pci_is_master(&v->func))
		return 0;
	while (next_piece(&seg, end, &off, &len, &piece)) {
		void *p = mem_direct(v->mem, piece.gpa, piece.len, in);

		if (!p)
			return 0;
		iov[n++] = (struct iovec){ p, piece.len };
	}
	return len ? 0 : n;
}

void virtio_direct_done(struct virtio *v, const struct virtio_chain *c,
			uint64_t off, uint64_t len)
{
	const struct virtio_seg *seg = c->seg + c->nout;
	struct virtio_seg piece;

	while (next_piece(&seg, c->seg + c->nout + c->nin, &off, &len, &piece))
		mem_dma_written(v->mem, piece.gpa, piece.len);
}
