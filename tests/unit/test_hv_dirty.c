// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The dirty log under HV: every page that somebody wrote is in it, and no
 * other.  Skipped without a KVM.
 */
#define _GNU_SOURCE
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/engine.h"
#include "hypervisor/mem.h"
#include "tests/unit/hv_rig.h"

#define RAM		(4 * MIB)
#define CODE_AT		0x1000
#define LEAVE_PORT	0x80

static struct mem *mem;
static struct engine_bus bus;
static struct engine *engine;
static uint64_t *bits;
static uint64_t pages;

static void pio_write(void *opaque, uint16_t port, unsigned size, uint32_t val)
{
	if (port == LEAVE_PORT)
		atomic_store(&bus.stop, 1);
}

static int intr_ack(void *opaque)
{
	return -1;
}

static void set_up(void)
{
	struct engine_config cfg = { .bus = &bus, .log = stderr };
	char err[160];

	memset(&bus, 0, sizeof(bus));
	bus.pio_write = pio_write;
	bus.intr_ack = intr_ack;
	ck_assert_int_eq(mem_create(&mem, RAM), 0);
	pages = mem->top / PAGE_SIZE;
	bits = calloc(pages / 64 + 1, sizeof(*bits));
	cfg.mem = mem;
	ck_assert_msg(!hv_engine_ops.create(&engine, &cfg, err), "%s", err);
}

static void tear_down(void)
{
	hv_engine_ops.destroy(engine);
	mem_destroy(mem);
	free(bits);
}

/* Flat 32-bit code that ends with an OUT to LEAVE_PORT. */
static void run_code(const uint8_t *code, size_t len)
{
	struct engine_exit_info info = { .reason = "" };
	struct vcpu v;

	ck_assert_int_eq(mem_write(mem, CODE_AT, code, len), 0);
	memset(&v, 0, sizeof(v));
	vcpu_reset(&v, 0, false);
	vcpu_set_flat32(&v, 0x10, 0x18, CODE_AT);
	atomic_store(&bus.stop, 0);
	hv_engine_ops.set_state(engine, &v);
	hv_engine_ops.run(engine, &info);
	ck_assert_msg(info.exit == ENGINE_KICKED, "%s", info.reason);
}

static void log_on(void)
{
	int ret = hv_engine_ops.dirty_log(engine, true);

	ck_assert_msg(!ret, "%s", strerror(-ret));
}

/* The log holds page @a, and @b if it is another, and nothing else. */
static void expect_pages(unsigned a, unsigned b)
{
	memset(bits, 0, (pages / 64 + 1) * sizeof(*bits));
	ck_assert_int_eq(hv_engine_ops.dirty_fetch(engine, bits), 0);
	/* An assertion that holds costs a system call; there are 2^20 pages. */
	for (unsigned p = 0; p < pages; p++)
		if ((bits[p / 64] >> p % 64 & 1) != (p == a || p == b))
			ck_abort_msg("page %x is%s", p, bits[p / 64] >> p % 64 & 1 ? "" : " not");
}

/* movb $1, address; out %al, $LEAVE_PORT */
#define STORE(address) \
	0xc6, 0x05, (address) & 0xff, (address) >> 8 & 0xff, \
	(address) >> 16 & 0xff, 0, 1, 0xe6, LEAVE_PORT
#define CODE_PAGE	(CODE_AT / PAGE_SIZE)

START_TEST(stores_of_the_guest_are_logged_each_time)
{
	static const uint8_t first[] = { STORE(0x5123) };
	static const uint8_t second[] = { STORE(0x3ff000) };

	run_code(first, sizeof(first));
	log_on();
	expect_pages(-1, -1);
	run_code(first, sizeof(first));
	expect_pages(CODE_PAGE, 5);
	expect_pages(-1, -1);
	run_code(first, sizeof(first));
	expect_pages(CODE_PAGE, 5);
	run_code(second, sizeof(second));
	expect_pages(CODE_PAGE, 0x3ff);
}
END_TEST

START_TEST(writes_of_devices_are_logged_each_time)
{
	uint8_t byte = 1;

	log_on();
	ck_assert_int_eq(mem_write(mem, 0x7ffff, &byte, 1), 0);
	ck_assert_int_eq(mem_write(mem, 0x7ffff, &byte, 1), 0);
	mem_dma_written(mem, 0x200000, 1);
	expect_pages(0x7f, 0x200);
	expect_pages(-1, -1);
	ck_assert_int_eq(mem_write(mem, 0x7ffff, &byte, 1), 0);
	expect_pages(0x7f, 0x7f);
}
END_TEST

/* FLDPI and FSTP, which KVMs that emulate leave to the interpreter. */
START_TEST(stores_of_the_interpreter_are_logged)
{
	static const uint8_t code[] = {
		0xdb, 0xe3, 0xd9, 0xeb, 0xdd, 0x1d, 0x00, 0x90, 0, 0,
		0xe6, LEAVE_PORT,
	};

	log_on();
	run_code(code, sizeof(code));
	expect_pages(CODE_PAGE, 9);
	run_code(code, sizeof(code));
	expect_pages(CODE_PAGE, 9);
}
END_TEST

/* A slot that goes away takes its log along. */
START_TEST(log_survives_a_change_of_the_map)
{
	static const uint8_t code[] = { STORE(0x5123) };

	log_on();
	run_code(code, sizeof(code));
	ck_assert_int_eq(mem_set_hole(mem, 0x100000, PAGE_SIZE), 0);
	hv_engine_ops.mem_changed(engine, 0x100000, PAGE_SIZE);
	expect_pages(CODE_PAGE, 5);
	run_code(code, sizeof(code));
	expect_pages(CODE_PAGE, 5);
}
END_TEST

START_TEST(log_can_be_turned_off_and_on)
{
	static const uint8_t code[] = { STORE(0x5123) };
	unsigned traced = 0;

	ck_assert_int_eq(hv_engine_ops.dirty_fetch(engine, bits), -EINVAL);
	log_on();
	log_on();
	run_code(code, sizeof(code));
	ck_assert_int_eq(hv_engine_ops.dirty_log(engine, false), 0);
	ck_assert_int_eq(hv_engine_ops.dirty_fetch(engine, bits), -EINVAL);
	for (unsigned p = 0; p < pages; p++)
		traced += mem->flags[p] & MEM_TRACED;
	ck_assert_uint_eq(traced, 0);
	run_code(code, sizeof(code));
	log_on();
	expect_pages(-1, -1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hv_dirty");
	TCase *t = tcase_create("hv_dirty");
	SRunner *r;

	if (!hv_there("hv_dirty"))
		return EXIT_SUCCESS;
	r = srunner_create(s);
	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, stores_of_the_guest_are_logged_each_time);
	tcase_add_test(t, writes_of_devices_are_logged_each_time);
	tcase_add_test(t, stores_of_the_interpreter_are_logged);
	tcase_add_test(t, log_survives_a_change_of_the_map);
	tcase_add_test(t, log_can_be_turned_off_and_on);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
