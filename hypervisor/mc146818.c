/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MC146818A.
 *
 * The time of day is guest time plus an offset; the ten time registers are
 * made from it when somebody looks.  The flags PF, UF and AF are derived in
 * the same way from what happened between the last look and now, so a clock
 * whose interrupts are off costs no timer.
 */
#include "hypervisor/mc146818.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hypervisor/clock.h"
#include "hypervisor/device.h"
#include "hypervisor/ports.h"

enum {
	R_SEC, R_SEC_ALARM, R_MIN, R_MIN_ALARM, R_HOUR, R_HOUR_ALARM,
	R_WDAY, R_MDAY, R_MON, R_YEAR, R_A, R_B, R_C, R_D,
};

#define A_UIP		0x80
#define A_DV		0x70
#define A_DV_RESET	0x60	/* 11x: divider held in reset */
#define A_RS		0x0f
#define B_SET		0x80
#define B_PIE		0x40
#define B_AIE		0x20
#define B_UIE		0x10
#define B_SQWE		0x08
#define B_DM		0x04	/* binary, not BCD */
#define B_24H		0x02
#define C_IRQF		0x80
#define C_PF		0x40
#define C_AF		0x20
#define C_UF		0x10
#define D_VRT		0x80
#define HOUR_PM		0x80
#define ALARM_ANY	0xc0	/* both bits: matches every value */
#define A_DEFAULT	0x26	/* 32768 Hz, 1024 interrupts a second */

#define CRYSTAL_HZ	32768ULL
/* UIP rises 244 us before the update, which takes 1984 us. */
#define UIP_NS		(244000 + 1984000)
/* The first update after the divider was reset comes half a second later. */
#define DIVIDER_PHASE	(NS_PER_SEC / 2)
/* A guest that is this many periods behind does not want them any more. */
#define OWED_MAX	1000
/* Pause between late periodic interrupts, ns. */
#define RETRY_NS	50000ULL

struct mc146818 {
	struct device dev;
	struct clock *clock;
	struct irq irq;
	struct timer timer;
	uint64_t offset;	/* ns of 1970 time minus guest ns */
	uint64_t seen;		/* guest ns up to which flags are settled */
	uint64_t periods;	/* periodic events delivered or skipped */
	uint8_t index;
	uint8_t ram[128];	/* registers and CMOS memory */
};

/*
 * Time of day <-> registers.
 */

static bool halted(const struct mc146818 *r)
{
	return r->ram[R_B] & B_SET ||
	       (r->ram[R_A] & A_DV_RESET) == A_DV_RESET;
}

static uint8_t encode(const struct mc146818 *r, unsigned v)
{
	return r->ram[R_B] & B_DM ? v : v / 10 << 4 | v % 10;
}

static unsigned decode(const struct mc146818 *r, uint8_t v)
{
	return r->ram[R_B] & B_DM ? v : (v >> 4) * 10 + (v & 15);
}

static uint8_t encode_hour(const struct mc146818 *r, unsigned h)
{
	if (r->ram[R_B] & B_24H)
		return encode(r, h);
	return encode(r, h % 12 ? h % 12 : 12) | (h >= 12 ? HOUR_PM : 0);
}

static unsigned decode_hour(const struct mc146818 *r, uint8_t v)
{
	if (r->ram[R_B] & B_24H)
		return decode(r, v);
	return decode(r, v & ~HOUR_PM) % 12 + (v & HOUR_PM ? 12 : 0);
}

static void time_to_regs(struct mc146818 *r, time_t t)
{
	struct tm tm;

	gmtime_r(&t, &tm);
	r->ram[R_SEC] = encode(r, tm.tm_sec);
	r->ram[R_MIN] = encode(r, tm.tm_min);
	r->ram[R_HOUR] = encode_hour(r, tm.tm_hour);
	r->ram[R_WDAY] = encode(r, tm.tm_wday + 1);
	r->ram[R_MDAY] = encode(r, tm.tm_mday);
	r->ram[R_MON] = encode(r, tm.tm_mon + 1);
	r->ram[R_YEAR] = encode(r, tm.tm_year % 100);
	r->ram[CMOS_CENTURY] = encode(r, (tm.tm_year + 1900) / 100);
}

