// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests to images: done by other threads, completed with the lock held, in
 * the order that block_queue.h promises.  The image is a fake whose operations wait
 * until the test lets them go.
 */
#define _GNU_SOURCE
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "backends/block.h"
#include "backends/block_queue.h"
#include "hypervisor/loop.h"
#include "hypervisor/types.h"

#define SIZE	(1 * MIB)

static struct loop *loop;
static struct block_queue *q;
static char disk[SIZE];

/* The fake. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool open;		/* operations may finish */
	unsigned started, at_once, most_at_once, flushes;
	unsigned writes_done, writes_before_flush;
	int error;
} gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, .open = true };

static void pass(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.started++;
	if (++gate.at_once > gate.most_at_once)
		gate.most_at_once = gate.at_once;
	pthread_cond_broadcast(&gate.changed);
	while (!gate.open)
		pthread_cond_wait(&gate.changed, &gate.lock);
	gate.at_once--;
	pthread_mutex_unlock(&gate.lock);
}

static void set_gate(bool open)
{
	pthread_mutex_lock(&gate.lock);
	gate.open = open;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
}

static void wait_started(unsigned n)
{
	pthread_mutex_lock(&gate.lock);
	while (gate.started < n)
		pthread_cond_wait(&gate.changed, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
}

static int fake_read(struct block *b, uint64_t off, void *buf, size_t len)
{
	pass();
	memcpy(buf, disk + off, len);
	return gate.error;
}

static int fake_write(struct block *b, uint64_t off, const void *buf,
		      size_t len)
{
	pass();
	memcpy(disk + off, buf, len);
	__atomic_add_fetch(&gate.writes_done, 1, __ATOMIC_SEQ_CST);
	return gate.error;
}

static int fake_flush(struct block *b)
{
	gate.flushes++;
	gate.writes_before_flush = __atomic_load_n(&gate.writes_done,
						   __ATOMIC_SEQ_CST);
	return 0;
}

static void fake_close(struct block *b)
{
	free(b);
}

static const struct block_ops fake_ops = {
	.name = "fake", .read = fake_read, .write = fake_write,
	.flush = fake_flush, .close = fake_close,
};

static struct block *fake(void)
{
	struct block *b = calloc(1, sizeof(*b));

	b->ops = &fake_ops;
	b->size = SIZE;
	b->name = strdup("fake.img");
	return b;
}

static unsigned completed, want;

static void done(void *opaque, struct block_req *r)
{
	ck_assert(!loop_trylock(loop));
	if (++completed == want)
		loop_quit(loop);
}

static void setup(void)
{
	ck_assert_int_eq(loop_create(&loop), 0);
	ck_assert_int_eq(block_queue_create(&q, fake(), loop, 4, NULL), 0);
}

static void run_until(unsigned n)
{
	bool more;

	loop_lock(loop);
	want = n;
	more = completed < want;
	loop_unlock(loop);
	if (more)
		loop_run(loop);
	ck_assert_uint_eq(completed, n);
	want = 0;
}

static char buf[8][512];
static struct iovec iov[8];
static struct block_req reqs[8];

static void submit(unsigned n, enum block_op op)
{
	iov[n] = (struct iovec){ buf[n], sizeof(buf[n]) };
	reqs[n] = (struct block_req){ .op = op, .off = n * 512,
				      .iov = &iov[n], .niov = 1, .len = 512,
				      .done = done };
	loop_lock(loop);
	block_submit(q, &reqs[n]);
	loop_unlock(loop);
}

START_TEST(submission_does_not_wait_for_the_host)
{
	set_gate(false);
	submit(0, BLOCK_READ);
	wait_started(1);
	ck_assert_uint_eq(completed, 0);
	ck_assert(block_queue_busy(q));
	set_gate(true);
	run_until(1);
	ck_assert_int_eq(reqs[0].ret, 0);
	ck_assert(!block_queue_busy(q));
	block_queue_destroy(q);
}
END_TEST

START_TEST(requests_run_side_by_side_up_to_the_limit)
{
	set_gate(false);
	for (unsigned n = 0; n < 6; n++)
		submit(n, BLOCK_READ);
	wait_started(4);
	usleep(20000);
	ck_assert_uint_eq(gate.started, 4);
	set_gate(true);
	run_until(6);
	ck_assert_uint_eq(gate.most_at_once, 4);
	block_queue_destroy(q);
}
END_TEST

START_TEST(flush_covers_all_writes_before_it)
{
	for (unsigned round = 0; round < 200; round++) {
		completed = gate.writes_done = gate.started = 0;
		set_gate(false);
		submit(0, BLOCK_WRITE);
		submit(1, BLOCK_WRITE);
		submit(2, BLOCK_DISCARD);
		submit(3, BLOCK_FLUSH);
		submit(4, BLOCK_READ);	/* does not wait for the flush */
		wait_started(3);
		ck_assert_uint_eq(gate.flushes, round);
		set_gate(true);
		run_until(5);
		ck_assert_uint_eq(gate.writes_before_flush, 2);
		ck_assert_uint_eq(gate.flushes, round + 1);
	}
	block_queue_destroy(q);
}
END_TEST

START_TEST(data_arrives)
{
	memset(buf[0], 0x5a, 512);
	submit(0, BLOCK_WRITE);
	run_until(1);
	ck_assert_int_eq(disk[511], 0x5a);
	memset(buf[0], 0, 512);
	submit(0, BLOCK_READ);
	run_until(2);
	ck_assert_int_eq(buf[0][511], 0x5a);
	ck_assert_uint_eq(block_queue_stats(q)->requests[BLOCK_WRITE], 1);
	ck_assert_uint_eq(block_queue_stats(q)->bytes[BLOCK_READ], 512);
	block_queue_destroy(q);
}
END_TEST

START_TEST(errors_come_back)
{
	gate.error = -EIO;
	submit(0, BLOCK_READ);
	run_until(1);
	ck_assert_int_eq(reqs[0].ret, -EIO);
	ck_assert_uint_eq(block_queue_stats(q)->errors, 1);
	loop_lock(loop);
	block_queue_change(q, NULL);
	loop_unlock(loop);
	submit(0, BLOCK_READ);
	run_until(2);
	ck_assert_int_eq(reqs[0].ret, -ENOMEDIUM);
	block_queue_destroy(q);
}
END_TEST

START_TEST(drain_completes_everything)
{
	for (unsigned n = 0; n < 8; n++)
		submit(n, n & 1 ? BLOCK_WRITE : BLOCK_READ);
	loop_lock(loop);
	block_queue_drain(q);
	ck_assert_uint_eq(completed, 8);
	ck_assert(!block_queue_busy(q));
	loop_unlock(loop);
	block_queue_destroy(q);
}
END_TEST

/* A callback that submits again, as a device does with a long transfer. */
static void again(void *opaque, struct block_req *r)
{
	if (++completed < 50)
		block_submit(q, r);
}

START_TEST(drain_follows_requests_that_callbacks_submit)
{
	iov[0] = (struct iovec){ buf[0], 512 };
	reqs[0] = (struct block_req){ .op = BLOCK_READ, .iov = iov, .niov = 1,
				      .done = again };
	loop_lock(loop);
	block_submit(q, &reqs[0]);
	block_queue_drain(q);
	loop_unlock(loop);
	ck_assert_uint_eq(completed, 50);
	block_queue_destroy(q);
}
END_TEST

static unsigned rows, in_row;

static void row_done(void *opaque, struct block_req *r)
{
	in_row++;
	done(opaque, r);
}

static void row_ended(void *opaque)
{
	ck_assert(!loop_trylock(loop));
	ck_assert_uint_gt(in_row, 0);
	in_row = 0;
	rows++;
}

START_TEST(a_row_of_ends_is_announced_once)
{
	loop_lock(loop);
	block_queue_on_batch(q, row_ended, NULL);
	for (unsigned n = 0; n < 8; n++) {
		iov[n] = (struct iovec){ buf[n], sizeof(buf[n]) };
		reqs[n] = (struct block_req){ .op = BLOCK_READ, .iov = &iov[n],
					      .niov = 1, .done = row_done };
		block_submit(q, &reqs[n]);
	}
	block_queue_drain(q);
	ck_assert_uint_eq(completed, 8);
	ck_assert_uint_eq(rows, 1);
	loop_unlock(loop);
	block_queue_destroy(q);
	ck_assert_uint_eq(rows, 1);
}
END_TEST

/* Its callbacks come all the same, once somebody runs the loop. */
START_TEST(completion_survives_a_lock_that_is_held_for_long)
{
	loop_lock(loop);
	iov[0] = (struct iovec){ buf[0], 512 };
	reqs[0] = (struct block_req){ .op = BLOCK_READ, .iov = iov, .niov = 1,
				      .done = done };
	block_submit(q, &reqs[0]);
	usleep(20000);
	ck_assert_uint_eq(completed, 0);
	loop_unlock(loop);
	run_until(1);
	block_queue_destroy(q);
}
END_TEST

/* The only worker is in the callback. */
static void drains(void *opaque, struct block_req *r)
{
	if (++completed == 1) {
		reqs[1] = reqs[0];
		block_submit(q, &reqs[1]);
		block_queue_drain(q);
		ck_assert_uint_eq(completed, 2);
		loop_quit(loop);
	}
}

START_TEST(callback_may_drain)
{
	struct block_queue *one;

	ck_assert_int_eq(block_queue_create(&one, fake(), loop, 1, NULL), 0);
	block_queue_destroy(q);
	q = one;
	iov[0] = (struct iovec){ buf[0], 512 };
	reqs[0] = (struct block_req){ .op = BLOCK_READ, .iov = iov, .niov = 1,
				      .done = drains };
	loop_lock(loop);
	block_submit(q, &reqs[0]);
	loop_unlock(loop);
	loop_run(loop);
	ck_assert_uint_eq(completed, 2);
	block_queue_destroy(q);
}
END_TEST

static int fake_try_readv(struct block *b, uint64_t off,
			  const struct iovec *v, int n)
{
	memcpy(v->iov_base, disk + off, v->iov_len);
	return gate.error;
}

START_TEST(attempts_end_at_once_or_not_at_all)
{
	struct block_ops ops = fake_ops;
	struct block *b = fake();
	struct block_req r = { .op = BLOCK_READ, .off = 512, .iov = iov,
			       .niov = 1 };

	iov[0] = (struct iovec){ buf[0], 512 };
	loop_lock(loop);
	ck_assert(!block_try(q, &r));	/* the format is never sure */
	ops.try_readv = fake_try_readv;
	b->ops = &ops;
	block_queue_change(q, b);
	memset(disk + 512, 0x77, 512);
	ck_assert(block_try(q, &r));
	ck_assert_int_eq(r.ret, 0);
	ck_assert_int_eq(buf[0][511], 0x77);
	ck_assert_uint_eq(block_queue_stats(q)->requests[BLOCK_READ], 1);
	ck_assert_uint_eq(block_queue_stats(q)->bytes[BLOCK_READ], 512);
	r.off = SIZE;
	ck_assert(block_try(q, &r));
	ck_assert_int_eq(r.ret, -ENOSPC);
	r.off = 0;
	gate.error = -EAGAIN;
	ck_assert(!block_try(q, &r));
	r.op = BLOCK_FLUSH;
	gate.error = 0;
	ck_assert(!block_try(q, &r));
	block_queue_change(q, NULL);
	r.op = BLOCK_READ;
	ck_assert(!block_try(q, &r));
	ck_assert_uint_eq(completed, 0);
	loop_unlock(loop);
	block_queue_destroy(q);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		submission_does_not_wait_for_the_host,
		requests_run_side_by_side_up_to_the_limit,
		flush_covers_all_writes_before_it,
		data_arrives,
		errors_come_back,
		drain_completes_everything,
		drain_follows_requests_that_callbacks_submit,
		a_row_of_ends_is_announced_once,
		completion_survives_a_lock_that_is_held_for_long,
		callback_may_drain,
		attempts_end_at_once_or_not_at_all,
	};
	Suite *s = suite_create("block_queue");
	SRunner *r = srunner_create(s);

	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++) {
		TCase *t = tcase_create(tests[i]->name);

		tcase_set_timeout(t, 20);
		tcase_add_checked_fixture(t, setup, NULL);
		tcase_add_test(t, tests[i]);
		suite_add_tcase(s, t);
	}
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
