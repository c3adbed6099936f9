// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * struct vcpu in and out of every engine: random states that a processor can
 * be in are set, read back and compared, field by field.
 *
 * Segment registers obey what processors keep of them: G says that the limit
 * is above 1 MiB, data segments are accessed, a TSS is busy.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fullvirt/hv/hv.h"	/* the copy that must not count */
#include "hypervisor/engine.h"
#include "hypervisor/mem.h"
#include "tests/unit/hv_rig.h"

#define STATES		1000
#define SEED		20061103ULL

/* The last one with KVM's own interrupt controllers, which keep MP states. */
static const struct {
	const struct engine_ops *ops;
	const char *options[2];
} engines[] = {
	{ &interp_engine_ops }, { &bt_engine_ops },
	{ &hv_engine_ops, { "hv.irqchip=off" } },
	{ &hv_engine_ops, { "hv.irqchip=on" } },
};

static struct mem *mem;
static struct engine_bus bus;
static struct engine *engine;
static uint64_t rng;

/* xorshift64* */
static uint64_t rnd(void)
{
	rng ^= rng >> 12;
	rng ^= rng << 25;
	rng ^= rng >> 27;
	return rng * 0x2545f4914f6cdd1dULL;
}

static uint64_t below(uint64_t n)
{
	return rnd() % n;
}

static bool flip(void)
{
	return below(2);
}

static uint64_t canonical(void)
{
	return (uint64_t)((int64_t)(rnd() << 16) >> 16);
}

enum mode { REAL, PROT16, PROT32, V86, PAGED, PAE, LONG, COMPAT, MODES };

static bool is_long(enum mode m)
{
	return m == LONG || m == COMPAT;
}

/*
 * Segments.
 */

static struct segment real_segment(void)
{
	uint16_t sel = rnd();

	return (struct segment){
		.selector = sel, .base = (uint32_t)sel << 4, .limit = 0xffff,
		.attr = SEG_P | SEG_S | SEG_TYPE_WRITE | SEG_TYPE_ACCESSED,
	};
}

static void set_limit(struct segment *s)
{
	if (flip()) {
		s->attr |= SEG_G;
		s->limit = ((uint32_t)rnd() | 0x100000) | 0xfff;
	} else {
		s->limit = rnd() & 0xfffff;
	}
}

static struct segment data_segment(unsigned dpl, bool may_be_null)
{
	struct segment s = { .selector = (rnd() & 0xfff8) | dpl };

	if (may_be_null && !below(4))
		return (struct segment){ .attr = SEG_UNUSABLE,
					 .selector = below(4) };
	s.base = (uint32_t)rnd();
	s.attr = SEG_P | SEG_S | SEG_TYPE_WRITE | SEG_TYPE_ACCESSED |
		 dpl << SEG_DPL_SHIFT | (flip() ? SEG_DB : 0) |
		 (flip() ? SEG_AVL : 0);
	set_limit(&s);
	return s;
}

static void protected_segments(struct vcpu *v, enum mode m)
{
	unsigned cpl = flip() ? 3 : 0;

	for (unsigned n = 0; n < SEG_COUNT; n++)
		v->seg[n] = data_segment(cpl, n != SEG_SS && n != SEG_CS);
	v->seg[SEG_CS].attr |= SEG_TYPE_CODE;
	v->seg[SEG_CS].attr &= ~SEG_DB;
	if (m == LONG)
		v->seg[SEG_CS].attr |= SEG_L;
	else if (m != PROT16)
		v->seg[SEG_CS].attr |= SEG_DB;
	if (m == LONG) {
		v->seg[SEG_FS].base = canonical();
		v->seg[SEG_GS].base = canonical();
		v->seg[SEG_CS].base = 0;
	}
}

static void v86_segments(struct vcpu *v)
{
	for (unsigned n = 0; n < SEG_COUNT; n++) {
		v->seg[n] = real_segment();
		v->seg[n].attr |= SEG_DPL_MASK;
	}
	v->rflags |= FLAG_VM;
}

