// SPDX-License-Identifier: GPL-2.0-or-later
/* MC146818A: time, formats, the three interrupts, CMOS memory. */
#include "tests/unit/rig.h"

#include "hypervisor/mc146818.h"

/* 2023-11-14 22:13:20 UTC, a Tuesday, and a quarter of a second. */
#define START_NS	(1700000000ULL * NS_PER_SEC + NS_PER_SEC / 4)
#define A		0x0a
#define B		0x0b
#define C		0x0c
#define D		0x0d
#define B_SET		0x80
#define B_PIE		0x40
#define B_AIE		0x20
#define B_UIE		0x10
#define B_DM		0x04
#define B_24H		0x02

static struct mc146818 *rtc;
static struct rig_wire irq8;

static void setup(void)
{
	struct irq irq = rig_irq(&irq8);

	rig_setup();
	ck_assert_int_eq(mc146818_create(&rtc, rig_ports, rig_clock, &irq,
					 START_NS), 0);
}

static uint8_t rd(unsigned i)
{
	out8(0x70, i);
	return in8(0x71);
}

static void wr(unsigned i, uint8_t val)
{
	out8(0x70, i);
	out8(0x71, val);
}

static void check_time(uint8_t h, uint8_t m, uint8_t s)
{
	ck_assert_uint_eq(rd(4), h);
	ck_assert_uint_eq(rd(2), m);
	ck_assert_uint_eq(rd(0), s);
}

START_TEST(shows_the_time_of_day_in_bcd)
{
	ck_assert_uint_eq(rd(B), B_24H);
	check_time(0x22, 0x13, 0x20);
	ck_assert_uint_eq(rd(6), 3);
	ck_assert_uint_eq(rd(7), 0x14);
	ck_assert_uint_eq(rd(8), 0x11);
	ck_assert_uint_eq(rd(9), 0x23);
	ck_assert_uint_eq(rd(CMOS_CENTURY), 0x20);
	ck_assert_uint_eq(rd(D), 0x80);
	rig_advance(3600 * NS_PER_SEC);
	check_time(0x23, 0x13, 0x20);
}
END_TEST

START_TEST(binary_and_12_hour_formats)
{
	wr(B, B_24H | B_DM);
	check_time(22, 13, 20);
	wr(B, 0);
	ck_assert_uint_eq(rd(4), 0x90);		/* 10 pm */
	rig_advance(2 * 3600 * NS_PER_SEC);
	ck_assert_uint_eq(rd(4), 0x12);		/* midnight */
	rig_advance(12 * 3600 * NS_PER_SEC);
	ck_assert_uint_eq(rd(4), 0x92);		/* noon */
}
END_TEST

START_TEST(set_time_runs_on)
{
	wr(B, B_SET | B_24H);
	wr(4, 0x01);
	wr(2, 0x02);
	wr(0, 0x58);
	wr(7, 0x28);
	wr(8, 0x02);
	wr(9, 0x24);
	rig_advance(100 * NS_PER_SEC);
	check_time(0x01, 0x02, 0x58);		/* stands still */
	wr(B, B_24H);
	check_time(0x01, 0x02, 0x58);
	rig_advance(86400 * NS_PER_SEC + 2 * NS_PER_SEC);
	check_time(0x01, 0x03, 0x00);
	ck_assert_uint_eq(rd(7), 0x29);		/* a leap year */
	rig_advance(86400 * NS_PER_SEC);
	ck_assert_uint_eq(rd(8), 0x03);
}
END_TEST

START_TEST(divider_reset_sets_the_phase)
{
	wr(A, 0x76);
	rig_advance(5 * NS_PER_SEC);
	check_time(0x22, 0x13, 0x20);
	wr(A, 0x26);
	rig_advance(NS_PER_SEC / 2 - 1000);
	check_time(0x22, 0x13, 0x20);
	rig_advance(2000);
	check_time(0x22, 0x13, 0x21);
}
END_TEST

START_TEST(update_in_progress_comes_before_the_second)
{
	ck_assert_uint_eq(rd(A), 0x26);
	rig_advance(3 * NS_PER_SEC / 4 - 3000000);
	ck_assert_uint_eq(rd(A) & 0x80, 0);
	rig_advance(1000000);
	ck_assert_uint_eq(rd(A) & 0x80, 0x80);
	rig_advance(2000000);
	ck_assert_uint_eq(rd(A) & 0x80, 0);
	check_time(0x22, 0x13, 0x21);
}
END_TEST

START_TEST(update_ended_interrupts_each_second)
{
	wr(B, B_UIE | B_24H);
	rig_advance(3 * NS_PER_SEC / 4 - 1);
	ck_assert(!irq8.level);
	rig_advance(1);
	ck_assert(irq8.level);
	ck_assert_uint_eq(rd(C) & 0xb0, 0x90);
	ck_assert(!irq8.level);
	ck_assert_uint_eq(rd(C), 0);
	rig_advance(NS_PER_SEC);
	ck_assert_uint_eq(irq8.rises, 2);
	/* SET clears the enable. */
	wr(B, B_SET | B_UIE | B_24H);
	ck_assert_uint_eq(rd(B), B_SET | B_24H);
}
END_TEST

