/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 8254 PIT.
 *
 * A channel does not count: it remembers the tick at which its counting
 * element held N, and everything else follows from the ticks that went by
 * since then.  Ticks are those of one PIT_HZ clock that runs with guest time,
 * so periods never drift against it.
 *
 * Channel 0 raises IRQ 0 at each rising edge of OUT.  A periodic channel knows
 * how many edges are due and how many the guest got; what it owes is paid as
 * soon as the interrupt controller can tell the next edge from the last one.
 */
#include "hypervisor/i8254.h"

#include <errno.h>
#include <stdlib.h>

#include "hypervisor/clock.h"
#include "hypervisor/device.h"
#include "hypervisor/irqchip.h"
#include "hypervisor/ports.h"

enum { RW_LATCH, RW_LSB, RW_MSB, RW_BOTH };

/* Control word, datasheet figure 7; read-back command, figure 11. */
#define CW_BCD		0x01
#define RB_NO_COUNT	0x20
#define RB_NO_STATUS	0x10
#define STATUS_OUT	0x80
#define STATUS_NULL	0x40

/* Port 61h, PIIX datasheet 2.5.5. */
#define P61_GATE2	0x01
#define P61_SPEAKER	0x02
#define P61_WRITABLE	0x0f
#define P61_REFRESH	0x10
#define P61_OUT2	0x20
#define REFRESH_NS	15085	/* DRAM refresh request toggles so often */

/* A guest that is this far behind does not want the ticks any more. */
#define OWED_MAX	1000
/* How soon to look again whether the guest took the last tick, in ns. */
#define RETRY_NS	50000ULL

struct channel {
	uint32_t n;		/* count in effect, 1 .. 65536 */
	uint32_t next_n;	/* takes over at tick `switch_at` */
	uint64_t switch_at;	/* UINT64_MAX: no count waits */
	uint64_t start;		/* tick at which the element held n */
	uint64_t frozen;	/* elapsed ticks while the gate is low */
	uint8_t mode, rw, bcd;
	uint8_t gate;
	uint8_t armed;		/* a count was written since the mode */
	uint8_t running;	/* counting, `start` valid */
	uint8_t write_msb, read_msb;
	uint8_t write_low;	/* first byte of a 16-bit count */
	uint8_t latched;	/* bytes still to be read: 0, 1, 2 */
	uint8_t status_latched, status;
	uint8_t programmed;	/* a control word was written */
	uint16_t latch;
};

struct i8254 {
	struct device dev;
	struct channel ch[3];
	struct clock *clock;
	struct irq irq;
	struct timer timer;
	uint64_t edges;		/* delivered since ch[0].start */
	uint64_t late, lost;
	uint8_t port61;
};

static uint64_t ticks_now(const struct i8254 *p)
{
	return muldiv64(clock_now(p->clock), PIT_HZ, NS_PER_SEC);
}

static uint64_t tick_ns(uint64_t tick)
{
	return muldiv64_up(tick, NS_PER_SEC, PIT_HZ);
}

static bool periodic(const struct channel *c)
{
	return c->mode == 2 || c->mode == 3;
}

/* Modes that count only after a rising edge of the gate. */
static bool needs_trigger(const struct channel *c)
{
	return c->mode == 1 || c->mode == 5;
}

/* How long OUT is high in mode 3: the longer half of an odd count. */
static uint32_t high_half(uint32_t n)
{
	return (n + 1) / 2;
}

/* A count written during a period or half period takes effect at its end. */
static void settle(struct channel *c, uint64_t now)
{
	uint64_t phase;

	if (now < c->switch_at)
		return;
	phase = (c->switch_at - c->start) % c->n;
	c->start = c->switch_at;
	if (phase)
		c->start -= high_half(c->next_n);
	c->n = c->next_n;
	c->switch_at = UINT64_MAX;
}

static uint64_t elapsed(const struct channel *c, uint64_t now)
{
	if (!c->running)
		return c->frozen;
	return now > c->start ? now - c->start : 0;
}

