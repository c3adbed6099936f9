/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From guest bytes to struct ginsn: Zydis decodes, two tables say by which
 * template an opcode is translated.  What is not in the tables is interpreted.
 */
#include <Zydis/Zydis.h>

#include "fullvirt/bt/emit.h"

#define R4(a, b, c, d)	a, b, c, d
#define R8X(a)		a, a, a, a, a, a, a, a
#define R16X(a)		R8X(a), R8X(a)
#define I		C_IDENT
#define N		C_INTERP
#define E		C_INTERP_END

/* Opcode map 0, rows of eight. */
static const uint8_t class_one[256] = {
	I, I, I, I, I, I, C_PUSH_SEG, C_LOAD_SEG,	/* 00 add, push es */
	I, I, I, I, I, I, C_PUSH_SEG, N,		/* 08 or, push cs */
	I, I, I, I, I, I, C_PUSH_SEG, C_LOAD_SEG,	/* 10 adc, push ss */
	I, I, I, I, I, I, C_PUSH_SEG, C_LOAD_SEG,	/* 18 sbb, push ds */
	I, I, I, I, I, I, N, N,				/* 20 and, daa */
	I, I, I, I, I, I, N, N,				/* 28 sub, das */
	I, I, I, I, I, I, N, N,				/* 30 xor, aaa */
	I, I, I, I, I, I, N, N,				/* 38 cmp, aas */
	R8X(I), R8X(I),					/* 40 inc, dec */
	R8X(C_PUSH_R), R8X(C_POP_R),			/* 50 */
	C_PUSHA, C_POPA, N, N, N, N, N, N,		/* 60 */
	C_PUSH_I, I, C_PUSH_I, I, N, N, N, N,		/* 68 */
	R16X(C_JCC),					/* 70 */
	I, I, I, I, I, I, I, I,				/* 80 group 1, test */
	I, I, I, I, C_FROM_SEG, C_LEA, C_LOAD_SEG, C_POP_M, /* 88 mov */
	C_NOP, I, I, I, I, I, I, I,			/* 90 xchg */
	I, I, E, I, C_PUSHF, C_POPF, I, I,		/* 98 cwde fwait sahf */
	C_MOFFS, C_MOFFS, C_MOFFS, C_MOFFS,		/* a0 */
	C_STRING, C_STRING, C_STRING, C_STRING,		/* a4 movs cmps */
	I, I, C_STRING, C_STRING,			/* a8 test stos */
	C_STRING, C_STRING, C_STRING, C_STRING,		/* ac lods scas */
	R16X(I),					/* b0 mov imm */
	I, I, C_RET, C_RET, N, N, I, I,			/* c0 shifts, ret */
	N, C_LEAVE, E, E, C_INT, C_INT, E, C_IRET,	/* c8 enter .. iret */
	I, I, I, I, N, N, N, N,				/* d0 shifts, aam */
	R8X(I),						/* d8 x87 */
	R4(C_LOOP, C_LOOP, C_LOOP, C_LOOP), N, N, N, N,	/* e0 loop, in/out */
	C_CALL, C_JMP, E, C_JMP, N, N, N, N,		/* e8 */
	N, E, N, N, N, I, I, I,				/* f0 int1, hlt, cmc */
	I, I, C_CLI, C_STI, C_SET_DF, C_SET_DF, I, I,	/* f8 */
};

/* Opcode map 0F. */
static const uint8_t class_0f[256] = {
	N, C_DESC_TABLE, N, N, N, E, N, E,		/* 00 */
	N, N, N, E, N, C_NOP, N, N,			/* 08 */
	R8X(I),						/* 10 SSE moves */
	R8X(C_NOP),					/* 18 hints */
	C_FROM_CR, N, N, N, N, N, N, N,			/* 20 mov cr, dr */
	R8X(I),						/* 28 SSE */
	N, C_RDTSC, N, N, C_SYSENTER, C_SYSEXIT, N, N,	/* 30 */
	N, N, N, N, N, N, N, N,				/* 38 */
	R16X(I),					/* 40 cmov */
	R16X(I),					/* 50 SSE */
	R16X(I),					/* 60 MMX */
	I, I, I, I, I, I, I, I,				/* 70 */
	N, N, N, N, N, N, I, I,				/* 78 */
	R16X(C_JCC),					/* 80 */
	R16X(I),					/* 90 setcc */
	C_PUSH_SEG, C_LOAD_SEG, N, I, I, I, N, N,	/* a0 */
	C_PUSH_SEG, C_LOAD_SEG, N, I, I, I, I, I,	/* a8 */
	I, I, N, I, N, N, I, I,				/* b0 cmpxchg, movzx */
	N, N, I, I, I, I, I, I,				/* b8 bsf, movsx */
	I, I, I, I, I, I, I, I,				/* c0 xadd .. grp9 */
	R8X(I),						/* c8 bswap */
	R16X(I), R16X(I),				/* d0 MMX, SSE2 */
	R8X(I), I, I, I, I, I, I, I, E,			/* f0, ud0 */
};

