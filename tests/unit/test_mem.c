// SPDX-License-Identifier: GPL-2.0-or-later
/* Guest-physical memory: map, holes, ROM, MMIO regions, traces. */
#include "tests/unit/rig.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hypervisor/mem.h"

static struct mem *m;

static void setup(void)
{
	ck_assert_int_eq(mem_create(&m, 16 * MIB), 0);
}

START_TEST(absurd_sizes_are_refused)
{
	struct mem *other;

	ck_assert_int_eq(mem_create(&other, 0), -EINVAL);
	ck_assert_int_eq(mem_create(&other, MIB + 1), -EINVAL);
	ck_assert_int_eq(mem_create(&other, 4096), -EINVAL);
	ck_assert_int_eq(mem_create(&other, 1ULL << 50), -EINVAL);
	ck_assert_ptr_null(other);
}
END_TEST

START_TEST(ram_continues_above_the_pci_hole)
{
	struct mem *big;
	uint32_t val = 0x12345678, got;

	ck_assert_int_eq(mem_create(&big, 5 * GIB), 0);
	ck_assert_uint_eq(big->top, 6 * GIB);
	ck_assert(mem_backed(big, 3 * GIB - 1));
	ck_assert(!mem_backed(big, 3 * GIB));
	ck_assert(!mem_backed(big, 4 * GIB - 1));
	ck_assert(mem_backed(big, 6 * GIB - 1));
	ck_assert(!mem_backed(big, 6 * GIB));
	ck_assert_int_eq(mem_write(big, 5 * GIB, &val, 4), 0);
	ck_assert_int_eq(mem_read(big, 5 * GIB, &got, 4), 0);
	ck_assert_uint_eq(got, val);
	mem_destroy(big);
}
END_TEST

START_TEST(memfd_offset_names_the_same_byte)
{
	uint8_t val = 0x5a, got = 0;

	ck_assert_int_eq(mem_write(m, 0x123456, &val, 1), 0);
	ck_assert_uint_eq(*mem_hva(m, 0x123456), 0x5a);
	ck_assert_int_eq(pread(m->fd, &got, 1, mem_offset(m, 0x123456)), 1);
	ck_assert_uint_eq(got, 0x5a);
}
END_TEST

START_TEST(copies_are_all_or_nothing)
{
	uint8_t buf[8192] = { 1 };

	ck_assert_int_eq(mem_write(m, 16 * MIB - 4096, buf, 8192), -EFAULT);
	ck_assert_uint_eq(*mem_hva(m, 16 * MIB - 4096), 0);
	ck_assert_int_eq(mem_read(m, ~0ULL - 10, buf, 100), -EFAULT);
	ck_assert_int_eq(mem_read(m, m->top, buf, 1), -EFAULT);
	ck_assert_int_eq(mem_write(m, 0x1fff, buf, 8192), 0);
	ck_assert_uint_eq(*mem_hva(m, 0x1fff), 1);
}
END_TEST

START_TEST(rom_drops_guest_writes)
{
	uint8_t val = 1, got;

	ck_assert_int_eq(mem_set_rom(m, 0xf0000, 0x10000), 0);
	ck_assert_int_eq(mem_flags(m, 0xf0000), MEM_ROM);
	ck_assert_int_eq(mem_write(m, 0xf0000, &val, 1), 0);
	ck_assert_int_eq(mem_read(m, 0xf0000, &got, 1), 0);
	ck_assert_uint_eq(got, 0);
	ck_assert_int_eq(mem_rom_load(m, 0xf0000, &val, 1), 0);
	ck_assert_uint_eq(*mem_hva(m, 0xf0000), 1);
	/* Back to RAM: the contents stay. */
	ck_assert_int_eq(mem_set_ram(m, 0xf0000, 0x10000), 0);
	ck_assert_uint_eq(*mem_hva(m, 0xf0000), 1);
	/* Flash below 4 GiB, above RAM. */
	ck_assert_int_eq(mem_set_rom(m, 4 * GIB - 0x40000, 0x40000), 0);
	ck_assert_int_eq(mem_rom_load(m, 4 * GIB - 1, &val, 1), 0);
	ck_assert_int_eq(mem_set_rom(m, 0x800, 0x1000), -EINVAL);
}
END_TEST

START_TEST(rom_write_through_the_map_faults)
{
	mem_set_rom(m, 0xf0000, 0x1000);
	*(volatile uint8_t *)mem_hva(m, 0xf0000) = 1;
}
END_TEST

START_TEST(hole_access_faults)
{
	mem_set_hole(m, 0xa0000, 0x20000);
	(void)*(volatile uint8_t *)mem_hva(m, 0xa0000);
}
END_TEST

START_TEST(guard_below_faults)
{
	(void)*(volatile uint8_t *)(m->base - 0x10000);
}
END_TEST

