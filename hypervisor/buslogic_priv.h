/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host adapter's parts among themselves:
 *
 *	buslogic.c		registers, commands to the adapter itself
 *	buslogic_ccb.c		mailboxes, commands to targets and their data
 *	buslogic_device.c	the PCI function, options, saved state
 */
#ifndef HYPERVISOR_BUSLOGIC_PRIV_H
#define HYPERVISOR_BUSLOGIC_PRIV_H

#include <sys/uio.h>

#include "backends/block_queue.h"
#include "hypervisor/buslogic.h"
#include "hypervisor/device.h"
#include "hypervisor/pci.h"
#include "hypervisor/scsi.h"

#define BL_TASKS	32u	/* commands to targets at once */
#define BL_BUF		65536u	/* bytes of a command's data at once */
#define BL_PARAMS	64u
#define BL_REPLY	128u
#define BL_MAILBOXES	255u

/* Interrupt register. */
#define INT_INBOX	0x01	/* an incoming mailbox was filled */
#define INT_OUTBOX	0x02	/* an outgoing mailbox is free */
#define INT_COMMAND	0x04	/* a command to the adapter is done */
#define INT_VALID	0x80

/* The 32-bit command control block; numbers are little-endian. */
struct bl_ccb {
	uint8_t opcode;
	uint8_t control;	/* direction in bits 3..4 */
	uint8_t cdb_len, sense_len;
	uint32_t data_len, data;
	uint8_t reserved[2];
	uint8_t adapter_status, target_status;
	uint8_t target, lun;
	uint8_t cdb[12];
	uint8_t reserved2[6];
	uint32_t sense;
} __attribute__((packed));

_Static_assert(sizeof(struct bl_ccb) == 40, "as the adapter reads it");

/* Saved as it is; checked by loaded(). */
struct bl_state {
	uint8_t intr;		/* interrupt register, what is shown */
	uint8_t intr_next;	/* bits that come when that was taken away */
	uint8_t irq_off, invalid, diagnostic;
	uint8_t opcode, have, want;	/* the command being given */
	uint8_t busy;			/* params or reply are under way */
	uint8_t params[BL_PARAMS];
	uint8_t reply[BL_REPLY], reply_pos, reply_len;
	uint8_t local_ram[256];
	uint8_t mailboxes, strict, wide_lun, outbox_irq;
	uint8_t next_out, next_in;
	uint8_t pad[3];
	uint32_t base;		/* of the mailboxes: outgoing, incoming */
};

/* A command to a target. */
struct bl_task {
	struct buslogic *b;
	bool used, dropped;
	uint32_t gpa;			/* of the control block */
	struct bl_ccb ccb;
	struct scsi_unit *unit;
	struct scsi_task scsi;
	/* Where in guest memory the next bytes are. */
	uint32_t list, list_left;	/* segments not looked at yet */
	uint32_t addr, left;		/* of the segment in use */
	uint64_t total, moved;		/* bytes of all segments; so far */
	uint64_t off, rest;		/* of the medium */
	uint8_t adapter_status;
	struct block_req req;
	struct iovec iov;
	uint8_t buf[BL_BUF];
	struct bl_task *next;		/* waiting for an incoming mailbox */
};

struct buslogic {
	struct device dev;
	struct pci_func func;
	struct bl_state s;
	struct scsi_unit unit[BUSLOGIC_TARGETS];	/* ops NULL: none */
	/*
	 * Targets, by bit, whose disk was taken away under the guest.  Until
	 * the next reset they answer that there is no logical unit: selection
	 * would time out for nobody there, and Linux's driver hangs in its
	 * interrupt handler when anything but a probe does.
	 */
	uint16_t gone;
	struct bl_task task[BL_TASKS];
	struct bl_task *done, **done_tail;	/* without a mailbox yet */
	bool scanning;
};

/* buslogic.c */
void bl_interrupt(struct buslogic *b, uint8_t bits);
uint8_t bl_read(struct buslogic *b, unsigned reg);
void bl_write(struct buslogic *b, unsigned reg, uint8_t val);
/* Is the command, of which parameters are missing, one that takes them? */
bool bl_half_command(const struct buslogic *b);
/* Power-on or reset by the driver. */
void bl_reset(struct buslogic *b);

/* buslogic_ccb.c */
/* Look for new commands in the outgoing mailboxes. */
void bl_scan(struct buslogic *b);
/* Give what is done to incoming mailboxes that may be free now. */
void bl_deliver(struct buslogic *b);
/* Forget all commands; those at work end without being told of. */
void bl_abandon(struct buslogic *b);

#endif
