// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What devices stand on: port space, clock, event loop, saved state; and PCI,
 * power management, system ports and the tables for operating systems.
 */
#define _GNU_SOURCE	/* memmem */
#include "tests/unit/rig.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backends/char.h"
#include "hypervisor/i440fx.h"
#include "hypervisor/mem.h"
#include "hypervisor/parallel.h"
#include "hypervisor/pci.h"
#include "hypervisor/piix3.h"
#include "hypervisor/piix4pm.h"
#include "hypervisor/ferr.h"
#include "hypervisor/sysports.h"
#include "hypervisor/tables.h"

/*
 * Ports.
 */

static struct { unsigned off, size; uint32_t val; unsigned calls; } seen;

static uint32_t dev_read(void *opaque, unsigned off, unsigned size)
{
	seen.calls++;
	return 0x04030201 >> off * 8;
}

static void dev_write(void *opaque, unsigned off, unsigned size, uint32_t val)
{
	seen.calls++;
	seen.off = off;
	seen.size = size;
	seen.val = val;
}

static const struct pio_ops bytes_ops = { dev_read, dev_write, PIO_1 };
static const struct pio_ops wide_ops = {
	dev_read, dev_write, PIO_1 | PIO_2 | PIO_4,
};

START_TEST(ports_split_what_the_owner_does_not_take)
{
	uint16_t last;

	ck_assert_int_eq(ports_add(rig_ports, 0x100, 3, &bytes_ops, NULL,
				   "x"), 0);
	ck_assert_uint_eq(ports_read(rig_ports, 0x100, 4), 0xff030201);
	ck_assert_uint_eq(seen.calls, 3);
	ck_assert_uint_eq(ports_unowned(rig_ports, &last), 1);
	ck_assert_uint_eq(last, 0x103);
	ports_write(rig_ports, 0x101, 2, 0xbbaa);
	ck_assert_uint_eq(seen.off, 2);
	ck_assert_uint_eq(seen.val, 0xbb);
	ck_assert_int_eq(ports_add(rig_ports, 0x200, 4, &wide_ops, NULL,
				   "y"), 0);
	ports_write(rig_ports, 0x200, 4, 0x11223344);
	ck_assert_uint_eq(seen.size, 4);
	ck_assert_uint_eq(seen.val, 0x11223344);
}
END_TEST

START_TEST(ports_have_one_owner)
{
	ck_assert_int_eq(ports_add(rig_ports, 0x100, 8, &bytes_ops, NULL,
				   "x"), 0);
	ck_assert_int_eq(ports_add(rig_ports, 0x107, 2, &bytes_ops, NULL,
				   "y"), -EEXIST);
	ck_assert_int_eq(ports_add(rig_ports, 0xfffe, 4, &bytes_ops, NULL,
				   "y"), -EINVAL);
	ck_assert_int_eq(ports_del(rig_ports, 0x101), -ENOENT);
	ck_assert_int_eq(ports_del(rig_ports, 0x100), 0);
	ck_assert_uint_eq(in8(0x100), 0xff);
	for (unsigned i = 0; i < 255; i++)
		ck_assert_int_eq(ports_add(rig_ports, i * 4, 4, &bytes_ops,
					   NULL, "z"), 0);
	ck_assert_int_eq(ports_add(rig_ports, 0x8000, 1, &bytes_ops, NULL,
				   "z"), -ENOSPC);
	/* Addresses have 16 bits. */
	ck_assert_uint_eq(ports_read(rig_ports, 0xffff, 4), 0x030201ff);
}
END_TEST

/*
 * Clock.
 */

static struct timer timers[8];
static unsigned order[8], fired;

static void on_timer(void *opaque)
{
	struct timer *t = opaque;

	order[fired++] = t - timers;
}

