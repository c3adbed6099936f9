/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include "tests/diff/subject.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hypervisor/engine.h"
#include "hypervisor/mem.h"
#include "tests/diff/gen.h"

/* Guest-physical layout; the low 64 KiB are mapped at KERNEL for CPL 0. */
#define RAM_SIZE	(4 * MIB)
#define KERNEL		GUEST_KERNEL
#define GDT_PA		0x1000u
#define IDT_PA		0x2000u
#define LDT_PA		0x3000u
#define TSS_PA		0x4000u
#define STUB_PA		0x5000u		/* HLT for each vector, 16 bytes apart */
#define STACK0_TOP	0x8000u
#define ROOT_PA		0x10000u	/* page tables grow from here */
#define ARENA_PA	0x100000u

#define SEL_CS0		0x08
#define SEL_DS0		0x10
#define SEL_LDT		0x30
#define SEL_TSS		0x38
#define GDT_ENTRIES	8

#define PTE_P		1u
#define PTE_W		2u
#define PTE_U		4u
#define PTE_NX		(1ull << 63)

/* The oracle gives a case some 5 ms. */
#define WATCHDOG_S	5

/* The vector of --interrupts; its stub is an IRET. */
#define INTR_VECTOR	0x20
/* Mean time between two, in iterations of an idle loop. */
#define INTR_SPIN	400

/* After how many runs the engine is told that the code pages are new. */
#define FRESH_RUNS	16

static struct {
	struct engine *e;
	const struct engine_ops *ops;
	struct engine_bus bus;
	struct mem *mem;
	const struct diff_memory *init;
	enum subject_paging paging;
	uint32_t next_table;
	pthread_t watchdog, interrupter;
	bool interrupts;
	uint64_t delivered;
	atomic_uint runs;		/* progress, for the watchdog */
	atomic_bool busy, quit, stuck;
} S;

/* ---- Guest memory --------------------------------------------------------- */

/* Linear ranges, in the order of their guest-physical pages. */
static const struct range {
	uint32_t va, size;
	bool writable, exec;
	uint32_t pa;
} ranges[] = {
	{ CODE_BASE,  CODE_SIZE,  true,  true,  ARENA_PA },
	{ ALIAS_BASE, CODE_SIZE,  true,  true,  ARENA_PA },
	{ DATA_BASE,  DATA_SIZE,  true,  false, ARENA_PA + 0x10000 },
	{ STACK_BASE, STACK_SIZE, true,  false, ARENA_PA + 0x20000 },
	{ RO_BASE,    RO_SIZE,    false, false, ARENA_PA + 0x30000 },
};

static void put32(uint32_t pa, uint32_t val)
{
	mem_write(S.mem, pa, &val, 4);
}

static void put64(uint32_t pa, uint64_t val)
{
	mem_write(S.mem, pa, &val, 8);
}

static uint64_t get_entry(uint32_t pa)
{
	uint64_t e = 0;

	mem_read(S.mem, pa, &e, S.paging == PAGING_PAE ? 8 : 4);
	return e;
}

static void set_entry(uint32_t pa, uint64_t e)
{
	if (S.paging == PAGING_PAE)
		put64(pa, e);
	else
		put32(pa, e);
}

/* The table that the entry at @pa points to; made if it is missing. */
static uint32_t table_below(uint32_t pa, unsigned bits)
{
	uint64_t e = get_entry(pa);

	if (!(e & PTE_P)) {
		e = S.next_table | bits;
		S.next_table += PG;
		set_entry(pa, e);
	}
	return e & 0xfffff000;
}

static void map_page(uint32_t va, uint64_t entry)
{
	uint32_t pt, pd = ROOT_PA;

	if (S.paging == PAGING_PAE) {
		pd = table_below(ROOT_PA + (va >> 30) * 8, PTE_P);
		pt = table_below(pd + (va >> 21 & 511) * 8,
				 PTE_P | PTE_W | PTE_U);
		set_entry(pt + (va >> 12 & 511) * 8, entry);
	} else {
		pt = table_below(pd + (va >> 22) * 4, PTE_P | PTE_W | PTE_U);
		set_entry(pt + (va >> 12 & 1023) * 4, entry);
	}
}

static void build_tables(void)
{
	const struct range *r;
	uint64_t e;
	uint32_t i;

	S.next_table = ROOT_PA + PG;
	for (r = ranges; r < ranges + ARRAY_SIZE(ranges); r++) {
		e = r->pa | PTE_P | PTE_U | (r->writable ? PTE_W : 0);
		if (S.paging == PAGING_PAE && !r->exec)
			e |= PTE_NX;
		for (i = 0; i < r->size; i += PG)
			map_page(r->va + i, e + i);
	}
	for (i = 0; i < 0x10000; i += PG)
		map_page(KERNEL + i, i | PTE_P | PTE_W);
}

