/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparing outcomes and printing cases. */
#include "tests/diff/compare.h"

#include <Zydis/Zydis.h>
#include <string.h>

#include "tests/diff/gen.h"

/* Everything but RF: processors differ in when a fault pushes it set. */
#define FLAGS_COMPARED	0xfffeffffu
#define PF_INSN		0x10u

static const char *const reg_names[8] = {
	"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi",
};
static const char *const seg_names[S_COUNT] = {
	"es", "cs", "ss", "ds", "fs", "gs",
};

/* Fields of the FXSAVE image that are compared: no FIP, FDP, FOP. */
static const struct { const char *name; uint16_t off, len; } fpu_fields[] = {
	{ "fcw", 0, 2 }, { "fsw", 2, 2 }, { "ftw", 4, 1 },
	{ "st0", 32, 10 }, { "st1", 48, 10 }, { "st2", 64, 10 },
	{ "st3", 80, 10 }, { "st4", 96, 10 }, { "st5", 112, 10 },
	{ "st6", 128, 10 }, { "st7", 144, 10 },
	{ "xmm0", 160, 16 }, { "xmm1", 176, 16 }, { "xmm2", 192, 16 },
	{ "xmm3", 208, 16 }, { "xmm4", 224, 16 }, { "xmm5", 240, 16 },
	{ "xmm6", 256, 16 }, { "xmm7", 272, 16 },
};

static bool differ32(const char *name, uint32_t want, uint32_t got, FILE *f)
{
	if (want == got)
		return false;
	if (f)
		fprintf(f, "  %-7s native %08x, engine %08x\n", name, want,
			got);
	return true;
}

static void print_bytes(const uint8_t *p, unsigned n, FILE *f)
{
	while (n--)
		fprintf(f, "%02x", p[n]);
}

/*
 * An unmasked overflow or underflow sets PE only if the result, scaled into
 * range, is inexact.  The interpreter does not work that out; nobody looks.
 */
#define MXCSR_OE_UE	0x18u
#define MXCSR_PE	0x20u

static bool differ_mxcsr(const struct diff_state *want,
			 const struct diff_state *got, FILE *f)
{
	uint32_t w, g, mask = ~0u;

	memcpy(&w, want->fpu + 24, 4);
	memcpy(&g, got->fpu + 24, 4);
	if (want->vector == 19 && (w & MXCSR_OE_UE & ~(w >> 7)))
		mask = ~MXCSR_PE;
	return differ32("mxcsr", w & mask, g & mask, f);
}

static bool differ_fpu(const uint8_t *want, const uint8_t *got, FILE *f)
{
	bool bad = false;
	unsigned i, off, len;

	for (i = 0; i < sizeof(fpu_fields) / sizeof(fpu_fields[0]); i++) {
		off = fpu_fields[i].off;
		len = fpu_fields[i].len;
		if (!memcmp(want + off, got + off, len))
			continue;
		bad = true;
		if (!f)
			break;
		fprintf(f, "  %-7s native ", fpu_fields[i].name);
		print_bytes(want + off, len, f);
		fprintf(f, ", engine ");
		print_bytes(got + off, len, f);
		fprintf(f, "\n");
	}
	return bad;
}

static bool differ_mem(uint32_t base, const uint8_t *want, const uint8_t *got,
		       unsigned len, FILE *f)
{
	unsigned i, shown = 0;

	if (!memcmp(want, got, len))
		return false;
	for (i = 0; f && i < len && shown < 16; i++)
		if (want[i] != got[i]) {
			fprintf(f, "  %08x native %02x, engine %02x\n",
				base + i, want[i], got[i]);
			shown++;
		}
	return true;
}

/* Bases of the code segments, to find an instruction by CS:EIP. */
static uint32_t cs_base(uint16_t sel)
{
	static const uint32_t base[LDT_COUNT] = {
#define LDT_BASE(n, b, ...) [LDT_##n] = b,
		LDT_LIST(LDT_BASE)
	};

	return (sel & 4) && sel >> 3 < LDT_COUNT ? base[sel >> 3] : 0;
}

