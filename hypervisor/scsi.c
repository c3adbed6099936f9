// SPDX-License-Identifier: GPL-2.0-or-later
/* What all SCSI units have in common; see scsi.h. */
#include "hypervisor/scsi.h"

#include <errno.h>
#include <string.h>

#include "backends/block.h"
#include "backends/block_queue.h"

#define TEST_UNIT_READY		0x00
#define REQUEST_SENSE		0x03
#define INQUIRY			0x12
#define START_STOP		0x1b
#define PREVENT_ALLOW		0x1e
#define REPORT_LUNS		0xa0

#define ASC_INVALID_OPCODE	0x20
#define ASC_OUT_OF_RANGE	0x21
#define ASC_INVALID_FIELD	0x24
#define ASC_WRITE_PROTECTED	0x27
#define ASC_MEDIUM_CHANGED	0x28
#define ASC_RESET		0x29
#define ASC_NO_MEDIUM		0x3a
#define ASC_REMOVAL_PREVENTED	0x53

#define EVENT_EJECT_REQUEST	1
#define EVENT_NEW_MEDIA		2
#define EVENT_REMOVAL		3

struct block *scsi_medium(const struct scsi_unit *u)
{
	return u->s.tray_open ? NULL : block_queue_medium(u->q);
}

void scsi_sense(struct scsi_unit *u, struct scsi_task *t, uint8_t key,
		uint8_t asc, uint8_t ascq)
{
	u->s.key = key;
	u->s.asc = asc;
	u->s.ascq = ascq;
	t->data = SCSI_NONE;
	t->len = 0;
	t->status = SCSI_CHECK_CONDITION;
}

/* SPC-3, 4.5.3 */
void scsi_sense_data(const struct scsi_unit *u, uint8_t out[SCSI_SENSE_LEN])
{
	memset(out, 0, SCSI_SENSE_LEN);
	out[0] = 0x70;
	out[2] = u->s.key;
	out[7] = SCSI_SENSE_LEN - 8;
	out[12] = u->s.asc;
	out[13] = u->s.ascq;
}

void scsi_reply(struct scsi_task *t, size_t len, size_t allocated)
{
	t->len = len < allocated ? len : allocated;
	t->data = t->len ? SCSI_REPLY : SCSI_NONE;
}

void scsi_range(struct scsi_unit *u, struct scsi_task *t, enum scsi_data data,
		uint64_t lba, uint64_t blocks)
{
	struct block *b = scsi_medium(u);
	uint64_t all = b->size / u->ops->block_size;

	if (lba > all || blocks > all - lba) {
		scsi_sense(u, t, SENSE_ILLEGAL, ASC_OUT_OF_RANGE, 0);
		return;
	}
	if (data != SCSI_READ && b->read_only) {
		scsi_sense(u, t, SENSE_PROTECT, ASC_WRITE_PROTECTED, 0);
		return;
	}
	t->off = lba * u->ops->block_size;
	t->len = blocks * u->ops->block_size;
	t->data = t->len ? data : SCSI_NONE;
}

void scsi_failed(struct scsi_unit *u, struct scsi_task *t, int err)
{
	if (err == -ENOMEDIUM)
		scsi_sense(u, t, SENSE_NOT_READY, ASC_NO_MEDIUM, 0);
	else if (err == -EROFS)
		scsi_sense(u, t, SENSE_PROTECT, ASC_WRITE_PROTECTED, 0);
	else if (t->data == SCSI_READ)	/* unrecovered read error */
		scsi_sense(u, t, SENSE_MEDIUM_ERROR, 0x11, 0);
	else				/* write error */
		scsi_sense(u, t, SENSE_MEDIUM_ERROR, 0x0c, 0);
}

/*
 * Commands of all units.
 */

static void request_sense(struct scsi_unit *u, struct scsi_task *t)
{
	/* A pending attention condition is reported and gone. */
	if (!u->s.key && u->s.attention) {
		u->s.key = SENSE_ATTENTION;
		u->s.asc = u->s.attention;
		u->s.ascq = u->s.attention_ascq;
		u->s.attention = 0;
	}
	scsi_sense_data(u, t->reply);
	u->s.key = u->s.asc = u->s.ascq = 0;
	scsi_reply(t, SCSI_SENSE_LEN, t->cdb[4]);
}

static void put_text(uint8_t *out, const char *s, size_t len)
{
	size_t n = strlen(s);

	memset(out, ' ', len);
	memcpy(out, s, n < len ? n : len);
}

/* Vital product data: SPC-3, 7.6. */
static void inquiry_page(struct scsi_unit *u, struct scsi_task *t)
{
	uint8_t *r = t->reply;
	size_t n = strlen(u->serial);

	r[0] = u->ops->type;
	r[1] = t->cdb[2];
	switch (t->cdb[2]) {
	case 0x00:
		r[3] = 2;
		r[5] = 0x80;
		scsi_reply(t, 6, scsi_get16(t->cdb + 3));
		return;
	case 0x80:
		r[3] = n;
		memcpy(r + 4, u->serial, n);
		scsi_reply(t, 4 + n, scsi_get16(t->cdb + 3));
		return;
	}
	scsi_sense(u, t, SENSE_ILLEGAL, ASC_INVALID_FIELD, 0);
}