#undef I
#undef N
#undef E

/* What the guest's CPUID offers; everything else is the interpreter's #UD. */
static bool isa_offered(ZydisISASet isa)
{
	switch (isa) {
	case ZYDIS_ISA_SET_I86: case ZYDIS_ISA_SET_I186:
	case ZYDIS_ISA_SET_I286PROTECTED: case ZYDIS_ISA_SET_I286REAL:
	case ZYDIS_ISA_SET_I386: case ZYDIS_ISA_SET_I486:
	case ZYDIS_ISA_SET_I486REAL: case ZYDIS_ISA_SET_PENTIUMREAL:
	case ZYDIS_ISA_SET_PENTIUMMMX: case ZYDIS_ISA_SET_PPRO:
	case ZYDIS_ISA_SET_CMOV: case ZYDIS_ISA_SET_FCMOV:
	case ZYDIS_ISA_SET_FAT_NOP:
	case ZYDIS_ISA_SET_X87: case ZYDIS_ISA_SET_FXSAVE:
	case ZYDIS_ISA_SET_SSE: case ZYDIS_ISA_SET_SSE2:
	case ZYDIS_ISA_SET_SSEMXCSR: case ZYDIS_ISA_SET_SSE2MMX:
	case ZYDIS_ISA_SET_SSE_PREFETCH: case ZYDIS_ISA_SET_PAUSE:
	case ZYDIS_ISA_SET_LAHF: case ZYDIS_ISA_SET_PREFETCH_NOP:
	case ZYDIS_ISA_SET_CLFSH: case ZYDIS_ISA_SET_CET:
	case ZYDIS_ISA_SET_SSE3: case ZYDIS_ISA_SET_SSE3X87:
		return true;
	default:
		return false;
	}
}

static uint8_t guest_reg(ZydisRegister r)
{
	if (r == ZYDIS_REGISTER_NONE)
		return NO_REG;
	return ZydisRegisterGetId(r);
}

static uint8_t guest_seg(ZydisRegister r)
{
	return r == ZYDIS_REGISTER_NONE ? SEG_DS : ZydisRegisterGetId(r);
}

static bool is_sp(ZydisRegister r)
{
	return r == ZYDIS_REGISTER_ESP || r == ZYDIS_REGISTER_SP;
}

static void note_memory(struct ginsn *g, const ZydisDecodedOperand *op)
{
	g->mem = true;
	g->base = guest_reg(op->mem.base);
	g->index = guest_reg(op->mem.index);
	g->scale = op->mem.scale == 8 ? 3 : op->mem.scale == 4 ? 2
					  : op->mem.scale == 2;
	g->disp = op->mem.disp.has_displacement ? op->mem.disp.value : 0;
	g->seg = guest_seg(op->mem.segment);
	g->mem_size = op->size / 8;
	g->mem_write = op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
}

static void note_register(struct ginsn *g, const ZydisDecodedOperand *op)
{
	ZydisRegister r = op->reg.value;

	if (r >= ZYDIS_REGISTER_AH && r <= ZYDIS_REGISTER_BH)
		g->high8 = true;
	if (!is_sp(r))
		return;
	if (op->encoding == ZYDIS_OPERAND_ENCODING_MODRM_REG)
		g->reg_sp = true;
	else if (op->encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM ||
		 op->encoding == ZYDIS_OPERAND_ENCODING_OPCODE)
		g->rm_sp = true;
}