/* ---- Descriptors ---------------------------------------------------------- */

static uint64_t descriptor(uint32_t base, uint32_t limit, uint32_t attr)
{
	uint64_t d = limit & 0xffff;

	d |= (uint64_t)(base & 0xffffff) << 16;
	d |= (uint64_t)(attr & 0xff) << 40;
	d |= (uint64_t)(limit >> 16 & 0xf) << 48;
	d |= (uint64_t)(attr >> 12 & 0xf) << 52;
	return d | (uint64_t)(base >> 24) << 56;
}

/* Linux: DPL 3, S, accessed (arch/x86/kernel/ldt.c sets A itself). */
static uint32_t ldt_attr(int pages, int code, int rw, int down, int big,
			 int present)
{
	return SEG_S | SEG_DPL_MASK | SEG_TYPE_ACCESSED |
		(code ? SEG_TYPE_CODE : 0) | (rw ? SEG_TYPE_WRITE : 0) |
		(down ? SEG_TYPE_DOWN : 0) | (big ? SEG_DB : 0) |
		(pages ? SEG_G : 0) | (present ? SEG_P : 0);
}

static uint64_t gdt[GDT_ENTRIES], ldt[LDT_COUNT];

static void build_descriptors(void)
{
	const uint32_t flat = SEG_S | SEG_P | SEG_G | SEG_DB |
		SEG_TYPE_WRITE | SEG_TYPE_ACCESSED;
	unsigned i;

	gdt[SEL_CS0 / 8] = descriptor(0, 0xfffff, flat | SEG_TYPE_CODE);
	gdt[SEL_DS0 / 8] = descriptor(0, 0xfffff, flat);
	gdt[SEL_CS / 8] = descriptor(0, 0xfffff,
				     flat | SEG_TYPE_CODE | SEG_DPL_MASK);
	gdt[SEL_DS / 8] = descriptor(0, 0xfffff, flat | SEG_DPL_MASK);
	gdt[SEL_LDT / 8] = descriptor(KERNEL + LDT_PA, LDT_COUNT * 8 - 1,
				      SEG_P | 2);
	gdt[SEL_TSS / 8] = descriptor(KERNEL + TSS_PA, 0x67, SEG_P | 11);
#define LDT_DESC(n, b, lim, pages, code, rw, down, big, pres) \
	ldt[LDT_##n] = descriptor(b, lim, ldt_attr(pages, code, rw, down, \
						   big, pres));
	LDT_LIST(LDT_DESC)
	mem_write(S.mem, GDT_PA, gdt, sizeof(gdt));
	mem_write(S.mem, LDT_PA, ldt, sizeof(ldt));
	put32(TSS_PA + 4, KERNEL + STACK0_TOP);
	put32(TSS_PA + 8, SEL_DS0);
	put32(TSS_PA + 0x64, 0x680000);		/* no I/O bitmap */
	for (i = 0; i < 256; i++) {
		uint32_t stub = KERNEL + STUB_PA + i * 16;
		uint32_t dpl = i == 3 || i == 4 ? 0x6000 : 0;

		put32(STUB_PA + i * 16, 0xfdebf4);	/* hlt; jmp . */
		put32(IDT_PA + i * 8, (stub & 0xffff) | SEL_CS0 << 16);
		put32(IDT_PA + i * 8 + 4, (stub & 0xffff0000) | 0x8e00 | dpl);
	}
	/* int n cannot come here: its gate has DPL 0. */
	put32(STUB_PA + INTR_VECTOR * 16, 0xcf);	/* iret */
}

static void load_cache(struct segment *s, uint16_t sel)
{
	uint64_t d = sel & 4 ? ldt[sel >> 3] : gdt[sel >> 3];
	uint32_t hi = d >> 32;

	s->selector = sel;
	s->base = (d >> 16 & 0xffffff) | (hi & 0xff000000);
	s->limit = (d & 0xffff) | (hi & 0xf0000);
	s->attr = (hi >> 8) & 0xf0ff;
	if (s->attr & SEG_G)
		s->limit = s->limit << 12 | 0xfff;
}

/* ---- State ---------------------------------------------------------------- */

