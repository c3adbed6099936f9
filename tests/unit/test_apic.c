// SPDX-License-Identifier: GPL-2.0-or-later
/* Local APIC and I/O APIC against the SDM's and the 82093AA's rules. */
#include "tests/unit/rig.h"

#include "hypervisor/ioapic.h"
#include "hypervisor/lapic.h"
#include "hypervisor/mem.h"

#define LAPIC		LAPIC_DEFAULT_BASE
#define ID		0x20
#define TPR		0x80
#define PPR		0xa0
#define EOI		0xb0
#define LDR		0xd0
#define DFR		0xe0
#define SVR		0xf0
#define ISR		0x100
#define TMR		0x180
#define IRR		0x200
#define ESR		0x280
#define ICR		0x300
#define ICR2		0x310
#define LVT_TIMER	0x320
#define LVT_LINT0	0x350
#define LVT_LINT1	0x360
#define LVT_ERROR	0x370
#define INITIAL		0x380
#define CURRENT		0x390
#define DIVIDE		0x3e0
#define MASKED		0x10000
#define PERIODIC	0x20000
#define BY_1		0xb

static struct mem *mem;
static struct lapic *lapic;
static struct ioapic *io;
static struct rig_wire intr, nmi;
static const char *refused;

static int pic_ack(void *opaque)
{
	return 0x77;
}

static void eoi(void *opaque, uint8_t vector)
{
	ioapic_eoi(io, vector);
}

static void unsupported(void *opaque, const char *what)
{
	refused = what;
}

static void send(void *opaque, const struct apic_msg *m)
{
	lapic_receive(lapic, m);
}

static bool requested(void *opaque, uint8_t vector)
{
	return lapic_requested(lapic, vector);
}

static uint32_t rd(unsigned reg)
{
	return mem_mmio_read(mem, LAPIC + reg, 4);
}

static void wr(unsigned reg, uint32_t val)
{
	mem_mmio_write(mem, LAPIC + reg, 4, val);
}

static void setup(void)
{
	struct lapic_config lc = {
		.clock = NULL, .pic_ack = pic_ack, .eoi = eoi,
		.unsupported = unsupported,
	};
	struct ioapic_config ic = {
		.id = 1, .send = send, .requested = requested,
	};

	rig_setup();
	ck_assert_int_eq(mem_create(&mem, 16 * MIB), 0);
	lc.clock = rig_clock;
	lc.mem = ic.mem = mem;
	lc.intr = rig_irq(&intr);
	lc.nmi = rig_irq(&nmi);
	ck_assert_int_eq(lapic_create(&lapic, &lc), 0);
	ck_assert_int_eq(ioapic_create(&io, &ic), 0);
	wr(SVR, 0x1ff);
}

static void redirect(unsigned pin, uint64_t entry)
{
	mem_mmio_write(mem, IOAPIC_BASE, 4, 0x10 + 2 * pin + 1);
	mem_mmio_write(mem, IOAPIC_BASE + 0x10, 4, entry >> 32);
	mem_mmio_write(mem, IOAPIC_BASE, 4, 0x10 + 2 * pin);
	mem_mmio_write(mem, IOAPIC_BASE + 0x10, 4, entry);
}

static uint32_t redirection(unsigned pin)
{
	mem_mmio_write(mem, IOAPIC_BASE, 4, 0x10 + 2 * pin);
	return mem_mmio_read(mem, IOAPIC_BASE + 0x10, 4);
}

static void self_ipi(uint8_t vector)
{
	wr(ICR, 0x44000 | vector);
}

START_TEST(reset_state)
{
	device_reset((struct device *)lapic);
	ck_assert_uint_eq(rd(ID), 0);
	ck_assert_uint_eq(rd(0x30) & 0xff, 0x14);
	ck_assert_uint_eq(rd(0x30) >> 16, 5);
	ck_assert_uint_eq(rd(SVR), 0xff);
	ck_assert_uint_eq(rd(DFR), 0xffffffff);
	ck_assert_uint_eq(rd(LVT_TIMER), MASKED);
	ck_assert_uint_eq(rd(LVT_LINT0), MASKED);
	/* Masks stay while the APIC is disabled by software. */
	wr(LVT_LINT0, 0x700);
	ck_assert_uint_eq(rd(LVT_LINT0), MASKED | 0x700);
	ck_assert_uint_eq(lapic_base(lapic), LAPIC | 0x900);
}
END_TEST

