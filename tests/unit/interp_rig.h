/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A processor and 4 MiB of memory for tests of the interpreter, with tables
 * laid out at fixed places and guest code assembled in the test itself.
 */
#ifndef TESTS_UNIT_INTERP_RIG_H
#define TESTS_UNIT_INTERP_RIG_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fullvirt/x86/interp.h"
#include "hypervisor/engine.h"
#include "hypervisor/mem.h"
#include "hypervisor/vcpu.h"

/* Where things are, physical = linear until a test pages. */
enum {
	AT_GDT = 0x1000, AT_IDT = 0x2000, AT_TSS = 0x3000, AT_TSS2 = 0x3800,
	AT_LDT = 0x4000, AT_HANDLER = 0x5000, AT_PD = 0x6000, AT_PT = 0x7000,
	AT_PDPT = 0x8000, AT_STACK = 0xa000, AT_STACK0 = 0xb000,
	AT_STACK1 = 0xc000, AT_DATA = 0xd000, AT_CODE = 0x10000,
};

/* Selectors; ring 3 ones carry their RPL. */
enum {
	CS0 = 0x08, DS0 = 0x10, CS3 = 0x1b, DS3 = 0x23, TSS_SEL = 0x28,
	TSS2_SEL = 0x30, GATE = 0x38, SPARE = 0x40, SPARE2 = 0x48,
	CS16 = 0x50, SS16 = 0x58, CONFORMING = 0x60, CS1 = 0x69, DS1 = 0x71,
	TASK_GATE = 0x78, LDT_SEL = 0x80,
};

/* Descriptor bytes: type, S, DPL, P; and flags G and D/B. */
#define ACC_CODE	0x9b
#define ACC_DATA	0x93
#define ACC_DPL(n)	((n) << 5)
#define ACC_TSS32	0x89
#define ACC_TSS16	0x81
#define ACC_LDT		0x82
#define ACC_CALL16	0x84
#define ACC_TASK	0x85
#define ACC_INT16	0x86
#define ACC_CALL32	0x8c
#define ACC_INT32	0x8e
#define ACC_TRAP32	0x8f
#define FLAT		0xc
#define BIG		0x4

/*
 * Guest code in the middle of a test file.  Assembled, not run: no symbol
 * outside the block, no relocation.
 */
#define CODE_BITS(name, bits, text)					\
	__asm__(".pushsection .rodata\n.code" bits "\n" #name ":\n"	\
		text "\n" #name "_end:\n.code64\n.popsection\n");	\
	extern const uint8_t name[], name##_end[]
#define CODE(name, text)	CODE_BITS(name, "32", text)
#define CODE16(name, text)	CODE_BITS(name, "16", text)

struct rig {
	struct x86 x;
	struct vcpu v;
	struct mem *mem;
	struct engine_bus bus;
	/* The exception that the hook swallowed; vector -1 if none. */
	int vector;
	bool swallow, has_error;
	uint32_t error;
	unsigned ports;		/* accesses seen */
};

extern struct rig rig;

void rig_setup(void);
void rig_teardown(void);

void put8(uint32_t at, uint8_t val);
void put16(uint32_t at, uint16_t val);
void put32(uint32_t at, uint32_t val);
void put64(uint32_t at, uint64_t val);
uint8_t get8(uint32_t at);
uint16_t get16(uint32_t at);
uint32_t get32(uint32_t at);
uint64_t get64(uint32_t at);

/* @limit in bytes or, with G in @flags, in pages less one. */
void gdt_set(uint16_t sel, uint32_t base, uint32_t limit, uint8_t access,
	     uint8_t flags);
void gate_set(uint32_t at, uint16_t sel, uint32_t off, uint8_t access,
	      uint8_t count);
void idt_set(unsigned vector, uint16_t sel, uint32_t off, uint8_t access);
uint8_t gdt_access(uint16_t sel);

/* Copy code to AT_CODE (or @at) and point CS:EIP at it. */
void load_at(uint32_t at, const uint8_t *code, const uint8_t *end);
#define load(name)	load_at(AT_CODE, name, name##_end)

/* Flat ring 3 with IOPL 0, stack at AT_STACK. */
void enter_ring3(void);
/* v8086 at 0x1000:0 (AT_CODE), stack 0:AT_STACK, with @iopl. */
void enter_v86(unsigned iopl);
/* Real mode, CS:IP = 0x1000:0. */
void enter_real(void);
/* TSS at @at with ring 0 stack DS0:AT_STACK0, loaded into TR. */
void use_tss(void);

/* Identity paging, 32-bit, one table for the low 4 MiB: P RW US. */
void page_on(void);
void page_on_pae(void);
/* Entry of @lin in AT_PT (32-bit) or in the first PAE table. */
#define PTE(lin)	(AT_PT + ((lin) >> 12) * 4)
#define PAE_PTE(lin)	(AT_PT + ((lin) >> 12) * 8)
void set_pte(uint32_t lin, uint32_t flags);

enum x86_result step(void);
void steps(unsigned n);
/* Run every test, each in its own process; the program's exit status. */
int rig_main(const char *name, const TTest *const *tests, unsigned n);
#define RIG_MAIN(name, ...)						\
	int main(void)							\
	{								\
		const TTest *const tests[] = { __VA_ARGS__ };		\
									\
		return rig_main(name, tests, ARRAY_SIZE(tests));	\
	}

/* Step; the exception is caught instead of delivered. */
void step_faults(int vector, int64_t error);
#define NO_ERROR	-1

#endif
