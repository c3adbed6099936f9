// SPDX-License-Identifier: GPL-2.0-or-later
/* The floppy controller's commands: chapter 5. */
#include <string.h>

#include "backends/block.h"
#include "hypervisor/fdc_priv.h"

#define CODE_VERSION	0x90	/* enhanced controller */
#define CODE_PART	0x41

/* Units and heads are in the second byte of most commands. */
static void select_unit(struct fdc *f)
{
	f->s.unit = f->s.fifo[1] & 3;
	f->s.head = f->s.fifo[1] >> 2 & 1;
}

static void invalid(struct fdc *f)
{
	uint8_t st0 = ST0_INVALID;

	fdc_result(f, &st0, 1, false);
}

static void specify(struct fdc *f)
{
	memcpy(f->s.specify, f->s.fifo + 1, 2);
	f->s.non_dma = f->s.fifo[2] & 1;
	fdc_idle(f);
}

static void sense_drive(struct fdc *f)
{
	struct fdc_drive *d;
	uint8_t st3;

	select_unit(f);
	d = fdc_drive(f, f->s.unit);
	st3 = ST3_ALWAYS | f->s.unit | (f->s.head ? ST3_HEAD : 0) |
	      (f->s.cyl[f->s.unit] ? 0 : ST3_TRACK0);
	/* A drive without a disk senses one that is protected. */
	if (d && (!d->format || block_queue_medium(d->q)->read_only))
		st3 |= ST3_PROTECTED;
	fdc_result(f, &st3, 1, false);
}

/* 5.2.5: after a reset four times, after a seek once; else invalid. */
static void sense_interrupt(struct fdc *f)
{
	uint8_t r[2];

	if (!f->s.interrupt) {
		invalid(f);
		return;
	}
	fdc_irq(f, false);
	if (f->s.reset_senses) {
		unsigned unit = 4 - f->s.reset_senses--;

		r[0] = ST0_READY | unit;
		r[1] = f->s.cyl[unit];
		f->s.interrupt = f->s.reset_senses > 0;
	} else {
		r[0] = f->s.int_st0;
		r[1] = f->s.cyl[f->s.int_st0 & 3];
		f->s.interrupt = 0;
	}
	fdc_result(f, r, 2, false);
}

static void seek_done(struct fdc *f, uint8_t st0)
{
	f->s.interrupt = 1;
	f->s.reset_senses = 0;
	f->s.int_st0 = st0 | f->s.unit | (f->s.head ? ST0_HEAD : 0);
	fdc_idle(f);
	fdc_irq(f, true);
}

/* Step pulses with a disk in the drive reset its change line. */
static void move_to(struct fdc *f, unsigned cyl)
{
	struct fdc_drive *d = fdc_drive(f, f->s.unit);

	if (cyl > FDC_CYLINDERS)
		cyl = FDC_CYLINDERS;
	if (d && d->format && f->s.cyl[f->s.unit] != cyl)
		f->s.change[f->s.unit] = 0;
	f->s.cyl[f->s.unit] = cyl;
}

static void recalibrate(struct fdc *f)
{
	f->s.fifo[1] &= 3;
	select_unit(f);
	if (!fdc_drive(f, f->s.unit)) {	/* no track 0 after 79 steps */
		seek_done(f, ST0_SEEK_END | ST0_ABNORMAL | ST0_EQUIPMENT);
		return;
	}
	move_to(f, 0);
	seek_done(f, ST0_SEEK_END);
}

static void seek(struct fdc *f)
{
	select_unit(f);
	move_to(f, f->s.fifo[2]);
	seek_done(f, ST0_SEEK_END);
}

/* 5.2.4: bit 6 of the command: towards higher cylinders. */
static void relative_seek(struct fdc *f)
{
	unsigned n = f->s.fifo[2], cyl;

	select_unit(f);
	cyl = f->s.cyl[f->s.unit];
	if (f->s.fifo[0] & 0x40)
		cyl += n;
	else
		cyl -= n < cyl ? n : cyl;
	move_to(f, cyl);
	seek_done(f, ST0_SEEK_END);
}

static void dump_registers(struct fdc *f)
{
	const struct fdc_state *s = &f->s;
	uint8_t r[10] = {
		s->cyl[0], s->cyl[1], s->cyl[2], s->cyl[3],
		s->specify[0], s->specify[1], s->eot,
		s->lock << 7 | s->perpendicular, s->config[0], s->config[1],
	};

	fdc_result(f, r, sizeof(r), false);
}

static void perpendicular(struct fdc *f)
{
	f->s.perpendicular = f->s.fifo[1] & 0x3f;
	fdc_idle(f);
}

static void configure(struct fdc *f)
{
	f->s.config[0] = f->s.fifo[2] & 0x7f;
	f->s.config[1] = f->s.fifo[3];
	fdc_idle(f);
}

static void lock(struct fdc *f)
{
	uint8_t r = 0;

	f->s.lock = f->s.fifo[0] >> 7;
	r = f->s.lock << 4;
	fdc_result(f, &r, 1, false);
}

static void version(struct fdc *f)
{
	uint8_t r = CODE_VERSION;

	fdc_result(f, &r, 1, false);
}

static void part_id(struct fdc *f)
{
	uint8_t r = CODE_PART;

	fdc_result(f, &r, 1, false);
}

static void with_unit(struct fdc *f, void (*fn)(struct fdc *f))
{
	select_unit(f);
	fn(f);
}

static void read_data(struct fdc *f)
{
	with_unit(f, fdc_read);
}

static void write_data(struct fdc *f)
{
	with_unit(f, fdc_write);
}

static void verify(struct fdc *f)
{
	with_unit(f, fdc_verify);
}

static void format_track(struct fdc *f)
{
	with_unit(f, fdc_format_track);
}

static void read_id(struct fdc *f)
{
	with_unit(f, fdc_read_id);
}

/* The first byte with MT, MF and SK masked out; table 5-1. */
static const struct {
	uint8_t code, mask, len;
	void (*fn)(struct fdc *f);
} commands[] = {
	{ 0x06, 0x1f, 9, read_data },
	{ 0x0c, 0x1f, 9, read_data },	/* deleted data */
	{ 0x05, 0x3f, 9, write_data },
	{ 0x09, 0x3f, 9, write_data },	/* deleted data */
	{ 0x02, 0x9f, 9, read_data },	/* a track */
	{ 0x16, 0x1f, 9, verify },
	{ 0x0d, 0xbf, 6, format_track },
	{ 0x0a, 0xbf, 2, read_id },
	{ 0x07, 0xff, 2, recalibrate },
	{ 0x08, 0xff, 1, sense_interrupt },
	{ 0x03, 0xff, 3, specify },
	{ 0x04, 0xff, 2, sense_drive },
	{ 0x0f, 0xff, 3, seek },
	{ 0x8f, 0xbf, 3, relative_seek },
	{ 0x0e, 0xff, 1, dump_registers },
	{ 0x10, 0xff, 1, version },
	{ 0x12, 0xff, 2, perpendicular },
	{ 0x13, 0xff, 4, configure },
	{ 0x14, 0x7f, 1, lock },
	{ 0x18, 0xff, 1, part_id },
};

static int command_find(uint8_t first)
{
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		if ((first & commands[i].mask) == commands[i].code)
			return i;
	return -1;
}

unsigned fdc_command_len(uint8_t first)
{
	int i = command_find(first);

	return i < 0 ? 1 : commands[i].len;
}

void fdc_command(struct fdc *f)
{
	int i = command_find(f->s.fifo[0]);

	if (i < 0)
		invalid(f);
	else
		commands[i].fn(f);
}
