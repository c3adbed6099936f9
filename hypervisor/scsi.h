/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SCSI logical units: what disks and CD-ROM drives answer to commands, for any
 * transport (ATAPI, a host adapter).  The unit decodes and keeps the sense
 * data; the transport moves the bytes, to and from the medium through the
 * unit's queue.
 *
 * SPC-3, SBC-2, MMC-3; INF-8090i for what CD-ROM drives do with them.
 * All functions: lock held.
 */
#ifndef HYPERVISOR_SCSI_H
#define HYPERVISOR_SCSI_H

#include "hypervisor/types.h"

struct block;
struct block_queue;
struct scsi_unit;

#define SCSI_CDB_MAX	16
#define SCSI_REPLY_MAX	4096
#define SCSI_SENSE_LEN	18	/* fixed format */

#define SCSI_GOOD		0x00
#define SCSI_CHECK_CONDITION	0x02

/* Sense keys. */
#define SENSE_NONE		0x0
#define SENSE_NOT_READY		0x2
#define SENSE_MEDIUM_ERROR	0x3
#define SENSE_HARDWARE		0x4
#define SENSE_ILLEGAL		0x5
#define SENSE_ATTENTION		0x6
#define SENSE_PROTECT		0x7
#define SENSE_ABORTED		0xb

/* What is left for the transport to do after scsi_start(). */
enum scsi_data {
	SCSI_NONE,		/* nothing: see status */
	SCSI_REPLY,		/* send len bytes of reply */
	SCSI_PARAMS,		/* receive len bytes, then scsi_params() */
	SCSI_READ,		/* send [off, off+len) of the medium */
	SCSI_WRITE,		/* receive it; then as SCSI_FLUSH if fua */
	SCSI_FLUSH,		/* flush the medium */
	SCSI_DISCARD,		/* discard [off, off+len) */
};

struct scsi_task {
	uint8_t cdb[SCSI_CDB_MAX];	/* unused bytes zero */
	enum scsi_data data;
	uint64_t off;			/* bytes */
	uint64_t len;			/* bytes */
	bool fua;
	uint8_t status;			/* SCSI_GOOD or SCSI_CHECK_CONDITION */
	uint8_t reply[SCSI_REPLY_MAX];
};

/* Kept with the transport's own saved state: bytes without pointers. */
struct scsi_state {
	uint8_t key, asc, ascq;		/* sense of the last command */
	uint8_t attention, attention_ascq; /* asc to report; 0: none */
	uint8_t tray_open, locked;
	uint8_t event;			/* media event, MMC-3 6.11 */
	uint8_t stopped;
	uint8_t pad[3];
};

/* The unit's kind. */
struct scsi_ops {
	uint8_t type;			/* peripheral device type */
	bool removable;
	uint32_t block_size;		/* bytes */
	/* False: not a command of this kind. */
	bool (*command)(struct scsi_unit *u, struct scsi_task *t);
};

extern const struct scsi_ops scsi_cd_ops, scsi_disk_ops;

/* Embedded in the transport's structure. */
struct scsi_unit {
	const struct scsi_ops *ops;
	struct block_queue *q;
	struct scsi_state s;
	char vendor[9], product[17], revision[5], serial[21];
};

/* Power-on or bus reset: an attention condition, tray closed, unlocked. */
void scsi_reset(struct scsi_unit *u);

/* Decode t->cdb; the rest of @t is set. */
void scsi_start(struct scsi_unit *u, struct scsi_task *t);
/* The parameters of a SCSI_PARAMS command; sets t->status. */
void scsi_params(struct scsi_unit *u, struct scsi_task *t,
		 const uint8_t *buf, size_t len);
/* The host failed it (@err: a negative errno): sense data and t->status. */
void scsi_failed(struct scsi_unit *u, struct scsi_task *t, int err);

/* End @t with CHECK CONDITION. */
void scsi_sense(struct scsi_unit *u, struct scsi_task *t, uint8_t key,
		uint8_t asc, uint8_t ascq);
/* The sense data of the last command in fixed format. */
void scsi_sense_data(const struct scsi_unit *u, uint8_t out[SCSI_SENSE_LEN]);
/* Reply with @len bytes already in t->reply, no more than @allocated. */
void scsi_reply(struct scsi_task *t, size_t len, size_t allocated);
/* The medium, if it is in the drive and the tray is closed. */
struct block *scsi_medium(const struct scsi_unit *u);
/*
 * For reads and writes: a range of blocks becomes t->off and t->len, or
 * sense data.
 */
void scsi_range(struct scsi_unit *u, struct scsi_task *t, enum scsi_data data,
		uint64_t lba, uint64_t blocks);

/*
 * The user's hand.  @b: the new medium, or NULL to take it out.  The guest is
 * told by an attention condition and a media event.  -EBUSY: the guest has
 * locked the tray (@force overrides); @b is then still the caller's.
 */
int scsi_change(struct scsi_unit *u, struct block *b, bool force);
/* Check loaded state.  0 or -EINVAL. */
int scsi_loaded(const struct scsi_unit *u);

static inline uint32_t scsi_get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static inline uint32_t scsi_get24(const uint8_t *p)
{
	return p[0] << 16 | p[1] << 8 | p[2];
}

static inline uint32_t scsi_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | scsi_get24(p + 1);
}

static inline uint64_t scsi_get64(const uint8_t *p)
{
	return (uint64_t)scsi_get32(p) << 32 | scsi_get32(p + 4);
}

static inline void scsi_put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static inline void scsi_put32(uint8_t *p, uint32_t v)
{
	scsi_put16(p, v >> 16);
	scsi_put16(p + 2, v);
}

static inline void scsi_put64(uint8_t *p, uint64_t v)
{
	scsi_put32(p, v >> 32);
	scsi_put32(p + 4, v);
}

#endif
