/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verifier's view of one host instruction, and the rules that it must keep
 * when it stands alone.  Whatever is not listed here is refused.
 */
#include <Zydis/Zydis.h>

#include "fullvirt/bt/verify_priv.h"

#define OFF(f)	((int32_t)__builtin_offsetof(struct bt, f))

#define M(x)	ZYDIS_MNEMONIC_##x

/*
 * Integer instructions that guest code consists of.  No string instruction
 * (their operand is not in the window), nothing that changes DF (contexts know it),
 * no stack instruction but those of the sequences, nothing that knows privilege, segments or ports.
 */
static const uint16_t integer_set[] = {
	M(ADC), M(ADD), M(AND), M(BSF), M(BSR), M(BSWAP), M(BT), M(BTC),
	M(BTR), M(BTS), M(CBW), M(CDQ), M(CLC), M(CMC), M(CMOVB),
	M(CMOVBE), M(CMOVL), M(CMOVLE), M(CMOVNB), M(CMOVNBE), M(CMOVNL),
	M(CMOVNLE), M(CMOVNO), M(CMOVNP), M(CMOVNS), M(CMOVNZ), M(CMOVO),
	M(CMOVP), M(CMOVS), M(CMOVZ), M(CMP), M(CMPXCHG), M(CMPXCHG8B),
	M(CWD), M(CWDE), M(DEC), M(DIV), M(IDIV), M(IMUL), M(INC), M(LAHF),
	M(LEA), M(MOV), M(MOVSX), M(MOVZX), M(MUL), M(NEG), M(NOP), M(NOT),
	M(OR), M(RCL), M(RCR), M(ROL), M(ROR), M(SAHF), M(SAR),
	M(SBB), M(SETB), M(SETBE), M(SETL), M(SETLE), M(SETNB), M(SETNBE),
	M(SETNL), M(SETNLE), M(SETNO), M(SETNP), M(SETNS), M(SETNZ), M(SETO),
	M(SETP), M(SETS), M(SETZ), M(SHL), M(SHLD), M(SHR), M(SHRD), M(STC),
	M(SUB), M(TEST), M(XADD), M(XCHG), M(XOR),
};

/* x87 instructions that show where the host's code or data is. */
static const uint16_t x87_refused[] = {
	M(FLDENV), M(FNSTENV), M(FNSAVE), M(FRSTOR),
};

static bool listed(const uint16_t *set, unsigned n, unsigned mnemonic)
{
	for (unsigned i = 0; i < n; i++)
		if (set[i] == mnemonic)
			return true;
	return false;
}

static bool vector_ok(const ZydisDecodedInstruction *z)
{
	switch (z->meta.isa_set) {
	case ZYDIS_ISA_SET_PENTIUMMMX: case ZYDIS_ISA_SET_SSE:
	case ZYDIS_ISA_SET_SSE2: case ZYDIS_ISA_SET_SSE2MMX:
	case ZYDIS_ISA_SET_SSEMXCSR: case ZYDIS_ISA_SET_SSE3:
	case ZYDIS_ISA_SET_SSE3X87:
		return true;
	default:
		return false;
	}
}

static bool mnemonic_ok(const ZydisDecodedInstruction *z)
{
	if (listed(integer_set, ARRAY_SIZE(integer_set), z->mnemonic))
		return true;
	switch (z->meta.isa_ext) {
	case ZYDIS_ISA_EXT_X87:
		return !listed(x87_refused, ARRAY_SIZE(x87_refused),
			       z->mnemonic);
	case ZYDIS_ISA_EXT_MMX: case ZYDIS_ISA_EXT_SSE:
	case ZYDIS_ISA_EXT_SSE2: case ZYDIS_ISA_EXT_SSE3:
		return vector_ok(z);
	default:
		return false;
	}
}

static uint8_t gpr(ZydisRegister r)
{
	ZydisRegister whole;

	if (r == ZYDIS_REGISTER_NONE)
		return V_NONE;
	whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
	if (ZydisRegisterGetClass(whole) != ZYDIS_REGCLASS_GPR64)
		return V_NONE;
	return ZydisRegisterGetId(whole);
}

