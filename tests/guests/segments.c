/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Segment limits and types, expand-down, 16-bit segments, gates, FS and GS. */
#include "tests/guests/guest.h"

#define SEL(n)	(SPARE_SEL + 8 * (n))

static void set_seg(unsigned n, uint32_t base, uint32_t limit, uint32_t attr)
{
	gdt[SEL(n) / 8] = descriptor(base, limit, attr);
}

static inline void load_fs(uint16_t sel)
{
	__asm__ volatile("movw %0, %%fs" :: "r"(sel) : "memory");
}

static inline uint32_t fs_read(uint32_t off)
{
	uint32_t v;

	__asm__ volatile("movl %%fs:(%1), %0" : "=r"(v) : "r"(off));
	return v;
}

static inline uint8_t fs_read8(uint32_t off)
{
	uint8_t v;

	__asm__ volatile("movb %%fs:(%1), %0" : "=q"(v) : "r"(off));
	return v;
}

static inline void fs_write(uint32_t off, uint32_t v)
{
	__asm__ volatile("movl %0, %%fs:(%1)" :: "r"(v), "r"(off) : "memory");
}

static void limits(void)
{
	poke32(SCRATCH(0) + 0xffc, 0x1234);
	set_seg(0, SCRATCH(0), 0xfff, SEG_DATA | SEG_DB);
	load_fs(SEL(0));
	ok(fs_read(0xffc) == 0x1234, "the last dword below the limit");
	ok(CATCH(fs_read(0xffd)) == 13 && last.error == 0,
	   "a dword across the limit: #GP(0)");
	ok(CATCH(fs_read8(0x1000)) == 13, "a byte beyond the limit");
	ok(CATCH(fs_read(0xfffffffe)) == 13, "far beyond it");
	ok(CATCH(fs_write(0xffd, 0)) == 13 && peek32(SCRATCH(0) + 0xffc) ==
	   0x1234, "a store across the limit stores nothing");
	set_seg(0, SCRATCH(0), 0, SEG_DATA | SEG_DB);
	load_fs(SEL(0));
	ok(CATCH(fs_read8(0)) == NO_TRAP && CATCH(fs_read8(1)) == 13,
	   "limit 0 leaves one byte");
	set_seg(0, SCRATCH(0), 1, SEG_DATA | SEG_DB | SEG_G);
	load_fs(SEL(0));
	ok(CATCH(fs_read(0x1ffc)) == NO_TRAP && CATCH(fs_read(0x1ffd)) == 13,
	   "granular limit 1 is 0x1fff");
}

static void expand_down(void)
{
	set_seg(0, SCRATCH(0), 0x7ff, SEG_DOWN | SEG_DB);
	load_fs(SEL(0));
	ok(CATCH(fs_read8(0x7ff)) == 13 && CATCH(fs_read8(0x800)) == NO_TRAP,
	   "expand-down: valid above the limit");
	ok(CATCH(fs_read(0x7fe)) == 13, "a dword across its edge");
	set_seg(0, SCRATCH(0), 0x7ff, SEG_DOWN);
	load_fs(SEL(0));
	ok(CATCH(fs_read(0xfffc)) == NO_TRAP && CATCH(fs_read(0xfffd)) == 13,
	   "B=0: up to 64 KiB");
}

static void types(void)
{
	set_seg(0, SCRATCH(0), 0xfffff, 0x91 | SEG_DB | SEG_G);
	load_fs(SEL(0));
	ok(CATCH(fs_read(0)) == NO_TRAP && CATCH(fs_write(0, 1)) == 13,
	   "a read-only data segment");
	set_seg(0, 0, 0xfffff, 0x99 | SEG_DB | SEG_G);
	ok(CATCH(load_fs(SEL(0))) == 13 && last.error == SEL(0),
	   "an execute-only segment does not load into FS");
	set_seg(0, 0, 0xfffff, 0x9b | SEG_DB | SEG_G);
	ok(CATCH(load_fs(SEL(0))) == NO_TRAP, "a readable code segment does");
	ok(CATCH(fs_write(0, 1)) == 13, "but nobody writes it");
	load_fs(0);
	ok(CATCH(fs_read(0)) == 13 && last.error == 0,
	   "a null selector loads and faults when used");
	set_seg(0, 0, 0xfffff, 0x12 | SEG_DB | SEG_G);
	ok(CATCH(load_fs(SEL(0))) == 11, "not present: #NP");
	ok(CATCH(load_fs(sizeof(gdt))) == 13 && last.error == sizeof(gdt),
	   "beyond the GDT's limit");
	set_seg(0, 0, 0xfffff, 0x92 | SEG_DB | SEG_G);
	load_fs(SEL(0));
	ok(gdt[SEL(0) / 8] & 1ull << 40, "loading sets the accessed bit");
	load_fs(KERNEL_DS);
}

