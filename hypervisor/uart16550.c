/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 16550A UART.
 *
 * The line is as fast as its backend: a byte leaves when it is written, so
 * the transmitter is empty again at once unless the backend is full, and LSR
 * and IIR show it.  The interrupt about it comes a character time of 115200
 * baud later, as it would at the earliest: a driver that writes some bytes and
 * looks at IIR again finds its answer there, and is not interrupted once more
 * for what it has seen.  Otherwise the divisor only sets the length of the
 * receiver's time-out, which is counted in characters.
 */
#include "hypervisor/uart16550.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/char.h"
#include "hypervisor/clock.h"
#include "hypervisor/device.h"
#include "hypervisor/ports.h"

enum { R_DATA, R_IER, R_IIR, R_LCR, R_MCR, R_LSR, R_MSR, R_SCR };
#define R_FCR		R_IIR	/* on writes */

#define IER_RDA		0x01
#define IER_THRE	0x02
#define IER_RLS		0x04
#define IER_MS		0x08
#define IIR_NONE	0x01
#define IIR_MS		0x00
#define IIR_THRE	0x02
#define IIR_RDA		0x04
#define IIR_RLS		0x06
#define IIR_TIMEOUT	0x0c
#define IIR_FIFO	0xc0
#define FCR_ENABLE	0x01
#define FCR_CLEAR_RX	0x02
#define FCR_CLEAR_TX	0x04
#define FCR_KEPT	0xc9
#define LCR_STOP	0x04
#define LCR_PARITY	0x08
#define LCR_DLAB	0x80
#define MCR_DTR		0x01
#define MCR_RTS		0x02
#define MCR_OUT1	0x04
#define MCR_OUT2	0x08
#define MCR_LOOP	0x10
#define MCR_WRITABLE	0x1f
#define LSR_DR		0x01
#define LSR_OE		0x02
#define LSR_BI		0x10
#define LSR_ERRORS	0x1e
#define LSR_THRE	0x20
#define LSR_TEMT	0x40
#define LSR_FIFO_ERR	0x80
#define MSR_CTS		0x10
#define MSR_DSR		0x20
#define MSR_RI		0x40
#define MSR_DCD		0x80
#define MSR_TERI	0x04	/* trailing edge of RI */

#define FIFO_LEN	16
#define XTAL_HZ		1843200ULL	/* divided by 16 * divisor */
#define DIVISOR_9600	12
/* How soon to offer bytes again that the backend did not take, ns. */
#define RETRY_NS	1000000ULL
#define POLLS_MEAN_INPUT	16
#define THRE_NS		86806ULL	/* ten bits at 115200 baud */

struct fifo {
	uint8_t data[FIFO_LEN];
	uint8_t flags[FIFO_LEN];	/* LSR error bits of each byte */
	uint8_t head, count;
};

struct uart16550 {
	struct device dev;
	struct clock *clock;
	struct irq irq;
	struct char_backend *be;
	struct timer rx_timeout, tx_retry, thre_timer;
	struct fifo rx, tx;
	uint16_t divisor;
	uint8_t ier, fcr, lcr, mcr, scr;
	uint8_t errors;		/* LSR_OE, and flags of the byte on top */
	uint8_t msr_delta;
	uint8_t msr_lines;	/* MSR_CTS .. MSR_DCD as last seen */
	uint8_t thre;		/* THRE interrupt pending */
	uint8_t thre_quiet;	/* but not on the line before thre_timer */
	uint8_t listening;	/* the guest can be expected to read */
	uint8_t polls;		/* looks at LSR since the last byte out */
	uint8_t timed_out;
};

static void fifo_push(struct fifo *f, uint8_t byte, uint8_t flags)
{
	unsigned i = (f->head + f->count++) % FIFO_LEN;

	f->data[i] = byte;
	f->flags[i] = flags;
}

static uint8_t fifo_pop(struct fifo *f)
{
	uint8_t byte = f->data[f->head];

	f->head = (f->head + 1) % FIFO_LEN;
	f->count--;
	return byte;
}

static unsigned fifo_depth(const struct uart16550 *u)
{
	return u->fcr & FCR_ENABLE ? FIFO_LEN : 1;
}

static unsigned rx_trigger(const struct uart16550 *u)
{
	static const uint8_t level[4] = { 1, 4, 8, 14 };

	return u->fcr & FCR_ENABLE ? level[u->fcr >> 6] : 1;
}

static uint8_t data_mask(const struct uart16550 *u)
{
	return 0xff >> (3 - (u->lcr & 3));
}

/* Start, data, parity and stop bits of one character, in ns. */
static uint64_t char_ns(const struct uart16550 *u)
{
	unsigned bits = 7 + (u->lcr & 3) + !!(u->lcr & LCR_STOP) +
			!!(u->lcr & LCR_PARITY);
	unsigned divisor = u->divisor ? u->divisor : 1;

	return muldiv64(bits * 16 * divisor, NS_PER_SEC, XTAL_HZ);
}

