/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IDE function's parts among themselves:
 *
 *	ide.c		channels and their ports, drive selection, resets
 *	ide_drive.c	data transfer of one command, in PIO or DMA
 *	ide_ata.c	commands of disks
 *	ide_identify.c	who the drives are
 *	ide_atapi.c	commands of CD-ROM drives
 *	ide_dma.c	the bus master
 *	ide_device.c	the PCI function, options, saved state
 */
#ifndef HYPERVISOR_IDE_PRIV_H
#define HYPERVISOR_IDE_PRIV_H

#include <sys/uio.h>

#include "backends/block_queue.h"
#include "hypervisor/device.h"
#include "hypervisor/ide.h"
#include "hypervisor/pci.h"
#include "hypervisor/scsi.h"

#define SECTOR		512u

/* Status. */
#define ST_ERR		0x01
#define ST_DRQ		0x08
#define ST_DSC		0x10	/* seek complete; SERV for ATAPI */
#define ST_DF		0x20
#define ST_DRDY		0x40
#define ST_BSY		0x80
/* Error. */
#define ER_ABRT		0x04
#define ER_IDNF		0x10
#define ER_UNC		0x40
/* Device. */
#define DEV_HEAD	0x0f
#define DEV_SECOND	0x10
#define DEV_LBA		0x40
/* Device control. */
#define CTL_NIEN	0x02
#define CTL_SRST	0x04
#define CTL_HOB		0x80
/* ATAPI's interrupt reason, in the sector count. */
#define REASON_CD	0x01
#define REASON_IO	0x02

#define IDE_BUF		65536u	/* bytes moved to or from the medium at once */
#define IDE_MULTIPLE	16u	/* most sectors for each interrupt */

enum ide_phase {
	IDE_IDLE,
	IDE_BUSY,		/* the medium works */
	IDE_PIO_IN,		/* DRQ: the host reads */
	IDE_PIO_OUT,		/* DRQ: the host writes */
	IDE_PACKET,		/* DRQ: the host writes a command packet */
	IDE_DMA,		/* waits for the bus master */
	IDE_PHASES,
};

/* What comes when all data were moved. */
enum ide_after {
	IDE_AFTER_ATA,		/* end of command */
	IDE_AFTER_FLUSH,	/* flush first */
	IDE_AFTER_ATAPI,	/* end of packet command */
	IDE_AFTER_PARAMS,	/* hand them to the unit */
	IDE_AFTER_TRIM,		/* ranges to discard */
	IDE_AFTERS,
};

/* Saved as it is; checked by ide_drive_loaded(). */
struct ide_state {
	/* The task file; [0]: written last, [1]: before that (LBA48). */
	uint8_t feature[2], count[2], lba[3][2];
	uint8_t device, status, error, command;
	/* Settings. */
	uint8_t multiple, write_cache, dma_mode, asleep;
	uint8_t heads, sectors;
	uint16_t cylinders;
	/* The command in progress. */
	uint8_t phase, after, write, dma;
	uint8_t packet_dma, failed;
	uint16_t byte_limit;	/* ATAPI: most bytes for each DRQ */
	uint32_t block;		/* bytes for each DRQ */
	uint32_t drq;		/* bytes left of this DRQ */
	uint32_t pos, len;	/* in the buffer */
	uint32_t pad;
	uint64_t off, left;	/* of the medium: what comes next */
};

struct ide_channel;

struct ide_drive {
	struct ide_channel *ch;
	unsigned unit;
	bool present, cd;
	bool dropped;		/* reset while the medium worked */
	struct ide_state s;
	uint8_t buf[IDE_BUF];
	struct scsi_unit scsi;	/* CD-ROM; and its queue for disks */
	struct scsi_task task;
	char serial[21], model[41];
	struct block_req req;
	struct iovec iov;
	void (*io_done)(struct ide_drive *d, int err);
	unsigned at_once;	/* ide_io() inside itself */
};

/* The bus master's half of a channel. */
struct ide_bm {
	uint8_t command, status;
	uint8_t last;		/* the PRD in use is the last one */
	uint8_t pad;
	uint32_t table;		/* as the guest wrote it */
	uint32_t next;		/* address of the next PRD */
	uint32_t addr, left;	/* of the piece in use */
};

