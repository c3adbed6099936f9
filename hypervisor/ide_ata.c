// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands of disks, and those that CD-ROM drives share: ATA/ATAPI-6, 8.
 */
#include <string.h>

#include "backends/block.h"
#include "hypervisor/ide_priv.h"

#define LBA28_SECTORS	0x10000000ull
#define TRIM_BLOCKS_MAX	8u

enum {
	F_ATA = 1,		/* disks have it */
	F_ATAPI = 2,		/* CD-ROM drives have it */
	F_WRITE = 4,
	F_EXT = 8,		/* 48-bit addresses */
	F_DMA = 16,
	F_MULTIPLE = 32,
	F_FUA = 64,
};

struct row {
	uint8_t first, last;
	uint8_t flags;
	void (*fn)(struct ide_drive *d, uint8_t flags);
};

/*
 * Addresses.
 */

static uint64_t disk_sectors(const struct ide_drive *d)
{
	return ide_medium(d)->size / SECTOR;
}

static uint32_t count_of(const struct ide_drive *d, bool ext)
{
	const struct ide_state *s = &d->s;

	if (!ext)
		return s->count[0] ? s->count[0] : 256;
	if (!s->count[0] && !s->count[1])
		return 65536;
	return s->count[1] << 8 | s->count[0];
}

static uint64_t chs_of(const struct ide_state *s)
{
	uint64_t cylinder = s->lba[2][0] << 8 | s->lba[1][0];
	unsigned head = s->device & DEV_HEAD;

	/* Sectors count from 1; what is no sector ends up out of range. */
	if (!s->lba[0][0] || s->lba[0][0] > s->sectors || head >= s->heads ||
	    cylinder >= s->cylinders)
		return UINT64_MAX;
	return (cylinder * s->heads + head) * s->sectors + s->lba[0][0] - 1;
}

static uint64_t lba_of(const struct ide_drive *d, bool ext)
{
	const struct ide_state *s = &d->s;
	uint64_t low = s->lba[2][0] << 16 | s->lba[1][0] << 8 | s->lba[0][0];

	if (ext)
		return low | (uint64_t)(s->lba[2][1] << 16 |
					s->lba[1][1] << 8 |
					s->lba[0][1]) << 24;
	if (s->device & DEV_LBA)
		return low | (uint64_t)(s->device & DEV_HEAD) << 24;
	return chs_of(s);
}

static void put_lba(struct ide_drive *d, uint64_t lba, bool ext)
{
	for (unsigned i = 0; i < 3; i++) {
		d->s.lba[i][0] = lba >> 8 * i;
		if (ext)
			d->s.lba[i][1] = lba >> (24 + 8 * i);
	}
	if (!ext)
		d->s.device = (d->s.device & ~DEV_HEAD) |
			      (lba >> 24 & DEV_HEAD);
}

/* The range of the command in bytes.  False: it was ended. */
static bool get_range(struct ide_drive *d, uint8_t flags, uint64_t *off,
		      uint64_t *len)
{
	bool ext = flags & F_EXT;
	uint64_t lba = lba_of(d, ext), n = count_of(d, ext);
	uint64_t all = disk_sectors(d);

	if (lba >= all || n > all - lba) {
		ide_abort(d, ER_IDNF);
		return false;
	}
	*off = lba * SECTOR;
	*len = n * SECTOR;
	return true;
}

/*
 * Data.
 */

static void do_transfer(struct ide_drive *d, uint8_t flags)
{
	bool write = flags & F_WRITE;
	enum ide_after after = IDE_AFTER_ATA;
	uint32_t block = SECTOR;
	uint64_t off, len;

	if ((flags & F_MULTIPLE && !d->s.multiple) ||
	    (write && ide_medium(d)->read_only)) {
		ide_abort(d, ER_ABRT);
		return;
	}
	if (!get_range(d, flags, &off, &len))
		return;
	if (flags & F_MULTIPLE)
		block = d->s.multiple * SECTOR;
	if (write && (flags & F_FUA || !d->s.write_cache))
		after = IDE_AFTER_FLUSH;
	d->s.dma = flags & F_DMA ? 1 : 0;
	ide_transfer(d, off, len, block, write, after);
}

static void on_verified(struct ide_drive *d, int err)
{
	if (err) {
		ide_abort(d, ER_UNC);
		return;
	}
	d->s.off += d->iov.iov_len;
	d->s.left -= d->iov.iov_len;
	if (d->s.left)
		ide_io(d, BLOCK_READ, d->s.off, d->s.left < IDE_BUF ?
		       d->s.left : IDE_BUF, on_verified);
	else
		ide_done(d);
}

static void verify(struct ide_drive *d, uint8_t flags)
{
	if (!get_range(d, flags, &d->s.off, &d->s.left))
		return;
	ide_io(d, BLOCK_READ, d->s.off, d->s.left < IDE_BUF ? d->s.left :
	       IDE_BUF, on_verified);
}