START_TEST(timers_fire_in_order_and_can_be_cancelled)
{
	static const uint64_t when[8] = { 50, 10, 40, 80, 20, 70, 60, 30 };

	for (unsigned i = 0; i < 8; i++) {
		timer_init(&timers[i], rig_clock, on_timer, &timers[i]);
		timer_set(&timers[i], when[i]);
	}
	timer_cancel(&timers[2]);
	timer_set(&timers[5], 5);
	timer_set(&timers[1], 100);
	clock_advance(rig_clock, 60);
	ck_assert_uint_eq(fired, 5);
	ck_assert_mem_eq(order, ((unsigned[]){ 5, 4, 7, 0, 6 }),
			 5 * sizeof(unsigned));
	ck_assert(!timer_armed(&timers[5]));
	ck_assert(timer_armed(&timers[3]));
	clock_advance(rig_clock, 100);
	ck_assert_uint_eq(order[6], 1);
}
END_TEST

static uint64_t fired_at[3];

static void on_real_timer(void *opaque)
{
	fired_at[fired++] = clock_now(rig_clock);
	if (fired == 3)
		loop_quit(rig_loop);
}

/* One armed early, one moved behind it, one in the past, one taken back. */
START_TEST(running_clock_keeps_its_deadlines)
{
	for (unsigned i = 0; i < 4; i++)
		timer_init(&timers[i], rig_clock, on_real_timer, NULL);
	clock_start(rig_clock);
	timer_set(&timers[0], 1000000);
	timer_set(&timers[0], 30000000);
	timer_set(&timers[1], 20000000);
	timer_set(&timers[2], 0);
	timer_set(&timers[3], 10000000);
	timer_take(&timers[3]);
	loop_run(rig_loop);
	ck_assert_uint_ge(fired_at[1], 20000000);
	ck_assert_uint_ge(fired_at[2], 30000000);
	ck_assert_uint_lt(fired_at[0], 20000000);
	ck_assert(!timer_armed(&timers[3]));
}
END_TEST

static bool waits;
static unsigned ran;
static pthread_t ran_on;

static void on_waited(void *opaque)
{
	bool also = false;

	ran++;
	ran_on = pthread_self();
	ck_assert(!waits);
	ck_assert(!clock_wait(rig_clock, *(int *)opaque, &also));
}

static void *run_loop(void *opaque)
{
	loop_run(rig_loop);
	return NULL;
}

static void wake_soon(void *opaque, int fd, short revents)
{
	uint64_t one = 1;

	ck_assert_int_eq(read(fd, &one, sizeof(one)), sizeof(one));
	ck_assert(waits);
	ck_assert_int_eq(write(*(int *)opaque, &one, sizeof(one)),
			 sizeof(one));
}

/*
 * A thread waits for timers while the loop runs: once until one is due, which is
 * run there and not by the loop, once until somebody writes, and not at all when
 * the clock is stopped.  What is due afterwards is the loop's again.
 */
START_TEST(a_waiting_thread_runs_the_timers)
{
	int wake = eventfd(0, EFD_NONBLOCK), ask = eventfd(0, EFD_NONBLOCK);
	uint64_t one = 1, until;
	pthread_t loop;

	ck_assert(!clock_wait(rig_clock, wake, &waits));
	clock_start(rig_clock);
	timer_init(&timers[0], rig_clock, on_waited, &wake);
	timer_init(&timers[1], rig_clock, on_real_timer, NULL);
	fired = 2;
	ck_assert_int_eq(loop_add_fd(rig_loop, ask, POLLIN, wake_soon, &wake),
			 0);
	ck_assert_int_eq(pthread_create(&loop, NULL, run_loop, NULL), 0);

	loop_lock(rig_loop);
	until = clock_now(rig_clock) + 5000000;
	timer_set(&timers[0], until);
	while (!ran)
		ck_assert(clock_wait(rig_clock, wake, &waits));
	ck_assert(pthread_equal(ran_on, pthread_self()));
	ck_assert_uint_ge(clock_now(rig_clock), until);

	ck_assert_int_eq(write(ask, &one, sizeof(one)), sizeof(one));
	ck_assert(clock_wait(rig_clock, wake, &waits));
	ck_assert_int_eq(read(wake, &one, sizeof(one)), -1);

	timer_set(&timers[1], clock_now(rig_clock) + 1000000);
	loop_unlock(rig_loop);
	pthread_join(loop, NULL);
	ck_assert_uint_eq(fired, 3);
	ck_assert_uint_eq(ran, 1);
	loop_del_fd(rig_loop, ask);
	close(ask);
	close(wake);
}
END_TEST