static time_t regs_to_time(const struct mc146818 *r)
{
	struct tm tm = {
		.tm_sec = decode(r, r->ram[R_SEC]),
		.tm_min = decode(r, r->ram[R_MIN]),
		.tm_hour = decode_hour(r, r->ram[R_HOUR]),
		.tm_mday = decode(r, r->ram[R_MDAY]),
		.tm_mon = decode(r, r->ram[R_MON]) - 1,
		.tm_year = decode(r, r->ram[CMOS_CENTURY]) * 100 +
			   decode(r, r->ram[R_YEAR]) - 1900,
	};

	return timegm(&tm);
}

static void refresh_regs(struct mc146818 *r, uint64_t now)
{
	if (!halted(r))
		time_to_regs(r, (now + r->offset) / NS_PER_SEC);
}

/* The registers become the time; @phase: ns into that second. */
static void adopt_regs(struct mc146818 *r, uint64_t now, uint64_t phase)
{
	time_t t = regs_to_time(r);

	r->offset = (uint64_t)(t < 0 ? 0 : t) * NS_PER_SEC + phase - now;
}

/*
 * Events.
 */

/* Crystal cycles between periodic events; 0: none.  Datasheet table 5. */
static uint64_t period_cycles(const struct mc146818 *r)
{
	unsigned rs = r->ram[R_A] & A_RS;

	if (!rs || (r->ram[R_A] & A_DV_RESET) == A_DV_RESET)
		return 0;
	return 1ULL << (rs < 3 ? rs + 6 : rs - 1);
}

static uint64_t periods_at(const struct mc146818 *r, uint64_t now)
{
	uint64_t cycles = period_cycles(r);

	return cycles ? muldiv64(now, CRYSTAL_HZ, NS_PER_SEC) / cycles : 0;
}

static uint64_t period_ns(const struct mc146818 *r, uint64_t index)
{
	return muldiv64_up(index * period_cycles(r), NS_PER_SEC, CRYSTAL_HZ);
}

static bool alarm_field(uint8_t alarm, unsigned want, unsigned have)
{
	return (alarm & ALARM_ANY) == ALARM_ANY || want == have;
}

static bool hour_matches(const struct mc146818 *r, unsigned hour)
{
	uint8_t a = r->ram[R_HOUR_ALARM];

	return alarm_field(a, decode_hour(r, a), hour);
}

static bool unit_matches(const struct mc146818 *r, unsigned reg, unsigned v)
{
	return alarm_field(r->ram[reg], decode(r, r->ram[reg]), v);
}

/* The first second after @t (1970 time) at which the alarm goes off; 0: never */
static uint64_t next_alarm(const struct mc146818 *r, uint64_t t)
{
	uint64_t end = t + 24 * 3600 + 1;

	for (t++; t < end;) {
		if (!hour_matches(r, t / 3600 % 24))
			t = (t / 3600 + 1) * 3600;
		else if (!unit_matches(r, R_MIN_ALARM, t / 60 % 60))
			t = (t / 60 + 1) * 60;
		else if (!unit_matches(r, R_SEC_ALARM, t % 60))
			t++;
		else
			return t;
	}
	return 0;
}

static void settle_periodic(struct mc146818 *r, uint64_t now)
{
	uint64_t due = periods_at(r, now);

	if (due <= r->periods)
		return;
	if (!(r->ram[R_B] & B_PIE)) {
		r->periods = due;
	} else {
		if (r->ram[R_C] & C_PF)
			return;
		if (due - r->periods > OWED_MAX)
			r->periods = due - OWED_MAX;
		r->periods++;
	}
	r->ram[R_C] |= C_PF;
}

