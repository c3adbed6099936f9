/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers of the local APIC, SDM Vol. 3A table 10-1. */
#ifndef TESTS_GUESTS64_LAPIC_H
#define TESTS_GUESTS64_LAPIC_H

#define LAPIC		0xfee00000ull
#define LAPIC_ID	(LAPIC + 0x20)
#define LAPIC_VERSION	(LAPIC + 0x30)
#define LAPIC_TPR	(LAPIC + 0x80)
#define LAPIC_EOI	(LAPIC + 0xb0)
#define LAPIC_SVR	(LAPIC + 0xf0)
#define LAPIC_ICR	(LAPIC + 0x300)
#define LAPIC_TIMER	(LAPIC + 0x320)
#define LAPIC_INITIAL	(LAPIC + 0x380)
#define LAPIC_CURRENT	(LAPIC + 0x390)
#define LAPIC_DIVIDE	(LAPIC + 0x3e0)
#define LAPIC_PERIODIC	0x20000
#define SVR_ENABLE	0x1ff
#define ICR_SELF	0x40000
#define SELF_VECTOR	0x51
#define TIMER_VECTOR	0x61

#endif
