// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Disk images: what is written is read, whatever the format; locks; parents;
 * crashes of the process and of the host.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "backends/block_file.h"
#include "tests/unit/block_rig.h"

#define DISK		(8 * MIB)
#define GRAIN		65536u

static int open_error(const struct block_config *cfg)
{
	struct block *b = NULL;
	int ret = block_open(&b, cfg, rig_err);

	ck_assert_int_ne(ret, 0);
	ck_assert_ptr_eq(b, NULL);
	ck_assert_ptr_eq(strchr(rig_err, '\n'), NULL);
	return ret;
}

/* Kinds of disks that must behave like an array. */
static struct block *make_disk(int kind)
{
	struct block_config cfg = { .discard = true };
	struct block *b;

	rig_raw("base.raw", DISK);
	rig_vmdk("base.vmdk", DISK);
	switch (kind) {
	case 0:
		return rig_open("base.raw", false);
	case 1:
		return rig_open("base.vmdk", false);
	case 2:
		rig_child("child.vmdk", "base.vmdk");
		return rig_open("child.vmdk", false);
	case 3:
		cfg.snapshot = true;
		break;
	case 4:
		cfg.cache = BLOCK_DIRECT;
		break;
	}
	cfg.file = rig_path("base.raw");
	if (!block_open(&b, &cfg, rig_err))
		return b;
	/* tmpfs did not know O_DIRECT for long. */
	ck_assert_msg(kind == 4 && strstr(rig_err, "O_DIRECT"), "%s", rig_err);
	cfg.cache = BLOCK_WRITETHROUGH;
	ck_assert_int_eq(block_open(&b, &cfg, rig_err), 0);
	return b;
}

/* Every other time at once if that is possible, as devices do it. */
static int move(struct block *b, bool write, uint64_t off,
		const struct iovec *iov, unsigned n)
{
	int ret = -EAGAIN;

	if (n % 2)
		ret = write ? block_try_writev(b, off, iov, 2) :
			      block_try_readv(b, off, iov, 2);
	if (ret != -EAGAIN)
		return ret;
	return write ? block_writev(b, off, iov, 2) :
		       block_readv(b, off, iov, 2);
}

START_TEST(random_accesses_behave_like_an_array)
{
	struct block *b = make_disk(_i);
	uint8_t *model = calloc(1, DISK), *buf = malloc(DISK);
	unsigned seed = 17 + _i;

	for (unsigned n = 0; n < (_i == 4 ? 100 : 400); n++) {
		uint64_t off = rand_r(&seed) % (DISK / 512) * 512;
		size_t len = (1 + rand_r(&seed) % 400) * 512;
		struct iovec iov[2] = { { buf, 512 }, { buf + 512, 0 } };

		if (len > DISK - off)
			len = DISK - off;
		iov[1].iov_len = len - 512;
		switch (rand_r(&seed) % 8) {
		case 0: case 1: case 2:
			for (size_t i = 0; i < len; i++)
				buf[i] = rand_r(&seed);
			memcpy(model + off, buf, len);
			ck_assert_int_eq(move(b, true, off, iov, n), 0);
			break;
		case 3:
			ck_assert_int_eq(block_flush(b), 0);
			break;
		default:
			memset(buf, 0xee, len);
			ck_assert_int_eq(move(b, false, off, iov, n), 0);
			ck_assert_int_eq(memcmp(buf, model + off, len), 0);
		}
	}
	ck_assert_int_eq(block_read(b, 0, buf, DISK), 0);
	ck_assert_int_eq(memcmp(buf, model, DISK), 0);
	block_close(b);
	if (_i == 3)	/* nothing of it reached the base */
		rig_expect(rig_open("base.raw", true), 0, DISK, 0);
	if (_i == 1) {
		b = rig_open("base.vmdk", true);
		ck_assert_int_eq(block_read(b, 0, buf, DISK), 0);
		ck_assert_int_eq(memcmp(buf, model, DISK), 0);
	}
	free(model);
	free(buf);
}
END_TEST

