/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports 92h, 80h and F4h; see sysports.h. */
#include "hypervisor/sysports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/char.h"
#include "hypervisor/device.h"
#include "hypervisor/pc_device.h"
#include "hypervisor/ports.h"

static void destroy(struct device *d)
{
	free(d);
}

/*
 * Port 92h.
 */

#define P92_RESET	0x01
#define P92_A20		0x02

struct port92 {
	struct device dev;
	struct irq a20, reset;
	uint8_t val;
};

static uint32_t port92_read(void *opaque, unsigned off, unsigned size)
{
	const struct port92 *p = opaque;

	return p->val;
}

static void port92_write(void *opaque, unsigned off, unsigned size,
			 uint32_t val)
{
	struct port92 *p = opaque;
	bool go = val & ~p->val & P92_RESET;

	p->val = val & (P92_RESET | P92_A20);
	irq_set(&p->a20, val & P92_A20);
	if (go)
		irq_pulse(&p->reset);
}

void port92_open_a20(struct port92 *p)
{
	p->val |= P92_A20;
	irq_raise(&p->a20);
}

static const struct pio_ops port92_ops = { port92_read, port92_write, PIO_1 };

static void port92_reset(struct device *d)
{
	struct port92 *p = (struct port92 *)d;

	p->val = 0;
	irq_lower(&p->a20);
}

static const struct field port92_fields[] = {
	FIELD(struct port92, val, 1),
	FIELD_BOOL(struct port92, a20.level, 1),
};

static const struct device_class port92_class = {
	"port92", 1, port92_fields, ARRAY_SIZE(port92_fields), port92_reset,
	NULL, destroy,
};

int port92_create(struct port92 **out, struct ports *ports,
		  const struct irq *a20, const struct irq *reset)
{
	struct port92 *p = calloc(1, sizeof(*p));

	*out = p;
	if (!p)
		return -ENOMEM;
	p->dev.class = &port92_class;
	p->a20 = *a20;
	p->reset = *reset;
	return ports_add(ports, 0x92, 1, &port92_ops, p, "port92");
}

/*
 * Port 80h.
 */

struct port80 {
	struct device dev;
	uint8_t val;
};

static uint32_t port80_read(void *opaque, unsigned off, unsigned size)
{
	const struct port80 *p = opaque;

	return p->val;
}

static void port80_write(void *opaque, unsigned off, unsigned size,
			 uint32_t val)
{
	struct port80 *p = opaque;

	p->val = val;
}

static const struct pio_ops port80_ops = { port80_read, port80_write, PIO_1 };

uint8_t port80_code(const struct port80 *p)
{
	return p->val;
}

static void port80_reset(struct device *d)
{
	struct port80 *p = (struct port80 *)d;

	p->val = 0;
}

static const struct field port80_fields[] = {
	FIELD(struct port80, val, 1),
};

static const struct device_class port80_class = {
	"port80", 1, port80_fields, ARRAY_SIZE(port80_fields), port80_reset,
	NULL, destroy,
};

int port80_create(struct port80 **out, struct ports *ports)
{
	struct port80 *p = calloc(1, sizeof(*p));

	*out = p;
	if (!p)
		return -ENOMEM;
	p->dev.class = &port80_class;
	return ports_add(ports, 0x80, 1, &port80_ops, p, "port80");
}

/*
 * Port F4h.
 */

struct debug_exit {
	struct device dev;
	void (*fn)(void *opaque, uint32_t val);
	void *opaque;
};

static uint32_t exit_read(void *opaque, unsigned off, unsigned size)
{
	return 0;
}

static void exit_write(void *opaque, unsigned off, unsigned size,
		       uint32_t val)
{
	struct debug_exit *x = opaque;

	x->fn(x->opaque, val);
}

static const struct pio_ops exit_ops = {
	exit_read, exit_write, PIO_1 | PIO_2 | PIO_4,
};

static void exit_reset(struct device *d)
{
}

static const struct device_class exit_class = {
	"debug-exit", 1, NULL, 0, exit_reset, NULL, destroy,
};

int debug_exit_create(struct debug_exit **out, struct ports *ports,
		      void (*fn)(void *opaque, uint32_t val), void *opaque)
{
	struct debug_exit *x = calloc(1, sizeof(*x));

	*out = x;
	if (!x)
		return -ENOMEM;
	x->dev.class = &exit_class;
	x->fn = fn;
	x->opaque = opaque;
	return ports_add(ports, 0xf4, 4, &exit_ops, x, "debug-exit");
}

/*
 * Port 402h.
 */

#define DEBUGCON_PORT	0x402
#define DEBUGCON_MAGIC	0xe9

struct debugcon {
	struct device dev;
	struct char_backend *backend;
};

static uint32_t debugcon_read(void *opaque, unsigned off, unsigned size)
{
	return DEBUGCON_MAGIC;
}

static void debugcon_write(void *opaque, unsigned off, unsigned size,
			   uint32_t val)
{
	struct debugcon *c = opaque;
	uint8_t byte = val;

	c->backend->ops->write(c->backend, &byte, 1);
}

static const struct pio_ops debugcon_ops = {
	debugcon_read, debugcon_write, PIO_1,
};

static const struct device_class debugcon_class = {
	"debugcon", 1, NULL, 0, exit_reset, NULL, destroy,
};

int debugcon_create(struct debugcon **out, struct ports *ports, unsigned port,
		    struct char_backend *backend)
{
	struct debugcon *c = calloc(1, sizeof(*c));

	*out = c;
	if (!c)
		return -ENOMEM;
	c->dev.class = &debugcon_class;
	c->backend = backend;
	return ports_add(ports, port, 1, &debugcon_ops, c, "debugcon");
}

int debugcon_from_spec(struct device **out, const struct pc_site *site,
		       const struct pc_device_spec *spec, char *err)
{
	struct debugcon *c;
	int code = pc_spec_check(spec, "", err);

	if (code)
		return code;
	if (!spec->backend) {
		snprintf(err, PC_ERR_LEN, "debugcon: no backend");
		return -EINVAL;
	}
	code = debugcon_create(&c, site->ports, DEBUGCON_PORT, spec->backend);
	*out = (struct device *)c;
	if (code)
		snprintf(err, PC_ERR_LEN, "debugcon: %s", strerror(-code));
	return code;
}
