/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Templates for stack, control-flow and system instructions.  Each keeps the
 * rule that makes faults precise: nothing the guest can see changes before the
 * last access that can fault, so that a fault restarts the instruction.
 */
#include "fullvirt/bt/templates.h"

#define OFF(f)	((uint32_t)__builtin_offsetof(struct bt, f))

static const struct hmem stack_top = { R15, NO_REG, 0, 0 };

#define STI_LEN		8	/* bytes of set_if() */

_Static_assert(OFF(sysflags) + 1 > 127, "set_if() takes a disp32");

static uint32_t seg_off(uint8_t seg)
{
	return OFF(v.seg) + seg * sizeof(struct segment) +
	       __builtin_offsetof(struct segment, selector);
}

static void load_mem(struct region *r, const struct ginsn *g, uint8_t reg,
		     int32_t extra)
{
	struct gaccess a = tpl_access(r, g->seg, g_address(g, extra), 4, false);

	tpl_rm(&r->e, 0x8b, reg, a);
}

static void load_stack(struct region *r, uint8_t reg)
{
	tpl_rm(&r->e, 0x8b, reg, tpl_access(r, SEG_SS, stack_top, 4, false));
}

static void adjust_sp(struct region *r, int32_t by)
{
	e_lea32(&r->e, R15, (struct hmem){ R15, NO_REG, 0, by });
}

static void push_r(struct region *r, const struct ginsn *g)
{
	if (r->flags & CTX_SEG) {
		tpl_seg_push(r, g);
		return;
	}
	tpl_push_reg(r, hreg(g->opcode & 7));
}

static void pop_r(struct region *r, const struct ginsn *g)
{
	uint8_t reg = g->opcode & 7;

	if (r->flags & CTX_SEG) {
		tpl_seg_pop(r, g);
		return;
	}
	load_stack(r, hreg(reg));
	if (reg != GPR_SP)
		adjust_sp(r, 4);
}

static void push_i(struct region *r, const struct ginsn *g)
{
	int32_t v;

	if (r->flags & CTX_SEG) {
		tpl_seg_push(r, g);
		return;
	}
	if (g->imm_len == 1)
		v = (int8_t)g->bytes[g->imm_off];
	else
		__builtin_memcpy(&v, g->bytes + g->imm_off, 4);
	tpl_push_imm(r, v);
}

static void push_m(struct region *r, const struct ginsn *g)
{
	if (g->mem)
		load_mem(r, g, R13, 0);
	else
		e_mov32(&r->e, R13, hreg(g->rm));
	tpl_push_reg(r, R13);
}

static uint8_t seg_of_push(const struct ginsn *g)
{
	return (g->opcode >> 3) & 7;	/* 06 0e 16 1e, 0f a0, 0f a8 */
}

static void push_seg(struct region *r, const struct ginsn *g)
{
	uint8_t seg = g->map ? (g->opcode == 0xa0 ? SEG_FS : SEG_GS)
			     : seg_of_push(g);

	e_rm_mem(&r->e, false, 0x0fb7, R13,
		 (struct hmem){ R14, NO_REG, 0, seg_off(seg) });
	tpl_push_reg(r, R13);
}

static void from_seg(struct region *r, const struct ginsn *g)
{
	e_rm_mem(&r->e, false, 0x0fb7, hreg(g->rm),
		 (struct hmem){ R14, NO_REG, 0, seg_off(g->reg) });
}

/* POP m computes its address after esp has moved, SDM Vol. 2B. */
static void pop_m(struct region *r, const struct ginsn *g)
{
	struct gaccess a;

	if (!g->mem) {
		load_stack(r, R13);
		e_mov32(&r->e, hreg(g->rm), R13);
		if (g->rm != GPR_SP)
			adjust_sp(r, 4);
		return;
	}
	load_stack(r, R13);
	a = tpl_access(r, g->seg, g_address(g, g->base == GPR_SP ? 4 : 0), 4,
		       true);
	tpl_rm(&r->e, 0x89, R13, a);
	adjust_sp(r, 4);
}