/* What must be flushed, or looked up in tables, is never sure not to wait. */
START_TEST(attempts_are_made_where_nothing_is_waited_for)
{
	bool in_memory = !strncmp(rig_dir, "/dev/shm", 8);
	struct block_config cfg = { .cache = BLOCK_WRITETHROUGH };
	struct block *b = make_disk(0);
	char buf[1024];
	struct iovec iov = { buf, sizeof(buf) }, odd = { buf, 100 };
	int ret;

	memset(buf, 0x31, sizeof(buf));
	ck_assert_int_eq(block_write(b, 512, buf, sizeof(buf)), 0);
	memset(buf, 0, sizeof(buf));
	ret = block_try_readv(b, 512, &iov, 1);
	ck_assert(ret == 0 || (ret == -EAGAIN && !in_memory));
	if (!ret)
		ck_assert_int_eq(buf[1023], 0x31);
	ret = block_try_writev(b, 4096, &iov, 1);
	ck_assert(ret == 0 || (ret == -EAGAIN && !in_memory));
	ck_assert_int_eq(block_try_readv(b, DISK, &iov, 1), -ENOSPC);
	ck_assert_int_eq(block_try_writev(b, 0, &odd, 1), -EINVAL);
	block_close(b);
	cfg.file = rig_path("base.raw");
	ck_assert_int_eq(block_open(&b, &cfg, rig_err), 0);
	ck_assert_int_eq(block_try_writev(b, 0, &iov, 1), -EAGAIN);
	block_close(b);
	b = rig_open("base.raw", true);
	ck_assert_int_eq(block_try_writev(b, 0, &iov, 1), -EROFS);
	block_close(b);
	b = make_disk(1);
	ck_assert_int_eq(block_try_readv(b, 0, &iov, 1), -EAGAIN);
	ck_assert_int_eq(block_try_writev(b, 0, &iov, 1), -EAGAIN);
	block_close(b);
}
END_TEST

START_TEST(requests_out_of_range_are_refused)
{
	struct block *b = make_disk(_i);
	char buf[1024] = { 0 };
	struct iovec odd = { buf, 100 };

	ck_assert_int_eq(block_read(b, DISK, buf, 512), -ENOSPC);
	ck_assert_int_eq(block_read(b, DISK - 512, buf, 1024), -ENOSPC);
	ck_assert_int_eq(block_read(b, -512ull, buf, 1024), -ENOSPC);
	ck_assert_int_eq(block_write(b, DISK, buf, 512), -ENOSPC);
	ck_assert_int_eq(block_read(b, 1, buf, 512), -EINVAL);
	ck_assert_int_eq(block_write(b, 0, buf, 100), -EINVAL);
	ck_assert_int_eq(block_readv(b, 0, &odd, 1), -EINVAL);
	ck_assert_int_eq(block_discard(b, DISK - 512, 1024), -ENOSPC);
	block_close(b);
	b = rig_open("base.raw", true);
	ck_assert_int_eq(block_write(b, 0, buf, 512), -EROFS);
	ck_assert_int_eq(block_discard(b, 0, 512), -EROFS);
}
END_TEST

START_TEST(raw_ending_inside_a_sector_reads_as_zeros_there)
{
	struct block *b;
	char buf[512];
	int fd;

	rig_raw("odd.raw", 700);
	fd = open(rig_path("odd.raw"), O_WRONLY);
	ck_assert_int_eq(pwrite(fd, "x", 1, 699), 1);
	close(fd);
	b = rig_open("odd.raw", false);
	ck_assert_uint_eq(b->size, 1024);
	ck_assert_int_eq(block_read(b, 512, buf, 512), 0);
	ck_assert_int_eq(buf[187], 'x');
	ck_assert_int_eq(buf[188], 0);
	block_close(b);
}
END_TEST

START_TEST(writers_exclude_others_and_readers_share)
{
	struct block_config cfg = { .file = NULL };
	struct block *w, *r;

	rig_raw("locked.raw", DISK);
	cfg.file = rig_path("locked.raw");
	w = rig_open("locked.raw", false);
	ck_assert_int_eq(open_error(&cfg), -EBUSY);
	cfg.read_only = true;
	ck_assert_int_eq(open_error(&cfg), -EBUSY);
	cfg.no_lock = true;
	ck_assert_int_eq(block_open(&r, &cfg, rig_err), 0);
	block_close(r);
	block_close(w);
	w = rig_open("locked.raw", true);
	r = rig_open("locked.raw", true);
	cfg.read_only = cfg.no_lock = false;
	ck_assert_int_eq(open_error(&cfg), -EBUSY);
	block_close(r);
	block_close(w);
	block_close(rig_open("locked.raw", false));
}
END_TEST