START_TEST(priorities_nest_by_class)
{
	self_ipi(0x41);
	ck_assert_int_eq(lapic_ack(lapic), 0x41);
	ck_assert_uint_eq(rd(PPR), 0x40);
	self_ipi(0x4f);			/* same class: waits */
	ck_assert(!intr.level);
	self_ipi(0x51);
	ck_assert(intr.level);
	ck_assert_int_eq(lapic_ack(lapic), 0x51);
	ck_assert_uint_eq(rd(ISR + 0x20), 1u << 1 | 1u << 17);
	wr(EOI, 0);
	ck_assert(!intr.level);
	wr(EOI, 0);
	ck_assert(intr.level);
	ck_assert_int_eq(lapic_ack(lapic), 0x4f);
	ck_assert_int_eq(lapic_ack(lapic), -1);
}
END_TEST

START_TEST(task_priority_holds_back)
{
	wr(TPR, 0x50);
	self_ipi(0x5f);
	ck_assert(!intr.level);
	ck_assert_uint_eq(rd(IRR + 0x20), 1u << 31);
	ck_assert_uint_eq(rd(PPR), 0x50);
	wr(TPR, 0x4f);
	ck_assert(intr.level);
	wr(TPR, 0xff);
	ck_assert(!intr.level);
}
END_TEST

START_TEST(software_disable_stops_requests)
{
	wr(SVR, 0xff);
	self_ipi(0x41);
	ck_assert(!intr.level);
	wr(SVR, 0x1ff);
	ck_assert_uint_eq(rd(IRR + 0x20), 0);
}
END_TEST

START_TEST(one_shot_timer)
{
	wr(DIVIDE, BY_1);
	wr(LVT_TIMER, 0x60);
	wr(INITIAL, 1000000);
	rig_advance(400000);
	ck_assert_uint_eq(rd(CURRENT), 600000);
	rig_advance(599999);
	ck_assert(!intr.level);
	rig_advance(1);
	ck_assert_int_eq(lapic_ack(lapic), 0x60);
	ck_assert_uint_eq(rd(CURRENT), 0);
	wr(EOI, 0);
	rig_advance(10000000);
	ck_assert(!intr.level);
	/* Switching to periodic starts nothing. */
	wr(LVT_TIMER, PERIODIC | 0x60);
	rig_advance(10000000);
	ck_assert(!intr.level);
}
END_TEST

START_TEST(timer_dividers)
{
	static const uint8_t code[] = { 0xb, 0, 1, 2, 3, 8, 9, 0xa };

	for (unsigned i = 0; i < ARRAY_SIZE(code); i++) {
		wr(DIVIDE, code[i]);
		wr(INITIAL, 1000000);
		rig_advance(128000);
		ck_assert_uint_eq(rd(CURRENT), 1000000 - (128000 >> i));
	}
}
END_TEST

START_TEST(masked_timer_counts_but_is_silent)
{
	wr(DIVIDE, BY_1);
	wr(LVT_TIMER, MASKED | 0x60);
	wr(INITIAL, 1000);
	rig_advance(500);
	ck_assert_uint_eq(rd(CURRENT), 500);
	rig_advance(1000);
	wr(LVT_TIMER, 0x60);
	rig_advance(100000);
	ck_assert(!intr.level);
}
END_TEST