static void segments(struct vcpu *v, enum mode m)
{
	if (m == V86)
		v86_segments(v);
	else if (m != REAL)
		protected_segments(v, m);
	else
		for (unsigned n = 0; n < SEG_COUNT; n++)
			v->seg[n] = real_segment();
	v->tr = (struct segment){ .selector = rnd() & 0xfff8,
				  .base = (uint32_t)rnd(), .limit = 0x67,
				  .attr = SEG_P | 11 };
	v->ldtr = (struct segment){ .selector = rnd() & 0xfff8,
				    .base = (uint32_t)rnd(), .limit = 0xffff,
				    .attr = SEG_P | 2 };
	v->gdtr = (struct desc_table){ (uint32_t)rnd(), rnd(), { 0 } };
	v->idtr = (struct desc_table){ (uint32_t)rnd(), rnd(), { 0 } };
}

/*
 * The rest.
 */

static void control(struct vcpu *v, enum mode m)
{
	v->cr0 = CR0_ET | CR0_NE | (rnd() & (CR0_MP | CR0_TS | CR0_AM));
	v->cr2 = is_long(m) ? canonical() : (uint32_t)rnd();
	v->cr3 = below(16) * PAGE_SIZE;
	v->cr4 = rnd() & (CR4_DE | CR4_MCE | CR4_PGE | CR4_OSFXSR |
			  CR4_OSXMMEXCPT | CR4_TSD);
	v->cr8 = 0;
	v->msr.efer = rnd() & EFER_NX;
	if (m != REAL)
		v->cr0 |= CR0_PE;
	if (m >= PAGED)
		v->cr0 |= CR0_PG | (flip() ? CR0_WP : 0);
	if (m >= PAE)
		v->cr4 |= CR4_PAE;
	if (m == PAE)
		for (unsigned n = 0; n < 4; n++)
			v->pdpte[n] = below(256) * PAGE_SIZE | 1;
	if (is_long(m))
		v->msr.efer |= EFER_LME | EFER_LMA | (flip() ? EFER_SCE : 0);
	v->dr[6] = 0xffff0ff0 | (rnd() & 0xe00f);
	v->dr[7] = 0x400 | (rnd() & 0xff);
	for (unsigned n = 0; n < 4; n++)
		v->dr[n] = is_long(m) ? canonical() : (uint32_t)rnd();
	v->xcr0 = 1;
}

static void msrs(struct vcpu *v, enum mode m)
{
	struct msr_state *r = &v->msr;
	uint64_t efer = r->efer;

	for (unsigned n = 0; n < sizeof(*r) / 8; n++)
		((uint64_t *)r)[n] = rnd();
	r->efer = efer;
	r->apic_base = 0xfee00900;
	r->pat = 0x0007040600070406ULL;
	r->star = rnd() << 32;
	r->lstar = canonical();
	r->cstar = canonical();
	r->sfmask = (uint32_t)rnd() & 0x47700;
	r->kernel_gs_base = canonical();
	r->sysenter_cs = rnd() & 0xffff;
	r->sysenter_esp = is_long(m) ? canonical() : (uint32_t)rnd();
	r->sysenter_eip = is_long(m) ? canonical() : (uint32_t)rnd();
	r->tsc_aux = 0;
}

static void put(uint8_t *p, uint64_t val, unsigned len)
{
	memcpy(p, &val, len);
}

/* SDM Vol. 1 table 10-2. */
static void fpu(struct vcpu *v)
{
	memset(v->fpu, 0, sizeof(v->fpu));
	put(v->fpu, (rnd() & 0x0f3f) | 0x40, 2);
	put(v->fpu + 2, rnd(), 2);
	v->fpu[4] = rnd();
	put(v->fpu + 6, rnd() & 0x7ff, 2);
	put(v->fpu + 8, canonical(), 8);
	put(v->fpu + 16, canonical(), 8);
	put(v->fpu + 24, rnd() & 0xffff, 4);
	put(v->fpu + 28, 0xffff, 4);
	for (unsigned n = 0; n < 8; n++) {
		put(v->fpu + 32 + 16 * n, rnd(), 8);
		put(v->fpu + 40 + 16 * n, rnd(), 2);
	}
	for (unsigned n = 160; n < 416; n += 8)
		put(v->fpu + n, rnd(), 8);
}