static void flush(struct ide_drive *d, uint8_t flags)
{
	if (ide_medium(d)->read_only)
		ide_done(d);
	else
		ide_flush(d);
}

/* DATA SET MANAGEMENT, ACS-2 7.10: ranges of 48 bits and 16 bits. */
static void trim(struct ide_drive *d, uint8_t flags)
{
	uint32_t blocks = count_of(d, true);

	if (!(d->s.feature[0] & 1) || blocks > TRIM_BLOCKS_MAX ||
	    ide_medium(d)->no_discard || ide_medium(d)->read_only) {
		ide_abort(d, ER_ABRT);
		return;
	}
	d->s.dma = 1;
	ide_receive(d, blocks * SECTOR, SECTOR, IDE_AFTER_TRIM);
}

static void on_trimmed(struct ide_drive *d, int err)
{
	if (err)
		ide_abort(d, ER_ABRT);
	else
		ide_ata_trim(d);
}

/* The next range of the list in the buffer; s.off: how many bytes are done. */
void ide_ata_trim(struct ide_drive *d)
{
	uint64_t all = disk_sectors(d);

	while (d->s.off < d->s.len) {
		uint64_t range, lba, n;

		memcpy(&range, d->buf + d->s.off, sizeof(range));
		d->s.off += sizeof(range);
		lba = range & 0xffffffffffffull;
		n = range >> 48;
		if (!n)
			continue;
		if (lba >= all || n > all - lba) {
			ide_abort(d, ER_IDNF);
			return;
		}
		ide_io(d, BLOCK_DISCARD, lba * SECTOR, n * SECTOR,
		       on_trimmed);
		return;
	}
	ide_done(d);
}

/*
 * The rest.
 */

static void nothing(struct ide_drive *d, uint8_t flags)
{
	d->s.asleep = 0;
	ide_done(d);
}

static void refuse(struct ide_drive *d, uint8_t flags)
{
	ide_abort(d, ER_ABRT);
}

static void identify(struct ide_drive *d, uint8_t flags)
{
	if (d->cd) {			/* tell by the signature who it is */
		ide_signature(d);
		ide_abort(d, ER_ABRT);
		return;
	}
	ide_identify(d);
	ide_reply(d, SECTOR, SECTOR);
}

static void identify_packet(struct ide_drive *d, uint8_t flags)
{
	ide_identify_packet(d);
	ide_reply(d, SECTOR, SECTOR);
}

/* INITIALIZE DEVICE PARAMETERS: the translation of CHS addresses. */
static void set_geometry(struct ide_drive *d, uint8_t flags)
{
	unsigned heads = (d->s.device & DEV_HEAD) + 1;
	unsigned sectors = d->s.count[0];
	uint64_t n;

	if (!sectors) {
		ide_abort(d, ER_ABRT);
		return;
	}
	n = disk_sectors(d) / (heads * sectors);
	d->s.heads = heads;
	d->s.sectors = sectors;
	d->s.cylinders = n < 65535 ? n : 65535;
	ide_done(d);
}

static void set_multiple(struct ide_drive *d, uint8_t flags)
{
	unsigned n = d->s.count[0];

	if (n > IDE_MULTIPLE || n & (n - 1)) {
		ide_abort(d, ER_ABRT);
		return;
	}
	d->s.multiple = n;
	ide_done(d);
}

static void max_address(struct ide_drive *d, uint8_t flags)
{
	uint64_t last = disk_sectors(d) - 1;

	if (!(flags & F_EXT) && last >= LBA28_SECTORS)
		last = LBA28_SECTORS - 1;
	put_lba(d, last, flags & F_EXT);
	ide_done(d);
}

static void check_power(struct ide_drive *d, uint8_t flags)
{
	d->s.count[0] = 0xff;		/* active or idle */
	ide_done(d);
}

static void sleep(struct ide_drive *d, uint8_t flags)
{
	ide_done(d);
	d->s.asleep = 1;		/* until a reset */
}

/* Transfer modes: PIO 0-4, multiword DMA 0-2, ultra DMA 0-2 (PIIX3: MW2). */
static bool set_mode(struct ide_drive *d, uint8_t mode)
{
	if (mode >> 3 == 0 || (mode >> 3 == 1 && (mode & 7) <= 4))
		return true;
	if ((mode >> 3 != 4 && mode >> 3 != 8) || (mode & 7) > 2)
		return false;
	d->s.dma_mode = mode;
	return true;
}

