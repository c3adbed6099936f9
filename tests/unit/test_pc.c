// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The whole set of devices: interrupts from a device through both controllers
 * to the processor's pin, save and load while in use, and random accesses.
 */
#include "tests/unit/rig.h"

#include <string.h>

#include "backends/char.h"
#include "hypervisor/ioapic.h"
#include "hypervisor/lapic.h"
#include "hypervisor/mem.h"
#include "hypervisor/pc.h"

#define CASES		1000000

static struct mem *mem;
static struct pc *pc;
static struct rig_wire intr, nmi;
static unsigned events[PC_UNSUPPORTED + 1];

static void on_event(void *opaque, enum pc_event ev, unsigned arg,
		     const char *text)
{
	events[ev]++;
}

static const struct char_receiver *receiver;
static void *receiver_opaque;

static size_t null_write(struct char_backend *b, const uint8_t *buf,
			 size_t len)
{
	return len;
}

static void null_receiver(struct char_backend *b,
			  const struct char_receiver *r, void *opaque)
{
	receiver = r;
	receiver_opaque = opaque;
}

static void null_resume(struct char_backend *b)
{
}

static const struct char_ops null_ops = {
	.name = "test", .write = null_write, .set_receiver = null_receiver,
	.resume_input = null_resume,
};
static struct char_backend backend = { &null_ops };

static void setup(void)
{
	struct pc_config cfg = { .event = on_event };
	char err[160];

	rig_setup();
	ck_assert_int_eq(mem_create(&mem, 16 * MIB), 0);
	cfg.mem = mem;
	cfg.ports = rig_ports;
	cfg.clock = rig_clock;
	cfg.serial[0] = &backend;
	cfg.intr[0] = rig_irq(&intr);
	cfg.nmi[0] = rig_irq(&nmi);
	ck_assert_msg(!pc_create(&pc, &cfg, err), "%s", err);
	pc_direct_boot(pc);
}

static void lapic_write(unsigned reg, uint32_t val)
{
	mem_mmio_write(mem, LAPIC_DEFAULT_BASE + reg, 4, val);
}

static void redirect(unsigned pin, uint32_t entry)
{
	mem_mmio_write(mem, IOAPIC_BASE, 4, 0x10 + 2 * pin);
	mem_mmio_write(mem, IOAPIC_BASE + 0x10, 4, entry);
}

static void init_pics(void)
{
	static const uint8_t master[] = { 0x30, 0x04, 0x01, 0x00 };
	static const uint8_t slave[] = { 0x38, 0x02, 0x01, 0x00 };

	out8(0x20, 0x11);
	out8(0xa0, 0x11);
	for (unsigned i = 0; i < 4; i++) {
		out8(0x21, master[i]);
		out8(0xa1, slave[i]);
	}
}

static void start_pit(uint16_t count)
{
	out8(0x43, 0x34);
	out8(0x40, count);
	out8(0x40, count >> 8);
}

START_TEST(virtual_wire_brings_the_8259_through)
{
	init_pics();
	start_pit(1193);
	ck_assert_int_eq(pc_intr_ack(pc, 0), 0x30);	/* OUT rose */
	out8(0x20, 0x20);
	ck_assert(!intr.level);
	rig_advance(1100000);
	ck_assert(intr.level);
	ck_assert_int_eq(pc_intr_ack(pc, 0), 0x30);
}
END_TEST

START_TEST(io_apic_has_the_timer_on_pin_2)
{
	out8(0x21, 0xff);
	redirect(2, 0x51);
	start_pit(1193);
	rig_advance(1100000);
	ck_assert_int_eq(pc_intr_ack(pc, 0), 0x51);
	lapic_write(0xb0, 0);
	rig_advance(1000000);
	ck_assert_int_eq(pc_intr_ack(pc, 0), 0x51);
}
END_TEST

START_TEST(serial_input_interrupts_on_line_4)
{
	redirect(4, 0x54);
	out8(0x3fb, 0x03);
	out8(0x3fc, 0x0b);
	out8(0x3f9, 0x01);
	ck_assert(!intr.level);
	receiver->receive(receiver_opaque, (const uint8_t *)"x", 1);
	ck_assert_int_eq(pc_intr_ack(pc, 0), 0x54);
	ck_assert_uint_eq(in8(0x3f8), 'x');
}
END_TEST

START_TEST(power_button_is_a_level_on_line_9)
{
	redirect(9, 0x8059);
	ports_write(rig_ports, 0x602, 2, 0x100);
	pc_power_button(pc);
	ck_assert_int_eq(pc_intr_ack(pc, 0), 0x59);
	lapic_write(0xb0, 0);
	ck_assert(intr.level);			/* not served yet */
	ck_assert_int_eq(pc_intr_ack(pc, 0), 0x59);
	ports_write(rig_ports, 0x600, 2, 0x100);
	lapic_write(0xb0, 0);
	ck_assert(!intr.level);
}
END_TEST