START_TEST(flags_show_without_interrupts)
{
	rd(C);
	rig_advance(NS_PER_SEC);
	ck_assert_uint_eq(rd(C) & 0xd0, 0x50);	/* PF, UF, no IRQF */
	ck_assert_uint_eq(irq8.rises, 0);
	ck_assert_uint_eq(rd(C), 0);
}
END_TEST

START_TEST(periodic_rates)
{
	static const struct { uint8_t rs; unsigned per_sec; } rate[] = {
		{ 0x26, 1024 }, { 0x2f, 2 }, { 0x23, 8192 }, { 0x21, 256 },
		{ 0x22, 128 }, { 0x29, 128 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rate); i++) {
		unsigned n = 0;

		rig_advance(NS_PER_SEC - clock_now(rig_clock) % NS_PER_SEC);
		wr(A, rate[i].rs);
		wr(B, B_PIE | B_24H);
		rd(C);
		for (unsigned us = 0; us < 1000000; us += 50) {
			rig_advance(50000);
			if (irq8.level) {
				ck_assert(rd(C) & 0x40);
				n++;
			}
		}
		ck_assert_uint_eq(n, rate[i].per_sec);
		wr(B, B_24H);
	}
}
END_TEST

START_TEST(late_periods_are_paid_back)
{
	unsigned n = 0;

	wr(B, B_PIE | B_24H);
	rd(C);
	rig_advance(NS_PER_SEC / 10);	/* about 102 periods */
	while (irq8.level) {
		rd(C);
		n++;
		rig_advance(60000);
	}
	ck_assert_uint_ge(n, 102);
	ck_assert_uint_le(n, 112);
}
END_TEST

START_TEST(alarm_goes_off_once_and_with_wildcards)
{
	wr(5, 0x22);
	wr(3, 0x14);
	wr(1, 0x05);
	wr(B, B_AIE | B_24H);
	rig_advance(44 * NS_PER_SEC);
	ck_assert(!irq8.level);
	rig_advance(NS_PER_SEC);
	ck_assert(irq8.level);
	ck_assert_uint_eq(rd(C) & 0xb0, 0xb0);
	rig_advance(86399 * NS_PER_SEC);
	ck_assert(!irq8.level);
	rig_advance(NS_PER_SEC);
	ck_assert(irq8.level);
	rd(C);
	wr(5, 0xff);			/* every hour, every minute */
	wr(3, 0xc0);
	irq8.rises = 0;
	for (unsigned i = 0; i < 600; i++) {
		rig_advance(NS_PER_SEC);
		rd(C);
	}
	ck_assert_uint_eq(irq8.rises, 10);
}
END_TEST

START_TEST(impossible_alarm_never_goes_off)
{
	wr(5, 0x99);
	wr(B, B_AIE | B_24H);
	rig_advance(2 * 86400ULL * NS_PER_SEC);
	ck_assert(!irq8.level);
}
END_TEST

START_TEST(cmos_memory_and_checksum)
{
	wr(0x50, 0xa5);
	ck_assert_uint_eq(rd(0x50), 0xa5);
	ck_assert_uint_eq(rd(0xd0), 0xa5);	/* bit 7 masks NMI */
	mc146818_set(rtc, CMOS_EQUIPMENT, 0x80);
	mc146818_set(rtc, CMOS_EQUIPMENT + 1, 0x85);
	mc146818_sum(rtc);
	ck_assert_uint_eq(rd(CMOS_SUM), 0x01);
	ck_assert_uint_eq(rd(CMOS_SUM + 1), 0x05);
	wr(B, 0xff);
	device_reset((struct device *)rtc);
	ck_assert_uint_eq(rd(0x50), 0xa5);
	ck_assert_uint_eq(rd(B) & 0x78, 0);
}
END_TEST

static void disturb(void)
{
	wr(B, B_SET);
	wr(0, 0);
	wr(0x50, 1);
}

START_TEST(save_and_load_keep_time_and_alarm)
{
	wr(B, B_UIE | B_24H);
	rig_save_load(rtc, disturb);
	check_time(0x22, 0x13, 0x20);
	rig_advance(NS_PER_SEC);
	ck_assert(irq8.level);
	ck_assert_uint_eq(rd(0x50), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		shows_the_time_of_day_in_bcd, binary_and_12_hour_formats,
		set_time_runs_on, divider_reset_sets_the_phase,
		update_in_progress_comes_before_the_second,
		update_ended_interrupts_each_second,
		flags_show_without_interrupts, periodic_rates,
		late_periods_are_paid_back,
		alarm_goes_off_once_and_with_wildcards,
		impossible_alarm_never_goes_off, cmos_memory_and_checksum,
		save_and_load_keep_time_and_alarm,
	};

	return rig_main("mc146818", setup, tests, ARRAY_SIZE(tests));
}