/* Without a loop: the descriptor is armed for what is due, not what was once. */
START_TEST(a_waiting_thread_is_not_woken_up_for_what_was_put_off)
{
	int wake = eventfd(0, EFD_NONBLOCK);

	clock_start(rig_clock);
	timer_init(&timers[0], rig_clock, on_waited, &wake);
	loop_lock(rig_loop);
	timer_set(&timers[0], clock_now(rig_clock) + 2000000);
	timer_set(&timers[0], clock_now(rig_clock) + 20000000);
	ck_assert(clock_wait(rig_clock, wake, &waits));
	ck_assert_uint_eq(ran, 1);
	loop_unlock(rig_loop);
	close(wake);
}
END_TEST

START_TEST(stopped_clock_stands_still)
{
	uint64_t then;

	clock_start(rig_clock);
	usleep(2000);
	clock_stop(rig_clock);
	then = clock_now(rig_clock);
	ck_assert_uint_ge(then, 2000000);
	usleep(5000);
	ck_assert_uint_eq(clock_now(rig_clock), then);
	clock_start(rig_clock);
	ck_assert_uint_lt(clock_now(rig_clock), then + 4000000);
}
END_TEST

/*
 * Loop.
 */

static int pipes[2][2];
static unsigned calls[2];

static void on_pipe(void *opaque, int fd, short revents)
{
	unsigned i = fd == pipes[1][0];
	char c;

	calls[i]++;
	if (read(fd, &c, 1) == 1 && c == 'q')
		loop_quit(rig_loop);
	else if (c == 'd')
		loop_del_fd(rig_loop, pipes[1][0]);
}

START_TEST(loop_forgets_a_descriptor_removed_in_the_same_round)
{
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(pipe(pipes[i]), 0);
		ck_assert_int_eq(loop_add_fd(rig_loop, pipes[i][0], POLLIN,
					     on_pipe, NULL), 0);
	}
	ck_assert_int_eq(loop_add_fd(rig_loop, pipes[0][0], POLLIN, on_pipe,
				     NULL), -EEXIST);
	ck_assert_int_eq(write(pipes[0][1], "dq", 2), 2);
	ck_assert_int_eq(write(pipes[1][1], "x", 1), 1);
	loop_run(rig_loop);
	ck_assert_uint_eq(calls[0], 2);
	ck_assert_uint_eq(calls[1], 0);
}
END_TEST

static void *change_from_outside(void *opaque)
{
	usleep(20000);
	loop_lock(rig_loop);
	loop_set_events(rig_loop, pipes[0][0], POLLIN);
	loop_unlock(rig_loop);
	return NULL;
}

START_TEST(loop_hears_of_changes_by_other_threads)
{
	pthread_t thread;

	ck_assert_int_eq(pipe(pipes[0]), 0);
	loop_add_fd(rig_loop, pipes[0][0], 0, on_pipe, NULL);
	ck_assert_int_eq(write(pipes[0][1], "q", 1), 1);
	pthread_create(&thread, NULL, change_from_outside, NULL);
	loop_run(rig_loop);
	ck_assert_uint_eq(calls[0], 1);
	pthread_join(thread, NULL);
}
END_TEST

/*
 * Saved state.
 */

static void load_fails(void *device, struct state *s)
{
	s->pos = 0;
	ck_assert_int_eq(device_load(device, s), -EINVAL);
}

