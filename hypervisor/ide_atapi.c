// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packet commands: ATA/ATAPI-6, 9.8 and INF-8020i, 5.  The packet is a SCSI
 * command; the drive behind it is in scsi_cd.c.
 */
#include <string.h>

#include "hypervisor/ide_priv.h"

#define PACKET_LEN	12u

void ide_packet(struct ide_drive *d)
{
	struct ide_state *s = &d->s;

	s->packet_dma = s->feature[0] & 1;
	s->byte_limit = s->lba[2][0] << 8 | s->lba[1][0];
	s->phase = IDE_PACKET;
	s->pos = 0;
	s->len = s->drq = PACKET_LEN;
	s->status = ST_DRDY | ST_DSC | ST_DRQ;
	s->count[0] = REASON_CD;
	/* Word 0 says that DRQ comes without an interrupt. */
}

static void end(struct ide_drive *d)
{
	uint8_t sense = d->scsi.s.key;

	d->s.count[0] = REASON_CD | REASON_IO;
	if (d->task.status == SCSI_GOOD)
		ide_done(d);
	else
		ide_abort(d, sense << 4 | (sense == SENSE_ILLEGAL ? ER_ABRT :
					   0));
}

void ide_atapi_end(struct ide_drive *d)
{
	d->task.status = SCSI_GOOD;
	end(d);
}

void ide_atapi_failed(struct ide_drive *d, int err)
{
	d->task.data = SCSI_READ;
	scsi_failed(&d->scsi, &d->task, err);
	end(d);
}

void ide_atapi_params(struct ide_drive *d)
{
	scsi_params(&d->scsi, &d->task, d->buf, d->s.len);
	end(d);
}

static void on_flushed(struct ide_drive *d, int err)
{
	if (err)
		scsi_failed(&d->scsi, &d->task, err);
	end(d);
}

/*
 * Bytes for each DRQ: the host's limit, even unless all data fit.  0 asks for
 * as much as there can be.
 */
static uint32_t piece(const struct ide_drive *d)
{
	uint32_t n = d->s.byte_limit;

	if (!n || n == 0xffff)
		n = 0xfffe;
	return n > 1 ? n & ~1u : 2;
}

static void receive_params(struct ide_drive *d)
{
	uint64_t len = d->task.len < IDE_BUF ? d->task.len : IDE_BUF;

	ide_receive(d, len, piece(d), IDE_AFTER_PARAMS);
}

/* The packet is complete, in the buffer. */
void ide_packet_bytes(struct ide_drive *d)
{
	struct scsi_task *t = &d->task;

	memset(t->cdb, 0, sizeof(t->cdb));
	memcpy(t->cdb, d->buf, PACKET_LEN);
	scsi_start(&d->scsi, t);
	d->s.dma = t->data != SCSI_NONE && d->s.packet_dma;
	switch (t->data) {
	case SCSI_REPLY:
		memcpy(d->buf, t->reply, t->len);
		ide_reply(d, t->len, piece(d));
		break;
	case SCSI_READ:
		ide_transfer(d, t->off, t->len, piece(d), false,
			     IDE_AFTER_ATAPI);
		break;
	case SCSI_PARAMS:
		receive_params(d);
		break;
	case SCSI_FLUSH:
		ide_io(d, BLOCK_FLUSH, 0, 0, on_flushed);
		break;
	case SCSI_NONE: case SCSI_WRITE: case SCSI_DISCARD:
		/* CD-ROM drives write nothing. */
		end(d);
		break;
	}
}
