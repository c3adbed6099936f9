/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parallel printer port; see parallel.h. */
#include "hypervisor/parallel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/char.h"
#include "hypervisor/device.h"
#include "hypervisor/pc_device.h"
#include "hypervisor/ports.h"

enum { R_DATA, R_STATUS, R_CONTROL, R_COUNT };

/* Status: not busy, not acknowledging, paper, selected, no error. */
#define STATUS_READY	0xdf
#define CONTROL_STROBE	0x01
#define CONTROL_IRQ	0x10
#define CONTROL_ALL	0x1f
#define CONTROL_UNUSED	0xc0	/* read as ones */

struct parallel {
	struct device dev;
	struct irq irq;
	struct char_backend *backend;
	uint8_t data, control;
};

static uint32_t port_read(void *opaque, unsigned off, unsigned size)
{
	const struct parallel *p = opaque;

	switch (off) {
	case R_DATA:
		return p->data;
	case R_STATUS:
		return STATUS_READY;
	default:
		return p->control | CONTROL_UNUSED;
	}
}

/* The byte is taken when strobe goes high; the printer acknowledges at once. */
static void strobe(struct parallel *p)
{
	p->backend->ops->write(p->backend, &p->data, 1);
	if (p->control & CONTROL_IRQ)
		irq_pulse(&p->irq);
}

static void port_write(void *opaque, unsigned off, unsigned size,
		       uint32_t val)
{
	struct parallel *p = opaque;
	uint8_t was = p->control;

	if (off == R_DATA)
		p->data = val;
	if (off != R_CONTROL)
		return;
	p->control = val & CONTROL_ALL;
	if (val & ~was & CONTROL_STROBE)
		strobe(p);
}

static const struct pio_ops port_ops = { port_read, port_write, PIO_1 };

static void reset(struct device *d)
{
	struct parallel *p = (struct parallel *)d;

	p->data = 0;
	p->control = 0x0c;	/* initialised, selected */
	irq_lower(&p->irq);
}

static void destroy(struct device *d)
{
	free(d);
}

static const struct field fields[] = {
	FIELD(struct parallel, data, 1),
	FIELD(struct parallel, control, 1),
};

static const struct device_class parallel_class = {
	"parallel", 1, fields, ARRAY_SIZE(fields), reset, NULL, destroy,
};

int parallel_create(struct parallel **out, struct ports *ports, unsigned port,
		    const struct irq *irq, struct char_backend *backend)
{
	struct parallel *p = calloc(1, sizeof(*p));

	*out = p;
	if (!p)
		return -ENOMEM;
	p->dev.class = &parallel_class;
	p->irq = *irq;
	p->backend = backend;
	reset(&p->dev);
	return ports_add(ports, port, R_COUNT, &port_ops, p, "parallel");
}

int parallel_from_spec(struct device **out, const struct pc_site *site,
		       const struct pc_device_spec *spec, char *err)
{
	struct irq irq = site->isa_irq(site->opaque, PARALLEL_IRQ);
	struct parallel *p;
	int code = pc_spec_check(spec, "", err);

	if (code)
		return code;
	if (!spec->backend) {
		snprintf(err, PC_ERR_LEN, "parallel: no backend (--parallel)");
		return -EINVAL;
	}
	code = parallel_create(&p, site->ports, PARALLEL_PORT, &irq,
			       spec->backend);
	*out = (struct device *)p;
	if (code)
		snprintf(err, PC_ERR_LEN, "parallel: %s", strerror(-code));
	return code;
}
