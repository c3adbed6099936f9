/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sequences that may do what no single instruction may: go to guest memory
 * by a software TLB, jump by the indirect table, compare with rcx saved in
 * r11.  Each is matched whole and in order; verify.c then makes sure that
 * nothing comes in but at its first instruction, so that the access at its end
 * is always preceded by the checks.
 *
 * A scratch register is free at the end of each, and rcx has its value back.
 */
#include <Zydis/Zydis.h>

#include "fullvirt/bt/verify_priv.h"

#define OFF(f)	((int32_t)__builtin_offsetof(struct bt, f))

/* Where the matcher is.  Once something did not fit, ok stays false. */
struct cursor {
	const struct vcode *c;
	uint32_t i;
	bool ok;
};

static const struct vinsn none = { .mnemonic = ZYDIS_MNEMONIC_INVALID,
				   .dst = V_NONE, .src = V_NONE };

static const struct vinsn *peek(const struct cursor *k)
{
	return k->i < k->c->n ? &k->c->v[k->i] : &none;
}

static const struct vinsn *take(struct cursor *k, bool fits)
{
	const struct vinsn *v = peek(k);

	k->ok &= fits;
	k->i++;
	return v;
}

/* ------------------------------------------------ single steps */

static bool no_mem(const struct vinsn *v)
{
	return !v->m.present;
}

static bool plain_mem(const struct vinsn *v, uint8_t base, uint8_t index,
		      uint8_t scale)
{
	const struct vmem *m = &v->m;

	return m->present && !m->gs && !m->a32 && m->base == base &&
	       m->index == index && (index == V_NONE || m->scale == scale);
}

static void mov64(struct cursor *k, uint8_t dst, uint8_t src)
{
	const struct vinsn *v = peek(k);

	take(k, v->mnemonic == ZYDIS_MNEMONIC_MOV && no_mem(v) &&
		v->width == 64 && v->dst == dst && v->src == src);
}

static const struct vinsn *load(struct cursor *k, unsigned width, uint8_t dst,
				uint8_t index, uint8_t scale)
{
	const struct vinsn *v = peek(k);

	return take(k, v->mnemonic == ZYDIS_MNEMONIC_MOV && v->dst == dst &&
		       v->width == width &&
		       plain_mem(v, V_R14, index, scale) && !v->m.write);
}

static const struct vinsn *lea32(struct cursor *k, uint8_t dst, uint8_t base,
				 uint8_t index)
{
	const struct vinsn *v = peek(k);

	return take(k, v->mnemonic == ZYDIS_MNEMONIC_LEA && v->width == 32 &&
		       v->dst == dst && plain_mem(v, base, index, 1));
}

/* shrx dst32, src32, r12d; r12 is 12 always. */
static void page_of(struct cursor *k, uint8_t dst, uint8_t src)
{
	const struct vinsn *v = peek(k);
	const uint8_t *p = k->c->host + v->off;

	take(k, v->mnemonic == ZYDIS_MNEMONIC_SHRX && v->width == 32 &&
		v->len == 5 && v->dst == dst && v->src == src && no_mem(v) &&
		(~p[2] >> 3 & 15) == V_R12);
}

/* A branch @mn over the next @skip instructions, or to the end of the code. */
static void over(struct cursor *k, unsigned mn, unsigned skip)
{
	const struct vinsn *v = peek(k);
	uint32_t to = k->i + 1 + skip;
	uint32_t off = to < k->c->n ? k->c->v[to].off : k->c->len;

	take(k, v->mnemonic == mn && to <= k->c->n &&
		v->to == (uint64_t)k->c->host + off);
}

static void jecxz(struct cursor *k, unsigned skip)
{
	over(k, ZYDIS_MNEMONIC_JECXZ, skip);
}

static void transfer(struct cursor *k, enum vflow f, const uint8_t *to)
{
	const struct vinsn *v = peek(k);

	take(k, v->flow == f && !v->bad && v->to == (uint64_t)to);
}