static void events(struct vcpu *v)
{
	static const uint8_t with_error[] = { VEC_TS, VEC_NP, VEC_SS, VEC_GP,
					      VEC_PF };

	v->nmi_masked = flip();
	v->nmi_pending = flip();
	switch (below(4)) {
	case 0:
		v->event = (struct vcpu_event){ .kind = EVENT_INTR,
						.vector = 16 + below(240) };
		break;
	case 1:
		v->event = (struct vcpu_event){ .kind = EVENT_NMI,
						.vector = VEC_NMI };
		v->nmi_masked = 1;
		break;
	case 2:
		v->event = (struct vcpu_event){ .kind = EVENT_EXCEPTION,
			.vector = with_error[below(sizeof(with_error))],
			.has_error = 1, .error = rnd() & 0xffff };
		break;
	default:
		v->shadow = flip() ? SHADOW_STI : 0;
	}
}

static void make(struct vcpu *v, enum mode m)
{
	memset(v, 0, sizeof(*v));
	for (unsigned n = 0; n < (is_long(m) ? GPR_COUNT : GPR_R8); n++)
		v->gpr[n] = is_long(m) ? rnd() : (uint32_t)rnd();
	v->rip = m == LONG ? canonical() : m == REAL || m == V86 ?
		 (uint16_t)rnd() : (uint32_t)rnd();
	v->rflags = FLAG_FIXED | (rnd() & (FLAGS_ARITH | FLAG_DF | FLAG_IF |
					   FLAG_IOPL | FLAG_NT | FLAG_AC |
					   FLAG_ID | FLAG_RF));
	control(v, m);
	segments(v, m);
	msrs(v, m);
	fpu(v);
	events(v);
	v->activity = below(3) ? ACTIVITY_RUN : ACTIVITY_HALT;
}

/* A KVM without hardware shows guests the host's own counter. */
static bool tsc_moves(const struct engine_ops *ops)
{
	static struct vcpu v;
	const uint64_t offset = 123456789;

	ops->get_state(engine, &v);
	v.msr.tsc_offset = offset;
	ops->set_state(engine, &v);
	ops->get_state(engine, &v);
	if (v.msr.tsc_offset != offset)
		printf("ok TSC offsets (%s) # SKIP this KVM has none\n",
		       ops->name);
	return v.msr.tsc_offset == offset;
}

/*
 * What an AMD processor shows of its one shadow bit is both kinds, and what
 * an interrupt shadow means next to an event under way is nobody's business.
 */
static void same_shadow(const struct vcpu *want, struct vcpu *got)
{
	if (want->shadow && got->shadow)
		got->shadow = want->shadow;
}

static const char *difference(const struct vcpu *a, const struct vcpu *b)
{
#define PART(name) \
	if (memcmp(&a->name, &b->name, sizeof(a->name))) \
		return #name;
	PART(gpr) PART(rip) PART(rflags)
	PART(seg[SEG_ES]) PART(seg[SEG_CS]) PART(seg[SEG_SS])
	PART(seg[SEG_DS]) PART(seg[SEG_FS]) PART(seg[SEG_GS])
	PART(ldtr) PART(tr) PART(gdtr) PART(idtr)
	PART(cr0) PART(cr2) PART(cr3) PART(cr4) PART(cr8) PART(pdpte)
	PART(dr) PART(xcr0)
	PART(msr.tsc_offset) PART(msr.efer) PART(msr.star) PART(msr.lstar)
	PART(msr.sysenter_cs) PART(msr.sysenter_esp) PART(msr)
	PART(fpu) PART(shadow) PART(activity) PART(nmi_masked)
	PART(nmi_pending) PART(event)
#undef PART
	return memcmp(a, b, sizeof(*a)) ? "the rest" : NULL;
}

