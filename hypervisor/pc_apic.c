/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PC's interrupt controllers: the 8259 pair on the first processor's
 * LINT0, the APIC bus between I/O APIC and processors, and the processors'
 * own APICs.  An engine may have them all: pc_irqchip_give().
 */
#include "hypervisor/pc_priv.h"

#include "hypervisor/i8254.h"
#include "hypervisor/i8259.h"
#include "hypervisor/ioapic.h"
#include "hypervisor/irqchip.h"
#include "hypervisor/lapic.h"
#include "hypervisor/mem.h"

static void pic_int(void *opaque, unsigned n, bool level)
{
	struct pc *pc = opaque;

	/* Only the bootstrap processor's LINT0 is wired. */
	if (pc->lapic[0])
		lapic_lint(pc->lapic[0], 0, level);
}

static int pic_ack(void *opaque)
{
	struct pc *pc = opaque;

	return i8259_ack(pc->pic);
}

static void apic_eoi(void *opaque, uint8_t vector)
{
	struct pc *pc = opaque;

	ioapic_eoi(pc->ioapic, vector);
}

/* The addressed APIC of lowest priority, SDM Vol. 3A 10.6.2.4. */
static void send_lowest(struct pc *pc, const struct apic_msg *m)
{
	struct lapic *best = NULL;

	for (unsigned n = 0; n < pc->cfg.ncpus; n++) {
		struct lapic *l = pc->lapic[n];

		if (lapic_addressed(l, m) &&
		    (!best || lapic_priority(l) < lapic_priority(best)))
			best = l;
	}
	if (best)
		lapic_take(best, m);
}

/* A pin in ExtINT mode stands for the 8259, which is on LINT0. */
static void apic_send(void *opaque, const struct apic_msg *m)
{
	struct pc *pc = opaque;

	if (m->delivery == APIC_LOWEST) {
		send_lowest(pc, m);
		return;
	}
	for (unsigned n = 0; n < pc->cfg.ncpus; n++)
		lapic_receive(pc->lapic[n], m);
}

static unsigned this_cpu(const struct pc *pc)
{
	return pc->cfg.this_cpu ? pc->cfg.this_cpu(pc->cfg.opaque) : 0;
}

/* An IPI of the processor that this thread is. */
static void apic_ipi(void *opaque, const struct apic_msg *m,
		     enum apic_who which)
{
	struct pc *pc = opaque;
	unsigned self = this_cpu(pc);

	if (which == APIC_DEST) {
		apic_send(pc, m);
		return;
	}
	for (unsigned n = 0; n < pc->cfg.ncpus; n++)
		if (which == APIC_ALL || n != self)
			lapic_take(pc->lapic[n], m);
}

static bool apic_requested(void *opaque, uint8_t vector)
{
	struct pc *pc = opaque;

	for (unsigned n = 0; n < pc->cfg.ncpus; n++)
		if (lapic_requested(pc->lapic[n], vector))
			return true;
	return false;
}

static void apic_startup(void *opaque, unsigned cpu, enum apic_delivery how,
			 uint8_t vector)
{
	struct pc *pc = opaque;

	if (how == APIC_INIT)
		lapic_init_reset(pc->lapic[cpu]);
	if (how == APIC_INIT && !cpu && !pc->bios) {
		pc_raise_event(pc, PC_RESET, 0, NULL);
		return;
	}
	pc->cfg.startup(pc->cfg.opaque, cpu, how, vector);
}

static void apic_tpr(void *opaque, unsigned cpu, uint8_t tpr)
{
	struct pc *pc = opaque;

	if (pc->cfg.tpr)
		pc->cfg.tpr(pc->cfg.opaque, cpu, tpr);
}

/*
 * Several processors see each their own APIC at the same address.
 */

static uint64_t apic_page_read(void *opaque, gpa_t off, unsigned size)
{
	struct pc *pc = opaque;

	return lapic_mmio_read(pc->lapic[this_cpu(pc)], off, size);
}

static void apic_page_write(void *opaque, gpa_t off, unsigned size,
			    uint64_t val)
{
	struct pc *pc = opaque;

	lapic_mmio_write(pc->lapic[this_cpu(pc)], off, size, val);
}

static const struct mmio_ops apic_page = { apic_page_read, apic_page_write };

int pc_make_pic(struct pc *pc)
{
	struct irq out = pc_wire(pc, pic_int);

	return i8259_create(&pc->pic, pc->cfg.ports, &out);
}

static int make_one_lapic(struct pc *pc, unsigned n)
{
	struct lapic_config cfg = {
		.id = n,
		.clock = pc->cfg.clock,
		.mem = pc->cfg.ncpus > 1 ? NULL : pc->cfg.mem,
		.intr = pc->cfg.intr[n],
		.nmi = pc->cfg.nmi[n],
		.pic_ack = pic_ack, .pic = pc,
		.eoi = apic_eoi, .ioapic = pc,
		.send = pc->cfg.ncpus > 1 ? apic_ipi : NULL,
		.startup = pc->cfg.startup ? apic_startup : NULL,
		.tpr = apic_tpr,
		.unsupported = pc_unsupported, .opaque = pc,
	};

	return lapic_create(&pc->lapic[n], &cfg);
}