static void leave(struct region *r, const struct ginsn *g)
{
	struct gaccess a = tpl_access(r, SEG_SS,
				      (struct hmem){ RBP, NO_REG, 0, 0 }, 4,
				      false);

	tpl_rm(&r->e, 0x8b, R13, a);
	e_lea32(&r->e, R15, (struct hmem){ RBP, NO_REG, 0, 4 });
	e_mov32(&r->e, RBP, R13);
}

/* The host's image has IF and bit 1 set; DF is in it and in sysflags. */
static void pushf(struct region *r, const struct ginsn *g)
{
	struct emit *e = &r->e;

	e8(e, 0x9c);
	e8(e, 0x41);
	e8(e, 0x5d);		/* pop r13 */
	e_load32(e, R8, OFF(sysflags));
	e_lea32(e, R13, (struct hmem){ R13, R8, 0, -(int32_t)(FLAG_IF |
			 (r->flags & CTX_DF ? FLAG_DF : 0)) });
	tpl_push_reg(r, R13);
}

static int find_insn(const struct region *r, uint32_t eip)
{
	unsigned lo = 0, hi = r->n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (r->g[mid].eip < eip)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < r->n && r->g[lo].eip == eip ? (int)lo : -1;
}

/* Point the rel32 at @patch to the guest address @eip, in or out of the TU. */
static void go(struct region *r, uint8_t *patch, uint32_t eip)
{
	int i = find_insn(r, eip);

	if (i < 0)
		tpl_exit(r, patch, eip);
	else
		r->fix[r->nfix++] = (struct fixup){ patch, i };
}

void tpl_exit(struct region *r, uint8_t *patch, uint32_t eip)
{
	r->exits[r->nexits++] = (struct pending_exit){ patch, eip };
}

/*
 * Where a host RET arrives after a guest RET, with the guest's return address
 * in r8d: go on if it is the expected one.  Flags must survive even where the
 * code that follows sets them, since it may not be what follows.
 */
static void landing(struct region *r, const struct ginsn *g)
{
	struct emit *e = &r->e;
	uint32_t expected = g->eip + g->len;

	e_mov64(e, R11, RCX);
	e_rm_mem(e, false, 0x8d, RCX,
		 (struct hmem){ R8, NO_REG, 0, (int32_t)-expected });
	e_jecxz(e, 8);
	e_mov64(e, RCX, R11);
	e_rel32(e, 0xe9, r->ctx->ret_miss);
	e_mov64(e, RCX, R11);
}

static void call(struct region *r, const struct ginsn *g)
{
	uint32_t ret = g->eip + g->len;

	if (r->flags & CTX_SEG) {
		tpl_seg_push_eip(r, g);
		go(r, e_rel32(&r->e, 0xe9, r->e.p), g->target);
		return;
	}
	tpl_push_imm(r, ret);
	if (g->target == ret) {	/* call/pop to learn eip: no return follows */
		go(r, e_rel32(&r->e, 0xe9, r->e.p), ret);
		return;
	}
	go(r, e_rel32(&r->e, 0xe8, r->e.p), g->target);
	landing(r, g);
}

static void indirect_target(struct region *r, const struct ginsn *g,
			    uint8_t reg)
{
	if (g->mem)
		load_mem(r, g, reg, 0);
	else
		e_mov32(&r->e, reg, hreg(g->rm));
}

static void call_ind(struct region *r, const struct ginsn *g)
{
	uint32_t ret = g->eip + g->len;

	indirect_target(r, g, R13);
	tpl_push_imm(r, ret);
	r->lookups[r->nlookups++].patch = e_rel32(&r->e, 0xe8, r->e.p);
	landing(r, g);
}

static void jmp_ind(struct region *r, const struct ginsn *g)
{
	indirect_target(r, g, R8);
	tpl_lookup(r);
}

static void ret(struct region *r, const struct ginsn *g)
{
	uint16_t pop = 0;

	if (r->flags & CTX_SEG) {
		tpl_seg_ret(r, g);
		return;
	}
	if (g->imm_len == 2)
		__builtin_memcpy(&pop, g->bytes + g->imm_off, 2);
	load_stack(r, R8);
	adjust_sp(r, 4 + pop);
	e8(&r->e, 0xc3);
}

static void jmp(struct region *r, const struct ginsn *g)
{
	go(r, e_rel32(&r->e, 0xe9, r->e.p), g->target);
}