static uint32_t mov_imm(struct cursor *k, uint8_t dst)
{
	const struct vinsn *v = peek(k);

	take(k, v->mnemonic == ZYDIS_MNEMONIC_MOV && v->width == 32 &&
		v->dst == dst && v->has_imm && no_mem(v));
	return v->imm;
}

/* An operation on 32-bit registers. */
static void op32(struct cursor *k, unsigned mn, uint8_t dst, uint8_t src)
{
	const struct vinsn *v = peek(k);

	take(k, v->mnemonic == mn && v->width == 32 && v->dst == dst &&
		v->src == src && no_mem(v));
}

static void mov32(struct cursor *k, uint8_t dst, uint8_t src)
{
	op32(k, ZYDIS_MNEMONIC_MOV, dst, src);
}

static void op_imm(struct cursor *k, unsigned mn, uint8_t dst, uint32_t imm)
{
	const struct vinsn *v = peek(k);

	take(k, v->mnemonic == mn && v->width == 32 && v->dst == dst &&
		v->has_imm && (uint32_t)v->imm == imm && no_mem(v));
}

/* The callout at the end of a sequence that has a fast and a slow way. */
static void callout(struct cursor *k, enum bt_hot h)
{
	mov_imm(k, V_R9);
	mov_imm(k, V_R10);
	transfer(k, VF_CALL, bt_hot_stub(k->c->bt, h));
}

static bool cpl0(const struct cursor *k)
{
	return !(k->c->ctx->flags & CTX_CPL_MASK);
}

/* ------------------------------------------------ sequences */

static enum soft_kind kind_of(const struct cursor *k, bool write)
{
	return (k->c->ctx->user ? SOFT_UR : SOFT_KR) + write;
}

/* The access itself: any instruction of the list, at [r8 + r10]. */
static void soft_access(struct cursor *k, uint32_t span, bool write)
{
	const struct vinsn *v = peek(k);

	take(k, plain_mem(v, V_R8, V_R10, 1) && v->m.disp == 0 && v->m.size &&
		v->m.size <= span && v->m.write == write &&
		!v->m.bit_string && v->soft_ok);
}

/*
 * lea r8d, [ea]; ends in an access of n bytes:
 * r8 is the address (upper half zero), r10 its page, r9 that of byte n - 1;
 * the tag is minus (page + 1), so that ecx is 0 only if the page is cached and
 * both bytes are on it.
 */
static void soft(struct cursor *k)
{
	const struct vinsn *v = peek(k);
	uint32_t span = 1;
	bool write;

	take(k, v->mnemonic == ZYDIS_MNEMONIC_LEA && v->width == 32 &&
		v->dst == V_R8 && !v->bad);
	if (peek(k)->mnemonic == ZYDIS_MNEMONIC_LEA) {
		v = lea32(k, V_R9, V_R8, V_NONE);
		k->ok &= v->m.disp > 0 && v->m.disp < (int32_t)PAGE_SIZE;
		span = (uint32_t)v->m.disp + 1;
	}
	page_of(k, V_R10, V_R8);
	page_of(k, V_R9, span > 1 ? V_R9 : V_R8);
	mov64(k, V_R11, V_RCX);
	v = load(k, 32, V_RCX, V_R10, 4);
	write = v->m.disp == (int32_t)ARENA_TAG(kind_of(k, true));
	k->ok &= v->m.disp == (int32_t)ARENA_TAG(kind_of(k, write));
	v = lea32(k, V_RCX, V_RCX, V_R9);
	k->ok &= v->m.disp == 1;
	jecxz(k, 2);
	mov64(k, V_RCX, V_R11);
	transfer(k, VF_CALL, bt_stub(k->c->bt, write ? STUB_soft_write
						     : STUB_soft_read));
	mov64(k, V_RCX, V_R11);
	v = load(k, 64, V_R10, V_R10, 8);
	k->ok &= v->m.disp == (int32_t)ARENA_ADD(kind_of(k, write));
	soft_access(k, span, write);
}

