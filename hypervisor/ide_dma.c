// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bus master: "Programming Interface for Bus Master IDE Controller" 1.0,
 * PIIX3 datasheet 2.7.  A table of physical region descriptors says where in
 * memory the data go.
 */
#include <string.h>

#include "hypervisor/ide_priv.h"
#include "hypervisor/ports.h"

#define PRD_LAST	0x80000000u

/* Offsets; the secondary channel's are 8 further. */
enum { BM_COMMAND, BM_STATUS = 2, BM_TABLE = 4 };
#define BM_CHANNEL	8

static struct ide_channel *channel_at(struct ide *ide, unsigned off)
{
	return &ide->ch[off / BM_CHANNEL];
}

void ide_bm_end(struct ide_channel *ch)
{
	/*
	 * A table that has more room than there were data leaves the bus
	 * master active: its software sees the interrupt and stops it.
	 */
	if (ch->bm.last && !ch->bm.left)
		ch->bm.status &= ~BM_ACTIVE;
}

static void stop_with_error(struct ide_channel *ch)
{
	ch->bm.status = (ch->bm.status & ~BM_ACTIVE) | BM_ERROR;
}

/* The next descriptor.  A count of 0 is 64 KiB; bit 0 of both is 0. */
static bool next_prd(struct ide_channel *ch)
{
	struct ide_bm *bm = &ch->bm;
	uint32_t prd[2];

	if (bm->last) {			/* the table is too short */
		bm->status &= ~BM_ACTIVE;
		return false;
	}
	if (pci_dma_read(&ch->ide->func, bm->next, prd, sizeof(prd))) {
		stop_with_error(ch);
		return false;
	}
	bm->next += sizeof(prd);
	bm->addr = prd[0] & ~1u;
	bm->left = prd[1] & 0xfffe;
	if (!bm->left)
		bm->left = 0x10000;
	bm->last = !!(prd[1] & PRD_LAST);
	return true;
}

bool ide_bm_move(struct ide_channel *ch, uint8_t *buf, uint32_t len,
		 bool to_memory)
{
	struct pci_func *f = &ch->ide->func;
	struct ide_bm *bm = &ch->bm;

	/* The direction bit must say what the drive does. */
	if (!!(bm->command & BM_TO_MEMORY) != to_memory) {
		stop_with_error(ch);
		return false;
	}
	while (len) {
		uint32_t n;
		int ret;

		if (!bm->left && !next_prd(ch))
			return false;
		n = len < bm->left ? len : bm->left;
		ret = to_memory ? pci_dma_write(f, bm->addr, buf, n) :
				  pci_dma_read(f, bm->addr, buf, n);
		if (ret) {
			stop_with_error(ch);
			return false;
		}
		bm->addr += n;
		bm->left -= n;
		buf += n;
		len -= n;
	}
	return true;
}

/*
 * Registers.
 */

static uint8_t read_byte(struct ide *ide, unsigned off)
{
	const struct ide_bm *bm = &channel_at(ide, off)->bm;

	off %= BM_CHANNEL;
	if (off == BM_COMMAND)
		return bm->command;
	if (off == BM_STATUS)
		return bm->status;
	return off >= BM_TABLE ? bm->table >> 8 * (off - BM_TABLE) : 0;
}

static uint32_t bm_read(void *opaque, unsigned off, unsigned size)
{
	uint32_t val = 0;

	for (unsigned i = 0; i < size; i++)
		val |= (uint32_t)read_byte(opaque, off + i) << 8 * i;
	return val;
}

static void start(struct ide_channel *ch)
{
	ch->bm.status |= BM_ACTIVE;
	ch->bm.next = ch->bm.table;
	ch->bm.left = 0;
	ch->bm.last = 0;
	for (unsigned i = 0; i < IDE_DRIVES; i++)
		if (ch->drive[i].present)
			ide_dma_ready(&ch->drive[i]);
}

static void write_command(struct ide_channel *ch, uint8_t val)
{
	uint8_t was = ch->bm.command;

	ch->bm.command = val & (BM_START | BM_TO_MEMORY);
	if (val & BM_START && !(was & BM_START))
		start(ch);
	if (!(val & BM_START))
		ch->bm.status &= ~BM_ACTIVE;
}

static void write_byte(struct ide *ide, unsigned off, uint8_t val)
{
	struct ide_channel *ch = channel_at(ide, off);
	struct ide_bm *bm = &ch->bm;
	unsigned shift;

	off %= BM_CHANNEL;
	switch (off) {
	case BM_COMMAND:
		write_command(ch, val);
		break;
	case BM_STATUS:
		bm->status &= ~(val & (BM_ERROR | BM_INTERRUPT));
		bm->status = (bm->status & ~BM_CAPABLE) | (val & BM_CAPABLE);
		break;
	case BM_TABLE: case BM_TABLE + 1: case BM_TABLE + 2:
	case BM_TABLE + 3:
		shift = 8 * (off - BM_TABLE);
		bm->table &= ~(0xffu << shift);
		bm->table |= (uint32_t)val << shift;
		bm->table &= ~3u;
		break;
	}
}

static void bm_write(void *opaque, unsigned off, unsigned size, uint32_t val)
{
	for (unsigned i = 0; i < size; i++)
		write_byte(opaque, off + i, val >> 8 * i);
}

const struct pio_ops ide_bm_ops = { bm_read, bm_write, PIO_1 | PIO_2 | PIO_4 };
