// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KVM's own interrupt controllers: they give back what they are given, and no
 * interrupt is lost or doubled on the way.
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "fullvirt/hv/hv.h"
#include "hypervisor/irqchip.h"
#include "hypervisor/mem.h"
#include "tests/unit/hv_rig.h"

#define ROUNDS		1000
#define CODE_AT		0x10000
#define COUNT_AT	0x20000
#define IDT_AT		0x30000
#define STACK_TOP	0x18000
#define VECTOR		0x51

/* Registers of the local APIC / 10h, SDM Vol. 3A table 10-1. */
enum {
	R_ID = 0x02, R_VERSION = 0x03, R_TPR = 0x08, R_PPR = 0x0a, R_LDR = 0x0d,
	R_DFR = 0x0e, R_SVR = 0x0f, R_ISR = 0x10, R_TMR = 0x18, R_IRR = 0x20,
	R_ICR_HIGH = 0x31, R_LVT_TIMER = 0x32, R_LVT_LINT0 = 0x35,
	R_INITIAL = 0x38, R_CURRENT = 0x39, R_DIVIDE = 0x3e,
};

#define SVR_ON		0x1ff
#define LVT_MASKED	0x10000
#define LVT_PERIODIC	0x20000
#define DIVIDE_BY_1	0xb
#define MS		1000000		/* counts */
#define REDIR_LEVEL	(1ULL << 15)
#define REDIR_MASKED	(1ULL << 16)

static struct mem *mem;
static struct engine_bus bus;
static struct engine *engine;
static const struct engine_irqchip *chip;
static unsigned seed = 1;

static uint32_t rnd(void)
{
	return rand_r(&seed) ^ (uint32_t)rand_r(&seed) << 16;
}

static void create(const char *option)
{
	const char *const options[] = { option, NULL };
	struct engine_config cfg = { .mem = mem, .bus = &bus, .log = stderr,
				     .options = options };
	char err[160];

	ck_assert_msg(!hv_engine_ops.create(&engine, &cfg, err), "%s", err);
	chip = engine->ops->irqchip;
}

static void set_up(void)
{
	memset(&bus, 0, sizeof(bus));
	ck_assert_int_eq(mem_create(&mem, 4 * MIB), 0);
	create("hv.irqchip=on");
	ck_assert(chip->present(engine));
}

static void tear_down(void)
{
	hv_engine_ops.destroy(engine);
	mem_destroy(mem);
}

/*
 * States.  Level-triggered inputs are those of ELCR; an edge input's request
 * stays when its line falls.
 */

static void random_pic(struct irqchip_pic *p, uint8_t elcr_mask)
{
	*p = (struct irqchip_pic){
		.imr = rnd(), .isr = rnd(), .irr = rnd(), .lines = rnd(),
		.elcr = rnd() & elcr_mask, .base = rnd() & 0xf8,
		.top = rnd() & 7, .auto_eoi = rnd() & 1,
		.rotate_auto_eoi = rnd() & 1, .special_nested = rnd() & 1,
		.special_mask = rnd() & 1, .read_isr = rnd() & 1,
	};
	p->icw4_wanted = rnd() & 1;
	p->init = rnd() % 3 ? 0 : 2 + rnd() % 3;
}

/* The slave's output is the master's input 2, whatever the state says. */
static void forget_cascade(struct irqchip_pic *master)
{
	master->lines &= ~4;
	master->irr &= ~4;
}

/* Masked, so that nothing is on its way to a local APIC. */
static void random_ioapic(struct irqchip_ioapic *io)
{
	for (unsigned n = 0; n < IRQCHIP_PINS; n++)
		io->redir[n] = (uint64_t)(rnd() & 0xff) << 56 | REDIR_MASKED |
			       (rnd() & 0xa8ff) | (rnd() & 1) << 8;
	io->id = rnd() & 15;
	io->index = rnd() % 0x40;
}

