/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time, and what 3.1 adds besides page tables.  spec/vmi.md, "Time".
 */
#include "tests/vmi/vmi.h"

#define ONE_SHOT	0u
#define PERIODIC	VMI_ALARM_PERIODIC
#define LVTT		VMI_ALARM_LVTT
#define AVAILABLE	VMI_COUNTER_AVAILABLE
#define LVTT_VECTOR	0x41
#define APIC_EOI	0xb0
#define APIC_LVTT	0x320
#define APIC_MASKED	0x10000

static volatile uint32_t ticks, lvtt_ticks;
static volatile uint64_t tick_at;
static uint32_t hz;

/* @a / @b, which must fit 32 bits: there is no library for more here. */
static uint32_t div64(uint64_t a, uint32_t b)
{
	uint32_t q, r;

	__asm__("divl %4" : "=a"(q), "=d"(r) : "0"((uint32_t)a),
		"1"((uint32_t)(a >> 32)), "rm"(b));
	return q;
}

static uint64_t counter(unsigned which)
{
	return vmi(VMI_CALL_GET_CYCLE_COUNTER, which, 0, 0);
}

static void alarm(uint32_t flags, uint64_t expiry, uint64_t period)
{
	vmi_call5(VMI_CALL_SET_ALARM, flags, expiry, expiry >> 32, period,
		  period >> 32);
}

static bool cancel(uint32_t flags)
{
	return (uint32_t)vmi(VMI_CALL_CANCEL_ALARM, flags, 0, 0);
}

static void on_tick(struct trap *t)
{
	ticks++;
	tick_at = counter(0);
	pic_eoi(0);
}

/* The local APIC, where the ROM does not go there for us. */
static void apic_write(uint32_t reg, uint32_t val)
{
	if (vmi_has(VMI_CALL_APIC_WRITE)) {
		vmi(VMI_CALL_APIC_WRITE, reg, val, 0);
		return;
	}
	*pte(WINDOW_VA + 0x3ff000) = 0xfee00000u | PTE_P | PTE_W;
	invlpg(WINDOW_VA + 0x3ff000);
	poke32(WINDOW_VA + 0x3ff000 + reg, val);
}

static void on_lvtt(struct trap *t)
{
	lvtt_ticks++;
	tick_at = counter(0);
	apic_write(APIC_EOI, 0);
}

/* Interrupts on until *@n has grown by @by, or @ms have passed. */
static bool wait_for(volatile uint32_t *n, uint32_t by, unsigned ms)
{
	uint64_t end = counter(0) + (uint64_t)(hz / 1000) * ms;
	uint32_t was = *n;

	__asm__ volatile("sti");
	while (*n - was < by && counter(0) < end)
		__asm__ volatile("pause");
	__asm__ volatile("cli");
	return *n - was >= by;
}

/* Within 1 %; on a busy host the two need not be read at once. */
static bool frequency_holds(void)
{
	uint64_t r, w1, w0 = vmi(VMI_CALL_GET_WALLCLOCK_TIME, 0, 0, 0);
	uint32_t t;

	r = counter(0);
	while ((w1 = vmi(VMI_CALL_GET_WALLCLOCK_TIME, 0, 0, 0)) - w0 <
	       30000000)
		;
	r = counter(0) - r;
	t = div64((w1 - w0) * (hz / 1000), 1000000);
	return r > t - t / 100 && r < t + t / 100;
}

/* Seconds since 1970 when the host wrote the command line; 0: it did not. */
static uint64_t told_time(void)
{
	const char *p = guest_cmdline;
	uint64_t t = 0;

	while (*p && !(p[0] == 'u' && p[1] == 't' && p[2] == 'c' &&
		       p[3] == '='))
		p++;
	for (p += *p ? 4 : 0; *p >= '0' && *p <= '9'; p++)
		t = t * 10 + *p - '0';
	return t;
}