/* FS and GS with bases, the way threads use them. */
static void bases(void)
{
	uint32_t a, b, i;
	bool good = true;

	for (i = 0; i < 64; i++)
		poke32(SCRATCH(0) + 0x40 + i * 16, i);
	for (i = 0; i < 64; i++) {
		set_seg(0, SCRATCH(0) + i * 16, 0xfffff, SEG_DATA | SEG_DB |
			SEG_G);
		load_fs(SEL(0));
		good &= fs_read(0x40) == i;
	}
	ok(good, "64 bases through one selector");
	set_seg(1, SCRATCH(0) + 0x1003, 0xfffff, SEG_DATA | SEG_DB | SEG_G);
	__asm__ volatile("movw %w2, %%gs; movl $0x5a5a5a5a, %%gs:-4\n"
			 "movl %%gs:-4, %0; leal 5, %1"
			 : "=&r"(a), "=&r"(b) : "r"(SEL(1)));
	ok(a == 0x5a5a5a5a && peek32(SCRATCH(1) - 1) == 0x5a5a5a5a && b == 5,
	   "a negative offset wraps to below the base");
	load_fs(KERNEL_DS);
}

/* ---- Code segments ---------------------------------------------------------- */

/* 16-bit code in a segment of its own: cs:0 is code16. */
extern const uint8_t code16_start[], code16_end[];
__asm__(
	".code16\n"
	"code16_start:\n"
	"	movw $0x1234, %ax\n"
	"	addw $0x1111, %ax\n"
	"	movl $0x00120000, %edx\n"
	"	addw $0x3456, %dx\n"
	"	pushw %ax\n"
	"	popw %cx\n"
	"	data32 lret\n"
	"code16_end:\n"
	".code32\n");

static void code_segments(void)
{
	struct { uint32_t off; uint16_t sel; } __attribute__((packed)) far;
	uint32_t a, c, d, v;

	memcpy((void *)SCRATCH(3), code16_start, code16_end - code16_start);
	set_seg(2, SCRATCH(3), 0xff, SEG_CODE);
	far.off = 0;
	far.sel = SEL(2);
	__asm__ volatile("xorl %%eax, %%eax; xorl %%ecx, %%ecx\n"
			 "lcall *%3" : "=&a"(a), "=&c"(c), "=&d"(d)
			 : "m"(far) : "memory");
	ok(a == 0x2345 && c == 0x2345 && d == 0x123456,
	   "a far call into a 16-bit segment with a base");
	set_seg(2, SCRATCH(3), 0x5, SEG_CODE);
	v = CATCH(__asm__ volatile("lcall *%0" :: "m"(far) : "memory"));
	ok(v == 13 && last.error == 0 && last.cs == SEL(2) && last.eip == 6,
	   "running over a code segment's limit: #GP(0), cs:eip precise");
	far.off = 0x100;
	v = CATCH(__asm__ volatile("ljmp *%0" :: "m"(far) : "memory"));
	ok(v == 13 && last.error == 0 && last.cs == KERNEL_CS,
	   "a far jump beyond the limit faults at the jump");
}

/* ---- Gates ------------------------------------------------------------------ */

extern const uint8_t user_gate[], user_gate_back[], gate_target[];
__asm__(
	".globl user_gate, gate_target, user_gate_back\n"
	"user_gate:\n"
	"	pushl $0x11\n"
	"	pushl $0x22\n"
	"	lcall $0x5b, $0\n"	/* SEL(3) | 3 */
	"user_gate_back:\n"
	"	int $0x80\n"
	"gate_target:\n"
	"	movl 8(%esp), %eax\n"	/* the copied parameters */
	"	movl 12(%esp), %ebx\n"
	"	movl %cs, %ecx\n"
	"	lretl $8\n");

