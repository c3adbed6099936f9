// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The data of one command, whichever way they go.
 *
 *	          +------------- more on the medium -----------+
 *	          v                                            |
 *	read:   BUSY --(buffer filled)--> PIO_IN or DMA --(buffer empty)--> end
 *
 *	write:  PIO_OUT or DMA --(buffer filled)--> BUSY --(written)--> end
 *	          ^                                        |
 *	          +---------------- more to come ----------+
 *
 * The buffer, d->buf, has s.len bytes of which s.pos were moved; s.off and
 * s.left are what of the medium is still to come, this buffer not counted for
 * reads, counted for writes.  While the phase is IDE_BUSY the buffer belongs to
 * the request in the drive's queue.
 */
#include <string.h>

#include "hypervisor/ide_priv.h"

#define AT_ONCE_MAX	8	/* buffers */

static void finish(struct ide_drive *d, uint8_t status)
{
	d->s.status = status;
	d->s.phase = IDE_IDLE;
	d->s.drq = 0;
	if (d->s.dma)
		ide_bm_end(d->ch);
	ide_intrq(d);
}

void ide_done(struct ide_drive *d)
{
	d->s.error = 0;
	finish(d, ST_DRDY | ST_DSC);
}

void ide_abort(struct ide_drive *d, uint8_t error)
{
	d->s.error = error;
	finish(d, ST_DRDY | ST_DSC | ST_ERR);
}

/*
 * The medium.
 */

/* Also where a reset finds its end that had to wait for the host. */
static void on_io(void *opaque, struct block_req *r)
{
	struct ide_drive *d = opaque;

	if (d->dropped) {
		d->dropped = false;
		ide_signature(d);
		d->s.error = 0x01;
		if (d->ch->control & CTL_SRST)
			d->s.status |= ST_BSY;
		return;
	}
	d->io_done(d, r->ret);
}

/*
 * What needs no waiting is done at once, a few buffers in a row: the driver
 * waits meanwhile.
 */
static bool io_at_once(struct ide_drive *d)
{
	if (d->at_once == AT_ONCE_MAX || !block_try(d->scsi.q, &d->req))
		return false;
	d->at_once++;
	d->io_done(d, d->req.ret);
	d->at_once--;
	return true;
}

void ide_io(struct ide_drive *d, enum block_op op, uint64_t off, uint64_t len,
	    void (*done)(struct ide_drive *d, int err))
{
	d->s.status = ST_BSY;
	d->s.phase = IDE_BUSY;
	d->s.drq = 0;
	d->io_done = done;
	d->iov = (struct iovec){ d->buf, len };
	d->req = (struct block_req){
		.op = op, .off = off, .len = len,
		.iov = &d->iov, .niov = 1, .done = on_io, .opaque = d,
	};
	if (!io_at_once(d))
		block_submit(d->scsi.q, &d->req);
}

static void on_flushed(struct ide_drive *d, int err)
{
	if (err)
		ide_abort(d, ER_ABRT);
	else
		ide_done(d);
}

void ide_flush(struct ide_drive *d)
{
	ide_io(d, BLOCK_FLUSH, 0, 0, on_flushed);
}

static void io_failed(struct ide_drive *d, int err)
{
	if (d->s.after == IDE_AFTER_ATAPI)
		ide_atapi_failed(d, err);
	else
		ide_abort(d, d->s.write ? ER_ABRT : ER_UNC);
}

/* All data were moved. */
static void moved(struct ide_drive *d)
{
	switch ((enum ide_after)d->s.after) {
	case IDE_AFTER_ATA:
		/* PIO reads end with the last data: no further interrupt. */
		if (d->s.dma || d->s.write) {
			ide_done(d);
			break;
		}
		d->s.status = ST_DRDY | ST_DSC;
		d->s.phase = IDE_IDLE;
		break;
	case IDE_AFTER_FLUSH:
		ide_flush(d);
		break;
	case IDE_AFTER_ATAPI:
		ide_atapi_end(d);
		break;
	case IDE_AFTER_PARAMS:
		ide_atapi_params(d);
		break;
	case IDE_AFTER_TRIM:
		ide_ata_trim(d);
		break;
	case IDE_AFTERS:
		break;
	}
}

/*
 * Between the buffer and the host.
 */

/* Byte counts and reason for the next piece of a packet command's data. */
static void put_packet_count(struct ide_drive *d, uint32_t n)
{
	d->s.lba[1][0] = n;
	d->s.lba[2][0] = n >> 8;
	d->s.count[0] = d->s.write ? 0 : REASON_IO;
}

/* DRQ for the next piece of the buffer. */
static void offer(struct ide_drive *d)
{
	struct ide_state *s = &d->s;
	uint32_t rest = s->len - s->pos;

	s->drq = rest < s->block ? rest : s->block;
	s->phase = s->write ? IDE_PIO_OUT : IDE_PIO_IN;
	s->status = ST_DRDY | ST_DSC | ST_DRQ;
	if (s->after == IDE_AFTER_ATAPI || s->after == IDE_AFTER_PARAMS)
		put_packet_count(d, s->drq);
}

static void wait_dma(struct ide_drive *d)
{
	d->s.phase = IDE_DMA;
	d->s.status = ST_DRDY | ST_DSC | ST_DRQ;
	if (d->cd)
		d->s.count[0] = d->s.write ? 0 : REASON_IO;
	ide_dma_ready(d);
}