static void counters(void)
{
	uint64_t r0, r1, a, s, t0, t1, w0;
	bool good = true;

	for (unsigned i = 0; i < 1000; i++) {
		r0 = counter(0);
		s = counter(2);
		a = counter(1);
		r1 = counter(0);
		/* Stolen may have grown between, real has. */
		good &= a + s <= r1 && a <= r1 && r0 <= r1;
	}
	ok(good, "available and stolen make up real; real never goes back");
	a = counter(1);
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t b = counter(1);

		good &= b >= a;
		a = b;
	}
	ok(good, "available never goes back");
	ok(counter(3) == 0 && counter(77) == 0, "other counters read as 0");
	t0 = rdtsc();
	r0 = counter(0);
	t1 = rdtsc();
	ok(t0 <= r0 && r0 <= t1, "real is the TSC");
	w0 = vmi(VMI_CALL_GET_WALLCLOCK_TIME, 0, 0, 0);
	good = false;
	for (unsigned i = 0; i < 10 && !good; i++)
		good = frequency_holds();
	ok(good, "the frequency is that of the wall clock");
	ok(w0 > 1577836800ull * 1000000000, "the year is 2020 or later");
	s = told_time();
	ok(!s || (w0 > s * 1000000000 && w0 < (s + 100) * 1000000000),
	   "the wall clock is the host's");
	ok((uint32_t)vmi(VMI_CALL_WALLCLOCK_UPDATED, 0, 0, 0) == 0,
	   "nobody has set it");
}

static void one_shots(void)
{
	uint64_t now = counter(0), at = now + hz / 500;

	alarm(ONE_SHOT, at, 0);
	ok(wait_for(&ticks, 1, 20000) && tick_at >= at,
	   "an alarm comes, and not too early");
	ok(!cancel(ONE_SHOT), "it has disarmed itself");
	alarm(ONE_SHOT, now, 0);
	ok(wait_for(&ticks, 1, 20000), "one in the past comes at once");
	alarm(ONE_SHOT, counter(0) + 1000ull * hz, 0);
	ok(cancel(ONE_SHOT) && !cancel(ONE_SHOT), "CancelAlarm says what it did");
	alarm(ONE_SHOT, counter(0) + hz / 100, 0);
	alarm(ONE_SHOT, counter(0) + 1000ull * hz, 0);
	ok(!wait_for(&ticks, 1, 30), "a new alarm replaces the old");
	cancel(ONE_SHOT);
	alarm(2, counter(0), 0);
	alarm(77, counter(0), 0);
	ok(!wait_for(&ticks, 1, 10), "no alarm on other counters");
	alarm(ONE_SHOT | AVAILABLE, counter(1) + hz / 500, 0);
	ok(wait_for(&ticks, 1, 20000), "an alarm on available time");
	/* 5 seconds there is no time for; ~0 is later than everything. */
	alarm(ONE_SHOT, ~0ull, 0);
	ok(cancel(ONE_SHOT), "the last cycle of all");
}

static void periods(void)
{
	uint64_t start = counter(0), t;
	uint32_t n;

	alarm(PERIODIC, start, hz / 500);
	ok(wait_for(&ticks, 10, 20000), "a periodic alarm comes again");
	ok(counter(0) - start >= hz / 500 * 9, "every period, not more often");
	t = counter(0);
	while (counter(0) - t < hz / 500 * 10)
		;
	n = ticks;
	__asm__ volatile("sti; nop; nop; cli");
	ok(ticks - n <= 2, "missed ones coalesce");
	ok(cancel(PERIODIC), "and it ends");
	ok(!wait_for(&ticks, 2, 10), "for good");
	alarm(PERIODIC, counter(0), 0);
	ok(wait_for(&ticks, 1, 20000) && !cancel(PERIODIC),
	   "with period 0 it comes once");
	alarm(PERIODIC, counter(0) + hz / 1000, hz / 300);
	alarm(PERIODIC | AVAILABLE, counter(1) + hz / 1000, hz / 300);
	n = ticks;
	ok(wait_for(&ticks, 6, 20000), "both counters at once");
	ok(cancel(0) && cancel(1), "both were armed");
}

