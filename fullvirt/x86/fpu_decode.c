/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a guest's x87, MMX or SSE instruction to the same instruction for the
 * host: mandatory prefix, opcode, ModRM with memory as [rdi] and a general
 * register as eax, immediate.
 */
#include <Zydis/Zydis.h>

#include "fullvirt/x86/fpu.h"

/* mod = 0, rm = 7: [rdi] in 64-bit mode. */
#define MODRM_RDI	0x07

struct special {
	uint16_t mnemonic;
	uint8_t cls;
	x86_fn *fn;
};

/* Done in C, or natively but with other checks. */
static const struct special specials[] = {
	{ ZYDIS_MNEMONIC_FWAIT, FPU_X87, op_fwait },
	{ ZYDIS_MNEMONIC_FNINIT, FPU_X87_NOWAIT, op_fninit },
	{ ZYDIS_MNEMONIC_FNCLEX, FPU_X87_NOWAIT, op_fpu },
	{ ZYDIS_MNEMONIC_FNSTCW, FPU_X87_NOWAIT, op_fpu },
	{ ZYDIS_MNEMONIC_FNSTSW, FPU_X87_NOWAIT, op_fpu },
	{ ZYDIS_MNEMONIC_FENI8087_NOP, FPU_X87_NOWAIT, op_fpu },
	{ ZYDIS_MNEMONIC_FDISI8087_NOP, FPU_X87_NOWAIT, op_fpu },
	{ ZYDIS_MNEMONIC_FSETPM287_NOP, FPU_X87_NOWAIT, op_fpu },
	{ ZYDIS_MNEMONIC_FLDCW, FPU_X87, op_fpu },
	{ ZYDIS_MNEMONIC_FNSTENV, FPU_X87_NOWAIT, op_fnstenv },
	{ ZYDIS_MNEMONIC_FNSAVE, FPU_X87_NOWAIT, op_fnsave },
	{ ZYDIS_MNEMONIC_FLDENV, FPU_X87, op_fldenv },
	{ ZYDIS_MNEMONIC_FRSTOR, FPU_X87, op_frstor },
	{ ZYDIS_MNEMONIC_FXSAVE, FPU_FXSAVE, op_fxsave },
	{ ZYDIS_MNEMONIC_FXRSTOR, FPU_FXSAVE, op_fxrstor },
	{ ZYDIS_MNEMONIC_LDMXCSR, FPU_SSE, op_ldmxcsr },
	{ ZYDIS_MNEMONIC_STMXCSR, FPU_SSE, op_stmxcsr },
	{ ZYDIS_MNEMONIC_MASKMOVQ, FPU_MMX, op_maskmov },
	{ ZYDIS_MNEMONIC_MASKMOVDQU, FPU_SSE, op_maskmov },
};

/* 16-byte operands that need no alignment. */
static const uint16_t unaligned[] = {
	ZYDIS_MNEMONIC_MOVUPS, ZYDIS_MNEMONIC_MOVUPD, ZYDIS_MNEMONIC_MOVDQU,
	ZYDIS_MNEMONIC_LDDQU,
};

static const struct special *special_find(ZydisMnemonic m)
{
	for (unsigned n = 0; n < ARRAY_SIZE(specials); n++)
		if (specials[n].mnemonic == m)
			return &specials[n];
	return NULL;
}

static bool may_be_unaligned(ZydisMnemonic m)
{
	for (unsigned n = 0; n < ARRAY_SIZE(unaligned); n++)
		if (unaligned[n] == m)
			return true;
	return false;
}

static bool uses_class(const ZydisDecodedInstruction *z,
		       const ZydisDecodedOperand *ops, ZydisRegisterClass cls)
{
	for (unsigned n = 0; n < z->operand_count_visible; n++)
		if (ops[n].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    ZydisRegisterGetClass(ops[n].reg.value) == cls)
			return true;
	return false;
}

/* With a memory source these name no XMM register, and are SSE still. */
static bool converts_to_mmx(ZydisMnemonic m)
{
	return m == ZYDIS_MNEMONIC_CVTPS2PI || m == ZYDIS_MNEMONIC_CVTTPS2PI ||
	       m == ZYDIS_MNEMONIC_CVTPD2PI || m == ZYDIS_MNEMONIC_CVTTPD2PI;
}