/* eax ecx edx ebx ebp esi edi, and r15 for esp. */
static bool is_guest(uint8_t r)
{
	return (r < V_R8 && r != V_RSP) || r == V_R15;
}

static bool guest_or_none(uint8_t r)
{
	return r == V_NONE || is_guest(r);
}

/* By opcode: only the forms that templates use are transfers we know. */
static enum vflow flow_of(const ZydisDecodedInstruction *z)
{
	uint8_t op = z->opcode;

	if (z->opcode_map == ZYDIS_OPCODE_MAP_0F)
		return op >= 0x80 && op <= 0x8f ? VF_JCC : VF_NONE;
	if (z->opcode_map != ZYDIS_OPCODE_MAP_DEFAULT)
		return VF_NONE;
	if (op >= 0xe0 && op <= 0xe3)
		return VF_SHORT;
	if (op == 0xe8)
		return VF_CALL;
	if (op == 0xe9 || op == 0xeb)
		return VF_JMP;
	if (op == 0xc3)
		return VF_RET;
	return op == 0xff && z->raw.modrm.reg == 4 ? VF_JMP_MEM : VF_NONE;
}

/* ------------------------------------------------ operands */

static void note_mem(struct vinsn *v, const ZydisDecodedInstruction *z,
		     const ZydisDecodedOperand *op)
{
	v->m = (struct vmem){
		.present = true,
		.base = gpr(op->mem.base), .index = gpr(op->mem.index),
		.scale = op->mem.scale,
		.disp = op->mem.disp.has_displacement ? op->mem.disp.value : 0,
		.size = op->mem.type == ZYDIS_MEMOP_TYPE_AGEN ? 0
							      : op->size / 8,
		.gs = op->mem.segment == ZYDIS_REGISTER_GS,
		.a32 = z->address_width == 32,
		.write = op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE,
	};
	if (op->mem.base == ZYDIS_REGISTER_RIP ||
	    op->mem.base == ZYDIS_REGISTER_EIP)
		v->bad = "RIP-relative operand";
}

/*
 * r8 to r11 carry addresses and may only be loaded: what is in them, host
 * addresses included, is for the sequences.  r13 carries guest values.
 */
static const char *judge_scratch(const struct vinsn *v,
				 const ZydisDecodedOperand *op, uint8_t r)
{
	bool writes = op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
	bool reads = op->actions & ZYDIS_OPERAND_ACTION_MASK_READ;
	bool load = v->mnemonic == M(MOV) || v->mnemonic == M(LEA) ||
		    v->mnemonic == M(MOVZX);

	if (r == V_R13)
		return load || v->mnemonic == M(CMP) ? NULL
						     : "arithmetic on r13";
	if (reads)
		return "scratch register read";
	if (writes && (!load || op->size != 32))
		return "scratch register changed otherwise than by a load";
	return NULL;
}

static const char *judge_gpr(const struct vinsn *v,
			     const ZydisDecodedOperand *op, uint8_t r)
{
	if (r == V_RSP)
		return "host stack pointer as an operand";
	if (r == V_R12 || r == V_R14)
		return "r12 or r14 as an operand";
	if (op->size == 64)
		return "64-bit register operand";
	if (r == V_R15 && op->size == 8)
		return "low byte of r15";
	return is_guest(r) ? NULL : judge_scratch(v, op, r);
}

static const char *judge_reg(const struct vinsn *v,
			     const ZydisDecodedOperand *op)
{
	uint8_t r = gpr(op->reg.value);

	if (r != V_NONE)
		return judge_gpr(v, op, r);
	switch (ZydisRegisterGetClass(op->reg.value)) {
	case ZYDIS_REGCLASS_X87: case ZYDIS_REGCLASS_MMX:
	case ZYDIS_REGCLASS_XMM: case ZYDIS_REGCLASS_FLAGS:
		return NULL;
	default:
		break;
	}
	switch (op->reg.value) {
	case ZYDIS_REGISTER_X87CONTROL: case ZYDIS_REGISTER_X87STATUS:
	case ZYDIS_REGISTER_X87TAG: case ZYDIS_REGISTER_MXCSR:
		return NULL;
	default:
		return "register that no guest has";
	}
}

