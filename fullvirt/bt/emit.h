/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Emission: bytes into the TC, and the re-encoding of one guest instruction.
 */
#ifndef FULLVIRT_BT_EMIT_H
#define FULLVIRT_BT_EMIT_H

#include "fullvirt/bt/bt.h"

/* Host register numbers. */
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13,
       R14, R15 };

#define NO_REG	0xff

/* How an instruction is translated; see the tables in decode.c. */
enum insn_class {
	C_INTERP,	/* callout to the interpreter, ends nothing */
	C_IDENT,	/* re-encode; memory operand through the window or SOFT */
	C_NOP,		/* hint without effect */
	C_LEA,
	C_PUSH_R, C_POP_R, C_PUSH_I, C_PUSH_M, C_PUSH_SEG, C_POP_M,
	C_PUSHF, C_POPF, C_LEAVE, C_PUSHA, C_POPA,
	C_CALL, C_CALL_IND, C_RET, C_JMP, C_JMP_IND, C_JCC, C_LOOP,
	C_MOFFS, C_STRING, C_CLI, C_STI, C_RDTSC,
	C_FROM_SEG, C_LOAD_SEG, C_IRET, C_SYSENTER, C_SYSEXIT, C_INT,
	C_FROM_CR, C_SET_DF, C_DESC_TABLE, C_HYPERCALL,
	C_INTERP_END,	/* interpreted and always leaves the TU */
};

/* A decoded guest instruction, reduced to what the templates need. */
struct ginsn {
	uint32_t eip;
	uint8_t bytes[15];
	uint8_t len;
	uint8_t cls;		/* enum insn_class */
	uint8_t map;		/* 0: one byte, 1: 0F, 2: 0F38, 3: 0F3A */
	uint8_t opcode;
	bool p66, lock;
	bool odd;		/* 67 or a segment prefix */
	bool addr16;		/* 16-bit address (CTX_SEG only) */
	uint8_t rep;		/* 0, 0xF2 or 0xF3 to keep as mandatory/rep */
	bool has_modrm, mem;	/* mem: ModRM names memory */
	uint8_t mod, reg, rm;
	uint8_t base, index;	/* guest register numbers or NO_REG */
	uint8_t scale;		/* 0..3 */
	uint8_t seg;		/* effective segment of the memory operand */
	int32_t disp;
	uint8_t imm_off, imm_len; /* trailing immediate bytes */
	uint8_t mem_size;	/* bytes of the memory operand, 0: none */
	bool mem_write;
	bool reg_sp, rm_sp;	/* ModRM.reg / rm / opcode register is esp */
	bool high8;		/* names ah, ch, dh or bh */
	uint8_t opsize;		/* 2 or 4 */
	uint32_t target;	/* direct branches */
};

/*
 * Decode the instruction at @bytes (@avail readable bytes, at most 15).
 * @ctx: what the translation is for, with CTX_* @flags.  Never fails: what cannot be translated
 * comes back as C_INTERP with len 0 if even its length is unknown.
 */
void bt_decode(struct ginsn *g, uint32_t eip, const uint8_t *bytes,
	       unsigned avail, const struct ctx *ctx, uint32_t flags);

/* Where code goes.  tc_room() guarantees space before a TU begins. */
struct emit {
	struct bt *bt;
	uint8_t *p;
};

static inline void e8(struct emit *e, uint8_t b)
{
	*e->p++ = b;
}

static inline void e32(struct emit *e, uint32_t v)
{
	__builtin_memcpy(e->p, &v, 4);
	e->p += 4;
}

static inline void e_bytes(struct emit *e, const uint8_t *b, unsigned n)
{
	while (n--)
		e8(e, *b++);
}

/* rel32 branch or call: @op is 0xE9 or 0xE8.  Returns the rel32's place. */
static inline uint8_t *e_rel32(struct emit *e, uint8_t op, const uint8_t *to)
{
	uint8_t *at;

	e8(e, op);
	at = e->p;
	e32(e, (uint32_t)(to - (at + 4)));
	return at;
}

static inline uint8_t *e_jcc32(struct emit *e, uint8_t cc, const uint8_t *to)
{
	uint8_t *at;

	e8(e, 0x0f);
	e8(e, 0x80 | cc);
	at = e->p;
	e32(e, (uint32_t)(to - (at + 4)));
	return at;
}

/*
 * A host memory operand without guest meaning: [base + index << scale + disp].
 * base may be any register, index NO_REG or any register but rsp.
 */
struct hmem {
	uint8_t base, index, scale;
	int32_t disp;
};

/*
 * prefix? REX opcode ModRM SIB disp.  @op: bytes of the opcode (up to 0F xx),
 * low byte last.  @w: REX.W.
 */
void e_rm_mem(struct emit *e, bool w, unsigned op, uint8_t reg,
	      struct hmem m);
void e_rm_reg(struct emit *e, bool w, unsigned op, uint8_t reg, uint8_t rm);
/* lea r32, [m] (64-bit address arithmetic truncated to 32 bits). */
void e_lea32(struct emit *e, uint8_t reg, struct hmem m);
/* mov r32, [r14 + off] and the reverse. */
void e_load32(struct emit *e, uint8_t reg, uint32_t off);
void e_store32(struct emit *e, uint32_t off, uint8_t reg);
void e_mov32(struct emit *e, uint8_t dst, uint8_t src);
void e_mov64(struct emit *e, uint8_t dst, uint8_t src);
void e_mov_imm32(struct emit *e, uint8_t reg, uint32_t imm);
/* shrx reg32, src32, r12d: the page number. */
void e_page(struct emit *e, uint8_t dst, uint8_t src);
/* rorx dst64, src64, @count. */
void e_rorx64(struct emit *e, uint8_t dst, uint8_t src, uint8_t count);
/* jecxz +@skip bytes. */
void e_jecxz(struct emit *e, uint8_t skip);

/* Guest register number to host register number. */
static inline uint8_t hreg(uint8_t g)
{
	return g == GPR_SP ? R15 : g;
}

/* Guest address of @g's memory operand (without segment base) as hmem. */
struct hmem g_address(const struct ginsn *g, int32_t extra);

#endif