/* The first word that differs. */
static size_t word_of(const struct vcpu *a, const struct vcpu *b)
{
	size_t n = 0;

	while (n + 1 < sizeof(*a) / 8 &&
	       ((const uint64_t *)a)[n] == ((const uint64_t *)b)[n])
		n++;
	return n;
}

/*
 * What KVM has a place for must come from there: the engine's own copy of it is
 * spoilt.  KVM tells of PDPTEs where they are in use; of the TSC the engine
 * remembers what it told KVM.
 */
static void spoil(void *field, size_t len)
{
	for (size_t n = 0; n < len; n++)
		((uint8_t *)field)[n] ^= 0x5a;
}

static void spoil_copy(enum mode m)
{
	struct hv *hv = to_hv(engine);
	struct vcpu *v = &hv->v;

	if (hv->ours)
		return;
#define SPOIL(name) spoil(&v->name, sizeof(v->name));
	SPOIL(gpr) SPOIL(rip) SPOIL(seg) SPOIL(ldtr) SPOIL(tr)
	SPOIL(cr0) SPOIL(cr2) SPOIL(cr3) SPOIL(cr4) SPOIL(xcr0)
	SPOIL(gdtr.base) SPOIL(gdtr.limit) SPOIL(idtr.base) SPOIL(idtr.limit)
	SPOIL(dr[0]) SPOIL(dr[1]) SPOIL(dr[2]) SPOIL(dr[3]) SPOIL(dr[6])
	SPOIL(dr[7])
	SPOIL(msr.pat) SPOIL(msr.efer) SPOIL(msr.star)
	SPOIL(msr.lstar) SPOIL(msr.cstar) SPOIL(msr.sfmask)
	SPOIL(msr.kernel_gs_base) SPOIL(msr.sysenter_cs)
	SPOIL(msr.sysenter_esp) SPOIL(msr.sysenter_eip)
	SPOIL(shadow) SPOIL(nmi_masked) SPOIL(nmi_pending) SPOIL(event.kind)
	SPOIL(event.vector)
	/* Whose reserved bytes are nobody's. */
	spoil(v->fpu, 416);
	if (m == PAE)
		SPOIL(pdpte)
	if (hv->vm->irqchip) {
		SPOIL(msr.apic_base)
		v->activity = ACTIVITY_WAIT_SIPI;
	}
#undef SPOIL
}

static void set_up(const struct engine_ops *ops, const char *const *options)
{
	struct engine_config cfg = { .bus = &bus, .log = stderr,
				     .options = options };
	char err[160];

	rng = SEED;
	ck_assert_int_eq(mem_create(&mem, 2 * MIB), 0);
	cfg.mem = mem;
	ck_assert_msg(!ops->create(&engine, &cfg, err), "%s", err);
}

START_TEST(random_states_come_back)
{
	const struct engine_ops *ops = engines[_i].ops;
	unsigned modes = ops == &hv_engine_ops ? MODES : LONG;
	static struct vcpu in, out;
	bool tsc;

	set_up(ops, engines[_i].options);
	tsc = tsc_moves(ops);
	for (unsigned n = 0; n < STATES; n++) {
		const char *what;

		make(&in, n % modes);
		ops->set_state(engine, &in);
		if (ops == &hv_engine_ops)
			spoil_copy(n % modes);
		ops->get_state(engine, &out);
		same_shadow(&in, &out);
		if (!tsc)
			out.msr.tsc_offset = in.msr.tsc_offset;
		what = difference(&in, &out);
		ck_assert_msg(!what, "%s: state %u (mode %u): %s differs: "
			      "%llx, was %llx", ops->name, n, n % modes, what,
			      ((unsigned long long *)&out)[word_of(&in, &out)],
			      ((unsigned long long *)&in)[word_of(&in, &out)]);
	}
	ops->destroy(engine);
	mem_destroy(mem);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("state");
	TCase *t = tcase_create("state");
	SRunner *r = srunner_create(s);
	int n = hv_there("states under hv") ? ARRAY_SIZE(engines) : 2;

	tcase_set_timeout(t, 50);
	tcase_add_loop_test(t, random_states_come_back, 0, n);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
