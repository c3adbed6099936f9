// SPDX-License-Identifier: GPL-2.0-or-later
/* 8259A pair against the datasheet's priority, EOI and mode rules. */
#include "tests/unit/rig.h"

#include "hypervisor/i8259.h"

#define MASTER		0x20
#define SLAVE		0xa0
#define EOI		0x20
#define READ_IRR	0x0a
#define READ_ISR	0x0b

static struct i8259 *pic;
static struct rig_wire intr;

static void init_chip(unsigned port, uint8_t base, uint8_t icw3, uint8_t icw4)
{
	out8(port, 0x11);
	out8(port + 1, base);
	out8(port + 1, icw3);
	out8(port + 1, icw4);
}

static void setup(void)
{
	struct irq irq = rig_irq(&intr);

	rig_setup();
	ck_assert_int_eq(i8259_create(&pic, rig_ports, &irq), 0);
	init_chip(MASTER, 0x30, 0x04, 0x01);
	init_chip(SLAVE, 0x38, 0x02, 0x01);
}

static void pulse(unsigned n)
{
	i8259_set(pic, n, false);
	i8259_set(pic, n, true);
}

static uint8_t reg(unsigned port, uint8_t ocw3)
{
	out8(port, ocw3);
	return in8(port);
}

START_TEST(edge_is_served_once)
{
	pulse(4);
	ck_assert(intr.level);
	ck_assert_int_eq(i8259_ack(pic), 0x34);
	ck_assert(!intr.level);
	out8(MASTER, EOI);
	ck_assert(!intr.level);
	i8259_set(pic, 4, false);
	i8259_set(pic, 4, true);
	ck_assert(intr.level);
}
END_TEST

START_TEST(higher_priority_nests_lower_waits)
{
	pulse(4);
	ck_assert_int_eq(i8259_ack(pic), 0x34);
	pulse(6);
	ck_assert(!intr.level);
	pulse(1);
	ck_assert(intr.level);
	ck_assert_int_eq(i8259_ack(pic), 0x31);
	ck_assert_uint_eq(reg(MASTER, READ_ISR), 0x12);
	out8(MASTER, EOI);
	ck_assert_uint_eq(reg(MASTER, READ_ISR), 0x10);
	ck_assert(!intr.level);
	out8(MASTER, EOI);
	ck_assert_int_eq(i8259_ack(pic), 0x36);
}
END_TEST

START_TEST(slave_requests_come_through_the_cascade)
{
	pulse(12);
	ck_assert(intr.level);
	ck_assert_int_eq(i8259_ack(pic), 0x3c);
	ck_assert_uint_eq(reg(MASTER, READ_ISR), 0x04);
	ck_assert_uint_eq(reg(SLAVE, READ_ISR), 0x10);
	out8(SLAVE, EOI);
	out8(MASTER, EOI);
	pulse(9);
	pulse(14);
	ck_assert_int_eq(i8259_ack(pic), 0x39);
	out8(SLAVE, EOI);
	out8(MASTER, EOI);
	ck_assert_int_eq(i8259_ack(pic), 0x3e);
}
END_TEST

START_TEST(slave_nests_only_in_special_fully_nested_mode)
{
	pulse(12);
	i8259_ack(pic);
	pulse(9);
	ck_assert(!intr.level);
	out8(SLAVE, EOI);
	out8(MASTER, EOI);
	ck_assert_int_eq(i8259_ack(pic), 0x39);

	init_chip(MASTER, 0x30, 0x04, 0x11);
	init_chip(SLAVE, 0x38, 0x02, 0x01);
	pulse(12);
	ck_assert_int_eq(i8259_ack(pic), 0x3c);
	pulse(9);
	ck_assert(intr.level);
	ck_assert_int_eq(i8259_ack(pic), 0x39);
}
END_TEST

START_TEST(mask_holds_requests_back)
{
	out8(MASTER + 1, 0x10);
	ck_assert_uint_eq(in8(MASTER + 1), 0x10);
	pulse(4);
	ck_assert(!intr.level);
	ck_assert_uint_eq(reg(MASTER, READ_IRR), 0x10);
	ck_assert(!i8259_pending(pic, 4));
	out8(MASTER + 1, 0);
	ck_assert(intr.level);
	ck_assert(i8259_pending(pic, 4));
}
END_TEST

START_TEST(request_that_goes_away_is_spurious_level_7)
{
	pulse(4);
	i8259_set(pic, 4, false);
	ck_assert(!intr.level);
	ck_assert_int_eq(i8259_ack(pic), 0x37);
	ck_assert_uint_eq(reg(MASTER, READ_ISR), 0);
}
END_TEST