START_TEST(periodic_timer_pays_late_ticks)
{
	unsigned got = 0;

	wr(DIVIDE, BY_1);
	wr(LVT_TIMER, PERIODIC | 0x60);
	wr(INITIAL, 1000000);
	rig_advance(10500000);		/* nobody takes the first */
	while (intr.level) {
		ck_assert_int_eq(lapic_ack(lapic), 0x60);
		wr(EOI, 0);
		got++;
		rig_advance(10000);
	}
	ck_assert_uint_eq(got, 10);
	rig_advance(300000);		/* at 10.9 periods */
	ck_assert(!intr.level);
	rig_advance(100000);
	ck_assert(intr.level);
}
END_TEST

START_TEST(lint0_passes_the_8259)
{
	lapic_lint(lapic, 0, true);
	ck_assert(!intr.level);
	wr(LVT_LINT0, 0x700);
	ck_assert(intr.level);
	ck_assert_int_eq(lapic_ack(lapic), 0x77);
	/* Not in service here: ExtINT knows no EOI. */
	ck_assert_uint_eq(rd(PPR), 0);
	lapic_lint(lapic, 0, false);
	ck_assert(!intr.level);
	ck_assert_int_eq(lapic_ack(lapic), -1);
}
END_TEST

START_TEST(lint_pins_deliver_nmi_and_fixed)
{
	wr(LVT_LINT1, 0x400);
	lapic_lint(lapic, 1, true);
	ck_assert_uint_eq(nmi.rises, 1);
	wr(LVT_LINT0, 0x8050);		/* fixed, level */
	lapic_lint(lapic, 0, true);
	ck_assert_int_eq(lapic_ack(lapic), 0x50);
	ck_assert_uint_eq(rd(LVT_LINT0) & 0x4000, 0x4000);
	wr(EOI, 0);
	ck_assert(intr.level);		/* still up: asks again */
	ck_assert_int_eq(lapic_ack(lapic), 0x50);
	lapic_lint(lapic, 0, false);
	wr(EOI, 0);
	ck_assert(!intr.level);
}
END_TEST

START_TEST(switched_off_the_pins_are_the_processors)
{
	ck_assert_int_eq(lapic_set_base(lapic, LAPIC | 0x100), 0);
	ck_assert_uint_eq(rd(SVR), 0xffffffff);
	lapic_lint(lapic, 0, true);
	ck_assert(intr.level);
	ck_assert_int_eq(lapic_ack(lapic), 0x77);
	ck_assert_int_eq(lapic_set_base(lapic, LAPIC | 0x900), 0);
	ck_assert_uint_eq(rd(SVR), 0xff);
}
END_TEST

START_TEST(base_moves_and_rejects_x2apic)
{
	ck_assert_int_eq(lapic_set_base(lapic, 0xfed00000 | 0x900), 0);
	ck_assert_uint_eq(mem_mmio_read(mem, 0xfed00000 + SVR, 4), 0x1ff);
	ck_assert_uint_eq(rd(SVR), 0xffffffff);
	ck_assert_int_eq(lapic_set_base(lapic, LAPIC | 0xd00), -1);
	ck_assert_int_eq(lapic_set_base(lapic, LAPIC | 0x901), -1);
}
END_TEST

START_TEST(ipi_destinations)
{
	wr(LDR, 0x02000000);
	wr(ICR2, 0);			/* physical, us */
	wr(ICR, 0x4041);
	ck_assert_int_eq(lapic_ack(lapic), 0x41);
	wr(EOI, 0);
	wr(ICR2, 0x01000000);		/* physical, nobody */
	wr(ICR, 0x4041);
	ck_assert(!intr.level);
	wr(ICR2, 0x06000000);		/* logical flat */
	wr(ICR, 0x4841);
	ck_assert_int_eq(lapic_ack(lapic), 0x41);
	wr(EOI, 0);
	wr(ICR2, 0x05000000);
	wr(ICR, 0x4841);
	ck_assert(!intr.level);
	wr(DFR, 0x0fffffff);		/* cluster 1, member 2 */
	wr(LDR, 0x12000000);
	wr(ICR2, 0x13000000);
	wr(ICR, 0x4841);
	ck_assert(intr.level);
	wr(ICR, 0xc4042);		/* all but self */
	ck_assert_uint_eq(rd(IRR + 0x20), 1u << 1);
	wr(ICR, 0x84400);		/* all, NMI */
	ck_assert_uint_eq(nmi.rises, 1);
	ck_assert_ptr_null(refused);
	wr(ICR, 0x84500);		/* all, INIT */
	ck_assert_ptr_nonnull(refused);
}
END_TEST