static void note_operands(struct ginsn *g, const ZydisDecodedInstruction *z,
			  const ZydisDecodedOperand *ops)
{
	for (unsigned i = 0; i < z->operand_count; i++) {
		const ZydisDecodedOperand *op = &ops[i];

		if (op->type == ZYDIS_OPERAND_TYPE_REGISTER)
			note_register(g, op);
		else if (op->type == ZYDIS_OPERAND_TYPE_MEMORY &&
			 (op->encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM ||
			  op->encoding == ZYDIS_OPERAND_ENCODING_DISP16_32_64))
			note_memory(g, op);
	}
}

/* A memory bit string addressed by a register reaches beyond its operand. */
static bool is_bit_string(const struct ginsn *g)
{
	return g->map == 1 && g->mem && (g->opcode & 0xe7) == 0xa3;
}

static uint8_t classify_x87(const struct ginsn *g)
{
	/* fldenv, fnstenv, frstor, fnsave show FIP and FDP. */
	if (g->mem && g->opcode == 0xd9 && (g->reg == 4 || g->reg == 6))
		return C_INTERP;
	if (g->mem && g->opcode == 0xdd && (g->reg == 4 || g->reg == 6))
		return C_INTERP;
	return C_IDENT;
}

static uint8_t classify_ff(const struct ginsn *g)
{
	static const uint8_t by_reg[8] = {
		C_IDENT, C_IDENT, C_CALL_IND, C_INTERP_END, C_JMP_IND,
		C_INTERP_END, C_PUSH_M, C_INTERP_END,
	};

	return by_reg[g->reg];
}

static uint8_t classify_0f_group(const struct ginsn *g)
{
	switch (g->opcode) {
	case 0xae:
		if (g->mem)
			return g->reg == 2 || g->reg == 3 ? C_IDENT : C_INTERP;
		/* With F3 it is incssp, which the host may have. */
		return g->reg >= 5 && !g->rep ? C_IDENT : C_INTERP;
	case 0xc7:
		return g->mem && g->reg == 1 ? C_IDENT : C_INTERP;
	case 0xf7:
		return C_INTERP;	/* maskmov stores through edi */
	default:
		return C_IDENT;
	}
}

static uint8_t classify(const struct ginsn *g)
{
	uint8_t c;

	if (g->map == 0) {
		c = class_one[g->opcode];
		if (g->opcode >= 0xd8 && g->opcode <= 0xdf)
			return classify_x87(g);
		if (g->opcode == 0xff)
			return classify_ff(g);
		return c;
	}
	if (g->map != 1)
		return C_INTERP;
	c = class_0f[g->opcode];
	if (c == C_IDENT)
		return classify_0f_group(g);
	return c;
}

static bool needs_fpu(const struct ginsn *g, const ZydisDecodedInstruction *z)
{
	if (z->meta.isa_ext == ZYDIS_ISA_EXT_X87 ||
	    z->meta.isa_ext == ZYDIS_ISA_EXT_MMX)
		return true;
	return g->map == 0 && g->opcode == 0x9b;
}

static bool needs_sse(const ZydisDecodedInstruction *z)
{
	switch (z->meta.isa_set) {
	case ZYDIS_ISA_SET_SSE: case ZYDIS_ISA_SET_SSE2:
	case ZYDIS_ISA_SET_SSEMXCSR: case ZYDIS_ISA_SET_SSE2MMX:
	case ZYDIS_ISA_SET_SSE3:
		return true;
	default:
		return false;
	}
}

/* Operand-size prefixes that the stack and branch templates do not carry. */
static bool odd_width(const struct ginsn *g)
{
	switch (g->cls) {
	case C_PUSH_R: case C_POP_R: case C_PUSH_I: case C_PUSH_M:
	case C_PUSH_SEG: case C_POP_M: case C_PUSHF: case C_POPF:
	case C_LEAVE: case C_PUSHA: case C_POPA: case C_CALL: case C_CALL_IND:
	case C_RET: case C_JMP: case C_JMP_IND: case C_JCC: case C_LOOP:
	case C_IRET: case C_SYSEXIT:
		return g->p66;
	case C_FROM_SEG:
		return g->mem || g->p66 || g->rm_sp;
	default:
		return false;
	}
}

/* 16-bit addresses wrap at 64 KiB, which host addressing cannot do. */
static bool short_address(const struct ginsn *g,
			  const ZydisDecodedInstruction *z)
{
	return z->address_width == 16 &&
	       ((g->mem && g->cls != C_NOP) || g->cls == C_STRING ||
		g->cls == C_LOOP || g->cls == C_MOFFS);
}

