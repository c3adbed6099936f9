// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Damaged images: header, descriptor, directories, tables and compressed data
 * with random changes are opened and read.  Errors are fine; crashes, sanitizer
 * reports, hangs and gigabytes of memory are not.
 *
 * FUZZ_CASES: how many for each kind (default below, 10^5 in all); case K is
 * the same on every machine.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/unit/fuzz.h"
#include "tests/unit/block_rig.h"

#define DISK		(2 * MIB)
#define KINDS		4
#define CASES		25000
#define MEMORY		(512 * MIB)

struct seed {
	const char *name, *format;
	uint8_t data[512 * 1024];
	size_t len;
	size_t hot;		/* metadata is in front of this */
	int fd;
};

static struct seed seed;

static void put32(size_t off, uint32_t val)
{
	val = htobe32(val);
	memcpy(seed.data + off, &val, 4);
}

static void put64(size_t off, uint64_t val)
{
	val = htobe64(val);
	memcpy(seed.data + off, &val, 8);
}

/*
 * A qcow2 version 3 of 2 MiB with 4 KiB clusters: header, backing format, L1 at
 * 1000h, L2 at 2000h; clusters at 3000h, one compressed at 4010h, one zero.
 */
static void make_qcow2(void)
{
	/* RFC 1951: 4096 times 'A' */
	static const uint8_t packed[] = {
		0xed, 0xc1, 0x01, 0x0d, 0x00, 0x00, 0x00, 0xc2, 0xa0, 0x6c,
		0xef, 0x5f, 0xca, 0x1e, 0x0e, 0x28, 0x00, 0x00, 0x00, 0xe0,
		0xdd, 0x00,
	};

	memcpy(seed.data, "QFI\xfb", 4);
	put32(4, 3);
	put32(20, 12);
	put64(24, DISK);
	put32(36, 1);
	put64(40, 0x1000);
	put32(96, 4);
	put32(100, 104);
	put32(104, 0xe2792aca);
	put32(108, 3);
	memcpy(seed.data + 112, "raw", 3);
	put64(0x1000, 0x2000 | 1ull << 63);
	put64(0x2000, 0x3000 | 1ull << 63);
	put64(0x2008, 0x4010 | 1ull << 62);
	put64(0x2010, 1);
	memcpy(seed.data + 0x4010, packed, sizeof(packed));
	seed.len = 0x6000;
	seed.hot = 0x2100;
}

static void load_file(const char *name)
{
	int fd = open(rig_path(name), O_RDONLY);
	ssize_t n = read(fd, seed.data, sizeof(seed.data));

	ck_assert_int_gt(n, 512);
	close(fd);
	seed.len = n;
}

static void make_sparse(void)
{
	struct block *b;

	rig_vmdk("seed.vmdk", DISK);
	b = rig_open("seed.vmdk", false);
	rig_fill(b, 70000 / 512 * 512, 4096, 7);
	rig_fill(b, 1 * MIB, 4096, 8);
	block_close(b);
	load_file("seed.vmdk");
	seed.hot = 32 * 1024;
}

static void make_stream(void)
{
	struct block *b;

	rig_raw("seed.raw", DISK);
	b = rig_open("seed.raw", false);
	rig_fill(b, 70000 / 512 * 512, 4096, 7);
	rig_fill(b, 1 * MIB, 4096, 8);
	unlink(rig_path("stream.vmdk"));
	ck_assert_int_eq(vmdk_export(rig_path("stream.vmdk"), b, rig_err), 0);
	block_close(b);
	load_file("stream.vmdk");
	seed.hot = seed.len;
}