static void settle_update(struct mc146818 *r, uint64_t now)
{
	uint64_t was = (r->seen + r->offset) / NS_PER_SEC;
	uint64_t is = (now + r->offset) / NS_PER_SEC;
	uint64_t alarm;

	if (halted(r) || is <= was)
		return;
	r->ram[R_C] |= C_UF;
	alarm = next_alarm(r, was);
	if (alarm && alarm <= is)
		r->ram[R_C] |= C_AF;
}

/* Bring the flags and the IRQ line up to @now. */
static void settle(struct mc146818 *r, uint64_t now)
{
	uint8_t *c = &r->ram[R_C];

	settle_periodic(r, now);
	settle_update(r, now);
	r->seen = now;
	*c &= ~C_IRQF;
	if (*c & r->ram[R_B] & (C_PF | C_AF | C_UF))
		*c |= C_IRQF;
	irq_set(&r->irq, *c & C_IRQF);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Guest ns of the next event that would raise the IRQ line. */
static uint64_t next_event(const struct mc146818 *r, uint64_t now)
{
	uint64_t second = (now + r->offset) / NS_PER_SEC, when, alarm;
	uint8_t enabled = r->ram[R_B];

	when = TIMER_NEVER;
	if (enabled & B_PIE && period_cycles(r)) {
		when = period_ns(r, r->periods + 1);
		if (when <= now)
			when = now + RETRY_NS;
	}
	if (halted(r))
		return when;
	if (enabled & B_UIE)
		when = earlier(when, (second + 1) * NS_PER_SEC - r->offset);
	alarm = enabled & B_AIE ? next_alarm(r, second) : 0;
	if (alarm)
		when = earlier(when, alarm * NS_PER_SEC - r->offset);
	return when;
}

/* Nothing is to be done while the line is up: reading C comes first. */
static void schedule(struct mc146818 *r, uint64_t now)
{
	timer_set(&r->timer, r->irq.level ? TIMER_NEVER : next_event(r, now));
}

static void expired(void *opaque)
{
	struct mc146818 *r = opaque;
	uint64_t now = clock_now(r->clock);

	settle(r, now);
	schedule(r, now);
}

/*
 * Register access.
 */

static bool is_time(unsigned i)
{
	return i == CMOS_CENTURY || (i <= R_YEAR && i != R_SEC_ALARM &&
				     i != R_MIN_ALARM && i != R_HOUR_ALARM);
}

static bool update_in_progress(const struct mc146818 *r, uint64_t now)
{
	uint64_t phase = (now + r->offset) % NS_PER_SEC;

	return !halted(r) && phase >= NS_PER_SEC - UIP_NS;
}

static uint8_t read_c(struct mc146818 *r, uint64_t now)
{
	uint8_t val = r->ram[R_C];

	r->ram[R_C] = 0;
	irq_lower(&r->irq);
	schedule(r, now);
	return val;
}

static uint8_t read_reg(struct mc146818 *r, unsigned i)
{
	uint64_t now = clock_now(r->clock);

	if (is_time(i))
		refresh_regs(r, now);
	if (i == R_A)
		return r->ram[R_A] | (update_in_progress(r, now) ? A_UIP : 0);
	if (i == R_D)
		return D_VRT;
	if (i == R_C) {
		settle(r, now);
		return read_c(r, now);
	}
	return r->ram[i];
}

/* A and B: stopping and restarting the clock, new rates, formats, enables. */
static void write_control(struct mc146818 *r, unsigned i, uint8_t val,
			  uint64_t now)
{
	bool was_halted = halted(r);
	bool was_reset = (r->ram[R_A] & A_DV_RESET) == A_DV_RESET;
	uint64_t phase = (now + r->offset) % NS_PER_SEC;

	refresh_regs(r, now);
	r->ram[i] = i == R_A ? val & ~A_UIP : val;
	if (was_halted && !halted(r))
		adopt_regs(r, now, was_reset ? DIVIDER_PHASE : phase);
	/* SET clears UIE, datasheet on register B. */
	if (i == R_B && val & B_SET)
		r->ram[R_B] &= ~B_UIE;
	r->periods = periods_at(r, now);
}

static void write_reg(struct mc146818 *r, unsigned i, uint8_t val)
{
	uint64_t now = clock_now(r->clock);

	if (i == R_C || i == R_D)
		return;
	settle(r, now);
	if (i == R_A || i == R_B) {
		write_control(r, i, val, now);
	} else if (is_time(i)) {
		refresh_regs(r, now);
		r->ram[i] = val;
		if (!halted(r))
			adopt_regs(r, now, (now + r->offset) % NS_PER_SEC);
	} else {
		r->ram[i] = val;
	}
	settle(r, now);
	schedule(r, now);
}

static uint32_t rtc_read(void *opaque, unsigned off, unsigned size)
{
	struct mc146818 *r = opaque;

	/* Port 70h is write-only. */
	return off ? read_reg(r, r->index) : 0xff;
}

/* Bit 7 of port 70h masks NMI; this machine has no NMI behind that gate. */
static void rtc_write(void *opaque, unsigned off, unsigned size, uint32_t val)
{
	struct mc146818 *r = opaque;

	if (off)
		write_reg(r, r->index, val);
	else
		r->index = val & 0x7f;
}

static const struct pio_ops rtc_ops = { rtc_read, rtc_write, PIO_1 };

void mc146818_set(struct mc146818 *r, unsigned index, uint8_t val)
{
	r->ram[index] = val;
}

uint8_t mc146818_get(const struct mc146818 *r, unsigned index)
{
	return r->ram[index];
}

void mc146818_sum(struct mc146818 *r)
{
	unsigned sum = 0;

	for (unsigned i = CMOS_FLOPPY; i < CMOS_SUM; i++)
		sum += r->ram[i];
	r->ram[CMOS_SUM] = sum >> 8;
	r->ram[CMOS_SUM + 1] = sum;
}

/* The battery keeps time and memory; RESET# clears enables and flags. */
static void reset(struct device *d)
{
	struct mc146818 *r = (struct mc146818 *)d;

	r->ram[R_B] &= ~(B_PIE | B_AIE | B_UIE | B_SQWE);
	r->ram[R_C] = 0;
	r->index = 0;
	irq_lower(&r->irq);
	timer_cancel(&r->timer);
}

static int loaded(struct device *d)
{
	struct mc146818 *r = (struct mc146818 *)d;

	return r->index < sizeof(r->ram) ? 0 : -EINVAL;
}

static void destroy(struct device *d)
{
	struct mc146818 *r = (struct mc146818 *)d;

	timer_cancel(&r->timer);
	free(r);
}

static const struct field fields[] = {
	FIELD(struct mc146818, offset, 1),
	FIELD(struct mc146818, seen, 1),
	FIELD(struct mc146818, periods, 1),
	FIELD(struct mc146818, index, 1),
	FIELD(struct mc146818, ram, 1),
	FIELD_BOOL(struct mc146818, irq.level, 1),
	FIELD_TIMER(struct mc146818, timer, 1),
};

static const struct device_class mc146818_class = {
	"mc146818", 1, fields, ARRAY_SIZE(fields), reset, loaded, destroy,
};

int mc146818_create(struct mc146818 **out, struct ports *ports,
		    struct clock *clock, const struct irq *irq8,
		    uint64_t unix_ns)
{
	struct mc146818 *r = calloc(1, sizeof(*r));

	*out = r;
	if (!r)
		return -ENOMEM;
	r->dev.class = &mc146818_class;
	r->clock = clock;
	r->irq = *irq8;
	r->offset = unix_ns - clock_now(clock);
	r->ram[R_A] = A_DEFAULT;
	r->ram[R_B] = B_24H;
	timer_init(&r->timer, clock, expired, r);
	reset(&r->dev);
	return ports_add(ports, 0x70, 2, &rtc_ops, r, "rtc");
}
