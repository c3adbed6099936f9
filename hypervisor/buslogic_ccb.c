// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands to targets.  The driver puts the address of a control block into an
 * outgoing mailbox; when the command is done, its address comes back in an
 * incoming one.
 *
 *	outgoing mailbox -> task -> (medium, a buffer at a time) -> statuses in
 *	the control block -> incoming mailbox, or a wait for a free one
 *
 * Everything that is read here is the guest's and may change under us: control
 * blocks are copied once.
 */
#include <errno.h>
#include <string.h>

#include "hypervisor/buslogic_priv.h"

/* Outgoing mailboxes: what to do. */
#define OUT_FREE	0
#define OUT_START	1
#define OUT_ABORT	2
/* Incoming: how it ended. */
#define IN_FREE		0
#define IN_GOOD		1
#define IN_NOT_FOUND	3
#define IN_ERROR	4

/* Control blocks. */
#define CCB_PLAIN		0x00
#define CCB_LIST		0x02
#define CCB_PLAIN_RESIDUAL	0x03
#define CCB_LIST_RESIDUAL	0x04
#define CCB_DEVICE_RESET	0x81
#define DIR(control)		((control) >> 3 & 3)
#define DIR_ANY			0
#define DIR_IN			1
#define DIR_OUT			2
#define LUN_WIDE		0x3f
#define LUN_NARROW		0x07
#define SENSE_DEFAULT		14	/* bytes, for a length of 0 */
#define SENSE_OFF		1

/* Adapter status. */
#define AS_GOOD			0x00
#define AS_NO_TARGET		0x11
#define AS_OVERRUN		0x12
#define AS_BAD_MAILBOX		0x15
#define AS_BAD_OPCODE		0x16
#define AS_BAD_PARAMETER	0x1a

#define MAILBOX		8u
#define ASC_NO_LUN	0x25

struct mailbox {
	uint32_t ccb;
	union {
		struct {
			uint8_t reserved[3], action;
		} out;
		struct {
			uint8_t adapter_status, target_status, reserved, code;
		} in;
	};
};

_Static_assert(sizeof(struct mailbox) == MAILBOX, "as the adapter reads it");

/*
 * The way back.
 */

static bool put_inbox(struct buslogic *b, const struct mailbox *m)
{
	gpa_t at = b->s.base + (b->s.mailboxes + b->s.next_in) *
		   (gpa_t)MAILBOX;
	struct mailbox there;

	if (pci_dma_read(&b->func, at, &there, sizeof(there)) ||
	    there.in.code != IN_FREE ||
	    pci_dma_write(&b->func, at, m, sizeof(*m)))
		return false;
	b->s.next_in = (b->s.next_in + 1) % b->s.mailboxes;
	bl_interrupt(b, INT_INBOX);
	return true;
}

static void task_free(struct bl_task *t)
{
	t->used = false;
}

static bool deliver(struct bl_task *t)
{
	bool good = !t->adapter_status && t->scsi.status == SCSI_GOOD;
	struct mailbox m = { .ccb = t->gpa };

	m.in.adapter_status = t->adapter_status;
	m.in.target_status = t->scsi.status;
	m.in.code = good ? IN_GOOD : IN_ERROR;
	return put_inbox(t->b, &m);
}

void bl_deliver(struct buslogic *b)
{
	bool some = false;

	while (b->done && b->s.mailboxes && deliver(b->done)) {
		struct bl_task *t = b->done;

		b->done = t->next;
		if (!b->done)
			b->done_tail = &b->done;
		task_free(t);
		some = true;
	}
	/* Commands may have waited for a task. */
	if (some)
		bl_scan(b);
}

static void put_sense(struct bl_task *t)
{
	uint8_t sense[SCSI_SENSE_LEN];
	unsigned n = t->ccb.sense_len ? t->ccb.sense_len : SENSE_DEFAULT;

	if (t->ccb.sense_len == SENSE_OFF)
		return;
	scsi_sense_data(t->unit, sense);
	if (n > sizeof(sense))
		n = sizeof(sense);
	/* An address that is no memory gets nothing, as on the bus. */
	(void)!pci_dma_write(&t->b->func, t->ccb.sense, sense, n);
}