START_TEST(damaged_state_is_refused)
{
	struct state s = { 0 };
	struct port80 *p;

	ck_assert_int_eq(port80_create(&p, rig_ports), 0);
	out8(0x80, 0x55);
	ck_assert_int_eq(device_save((struct device *)p, &s), 0);
	out8(0x80, 0xaa);
	s.pos = 0;
	ck_assert_int_eq(device_load((struct device *)p, &s), 0);
	ck_assert_uint_eq(port80_code(p), 0x55);
	for (size_t len = 0; len < s.len; len++) {
		struct state cut = s;

		cut.len = len;
		load_fails(p, &cut);
	}
	s.data[1] ^= 1;			/* class name */
	load_fails(p, &s);
	s.data[1] ^= 1;
	s.data[7]++;			/* version */
	load_fails(p, &s);
	s.data[7]--;
	s.data[s.len - 6]++;		/* field name */
	load_fails(p, &s);
	state_free(&s);
}
END_TEST

/*
 * PCI, power management, system ports.
 */

static struct pci *pci;
static struct piix4pm *pm;
static struct rig_wire sci, reset_line, a20;
static unsigned slept = 99;

static void on_sleep(void *opaque, unsigned type)
{
	slept = type;
}

static void make_chipset(void)
{
	struct piix4pm_config cfg = {
		.ports = rig_ports, .clock = rig_clock, .sci = rig_irq(&sci),
		.sleep = on_sleep,
	};
	struct pci_config bus = {
		.ports = rig_ports, .mem = rig_mem(),
		.reset = rig_irq(&reset_line),
	};
	struct irq isa_lines[PIIX3_IRQS] = { 0 };
	struct i440fx_config bridge = { .mem = rig_mem() };
	struct i440fx *host;
	struct piix3 *isa;

	ck_assert_int_eq(pci_create(&pci, &bus), 0);
	bridge.pci = pci;
	ck_assert_int_eq(i440fx_create(&host, &bridge), 0);
	ck_assert_int_eq(piix3_create(&isa, pci, isa_lines), 0);
	cfg.pci = pci;
	ck_assert_int_eq(piix4pm_create(&pm, &cfg), 0);
}

static uint32_t config(unsigned devfn, unsigned off)
{
	ports_write(rig_ports, 0xcf8, 4, 0x80000000 | devfn << 8 | off);
	return ports_read(rig_ports, 0xcfc, 4);
}

START_TEST(pci_functions_answer_and_the_rest_floats)
{
	make_chipset();
	ck_assert_uint_eq(config(PCI_DEVFN(0, 0), 0), 0x12378086);
	ck_assert_uint_eq(config(PCI_DEVFN(1, 0), 0), 0x70008086);
	ck_assert_uint_eq(config(PCI_DEVFN(1, 3), 0), 0x71138086);
	ck_assert_uint_eq(config(PCI_DEVFN(1, 0), 0x0c) >> 16 & 0x80, 0x80);
	ck_assert_uint_eq(config(PCI_DEVFN(2, 0), 0), 0xffffffff);
	ck_assert_uint_eq(config(PCI_DEVFN(0, 0) | 0x100, 0), 0xffffffff);
	ports_write(rig_ports, 0xcf8, 4, 0);
	ck_assert_uint_eq(ports_read(rig_ports, 0xcfc, 4), 0xffffffff);
	/* Bytes within the dword, read-only identity. */
	ports_write(rig_ports, 0xcf8, 4, 0x80000000);
	ck_assert_uint_eq(in8(0xcfe), 0x37);
	ck_assert_uint_eq(ports_read(rig_ports, 0xcfe, 2), 0x1237);
	out8(0xcfe, 0);
	ck_assert_uint_eq(in8(0xcfe), 0x37);
	/* Narrow accesses to CF8h do not reach the address register. */
	out8(0xcf8, 0xff);
	ck_assert_uint_eq(ports_read(rig_ports, 0xcf8, 4), 0x80000000);
}
END_TEST

START_TEST(cf9_resets_on_the_rising_edge)
{
	make_chipset();
	out8(0xcf9, 2);
	ck_assert_uint_eq(reset_line.rises, 0);
	out8(0xcf9, 6);
	ck_assert_uint_eq(reset_line.rises, 1);
	out8(0xcf9, 6);
	ck_assert_uint_eq(reset_line.rises, 1);
	ck_assert_uint_eq(in8(0xcf9), 6);
}
END_TEST