START_TEST(raw_that_looks_like_another_format_must_be_called_raw)
{
	struct block_config cfg = { 0 };
	struct block *b;
	int fd;

	rig_raw("plain.img", DISK);
	fd = open(rig_path("plain.img"), O_WRONLY);
	ck_assert_int_eq(pwrite(fd, "QFI\xfb", 4, 0), 4);
	cfg.file = rig_path("plain.img");
	ck_assert_int_eq(open_error(&cfg), -EINVAL);
	ck_assert_ptr_ne(strstr(rig_err, "format=qcow2"), NULL);
	cfg.format = "raw";
	ck_assert_int_eq(block_open(&b, &cfg, rig_err), 0);
	block_close(b);
	cfg.format = "vdi";
	ck_assert_int_eq(open_error(&cfg), -EINVAL);
	close(fd);
}
END_TEST

START_TEST(files_that_cannot_be_disks_are_refused)
{
	struct block_config cfg = { .file = rig_dir };

	ck_assert_int_eq(open_error(&cfg), -EISDIR);
	cfg.read_only = true;
	ck_assert_int_eq(open_error(&cfg), -EISDIR);
	cfg.file = "/dev/null";
	ck_assert_int_eq(open_error(&cfg), -ENOTBLK);
	cfg.file = rig_path("none");
	ck_assert_int_eq(open_error(&cfg), -ENOENT);
	rig_raw("none.vmdk", DISK);
	cfg.file = rig_path("none.vmdk");
	ck_assert_int_eq(open_error(&cfg), -EINVAL);
}
END_TEST

START_TEST(discard_gives_space_back)
{
	struct block_config cfg = { .discard = true };
	struct stat before, after;
	struct block *b;
	const char *name = _i ? "d.vmdk" : "d.raw";

	if (_i)
		rig_vmdk(name, DISK);
	else
		rig_raw(name, DISK);
	cfg.file = rig_path(name);
	ck_assert_int_eq(block_open(&b, &cfg, rig_err), 0);
	rig_fill(b, 0, 4 * MIB, 1);
	ck_assert_int_eq(block_flush(b), 0);
	stat(rig_path(name), &before);
	ck_assert_int_eq(block_discard(b, 512, 4 * MIB - 1024), 0);
	stat(rig_path(name), &after);
	ck_assert_int_lt(after.st_blocks, before.st_blocks - 4096);
	rig_expect(b, 0, 512, 1);
	rig_expect(b, 4 * MIB - 512, 512, 1);
	rig_expect(b, 2 * MIB, GRAIN, 0);
	b->no_discard = true;
	rig_fill(b, 2 * MIB, GRAIN, 2);
	ck_assert_int_eq(block_discard(b, 2 * MIB, GRAIN), 0);
	rig_expect(b, 2 * MIB, GRAIN, 2);
	block_close(b);
}
END_TEST

START_TEST(child_shows_its_parent_until_written)
{
	struct block *b;

	rig_vmdk("p.vmdk", DISK);
	b = rig_open("p.vmdk", false);
	rig_fill(b, 0, 2 * GRAIN, 1);
	block_close(b);
	rig_child("c.vmdk", "p.vmdk");
	b = rig_open("c.vmdk", false);
	rig_expect(b, 0, 2 * GRAIN, 1);
	rig_fill(b, 1024, 512, 2);
	rig_expect(b, 0, 1024, 1);
	rig_expect(b, 1024, 512, 2);
	rig_expect(b, 1536, 2 * GRAIN - 1536, 1);
	block_close(b);
	rig_expect(rig_open("p.vmdk", true), 0, 2 * GRAIN, 1);
}
END_TEST

START_TEST(child_of_a_changed_parent_is_refused)
{
	struct block_config cfg = { .read_only = true };
	struct block *b;

	rig_vmdk("p.vmdk", DISK);
	rig_child("c.vmdk", "p.vmdk");
	block_close(rig_open("p.vmdk", false));		/* not a change */
	block_close(rig_open("c.vmdk", true));
	b = rig_open("p.vmdk", false);
	rig_fill(b, 0, 512, 1);
	block_close(b);
	cfg.file = rig_path("c.vmdk");
	ck_assert_int_eq(open_error(&cfg), -ESTALE);
	ck_assert_ptr_ne(strstr(rig_err, "p.vmdk"), NULL);
}
END_TEST

START_TEST(image_that_is_its_own_parent_is_refused)
{
	struct block_config cfg = { .read_only = true };
	struct vmdk_create c = { .size = DISK, .parent_hint = "loop.vmdk",
				 .parent_cid = 5 };

	ck_assert_int_eq(vmdk_create(rig_path("loop.vmdk"), &c, rig_err), 0);
	cfg.file = rig_path("loop.vmdk");
	ck_assert_int_eq(open_error(&cfg), -ELOOP);
}
END_TEST

