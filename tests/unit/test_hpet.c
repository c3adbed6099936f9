// SPDX-License-Identifier: GPL-2.0-or-later
/* HPET, by its registers. */
#include "tests/unit/rig.h"

#include "hypervisor/hpet.h"

#define CAP	0x000
#define CONFIG	0x010
#define STATUS	0x020
#define COUNTER	0x0f0
#define TN(n)	(0x100 + 0x20 * (n))
#define MATCH(n) (TN(n) + 8)
#define EDGE	0x004		/* enabled, one match, 64 bits */
#define PERIODIC 0x00c
#define LEVEL	0x006
#define SET	0x040
#define NARROW	0x100
#define PIN(n)	((n) << 9)

static struct hpet *hpet;
static struct rig_wire irq0, irq8, pins[32];
static bool legacy;

static void route(void *opaque, unsigned pin, bool level)
{
	pins[pin].level = level;
	pins[pin].rises += level;
}

static void on_legacy(void *opaque, bool on)
{
	legacy = on;
}

static void setup(void)
{
	struct hpet_config cfg = {
		.mem = rig_mem(), .route = route, .legacy = on_legacy,
	};

	rig_setup();
	cfg.clock = rig_clock;
	cfg.irq0 = rig_irq(&irq0);
	cfg.irq8 = rig_irq(&irq8);
	ck_assert_int_eq(hpet_create(&hpet, &cfg), 0);
}

static uint64_t in(unsigned reg)
{
	return mem_mmio_read(rig_mem(), HPET_BASE + reg, 8);
}

static void out(unsigned reg, uint64_t val)
{
	mem_mmio_write(rig_mem(), HPET_BASE + reg, 8, val);
}

static void out32(unsigned reg, uint32_t val)
{
	mem_mmio_write(rig_mem(), HPET_BASE + reg, 4, val);
}

START_TEST(counter_counts_while_enabled)
{
	ck_assert_uint_eq(in(CAP), 10000000ULL << 32 | 0x8086a201);
	rig_advance(1000);
	ck_assert_uint_eq(in(COUNTER), 0);
	out(COUNTER, 0x1ffffffff);
	out(CONFIG, 1);
	rig_advance(1000);
	ck_assert_uint_eq(in(COUNTER), 0x1ffffffffULL + 100);
	ck_assert_uint_eq(mem_mmio_read(rig_mem(), HPET_BASE + COUNTER, 4),
			  99);
	ck_assert_uint_eq(mem_mmio_read(rig_mem(), HPET_BASE + COUNTER + 4,
					4), 2);
	out(CONFIG, 0);
	rig_advance(1000);
	ck_assert_uint_eq(in(COUNTER), 0x1ffffffffULL + 100);
	/* Bytes are not for reading. */
	ck_assert_uint_eq(mem_mmio_read(rig_mem(), HPET_BASE, 1), 0);
}
END_TEST

START_TEST(one_match_one_interrupt)
{
	out(TN(0), EDGE | PIN(21));
	out(MATCH(0), 100);
	out(CONFIG, 1);
	rig_advance(990);
	ck_assert_uint_eq(pins[21].rises, 0);
	rig_advance(20);
	ck_assert_uint_eq(pins[21].rises, 1);
	ck_assert(!pins[21].level);
	ck_assert_uint_eq(in(STATUS), 0);
	rig_advance(1000000000);
	ck_assert_uint_eq(pins[21].rises, 1);
}
END_TEST

START_TEST(narrow_comparator_matches_again_after_4_gi)
{
	out(TN(1), EDGE | NARROW | PIN(20));
	out(MATCH(1), 0xf00000064ULL);
	ck_assert_uint_eq(in(MATCH(1)), 100);
	out(CONFIG, 1);
	rig_advance(1010);
	ck_assert_uint_eq(pins[20].rises, 1);
	rig_advance(0xfffffff0ULL * 10);
	ck_assert_uint_eq(pins[20].rises, 1);
	rig_advance(200);
	ck_assert_uint_eq(pins[20].rises, 2);
}
END_TEST

