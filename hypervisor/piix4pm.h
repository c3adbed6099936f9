/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Power management function of the 82371AB (PIIX4): ACPI fixed registers and
 * the PM timer.  Intel 82371AB datasheet (order 290562) chapter 7; ACPI
 * Specification 2.0 chapter 4.
 */
#ifndef HYPERVISOR_PIIX4PM_H
#define HYPERVISOR_PIIX4PM_H

#include "hypervisor/irq.h"

/* Registers, relative to the I/O base that firmware chooses. */
#define PM1A_EVT	0x00	/* status, then enable; 4 bytes */
#define PM1A_CNT	0x04	/* 2 bytes */
#define PM_TMR		0x08	/* 4 bytes */
#define PM_GPE0		0x0c	/* status, then enable; 4 bytes */
#define PM_IO_LEN	64
#define PM_TIMER_HZ	3579545ULL
/* Commands at the APM control port, which also means SMI. */
#define PIIX4_APM_PORT	0xb2
#define APM_ACPI_ENABLE	0xf1
#define APM_ACPI_DISABLE 0xf0
/* SLP_TYP of soft-off. */
#define PM_SLP_TYP_S5	0

struct clock;
struct pci;
struct piix4pm;
struct ports;

struct piix4pm_config {
	struct pci *pci;
	struct ports *ports;
	struct clock *clock;
	struct irq sci;
	/* The guest entered sleep state SLP_TYP @type.  Lock held. */
	void (*sleep)(void *opaque, unsigned type);
	void *opaque;
};

/* Puts itself at device 1, function 3. */
int piix4pm_create(struct piix4pm **out, const struct piix4pm_config *cfg);

/* Enable the registers at @base (a multiple of 64) and ACPI mode. */
void piix4pm_enable(struct piix4pm *p, unsigned base);
void piix4pm_power_button(struct piix4pm *p);
/* Raise general-purpose event @n, 0 to 15. */
void piix4pm_gpe(struct piix4pm *p, unsigned n);

#endif