static void on_filled(struct ide_drive *d, int err)
{
	if (err) {
		io_failed(d, err);
		return;
	}
	d->s.pos = 0;
	d->s.len = d->iov.iov_len;
	d->s.off += d->s.len;
	d->s.left -= d->s.len;
	if (d->s.dma) {
		wait_dma(d);
	} else {
		offer(d);
		ide_intrq(d);
	}
}

static uint32_t buffer_full(const struct ide_drive *d)
{
	return d->s.left < IDE_BUF ? d->s.left : IDE_BUF;
}

static void fill(struct ide_drive *d)
{
	ide_io(d, BLOCK_READ, d->s.off, buffer_full(d), on_filled);
}

/* Room for the next data of a write. */
static void take_more(struct ide_drive *d)
{
	d->s.pos = 0;
	d->s.len = buffer_full(d);
	if (d->s.dma)
		wait_dma(d);
	else
		offer(d);
}

static void on_written(struct ide_drive *d, int err)
{
	if (err) {
		io_failed(d, err);
		return;
	}
	d->s.off += d->s.len;
	d->s.left -= d->s.len;
	if (!d->s.left) {
		moved(d);
		return;
	}
	take_more(d);
	if (!d->s.dma)
		ide_intrq(d);
}

/* The buffer is empty (reads) or full (writes). */
static void buffer_moved(struct ide_drive *d)
{
	if (d->s.write && d->s.left)
		ide_io(d, BLOCK_WRITE, d->s.off, d->s.len, on_written);
	else if (!d->s.write && d->s.left)
		fill(d);
	else
		moved(d);
}

void ide_transfer(struct ide_drive *d, uint64_t off, uint64_t len,
		  uint32_t block, bool write, enum ide_after after)
{
	d->s.off = off;
	d->s.left = len;
	d->s.block = block;
	d->s.write = write;
	d->s.after = after;
	if (write)
		take_more(d);
	else
		fill(d);
}

void ide_reply(struct ide_drive *d, uint32_t len, uint32_t block)
{
	d->s.off = d->s.left = 0;
	d->s.block = block;
	d->s.write = 0;
	d->s.pos = 0;
	d->s.len = len;
	d->s.after = d->cd && d->s.command == 0xa0 ? IDE_AFTER_ATAPI :
						     IDE_AFTER_ATA;
	if (d->s.dma) {
		wait_dma(d);
	} else {
		offer(d);
		ide_intrq(d);
	}
}

void ide_receive(struct ide_drive *d, uint32_t len, uint32_t block,
		 enum ide_after after)
{
	d->s.off = d->s.left = 0;
	d->s.block = block;
	d->s.write = 1;
	d->s.pos = 0;
	d->s.len = len;
	d->s.after = after;
	if (d->s.dma) {
		wait_dma(d);
	} else {
		offer(d);
		if (d->cd)
			ide_intrq(d);
	}
}

/*
 * The data port.
 */

/* A piece was moved, and more than the buffer has may be. */
static void piece_moved(struct ide_drive *d)
{
	if (d->s.phase == IDE_PACKET) {
		ide_packet_bytes(d);
	} else if (d->s.pos < d->s.len) {
		offer(d);
		ide_intrq(d);
	} else {
		buffer_moved(d);
	}
}

uint32_t ide_data_read(struct ide_drive *d, unsigned size)
{
	struct ide_state *s = &d->s;
	uint32_t val = 0;

	if (!d->present || s->phase != IDE_PIO_IN)
		return 0;
	if (size > s->drq)	/* the last byte of an odd count */
		size = s->drq;
	memcpy(&val, d->buf + s->pos, size);
	s->pos += size;
	s->drq -= size;
	if (!s->drq)
		piece_moved(d);
	return val;
}

void ide_data_write(struct ide_drive *d, unsigned size, uint32_t val)
{
	struct ide_state *s = &d->s;

	if (!d->present || (s->phase != IDE_PIO_OUT && s->phase != IDE_PACKET))
		return;
	if (size > s->drq)
		size = s->drq;
	memcpy(d->buf + s->pos, &val, size);
	s->pos += size;
	s->drq -= size;
	if (!s->drq)
		piece_moved(d);
}

/*
 * DMA: a buffer at a time.
 */

void ide_dma_ready(struct ide_drive *d)
{
	if (d->s.phase != IDE_DMA || !ide_bm_running(d->ch))
		return;
	if (!ide_bm_move(d->ch, d->buf + d->s.pos, d->s.len - d->s.pos,
			 !d->s.write))
		return;		/* the driver will find out, and reset */
	d->s.pos = d->s.len;
	buffer_moved(d);
}

/*
 * Loaded state is untrusted: nothing may point out of the buffer.  (Requests
 * out of the medium are errors like others.)
 */
static bool transfer_loaded(const struct ide_state *s)
{
	if (s->phase >= IDE_PHASES || s->phase == IDE_BUSY ||
	    s->after >= IDE_AFTERS || s->len > IDE_BUF || s->pos > s->len)
		return false;
	if (s->phase == IDE_IDLE)
		return true;
	/* A packet is not cut into blocks. */
	if ((!s->block && s->phase != IDE_PACKET) ||
	    (s->write && s->left && s->left < s->len))
		return false;
	return s->phase == IDE_DMA ||
	       (s->drq && s->drq <= s->len - s->pos);
}

bool ide_drive_loaded(const struct ide_drive *d)
{
	const struct ide_state *s = &d->s;

	if (!d->present)
		return true;
	if (!transfer_loaded(s) || s->multiple > IDE_MULTIPLE)
		return false;
	return d->cd ? !scsi_loaded(&d->scsi) : s->heads && s->sectors;
}