/* Halted until *@n has grown by @by; the interrupt must come by itself. */
static void halt_for(volatile uint32_t *n, uint32_t by)
{
	uint32_t was = *n;

	while (*n - was < by)
		__asm__ volatile("sti; hlt; cli");
}

/* What an alarm did before it was cancelled may wait still: take it. */
static void drain(void)
{
	__asm__ volatile("sti; nop; nop; cli");
}

static bool halted_until(uint64_t at)
{
	drain();
	alarm(ONE_SHOT, at, 0);
	halt_for(&ticks, 1);
	return tick_at >= at && !cancel(ONE_SHOT);
}

/* Its thread waits for the alarm, in ways that depend on how long. */
static void while_halted(void)
{
	static const uint16_t us[] = { 0, 1, 5, 15, 19, 25, 60, 300, 5000 };
	uint64_t start;
	bool good = true;

	for (unsigned n = 0; n < 10; n++)
		for (unsigned i = 0; i < sizeof(us) / sizeof(*us); i++)
			good &= halted_until(counter(0) + hz / 1000000 * us[i]);
	ok(good, "alarms come to a halted processor, none too early");
	start = counter(0);
	alarm(PERIODIC, start, hz / 500);
	halt_for(&ticks, 10);
	ok(counter(0) - start >= hz / 500 * 9 && cancel(PERIODIC),
	   "periodic ones, too");
	alarm(ONE_SHOT, counter(0) + 1000ull * hz, 0);
	ok(halted_until(counter(0) + hz / 1000), "one replaces another");
	alarm(ONE_SHOT, counter(0) + 1000ull * hz, 0);
	alarm(ONE_SHOT | AVAILABLE, counter(1) + hz / 1000, 0);
	halt_for(&ticks, 1);
	ok(cancel(ONE_SHOT) && !cancel(ONE_SHOT | AVAILABLE),
	   "the sooner of two comes, the other one stays armed");
}

static void by_lvtt(void)
{
	trap_hooks[LVTT_VECTOR] = on_lvtt;
	apic_write(APIC_LVTT, LVTT_VECTOR | APIC_MASKED);
	alarm(LVTT | ONE_SHOT, counter(0), 0);
	ok(!wait_for(&lvtt_ticks, 1, 10), "a masked vector is not delivered");
	apic_write(APIC_LVTT, LVTT_VECTOR);
	cancel(LVTT);
	alarm(LVTT | PERIODIC, counter(0), hz / 500);
	ok(wait_for(&lvtt_ticks, 5, 20000), "alarms by the APIC's timer vector");
	ok(cancel(LVTT | PERIODIC), "until they are cancelled");
	if (vmi_has(VMI_CALL_APIC_READ)) {
		ok((uint32_t)vmi(VMI_CALL_APIC_READ, APIC_LVTT, 0, 0) ==
		   LVTT_VECTOR, "APICRead of an offset");
		ok((uint32_t)vmi(VMI_CALL_APIC_READ, 0xffffa000 + APIC_LVTT,
				 0, 0) == LVTT_VECTOR, "and of an address");
		ok(!((uint32_t)vmi(VMI_CALL_APIC_READ, 0x300, 0, 0) & 0x1000),
		   "no IPI is under way");
	}
	apic_write(APIC_LVTT, APIC_MASKED);
}

static void alarms(void)
{
	trap_hooks[IRQ_BASE] = on_tick;
	pic_init(1);
	one_shots();
	periods();
	/* Its VMRUN forgets the interrupt shadow: a tick ends STI, then HLT waits. */
	if (!vmi_on_qemu())
		while_halted();
	by_lvtt();
	outb(0x21, 0xff);
}

/* ------------------------------------------------ 3.1 */

