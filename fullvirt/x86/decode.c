/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From Zydis's description of an instruction to struct insn.
 *
 * Zydis knows more instructions than the processor we present: whatever has
 * no row in insn.def and is not accepted by fpu.c becomes #UD here.
 */
#include <Zydis/Zydis.h>

#include "fullvirt/x86/priv.h"

struct insn_row {
	x86_fn *fn;
	uint8_t aux, check;
};

static const struct insn_row rows[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
#define INSN(mnemonic, handler, aux, check) \
	[ZYDIS_MNEMONIC_##mnemonic] = { handler, aux, check },
#include "fullvirt/x86/insn.def"
#undef INSN
};

/* One decoder per code size, set up once: [CS.D]. */
static const ZydisDecoder *decoder_get(bool code32)
{
	static ZydisDecoder decoders[2];
	static bool ready;

	if (!ready) {
		ZydisDecoderInit(&decoders[0], ZYDIS_MACHINE_MODE_LEGACY_16,
				 ZYDIS_STACK_WIDTH_16);
		ZydisDecoderInit(&decoders[1], ZYDIS_MACHINE_MODE_LEGACY_32,
				 ZYDIS_STACK_WIDTH_32);
		/* On the processor we present these encodings are NOPs,
		 * BSF and BSR. */
		for (unsigned n = 0; n < 2; n++) {
			static const ZydisDecoderMode off[] = {
				ZYDIS_DECODER_MODE_MPX, ZYDIS_DECODER_MODE_CET,
				ZYDIS_DECODER_MODE_LZCNT,
				ZYDIS_DECODER_MODE_TZCNT,
				ZYDIS_DECODER_MODE_WBNOINVD,
				ZYDIS_DECODER_MODE_CLDEMOTE,
			};

			for (unsigned m = 0; m < ARRAY_SIZE(off); m++)
				ZydisDecoderEnableMode(&decoders[n], off[m],
						       ZYAN_FALSE);
		}
		ready = true;
	}
	return &decoders[code32];
}

/* Byte offset of a general register in vcpu.gpr, and its size. */
static uint8_t gpr_offset(ZydisRegister r, uint8_t *size)
{
	if (r >= ZYDIS_REGISTER_AL && r <= ZYDIS_REGISTER_BH) {
		unsigned n = r - ZYDIS_REGISTER_AL;

		*size = 1;
		return n < 4 ? n * 8 : (n - 4) * 8 + 1;
	}
	if (r >= ZYDIS_REGISTER_AX && r <= ZYDIS_REGISTER_DI) {
		*size = 2;
		return (r - ZYDIS_REGISTER_AX) * 8;
	}
	if (r >= ZYDIS_REGISTER_EAX && r <= ZYDIS_REGISTER_EDI) {
		*size = 4;
		return (r - ZYDIS_REGISTER_EAX) * 8;
	}
	*size = 0;
	return NO_REG;
}

static uint8_t seg_number(ZydisRegister r)
{
	return r >= ZYDIS_REGISTER_ES && r <= ZYDIS_REGISTER_GS ?
		(uint8_t)(r - ZYDIS_REGISTER_ES) : (uint8_t)SEG_DS;
}

static void operand_reg(struct operand *o, ZydisRegister r)
{
	o->kind = OPND_REG;
	o->reg = gpr_offset(r, &o->size);
	if (o->reg != NO_REG)
		return;
	o->reg = ZydisRegisterGetId(r);
	switch (ZydisRegisterGetClass(r)) {
	case ZYDIS_REGCLASS_SEGMENT: o->kind = OPND_SREG; o->size = 2; break;
	case ZYDIS_REGCLASS_CONTROL: o->kind = OPND_CR; o->size = 4; break;
	case ZYDIS_REGCLASS_DEBUG: o->kind = OPND_DR; o->size = 4; break;
	default: o->kind = OPND_FPU; break;
	}
}

static void operand_mem(struct insn *i, struct operand *o,
			const ZydisDecodedOperand *z)
{
	uint8_t size;

	o->kind = OPND_MEM;
	o->size = z->size / 8;
	i->seg = seg_number(z->mem.segment);
	i->base = gpr_offset(z->mem.base, &size);
	i->index = gpr_offset(z->mem.index, &size);
	i->scale = z->mem.scale ? __builtin_ctz(z->mem.scale) : 0;
	i->disp = z->mem.disp.value;
}

static void operand_decode(struct insn *i, unsigned n,
			   const ZydisDecodedOperand *z)
{
	struct operand *o = &i->op[n];

	o->action = (z->actions & ZYDIS_OPERAND_ACTION_MASK_READ ?
		     OPND_READS : 0) |
		    (z->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE ?
		     OPND_WRITES : 0);
	switch (z->type) {
	case ZYDIS_OPERAND_TYPE_REGISTER:
		operand_reg(o, z->reg.value);
		break;
	case ZYDIS_OPERAND_TYPE_MEMORY:
		operand_mem(i, o, z);
		break;
	case ZYDIS_OPERAND_TYPE_POINTER:
		o->kind = OPND_IMM;
		i->imm = z->ptr.offset;
		i->imm2 = z->ptr.segment;
		break;
	case ZYDIS_OPERAND_TYPE_IMMEDIATE:
		if (n && i->op[n - 1].kind == OPND_IMM) {
			i->imm2 = z->imm.value.u;	/* ENTER */
			break;
		}
		o->kind = OPND_IMM;
		o->size = z->size / 8;
		i->imm = z->imm.value.u;
		break;
	default:
		break;
	}
}

/* Prefixes as raw bytes: of several in one group the last one counts. */
static void prefixes_decode(struct insn *i, const ZydisDecodedInstruction *z)
{
	bool p66 = false, p67 = false;

	i->seg = SEG_DS;
	for (unsigned n = 0; n < z->raw.prefix_count; n++) {
		switch (z->raw.prefixes[n].value) {
		case 0x66: p66 = true; break;
		case 0x67: p67 = true; break;
		case 0xf2: i->rep = REP_REPNE; break;
		case 0xf3: i->rep = REP_REPE; break;
		case 0x26: i->seg = SEG_ES; break;
		case 0x2e: i->seg = SEG_CS; break;
		case 0x36: i->seg = SEG_SS; break;
		case 0x3e: i->seg = SEG_DS; break;
		case 0x64: i->seg = SEG_FS; break;
		case 0x65: i->seg = SEG_GS; break;
		}
	}
	i->osize = i->code32 != p66 ? 4 : 2;
	i->asize = i->code32 != p67 ? 4 : 2;
}

static void handler_find(struct insn *i, const ZydisDecodedInstruction *z,
			 const ZydisDecodedOperand *ops, const uint8_t *bytes)
{
	const struct insn_row *row = &rows[z->mnemonic];

	i->fn = op_ud;
	if (z->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
		return;
	/* MOVSD and CMPSD name a string and an SSE2 instruction each. */
	if (z->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
	    (z->mnemonic == ZYDIS_MNEMONIC_MOVSD ||
	     z->mnemonic == ZYDIS_MNEMONIC_CMPSD)) {
		i->fn = z->mnemonic == ZYDIS_MNEMONIC_MOVSD ? op_movs : op_cmps;
		i->aux = 4;
		return;
	}
	if (row->fn) {
		i->fn = row->fn;
		i->aux = row->aux;
		i->check = row->check;
		return;
	}
	x86_fpu_decode(i, z, ops, bytes);
}

static void bytes_keep(struct insn *i, const uint8_t *bytes, unsigned len)
{
	uint8_t buf[16] = { 0 };

	copy_raw(buf, bytes, len);
	i->len = len;
	i->lo = load_raw(buf, 8);
	i->hi = load_raw(buf + 8, 8);
}

int insn_decode(struct insn *i, const uint8_t *bytes, unsigned n, bool code32)
{
	const ZydisDecoder *d = decoder_get(code32);
	ZydisDecodedInstruction z;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	ZyanStatus st;

	*i = (struct insn){ .base = NO_REG, .index = NO_REG, .code32 = code32 };
	st = ZydisDecoderDecodeFull(d, bytes, n, &z, ops);
	if (st == ZYDIS_STATUS_NO_MORE_DATA)
		return 1;
	if (!ZYAN_SUCCESS(st))
		return st == ZYDIS_STATUS_INSTRUCTION_TOO_LONG ? 1 : -1;
	prefixes_decode(i, &z);
	bytes_keep(i, bytes, z.length);
	i->opcode = z.opcode;
	if (z.attributes & ZYDIS_ATTRIB_HAS_MODRM)
		i->modrm = bytes[z.raw.modrm.offset];
	for (unsigned k = 0, m = 0; k < z.operand_count && m < 3; k++)
		if (ops[k].visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN)
			operand_decode(i, m++, &ops[k]);
	handler_find(i, &z, ops, bytes);
	return 0;
}
