// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Disk rows.  A disk is made of numbered blocks (pc_guest.py makes it so), and
 * stays so: a block that is written gets its own number again, so what is read
 * can be checked whatever ran before.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/bench/bench.h"

#define BLOCK	4096u
#define CHUNK	(1u << 20)
#define DEPTH	16u

static int fd;
static unsigned blocks;
static uint8_t *buf;		/* CHUNK bytes */

/* Bytes of the block device or file; 0: not known. */
static uint64_t disk_size(void)
{
	uint64_t size;
	struct stat st;

	if (!ioctl(fd, BLKGETSIZE64, &size))
		return size;
	return fstat(fd, &st) ? 0 : st.st_size;
}

void prepare_disk(void)
{
	const char *path = getenv("BENCH_DISK");
	uint64_t size;

	errno = EINVAL;
	fd = path ? open(path, O_RDWR | O_DIRECT | O_CLOEXEC) : -1;
	if (fd < 0)
		bench_fail(path ? path : "BENCH_DISK");
	size = disk_size();
	errno = EINVAL;
	if (!size || size % CHUNK || size / BLOCK > UINT32_MAX)
		bench_fail("size of the disk");
	blocks = size / BLOCK;
	if (posix_memalign((void **)&buf, BLOCK, CHUNK))
		bench_fail("memory");
	memset(buf, 0, CHUNK);
}

/* The number is at both ends of a block. */
static void mark(uint8_t *p, uint32_t n)
{
	memcpy(p, &n, 4);
	memcpy(p + BLOCK - 4, &n, 4);
}

static void check(const uint8_t *p, uint32_t n)
{
	if (!memcmp(p, &n, 4) && !memcmp(p + BLOCK - 4, &n, 4))
		return;
	errno = EILSEQ;
	bench_fail("a block with another content");
}

static void transfer(bool write, unsigned first, unsigned n)
{
	off64_t at = (off64_t)first * BLOCK;
	ssize_t want = n * BLOCK, got;

	for (unsigned i = 0; write && i < n; i++)
		mark(buf + i * BLOCK, first + i);
	got = write ? pwrite64(fd, buf, want, at) : pread64(fd, buf, want, at);
	if (got != want)
		bench_fail(write ? "write" : "read");
	for (unsigned i = 0; !write && i < n; i++)
		check(buf + i * BLOCK, first + i);
}

static void flush(void)
{
	if (fdatasync(fd))
		bench_fail("flush");
}

static uint32_t seq(bool write, unsigned iters)
{
	unsigned chunks = blocks / (CHUNK / BLOCK);

	for (unsigned i = 0; i < iters; i++)
		transfer(write, i % chunks * (CHUNK / BLOCK), CHUNK / BLOCK);
	if (write)
		flush();
	return iters * chunks;
}

static unsigned any_block(uint32_t *state)
{
	uint64_t high = bench_rand(state);

	return (high << 24 | bench_rand(state)) % blocks;
}

static uint32_t rand_one(bool write, unsigned iters)
{
	uint32_t state = 1, sum = 0;

	for (unsigned i = 0; i < iters; i++) {
		unsigned n = any_block(&state);

		transfer(write, n, 1);
		sum += n;
	}
	if (write)
		flush();
	return sum;
}

/* Requests under way: slot i uses block i of the buffer. */
static struct iocb slot[DEPTH];

static void submit(aio_context_t ctx, unsigned i, bool write, unsigned n)
{
	struct iocb *p = &slot[i];

	*p = (struct iocb){
		.aio_data = i, .aio_fildes = fd, .aio_nbytes = BLOCK,
		.aio_lio_opcode = write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
		.aio_buf = (uintptr_t)(buf + i * BLOCK),
		.aio_offset = (uint64_t)n * BLOCK,
	};
	if (write)
		mark(buf + i * BLOCK, n);
	if (syscall(SYS_io_submit, ctx, 1L, &p) != 1)
		bench_fail("io_submit");
}

/* Wait for some; returns how many ended, their slots in @free. */
static unsigned reap(aio_context_t ctx, bool write, unsigned *free)
{
	struct io_event ev[DEPTH];
	long n = syscall(SYS_io_getevents, ctx, 1L, (long)DEPTH, ev, NULL);

	if (n < 1)
		bench_fail("io_getevents");
	for (long k = 0; k < n; k++) {
		unsigned i = ev[k].data;

		errno = ev[k].res < 0 ? -ev[k].res : EIO;
		if (ev[k].res != BLOCK)
			bench_fail(write ? "write" : "read");
		if (!write)
			check(buf + i * BLOCK, slot[i].aio_offset / BLOCK);
		free[k] = i;
	}
	return n;
}

static uint32_t rand_many(bool write, unsigned iters)
{
	unsigned free[DEPTH], nfree = DEPTH, done = 0, started = 0;
	uint32_t state = 2, sum = 0;
	aio_context_t ctx = 0;

	if (syscall(SYS_io_setup, DEPTH, &ctx))
		bench_fail("io_setup");
	for (unsigned i = 0; i < DEPTH; i++)
		free[i] = i;
	while (done < iters) {
		for (; nfree && started < iters; started++) {
			unsigned n = any_block(&state);

			submit(ctx, free[--nfree], write, n);
			sum += n;
		}
		nfree += reap(ctx, write, free + nfree);
		done = started - (DEPTH - nfree);
	}
	if (write)
		flush();
	syscall(SYS_io_destroy, ctx);
	return sum;
}

uint32_t run_seq_write(unsigned iters)
{
	return seq(true, iters);
}

uint32_t run_seq_read(unsigned iters)
{
	return seq(false, iters);
}

uint32_t run_rand_read(unsigned iters)
{
	return rand_one(false, iters);
}

uint32_t run_rand_write(unsigned iters)
{
	return rand_one(true, iters);
}

uint32_t run_rand_read_16(unsigned iters)
{
	return rand_many(false, iters);
}

uint32_t run_rand_write_16(unsigned iters)
{
	return rand_many(true, iters);
}