static void gates(void)
{
	uint32_t sp = SCRATCH(20) + PAGE;

	gdt[SEL(3) / 8] = gate(KERNEL_CS, (uint32_t)gate_target, 0x8c, 3) |
		2ull << 32;
	ok(USER(user_gate, sp, 0x202) == 0x80 && last.eax == 0x22 &&
	   last.ebx == 0x11 && last.ecx == KERNEL_CS && last.esp == sp &&
	   last.eip == (uint32_t)user_gate_back + 2,
	   "a call gate copies parameters and lret drops them");
	gdt[SEL(3) / 8] = gate(KERNEL_CS, (uint32_t)gate_target, 0x8c, 0);
	ok(USER(user_gate, sp, 0) == 13 && last.error == SEL(3),
	   "a gate of DPL 0 is closed to CPL 3");
	gdt[SEL(3) / 8] = gate(KERNEL_CS, (uint32_t)gate_target, 0x0c, 3);
	ok(USER(user_gate, sp, 0) == 11 && last.error == SEL(3),
	   "a gate that is not present: #NP");
}

/* CPL 3 and what it may not do. */
extern const uint8_t user_hlt[], user_cli[], user_ds[], user_lgdt[];
__asm__(
	"user_hlt: hlt\n"
	"user_cli: cli\n"
	"user_ds: movl $0x10, %eax; movl %eax, %ds\n"
	"user_lgdt: lgdt 0\n");

static void privileges(void)
{
	uint32_t sp = SCRATCH(20) + PAGE;

	ok(USER(user_hlt, sp, 0) == 13 && last.eip == (uint32_t)user_hlt &&
	   last.cs == USER_CS, "hlt at CPL 3");
	ok(USER(user_cli, sp, 0) == 13, "cli at CPL 3 with IOPL 0");
	ok(USER(user_ds, sp, 0) == 13 && last.error == KERNEL_DS,
	   "a DPL 0 segment at CPL 3");
	ok(USER(user_lgdt, sp, 0) == 13, "lgdt at CPL 3");
}

#define FAR_AWAY	0x2000u		/* beyond the limit */

static void far_to(uint16_t sel, uint32_t off)
{
	__asm__ volatile("pushl %2; pushl %0; pushl %1; lret"
		:: "r"((uint32_t)sel), "r"(off), "r"(FAR_AWAY), "a"(FAR_AWAY)
		: "memory", "cc");
}

/* Near transfers check the limit before anything changes, SDM Vol. 2A. */
static void near_transfers(void)
{
	static const struct { const char *name; uint8_t code[8]; } t[] = {
		{ "jmp", { 0x31, 0xc9, 0xe9 } },
		{ "jz", { 0x31, 0xc9, 0x0f, 0x84 } },
		{ "call", { 0x31, 0xc9, 0xe8 } },
		{ "ret", { 0x31, 0xc9, 0xc3 } },
		{ "ret n", { 0x31, 0xc9, 0xc2, 8, 0 } },
		{ "jmp eax", { 0x31, 0xc9, 0xff, 0xe0 } },
		{ "call eax", { 0x31, 0xc9, 0xff, 0xd0 } },
	};
	uint32_t i, k, at, n;

	set_seg(0, SCRATCH(0), 0xfff, SEG_CODE | SEG_DB);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		at = 32 * i;
		for (k = 0; k < 8; k++)
			poke8(SCRATCH(0) + at + k, t[i].code[k]);
		n = t[i].code[2] == 0x0f ? 4 : 3;
		if (n == 4 || t[i].code[2] == 0xe9 || t[i].code[2] == 0xe8)
			poke32(SCRATCH(0) + at + n, FAR_AWAY - (at + n + 4));
		for (k = 0; k < 3; k++)
			ok(CATCH(far_to(SEL(0), at)) == 13 && !last.error &&
			   last.cs == SEL(0) && last.eip == at + 2,
			   "%s beyond the limit faults at the %s, run %u",
			   t[i].name, t[i].name, k);
	}
}

void guest_main(void)
{
	limits();
	expand_down();
	types();
	bases();
	code_segments();
	privileges();
	gates();
	near_transfers();
}
