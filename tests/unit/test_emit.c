/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expected machine code of some guest instructions, so that a change in what
 * is emitted shows in review.  Addresses of stubs and offsets in struct bt,
 * which move for other reasons, are not part of the examples.
 */
#include "tests/unit/bt_rig.h"

#include <stdio.h>

/* name, memory, guest code, host code of the first guest instruction. */
#define EXAMPLES(X)							\
	X(window_load, "window", "movl (%ebx), %eax",			\
	  "67 65 8b 03 90")						\
	X(window_store_of_byte, "window", "movb %ah, 5(%ebp)",		\
	  "67 65 88 65 05")						\
	X(window_absolute, "window", "movl 0x12345678, %ecx",		\
	  "67 65 8b 0c 25 78 56 34 12")					\
	X(window_moffs, "window", "movl 0x12345678, %eax",		\
	  "67 65 8b 04 25 78 56 34 12")					\
	X(window_ebp_without_displacement, "window",			\
	  "movl (%ebp), %edx", "67 65 8b 55 00")			\
	X(window_esp_base, "window", "movl (%esp), %edx",		\
	  "67 65 41 8b 17")						\
	X(window_esp_base_and_index, "window",				\
	  "movl 8(%esp,%ecx,4), %edx", "67 65 41 8b 54 8f 08")		\
	X(window_index_without_base, "window",				\
	  "movl 0x100(,%esi,8), %edx", "67 65 8b 14 f5 00 01 00 00")	\
	X(window_lock_and_word, "window", "lock addw $0x1234, (%edi)",	\
	  "67 65 f0 66 81 07 34 12")					\
	X(window_esp_as_value, "window", "movl %esp, (%edi)",		\
	  "67 65 44 89 3f")						\
	X(window_sse2, "window", "movsd %xmm1, 8(%esp)",		\
	  "67 65 f2 41 0f 11 4f 08")					\
	X(window_x87, "window", "fldt (%eax)", "67 65 db 28 90")	\
	X(window_push, "window", "pushl %esi",				\
	  "67 65 41 89 77 fc 45 8d 7f fc")				\
	X(window_push_of_esp_is_the_old_one, "window", "pushl %esp",	\
	  "67 65 45 89 7f fc 45 8d 7f fc")				\
	X(window_push_of_byte_extends, "window", "pushl $-2",		\
	  "67 65 41 c7 47 fc fe ff ff ff 45 8d 7f fc")			\
	X(window_push_of_memory, "window", "pushl 4(%eax)",		\
	  "67 65 44 8b 68 04 67 65 45 89 6f fc 45 8d 7f fc")		\
	X(window_pop, "window", "popl %ebx",				\
	  "67 65 41 8b 1f 45 8d 7f 04")					\
	X(window_pop_of_esp_does_not_add, "window", "popl %esp",	\
	  "67 65 45 8b 3f")						\
	X(window_pop_to_esp_relative, "window", "popl 8(%esp)",		\
	  "67 65 45 8b 2f 67 65 45 89 6f 0c 45 8d 7f 04")		\
	X(window_leave, "window", "leave",				\
	  "67 65 44 8b 6d 00 44 8d 7d 04 41 8b ed")			\
	X(window_ret, "window", "ret $8",				\
	  "67 65 45 8b 07 45 8d 7f 0c c3")				\
	X(inc_is_not_rex, "window", "incl %ecx", "ff c1")		\
	X(dec_of_word, "window", "decw %sp", "66 41 ff cf")		\
	X(swap_with_esp, "window", "xchgl %esp, %eax", "41 97")		\
	X(bswap_of_esp, "window", "bswapl %esp", "41 0f cf")		\
	X(high_byte_without_rex, "window", "addb %dh, %al", "00 f0")	\
	X(lea_of_word, "window", "leaw 2(%ebx), %cx", "66 8d 4b 02")	\
	X(lea_of_esp, "window", "leal (%esp,%eax,2), %esp",		\
	  "45 8d 3c 47")						\
	X(string_step, "window", "lodsb",				\
	  "67 65 8a 06 8d 76 01")					\
	X(alias_82, "window", ".byte 0x82, 0xc0, 0x05", "80 c0 05")	\
	X(nop_is_nothing, "window", "nopl (%eax)", "")			\
	X(soft_load, "soft", "movl 4(%ebx), %eax",			\
	  "44 8d 43 04 45 8d 48 03 c4 42 1b f7 d0 c4 42 1b f7 c9 "	\
	  "4c 8b d9 43 8b 8c 96 00 00 c0 00 42 8d 4c 09 01 67 e3 08 "	\
	  "49 8b cb e8 ?? ?? ?? ?? 49 8b cb "				\
	  "4f 8b 94 d6 00 00 00 02 43 8b 04 10")			\
	X(soft_store_of_byte, "soft", "movb %al, (%ebx)",		\
	  "44 8d 03 c4 42 1b f7 d0 c4 42 1b f7 c8 "			\
	  "4c 8b d9 43 8b 8c 96 00 00 00 01 42 8d 4c 09 01 67 e3 08 "	\
	  "49 8b cb e8 ?? ?? ?? ?? 49 8b cb "				\
	  "4f 8b 94 d6 00 00 80 02 43 88 04 10")			\
	X(soft_high_byte_is_interpreted, "soft", "movb %ah, (%ebx)",	\
	  "e8 ?? ?? ?? ??")						\
	X(bit_string_is_interpreted, "soft", "btsl %eax, (%ebx)",	\
	  "e8 ?? ?? ?? ??")						\
	X(movzx_of_ah_to_esp_is_interpreted, "window",			\
	  "movzbl %ah, %esp", "e8 ?? ?? ?? ??")				\
	X(word_push_is_interpreted, "window", "pushw %ax",		\
	  "e8 ?? ?? ?? ??")

/* Does @host read as @text: hexadecimal bytes, ?? for any? */
static void same(const uint8_t *host, const uint8_t *end, const char *text)
{
	char got[256] = "";
	const char *p = text;
	bool eq = true;

	for (unsigned n = 0; host < end && n < 64; n++, host++) {
		char two[3];

		snprintf(two, sizeof(two), "%02x", *host);
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s",
			 n ? " " : "", two);
		eq &= strlen(p) >= 2 && (!memcmp(p, "??", 2) ||
					 !memcmp(p, two, 2));
		p += strlen(p) >= 3 ? 3 : strlen(p);
	}
	ck_assert_msg(eq && !*p, "\n  want %s\n  got  %s", text, got);
}

#define X(name, memory, text, host)					\
	CODE_BITS(code_##name, "32", text "; 1: jmp 1b");		\
	START_TEST(name)						\
	{								\
		struct tu *tu;						\
									\
		bt_rig_setup("bt.memory=" memory, 0);			\
		tu = rig_translate(code_##name);			\
		same(rig_host(tu, 0), rig_host(tu, 1), host);		\
	}								\
	END_TEST
EXAMPLES(X)
#undef X

int main(void)
{
	Suite *s = suite_create("emit");
	TCase *t = tcase_create("emit");
	SRunner *r = srunner_create(s);
	const TTest *const tests[] = {
#define X(name, memory, text, host)	name,
		EXAMPLES(X)
#undef X
	};

	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