static void to_vcpu(struct vcpu *v, const struct diff_state *in)
{
	static const uint8_t order[S_COUNT] = { SEG_ES, SEG_CS, SEG_SS,
						SEG_DS, SEG_FS, SEG_GS };
	unsigned i;

	vcpu_reset(v, 0, false);
	v->cr0 = CR0_PE | CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_AM;
	v->cr3 = ROOT_PA;
	v->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
	if (S.paging == PAGING_PAE) {
		v->cr4 |= CR4_PAE;
		v->msr.efer = EFER_NX;
		for (i = 0; i < 4; i++)
			v->pdpte[i] = get_entry(ROOT_PA + i * 8);
	}
	for (i = 0; i < 8; i++)
		v->gpr[i] = in->gpr[i];
	v->rip = in->eip;
	v->rflags = in->eflags | FLAG_FIXED;
	for (i = 0; i < S_COUNT; i++)
		load_cache(&v->seg[order[i]], in->seg[i]);
	load_cache(&v->ldtr, SEL_LDT);
	load_cache(&v->tr, SEL_TSS);
	v->gdtr.base = KERNEL + GDT_PA;
	v->gdtr.limit = sizeof(gdt) - 1;
	v->idtr.base = KERNEL + IDT_PA;
	v->idtr.limit = 256 * 8 - 1;
	memcpy(v->fpu, in->fpu, 512);
}

static bool has_error(unsigned vector)
{
	return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
}

/* The frame on the CPL-0 stack: [error] eip cs eflags esp ss. */
static const char *from_vcpu(const struct vcpu *v, struct diff_state *out)
{
	uint32_t rip = v->rip - 1 - (KERNEL + STUB_PA), frame[6];
	uint32_t esp = v->gpr[GPR_SP] - KERNEL;
	unsigned i, n;

	if (rip >= 256 * 16 || rip % 16)
		return "stopped outside the exception stubs";
	memset(out, 0, sizeof(*out));
	out->vector = rip / 16;
	n = has_error(out->vector);
	if (esp != STACK0_TOP - 20 - 4 * n)
		return "the exception frame has an odd size";
	mem_read(S.mem, esp, frame, 20 + 4 * n);
	if (n)
		out->error = frame[0];
	if (out->vector == VEC_PF)
		out->cr2 = v->cr2;
	for (i = 0; i < 8; i++)
		out->gpr[i] = v->gpr[i];
	out->eip = frame[n];
	out->eflags = frame[n + 2];
	out->gpr[R_SP] = frame[n + 3];
	out->seg[S_CS] = frame[n + 1];
	out->seg[S_SS] = frame[n + 4];
	out->seg[S_ES] = v->seg[SEG_ES].selector;
	out->seg[S_DS] = v->seg[SEG_DS].selector;
	out->seg[S_FS] = v->seg[SEG_FS].selector;
	out->seg[S_GS] = v->seg[SEG_GS].selector;
	memcpy(out->fpu, v->fpu, 512);
	return NULL;
}

/* Write only what differs, so that the engine keeps what it may keep. */
static void restore(uint32_t pa, const uint8_t *want, uint32_t size)
{
	const uint8_t *have = mem_hva(S.mem, pa);
	uint32_t i, end;

	for (i = 0; i < size; i += PG) {
		uint32_t a = i, b;

		if (!memcmp(have + i, want + i, PG))
			continue;
		end = i + PG;
		while (have[a] == want[a])
			a++;
		for (b = end; have[b - 1] == want[b - 1]; b--)
			;
		mem_write(S.mem, pa + a, want + a, b - a);
	}
}

static void restore_all(const struct gen_case *c)
{
	static uint8_t code[CODE_SIZE];

	memcpy(code, S.init->code, CODE_SIZE);
	memcpy(code + c->code_off, c->code, c->code_len);
	restore(ranges[0].pa, code, CODE_SIZE);
	restore(ranges[2].pa, S.init->data, DATA_SIZE);
	restore(ranges[3].pa, S.init->stack, STACK_SIZE);
}

/* ---- Running -------------------------------------------------------------- */

static void *watchdog(void *arg)
{
	const struct timespec tick = { .tv_nsec = 50000000 };
	unsigned seen = 0, same = 0, now;

	while (!S.quit) {
		nanosleep(&tick, NULL);
		now = S.runs;
		same = S.busy && now == seen ? same + 1 : 0;
		seen = now;
		if (same < WATCHDOG_S * 20)
			continue;
		S.stuck = true;
		S.bus.stop = 1;
		S.ops->kick(S.e);
		if (same > WATCHDOG_S * 200) {
			fprintf(stderr, "the engine does not obey kick()\n");
			abort();
		}
	}
	return NULL;
}

static void *interrupter(void *arg)
{
	uint32_t x = 1;
	unsigned n;

	while (!S.quit) {
		/* The next one only when this one was taken: the case has to
		 * get on, too. */
		if (S.bus.intr && S.busy) {
			__asm__ volatile("pause");
			continue;
		}
		x = x * 1664525 + 1013904223;
		n = INTR_SPIN / 4 + ((x >> 16) * (2ull * INTR_SPIN) >> 16);
		while (n--)
			__asm__ volatile("pause");
		if (!S.busy)
			continue;
		S.bus.intr = 1;
		S.ops->kick(S.e);
	}
	return NULL;
}

