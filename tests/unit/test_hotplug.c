// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Devices that come to a PC's bus and leave it: slots, the event, what the
 * guest sees in configuration space, resets; and the registry.
 */
#include "tests/unit/rig.h"

#include <errno.h>
#include <string.h>

#include "hypervisor/hotplug.h"
#include "hypervisor/mem.h"
#include "hypervisor/pc.h"
#include "hypervisor/pc_device.h"
#include "hypervisor/pci_hotplug.h"

#define PM_BASE		0x600
#define GPE_STATUS	(PM_BASE + 0xc)
#define UP		PCI_HOTPLUG_PORT
#define DOWN		(PCI_HOTPLUG_PORT + 4)
#define EJECT		(PCI_HOTPLUG_PORT + 8)
#define VIRTIO_RNG	0x10051af4

static struct mem *mem;
static struct pc *pc;
static struct hotplug *hp;
static struct rig_wire intr, nmi;
static uint32_t gone;
static char err[HOTPLUG_ERR_LEN];

static const struct pc_device_spec rng = { "virtio-rng", NULL, NULL };

static void on_event(void *opaque, enum pc_event ev, unsigned arg,
		     const char *text)
{
}

static void on_gone(void *opaque, unsigned slot)
{
	gone |= 1u << slot;
}

static void setup(void)
{
	struct pc_config cfg = { .event = on_event, .log = stderr };

	rig_setup();
	ck_assert_int_eq(mem_create(&mem, 16 * MIB), 0);
	hp = hotplug_new();
	hotplug_on_gone(hp, on_gone, NULL);
	cfg.mem = mem;
	cfg.ports = rig_ports;
	cfg.clock = rig_clock;
	cfg.intr[0] = rig_irq(&intr);
	cfg.nmi[0] = rig_irq(&nmi);
	cfg.hotplug = hp;
	ck_assert_msg(!pc_create(&pc, &cfg, err), "%s", err);
	pc_direct_boot(pc);
}

static uint32_t in32(uint16_t port)
{
	return ports_read(rig_ports, port, 4);
}

static void out32(uint16_t port, uint32_t val)
{
	ports_write(rig_ports, port, 4, val);
}

/* The first dword of a slot's configuration space. */
static uint32_t identity(unsigned slot)
{
	out32(0xcf8, 0x80000000u | slot << 11);
	return in32(0xcfc);
}

static unsigned plug(void)
{
	unsigned slot;

	ck_assert_msg(!hotplug_plug(hp, &rng, &slot, err), "%s", err);
	return slot;
}

START_TEST(a_device_comes_with_an_event)
{
	unsigned slot = plug();

	ck_assert_uint_ge(slot, PCI_HOTPLUG_FIRST);
	ck_assert_uint_eq(identity(slot), VIRTIO_RNG);
	ck_assert_uint_eq(in8(GPE_STATUS), 1 << PCI_HOTPLUG_GPE);
	out8(GPE_STATUS, 1 << PCI_HOTPLUG_GPE);
	ck_assert_uint_eq(in8(GPE_STATUS), 0);
	ck_assert_uint_eq(in32(UP), 1u << slot);
}
END_TEST

START_TEST(it_leaves_when_the_guest_lets_go)
{
	unsigned slot = plug();

	ck_assert_int_eq(hotplug_unplug(hp, slot, err), 0);
	ck_assert_uint_eq(in32(DOWN), 1u << slot);
	ck_assert_uint_eq(gone, 0);
	ck_assert_uint_eq(identity(slot), VIRTIO_RNG);
	out32(EJECT, 1u << slot);
	ck_assert_uint_eq(gone, 1u << slot);
	ck_assert_uint_eq(identity(slot), 0xffffffff);
	ck_assert_int_eq(hotplug_unplug(hp, slot, err), -EBUSY);
	/* Its place is free again. */
	ck_assert_uint_eq(plug(), slot);
}
END_TEST

