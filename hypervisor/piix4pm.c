/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PIIX4 power management.
 *
 * The PM timer is derived from guest time; a host timer exists only while
 * its carry interrupt is enabled and has not happened.
 */
#include "hypervisor/piix4pm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/clock.h"
#include "hypervisor/device.h"
#include "hypervisor/pci.h"
#include "hypervisor/ports.h"

/* Configuration space. */
#define PMBA		0x40
#define PMREGMISC	0x80
#define PMBA_ADDR	0xffc0
#define PMBA_IO		0x01
#define DEVACTB_HIGH	0x5b	/* bits 24..31 of device activity B */
#define APMC_EN		0x02	/* bit 25 */
#define SMBBA		0x90
#define SMBHSTCFG	0xd2
#define PMIOSE		0x01	/* PMREGMISC: I/O space enable */

#define STS_TMR		0x0001
#define STS_PWRBTN	0x0100
#define STS_ALL		0x8d31	/* bits that exist and 1 clears */
#define EN_TMR		0x0001
#define EN_ALL		0x0521
#define CNT_SCI_EN	0x0001
#define CNT_SLP_TYP	10	/* 3 bits */
#define CNT_SLP_EN	0x2000
#define CNT_WRITABLE	0x1c07

#define TMR_BITS	24
#define TMR_CARRY	23	/* its every change sets STS_TMR */

struct piix4pm {
	struct device dev;
	struct piix4pm_config cfg;
	struct pci_func func;
	struct irq sci;
	struct timer timer;
	uint64_t carries;	/* changes of TMR_CARRY that were noted */
	uint16_t sts, en, cnt, gpe_sts, gpe_en;
	uint8_t apm[2];		/* control, status: latches */
	uint16_t mapped;	/* port of the registers; 0: none */
};

static uint64_t ticks_now(const struct piix4pm *p)
{
	return muldiv64(clock_now(p->cfg.clock), PM_TIMER_HZ, NS_PER_SEC);
}

/* Note what happened up to now, set the SCI line and the next timer. */
static void update(struct piix4pm *p)
{
	uint64_t carries = ticks_now(p) >> TMR_CARRY;
	bool sci;

	if (carries != p->carries)
		p->sts |= STS_TMR;
	p->carries = carries;
	sci = p->cnt & CNT_SCI_EN &&
	      (p->sts & p->en & EN_ALL || p->gpe_sts & p->gpe_en);
	irq_set(&p->sci, sci);
	if (p->en & EN_TMR && !(p->sts & STS_TMR))
		timer_set(&p->timer,
			  muldiv64_up((carries + 1) << TMR_CARRY, NS_PER_SEC,
				      PM_TIMER_HZ));
	else
		timer_cancel(&p->timer);
}

static void expired(void *opaque)
{
	update(opaque);
}

/*
 * Registers.
 */

static uint8_t read_byte(struct piix4pm *p, unsigned off)
{
	unsigned shift = (off & 1) * 8;

	switch (off & ~1u) {
	case PM1A_EVT:
		update(p);
		return p->sts >> shift;
	case PM1A_EVT + 2:
		return p->en >> shift;
	case PM1A_CNT:
		return p->cnt >> shift;
	case PM_GPE0:
		return p->gpe_sts >> shift;
	case PM_GPE0 + 2:
		return p->gpe_en >> shift;
	default:
		return 0;
	}
}

static uint32_t timer_value(const struct piix4pm *p)
{
	return ticks_now(p) & ((1u << TMR_BITS) - 1);
}

static uint32_t pm_read(void *opaque, unsigned off, unsigned size)
{
	struct piix4pm *p = opaque;
	uint32_t val = 0;

	if (off >= PM_TMR && off < PM_TMR + 4)
		return timer_value(p) >> (off - PM_TMR) * 8;
	for (unsigned i = 0; i < size; i++)
		val |= (uint32_t)read_byte(p, off + i) << i * 8;
	return val;
}

/* Replace the bits of @mask that byte @off & 1 holds. */
static void put_byte(uint16_t *reg, unsigned off, uint8_t val, uint16_t mask)
{
	unsigned shift = (off & 1) * 8;

	mask &= 0xff << shift;
	*reg = (*reg & ~mask) | (val << shift & mask);
}

static void write_control(struct piix4pm *p, unsigned off, uint8_t val)
{
	put_byte(&p->cnt, off, val, CNT_WRITABLE);
	if (off & 1 && val & CNT_SLP_EN >> 8)
		p->cfg.sleep(p->cfg.opaque, p->cnt >> CNT_SLP_TYP & 7);
}

static void write_byte(struct piix4pm *p, unsigned off, uint8_t val)
{
	unsigned shift = (off & 1) * 8;

	switch (off & ~1u) {
	case PM1A_EVT:
		p->sts &= ~(val << shift & STS_ALL);
		break;
	case PM1A_EVT + 2:
		put_byte(&p->en, off, val, EN_ALL);
		break;
	case PM1A_CNT:
		write_control(p, off, val);
		break;
	case PM_GPE0:
		p->gpe_sts &= ~(val << shift);
		break;
	case PM_GPE0 + 2:
		put_byte(&p->gpe_en, off, val, 0xffff);
		break;
	}
}

static void pm_write(void *opaque, unsigned off, unsigned size, uint32_t val)
{
	struct piix4pm *p = opaque;

	update(p);
	for (unsigned i = 0; i < size; i++)
		write_byte(p, off + i, val >> i * 8);
	update(p);
}