static void jcc(struct region *r, const struct ginsn *g)
{
	go(r, e_jcc32(&r->e, g->opcode & 15, r->e.p), g->target);
}

/* loopne, loope, loop, jecxz have only short forms: step over a jump. */
static void loop(struct region *r, const struct ginsn *g)
{
	struct emit *e = &r->e;

	e8(e, 0x67);
	e8(e, g->opcode);
	e8(e, 2);
	e8(e, 0xeb);
	e8(e, 5);
	jmp(r, g);
}

/*
 * Is the code before @host the end of an STI?  Then no interrupt may come in
 * at @host.  (It does not matter that @host can be reached by a jump, too: the
 * caller will see to one more instruction.)  @host: in [tu->host, end).
 */
bool tpl_behind_sti(const struct tu *tu, const uint8_t *host)
{
	static const uint32_t off = OFF(sysflags) + 1;
	const uint8_t *p = host - STI_LEN;
	uint32_t disp;

	if (host < tu->host + STI_LEN)
		return false;
	__builtin_memcpy(&disp, p + 3, 4);
	return p[0] == 0x41 && p[1] == 0xc6 && p[2] == 0x86 && disp == off &&
	       p[7] & FLAG_IF >> 8;
}

/* mov byte [r14 + disp32], imm8: 8 bytes, which tpl_behind_sti() knows. */
static void set_if(struct region *r, bool on)
{
	struct emit *e = &r->e;
	uint32_t iopl = (r->flags & CTX_IOPL_MASK) >> CTX_IOPL_SHIFT;

	e_rm_mem(e, false, 0xc6, 0,
		 (struct hmem){ R14, NO_REG, 0, OFF(sysflags) + 1 });
	e8(e, iopl << 4 | (r->flags & CTX_DF ? 4 : 0) | on << 1);
}

static bool may_set_if(const struct region *r)
{
	return (r->flags & CTX_CPL_MASK) <=
	       (r->flags & CTX_IOPL_MASK) >> CTX_IOPL_SHIFT;
}

static void interp(struct region *r, const struct ginsn *g)
{
	tpl_callout(r, bt_stub(r->bt, STUB_interp));
}

static void cli(struct region *r, const struct ginsn *g)
{
	if (may_set_if(r))
		set_if(r, false);
	else
		interp(r, g);
}

/* With an interrupt waiting, STI and its shadow are the interpreter's. */
static void sti(struct region *r, const struct ginsn *g)
{
	struct emit *e = &r->e;

	/* The last one's shadow would reach into another TU. */
	if (!may_set_if(r) || g == &r->g[r->n - 1]) {
		interp(r, g);
		return;
	}
	e_mov64(e, R11, RCX);
	e_load32(e, RCX, OFF(poll));
	e_jecxz(e, 8);
	e_mov64(e, RCX, R11);
	interp(r, g);
	e_mov64(e, RCX, R11);
	set_if(r, true);
}

static void rdtsc(struct region *r, const struct ginsn *g)
{
	struct emit *e = &r->e;

	if (r->flags & CTX_TSD) {
		interp(r, g);
		return;
	}
	tpl_ident(r, g);
	e_rorx64(e, R8, RDX, 32);
	e_rm_mem(e, true, 0x8d, R8, (struct hmem){ R8, RAX, 0, 0 });
	e_rm_mem(e, true, 0x8b, R9,
		 (struct hmem){ R14, NO_REG, 0, OFF(v.msr.tsc_offset) });
	e_rm_mem(e, true, 0x8d, R8, (struct hmem){ R8, R9, 0, 0 });
	e_mov32(e, RAX, R8);
	e_rorx64(e, R8, R8, 32);
	e_mov32(e, RDX, R8);
}

static void from_cr(struct region *r, const struct ginsn *g)
{
	static const uint32_t where[8] = {
		[0] = OFF(v.cr0), [2] = OFF(v.cr2), [3] = OFF(v.cr3),
		[4] = OFF(v.cr4),
	};

	if (r->flags & CTX_CPL_MASK || !where[g->reg] || g->lock)
		interp(r, g);
	else
		e_load32(&r->e, hreg(g->rm), where[g->reg]);
}