/* Address arithmetic without access. */
static const char *judge_lea(const struct vinsn *v)
{
	const struct vmem *m = &v->m;

	if (m->a32 || m->gs)
		return "lea with a prefix";
	if (guest_or_none(m->base) && guest_or_none(m->index))
		return NULL;
	if (v->dst == V_R8 && m->base == V_R8 && m->index == V_R9)
		return NULL;	/* segment base */
	if (v->dst == V_R13 && m->base == V_R13 && m->index == V_R8)
		return NULL;	/* pushf */
	return "lea of a scratch register";
}

static bool seg_field(int32_t disp, int32_t field, bool (*seg_ok)(unsigned))
{
	for (unsigned s = 0; s < SEG_COUNT; s++)
		if (disp == OFF(v.seg) + (int32_t)(s * sizeof(struct segment)) +
			    field)
			return seg_ok(s);
	return false;
}

static bool any_seg(unsigned s)
{
	return true;
}

static bool based_seg(unsigned s)
{
	return s == SEG_FS || s == SEG_GS;
}

static bool is_cr(int32_t disp)
{
	return disp == OFF(v.cr0) || disp == OFF(v.cr2) ||
	       disp == OFF(v.cr3) || disp == OFF(v.cr4);
}

/* The interrupt flag's byte of sysflags, where the guest may change it. */
static bool sysflags_store(const struct vcode *c, const struct vinsn *v)
{
	unsigned cpl = c->ctx->flags & CTX_CPL_MASK;
	unsigned iopl = (c->ctx->flags & CTX_IOPL_MASK) >> CTX_IOPL_SHIFT;

	unsigned df = c->ctx->flags & CTX_DF ? FLAG_DF >> 8 : 0;

	return v->mnemonic == M(MOV) && v->m.write && v->m.size == 1 &&
	       v->has_imm && v->m.disp == OFF(sysflags) + 1 && cpl <= iopl &&
	       (v->imm & ~(FLAG_IF >> 8)) == (iopl << 4 | df);
}

/* A fixed offset from r14: what a single instruction may touch there. */
static const char *judge_bt(const struct vcode *c, const struct vinsn *v)
{
	const struct vmem *m = &v->m;

	if (m->index != V_NONE || m->gs || m->a32)
		return "indexed access to struct bt";
	if (m->write)
		return sysflags_store(c, v) ? NULL : "store to struct bt";
	if (v->mnemonic == M(MOVZX) && m->size == 2 &&
	    seg_field(m->disp, __builtin_offsetof(struct segment, selector),
		      any_seg))
		return NULL;
	if (v->mnemonic != M(MOV) || m->size != 4)
		return "load from struct bt";
	if (v->dst == V_R9 &&
	    seg_field(m->disp, __builtin_offsetof(struct segment, base),
		      based_seg))
		return NULL;
	if (v->dst == V_R8 && m->disp == OFF(sysflags))
		return NULL;
	if (!(c->ctx->flags & CTX_CPL_MASK) && is_guest(v->dst) &&
	    is_cr(m->disp))
		return NULL;
	return "load from struct bt";
}

static const char *judge_mem(const struct vcode *c, const struct vinsn *v)
{
	const struct vmem *m = &v->m;

	if (v->mnemonic == M(LEA))
		return judge_lea(v);
	if (v->mnemonic == M(NOP))
		return NULL;
	if (!m->size || m->size > 16)
		return "access of unknown size";
	if (m->base == V_R14)
		return judge_bt(c, v);
	if (!m->gs || !m->a32)
		return "memory operand outside the window";
	if (!(c->ctx->flags & CTX_WINDOW))
		return "window access in a context without one";
	if (!(guest_or_none(m->base) || m->base == V_R8) ||
	    !guest_or_none(m->index))
		return "window address from a scratch register";
	return NULL;
}

/* ------------------------------------------------ the instruction */

