/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC's own struct, for its files: lapic.c (interrupts: from the
 * request to the end), lapic_timer.c, lapic_regs.c (what the guest reads and
 * writes) and lapic_state.c (life, IA32_APIC_BASE, moves to and from the host's).
 */
#ifndef UMBRA_LAPIC_PRIV_H
#define UMBRA_LAPIC_PRIV_H

#include "hypervisor/clock.h"
#include "hypervisor/device.h"
#include "hypervisor/irqchip.h"
#include "hypervisor/lapic.h"

/* Integrated APIC, LVT_COUNT entries, no EOI suppression. */
#define VERSION		(0x14 | (LVT_COUNT - 1) << 16)

#define BASE_BSP	(1ULL << 8)
#define BASE_X2APIC	(1ULL << 10)
#define BASE_ENABLE	(1ULL << 11)
#define BASE_ADDR	0xffffff000ULL	/* 36 physical address bits */
#define SVR_ENABLE	0x100
#define SVR_KEPT	0x3ff		/* with focus checking, bit 9 */
#define DFR_FIXED	0x0fffffff	/* low bits read as ones */
#define DFR_FLAT	0xf
#define LVT_VECTOR	0xff
#define LVT_MASKED	0x10000
#define LVT_PERIODIC	0x20000
#define LVT_LEVEL	0x8000
#define LVT_RIRR	0x4000
#define ICR_LOGICAL	0x800
#define ICR_ASSERT	0x4000
#define ICR_LEVEL	0x8000
#define ICR_KEPT	0xcdfff		/* without delivery status */
#define ESR_SEND_ILLEGAL	0x20
#define ESR_RECV_ILLEGAL	0x40
#define ESR_BAD_REGISTER	0x80
#define DEST_ALL	0xff

struct lapic {
	struct device dev;
	struct lapic_config cfg;
	struct irq intr, nmi;
	struct timer timer;
	uint64_t base;			/* IA32_APIC_BASE */
	gpa_t mapped;			/* where the registers are; 0: nowhere */
	/* Guest ns of the timer's start; modulo 2^64, may lie before 0. */
	uint64_t started;
	uint64_t periods;		/* delivered since then */
	uint32_t irr[8], isr[8], tmr[8];
	uint32_t lvt[LVT_COUNT];
	uint32_t id, tpr, ldr, dfr, svr, esr, esr_pending;
	uint32_t icr_low, icr_high;
	uint32_t initial, divide;
	uint8_t running;		/* the timer counts */
	uint8_t lines;			/* levels of LINT0 and LINT1 */
};

static inline bool lapic_enabled(const struct lapic *l)
{
	return l->base & BASE_ENABLE;
}

static inline enum apic_delivery lapic_lvt_delivery(const struct lapic *l,
						    enum lvt i)
{
	return l->lvt[i] >> 8 & 7;
}

static inline bool lapic_bit(const uint32_t *r, uint8_t vector)
{
	return r[vector >> 5] >> (vector & 31) & 1;
}

/* Recompute the INTR pin; after every change. */
void lapic_update(struct lapic *l);
/* The bit enters ESR at the next write there; the error interrupt. */
void lapic_error(struct lapic *l, uint32_t bit);
/* A local interrupt source fired. */
void lapic_lvt_fire(struct lapic *l, enum lvt i);
/* A level-triggered LINT pin in fixed mode asks again after each EOI. */
void lapic_lint_level(struct lapic *l, enum lvt i);
/* Do what ICR says. */
void lapic_send_ipi(struct lapic *l);
void lapic_end_of_interrupt(struct lapic *l);
void lapic_unsupported(struct lapic *l, const char *what);

void lapic_timer_expired(void *opaque);
/* Arm the host's timer for what the registers say. */
void lapic_timer_schedule(struct lapic *l);
/* The guest wrote the initial count. */
void lapic_timer_start(struct lapic *l, uint32_t initial);
/* It wrote @val to @reg, the divider or the timer's LVT entry. */
void lapic_timer_change(struct lapic *l, uint32_t *reg, uint32_t val);
/* A period was taken: the next that is owed. */
void lapic_timer_taken(struct lapic *l);
/* Go on from these registers; the caller schedules. */
void lapic_timer_put(struct lapic *l, const struct irqchip_lapic *in);
uint32_t lapic_timer_count(const struct lapic *l);

/* Which bits an LVT entry has, SDM figure 10-8. */
extern const uint32_t lapic_lvt_writable[LVT_COUNT];
/* @reg: offset / 10h. */
uint32_t lapic_read_reg(struct lapic *l, unsigned reg);
void lapic_write_svr(struct lapic *l, uint32_t val);
/* lapic_set_tpr() without the pin. */
void lapic_write_tpr(struct lapic *l, uint8_t tpr);
extern const struct mmio_ops lapic_mmio_ops;

#endif