/* CLD and STD: the context knows DF. */
static void set_df(struct region *r, const struct ginsn *g)
{
	if (!(g->opcode & 1) != !(r->flags & CTX_DF))
		interp(r, g);
}

static void lea(struct region *r, const struct ginsn *g)
{
	if (r->flags & CTX_SEG) {
		tpl_seg_lea(r, g);
		return;
	}
	if (g->p66)
		e8(&r->e, 0x66);
	e_lea32(&r->e, hreg(g->reg), g_address(g, 0));
}

/* SDM Vol. 2B, NOP: the recommended multi-byte forms. */
static void pad(struct emit *e, unsigned n)
{
	static const uint8_t nops[8][8] = {
		{ 0x90 }, { 0x66, 0x90 }, { 0x0f, 0x1f, 0x00 },
		{ 0x0f, 0x1f, 0x40, 0x00 }, { 0x0f, 0x1f, 0x44, 0x00, 0x00 },
		{ 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00 },
		{ 0x0f, 0x1f, 0x80, 0, 0, 0, 0 },
		{ 0x0f, 0x1f, 0x84, 0x00, 0, 0, 0, 0 },
	};

	while (n) {
		unsigned k = n < 8 ? n : 8;

		e_bytes(e, nops[k - 1], k);
		n -= k;
	}
}

/* A hint; a NOP in front of a 16-byte boundary aligns what follows it. */
static void nothing(struct region *r, const struct ginsn *g)
{
	if (((g->eip + g->len) & 15) == 0)
		pad(&r->e, -(uint64_t)r->e.p & 15);
}

/*
 * A hot callout: r9d tells what the instruction is, r10d where the next one
 * is, so that the C side needs to look nothing up.
 */
static void hot(struct region *r, const struct ginsn *g, enum bt_hot h,
		uint32_t info)
{
	e_mov_imm32(&r->e, R9, info);
	e_mov_imm32(&r->e, R10, g->eip + g->len);
	tpl_callout(r, bt_hot_stub(r->bt, h));
}

static void hot_plain(struct region *r, const struct ginsn *g, enum bt_hot h,
		      uint32_t info)
{
	if (g->odd || g->p66 || g->rep || g->lock)
		interp(r, g);
	else
		hot(r, g, h, info);
}

static const struct hmem at_si = { RSI, NO_REG, 0, 0 };
static const struct hmem at_di = { RDI, NO_REG, 0, 0 };

/* op reg, [edi or esi] of @g's operand size. */
static void string_rm(struct region *r, const struct ginsn *g, unsigned op,
		      uint8_t reg, struct hmem at, bool write)
{
	unsigned size = g->opcode & 1 ? g->opsize : 1;
	struct gaccess a = tpl_access(r, SEG_DS, at, size, write);

	if (a.window)
		tpl_window_prefix(&r->e);
	if (size == 2)
		e8(&r->e, 0x66);
	e_rm_mem(&r->e, false, op | (size > 1), reg, a.m);
}

/* One iteration with DF = 0; the pointers move after the last access. */
static void string_once(struct region *r, const struct ginsn *g)
{
	uint8_t op = g->opcode & 0xfe;
	int32_t size = g->opcode & 1 ? g->opsize : 1;
	bool si = op == 0xa4 || op == 0xa6 || op == 0xac, di = op != 0xac;
	uint8_t reg = si && di ? R13 : RAX;

	if (si)
		string_rm(r, g, 0x8a, reg, at_si, false);
	if (op == 0xa6 || op == 0xae)
		string_rm(r, g, 0x3a, reg, at_di, false);
	else if (di)
		string_rm(r, g, 0x88, reg, at_di, true);
	if (si)
		e_lea32(&r->e, RSI, (struct hmem){ RSI, NO_REG, 0, size });
	if (di)
		e_lea32(&r->e, RDI, (struct hmem){ RDI, NO_REG, 0, size });
}

