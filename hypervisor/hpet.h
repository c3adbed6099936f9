/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * High precision event timers: a 64-bit counter at 100 MHz and three
 * comparators.  IA-PC HPET Specification 1.0a.
 */
#ifndef HYPERVISOR_HPET_H
#define HYPERVISOR_HPET_H

#include "hypervisor/irq.h"

#define HPET_BASE	0xfed00000u
#define HPET_SIZE	1024
#define HPET_TIMERS	3
/* I/O APIC inputs that timers can be routed to, a bit for each. */
#define HPET_ROUTES	0x00f00000u
#define HPET_ID		0x8086a201u	/* low half of the capabilities */

struct clock;
struct hpet;
struct mem;

struct hpet_config {
	struct mem *mem;
	struct clock *clock;
	/* Level of I/O APIC input @pin (20..23). */
	void (*route)(void *opaque, unsigned pin, bool level);
	/*
	 * Legacy replacement: while @on, timers 0 and 1 stand for the 8254 and
	 * the RTC, whose interrupts are cut off.
	 */
	void (*legacy)(void *opaque, bool on);
	struct irq irq0, irq8;
	void *opaque;
};

int hpet_create(struct hpet **out, const struct hpet_config *cfg);

#endif
