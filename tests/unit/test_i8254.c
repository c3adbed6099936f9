// SPDX-License-Identifier: GPL-2.0-or-later
/* 8254: the six modes, latches, read-back, BCD, gate, and late ticks. */
#include "tests/unit/rig.h"

#include "hypervisor/i8254.h"

#define CTRL		0x43
#define P61		0x61
#define P61_OUT2	0x20
#define STATUS_OUT	0x80
#define STATUS_NULL	0x40

static struct i8254 *pit;
static struct rig_wire irq0;

static void setup(void)
{
	struct irq irq = rig_irq(&irq0);

	rig_setup();
	ck_assert_int_eq(i8254_create(&pit, rig_ports, rig_clock, &irq), 0);
}

/* Move to the middle of PIT tick @n from guest time 0. */
static void at_tick(uint64_t n)
{
	clock_advance(rig_clock, (2 * n + 1) * NS_PER_SEC / (2 * PIT_HZ));
}

static void load(unsigned ch, unsigned mode, uint16_t count)
{
	out8(CTRL, ch << 6 | 0x30 | mode << 1);
	out8(0x40 + ch, count);
	out8(0x40 + ch, count >> 8);
}

static uint16_t latched(unsigned ch)
{
	uint8_t low;

	out8(CTRL, ch << 6);
	low = in8(0x40 + ch);
	return low | in8(0x40 + ch) << 8;
}

static bool out2(void)
{
	return in8(P61) & P61_OUT2;
}

static uint8_t status(unsigned ch)
{
	out8(CTRL, 0xe0 | 2 << ch);
	return in8(0x40 + ch);
}

START_TEST(mode0_interrupts_once_at_terminal_count)
{
	at_tick(0);
	load(0, 0, 100);
	ck_assert(!irq0.level);
	at_tick(51);
	ck_assert_uint_eq(latched(0), 50);
	at_tick(100);
	ck_assert(!irq0.level);
	at_tick(101);		/* N + 1 clocks after the write */
	ck_assert(irq0.level);
	at_tick(5000);
	ck_assert_uint_eq(irq0.rises, 1);
	ck_assert_uint_eq(latched(0), (uint16_t)(101 - 5000));
	load(0, 0, 10);
	ck_assert(!irq0.level);
}
END_TEST

START_TEST(mode0_first_byte_stops_the_count)
{
	at_tick(0);
	load(0, 0, 100);
	at_tick(50);
	out8(0x40, 200);
	at_tick(500);
	ck_assert_uint_eq(irq0.rises, 0);
	out8(0x40, 0);
	at_tick(500 + 200);
	ck_assert_uint_eq(irq0.rises, 0);
	at_tick(500 + 201);
	ck_assert_uint_eq(irq0.rises, 1);
}
END_TEST

START_TEST(mode0_gate_pauses)
{
	at_tick(0);
	out8(P61, 1);
	load(2, 0, 100);
	at_tick(41);
	out8(P61, 0);
	at_tick(1000);
	ck_assert_uint_eq(latched(2), 60);
	ck_assert(!out2());
	out8(P61, 1);
	at_tick(1059);
	ck_assert(!out2());
	at_tick(1060);
	ck_assert(out2());
}
END_TEST

START_TEST(mode1_is_triggered_by_the_gate)
{
	at_tick(0);
	load(2, 1, 100);
	ck_assert(out2());
	ck_assert(status(2) & STATUS_NULL);
	at_tick(500);
	ck_assert(out2());
	out8(P61, 1);
	at_tick(501);
	ck_assert(!out2());
	ck_assert(!(status(2) & STATUS_NULL));
	/* Retrigger: the pulse gets longer. */
	at_tick(560);
	out8(P61, 0);
	out8(P61, 1);
	at_tick(620);
	ck_assert(!out2());
	at_tick(661);
	ck_assert(out2());
}
END_TEST

START_TEST(mode2_divides)
{
	at_tick(0);
	out8(P61, 1);
	load(2, 2, 4);
	for (unsigned t = 1; t < 20; t++) {
		at_tick(t);
		ck_assert_uint_eq(latched(2), 4 - (t - 1) % 4);
		ck_assert_int_eq(out2(), (t - 1) % 4 != 3);
	}
}
END_TEST