static const char *judge_prefixes(const ZydisDecodedInstruction *z,
				  const struct vinsn *v)
{
	for (unsigned i = 0; i < z->raw.prefix_count; i++) {
		switch (z->raw.prefixes[i].value) {
		case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64:
			return "segment prefix";
		case 0x65:
			if (!v->m.gs)
				return "gs prefix without operand";
			break;
		case 0x67:
			if (!v->m.gs && v->flow != VF_SHORT)
				return "address-size prefix";
			break;
		default:
			break;
		}
	}
	if (z->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
		return "VEX or EVEX instruction";
	if (z->raw.rex.W)
		return "64-bit operation";
	return NULL;
}

static const char *judge_flow(const ZydisDecodedInstruction *z,
			      const struct vinsn *v)
{
	if (v->flow == VF_JMP_MEM)
		return "indirect jump outside a lookup";
	if (v->flow == VF_SHORT)
		return z->raw.prefix_count == 1 && z->address_width == 32
		       ? NULL : "count in rcx";
	return z->raw.prefix_count ? "branch with a prefix" : NULL;
}

static const char *judge_operands(const ZydisDecodedInstruction *z,
				  const ZydisDecodedOperand *ops,
				  const struct vinsn *v)
{
	const char *bad;

	for (unsigned i = 0; i < z->operand_count; i++) {
		const ZydisDecodedOperand *op = &ops[i];

		if (op->type == ZYDIS_OPERAND_TYPE_POINTER)
			return "far pointer";
		if (op->type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    op->encoding != ZYDIS_OPERAND_ENCODING_MODRM_RM)
			return "implied memory operand";
		if (op->type == ZYDIS_OPERAND_TYPE_REGISTER) {
			bad = judge_reg(v, op);
			if (bad)
				return bad;
		}
	}
	return NULL;
}

/* All but the explicit memory operand. */
static const char *judge(const ZydisDecodedInstruction *z,
			 const ZydisDecodedOperand *ops, const struct vinsn *v)
{
	const char *bad = judge_prefixes(z, v);

	if (bad)
		return bad;
	if (v->flow)
		return judge_flow(z, v);
	if (!mnemonic_ok(z))
		return "instruction that is not in the list";
	return judge_operands(z, ops, v);
}

static void note_operands(struct vinsn *v, const ZydisDecodedInstruction *z,
			  const ZydisDecodedOperand *ops, uint64_t next)
{
	for (unsigned i = 0; i < z->operand_count_visible; i++) {
		const ZydisDecodedOperand *op = &ops[i];

		if (!i)
			v->width = op->size;
		if (op->type == ZYDIS_OPERAND_TYPE_MEMORY)
			note_mem(v, z, op);
		if (op->type == ZYDIS_OPERAND_TYPE_REGISTER && !i)
			v->dst = gpr(op->reg.value);
		if (op->type == ZYDIS_OPERAND_TYPE_REGISTER && i == 1) {
			v->src = gpr(op->reg.value);
			v->src_width = op->size;
		}
		if (op->type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
			continue;
		if (op->imm.is_relative) {
			v->to = next + op->imm.value.s;
		} else {
			v->has_imm = true;
			v->imm = op->imm.value.s;
		}
	}
}

/* A register as bit offset reaches beyond the operand. */
static bool is_bit_string(const struct vinsn *v)
{
	return (v->mnemonic == M(BT) || v->mnemonic == M(BTS) ||
		v->mnemonic == M(BTR) || v->mnemonic == M(BTC)) &&
	       v->m.present && !v->has_imm;
}

bool vcode_decode(struct vcode *c, uint32_t off, uint32_t end,
		  struct vinsn *v)
{
	static ZydisDecoder dec;
	static bool ready;
	ZydisDecodedInstruction z;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];

	if (!ready) {
		ZydisDecoderInit(&dec, ZYDIS_MACHINE_MODE_LONG_64,
				 ZYDIS_STACK_WIDTH_64);
		ready = true;
	}
	*v = (struct vinsn){ .off = off, .dst = V_NONE, .src = V_NONE };
	if (ZYAN_FAILED(ZydisDecoderDecodeFull(&dec, c->host + off, end - off,
					       &z, ops)))
		return false;
	v->mnemonic = z.mnemonic;
	v->len = z.length;
	note_operands(v, &z, ops, (uint64_t)c->host + off + z.length);
	v->flow = flow_of(&z);
	v->m.bit_string = is_bit_string(v);
	if (!v->bad)
		v->bad = judge(&z, ops, v);
	v->soft_ok = !v->bad;
	if (!v->bad && v->m.present)
		v->bad = judge_mem(c, v);
	return true;
}
