/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory access and IDENT: the same instruction with its memory operand moved
 * to the window (gs + 32-bit address) or, SOFT, to the address that the
 * software TLB gives.  No sequence here touches rflags.
 *
 * SOFT, for an access of n bytes at ea:
 *	lea   r8d, [ea]
 *	lea   r9d, [r8 + n - 1]
 *	shrx  r10d, r8d, r12d		; page of the first byte
 *	shrx  r9d, r9d, r12d		; page of the last byte
 *	mov   r11, rcx
 *	mov   ecx, [r14 + r10*4 + TAG]	; -(page + 1), 0 if not cached
 *	lea   ecx, [rcx + r9 + 1]	; 0 if cached and within the page
 *	jecxz hit
 *	mov   rcx, r11
 *	call  soft_read/soft_write	; fills and restarts the instruction,
 * hit:	mov   rcx, r11			; or interprets it
 *	mov   r10, [r14 + r10*8 + ADD]
 *	op    [r8 + r10]
 */
#include "fullvirt/bt/templates.h"

#define OFF(f)	((uint32_t)__builtin_offsetof(struct bt, f))

static void seg_base(struct region *r, uint8_t seg, struct hmem a)
{
	struct emit *e = &r->e;

	e_lea32(e, R8, a);
	e_load32(e, R9, OFF(v.seg) + seg * sizeof(struct segment) +
			__builtin_offsetof(struct segment, base));
	e_lea32(e, R8, (struct hmem){ R8, R9, 0, 0 });
}

static struct gaccess soft_access(struct region *r, unsigned size, bool write)
{
	struct emit *e = &r->e;
	enum soft_kind k = (r->ctx->user ? SOFT_UR : SOFT_KR) + write;
	struct gaccess a = { false, { R8, R10, 0, 0 } };

	if (size > 1)
		e_lea32(e, R9, (struct hmem){ R8, NO_REG, 0, size - 1 });
	e_page(e, R10, R8);
	e_page(e, R9, size > 1 ? R9 : R8);
	e_mov64(e, R11, RCX);
	e_rm_mem(e, false, 0x8b, RCX,
		 (struct hmem){ R14, R10, 2, (int32_t)ARENA_TAG(k) });
	e_lea32(e, RCX, (struct hmem){ RCX, R9, 0, 1 });
	e_jecxz(e, 8);
	e_mov64(e, RCX, R11);
	e_rel32(e, 0xe8, bt_stub(r->bt, write ? STUB_soft_write
					      : STUB_soft_read));
	e_mov64(e, RCX, R11);
	e_rm_mem(e, true, 0x8b, R10,
		 (struct hmem){ R14, R10, 3, (int32_t)ARENA_ADD(k) });
	return a;
}

/*
 * Limit and base of a segment, without touching rflags:
 *	mov   r11, rcx
 *	lea   rcx, [r8 + n - 1]
 *	not   rcx
 *	mov   r9, [r14 + seg_limit]
 *	lea   rcx, [rcx + r9 + 1]	; limit - last byte
 *	rorx  rcx, rcx, 32		; ecx = 0 unless that is negative
 *	jecxz ok
 *	mov   rcx, r11
 *	call  interp			; it raises #GP, #SS or knows better
 * ok:	mov   rcx, r11
 *	mov   r9d, [r14 + seg.base]
 *	lea   r8d, [r8 + r9]
 */
struct gaccess tpl_seg_access(struct region *r, uint8_t seg, unsigned size,
			      bool write)
{
	struct emit *e = &r->e;

	e_mov64(e, R11, RCX);
	e_rm_mem(e, true, 0x8d, RCX, (struct hmem){ R8, NO_REG, 0, size - 1 });
	e_rm_reg(e, true, 0xf7, 2, RCX);
	e_rm_mem(e, true, 0x8b, R9, (struct hmem){ R14, NO_REG, 0,
		 OFF(seg_limit) + (write * SEG_COUNT + seg) * 8 });
	e_rm_mem(e, true, 0x8d, RCX, (struct hmem){ RCX, R9, 0, 1 });
	e_rorx64(e, RCX, RCX, 32);
	e_jecxz(e, 8);
	e_mov64(e, RCX, R11);
	tpl_callout(r, bt_stub(r->bt, STUB_interp));
	e_mov64(e, RCX, R11);
	e_load32(e, R9, OFF(v.seg) + seg * sizeof(struct segment) +
			__builtin_offsetof(struct segment, base));
	e_lea32(e, R8, (struct hmem){ R8, R9, 0, 0 });
	return soft_access(r, size, write);
}

