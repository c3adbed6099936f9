/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 8237A DMA controllers; see i8237.h.
 *
 * The second controller's registers are two ports apart, its addresses and
 * counts are in words.  Memory-to-memory transfers do not work on a PC (channel
 * 0 refreshes memory, and both would need the same page) and are ignored, as
 * are the bits of the command register about timing and polarity.
 */
#include "hypervisor/i8237.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/device.h"
#include "hypervisor/mem.h"
#include "hypervisor/ports.h"

/* Registers behind the channels' addresses and counts (0..7). */
enum {
	R_STATUS = 8,		/* write: command */
	R_REQUEST,
	R_MASK_ONE,
	R_MODE,
	R_CLEAR_FLIP_FLOP,
	R_MASTER_CLEAR,		/* read: temporary register */
	R_CLEAR_MASK,
	R_MASK_ALL,
};

#define COMMAND_DISABLE	0x04
#define MODE_DIR	2	/* 2 bits: enum i8237_dir */
#define MODE_AUTO	0x10
#define MODE_DOWN	0x20
#define MODE_SELECT	0xc0
#define MODE_CASCADE	0xc0
#define ONE_SET		0x04	/* mask and request: set, not clear */
#define PAGE_FIRST	0x81
#define PAGE_COUNT	15

struct channel {
	uint16_t base_addr, base_count, addr, count;
	uint8_t mode;
};

struct controller {
	struct channel ch[4];
	uint8_t command, mask, status, request;
	uint8_t high;		/* flip-flop: the high byte is next */
};

struct watcher {
	void (*fn)(void *opaque);
	void *opaque;
};

struct i8237 {
	struct device dev;
	struct mem *mem;
	struct controller chip[2];
	uint8_t page[PAGE_COUNT];	/* ports 81h..8Fh */
	struct watcher watchers[I8237_CHANNELS];
};

/* Port of a channel's page register, minus PAGE_FIRST. */
static const uint8_t page_of[I8237_CHANNELS] = {
	0x06, 0x02, 0x00, 0x01, 0x0e, 0x0a, 0x08, 0x09,
};

static struct channel *channel_of(struct i8237 *d, unsigned n)
{
	return &d->chip[n / 4].ch[n % 4];
}

static enum i8237_dir direction(const struct channel *c)
{
	return c->mode >> MODE_DIR & 3;
}

/*
 * Registers.
 */

static void put_half(uint16_t *reg, bool high, uint8_t val)
{
	*reg = high ? (*reg & 0x00ff) | val << 8 : (*reg & 0xff00) | val;
}

static uint8_t read_counter(struct controller *c, unsigned reg)
{
	const struct channel *ch = &c->ch[reg / 2];
	uint16_t val = reg & 1 ? ch->count : ch->addr;
	bool high = c->high;

	c->high ^= 1;
	return high ? val >> 8 : val;
}

static void write_counter(struct controller *c, unsigned reg, uint8_t val)
{
	struct channel *ch = &c->ch[reg / 2];
	uint16_t *base = reg & 1 ? &ch->base_count : &ch->base_addr;

	put_half(base, c->high, val);
	*(reg & 1 ? &ch->count : &ch->addr) = *base;
	c->high ^= 1;
}

static void master_clear(struct controller *c)
{
	c->command = c->status = c->request = c->high = 0;
	c->mask = 0x0f;
}

static uint8_t read_status(struct controller *c)
{
	uint8_t val = c->status;

	c->status &= 0xf0;	/* terminal counts are told once */
	return val;
}

static void set_one(uint8_t *reg, uint8_t val)
{
	uint8_t bit = 1 << (val & 3);

	*reg = val & ONE_SET ? *reg | bit : *reg & ~bit;
}

static uint8_t chip_read(struct controller *c, unsigned reg)
{
	if (reg < R_STATUS)
		return read_counter(c, reg);
	if (reg == R_STATUS)
		return read_status(c);
	/* 82371SB 2.4.1.9: this register can be read, too. */
	return reg == R_MASK_ALL ? c->mask | 0xf0 : 0;
}

static void chip_write(struct controller *c, unsigned reg, uint8_t val)
{
	switch (reg) {
	case R_STATUS:
		c->command = val;
		break;
	case R_REQUEST:
		set_one(&c->request, val);
		break;
	case R_MASK_ONE:
		set_one(&c->mask, val);
		break;
	case R_MODE:
		c->ch[val & 3].mode = val & ~3;
		break;
	case R_CLEAR_FLIP_FLOP:
		c->high = 0;
		break;
	case R_MASTER_CLEAR:
		master_clear(c);
		break;
	case R_CLEAR_MASK:
		c->mask = 0;
		break;
	case R_MASK_ALL:
		c->mask = val & 0x0f;
		break;
	default:
		write_counter(c, reg, val);
	}
}

static bool open_channel(const struct controller *c, unsigned n)
{
	return !(c->mask >> n & 1) && !(c->command & COMMAND_DISABLE) &&
	       (c->ch[n].mode & MODE_SELECT) != MODE_CASCADE;
}

/* Tell those who wait on a channel of @chip that has just been opened. */
static void notify(struct i8237 *d, unsigned chip)
{
	for (unsigned i = 0; i < 4; i++) {
		struct watcher *w = &d->watchers[chip * 4 + i];

		if (w->fn && open_channel(&d->chip[chip], i))
			w->fn(w->opaque);
	}
}

static bool opens(unsigned reg)
{
	return reg == R_STATUS || reg == R_MASK_ONE || reg == R_MODE ||
	       reg == R_CLEAR_MASK || reg == R_MASK_ALL;
}

static uint32_t bytes_read(void *opaque, unsigned off, unsigned size)
{
	struct i8237 *d = opaque;

	return chip_read(&d->chip[0], off);
}

