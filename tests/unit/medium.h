/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A medium in memory, for tests of disk controllers; it can be told to fail,
 * and counts what is done to it.
 */
#ifndef TESTS_UNIT_MEDIUM_H
#define TESTS_UNIT_MEDIUM_H

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "backends/block.h"
#include "backends/block_queue.h"
#include "hypervisor/loop.h"

struct medium {
	struct block b;
	uint8_t *data;
	int error;		/* what reads and writes return */
	unsigned reads, writes, flushes, discards;
};

static inline int medium_read(struct block *b, uint64_t off, void *buf,
			      size_t len)
{
	struct medium *m = (struct medium *)b;

	__atomic_add_fetch(&m->reads, 1, __ATOMIC_SEQ_CST);
	memcpy(buf, m->data + off, len);
	return m->error;
}

static inline int medium_write(struct block *b, uint64_t off, const void *buf,
			       size_t len)
{
	struct medium *m = (struct medium *)b;

	m->writes++;
	if (!m->error)
		memcpy(m->data + off, buf, len);
	return m->error;
}

static inline int medium_flush(struct block *b)
{
	((struct medium *)b)->flushes++;
	return ((struct medium *)b)->error;
}

static inline int medium_discard(struct block *b, uint64_t off, uint64_t len)
{
	struct medium *m = (struct medium *)b;

	m->discards++;
	memset(m->data + off, 0, len);
	return 0;
}

static inline void medium_close(struct block *b)
{
	free(((struct medium *)b)->data);
	free(b);
}

static const struct block_ops medium_ops = {
	.name = "medium", .read = medium_read, .write = medium_write,
	.flush = medium_flush, .discard = medium_discard,
	.close = medium_close,
};

/* As above, for one buffer, without waiting. */
static inline int medium_try_readv(struct block *b, uint64_t off,
				   const struct iovec *iov, int n)
{
	ck_assert_int_eq(n, 1);
	return medium_read(b, off, iov->iov_base, iov->iov_len);
}

static inline int medium_try_writev(struct block *b, uint64_t off,
				    const struct iovec *iov, int n)
{
	ck_assert_int_eq(n, 1);
	return medium_write(b, off, iov->iov_base, iov->iov_len);
}

static const struct block_ops medium_cached_ops = {
	.name = "medium", .read = medium_read, .write = medium_write,
	.try_readv = medium_try_readv, .try_writev = medium_try_writev,
	.flush = medium_flush, .discard = medium_discard,
	.close = medium_close,
};

/* @size bytes, each sector filled with a number that goes with its place. */
static inline struct medium *medium_new(size_t size)
{
	struct medium *m = calloc(1, sizeof(*m));

	m->b.ops = &medium_ops;
	m->b.size = size;
	m->b.name = strdup("medium");
	m->data = malloc(size);
	for (size_t i = 0; i < size; i++)
		m->data[i] = i / 512 * 7 + i % 251;
	return m;
}

static inline struct block_queue *medium_queue(struct medium *m,
					       struct loop *l)
{
	struct block_queue *q;

	ck_assert_int_eq(block_queue_create(&q, m ? &m->b : NULL, l, 1, NULL),
			 0);
	return q;
}

#endif