static void make_seed(int kind)
{
	memset(&seed, 0, sizeof(seed));
	seed.format = kind ? "vmdk" : "qcow2";
	switch (kind) {
	case 0:
		make_qcow2();
		break;
	case 1: case 2:
		make_sparse();
		break;
	case 3:
		make_stream();
		break;
	}
	seed.name = "fuzz.img";
	seed.fd = open(rig_path(seed.name), O_RDWR | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(seed.fd, 0);
}

static const uint64_t interesting[] = {
	0, 1, 2, 0x7f, 0x80, 0xff, 0x1ff, 0x200, 0x7fff, 0xffff, 0x10000,
	0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff,
	0x8000000000000000, 0xffffffffffffffff, 0xfffffffffffffe00,
};

/* Where things are more interesting than elsewhere. */
static size_t pick_place(unsigned *rng, const struct seed *s)
{
	switch (rand_r(rng) % 4) {
	case 0:
		return rand_r(rng) % 128;
	case 1:
		return rand_r(rng) % 2048;
	case 2:
		/* The footer of a stream, or some table. */
		return s->len - 1 - rand_r(rng) % 2048 % s->len;
	}
	return rand_r(rng) % s->hot;
}

static void change(unsigned *rng, uint8_t *data, const struct seed *s)
{
	size_t at = pick_place(rng, s);
	uint64_t v = interesting[rand_r(rng) % ARRAY_SIZE(interesting)];
	unsigned width = 1u << rand_r(rng) % 4;

	if (rand_r(rng) % 3 == 0)
		v = ((uint64_t)rand_r(rng) << 32 | rand_r(rng)) >>
		    rand_r(rng) % 64;
	if (rand_r(rng) % 2)
		v = htobe64(v) >> (64 - 8 * width);
	if (at + width > s->len)
		at = s->len - width;
	memcpy(data + at, &v, width);
}

static unsigned opened;

static void read_some(struct block *b, unsigned *rng)
{
	static char buf[65536];
	uint64_t len = b->size;

	for (unsigned i = 0; i < 6 && b->size; i++) {
		uint64_t off = i < 3 ? i * 4096ull : rand_r(rng) % b->size;
		size_t n = 4096;

		off = off / 512 * 512;
		if (off >= b->size)
			continue;
		if (n > b->size - off)
			n = b->size - off;
		(void)!block_read(b, off, buf, n);
		if (!b->read_only)
			(void)!block_write(b, off, buf, n);
	}
	if (len > 4 * DISK)
		len = 4 * DISK;
	if (len)
		(void)!block_extent(b, 0, &len);
}

static void fuzz_case(unsigned k, bool read_only)
{
	static uint8_t data[sizeof(seed.data)];
	struct block_config cfg = { .format = seed.format, .no_lock = true,
				    .read_only = read_only,
				    .cache = BLOCK_UNSAFE };
	unsigned rng = k * 2654435761u + 1, n = 1 + rand_r(&rng) % 5;
	struct vmdk_report r;
	struct block *b;
	size_t len = seed.len;

	memcpy(data, seed.data, len);
	while (n--)
		change(&rng, data, &seed);
	if (rand_r(&rng) % 8 == 0)
		len = rand_r(&rng) % (len + 1);
	ck_assert_int_eq(ftruncate(seed.fd, len), 0);
	ck_assert_int_eq(pwrite(seed.fd, data, len, 0), len);
	cfg.file = rig_path(seed.name);
	*rig_err = '\0';
	if (block_open(&b, &cfg, rig_err)) {
		ck_assert_msg(*rig_err, "case %u: no message", k);
		return;
	}
	opened++;
	read_some(b, &rng);
	vmdk_check(b, &r);
	block_close(b);
}

START_TEST(damaged_images_do_no_harm)
{
	unsigned n = fuzz_cases(CASES);

	/* Sanitizers reserve more than this, and have limits of their own. */
	if (!getenv("ASAN_OPTIONS") || getenv("UMBRA_FUZZ_RLIMIT")) {
		struct rlimit rl = { 2 * MEMORY, 2 * MEMORY };

		setrlimit(RLIMIT_DATA, &rl);
	}
	make_seed(_i);
	for (unsigned k = 0; k < n; k++)
		fuzz_case(k, _i != 2);
	/* A fuzzer whose every case is refused at the door tests nothing. */
	ck_assert_uint_gt(opened, n / 10);
}
END_TEST

START_TEST(seeds_are_sound)
{
	struct block_config cfg = { .read_only = true };
	struct block *b;
	static char buf[DISK];

	make_seed(_i);
	ck_assert_int_eq(pwrite(seed.fd, seed.data, seed.len, 0), seed.len);
	cfg.file = rig_path(seed.name);
	cfg.format = seed.format;
	ck_assert_msg(!block_open(&b, &cfg, rig_err), "%s", rig_err);
	ck_assert_uint_eq(b->size, DISK);
	ck_assert_int_eq(block_read(b, 0, buf, DISK), 0);
	if (_i)
		ck_assert_int_eq(buf[1 * MIB], 8);
	else
		ck_assert_int_eq(buf[8191], 'A');
	block_close(b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("block_fuzz");
	SRunner *r = srunner_create(s);
	TCase *t = tcase_create("damaged_images_do_no_harm");
	int failed;

	rig_make_dir();
	tcase_set_timeout(t, 230);
	tcase_add_loop_test(t, damaged_images_do_no_harm, 0, KINDS);
	suite_add_tcase(s, t);
	t = tcase_create("seeds_are_sound");
	tcase_add_loop_test(t, seeds_are_sound, 0, KINDS);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	rig_remove_dir();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
