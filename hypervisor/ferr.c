/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FERR#, IGNNE# and port F0h; see ferr.h. */
#include "hypervisor/ferr.h"

#include <errno.h>
#include <stdlib.h>

#include "hypervisor/device.h"
#include "hypervisor/ports.h"

#define FERR_PORT	0xf0

struct ferr {
	struct device dev;
	struct irq irq, ignne;
	bool level;		/* of FERR# */
};

void ferr_set(struct ferr *f, bool level)
{
	f->level = level;
	if (!level)
		irq_lower(&f->ignne);
	else if (!f->ignne.level)
		irq_raise(&f->irq);
}

static uint32_t ferr_read(void *opaque, unsigned off, unsigned size)
{
	return 0xff;		/* write-only */
}

/* Any value will do. */
static void ferr_write(void *opaque, unsigned off, unsigned size,
		       uint32_t val)
{
	struct ferr *f = opaque;

	irq_lower(&f->irq);
	irq_set(&f->ignne, f->level);
}

static const struct pio_ops ferr_ops = { ferr_read, ferr_write, PIO_1 };

static void ferr_reset(struct device *d)
{
	struct ferr *f = (struct ferr *)d;

	f->level = false;
	irq_lower(&f->irq);
	irq_lower(&f->ignne);
}

/* The pin is not part of the processor's saved state. */
static int ferr_loaded(struct device *d)
{
	struct ferr *f = (struct ferr *)d;

	if (f->ignne.level && !f->level)
		return -EINVAL;
	if (f->ignne.fn)
		f->ignne.fn(f->ignne.opaque, f->ignne.input, f->ignne.level);
	return 0;
}

static const struct field ferr_fields[] = {
	FIELD_BOOL(struct ferr, level, 1),
	FIELD_BOOL(struct ferr, irq.level, 1),
	FIELD_BOOL(struct ferr, ignne.level, 1),
};

static void ferr_destroy(struct device *d)
{
	free(d);
}

static const struct device_class ferr_class = {
	"ferr", 1, ferr_fields, ARRAY_SIZE(ferr_fields), ferr_reset,
	ferr_loaded, ferr_destroy,
};

int ferr_create(struct ferr **out, struct ports *ports, const struct irq *irq,
		const struct irq *ignne)
{
	struct ferr *f = calloc(1, sizeof(*f));

	*out = f;
	if (!f)
		return -ENOMEM;
	f->dev.class = &ferr_class;
	f->irq = *irq;
	f->ignne = *ignne;
	return ports_add(ports, FERR_PORT, 1, &ferr_ops, f, "coprocessor error");
}
