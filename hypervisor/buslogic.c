// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The adapter's registers, and commands to the adapter itself: an operation
 * code, parameters, and a reply that is read byte by byte.
 */
#include <string.h>

#include "hypervisor/buslogic_priv.h"

enum { R_STATUS, R_COMMAND, R_INTERRUPT, R_GEOMETRY };
#define R_CONTROL	R_STATUS	/* on writes */
#define R_DATA		R_COMMAND	/* on reads */

/* Control. */
#define CTL_BUS_RESET	0x10
#define CTL_INT_RESET	0x20
#define CTL_SOFT_RESET	0x40
#define CTL_HARD_RESET	0x80
/* Status. */
#define ST_INVALID	0x01
#define ST_DATA		0x04
#define ST_READY	0x10
#define ST_INIT		0x20	/* mailboxes are not set up */
#define ST_DIAGNOSTIC	0x80
#define GEOMETRY	0x80	/* extended translation */

#define OP_SCAN		0x02
#define OP_MOVE_PORT	0x95
#define ISA_DISABLED	6
#define SG_LIMIT	8192
/* AutoSCSI settings in local RAM: from here, 64 bytes. */
#define AUTOSCSI	64

static const char model[5] = "958  ";
static const char firmware[] = "507B";

/*
 * Interrupts: what comes while one is shown waits until that is taken away.
 */

static void update_irq(struct buslogic *b)
{
	pci_irq(&b->func, b->s.intr & INT_VALID && !b->s.irq_off);
}

void bl_interrupt(struct buslogic *b, uint8_t bits)
{
	if (b->s.intr & INT_VALID)
		b->s.intr_next |= bits & ~b->s.intr;
	else
		b->s.intr = bits | INT_VALID;
	update_irq(b);
}

static void interrupt_taken(struct buslogic *b)
{
	b->s.intr = 0;
	b->s.invalid = 0;
	update_irq(b);
	if (b->s.intr_next) {
		uint8_t bits = b->s.intr_next;

		b->s.intr_next = 0;
		bl_interrupt(b, bits);
	}
	bl_deliver(b);
}

/*
 * Resets.
 */

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = v;
	p[1] = v >> 8;
}

/* Parity checked, bus resets allowed, everything fast that there is. */
static void fill_autoscsi(uint8_t *a)
{
	a[0] = 'F';
	a[1] = 'A';
	a[2] = 64;
	memcpy(a + 3, " 958  ", 6);
	a[10] = 0x04;			/* level-triggered */
	a[14] = BUSLOGIC_ID;
	a[15] = 0xa7;
	put16(a + 19, 0xffff);		/* devices enabled */
	for (unsigned at = 21; at <= 27; at += 2)
		put16(a + at, 0xffff);	/* wide, fast, synchronous, disc. */
	put16(a + 34, 0xffff);		/* ultra */
	a[41] = 7;			/* highest logical unit */
}

void bl_reset(struct buslogic *b)
{
	bl_abandon(b);
	memset(&b->s, 0, sizeof(b->s));
	fill_autoscsi(b->s.local_ram + AUTOSCSI);
	pci_irq(&b->func, false);
	for (unsigned i = 0; i < BUSLOGIC_TARGETS; i++)
		if (b->unit[i].ops)
			scsi_reset(&b->unit[i]);
}

static void bus_reset(struct buslogic *b)
{
	bl_abandon(b);
	for (unsigned i = 0; i < BUSLOGIC_TARGETS; i++)
		if (b->unit[i].ops)
			scsi_reset(&b->unit[i]);
}

/*
 * Commands.
 */

static void end(struct buslogic *b)
{
	b->s.busy = 0;
	bl_interrupt(b, INT_COMMAND);
}

static void invalid(struct buslogic *b)
{
	b->s.invalid = 1;
	end(b);
}

/* The reply goes out as far as the driver asked for (parameter 0). */
static void reply(struct buslogic *b, const void *bytes, unsigned n,
		  unsigned room)
{
	memset(b->s.reply, 0, sizeof(b->s.reply));
	if (n > sizeof(b->s.reply))
		n = sizeof(b->s.reply);
	memcpy(b->s.reply, bytes, n);
	b->s.reply_pos = 0;
	b->s.reply_len = room < sizeof(b->s.reply) ? room :
						     sizeof(b->s.reply);
	if (!b->s.reply_len)
		end(b);
}

static void nothing(struct buslogic *b)
{
	end(b);
}

static void board_id(struct buslogic *b)
{
	uint8_t r[4] = { 'A', 'A', firmware[0], firmware[1] };

	reply(b, r, sizeof(r), sizeof(r));
}

