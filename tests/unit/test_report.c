// SPDX-License-Identifier: GPL-2.0-or-later
/* Reports of a guest's state: registers, and the code at rip in every mode. */
#define _GNU_SOURCE
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/mem.h"
#include "hypervisor/report.h"
#include "hypervisor/vcpu.h"
#include "hypervisor/linear.h"

#define RAM	(8 * MIB)
#define P_RW	3u
#define PS	0x80u

static struct mem *mem;
static struct vcpu v;
static char *text;

static void set_up(void)
{
	ck_assert_int_eq(mem_create(&mem, RAM), 0);
	vcpu_reset(&v, 0, false);
	vcpu_set_flat32(&v, 0x10, 0x18, 0x1000);
}

static void tear_down(void)
{
	mem_destroy(mem);
	free(text);
	text = NULL;
}

static void put64(gpa_t gpa, uint64_t val)
{
	ck_assert_int_eq(mem_write(mem, gpa, &val, sizeof(val)), 0);
}

static void put_code(gpa_t gpa, const char *bytes)
{
	ck_assert_int_eq(mem_write(mem, gpa, bytes, strlen(bytes)), 0);
}

/* PML4 at 10000h; each of the levels below a page further on. */
static void long_mode(void)
{
	v.cr0 |= CR0_PG;
	v.cr4 |= CR4_PAE;
	v.cr3 = 0x10000;
	v.msr.efer = EFER_LME | EFER_LMA;
	v.seg[SEG_CS].attr = (v.seg[SEG_CS].attr & ~SEG_DB) | SEG_L;
}

static const char *report(void (*fn)(FILE *f))
{
	size_t len;
	FILE *f;

	free(text);
	f = open_memstream(&text, &len);
	fn(f);
	fclose(f);
	return text;
}

static void code(FILE *f)
{
	report_code(&v, mem, f);
}

static void registers(FILE *f)
{
	report_registers(&v, f);
}

START_TEST(code_of_32_bit_guests_is_shown)
{
	put_code(0x1000, "\x0f\x0b\x90");
	ck_assert_msg(!strncmp(report(code), "code at 00001000: 0f 0b 90 ", 26),
		      "%s", text);
	v.rip = RAM - 2;
	ck_assert_str_eq(report(code), "code at 007ffffe: 00 00 ...\n");
	v.rip = 0x12345678;
	ck_assert_str_eq(report(code), "code at 12345678: not mapped\n");
}
END_TEST

START_TEST(code_of_64_bit_guests_is_shown)
{
	long_mode();
	v.rip = 0xffffffff81000ffe;
	put64(0x10000 + 511 * 8, 0x11000 | P_RW);
	put64(0x11000 + 510 * 8, 0x12000 | P_RW);
	put64(0x12000 + 8 * 8, 0x13000 | P_RW);
	put64(0x13000, 0x5000 | P_RW);
	put_code(0x5ffe, "\x48\xcf");
	ck_assert_str_eq(report(code), "code at ffffffff81000ffe: 48 cf ...\n");
	/* The next page lies elsewhere. */
	put64(0x13008, 0x3000 | P_RW);
	put_code(0x3000, "\xcc");
	ck_assert_msg(!strncmp(report(code), "code at ffffffff81000ffe: "
			       "48 cf cc 00", 37), "%s", text);
}
END_TEST

START_TEST(long_mode_walk_knows_large_pages_and_what_is_absent)
{
	gpa_t gpa;

	long_mode();
	put64(0x10000, 0x11000 | P_RW);
	put64(0x11000, 0x12000 | P_RW);
	put64(0x12000 + 8, 0x400000 | P_RW | PS);
	put64(0x11000 + 8, 0x40000000 | P_RW | PS);
	put64(0x11000 + 16, 0x7ffff000000 | P_RW);	/* behind RAM */
	ck_assert_int_eq(linear_to_gpa(&v, mem, 0x2abcde, &gpa), 0);
	ck_assert_uint_eq(gpa, 0x4abcde);
	ck_assert_int_eq(linear_to_gpa(&v, mem, 0x7fffffff, &gpa), 0);
	ck_assert_uint_eq(gpa, 0x7fffffff);
	ck_assert_int_eq(linear_to_gpa(&v, mem, 0x400000, &gpa), -EFAULT);
	ck_assert_int_eq(linear_to_gpa(&v, mem, 0x80000000, &gpa), -EFAULT);
	ck_assert_int_eq(linear_to_gpa(&v, mem, 1ULL << 47, &gpa), -EFAULT);
	ck_assert_int_eq(linear_to_gpa(&v, mem, 1ULL << 39, &gpa), -EFAULT);
	v.cr3 = 0x7ffff000000;
	ck_assert_int_eq(linear_to_gpa(&v, mem, 0, &gpa), -EFAULT);
}
END_TEST

START_TEST(registers_have_the_width_of_the_mode)
{
	v.gpr[GPR_AX] = 0x1122334455667788;
	v.gpr[GPR_R15] = 0x99;
	report(registers);
	ck_assert_ptr_nonnull(strstr(text, "eax 55667788 "));
	ck_assert_ptr_null(strstr(text, "r15"));
	long_mode();
	v.rip = 0xffffffff81000000;
	report(registers);
	ck_assert_ptr_nonnull(strstr(text, "rax 1122334455667788 "));
	ck_assert_ptr_nonnull(strstr(text, "r15 0000000000000099\n"));
	ck_assert_ptr_nonnull(strstr(text, "rip ffffffff81000000 rflags "));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("report");
	TCase *t = tcase_create("report");
	SRunner *r = srunner_create(s);

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, code_of_32_bit_guests_is_shown);
	tcase_add_test(t, code_of_64_bit_guests_is_shown);
	tcase_add_test(t, long_mode_walk_knows_large_pages_and_what_is_absent);
	tcase_add_test(t, registers_have_the_width_of_the_mode);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