static void bytes_write(void *opaque, unsigned off, unsigned size,
			uint32_t val)
{
	struct i8237 *d = opaque;

	chip_write(&d->chip[0], off, val);
	if (opens(off))
		notify(d, 0);
}

static uint32_t words_read(void *opaque, unsigned off, unsigned size)
{
	struct i8237 *d = opaque;

	return chip_read(&d->chip[1], off / 2);
}

static void words_write(void *opaque, unsigned off, unsigned size,
			uint32_t val)
{
	struct i8237 *d = opaque;

	chip_write(&d->chip[1], off / 2, val);
	if (opens(off / 2))
		notify(d, 1);
}

static uint32_t page_read(void *opaque, unsigned off, unsigned size)
{
	const struct i8237 *d = opaque;

	return d->page[off];
}

static void page_write(void *opaque, unsigned off, unsigned size,
		       uint32_t val)
{
	struct i8237 *d = opaque;

	d->page[off] = val;
}

static const struct pio_ops bytes_ops = { bytes_read, bytes_write, PIO_1 };
static const struct pio_ops words_ops = { words_read, words_write, PIO_1 };
static const struct pio_ops page_ops = { page_read, page_write, PIO_1 };

/*
 * Cycles.
 */

static gpa_t address_of(const struct i8237 *d, unsigned n, uint16_t addr)
{
	gpa_t page = d->page[page_of[n]];

	/* Word channels: bit 0 of the page has no wire. */
	return n < 4 ? page << 16 | addr : (page & 0xfe) << 16 | addr << 1;
}

/* Units before the address wraps, of those that are asked for. */
static unsigned run_length(const struct channel *c, unsigned units)
{
	unsigned room = 0x10000u - c->addr;

	if (c->mode & MODE_DOWN)
		return 1;
	return units < room ? units : room;
}

static void copy(struct i8237 *d, gpa_t gpa, enum i8237_dir dir, uint8_t *buf,
		 unsigned len)
{
	if (dir == I8237_WRITE)
		mem_write(d->mem, gpa, buf, len);
	else if (dir == I8237_READ && mem_read(d->mem, gpa, buf, len))
		memset(buf, 0xff, len);
}

/* The channel has counted past 0. */
static void terminal_count(struct controller *chip, unsigned n)
{
	struct channel *c = &chip->ch[n];

	chip->status |= 1 << n;
	chip->request &= ~(1 << n);
	if (c->mode & MODE_AUTO) {
		c->addr = c->base_addr;
		c->count = c->base_count;
	} else {
		chip->mask |= 1 << n;
	}
}

unsigned i8237_move(struct i8237 *d, unsigned n, enum i8237_dir dir,
		    void *buf, unsigned len, bool *tc)
{
	struct controller *chip = &d->chip[n / 4];
	struct channel *c = channel_of(d, n);
	unsigned unit = n < 4 ? 1 : 2, done = 0;
	enum i8237_dir has = direction(c);
	bool end = false;

	if (!buf || has == I8237_VERIFY)
		dir = has = I8237_VERIFY;
	while (len - done >= unit && !end && open_channel(chip, n % 4) &&
	       has == dir) {
		unsigned left = c->count + 1u;
		unsigned units = (len - done) / unit;
		unsigned run = run_length(c, units < left ? units : left);

		copy(d, address_of(d, n, c->addr), dir, (uint8_t *)buf + done,
		     run * unit);
		c->addr += c->mode & MODE_DOWN ? -run : run;
		c->count -= run;
		done += run * unit;
		end = run == left;
	}
	if (end)
		terminal_count(chip, n % 4);
	if (tc)
		*tc = end;
	return done;
}

void i8237_dreq(struct i8237 *d, unsigned n, bool level)
{
	uint8_t bit = 0x10 << n % 4;
	uint8_t *status = &d->chip[n / 4].status;

	*status = level ? *status | bit : *status & ~bit;
}

void i8237_watch(struct i8237 *d, unsigned n, void (*fn)(void *opaque),
		 void *opaque)
{
	d->watchers[n] = (struct watcher){ fn, opaque };
}

/*
 * Life cycle.
 */

static void reset(struct device *dev)
{
	struct i8237 *d = (struct i8237 *)dev;

	memset(d->chip, 0, sizeof(d->chip));
	memset(d->page, 0, sizeof(d->page));
	master_clear(&d->chip[0]);
	master_clear(&d->chip[1]);
}

static void destroy(struct device *dev)
{
	free(dev);
}

static const struct field fields[] = {
	FIELD(struct i8237, chip, 1),
	FIELD(struct i8237, page, 1),
};

static int loaded(struct device *dev)
{
	struct i8237 *d = (struct i8237 *)dev;

	for (unsigned i = 0; i < 2; i++)
		if (d->chip[i].high > 1 || d->chip[i].mask > 0x0f)
			return -EINVAL;
	return 0;
}

static const struct device_class i8237_class = {
	"i8237", 1, fields, ARRAY_SIZE(fields), reset, loaded, destroy,
};

int i8237_create(struct i8237 **out, struct ports *ports, struct mem *mem)
{
	struct i8237 *d = calloc(1, sizeof(*d));
	int err;

	*out = d;
	if (!d)
		return -ENOMEM;
	d->dev.class = &i8237_class;
	d->mem = mem;
	reset(&d->dev);
	err = ports_add(ports, 0x00, 16, &bytes_ops, d, "dma 1");
	if (!err)
		err = ports_add(ports, PAGE_FIRST, PAGE_COUNT, &page_ops, d,
				"dma pages");
	if (!err)
		err = ports_add(ports, 0xc0, 32, &words_ops, d, "dma 2");
	return err;
}