START_TEST(guard_above_faults)
{
	(void)*(volatile uint8_t *)(m->base + m->top + 0xffff);
}
END_TEST

static struct { gpa_t gpa; size_t len; uint8_t before; unsigned calls; } heard;

static void on_trace(void *opaque, gpa_t gpa, size_t len)
{
	heard.gpa = gpa;
	heard.len = len;
	heard.before = *mem_hva(m, gpa);
	heard.calls++;
}

START_TEST(trace_comes_before_the_write)
{
	uint8_t buf[6] = { 1, 2, 3, 4, 5, 6 };

	m->trace = on_trace;
	m->flags[2] |= MEM_TRACED;
	ck_assert_int_eq(mem_write(m, 0x1ffd, buf, 6), 0);
	ck_assert_uint_eq(heard.calls, 1);
	ck_assert_uint_eq(heard.gpa, 0x2000);
	ck_assert_uint_eq(heard.len, 3);
	ck_assert_uint_eq(heard.before, 0);
	ck_assert_uint_eq(m->flags[2], MEM_RAM | MEM_TRACED | MEM_DIRTY);
	mem_note_write(m, 0x1fff, 2);
	ck_assert_uint_eq(heard.calls, 2);
}
END_TEST

static struct { gpa_t off; unsigned size; uint64_t val; unsigned calls; } dev;

static uint64_t dev_read(void *opaque, gpa_t off, unsigned size)
{
	dev.calls++;
	return off | 0xffffffffffff0000;
}

static void dev_write(void *opaque, gpa_t off, unsigned size, uint64_t val)
{
	dev.off = off;
	dev.size = size;
	dev.val = val;
	dev.calls++;
}

static const struct mmio_ops dev_ops = { dev_read, dev_write };

START_TEST(regions_are_found_and_must_not_overlap)
{
	for (unsigned i = 0; i < 40; i += 2)
		ck_assert_int_eq(mem_add_mmio(m, 0xfe000000 + i * 0x1000,
					      0x1000, &dev_ops, NULL, "x"), 0);
	for (unsigned i = 1; i < 40; i += 2)
		ck_assert_int_eq(mem_add_mmio(m, 0xfe000000 + i * 0x1000,
					      0x1000, &dev_ops, NULL, "x"), 0);
	ck_assert_int_eq(mem_add_mmio(m, 0xfdfff000, 0x1001, &dev_ops, NULL,
				      "x"), -EEXIST);
	ck_assert_int_eq(mem_add_mmio(m, 0xfe027fff, 1, &dev_ops, NULL, "x"),
			 -EEXIST);
	ck_assert_uint_eq(mem_mmio_read(m, 0xfe013ffc, 4), 0xffff0ffc);
	ck_assert_int_eq(mem_del_mmio(m, 0xfe013000), 0);
	ck_assert_int_eq(mem_del_mmio(m, 0xfe013000), -ENOENT);
	ck_assert_uint_eq(mem_mmio_read(m, 0xfe013ffc, 4), 0xffffffff);
	ck_assert_uint_eq(m->unowned_reads, 1);
}
END_TEST

START_TEST(access_over_the_end_falls_into_bytes)
{
	mem_add_mmio(m, 0xfe000000, 0x10, &dev_ops, NULL, "x");
	ck_assert_uint_eq(mem_mmio_read(m, 0xfe00000e, 4), 0xffff0f0e);
	ck_assert_uint_eq(dev.calls, 2);
	mem_mmio_write(m, 0xfe00000f, 2, 0x1234);
	ck_assert_uint_eq(dev.off, 0xf);
	ck_assert_uint_eq(dev.size, 1);
	ck_assert_uint_eq(dev.val, 0x34);
	ck_assert_uint_eq(m->unowned_writes, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mem");
	TCase *t = tcase_create("mem");
	SRunner *r = srunner_create(s);
	const TTest *const plain[] = {
		absurd_sizes_are_refused, ram_continues_above_the_pci_hole,
		memfd_offset_names_the_same_byte, copies_are_all_or_nothing,
		rom_drops_guest_writes, trace_comes_before_the_write,
		regions_are_found_and_must_not_overlap,
		access_over_the_end_falls_into_bytes,
	};
	const TTest *const fatal[] = {
		rom_write_through_the_map_faults, hole_access_faults,
		guard_below_faults, guard_above_faults,
	};

	tcase_add_checked_fixture(t, setup, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(plain); i++)
		tcase_add_test(t, plain[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(fatal); i++) {
#ifdef __SANITIZE_ADDRESS__
		/* The sanitizer turns the signal into an exit with status 1. */
		tcase_add_exit_test(t, fatal[i], 1);
#else
		tcase_add_test_raise_signal(t, fatal[i], SIGSEGV);
#endif
	}
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