static void outbox_irq(struct buslogic *b)
{
	b->s.outbox_irq = b->s.params[0] & 1;
	b->s.busy = 0;			/* without an interrupt */
}

/* A byte of logical units for each target. */
static void installed(struct buslogic *b, unsigned first)
{
	uint8_t r[8];

	for (unsigned i = 0; i < 8; i++)
		r[i] = b->unit[first + i].ops ? 1 : 0;
	reply(b, r, sizeof(r), sizeof(r));
}

static void installed_low(struct buslogic *b)
{
	installed(b, 0);
}

static void installed_high(struct buslogic *b)
{
	installed(b, 8);
}

static void targets(struct buslogic *b)
{
	uint16_t mask = 0;
	uint8_t r[2];

	for (unsigned i = 0; i < BUSLOGIC_TARGETS; i++)
		mask |= b->unit[i].ops ? 1u << i : 0;
	put16(r, mask);
	reply(b, r, sizeof(r), sizeof(r));
}

static uint8_t irq_line(const struct buslogic *b)
{
	return b->func.config[PCI_INT_LINE];
}

static void configuration(struct buslogic *b)
{
	uint8_t line = irq_line(b), r[3] = { 0, 0, BUSLOGIC_ID };

	if (line >= 9 && line <= 15)
		r[1] = 1u << (line - 9);
	reply(b, r, sizeof(r), sizeof(r));
}

static void setup_information(struct buslogic *b)
{
	uint8_t r[34] = { 0x03 };	/* synchronous, parity */

	r[4] = b->s.mailboxes;
	r[5] = b->s.base >> 16;
	r[6] = b->s.base >> 8;
	r[7] = b->s.base;
	r[17] = 'B';
	r[18] = 'D';
	r[19] = 'F';			/* 32-bit bus */
	reply(b, r, sizeof(r), b->s.params[0]);
}

static void extended_setup(struct buslogic *b)
{
	uint8_t r[14] = { 'E' };	/* 32-bit bus master */

	put16(r + 2, SG_LIMIT);
	r[4] = b->s.mailboxes;
	put16(r + 5, b->s.base);
	put16(r + 7, b->s.base >> 16);
	r[9] = 0x40;			/* level-triggered */
	memcpy(r + 10, firmware + 1, 3);
	r[13] = 0x09;			/* wide, ultra */
	reply(b, r, sizeof(r), b->s.params[0]);
}

static void echo(struct buslogic *b)
{
	reply(b, b->s.params, 1, 1);
}

static void interrupts_on(struct buslogic *b)
{
	b->s.irq_off = !(b->s.params[0] & 1);
	end(b);
	update_irq(b);
}

static void init_mailboxes(struct buslogic *b)
{
	const uint8_t *p = b->s.params;

	if (!p[0]) {
		invalid(b);
		return;
	}
	bl_abandon(b);
	b->s.mailboxes = p[0];
	b->s.base = p[1] | p[2] << 8 | p[3] << 16 | (uint32_t)p[4] << 24;
	b->s.next_out = b->s.next_in = 0;
	end(b);
}

static void firmware_digit(struct buslogic *b)
{
	reply(b, firmware + 2, 1, 1);
}

static void firmware_letter(struct buslogic *b)
{
	reply(b, firmware + 3, 1, 1);
}

static void pci_information(struct buslogic *b)
{
	/* Both terminators on; the third byte is valid. */
	uint8_t r[4] = { ISA_DISABLED, irq_line(b), 0x83 };

	reply(b, r, sizeof(r), sizeof(r));
}

static void model_number(struct buslogic *b)
{
	reply(b, model, sizeof(model), b->s.params[0]);
}

/* In 10 ns; 5: 20 million transfers a second. */
static void sync_periods(struct buslogic *b)
{
	uint8_t r[BUSLOGIC_TARGETS];

	for (unsigned i = 0; i < sizeof(r); i++)
		r[i] = b->unit[i].ops ? 5 : 0;
	reply(b, r, sizeof(r), b->s.params[0]);
}

static void round_robin(struct buslogic *b)
{
	b->s.strict = b->s.params[0] & 1;
	end(b);
}

static void fetch_local_ram(struct buslogic *b)
{
	unsigned at = b->s.params[0], n = b->s.params[1];

	if (n > sizeof(b->s.local_ram) - at)
		n = sizeof(b->s.local_ram) - at;
	reply(b, b->s.local_ram + at, n, b->s.params[1]);
}

/* Ports of the ISA bus: there are none to move. */
static void move_port(struct buslogic *b)
{
	b->s.busy = 0;
}