static bool channel_out(const struct channel *c, uint64_t now)
{
	uint64_t e = elapsed(c, now);

	switch (c->mode) {
	case 0:
		return c->armed && e >= c->n;
	case 1:
		return !c->running || e >= c->n;
	case 2:
		return !c->running || e % c->n != c->n - 1;
	case 3:
		return !c->running || e % c->n < high_half(c->n);
	default:
		return !c->armed || e != c->n;
	}
}

static uint16_t to_bcd(uint32_t v)
{
	return v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 |
	       v / 1000 % 10 << 12;
}

static uint32_t from_bcd(uint16_t v)
{
	return (v & 15) + (v >> 4 & 15) * 10 + (v >> 8 & 15) * 100 +
	       (v >> 12) * 1000;
}

static uint32_t count_mode3(uint32_t n, uint32_t e)
{
	uint32_t p = e % n, h = high_half(n);

	return (n & ~1u) - 2 * (p < h ? p : p - h);
}

static uint16_t channel_count(const struct channel *c, uint64_t now)
{
	uint32_t modulus = c->bcd ? 10000 : 65536;
	uint64_t e = elapsed(c, now);
	uint32_t v;

	if (c->mode == 2)
		v = c->n - e % c->n;
	else if (c->mode == 3)
		v = count_mode3(c->n, e % c->n);
	else
		v = (c->n + modulus - e % modulus) % modulus;
	return c->bcd ? to_bcd(v) : v;
}

/* NULL COUNT: the register holds a count that is not in the element yet. */
static bool null_count(const struct channel *c, uint64_t now)
{
	return !c->armed || c->switch_at != UINT64_MAX ||
	       (c->running && now < c->start) ||
	       (needs_trigger(c) && (!c->running || c->next_n != c->n));
}

/*
 * Channel 0 and its interrupt.
 */

/* The tick of rising edge number @k, 1 .. */
static uint64_t edge_tick(const struct channel *c, uint64_t k)
{
	if (periodic(c))
		return c->start + k * c->n;
	/* The strobe of mode 4 lasts one tick. */
	return c->start + c->n + (c->mode == 4);
}

static uint64_t edges_due(const struct channel *c, uint64_t now)
{
	uint64_t e = elapsed(c, now);

	if (periodic(c))
		return e / c->n;
	return e >= c->n + (c->mode == 4);
}

static void schedule(struct i8254 *p)
{
	struct channel *c = &p->ch[0];
	uint64_t now = clock_now(p->clock), tick, when;

	if (!c->running || (!periodic(c) && p->edges)) {
		timer_cancel(&p->timer);
		return;
	}
	tick = edge_tick(c, p->edges + 1);
	when = tick_ns(tick);
	/* Behind already: leave the guest time to take the last one. */
	if (when <= now)
		when = now + RETRY_NS;
	timer_set(&p->timer, when);
}

/*
 * A new count took over, and edges are counted from the new start.  One edge
 * that was due by then goes out now; should more be owed, they are lost.
 */
static void settle_channel0(struct i8254 *p, uint64_t now)
{
	struct channel *c = &p->ch[0];
	uint64_t due;

	if (now < c->switch_at)
		return;
	due = (c->switch_at - c->start) / c->n;
	if (due > p->edges) {
		p->lost += due - p->edges - 1;
		irq_lower(&p->irq);
		irq_raise(&p->irq);
	}
	settle(c, now);
	p->edges = 0;
	schedule(p);
}

static void drop_excess(struct i8254 *p, uint64_t due)
{
	if (due - p->edges <= OWED_MAX)
		return;
	p->lost += due - p->edges - OWED_MAX;
	p->edges = due - OWED_MAX;
}

static void tick(void *opaque)
{
	struct i8254 *p = opaque;
	struct channel *c = &p->ch[0];
	uint64_t now = ticks_now(p), due;

	settle_channel0(p, now);
	due = edges_due(c, now);
	if (due > p->edges && !irq_pending(&p->irq)) {
		drop_excess(p, due);
		p->edges++;
		p->late += due > p->edges;
		irq_lower(&p->irq);
		irq_raise(&p->irq);
	}
	schedule(p);
}

