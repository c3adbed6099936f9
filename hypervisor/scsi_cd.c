// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A CD-ROM drive: MMC-3.  One track, one session, blocks of 2048 bytes; no
 * audio.
 */
#include <string.h>

#include "backends/block.h"
#include "hypervisor/scsi.h"

#define READ_CAPACITY		0x25
#define SEEK_10			0x2b
#define READ_10			0x28
#define READ_SUBCHANNEL		0x42
#define READ_TOC		0x43
#define GET_CONFIGURATION	0x46
#define GET_EVENT_STATUS	0x4a
#define READ_DISC_INFO		0x51
#define MODE_SELECT_10		0x55
#define MODE_SENSE_10		0x5a
#define READ_12			0xa8
#define SET_SPEED		0xbb
#define MECHANISM_STATUS	0xbd
#define READ_CD			0xbe

#define CD_BLOCK	2048u
#define LEAD_OUT	0xaa
#define MSF_LEAD_IN	150u	/* two seconds in front of block 0 */
#define PROFILE_CD_ROM	0x0008
#define PROFILE_DVD_ROM	0x0010
/* More blocks than a CD has (80 minutes): a DVD. */
#define CD_BLOCKS_MAX	(80 * 60 * 75u)

#define ASC_INVALID_FIELD	0x24
#define ASC_NO_MEDIUM		0x3a

static uint32_t blocks_of(struct scsi_unit *u)
{
	struct block *b = scsi_medium(u);
	uint64_t n = b ? b->size / CD_BLOCK : 0;

	return n < UINT32_MAX ? n : UINT32_MAX;
}

/* Commands that need a medium: its absence is their end. */
static bool no_medium(struct scsi_unit *u, struct scsi_task *t)
{
	if (scsi_medium(u))
		return false;
	/* Byte 2: tray open; 1: closed. */
	scsi_sense(u, t, SENSE_NOT_READY, ASC_NO_MEDIUM,
		   u->s.tray_open ? 2 : 1);
	return true;
}

static void invalid_field(struct scsi_unit *u, struct scsi_task *t)
{
	scsi_sense(u, t, SENSE_ILLEGAL, ASC_INVALID_FIELD, 0);
}

static void read_capacity(struct scsi_unit *u, struct scsi_task *t)
{
	uint32_t n = blocks_of(u);

	scsi_put32(t->reply, n ? n - 1 : 0);
	scsi_put32(t->reply + 4, CD_BLOCK);
	scsi_reply(t, 8, 8);
}

/* Only the user data of mode 1 blocks, which is what an image has. */
static void read_cd(struct scsi_unit *u, struct scsi_task *t)
{
	uint8_t what = t->cdb[9] & 0xf8;

	if (!what || !scsi_get24(t->cdb + 6))
		return;
	if (what != 0x10 || t->cdb[10] & 7) {
		invalid_field(u, t);
		return;
	}
	scsi_range(u, t, SCSI_READ, scsi_get32(t->cdb + 2),
		   scsi_get24(t->cdb + 6));
}

static void put_address(uint8_t *p, uint32_t lba, bool msf)
{
	uint32_t f = lba + MSF_LEAD_IN;

	if (!msf) {
		scsi_put32(p, lba);
		return;
	}
	p[0] = 0;
	p[1] = f / 75 / 60;
	p[2] = f / 75 % 60;
	p[3] = f % 75;
}

/* A descriptor of format 0; MMC-3 table 238. */
static uint8_t *put_track(uint8_t *p, uint8_t number, uint32_t lba, bool msf)
{
	p[1] = 0x14;		/* a data track that was not copied digitally */
	p[2] = number;
	put_address(p + 4, lba, msf);
	return p + 8;
}

/* The full table, format 2: points A0, A1, A2 and the track; 6.30.3.3 */
static size_t full_toc(uint8_t *r, uint32_t blocks)
{
	static const uint8_t points[] = { 0xa0, 0xa1, 0xa2, 1 };
	uint8_t *p = r + 4;

	r[2] = r[3] = 1;
	for (unsigned i = 0; i < sizeof(points); i++, p += 11) {
		uint32_t lba = points[i] == 0xa2 ? blocks : 0;
		uint8_t msf[4];

		put_address(msf, lba, true);
		p[0] = 1;
		p[1] = 0x14;
		p[3] = points[i];
		if (points[i] == 0xa0 || points[i] == 0xa1)
			p[8] = 1;	/* first and last track */
		else
			memcpy(p + 8, msf + 1, 3);
	}
	return p - r;
}

