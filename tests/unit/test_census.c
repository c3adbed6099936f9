/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The census of privileged and sensitive instructions. */
#include "tests/unit/interp_rig.c"

#include "fullvirt/x86/census.h"

CODE(cli_sti_loop, "1: cli\nsti\nnop\ndecl %ecx\njnz 1b\nnop");
CODE(pushf_ring3, "pushf\nnop\nnop");

struct found {
	unsigned rows;
	uint64_t count;
	uint32_t eip;
	gpa_t gpa;
};

static struct found cli, all;

static void note(void *opaque, const struct engine_census *row)
{
	all.rows++;
	all.count += row->count;
	if (strcmp(row->insn, "cli"))
		return;
	cli = (struct found){ cli.rows + 1, row->count, row->eip, row->gpa };
}

static void collect(void)
{
	cli = all = (struct found){ 0 };
	x86_census_each(rig.x.census, note, NULL);
}

static void begin(void)
{
	ck_assert_int_eq(x86_census_create(&rig.x.census), 0);
}

#define SENSITIVE_BYTES(...) \
	x86_sensitive((const uint8_t[]){ __VA_ARGS__ }, \
		      sizeof((const uint8_t[]){ __VA_ARGS__ }))

START_TEST(prefixes_do_not_hide_an_instruction)
{
	ck_assert_int_ge(SENSITIVE_BYTES(0xfa), 0);
	ck_assert_int_ge(SENSITIVE_BYTES(0x66, 0x9c), 0);
	ck_assert_int_ge(SENSITIVE_BYTES(0x2e, 0x0f, 0x01, 0x15, 0, 0, 0, 0),
			 0);
	ck_assert_int_ge(SENSITIVE_BYTES(0x0f, 0x22, 0xd8), 0);
	ck_assert_int_ge(SENSITIVE_BYTES(0xff, 0x2d, 0, 0, 0, 0), 0);
}
END_TEST

START_TEST(other_instructions_are_not_counted)
{
	ck_assert_int_lt(SENSITIVE_BYTES(0x90), 0);
	ck_assert_int_lt(SENSITIVE_BYTES(0x66, 0x66), 0);
	ck_assert_int_lt(SENSITIVE_BYTES(0x0f), 0);
	/* 0F FA is PSUBD, 0F CF is BSWAP. */
	ck_assert_int_lt(SENSITIVE_BYTES(0x0f, 0xfa, 0xc0), 0);
	ck_assert_int_lt(SENSITIVE_BYTES(0x0f, 0xcf), 0);
	/* VMCALL shares its opcode with SGDT; near CALL with the far one. */
	ck_assert_int_lt(SENSITIVE_BYTES(0x0f, 0x01, 0xc1), 0);
	ck_assert_int_lt(SENSITIVE_BYTES(0xff, 0xd0), 0);
}
END_TEST

START_TEST(each_execution_counts_at_its_address)
{
	begin();
	load(cli_sti_loop);
	rig.v.gpr[GPR_CX] = 10;
	steps(50);
	collect();
	ck_assert_uint_eq(all.rows, 2);
	ck_assert_uint_eq(all.count, 20);
	ck_assert_uint_eq(cli.rows, 1);
	ck_assert_uint_eq(cli.count, 10);
	ck_assert_uint_eq(cli.eip, AT_CODE);
	ck_assert_uint_eq(cli.gpa, AT_CODE);
}
END_TEST

START_TEST(forgetting_begins_at_zero)
{
	begin();
	load(cli_sti_loop);
	rig.v.gpr[GPR_CX] = 10;
	steps(25);
	x86_census_each(rig.x.census, NULL, NULL);
	collect();
	ck_assert_uint_eq(all.rows, 0);
	steps(5);
	collect();
	ck_assert_uint_eq(cli.count, 1);
}
END_TEST

START_TEST(user_mode_is_not_counted)
{
	begin();
	enter_ring3();
	load(pushf_ring3);
	rig.v.seg[SEG_CS].selector = CS3;
	steps(2);
	collect();
	ck_assert_uint_eq(all.rows, 0);
}
END_TEST

RIG_MAIN("census", prefixes_do_not_hide_an_instruction,
	 other_instructions_are_not_counted,
	 each_execution_counts_at_its_address, forgetting_begins_at_zero,
	 user_mode_is_not_counted)