/* Offset in the case's code of where it ended. */
static uint32_t end_offset(const struct gen_case *c,
			   const struct diff_state *s)
{
	return s->eip + cs_base(s->seg[S_CS]) - CODE_BASE - c->code_off;
}

/* Flags that nobody may rely on where the case ended. */
static uint32_t flags_undefined(const struct gen_case *c,
				const struct diff_state *s)
{
	uint32_t off = end_offset(c, s);
	unsigned i;

	for (i = 0; i < c->ninsns; i++)
		if (off >= (uint32_t)c->start[i] + c->first[i] &&
		    off < (uint32_t)c->start[i] + c->len[i])
			return c->undefined[i];
	return 0;
}

/* Within what clears undefined state: it may already be in memory. */
static bool in_cleaner(const struct gen_case *c, const struct diff_state *s)
{
	uint32_t off = end_offset(c, s);
	unsigned i;

	for (i = 0; i < c->ninsns; i++)
		if (off >= (uint32_t)c->start[i] + c->first[i] +
		    !!c->undefined[i] &&
		    off < (uint32_t)c->start[i] + c->len[i])
			return true;
	return false;
}

/*
 * The instruction that ended the case; INVALID if it is not known.  A far
 * call or return comes as IRETD: what matters is that it has many accesses.
 */
