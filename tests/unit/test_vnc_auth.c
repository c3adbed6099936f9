// SPDX-License-Identifier: GPL-2.0-or-later
/* VNC's DES against known answers, and the keyboard's table. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "backends/keys.h"
#include "backends/vnc_auth.h"

/* The example of FIPS 46: key 133457799BBCDFF1, with bits mirrored here. */
START_TEST(des_gives_the_published_answer)
{
	static const uint8_t block[8] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab,
					  0xcd, 0xef };
	static const uint8_t want[8] = { 0x85, 0xe8, 0x13, 0x54, 0x0f, 0x0a,
					 0xb4, 0x05 };
	static const char key[] = "\xc8\x2c\xea\x9e\xd9\x3d\xfb\x8f";
	uint8_t in[VNC_CHALLENGE], out[VNC_CHALLENGE];

	memcpy(in, block, 8);
	memcpy(in + 8, block, 8);
	vnc_response(key, in, out);
	ck_assert_int_eq(memcmp(out, want, 8), 0);
	ck_assert_int_eq(memcmp(out + 8, want, 8), 0);
}
END_TEST

START_TEST(eight_characters_count)
{
	uint8_t in[VNC_CHALLENGE] = { 1, 2, 3 };
	uint8_t a[VNC_CHALLENGE], b[VNC_CHALLENGE];

	vnc_response("12345678", in, a);
	vnc_response("123456789", in, b);
	ck_assert_int_eq(memcmp(a, b, sizeof(a)), 0);
	vnc_response("1234567", in, b);
	ck_assert_int_ne(memcmp(a, b, sizeof(a)), 0);
}
END_TEST

START_TEST(keys_are_found_by_name_and_keysym)
{
	ck_assert_uint_eq(key_by_name("a", 1), 0x1e);
	ck_assert_uint_eq(key_by_name("ctrl-x", 4), 0x1d);
	ck_assert_uint_eq(key_by_name("delete", 6), 0xe053);
	ck_assert_uint_eq(key_by_name("none", 4), 0);
	ck_assert_uint_eq(key_by_keysym('A'), 0x1e);
	ck_assert_uint_eq(key_by_keysym('?'), 0x35);
	ck_assert_uint_eq(key_by_keysym(0xff0d), 0x1c);
	ck_assert_uint_eq(key_by_keysym(0), 0);
	for (unsigned i = 0; key_name(i); i++)
		for (unsigned k = 0; k < i; k++)
			ck_assert_str_ne(key_name(i), key_name(k));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vnc_auth");
	TCase *t = tcase_create("vnc_auth");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, des_gives_the_published_answer);
	tcase_add_test(t, eight_characters_count);
	tcase_add_test(t, keys_are_found_by_name_and_keysym);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