static void read_toc(struct scsi_unit *u, struct scsi_task *t)
{
	/* Older drives had the format in the control byte. */
	unsigned format = t->cdb[2] & 0xf ? t->cdb[2] & 0xf : t->cdb[9] >> 6;
	bool msf = t->cdb[1] & 2;
	uint8_t *r = t->reply, *p = r + 4, from = t->cdb[6];
	size_t len;

	switch (format) {
	case 0:
		if (from > 1 && from != LEAD_OUT) {
			invalid_field(u, t);
			return;
		}
		r[2] = r[3] = 1;
		if (from <= 1)
			p = put_track(p, 1, 0, msf);
		p = put_track(p, LEAD_OUT, blocks_of(u), msf);
		len = p - r;
		break;
	case 1:			/* one session, which begins with track 1 */
		r[2] = r[3] = 1;
		put_track(p, 1, 0, msf);
		len = 12;
		break;
	case 2:
		len = full_toc(r, blocks_of(u));
		break;
	default:
		invalid_field(u, t);
		return;
	}
	scsi_put16(r, len - 2);
	scsi_reply(t, len, scsi_get16(t->cdb + 7));
}

/* MMC-3, 6.6.  Features from @start up; how many by RT. */
struct feature {
	uint16_t code;
	uint8_t flags;			/* version, persistent, current */
	uint8_t len;
	uint8_t data[8];
};

static const struct feature features[] = {
	{ 0x0001, 0x0b, 8, { 0, 0, 0, 2, 1 } },	/* core: ATAPI, DBE */
	{ 0x0002, 0x07, 4, { 2 } },		/* morphing: op. change */
	{ 0x0003, 0x03, 4, { 0x29 } },		/* tray, eject, lock */
	{ 0x0010, 0x01, 8, { 0, 0, 8, 0, 0, 16, 0, 0 } }, /* random read */
	{ 0x001e, 0x01, 4, { 0 } },		/* CD read */
};

static uint8_t *put_profiles(uint8_t *p, uint16_t current)
{
	static const uint16_t profiles[] = { PROFILE_DVD_ROM, PROFILE_CD_ROM };

	p[2] = 0x03;
	p[3] = 4 * ARRAY_SIZE(profiles);
	p += 4;
	for (unsigned i = 0; i < ARRAY_SIZE(profiles); i++, p += 4) {
		scsi_put16(p, profiles[i]);
		p[2] = profiles[i] == current;
	}
	return p;
}

static uint16_t current_profile(struct scsi_unit *u)
{
	if (!scsi_medium(u))
		return 0;
	return blocks_of(u) > CD_BLOCKS_MAX ? PROFILE_DVD_ROM :
					      PROFILE_CD_ROM;
}

static void get_configuration(struct scsi_unit *u, struct scsi_task *t)
{
	unsigned how = t->cdb[1] & 3, start = scsi_get16(t->cdb + 2);
	uint16_t current = current_profile(u);
	uint8_t *r = t->reply, *p = r + 8;

	if (how == 3) {
		invalid_field(u, t);
		return;
	}
	scsi_put16(r + 6, current);
	if (start == 0)
		p = put_profiles(p, current);
	for (unsigned i = 0; i < ARRAY_SIZE(features); i++) {
		const struct feature *f = &features[i];

		if (f->code < start || (how == 2 && f->code != start))
			continue;
		scsi_put16(p, f->code);
		p[2] = f->flags;
		p[3] = f->len;
		memcpy(p + 4, f->data, f->len);
		p += 4 + f->len;
	}
	scsi_put32(r, p - r - 4);
	scsi_reply(t, p - r, scsi_get16(t->cdb + 7));
}

/* MMC-3, 6.11: the media class, polled. */
static void get_event_status(struct scsi_unit *u, struct scsi_task *t)
{
	uint8_t *r = t->reply;

	if (!(t->cdb[1] & 1)) {		/* asynchronous */
		invalid_field(u, t);
		return;
	}
	r[3] = 0x10;			/* supported: media */
	if (!(t->cdb[4] & 0x10)) {
		r[2] = 0x80;		/* none of what was asked for */
		scsi_put16(r, 2);
		scsi_reply(t, 4, scsi_get16(t->cdb + 7));
		return;
	}
	scsi_put16(r, 6);
	r[2] = 4;
	r[4] = u->s.event;
	r[5] = (u->s.tray_open ? 1 : 0) | (scsi_medium(u) ? 2 : 0);
	u->s.event = 0;
	scsi_reply(t, 8, scsi_get16(t->cdb + 7));
}

static void read_disc_info(struct scsi_unit *u, struct scsi_task *t)
{
	uint8_t *r = t->reply;

	scsi_put16(r, 32);
	r[2] = 0x0e;			/* complete, last session complete */
	r[3] = r[4] = r[5] = r[6] = 1;
	r[7] = 0x20;			/* unrestricted use */
	r[8] = 0x00;			/* CD-ROM */
	scsi_reply(t, 34, scsi_get16(t->cdb + 7));
}