static void string(struct region *r, const struct ginsn *g)
{
	uint32_t what = !(g->opcode & 1) ? 1 : g->opsize;
	uint8_t op = g->opcode & 0xfe;
	bool scan = op == 0xa6 || op == 0xae;

	if (op == 0xa4 || op == 0xa6)
		what |= HOT_SOURCE;
	if (g->rep)
		what |= scan && g->rep == 0xf2 ? HOT_REPNE : HOT_REP;
	if (g->odd || r->flags & CTX_DF || (g->rep && op == 0xac))
		interp(r, g);
	else if (!g->rep)
		string_once(r, g);
	else
		hot(r, g, scan ? HOT_scan : HOT_string, what);
}

/*
 * mov ds or es, with the selector in r11d: compare it and its descriptor in
 * the GDT with what was loaded last, and load that again.  Everything else,
 * and the exceptions, are the callout's.
 */
static void load_flat_again(struct region *r, const struct ginsn *g,
			    unsigned seg)
{
	struct emit *e = &r->e;
	uint32_t c = OFF(seg_cache) + (seg == SEG_DS) * sizeof(struct seg_cache);
	uint32_t to = OFF(v.seg) + seg * sizeof(struct segment);
	struct gaccess desc = { true, { R9, NO_REG, 0, 0 } };
	uint8_t *differs[2], *over;

	e_rm_reg(e, false, 0x0fb7, R8, R11);
	e_mov32(e, R13, R11);
	e_mov64(e, R11, RCX);
	e_load32(e, RCX, c + __builtin_offsetof(struct seg_cache, neg_sel));
	e_lea32(e, RCX, (struct hmem){ RCX, R8, 0, 0 });
	e_jecxz(e, 2);
	e8(e, 0xeb);
	differs[0] = e->p;
	e8(e, 0);
	e_mov64(e, RCX, R11);
	e_load32(e, R9, c + __builtin_offsetof(struct seg_cache, lin));
	tpl_window_prefix(e);
	e_rm_mem(e, true, 0x8b, R10, desc.m);
	e_rm_mem(e, true, 0x8b, RCX, (struct hmem){ R14, NO_REG, 0,
		 c + __builtin_offsetof(struct seg_cache, neg_raw) });
	e_rm_mem(e, true, 0x8d, RCX, (struct hmem){ RCX, R10, 0, 0 });
	e8(e, 0xe3);		/* jrcxz */
	e8(e, 2);
	e8(e, 0xeb);
	differs[1] = e->p;
	e8(e, 0);
	for (unsigned i = 0; i < sizeof(struct segment); i += 8) {
		e_rm_mem(e, true, 0x8b, R8, (struct hmem){ R14, NO_REG, 0, c + i +
			 __builtin_offsetof(struct seg_cache, seg) });
		e_rm_mem(e, true, 0x89, R8,
			 (struct hmem){ R14, NO_REG, 0, to + i });
	}
	e_mov64(e, RCX, R11);
	e8(e, 0xeb);
	over = e->p;
	e8(e, 0);
	*differs[0] = e->p - (differs[0] + 1);
	*differs[1] = e->p - (differs[1] + 1);
	e_mov64(e, RCX, R11);
	e_mov32(e, R11, R13);
	hot_plain(r, g, HOT_mov_seg, seg);
	*over = e->p - (over + 1);
}

/* mov sreg, r32 and pop es, ds, fs, gs. */
static void load_seg(struct region *r, const struct ginsn *g)
{
	unsigned seg;

	if (g->map == 0 && g->opcode == 0x8e) {
		seg = g->reg;
		if (g->mem && !g->odd && !g->p66) {
			tpl_rm(&r->e, 0x0fb7, R11,
			       tpl_access(r, g->seg, g_address(g, 0), 2,
					  false));
		} else {
			e_mov32(&r->e, R11, hreg(g->rm));
		}
		if ((seg == SEG_DS || seg == SEG_ES) && !g->odd && !g->p66 &&
		    r->flags & CTX_WINDOW && !(r->flags & CTX_CPL_MASK)) {
			load_flat_again(r, g, seg);
			return;
		}
		hot_plain(r, g, HOT_mov_seg, seg);
		return;
	}
	seg = g->map ? (g->opcode == 0xa1 ? SEG_FS : SEG_GS)
		     : g->opcode >> 3 & 7;
	hot_plain(r, g, HOT_pop_seg, seg);
}

/*
 * POPF at privilege 0 that changes no flag but arithmetic ones and IF, with no
 * interrupt waiting.  The old flags are dead once the stack has been read.
 */
