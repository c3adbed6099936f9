/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The local APIC's registers, as the guest reads and writes them. */
#include "hypervisor/lapic_priv.h"

#include "hypervisor/mem.h"

/* Which LVT bits exist, SDM figure 10-8. */
const uint32_t lapic_lvt_writable[LVT_COUNT] = {
	[LVT_TIMER] = 0x300ff,
	[LVT_THERMAL] = 0x107ff,
	[LVT_PERF] = 0x107ff,
	[LVT_LINT0] = 0x1a7ff,
	[LVT_LINT1] = 0x1a7ff,
	[LVT_ERROR] = 0x100ff,
};

void lapic_write_svr(struct lapic *l, uint32_t val)
{
	l->svr = val & SVR_KEPT;
	if (!(val & SVR_ENABLE))
		for (int i = 0; i < LVT_COUNT; i++)
			l->lvt[i] |= LVT_MASKED;
	lapic_timer_schedule(l);
}

/* While the APIC is disabled by software, the mask bits stay set. */
static void write_lvt(struct lapic *l, enum lvt i, uint32_t val)
{
	val = (val & lapic_lvt_writable[i]) | (l->lvt[i] & LVT_RIRR);
	if (!(l->svr & SVR_ENABLE))
		val |= LVT_MASKED;
	if (i == LVT_TIMER) {
		lapic_timer_change(l, &l->lvt[i], val);
		return;
	}
	l->lvt[i] = val;
	if (i == LVT_LINT0 || i == LVT_LINT1)
		lapic_lint_level(l, i);
}

uint32_t lapic_read_reg(struct lapic *l, unsigned reg)
{
	switch (reg) {
	case LAPIC_R_ID:
		return l->id;
	case LAPIC_R_VERSION:
		return VERSION;
	case LAPIC_R_TPR:
		return l->tpr;
	case LAPIC_R_PPR:
		return lapic_priority(l);
	case LAPIC_R_APR:
	case LAPIC_R_EOI:
		return 0;
	case LAPIC_R_LDR:
		return l->ldr;
	case LAPIC_R_DFR:
		return l->dfr;
	case LAPIC_R_SVR:
		return l->svr;
	case LAPIC_R_ESR:
		return l->esr;
	case LAPIC_R_ICR_LOW:
		return l->icr_low;
	case LAPIC_R_ICR_HIGH:
		return l->icr_high;
	case LAPIC_R_INITIAL:
		return l->initial;
	case LAPIC_R_CURRENT:
		return lapic_timer_count(l);
	case LAPIC_R_DIVIDE:
		return l->divide;
	case LAPIC_R_ISR ... LAPIC_R_ISR + 7:
		return l->isr[reg - LAPIC_R_ISR];
	case LAPIC_R_TMR ... LAPIC_R_TMR + 7:
		return l->tmr[reg - LAPIC_R_TMR];
	case LAPIC_R_IRR ... LAPIC_R_IRR + 7:
		return l->irr[reg - LAPIC_R_IRR];
	case LAPIC_R_LVT ... LAPIC_R_LVT + LVT_COUNT - 1:
		return l->lvt[reg - LAPIC_R_LVT];
	default:
		lapic_error(l, ESR_BAD_REGISTER);
		return 0;
	}
}

void lapic_write_tpr(struct lapic *l, uint8_t tpr)
{
	l->tpr = tpr;
	if (l->cfg.tpr)
		l->cfg.tpr(l->cfg.opaque, l->cfg.id, tpr);
}

void lapic_set_tpr(struct lapic *l, uint8_t tpr)
{
	lapic_write_tpr(l, tpr);
	lapic_update(l);
}

static void write_reg(struct lapic *l, unsigned reg, uint32_t val)
{
	switch (reg) {
	case LAPIC_R_ID:
		l->id = val & 0xff000000;
		break;
	case LAPIC_R_TPR:
		lapic_write_tpr(l, val);
		break;
	case LAPIC_R_EOI:
		lapic_end_of_interrupt(l);
		return;
	case LAPIC_R_LDR:
		l->ldr = val & 0xff000000;
		break;
	case LAPIC_R_DFR:
		l->dfr = val | DFR_FIXED;
		break;
	case LAPIC_R_SVR:
		lapic_write_svr(l, val);
		break;
	case LAPIC_R_ESR:
		l->esr = l->esr_pending;
		l->esr_pending = 0;
		break;
	case LAPIC_R_ICR_LOW:
		l->icr_low = val & ICR_KEPT;
		lapic_send_ipi(l);
		break;
	case LAPIC_R_ICR_HIGH:
		l->icr_high = val & 0xff000000;
		break;
	case LAPIC_R_INITIAL:
		lapic_timer_start(l, val);
		break;
	case LAPIC_R_DIVIDE:
		lapic_timer_change(l, &l->divide, val & 0xb);
		break;
	case LAPIC_R_LVT ... LAPIC_R_LVT + LVT_COUNT - 1:
		write_lvt(l, reg - LAPIC_R_LVT, val);
		break;
	case LAPIC_R_VERSION: case LAPIC_R_APR:
	case LAPIC_R_PPR: case LAPIC_R_CURRENT:
	case LAPIC_R_ISR ... LAPIC_R_IRR + 7:
		return;		/* read-only */
	default:
		lapic_error(l, ESR_BAD_REGISTER);
		return;
	}
	lapic_update(l);
}

/*
 * Registers are 32 bits wide on 16-byte boundaries; narrower and wider
 * accesses are undefined (SDM 10.4.1): reads give the bytes, writes nothing.
 */
uint64_t lapic_mmio_read(struct lapic *l, gpa_t off, unsigned size)
{
	unsigned byte = off & 15;

	if (byte + size > 4)
		return 0;
	return lapic_read_reg(l, off >> 4) >> byte * 8;
}

void lapic_mmio_write(struct lapic *l, gpa_t off, unsigned size, uint64_t val)
{
	if (!(off & 15) && size == 4)
		write_reg(l, off >> 4, val);
}

static uint64_t mmio_read(void *opaque, gpa_t off, unsigned size)
{
	return lapic_mmio_read(opaque, off, size);
}

static void mmio_write(void *opaque, gpa_t off, unsigned size, uint64_t val)
{
	lapic_mmio_write(opaque, off, size, val);
}

const struct mmio_ops lapic_mmio_ops = { mmio_read, mmio_write };
