/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two 8259As, the second on input 2 of the first.
 *
 * IRR bits follow the datasheet: in edge mode a rising input sets the bit, in
 * level mode the input is the bit, and in both an input that falls before the
 * acknowledge takes its request back.
 */
#include "hypervisor/i8259.h"

#include <errno.h>
#include <stdlib.h>

#include "hypervisor/device.h"
#include "hypervisor/irqchip.h"
#include "hypervisor/ports.h"

#define CASCADE		2	/* the master's input for the slave */
#define SPURIOUS	7

#define ICW1_IC4	0x01
#define ICW1_SNGL	0x02
#define ICW1_LTIM	0x08
#define ICW1		0x10
#define ICW4_AEOI	0x02
#define ICW4_MASTER	0x04
#define ICW4_BUF	0x08
#define ICW4_SFNM	0x10
#define OCW3		0x08	/* against OCW2, in A0=0 writes */
#define OCW3_RR		0x02
#define OCW3_RIS	0x01
#define OCW3_POLL	0x04
#define OCW3_ESMM	0x40
#define OCW3_SMM	0x20
#define POLL_INT	0x80

/* Which inputs can be level-triggered: not 0, 1, 2, 8, 13. */
#define ELCR_MASTER	0xf8
#define ELCR_SLAVE	0xde

/* Initialisation sequence: the ICW that the next A0=1 write holds. */
enum { INIT_DONE, INIT_ICW2, INIT_ICW3, INIT_ICW4 };

struct chip {
	uint8_t lines;		/* inputs as they are */
	uint8_t irr, imr, isr;
	uint8_t elcr;
	uint8_t base;		/* ICW2 */
	uint8_t icw1, icw3, icw4;
	uint8_t init;
	uint8_t top;		/* the input of highest priority */
	uint8_t read_isr, poll, smm, rotate_aeoi;
	uint8_t slave;
};

struct i8259 {
	struct device dev;
	struct chip chip[2];
	struct irq intr;
};

/* The slave's INT pin is watched as a level, so that no request gets lost. */
static uint8_t level_inputs(const struct chip *c)
{
	uint8_t cascade = c->slave ? 0 : 1u << CASCADE;

	return c->icw1 & ICW1_LTIM ? 0xff : c->elcr | cascade;
}

/* The input with the highest priority among @bits (not 0). */
static unsigned highest(const struct chip *c, uint8_t bits)
{
	unsigned n = c->top;

	while (!(bits >> n & 1))
		n = (n + 1) & 7;
	return n;
}

static unsigned rank(const struct chip *c, unsigned input)
{
	return (input - c->top) & 7;
}

/* Bits in service that hold off requests of their own level and below. */
static uint8_t blocking(const struct chip *c)
{
	uint8_t isr = c->isr;

	if (c->smm)
		isr &= ~c->imr;
	/* A slave may interrupt itself in special fully nested mode. */
	if (c->icw4 & ICW4_SFNM && !c->slave)
		isr &= ~c->icw3;
	return isr;
}

/* The input to be served next, or -1. */
static int chip_request(const struct chip *c)
{
	uint8_t irr = c->irr & ~c->imr;
	uint8_t isr = blocking(c);
	unsigned n;

	if (!irr)
		return -1;
	n = highest(c, irr);
	if (isr && rank(c, highest(c, isr)) <= rank(c, n))
		return -1;
	return n;
}

static void chip_line(struct chip *c, unsigned n, bool level)
{
	uint8_t bit = 1u << n;

	if (level && !(c->lines & bit))
		c->irr |= bit;
	if (!level)
		c->irr &= ~bit;
	c->lines = level ? c->lines | bit : c->lines & ~bit;
}

static void update(struct i8259 *p)
{
	struct chip *master = &p->chip[0];

	chip_line(master, CASCADE, chip_request(&p->chip[1]) >= 0);
	irq_set(&p->intr, chip_request(master) >= 0);
}

void i8259_set(void *opaque, unsigned input, bool level)
{
	struct i8259 *p = opaque;

	chip_line(&p->chip[input >> 3], input & 7, level);
	update(p);
}

bool i8259_pending(void *opaque, unsigned input)
{
	const struct i8259 *p = opaque;
	const struct chip *c = &p->chip[input >> 3];

	return c->irr & ~c->imr & 1u << (input & 7);
}

/* The chip's part of INTA: returns the input, SPURIOUS if none. */
static unsigned chip_ack(struct chip *c)
{
	int n = chip_request(c);

	if (n < 0)
		return SPURIOUS;
	if (!(level_inputs(c) >> n & 1))
		c->irr &= ~(1u << n);
	if (!(c->icw4 & ICW4_AEOI))
		c->isr |= 1u << n;
	else if (c->rotate_aeoi)
		c->top = (n + 1) & 7;
	return n;
}

