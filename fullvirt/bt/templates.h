/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Templates: the code emitted for each class of guest instruction.
 */
#ifndef FULLVIRT_BT_TEMPLATES_H
#define FULLVIRT_BT_TEMPLATES_H

#include "fullvirt/bt/emit.h"

#define MAX_REGION	96	/* guest instructions in one TU */
#define MAX_FIXUPS	(2 * MAX_REGION)

/* A rel32 that waits for the address of instruction @insn of the region. */
struct fixup {
	uint8_t *at;
	uint32_t insn;
};

/* An exit whose thunk is still to be emitted. */
struct pending_exit {
	uint8_t *patch;
	uint32_t eip;
};

/* An indirect call whose lookup is still to be emitted. */
struct pending_lookup {
	uint8_t *patch;
};

/* A TU in the making. */
struct region {
	struct bt *bt;
	struct emit e;
	struct ctx *ctx;
	uint32_t flags;		/* CTX_*, with the memory template wanted */
	struct ginsn g[MAX_REGION];
	uint8_t *label[MAX_REGION + 1];
	bool entry[MAX_REGION];	/* can be entered from outside */
	unsigned n;
	struct fixup fix[MAX_FIXUPS];
	unsigned nfix;
	struct pending_exit exits[MAX_FIXUPS];
	unsigned nexits;
	struct pending_lookup lookups[MAX_REGION];
	unsigned nlookups;
	bool addr16;		/* of the instruction at hand */
};

/* Emit the template of instruction @i. */
void tpl_emit(struct region *r, unsigned i);
/* Leave towards the guest address @eip by jump, jcc or call at @patch. */
void tpl_exit(struct region *r, uint8_t *patch, uint32_t eip);
/* Inline lookup of the guest address in r8d, and jump there. */
void tpl_lookup(struct region *r);
/* Check X[page of @eip] == @gpfn + 1, else to the guard stub. */
void tpl_guard(struct region *r, uint32_t eip, uint32_t page, uint32_t gpfn);
/* Does the code of an STI end at @host, in the body of @tu? */
bool tpl_behind_sti(const struct tu *tu, const uint8_t *host);
/* Routines that every context has: indirect lookup and return miss. */
void tpl_ctx_routines(struct bt *bt, struct ctx *c);

/* ident.c */
struct gaccess {
	bool window;		/* 32-bit address under gs, else 64-bit */
	struct hmem m;
};

/*
 * Emit what makes the @size bytes at guest address @a (+ base of segment
 * @seg) accessible; clobbers r8..r11 (WINDOW: at most r8, r9).
 */
struct gaccess tpl_access(struct region *r, uint8_t seg, struct hmem a,
			  unsigned size, bool write);
/* CTX_SEG: the @size bytes at offset r8d of @seg, limit and base applied. */
struct gaccess tpl_seg_access(struct region *r, uint8_t seg, unsigned size,
			      bool write);
/* op reg, [access] with the prefixes that the access needs. */
void tpl_rm(struct emit *e, unsigned op, uint8_t reg, struct gaccess a);
void tpl_window_prefix(struct emit *e);
void tpl_ident(struct region *r, const struct ginsn *g);
/* Push r32 @reg (must survive an access: not r8..r11) or an immediate. */
void tpl_push_reg(struct region *r, uint8_t reg);
void tpl_push_imm(struct region *r, uint32_t imm);
void tpl_callout(struct region *r, const uint8_t *stub);

/* segmented.c: CTX_SEG forms. */
void tpl_seg_push(struct region *r, const struct ginsn *g);
void tpl_seg_pop(struct region *r, const struct ginsn *g);
void tpl_seg_lea(struct region *r, const struct ginsn *g);
void tpl_seg_push_eip(struct region *r, const struct ginsn *g);
void tpl_seg_ret(struct region *r, const struct ginsn *g);

#endif