/* In a random mode of priorities; the timer stands. */
static void random_lapic(struct irqchip_lapic *l)
{
	l->reg[R_TPR] = rnd() & 0xff;
	l->reg[R_LDR] = rnd() & 0xff000000;
	l->reg[R_DFR] = rnd() | 0x0fffffff;
	l->reg[R_SVR] = SVR_ON;
	for (unsigned n = 0; n < 8; n++) {
		/* Vectors below 16 are nobody's. */
		uint32_t valid = n ? ~0u : 0xffff0000;

		l->reg[R_IRR + n] = rnd() & valid;
		l->reg[R_ISR + n] = rnd() & valid;
		l->reg[R_TMR + n] = rnd() & valid;
	}
	l->reg[R_ICR_HIGH] = rnd() & 0xff000000;
	l->reg[R_LVT_TIMER] = (rnd() & 0x300ff);
	l->reg[R_LVT_LINT0] = LVT_MASKED | (rnd() & 0xa7ff);
	l->reg[R_DIVIDE] = rnd() & 0xb;
	l->reg[R_INITIAL] = rnd() & LVT_PERIODIC ? 0 : rnd();
	l->reg[R_LVT_TIMER] &= ~LVT_PERIODIC;
}

static void compare_lapics(const struct irqchip_lapic *a,
			   const struct irqchip_lapic *b)
{
	for (unsigned n = 0; n < IRQCHIP_LAPIC_REGS; n++)
		if (n != R_PPR)
			ck_assert_msg(a->reg[n] == b->reg[n],
				      "register %02x0: %08x became %08x", n,
				      a->reg[n], b->reg[n]);
}

START_TEST(random_states_come_back)
{
	struct irqchip_state in, out;

	memset(&in, 0, sizeof(in));
	ck_assert_int_eq(chip->get_lapic(engine, &in.lapic[0]), 0);
	for (unsigned n = 0; n < ROUNDS; n++) {
		memset(&out, 0xee, sizeof(out));
		random_pic(&in.pic[0], 0xf8);
		random_pic(&in.pic[1], 0xde);
		random_ioapic(&in.ioapic);
		random_lapic(&in.lapic[0]);
		ck_assert_int_eq(chip->set_lapic(engine, &in.lapic[0]), 0);
		ck_assert_int_eq(chip->set(engine, &in), 0);
		ck_assert_int_eq(chip->get(engine, &out), 0);
		ck_assert_int_eq(chip->get_lapic(engine, &out.lapic[0]), 0);
		forget_cascade(&in.pic[0]);
		forget_cascade(&out.pic[0]);
		ck_assert_mem_eq(in.pic, out.pic, sizeof(in.pic));
		ck_assert_mem_eq(in.ioapic.redir, out.ioapic.redir,
				 sizeof(in.ioapic.redir));
		ck_assert_uint_eq(in.ioapic.id, out.ioapic.id);
		ck_assert_uint_eq(in.ioapic.index, out.ioapic.index);
		compare_lapics(&in.lapic[0], &out.lapic[0]);
	}
}
END_TEST

/*
 * Lines.
 */

static void quiet(struct irqchip_state *s)
{
	memset(s, 0, sizeof(*s));
	ck_assert_int_eq(chip->get_lapic(engine, &s->lapic[0]), 0);
	s->lapic[0].reg[R_SVR] = SVR_ON;
	memset(&s->lapic[0].reg[R_IRR], 0, 8 * sizeof(uint32_t));
	for (unsigned n = 0; n < IRQCHIP_PINS; n++)
		s->ioapic.redir[n] = REDIR_MASKED;
	s->pic[0].imr = s->pic[1].imr = 0xff;
}

static bool requested(void)
{
	struct irqchip_lapic l;

	ck_assert_int_eq(chip->get_lapic(engine, &l), 0);
	return l.reg[R_IRR + VECTOR / 32] >> VECTOR % 32 & 1;
}

static void give(const struct irqchip_state *s)
{
	ck_assert_int_eq(chip->set_lapic(engine, &s->lapic[0]), 0);
	ck_assert_int_eq(chip->set(engine, s), 0);
}

START_TEST(edge_that_came_before_does_not_come_again)
{
	struct irqchip_state s;

	quiet(&s);
	s.ioapic.redir[5] = VECTOR;
	s.ioapic.lines = 1u << 5;
	s.pic[0].lines = 1u << 5;
	give(&s);
	ck_assert(!requested());
	/* The line is still up for KVM: the next edge is one. */
	chip->line(engine, 5, false);
	ck_assert(!requested());
	chip->line(engine, 5, true);
	ck_assert(requested());
}
END_TEST

START_TEST(level_that_nobody_answered_asks)
{
	struct irqchip_state s;

	quiet(&s);
	s.ioapic.redir[20] = VECTOR | REDIR_LEVEL;
	s.ioapic.lines = 1u << 20;
	give(&s);
	ck_assert(requested());
}
END_TEST

