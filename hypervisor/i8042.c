/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 8042 keyboard controller.
 *
 * One output buffer serves the controller's own answers, the keyboard and the
 * mouse; bytes of the two devices wait in their queues until it is free.  The
 * input buffer is never seen full, because every command is done at once.
 */
#include "hypervisor/i8042.h"

#include <errno.h>
#include <stdlib.h>

#include "hypervisor/device.h"
#include "hypervisor/ports.h"
#include "hypervisor/ps2.h"

#define ST_OBF		0x01
#define ST_SYS		0x04
#define ST_COMMAND	0x08	/* the last write went to port 64h */
#define ST_UNLOCKED	0x10
#define ST_AUX		0x20

/* Command byte, address 0 of the controller's RAM. */
#define CB_KBD_IRQ	0x01
#define CB_AUX_IRQ	0x02
#define CB_SYS		0x04
#define CB_KBD_OFF	0x10
#define CB_AUX_OFF	0x20
#define CB_TRANSLATE	0x40

#define OUT_RESET	0x01	/* low: the processor is reset */
#define OUT_A20		0x02
#define OUT_KBD_FULL	0x10
#define OUT_AUX_FULL	0x20

#define SELF_TEST_OK	0x55
#define PORT_TEST_OK	0x00
#define NO_PASSWORD	0xf1
#define INPUT_PORT	0xa0	/* unlocked, colour display */
#define BREAK_PREFIX	0xf0

enum source { FROM_NONE, FROM_CONTROLLER, FROM_KEYBOARD, FROM_MOUSE };

struct i8042 {
	struct device dev;
	struct irq irq1, irq12, a20, reset;
	struct ps2_keyboard keyboard;
	struct ps2_mouse mouse;
	uint8_t ram[32];	/* ram[0]: command byte */
	uint8_t command;	/* waits for its argument on port 60h */
	uint8_t outport;
	uint8_t obuf, source;	/* enum source */
	uint8_t last_command;	/* ST_COMMAND */
	uint8_t broken;		/* translation: F0h was seen */
};

static bool kbd_off(const struct i8042 *c)
{
	return c->ram[0] & CB_KBD_OFF;
}

static bool aux_off(const struct i8042 *c)
{
	return c->ram[0] & CB_AUX_OFF;
}

static void update_irqs(struct i8042 *c)
{
	bool aux = c->source == FROM_MOUSE;
	bool kbd = c->source != FROM_NONE && !aux;

	irq_set(&c->irq1, kbd && c->ram[0] & CB_KBD_IRQ);
	irq_set(&c->irq12, aux && c->ram[0] & CB_AUX_IRQ);
}

static void put(struct i8042 *c, enum source source, uint8_t val)
{
	c->obuf = val;
	c->source = source;
	update_irqs(c);
}

/* Returns false if @val was a prefix and there is nothing to show yet. */
static bool translate(struct i8042 *c, uint8_t *val)
{
	if (!(c->ram[0] & CB_TRANSLATE))
		return true;
	if (*val == BREAK_PREFIX) {
		c->broken = 0x80;
		return false;
	}
	*val = ps2_set2_to_set1(*val);
	if (*val < 0x80)
		*val |= c->broken;
	c->broken = 0;
	return true;
}

/* Fill a free output buffer from the devices. */
static void pump(struct i8042 *c)
{
	struct ps2_queue *kbd = &c->keyboard.out, *aux = &c->mouse.out;

	while (c->source == FROM_NONE && kbd->count && !kbd_off(c)) {
		uint8_t val = c->keyboard.last = ps2_queue_pop(kbd);

		if (translate(c, &val))
			put(c, FROM_KEYBOARD, val);
	}
	if (c->source == FROM_NONE && aux->count && !aux_off(c)) {
		c->mouse.last = ps2_queue_pop(aux);
		put(c, FROM_MOUSE, c->mouse.last);
	}
}

static void write_outport(struct i8042 *c, uint8_t val)
{
	c->outport = val | OUT_RESET;
	irq_set(&c->a20, val & OUT_A20);
	if (!(val & OUT_RESET))
		irq_pulse(&c->reset);
}