static bool wants_residual(const struct bl_task *t)
{
	return t->ccb.opcode == CCB_PLAIN_RESIDUAL ||
	       t->ccb.opcode == CCB_LIST_RESIDUAL;
}

static void finish(struct bl_task *t)
{
	struct buslogic *b = t->b;
	uint32_t residual = t->total - t->moved;
	uint8_t st[2] = { t->adapter_status, t->scsi.status };

	if (t->scsi.status == SCSI_CHECK_CONDITION)
		put_sense(t);
	if (wants_residual(t))
		(void)!pci_dma_write(&b->func, t->gpa +
				     offsetof(struct bl_ccb, data_len),
				     &residual, sizeof(residual));
	(void)!pci_dma_write(&b->func, t->gpa + offsetof(struct bl_ccb,
							 adapter_status),
			     st, sizeof(st));
	t->next = NULL;
	*b->done_tail = t;
	b->done_tail = &t->next;
	bl_deliver(b);
}

static void finish_with(struct bl_task *t, uint8_t adapter_status)
{
	t->adapter_status = adapter_status;
	finish(t);
}

/*
 * Data.
 */

static bool next_segment(struct bl_task *t)
{
	uint32_t seg[2];		/* bytes, address */

	while (!t->left) {
		if (t->list_left < sizeof(seg) ||
		    pci_dma_read(&t->b->func, t->list, seg, sizeof(seg)))
			return false;
		t->list += sizeof(seg);
		t->list_left -= sizeof(seg);
		t->left = seg[0];
		t->addr = seg[1];
	}
	return true;
}

/* Up to @len bytes between d->buf and the guest; returns how many. */
static uint32_t move(struct bl_task *t, void *buf, uint32_t len, bool out)
{
	uint32_t done = 0;

	while (done < len && next_segment(t)) {
		uint32_t n = len - done < t->left ? len - done : t->left;
		uint8_t *p = (uint8_t *)buf + done;
		int ret = out ? pci_dma_read(&t->b->func, t->addr, p, n) :
				pci_dma_write(&t->b->func, t->addr, p, n);

		if (ret) {
			t->adapter_status = AS_BAD_PARAMETER;
			break;
		}
		t->addr += n;
		t->left -= n;
		done += n;
	}
	t->moved += done;
	return done;
}

/* All bytes of a list, without taking them: its lengths alone. */
static bool list_total(struct bl_task *t)
{
	uint32_t at = t->ccb.data, left = t->ccb.data_len, seg[2];

	if (left % sizeof(seg) || left / sizeof(seg) > 8192)
		return false;
	for (; left; left -= sizeof(seg), at += sizeof(seg)) {
		if (pci_dma_read(&t->b->func, at, seg, sizeof(seg)))
			return false;
		t->total += seg[0];
	}
	t->list = t->ccb.data;
	t->list_left = t->ccb.data_len;
	return true;
}

static bool open_data(struct bl_task *t)
{
	switch (t->ccb.opcode) {
	case CCB_LIST: case CCB_LIST_RESIDUAL:
		return list_total(t);
	case CCB_PLAIN: case CCB_PLAIN_RESIDUAL:
		t->addr = t->ccb.data;
		t->left = t->total = t->ccb.data_len;
		return true;
	}
	return false;
}

static void on_io(void *opaque, struct block_req *r);

static void io(struct bl_task *t, enum block_op op, uint64_t len)
{
	t->iov = (struct iovec){ t->buf, len };
	t->req = (struct block_req){
		.op = op, .off = t->off, .len = len, .iov = &t->iov,
		.niov = 1, .done = on_io, .opaque = t,
	};
	block_submit(t->unit->q, &t->req);
}

static uint32_t next_len(const struct bl_task *t)
{
	return t->rest < BL_BUF ? t->rest : BL_BUF;
}