/* KVM's idea of a line is from the last time that its chips were in charge. */
START_TEST(line_that_fell_meanwhile_has_fallen)
{
	struct irqchip_state s;

	quiet(&s);
	give(&s);
	chip->line(engine, 20, true);
	s.ioapic.redir[20] = VECTOR | REDIR_LEVEL;
	give(&s);
	ck_assert(!requested());
}
END_TEST

START_TEST(entries_in_nmi_mode_are_found)
{
	struct irqchip_state s;

	quiet(&s);
	s.lapic[0].reg[R_LVT_LINT0] = LVT_MASKED | 0x400;
	give(&s);
	ck_assert(!chip->nmi_possible(engine));
	s.lapic[0].reg[R_LVT_LINT0] = 0x400;
	give(&s);
	ck_assert(chip->nmi_possible(engine));
	s.lapic[0].reg[R_LVT_LINT0] = 0x700;
	give(&s);
	ck_assert(!chip->nmi_possible(engine));
	s.ioapic.redir[9] = VECTOR | 0x400;
	give(&s);
	ck_assert(chip->nmi_possible(engine));
}
END_TEST

/*
 * The timer.
 */

static void set_timer(uint32_t lvt, uint32_t initial, uint32_t current)
{
	struct irqchip_state s;

	quiet(&s);
	s.lapic[0].reg[R_LVT_TIMER] = lvt | VECTOR;
	s.lapic[0].reg[R_DIVIDE] = DIVIDE_BY_1;
	s.lapic[0].reg[R_INITIAL] = initial;
	s.lapic[0].reg[R_CURRENT] = current;
	give(&s);
}

static void *stop_soon(void *opaque)
{
	usleep(3000);
	atomic_store(&bus.stop, 1);
	hv_engine_ops.kick(engine);
	return NULL;
}

static void run_3_ms(void)
{
	struct engine_exit_info info;
	pthread_t t;

	atomic_store(&bus.stop, 0);
	pthread_create(&t, NULL, stop_soon, NULL);
	hv_engine_ops.run(engine, &info);
	pthread_join(t, NULL);
	ck_assert_int_eq(info.exit, ENGINE_KICKED);
}

static void load(const uint8_t *code, size_t len)
{
	struct vcpu v;

	memset(&v, 0, sizeof(v));
	vcpu_reset(&v, 0, false);
	vcpu_set_flat32(&v, 8, 16, CODE_AT);
	v.gpr[GPR_SP] = STACK_TOP;
	ck_assert_int_eq(mem_write(mem, CODE_AT, code, len), 0);
	hv_engine_ops.mem_changed(engine, 0, mem->top);
	hv_engine_ops.set_state(engine, &v);
}

/* Let the guest run, which does nothing, for 3 ms. */
static void run_guest(void)
{
	static const uint8_t code[] = { 0xeb, 0xfe };	/* jmp . */

	load(code, sizeof(code));
	run_3_ms();
}

START_TEST(timer_that_has_expired_does_not_again)
{
	struct irqchip_lapic l;

	set_timer(0, MS, 0);
	run_guest();
	ck_assert(!requested());
	ck_assert_int_eq(chip->get_lapic(engine, &l), 0);
	ck_assert_uint_eq(l.reg[R_INITIAL], MS);
	ck_assert_uint_eq(l.reg[R_CURRENT], 0);
}
END_TEST

START_TEST(timer_that_expires_while_the_vcpu_stands_is_not_lost)
{
	/* One-shot; periodic, which passes 0 on the way. */
	set_timer(_i ? LVT_PERIODIC : 0, 2000 * MS, MS);
	run_guest();
	ck_assert(requested());
	set_timer(_i ? LVT_PERIODIC : 0, 2000 * MS, 400 * MS);
	run_guest();
	ck_assert(!requested());
	usleep(500000);
	ck_assert(requested());
}
END_TEST

/* KVM_RUN comes back before the timer expires, and is handled afterwards. */
static int slow_way_out(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	if (ret < 0)
		ret = -errno;
	if (request == KVM_RUN && atomic_load(&bus.stop)) {
		hv_ioctl_hook = NULL;
		usleep(100000);
	}
	return ret;
}

START_TEST(timer_that_expires_on_the_way_out_is_not_lost)
{
	set_timer(_i ? LVT_PERIODIC : 0, 2000 * MS, 50 * MS);
	hv_ioctl_hook = slow_way_out;
	run_guest();
	ck_assert_ptr_null(hv_ioctl_hook);
	ck_assert(requested());
}
END_TEST

