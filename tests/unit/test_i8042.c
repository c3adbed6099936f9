// SPDX-License-Identifier: GPL-2.0-or-later
/* i8042 with keyboard and mouse. */
#include "tests/unit/rig.h"

#include "hypervisor/i8042.h"

static struct i8042 *kbc;
static struct rig_wire irq1, irq12, a20, reset_line;

static void setup(void)
{
	struct irq i1 = rig_irq(&irq1), i12 = rig_irq(&irq12);
	struct irq a = rig_irq(&a20), r = rig_irq(&reset_line);

	rig_setup();
	ck_assert_int_eq(i8042_create(&kbc, rig_ports, &i1, &i12, &a, &r), 0);
}

static void command(uint8_t cmd)
{
	out8(0x64, cmd);
}

static void expect(const uint8_t *bytes, unsigned n, uint8_t status)
{
	while (n--) {
		ck_assert_uint_eq(in8(0x64) & 0x21, status);
		ck_assert_uint_eq(in8(0x60), *bytes++);
	}
}

#define EXPECT(status, ...) \
	expect((uint8_t[]){ __VA_ARGS__ }, \
	       sizeof((uint8_t[]){ __VA_ARGS__ }), status)
#define KBD	0x01
#define AUX	0x21

static void expect_nothing(void)
{
	ck_assert_uint_eq(in8(0x64) & 1, 0);
}

START_TEST(self_tests)
{
	expect_nothing();
	command(0xaa);
	EXPECT(KBD, 0x55);
	ck_assert_uint_eq(in8(0x64) & 4, 4);
	command(0xab);
	EXPECT(KBD, 0);
	command(0xa9);
	EXPECT(KBD, 0);
	expect_nothing();
}
END_TEST

START_TEST(command_byte_reads_back)
{
	command(0x60);
	out8(0x60, 0x47);
	command(0x20);
	EXPECT(KBD, 0x47);
	command(0xad);
	command(0xa7);
	command(0x20);
	EXPECT(KBD, 0x77);
	command(0xae);
	command(0xa8);
	command(0x20);
	EXPECT(KBD, 0x47);
	command(0x65);
	out8(0x60, 0x12);
	command(0x25);
	EXPECT(KBD, 0x12);
}
END_TEST

START_TEST(keyboard_reset_and_identify)
{
	out8(0x60, 0xff);
	ck_assert(irq1.level);
	EXPECT(KBD, 0xfa, 0xaa);
	ck_assert(!irq1.level);
	out8(0x60, 0xf2);
	EXPECT(KBD, 0xfa, 0xab, 0x41);	/* 83h, translated */
	command(0x60);
	out8(0x60, 0x05);		/* translation off */
	out8(0x60, 0xf2);
	EXPECT(KBD, 0xfa, 0xab, 0x83);
	out8(0x60, 0xee);
	EXPECT(KBD, 0xee);
	out8(0x60, 0xed);
	EXPECT(KBD, 0xfa);
	out8(0x60, 0x02);
	EXPECT(KBD, 0xfa);
	out8(0x60, 0x00);
	EXPECT(KBD, 0xfe);
}
END_TEST

START_TEST(keys_in_both_sets)
{
	i8042_key(kbc, 0x1e, true);
	i8042_key(kbc, 0x1e, false);
	i8042_key(kbc, 0xe048, true);
	i8042_key(kbc, 0xe048, false);
	EXPECT(KBD, 0x1e, 0x9e, 0xe0, 0x48, 0xe0, 0xc8);
	command(0x60);
	out8(0x60, 0x05);
	i8042_key(kbc, 0x1e, true);
	i8042_key(kbc, 0x1e, false);
	EXPECT(KBD, 0x1c, 0xf0, 0x1c);
	expect_nothing();
}
END_TEST

START_TEST(each_key_byte_is_an_edge)
{
	i8042_key(kbc, 0x1e, true);
	i8042_key(kbc, 0x30, true);
	ck_assert_uint_eq(irq1.rises, 1);
	in8(0x60);
	ck_assert_uint_eq(irq1.rises, 2);
	in8(0x60);
	ck_assert(!irq1.level);
}
END_TEST

START_TEST(disabled_keyboard_keeps_its_keys)
{
	command(0xad);
	i8042_key(kbc, 0x1e, true);
	expect_nothing();
	command(0xae);
	EXPECT(KBD, 0x1e);
}
END_TEST

START_TEST(mouse_answers_on_its_own_line)
{
	command(0x60);
	out8(0x60, 0x47);
	command(0xd4);
	out8(0x60, 0xff);
	ck_assert(irq12.level);
	ck_assert(!irq1.level);
	EXPECT(AUX, 0xfa, 0xaa, 0x00);
	command(0xd4);
	out8(0x60, 0xf4);
	EXPECT(AUX, 0xfa);
	i8042_mouse(kbc, 5, -3, 0, 1);
	EXPECT(AUX, 0x29, 5, 0xfd);
	command(0xd4);
	out8(0x60, 0xe9);
	EXPECT(AUX, 0xfa, 0x24, 2, 100);
	command(0xd3);
	out8(0x60, 0x99);
	EXPECT(AUX, 0x99);
}
END_TEST

START_TEST(wheel_knock)
{
	static const uint8_t rates[] = { 200, 100, 80 };

	for (unsigned i = 0; i < 3; i++) {
		command(0xd4);
		out8(0x60, 0xf3);
		command(0xd4);
		EXPECT(AUX, 0xfa);
		out8(0x60, rates[i]);
		EXPECT(AUX, 0xfa);
	}
	command(0xd4);
	out8(0x60, 0xf2);
	EXPECT(AUX, 0xfa, 3);
	command(0xd4);
	out8(0x60, 0xf4);
	EXPECT(AUX, 0xfa);
	i8042_mouse(kbc, 0, 0, -1, 0);
	EXPECT(AUX, 0x08, 0, 0, 0xff);
}
END_TEST

START_TEST(output_port_gates_a20_and_resets)
{
	ck_assert(a20.level);
	command(0xd0);
	EXPECT(KBD, 0x03);
	command(0xd1);
	out8(0x60, 0xdd);
	ck_assert(!a20.level);
	command(0xdf);
	ck_assert(a20.level);
	ck_assert_uint_eq(reset_line.rises, 0);
	command(0xff);			/* pulses nothing */
	ck_assert_uint_eq(reset_line.rises, 0);
	command(0xfe);
	ck_assert_uint_eq(reset_line.rises, 1);
	command(0xd1);
	out8(0x60, 0xde);
	ck_assert_uint_eq(reset_line.rises, 2);
}
END_TEST

static void disturb(void)
{
	command(0x60);
	out8(0x60, 0);
	while (in8(0x64) & 1)
		in8(0x60);
}

START_TEST(save_and_load_keep_the_queue)
{
	i8042_key(kbc, 0x1e, true);
	i8042_key(kbc, 0x30, true);
	rig_save_load(kbc, disturb);
	EXPECT(KBD, 0x1e, 0x30);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		self_tests, command_byte_reads_back,
		keyboard_reset_and_identify, keys_in_both_sets,
		each_key_byte_is_an_edge, disabled_keyboard_keeps_its_keys,
		mouse_answers_on_its_own_line, wheel_knock,
		output_port_gates_a20_and_resets,
		save_and_load_keep_the_queue,
	};

	return rig_main("i8042", setup, tests, ARRAY_SIZE(tests));
}
