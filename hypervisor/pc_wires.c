/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PC's lines.
 *
 *	devices -- isa[0..15] --+-- 8259 pair -- INT -- LINT0 --+
 *	                        |                               local APIC -- INTR
 *	                        +-- I/O APIC -- APIC bus -------+
 *
 * An ISA line is the OR of all devices on it.  It reaches the 8259 input of
 * the same number and the I/O APIC pin of the same number, except that line 0
 * (the timer) is on pin 2.
 */
#include "hypervisor/pc_priv.h"

#include "hypervisor/i8259.h"
#include "hypervisor/ioapic.h"
#include "hypervisor/mem.h"

static void isa_line(void *opaque, unsigned n, bool level)
{
	struct pc *pc = opaque;
	uint8_t was = pc->wires.isa[n];

	pc->wires.isa[n] += level ? 1 : -1;
	if (!was == !pc->wires.isa[n])
		return;
	pc->raised[n] += level;
	if (pc->line) {
		pc->line(pc->line_opaque, n, level);
		return;
	}
	i8259_set(pc->pic, n, level);
	ioapic_set(pc->ioapic, n == IRQ_TIMER ? TIMER_PIN : n, level);
}

static bool isa_pending(void *opaque, unsigned n)
{
	struct pc *pc = opaque;

	if (pc->line)
		return false;	/* not to be known from outside */
	return i8259_pending(pc->pic, n) ||
	       ioapic_pending(pc->ioapic, n == IRQ_TIMER ? TIMER_PIN : n);
}

struct irq pc_isa_wire(struct pc *pc, unsigned n)
{
	struct irq irq;

	irq_init(&irq, isa_line, pc, n);
	irq.pending = isa_pending;
	return irq;
}

/*
 * The 8254 and the RTC reach their lines unless the HPET stands for them.
 * @n: 0 or 8.
 */
static void legacy_line(void *opaque, unsigned n, bool level)
{
	struct pc *pc = opaque;

	pc->wires.cut[n / 8] = level;
	if (!pc->wires.replaced)
		isa_line(pc, n, level);
}

void pc_replace_legacy(void *opaque, bool on)
{
	struct pc *pc = opaque;

	for (unsigned n = 0; n < 2; n++)
		if (pc->wires.cut[n] && pc->wires.replaced != on)
			isa_line(pc, n * 8, !on);
	pc->wires.replaced = on;
	if (pc->replace)
		pc->replace(pc->replace_opaque, on);
}

void pc_on_replace(struct pc *pc, pc_replace_fn *fn, void *opaque)
{
	pc->replace = fn;
	pc->replace_opaque = opaque;
}

struct irq pc_legacy_wire(struct pc *pc, unsigned n)
{
	struct irq irq = pc_isa_wire(pc, n);

	irq.fn = legacy_line;
	return irq;
}

void pc_raise_event(struct pc *pc, enum pc_event ev, unsigned arg,
		    const char *text)
{
	pc->cfg.event(pc->cfg.opaque, ev, arg, text);
}

void pc_reset_line(void *opaque, unsigned n, bool level)
{
	if (level)
		pc_raise_event(opaque, PC_RESET, 0, NULL);
}

void pc_init_line(void *opaque, unsigned n, bool level)
{
	if (level)
		pc_soft_reset(opaque);
}

/* Either gate opens it, as on the PS/2. */
void pc_a20_line(void *opaque, unsigned n, bool level)
{
	struct pc *pc = opaque;

	pc->wires.a20 += level ? 1 : -1;
	mem_set_a20(pc->cfg.mem, pc->wires.a20);
}

struct irq pc_wire(struct pc *pc, irq_fn *fn)
{
	struct irq irq;

	irq_init(&irq, fn, pc, 0);
	return irq;
}

void pc_unsupported(void *opaque, const char *what)
{
	pc_raise_event(opaque, PC_UNSUPPORTED, 0, what);
}

/* An alarm of the VMI "as if the PIT fired". */
void pc_irq0_edge(void *opaque)
{
	struct pc *pc = opaque;
	bool level = pc->wires.isa[IRQ_TIMER];

	i8259_set(pc->pic, IRQ_TIMER, false);
	ioapic_set(pc->ioapic, TIMER_PIN, false);
	i8259_set(pc->pic, IRQ_TIMER, true);
	ioapic_set(pc->ioapic, TIMER_PIN, true);
	i8259_set(pc->pic, IRQ_TIMER, level);
	ioapic_set(pc->ioapic, TIMER_PIN, level);
}

static void wires_reset(struct device *d)
{
}

static const struct field wires_fields[] = {
	FIELD(struct wires, isa, 1),
	FIELD(struct wires, a20, 1),
	FIELD(struct wires, replaced, 2),
	FIELD(struct wires, cut, 2),
};

const struct device_class pc_wires_class = {
	"wires", 2, wires_fields, ARRAY_SIZE(wires_fields), wires_reset, NULL,
	NULL,
};
