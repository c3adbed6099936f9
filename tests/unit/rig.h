/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests of devices share: a port space, a clock that stands still until
 * the test moves it, and wires that remember what happened on them.
 */
#ifndef TESTS_UNIT_RIG_H
#define TESTS_UNIT_RIG_H

#include <check.h>
#include <stdlib.h>

#include "hypervisor/clock.h"
#include "hypervisor/device.h"
#include "hypervisor/irq.h"
#include "hypervisor/loop.h"
#include "hypervisor/mem.h"
#include "hypervisor/ports.h"

static struct loop *rig_loop;
static struct clock *rig_clock;
static struct ports *rig_ports;

struct rig_wire {
	bool level;
	unsigned rises;
	bool pending;		/* what irq_pending() shall say */
};

static inline void rig_setup(void)
{
	ck_assert_int_eq(loop_create(&rig_loop), 0);
	ck_assert_int_eq(clock_create(&rig_clock, rig_loop), 0);
	ck_assert_int_eq(ports_create(&rig_ports), 0);
}

static inline void rig_line(void *opaque, unsigned input, bool level)
{
	struct rig_wire *w = opaque;

	w->level = level;
	w->rises += level;
}

static inline bool rig_pending(void *opaque, unsigned input)
{
	const struct rig_wire *w = opaque;

	return w->pending;
}

static inline struct irq rig_irq(struct rig_wire *w)
{
	struct irq irq;

	irq_init(&irq, rig_line, w, 0);
	irq.pending = rig_pending;
	return irq;
}

static inline uint8_t in8(unsigned port)
{
	return ports_read(rig_ports, port, 1);
}

static inline void out8(unsigned port, uint8_t val)
{
	ports_write(rig_ports, port, 1, val);
}

static inline void rig_advance(uint64_t ns)
{
	clock_advance(rig_clock, clock_now(rig_clock) + ns);
}

/* 16 MiB of guest memory, made at the first call. */
static inline struct mem *rig_mem(void)
{
	static struct mem *m;

	if (!m)
		ck_assert_int_eq(mem_create(&m, 16 * MIB), 0);
	return m;
}

/* Save @d, disturb it with @disturb, load it back. */
static inline void rig_save_load(void *device, void (*disturb)(void))
{
	struct state s = { 0 };

	ck_assert_int_eq(device_save(device, &s), 0);
	disturb();
	ck_assert_int_eq(device_load(device, &s), 0);
	ck_assert_uint_eq(s.pos, s.len);
	state_free(&s);
}

/*
 * Run the tests of @list, one process each, after @setup.  Each is a test case
 * of its own, so that CK_RUN_CASE=NAME picks one.
 */
static inline int rig_main(const char *name, void (*setup)(void),
			   const TTest *const *list, unsigned count)
{
	Suite *s = suite_create(name);
	SRunner *r = srunner_create(s);

	for (unsigned i = 0; i < count; i++) {
		TCase *t = tcase_create(list[i]->name);

		tcase_set_timeout(t, 20);
		if (setup)
			tcase_add_checked_fixture(t, setup, NULL);
		tcase_add_test(t, list[i]);
		suite_add_tcase(s, t);
	}
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