/* A0..A3 do not exist with 32-bit addresses there: use 8A, 8B, 88, 89. */
static void moffs_to_modrm(struct ginsn *g, const ZydisDecodedInstruction *z)
{
	static const uint8_t as[4] = { 0x8a, 0x8b, 0x88, 0x89 };

	g->mem = true;
	g->has_modrm = true;
	g->mem_size = g->opcode & 1 ? g->opsize : 1;
	g->mem_write = g->opcode & 2;
	g->opcode = as[g->opcode & 3];
	g->reg = GPR_AX;
	g->disp = (int32_t)z->raw.disp.value;
	g->imm_len = 0;
	g->cls = C_IDENT;
}

static bool ends_tu(const struct ginsn *g)
{
	switch (g->cls) {
	case C_CALL: case C_CALL_IND: case C_RET: case C_JMP: case C_JMP_IND:
	case C_IRET: case C_SYSENTER: case C_SYSEXIT: case C_INT:
		return true;
	default:
		return false;
	}
}

static void fill_raw(struct ginsn *g, const ZydisDecodedInstruction *z)
{
	g->len = z->length;
	g->opcode = z->opcode;
	g->map = z->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT ? 0 :
		 z->opcode_map == ZYDIS_OPCODE_MAP_0F ? 1 :
		 z->opcode_map == ZYDIS_OPCODE_MAP_0F38 ? 2 : 3;
	g->lock = z->attributes & ZYDIS_ATTRIB_HAS_LOCK;
	g->has_modrm = z->attributes & ZYDIS_ATTRIB_HAS_MODRM;
	g->mod = z->raw.modrm.mod;
	g->reg = z->raw.modrm.reg;
	g->rm = z->raw.modrm.rm;
	g->imm_off = z->raw.imm[0].size ? z->raw.imm[0].offset : z->length;
	g->imm_len = z->length - g->imm_off;
	g->opsize = z->operand_width == 16 ? 2 : 4;
	for (unsigned i = 0; i < z->raw.prefix_count; i++) {
		uint8_t p = z->raw.prefixes[i].value;

		if (p == 0x66)
			g->p66 = true;
		else if (p == 0xf2 || p == 0xf3)
			g->rep = p;
		else if (p != 0xf0)
			g->odd = true;
	}
}

/* F3 0F BC/BD are tzcnt/lzcnt only where CPUID says so; ours does not. */
static void drop_unoffered_rep(struct ginsn *g)
{
	if (g->map == 1 && (g->opcode == 0xbc || g->opcode == 0xbd))
		g->rep = 0;
}

static void branch_target(struct ginsn *g, const ZydisDecodedInstruction *z)
{
	if (g->imm_len && (g->cls == C_CALL || g->cls == C_JMP ||
			   g->cls == C_JCC || g->cls == C_LOOP))
		g->target = g->eip + g->len + (uint32_t)z->raw.imm[0].value.s;
}

static bool is_tzcnt(const ZydisDecodedInstruction *z)
{
	return z->mnemonic == ZYDIS_MNEMONIC_TZCNT ||
	       z->mnemonic == ZYDIS_MNEMONIC_LZCNT;
}

static bool is_integer(ZydisISASet isa)
{
	switch (isa) {
	case ZYDIS_ISA_SET_I86: case ZYDIS_ISA_SET_I186:
	case ZYDIS_ISA_SET_I386: case ZYDIS_ISA_SET_I486REAL:
	case ZYDIS_ISA_SET_PENTIUMREAL: case ZYDIS_ISA_SET_CMOV:
	case ZYDIS_ISA_SET_FAT_NOP: case ZYDIS_ISA_SET_PAUSE:
	case ZYDIS_ISA_SET_LAHF:
		return true;
	default:
		return false;
	}
}

/* What CTX_SEG has templates for. */
static bool segmented_ok(const struct ginsn *g,
			 const ZydisDecodedInstruction *z)
{
	if (!is_integer(z->meta.isa_set) || is_bit_string(g))
		return false;
	switch (g->cls) {
	case C_IDENT: case C_LEA: case C_NOP: case C_PUSH_R: case C_POP_R:
	case C_PUSH_I: case C_CALL: case C_RET: case C_JMP: case C_JCC:
	case C_CLI: case C_STI: case C_SET_DF: case C_RDTSC: case C_MOFFS:
		return true;
	case C_LOOP:
		return z->address_width == 32;
	default:
		return false;
	}
}