/* Counts interrupts at COUNT_AT. */
extern const uint8_t counter[], counter_end[], counter_entry[];
__asm__(".pushsection .rodata\n.code32\n"
"counter:\n"
#define AT(label) "(0x10000 + " #label " - counter)"
"	lgdt " AT(counter_gdt_reg) "\n"
"	lidt " AT(counter_idt_reg) "\n"
"	sti\n"
"	jmp .\n"
"counter_entry:\n"
"	incl 0x20000\n"
"	movl $0, 0xfee000b0\n"
"	iret\n"
"	.balign 8\n"
"counter_gdt: .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff\n"
"counter_gdt_reg: .word 23\n"
"	.long " AT(counter_gdt) "\n"
"counter_idt_reg: .word 0x7ff\n"
"	.long 0x30000\n"
"counter_end:\n.code64\n.popsection");

static void load_counter(void)
{
	uint32_t at = CODE_AT + (counter_entry - counter);
	uint8_t gate[8] = { at, at >> 8, 8, 0, 0, 0x8e, at >> 16, at >> 24 };

	ck_assert_int_eq(mem_write(mem, IDT_AT + 8 * VECTOR, gate,
				   sizeof(gate)), 0);
	load(counter, counter_end - counter);
}

static uint32_t counted(void)
{
	uint32_t n;

	ck_assert_int_eq(mem_read(mem, COUNT_AT, &n, sizeof(n)), 0);
	return n;
}

/* Its count is 0 as that of one which expires while the vCPU stands. */
START_TEST(timer_that_the_guest_has_taken_does_not_come_again)
{
	struct irqchip_state s;

	set_timer(0, MS, MS);
	load_counter();
	for (unsigned n = 0; n < 1000 && !counted(); n++)
		run_3_ms();
	ck_assert_uint_eq(counted(), 1);
	ck_assert(!requested());
	quiet(&s);
	ck_assert_int_eq(chip->get_lapic(engine, &s.lapic[0]), 0);
	give(&s);
	run_3_ms();
	ck_assert_uint_eq(counted(), 1);
}
END_TEST

START_TEST(masked_timer_requests_nothing)
{
	set_timer(LVT_MASKED, 20 * MS, MS);
	run_guest();
	usleep(1000);
	ck_assert(!requested());
}
END_TEST

/*
 * The 8254.
 */

#define PIT_MAX		65536u
#define PIT_PER_MS	1193

static void clear_pit(struct irqchip_pit *p)
{
	memset(p, 0, sizeof(*p));
	for (unsigned n = 0; n < 3; n++)
		p->ch[n] = (struct irqchip_pit_channel){
			.count = PIT_MAX, .mode = 3, .rw = 3, .gate = 1,
			.programmed = 1, .armed = 1,
		};
}

static void random_channel(struct irqchip_pit_channel *c)
{
	c->count = 1 + rnd() % PIT_MAX;
	c->mode = rnd() % 6;
	c->rw = 1 + rnd() % 3;
	c->bcd = rnd() & 1;
	c->gate = rnd() & 1;
	c->read_msb = c->rw == 3 && rnd() & 1;
	c->write_msb = c->rw == 3 && rnd() & 1;
	c->write_low = rnd();
	c->latched = rnd() % (c->rw == 3 ? 3 : 2);
	c->latch = rnd();
	c->status_latched = rnd() & 1;
	c->status = rnd();
}

/* Counts go on meanwhile. */
static void forget_time(struct irqchip_pit *p)
{
	for (unsigned n = 0; n < 3; n++)
		p->ch[n].elapsed = p->ch[n].fired = 0;
}

START_TEST(timer_states_come_back)
{
	struct irqchip_pit in, out;

	for (unsigned n = 0; n < ROUNDS; n++) {
		clear_pit(&in);
		for (unsigned c = 0; c < 3; c++)
			random_channel(&in.ch[c]);
		in.speaker = rnd() & 1;
		in.replaced = rnd() & 1;
		memset(&out, 0, sizeof(out));
		ck_assert_int_eq(chip->set_pit(engine, &in), 0);
		ck_assert_int_eq(chip->get_pit(engine, &out), 0);
		forget_time(&out);
		ck_assert_mem_eq(&in, &out, sizeof(in));
	}
}
END_TEST

static bool tick_waits(void)
{
	struct irqchip_state s;

	ck_assert_int_eq(chip->get(engine, &s), 0);
	return s.pic[0].irr & 1;
}

