/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PS/2 keyboard and mouse; see ps2.h. */
#include "hypervisor/ps2.h"

#include <string.h>

#define ACK		0xfa
#define RESEND		0xfe
#define SELF_TEST_OK	0xaa
#define OVERRUN		0x00	/* set 2 and 3: the buffer was full */
#define BREAK_PREFIX	0xf0
#define EXTENDED	0xe0

/* Scan code set 2 of each set 1 code, IBM reference, keyboard tables. */
static const uint8_t set2_of[128] = {
	0x00, 0x76, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36,
	0x3d, 0x3e, 0x46, 0x45, 0x4e, 0x55, 0x66, 0x0d,
	0x15, 0x1d, 0x24, 0x2d, 0x2c, 0x35, 0x3c, 0x43,
	0x44, 0x4d, 0x54, 0x5b, 0x5a, 0x14, 0x1c, 0x1b,
	0x23, 0x2b, 0x34, 0x33, 0x3b, 0x42, 0x4b, 0x4c,
	0x52, 0x0e, 0x12, 0x5d, 0x1a, 0x22, 0x21, 0x2a,
	0x32, 0x31, 0x3a, 0x41, 0x49, 0x4a, 0x59, 0x7c,
	0x11, 0x29, 0x58, 0x05, 0x06, 0x04, 0x0c, 0x03,
	0x0b, 0x83, 0x0a, 0x01, 0x09, 0x77, 0x7e, 0x6c,
	0x75, 0x7d, 0x7b, 0x6b, 0x73, 0x74, 0x79, 0x69,
	0x72, 0x7a, 0x70, 0x71, 0x84, 0x60, 0x61, 0x78,
	0x07, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f,
	0x47, 0x4f, 0x56, 0x5e, 0x08, 0x10, 0x18, 0x20,
	0x28, 0x30, 0x38, 0x40, 0x48, 0x50, 0x57, 0x6f,
	0x13, 0x19, 0x39, 0x51, 0x53, 0x5c, 0x5f, 0x62,
	0x63, 0x64, 0x65, 0x67, 0x68, 0x6a, 0x6d, 0x6e,
};

uint8_t ps2_set2_to_set1(uint8_t code)
{
	/* 7Fh is the second name of SysRq. */
	if (code == 0x7f)
		return 0x54;
	for (unsigned i = 1; i < ARRAY_SIZE(set2_of); i++)
		if (set2_of[i] == code)
			return i;
	return code;
}

bool ps2_queue_valid(const struct ps2_queue *q)
{
	return q->head < PS2_QUEUE_LEN && q->count <= PS2_QUEUE_LEN;
}

uint8_t ps2_queue_pop(struct ps2_queue *q)
{
	uint8_t val = q->data[q->head];

	q->head = (q->head + 1) % PS2_QUEUE_LEN;
	q->count--;
	return val;
}

static void push(struct ps2_queue *q, uint8_t val)
{
	if (q->count < PS2_QUEUE_LEN)
		q->data[(q->head + q->count++) % PS2_QUEUE_LEN] = val;
}

static void push_all(struct ps2_queue *q, const uint8_t *vals, unsigned n)
{
	while (n--)
		push(q, *vals++);
}

/*
 * Keyboard.
 */

static void keyboard_defaults(struct ps2_keyboard *k)
{
	k->set = 2;
	k->rate = 0x2b;		/* 10.9 characters a second after 500 ms */
	k->scanning = 1;
	k->command = 0;
}

void ps2_keyboard_reset(struct ps2_keyboard *k)
{
	memset(k, 0, sizeof(*k));
	keyboard_defaults(k);
}

static void keyboard_argument(struct ps2_keyboard *k, uint8_t val)
{
	uint8_t command = k->command;

	k->command = 0;
	push(&k->out, ACK);
	switch (command) {
	case 0xed:
		k->leds = val & 7;
		break;
	case 0xf0:
		if (!val)
			push(&k->out, k->set);
		else if (val <= 3)
			k->set = val;
		break;
	case 0xf3:
		k->rate = val & 0x7f;
		break;
	}
	/* FBh..FDh name a key of set 3, all of which are typematic here. */
}

static void keyboard_command(struct ps2_keyboard *k, uint8_t val)
{
	struct ps2_queue *q = &k->out;

	switch (val) {
	case 0xed: case 0xf0: case 0xf3: case 0xfb: case 0xfc: case 0xfd:
		k->command = val;
		break;
	case 0xee:		/* echo is answered with itself alone */
		push(q, 0xee);
		return;
	case 0xf2:
		push_all(q, (uint8_t[]){ ACK, 0xab, 0x83 }, 3);
		return;
	case 0xf4:
		q->count = 0;
		k->scanning = 1;
		break;
	case 0xf5:
	case 0xf6:
		q->count = 0;
		keyboard_defaults(k);
		k->scanning = val == 0xf6;
		break;
	case 0xf7: case 0xf8: case 0xf9: case 0xfa:
		break;		/* key types, which only set 3 has */
	case 0xfe:
		push(q, k->last);
		return;
	case 0xff:
		ps2_keyboard_reset(k);
		push_all(q, (uint8_t[]){ ACK, SELF_TEST_OK }, 2);
		return;
	default:
		push(q, RESEND);
		return;
	}
	push(q, ACK);
}