static void popf_inline(struct region *r, const struct ginsn *g)
{
	struct emit *e = &r->e;
	uint32_t iopl = (r->flags & CTX_IOPL_MASK) >> CTX_IOPL_SHIFT;
	uint8_t *slow[2], *over;

	load_stack(r, R13);
	e_mov32(e, R8, R13);
	e_rm_mem(e, false, 0x33, R8,
		 (struct hmem){ R14, NO_REG, 0, OFF(sysflags) });
	e_rm_reg(e, false, 0xf7, 0, R8);	/* test r8d, imm32 */
	e32(e, ~(FLAGS_ARITH | FLAG_FIXED | FLAG_IF));
	e8(e, 0x75);
	slow[0] = e->p;
	e8(e, 0);
	e_rm_mem(e, false, 0x83, 7,		/* cmp dword [poll], 0 */
		 (struct hmem){ R14, NO_REG, 0, OFF(poll) });
	e8(e, 0);
	e8(e, 0x75);
	slow[1] = e->p;
	e8(e, 0);
	e_mov32(e, R8, R13);
	e_rm_reg(e, false, 0xc1, 5, R8);	/* shr r8d, 8 */
	e8(e, 8);
	e_rm_reg(e, false, 0x83, 4, R8);	/* and r8d, IF >> 8 */
	e8(e, FLAG_IF >> 8);
	e_rm_reg(e, false, 0x83, 1, R8);	/* or r8d, ... */
	e8(e, iopl << 4 | (r->flags & CTX_DF ? FLAG_DF >> 8 : 0));
	adjust_sp(r, 4);
	e_rm_mem(e, false, 0x88, R8,
		 (struct hmem){ R14, NO_REG, 0, OFF(sysflags) + 1 });
	e_mov64(e, R8, RAX);
	e_mov32(e, RAX, R13);
	e_rm_reg(e, false, 0xc1, 5, RAX);	/* shr eax, 11 */
	e8(e, 11);
	e_rm_reg(e, false, 0x83, 4, RAX);	/* and eax, 1 */
	e8(e, 1);
	e_rm_reg(e, false, 0xc1, 4, R13);	/* shl r13d, 8 */
	e8(e, 8);
	e_rm_reg(e, false, 0x0b, RAX, R13);	/* or eax, r13d */
	e8(e, 0x04);				/* add al, 7f: OF */
	e8(e, 0x7f);
	e8(e, 0x9e);				/* sahf */
	e_mov64(e, RAX, R8);
	e8(e, 0xeb);
	over = e->p;
	e8(e, 0);
	*slow[0] = e->p - (slow[0] + 1);
	*slow[1] = e->p - (slow[1] + 1);
	hot_plain(r, g, HOT_popf, 0);
	*over = e->p - (over + 1);
}

static void popf(struct region *r, const struct ginsn *g)
{
	if (!(r->flags & CTX_CPL_MASK) && !g->odd && !g->rep && !g->lock)
		popf_inline(r, g);
	else
		hot_plain(r, g, HOT_popf, 0);
}

static void desc_table(struct region *r, const struct ginsn *g)
{
	hot(r, g, HOT_desc_table, 0);
}

static void hypercall(struct region *r, const struct ginsn *g)
{
	hot_plain(r, g, HOT_hypercall, 0);
}

static void iret(struct region *r, const struct ginsn *g)
{
	hot_plain(r, g, HOT_iret, 0);
}

static void sysenter(struct region *r, const struct ginsn *g)
{
	hot_plain(r, g, HOT_sysenter, 0);
}

static void sysexit(struct region *r, const struct ginsn *g)
{
	hot_plain(r, g, HOT_sysexit, 0);
}

static void int_n(struct region *r, const struct ginsn *g)
{
	hot_plain(r, g, HOT_int_n, g->opcode == 0xcc ? VEC_BP
						     : g->bytes[g->imm_off]);
}

