/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the oracle process (32-bit) and the tester (64-bit) share: the guest's
 * linear layout, its segments, and the slots through which cases travel.
 * Everything has the same size and offset in both.
 */
#ifndef TESTS_DIFF_LAYOUT_H
#define TESTS_DIFF_LAYOUT_H

#include <stdint.h>

#define PG		0x1000u

/*
 * The linear layout.  RO follows DATA so that accesses can straddle writable,
 * read-only and missing pages; the pages around CODE, DATA and STACK are
 * missing.  ALIAS is a second mapping of the code pages, for code that is
 * patched through another address.
 */
#define CODE_BASE	0x10000000u
#define ALIAS_BASE	0x18000000u
#define DATA_BASE	0x20000000u
#define RO_BASE		0x20002000u
#define STACK_BASE	0x30000000u
#define CODE_SIZE	(2 * PG)
#define DATA_SIZE	(2 * PG)
#define RO_SIZE		PG
#define STACK_SIZE	(2 * PG)

/* Where the oracle keeps its own memory; a wild access may find it. */
#define ORACLE_TEXT	0x08000000u
#define ORACLE_TEXT_END	0x0e000000u
#define ORACLE_SHM	0x653d7000u
#define ORACLE_SHM_END	0x66000000u
#define ORACLE_HIGH	0xf0000000u
/* 64 KiB of the guest's own, for CPL 0. */
#define GUEST_KERNEL	0xc0000000u

/* Selectors of Linux's flat user segments; our guest has the same. */
#define SEL_CS		0x23
#define SEL_DS		0x2b

/*
 * The LDT: L(name, base, limit, pages, code, writable/readable, down, big,
 * present).  The selector of entry i is i * 8 + 7.
 */
#define LDT_LIST(L) \
	L(FS,      0x1fff8123u, 0xfffff, 1, 0, 1, 0, 1, 1) \
	L(GS,      0x1fffeff0u, 0xfffff, 1, 0, 1, 0, 1, 1) \
	L(SMALL,   DATA_BASE,   0x17ff,  0, 0, 1, 0, 1, 1) \
	L(DOWN,    DATA_BASE,   0x07ff,  0, 0, 1, 1, 1, 1) \
	L(RDONLY,  DATA_BASE,   0xfffff, 1, 0, 0, 0, 1, 1) \
	L(ABSENT,  DATA_BASE,   0xfffff, 1, 0, 1, 0, 1, 0) \
	L(CODE32,  0x0ffff000u, 0xfffff, 1, 1, 1, 0, 1, 1) \
	L(CODE16,  CODE_BASE,   0xffff,  0, 1, 1, 0, 0, 1) \
	L(STACK16, STACK_BASE,  0xffff,  0, 0, 1, 0, 0, 1) \
	L(DOWN16,  DATA_BASE,   0x07ff,  0, 0, 1, 1, 0, 1) \
	L(XONLY,   CODE_BASE,   0xfffff, 1, 1, 0, 0, 1, 1)

#define LDT_INDEX(name, ...) LDT_##name,
enum ldt_index { LDT_LIST(LDT_INDEX) LDT_COUNT };
#undef LDT_INDEX
#define LDT_SEL(i)	((i) * 8 + 7)

enum { R_AX, R_CX, R_DX, R_BX, R_SP, R_BP, R_SI, R_DI };
enum { S_ES, S_CS, S_SS, S_DS, S_FS, S_GS, S_COUNT };

/* Architectural state at the start or at the end of a case. */
struct diff_state {
	uint32_t gpr[8];
	uint32_t eip, eflags;
	uint16_t seg[8];	/* S_*, two spare */
	uint32_t vector, error, cr2;	/* how it ended */
	uint32_t pad;
	uint8_t fpu[512] __attribute__((aligned(16)));	/* FXSAVE */
};

/* The memory that a case can change, in this order. */
struct diff_memory {
	uint8_t code[CODE_SIZE];
	uint8_t data[DATA_SIZE];
	uint8_t stack[STACK_SIZE];
};

#define CASE_BYTES	1024

enum slot_status {
	SLOT_DONE = 1,
	SLOT_TIMEOUT,		/* it did not end */
	SLOT_SYSCALL,		/* it called Linux */
};

struct diff_slot {
	struct diff_state in;
	uint32_t code_off, code_len;
	uint8_t code[CASE_BYTES];
	uint32_t status;
	uint32_t pad[3];
	struct diff_state out;
	struct diff_memory mem;
};

#define SHM_SLOTS	64

struct diff_shared {
	struct diff_memory init;	/* before each case; code is 0xcc */
	uint8_t ro[RO_SIZE];
	/* The oracle can write what follows, and so can a wild case. */
	uint32_t count;		/* slots to run now */
	uint32_t pad[3];
	struct diff_slot slot[SHM_SLOTS];
};

#define CODE_FILL	0xcc	/* int3: running off the end ends the case */

#endif