/* movzx r9d, r8w; ends in a jump by this context's indirect table. */
static void lookup(struct cursor *k)
{
	const struct vinsn *v = peek(k);
	uint32_t id = k->c->ctx->id;

	take(k, v->mnemonic == ZYDIS_MNEMONIC_MOVZX && v->width == 32 &&
		v->dst == V_R9 && v->src == V_R8 && v->src_width == 16);
	mov64(k, V_R11, V_RCX);
	v = load(k, 32, V_RCX, V_R9, 4);
	k->ok &= v->m.disp == (int32_t)ARENA_IBTC_TAG(id);
	v = lea32(k, V_RCX, V_RCX, V_R8);
	k->ok &= v->m.disp == 1;
	jecxz(k, 2);
	mov64(k, V_RCX, V_R11);
	transfer(k, VF_JMP, bt_stub(k->c->bt, STUB_indirect));
	mov64(k, V_RCX, V_R11);
	v = peek(k);
	take(k, v->flow == VF_JMP_MEM && plain_mem(v, V_R14, V_R9, 8) &&
		v->m.size == 8 &&
		v->m.disp == (int32_t)ARENA_IBTC_HOST(id));
}

/* Goes on behind itself only if the X table still has the frame. */
static void guard(struct cursor *k)
{
	const struct vinsn *v;

	mov64(k, V_R11, V_RCX);
	v = load(k, 32, V_RCX, V_NONE, 0);
	k->ok &= (uint64_t)v->m.disp - ARENA_X(k->c->ctx->user) < NPAGES * 4ull;
	lea32(k, V_RCX, V_RCX, V_NONE);
	jecxz(k, 3);
	mov64(k, V_RCX, V_R11);
	mov_imm(k, V_R8);
	transfer(k, VF_JMP, bt_stub(k->c->bt, STUB_guard));
	mov64(k, V_RCX, V_R11);
}

/* Where a return arrives: go on if r8d is the address that was pushed. */
static void landing(struct cursor *k)
{
	mov64(k, V_R11, V_RCX);
	lea32(k, V_RCX, V_R8, V_NONE);
	jecxz(k, 2);
	mov64(k, V_RCX, V_R11);
	transfer(k, VF_JMP, k->c->ctx->ret_miss);
	mov64(k, V_RCX, V_R11);
}

/* STI: by the interpreter if something waits. */
static void sti(struct cursor *k)
{
	const struct vinsn *v;

	mov64(k, V_R11, V_RCX);
	v = load(k, 32, V_RCX, V_NONE, 0);
	k->ok &= v->m.disp == OFF(poll);
	jecxz(k, 2);
	mov64(k, V_RCX, V_R11);
	transfer(k, VF_CALL, bt_stub(k->c->bt, STUB_interp));
	mov64(k, V_RCX, V_R11);
}

static void pushf(struct cursor *k)
{
	take(k, peek(k)->mnemonic == ZYDIS_MNEMONIC_PUSHFQ &&
		peek(k)->len == 1);
	take(k, peek(k)->mnemonic == ZYDIS_MNEMONIC_POP &&
		peek(k)->dst == V_R13 && peek(k)->width == 64 &&
		no_mem(peek(k)));
}

static void rorx64(struct cursor *k, uint8_t src)
{
	const struct vinsn *v = peek(k);

	take(k, v->mnemonic == ZYDIS_MNEMONIC_RORX && v->width == 64 &&
		v->dst == V_R8 && v->src == src && no_mem(v) && v->imm == 32);
}

/* lea dst, [dst + index], 64 bits. */
static void sum64(struct cursor *k, uint8_t dst, uint8_t index)
{
	const struct vinsn *v = peek(k);

	take(k, v->mnemonic == ZYDIS_MNEMONIC_LEA && v->width == 64 &&
		v->dst == dst && plain_mem(v, dst, index, 1) &&
		v->m.disp == 0);
}

