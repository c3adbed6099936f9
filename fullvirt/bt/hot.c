/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hot callouts: frequent system and string instructions done without the
 * interpreter.  Each handles the plain case and leaves everything else, faults
 * included, to bt_interp_site() with the guest's state untouched.
 */
#include "fullvirt/bt/hot.h"
#include "fullvirt/x86/vmi.h"

void *hot_slow(struct bt *bt)
{
	struct tu *tu;
	struct tu_insn *in = bt_locate(bt, &tu);

	return bt_interp_site(bt, tu, in);
}

/* Restart the instruction: its progress is in the registers. */
static void *hot_again(struct bt *bt)
{
	struct tu *tu;
	struct tu_insn *in = bt_locate(bt, &tu);

	bt_fpu_restore(bt);
	return tu->host + in->host_off;
}

void *hot_mem(struct bt *bt, uint32_t gva, unsigned n, unsigned access)
{
	if ((gva & ~PAGE_MASK) + n > PAGE_SIZE)
		return NULL;
	return soft_hva(bt, gva, n, access);
}

/* ------------------------------------------------ movs, stos */

static unsigned access_user(const struct bt *bt)
{
	return bt->ctx->user ? X86_ACC_USER : 0;
}

static uint32_t to_page_end(uint32_t gva)
{
	return PAGE_SIZE - (gva & ~PAGE_MASK);
}

static void copy(uint8_t *d, const uint8_t *s, uint64_t bytes, unsigned size)
{
	uint64_t n = bytes / size;

	if (d - s >= (int64_t)bytes || s - d >= (int64_t)bytes || size == 1)
		asm volatile("rep movsb" : "+D" (d), "+S" (s), "+c" (bytes)
			     :: "memory");
	else if (size == 2)
		asm volatile("rep movsw" : "+D" (d), "+S" (s), "+c" (n)
			     :: "memory");
	else
		asm volatile("rep movsl" : "+D" (d), "+S" (s), "+c" (n)
			     :: "memory");
}

static void fill(uint8_t *d, uint32_t val, uint64_t n, unsigned size)
{
	if (size == 1)
		asm volatile("rep stosb" : "+D" (d), "+c" (n)
			     : "a" (val) : "memory");
	else if (size == 2)
		asm volatile("rep stosw" : "+D" (d), "+c" (n)
			     : "a" (val) : "memory");
	else
		asm volatile("rep stosl" : "+D" (d), "+c" (n)
			     : "a" (val) : "memory");
}

/*
 * Do as many iterations as fit in the pages at hand.  Returns the number done,
 * 0 if the interpreter must look at the next one.
 */
static uint32_t string_chunk(struct bt *bt, bool movs, unsigned size,
			     uint32_t count)
{
	uint32_t di = bt->v.gpr[GPR_DI], si = bt->v.gpr[GPR_SI];
	uint64_t n = to_page_end(di);
	uint8_t *d, *s = NULL;

	if (movs && to_page_end(si) < n)
		n = to_page_end(si);
	n /= size;
	if (n > count)
		n = count;
	if (!n)
		return 0;
	d = soft_hva(bt, di, size, access_user(bt) | X86_ACC_WRITE);
	if (movs)
		s = soft_hva(bt, si, size, access_user(bt));
	if (!d || (movs && !s))
		return 0;
	if (movs)
		copy(d, s, n * size, size);
	else
		fill(d, bt->v.gpr[GPR_AX], n, size);
	bt->v.gpr[GPR_DI] = (uint32_t)(di + n * size);
	if (movs)
		bt->v.gpr[GPR_SI] = (uint32_t)(si + n * size);
	return n;
}

/* REP MOVS and REP STOS with DF = 0. */
static void *string(struct bt *bt)
{
	unsigned size = bt->r9 & HOT_SIZE;
	bool movs = bt->r9 & HOT_SOURCE;

	while ((uint32_t)bt->v.gpr[GPR_CX]) {
		uint32_t n = string_chunk(bt, movs, size, bt->v.gpr[GPR_CX]);

		if (!n)
			return hot_slow(bt);
		bt->v.gpr[GPR_CX] -= n;
		if (bt->kick && bt->v.gpr[GPR_CX])
			return hot_again(bt);
	}
	return hot_done(bt);
}

/* ------------------------------------------------ cmps, scas */

/* A run of REPE/REPNE CMPS/SCAS in host memory, and what it left. */
struct scan {
	uint8_t *d;
	const uint8_t *s;
	uint64_t n, flags;
};