/* OUT0 after a change by the guest rather than by time. */
static void restart_channel0(struct i8254 *p)
{
	p->edges = 0;
	irq_set(&p->irq, channel_out(&p->ch[0], ticks_now(p)));
	schedule(p);
}

/*
 * Loading and gates.
 */

static void start_at(struct channel *c, uint64_t tick)
{
	c->start = tick;
	c->running = 1;
	c->frozen = 0;
}

/* The end of the period (mode 2) or half period (mode 3) in progress. */
static uint64_t next_boundary(const struct channel *c, uint64_t now)
{
	uint64_t e = elapsed(c, now);
	uint64_t cycle = e / c->n * c->n;
	uint32_t h = high_half(c->n);

	if (c->mode == 3 && e - cycle < h && h < c->n)
		return c->start + cycle + h;
	return c->start + cycle + c->n;
}

static void load_count(struct channel *c, uint16_t raw, uint64_t now)
{
	uint32_t n = c->bcd ? from_bcd(raw) : raw;

	if (!n)
		n = c->bcd ? 10000 : 65536;
	if (c->running && c->armed && periodic(c)) {
		if (c->switch_at == UINT64_MAX)
			c->switch_at = next_boundary(c, now);
		c->next_n = n;
		return;
	}
	c->armed = 1;
	if (needs_trigger(c)) {
		c->next_n = n;
		if (!c->running)
			c->n = n;
		return;
	}
	c->n = c->next_n = n;
	c->frozen = 0;
	if (c->gate)
		start_at(c, now + 1);
}

static void write_count(struct i8254 *p, unsigned i, uint8_t val)
{
	struct channel *c = &p->ch[i];
	uint64_t now = ticks_now(p);

	if (i == 0)
		settle_channel0(p, now);
	settle(c, now);
	if (c->rw == RW_BOTH && !c->write_msb) {
		c->write_low = val;
		c->write_msb = 1;
		/* The first byte stops a mode 0 count and lowers OUT. */
		if (c->mode == 0) {
			c->running = c->armed = 0;
			c->frozen = 0;
		}
	} else {
		uint16_t low = c->rw == RW_BOTH ? c->write_low : val;

		load_count(c, c->rw == RW_LSB ? val : c->rw == RW_MSB ?
			   val << 8 : low | val << 8, now);
		c->write_msb = 0;
	}
	if (i == 0 && c->switch_at == UINT64_MAX)
		restart_channel0(p);
}

static void gate_rise(struct channel *c, uint64_t now)
{
	if (!c->armed)
		return;
	if (needs_trigger(c) || periodic(c)) {
		c->n = c->next_n;
		c->switch_at = UINT64_MAX;
		start_at(c, now + 1);
	} else {
		c->start = now - c->frozen;
		c->running = 1;
	}
}

static void gate_fall(struct channel *c, uint64_t now)
{
	if (needs_trigger(c) || !c->running)
		return;
	c->frozen = elapsed(c, now);
	c->running = 0;
}

static void set_gate(struct channel *c, bool level, uint64_t now)
{
	settle(c, now);
	if (level && !c->gate)
		gate_rise(c, now);
	if (!level && c->gate)
		gate_fall(c, now);
	c->gate = level;
}

/*
 * Control word and reads.
 */

static void latch_count(struct channel *c, uint64_t now)
{
	if (c->latched)
		return;
	c->latch = channel_count(c, now);
	c->latched = c->rw == RW_BOTH ? 2 : 1;
}

static void latch_status(struct channel *c, uint64_t now)
{
	if (c->status_latched)
		return;
	c->status_latched = 1;
	c->status = (channel_out(c, now) ? STATUS_OUT : 0) |
		    (null_count(c, now) ? STATUS_NULL : 0) |
		    c->rw << 4 | c->mode << 1 | c->bcd;
}

static void read_back(struct i8254 *p, uint8_t val, uint64_t now)
{
	for (unsigned i = 0; i < 3; i++) {
		if (!(val & 2u << i))
			continue;
		if (!(val & RB_NO_COUNT))
			latch_count(&p->ch[i], now);
		if (!(val & RB_NO_STATUS))
			latch_status(&p->ch[i], now);
	}
}