/* The guest's time: edx:eax + tsc_offset in r8, and back. */
static void rdtsc(struct cursor *k)
{
	const struct vinsn *v;

	take(k, peek(k)->mnemonic == ZYDIS_MNEMONIC_RDTSC);
	rorx64(k, V_RDX);
	sum64(k, V_R8, V_RAX);
	v = load(k, 64, V_R9, V_NONE, 0);
	k->ok &= v->m.disp == OFF(v.msr.tsc_offset);
	sum64(k, V_R8, V_R9);
	mov32(k, V_RAX, V_R8);
	rorx64(k, V_R8);
	mov32(k, V_RDX, V_R8);
}

/* What popf() below leaves alone in sysflags' second byte. */
static uint32_t fixed_flags(const struct ctx *c)
{
	return ((c->flags & CTX_IOPL_MASK) >> CTX_IOPL_SHIFT) << 4 |
	       (c->flags & CTX_DF ? FLAG_DF >> 8 : 0);
}

/*
 * POPF with the new flags in r13d: IF goes to sysflags, the arithmetic flags
 * to the host's; anything else is the callout's.
 */
static void popf(struct cursor *k)
{
	const struct vinsn *v;

	mov32(k, V_R8, V_R13);
	v = peek(k);
	take(k, v->mnemonic == ZYDIS_MNEMONIC_XOR && v->width == 32 &&
		v->dst == V_R8 && plain_mem(v, V_R14, V_NONE, 0) &&
		v->m.disp == OFF(sysflags) && cpl0(k));
	op_imm(k, ZYDIS_MNEMONIC_TEST, V_R8,
	       ~(FLAGS_ARITH | FLAG_FIXED | FLAG_IF));
	over(k, ZYDIS_MNEMONIC_JNZ, 18);
	v = peek(k);
	take(k, v->mnemonic == ZYDIS_MNEMONIC_CMP && v->m.size == 4 &&
		plain_mem(v, V_R14, V_NONE, 0) && v->m.disp == OFF(poll) &&
		v->has_imm && v->imm == 0);
	over(k, ZYDIS_MNEMONIC_JNZ, 16);
	mov32(k, V_R8, V_R13);
	op_imm(k, ZYDIS_MNEMONIC_SHR, V_R8, 8);
	op_imm(k, ZYDIS_MNEMONIC_AND, V_R8, FLAG_IF >> 8);
	op_imm(k, ZYDIS_MNEMONIC_OR, V_R8, fixed_flags(k->c->ctx));
	v = lea32(k, V_R15, V_R15, V_NONE);
	k->ok &= v->m.disp == 4;
	v = peek(k);
	take(k, v->mnemonic == ZYDIS_MNEMONIC_MOV && v->m.write &&
		v->m.size == 1 && v->src == V_R8 &&
		plain_mem(v, V_R14, V_NONE, 0) &&
		v->m.disp == OFF(sysflags) + 1);
	mov64(k, V_R8, V_RAX);
	mov32(k, V_RAX, V_R13);
	op_imm(k, ZYDIS_MNEMONIC_SHR, V_RAX, 11);
	op_imm(k, ZYDIS_MNEMONIC_AND, V_RAX, 1);
	op_imm(k, ZYDIS_MNEMONIC_SHL, V_R13, 8);
	op32(k, ZYDIS_MNEMONIC_OR, V_RAX, V_R13);
	v = peek(k);
	take(k, v->mnemonic == ZYDIS_MNEMONIC_ADD && v->width == 8 &&
		v->dst == V_RAX && v->has_imm && v->imm == 0x7f && no_mem(v));
	take(k, peek(k)->mnemonic == ZYDIS_MNEMONIC_SAHF);
	mov64(k, V_RAX, V_R8);
	over(k, ZYDIS_MNEMONIC_JMP, 3);
	callout(k, HOT_popf);
}