/* As Linux programs it: the first match behind SET, then the period. */
START_TEST(periodic_timer_keeps_its_period)
{
	out32(TN(0), PERIODIC | SET | NARROW | PIN(22));
	out32(MATCH(0), 1000);
	out32(MATCH(0), 300);
	out(CONFIG, 1);
	rig_advance(9990);
	ck_assert_uint_eq(pins[22].rises, 0);
	rig_advance(20);
	ck_assert_uint_eq(pins[22].rises, 1);
	ck_assert_uint_eq(in(MATCH(0)), 1300);
	for (unsigned i = 0; i < 10; i++)
		rig_advance(3000);
	ck_assert_uint_eq(pins[22].rises, 11);
	/* A period of 64 bits, in halves. */
	out(TN(0), PERIODIC | PIN(22));
	out32(MATCH(0), 500);
	out32(MATCH(0) + 4, 0);
	rig_advance(3000);
	rig_advance(4000);
	ck_assert_uint_eq(pins[22].rises, 12);
	rig_advance(1000);
	ck_assert_uint_eq(pins[22].rises, 13);
}
END_TEST

START_TEST(level_holds_until_status_is_cleared)
{
	out(TN(2), LEVEL | PIN(23));
	out(MATCH(2), 10);
	out(CONFIG, 1);
	rig_advance(200);
	ck_assert(pins[23].level);
	ck_assert_uint_eq(in(STATUS), 4);
	out(STATUS, 3);
	ck_assert(pins[23].level);
	out32(STATUS + 4, 0xffffffff);
	ck_assert(pins[23].level);
	/* Moved to another pin while it is high. */
	out(TN(2), LEVEL | PIN(20));
	ck_assert(!pins[23].level && pins[20].level);
	out(STATUS, 4);
	ck_assert(!pins[20].level);
	ck_assert_uint_eq(in(STATUS), 0);
}
END_TEST

START_TEST(routes_that_do_not_exist_lead_nowhere)
{
	out(TN(0), LEVEL | PIN(5));
	out(MATCH(0), 10);
	out(CONFIG, 1);
	rig_advance(200);
	ck_assert_uint_eq(in(STATUS), 1);
	for (unsigned i = 0; i < 32; i++)
		ck_assert_uint_eq(pins[i].rises, 0);
	ck_assert_uint_eq(irq0.rises, 0);
	ck_assert_uint_eq(in(TN(0)) >> 32, HPET_ROUTES);
}
END_TEST

START_TEST(legacy_replacement_takes_lines_0_and_8)
{
	out(TN(0), EDGE | PIN(20));
	out(TN(1), EDGE | PIN(20));
	out(TN(2), EDGE | PIN(20));
	for (unsigned n = 0; n < 3; n++)
		out(MATCH(n), 10);
	out(CONFIG, 3);
	ck_assert(legacy);
	rig_advance(200);
	ck_assert_uint_eq(irq0.rises, 1);
	ck_assert_uint_eq(irq8.rises, 1);
	ck_assert_uint_eq(pins[20].rises, 1);
	device_reset((struct device *)hpet);
	ck_assert(!legacy);
	ck_assert_uint_eq(in(CONFIG), 0);
}
END_TEST

static void disturb(void)
{
	out(CONFIG, 0);
	out(TN(0), 0);
	out(COUNTER, 5);
}

START_TEST(save_and_load_while_it_runs)
{
	out(TN(0), PERIODIC | SET | PIN(21));
	out(MATCH(0), 100);
	out(CONFIG, 1);
	rig_advance(500);
	rig_save_load(hpet, disturb);
	ck_assert_uint_eq(in(COUNTER), 50);
	rig_advance(510);
	ck_assert_uint_eq(pins[21].rises, 1);
	rig_advance(1000);
	ck_assert_uint_eq(pins[21].rises, 2);
}
END_TEST

int main(void)
{
	const TTest *const list[] = {
		counter_counts_while_enabled, one_match_one_interrupt,
		narrow_comparator_matches_again_after_4_gi,
		periodic_timer_keeps_its_period,
		level_holds_until_status_is_cleared,
		routes_that_do_not_exist_lead_nowhere,
		legacy_replacement_takes_lines_0_and_8,
		save_and_load_while_it_runs,
	};

	return rig_main("hpet", setup, list, ARRAY_SIZE(list));
}