static uint8_t read_outport(const struct i8042 *c)
{
	uint8_t val = c->outport & ~(OUT_KBD_FULL | OUT_AUX_FULL);

	if (c->irq1.level)
		val |= OUT_KBD_FULL;
	if (c->irq12.level)
		val |= OUT_AUX_FULL;
	return val;
}

static void write_ram(struct i8042 *c, unsigned addr, uint8_t val)
{
	c->ram[addr] = val;
	if (addr)
		return;
	update_irqs(c);
	pump(c);
}

static void set_ram0(struct i8042 *c, uint8_t set, uint8_t clear)
{
	write_ram(c, 0, (c->ram[0] | set) & ~clear);
}

static void answer(struct i8042 *c, uint8_t val)
{
	put(c, FROM_CONTROLLER, val);
}

/* Commands that are nothing but an answer. */
static int fixed_answer(const struct i8042 *c, uint8_t cmd)
{
	switch (cmd) {
	case 0xa4:
		return NO_PASSWORD;
	case 0xa9:
	case 0xab:
		return PORT_TEST_OK;
	case 0xc0:
		return INPUT_PORT;
	case 0xd0:
		return read_outport(c);
	case 0xe0:		/* test inputs: clocks, high when enabled */
		return (kbd_off(c) ? 0 : 1) | (aux_off(c) ? 0 : 2);
	default:
		return cmd >= 0x20 && cmd < 0x40 ? c->ram[cmd & 0x1f] : -1;
	}
}

static void write_command(struct i8042 *c, uint8_t cmd)
{
	int fixed = fixed_answer(c, cmd);

	c->command = 0;
	c->last_command = ST_COMMAND;
	if (fixed >= 0) {
		answer(c, fixed);
		return;
	}
	/* F0h..FFh: pulse the output port bits that are 0 in the command. */
	if (cmd >= 0xf0) {
		if (!(cmd & OUT_RESET))
			irq_pulse(&c->reset);
		return;
	}
	if (cmd >= 0x60 && cmd < 0x80) {
		c->command = cmd;
		return;
	}
	switch (cmd) {
	case 0xa7:
		set_ram0(c, CB_AUX_OFF, 0);
		break;
	case 0xa8:
		set_ram0(c, 0, CB_AUX_OFF);
		break;
	case 0xaa:
		set_ram0(c, CB_SYS | CB_KBD_OFF | CB_AUX_OFF, 0);
		answer(c, SELF_TEST_OK);
		break;
	case 0xad:
		set_ram0(c, CB_KBD_OFF, 0);
		break;
	case 0xae:
		set_ram0(c, 0, CB_KBD_OFF);
		break;
	case 0xd1: case 0xd2: case 0xd3: case 0xd4:
		c->command = cmd;
		break;
	case 0xdd:
		write_outport(c, c->outport & ~OUT_A20);
		break;
	case 0xdf:
		write_outport(c, c->outport | OUT_A20);
		break;
	}
	/* The rest is undefined or without effect here, without an answer. */
}

static void write_argument(struct i8042 *c, uint8_t cmd, uint8_t val)
{
	switch (cmd) {
	case 0xd1:
		write_outport(c, val);
		break;
	case 0xd2:
		put(c, FROM_KEYBOARD, val);
		break;
	case 0xd3:
		put(c, FROM_MOUSE, val);
		break;
	case 0xd4:
		set_ram0(c, 0, CB_AUX_OFF);
		ps2_mouse_write(&c->mouse, val);
		break;
	default:
		write_ram(c, cmd & 0x1f, val);
	}
}

/* Without a command before it, a byte is for the keyboard, and enables it. */
static void write_data(struct i8042 *c, uint8_t val)
{
	uint8_t cmd = c->command;

	c->command = 0;
	c->last_command = 0;
	if (cmd) {
		write_argument(c, cmd, val);
	} else {
		set_ram0(c, 0, CB_KBD_OFF);
		ps2_keyboard_write(&c->keyboard, val);
	}
	pump(c);
}

