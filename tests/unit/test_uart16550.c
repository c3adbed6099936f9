// SPDX-License-Identifier: GPL-2.0-or-later
/* 16550A: interrupt sources and priorities, FIFOs, loopback. */
#include "tests/unit/rig.h"

#include <string.h>

#include "backends/char.h"
#include "hypervisor/uart16550.h"

#define COM		0x3f8
#define IER		(COM + 1)
#define IIR		(COM + 2)
#define FCR		(COM + 2)
#define LCR		(COM + 3)
#define MCR		(COM + 4)
#define LSR		(COM + 5)
#define MSR		(COM + 6)
#define SCR		(COM + 7)
#define MCR_OPEN	0x0b		/* DTR, RTS, OUT2 */

static struct uart16550 *uart;
static struct rig_wire irq4;

/* The far end of the line. */
static struct {
	struct char_backend be;
	const struct char_receiver *receiver;
	void *opaque;
	char sent[256];
	size_t len;
	bool full;
	unsigned resumes;
} line;

static size_t line_write(struct char_backend *b, const uint8_t *buf,
			 size_t len)
{
	if (line.full)
		return 0;
	memcpy(line.sent + line.len, buf, len);
	line.len += len;
	return len;
}

static void line_set_receiver(struct char_backend *b,
			      const struct char_receiver *r, void *opaque)
{
	line.receiver = r;
	line.opaque = opaque;
}

static void line_resume(struct char_backend *b)
{
	line.resumes++;
}

static const struct char_ops line_ops = {
	.name = "test", .write = line_write,
	.set_receiver = line_set_receiver, .resume_input = line_resume,
};

static void setup(void)
{
	struct irq irq = rig_irq(&irq4);

	rig_setup();
	line.be.ops = &line_ops;
	ck_assert_int_eq(uart16550_create(&uart, rig_ports, COM, rig_clock,
					  &irq, &line.be), 0);
	out8(LCR, 0x83);
	out8(COM, 1);			/* 115200 */
	out8(IER, 0);
	out8(LCR, 0x03);
	out8(MCR, MCR_OPEN);
}

static size_t room(void)
{
	return line.receiver->room(line.opaque);
}

static void receive(const char *s)
{
	ck_assert_uint_le(strlen(s), room());
	line.receiver->receive(line.opaque, (const uint8_t *)s, strlen(s));
}

START_TEST(registers_hold_what_is_written)
{
	out8(SCR, 0x5a);
	ck_assert_uint_eq(in8(SCR), 0x5a);
	out8(IER, 0xff);
	ck_assert_uint_eq(in8(IER), 0x0f);
	out8(MCR, 0xef);
	ck_assert_uint_eq(in8(MCR), 0x0f);
	out8(LCR, 0x83);
	out8(COM, 0x34);
	out8(IER, 0x12);
	ck_assert_uint_eq(in8(COM), 0x34);
	ck_assert_uint_eq(in8(IER), 0x12);
	out8(LCR, 0x03);
	ck_assert_uint_eq(in8(IER), 0x0f);
	ck_assert_uint_eq(in8(LSR), 0x60);
}
END_TEST

START_TEST(bytes_go_out_with_thre_each_time)
{
	out8(IER, 0x02);
	ck_assert(irq4.level);		/* empty when enabled */
	ck_assert_uint_eq(in8(IIR), 0x02);
	ck_assert(!irq4.level);		/* reading IIR clears it */
	ck_assert_uint_eq(in8(IIR), 0x01);
	out8(COM, 'a');
	ck_assert_uint_eq(in8(LSR) & 0x60, 0x60);
	ck_assert(!irq4.level);		/* a character time later */
	rig_advance(90000);
	ck_assert(irq4.level);
	out8(COM, 'b');
	ck_assert(!irq4.level);
	ck_assert_mem_eq(line.sent, "ab", 2);
	/* Enabling it again asks again. */
	in8(IIR);
	out8(IER, 0);
	out8(IER, 0x02);
	ck_assert_uint_eq(in8(IIR), 0x02);
}
END_TEST

