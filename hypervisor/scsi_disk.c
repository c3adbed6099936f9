// SPDX-License-Identifier: GPL-2.0-or-later
/* A hard disk: SBC-2, blocks of 512 bytes. */
#include <string.h>

#include "backends/block.h"
#include "hypervisor/scsi.h"

#define READ_6			0x08
#define WRITE_6			0x0a
#define REZERO			0x01
#define SEEK_6			0x0b
#define MODE_SELECT_6		0x15
#define RESERVE_6		0x16
#define RELEASE_6		0x17
#define MODE_SENSE_6		0x1a
#define SEND_DIAGNOSTIC		0x1d
#define READ_CAPACITY_10	0x25
#define READ_10			0x28
#define WRITE_10		0x2a
#define SEEK_10			0x2b
#define WRITE_VERIFY_10		0x2e
#define VERIFY_10		0x2f
#define SYNC_CACHE_10		0x35
#define MODE_SENSE_10		0x5a
#define READ_16			0x88
#define WRITE_16		0x8a
#define VERIFY_16		0x8f
#define SYNC_CACHE_16		0x91
#define SERVICE_ACTION_16	0x9e
#define READ_12			0xa8
#define WRITE_12		0xaa

#define BLOCK		512u
#define CDB_FUA		0x08
#define ASC_INVALID_FIELD	0x24

static uint64_t blocks_of(const struct scsi_unit *u)
{
	return scsi_medium(u)->size / BLOCK;
}

/* Address and count by the length that the group code gives: SPC-3, 4.3. */
static void get_range(const uint8_t *c, uint64_t *lba, uint64_t *n)
{
	switch (c[0] >> 5) {
	case 0:
		*lba = scsi_get24(c + 1) & 0x1fffff;
		*n = c[4] ? c[4] : 256;
		break;
	case 1:
		*lba = scsi_get32(c + 2);
		*n = scsi_get16(c + 7);
		break;
	case 4:
		*lba = scsi_get64(c + 2);
		*n = scsi_get32(c + 10);
		break;
	default:
		*lba = scsi_get32(c + 2);
		*n = scsi_get32(c + 6);
		break;
	}
}

static void rw(struct scsi_unit *u, struct scsi_task *t, enum scsi_data data)
{
	uint64_t lba, n;

	get_range(t->cdb, &lba, &n);
	t->fua = data == SCSI_WRITE && t->cdb[0] >> 5 && t->cdb[1] & CDB_FUA;
	scsi_range(u, t, data, lba, n);
}

static void do_read(struct scsi_unit *u, struct scsi_task *t)
{
	rw(u, t, SCSI_READ);
}

static void do_write(struct scsi_unit *u, struct scsi_task *t)
{
	rw(u, t, SCSI_WRITE);
}

/* The range must exist; the host's disk is trusted with what is on it. */
static void verify(struct scsi_unit *u, struct scsi_task *t)
{
	if (t->cdb[1] & 2) {		/* compare with data of the host */
		scsi_sense(u, t, SENSE_ILLEGAL, ASC_INVALID_FIELD, 0);
		return;
	}
	rw(u, t, SCSI_READ);
	t->data = SCSI_NONE;
	t->len = 0;
}

static void sync_cache(struct scsi_unit *u, struct scsi_task *t)
{
	t->data = SCSI_FLUSH;
}

static void read_capacity(struct scsi_unit *u, struct scsi_task *t)
{
	uint64_t last = blocks_of(u) - 1;

	scsi_put32(t->reply, last < UINT32_MAX ? last : UINT32_MAX);
	scsi_put32(t->reply + 4, BLOCK);
	scsi_reply(t, 8, 8);
}

static void service_action(struct scsi_unit *u, struct scsi_task *t)
{
	if ((t->cdb[1] & 0x1f) != 0x10) {	/* READ CAPACITY (16) */
		scsi_sense(u, t, SENSE_ILLEGAL, ASC_INVALID_FIELD, 0);
		return;
	}
	scsi_put64(t->reply, blocks_of(u) - 1);
	scsi_put32(t->reply + 8, BLOCK);
	scsi_reply(t, 32, scsi_get32(t->cdb + 10));
}

