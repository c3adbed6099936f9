// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests to an image, done by threads; see block_queue.h.
 *
 * A request is on one list at a time:
 *
 *	submit -> waiting -> running -> finished -> done()
 *
 * q->lock guards the lists and is inner to the loop's lock.  Workers do not hold
 * it while they do a request.
 *
 * A worker completes what is finished itself: waking the loop's thread for it
 * takes longer than a small request.  That needs the loop's lock, and it must
 * not wait for it without end, because who holds it may be waiting for the
 * worker to exit.  After some attempts it leaves the rest to the loop.
 */
#define _GNU_SOURCE
#include "backends/block_queue.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "backends/block.h"
#include "hypervisor/loop.h"

#define THREADS_MAX	16
#define LOCK_ATTEMPTS	500	/* some 20 us */

struct req_list {
	struct block_req *first, **tail;
};

struct block_queue {
	struct block *b;
	struct loop *loop;
	FILE *log;
	int event_fd;
	unsigned inflight;		/* under the loop's lock */
	bool reported;
	struct block_stats stats;

	pthread_mutex_t lock;
	pthread_cond_t work;		/* something may be eligible */
	pthread_cond_t some_done;	/* finished is not empty */
	struct req_list waiting, finished;
	bool left;			/* what is finished, to the loop */
	struct block_req *running[THREADS_MAX];
	pthread_t threads[THREADS_MAX];
	unsigned nthreads, idle, nwaiting, max;
	uint64_t seq;
	bool quit;
	block_batch_fn *batch;
	void *batch_opaque;
};

/* The worker that this thread is; q NULL: none. */
static __thread struct worker {
	struct block_queue *q;
	unsigned n;		/* its place in running[] */
} self;

static void list_init(struct req_list *l)
{
	l->first = NULL;
	l->tail = &l->first;
}

static void list_add(struct req_list *l, struct block_req *r)
{
	r->next = NULL;
	*l->tail = r;
	l->tail = &r->next;
}

/* Take *where out; it is on @l. */
static struct block_req *list_take(struct req_list *l,
				   struct block_req **where)
{
	struct block_req *r = *where;

	*where = r->next;
	if (l->tail == &r->next)
		l->tail = where;
	return r;
}

/*
 * Workers.
 */

static bool changes(const struct block_req *r)
{
	return r->op == BLOCK_WRITE || r->op == BLOCK_DISCARD;
}

static bool changes_running_before(const struct block_queue *q, uint64_t seq)
{
	for (unsigned i = 0; i < q->max; i++)
		if (q->running[i] && changes(q->running[i]) &&
		    q->running[i]->seq < seq)
			return true;
	return false;
}

/* The first request that may start, off the list; NULL: none. */
static struct block_req *next_eligible(struct block_queue *q)
{
	bool changes_waiting = false;

	for (struct block_req **p = &q->waiting.first; *p; p = &(*p)->next) {
		if ((*p)->op != BLOCK_FLUSH ||
		    (!changes_waiting &&
		     !changes_running_before(q, (*p)->seq))) {
			q->nwaiting--;
			return list_take(&q->waiting, p);
		}
		changes_waiting |= changes(*p);
	}
	return NULL;
}

static int do_request(struct block *b, struct block_req *r)
{
	if (!b)
		return -ENOMEDIUM;
	switch (r->op) {
	case BLOCK_READ:
		return block_readv(b, r->off, r->iov, r->niov);
	case BLOCK_WRITE:
		return block_writev(b, r->off, r->iov, r->niov);
	case BLOCK_FLUSH:
		return block_flush(b);
	case BLOCK_DISCARD:
		return block_discard(b, r->off, r->len);
	}
	return -EINVAL;
}

static void finish(struct block_queue *q, struct block_req *r)
{
	list_add(&q->finished, r);
	pthread_cond_broadcast(&q->some_done);
	/* A flush may have waited for this one. */
	if (q->waiting.first)
		pthread_cond_signal(&q->work);
}

static void leave_to_loop(struct block_queue *q)
{
	uint64_t one = 1;

	q->left = true;
	if (write(q->event_fd, &one, sizeof(one)) < 0)
		abort();	/* the counter cannot be full */
}

