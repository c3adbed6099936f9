/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the verifier share: one decoded host instruction, and the
 * list of them that is one TU.
 */
#ifndef FULLVIRT_BT_VERIFY_PRIV_H
#define FULLVIRT_BT_VERIFY_PRIV_H

#include "fullvirt/bt/bt.h"

/* Host register numbers as the processor counts them; anything else. */
enum { V_RAX, V_RCX, V_RDX, V_RBX, V_RSP, V_RBP, V_RSI, V_RDI, V_R8, V_R9,
       V_R10, V_R11, V_R12, V_R13, V_R14, V_R15, V_NONE = 0xff };

/* A sequence of instructions that is safe only as a whole, entered at its
 * first.  It may do what a single instruction may not. */
enum vseq { VSEQ_NONE, VSEQ_SOFT, VSEQ_LOOKUP, VSEQ_GUARD, VSEQ_LANDING,
	    VSEQ_STI, VSEQ_PUSHF, VSEQ_THUNK, VSEQ_RS_RESET, VSEQ_RDTSC,
	    VSEQ_POPF, VSEQ_DS, VSEQ_ES, VSEQ_SEG, VSEQ_SEG_RET };

#define GUARD_LEN	8	/* instructions of VSEQ_GUARD */

enum vflow { VF_NONE, VF_JMP, VF_JCC, VF_SHORT, VF_CALL, VF_RET, VF_JMP_MEM };

struct vmem {
	uint8_t base, index, scale;	/* scale 1, 2, 4, 8 */
	uint8_t size;			/* bytes; 0: no access (lea) */
	bool present, gs, a32, write, bit_string;
	int32_t disp;
};

struct vinsn {
	uint32_t off;			/* from the start of the code */
	uint16_t mnemonic;		/* ZydisMnemonic */
	uint8_t len;
	uint8_t flow;			/* enum vflow */
	uint8_t seq;			/* begins this enum vseq */
	bool inside;			/* of a sequence, not its first */
	bool patched;			/* a jump to its patch */
	uint8_t dst, src;		/* explicit register operands */
	uint8_t width, src_width;	/* of the operands, bits */
	bool has_imm;
	bool soft_ok;			/* good but for its memory operand */
	int64_t imm;
	struct vmem m;
	uint64_t to;			/* direct branches */
	const char *bad;		/* why it cannot stand alone */
};

#define VCODE_MAX	16384

struct vcode {
	struct bt *bt;
	const struct ctx *ctx;
	const struct tu *tu;		/* NULL: a context's routine */
	const uint8_t *host;
	uint32_t len;
	uint32_t n;
	struct vinsn v[VCODE_MAX];
};

/* verify_decode.c */

/*
 * Decode the instruction at @off, at most up to @end, and judge it by itself.
 * False if it is no instruction.
 */
bool vcode_decode(struct vcode *c, uint32_t off, uint32_t end,
		  struct vinsn *v);

/* verify_seq.c */

/* The sequence that begins at @i, and its length in instructions. */
enum vseq vseq_match(const struct vcode *c, uint32_t i, unsigned *len);
/* What the guard sequence at @i names. */
void vseq_guard(const struct vcode *c, uint32_t i, uint32_t *page,
		uint32_t *gpfn, uint32_t *eip);
/* The guest address that a landing expects. */
uint32_t vseq_landing_eip(const struct vcode *c, uint32_t i);

/* verify_report.c */
void verify_report(struct bt *bt, const struct tu *tu, const uint8_t *host,
		   uint32_t len, const char *why);

#endif