/* Eight bytes of struct bt by r8, from one place to another. */
static void copy8(struct cursor *k, int32_t from, int32_t to)
{
	const struct vinsn *v = load(k, 64, V_R8, V_NONE, 0);

	k->ok &= v->m.disp == from;
	v = peek(k);
	take(k, v->mnemonic == ZYDIS_MNEMONIC_MOV && v->m.write &&
		v->m.size == 8 && v->src == V_R8 &&
		plain_mem(v, V_R14, V_NONE, 0) && v->m.disp == to);
}

static int32_t cache_field(unsigned seg, unsigned field)
{
	return OFF(seg_cache) + (seg == SEG_DS) * sizeof(struct seg_cache) +
	       field;
}

#define CACHE(seg, f)	cache_field(seg, __builtin_offsetof(struct seg_cache, f))

/*
 * A load of DS or ES with the selector in r11d, CPL 0: if selector and
 * descriptor are what they were when it was loaded last, what was made of them
 * then; else the callout.
 */
static void segment(struct cursor *k, unsigned seg)
{
	const struct vinsn *v = peek(k);
	int32_t to = OFF(v.seg) + seg * sizeof(struct segment);

	take(k, v->mnemonic == ZYDIS_MNEMONIC_MOVZX && v->width == 32 &&
		v->dst == V_R8 && v->src == V_R11 && v->src_width == 16 &&
		cpl0(k));
	mov32(k, V_R13, V_R11);
	mov64(k, V_R11, V_RCX);
	v = load(k, 32, V_RCX, V_NONE, 0);
	k->ok &= v->m.disp == CACHE(seg, neg_sel);
	lea32(k, V_RCX, V_RCX, V_R8);
	jecxz(k, 1);
	over(k, ZYDIS_MNEMONIC_JMP, 15);
	mov64(k, V_RCX, V_R11);
	v = load(k, 32, V_R9, V_NONE, 0);
	k->ok &= v->m.disp == CACHE(seg, lin);
	v = peek(k);
	take(k, v->mnemonic == ZYDIS_MNEMONIC_MOV && v->dst == V_R10 &&
		v->m.size == 8 && v->m.gs && v->m.a32 && v->m.base == V_R9 &&
		v->m.index == V_NONE && k->c->ctx->flags & CTX_WINDOW);
	v = load(k, 64, V_RCX, V_NONE, 0);
	k->ok &= v->m.disp == CACHE(seg, neg_raw);
	sum64(k, V_RCX, V_R10);
	over(k, ZYDIS_MNEMONIC_JRCXZ, 1);
	over(k, ZYDIS_MNEMONIC_JMP, 8);
	for (unsigned i = 0; i < sizeof(struct segment); i += 8)
		copy8(k, CACHE(seg, seg) + i, to + i);
	mov64(k, V_RCX, V_R11);
	over(k, ZYDIS_MNEMONIC_JMP, 5);
	mov64(k, V_RCX, V_R11);
	mov32(k, V_R11, V_R13);
	callout(k, HOT_mov_seg);
}

static void segment_ds(struct cursor *k)
{
	segment(k, SEG_DS);
}

static void segment_es(struct cursor *k)
{
	segment(k, SEG_ES);
}

static bool seg_table(const struct vinsn *v, int32_t first, uint32_t n,
		      uint32_t size)
{
	uint32_t at = (uint32_t)v->m.disp - (uint32_t)first;

	return at % size == 0 && at / size < n;
}

/*
 * CTX_SEG: limit and base of a segment for the offset in r8d, then soft(),
 * whose first instruction cuts r8 to 32 bits whatever was in it.
 */