static const struct pio_ops pm_ops = {
	pm_read, pm_write, PIO_1 | PIO_2 | PIO_4,
};

/*
 * APM control and status (82371AB 5.1): latches, and the two commands that
 * software gives to switch between legacy and ACPI mode.  There is no SMM.
 */

static uint32_t apm_read(void *opaque, unsigned off, unsigned size)
{
	const struct piix4pm *p = opaque;

	return p->apm[off];
}

static void apm_write(void *opaque, unsigned off, unsigned size, uint32_t val)
{
	struct piix4pm *p = opaque;

	p->apm[off] = val;
	if (off == 0 && val == APM_ACPI_ENABLE)
		p->cnt |= CNT_SCI_EN;
	else if (off == 0 && val == APM_ACPI_DISABLE)
		p->cnt &= ~CNT_SCI_EN;
	update(p);
}

static const struct pio_ops apm_ops = { apm_read, apm_write, PIO_1 };

void piix4pm_power_button(struct piix4pm *p)
{
	p->sts |= STS_PWRBTN;
	update(p);
}

void piix4pm_gpe(struct piix4pm *p, unsigned n)
{
	p->gpe_sts |= 1u << n;
	update(p);
}

/*
 * Configuration space.
 */

static unsigned wanted_base(const struct piix4pm *p)
{
	if (!(p->func.config[PMREGMISC] & PMIOSE))
		return 0;
	return pci_get16(&p->func, PMBA) & PMBA_ADDR;
}

/* A base on top of another device leaves the registers unmapped. */
static void remap(struct piix4pm *p)
{
	unsigned base = wanted_base(p);

	if (base == p->mapped)
		return;
	if (p->mapped)
		ports_del(p->cfg.ports, p->mapped);
	p->mapped = 0;
	if (base && !ports_add(p->cfg.ports, base, PM_IO_LEN, &pm_ops, p,
			       "pm"))
		p->mapped = base;
}

static void written(void *opaque, unsigned off, unsigned size)
{
	remap(opaque);
}

void piix4pm_enable(struct piix4pm *p, unsigned base)
{
	pci_put32(&p->func, PMBA, base | PMBA_IO);
	p->func.config[PMREGMISC] = PMIOSE;
	p->cnt |= CNT_SCI_EN;
	remap(p);
	update(p);
}

static void reset(struct device *d)
{
	struct piix4pm *p = (struct piix4pm *)d;
	struct pci_func *f = &p->func;

	memset(f->config, 0, sizeof(f->config));
	pci_identify(f, 0x8086, 0x7113, 3, 0x0680);
	pci_put16(f, PCI_STATUS, 0x0280);
	pci_put32(f, PMBA, PMBA_IO);
	f->config[PCI_INT_PIN] = 1;
	/* To firmware: SMM is set up already, leave it alone. */
	f->config[DEVACTB_HIGH] = APMC_EN;
	memset(p->apm, 0, sizeof(p->apm));
	p->sts = p->en = p->cnt = p->gpe_sts = p->gpe_en = 0;
	p->carries = ticks_now(p) >> TMR_CARRY;
	remap(p);
	update(p);
}

static int loaded(struct device *d)
{
	remap((struct piix4pm *)d);
	return 0;
}

static void destroy(struct device *d)
{
	struct piix4pm *p = (struct piix4pm *)d;

	timer_cancel(&p->timer);
	free(p);
}

static const struct field fields[] = {
	FIELD(struct piix4pm, func.config, 1),
	FIELD_BOOL(struct piix4pm, sci.level, 1),
	FIELD_TIMER(struct piix4pm, timer, 1),
	FIELD(struct piix4pm, carries, 1),
	FIELD(struct piix4pm, sts, 1),
	FIELD(struct piix4pm, en, 1),
	FIELD(struct piix4pm, cnt, 1),
	FIELD(struct piix4pm, gpe_sts, 1),
	FIELD(struct piix4pm, gpe_en, 1),
	FIELD(struct piix4pm, apm, 2),
};

static const struct device_class piix4pm_class = {
	"piix4pm", 2, fields, ARRAY_SIZE(fields), reset, loaded, destroy,
};

int piix4pm_create(struct piix4pm **out, const struct piix4pm_config *cfg)
{
	struct piix4pm *p = calloc(1, sizeof(*p));
	int err;

	*out = p;
	if (!p)
		return -ENOMEM;
	p->dev.class = &piix4pm_class;
	p->cfg = *cfg;
	p->sci = cfg->sci;
	p->func.written = written;
	p->func.opaque = p;
	p->func.writable[PCI_COMMAND] = PCI_COMMAND_IO;
	p->func.writable[PMBA] = PMBA_ADDR & 0xff;
	p->func.writable[PMBA + 1] = PMBA_ADDR >> 8;
	p->func.writable[PMREGMISC] = PMIOSE;
	memset(p->func.writable + DEVACTB_HIGH - 3, 0xff, 4);
	memset(p->func.writable + SMBBA, 0xff, 4);
	p->func.writable[SMBHSTCFG] = 0xff;
	timer_init(&p->timer, cfg->clock, expired, p);
	reset(&p->dev);
	err = ports_add(cfg->ports, PIIX4_APM_PORT, 2, &apm_ops, p, "apm");
	return err ? err : pci_add(cfg->pci, PCI_DEVFN(1, 3), &p->func);
}
