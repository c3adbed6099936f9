/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What terminals send, as keystrokes (backends/text_keys.c). */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/text_screen.h"

static char got[256];

static void on_stroke(void *opaque, uint32_t keysym, unsigned mods)
{
	const char *name = key_name(0);
	unsigned n = 0;

	while (name && key_by_name(name, strlen(name)) != key_by_keysym(keysym))
		name = key_name(++n);
	snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s%s%s%s",
		 *got ? " " : "", mods & TEXT_KEY_CTRL ? "ctrl-" : "",
		 mods & TEXT_KEY_ALT ? "alt-" : "",
		 mods & TEXT_KEY_SHIFT || key_needs_shift(keysym) ? "shift-" :
		 "", name ? name : "?");
}

static void typed(const char *bytes, size_t len, const char *want)
{
	struct text_keys k = { .stroke = on_stroke };

	got[0] = '\0';
	for (size_t i = 0; i < len; i++)
		text_keys_feed(&k, bytes[i]);
	text_keys_pause(&k);
	ck_assert_str_eq(got, want);
}

static const struct {
	const char *bytes, *want;
} rows[] = {
	{ "aZ1!", "a shift-z 1 shift-1" },
	{ "\r\n\t\x7f\b", "ret ret tab backspace backspace" },
	{ "\003\032", "ctrl-c ctrl-z" },
	{ "\034\035", "ctrl-backslash ctrl-bracket_right" },
	{ "\033", "esc" },
	{ "\033\033", "esc esc" },
	{ "\033x\033X", "alt-x alt-shift-x" },
	{ "\033[A\033[B\033[C\033[D", "up down right left" },
	{ "\033OA\033OH\033OF", "up home end" },
	{ "\033[1;5C\033[1;2A\033[3;3~", "ctrl-right shift-up alt-delete" },
	{ "\033[2~\033[3~\033[5~\033[6~", "insert delete pgup pgdn" },
	{ "\033OP\033OS\033[11~\033[15~\033[24~", "f1 f4 f1 f5 f12" },
	{ "\033[[A\033[[E", "f1 f5" },
	{ "\033[Z", "shift-tab" },
	{ "\033[", "alt-bracket_left" },
	{ "\033[99~\033[~x", "x" },
	{ "\033[1;1;1;1;1;1;1;1;1;1;1", "semicolon 1 semicolon 1 semicolon "
	  "1 semicolon 1 semicolon 1" },
	{ "\xc3\xa4" "b", "b" },
};

START_TEST(bytes_become_keystrokes)
{
	typed(rows[_i].bytes, strlen(rows[_i].bytes), rows[_i].want);
}
END_TEST

START_TEST(nul_is_ctrl_space)
{
	typed("\0", 1, "ctrl-spc");
}
END_TEST

START_TEST(any_bytes_are_harmless)
{
	struct text_keys k = { .stroke = on_stroke };

	srand(_i);
	for (unsigned i = 0; i < 100000; i++) {
		got[0] = '\0';
		text_keys_feed(&k, rand() % 3 ? "\033[O;[0123456789~ABZ"
			       [rand() % 18] : rand());
		ck_assert_uint_lt(k.len, sizeof(k.seq));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("text_screen");
	TCase *t = tcase_create("keys");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(t, bytes_become_keystrokes, 0,
			    sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(t, nul_is_ctrl_space);
	tcase_add_loop_test(t, any_bytes_are_harmless, 0, 3);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