static void seg_access(struct cursor *k)
{
	const struct vinsn *v = peek(k);

	if (v->mnemonic == ZYDIS_MNEMONIC_MOVZX)
		take(k, v->width == 32 && v->dst == V_R8 && v->src == V_R8 &&
			v->src_width == 16);
	mov64(k, V_R11, V_RCX);
	v = peek(k);
	take(k, v->mnemonic == ZYDIS_MNEMONIC_LEA && v->width == 64 &&
		v->dst == V_RCX && plain_mem(v, V_R8, V_NONE, 0) &&
		k->c->ctx->flags & CTX_SEG);
	v = peek(k);
	take(k, v->mnemonic == ZYDIS_MNEMONIC_NOT && v->width == 64 &&
		v->dst == V_RCX && no_mem(v));
	v = load(k, 64, V_R9, V_NONE, 0);
	k->ok &= seg_table(v, OFF(seg_limit), 2 * SEG_COUNT, 8);
	v = peek(k);
	take(k, v->mnemonic == ZYDIS_MNEMONIC_LEA && v->width == 64 &&
		v->dst == V_RCX && plain_mem(v, V_RCX, V_R9, 1) &&
		v->m.disp == 1);
	v = peek(k);
	take(k, v->mnemonic == ZYDIS_MNEMONIC_RORX && v->width == 64 &&
		v->dst == V_RCX && v->src == V_RCX && no_mem(v) &&
		v->imm == 32);
	jecxz(k, 2);
	mov64(k, V_RCX, V_R11);
	transfer(k, VF_CALL, bt_stub(k->c->bt, STUB_interp));
	mov64(k, V_RCX, V_R11);
	v = load(k, 32, V_R9, V_NONE, 0);
	k->ok &= seg_table(v, OFF(v.seg[0].base), SEG_COUNT,
			   sizeof(struct segment));
	soft(k);
}

/* CTX_SEG: a near return, to the offset in r13d. */
static void seg_ret(struct cursor *k)
{
	mov32(k, V_R8, V_R13);
	transfer(k, VF_JMP, bt_stub(k->c->bt, STUB_indirect));
}

/* Leave by exit r9d, which must be one of this TU's. */
static void thunk(struct cursor *k)
{
	const struct tu *tu = k->c->tu;
	uint32_t id = mov_imm(k, V_R9);

	k->ok &= tu && id - tu->exit0 < tu->nexit;
	transfer(k, VF_JMP, bt_stub(k->c->bt, STUB_chain));
}

/* A return that was not predicted: the return stack starts over. */
static void rs_reset(struct cursor *k)
{
	const struct vinsn *v = load(k, 64, V_RSP, V_NONE, 0);

	k->ok &= !k->c->tu && v->m.disp == OFF(rs_top);
}

enum vseq vseq_match(const struct vcode *c, uint32_t i, unsigned *len)
{
	static void (*const match[])(struct cursor *) = {
		[VSEQ_SOFT] = soft, [VSEQ_LOOKUP] = lookup,
		[VSEQ_GUARD] = guard, [VSEQ_LANDING] = landing,
		[VSEQ_STI] = sti, [VSEQ_PUSHF] = pushf, [VSEQ_THUNK] = thunk,
		[VSEQ_RS_RESET] = rs_reset, [VSEQ_RDTSC] = rdtsc,
		[VSEQ_POPF] = popf, [VSEQ_DS] = segment_ds,
		[VSEQ_ES] = segment_es, [VSEQ_SEG] = seg_access,
		[VSEQ_SEG_RET] = seg_ret,
	};

	for (unsigned s = VSEQ_NONE + 1; s < ARRAY_SIZE(match); s++) {
		struct cursor k = { c, i, true };

		match[s](&k);
		if (k.ok && k.i <= c->n) {
			*len = k.i - i;
			return s;
		}
	}
	*len = 0;
	return VSEQ_NONE;
}

void vseq_guard(const struct vcode *c, uint32_t i, uint32_t *page,
		uint32_t *gpfn, uint32_t *eip)
{
	*page = (c->v[i + 1].m.disp - ARENA_X(c->ctx->user)) / 4;
	*gpfn = -c->v[i + 2].m.disp - 1;
	*eip = c->v[i + 5].imm;
}

uint32_t vseq_landing_eip(const struct vcode *c, uint32_t i)
{
	return -(uint32_t)c->v[i + 1].m.disp;
}