START_TEST(pm_registers_move_with_their_base)
{
	make_chipset();
	ck_assert_uint_eq(ports_read(rig_ports, 0x608, 4), 0xffffffff);
	piix4pm_enable(pm, 0x600);
	ck_assert_uint_eq(ports_read(rig_ports, 0x608, 4), 0);
	config(PCI_DEVFN(1, 3), 0x40);
	ports_write(rig_ports, 0xcfc, 4, 0xb001);
	ck_assert_uint_eq(ports_read(rig_ports, 0x608, 4), 0xffffffff);
	ck_assert_uint_eq(ports_read(rig_ports, 0xb004, 2), 1);
}
END_TEST

START_TEST(pm_timer_counts_and_carries)
{
	make_chipset();
	piix4pm_enable(pm, 0x600);
	rig_advance(NS_PER_SEC);
	ck_assert_uint_eq(ports_read(rig_ports, 0x608, 4), PM_TIMER_HZ);
	ck_assert_uint_eq(ports_read(rig_ports, 0x609, 1),
			  PM_TIMER_HZ >> 8 & 0xff);
	ports_write(rig_ports, 0x602, 2, 1);
	ck_assert(!sci.level);
	rig_advance(1343400000);		/* 2^23 ticks: 2.3434 s */
	ck_assert(!sci.level);
	rig_advance(200000);
	ck_assert(sci.level);
	ports_write(rig_ports, 0x600, 2, 1);
	ck_assert(!sci.level);
	rig_advance(2344000000);
	ck_assert(sci.level);
	rig_advance(1);
	ck_assert_uint_lt(ports_read(rig_ports, 0x608, 4), 1 << 24);
}
END_TEST

START_TEST(power_button_and_soft_off)
{
	make_chipset();
	piix4pm_enable(pm, 0x600);
	piix4pm_power_button(pm);
	ck_assert(!sci.level);
	ck_assert_uint_eq(ports_read(rig_ports, 0x600, 2), 0x100);
	ports_write(rig_ports, 0x602, 2, 0x100);
	ck_assert(sci.level);
	ports_write(rig_ports, 0x600, 2, 0x100);
	ck_assert(!sci.level);
	ports_write(rig_ports, 0x604, 2, 0x1400);
	ck_assert_uint_eq(slept, 99);
	ports_write(rig_ports, 0x604, 2, 0x3400);
	ck_assert_uint_eq(slept, 5);
	ports_write(rig_ports, 0x604, 2, 0x2000);
	ck_assert_uint_eq(slept, PM_SLP_TYP_S5);
	ck_assert_uint_eq(ports_read(rig_ports, 0x604, 2), 0);
}
END_TEST

START_TEST(port92_gates_a20_and_resets_once)
{
	struct irq a = rig_irq(&a20), r = rig_irq(&reset_line);
	struct port92 *p;

	ck_assert_int_eq(port92_create(&p, rig_ports, &a, &r), 0);
	out8(0x92, 2);
	ck_assert(a20.level);
	out8(0x92, 3);
	out8(0x92, 3);
	ck_assert_uint_eq(reset_line.rises, 1);
	ck_assert_uint_eq(in8(0x92), 3);
	out8(0x92, 0);
	ck_assert(!a20.level);
}
END_TEST

static struct ferr *make_ferr(struct rig_wire *irq13, struct rig_wire *ignne)
{
	struct irq i = rig_irq(irq13), n = rig_irq(ignne);
	struct ferr *f;

	ck_assert_int_eq(ferr_create(&f, rig_ports, &i, &n), 0);
	return f;
}