/* No PUSHF here: C may keep something below its stack pointer. */
#define SCAN(insn)							\
	asm volatile("test %%eax, %%eax\n\t" insn			\
		     "\n\tlahf\n\tseto %%al"				\
		     : "+D" (k->d), "+S" (k->s), "+c" (k->n), "+a" (val) \
		     :: "memory", "cc")

#define SCAN_SIZES(op)							\
	switch (what & HOT_SIZE) {					\
	case 1: SCAN(op "b"); break;					\
	case 2: SCAN(op "w"); break;					\
	default: SCAN(op "l"); break;					\
	}

static void scan_run(struct scan *k, uint32_t what, uint32_t val)
{
	if (what & HOT_SOURCE && what & HOT_REPNE)
		SCAN_SIZES("repne cmps")
	else if (what & HOT_SOURCE)
		SCAN_SIZES("repe cmps")
	else if (what & HOT_REPNE)
		SCAN_SIZES("repne scas")
	else
		SCAN_SIZES("repe scas")
	k->flags = (val >> 8 & 0xff) | (val & 1) * FLAG_OF;
}

/* As string_chunk(); *ended: the comparison stopped it. */
static uint32_t scan_chunk(struct bt *bt, uint32_t what, bool *ended)
{
	uint32_t di = bt->v.gpr[GPR_DI], si = bt->v.gpr[GPR_SI];
	uint32_t size = what & HOT_SIZE, count = bt->v.gpr[GPR_CX];
	bool source = what & HOT_SOURCE;
	uint64_t n = to_page_end(di);
	struct scan k = { 0 };

	if (source && to_page_end(si) < n)
		n = to_page_end(si);
	n /= size;
	if (n > count)
		n = count;
	if (!n)
		return 0;
	k.d = soft_hva(bt, di, size, access_user(bt));
	if (source)
		k.s = soft_hva(bt, si, size, access_user(bt));
	if (!k.d || (source && !k.s))
		return 0;
	k.n = n;
	scan_run(&k, what, bt->v.gpr[GPR_AX]);
	n -= k.n;
	bt->v.gpr[GPR_DI] = (uint32_t)(di + n * size);
	if (source)
		bt->v.gpr[GPR_SI] = (uint32_t)(si + n * size);
	bt->hflags = k.flags & FLAGS_ARITH;
	*ended = !(k.flags & FLAG_ZF) == !(what & HOT_REPNE);
	return n;
}

static void *scan(struct bt *bt)
{
	uint32_t what = bt->r9;
	bool ended = false;

	while ((uint32_t)bt->v.gpr[GPR_CX] && !ended) {
		uint32_t n = scan_chunk(bt, what, &ended);

		if (!n)
			return hot_slow(bt);
		bt->v.gpr[GPR_CX] -= n;
		if (bt->kick && bt->v.gpr[GPR_CX] && !ended)
			return hot_again(bt);
	}
	return hot_done(bt);
}

/* ------------------------------------------------ segment loads */

const guest_u64 *hot_descriptor(struct bt *bt, uint16_t sel)
{
	uint64_t base = bt->v.gdtr.base;
	uint32_t limit = bt->v.gdtr.limit;
	uint32_t at = sel & ~7u;

	if (sel & 4) {
		base = bt->v.ldtr.base;
		limit = bt->v.ldtr.limit;
		if (bt->v.ldtr.attr & SEG_UNUSABLE)
			return NULL;
	}
	if (at + 7 > limit)
		return NULL;
	return hot_mem(bt, (uint32_t)(base + at), 8, X86_ACC_READ);
}

static uint32_t desc_limit(uint64_t d)
{
	uint32_t l = (d & 0xffff) | (d >> 32 & 0xf0000);

	return d >> 55 & 1 ? l << 12 | 0xfff : l;
}

struct segment hot_segment(uint64_t d, uint16_t sel)
{
	return (struct segment){
		.base = (d >> 16 & 0xffffff) | (d >> 32 & 0xff000000),
		.limit = desc_limit(d), .attr = d >> 40 & 0xf0ff,
		.selector = sel };
}

/* An ordinary writable data segment that this CPL may load? */
static bool plain_data(uint64_t d, unsigned cpl, uint16_t sel)
{
	unsigned dpl = d >> 45 & 3, rpl = sel & 3;

	return (desc_kind(d) & 0x9b) == 0x93 && dpl >= cpl && dpl >= rpl;
}

