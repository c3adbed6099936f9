/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A drive's requests: submitted with the loop's lock held, done by worker
 * threads that may block, completed by a callback with the lock held again.
 *
 * Order.  Requests run side by side and complete in any order; two that
 * overlap and are in flight together have no order, as with a disk.  A flush
 * starts when every write and discard submitted before it has completed, and
 * covers all of those; what is submitted after it does not wait for it.
 */
#ifndef BACKENDS_BLOCK_QUEUE_H
#define BACKENDS_BLOCK_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct block;
struct block_queue;
struct block_req;
struct iovec;
struct loop;

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD };

/*
 * The request is the caller's again; r->ret: 0 or a negative errno.  Lock held;
 * on one of the queue's threads, the loop's, or inside block_queue_drain().  It
 * may submit and drain, not destroy the queue.
 */
typedef void block_done_fn(void *opaque, struct block_req *r);
/*
 * So many were called in a row, and no more are there: time to tell the driver.
 * As above.
 */
typedef void block_batch_fn(void *opaque);

/* Filled in by the caller, untouched by it until done() was called. */
struct block_req {
	enum block_op op;
	uint64_t off;			/* bytes */
	const struct iovec *iov;	/* reads and writes */
	int niov;
	uint64_t len;			/* bytes; discard */
	block_done_fn *done;
	void *opaque;
	int ret;
	/* The queue's. */
	uint64_t seq;
	struct block_req *next;
};

struct block_stats {
	uint64_t requests[4], bytes[4];	/* by enum block_op, completed */
	uint64_t errors;
};

/*
 * @b: the medium, the queue's from now on, or NULL for none.  @threads: most
 * requests that run at once, 1 .. 16; threads start when they are needed.
 * @log: host errors are reported there, the first of each medium.
 * Returns 0 or a negative errno, @b then still the caller's.
 */
int block_queue_create(struct block_queue **out, struct block *b,
		       struct loop *l, unsigned threads, FILE *log);
/* Call @fn (NULL: nobody) after each row of done() calls.  Nothing is in flight. */
void block_queue_on_batch(struct block_queue *q, block_batch_fn *fn,
			  void *opaque);
/* Finish all requests, close the medium, free.  Lock held. */
void block_queue_destroy(struct block_queue *q);

/*
 * Lock held, any thread; never blocks.  done() is always called later, also
 * for errors (-ENOMEDIUM without a medium).
 */
void block_submit(struct block_queue *q, struct block_req *r);

/*
 * Do @r at once if that needs no waiting: what the host has cached.  True: done,
 * r->ret is set, and done() will not be called.  False: submit it.  @r->iov may
 * lie in memory that only system calls may touch; reads may leave a part there.
 * Reads and writes of up to BLOCK_TRY_MAX bytes.  Lock held.
 */
bool block_try(struct block_queue *q, struct block_req *r);
/* Some 100 us of copying. */
#define BLOCK_TRY_MAX	(1u << 20)

/*
 * Wait until no request is left, running their callbacks (which may submit
 * more).  For reset and save, where waiting is right.  Lock held.
 */
void block_queue_drain(struct block_queue *q);
/* Is anything in flight?  Lock held. */
bool block_queue_busy(const struct block_queue *q);

/* The medium, or NULL. */
struct block *block_queue_medium(const struct block_queue *q);
/* Drain, close the medium, put @b (or NULL) in its place.  Lock held. */
void block_queue_change(struct block_queue *q, struct block *b);

const struct block_stats *block_queue_stats(const struct block_queue *q);

#endif