const char *subject_run(const struct gen_case *c, struct diff_state *out,
			struct diff_memory *mem)
{
	static char reason[200];
	struct engine_exit_info info;
	static struct vcpu v;
	const char *err;

	restore_all(c);
	/* An engine may give up translating pages that keep changing. */
	if (S.runs % FRESH_RUNS == 0)
		S.ops->mem_changed(S.e, ranges[0].pa, CODE_SIZE);
	to_vcpu(&v, &c->in);
	S.ops->set_state(S.e, &v);
	S.bus.stop = 0;
	S.bus.intr = 0;
	S.stuck = false;
	S.runs++;
	S.busy = true;
	memset(&info, 0, sizeof(info));
	do
		S.ops->run(S.e, &info);
	while (info.exit == ENGINE_KICKED && !S.stuck);
	S.busy = false;
	S.ops->get_state(S.e, &v);
	mem_read(S.mem, ranges[0].pa, mem->code, CODE_SIZE);
	mem_read(S.mem, ranges[2].pa, mem->data, DATA_SIZE);
	mem_read(S.mem, ranges[3].pa, mem->stack, STACK_SIZE);
	if (info.exit == ENGINE_HALT) {
		err = from_vcpu(&v, out);
		if (!err)
			return NULL;
		snprintf(reason, sizeof(reason), "%s (%x:%llx esp %llx)", err,
			 v.seg[SEG_CS].selector, (unsigned long long)v.rip,
			 (unsigned long long)v.gpr[GPR_SP]);
		return reason;
	}
	snprintf(reason, sizeof(reason), "%s at %x:%llx %.100s",
		 info.exit == ENGINE_KICKED ? "did not end" :
		 info.exit == ENGINE_SHUTDOWN ? "triple fault" :
		 info.exit == ENGINE_CANNOT ? "engine cannot" : "odd exit",
		 v.seg[SEG_CS].selector, (unsigned long long)v.rip,
		 info.exit == ENGINE_CANNOT ? info.reason : "");
	return reason;
}

static uint32_t pio_read(void *o, uint16_t port, unsigned size)
{
	return ~0u;
}

static void pio_write(void *o, uint16_t port, unsigned size, uint32_t val)
{
}

static int intr_ack(void *o)
{
	S.delivered++;
	return atomic_exchange(&S.bus.intr, 0) ? INTR_VECTOR : -1;
}

static int msr_read(void *o, uint32_t msr, uint64_t *val)
{
	return -1;
}

static int msr_write(void *o, uint32_t msr, uint64_t val)
{
	return -1;
}

static void hypercall(void *o, struct vcpu *v)
{
}

void subject_start(const struct subject_config *cfg,
		   const struct diff_memory *init, const uint8_t *ro)
{
	struct engine_config ec = { .log = stderr, .options = cfg->options };
	char err[160] = "";

	S.ops = cfg->ops;
	S.paging = cfg->paging;
	S.interrupts = cfg->interrupts;
	S.init = init;
	if (mem_create(&S.mem, RAM_SIZE)) {
		fprintf(stderr, "no guest memory\n");
		exit(1);
	}
	build_tables();
	build_descriptors();
	mem_write(S.mem, ranges[4].pa, ro, RO_SIZE);
	S.bus.pio_read = pio_read;
	S.bus.pio_write = pio_write;
	S.bus.intr_ack = intr_ack;
	S.bus.msr_read = msr_read;
	S.bus.msr_write = msr_write;
	S.bus.hypercall = hypercall;
	ec.mem = S.mem;
	ec.bus = &S.bus;
	if (S.ops->create(&S.e, &ec, err)) {
		fprintf(stderr, "%s: %s\n", S.ops->name, err);
		exit(1);
	}
	if (pthread_create(&S.watchdog, NULL, watchdog, NULL) ||
	    (S.interrupts &&
	     pthread_create(&S.interrupter, NULL, interrupter, NULL))) {
		fprintf(stderr, "no threads\n");
		exit(1);
	}
}

void subject_stop(void)
{
	S.quit = true;
	pthread_join(S.watchdog, NULL);
	if (S.interrupts)
		pthread_join(S.interrupter, NULL);
	S.ops->destroy(S.e);
	mem_destroy(S.mem);
}

void subject_stats(FILE *f)
{
	fprintf(f, "%12llu  interrupts taken\n",
		(unsigned long long)S.delivered);
	if (S.ops->stats)
		S.ops->stats(S.e, f);
}