int i8259_ack(struct i8259 *p)
{
	struct chip *c = &p->chip[0];
	unsigned n = chip_ack(c);

	if (n == CASCADE && !(c->icw1 & ICW1_SNGL)) {
		c = &p->chip[1];
		n = chip_ack(c);
	}
	update(p);
	return (c->base & 0xf8) | n;
}

/*
 * Commands.
 */

static void write_icw1(struct chip *c, uint8_t val)
{
	c->icw1 = val;
	c->imr = c->isr = c->smm = c->poll = c->read_isr = 0;
	c->rotate_aeoi = c->top = 0;
	c->icw3 = c->slave ? SPURIOUS : 0;
	if (!(val & ICW1_IC4))
		c->icw4 = 0;
	/* The edge detectors are reset; levels are not edges. */
	c->irr = c->lines & level_inputs(c);
	c->init = INIT_ICW2;
}

static void end_of_interrupt(struct chip *c, int n, bool rotate)
{
	uint8_t candidates = c->smm ? c->isr & ~c->imr : c->isr;

	if (n < 0) {
		if (!candidates)
			return;
		n = highest(c, candidates);
	}
	c->isr &= ~(1u << n);
	if (rotate)
		c->top = (n + 1) & 7;
}

/* Bits 7..5: R, SL, EOI; table in the datasheet's OCW2 figure. */
static void write_ocw2(struct chip *c, uint8_t val)
{
	unsigned n = val & 7;

	switch (val >> 5) {
	case 0:				/* rotate in AEOI mode, clear */
		c->rotate_aeoi = 0;
		break;
	case 4:				/* ... set */
		c->rotate_aeoi = 1;
		break;
	case 1:				/* non-specific EOI */
	case 5:				/* ... and rotate */
		end_of_interrupt(c, -1, val & 0x80);
		break;
	case 3:				/* specific EOI */
	case 7:				/* ... and rotate */
		end_of_interrupt(c, n, val & 0x80);
		break;
	case 6:				/* set priority */
		c->top = (n + 1) & 7;
		break;
	case 2:				/* no operation */
		break;
	}
}

static void write_ocw3(struct chip *c, uint8_t val)
{
	if (val & OCW3_POLL)
		c->poll = 1;
	if (val & OCW3_RR)
		c->read_isr = val & OCW3_RIS;
	if (val & OCW3_ESMM)
		c->smm = !!(val & OCW3_SMM);
}

static void write_data(struct chip *c, uint8_t val)
{
	switch (c->init) {
	case INIT_DONE:
		c->imr = val;
		break;
	case INIT_ICW2:
		c->base = val & 0xf8;
		c->init = !(c->icw1 & ICW1_SNGL) ? INIT_ICW3 :
			  c->icw1 & ICW1_IC4 ? INIT_ICW4 : INIT_DONE;
		break;
	case INIT_ICW3:
		c->icw3 = val;
		c->init = c->icw1 & ICW1_IC4 ? INIT_ICW4 : INIT_DONE;
		break;
	case INIT_ICW4:
		c->icw4 = val;
		c->init = INIT_DONE;
		break;
	}
}

static void pic_write(struct i8259 *p, struct chip *c, unsigned off,
		      uint32_t val)
{
	if (off & 1)
		write_data(c, val);
	else if (val & ICW1)
		write_icw1(c, val);
	else if (val & OCW3)
		write_ocw3(c, val);
	else
		write_ocw2(c, val);
	update(p);
}

static uint32_t pic_read(struct i8259 *p, struct chip *c, unsigned off)
{
	uint32_t val;

	if (c->poll) {
		c->poll = 0;
		val = chip_request(c) < 0 ? 0 : POLL_INT | chip_ack(c);
		update(p);
		return val;
	}
	if (off & 1)
		return c->imr;
	return c->read_isr ? c->isr : c->irr;
}

static uint32_t master_read(void *opaque, unsigned off, unsigned size)
{
	struct i8259 *p = opaque;

	return pic_read(p, &p->chip[0], off);
}

static void master_write(void *opaque, unsigned off, unsigned size,
			 uint32_t val)
{
	struct i8259 *p = opaque;

	pic_write(p, &p->chip[0], off, val);
}

static uint32_t slave_read(void *opaque, unsigned off, unsigned size)
{
	struct i8259 *p = opaque;

	return pic_read(p, &p->chip[1], off);
}

static void slave_write(void *opaque, unsigned off, unsigned size,
			uint32_t val)
{
	struct i8259 *p = opaque;

	pic_write(p, &p->chip[1], off, val);
}

static uint32_t elcr_read(void *opaque, unsigned off, unsigned size)
{
	struct i8259 *p = opaque;

	return p->chip[off].elcr;
}