START_TEST(a_guest_may_let_go_unasked)
{
	unsigned slot = plug();

	out32(EJECT, 1u << slot);
	ck_assert_uint_eq(gone, 1u << slot);
	gone = 0;
	out32(EJECT, 0xffffffff);
	ck_assert_uint_eq(gone, 0);
}
END_TEST

START_TEST(a_reset_takes_what_was_asked_for)
{
	unsigned stays = plug(), goes = plug();

	ck_assert_int_eq(hotplug_unplug(hp, goes, err), 0);
	pc_reset(pc);
	ck_assert_uint_eq(gone, 1u << goes);
	ck_assert_uint_eq(identity(goes), 0xffffffff);
	ck_assert_uint_eq(identity(stays), VIRTIO_RNG);
	ck_assert_uint_eq(in32(UP), 0);
}
END_TEST

START_TEST(a_full_bus_says_so)
{
	unsigned slot, n = 0;

	while (!hotplug_plug(hp, &rng, &slot, err))
		n++;
	ck_assert_uint_eq(n, PCI_HOTPLUG_SLOTS - PCI_HOTPLUG_FIRST);
	ck_assert(strstr(err, "full"));
	out32(EJECT, 1u << 20);
	ck_assert_uint_eq(plug(), 20);
}
END_TEST

START_TEST(a_bad_device_leaves_no_trace)
{
	static const char *const keys[] = { "colour=red", NULL };
	struct pc_device_spec bad = { "virtio-rng", NULL, keys };
	struct pc_device_spec none = { "no-such-device", NULL, NULL };
	unsigned slot;

	ck_assert_int_ne(hotplug_plug(hp, &bad, &slot, err), 0);
	ck_assert_int_ne(hotplug_plug(hp, &none, &slot, err), 0);
	ck_assert_uint_eq(in32(UP), 0);
	ck_assert_uint_eq(in8(GPE_STATUS), 0);
	ck_assert_uint_eq(identity(PCI_HOTPLUG_FIRST), 0xffffffff);
}
END_TEST

/*
 * The registry.
 */

static int attach_twice(void *opaque, const struct hotplug_args *a, char *e)
{
	*(unsigned *)opaque += a->n;
	return -EINPROGRESS;
}

static const struct hotplug_class one = { .name = "one",
					  .attach = attach_twice };

START_TEST(classes_are_found_by_name)
{
	struct hotplug_args a = { .n = 7, .keys = { "k=v", "key=", NULL } };
	unsigned sum = 0;

	ck_assert_int_eq(hotplug_add(hp, &one, &sum), 0);
	ck_assert_int_eq(hotplug_add(hp, &one, &sum), -EEXIST);
	ck_assert_int_eq(hotplug_attach(hp, "one", &a, err), -EINPROGRESS);
	ck_assert_uint_eq(sum, 7);
	ck_assert_int_eq(hotplug_attach(hp, "on", &a, err), -ENODEV);
	ck_assert_int_eq(hotplug_detach(hp, "one", 7, err), -ENOTSUP);
	ck_assert_int_eq(hotplug_media(hp, "one", &a, err), -ENOTSUP);
	hotplug_remove(hp, &one);
	ck_assert_int_eq(hotplug_attach(hp, "one", &a, err), -ENODEV);
	ck_assert_str_eq(hotplug_key(&a, "k"), "v");
	ck_assert_str_eq(hotplug_key(&a, "key"), "");
	ck_assert_ptr_null(hotplug_key(&a, "ke"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_device_comes_with_an_event,
		it_leaves_when_the_guest_lets_go, a_guest_may_let_go_unasked,
		a_reset_takes_what_was_asked_for, a_full_bus_says_so,
		a_bad_device_leaves_no_trace, classes_are_found_by_name,
	};

	return rig_main("hotplug", setup, tests, ARRAY_SIZE(tests));
}
