/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of guest addresses. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/lib/symbols.h"

static char path[] = "/tmp/umbra-test-symbols-XXXXXX";
static char name[SYMBOL_LEN];

static void file(const char *text)
{
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static struct symbols *load(const char *text)
{
	struct symbols *s = NULL;

	file(text);
	ck_assert_int_eq(symbols_load(&s, path), 0);
	unlink(path);
	return s;
}

START_TEST(an_address_has_the_last_symbol_below_it)
{
	struct symbols *s = load("c1000200 T second\nc1000100 T first\n"
				 "c1000180 D data\n");

	ck_assert_str_eq(symbol_name(s, 0xc1000100, name), "first");
	ck_assert_str_eq(symbol_name(s, 0xc10001ff, name), "first+ff");
	ck_assert_str_eq(symbol_name(s, 0xc1000200, name), "second");
	ck_assert_str_eq(symbol_base(s, 0xc1000234, name), "second");
	symbols_free(s);
}
END_TEST

START_TEST(an_address_far_from_all_has_none)
{
	struct symbols *s = load("c1000100 t only\n");

	ck_assert_str_eq(symbol_name(s, 0xc10000ff, name), "");
	ck_assert_str_eq(symbol_name(s, 0xd1000100, name), "");
	ck_assert_str_eq(symbol_name(NULL, 0xc1000100, name), "");
	symbols_free(s);
}
END_TEST

START_TEST(a_file_without_symbols_is_refused)
{
	struct symbols *s = NULL;

	file("nothing here\nffffffffffffffff T too_wide\n");
	ck_assert_int_eq(symbols_load(&s, path), -EINVAL);
	unlink(path);
	ck_assert_int_eq(symbols_load(&s, "/nonexistent"), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("symbols");
	TCase *tc = tcase_create("symbols");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, an_address_has_the_last_symbol_below_it);
	tcase_add_test(tc, an_address_far_from_all_has_none);
	tcase_add_test(tc, a_file_without_symbols_is_refused);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