/* Do one; q->lock held, given up meanwhile. */
static void run_one(struct block_queue *q, unsigned n, struct block_req *r)
{
	q->running[n] = r;
	pthread_mutex_unlock(&q->lock);
	r->ret = do_request(q->b, r);
	pthread_mutex_lock(&q->lock);
	q->running[n] = NULL;
	finish(q, r);
}

static void complete_all(struct block_queue *q);

static bool try_lock(struct loop *l)
{
	for (unsigned i = 0; i < LOCK_ATTEMPTS; i++) {
		if (loop_trylock(l))
			return true;
		__builtin_ia32_pause();
	}
	return false;
}

/* Complete what is finished; q->lock held, given up meanwhile. */
static void complete_here(struct block_queue *q)
{
	bool got;

	pthread_mutex_unlock(&q->lock);
	got = try_lock(q->loop);
	if (got) {
		complete_all(q);
		loop_unlock(q->loop);
	}
	pthread_mutex_lock(&q->lock);
	if (!got && q->finished.first && !q->left)
		leave_to_loop(q);
}

static void *worker(void *opaque)
{
	struct block_queue *q;

	self = *(struct worker *)opaque;
	q = self.q;
	free(opaque);
	pthread_mutex_lock(&q->lock);
	while (!q->quit) {
		struct block_req *r = next_eligible(q);

		if (!r) {
			q->idle++;
			pthread_cond_wait(&q->work, &q->lock);
			q->idle--;
			continue;
		}
		run_one(q, self.n, r);
		if (!q->left)
			complete_here(q);
	}
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

/* Signals are for the threads that expect them. */
static int start_worker(struct block_queue *q)
{
	struct worker *s = malloc(sizeof(*s));
	sigset_t all, old;
	int ret;

	if (!s)
		return -ENOMEM;
	*s = (struct worker){ q, q->nthreads };
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&q->threads[q->nthreads], NULL, worker, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret) {
		free(s);
		return -ret;
	}
	q->nthreads++;
	return 0;
}

/*
 * The devices' side.
 */

static void report(struct block_queue *q, const struct block_req *r)
{
	static const char *const verbs[] = { "read", "write", "flush",
					     "discard" };

	if (q->reported || !q->b || !q->log)
		return;
	q->reported = true;
	fprintf(q->log, "umbra: %s: %s at byte %llu: %s (the guest is told; "
		"further errors are only counted)\n", q->b->name,
		verbs[r->op], (unsigned long long)r->off, strerror(-r->ret));
}

static uint64_t req_bytes(const struct block_req *r)
{
	uint64_t n = r->op == BLOCK_DISCARD ? r->len : 0;

	if (r->op == BLOCK_READ || r->op == BLOCK_WRITE)
		for (int i = 0; i < r->niov; i++)
			n += r->iov[i].iov_len;
	return n;
}

static void account(struct block_queue *q, struct block_req *r)
{
	q->stats.requests[r->op]++;
	if (r->ret) {
		q->stats.errors++;
		report(q, r);
	} else {
		q->stats.bytes[r->op] += req_bytes(r);
	}
}

static void complete(struct block_queue *q, struct block_req *r)
{
	q->inflight--;
	account(q, r);
	r->done(r->opaque, r);
}

/* Callbacks may submit, and drain; so one at a time. */
static bool complete_one(struct block_queue *q)
{
	struct block_req *r = NULL;

	pthread_mutex_lock(&q->lock);
	if (q->finished.first)
		r = list_take(&q->finished, &q->finished.first);
	if (!q->finished.first)
		q->left = false;
	pthread_mutex_unlock(&q->lock);
	if (r)
		complete(q, r);
	return r;
}

static void complete_all(struct block_queue *q)
{
	bool any = false;

	while (complete_one(q))
		any = true;
	if (any && q->batch)
		q->batch(q->batch_opaque);
}

static void on_event(void *opaque, int fd, short revents)
{
	struct block_queue *q = opaque;
	uint64_t n;

	while (read(fd, &n, sizeof(n)) > 0)
		;
	complete_all(q);
}

