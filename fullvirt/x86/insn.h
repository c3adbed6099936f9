/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A decoded instruction, as the interpreter's handlers see it.
 *
 * Made once by decode.c from what Zydis says and kept in a cache that compares
 * the instruction's bytes before each use, so that no write to guest memory
 * can make an entry stale.
 */
#ifndef FULLVIRT_X86_INSN_H
#define FULLVIRT_X86_INSN_H

#include "hypervisor/types.h"

struct x86;
struct insn;

typedef void x86_fn(struct x86 *x, const struct insn *i);

enum operand_kind {
	OPND_NONE,
	OPND_REG,	/* .reg: byte offset into vcpu.gpr */
	OPND_MEM,	/* the instruction's one memory operand */
	OPND_IMM,	/* insn.imm */
	OPND_SREG, OPND_CR, OPND_DR,	/* .reg: number */
	OPND_FPU,	/* x87, MMX or XMM register; .reg: number */
};

struct operand {
	uint8_t kind;	/* enum operand_kind */
	uint8_t size;	/* bytes */
	uint8_t reg;
	uint8_t action;	/* OPND_READS | OPND_WRITES */
};

#define OPND_READS	1u
#define OPND_WRITES	2u

#define NO_REG		0xff

/* insn.rep */
#define REP_NONE	0
#define REP_REPE	1	/* F3 */
#define REP_REPNE	2	/* F2 */

/* insn.check: what must hold before the handler runs, else #UD or #GP(0). */
#define CHECK_CPL0	0x01	/* #GP(0) unless CPL is 0 */
#define CHECK_PROT	0x02	/* #UD in real and v8086 mode */

/* One cache line. */
struct insn {
	uint64_t lo, hi;	/* the bytes, zero-padded to 16 */
	x86_fn *fn;
	union {
		struct {
			uint32_t imm;	/* immediate; far pointer's offset */
			uint16_t imm2;	/* ENTER level; far selector */
			uint8_t aux;	/* the table row's argument */
		};
		uint64_t code;	/* op_fpu: the instruction for the host */
	};
	uint32_t disp;		/* memory operand's displacement */
	struct operand op[3];
	uint8_t len;		/* bytes; 0: entry is free */
	uint8_t code32;		/* decoded with CS.D = 1 */
	uint8_t osize, asize;	/* operand and address size: 2 or 4 bytes */
	uint8_t seg;		/* of the memory operand, override included */
	uint8_t base, index;	/* byte offset into vcpu.gpr, or NO_REG */
	uint8_t scale;		/* shift count */
	uint8_t rep;		/* REP_* */
	uint8_t check;		/* CHECK_* */
	uint8_t opcode;		/* last opcode byte */
	uint8_t modrm;		/* 0 if there is none */
	uint8_t fpu_class;	/* enum fpu_class */
	uint8_t fpu_flags;	/* FPU_* */
	uint8_t code_len;	/* of .code, in bytes */
} __attribute__((aligned(64)));

/*
 * Decode at most @n bytes.  Returns 0, -1 for an undefined instruction, or
 * 1 if more bytes are needed.  About 300 ns.
 */
int insn_decode(struct insn *i, const uint8_t *bytes, unsigned n,
		bool code32);

/* Handlers, one per row of insn.def. */
#define INSN(mnemonic, handler, aux, check)	x86_fn handler;
#include "fullvirt/x86/insn.def"
#undef INSN
x86_fn op_ud, op_fpu, op_fwait, op_fninit, op_fnstenv, op_fldenv, op_fnsave,
       op_frstor, op_fxsave, op_fxrstor, op_ldmxcsr, op_stmxcsr, op_maskmov;

#endif