/* The next buffer of a read or write; the last one ends the command. */
static void go_on(struct bl_task *t)
{
	uint32_t n = next_len(t);

	if (!n && t->scsi.fua && t->req.op == BLOCK_WRITE) {
		io(t, BLOCK_FLUSH, 0);
	} else if (!n || t->adapter_status) {
		finish(t);
	} else if (t->scsi.data == SCSI_READ) {
		io(t, BLOCK_READ, n);
	} else if (move(t, t->buf, n, true) == n) {
		io(t, BLOCK_WRITE, n);
	} else {
		finish(t);		/* the memory was not there */
	}
}

static void on_io(void *opaque, struct block_req *r)
{
	struct bl_task *t = opaque;

	if (t->dropped) {
		t->dropped = false;
		task_free(t);
		return;
	}
	if (r->ret) {
		scsi_failed(t->unit, &t->scsi, r->ret);
		finish(t);
		return;
	}
	if (r->op == BLOCK_FLUSH || r->op == BLOCK_DISCARD) {
		finish(t);
		return;
	}
	if (r->op == BLOCK_READ)
		move(t, t->buf, t->iov.iov_len, false);
	t->off += t->iov.iov_len;
	t->rest -= t->iov.iov_len;
	go_on(t);
}

/* No more than the driver has room for; a command that has more overran. */
static uint64_t limited(struct bl_task *t)
{
	if (t->scsi.len <= t->total)
		return t->scsi.len;
	t->adapter_status = AS_OVERRUN;
	return t->total;
}

static void start_medium(struct bl_task *t)
{
	uint64_t n = limited(t);

	/* Whole sectors are moved, or none. */
	if (t->adapter_status) {
		finish(t);
		return;
	}
	t->off = t->scsi.off;
	t->rest = n;
	go_on(t);
}

static bool direction_fits(const struct bl_task *t)
{
	unsigned dir = DIR(t->ccb.control);
	bool out = t->scsi.data == SCSI_WRITE || t->scsi.data == SCSI_PARAMS;

	return dir == DIR_ANY || dir == (out ? DIR_OUT : DIR_IN);
}

static void start_data(struct bl_task *t)
{
	uint32_t n;

	if (t->scsi.len && !direction_fits(t)) {
		finish_with(t, AS_OVERRUN);
		return;
	}
	switch (t->scsi.data) {
	case SCSI_NONE:
		finish(t);
		break;
	case SCSI_REPLY:
		n = limited(t);
		move(t, t->scsi.reply, n, false);
		finish(t);
		break;
	case SCSI_PARAMS:
		n = t->scsi.len < BL_BUF ? t->scsi.len : BL_BUF;
		n = move(t, t->buf, n, true);
		scsi_params(t->unit, &t->scsi, t->buf, n);
		finish(t);
		break;
	case SCSI_READ: case SCSI_WRITE:
		start_medium(t);
		break;
	case SCSI_FLUSH:
		io(t, BLOCK_FLUSH, 0);
		break;
	case SCSI_DISCARD:
		t->off = t->scsi.off;
		io(t, BLOCK_DISCARD, t->scsi.len);
		break;
	}
}

/*
 * The way out.
 */

static struct bl_task *task_get(struct buslogic *b)
{
	for (unsigned i = 0; i < BL_TASKS; i++) {
		struct bl_task *t = &b->task[i];

		if (t->used)
			continue;
		t->b = b;
		t->used = true;
		t->list_left = t->left = 0;
		t->total = t->moved = 0;
		t->off = t->rest = 0;
		t->adapter_status = AS_GOOD;
		t->scsi.status = SCSI_GOOD;
		t->scsi.fua = false;
		t->req.op = BLOCK_READ;
		return t;
	}
	return NULL;
}

/* A unit that is not there says so to INQUIRY: SPC-3, 6.4.2. */
static void start_no_lun(struct bl_task *t)
{
	if (t->scsi.cdb[0] == 0x12) {
		memset(t->scsi.reply, 0, sizeof(t->scsi.reply));
		t->scsi.reply[0] = 0x7f;
		t->scsi.reply[4] = 36 - 5;
		scsi_reply(&t->scsi, 36, scsi_get16(t->scsi.cdb + 3));
	} else {
		scsi_sense(t->unit, &t->scsi, SENSE_ILLEGAL, ASC_NO_LUN, 0);
	}
	start_data(t);
}