static ZydisMnemonic end_insn(const struct gen_case *c,
			      const struct diff_state *s)
{
	ZydisDisassembledInstruction d;
	uint32_t off = end_offset(c, s);

	if (off >= c->code_len || !ZYAN_SUCCESS(ZydisDisassembleIntel(
		    c->code16 ? ZYDIS_MACHINE_MODE_LONG_COMPAT_16 :
		    ZYDIS_MACHINE_MODE_LONG_COMPAT_32, s->eip, c->code + off,
		    c->code_len - off, &d)))
		return ZYDIS_MNEMONIC_INVALID;
	if (d.info.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
		return ZYDIS_MNEMONIC_IRETD;
	return d.info.mnemonic;
}

static bool differ_pf(const struct compare_rules *r, const struct gen_case *c,
		      const struct diff_state *want,
		      const struct diff_state *got, FILE *f)
{
	uint32_t mask = r->nx ? ~0u : ~PF_INSN;
	bool bad;

	/* Which of two operands, or parts of a large one, that both fault
	 * comes first is up to the processor. */
	switch (end_insn(c, want)) {
	case ZYDIS_MNEMONIC_CMPSB:
	case ZYDIS_MNEMONIC_CMPSW:
	case ZYDIS_MNEMONIC_CMPSD:
	case ZYDIS_MNEMONIC_FNSTENV:
	case ZYDIS_MNEMONIC_FLDENV:
	case ZYDIS_MNEMONIC_FNSAVE:
	case ZYDIS_MNEMONIC_FRSTOR:
	case ZYDIS_MNEMONIC_FXSAVE:
	case ZYDIS_MNEMONIC_FXRSTOR:
		return differ32("error", want->error & mask & ~1u,
				got->error & mask & ~1u, f);
	default:
		break;
	}
	bad = differ32("error", want->error & mask, got->error & mask, f);
	bad |= differ32("cr2", want->cr2, got->cr2, f);
	return bad;
}

/* A return to CPL 3 may clear the RPL of a null selector (SDM Vol. 2A, IRET). */
static uint16_t selector_of(uint16_t sel)
{
	return sel < 4 ? 0 : sel;
}

bool outcome_equal(const struct compare_rules *r, const struct gen_case *c,
		   const struct diff_state *want,
		   const struct diff_memory *wmem,
		   const struct diff_state *got,
		   const struct diff_memory *gmem, FILE *f)
{
	uint32_t fmask = FLAGS_COMPARED;
	bool bad = differ32("vector", want->vector, got->vector, f);
	unsigned i;

	if (!r->undefined_flags)
		fmask &= ~flags_undefined(c, want);
	bad |= differ32("eip", want->eip, got->eip, f);
	if (want->vector == 14)
		bad |= differ_pf(r, c, want, got, f);
	else if (want->vector >= 8 && want->vector <= 13)
		bad |= differ32("error", want->error, got->error, f);
	for (i = 0; i < 8; i++)
		bad |= differ32(reg_names[i], want->gpr[i], got->gpr[i], f);
	bad |= differ32("eflags", want->eflags & fmask,
			got->eflags & fmask, f);
	for (i = 0; i < S_COUNT; i++)
		bad |= differ32(seg_names[i], selector_of(want->seg[i]),
				selector_of(got->seg[i]), f);
	bad |= differ_mxcsr(want, got, f);
	bad |= differ_fpu(want->fpu, got->fpu, f);
	bad |= differ_mem(CODE_BASE, wmem->code, gmem->code, CODE_SIZE, f);
	bad |= differ_mem(DATA_BASE, wmem->data, gmem->data, DATA_SIZE, f);
	bad |= differ_mem(STACK_BASE, wmem->stack, gmem->stack, STACK_SIZE, f);
	return !bad;
}

/* Memory that one side has and the other has not. */
static bool one_sided(uint32_t a)
{
	return (a >= ORACLE_TEXT && a < ORACLE_TEXT_END) ||
		(a >= ORACLE_SHM && a < ORACLE_SHM_END) ||
		(a >= GUEST_KERNEL && a < GUEST_KERNEL + 0x10000) ||
		a >= ORACLE_HIGH;
}

/*
 * PUSHA, POPA, far transfers that fault half way: processors differ in the
 * order of the accesses and in what has been written by then.
 */
static bool multiple(const struct gen_case *c, const struct diff_state *s)
{
	switch (end_insn(c, s)) {
	case ZYDIS_MNEMONIC_PUSHA:
	case ZYDIS_MNEMONIC_PUSHAD:
	case ZYDIS_MNEMONIC_POPA:
	case ZYDIS_MNEMONIC_POPAD:
		return true;
	case ZYDIS_MNEMONIC_IRETD:
		return s->vector == 14 || s->vector == 12;
	default:
		return false;
	}
}

bool outcome_runs_data(const struct compare_rules *r,
		       const struct diff_state *want)
{
	return !r->nx && want->vector == 14 && (want->error & PF_INSN) &&
		(want->error & 1);
}

/* Several operands, each with its own segment: which faults first is open. */
static bool either_segment(const struct gen_case *c,
			   const struct diff_state *want,
			   const struct diff_state *got)
{
	switch (end_insn(c, want)) {
	case ZYDIS_MNEMONIC_CMPSB:
	case ZYDIS_MNEMONIC_CMPSW:
	case ZYDIS_MNEMONIC_CMPSD:
		return want->vector != got->vector && got->vector >= 12 &&
			got->vector <= 14;
	default:
		return false;
	}
}

/* A selector of Linux's own, loaded by accident: the guest has no such. */
static bool foreign_selector(const struct diff_state *s)
{
	unsigned i, sel;

	for (i = 0; i < S_COUNT; i++) {
		sel = s->seg[i] & ~3u;
		if (sel && !(sel & 4) && sel != (SEL_CS & ~3) &&
		    sel != (SEL_DS & ~3))
			return true;
	}
	return false;
}

/* The same when the guest's #GP for it changed what followed. */
static bool foreign_error(const struct diff_state *want,
			  const struct diff_state *got)
{
	return got->vector == 13 && got->error && !(got->error & 4) &&
		(want->vector != 13 || want->error != got->error);
}

/* IRET with NT set: no task switch in a 64-bit kernel's processes. */
static bool iret_with_nt(const struct gen_case *c,
			 const struct diff_state *want)
{
	return want->vector == 13 && (want->eflags & 0x4000) &&
		end_insn(c, want) == ZYDIS_MNEMONIC_IRETD;
}

/* MXCSR.MM of AMD's processors, which the guest does not have. */
static bool foreign_mxcsr(const struct diff_state *want)
{
	return want->fpu[26] & 2;
}

/*
 * REP MOVS or STOS over itself: how much it still does before the change
 * counts is up to the processor.
 */
static bool overwrote_itself(const struct gen_case *c,
			     const struct diff_memory *m)
{
	unsigned i;

	for (i = 0; i < c->ninsns; i++) {
		struct diff_state at = { .eip = c->in.eip + c->start[i] };

		if (!memcmp(m->code + c->code_off + c->start[i],
			    c->code + c->start[i], c->first[i]))
			continue;
		at.seg[S_CS] = c->in.seg[S_CS];
		switch (end_insn(c, &at)) {
		case ZYDIS_MNEMONIC_STOSB:
		case ZYDIS_MNEMONIC_STOSW:
		case ZYDIS_MNEMONIC_STOSD:
		case ZYDIS_MNEMONIC_MOVSB:
		case ZYDIS_MNEMONIC_MOVSW:
		case ZYDIS_MNEMONIC_MOVSD:
			return true;
		default:
			break;
		}
	}
	return false;
}

bool outcome_unfair(const struct gen_case *c,
		    const struct diff_state *want,
		    const struct diff_memory *wmem,
		    const struct diff_state *got,
		    const struct diff_memory *gmem)
{
	if (in_cleaner(c, want) || foreign_mxcsr(want) ||
	    iret_with_nt(c, want) || foreign_selector(want) ||
	    either_segment(c, want, got) || foreign_error(want, got) ||
	    overwrote_itself(c, wmem) || overwrote_itself(c, gmem))
		return true;
	return (got->vector == 14 && one_sided(got->cr2)) ||
		(want->vector == 14 && one_sided(want->cr2)) ||
		multiple(c, want);
}

static void print_state(const struct diff_state *s, FILE *f)
{
	unsigned i;

	for (i = 0; i < 8; i++)
		fprintf(f, "  %s %08x%s", reg_names[i], s->gpr[i],
			i % 4 == 3 ? "\n" : "");
	fprintf(f, "  eip %08x  eflags %08x ", s->eip, s->eflags);
	for (i = 0; i < S_COUNT; i++)
		fprintf(f, " %s %04x", seg_names[i], s->seg[i]);
	fprintf(f, "\n  fcw %04x fsw %04x ftw %02x mxcsr %04x\n",
		s->fpu[0] | s->fpu[1] << 8, s->fpu[2] | s->fpu[3] << 8,
		s->fpu[4], s->fpu[24] | s->fpu[25] << 8);
}

static void print_insn(const struct gen_case *c, unsigned i, FILE *f)
{
	ZydisDisassembledInstruction d;
	const uint8_t *p = c->code + c->start[i];
	unsigned n, len = c->len[i], used;
	char hex[40] = "";

	for (; len; len -= used, p += used) {
		bool ok = ZYAN_SUCCESS(ZydisDisassembleIntel(
			c->code16 ? ZYDIS_MACHINE_MODE_LONG_COMPAT_16 :
			ZYDIS_MACHINE_MODE_LONG_COMPAT_32,
			c->in.eip + (p - c->code), p, len, &d));

		used = ok ? d.info.length : len;
		for (n = 0; n < used && n < 15; n++)
			sprintf(hex + 2 * n, "%02x", p[n]);
		/* The minimizer leaves NOPs where it took things out. */
		if (used == 1 && *p == 0x90)
			continue;
		fprintf(f, "  %08x  %-30s %s\n",
			(uint32_t)(c->in.eip + (p - c->code)), hex,
			ok ? d.text : "?");
	}
}

void case_print(const struct gen_case *c, FILE *f)
{
	unsigned i;

	fprintf(f, "initial state:\n");
	print_state(&c->in, f);
	fprintf(f, "code (%u-bit, at linear %08x):\n", c->code16 ? 16 : 32,
		CODE_BASE + c->code_off);
	for (i = 0; i < c->ninsns; i++)
		print_insn(c, i, f);
}