void block_submit(struct block_queue *q, struct block_req *r)
{
	pthread_mutex_lock(&q->lock);
	q->inflight++;
	r->ret = 0;
	r->seq = ++q->seq;
	/* Idle workers may have been promised to earlier requests. */
	if (q->idle <= q->nwaiting && q->nthreads < q->max &&
	    start_worker(q) && !q->nthreads) {
		r->ret = -EAGAIN;
		finish(q, r);
		leave_to_loop(q);
	} else {
		list_add(&q->waiting, r);
		q->nwaiting++;
		pthread_cond_signal(&q->work);
	}
	pthread_mutex_unlock(&q->lock);
}

bool block_try(struct block_queue *q, struct block_req *r)
{
	if (!q->b || req_bytes(r) > BLOCK_TRY_MAX)
		return false;
	if (r->op == BLOCK_READ)
		r->ret = block_try_readv(q->b, r->off, r->iov, r->niov);
	else if (r->op == BLOCK_WRITE)
		r->ret = block_try_writev(q->b, r->off, r->iov, r->niov);
	else
		return false;
	if (r->ret == -EAGAIN)
		return false;
	account(q, r);
	return true;
}

/*
 * Wait until something is finished.  A worker that is in a callback may be the
 * only one there is.
 */
static void wait_finished(struct block_queue *q)
{
	struct block_req *r;

	pthread_mutex_lock(&q->lock);
	while (!q->finished.first) {
		r = self.q == q ? next_eligible(q) : NULL;
		if (r)
			run_one(q, self.n, r);
		else
			pthread_cond_wait(&q->some_done, &q->lock);
	}
	pthread_mutex_unlock(&q->lock);
}

/* Without the lock, workers would complete what a drain waits for. */
static bool lock_held(struct block_queue *q)
{
	return !loop_trylock(q->loop);
}

void block_queue_drain(struct block_queue *q)
{
	bool any = q->inflight;

	assert(!any || lock_held(q));
	while (q->inflight) {
		wait_finished(q);
		complete_one(q);
	}
	if (any && q->batch)
		q->batch(q->batch_opaque);
}

bool block_queue_busy(const struct block_queue *q)
{
	return q->inflight;
}

struct block *block_queue_medium(const struct block_queue *q)
{
	return q->b;
}

void block_queue_change(struct block_queue *q, struct block *b)
{
	block_queue_drain(q);
	block_close(q->b);
	q->b = b;
	q->reported = false;
}

const struct block_stats *block_queue_stats(const struct block_queue *q)
{
	return &q->stats;
}

void block_queue_on_batch(struct block_queue *q, block_batch_fn *fn,
			  void *opaque)
{
	q->batch = fn;
	q->batch_opaque = opaque;
}

int block_queue_create(struct block_queue **out, struct block *b,
		       struct loop *l, unsigned threads, FILE *log)
{
	struct block_queue *q = calloc(1, sizeof(*q));
	int ret;

	*out = NULL;
	if (!q)
		return -ENOMEM;
	q->loop = l;
	q->log = log;
	q->max = threads < THREADS_MAX ? threads : THREADS_MAX;
	list_init(&q->waiting);
	list_init(&q->finished);
	q->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ret = q->event_fd < 0 ? -errno :
	      loop_add_fd(l, q->event_fd, POLLIN, on_event, q);
	if (ret) {
		if (q->event_fd >= 0)
			close(q->event_fd);
		free(q);
		return ret;
	}
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->work, NULL);
	pthread_cond_init(&q->some_done, NULL);
	q->b = b;
	*out = q;
	return 0;
}

void block_queue_destroy(struct block_queue *q)
{
	if (!q)
		return;
	assert(self.q != q);
	block_queue_drain(q);
	pthread_mutex_lock(&q->lock);
	q->quit = true;
	pthread_cond_broadcast(&q->work);
	pthread_mutex_unlock(&q->lock);
	for (unsigned i = 0; i < q->nthreads; i++)
		pthread_join(q->threads[i], NULL);
	loop_del_fd(q->loop, q->event_fd);
	close(q->event_fd);
	block_close(q->b);
	pthread_cond_destroy(&q->work);
	pthread_cond_destroy(&q->some_done);
	pthread_mutex_destroy(&q->lock);
	free(q);
}