START_TEST(specific_eoi_and_rotations)
{
	pulse(3);
	i8259_ack(pic);
	out8(MASTER, 0x60 | 3);
	ck_assert_uint_eq(reg(MASTER, READ_ISR), 0);

	/* Rotate on non-specific EOI: 3 becomes the lowest. */
	i8259_set(pic, 3, false);
	pulse(3);
	i8259_ack(pic);
	out8(MASTER, 0xa0);
	pulse(1);
	pulse(5);
	ck_assert_int_eq(i8259_ack(pic), 0x35);
	out8(MASTER, EOI);
	ck_assert_int_eq(i8259_ack(pic), 0x31);
	out8(MASTER, EOI);

	/* Set priority: 5 the lowest, so 6 the highest. */
	out8(MASTER, 0xc0 | 5);
	pulse(0);
	pulse(6);
	ck_assert_int_eq(i8259_ack(pic), 0x36);
}
END_TEST

START_TEST(automatic_eoi_leaves_nothing_in_service)
{
	init_chip(MASTER, 0x30, 0x04, 0x03);
	pulse(4);
	ck_assert_int_eq(i8259_ack(pic), 0x34);
	ck_assert_uint_eq(reg(MASTER, READ_ISR), 0);
	/* Rotating: 4 is the lowest now. */
	out8(MASTER, 0x80);
	pulse(4);
	i8259_ack(pic);
	pulse(4);
	pulse(6);
	ck_assert_int_eq(i8259_ack(pic), 0x36);
}
END_TEST

START_TEST(special_mask_lets_lower_levels_in)
{
	pulse(2 + 1);
	ck_assert_int_eq(i8259_ack(pic), 0x33);
	pulse(6);
	ck_assert(!intr.level);
	out8(MASTER + 1, 0x08);
	out8(MASTER, 0x68);
	ck_assert(intr.level);
	ck_assert_int_eq(i8259_ack(pic), 0x36);
	/* A non-specific EOI does not clear a masked level (datasheet). */
	out8(MASTER, EOI);
	ck_assert_uint_eq(reg(MASTER, READ_ISR), 0x08);
	out8(MASTER, 0x48);
	out8(MASTER, EOI);
	ck_assert_uint_eq(reg(MASTER, READ_ISR), 0);
}
END_TEST

START_TEST(poll_is_an_acknowledge)
{
	out8(MASTER, 0x0c);
	ck_assert_uint_eq(in8(MASTER) & 0x80, 0);
	pulse(5);
	out8(MASTER, 0x0c);
	ck_assert_uint_eq(in8(MASTER), 0x85);
	ck_assert(!intr.level);
	ck_assert_uint_eq(reg(MASTER, READ_ISR), 0x20);
}
END_TEST

START_TEST(elcr_makes_inputs_levels)
{
	out8(0x4d0, 0xff);
	out8(0x4d1, 0xff);
	ck_assert_uint_eq(in8(0x4d0), 0xf8);
	ck_assert_uint_eq(in8(0x4d1), 0xde);
	i8259_set(pic, 10, true);
	ck_assert_int_eq(i8259_ack(pic), 0x3a);
	out8(SLAVE, EOI);
	out8(MASTER, EOI);
	ck_assert(intr.level);		/* the device still asks */
	i8259_set(pic, 10, false);
	ck_assert(!intr.level);
}
END_TEST

START_TEST(icw1_resets_masks_and_edges)
{
	out8(MASTER + 1, 0xff);
	pulse(4);
	init_chip(MASTER, 0x50, 0x04, 0x01);
	ck_assert_uint_eq(in8(MASTER + 1), 0);
	ck_assert(!intr.level);		/* the edge was forgotten */
	pulse(4);
	ck_assert_int_eq(i8259_ack(pic), 0x54);
}
END_TEST

static void disturb(void)
{
	init_chip(MASTER, 0x70, 0x04, 0x03);
	out8(MASTER + 1, 0xff);
}

START_TEST(save_and_load_keep_requests)
{
	pulse(3);
	i8259_ack(pic);
	pulse(1);
	rig_save_load(pic, disturb);
	ck_assert_uint_eq(reg(MASTER, READ_ISR), 0x08);
	ck_assert_int_eq(i8259_ack(pic), 0x31);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		edge_is_served_once, higher_priority_nests_lower_waits,
		slave_requests_come_through_the_cascade,
		slave_nests_only_in_special_fully_nested_mode,
		mask_holds_requests_back,
		request_that_goes_away_is_spurious_level_7,
		specific_eoi_and_rotations,
		automatic_eoi_leaves_nothing_in_service,
		special_mask_lets_lower_levels_in, poll_is_an_acknowledge,
		elcr_makes_inputs_levels, icw1_resets_masks_and_edges,
		save_and_load_keep_requests,
	};

	return rig_main("i8259", setup, tests, ARRAY_SIZE(tests));
}
