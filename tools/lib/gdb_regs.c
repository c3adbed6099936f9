// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The processor's registers as gdb's target descriptions name them.
 *
 * In real mode and wherever else CS has a base, eip is shown as a linear
 * address, so that "x/i $eip" and breakpoints mean the same memory.
 */
#include <string.h>

#include "hypervisor/vcpu.h"
#include "tools/lib/gdb.h"

enum reg_kind {
	REG_PLAIN,	/* bytes of struct vcpu */
	REG_PC,
	REG_FLAGS,
	REG_SELECTOR,
	REG_ST,		/* 80 bits of the FXSAVE image */
	REG_FPU,	/* 16 bits of it, shown as 32 */
	REG_TAG,	/* the full tag word of the abridged one */
	REG_READ_ONLY,
};

enum reg_group { GROUP_CORE, GROUP_SSE, GROUP_SYSTEM, GROUP_COUNT };

struct reg {
	const char *name, *type;	/* NULL: unsigned, as wide as it is */
	uint8_t group, kind;
	uint8_t bits[2];	/* 32-bit description, 64-bit; 0: not there */
	uint16_t off;
};

#define V(m)	offsetof(struct vcpu, m)
#define GPR(n, r) \
	{ n, "int", GROUP_CORE, REG_PLAIN, { 32, 0 }, V(gpr[r]) }
#define GPR64(n, r) \
	{ n, "int64", GROUP_CORE, REG_PLAIN, { 0, 64 }, V(gpr[r]) }
#define SELECTOR(n, s) \
	{ n, "int32", GROUP_CORE, REG_SELECTOR, { 32, 32 }, V(seg[s]) }
#define ST(n) \
	{ "st" #n, "i387_ext", GROUP_CORE, REG_ST, { 80, 80 }, \
	  V(fpu) + 32 + 16 * n }
#define FPU(n, off) \
	{ n, "int", GROUP_CORE, REG_FPU, { 32, 32 }, V(fpu) + off }
#define XMM(n, narrow) \
	{ "xmm" #n, "vec128", GROUP_SSE, REG_PLAIN, { narrow, 128 }, \
	  V(fpu) + 160 + 16 * n }
#define SYSTEM(n, m) \
	{ n, NULL, GROUP_SYSTEM, REG_READ_ONLY, { 32, 64 }, V(m) }

/* FXSAVE offsets: SDM Vol. 1 table 10-2.  Order: gdb's i386 and amd64. */
static const struct reg regs[] = {
	GPR("eax", GPR_AX), GPR("ecx", GPR_CX), GPR("edx", GPR_DX),
	GPR("ebx", GPR_BX),
	{ "esp", "data_ptr", GROUP_CORE, REG_PLAIN, { 32, 0 },
	  V(gpr[GPR_SP]) },
	{ "ebp", "data_ptr", GROUP_CORE, REG_PLAIN, { 32, 0 },
	  V(gpr[GPR_BP]) },
	GPR("esi", GPR_SI), GPR("edi", GPR_DI),
	GPR64("rax", GPR_AX), GPR64("rbx", GPR_BX), GPR64("rcx", GPR_CX),
	GPR64("rdx", GPR_DX), GPR64("rsi", GPR_SI), GPR64("rdi", GPR_DI),
	{ "rbp", "data_ptr", GROUP_CORE, REG_PLAIN, { 0, 64 },
	  V(gpr[GPR_BP]) },
	{ "rsp", "data_ptr", GROUP_CORE, REG_PLAIN, { 0, 64 },
	  V(gpr[GPR_SP]) },
	GPR64("r8", GPR_R8), GPR64("r9", GPR_R9), GPR64("r10", GPR_R10),
	GPR64("r11", GPR_R11), GPR64("r12", GPR_R12), GPR64("r13", GPR_R13),
	GPR64("r14", GPR_R14), GPR64("r15", GPR_R15),
	{ "eip", "code_ptr", GROUP_CORE, REG_PC, { 32, 0 }, 0 },
	{ "rip", "code_ptr", GROUP_CORE, REG_PC, { 0, 64 }, 0 },
	{ "eflags", "i386_eflags", GROUP_CORE, REG_FLAGS, { 32, 32 }, 0 },
	SELECTOR("cs", SEG_CS), SELECTOR("ss", SEG_SS),
	SELECTOR("ds", SEG_DS), SELECTOR("es", SEG_ES),
	SELECTOR("fs", SEG_FS), SELECTOR("gs", SEG_GS),
	ST(0), ST(1), ST(2), ST(3), ST(4), ST(5), ST(6), ST(7),
	FPU("fctrl", 0), FPU("fstat", 2),
	{ "ftag", "int", GROUP_CORE, REG_TAG, { 32, 32 }, 0 },
	FPU("fiseg", 12), FPU("fioff", 8), FPU("foseg", 20), FPU("fooff", 16),
	FPU("fop", 6),
	XMM(0, 128), XMM(1, 128), XMM(2, 128), XMM(3, 128), XMM(4, 128),
	XMM(5, 128), XMM(6, 128), XMM(7, 128),
	XMM(8, 0), XMM(9, 0), XMM(10, 0), XMM(11, 0), XMM(12, 0), XMM(13, 0),
	XMM(14, 0), XMM(15, 0),
	{ "mxcsr", "i386_mxcsr", GROUP_SSE, REG_PLAIN, { 32, 32 },
	  V(fpu) + 24 },
	SYSTEM("fs_base", seg[SEG_FS].base), SYSTEM("gs_base", seg[SEG_GS].base),
	SYSTEM("cr0", cr0), SYSTEM("cr2", cr2), SYSTEM("cr3", cr3),
	SYSTEM("cr4", cr4), SYSTEM("efer", msr.efer),
	SYSTEM("gdtr", gdtr.base), SYSTEM("idtr", idtr.base),
};