/* SPC-3, 6.4.2.  CD-ROM drives on ATAPI say so in byte 3: INF-8020i. */
static void inquiry(struct scsi_unit *u, struct scsi_task *t)
{
	uint8_t *r = t->reply;

	if (t->cdb[1] & 1) {
		inquiry_page(u, t);
		return;
	}
	if (t->cdb[2]) {
		scsi_sense(u, t, SENSE_ILLEGAL, ASC_INVALID_FIELD, 0);
		return;
	}
	r[0] = u->ops->type;
	r[1] = u->ops->removable ? 0x80 : 0;
	r[2] = 0x05;		/* SPC-3 */
	r[3] = 0x02;		/* response format */
	r[4] = 36 - 5;
	put_text(r + 8, u->vendor, 8);
	put_text(r + 16, u->product, 16);
	put_text(r + 32, u->revision, 4);
	scsi_reply(t, 36, scsi_get16(t->cdb + 3));
}

static void report_luns(struct scsi_unit *u, struct scsi_task *t)
{
	scsi_put32(t->reply, 8);	/* the list has one, number 0 */
	scsi_reply(t, 16, scsi_get32(t->cdb + 6));
}

/* LoEj and Start of the last byte; SBC-2, 5.17. */
static void start_stop(struct scsi_unit *u, struct scsi_task *t)
{
	bool load = t->cdb[4] & 2, start = t->cdb[4] & 1;

	if (t->cdb[4] & 0xf0)		/* a power condition, no transition */
		return;
	if (load && u->ops->removable) {
		if (!start && u->s.locked) {
			scsi_sense(u, t, SENSE_ILLEGAL, ASC_REMOVAL_PREVENTED,
				   2);
			return;
		}
		if (u->s.tray_open && start && block_queue_medium(u->q)) {
			u->s.attention = ASC_MEDIUM_CHANGED;
			u->s.event = EVENT_NEW_MEDIA;
		}
		u->s.tray_open = !start;
	}
	u->s.stopped = !start;
}

static bool common(struct scsi_unit *u, struct scsi_task *t)
{
	switch (t->cdb[0]) {
	case REQUEST_SENSE:
		request_sense(u, t);
		return true;
	case INQUIRY:
		inquiry(u, t);
		return true;
	case REPORT_LUNS:
		report_luns(u, t);
		return true;
	case START_STOP:
		start_stop(u, t);
		return true;
	case PREVENT_ALLOW:
		u->s.locked = t->cdb[4] & 1;
		return true;
	case TEST_UNIT_READY:
		if (!scsi_medium(u))
			scsi_sense(u, t, SENSE_NOT_READY, ASC_NO_MEDIUM,
				   u->s.tray_open ? 2 : 1);
		return true;
	}
	return false;
}

/* Commands that neither report nor are stopped by an attention condition. */
static bool ignores_attention(uint8_t op)
{
	/* GET CONFIGURATION and GET EVENT STATUS NOTIFICATION: MMC-3, 4.1.6 */
	return op == REQUEST_SENSE || op == INQUIRY || op == REPORT_LUNS ||
	       op == 0x46 || op == 0x4a;
}

void scsi_start(struct scsi_unit *u, struct scsi_task *t)
{
	uint8_t op = t->cdb[0];

	t->data = SCSI_NONE;
	t->off = t->len = 0;
	t->fua = false;
	t->status = SCSI_GOOD;
	memset(t->reply, 0, sizeof(t->reply));
	if (u->s.attention && !ignores_attention(op)) {
		uint8_t asc = u->s.attention, ascq = u->s.attention_ascq;

		u->s.attention = u->s.attention_ascq = 0;
		scsi_sense(u, t, SENSE_ATTENTION, asc, ascq);
		return;
	}
	if (op != REQUEST_SENSE)
		u->s.key = u->s.asc = u->s.ascq = 0;
	if (!common(u, t) && !u->ops->command(u, t))
		scsi_sense(u, t, SENSE_ILLEGAL, ASC_INVALID_OPCODE, 0);
}

/*
 * Mode pages and the like are taken and change nothing: no unit has anything
 * to set, and guests do not look.
 */
void scsi_params(struct scsi_unit *u, struct scsi_task *t,
		 const uint8_t *buf, size_t len)
{
	t->status = SCSI_GOOD;
}

void scsi_reset(struct scsi_unit *u)
{
	memset(&u->s, 0, sizeof(u->s));
	u->s.attention = ASC_RESET;
}

int scsi_change(struct scsi_unit *u, struct block *b, bool force)
{
	if (u->s.locked && !force && block_queue_medium(u->q)) {
		u->s.event = EVENT_EJECT_REQUEST;
		return -EBUSY;
	}
	block_queue_change(u->q, b);
	u->s.tray_open = !b;
	u->s.locked &= !!b;
	u->s.event = b ? EVENT_NEW_MEDIA : EVENT_REMOVAL;
	if (b)
		u->s.attention = ASC_MEDIUM_CHANGED;
	return 0;
}

int scsi_loaded(const struct scsi_unit *u)
{
	const struct scsi_state *s = &u->s;

	return s->key > 15 || s->tray_open > 1 || s->locked > 1 ||
	       s->event > EVENT_REMOVAL || s->stopped > 1 ? -EINVAL : 0;
}