static void ccb_format(struct buslogic *b)
{
	b->s.wide_lun = b->s.params[0] & 1;
	end(b);
}

static void scan(struct buslogic *b)
{
	b->s.busy = 0;
	bl_scan(b);
}

static const struct {
	uint8_t opcode, params;
	void (*fn)(struct buslogic *b);
} commands[] = {
	{ 0x00, 0, nothing },		/* test the interrupt */
	{ OP_SCAN, 0, scan },
	{ 0x04, 0, board_id },
	{ 0x05, 1, outbox_irq },
	{ 0x06, 4, nothing },		/* selection time-out */
	{ 0x07, 1, nothing },		/* times on the ISA bus */
	{ 0x08, 1, nothing },
	{ 0x09, 1, nothing },
	{ 0x0a, 0, installed_low },
	{ 0x0b, 0, configuration },
	{ 0x0d, 1, setup_information },
	{ 0x1f, 1, echo },
	{ 0x23, 0, installed_high },
	{ 0x24, 0, targets },
	{ 0x25, 1, interrupts_on },
	{ 0x81, 5, init_mailboxes },
	{ 0x84, 0, firmware_digit },
	{ 0x85, 0, firmware_letter },
	{ 0x86, 0, pci_information },
	{ 0x8b, 1, model_number },
	{ 0x8c, 1, sync_periods },
	{ 0x8d, 1, extended_setup },
	{ 0x8f, 1, round_robin },
	{ 0x91, 2, fetch_local_ram },
	{ OP_MOVE_PORT, 1, move_port },
	{ 0x96, 1, ccb_format },
};

static int command_find(uint8_t opcode)
{
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].opcode == opcode)
			return i;
	return -1;
}

bool bl_half_command(const struct buslogic *b)
{
	int i = command_find(b->s.opcode);

	return i >= 0 && commands[i].params == b->s.want;
}

static void run_if_complete(struct buslogic *b)
{
	if (b->s.have == b->s.want)
		commands[command_find(b->s.opcode)].fn(b);
}

static void start_command(struct buslogic *b, uint8_t opcode)
{
	int i = command_find(opcode);

	b->s.invalid = 0;
	b->s.opcode = opcode;
	b->s.have = 0;
	b->s.busy = 1;
	b->s.reply_pos = b->s.reply_len = 0;
	if (i < 0) {
		invalid(b);
		return;
	}
	b->s.want = commands[i].params;
	run_if_complete(b);
}

static void write_command(struct buslogic *b, uint8_t val)
{
	/* The mailboxes may be scanned while a reply waits to be read. */
	if (!b->s.busy) {
		start_command(b, val);
	} else if (b->s.have < b->s.want) {
		b->s.params[b->s.have++] = val;
		run_if_complete(b);
	} else if (val == OP_SCAN) {
		bl_scan(b);
	}
}

/*
 * Registers.
 */

/* A reset's diagnostic lasts until somebody has seen it. */
static uint8_t read_status(struct buslogic *b)
{
	uint8_t st = b->s.mailboxes ? 0 : ST_INIT;

	if (b->s.diagnostic) {
		b->s.diagnostic = 0;
		return ST_DIAGNOSTIC;
	}
	if (b->s.reply_pos < b->s.reply_len)
		st |= ST_DATA;
	if (!b->s.busy)
		st |= ST_READY;
	return st | (b->s.invalid ? ST_INVALID : 0);
}

static uint8_t read_data(struct buslogic *b)
{
	uint8_t val;

	if (b->s.reply_pos == b->s.reply_len)
		return 0;
	val = b->s.reply[b->s.reply_pos++];
	if (b->s.reply_pos == b->s.reply_len)
		end(b);
	return val;
}

uint8_t bl_read(struct buslogic *b, unsigned reg)
{
	switch (reg) {
	case R_STATUS:
		return read_status(b);
	case R_DATA:
		return read_data(b);
	case R_INTERRUPT:
		return b->s.intr;
	}
	return GEOMETRY;
}

static void write_control(struct buslogic *b, uint8_t val)
{
	if (val & (CTL_HARD_RESET | CTL_SOFT_RESET)) {
		bl_reset(b);
		b->s.diagnostic = 1;
		return;
	}
	if (val & CTL_BUS_RESET)
		bus_reset(b);
	if (val & CTL_INT_RESET)
		interrupt_taken(b);
}

void bl_write(struct buslogic *b, unsigned reg, uint8_t val)
{
	if (reg == R_CONTROL)
		write_control(b, val);
	else if (reg == R_COMMAND)
		write_command(b, val);
}