struct ide_channel {
	struct ide *ide;
	struct irq irq;
	uint8_t control;	/* CTL_* */
	uint8_t selected;
	uint8_t intrq;		/* the selected drive's interrupt is pending */
	struct ide_drive drive[IDE_DRIVES];
	struct ide_bm bm;
};

struct ide {
	struct device dev;
	struct pci_func func;
	struct ports *ports;
	struct ide_channel ch[IDE_CHANNELS];
};

/* ide.c */
struct ide_drive *ide_selected(struct ide_channel *ch);
/* Raise INTRQ for @d, if it is selected. */
void ide_intrq(struct ide_drive *d);
/* What a drive has in its registers after a reset or diagnostic. */
void ide_signature(struct ide_drive *d);
void ide_channel_reset(struct ide_channel *ch);
/* Diagnose both drives: EXECUTE DEVICE DIAGNOSTIC. */
void ide_diagnose(struct ide_channel *ch);
int ide_ports_add(struct ide *ide);
bool ide_drive_loaded(const struct ide_drive *d);

/*
 * ide_drive.c: one command's data.
 */

static inline struct block *ide_medium(const struct ide_drive *d)
{
	return block_queue_medium(d->scsi.q);
}

/* End the command: status without BSY and DRQ, and an interrupt. */
void ide_done(struct ide_drive *d);
/* As above with ST_ERR and @error. */
void ide_abort(struct ide_drive *d, uint8_t error);
/* Send @len bytes that are in d->buf already, in pieces of @block. */
void ide_reply(struct ide_drive *d, uint32_t len, uint32_t block);
/* Receive @len bytes (at most IDE_BUF) into d->buf, then do @after. */
void ide_receive(struct ide_drive *d, uint32_t len, uint32_t block,
		 enum ide_after after);
/*
 * Move [off, off+len) of the medium, by PIO in pieces of @block bytes or by
 * DMA (d->s.dma).  @len is not 0.
 */
void ide_transfer(struct ide_drive *d, uint64_t off, uint64_t len,
		  uint32_t block, bool write, enum ide_after after);
/* Flush the medium, then end the command. */
void ide_flush(struct ide_drive *d);
/*
 * Read or write the buffer's place of the medium; then @done(), which may be
 * before this returns: the caller does nothing after it.
 */
void ide_io(struct ide_drive *d, enum block_op op, uint64_t off, uint64_t len,
	    void (*done)(struct ide_drive *d, int err));
/* The bus master was started or the drive became ready for it. */
void ide_dma_ready(struct ide_drive *d);

uint32_t ide_data_read(struct ide_drive *d, unsigned size);
void ide_data_write(struct ide_drive *d, unsigned size, uint32_t val);

/* ide_ata.c, ide_atapi.c */
void ide_command(struct ide_drive *d, uint8_t command);
void ide_packet(struct ide_drive *d);
void ide_packet_bytes(struct ide_drive *d);
void ide_atapi_end(struct ide_drive *d);
void ide_atapi_failed(struct ide_drive *d, int err);
void ide_atapi_params(struct ide_drive *d);
void ide_ata_trim(struct ide_drive *d);

/* ide_identify.c: 512 bytes in d->buf. */
void ide_identify(struct ide_drive *d);
void ide_identify_packet(struct ide_drive *d);
/* The default translation, and word 54 on: what is in use. */
void ide_default_geometry(struct ide_drive *d);

/* ide_dma.c */
#define BM_START	0x01	/* command */
#define BM_TO_MEMORY	0x08
#define BM_ACTIVE	0x01	/* status */
#define BM_ERROR	0x02
#define BM_INTERRUPT	0x04
#define BM_CAPABLE	0x60	/* by software: drive 1, 0 */

extern const struct pio_ops ide_bm_ops;
static inline bool ide_bm_running(const struct ide_channel *ch)
{
	return ch->bm.command & BM_START && ch->bm.status & BM_ACTIVE;
}
/*
 * Move @len bytes between d->buf + d->s.pos and guest memory along the PRD
 * table.  False: the table was too short or broken, the bus master stopped.
 */
bool ide_bm_move(struct ide_channel *ch, uint8_t *buf, uint32_t len,
		 bool to_memory);
/* The command has no more data. */
void ide_bm_end(struct ide_channel *ch);

#endif