/* Both 8042 and port 92h gate line 20; either keeps it open. */
START_TEST(a20_needs_both_gates_closed)
{
	out8(0x92, 2);
	out8(0x64, 0xdd);
	ck_assert_uint_eq(mem->a20_mask, ~0ULL);
	out8(0x92, 0);
	ck_assert_uint_eq(mem->a20_mask, ~(gpa_t)MIB);
	out8(0x64, 0xdf);
	ck_assert_uint_eq(mem->a20_mask, ~0ULL);
}
END_TEST

START_TEST(cmos_holds_the_memory_size)
{
	out8(0x70, 0x35);
	ck_assert_uint_eq(in8(0x71), 0);
	out8(0x70, 0x17);
	ck_assert_uint_eq(in8(0x71), (15 * 1024) & 0xff);
	out8(0x70, 0x18);
	ck_assert_uint_eq(in8(0x71), (15 * 1024) >> 8);
}
END_TEST

/*
 * Random accesses: to ports that exist, mostly, and to the APICs.
 */

static uint64_t seed;

static uint32_t rnd(void)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return seed >> 33;
}

static const uint16_t bases[] = {
	0x20, 0xa0, 0x40, 0x43, 0x61, 0x60, 0x64, 0x70, 0x71, 0x92, 0x3f8,
	0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x4d0, 0x600, 0x604, 0xcf8, 0xcfc, 0xf4,
};

static void random_pio(void)
{
	uint16_t port = bases[rnd() % ARRAY_SIZE(bases)] + (rnd() & 3 & rnd());
	unsigned size = 1u << rnd() % 3;

	if (rnd() & 1)
		ports_read(rig_ports, port, size);
	else if (port == 0xcf8 && rnd() & 1)
		ports_write(rig_ports, port, 4,
			    0x80000000 | (rnd() & 0x1ffc));
	else
		ports_write(rig_ports, port, size, rnd() << 1 ^ rnd());
}

static void random_mmio(void)
{
	gpa_t gpa = rnd() & 1 ? LAPIC_DEFAULT_BASE + (rnd() & 0x3f) * 16 :
		    IOAPIC_BASE + (rnd() & 1) * 16;
	uint32_t val = rnd() & 3 ? rnd() & 0xff : rnd() << 1;

	if (rnd() & 1)
		mem_mmio_read(mem, gpa, 4);
	else
		mem_mmio_write(mem, gpa, 4, val);
}

static void random_step(void)
{
	unsigned what = rnd() % 16;

	if (what < 9)
		random_pio();
	else if (what < 13)
		random_mmio();
	else if (what == 13)
		rig_advance(rnd() % 3000000);
	else if (intr.level)
		pc_intr_ack(pc, 0);
	else if (receiver->room(receiver_opaque))
		receiver->receive(receiver_opaque, (const uint8_t *)"r", 1);
}

/*
 * A state saved in the middle of random use, loaded, and saved again is the
 * same; and the two go on alike.
 */
START_TEST(save_and_load_in_the_middle_of_anything)
{
	seed = _i + 1;
	for (unsigned i = 0; i < 500; i++)
		random_step();
	for (unsigned round = 0; round < 20; round++) {
		struct state a = { 0 }, b = { 0 };
		bool level = intr.level;

		for (unsigned i = 0; i < 50; i++)
			random_step();
		level = intr.level;
		ck_assert_int_eq(pc_save(pc, &a), 0);
		pc_reset(pc);
		ck_assert_int_eq(pc_load(pc, &a), 0);
		ck_assert_int_eq(pc_save(pc, &b), 0);
		ck_assert_uint_eq(a.len, b.len);
		ck_assert(!memcmp(a.data, b.data, a.len));
		ck_assert_int_eq(intr.level, level);
		state_free(&a);
		state_free(&b);
	}
}
END_TEST

START_TEST(random_accesses_are_survived)
{
	seed = 1000 + _i;
	for (unsigned i = 0; i < CASES / 10; i++)
		random_step();
	pc_reset(pc);
	pc_direct_boot(pc);
	ck_assert(!intr.level);
}
END_TEST

/* Every byte of a saved state in turn is damaged: refused or survived. */
START_TEST(damaged_states_do_no_harm)
{
	struct state s = { 0 };

	seed = 7;
	for (unsigned i = 0; i < 2000; i++)
		random_step();
	ck_assert_int_eq(pc_save(pc, &s), 0);
	for (size_t at = 0; at < s.len; at++) {
		uint8_t was = s.data[at];

		s.data[at] ^= 1u << rnd() % 8;
		s.pos = 0;
		pc_load(pc, &s);
		s.data[at] = was;
		for (unsigned i = 0; i < 20; i++)
			random_step();
	}
	state_free(&s);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		virtual_wire_brings_the_8259_through,
		io_apic_has_the_timer_on_pin_2,
		serial_input_interrupts_on_line_4,
		power_button_is_a_level_on_line_9,
		a20_needs_both_gates_closed, cmos_holds_the_memory_size,
		damaged_states_do_no_harm,
	};
	Suite *s = suite_create("pc");
	TCase *t = tcase_create("pc");
	SRunner *r = srunner_create(s);

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(t, tests[i]);
	tcase_add_loop_test(t, save_and_load_in_the_middle_of_anything, 0, 10);
	tcase_add_loop_test(t, random_accesses_are_survived, 0, 10);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