static void stolen_time(void)
{
	volatile struct vmi_stolen_time *r =
		(void *)(SCRATCH(40) + 3 * sizeof(*r));
	uint32_t where = (uint32_t)r & VMI_STOLEN_OFFSET_MASK, v;
	uint64_t t;

	if (!vmi_has(VMI_CALL_SET_STOLEN_TIME_PAGE))
		return;
	memset(scratch[40], 0, PAGE);
	ok((uint32_t)vmi(VMI_CALL_SET_STOLEN_TIME_PAGE, SCRATCH(40) / PAGE,
			 where | VMI_STOLEN_ENABLE, 0) == 0 &&
	   r->flags & VMI_STOLEN_VALID && r->version && !(r->version & 1),
	   "the stolen-time record is valid");
	ok(r->real == r->available + r->stolen && r->real <= counter(0),
	   "its counters agree");
	v = r->version;
	t = counter(0);
	do
		counter(2);
	while (counter(0) - t < hz / 200);
	counter(2);
	ok(r->version != v, "it is kept up to date");
	ok(!peek32(SCRATCH(40)) && !peek32(SCRATCH(40) + 4 * sizeof(*r)),
	   "nothing beside it is written");
	vmi(VMI_CALL_SET_STOLEN_TIME_PAGE, 0, 0, 0);
	v = r->version;
	t = counter(0);
	while (counter(0) - t < hz / 200)
		counter(2);
	ok(r->version == v, "until it is turned off");
	ok((uint32_t)vmi(VMI_CALL_SET_STOLEN_TIME_PAGE, 0xfee00,
			 VMI_STOLEN_ENABLE, 0) == ~0u &&
	   (uint32_t)vmi(VMI_CALL_SET_STOLEN_TIME_PAGE, 0xffffffff,
			 VMI_STOLEN_ENABLE, 0) == ~0u &&
	   (uint32_t)vmi(VMI_CALL_SET_STOLEN_TIME_PAGE, 1, 0x1001, 0) == ~0u,
	   "not where there is no memory, not with flags unheard of");
}

static void console(void)
{
	static const char text[] = "# written by ConsoleWrite\n";

	if (!vmi_has(VMI_CALL_CONSOLE_WRITE))
		return;
	ok((uint32_t)vmi(VMI_CALL_CONSOLE_WRITE, (uint32_t)text,
			 sizeof(text) - 1, 0) == sizeof(text) - 1,
	   "ConsoleWrite takes a line");
	ok((uint32_t)vmi(VMI_CALL_CONSOLE_WRITE, 0xfffff000, 10, 0) == 0,
	   "and nothing from where there is nothing");
	ok((uint32_t)vmi(VMI_CALL_CONSOLE_WRITE, MAPPED - 1, ~0u, 0) <= 1,
	   "nor beyond the end of memory");
}

static void features(void)
{
	uint64_t f = vmi_features();

	ok(vmi_rom->api_version_min || !f, "a ROM of 3.0 has no features");
	ok(f == vmi_features() && f >> 32 <= 2,
	   "the feature word stays");
	ok(!(f & VMI_FEATURE_STOLEN) ||
	   vmi_has(VMI_CALL_SET_STOLEN_TIME_PAGE), "it promises what is there");
	ok(!(f & VMI_FEATURE_ALARM) || vmi_has(VMI_CALL_SET_ALARM),
	   "alarms, too");
	print("# features %x, ROM kind %u\n", (uint32_t)f, (uint32_t)(f >> 32));
}

void time_calls(void);
void time_calls(void)
{
	features();
	console();
	if (!vmi_has(VMI_CALL_GET_CYCLE_FREQUENCY)) {
		ok(true, "time # SKIP this ROM leaves it to the guest");
		return;
	}
	hz = vmi(VMI_CALL_GET_CYCLE_FREQUENCY, 0, 0, 0);
	ok(hz > 1000000, "a frequency");
	counters();
	alarms();
	stolen_time();
}
