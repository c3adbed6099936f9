// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * IDE channels: the task file of both drives behind one set of ports.
 *
 * A write to a register reaches both drives, a read comes from the one that
 * the device register selects.  Where there is no second drive, the first
 * answers for it with a status of 0; where there is none at all, the bus floats
 * with DD7 pulled down.  ATA/ATAPI-6, 7 and 9.
 */
#include "hypervisor/ide.h"

#include <errno.h>
#include <string.h>

#include "hypervisor/ide_priv.h"
#include "hypervisor/ports.h"

/* Command block; offsets from 1F0h or 170h. */
enum { R_DATA, R_ERROR, R_COUNT, R_LBA_LOW, R_LBA_MID, R_LBA_HIGH, R_DEVICE,
       R_STATUS };
#define R_FEATURE	R_ERROR		/* on writes */
#define R_COMMAND	R_STATUS

#define FLOATING	0x7f
#define DEV_OBSOLETE	0xa0	/* bits 7 and 5 read as ones */

static const uint16_t command_block[IDE_CHANNELS] = { 0x1f0, 0x170 };
static const uint16_t control_block[IDE_CHANNELS] = { 0x3f6, 0x376 };

/* PIIX3, 2.3.9: IDETIM, a decode enable for each channel. */
#define IDETIM		0x40
#define IDETIM_DECODE	0x80	/* of the high byte */

static bool decodes(const struct ide_channel *ch)
{
	const struct ide *ide = ch->ide;
	unsigned n = ch - ide->ch;

	return ide->func.config[PCI_COMMAND] & PCI_COMMAND_IO &&
	       ide->func.config[IDETIM + 2 * n + 1] & IDETIM_DECODE;
}

static bool empty(const struct ide_channel *ch)
{
	return !ch->drive[0].present && !ch->drive[1].present;
}

struct ide_drive *ide_selected(struct ide_channel *ch)
{
	return &ch->drive[ch->selected];
}

/*
 * Interrupts.
 */

static void update_irq(struct ide_channel *ch)
{
	bool level = ch->intrq && !(ch->control & CTL_NIEN);

	if (level && !ch->irq.level)
		ch->bm.status |= BM_INTERRUPT;
	irq_set(&ch->irq, level);
}

static void clear_intrq(struct ide_channel *ch)
{
	ch->intrq = 0;
	update_irq(ch);
}

void ide_intrq(struct ide_drive *d)
{
	if (ide_selected(d->ch) != d)
		return;
	d->ch->intrq = 1;
	update_irq(d->ch);
}

/*
 * Resets.
 */

void ide_signature(struct ide_drive *d)
{
	struct ide_state *s = &d->s;

	memset(s->count, 0, sizeof(s->count));
	memset(s->lba, 0, sizeof(s->lba));
	s->count[0] = s->lba[0][0] = 1;
	if (d->cd) {
		s->lba[1][0] = 0x14;
		s->lba[2][0] = 0xeb;
	}
	s->device &= ~(DEV_SECOND | DEV_HEAD | DEV_LBA);
	s->status = d->cd ? 0 : ST_DRDY | ST_DSC;
	s->phase = IDE_IDLE;
	s->drq = 0;
}

static void drive_reset(struct ide_drive *d)
{
	if (!d->present)
		return;
	if (d->s.phase == IDE_BUSY && block_queue_busy(d->scsi.q)) {
		/* BSY until the host lets go of the buffer. */
		d->dropped = true;
		d->s.status = ST_BSY;
		return;
	}
	ide_signature(d);
	d->s.error = 0x01;		/* passed */
	d->s.asleep = 0;
}

void ide_diagnose(struct ide_channel *ch)
{
	for (unsigned i = 0; i < IDE_DRIVES; i++)
		drive_reset(&ch->drive[i]);
	ch->selected = 0;
	if (!ch->drive[0].present)
		return;
	ch->intrq = 1;
	update_irq(ch);
}

static void soft_reset(struct ide_channel *ch)
{
	ch->intrq = 0;
	update_irq(ch);
	for (unsigned i = 0; i < IDE_DRIVES; i++) {
		drive_reset(&ch->drive[i]);
		ch->drive[i].s.status |= ST_BSY;
	}
	ch->selected = 0;
}

static void soft_reset_end(struct ide_channel *ch)
{
	for (unsigned i = 0; i < IDE_DRIVES; i++)
		if (!ch->drive[i].dropped)
			ch->drive[i].s.status &= ~ST_BSY;
}

void ide_channel_reset(struct ide_channel *ch)
{
	ch->control = 0;
	ch->selected = 0;
	ch->intrq = 0;
	irq_lower(&ch->irq);
	memset(&ch->bm, 0, sizeof(ch->bm));
	for (unsigned i = 0; i < IDE_DRIVES; i++) {
		struct ide_drive *d = &ch->drive[i];

		if (!d->present)
			continue;
		block_queue_drain(d->scsi.q);
		memset(&d->s, 0, sizeof(d->s));
		d->dropped = false;
		d->s.write_cache = 1;
		if (!d->cd)
			ide_default_geometry(d);
		scsi_reset(&d->scsi);
		ide_signature(d);
		d->s.error = 0x01;
	}
}

/*
 * Ports.
 */

