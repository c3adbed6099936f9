/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 82093AA I/O APIC; see ioapic.h. */
#include "hypervisor/ioapic.h"

#include <errno.h>
#include <stdlib.h>

#include "hypervisor/device.h"
#include "hypervisor/irqchip.h"
#include "hypervisor/mem.h"

#define REG_SELECT	0x00
#define REG_WINDOW	0x10
#define IDX_ID		0x00
#define IDX_VERSION	0x01
#define IDX_ARB		0x02
#define IDX_REDIR	0x10	/* two registers for each pin */

#define VERSION		(0x11 | (IOAPIC_PINS - 1) << 16)
#define ID_MASK		0x0f000000

/* Sent at once, so the status bit always says idle. */
#define E_STATUS	(1ULL << 12)
#define E_WRITABLE	(0xff0000000001ffffULL & ~(E_STATUS | IOAPIC_RIRR))

struct ioapic {
	struct device dev;
	struct ioapic_config cfg;
	uint64_t redir[IOAPIC_PINS];
	uint32_t lines;
	uint32_t id;
	uint8_t index;
};

static void send(struct ioapic *io, uint64_t e)
{
	struct apic_msg m = {
		.dest = e >> 56,
		.logical = e & IOAPIC_LOGICAL,
		.level = e & IOAPIC_LEVEL,
		.vector = e & IOAPIC_VECTOR,
		.delivery = e >> 8 & 7,
	};

	io->cfg.send(io->cfg.opaque, &m);
}

/* A level pin asks while it is up and its last request was answered. */
static void service_level(struct ioapic *io, unsigned pin)
{
	uint64_t *e = &io->redir[pin];

	if (!(io->lines >> pin & 1) || !(*e & IOAPIC_LEVEL) ||
	    *e & (IOAPIC_MASKED | IOAPIC_RIRR))
		return;
	*e |= IOAPIC_RIRR;
	send(io, *e);
}

/* Edges at a masked pin are lost, datasheet 3.2.4 on the mask bit. */
void ioapic_set(void *opaque, unsigned input, bool level)
{
	struct ioapic *io = opaque;
	uint64_t e = io->redir[input];
	bool rise = level && !(io->lines >> input & 1);

	io->lines = (io->lines & ~(1u << input)) | (uint32_t)level << input;
	if (e & IOAPIC_LEVEL)
		service_level(io, input);
	else if (rise && !(e & IOAPIC_MASKED))
		send(io, e);
}

bool ioapic_pending(void *opaque, unsigned input)
{
	const struct ioapic *io = opaque;
	uint64_t e = io->redir[input];

	return !(e & IOAPIC_MASKED) && (e >> 8 & 7) <= APIC_LOWEST &&
	       io->cfg.requested(io->cfg.opaque, e & IOAPIC_VECTOR);
}

void ioapic_eoi(void *opaque, uint8_t vector)
{
	struct ioapic *io = opaque;

	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		uint64_t *e = &io->redir[pin];

		if ((*e & IOAPIC_VECTOR) != vector || !(*e & IOAPIC_RIRR))
			continue;
		*e &= ~IOAPIC_RIRR;
		service_level(io, pin);
	}
}

static uint32_t read_indexed(const struct ioapic *io)
{
	unsigned i = io->index - IDX_REDIR;

	if (io->index == IDX_ID || io->index == IDX_ARB)
		return io->id;
	if (io->index == IDX_VERSION)
		return VERSION;
	if (io->index < IDX_REDIR || i >= 2 * IOAPIC_PINS)
		return 0;
	return io->redir[i / 2] >> (i & 1) * 32;
}

static void write_redir(struct ioapic *io, unsigned pin, uint64_t mask,
			uint64_t val)
{
	uint64_t *e = &io->redir[pin];

	mask &= E_WRITABLE;
	*e = (*e & ~mask) | (val & mask);
	/* An entry turned to edge mode has no request to wait for. */
	if (!(*e & IOAPIC_LEVEL))
		*e &= ~IOAPIC_RIRR;
	service_level(io, pin);
}

static void write_indexed(struct ioapic *io, uint32_t val)
{
	unsigned i = io->index - IDX_REDIR;

	if (io->index == IDX_ID)
		io->id = val & ID_MASK;
	else if (io->index >= IDX_REDIR && i < 2 * IOAPIC_PINS)
		write_redir(io, i / 2, 0xffffffffULL << (i & 1) * 32,
			    (uint64_t)val << (i & 1) * 32);
}

static uint64_t mmio_read(void *opaque, gpa_t off, unsigned size)
{
	const struct ioapic *io = opaque;

	if (off == REG_SELECT)
		return io->index;
	return off == REG_WINDOW ? read_indexed(io) : 0;
}

static void mmio_write(void *opaque, gpa_t off, unsigned size, uint64_t val)
{
	struct ioapic *io = opaque;

	if (off == REG_SELECT)
		io->index = val;
	else if (off == REG_WINDOW && size >= 4)
		write_indexed(io, val);
}

static const struct mmio_ops mmio_ops = { mmio_read, mmio_write };

static void reset(struct device *d)
{
	struct ioapic *io = (struct ioapic *)d;

	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
		io->redir[pin] = IOAPIC_MASKED;
	io->id = io->cfg.id << 24;
	io->index = 0;
}

static void destroy(struct device *d)
{
	struct ioapic *io = (struct ioapic *)d;

	mem_del_mmio(io->cfg.mem, IOAPIC_BASE);
	free(io);
}

void ioapic_get(const struct ioapic *io, struct irqchip_ioapic *out)
{
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
		out->redir[pin] = io->redir[pin];
	out->lines = io->lines;
	out->id = io->id >> 24;
	out->index = io->index;
}

/* Nothing is sent: what was on its way is in the local APICs. */
void ioapic_put(struct ioapic *io, const struct irqchip_ioapic *in)
{
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
		io->redir[pin] = in->redir[pin] & (E_WRITABLE | IOAPIC_RIRR);
	io->lines = in->lines;
	io->id = in->id << 24 & ID_MASK;
	io->index = in->index;
}

static const struct field fields[] = {
	FIELD(struct ioapic, redir, 1),
	FIELD(struct ioapic, lines, 1),
	FIELD(struct ioapic, id, 1),
	FIELD(struct ioapic, index, 1),
};

static const struct device_class ioapic_class = {
	"ioapic", 1, fields, ARRAY_SIZE(fields), reset, NULL, destroy,
};

int ioapic_create(struct ioapic **out, const struct ioapic_config *cfg)
{
	struct ioapic *io = calloc(1, sizeof(*io));

	*out = io;
	if (!io)
		return -ENOMEM;
	io->dev.class = &ioapic_class;
	io->cfg = *cfg;
	reset(&io->dev);
	return mem_add_mmio(cfg->mem, IOAPIC_BASE, IOAPIC_SIZE, &mmio_ops,
			    io, "ioapic");
}
