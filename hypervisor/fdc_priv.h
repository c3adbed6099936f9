/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floppy controller's parts among themselves:
 *
 *	fdc.c		registers, phases, resets
 *	fdc_command.c	commands
 *	fdc_data.c	what reads, writes and formats move
 *	fdc_device.c	media, options, saved state
 */
#ifndef HYPERVISOR_FDC_PRIV_H
#define HYPERVISOR_FDC_PRIV_H

#include <sys/uio.h>

#include "backends/block_queue.h"
#include "hypervisor/device.h"
#include "hypervisor/fdc.h"

#define FDC_SECTOR	512u
#define FDC_BUF		(2 * 36 * FDC_SECTOR)	/* a cylinder of 2.88M */
#define FDC_CYLINDERS	83u	/* that a head can reach */

/* Main status register, 2.1.5. */
#define MSR_BUSY	0x10
#define MSR_NON_DMA	0x20
#define MSR_DIO		0x40	/* the host is to read */
#define MSR_RQM		0x80
/* Digital output register, 2.1.3. */
#define DOR_DRIVE	0x03
#define DOR_NRESET	0x04
#define DOR_GATE	0x08	/* interrupts and DMA */
/* Status registers, table 5-1 and following. */
#define ST0_HEAD	0x04
#define ST0_EQUIPMENT	0x10
#define ST0_SEEK_END	0x20
#define ST0_ABNORMAL	0x40
#define ST0_INVALID	0x80
#define ST0_READY	0xc0	/* became ready or not: polling after a reset */
#define ST1_MISSING	0x01	/* address mark */
#define ST1_PROTECTED	0x02
#define ST1_NO_DATA	0x04
#define ST1_OVERRUN	0x10
#define ST1_DATA_ERROR	0x20
#define ST1_END		0x80
#define ST2_WRONG_CYL	0x10
#define ST3_HEAD	0x04
#define ST3_TRACK0	0x10
#define ST3_ALWAYS	0x28	/* two sides, ready */
#define ST3_PROTECTED	0x40

enum fdc_phase {
	FDC_COMMAND,		/* the host writes a command */
	FDC_WORK,		/* the medium works */
	FDC_DMA,		/* waits for DMA cycles */
	FDC_PIO_IN, FDC_PIO_OUT, /* each byte by the host */
	FDC_RESULT,		/* the host reads results */
	FDC_PHASES,
};

/* Saved as it is; checked by loaded(). */
struct fdc_state {
	uint8_t dor, dsr, ccr, tape;
	uint8_t phase;
	uint8_t fifo[16], pos, len;	/* command or result bytes */
	uint8_t head, unit;		/* of the command in progress */
	uint8_t cyl[4];			/* where the heads are */
	uint8_t interrupt;		/* for SENSE INTERRUPT: ST0 is there */
	uint8_t int_st0;
	uint8_t reset_senses;		/* left to be reported after a reset */
	uint8_t non_dma;		/* SPECIFY */
	uint8_t specify[2], config[2], precomp, lock, perpendicular;
	uint8_t change[FDC_DRIVES];	/* the disk change line */
	uint8_t write, format, tc;
	uint8_t c, h, r, eot;		/* of the transfer */
	uint8_t pad[3];
	uint32_t at, end;		/* in the buffer */
};

/* How a disk is laid out: what its size says. */
struct fdc_format {
	uint32_t size;			/* bytes */
	uint8_t cylinders, heads, sectors;
	uint8_t rate;			/* data rate code of the DSR */
	uint8_t cmos;			/* type of the drive that it needs */
};

struct fdc_drive {
	struct fdc *fdc;
	bool present;
	struct block_queue *q;
	const struct fdc_format *format;	/* of the medium; NULL: none */
	uint8_t cmos;
};

struct fdc {
	struct device dev;
	struct irq irq;
	struct i8237 *dma;
	unsigned channel;
	struct fdc_state s;
	struct fdc_drive drive[FDC_DRIVES];
	uint8_t buf[FDC_BUF];
	bool dropped;			/* reset while the medium worked */
	struct block_req req;
	struct iovec iov;
};

/* fdc.c */
void fdc_irq(struct fdc *f, bool level);
/* Results are ready: @n bytes, with an interrupt or without. */
void fdc_result(struct fdc *f, const uint8_t *bytes, unsigned n, bool irq);
void fdc_idle(struct fdc *f);
void fdc_reset(struct fdc *f);
int fdc_ports_add(struct fdc *f, struct ports *ports);
/* The drive of @unit (0..3), or NULL. */
struct fdc_drive *fdc_drive(struct fdc *f, unsigned unit);
/* Data rate in use, 0..3. */
uint8_t fdc_rate(const struct fdc *f);

/* fdc_command.c: length of a command by its first byte; do it. */
unsigned fdc_command_len(uint8_t first);
void fdc_command(struct fdc *f);

/* fdc_data.c */
void fdc_read(struct fdc *f);
void fdc_write(struct fdc *f);
void fdc_verify(struct fdc *f);
void fdc_format_track(struct fdc *f);
void fdc_read_id(struct fdc *f);
/* The DMA channel may give cycles now. */
void fdc_dma_ready(void *opaque);
uint8_t fdc_pio_read(struct fdc *f);
void fdc_pio_write(struct fdc *f, uint8_t val);

/* fdc_device.c */
void fdc_look_at_medium(struct fdc_drive *d);

#endif