/* Who looks at IIR after writing is not interrupted for what it shows. */
START_TEST(thre_that_was_seen_does_not_interrupt)
{
	out8(IER, 0x02);
	in8(IIR);
	irq4.rises = 0;
	for (unsigned i = 0; i < 16; i++)
		out8(COM, 'a');
	ck_assert_uint_eq(in8(IIR), 0x02);
	ck_assert_uint_eq(in8(IIR), 0x01);
	rig_advance(1000000);
	ck_assert_uint_eq(irq4.rises, 0);
}
END_TEST

START_TEST(full_line_keeps_the_transmitter_busy)
{
	line.full = true;
	out8(FCR, 1);
	out8(COM, 'x');
	out8(COM, 'y');
	ck_assert_uint_eq(in8(LSR) & 0x60, 0);
	line.full = false;
	rig_advance(2000000);
	ck_assert_uint_eq(in8(LSR) & 0x60, 0x60);
	ck_assert_mem_eq(line.sent, "xy", 2);
}
END_TEST

START_TEST(received_byte_interrupts_until_read)
{
	out8(IER, 0x01);
	receive("q");
	ck_assert(irq4.level);
	ck_assert_uint_eq(in8(IIR), 0x04);
	ck_assert_uint_eq(in8(LSR) & 1, 1);
	ck_assert_uint_eq(room(), 0);
	ck_assert_uint_eq(in8(COM), 'q');
	ck_assert(!irq4.level);
	ck_assert_uint_eq(in8(LSR) & 1, 0);
	ck_assert_uint_eq(room(), 1);
}
END_TEST

START_TEST(out2_gates_the_interrupt)
{
	out8(IER, 0x01);
	out8(MCR, 0x03);
	receive("q");
	ck_assert(!irq4.level);
	out8(MCR, MCR_OPEN);
	ck_assert(irq4.level);
}
END_TEST

START_TEST(fifo_trigger_levels_and_timeout)
{
	static const uint8_t level[] = { 1, 4, 8, 14 };

	out8(IER, 0x01);
	for (unsigned i = 0; i < 4; i++) {
		out8(FCR, 0x03 | i << 6);
		ck_assert_uint_eq(in8(IIR), 0xc1);
		for (unsigned n = 1; n < level[i]; n++) {
			receive("x");
			ck_assert(!irq4.level);
		}
		if (level[i] > 1) {
			/* Four characters of ten bits at 115200 baud. */
			rig_advance(340000);
			ck_assert(!irq4.level);
			rig_advance(10000);
			ck_assert_uint_eq(in8(IIR), 0xcc);
			in8(COM);
			ck_assert(!irq4.level);
			receive("x");
		}
		receive("x");
		ck_assert_uint_eq(in8(IIR), 0xc4);
	}
}
END_TEST

START_TEST(fifo_holds_sixteen)
{
	out8(FCR, 0x01);
	ck_assert_uint_eq(room(), 16);
	receive("0123456789abcdef");
	ck_assert_uint_eq(room(), 0);
	line.resumes = 0;
	ck_assert_uint_eq(in8(COM), '0');
	ck_assert_uint_eq(line.resumes, 1);
	for (unsigned i = 1; i < 16; i++)
		ck_assert_uint_eq(in8(COM), "0123456789abcdef"[i]);
	ck_assert_uint_eq(in8(LSR) & 1, 0);
	receive("zz");
	out8(FCR, 0x03);		/* clear */
	ck_assert_uint_eq(in8(LSR) & 1, 0);
}
END_TEST