START_TEST(exported_stream_holds_the_same)
{
	struct block *b, *s;
	uint64_t len = DISK;

	rig_raw("x.raw", DISK - 1024);
	b = rig_open("x.raw", false);
	rig_fill(b, 3 * GRAIN + 512, GRAIN, 3);
	rig_fill(b, DISK - 2048, 1024, 4);
	ck_assert_msg(!vmdk_export(rig_path("x.vmdk"), b, rig_err), "%s",
		      rig_err);
	s = rig_open("x.vmdk", true);
	ck_assert_str_eq(vmdk_create_type(s), "streamOptimized");
	ck_assert_uint_eq(s->size, b->size);
	ck_assert_int_eq(block_extent(s, 0, &len), BLOCK_ZERO);
	ck_assert_uint_eq(len, 3 * GRAIN);
	rig_expect(s, 0, 3 * GRAIN + 512, 0);
	rig_expect(s, 3 * GRAIN + 512, GRAIN, 3);
	rig_expect(s, 4 * GRAIN + 512, DISK - 2048 - 4 * GRAIN - 512, 0);
	rig_expect(s, DISK - 2048, 1024, 4);
	block_close(s);
	block_close(b);
}
END_TEST

/*
 * Crashes.
 */

#define RECORD	1536u		/* crosses grains now and then */

static uint64_t record_place(unsigned n)
{
	return (uint64_t)n * 7919 * 512 % (DISK - RECORD) / 512 * 512;
}

/* Write record after record, telling each that was acknowledged. */
static void __attribute__((noreturn)) write_load(const char *name, int tell)
{
	struct block_config cfg = { .file = rig_path(name) };
	uint32_t buf[RECORD / 4];
	struct block *b;

	if (block_open(&b, &cfg, rig_err))
		_exit(1);
	for (uint32_t n = 1;; n++) {
		for (unsigned i = 0; i < RECORD / 4; i++)
			buf[i] = n;
		if (block_write(b, record_place(n), buf, sizeof(buf)) ||
		    write(tell, &n, sizeof(n)) != sizeof(n))
			_exit(1);
		if (n % 64 == 0 && block_flush(b))
			_exit(1);
	}
}