/* Mode pages: 04h rigid disk geometry, 08h caching (write cache on). */
static size_t put_geometry(struct scsi_unit *u, uint8_t *p)
{
	uint64_t cylinders = blocks_of(u) / (255 * 63);

	p[0] = 0x04;
	p[1] = 22;
	p[2] = cylinders >> 16;
	p[3] = cylinders >> 8;
	p[4] = cylinders;
	p[5] = 255;
	scsi_put16(p + 20, 7200);
	return 24;
}

static size_t put_caching(struct scsi_unit *u, uint8_t *p)
{
	p[0] = 0x08;
	p[1] = 18;
	p[2] = 0x04;
	return 20;
}

static void mode_sense(struct scsi_unit *u, struct scsi_task *t)
{
	bool ten = t->cdb[0] == MODE_SENSE_10;
	uint8_t page = t->cdb[2] & 0x3f, control = t->cdb[2] >> 6;
	uint8_t *r = t->reply, *p = r + (ten ? 8 : 4);
	uint8_t protect = scsi_medium(u)->read_only ? 0x80 : 0;
	size_t head = p - r;

	if (control == 3) {
		scsi_sense(u, t, SENSE_ILLEGAL, 0x39, 0);
		return;
	}
	if (!(t->cdb[1] & 8)) {		/* a block descriptor */
		scsi_put32(p + 4, BLOCK);
		r[ten ? 7 : 3] = 8;
		p += 8;
	}
	if (page == 0x04 || page == 0x3f)
		p += put_geometry(u, p);
	if (page == 0x08 || page == 0x3f)
		p += put_caching(u, p);
	if (p <= r + head + 8 && page && page != 0x3f) {
		scsi_sense(u, t, SENSE_ILLEGAL, ASC_INVALID_FIELD, 0);
		return;
	}
	if (ten) {
		scsi_put16(r, p - r - 2);
		r[3] = protect | 0x10;	/* FUA is known */
	} else {
		r[0] = p - r - 1;
		r[2] = protect | 0x10;
	}
	scsi_reply(t, p - r, ten ? scsi_get16(t->cdb + 7) : t->cdb[4]);
}

static void mode_select(struct scsi_unit *u, struct scsi_task *t)
{
	t->len = t->cdb[4];
	t->data = t->len ? SCSI_PARAMS : SCSI_NONE;
}

static void nothing(struct scsi_unit *u, struct scsi_task *t)
{
}

static const struct {
	uint8_t op;
	void (*fn)(struct scsi_unit *u, struct scsi_task *t);
} commands[] = {
	{ READ_6, do_read }, { READ_10, do_read }, { READ_12, do_read },
	{ READ_16, do_read },
	{ WRITE_6, do_write }, { WRITE_10, do_write }, { WRITE_12, do_write },
	{ WRITE_16, do_write }, { WRITE_VERIFY_10, do_write },
	{ VERIFY_10, verify }, { VERIFY_16, verify },
	{ SYNC_CACHE_10, sync_cache }, { SYNC_CACHE_16, sync_cache },
	{ READ_CAPACITY_10, read_capacity },
	{ SERVICE_ACTION_16, service_action },
	{ MODE_SENSE_6, mode_sense }, { MODE_SENSE_10, mode_sense },
	{ MODE_SELECT_6, mode_select },
	{ REZERO, nothing }, { SEEK_6, nothing }, { SEEK_10, nothing },
	{ RESERVE_6, nothing }, { RELEASE_6, nothing },
	{ SEND_DIAGNOSTIC, nothing },
};

static bool disk_command(struct scsi_unit *u, struct scsi_task *t)
{
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		if (commands[i].op != t->cdb[0])
			continue;
		if (scsi_medium(u))
			commands[i].fn(u, t);
		else
			scsi_sense(u, t, SENSE_NOT_READY, 0x3a, 0);
		return true;
	}
	return false;
}

const struct scsi_ops scsi_disk_ops = {
	.type = 0x00, .block_size = BLOCK, .command = disk_command,
};