START_TEST(break_is_a_line_status_of_its_byte)
{
	out8(FCR, 0x01);
	out8(IER, 0x05);
	receive("a");
	line.receiver->line_break(line.opaque);
	ck_assert_uint_eq(in8(IIR), 0xc4);	/* not on top yet */
	ck_assert_uint_eq(in8(LSR), 0x60 | 0x80 | 1);
	ck_assert_uint_eq(in8(COM), 'a');
	ck_assert_uint_eq(in8(IIR), 0xc6);	/* higher than data */
	ck_assert_uint_eq(in8(LSR), 0x60 | 0x80 | 0x10 | 1);
	ck_assert_uint_eq(in8(IIR), 0xc4);
	ck_assert_uint_eq(in8(COM), 0);
	ck_assert_uint_eq(in8(IIR), 0xc1);
}
END_TEST

START_TEST(sources_in_order_of_priority)
{
	out8(MCR, 0x1f);			/* loop: lines change */
	out8(MCR, MCR_OPEN);
	out8(FCR, 0x01);
	receive("a");
	out8(IER, 0x0f);
	ck_assert_uint_eq(in8(IIR), 0xc4);
	in8(COM);
	ck_assert_uint_eq(in8(IIR), 0xc2);
	ck_assert_uint_eq(in8(IIR), 0xc0);
	ck_assert(in8(MSR) & 0x0f);
	ck_assert_uint_eq(in8(IIR), 0xc1);
	ck_assert(!irq4.level);
}
END_TEST

START_TEST(loopback_connects_everything)
{
	in8(MSR);
	out8(MCR, 0x10);
	ck_assert_uint_eq(in8(MSR), 0x0b);	/* DCD, DSR, CTS fell */
	out8(MCR, 0x1a);			/* RTS, OUT2 */
	ck_assert_uint_eq(in8(MSR) & 0xf0, 0x90);
	out8(MCR, 0x15);			/* DTR, OUT1 */
	ck_assert_uint_eq(in8(MSR) & 0xf0, 0x60);
	out8(MCR, 0x10);
	ck_assert(in8(MSR) & 0x04);		/* trailing edge of RI */
	line.len = 0;
	out8(COM, 'k');
	ck_assert_uint_eq(line.len, 0);
	ck_assert_uint_eq(in8(COM), 'k');
	ck_assert_uint_eq(room(), 0);
	out8(COM, '1');
	out8(COM, '2');
	ck_assert_uint_eq(in8(LSR) & 0x02, 0x02);	/* overrun */
}
END_TEST

START_TEST(input_waits_for_a_listener)
{
	device_reset((struct device *)uart);
	ck_assert_uint_eq(room(), 0);
	for (unsigned i = 0; i < 1000; i++) {
		in8(LSR);
		out8(COM, 'x');
		line.len = 0;
	}
	ck_assert_uint_eq(room(), 0);	/* a console that only prints */
	out8(MCR, 0x03);
	ck_assert_uint_eq(room(), 1);
	device_reset((struct device *)uart);
	for (unsigned i = 0; i < 20; i++)
		in8(LSR);
	ck_assert_uint_eq(room(), 1);
}
END_TEST

static void disturb(void)
{
	out8(FCR, 0x07);
	out8(IER, 0);
	out8(MCR, 0);
}

START_TEST(save_and_load_keep_the_fifo)
{
	out8(FCR, 0x01);
	out8(IER, 0x01);
	receive("hello");
	rig_save_load(uart, disturb);
	ck_assert_uint_eq(in8(MCR), MCR_OPEN);
	ck_assert_uint_eq(in8(COM), 'h');
	ck_assert_uint_eq(in8(COM), 'e');
	ck_assert_uint_eq(in8(IIR), 0xc4);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		registers_hold_what_is_written,
		bytes_go_out_with_thre_each_time,
		thre_that_was_seen_does_not_interrupt,
		full_line_keeps_the_transmitter_busy,
		received_byte_interrupts_until_read,
		out2_gates_the_interrupt, fifo_trigger_levels_and_timeout,
		fifo_holds_sixteen, break_is_a_line_status_of_its_byte,
		sources_in_order_of_priority, loopback_connects_everything,
		input_waits_for_a_listener, save_and_load_keep_the_fifo,
	};

	return rig_main("uart16550", setup, tests, ARRAY_SIZE(tests));
}
