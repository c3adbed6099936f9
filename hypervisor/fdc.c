// SPDX-License-Identifier: GPL-2.0-or-later
/* The floppy controller's registers, chapter 2, and phases, chapter 4. */
#include "hypervisor/fdc.h"

#include <string.h>

#include "hypervisor/fdc_priv.h"
#include "hypervisor/ports.h"

enum { R_SRA, R_SRB, R_DOR, R_TDR, R_MSR, R_FIFO, R_NONE, R_DIR };
#define R_DSR		R_MSR	/* on writes */
#define R_CCR		R_DIR
#define DSR_RESET	0x80
#define DIR_CHANGE	0x80
#define DIR_FLOATING	0x7f
#define RATE		0x03
#define DRIVES_POLLED	4	/* that report after a reset */

struct fdc_drive *fdc_drive(struct fdc *f, unsigned unit)
{
	return unit < FDC_DRIVES && f->drive[unit].present ? &f->drive[unit] :
							     NULL;
}

uint8_t fdc_rate(const struct fdc *f)
{
	return f->s.dsr & RATE;
}

void fdc_irq(struct fdc *f, bool level)
{
	irq_set(&f->irq, level && f->s.dor & DOR_GATE);
}

void fdc_idle(struct fdc *f)
{
	f->s.phase = FDC_COMMAND;
	f->s.pos = f->s.len = 0;
}

void fdc_result(struct fdc *f, const uint8_t *bytes, unsigned n, bool irq)
{
	memcpy(f->s.fifo, bytes, n);
	f->s.pos = 0;
	f->s.len = n;
	f->s.phase = n ? FDC_RESULT : FDC_COMMAND;
	if (irq)
		fdc_irq(f, true);
}

/*
 * Resets, 2.4: all commands end; LOCK protects what CONFIGURE set.  After it
 * the controller polls its drives and reports each as changed.
 */
void fdc_reset(struct fdc *f)
{
	if (f->s.phase == FDC_WORK)
		f->dropped = true;
	if (!f->s.lock)
		memset(f->s.config, 0, sizeof(f->s.config));
	fdc_idle(f);
	f->s.interrupt = 0;
	f->s.perpendicular = 0;
	fdc_irq(f, false);
}

static void reset_end(struct fdc *f)
{
	f->s.reset_senses = DRIVES_POLLED;
	f->s.interrupt = 1;
	f->s.int_st0 = ST0_READY;
	fdc_irq(f, true);
}

static void write_dor(struct fdc *f, uint8_t val)
{
	uint8_t was = f->s.dor;

	f->s.dor = val;
	if (was & DOR_NRESET && !(val & DOR_NRESET))
		fdc_reset(f);
	if (!(was & DOR_NRESET) && val & DOR_NRESET)
		reset_end(f);
	if (!(val & DOR_GATE))
		irq_lower(&f->irq);
}

static void write_dsr(struct fdc *f, uint8_t val)
{
	f->s.dsr = val & ~DSR_RESET;
	if (val & DSR_RESET && f->s.dor & DOR_NRESET) {
		fdc_reset(f);
		reset_end(f);
	}
}

static uint8_t read_msr(const struct fdc *f)
{
	if (!(f->s.dor & DOR_NRESET))
		return 0;
	switch ((enum fdc_phase)f->s.phase) {
	case FDC_COMMAND:
		return MSR_RQM | (f->s.pos ? MSR_BUSY : 0);
	case FDC_RESULT:
		return MSR_RQM | MSR_DIO | MSR_BUSY;
	case FDC_PIO_IN:
		return MSR_RQM | MSR_DIO | MSR_BUSY | MSR_NON_DMA;
	case FDC_PIO_OUT:
		return MSR_RQM | MSR_BUSY | MSR_NON_DMA;
	default:
		return MSR_BUSY;
	}
}

/* Reading the first result byte takes the interrupt away, 2.1.5. */
static uint8_t read_result(struct fdc *f)
{
	uint8_t val = f->s.fifo[f->s.pos++];

	fdc_irq(f, false);
	if (f->s.pos == f->s.len)
		fdc_idle(f);
	return val;
}

static uint8_t read_fifo(struct fdc *f)
{
	if (f->s.phase == FDC_RESULT)
		return read_result(f);
	return f->s.phase == FDC_PIO_IN ? fdc_pio_read(f) : 0xff;
}

static void write_fifo(struct fdc *f, uint8_t val)
{
	struct fdc_state *s = &f->s;

	if (!(s->dor & DOR_NRESET))
		return;
	if (s->phase == FDC_PIO_OUT)
		fdc_pio_write(f, val);
	if (s->phase != FDC_COMMAND)
		return;
	if (!s->pos)
		s->len = fdc_command_len(val);
	s->fifo[s->pos++] = val;
	if (s->pos == s->len)
		fdc_command(f);
}

/* The selected drive's change line, as long as its motor runs: 2.1.7 */
static uint8_t read_dir(struct fdc *f)
{
	unsigned unit = f->s.dor & DOR_DRIVE;
	struct fdc_drive *d = fdc_drive(f, unit);

	if (!d || !(f->s.dor & 0x10 << unit))
		return 0;
	return f->s.change[unit] || !d->format ? DIR_CHANGE : 0;
}

static uint32_t reg_read(void *opaque, unsigned off, unsigned size)
{
	struct fdc *f = opaque;

	switch (off) {
	case R_SRA:
		return f->irq.level ? 0x80 : 0;
	case R_SRB:
		return 0xc0;
	case R_DOR:
		return f->s.dor;
	case R_TDR:
		return f->s.tape;
	case R_MSR:
		return read_msr(f);
	case R_FIFO:
		return read_fifo(f);
	}
	return 0xff;
}

static void reg_write(void *opaque, unsigned off, unsigned size, uint32_t val)
{
	struct fdc *f = opaque;

	switch (off) {
	case R_DOR:
		write_dor(f, val);
		break;
	case R_TDR:
		f->s.tape = val & 3;
		break;
	case R_DSR:
		write_dsr(f, val);
		break;
	case R_FIFO:
		write_fifo(f, val);
		break;
	}
}

static uint32_t dir_read(void *opaque, unsigned off, unsigned size)
{
	return read_dir(opaque) | DIR_FLOATING;
}

static void ccr_write(void *opaque, unsigned off, unsigned size, uint32_t val)
{
	struct fdc *f = opaque;

	f->s.ccr = val & RATE;
	f->s.dsr = (f->s.dsr & ~RATE) | (val & RATE);
}

static const struct pio_ops ops = { reg_read, reg_write, PIO_1 };
static const struct pio_ops dir_ops = { dir_read, ccr_write, PIO_1 };

/* 3F6h is the IDE controller's. */
int fdc_ports_add(struct fdc *f, struct ports *ports)
{
	int ret = ports_add(ports, 0x3f0, R_NONE, &ops, f, "floppy");

	return ret ? ret : ports_add(ports, 0x3f0 + R_DIR, 1, &dir_ops, f,
				     "floppy");
}