static void mechanism_status(struct scsi_unit *u, struct scsi_task *t)
{
	t->reply[1] = u->s.tray_open ? 0x10 : 0;
	t->reply[5] = 1;		/* slots */
	scsi_reply(t, 8, scsi_get16(t->cdb + 8));
}

/* Mode pages: MMC-3, 5.  Changeable values (PC = 1) are none. */
static const uint8_t page_error[] = { 0x01, 6, 0x00, 5 };
static const uint8_t page_audio[] = { 0x0e, 14, 0x04 };
static const uint8_t page_capabilities[] = {
	0x2a, 18, 0x08, 0x00, 0x70, 0x60, 0x29, 0x00,
	0x02, 0xc2, 0x00, 0x02, 0x02, 0x00, 0x02, 0xc2,
};

static const struct {
	const uint8_t *data;
	size_t len;
} pages[] = {
	{ page_error, sizeof(page_error) },
	{ page_audio, sizeof(page_audio) },
	{ page_capabilities, sizeof(page_capabilities) },
};

static void mode_sense(struct scsi_unit *u, struct scsi_task *t)
{
	uint8_t code = t->cdb[2] & 0x3f, control = t->cdb[2] >> 6;
	uint8_t *r = t->reply, *p = r + 8;

	if (control == 3) {		/* saved values: there are none */
		scsi_sense(u, t, SENSE_ILLEGAL, 0x39, 0);
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
		const uint8_t *d = pages[i].data;

		if (code != 0x3f && code != d[0])
			continue;
		p[0] = d[0];
		p[1] = d[1];
		if (control != 1)
			memcpy(p + 2, d + 2, pages[i].len - 2);
		if (d[0] == 0x2a && u->s.locked && control != 1)
			p[6] |= 0x02;
		p += 2 + d[1];
	}
	if (p == r + 8) {
		invalid_field(u, t);
		return;
	}
	scsi_put16(r, p - r - 2);
	/* Medium type: 70h no disc, 71h door open, 01h data CD. */
	r[2] = u->s.tray_open ? 0x71 : scsi_medium(u) ? 0x01 : 0x70;
	scsi_reply(t, p - r, scsi_get16(t->cdb + 7));
}

/* No audio plays. */
static void read_subchannel(struct scsi_unit *u, struct scsi_task *t)
{
	t->reply[1] = 0x15;
	scsi_reply(t, 4, scsi_get16(t->cdb + 7));
}

static void mode_select(struct scsi_unit *u, struct scsi_task *t)
{
	t->len = scsi_get16(t->cdb + 7);
	t->data = t->len ? SCSI_PARAMS : SCSI_NONE;
}

static void read_blocks(struct scsi_unit *u, struct scsi_task *t)
{
	scsi_range(u, t, SCSI_READ, scsi_get32(t->cdb + 2),
		   t->cdb[0] == READ_12 ? scsi_get32(t->cdb + 6) :
					  scsi_get16(t->cdb + 7));
}

static void seek(struct scsi_unit *u, struct scsi_task *t)
{
	scsi_range(u, t, SCSI_READ, scsi_get32(t->cdb + 2), 0);
}

static void set_speed(struct scsi_unit *u, struct scsi_task *t)
{
}

static const struct {
	uint8_t op;
	bool medium;			/* needs one */
	void (*fn)(struct scsi_unit *u, struct scsi_task *t);
} commands[] = {
	{ READ_CAPACITY, true, read_capacity },
	{ READ_10, true, read_blocks },
	{ READ_12, true, read_blocks },
	{ READ_CD, true, read_cd },
	{ SEEK_10, true, seek },
	{ READ_TOC, true, read_toc },
	{ READ_SUBCHANNEL, true, read_subchannel },
	{ READ_DISC_INFO, true, read_disc_info },
	{ GET_CONFIGURATION, false, get_configuration },
	{ GET_EVENT_STATUS, false, get_event_status },
	{ MODE_SENSE_10, false, mode_sense },
	{ MODE_SELECT_10, false, mode_select },
	{ MECHANISM_STATUS, false, mechanism_status },
	{ SET_SPEED, false, set_speed },
};

static bool cd_command(struct scsi_unit *u, struct scsi_task *t)
{
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		if (commands[i].op != t->cdb[0])
			continue;
		if (!commands[i].medium || !no_medium(u, t))
			commands[i].fn(u, t);
		return true;
	}
	return false;
}

const struct scsi_ops scsi_cd_ops = {
	.type = 0x05, .removable = true, .block_size = CD_BLOCK,
	.command = cd_command,
};