void bt_seg_cache_clear(struct bt *bt)
{
	/* No selector is this large. */
	bt->seg_cache[0].neg_sel = bt->seg_cache[1].neg_sel = 0x80000000u;
}

static void cache_segment(struct bt *bt, enum seg_reg seg, uint64_t d)
{
	const struct segment *s = &bt->v.seg[seg];
	uint32_t lin = bt->v.gdtr.base + (s->selector & ~7u);

	if (s->base || s->limit != 0xffffffffu || s->attr & SEG_TYPE_DOWN)
		return;
	bt->seg_cache[seg == SEG_DS] = (struct seg_cache){
		.neg_sel = -(uint32_t)s->selector, .lin = lin, .neg_raw = -d,
		.seg = *s };
}

/* SGDT, LGDT and their group: the GDT may be another one afterwards. */
static void *desc_table(struct bt *bt)
{
	bt_seg_cache_clear(bt);
	return hot_slow(bt);
}

static bool load_data(struct bt *bt, enum seg_reg seg, uint16_t sel)
{
	struct segment *s = &bt->v.seg[seg];
	const guest_u64 *p;
	uint64_t d;

	if (seg == SEG_CS || seg == SEG_SS || seg >= SEG_COUNT)
		return false;
	if (!(sel & ~3)) {
		*s = (struct segment){ .selector = sel, .attr = SEG_UNUSABLE };
		return true;
	}
	p = hot_descriptor(bt, sel);
	if (!p)
		return false;
	d = *p;
	if (!plain_data(d, bt->ctx->flags & CTX_CPL_MASK, sel))
		return false;
	*s = hot_segment(d, sel);
	if (!(sel & 4) && (seg == SEG_DS || seg == SEG_ES))
		cache_segment(bt, seg, d);
	return true;
}

static void *seg_done(struct bt *bt, enum seg_reg seg)
{
	uint32_t before = bt->invalidated;

	bt->v.rip = (uint32_t)bt->r10;
	if (bt_set_ctx_seg(bt, seg) && bt->invalidated == before)
		return hot_done(bt);
	return bt_go(bt);
}

/* r9d: the segment register; r11d: the selector. */
static void *mov_seg(struct bt *bt)
{
	enum seg_reg seg = bt->r9;

	if (!load_data(bt, seg, bt->r11))
		return hot_slow(bt);
	return seg_done(bt, seg);
}

static void *pop_seg(struct bt *bt)
{
	const guest_u32 *p = hot_mem(bt, bt->v.gpr[GPR_SP], 4, access_user(bt));
	enum seg_reg seg = bt->r9;

	if (!p || !load_data(bt, seg, *p))
		return hot_slow(bt);
	bt->v.gpr[GPR_SP] = (uint32_t)(bt->v.gpr[GPR_SP] + 4);
	return seg_done(bt, seg);
}

/* ------------------------------------------------ hypercalls */

void bt_hypercall(struct bt *bt)
{
	bt_flags_in(bt);
	bt_fpu_save(bt);
	bt->bus->hypercall(bt->bus->opaque, &bt->v);
	bt_flags_out(bt);
}

/* VMCALL at CPL 0. */
static void *hypercall(struct bt *bt)
{
	uint32_t before = bt->invalidated;
	struct ctx *was = bt->ctx;
	enum x86_vmi how;

	if (!bt->bus->hypercall)
		return hot_slow(bt);	/* #UD */
	bt->stats.hypercalls++;
	how = x86_vmi_call(&bt->x);
	bt->v.rip = (uint32_t)bt->r10;
	if (how == X86_VMI_BUS)
		bt_hypercall(bt);
	if (how == X86_VMI_BUS)
		bt_set_ctx(bt);
	else if (how == X86_VMI_STATE)
		bt_set_ctx_flat(bt);	/* the translator saw to that */
	if (bt->poll && bt->sysflags & FLAG_IF)
		bt->kick = 1;
	if (bt->ctx == was && bt->invalidated == before)
		return hot_done(bt);
	return bt_go(bt);
}

void bt_hot_init(struct bt *bt)
{
	bt->fn_hot[HOT_string] = string;
	bt->fn_hot[HOT_scan] = scan;
	bt->fn_hot[HOT_desc_table] = desc_table;
	bt_seg_cache_clear(bt);
	bt->fn_hot[HOT_mov_seg] = mov_seg;
	bt->fn_hot[HOT_pop_seg] = pop_seg;
	bt->fn_hot[HOT_hypercall] = hypercall;
	bt_gates_init(bt);
}