/*
 * Interrupts, in the order of datasheet table IV.
 */

static uint8_t identify(const struct uart16550 *u)
{
	if (u->ier & IER_RLS && u->errors)
		return IIR_RLS;
	if (u->ier & IER_RDA && u->rx.count >= rx_trigger(u))
		return IIR_RDA;
	if (u->ier & IER_RDA && u->timed_out)
		return IIR_TIMEOUT;
	if (u->ier & IER_THRE && u->thre)
		return IIR_THRE;
	if (u->ier & IER_MS && u->msr_delta)
		return IIR_MS;
	return IIR_NONE;
}

/* OUT2 opens the gate to the bus; loopback disconnects the pin. */
static void update_irq(struct uart16550 *u)
{
	bool gate = (u->mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;
	uint8_t source = identify(u);

	if (source == IIR_THRE && u->thre_quiet)
		source = IIR_NONE;
	irq_set(&u->irq, gate && source != IIR_NONE);
}

static void thre_expired(void *opaque)
{
	struct uart16550 *u = opaque;

	u->thre_quiet = 0;
	update_irq(u);
}

/* The transmitter ran empty. */
static void set_thre(struct uart16550 *u)
{
	u->thre = u->thre_quiet = 1;
	if (u->ier & IER_THRE && !timer_armed(&u->thre_timer))
		timer_set(&u->thre_timer, clock_now(u->clock) + THRE_NS);
}

/*
 * Receiver.
 */

static void restart_timeout(struct uart16550 *u)
{
	u->timed_out = 0;
	if (u->fcr & FCR_ENABLE && u->rx.count)
		timer_set(&u->rx_timeout,
			  clock_now(u->clock) + 4 * char_ns(u));
	else
		timer_cancel(&u->rx_timeout);
}

static void rx_expired(void *opaque)
{
	struct uart16550 *u = opaque;

	u->timed_out = u->rx.count > 0;
	update_irq(u);
}

/* Error bits show when their byte comes to the top of the FIFO. */
static void show_errors(struct uart16550 *u)
{
	if (u->rx.count)
		u->errors |= u->rx.flags[u->rx.head];
}

static void receive_byte(struct uart16550 *u, uint8_t byte, uint8_t flags)
{
	if (u->rx.count == fifo_depth(u)) {
		u->errors |= LSR_OE;
		return;
	}
	fifo_push(&u->rx, byte & data_mask(u), flags);
	if (u->rx.count == 1)
		show_errors(u);
}

static size_t rx_room(void *opaque)
{
	const struct uart16550 *u = opaque;

	if (u->mcr & MCR_LOOP || !u->listening)
		return 0;
	return fifo_depth(u) - u->rx.count;
}

static void rx_receive(void *opaque, const uint8_t *buf, size_t len)
{
	struct uart16550 *u = opaque;

	while (len--)
		receive_byte(u, *buf++, 0);
	restart_timeout(u);
	update_irq(u);
}

static void rx_break(void *opaque)
{
	struct uart16550 *u = opaque;

	receive_byte(u, 0, LSR_BI);
	restart_timeout(u);
	update_irq(u);
}

static const struct char_receiver receiver = {
	rx_room, rx_receive, rx_break,
};

static void resume_input(struct uart16550 *u)
{
	if (u->be->ops->resume_input)
		u->be->ops->resume_input(u->be);
}

static uint8_t read_data(struct uart16550 *u)
{
	bool was_full = u->rx.count == fifo_depth(u);
	uint8_t byte;

	if (!u->rx.count)
		return 0;
	byte = fifo_pop(&u->rx);
	show_errors(u);
	restart_timeout(u);
	update_irq(u);
	if (was_full)
		resume_input(u);
	return byte;
}

static void clear_rx(struct uart16550 *u)
{
	u->rx.count = 0;
	restart_timeout(u);
	resume_input(u);
}

/*
 * Input that comes before the guest has set the UART up would be lost when it
 * clears the FIFOs.  So the sender is held off until RTS; a guest that leaves
 * RTS alone shows its interest by enabling the interrupt or by polling LSR
 * without sending.
 */
static void start_listening(struct uart16550 *u)
{
	if (u->listening)
		return;
	u->listening = 1;
	resume_input(u);
}

/*
 * Transmitter.  The FIFO holds only what the backend refused.
 */

static void drain_tx(struct uart16550 *u)
{
	struct char_backend *be = u->be;

	while (u->tx.count) {
		if (!be->ops->write(be, &u->tx.data[u->tx.head], 1)) {
			timer_set(&u->tx_retry,
				  clock_now(u->clock) + RETRY_NS);
			return;
		}
		fifo_pop(&u->tx);
	}
	set_thre(u);
}

static void tx_expired(void *opaque)
{
	struct uart16550 *u = opaque;

	drain_tx(u);
	update_irq(u);
}

static void write_data(struct uart16550 *u, uint8_t byte)
{
	byte &= data_mask(u);
	u->thre = u->polls = 0;
	update_irq(u);		/* so that the next THRE is an edge */
	if (u->mcr & MCR_LOOP) {
		receive_byte(u, byte, 0);
		restart_timeout(u);
		set_thre(u);
	} else {
		/* A full transmitter loses the new byte. */
		if (u->tx.count < fifo_depth(u))
			fifo_push(&u->tx, byte, 0);
		if (!timer_armed(&u->tx_retry))
			drain_tx(u);
	}
	update_irq(u);
}

/*
 * Modem lines.  A connected backend holds CTS, DSR and DCD.
 */

static uint8_t modem_lines(const struct uart16550 *u)
{
	if (!(u->mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	return (u->mcr & MCR_RTS ? MSR_CTS : 0) |
	       (u->mcr & MCR_DTR ? MSR_DSR : 0) |
	       (u->mcr & MCR_OUT1 ? MSR_RI : 0) |
	       (u->mcr & MCR_OUT2 ? MSR_DCD : 0);
}

static void update_modem(struct uart16550 *u)
{
	uint8_t lines = modem_lines(u);
	uint8_t changed = lines ^ u->msr_lines;

	u->msr_delta |= (changed & (MSR_CTS | MSR_DSR | MSR_DCD)) >> 4;
	if (u->msr_lines & ~lines & MSR_RI)
		u->msr_delta |= MSR_TERI;
	u->msr_lines = lines;
}

/*
 * Registers.
 */

static uint8_t read_lsr(struct uart16550 *u)
{
	uint8_t val = u->errors;

	if (u->polls < POLLS_MEAN_INPUT)
		u->polls++;
	else
		start_listening(u);
	if (u->rx.count)
		val |= LSR_DR;
	if (!u->tx.count)
		val |= LSR_THRE | LSR_TEMT;
	if (u->fcr & FCR_ENABLE)
		for (unsigned i = 0; i < u->rx.count; i++)
			if (u->rx.flags[(u->rx.head + i) % FIFO_LEN])
				val |= LSR_FIFO_ERR;
	u->errors = 0;
	if (u->rx.count)
		u->rx.flags[u->rx.head] = 0;
	update_irq(u);
	return val;
}

static uint8_t read_iir(struct uart16550 *u)
{
	uint8_t val = identify(u);

	if (val == IIR_THRE) {
		u->thre = 0;
		update_irq(u);
	}
	return val | (u->fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

static uint8_t read_msr(struct uart16550 *u)
{
	uint8_t val = u->msr_lines | u->msr_delta;

	u->msr_delta = 0;
	update_irq(u);
	return val;
}

static void write_ier(struct uart16550 *u, uint8_t val)
{
	/* Enabling THRE with an empty transmitter interrupts at once. */
	if (val & ~u->ier & IER_THRE && !u->tx.count) {
		u->thre = 1;
		u->thre_quiet = 0;
	}
	u->ier = val & 0x0f;
	update_irq(u);
	if (val & IER_RDA)
		start_listening(u);
}

static void write_fcr(struct uart16550 *u, uint8_t val)
{
	/* The other bits count only with bit 0; its change clears both. */
	if ((val ^ u->fcr) & FCR_ENABLE)
		val |= FCR_CLEAR_RX | FCR_CLEAR_TX;
	else if (!(val & FCR_ENABLE))
		return;
	u->fcr = val & FCR_ENABLE ? val & FCR_KEPT : 0;
	if (val & FCR_CLEAR_TX) {
		u->tx.count = 0;
		timer_cancel(&u->tx_retry);
		set_thre(u);
	}
	if (val & FCR_CLEAR_RX)
		clear_rx(u);
	update_irq(u);
}

static void write_mcr(struct uart16550 *u, uint8_t val)
{
	bool left_loop = u->mcr & ~val & MCR_LOOP;

	u->mcr = val & MCR_WRITABLE;
	update_modem(u);
	update_irq(u);
	if (left_loop)
		resume_input(u);
	if ((u->mcr & (MCR_RTS | MCR_LOOP)) == MCR_RTS)
		start_listening(u);
}

static uint32_t uart_read(void *opaque, unsigned off, unsigned size)
{
	struct uart16550 *u = opaque;
	bool dlab = u->lcr & LCR_DLAB;

	switch (off) {
	case R_DATA:
		return dlab ? u->divisor & 0xff : read_data(u);
	case R_IER:
		return dlab ? u->divisor >> 8 : u->ier;
	case R_IIR:
		return read_iir(u);
	case R_LCR:
		return u->lcr;
	case R_MCR:
		return u->mcr;
	case R_LSR:
		return read_lsr(u);
	case R_MSR:
		return read_msr(u);
	default:
		return u->scr;
	}
}

static void write_divisor(struct uart16550 *u, unsigned off, uint8_t val)
{
	if (off == R_DATA)
		u->divisor = (u->divisor & 0xff00) | val;
	else
		u->divisor = (u->divisor & 0xff) | val << 8;
}

static void uart_write(void *opaque, unsigned off, unsigned size,
		       uint32_t val)
{
	struct uart16550 *u = opaque;

	if (off <= R_IER && u->lcr & LCR_DLAB) {
		write_divisor(u, off, val);
		return;
	}
	switch (off) {
	case R_DATA:
		write_data(u, val);
		break;
	case R_IER:
		write_ier(u, val);
		break;
	case R_FCR:
		write_fcr(u, val);
		break;
	case R_LCR:
		u->lcr = val;
		break;
	case R_MCR:
		write_mcr(u, val);
		break;
	case R_SCR:
		u->scr = val;
		break;
	}
}

static const struct pio_ops uart_ops = { uart_read, uart_write, PIO_1 };

/* MR pin, datasheet table I; the divisor is not reset, only made sane. */
static void reset(struct device *d)
{
	struct uart16550 *u = (struct uart16550 *)d;

	u->ier = u->fcr = u->lcr = u->mcr = 0;
	u->rx.count = u->tx.count = 0;
	u->errors = u->timed_out = u->listening = u->polls = 0;
	u->msr_delta = 0;
	u->msr_lines = modem_lines(u);
	u->thre = 1;
	u->thre_quiet = 0;
	u->divisor = DIVISOR_9600;
	irq_lower(&u->irq);
	timer_cancel(&u->rx_timeout);
	timer_cancel(&u->tx_retry);
	timer_cancel(&u->thre_timer);
}

static int loaded(struct device *d)
{
	struct uart16550 *u = (struct uart16550 *)d;

	if (u->rx.head >= FIFO_LEN || u->rx.count > FIFO_LEN ||
	    u->tx.head >= FIFO_LEN || u->tx.count > FIFO_LEN)
		return -EINVAL;
	return 0;
}

static void destroy(struct device *d)
{
	struct uart16550 *u = (struct uart16550 *)d;

	u->be->ops->set_receiver(u->be, NULL, NULL);
	timer_cancel(&u->rx_timeout);
	timer_cancel(&u->tx_retry);
	timer_cancel(&u->thre_timer);
	free(u);
}

static const struct field fields[] = {
	FIELD_BOOL(struct uart16550, irq.level, 1),
	FIELD(struct uart16550, rx, 1),
	FIELD(struct uart16550, tx, 1),
	FIELD(struct uart16550, divisor, 1),
	FIELD(struct uart16550, ier, 1),
	FIELD(struct uart16550, fcr, 1),
	FIELD(struct uart16550, lcr, 1),
	FIELD(struct uart16550, mcr, 1),
	FIELD(struct uart16550, scr, 1),
	FIELD(struct uart16550, errors, 1),
	FIELD(struct uart16550, msr_delta, 1),
	FIELD(struct uart16550, msr_lines, 1),
	FIELD(struct uart16550, thre, 1),
	FIELD(struct uart16550, thre_quiet, 1),
	FIELD(struct uart16550, timed_out, 1),
	FIELD(struct uart16550, listening, 1),
	FIELD(struct uart16550, polls, 1),
	FIELD_TIMER(struct uart16550, rx_timeout, 1),
	FIELD_TIMER(struct uart16550, tx_retry, 1),
	FIELD_TIMER(struct uart16550, thre_timer, 1),
};

static const struct device_class uart_class = {
	"uart16550", 1, fields, ARRAY_SIZE(fields), reset, loaded, destroy,
};

int uart16550_create(struct uart16550 **out, struct ports *ports,
		     unsigned base, struct clock *clock,
		     const struct irq *irq, struct char_backend *be)
{
	struct uart16550 *u = calloc(1, sizeof(*u));

	*out = u;
	if (!u)
		return -ENOMEM;
	u->dev.class = &uart_class;
	u->clock = clock;
	u->irq = *irq;
	u->be = be;
	timer_init(&u->rx_timeout, clock, rx_expired, u);
	timer_init(&u->tx_retry, clock, tx_expired, u);
	timer_init(&u->thre_timer, clock, thre_expired, u);
	reset(&u->dev);
	be->ops->set_receiver(be, &receiver, u);
	return ports_add(ports, base, 8, &uart_ops, u, "uart");
}