/* KVM's timer has a thread, which a busy host may keep waiting. */
static bool tick_comes(void)
{
	for (unsigned n = 0; n < 1000; n++) {
		if (tick_waits())
			return true;
		usleep(3000);
	}
	return false;
}

static void no_tick(void)
{
	struct irqchip_state s;

	quiet(&s);
	give(&s);
}

static uint64_t ms_since(const struct timespec *a)
{
	struct timespec b;

	clock_gettime(CLOCK_MONOTONIC, &b);
	return (b.tv_sec - a->tv_sec) * 1000 +
	       (b.tv_nsec - a->tv_nsec) / 1000000;
}

/* KVM begins the period anew each time; the parts add up to a tick. */
START_TEST(pauses_cost_no_tick)
{
	struct timespec start;
	struct irqchip_pit p;
	unsigned ticks = 0, due;

	no_tick();
	clear_pit(&p);
	p.ch[0].mode = 2;
	clock_gettime(CLOCK_MONOTONIC, &start);
	while (ms_since(&start) < 400) {
		ck_assert_int_eq(chip->set_pit(engine, &p), 0);
		ticks += tick_waits();
		no_tick();
		usleep(3000);
		ck_assert_int_eq(chip->get_pit(engine, &p), 0);
	}
	due = ms_since(&start) * PIT_PER_MS / PIT_MAX;
	ck_assert_msg(ticks <= due && ticks + 2 >= due, "%u of %u ticks",
		      ticks, due);
}
END_TEST

START_TEST(rest_of_a_one_shot_goes_on_and_it_fires_once)
{
	struct irqchip_pit p;

	no_tick();
	clear_pit(&p);
	p.ch[0].mode = _i ? 4 : 0;
	p.ch[0].elapsed = PIT_MAX - 10 * PIT_PER_MS;
	ck_assert_int_eq(chip->set_pit(engine, &p), 0);
	ck_assert(tick_comes());
	ck_assert_int_eq(chip->get_pit(engine, &p), 0);
	ck_assert(p.ch[0].fired);
	no_tick();
	ck_assert_int_eq(chip->set_pit(engine, &p), 0);
	/* Not when the longest count of a guest is over, either: 55 ms. */
	usleep(80000);
	ck_assert(!tick_waits());
	ck_assert_int_eq(chip->get_pit(engine, &p), 0);
	ck_assert(p.ch[0].fired);
	ck_assert_uint_le(p.ch[0].count, 10 * PIT_PER_MS);
	ck_assert_uint_gt(p.ch[0].elapsed, p.ch[0].count + 80 * PIT_PER_MS);
}
END_TEST

/* A control word without a count. */
START_TEST(timer_without_a_count_ticks_nobody)
{
	struct irqchip_pit p;

	no_tick();
	clear_pit(&p);
	p.ch[0].mode = _i;
	p.ch[0].armed = 0;
	ck_assert_int_eq(chip->set_pit(engine, &p), 0);
	usleep(80000);
	ck_assert(!tick_waits());
	ck_assert_int_eq(chip->get_pit(engine, &p), 0);
	ck_assert(!p.ch[0].armed && p.ch[0].programmed);
	ck_assert_uint_eq(p.ch[0].mode, _i);
}
END_TEST

/* The gap between a pause's two calls is no time for the guest. */
START_TEST(stopped_timer_ticks_nobody)
{
	struct irqchip_pit p;

	clear_pit(&p);
	p.ch[0].count = PIT_PER_MS;
	ck_assert_int_eq(chip->set_pit(engine, &p), 0);
	ck_assert_int_eq(chip->get_pit(engine, &p), 0);
	usleep(2000);
	no_tick();
	usleep(10000);
	ck_assert(!tick_waits());
}
END_TEST

START_TEST(replaced_timer_is_silent)
{
	struct irqchip_pit p;

	no_tick();
	clear_pit(&p);
	p.ch[0].count = PIT_PER_MS;
	p.replaced = 1;
	ck_assert_int_eq(chip->set_pit(engine, &p), 0);
	usleep(10000);
	ck_assert(!tick_waits());
	p.replaced = 0;
	ck_assert_int_eq(chip->set_pit(engine, &p), 0);
	ck_assert(tick_comes());
}
END_TEST

/*
 * Several processors.
 */

