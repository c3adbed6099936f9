// SPDX-License-Identifier: GPL-2.0-or-later
/* Floppy disks and drives; the controller as a device of the PC. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/block.h"
#include "hypervisor/fdc_priv.h"
#include "hypervisor/hotplug.h"
#include "hypervisor/i8237.h"
#include "hypervisor/mc146818.h"
#include "hypervisor/pc_device.h"

#define CLASS_NAME	"isa-fdc"
#define CMOS_144M	4
#define IRQ_FLOPPY	6
#define DMA_FLOPPY	2
#define EQUIPMENT_FLOPPY	0x01
#define EQUIPMENT_SECOND	0x40	/* number of drives minus one */

/* Rates: 0 500, 1 300, 2 250, 3 1000 kbit/s; table 2-4. */
static const struct fdc_format formats[] = {
	{ 160 * KIB, 40, 1, 8, 2, 1 },
	{ 180 * KIB, 40, 1, 9, 2, 1 },
	{ 320 * KIB, 40, 2, 8, 2, 1 },
	{ 360 * KIB, 40, 2, 9, 2, 1 },
	{ 720 * KIB, 80, 2, 9, 2, 3 },
	{ 1200 * KIB, 80, 2, 15, 0, 2 },
	{ 1440 * KIB, 80, 2, 18, 0, CMOS_144M },
	{ 1680 * KIB, 80, 2, 21, 0, CMOS_144M },
	{ 1722 * KIB, 82, 2, 21, 0, CMOS_144M },
	{ 2880 * KIB, 80, 2, 36, 3, 5 },
};

/*
 * The format of exactly this size; else the smallest common one that holds it:
 * images are often cut off behind their last file.
 */
static const struct fdc_format *format_of(uint64_t size)
{
	for (unsigned i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i].size == size)
			return &formats[i];
	for (unsigned i = 0; i < ARRAY_SIZE(formats); i++)
		if (size <= formats[i].size &&
		    (formats[i].size == 1440 * KIB ||
		     formats[i].size == 2880 * KIB))
			return &formats[i];
	return NULL;
}

void fdc_look_at_medium(struct fdc_drive *d)
{
	struct block *b = block_queue_medium(d->q);

	d->format = b ? format_of(b->size) : NULL;
}

uint8_t fdc_cmos_type(const struct fdc *f, unsigned unit)
{
	return f->drive[unit].present ? f->drive[unit].cmos : 0;
}

int fdc_attach(struct fdc *f, unsigned unit, struct block_queue *q)
{
	struct fdc_drive *d = &f->drive[unit];

	if (d->present)
		return -EEXIST;
	d->fdc = f;
	d->q = q;
	fdc_look_at_medium(d);
	if (block_queue_medium(q) && !d->format)
		return -EFBIG;
	d->present = true;
	d->cmos = d->format ? d->format->cmos : CMOS_144M;
	return 0;
}

int fdc_change(struct fdc *f, unsigned unit, struct block *b)
{
	struct fdc_drive *d = fdc_drive(f, unit);

	if (!d)
		return -ENODEV;
	if (b && !format_of(b->size))
		return -EFBIG;
	block_queue_change(d->q, b);
	fdc_look_at_medium(d);
	f->s.change[unit] = 1;
	return 0;
}

static void settle(struct device *dev)
{
	struct fdc *f = (struct fdc *)dev;

	for (unsigned i = 0; i < FDC_DRIVES; i++)
		if (f->drive[i].present)
			block_queue_drain(f->drive[i].q);
}

static void reset(struct device *dev)
{
	struct fdc *f = (struct fdc *)dev;

	settle(dev);
	memset(&f->s, 0, sizeof(f->s));
	f->dropped = false;
	f->s.dsr = 2;			/* 250 kbit/s, 2.4.1 */
	for (unsigned i = 0; i < FDC_DRIVES; i++)
		f->s.change[i] = 1;
	irq_lower(&f->irq);
}

static void destroy(struct device *dev)
{
	settle(dev);
	free(dev);
}

static const struct field fields[] = {
	FIELD(struct fdc, s, 1),
	FIELD(struct fdc, buf, 1),
	FIELD_BOOL(struct fdc, irq.level, 1),
};

static bool moving(const struct fdc_state *s)
{
	return s->phase == FDC_DMA || s->phase == FDC_PIO_IN ||
	       s->phase == FDC_PIO_OUT;
}