START_TEST(port_f0_trades_interrupt_13_for_ignne)
{
	struct rig_wire irq13 = { 0 }, ignne = { 0 };
	struct ferr *f = make_ferr(&irq13, &ignne);

	out8(0xf0, 0);
	ck_assert(!ignne.level);
	ferr_set(f, true);
	ck_assert(irq13.level && !ignne.level);
	out8(0xf0, 0);
	ck_assert(!irq13.level && ignne.level);
	ferr_set(f, true);
	ck_assert_uint_eq(irq13.rises, 1);
	ferr_set(f, false);
	ck_assert(!ignne.level);
	ferr_set(f, true);
	ck_assert_uint_eq(irq13.rises, 2);
	device_reset((struct device *)f);
	ck_assert(!irq13.level && !ignne.level);
}
END_TEST

START_TEST(ignne_is_held_again_after_load)
{
	struct rig_wire irq13 = { 0 }, ignne = { 0 };
	struct ferr *f = make_ferr(&irq13, &ignne);
	struct state s = { 0 };

	ferr_set(f, true);
	out8(0xf0, 0);
	ck_assert_int_eq(device_save((struct device *)f, &s), 0);
	device_reset((struct device *)f);
	ck_assert(!ignne.level);
	ck_assert_int_eq(device_load((struct device *)f, &s), 0);
	ck_assert(ignne.level && !irq13.level);
	state_free(&s);
}
END_TEST

static uint32_t left;

static void on_exit_value(void *opaque, uint32_t val)
{
	left = val;
}

START_TEST(debug_exit_hands_over_the_value)
{
	struct debug_exit *x;

	ck_assert_int_eq(debug_exit_create(&x, rig_ports, on_exit_value,
					   NULL), 0);
	ports_write(rig_ports, 0xf4, 4, 0x10);
	ck_assert_uint_eq(left, 0x10);
	out8(0xf4, 0x22);
	ck_assert_uint_eq(left, 0x22);
}
END_TEST

/*
 * Tables.
 */

static uint8_t sum(const uint8_t *p, unsigned len)
{
	uint8_t s = 0;

	while (len--)
		s += *p++;
	return s;
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

static struct mem *place_tables(void)
{
	struct tables_config cfg = {
		.cpus = 1, .ioapic_id = 1, .pm_base = 0x600, .sci_irq = 9,
		.pirq = { 10, 10, 11, 11 }, .serial = { 0x3f8 },
		.serial_irq = { 4 },
	};
	struct mem *m;

	ck_assert_int_eq(mem_create(&m, 2 * MIB), 0);
	ck_assert_int_eq(acpi_place(m, &cfg), 0);
	ck_assert_int_eq(mptable_place(m, &cfg), 0);
	return m;
}

/* The root pointer is found as an operating system does. */
START_TEST(acpi_tables_hang_together)
{
	struct mem *m = place_tables();
	const uint8_t *rsdp = NULL, *rsdt, *fadt = NULL, *dsdt;
	unsigned n;

	for (gpa_t p = 0xe0000; p < 0x100000; p += 16)
		if (!memcmp(mem_hva(m, p), "RSD PTR ", 8))
			rsdp = mem_hva(m, p);
	ck_assert_ptr_nonnull(rsdp);
	ck_assert_uint_eq(sum(rsdp, 20), 0);
	rsdt = mem_hva(m, get32(rsdp + 16));
	ck_assert_mem_eq(rsdt, "RSDT", 4);
	ck_assert_uint_eq(sum(rsdt, get32(rsdt + 4)), 0);
	n = (get32(rsdt + 4) - 36) / 4;
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *t = mem_hva(m, get32(rsdt + 36 + 4 * i));

		ck_assert_uint_eq(sum(t, get32(t + 4)), 0);
		if (!memcmp(t, "FACP", 4))
			fadt = t;
	}
	ck_assert_ptr_nonnull(fadt);
	ck_assert_uint_eq(get32(fadt + 4), 244);
	ck_assert_uint_eq(get32(fadt + 76), 0x608);	/* PM_TMR_BLK */
	ck_assert_uint_eq(get32(fadt + 36) % 64, 0);
	ck_assert_mem_eq(mem_hva(m, get32(fadt + 36)), "FACS", 4);
	dsdt = mem_hva(m, get32(fadt + 40));
	ck_assert_mem_eq(dsdt, "DSDT", 4);
	ck_assert_uint_eq(sum(dsdt, get32(dsdt + 4)), 0);
	ck_assert_ptr_nonnull(memmem(dsdt, get32(dsdt + 4),
				     "\x08\\_S5_\x12\x06\x04\0\0\0\0", 13));
}
END_TEST