/* Sends INIT and a start-up IPI to page 9 to the others, then stops. */
extern const uint8_t starter[], starter_end[];
__asm__(".pushsection .rodata\n.code32\n"
"starter:\n"
"	movl $0x1ff, 0xfee000f0\n"
"	movl $0xc4500, 0xfee00300\n"
"	movl $0xc4609, 0xfee00300\n"
"	out %al, $0x80\n"
"	jmp .\n"
"starter_end:\n.code64\n.popsection");

static void stop_now(void *opaque, uint16_t port, unsigned size, uint32_t val)
{
	atomic_store(&bus.stop, 1);
}

/* They wait in KVM's local APIC until somebody looks at the processor. */
START_TEST(start_up_of_a_processor_that_stands_is_in_its_state)
{
	struct engine_bus bus2 = { .opaque = NULL };
	struct engine_config cfg = { .mem = mem, .bus = &bus2, .log = stderr,
				     .cpu_index = 1, .peer = engine };
	struct engine_exit_info info;
	struct engine *second;
	struct vcpu v;
	char err[160];

	ck_assert_msg(!hv_engine_ops.create(&second, &cfg, err), "%s", err);
	memset(&v, 0, sizeof(v));
	vcpu_reset(&v, 1, false);
	v.rip = 0x1234;
	hv_engine_ops.set_state(second, &v);
	bus.pio_write = stop_now;
	load(starter, starter_end - starter);
	hv_engine_ops.run(engine, &info);
	ck_assert_int_eq(info.exit, ENGINE_KICKED);
	hv_engine_ops.get_state(second, &v);
	ck_assert_uint_eq(v.activity, ACTIVITY_RUN);
	ck_assert_uint_eq(v.seg[SEG_CS].base, 0x9000);
	ck_assert_uint_eq(v.rip, 0);
	hv_engine_ops.destroy(second);
}
END_TEST

/*
 * Whose controllers.
 */

START_TEST(they_are_not_used_when_not_wanted)
{
	ck_assert(chip->pit_present(engine));
	hv_engine_ops.destroy(engine);
	create("hv.irqchip=off");
	ck_assert(!chip->present(engine));
	ck_assert(!chip->pit_present(engine));
}
END_TEST

static void no_hypercall(void *opaque, struct vcpu *v)
{
}

START_TEST(vmi_keeps_ours)
{
	static const char *const on[] = { "hv.irqchip=on", NULL };
	struct engine_config cfg = { .mem = mem, .bus = &bus, .log = stderr,
				     .options = on };
	char err[160];

	bus.hypercall = no_hypercall;
	hv_engine_ops.destroy(engine);
	ck_assert_int_lt(hv_engine_ops.create(&engine, &cfg, err), 0);
	ck_assert_ptr_nonnull(strstr(err, "--vmi"));
	create("hv.irqchip=auto");
	ck_assert(!chip->present(engine));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hv_irqchip");
	TCase *t = tcase_create("hv_irqchip");
	SRunner *r = srunner_create(s);

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, set_up, tear_down);
	if (hv_there("KVM's interrupt controllers")) {
		tcase_add_test(t, random_states_come_back);
		tcase_add_test(t, edge_that_came_before_does_not_come_again);
		tcase_add_test(t, level_that_nobody_answered_asks);
		tcase_add_test(t, line_that_fell_meanwhile_has_fallen);
		tcase_add_test(t, entries_in_nmi_mode_are_found);
		tcase_add_test(t, timer_that_has_expired_does_not_again);
		tcase_add_loop_test(t, timer_that_expires_while_the_vcpu_stands_is_not_lost,
				    0, 2);
		tcase_add_loop_test(t, timer_that_expires_on_the_way_out_is_not_lost,
				    0, 2);
		tcase_add_test(t, timer_that_the_guest_has_taken_does_not_come_again);
		tcase_add_test(t, masked_timer_requests_nothing);
		tcase_add_test(t, timer_states_come_back);
		tcase_add_test(t, pauses_cost_no_tick);
		tcase_add_loop_test(t, rest_of_a_one_shot_goes_on_and_it_fires_once,
				    0, 2);
		tcase_add_loop_test(t, timer_without_a_count_ticks_nobody, 0,
				    4);
		tcase_add_test(t, stopped_timer_ticks_nobody);
		tcase_add_test(t, replaced_timer_is_silent);
		tcase_add_test(t, start_up_of_a_processor_that_stands_is_in_its_state);
		tcase_add_test(t, they_are_not_used_when_not_wanted);
		tcase_add_test(t, vmi_keeps_ours);
	}
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