static int loaded(struct device *dev)
{
	struct fdc *f = (struct fdc *)dev;
	struct fdc_state *s = &f->s;
	const struct fdc_drive *d;

	if (s->phase >= FDC_PHASES || s->phase == FDC_WORK || s->unit > 3 ||
	    s->head > 1 || s->reset_senses > 4 || s->len > sizeof(s->fifo) ||
	    s->pos > s->len || (s->phase == FDC_RESULT && s->pos == s->len) ||
	    (s->phase == FDC_COMMAND && s->pos && s->pos == s->len))
		return -EINVAL;
	for (unsigned i = 0; i < 4; i++)
		if (s->cyl[i] > FDC_CYLINDERS)
			return -EINVAL;
	if (!moving(s))
		return 0;
	/* A transfer needs its disk, and a place on it. */
	d = fdc_drive(f, s->unit);
	return !d || !d->format || s->end > FDC_BUF || s->at >= s->end ||
	       s->h >= d->format->heads || s->c >= d->format->cylinders ||
	       !s->r || s->r > d->format->sectors ? -EINVAL : 0;
}

static const struct device_class fdc_class = {
	.name = CLASS_NAME, .version = 1,
	.fields = fields, .nfields = ARRAY_SIZE(fields),
	.reset = reset, .settle = settle, .loaded = loaded,
	.destroy = destroy,
};

int fdc_create(struct fdc **out, const struct fdc_config *cfg)
{
	struct fdc *f = calloc(1, sizeof(*f));

	*out = f;
	if (!f)
		return -ENOMEM;
	f->dev.class = &fdc_class;
	f->irq = cfg->irq;
	f->dma = cfg->dma;
	f->channel = cfg->channel;
	i8237_watch(f->dma, f->channel, fdc_dma_ready, f);
	reset(&f->dev);
	return fdc_ports_add(f, cfg->ports);
}

/*
 * Rows of pc_device.def.
 */

int fdc_make(struct device **out, const struct pc_site *site,
	     const struct pc_device_spec *spec, char *err)
{
	struct fdc_config cfg = {
		.ports = site->ports, .channel = DMA_FLOPPY,
		.dma = (struct i8237 *)site->find(site->opaque, "i8237", 0),
		.irq = site->isa_irq(site->opaque, IRQ_FLOPPY),
	};
	int ret = pc_spec_check(spec, "", err);

	if (ret)
		return ret;
	ret = fdc_create((struct fdc **)out, &cfg);
	if (ret)
		snprintf(err, PC_ERR_LEN, "%s: %s", spec->name,
			 strerror(-ret));
	return ret;
}

/* What firmware reads: types, A: in the high half, and how many. */
static void put_cmos(struct mc146818 *rtc, const struct fdc *f)
{
	uint8_t eq = mc146818_get(rtc, CMOS_EQUIPMENT);
	uint8_t a = fdc_cmos_type(f, 0), b = fdc_cmos_type(f, 1);

	eq &= ~(EQUIPMENT_FLOPPY | 0xc0);
	if (a || b)
		eq |= EQUIPMENT_FLOPPY;
	if (a && b)
		eq |= EQUIPMENT_SECOND;
	mc146818_set(rtc, CMOS_FLOPPY, a << 4 | b);
	mc146818_set(rtc, CMOS_EQUIPMENT, eq);
	mc146818_sum(rtc);
}

/* Nothing locks a floppy disk in its drive. */
static int change(void *opaque, struct block *b, bool force)
{
	struct fdc_drive *d = opaque;

	return fdc_change(d->fdc, d - d->fdc->drive, b);
}

int floppy_make(struct device **out, const struct pc_site *site,
		const struct pc_device_spec *spec, char *err)
{
	struct fdc *f = (struct fdc *)site->find(site->opaque, CLASS_NAME, 0);
	struct mc146818 *rtc = (struct mc146818 *)
			       site->find(site->opaque, "mc146818", 0);
	const char *u = pc_spec_key(spec, "unit");
	unsigned unit = u && !strcmp(u, "1");
	int ret = pc_spec_check(spec, "unit", err);

	if (ret)
		return ret;
	ret = f ? fdc_attach(f, unit, spec->backend) : -ENODEV;
	if (!ret && site->hotplug)
		ret = hotplug_add_drive(site->hotplug, spec->backend, change,
					&f->drive[unit]);
	if (ret)
		snprintf(err, PC_ERR_LEN, "%s: unit %u: %s", spec->name, unit,
			 ret == -EEXIST ? "there is a drive already" :
			 ret == -EFBIG ? "larger than 2.88M" :
			 ret == -ENOSPC ? "too many drives" :
			 "no isa-fdc in front of it");
	else
		put_cmos(rtc, f);
	return ret;
}