static void program(struct channel *c, uint8_t val)
{
	uint8_t gate = c->gate;
	unsigned mode = val >> 1 & 7;

	/* Bit 2 of modes 2 and 3 is "don't care". */
	*c = (struct channel){
		.mode = mode > 5 ? mode - 4 : mode,
		.rw = val >> 4 & 3,
		.bcd = val & CW_BCD,
		.gate = gate,
		.n = val & CW_BCD ? 10000 : 65536,
		.next_n = val & CW_BCD ? 10000 : 65536,
		.switch_at = UINT64_MAX,
	};
}

static void write_control(struct i8254 *p, uint8_t val)
{
	uint64_t now = ticks_now(p);
	unsigned i = val >> 6;

	settle_channel0(p, now);
	settle(&p->ch[1], now);
	settle(&p->ch[2], now);
	if (i == 3) {
		read_back(p, val, now);
	} else if ((val >> 4 & 3) == RW_LATCH) {
		latch_count(&p->ch[i], now);
	} else {
		program(&p->ch[i], val);
		p->ch[i].programmed = 1;
		if (i == 0)
			restart_channel0(p);
	}
}

static uint8_t read_count(struct i8254 *p, unsigned i)
{
	struct channel *c = &p->ch[i];
	uint64_t now = ticks_now(p);
	uint16_t v;
	bool msb;

	if (i == 0)
		settle_channel0(p, now);
	settle(c, now);
	if (c->status_latched) {
		c->status_latched = 0;
		return c->status;
	}
	v = c->latched ? c->latch : channel_count(c, now);
	msb = c->rw == RW_MSB || (c->rw == RW_BOTH && c->read_msb);
	if (c->rw == RW_BOTH)
		c->read_msb ^= 1;
	if (c->latched)
		c->latched--;
	return msb ? v >> 8 : v;
}

static uint32_t pit_read(void *opaque, unsigned off, unsigned size)
{
	return off == 3 ? 0xff : read_count(opaque, off);
}

static void pit_write(void *opaque, unsigned off, unsigned size, uint32_t val)
{
	if (off == 3)
		write_control(opaque, val);
	else
		write_count(opaque, off, val);
}

static uint32_t port61_read(void *opaque, unsigned off, unsigned size)
{
	struct i8254 *p = opaque;
	uint64_t now = ticks_now(p);
	uint32_t val = p->port61;

	settle(&p->ch[2], now);
	if (clock_now(p->clock) / REFRESH_NS & 1)
		val |= P61_REFRESH;
	if (channel_out(&p->ch[2], now))
		val |= P61_OUT2;
	return val;
}

static void port61_write(void *opaque, unsigned off, unsigned size,
			 uint32_t val)
{
	struct i8254 *p = opaque;

	p->port61 = val & P61_WRITABLE;
	set_gate(&p->ch[2], val & P61_GATE2, ticks_now(p));
}

static const struct pio_ops pit_ops = { pit_read, pit_write, PIO_1 };
static const struct pio_ops port61_ops = { port61_read, port61_write, PIO_1 };

/*
 * An engine with an 8254 of its own.
 */

static void channel_get(struct channel *c, uint64_t now,
			struct irqchip_pit_channel *out)
{
	bool waits = c->switch_at != UINT64_MAX;

	*out = (struct irqchip_pit_channel){
		.count = waits ? c->next_n : c->n, .elapsed = elapsed(c, now),
		.mode = c->mode, .rw = c->rw, .bcd = c->bcd, .gate = c->gate,
		.programmed = c->programmed, .armed = c->armed,
		.read_msb = c->read_msb, .write_msb = c->write_msb,
		.write_low = c->write_low, .latched = c->latched,
		.status_latched = c->status_latched, .status = c->status,
		.latch = c->latch,
	};
}

