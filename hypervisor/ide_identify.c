// SPDX-License-Identifier: GPL-2.0-or-later
/* IDENTIFY (PACKET) DEVICE: ATA/ATAPI-6, tables 27 and 32. */
#include <string.h>

#include "backends/block.h"
#include "hypervisor/ide_priv.h"

#define LBA28_MAX	0x0fffffffu
#define CYLINDERS_MAX	16383u
#define HEADS		16u
#define SECTORS		63u

static uint64_t disk_sectors(const struct ide_drive *d)
{
	return ide_medium(d)->size / SECTOR;
}

/* What the image says, if an IDE disk can be like that. */
static struct block_geometry default_geometry(const struct ide_drive *d)
{
	struct block_geometry g = ide_medium(d)->geometry;
	uint64_t n = disk_sectors(d) / (HEADS * SECTORS);

	if (g.cylinders && g.cylinders <= CYLINDERS_MAX && g.heads &&
	    g.heads <= HEADS && g.sectors && g.sectors <= SECTORS &&
	    (uint64_t)g.cylinders * g.heads * g.sectors <= disk_sectors(d))
		return g;
	g.cylinders = n > CYLINDERS_MAX ? CYLINDERS_MAX : n ? n : 1;
	g.heads = HEADS;
	g.sectors = SECTORS;
	return g;
}

void ide_default_geometry(struct ide_drive *d)
{
	struct block_geometry g = default_geometry(d);

	d->s.heads = g.heads;
	d->s.sectors = g.sectors;
	d->s.cylinders = g.cylinders;
}

static void put(struct ide_drive *d, unsigned word, uint16_t val)
{
	d->buf[2 * word] = val;
	d->buf[2 * word + 1] = val >> 8;
}

static void put_2(struct ide_drive *d, unsigned word, uint32_t val)
{
	put(d, word, val);
	put(d, word + 1, val >> 16);
}

/* Text is padded with spaces, two characters to a word, the first one high. */
static void put_text(struct ide_drive *d, unsigned word, unsigned words,
		     const char *s)
{
	size_t n = strlen(s);

	for (unsigned i = 0; i < 2 * words; i++)
		d->buf[2 * word + (i ^ 1)] = i < n ? s[i] : ' ';
}

static void put_names(struct ide_drive *d)
{
	put_text(d, 10, 10, d->serial);
	put_text(d, 23, 4, "1.0");
	put_text(d, 27, 20, d->model);
}

/* The mode that SET FEATURES chose is marked in the high byte. */
static void put_modes(struct ide_drive *d)
{
	uint8_t mode = d->s.dma_mode, bit = 1u << (mode & 7);

	put(d, 63, 0x0007 | (mode >> 3 == 4 ? bit << 8 : 0));
	put(d, 88, 0x0007 | (mode >> 3 == 8 ? bit << 8 : 0));
	put(d, 64, 0x0003);		/* PIO 3 and 4 */
	put(d, 65, 120);		/* ns for each word */
	put(d, 66, 120);
	put(d, 67, 120);
	put(d, 68, 120);
}

static void put_sizes(struct ide_drive *d)
{
	struct block_geometry g = default_geometry(d);
	uint64_t n = disk_sectors(d);
	uint32_t chs = d->s.cylinders * d->s.heads * d->s.sectors;

	put(d, 1, g.cylinders);
	put(d, 3, g.heads);
	put(d, 6, g.sectors);
	put(d, 54, d->s.cylinders);
	put(d, 55, d->s.heads);
	put(d, 56, d->s.sectors);
	put_2(d, 57, chs);
	put_2(d, 60, n < LBA28_MAX ? n : LBA28_MAX);
	put_2(d, 100, n);
	put_2(d, 102, n >> 32);
}

void ide_identify(struct ide_drive *d)
{
	uint16_t cache = d->s.write_cache ? 0x0020 : 0;

	memset(d->buf, 0, SECTOR);
	put(d, 0, 0x0040);		/* not removable */
	put_names(d);
	put_sizes(d);
	put(d, 47, 0x8000 | IDE_MULTIPLE);
	put(d, 48, 1);			/* 32-bit access to the data port */
	put(d, 49, 0x0b00);		/* IORDY, LBA, DMA */
	put(d, 50, 0x4000);
	put(d, 51, 0x0200);
	put(d, 52, 0x0200);
	put(d, 53, 0x0007);		/* words 54-58, 64-70, 88 are valid */
	put(d, 59, d->s.multiple ? 0x0100 | d->s.multiple : 0);
	put_modes(d);
	put(d, 80, 0x007e);		/* ATA-1 to ATA/ATAPI-6 */
	put(d, 82, 0x4020);		/* NOP, write cache */
	put(d, 83, 0x7400);		/* FLUSH (EXT), LBA48 */
	put(d, 84, 0x4040);		/* FUA */
	put(d, 85, 0x4000 | cache);
	put(d, 86, 0x3400);
	put(d, 87, 0x4040);
	put(d, 93, 0x6001 | (d->unit ? 0x0200 : 0x0008)); /* reset result */
	if (!ide_medium(d)->no_discard) {
		put(d, 69, 0x4000);	/* deterministic after TRIM */
		put(d, 105, 8);		/* blocks of ranges */
		put(d, 169, 0x0001);	/* TRIM */
	}
}

void ide_identify_packet(struct ide_drive *d)
{
	memset(d->buf, 0, SECTOR);
	put(d, 0, 0x85c0);	/* ATAPI, CD-ROM, removable, DRQ in 50 us, 12 */
	put_names(d);
	put(d, 48, 1);
	put(d, 49, 0x0b00);
	put(d, 53, 0x0006);
	put_modes(d);
	put(d, 73, 0x0005);		/* ATAPI byte count = 0 behaviour */
	put(d, 80, 0x001e);		/* to ATA/ATAPI-4 */
	put(d, 82, 0x4214);		/* NOP, DEVICE RESET, PACKET, removable */
	put(d, 83, 0x4000);
	put(d, 84, 0x4000);
	put(d, 85, 0x4214);
	put(d, 87, 0x4000);
	put(d, 93, 0x6001 | (d->unit ? 0x0200 : 0x0008));
}