static void elcr_write(void *opaque, unsigned off, unsigned size,
		       uint32_t val)
{
	struct i8259 *p = opaque;
	struct chip *c = &p->chip[off];
	uint8_t level;

	c->elcr = val & (off ? ELCR_SLAVE : ELCR_MASTER);
	level = level_inputs(c);
	c->irr = (c->irr & ~level) | (c->lines & level);
	update(p);
}

static const struct pio_ops master_ops = { master_read, master_write, PIO_1 };
static const struct pio_ops slave_ops = { slave_read, slave_write, PIO_1 };
static const struct pio_ops elcr_ops = { elcr_read, elcr_write, PIO_1 };

void i8259_info(const struct i8259 *p, struct pic_info out[2])
{
	for (int i = 0; i < 2; i++) {
		const struct chip *c = &p->chip[i];

		out[i] = (struct pic_info){
			c->irr, c->imr, c->isr, c->elcr, c->base,
		};
	}
}

/* Inputs keep their levels: they belong to the devices. */
static void reset(struct device *d)
{
	struct i8259 *p = (struct i8259 *)d;

	for (int i = 0; i < 2; i++)
		p->chip[i] = (struct chip){
			.lines = p->chip[i].lines & (i ? 0xff : ~(1 << CASCADE)),
			.icw1 = ICW1_IC4,
			.slave = i,
		};
	irq_lower(&p->intr);
}

static int loaded(struct device *d)
{
	struct i8259 *p = (struct i8259 *)d;

	for (int i = 0; i < 2; i++) {
		struct chip *c = &p->chip[i];

		if (c->top > 7 || c->init > INIT_ICW4 || c->slave != i)
			return -EINVAL;
	}
	return 0;
}

static void destroy(struct device *d)
{
	free(d);
}

/* INIT_ICW2 .. INIT_ICW4 are 1 to 3. */
void i8259_get(const struct i8259 *p, struct irqchip_pic *out)
{
	for (unsigned n = 0; n < 2; n++) {
		const struct chip *c = &p->chip[n];

		out[n] = (struct irqchip_pic){
			.lines = c->lines, .irr = c->irr, .imr = c->imr,
			.isr = c->isr, .elcr = c->elcr, .base = c->base,
			.top = c->top, .init = c->init ? c->init + 1 : 0,
			.icw4_wanted = c->icw1 & ICW1_IC4,
			.auto_eoi = !!(c->icw4 & ICW4_AEOI),
			.rotate_auto_eoi = c->rotate_aeoi,
			.special_nested = !!(c->icw4 & ICW4_SFNM),
			.special_mask = c->smm, .read_isr = c->read_isr,
			.poll = c->poll,
		};
	}
}

void i8259_put(struct i8259 *p, const struct irqchip_pic *in)
{
	for (unsigned n = 0; n < 2; n++) {
		const struct irqchip_pic *s = &in[n];
		struct chip *c = &p->chip[n];

		c->lines = s->lines;
		c->irr = s->irr;
		c->imr = s->imr;
		c->isr = s->isr;
		c->elcr = s->elcr;
		c->base = s->base & 0xf8;
		c->top = s->top & 7;
		c->init = s->init ? s->init - 1 : INIT_DONE;
		c->icw1 = (c->icw1 & ~ICW1_IC4) |
			  (s->icw4_wanted ? ICW1_IC4 : 0);
		c->icw4 = (c->icw4 & ~(ICW4_AEOI | ICW4_SFNM)) |
			  (s->auto_eoi ? ICW4_AEOI : 0) |
			  (s->special_nested ? ICW4_SFNM : 0);
		c->rotate_aeoi = s->rotate_auto_eoi;
		c->smm = s->special_mask;
		c->read_isr = s->read_isr;
		c->poll = s->poll;
	}
	update(p);
}

static const struct field fields[] = {
	FIELD(struct i8259, chip, 1),
	FIELD_BOOL(struct i8259, intr.level, 1),
};

static const struct device_class i8259_class = {
	"i8259", 1, fields, ARRAY_SIZE(fields), reset, loaded, destroy,
};

int i8259_create(struct i8259 **out, struct ports *ports,
		 const struct irq *intr)
{
	struct i8259 *p = calloc(1, sizeof(*p));
	int err;

	*out = p;
	if (!p)
		return -ENOMEM;
	p->dev.class = &i8259_class;
	p->intr = *intr;
	reset(&p->dev);
	err = ports_add(ports, 0x20, 2, &master_ops, p, "pic");
	if (!err)
		err = ports_add(ports, 0xa0, 2, &slave_ops, p, "pic");
	if (!err)
		err = ports_add(ports, 0x4d0, 2, &elcr_ops, p, "elcr");
	return err;
}