void i8254_get(struct i8254 *p, struct irqchip_pit *out)
{
	uint64_t now = ticks_now(p);

	settle_channel0(p, now);
	for (unsigned i = 0; i < 3; i++) {
		settle(&p->ch[i], now);
		channel_get(&p->ch[i], now, &out->ch[i]);
	}
	if (periodic(&p->ch[0]))
		out->ch[0].elapsed -= p->edges * p->ch[0].n;
	out->ch[0].fired = p->edges != 0;
	out->speaker = !!(p->port61 & P61_SPEAKER);
	timer_cancel(&p->timer);
	irq_lower(&p->irq);
}

static void channel_put(struct channel *c, uint64_t now,
			const struct irqchip_pit_channel *in)
{
	*c = (struct channel){
		.n = in->count, .next_n = in->count, .switch_at = UINT64_MAX,
		.mode = in->mode, .rw = in->rw, .bcd = in->bcd,
		.gate = in->gate, .programmed = in->programmed,
		.armed = in->armed, .read_msb = in->read_msb,
		.write_msb = in->write_msb, .write_low = in->write_low,
		.latched = in->latched, .status_latched = in->status_latched,
		.status = in->status, .latch = in->latch,
	};
	c->running = c->armed && (c->gate || needs_trigger(c));
	c->start = in->elapsed < now ? now - in->elapsed : 0;
	c->frozen = c->running ? 0 : in->elapsed;
}

void i8254_put(struct i8254 *p, const struct irqchip_pit *in)
{
	uint64_t now = ticks_now(p);

	for (unsigned i = 0; i < 3; i++)
		channel_put(&p->ch[i], now, &in->ch[i]);
	p->edges = in->ch[0].fired && !periodic(&p->ch[0]);
	p->port61 = (p->port61 & ~(P61_SPEAKER | P61_GATE2)) |
		    (in->speaker ? P61_SPEAKER : 0) |
		    (in->ch[2].gate ? P61_GATE2 : 0);
	irq_set(&p->irq, channel_out(&p->ch[0], now));
	schedule(p);
}

void i8254_ticks(const struct i8254 *p, uint64_t *late, uint64_t *lost)
{
	*late = p->late;
	*lost = p->lost;
}

static void reset(struct device *d)
{
	struct i8254 *p = (struct i8254 *)d;

	timer_cancel(&p->timer);
	irq_lower(&p->irq);
	p->edges = p->late = p->lost = 0;
	p->port61 = 0;
	for (unsigned i = 0; i < 3; i++) {
		program(&p->ch[i], RW_BOTH << 4);
		p->ch[i].gate = i != 2;
	}
}

static int loaded(struct device *d)
{
	struct i8254 *p = (struct i8254 *)d;

	for (unsigned i = 0; i < 3; i++) {
		const struct channel *c = &p->ch[i];

		if (!c->n || c->n > 65536 || !c->next_n ||
		    c->next_n > 65536 || c->mode > 5 || c->rw > 3 ||
		    c->latched > 2 || c->bcd > 1 || c->read_msb > 1)
			return -EINVAL;
	}
	return 0;
}

static void destroy(struct device *d)
{
	struct i8254 *p = (struct i8254 *)d;

	timer_cancel(&p->timer);
	free(p);
}

static const struct field fields[] = {
	FIELD(struct i8254, ch, 1),
	FIELD_BOOL(struct i8254, irq.level, 1),
	FIELD_TIMER(struct i8254, timer, 1),
	FIELD(struct i8254, edges, 1),
	FIELD(struct i8254, port61, 1),
};

static const struct device_class i8254_class = {
	"i8254", 1, fields, ARRAY_SIZE(fields), reset, loaded, destroy,
};

int i8254_create(struct i8254 **out, struct ports *ports,
		 struct clock *clock, const struct irq *irq0)
{
	struct i8254 *p = calloc(1, sizeof(*p));
	int err;

	*out = p;
	if (!p)
		return -ENOMEM;
	p->dev.class = &i8254_class;
	p->clock = clock;
	p->irq = *irq0;
	timer_init(&p->timer, clock, tick, p);
	reset(&p->dev);
	err = ports_add(ports, 0x40, 4, &pit_ops, p, "pit");
	if (!err)
		err = ports_add(ports, 0x61, 1, &port61_ops, p, "port61");
	return err;
}