void ps2_keyboard_write(struct ps2_keyboard *k, uint8_t val)
{
	/* A command where an argument is due ends the wait. */
	if (k->command && val < 0xed)
		keyboard_argument(k, val);
	else
		keyboard_command(k, val);
}

void ps2_keyboard_key(struct ps2_keyboard *k, unsigned code, bool down)
{
	struct ps2_queue *q = &k->out;

	if (!k->scanning)
		return;
	if (q->count > PS2_QUEUE_LEN - 4) {
		if (q->count == PS2_QUEUE_LEN - 3)
			push(q, OVERRUN);
		return;
	}
	if (code >> 8)
		push(q, EXTENDED);
	if (k->set == 1) {
		push(q, (code & 0x7f) | (down ? 0 : 0x80));
		return;
	}
	if (!down)
		push(q, BREAK_PREFIX);
	push(q, set2_of[code & 0x7f]);
}

/*
 * Mouse.
 */

static void mouse_defaults(struct ps2_mouse *m)
{
	m->command = m->reporting = m->remote = m->wrap = m->scaling21 = 0;
	m->resolution = 2;	/* 4 counts per mm */
	m->rate = 100;		/* reports a second */
	m->dx = m->dy = m->dz = 0;
}

void ps2_mouse_reset(struct ps2_mouse *m)
{
	memset(m, 0, sizeof(*m));
	mouse_defaults(m);
}

static int clamp(int v, int limit)
{
	return v > limit ? limit : v < -limit ? -limit : v;
}

static void mouse_packet(struct ps2_mouse *m)
{
	int dx = clamp(m->dx, 255), dy = clamp(m->dy, 255);
	int dz = clamp(m->dz, 7);

	push(&m->out, 0x08 | (m->buttons & 7) | (dx < 0 ? 0x10 : 0) |
		      (dy < 0 ? 0x20 : 0));
	push(&m->out, dx);
	push(&m->out, dy);
	if (m->id == 3)
		push(&m->out, dz);
	if (m->id == 4)
		push(&m->out, (dz & 15) | (m->buttons & 0x18) << 1);
	m->dx -= dx;
	m->dy -= dy;
	m->dz = m->id ? m->dz - dz : 0;
}

void ps2_mouse_move(struct ps2_mouse *m, int dx, int dy, int dz,
		    unsigned buttons)
{
	m->dx = clamp(m->dx + dx, 4096);
	m->dy = clamp(m->dy + dy, 4096);
	m->dz = clamp(m->dz + dz, 64);
	m->buttons = buttons;
	if (!m->reporting || m->remote || m->wrap)
		return;
	do {
		if (m->out.count > PS2_QUEUE_LEN - 8)
			return;
		mouse_packet(m);
	} while (m->dx || m->dy);
}

/* Rates 200, 100, 80 turn the wheel on; 200, 200, 80 the buttons 4 and 5. */
static void mouse_knock(struct ps2_mouse *m, uint8_t rate)
{
	static const uint8_t wheel[3] = { 200, 100, 80 };
	static const uint8_t five[3] = { 200, 200, 80 };

	m->rates[0] = m->rates[1];
	m->rates[1] = m->rates[2];
	m->rates[2] = rate;
	if (!memcmp(m->rates, wheel, 3))
		m->id = 3;
	else if (m->id == 3 && !memcmp(m->rates, five, 3))
		m->id = 4;
}

static void mouse_argument(struct ps2_mouse *m, uint8_t val)
{
	if (m->command == 0xe8) {
		m->resolution = val & 3;
	} else {
		m->rate = val;
		mouse_knock(m, val);
	}
	m->command = 0;
	push(&m->out, ACK);
}

static void mouse_status(struct ps2_mouse *m)
{
	uint8_t buttons = (m->buttons & 1) << 2 | (m->buttons & 4) >> 1 |
			  (m->buttons & 2) >> 1;

	push(&m->out, buttons | m->scaling21 << 4 | m->reporting << 5 |
		      m->remote << 6);
	push(&m->out, m->resolution);
	push(&m->out, m->rate);
}

static void mouse_command(struct ps2_mouse *m, uint8_t val)
{
	struct ps2_queue *q = &m->out;

	q->count = 0;
	push(q, ACK);
	switch (val) {
	case 0xe6: case 0xe7:
		m->scaling21 = val & 1;
		break;
	case 0xe8: case 0xf3:
		m->command = val;
		break;
	case 0xe9:
		mouse_status(m);
		break;
	case 0xea:
		m->remote = 0;
		break;
	case 0xeb:
		mouse_packet(m);
		break;
	case 0xec:
		m->wrap = 0;
		break;
	case 0xee:
		m->wrap = 1;
		break;
	case 0xf0:
		m->remote = 1;
		break;
	case 0xf2:
		push(q, m->id);
		break;
	case 0xf4: case 0xf5:
		m->reporting = val == 0xf4;
		break;
	case 0xf6:
		mouse_defaults(m);
		break;
	case 0xfe:
		q->count = 0;
		push(q, m->last);
		break;
	case 0xff:
		ps2_mouse_reset(m);
		push_all(q, (uint8_t[]){ ACK, SELF_TEST_OK, 0x00 }, 3);
		break;
	default:
		q->count = 0;
		push(q, RESEND);
	}
}

void ps2_mouse_write(struct ps2_mouse *m, uint8_t val)
{
	if (m->wrap && val != 0xff && val != 0xec)
		push(&m->out, val);
	else if (m->command)
		mouse_argument(m, val);
	else
		mouse_command(m, val);
}