static uint32_t killed_after(const char *name, unsigned us)
{
	uint32_t n, last = 0;
	int tell[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(tell), 0);
	pid = fork();
	if (!pid)
		write_load(name, tell[1]);
	close(tell[1]);
	/* Its start takes longer than some of the delays. */
	ck_assert_int_eq(read(tell[0], &last, sizeof(last)), sizeof(last));
	usleep(us);
	kill(pid, SIGKILL);
	while (read(tell[0], &n, sizeof(n)) == sizeof(n))
		last = n;
	close(tell[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	return last;
}

/* Which record wrote each sector last, up to @last. */
static void expect_records(const char *name, uint32_t last)
{
	uint32_t *owner = calloc(DISK / 512, sizeof(*owner));
	struct block *b = rig_open(name, false);
	uint32_t buf[128];

	for (uint32_t n = 1; n <= last; n++)
		for (unsigned i = 0; i < RECORD / 512; i++)
			owner[record_place(n) / 512 + i] = n;
	for (unsigned s = 0; s < DISK / 512; s++) {
		ck_assert_int_eq(block_read(b, s * 512ull, buf, 512), 0);
		/* The one that was under way may be there or not. */
		if (s >= record_place(last + 1) / 512 &&
		    s < record_place(last + 1) / 512 + RECORD / 512)
			continue;
		if (buf[0] != owner[s] || buf[127] != owner[s])
			ck_abort_msg("sector %u is of record %u, not %u of "
				     "%u", s, buf[0], owner[s], last);
	}
	block_close(b);
	free(owner);
}

START_TEST(killed_process_loses_no_acknowledged_write)
{
	static const char *const names[] = { "k.raw", "k.vmdk", "kc.vmdk" };
	const char *name = names[_i];

	for (unsigned round = 0; round < 8; round++) {
		struct vmdk_report r;
		struct block *b;
		uint32_t last;

		rig_raw("k.raw", DISK);
		rig_vmdk("k.vmdk", DISK);
		rig_child("kc.vmdk", "k.vmdk");
		last = killed_after(name, round * round * 200);
		expect_records(name, last);
		if (!_i)
			continue;
		b = rig_open(name, true);
		ck_assert_int_eq(vmdk_check(b, &r), 0);
		ck_assert_uint_eq(r.outside + r.shared + r.differing, 0);
		ck_assert(!r.unclean);
		/* A grain whose entry was not written yet, at most. */
		ck_assert_uint_le(r.leaked, GRAIN);
		block_close(b);
	}
}
END_TEST

/* One write is flushed, the next is not; then the process dies. */
static void write_and_die(const char *name)
{
	int status;

	if (!fork()) {
		struct block_config cfg = { .file = rig_path(name) };
		struct block *b;

		if (block_open(&b, &cfg, rig_err))
			_exit(1);
		rig_fill(b, 0, GRAIN, 1);
		if (block_flush(b))
			_exit(1);
		rig_fill(b, 4 * GRAIN, GRAIN, 2);
		_exit(0);
	}
	ck_assert(wait(&status) > 0);
	ck_assert_int_eq(status, 0);
}

#define BOOT_ID		87	/* in the header, behind an 8-byte tag */

START_TEST(dead_host_loses_what_was_not_flushed_and_no_more)
{
	struct vmdk_report r;
	struct block *b;
	struct stat st;
	int fd;

	rig_vmdk("h.vmdk", DISK);
	write_and_die("h.vmdk");
	/* Another boot of the host, and the grain did not make it. */
	fd = open(rig_path("h.vmdk"), O_RDWR);
	ck_assert_int_eq(pwrite(fd, "00000000", 8, BOOT_ID), 8);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(ftruncate(fd, st.st_size - GRAIN), 0);
	close(fd);
	b = rig_open("h.vmdk", true);
	ck_assert_int_eq(vmdk_check(b, &r), 0);
	ck_assert(r.unclean);
	ck_assert_uint_eq(r.differing, 1);
	rig_expect(b, 0, GRAIN, 1);
	rig_expect(b, 4 * GRAIN, GRAIN, 0);
	block_close(b);
	b = rig_open("h.vmdk", false);
	rig_expect(b, 0, GRAIN, 1);
	rig_expect(b, 4 * GRAIN, GRAIN, 0);
	ck_assert_int_eq(vmdk_check(b, &r), 0);
	ck_assert_uint_eq(r.differing + r.outside, 0);
	block_close(b);
}
END_TEST

START_TEST(dead_process_under_a_living_host_loses_nothing)
{
	struct vmdk_report r;
	struct block *b;

	rig_vmdk("l.vmdk", DISK);
	write_and_die("l.vmdk");
	b = rig_open("l.vmdk", true);
	ck_assert_int_eq(vmdk_check(b, &r), 0);
	ck_assert(r.unclean);
	rig_expect(b, 4 * GRAIN, GRAIN, 2);
	block_close(b);
	b = rig_open("l.vmdk", false);
	rig_expect(b, 0, GRAIN, 1);
	rig_expect(b, 4 * GRAIN, GRAIN, 2);
	block_close(b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("block");
	SRunner *r = srunner_create(s);
	TCase *t;
	int failed;

	rig_make_dir();
#define TEST(name, count) \
	t = tcase_create(#name); \
	tcase_set_timeout(t, 60); \
	tcase_add_loop_test(t, name, 0, count); \
	suite_add_tcase(s, t)
	TEST(random_accesses_behave_like_an_array, 5);
	TEST(attempts_are_made_where_nothing_is_waited_for, 1);
	TEST(requests_out_of_range_are_refused, 5);
	TEST(raw_ending_inside_a_sector_reads_as_zeros_there, 1);
	TEST(writers_exclude_others_and_readers_share, 1);
	TEST(raw_that_looks_like_another_format_must_be_called_raw, 1);
	TEST(files_that_cannot_be_disks_are_refused, 1);
	TEST(discard_gives_space_back, 2);
	TEST(child_shows_its_parent_until_written, 1);
	TEST(child_of_a_changed_parent_is_refused, 1);
	TEST(image_that_is_its_own_parent_is_refused, 1);
	TEST(exported_stream_holds_the_same, 1);
	TEST(killed_process_loses_no_acknowledged_write, 3);
	TEST(dead_host_loses_what_was_not_flushed_and_no_more, 1);
	TEST(dead_process_under_a_living_host_loses_nothing, 1);
#undef TEST
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	rig_remove_dir();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
