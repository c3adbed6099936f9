/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a row of the guest benchmark provides and may use.  See rows.def.
 *
 * run(iters) performs @iters operations and returns a checksum that depends
 * on @iters alone: the driver compares it between repeats, and bench.py
 * between systems.  prepare() runs once, untimed.  Single-threaded.
 */
#ifndef TOOLS_BENCH_BENCH_H
#define TOOLS_BENCH_BENCH_H

#include <stdint.h>

/* For rows whose data is made inside run(). */
static inline void no_prepare(void)
{
}

/* Take what runs between the two calls out of the measured time. */
void clock_pause(void);
void clock_resume(void);

/* Print @what and errno's text on stderr and exit with status 1. */
void bench_fail(const char *what) __attribute__((noreturn));

/* Path by which the program can execute itself. */
extern const char *bench_self;

/* Numerical Recipes' 32-bit generator: the same data on every system. */
static inline uint32_t bench_rand(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

void prepare_crc32(void);
void prepare_matmul_x87(void);
void prepare_matmul_sse2(void);
void prepare_lz(void);
void prepare_chase(void);
void prepare_memcpy(void);
void prepare_string(void);
void prepare_mmap(void);
void prepare_signal(void);
void prepare_sigsegv(void);

uint32_t run_sieve(unsigned iters);
uint32_t run_crc32(unsigned iters);
uint32_t run_qsort(unsigned iters);
uint32_t run_matmul_x87(unsigned iters);
uint32_t run_matmul_sse2(unsigned iters);
uint32_t run_lz(unsigned iters);
uint32_t run_chase(unsigned iters);
uint32_t run_memcpy(unsigned iters);
uint32_t run_string(unsigned iters);
uint32_t run_getppid(unsigned iters);
uint32_t run_fork(unsigned iters);
uint32_t run_exec(unsigned iters);
uint32_t run_touch(unsigned iters);
uint32_t run_mmap(unsigned iters);
uint32_t run_pipe(unsigned iters);
uint32_t run_ctxsw(unsigned iters);
uint32_t run_sleep(unsigned iters);
uint32_t run_signal(unsigned iters);
uint32_t run_sigsegv(unsigned iters);

/*
 * Input and output (io/).  Blocks of 4 KiB carry their number, which every
 * read checks.  prepare_disk() opens $BENCH_DISK, a block device or a file,
 * whose size must be a multiple of 1 MiB.
 */
void prepare_disk(void);

uint32_t run_seq_write(unsigned iters);
uint32_t run_seq_read(unsigned iters);
uint32_t run_rand_read(unsigned iters);
uint32_t run_rand_write(unsigned iters);
uint32_t run_rand_read_16(unsigned iters);
uint32_t run_rand_write_16(unsigned iters);
uint32_t run_net_send(unsigned iters);
uint32_t run_net_receive(unsigned iters);
uint32_t run_net_echo(unsigned iters);

#endif