static const char *const group_name[GROUP_COUNT][2] = {
	[GROUP_CORE] = { "org.gnu.gdb.i386.core", "org.gnu.gdb.i386.core" },
	[GROUP_SSE] = { "org.gnu.gdb.i386.sse", "org.gnu.gdb.i386.sse" },
	[GROUP_SYSTEM] = { "org.umbra.i386.system", "org.umbra.i386.system" },
};

/* Types that a description must bring along; the rest gdb has. */
static const char core_types[] =
	"<flags id=\"i386_eflags\" size=\"4\">"
	"<field name=\"CF\" start=\"0\" end=\"0\"/>"
	"<field name=\"PF\" start=\"2\" end=\"2\"/>"
	"<field name=\"AF\" start=\"4\" end=\"4\"/>"
	"<field name=\"ZF\" start=\"6\" end=\"6\"/>"
	"<field name=\"SF\" start=\"7\" end=\"7\"/>"
	"<field name=\"TF\" start=\"8\" end=\"8\"/>"
	"<field name=\"IF\" start=\"9\" end=\"9\"/>"
	"<field name=\"DF\" start=\"10\" end=\"10\"/>"
	"<field name=\"OF\" start=\"11\" end=\"11\"/>"
	"<field name=\"NT\" start=\"14\" end=\"14\"/>"
	"<field name=\"RF\" start=\"16\" end=\"16\"/>"
	"<field name=\"VM\" start=\"17\" end=\"17\"/>"
	"<field name=\"AC\" start=\"18\" end=\"18\"/>"
	"<field name=\"VIF\" start=\"19\" end=\"19\"/>"
	"<field name=\"VIP\" start=\"20\" end=\"20\"/>"
	"<field name=\"ID\" start=\"21\" end=\"21\"/>"
	"</flags>";
static const char sse_types[] =
	"<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
	"<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
	"<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
	"<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
	"<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
	"<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
	"<union id=\"vec128\">"
	"<field name=\"v4_float\" type=\"v4f\"/>"
	"<field name=\"v2_double\" type=\"v2d\"/>"
	"<field name=\"v16_int8\" type=\"v16i8\"/>"
	"<field name=\"v8_int16\" type=\"v8i16\"/>"
	"<field name=\"v4_int32\" type=\"v4i32\"/>"
	"<field name=\"v2_int64\" type=\"v2i64\"/>"
	"<field name=\"uint128\" type=\"uint128\"/></union>"
	"<flags id=\"i386_mxcsr\" size=\"4\">"
	"<field name=\"IE\" start=\"0\" end=\"0\"/>"
	"<field name=\"DE\" start=\"1\" end=\"1\"/>"
	"<field name=\"ZE\" start=\"2\" end=\"2\"/>"
	"<field name=\"OE\" start=\"3\" end=\"3\"/>"
	"<field name=\"UE\" start=\"4\" end=\"4\"/>"
	"<field name=\"PE\" start=\"5\" end=\"5\"/>"
	"<field name=\"DAZ\" start=\"6\" end=\"6\"/>"
	"<field name=\"FZ\" start=\"15\" end=\"15\"/>"
	"</flags>";