START_TEST(illegal_vectors_are_errors)
{
	wr(LVT_ERROR, 0xe0);
	self_ipi(0x0f);
	ck_assert(intr.level);
	ck_assert_int_eq(lapic_ack(lapic), 0xe0);
	ck_assert_uint_eq(rd(ESR), 0);	/* before the latching write */
	wr(ESR, 0);
	ck_assert_uint_eq(rd(ESR), 0x20);
	wr(ESR, 0);
	ck_assert_uint_eq(rd(ESR), 0);
}
END_TEST

START_TEST(ioapic_edges)
{
	redirect(4, 0x61);
	ck_assert_uint_eq(redirection(4), 0x61);
	ioapic_set(io, 4, true);
	ck_assert(ioapic_pending(io, 4));
	ck_assert_int_eq(lapic_ack(lapic), 0x61);
	ck_assert(!ioapic_pending(io, 4));
	wr(EOI, 0);
	ck_assert(!intr.level);
	redirect(4, MASKED | 0x61);
	ioapic_set(io, 4, false);
	ioapic_set(io, 4, true);
	redirect(4, 0x61);
	ck_assert(!intr.level);		/* an edge at a masked pin is lost */
	mem_mmio_write(mem, IOAPIC_BASE, 4, 1);
	ck_assert_uint_eq(mem_mmio_read(mem, IOAPIC_BASE + 0x10, 4), 0x170011);
}
END_TEST

START_TEST(ioapic_levels_ask_again_after_eoi)
{
	redirect(9, 0x8071);
	ioapic_set(io, 9, true);
	ck_assert_uint_eq(redirection(9), 0xc071);
	ck_assert_int_eq(lapic_ack(lapic), 0x71);
	ck_assert_uint_eq(rd(TMR + 0x30), 1u << 17);
	ck_assert(!intr.level);
	wr(EOI, 0);
	ck_assert_int_eq(lapic_ack(lapic), 0x71);
	ioapic_set(io, 9, false);
	wr(EOI, 0);
	ck_assert_uint_eq(redirection(9), 0x8071);
	ck_assert(!intr.level);
	/* A masked level waits in the line. */
	redirect(9, MASKED | 0x8071);
	ioapic_set(io, 9, true);
	ck_assert(!intr.level);
	redirect(9, 0x8071);
	ck_assert(intr.level);
}
END_TEST

static void disturb(void)
{
	wr(TPR, 0xff);
	wr(SVR, 0xff);
	wr(INITIAL, 0);
	lapic_set_base(lapic, LAPIC | 0x100);
}

START_TEST(save_and_load_keep_requests_and_timer)
{
	wr(DIVIDE, BY_1);
	wr(LVT_TIMER, 0x60);
	wr(INITIAL, 1000);
	self_ipi(0x45);
	rig_save_load(lapic, disturb);
	ck_assert(intr.level);
	ck_assert_int_eq(lapic_ack(lapic), 0x45);
	rig_advance(1000);
	ck_assert_int_eq(lapic_ack(lapic), 0x60);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		reset_state, priorities_nest_by_class,
		task_priority_holds_back, software_disable_stops_requests,
		one_shot_timer, timer_dividers,
		masked_timer_counts_but_is_silent,
		periodic_timer_pays_late_ticks, lint0_passes_the_8259,
		lint_pins_deliver_nmi_and_fixed,
		switched_off_the_pins_are_the_processors,
		base_moves_and_rejects_x2apic, ipi_destinations,
		illegal_vectors_are_errors, ioapic_edges,
		ioapic_levels_ask_again_after_eoi,
		save_and_load_keep_requests_and_timer,
	};

	return rig_main("apic", setup, tests, ARRAY_SIZE(tests));
}