static enum fpu_class class_of(const ZydisDecodedInstruction *z,
			       const ZydisDecodedOperand *ops)
{
	bool mmx = uses_class(z, ops, ZYDIS_REGCLASS_MMX);
	bool xmm = uses_class(z, ops, ZYDIS_REGCLASS_XMM);

	if (z->meta.isa_ext == ZYDIS_ISA_EXT_X87 ||
	    z->mnemonic == ZYDIS_MNEMONIC_FISTTP)
		return FPU_X87;
	/* The integer part of SSE on MMX registers is not OSFXSR's business. */
	if (z->meta.isa_ext == ZYDIS_ISA_EXT_MMX ||
	    (mmx && !xmm && !converts_to_mmx(z->mnemonic)))
		return FPU_MMX;
	return mmx ? FPU_SSE_MMX : FPU_SSE;
}

/* ModRM as the host shall see it. */
static uint8_t host_modrm(const struct insn *i,
			  const ZydisDecodedInstruction *z,
			  const ZydisDecodedOperand *ops)
{
	uint8_t m = i->modrm;

	if (z->raw.modrm.mod != 3)
		m = (m & 0x38) | MODRM_RDI;
	for (unsigned n = 0; n < z->operand_count_visible; n++) {
		if (ops[n].type != ZYDIS_OPERAND_TYPE_REGISTER ||
		    ZydisRegisterGetClass(ops[n].reg.value) !=
		    ZYDIS_REGCLASS_GPR32)
			continue;
		if (ops[n].encoding == ZYDIS_OPERAND_ENCODING_MODRM_REG)
			m &= ~0x38;
		else if (ops[n].encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM)
			m &= ~7;
	}
	return m;
}

static void host_code(struct insn *i, const ZydisDecodedInstruction *z,
		      const ZydisDecodedOperand *ops, const uint8_t *bytes)
{
	uint8_t code[8] = { 0 };
	unsigned len = 0;

	for (unsigned n = 0; n < z->raw.prefix_count; n++)
		if (z->raw.prefixes[n].type == ZYDIS_PREFIX_TYPE_MANDATORY)
			code[len++] = z->raw.prefixes[n].value;
	if (z->opcode_map == ZYDIS_OPCODE_MAP_0F)
		code[len++] = 0x0f;
	code[len++] = z->opcode;
	if (z->attributes & ZYDIS_ATTRIB_HAS_MODRM)
		code[len++] = host_modrm(i, z, ops);
	if (z->raw.imm[0].size)
		code[len++] = bytes[z->raw.imm[0].offset];
	i->code = load_raw(code, 8);
	i->code_len = len;
}

static bool known(const ZydisDecodedInstruction *z)
{
	switch (z->meta.isa_ext) {
	case ZYDIS_ISA_EXT_X87:
	case ZYDIS_ISA_EXT_MMX:
	case ZYDIS_ISA_EXT_SSE:
	case ZYDIS_ISA_EXT_SSE2:
	case ZYDIS_ISA_EXT_SSE3:
		return z->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT ||
		       z->opcode_map == ZYDIS_OPCODE_MAP_0F;
	default:
		return false;
	}
}

void x86_fpu_decode(struct insn *i, const ZydisDecodedInstruction *z,
		    const ZydisDecodedOperand *ops, const uint8_t *bytes)
{
	const struct special *s = special_find(z->mnemonic);

	if (s) {
		i->fn = s->fn;
		i->fpu_class = s->cls;
	} else if (known(z)) {
		i->fn = op_fpu;
		i->fpu_class = class_of(z, ops);
		i->fpu_flags = i->fpu_class == FPU_X87 ? FPU_POINTERS :
			       i->fpu_class == FPU_MMX ? 0 : FPU_SIMD;
	} else {
		return;
	}
	if (!may_be_unaligned(z->mnemonic) &&
	    (i->fpu_class == FPU_SSE || i->fpu_class == FPU_SSE_MMX))
		i->fpu_flags |= FPU_ALIGN16;
	if (i->fn == op_fpu)
		host_code(i, z, ops, bytes);
}