static void set_features(struct ide_drive *d, uint8_t flags)
{
	switch (d->s.feature[0]) {
	case 0x02: case 0x82:
		if (d->cd)
			break;
		d->s.write_cache = d->s.feature[0] == 0x02;
		/* What is in the cache goes to the disk before it is off. */
		flush(d, 0);
		return;
	case 0x03:
		if (!set_mode(d, d->s.count[0]))
			break;
		ide_done(d);
		return;
	case 0x66: case 0xcc:		/* settings at a reset */
	case 0xaa: case 0x55:		/* read look-ahead */
	case 0x05: case 0x85:		/* power management */
		ide_done(d);
		return;
	}
	ide_abort(d, ER_ABRT);
}

/* DEVICE RESET is for packet devices, and makes no interrupt. */
static void device_reset_command(struct ide_drive *d, uint8_t flags)
{
	ide_signature(d);
	d->s.error = 0x01;
}

static void packet(struct ide_drive *d, uint8_t flags)
{
	ide_packet(d);
}

#define BOTH	(F_ATA | F_ATAPI)

static const struct row rows[] = {
	{ 0x00, 0x00, BOTH, refuse },			/* NOP */
	{ 0x06, 0x06, F_ATA, trim },
	{ 0x08, 0x08, F_ATAPI, device_reset_command },
	{ 0x10, 0x1f, F_ATA, nothing },			/* RECALIBRATE */
	{ 0x20, 0x21, F_ATA, do_transfer },
	{ 0x24, 0x24, F_ATA | F_EXT, do_transfer },
	{ 0x25, 0x25, F_ATA | F_EXT | F_DMA, do_transfer },
	{ 0x27, 0x27, F_ATA | F_EXT, max_address },
	{ 0x29, 0x29, F_ATA | F_EXT | F_MULTIPLE, do_transfer },
	{ 0x30, 0x31, F_ATA | F_WRITE, do_transfer },
	{ 0x34, 0x34, F_ATA | F_WRITE | F_EXT, do_transfer },
	{ 0x35, 0x35, F_ATA | F_WRITE | F_EXT | F_DMA, do_transfer },
	{ 0x39, 0x39, F_ATA | F_WRITE | F_EXT | F_MULTIPLE, do_transfer },
	{ 0x3d, 0x3d, F_ATA | F_WRITE | F_EXT | F_DMA | F_FUA, do_transfer },
	{ 0x40, 0x41, F_ATA, verify },
	{ 0x42, 0x42, F_ATA | F_EXT, verify },
	{ 0x70, 0x7f, F_ATA, nothing },			/* SEEK */
	{ 0x91, 0x91, F_ATA, set_geometry },
	{ 0x94, 0x97, BOTH, nothing },			/* STANDBY, IDLE */
	{ 0x98, 0x98, BOTH, check_power },
	{ 0x99, 0x99, BOTH, sleep },
	{ 0xa0, 0xa0, F_ATAPI, packet },
	{ 0xa1, 0xa1, F_ATAPI, identify_packet },
	{ 0xc4, 0xc4, F_ATA | F_MULTIPLE, do_transfer },
	{ 0xc5, 0xc5, F_ATA | F_WRITE | F_MULTIPLE, do_transfer },
	{ 0xc6, 0xc6, F_ATA, set_multiple },
	{ 0xc8, 0xc9, F_ATA | F_DMA, do_transfer },
	{ 0xca, 0xcb, F_ATA | F_WRITE | F_DMA, do_transfer },
	{ 0xce, 0xce, F_ATA | F_WRITE | F_EXT | F_MULTIPLE | F_FUA,
	  do_transfer },
	{ 0xe0, 0xe3, BOTH, nothing },			/* STANDBY, IDLE */
	{ 0xe5, 0xe5, BOTH, check_power },
	{ 0xe6, 0xe6, BOTH, sleep },
	{ 0xe7, 0xe7, F_ATA, flush },
	{ 0xea, 0xea, F_ATA, flush },
	{ 0xec, 0xec, BOTH, identify },
	{ 0xef, 0xef, BOTH, set_features },
	{ 0xf8, 0xf8, F_ATA, max_address },
};

static const struct row *row_find(uint8_t command)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		if (command >= rows[i].first && command <= rows[i].last)
			return &rows[i];
	return NULL;
}

void ide_command(struct ide_drive *d, uint8_t command)
{
	const struct row *r = row_find(command);
	bool is_reset = command == 0x08 && d->cd;

	/* Only a packet device's reset gets through to a drive at work. */
	if (d->s.status & (ST_BSY | ST_DRQ) && !is_reset)
		return;
	if (d->s.phase == IDE_BUSY) {
		d->dropped = true;
		return;
	}
	if (d->s.asleep && !is_reset)
		return;
	d->s.command = command;
	d->s.dma = 0;
	d->s.failed = 0;
	d->s.error = 0;
	if (r && r->flags & (d->cd ? F_ATAPI : F_ATA))
		r->fn(d, r->flags);
	else
		ide_abort(d, ER_ABRT);
}