START_TEST(mode2_gate_low_holds_and_rise_reloads)
{
	at_tick(0);
	out8(P61, 1);
	load(2, 2, 100);
	at_tick(31);
	out8(P61, 0);
	at_tick(100);
	ck_assert(out2());
	ck_assert_uint_eq(latched(2), 70);
	out8(P61, 1);
	at_tick(101);
	ck_assert_uint_eq(latched(2), 100);
}
END_TEST

START_TEST(mode2_new_count_waits_for_the_period)
{
	at_tick(0);
	out8(P61, 1);
	load(2, 2, 100);
	at_tick(51);
	out8(0x42, 10);
	out8(0x42, 0);
	ck_assert(status(2) & STATUS_NULL);
	ck_assert_uint_eq(latched(2), 50);
	at_tick(100);
	ck_assert_uint_eq(latched(2), 1);
	at_tick(101);
	ck_assert_uint_eq(latched(2), 10);
	ck_assert(!(status(2) & STATUS_NULL));
	at_tick(111);
	ck_assert_uint_eq(latched(2), 10);
}
END_TEST

START_TEST(mode3_is_a_square_wave)
{
	at_tick(0);
	out8(P61, 1);
	load(2, 3, 6);
	for (unsigned t = 1; t < 30; t++) {
		at_tick(t);
		ck_assert_int_eq(out2(), (t - 1) % 6 < 3);
		ck_assert_uint_eq(latched(2), 6 - 2 * ((t - 1) % 3));
	}
	at_tick(100);
	load(2, 3, 5);		/* odd: 3 high, 2 low */
	for (unsigned t = 0; t < 30; t++) {
		at_tick(101 + t);
		ck_assert_int_eq(out2(), t % 5 < 3);
	}
}
END_TEST

START_TEST(mode3_new_count_waits_for_the_half_period)
{
	at_tick(0);
	out8(P61, 1);
	load(2, 3, 100);
	at_tick(21);
	out8(0x42, 20);
	out8(0x42, 0);
	at_tick(50);
	ck_assert(out2());
	at_tick(51);		/* low half of the new count: 10 ticks */
	ck_assert(!out2());
	at_tick(60);
	ck_assert(!out2());
	at_tick(61);
	ck_assert(out2());
}
END_TEST

START_TEST(mode4_strobes_one_clock)
{
	at_tick(0);
	out8(P61, 1);
	load(2, 4, 10);
	at_tick(10);
	ck_assert(out2());
	at_tick(11);
	ck_assert(!out2());
	at_tick(12);
	ck_assert(out2());
}
END_TEST

START_TEST(mode5_strobes_after_a_trigger)
{
	at_tick(0);
	load(2, 5, 10);
	at_tick(50);
	ck_assert(out2());
	out8(P61, 1);
	at_tick(60);
	ck_assert(out2());
	at_tick(61);
	ck_assert(!out2());
	at_tick(62);
	ck_assert(out2());
}
END_TEST

START_TEST(periodic_interrupts_do_not_drift)
{
	at_tick(0);
	load(0, 2, 11932);		/* about 100 Hz */
	irq0.rises = 0;
	at_tick(11932ULL * 6000);
	ck_assert_uint_eq(irq0.rises, 5999);
	at_tick(11932ULL * 6000 + 1);
	ck_assert_uint_eq(irq0.rises, 6000);
}
END_TEST

START_TEST(late_ticks_are_paid_back)
{
	uint64_t late, lost;

	at_tick(0);
	load(0, 2, 11932);
	irq0.rises = 0;
	irq0.pending = true;
	at_tick(11932 * 10 + 100);
	ck_assert_uint_eq(irq0.rises, 0);
	irq0.pending = false;
	at_tick(11932 * 11);
	ck_assert_uint_eq(irq0.rises, 10);
	i8254_ticks(pit, &late, &lost);
	ck_assert_uint_gt(late, 0);
	ck_assert_uint_eq(lost, 0);
}
END_TEST

