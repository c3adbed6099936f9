// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which translations a write to guest memory ends: those whose bytes it
 * touches and no others, whether it is looked up by page or by unit.
 */
#include <check.h>
#include <stdlib.h>

#include "tests/unit/bt_rig.h"

CODE_BITS(unit, "32", "movl $1, 0x20000(%ebx); 1: jmp 1b");	/* 12 bytes */

/*
 * In one page; to its last byte; with one instruction across a boundary, which
 * ends the unit; behind 1 MiB.
 */
static const uint32_t at[] = { 0x10000, 0x12ff4, 0x14ffa, 0x180010 };
#define UNITS		ARRAY_SIZE(at)

static const struct {
	gpa_t gpa;
	uint64_t len;
	unsigned dies;		/* bit mask over at[] */
} writes[] = {
	{ 0x0f000, 0x1000, 0 },		{ 0x10000, 1, 1 },
	{ 0x1000b, 1, 1 },		{ 0x1000c, 0x1000, 0 },
	{ 0x12fff, 1, 2 },		{ 0x13000, 0x1000, 0 },
	{ 0x14fff, 1, 4 },		{ 0x15000, 1, 4 },
	{ 0x15004, 0x1000, 0 },		{ 0x10000, 0x10000, 7 },
	/* 1 MiB and more */
	{ 0x10000, 0x100000, 7 },	{ 0x1000c, 0x100000, 6 },
	{ 0x13000, 0x100000, 4 },	{ 0x15003, 0x100000, 4 },
	{ 0x15004, 0x100000, 0 },	{ 0x80000, 0x100011, 8 },
	{ 0x80000, 0x100010, 0 },	{ 0x18001c, 0x200000, 0 },
	{ 0, 4 * MIB, 15 },		{ 0, 1ULL << 32, 15 },
};

static void setup(void)
{
	bt_rig_setup("bt.memory=soft", 0);
}

static struct tu *translate(unsigned n)
{
	soft_x_fill(bt, at[n] + PAGE_SIZE, (at[n] >> PAGE_SHIFT) + 1,
		    bt->ctx->user, true);
	return rig_tu(rig_translate_at(at[n], unit, unit_end, false));
}

static void check_pages(unsigned n, bool dead)
{
	for (unsigned p = at[n] >> PAGE_SHIFT;
	     p <= (at[n] + 11) >> PAGE_SHIFT; p++) {
		ck_assert_int_eq(!bt->tc.page_tus[p], dead);
		ck_assert_int_eq(!(rig_mem->flags[p] & MEM_TRACED), dead);
	}
}

START_TEST(writes_end_what_they_touch)
{
	struct tu *tu[UNITS];

	setup();
	for (unsigned n = 0; n < UNITS; n++)
		tu[n] = translate(n);
	ck_assert_int_eq(tc_write(bt, writes[_i].gpa, writes[_i].len),
			 writes[_i].dies != 0);
	for (unsigned n = 0; n < UNITS; n++) {
		bool dies = writes[_i].dies >> n & 1;

		ck_assert_msg(!!(tu[n]->flags & TU_DEAD) == dies,
			      "the unit at %#x", at[n]);
		check_pages(n, dies);
	}
}
END_TEST

START_TEST(a_flush_leaves_no_page_traced)
{
	setup();
	for (unsigned n = 0; n < UNITS; n++)
		translate(n);
	tc_write(bt, at[1], 1);
	tc_flush(bt);
	for (unsigned n = 0; n < UNITS; n++)
		check_pages(n, true);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tc");
	TCase *t = tcase_create("tc");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(t, writes_end_what_they_touch, 0,
			    ARRAY_SIZE(writes));
	tcase_add_test(t, a_flush_leaves_no_page_traced);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