static uint8_t read_data(struct i8042 *c)
{
	uint8_t val = c->obuf;

	c->source = FROM_NONE;
	update_irqs(c);
	pump(c);
	return val;
}

static uint8_t read_status(const struct i8042 *c)
{
	return (c->source != FROM_NONE ? ST_OBF : 0) |
	       (c->source == FROM_MOUSE ? ST_AUX : 0) |
	       (c->ram[0] & CB_SYS ? ST_SYS : 0) |
	       c->last_command | ST_UNLOCKED;
}

static uint32_t data_read(void *opaque, unsigned off, unsigned size)
{
	return read_data(opaque);
}

static void data_write(void *opaque, unsigned off, unsigned size,
		       uint32_t val)
{
	write_data(opaque, val);
}

static uint32_t status_read(void *opaque, unsigned off, unsigned size)
{
	return read_status(opaque);
}

static void command_write(void *opaque, unsigned off, unsigned size,
			  uint32_t val)
{
	write_command(opaque, val);
}

static const struct pio_ops data_ops = { data_read, data_write, PIO_1 };
static const struct pio_ops command_ops = {
	status_read, command_write, PIO_1,
};

void i8042_key(struct i8042 *c, unsigned code, bool down)
{
	ps2_keyboard_key(&c->keyboard, code, down);
	pump(c);
}

void i8042_mouse(struct i8042 *c, int dx, int dy, int dz, unsigned buttons)
{
	ps2_mouse_move(&c->mouse, dx, dy, dz, buttons);
	pump(c);
}

/* As firmware leaves it: self-test passed, A20 open, translation on. */
static void reset(struct device *d)
{
	struct i8042 *c = (struct i8042 *)d;

	ps2_keyboard_reset(&c->keyboard);
	ps2_mouse_reset(&c->mouse);
	for (unsigned i = 0; i < sizeof(c->ram); i++)
		c->ram[i] = 0;
	c->ram[0] = CB_KBD_IRQ | CB_SYS | CB_AUX_OFF | CB_TRANSLATE;
	c->command = c->obuf = c->last_command = c->broken = 0;
	c->source = FROM_NONE;
	c->outport = OUT_RESET | OUT_A20;
	irq_raise(&c->a20);
	update_irqs(c);
}

static int loaded(struct device *d)
{
	const struct i8042 *c = (struct i8042 *)d;

	if (!ps2_queue_valid(&c->keyboard.out) ||
	    !ps2_queue_valid(&c->mouse.out) || c->source > FROM_MOUSE)
		return -EINVAL;
	return 0;
}

static void destroy(struct device *d)
{
	free(d);
}

static const struct field fields[] = {
	FIELD_BOOL(struct i8042, irq1.level, 1),
	FIELD_BOOL(struct i8042, irq12.level, 1),
	FIELD_BOOL(struct i8042, a20.level, 1),
	FIELD(struct i8042, keyboard, 1),
	FIELD(struct i8042, mouse, 1),
	FIELD(struct i8042, ram, 1),
	FIELD(struct i8042, command, 1),
	FIELD(struct i8042, outport, 1),
	FIELD(struct i8042, obuf, 1),
	FIELD(struct i8042, source, 1),
	FIELD(struct i8042, last_command, 1),
	FIELD(struct i8042, broken, 1),
};

static const struct device_class i8042_class = {
	"i8042", 1, fields, ARRAY_SIZE(fields), reset, loaded, destroy,
};

int i8042_create(struct i8042 **out, struct ports *ports,
		 const struct irq *irq1, const struct irq *irq12,
		 const struct irq *a20, const struct irq *reset_line)
{
	struct i8042 *c = calloc(1, sizeof(*c));
	int err;

	*out = c;
	if (!c)
		return -ENOMEM;
	c->dev.class = &i8042_class;
	c->irq1 = *irq1;
	c->irq12 = *irq12;
	c->a20 = *a20;
	c->reset = *reset_line;
	reset(&c->dev);
	err = ports_add(ports, 0x60, 1, &data_ops, c, "i8042");
	if (!err)
		err = ports_add(ports, 0x64, 1, &command_ops, c, "i8042");
	return err;
}