START_TEST(latch_holds_until_read)
{
	at_tick(0);
	load(0, 2, 1000);
	at_tick(101);
	out8(CTRL, 0);
	at_tick(201);
	out8(CTRL, 0);		/* a second latch changes nothing */
	ck_assert_uint_eq(in8(0x40), 900 & 0xff);
	ck_assert_uint_eq(in8(0x40), 900 >> 8);
	ck_assert_uint_eq(in8(0x40), 800 & 0xff);
	ck_assert_uint_eq(in8(0x40), 800 >> 8);
}
END_TEST

START_TEST(read_back_gives_status_then_count)
{
	at_tick(0);
	load(0, 2, 1000);
	at_tick(101);
	out8(CTRL, 0xc2);	/* both, channel 0 */
	at_tick(301);
	ck_assert_uint_eq(in8(0x40), STATUS_OUT | 0x34);
	ck_assert_uint_eq(in8(0x40), 900 & 0xff);
	ck_assert_uint_eq(in8(0x40), 900 >> 8);
	out8(CTRL, 0xde);	/* count latch of all three */
	ck_assert_uint_eq(in8(0x40), 700 & 0xff);
}
END_TEST

START_TEST(single_byte_counts)
{
	at_tick(0);
	out8(CTRL, 0x14);	/* LSB only, mode 2 */
	out8(0x40, 50);
	at_tick(11);
	ck_assert_uint_eq(in8(0x40), 40);
	ck_assert_uint_eq(in8(0x40), 40);
	out8(CTRL, 0x24);	/* MSB only */
	out8(0x40, 2);
	at_tick(12 + 0x100);
	ck_assert_uint_eq(in8(0x40), 1);
}
END_TEST

START_TEST(bcd_counts_in_decimal)
{
	at_tick(0);
	out8(CTRL, 0x31);	/* mode 0, BCD */
	out8(0x40, 0x00);
	out8(0x40, 0x10);
	at_tick(2);
	ck_assert_uint_eq(latched(0), 0x0999);
	at_tick(1001);
	ck_assert(irq0.level);
	at_tick(1002);
	ck_assert_uint_eq(latched(0), 0x9999);
}
END_TEST

START_TEST(zero_means_the_longest_count)
{
	at_tick(0);
	load(0, 2, 0);
	irq0.rises = 0;
	at_tick(65536);
	ck_assert_uint_eq(irq0.rises, 0);
	at_tick(65537);
	ck_assert_uint_eq(irq0.rises, 1);
}
END_TEST

START_TEST(port61_bits)
{
	out8(P61, 0xff);
	ck_assert_uint_eq(in8(P61) & 0x0f, 0x0f);
	ck_assert_uint_eq(in8(P61) & 0xc0, 0);
	uint8_t was = in8(P61) & 0x10;
	rig_advance(15085);
	ck_assert_uint_ne(in8(P61) & 0x10, was);
}
END_TEST

static void disturb(void)
{
	load(0, 0, 5);
}

START_TEST(save_and_load_keep_the_phase)
{
	at_tick(0);
	load(0, 2, 1000);
	at_tick(501);
	rig_save_load(pit, disturb);
	irq0.rises = 0;
	ck_assert_uint_eq(latched(0), 500);
	at_tick(1000);
	ck_assert_uint_eq(irq0.rises, 0);
	at_tick(1001);
	ck_assert_uint_eq(irq0.rises, 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		mode0_interrupts_once_at_terminal_count,
		mode0_first_byte_stops_the_count, mode0_gate_pauses,
		mode1_is_triggered_by_the_gate, mode2_divides,
		mode2_gate_low_holds_and_rise_reloads,
		mode2_new_count_waits_for_the_period, mode3_is_a_square_wave,
		mode3_new_count_waits_for_the_half_period,
		mode4_strobes_one_clock, mode5_strobes_after_a_trigger,
		periodic_interrupts_do_not_drift, late_ticks_are_paid_back,
		latch_holds_until_read, read_back_gives_status_then_count,
		single_byte_counts, bcd_counts_in_decimal,
		zero_means_the_longest_count, port61_bits,
		save_and_load_keep_the_phase,
	};

	return rig_main("i8254", setup, tests, ARRAY_SIZE(tests));
}