/* The register's value, or the one before it if device control says so. */
static uint8_t recent(const struct ide_channel *ch, const uint8_t reg[2])
{
	return reg[ch->control & CTL_HOB ? 1 : 0];
}

static uint8_t read_status(struct ide_channel *ch)
{
	if (empty(ch))
		return FLOATING;
	return ide_selected(ch)->present ? ide_selected(ch)->s.status : 0;
}

static uint8_t read_register(struct ide_channel *ch, unsigned off)
{
	struct ide_drive *d = ide_selected(ch);

	if (!d->present)		/* the first answers for the second */
		d = &ch->drive[!ch->selected];
	switch (off) {
	case R_ERROR:
		return d->s.error;
	case R_COUNT:
		return recent(ch, d->s.count);
	case R_LBA_LOW: case R_LBA_MID: case R_LBA_HIGH:
		return recent(ch, d->s.lba[off - R_LBA_LOW]);
	}
	return (d->s.device & ~DEV_SECOND) | DEV_OBSOLETE |
	       (ch->selected ? DEV_SECOND : 0);
}

static uint32_t command_read(void *opaque, unsigned off, unsigned size)
{
	struct ide_channel *ch = opaque;
	uint8_t status;

	if (!decodes(ch))
		return UINT32_MAX;
	if (empty(ch))
		return off ? FLOATING : 0xffffff7f;
	if (off == R_DATA)
		return ide_data_read(ide_selected(ch), size);
	if (off != R_STATUS)
		return read_register(ch, off);
	status = read_status(ch);
	clear_intrq(ch);
	return status;
}

static void put_recent(uint8_t reg[2], uint8_t val)
{
	reg[1] = reg[0];
	reg[0] = val;
}

static void write_register(struct ide_drive *d, unsigned off, uint8_t val)
{
	/* A busy drive, or one that moves data, does not listen. */
	if (d->s.status & (ST_BSY | ST_DRQ))
		return;
	switch (off) {
	case R_FEATURE:
		put_recent(d->s.feature, val);
		break;
	case R_COUNT:
		put_recent(d->s.count, val);
		break;
	case R_LBA_LOW: case R_LBA_MID: case R_LBA_HIGH:
		put_recent(d->s.lba[off - R_LBA_LOW], val);
		break;
	case R_DEVICE:
		d->s.device = val;
		break;
	}
}

static void write_command(struct ide_channel *ch, uint8_t val)
{
	struct ide_drive *d = ide_selected(ch);

	clear_intrq(ch);
	if (val == 0x90)		/* both drives, whichever is selected */
		ide_diagnose(ch);
	else if (d->present)
		ide_command(d, val);
}

static void command_write(void *opaque, unsigned off, unsigned size,
			  uint32_t val)
{
	struct ide_channel *ch = opaque;

	if (!decodes(ch) || empty(ch))
		return;
	if (off == R_DATA) {
		ide_data_write(ide_selected(ch), size, val);
		return;
	}
	ch->control &= ~CTL_HOB;
	if (off == R_COMMAND) {
		write_command(ch, val);
		return;
	}
	if (off == R_DEVICE)
		ch->selected = !!(val & DEV_SECOND);
	for (unsigned i = 0; i < IDE_DRIVES; i++)
		write_register(&ch->drive[i], off, val);
}

static uint32_t control_read(void *opaque, unsigned off, unsigned size)
{
	struct ide_channel *ch = opaque;

	return decodes(ch) ? read_status(ch) : UINT32_MAX;
}

static void control_write(void *opaque, unsigned off, unsigned size,
			  uint32_t val)
{
	struct ide_channel *ch = opaque;
	uint8_t was = ch->control;

	if (!decodes(ch))
		return;
	ch->control = val & (CTL_HOB | CTL_SRST | CTL_NIEN);
	if (ch->control & CTL_SRST && !(was & CTL_SRST))
		soft_reset(ch);
	if (!(ch->control & CTL_SRST) && was & CTL_SRST)
		soft_reset_end(ch);
	update_irq(ch);
}

/* Wide accesses are for the data port; others go byte by byte. */
static uint32_t block_read(void *opaque, unsigned off, unsigned size)
{
	uint32_t val = 0;

	if (!off || size == 1)
		return command_read(opaque, off, size);
	for (unsigned i = 0; i < size; i++)
		val |= (command_read(opaque, off + i, 1) & 0xff) << i * 8;
	return val;
}

static void block_write(void *opaque, unsigned off, unsigned size,
			uint32_t val)
{
	if (!off || size == 1) {
		command_write(opaque, off, size, val);
		return;
	}
	for (unsigned i = 0; i < size; i++)
		command_write(opaque, off + i, 1, val >> i * 8 & 0xff);
}

static const struct pio_ops command_ops = {
	block_read, block_write, PIO_1 | PIO_2 | PIO_4,
};
static const struct pio_ops control_ops = {
	control_read, control_write, PIO_1,
};

int ide_ports_add(struct ide *ide)
{
	int ret = 0;

	for (unsigned i = 0; !ret && i < IDE_CHANNELS; i++) {
		struct ide_channel *ch = &ide->ch[i];

		ret = ports_add(ide->ports, command_block[i], 8, &command_ops,
				ch, "ide");
		if (!ret)
			ret = ports_add(ide->ports, control_block[i], 1,
					&control_ops, ch, "ide control");
	}
	return ret;
}