START_TEST(mp_table_hangs_together)
{
	struct mem *m = place_tables();
	const uint8_t *f = mem_hva(m, TABLES_MP), *t, *e;
	unsigned count, len[] = { 20, 8, 8, 8, 8 };

	ck_assert_mem_eq(f, "_MP_", 4);
	ck_assert_uint_eq(sum(f, 16), 0);
	t = mem_hva(m, get32(f + 4));
	ck_assert_mem_eq(t, "PCMP", 4);
	ck_assert_uint_eq(sum(t, t[4] | t[5] << 8), 0);
	count = t[34] | t[35] << 8;
	for (e = t + 44; count; count--) {
		ck_assert_uint_le(*e, 4);
		e += len[*e];
	}
	ck_assert_uint_eq(e - t, t[4] | t[5] << 8);
}
END_TEST

/*
 * Parallel port.
 */

static uint8_t printed[8];
static unsigned nprinted;

static size_t print(struct char_backend *b, const uint8_t *buf, size_t len)
{
	printed[nprinted++] = *buf;
	return len;
}

static const struct char_ops printer_ops = { .name = "printer",
					     .write = print };

static void disturb_parallel(void)
{
	out8(0x378, 0);
	out8(0x37a, 0);
}

START_TEST(parallel_port_prints_what_is_strobed)
{
	struct char_backend printer = { &printer_ops };
	struct rig_wire line = { false };
	struct irq irq = rig_irq(&line);
	struct parallel *p;

	ck_assert_int_eq(parallel_create(&p, rig_ports, 0x378, &irq, &printer),
			 0);
	out8(0x378, 'A');
	ck_assert_uint_eq(in8(0x378), 'A');
	ck_assert_uint_eq(in8(0x379) & 0x80, 0x80);
	out8(0x37a, 0x0d);
	out8(0x37a, 0x0d);	/* still high: no second byte */
	ck_assert_uint_eq(nprinted, 1);
	out8(0x37a, 0x0c);
	out8(0x378, 'B');
	out8(0x37a, 0x1d);
	ck_assert_uint_eq(nprinted, 2);
	ck_assert_mem_eq(printed, "AB", 2);
	ck_assert_uint_eq(line.rises, 1);
	ck_assert(!line.level);
	ck_assert_uint_eq(in8(0x37a), 0xdd);
	rig_save_load(p, disturb_parallel);
	ck_assert_uint_eq(in8(0x378), 'B');
	ck_assert_uint_eq(in8(0x37a), 0xdd);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		ports_split_what_the_owner_does_not_take,
		ports_have_one_owner,
		timers_fire_in_order_and_can_be_cancelled,
		running_clock_keeps_its_deadlines,
		a_waiting_thread_runs_the_timers,
		a_waiting_thread_is_not_woken_up_for_what_was_put_off,
		stopped_clock_stands_still,
		loop_forgets_a_descriptor_removed_in_the_same_round,
		loop_hears_of_changes_by_other_threads,
		damaged_state_is_refused,
		pci_functions_answer_and_the_rest_floats,
		cf9_resets_on_the_rising_edge,
		pm_registers_move_with_their_base,
		pm_timer_counts_and_carries, power_button_and_soft_off,
		port92_gates_a20_and_resets_once,
		port_f0_trades_interrupt_13_for_ignne,
		ignne_is_held_again_after_load,
		debug_exit_hands_over_the_value, acpi_tables_hang_together,
		mp_table_hangs_together,
		parallel_port_prints_what_is_strobed,
	};

	return rig_main("platform", rig_setup, tests, ARRAY_SIZE(tests));
}
