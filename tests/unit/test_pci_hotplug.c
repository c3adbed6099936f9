// SPDX-License-Identifier: GPL-2.0-or-later
/* PCI hotplug registers, as the DSDT.s methods use them. */
#include "tests/unit/rig.h"

#include "hypervisor/pci_hotplug.h"

#define UP	0xae00
#define DOWN	0xae04
#define EJECT	0xae08

static uint32_t in32(uint16_t port)
{
	return ports_read(rig_ports, port, 4);
}

static void out32(uint16_t port, uint32_t val)
{
	ports_write(rig_ports, port, 4, val);
}

static struct pci_hotplug *hp;
static unsigned raised;
static uint32_t ejected;

static void on_event(void *opaque)
{
	raised++;
}

static void on_eject(void *opaque, unsigned slot)
{
	ejected |= 1u << slot;
}

static void setup(void)
{
	struct pci_hotplug_config cfg = { .event = on_event,
					  .eject = on_eject };

	rig_setup();
	cfg.ports = rig_ports;
	ck_assert_int_eq(pci_hotplug_create(&hp, &cfg), 0);
}

START_TEST(a_filled_slot_is_read_once)
{
	pci_hotplug_filled(hp, 5);
	pci_hotplug_filled(hp, 31);
	ck_assert_uint_eq(raised, 2);
	ck_assert_uint_eq(in32(UP), 1u << 5 | 1u << 31);
	ck_assert_uint_eq(in32(UP), 0);
	ck_assert_uint_eq(in32(DOWN), 0);
}
END_TEST

START_TEST(a_slot_is_asked_for_until_it_is_ejected)
{
	pci_hotplug_ask(hp, 3);
	ck_assert_uint_eq(raised, 1);
	ck_assert_uint_eq(in32(DOWN), 8);
	ck_assert_uint_eq(in32(DOWN), 0);
	ck_assert_uint_eq(pci_hotplug_asked(hp), 8);
	out32(EJECT, 8);
	ck_assert_uint_eq(ejected, 8);
	ck_assert_uint_eq(pci_hotplug_asked(hp), 0);
}
END_TEST

START_TEST(the_chipset_cannot_be_ejected)
{
	out32(EJECT, 3);
	ck_assert_uint_eq(ejected, 0);
	out32(EJECT, 0xffffffff);
	ck_assert_uint_eq(ejected, 0xfffffffc);
}
END_TEST

START_TEST(only_dwords_count)
{
	pci_hotplug_filled(hp, 2);
	ck_assert_uint_eq(in8(UP), 0);
	out8(EJECT, 4);
	ck_assert_uint_eq(ejected, 0);
	ck_assert_uint_eq(in32(UP), 4);
}
END_TEST

static void disturb(void)
{
	in32(UP);
	out32(EJECT, 0xff);
}

START_TEST(save_and_load_keep_what_is_pending)
{
	pci_hotplug_filled(hp, 4);
	pci_hotplug_ask(hp, 6);
	rig_save_load(hp, disturb);
	ck_assert_uint_eq(in32(UP), 1u << 4);
	ck_assert_uint_eq(in32(DOWN), 1u << 6);
	ck_assert_uint_eq(pci_hotplug_asked(hp), 1u << 6);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_filled_slot_is_read_once,
		a_slot_is_asked_for_until_it_is_ejected,
		the_chipset_cannot_be_ejected, only_dwords_count,
		save_and_load_keep_what_is_pending,
	};

	return rig_main("pci_hotplug", setup, tests, ARRAY_SIZE(tests));
}