static void (*const templates[])(struct region *, const struct ginsn *) = {
	[C_INTERP] = interp, [C_IDENT] = tpl_ident, [C_NOP] = nothing,
	[C_LEA] = lea, [C_PUSH_R] = push_r, [C_POP_R] = pop_r,
	[C_PUSH_I] = push_i, [C_PUSH_M] = push_m, [C_PUSH_SEG] = push_seg,
	[C_POP_M] = pop_m, [C_PUSHF] = pushf, [C_POPF] = popf,
	[C_LEAVE] = leave, [C_PUSHA] = interp, [C_POPA] = interp,
	[C_CALL] = call, [C_CALL_IND] = call_ind, [C_RET] = ret, [C_JMP] = jmp,
	[C_JMP_IND] = jmp_ind, [C_JCC] = jcc, [C_LOOP] = loop,
	[C_STRING] = string, [C_CLI] = cli, [C_STI] = sti, [C_RDTSC] = rdtsc,
	[C_FROM_SEG] = from_seg, [C_LOAD_SEG] = load_seg, [C_IRET] = iret,
	[C_SYSENTER] = sysenter, [C_SYSEXIT] = sysexit, [C_INT] = int_n,
	[C_INTERP_END] = interp, [C_FROM_CR] = from_cr, [C_SET_DF] = set_df,
	[C_DESC_TABLE] = desc_table, [C_HYPERCALL] = hypercall,
};

/* FS and GS operands need a usable, flat-limited segment in this context. */
static bool segment_ok(const struct region *r, const struct ginsn *g)
{
	if (!g->mem || g->cls == C_LEA || g->cls == C_NOP || r->flags & CTX_SEG)
		return true;
	if (g->seg == SEG_FS)
		return r->flags & CTX_FS_OK;
	if (g->seg == SEG_GS)
		return r->flags & CTX_GS_OK;
	return g->seg != SEG_CS || !g->mem_write;
}

void tpl_emit(struct region *r, unsigned i)
{
	const struct ginsn *g = &r->g[i];
	uint8_t *start = r->e.p;

	r->label[i] = start;
	r->addr16 = g->addr16;
	if (segment_ok(r, g))
		templates[g->cls](r, g);
	else
		interp(r, g);
	/* Room for bt_patch_site() where there is an access. */
	if (g->mem && g->cls != C_LEA && g->cls != C_NOP &&
	    r->e.p < start + 5)
		pad(&r->e, start + 5 - r->e.p);
}

void tpl_lookup(struct region *r)
{
	struct emit *e = &r->e;
	uint32_t id = r->ctx->id;

	e_rm_reg(e, false, 0x0fb7, R9, R8);
	e_mov64(e, R11, RCX);
	e_rm_mem(e, false, 0x8b, RCX,
		 (struct hmem){ R14, R9, 2, (int32_t)ARENA_IBTC_TAG(id) });
	e_lea32(e, RCX, (struct hmem){ RCX, R8, 0, 1 });
	e_jecxz(e, 8);
	e_mov64(e, RCX, R11);
	e_rel32(e, 0xe9, bt_stub(r->bt, STUB_indirect));
	e_mov64(e, RCX, R11);
	e_rm_mem(e, false, 0xff, 4,
		 (struct hmem){ R14, R9, 3, (int32_t)ARENA_IBTC_HOST(id) });
}

void tpl_guard(struct region *r, uint32_t eip, uint32_t page, uint32_t gpfn)
{
	struct emit *e = &r->e;

	e_mov64(e, R11, RCX);
	e_load32(e, RCX, ARENA_X(r->ctx->user) + page * 4);
	e_rm_mem(e, false, 0x8d, RCX,
		 (struct hmem){ RCX, NO_REG, 0, -(int32_t)(gpfn + 1) });
	e_jecxz(e, 14);
	e_mov64(e, RCX, R11);
	e_mov_imm32(e, R8, eip);
	e_rel32(e, 0xe9, bt_stub(e->bt, STUB_guard));
	e_mov64(e, RCX, R11);
}

void tpl_ctx_routines(struct bt *bt, struct ctx *c)
{
	struct region r = { .bt = bt, .e = { bt, bt->tc.next }, .ctx = c };

	c->ret_miss = r.e.p;
	e_rm_mem(&r.e, true, 0x8b, RSP,
		 (struct hmem){ R14, NO_REG, 0, OFF(rs_top) });
	tpl_lookup(&r);
	bt->tc.next = r.e.p;
}
