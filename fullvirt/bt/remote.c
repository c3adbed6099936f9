/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DMA: writes to guest memory by threads that are not the vCPU's.
 *
 * A page with translated code may only be written after its translations are
 * dead, and only the vCPU thread can kill them while it runs.  So such writes
 * are queued for it, and with them every write that follows, until it has
 * worked the queue off: the guest sees all of them in the order in which they
 * were made, only later.  It does so before it takes an interrupt, which is
 * how devices say that they are done.
 *
 * Who may find a page untraced that is being translated right now?  The vCPU
 * sets MEM_TRACED, then reads the page; we write, then look again.  One of the
 * two sees what the other did.
 *
 * r->lock orders these threads against the start and the end of run(); only
 * then does the vCPU thread wait for it, and never for long.
 */
#include <stdlib.h>
#include <string.h>

#include "fullvirt/bt/bt.h"

struct remote_write {
	struct remote_write *next;
	gpa_t gpa;
	size_t len;
	bool done;		/* the bytes are there: only drop code */
	uint8_t data[];
};

static bool traced(const struct bt *bt, gpa_t gpa, size_t len)
{
	return (__atomic_load_n(&bt->mem->flags[gpa >> PAGE_SHIFT],
				__ATOMIC_SEQ_CST) |
		__atomic_load_n(&bt->mem->flags[(gpa + len - 1) >> PAGE_SHIFT],
				__ATOMIC_SEQ_CST)) & MEM_TRACED;
}

static void write_now(struct bt *bt, gpa_t gpa, const void *buf, size_t len)
{
	if (traced(bt, gpa, len))
		tc_write(bt, gpa, len);
	if (buf)
		memcpy(mem_hva(bt->mem, gpa), buf, len);
}

/* r->lock held; the vCPU thread, or it is outside run(). */
static void drain_locked(struct bt *bt)
{
	struct remote *r = &bt->remote;
	struct remote_write *w;

	while ((w = r->first)) {
		r->first = w->next;
		write_now(bt, w->gpa, w->done ? NULL : w->data, w->len);
		free(w);
		bt->stats.remote_writes++;
	}
	r->last = &r->first;
	__atomic_store_n(&r->pending, false, __ATOMIC_SEQ_CST);
}

void bt_remote_drain(struct bt *bt)
{
	if (!bt_remote_pending(bt))
		return;
	bt_fpu_save(bt);
	pthread_mutex_lock(&bt->remote.lock);
	drain_locked(bt);
	pthread_mutex_unlock(&bt->remote.lock);
}

void bt_remote_running(struct bt *bt, bool running)
{
	pthread_mutex_lock(&bt->remote.lock);
	drain_locked(bt);
	__atomic_store_n(&bt->running, running, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&bt->remote.lock);
}

/* @buf NULL: the bytes are there.  r->lock held. */
static void queue(struct bt *bt, gpa_t gpa, const void *buf, size_t len)
{
	struct remote *r = &bt->remote;
	struct remote_write *w = malloc(sizeof(*w) + (buf ? len : 0));

	if (!w)
		abort();	/* as the rest of the process would */
	*w = (struct remote_write){ .gpa = gpa, .len = len, .done = !buf };
	if (buf)
		memcpy(w->data, buf, len);
	*r->last = w;
	r->last = &w->next;
	__atomic_store_n(&r->pending, true, __ATOMIC_SEQ_CST);
	bt_kick(&bt->engine);
}

static void write_beside(struct bt *bt, gpa_t gpa, const void *buf,
			 size_t len)
{
	if (!bt_remote_pending(bt) && !traced(bt, gpa, len)) {
		if (buf)
			memcpy(mem_hva(bt->mem, gpa), buf, len);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (!traced(bt, gpa, len))
			return;
		buf = NULL;
	}
	queue(bt, gpa, buf, len);
}

/* mem_remote_ops.write */
static bool remote_write(void *opaque, gpa_t gpa, const void *buf, size_t len)
{
	struct bt *bt = opaque;

	if (bt == bt_current) {
		bt_remote_drain(bt);
		return false;
	}
	pthread_mutex_lock(&bt->remote.lock);
	if (bt->running)
		write_beside(bt, gpa, buf, len);
	else
		write_now(bt, gpa, buf, len);
	pthread_mutex_unlock(&bt->remote.lock);
	return true;
}

/* What of @w lies in [gpa, gpa + len) belongs into @buf. */
static void overlay(const struct remote_write *w, gpa_t gpa, uint8_t *buf,
		    size_t len)
{
	gpa_t from = w->gpa > gpa ? w->gpa : gpa;
	gpa_t end = w->gpa + w->len < gpa + len ? w->gpa + w->len : gpa + len;

	if (!w->done && from < end)
		memcpy(buf + (from - gpa), w->data + (from - w->gpa),
		       end - from);
}

/* mem_remote_ops.read */
static void remote_read(void *opaque, gpa_t gpa, void *buf, size_t len)
{
	struct bt *bt = opaque;

	pthread_mutex_lock(&bt->remote.lock);
	memcpy(buf, mem_hva(bt->mem, gpa), len);
	for (const struct remote_write *w = bt->remote.first; w; w = w->next)
		overlay(w, gpa, buf, len);
	pthread_mutex_unlock(&bt->remote.lock);
}

static bool remote_waiting(void *opaque)
{
	return bt_remote_pending(opaque);
}

static const struct mem_remote_ops remote_ops = {
	remote_write, remote_read, remote_waiting,
};

void bt_remote_init(struct bt *bt)
{
	pthread_mutex_init(&bt->remote.lock, NULL);
	bt->remote.last = &bt->remote.first;
	bt->mem->remote = &remote_ops;
}

void bt_remote_fini(struct bt *bt)
{
	struct remote_write *w;

	while ((w = bt->remote.first)) {
		bt->remote.first = w->next;
		free(w);
	}
	pthread_mutex_destroy(&bt->remote.lock);
	bt->mem->remote = NULL;
}