static void start_ccb(struct bl_task *t)
{
	struct buslogic *b = t->b;
	const struct bl_ccb *c = &t->ccb;
	unsigned lun = c->lun & (b->s.wide_lun ? LUN_WIDE : LUN_NARROW);
	bool gone = c->target < BUSLOGIC_TARGETS && b->gone >> c->target & 1;

	t->unit = gone ? &b->unit[c->target] : buslogic_unit(b, c->target);
	if (!t->unit) {
		finish_with(t, AS_NO_TARGET);
		return;
	}
	if (c->opcode == CCB_DEVICE_RESET) {
		if (!gone)
			scsi_reset(t->unit);
		finish(t);
		return;
	}
	if (!c->cdb_len || c->cdb_len > sizeof(c->cdb) || !open_data(t)) {
		finish_with(t, c->opcode > CCB_LIST_RESIDUAL ||
			    c->opcode == 1 ? AS_BAD_OPCODE :
			    AS_BAD_PARAMETER);
		return;
	}
	memset(t->scsi.cdb, 0, sizeof(t->scsi.cdb));
	memcpy(t->scsi.cdb, c->cdb, c->cdb_len);
	if (lun || gone) {
		start_no_lun(t);
		return;
	}
	scsi_start(t->unit, &t->scsi);
	start_data(t);
}

static void start(struct bl_task *t, uint32_t gpa)
{
	t->gpa = gpa;
	if (pci_dma_read(&t->b->func, gpa, &t->ccb, sizeof(t->ccb)))
		task_free(t);		/* nowhere to tell it */
	else
		start_ccb(t);
}

/* Commands at work end soon by themselves, and say so then. */
static void abort_command(struct buslogic *b, uint32_t gpa)
{
	struct mailbox m = { .ccb = gpa };

	for (unsigned i = 0; i < BL_TASKS; i++)
		if (b->task[i].used && b->task[i].gpa == gpa)
			return;
	m.in.code = IN_NOT_FOUND;
	put_inbox(b, &m);
}

/* True: there was something in the mailbox, and it was taken. */
static bool take_mailbox(struct buslogic *b, unsigned n)
{
	gpa_t at = b->s.base + n * (gpa_t)MAILBOX;
	struct bl_task *t = NULL;
	struct mailbox m;
	uint8_t action;

	if (pci_dma_read(&b->func, at, &m, sizeof(m)) ||
	    m.out.action == OUT_FREE)
		return false;
	action = m.out.action;
	if (action == OUT_START && !(t = task_get(b)))
		return false;		/* when one is free again */
	m.out.action = OUT_FREE;
	(void)!pci_dma_write(&b->func, at, &m, sizeof(m));
	if (b->s.outbox_irq)
		bl_interrupt(b, INT_OUTBOX);
	if (t)
		start(t, m.ccb);
	else if (action == OUT_ABORT)
		abort_command(b, m.ccb);
	return true;
}

/*
 * In strict round-robin mode the next mailbox is the only one that can be
 * filled; otherwise all are looked at.  One round serves every mailbox once;
 * a driver that fills them again says so again.  Commands that end at once come
 * back here, where the round goes on anyway.
 */
void bl_scan(struct buslogic *b)
{
	if (b->scanning)
		return;
	b->scanning = true;
	for (unsigned i = 0; i < b->s.mailboxes; i++) {
		unsigned n = b->s.next_out;

		if (take_mailbox(b, n))
			b->s.next_out = (n + 1) % b->s.mailboxes;
		else if (b->s.strict)
			break;
		else
			b->s.next_out = (n + 1) % b->s.mailboxes;
	}
	b->scanning = false;
}

void bl_abandon(struct buslogic *b)
{
	for (unsigned i = 0; i < BL_TASKS; i++)
		b->task[i].dropped = b->task[i].used;
	while (b->done) {
		b->done->dropped = false;
		task_free(b->done);
		b->done = b->done->next;
	}
	b->done_tail = &b->done;
}