static const char *const group_types[GROUP_COUNT] = {
	core_types, sse_types, "",
};

static const struct reg *reg_find(unsigned n, bool wide)
{
	for (unsigned i = 0; i < ARRAY_SIZE(regs); i++)
		if (regs[i].bits[wide] && !n--)
			return &regs[i];
	return NULL;
}

unsigned gdb_regs_count(bool wide)
{
	unsigned n = 0;

	while (reg_find(n, wide))
		n++;
	return n;
}

unsigned gdb_regs_general(bool wide)
{
	unsigned n = 0;

	while (reg_find(n, wide)->group == GROUP_CORE)
		n++;
	return n;
}

unsigned gdb_reg_size(unsigned n, bool wide)
{
	const struct reg *r = reg_find(n, wide);

	return r ? r->bits[wide] / 8 : 0;
}

static void describe_group(FILE *out, enum reg_group g, bool wide)
{
	fprintf(out, "<feature name=\"%s\">%s", group_name[g][wide],
		group_types[g]);
	for (unsigned i = 0; i < ARRAY_SIZE(regs); i++) {
		const struct reg *r = &regs[i];

		if (r->group != g || !r->bits[wide])
			continue;
		fprintf(out, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"/>",
			r->name, r->bits[wide], r->type ? r->type :
			wide ? "uint64" : "uint32");
	}
	fputs("</feature>", out);
}

void gdb_regs_describe(FILE *out, bool wide)
{
	fprintf(out, "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM "
		"\"gdb-target.dtd\"><target><architecture>%s</architecture>",
		wide ? "i386:x86-64" : "i386");
	for (unsigned g = 0; g < GROUP_COUNT; g++)
		describe_group(out, g, wide);
	fputs("</target>", out);
}

/* SDM Vol. 1 8.1.7 and 10.5.1.1: empty or not is all that is kept. */
static uint32_t full_tags(const struct vcpu *v)
{
	uint32_t tags = 0;

	for (unsigned i = 0; i < 8; i++)
		if (!(v->fpu[4] >> i & 1))
			tags |= 3u << 2 * i;
	return tags;
}

static void tags_put(struct vcpu *v, uint32_t tags)
{
	v->fpu[4] = 0;
	for (unsigned i = 0; i < 8; i++)
		if ((tags >> 2 * i & 3) != 3)
			v->fpu[4] |= 1u << i;
}

void gdb_reg_get(const struct vcpu *v, unsigned n, bool wide, uint8_t *buf)
{
	const struct reg *r = reg_find(n, wide);
	const uint8_t *from = (const uint8_t *)v + r->off;
	uint64_t val = 0;

	switch (r->kind) {
	case REG_PC: val = v->seg[SEG_CS].base + v->rip; break;
	case REG_FLAGS: val = v->rflags; break;
	case REG_SELECTOR: val = ((const struct segment *)from)->selector; break;
	case REG_FPU: memcpy(&val, from, r->off - V(fpu) == 8 ||
			     r->off - V(fpu) == 16 ? 4 : 2); break;
	case REG_TAG: val = full_tags(v); break;
	default: memcpy(buf, from, r->bits[wide] / 8); return;
	}
	memcpy(buf, &val, r->bits[wide] / 8);
}

bool gdb_reg_set(struct vcpu *v, unsigned n, bool wide, const uint8_t *buf)
{
	const struct reg *r = reg_find(n, wide);
	uint8_t *to = (uint8_t *)v + r->off;
	uint64_t val = 0, now = 0;

	memcpy(&val, buf, r->bits[wide] <= 64 ? r->bits[wide] / 8 : 8);
	switch (r->kind) {
	case REG_PC:
		val -= v->seg[SEG_CS].base;
		v->rip = wide ? val : (uint32_t)val;
		return true;
	case REG_FLAGS: v->rflags = val | FLAG_FIXED; return true;
	case REG_TAG: tags_put(v, val); return true;
	case REG_FPU: memcpy(to, &val, 2); return true;
	case REG_SELECTOR:
		/* The hidden part would not follow. */
		return val == ((struct segment *)to)->selector;
	case REG_READ_ONLY:
		memcpy(&now, to, r->bits[wide] / 8);
		return val == now;
	case REG_PLAIN:
		if (r->group == GROUP_CORE && !wide) {
			*(uint64_t *)to = val;
			return true;
		}
		break;
	}
	memcpy(to, buf, r->bits[wide] / 8);
	return true;
}