/*
 * May this near transfer run into the limit of CS?  Then it faults before
 * anything has changed, SDM Vol. 2A: the interpreter does that.
 */
static bool may_leave_cs(const struct ginsn *g, const struct ctx *ctx)
{
	switch (g->cls) {
	case C_CALL: case C_JMP: case C_JCC: case C_LOOP:
		return g->target - ctx->cs_base > ctx->cs_limit;
	case C_RET:
		return ctx->cs_limit < (g->opsize == 2 ? 0xffffu : 0xffffffffu);
	default:
		return false;
	}
}

/*
 * 16- or 32-bit code whose segments are not flat.  The host's 66 prefix
 * follows the width of the operation, and branches stay in CS.
 */
static void segmented(struct ginsn *g, const ZydisDecodedInstruction *z,
		      const struct ctx *ctx)
{
	if (!segmented_ok(g, z)) {
		g->cls = ends_tu(g) ? C_INTERP_END : C_INTERP;
		return;
	}
	g->addr16 = z->address_width == 16;
	g->p66 = z->operand_width == 16;
	if (g->cls == C_MOFFS) {
		moffs_to_modrm(g, z);
		if (g->addr16)
			g->disp &= 0xffff;
	}
	branch_target(g, z);
	g->target -= ctx->cs_base;
	if (g->opsize == 2)
		g->target &= 0xffff;
	g->target += ctx->cs_base;
	if (may_leave_cs(g, ctx))
		g->cls = ends_tu(g) ? C_INTERP_END : C_INTERP;
}

static void flat_code(struct ginsn *g, const ZydisDecodedInstruction *z,
		      uint32_t flags)
{
	if (is_bit_string(g) && !(flags & CTX_WINDOW))
		g->cls = C_INTERP;
	if (g->cls == C_IDENT && needs_fpu(g, z) && !(flags & CTX_FPU))
		g->cls = C_INTERP;
	if (g->cls == C_IDENT && needs_sse(z) && !(flags & CTX_SSE))
		g->cls = C_INTERP;
	if (short_address(g, z) || odd_width(g))
		g->cls = ends_tu(g) ? C_INTERP_END : C_INTERP;
	if (g->cls == C_MOFFS)
		moffs_to_modrm(g, z);
	branch_target(g, z);
}

/* VMCALL and VMMCALL: 0F 01 C1, 0F 01 D9. */
static bool is_hypercall(const struct ginsn *g, uint32_t flags)
{
	return g->map == 1 && g->opcode == 0x01 && g->len == 3 &&
	       g->mod == 3 && g->rm == 1 && (g->reg == 0 || g->reg == 3) &&
	       !(flags & (CTX_SEG | CTX_CPL_MASK));
}

static const ZydisDecoder *decoder(bool code16)
{
	static ZydisDecoder dec[2];
	static bool ready;

	if (!ready) {
		ZydisDecoderInit(&dec[0], ZYDIS_MACHINE_MODE_LEGACY_32,
				 ZYDIS_STACK_WIDTH_32);
		ZydisDecoderInit(&dec[1], ZYDIS_MACHINE_MODE_LEGACY_16,
				 ZYDIS_STACK_WIDTH_16);
		ready = true;
	}
	return &dec[code16];
}

void bt_decode(struct ginsn *g, uint32_t eip, const uint8_t *bytes,
	       unsigned avail, const struct ctx *ctx, uint32_t flags)
{
	ZydisDecodedInstruction z;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];

	*g = (struct ginsn){ .eip = eip, .base = NO_REG, .index = NO_REG,
			     .cls = C_INTERP, .seg = SEG_DS };
	if (ZYAN_FAILED(ZydisDecoderDecodeFull(decoder(flags & CTX_CODE16),
					       bytes, avail, &z, ops))) {
		g->cls = C_INTERP_END;
		return;
	}
	fill_raw(g, &z);
	for (unsigned i = 0; i < g->len; i++)
		g->bytes[i] = bytes[i];
	note_operands(g, &z, ops);
	drop_unoffered_rep(g);
	if (is_hypercall(g, flags)) {
		g->cls = C_HYPERCALL;
		return;
	}
	if (!isa_offered(z.meta.isa_set) && !is_tzcnt(&z))
		return;
	g->cls = classify(g);
	if (flags & CTX_SEG)
		segmented(g, &z, ctx);
	else
		flat_code(g, &z, flags);
}