int pc_make_lapic(struct pc *pc)
{
	return make_one_lapic(pc, 0);
}

/* Those of the other processors, and the page where all of them are. */
int pc_make_other_lapics(struct pc *pc)
{
	int err = 0;

	for (unsigned n = 1; n < pc->cfg.ncpus && !err; n++) {
		err = make_one_lapic(pc, n);
		if (pc->lapic[n])
			pc->devices[pc->ndevices++] =
				(struct device *)pc->lapic[n];
	}
	if (err || pc->cfg.ncpus == 1)
		return err;
	return mem_add_mmio(pc->cfg.mem, LAPIC_DEFAULT_BASE, LAPIC_SIZE,
			    &apic_page, pc, "local APICs");
}

unsigned pc_ioapic_id(const struct pc *pc)
{
	return pc->cfg.ncpus;
}

int pc_make_ioapic(struct pc *pc)
{
	struct ioapic_config cfg = {
		.id = pc_ioapic_id(pc),
		.mem = pc->cfg.mem,
		.send = apic_send,
		.requested = apic_requested,
		.opaque = pc,
	};

	return ioapic_create(&pc->ioapic, &cfg);
}

int pc_intr_ack(struct pc *pc, unsigned cpu)
{
	return lapic_ack(pc->lapic[cpu]);
}

#define MSR_APIC_BASE	0x1b

/* struct irqchip_lapic, registers / 10h; a redirection table entry's mask. */
#define R_ISR		0x10
#define R_IRR		0x20
#define REDIR_MASKED	(1ULL << 16)

int pc_msr_read(struct pc *pc, unsigned cpu, uint32_t msr, uint64_t *val)
{
	if (msr != MSR_APIC_BASE)
		return -1;
	*val = lapic_base(pc->lapic[cpu]);
	return 0;
}

int pc_msr_write(struct pc *pc, unsigned cpu, uint32_t msr, uint64_t val)
{
	return msr == MSR_APIC_BASE ? lapic_set_base(pc->lapic[cpu], val) : -1;
}

void pc_tpr_write(struct pc *pc, unsigned cpu, uint8_t tpr)
{
	lapic_set_tpr(pc->lapic[cpu], tpr);
}

bool pc_nmi_possible(const struct pc *pc, unsigned cpu)
{
	return lapic_nmi_possible(pc->lapic[cpu]);
}

/* The 8254 has let go of line 0, or takes it: no edge for the controllers. */
static void wire_timer(const struct pc *pc, struct irqchip_state *s)
{
	bool up = pc->wires.isa[IRQ_TIMER];

	s->pic[0].lines = (s->pic[0].lines & ~1) | up;
	s->ioapic.lines = (s->ioapic.lines & ~(1u << TIMER_PIN)) |
			  (uint32_t)up << TIMER_PIN;
}

static bool vector_waits(const struct irqchip_lapic *l, uint8_t vector)
{
	return (l->reg[R_IRR + vector / 32] | l->reg[R_ISR + vector / 32]) >>
	       vector % 32 & 1;
}

/*
 * An engine need not know whether a one-shot channel 0 has expired.  Its
 * interrupt is the proof, as long as it waits or is served.
 */
static void timer_fired(struct irqchip_state *s)
{
	struct irqchip_pit_channel *c = &s->pit.ch[0];
	uint64_t pin = s->ioapic.redir[TIMER_PIN];
	bool waits = (s->pic[0].irr | s->pic[0].isr) & 1;

	if (c->fired || !c->armed || (c->mode != 0 && c->mode != 4))
		return;
	for (unsigned n = 0; n < s->ncpus && !(pin & REDIR_MASKED); n++)
		waits |= vector_waits(&s->lapic[n], pin);
	if (!waits)
		return;
	c->fired = 1;
	c->elapsed = c->count;
}

void pc_irqchip_give(struct pc *pc, struct irqchip_state *s,
		     pc_line_fn *line, void *opaque)
{
	s->ncpus = pc->cfg.ncpus;
	i8259_get(pc->pic, s->pic);
	ioapic_get(pc->ioapic, &s->ioapic);
	for (unsigned n = 0; n < pc->cfg.ncpus; n++)
		lapic_get(pc->lapic[n], &s->lapic[n]);
	if (s->has_pit) {
		i8254_get(pc->pit, &s->pit);
		s->pit.replaced = pc->wires.replaced;
		wire_timer(pc, s);
	}
	pc->line = line;
	pc->line_opaque = opaque;
}

void pc_irqchip_drop(struct pc *pc)
{
	pc->line = NULL;
}

void pc_irqchip_take(struct pc *pc, struct irqchip_state *s,
		     const uint64_t *base)
{
	pc->line = NULL;
	if (s->has_pit) {
		timer_fired(s);
		i8254_put(pc->pit, &s->pit);
		wire_timer(pc, s);
	}
	ioapic_put(pc->ioapic, &s->ioapic);
	for (unsigned n = 0; n < pc->cfg.ncpus; n++)
		lapic_put(pc->lapic[n], &s->lapic[n], base[n]);
	i8259_put(pc->pic, s->pic);
}
