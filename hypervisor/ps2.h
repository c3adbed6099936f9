/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two devices behind an i8042: an IBM PS/2 keyboard and a PS/2 mouse.
 * IBM PS/2 Hardware Interface Technical Reference, "Keyboard" and "Mouse".
 *
 * Plain state machines without ports or lines: the controller sends them
 * bytes and takes theirs.  They are saved as a part of it.
 */
#ifndef HYPERVISOR_PS2_H
#define HYPERVISOR_PS2_H

#include "hypervisor/types.h"

#define PS2_QUEUE_LEN	64

struct ps2_queue {
	uint8_t data[PS2_QUEUE_LEN];
	uint8_t head, count;
};

struct ps2_keyboard {
	struct ps2_queue out;
	uint8_t command;	/* waits for its argument; 0: none */
	uint8_t scanning, set, leds, rate, last;
};

struct ps2_mouse {
	struct ps2_queue out;
	uint8_t command;
	uint8_t reporting, remote, wrap, scaling21, resolution, rate, last;
	uint8_t rates[3];	/* the latest three, for the IntelliMouse knock */
	uint8_t id;		/* 0, or 3 with a wheel, 4 with five buttons */
	uint8_t buttons;
	int32_t dx, dy, dz;	/* not reported yet; up and right positive */
};

void ps2_keyboard_reset(struct ps2_keyboard *k);
/* A byte from the controller.  Answers go to k->out. */
void ps2_keyboard_write(struct ps2_keyboard *k, uint8_t val);
/*
 * A key went down or up.  @code: its scan code in set 1, 01h..7Fh, plus
 * E000h for the extended keys.  Keys beyond the queue's end are dropped, as
 * the keyboard does.
 */
void ps2_keyboard_key(struct ps2_keyboard *k, unsigned code, bool down);

void ps2_mouse_reset(struct ps2_mouse *m);
void ps2_mouse_write(struct ps2_mouse *m, uint8_t val);
/* Movement in counts and buttons (bit 0 left, 1 right, 2 middle). */
void ps2_mouse_move(struct ps2_mouse *m, int dx, int dy, int dz,
		    unsigned buttons);

bool ps2_queue_valid(const struct ps2_queue *q);
/* The next byte; the queue must not be empty. */
uint8_t ps2_queue_pop(struct ps2_queue *q);

/* Set 2 to set 1, as the controller translates single bytes. */
uint8_t ps2_set2_to_set1(uint8_t code);

#endif