struct gaccess tpl_access(struct region *r, uint8_t seg, struct hmem a,
			  unsigned size, bool write)
{
	bool based = seg == SEG_FS || seg == SEG_GS;

	if (r->flags & CTX_SEG) {
		e_lea32(&r->e, R8, a);
		if (r->addr16)
			e_rm_reg(&r->e, false, 0x0fb7, R8, R8);
		return tpl_seg_access(r, seg, size, write);
	}
	if (based)
		seg_base(r, seg, a);
	if (r->flags & CTX_WINDOW)
		return (struct gaccess){ true, based ?
			(struct hmem){ R8, NO_REG, 0, 0 } : a };
	if (!based)
		e_lea32(&r->e, R8, a);
	return soft_access(r, size, write);
}

void tpl_window_prefix(struct emit *e)
{
	e8(e, 0x67);
	e8(e, 0x65);
}

static void window_prefix(struct emit *e, struct gaccess a)
{
	if (a.window)
		tpl_window_prefix(e);
}

void tpl_rm(struct emit *e, unsigned op, uint8_t reg, struct gaccess a)
{
	window_prefix(e, a);
	e_rm_mem(e, false, op, reg, a.m);
}

static unsigned full_opcode(const struct ginsn *g)
{
	uint8_t op = g->opcode;

	if (g->map == 1)
		return 0x0f00 | op;
	return op == 0x82 ? 0x80 : op;
}

static void ident_prefixes(struct emit *e, const struct ginsn *g)
{
	if (g->lock)
		e8(e, 0xf0);
	if (g->p66)
		e8(e, 0x66);
	if (g->rep)
		e8(e, g->rep);
}

static void ident_imm(struct emit *e, const struct ginsn *g)
{
	e_bytes(e, g->bytes + g->imm_off, g->imm_len);
}

static uint8_t ident_reg(const struct ginsn *g)
{
	return g->reg_sp ? R15 : g->reg;
}

static void ident_mem(struct region *r, const struct ginsn *g)
{
	struct emit *e = &r->e;
	struct gaccess a;

	a = tpl_access(r, g->seg, g_address(g, 0), g->mem_size, g->mem_write);
	window_prefix(e, a);
	ident_prefixes(e, g);
	e_rm_mem(e, false, full_opcode(g), ident_reg(g), a.m);
	ident_imm(e, g);
}

static bool rex_needed(const struct region *r, const struct ginsn *g)
{
	if (!(r->flags & CTX_WINDOW) || g->seg == SEG_FS || g->seg == SEG_GS)
		return true;
	return g->base == GPR_SP;
}

/* 40..4F are REX prefixes in 64-bit mode: FF /0 and FF /1 instead. */
static void ident_incdec(struct emit *e, const struct ginsn *g)
{
	ident_prefixes(e, g);
	e_rm_reg(e, false, 0xff, (g->opcode >> 3) & 1, hreg(g->opcode & 7));
}

/* No ModRM: the register, if any, is in the low bits of the opcode. */
static void ident_plain(struct emit *e, const struct ginsn *g)
{
	ident_prefixes(e, g);
	if (g->rm_sp)
		e8(e, 0x41);
	if (g->map == 1)
		e8(e, 0x0f);
	e8(e, g->rm_sp ? (g->opcode & ~7) | 7 : g->opcode);
	ident_imm(e, g);
}

static void ident_regs(struct emit *e, const struct ginsn *g)
{
	ident_prefixes(e, g);
	e_rm_reg(e, false, full_opcode(g), ident_reg(g),
		 g->rm_sp ? R15 : g->rm);
	ident_imm(e, g);
}

void tpl_ident(struct region *r, const struct ginsn *g)
{
	if (g->map == 0 && g->opcode >= 0x40 && g->opcode < 0x50)
		ident_incdec(&r->e, g);
	else if (g->high8 && (g->mem ? rex_needed(r, g) :
			      g->reg_sp || g->rm_sp))	/* movzx esp, ah */
		tpl_callout(r, bt_stub(r->bt, STUB_interp));
	else if (g->mem)
		ident_mem(r, g);
	else if (g->has_modrm)
		ident_regs(&r->e, g);
	else
		ident_plain(&r->e, g);
}

static const struct hmem below_top = { R15, NO_REG, 0, -4 };

void tpl_push_reg(struct region *r, uint8_t reg)
{
	struct gaccess a = tpl_access(r, SEG_SS, below_top, 4, true);

	tpl_rm(&r->e, 0x89, reg, a);
	e_lea32(&r->e, R15, below_top);
}

void tpl_push_imm(struct region *r, uint32_t imm)
{
	struct gaccess a = tpl_access(r, SEG_SS, below_top, 4, true);

	tpl_rm(&r->e, 0xc7, 0, a);
	e32(&r->e, imm);
	e_lea32(&r->e, R15, below_top);
}

void tpl_callout(struct region *r, const uint8_t *stub)
{
	e_rel32(&r->e, 0xe8, stub);
}
