/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/lib/vmi_calls.h"

#include <string.h>
#include <strings.h>

#include "hypervisor/types.h"
#include "hypervisor/vcpu.h"
#include "hypervisor/vmi.h"

const struct vmi_call vmi_calls[VMI_CALLS] = {
#define A(where, type, name) { VMI_AT_##where, VMI_T_##type, #name },
#define VMI_CALL(nr, id, name, since, class, conv, result, answers, site, \
		 args, text) \
	[nr] = { #name, #class, since, { args { 0, 0, NULL } } },
#include "spec/vmi-calls.def"
};

static uint64_t pair(uint32_t high, uint32_t low)
{
	return (uint64_t)high << 32 | low;
}

uint64_t vmi_arg_value(const struct vmi_seen *s, const struct vmi_arg *a)
{
	switch (a->where) {
	case VMI_AT_EAX: return s->eax;
	case VMI_AT_EDX: return s->edx;
	case VMI_AT_ECX: return s->ecx;
	case VMI_AT_ESI: return (uint32_t)s->v->gpr[GPR_SI];
	case VMI_AT_EDI: return (uint32_t)s->v->gpr[GPR_DI];
	case VMI_AT_S1: return s->stack[0];
	case VMI_AT_S2: return s->stack[1];
	case VMI_AT_EDX_EAX: return pair(s->edx, s->eax);
	case VMI_AT_ECX_EDX: return pair(s->ecx, s->edx);
	case VMI_AT_S1_ECX: return pair(s->stack[0], s->ecx);
	case VMI_AT_S2_S1: return pair(s->stack[1], s->stack[0]);
	}
	return 0;
}

/* ---- Values ------------------------------------------------------------------ */

struct flag {
	uint32_t bit;
	const char *name;
};

static const struct flag pte_flags[] = {
	{ VMI_LEVEL_PT, "PT" }, { VMI_LEVEL_PD, "PD" }, { VMI_LEVEL_PDP, "PDP" },
	{ VMI_LEVEL_PML4, "PML4" }, { VMI_PTE_CURRENT_AS, "CURRENT" },
	{ VMI_PTE_DEFER, "DEFER" }, { VMI_PTE_INVAL, "INVAL" },
	{ VMI_PTE_LONG, "LONG" }, { VMI_PTE_STORED, "STORED" }, { 0, NULL },
};
static const struct flag page_flags[] = {
	{ VMI_LEVEL_PT, "PT" }, { VMI_LEVEL_PD, "PD" }, { VMI_LEVEL_PDP, "PDP" },
	{ VMI_LEVEL_PML4, "PML4" }, { VMI_PAGE_PAE, "PAE" },
	{ VMI_PAGE_CLONE, "CLONE" }, { VMI_PAGE_ZEROED, "ZEROED" }, { 0, NULL },
};
static const struct flag tlb_flags[] = {
	{ VMI_FLUSH_TLB, "TLB" }, { VMI_FLUSH_GLOBAL, "GLOBAL" }, { 0, NULL },
};
static const struct flag alarm_flags[] = {
	{ VMI_ALARM_PERIODIC, "PERIODIC" }, { VMI_ALARM_LVTT, "LVTT" },
	{ 0, NULL },
};
/* Bits of a present entry, Intel SDM Vol. 3A 4.3. */
static const struct flag entry_flags[] = {
	{ 0x1, "P" }, { 0x2, "W" }, { 0x4, "U" }, { 0x8, "PWT" },
	{ 0x10, "PCD" }, { 0x20, "A" }, { 0x40, "D" }, { 0x80, "PS" },
	{ 0x100, "G" }, { 0, NULL },
};

static void print_flags(FILE *out, uint32_t v, const struct flag *f)
{
	const char *sep = "";

	for (; f->name; f++) {
		if (!(v & f->bit))
			continue;
		fprintf(out, "%s%s", sep, f->name);
		sep = "|";
		v &= ~f->bit;
	}
	if (v || !*sep)
		fprintf(out, "%s%x", sep, v);
}

/* Frame and flags, or the bare number where the entry is not present. */
static void print_entry(FILE *out, uint64_t v)
{
	if (!(v & 1)) {
		fprintf(out, "%llx", (unsigned long long)v);
		return;
	}
	fprintf(out, "%llx:", (unsigned long long)(v >> 12 & 0xffffffffffull));
	print_flags(out, v & 0x1ff, entry_flags);
	if (v & 0xe00)
		fprintf(out, "|sw%llx", (unsigned long long)(v >> 9 & 7));
	if (v >> 63)
		fputs("|NX", out);
}

static void print_pte_flags(FILE *out, uint32_t v)
{
	print_flags(out, v & ~VMI_PTE_VA_MASK, pte_flags);
	if (v & VMI_PTE_VA_MASK)
		fprintf(out, ", va=%08x", v & VMI_PTE_VA_MASK);
}

static void print_enum(FILE *out, uint32_t v, const char *const *names,
		       unsigned n)
{
	if (v < n)
		fputs(names[v], out);
	else
		fprintf(out, "%u", v);
}

static void print_alarm(FILE *out, uint32_t v)
{
	static const char *const counters[] = { "REAL", "AVAILABLE" };

	print_enum(out, v & VMI_ALARM_COUNTER_MASK, counters,
		   ARRAY_SIZE(counters));
	if (v & ~VMI_ALARM_COUNTER_MASK) {
		fputc('|', out);
		print_flags(out, v & ~VMI_ALARM_COUNTER_MASK, alarm_flags);
	}
}

static void print_value(FILE *out, enum vmi_arg_type type, uint64_t v)
{
	static const char *const lazy[] = { "NONE", "MMU", "CPU" };
	static const char *const counters[] = { "REAL", "AVAILABLE", "STOLEN" };

	switch (type) {
	case VMI_T_PTE: case VMI_T_PTE64:
		print_entry(out, v);
		break;
	case VMI_T_PTEFLAGS:
		print_pte_flags(out, v);
		break;
	case VMI_T_PAGEFLAGS:
		print_flags(out, v, page_flags);
		break;
	case VMI_T_TLBFLAGS:
		print_flags(out, v, tlb_flags);
		break;
	case VMI_T_ALARM:
		print_alarm(out, v);
		break;
	case VMI_T_LAZY:
		print_enum(out, v, lazy, ARRAY_SIZE(lazy));
		break;
	case VMI_T_COUNTER:
		print_enum(out, v, counters, ARRAY_SIZE(counters));
		break;
	case VMI_T_IF:
		fputs(v & 0x200 ? "IF" : "0", out);
		break;
	case VMI_T_U32: case VMI_T_U64: case VMI_T_INDEX: case VMI_T_COUNT:
	case VMI_T_CYCLES: case VMI_T_DR: case VMI_T_APICID:
		fprintf(out, "%llu", (unsigned long long)v);
		break;
	case VMI_T_VA: case VMI_T_PTEP: case VMI_T_DTR: case VMI_T_APSTATE:
	case VMI_T_BATCH: case VMI_T_SWITCH:
		fprintf(out, "%08llx", (unsigned long long)v);
		break;
	default:
		fprintf(out, "%llx", (unsigned long long)v);
	}
}

void vmi_call_print(const struct vmi_seen *seen, FILE *out)
{
	const struct vmi_call *c = &vmi_calls[seen->nr];

	fprintf(out, "%s(", c->name);
	for (const struct vmi_arg *a = c->args; a->name; a++) {
		fprintf(out, "%s%s=", a == c->args ? "" : ", ", a->name);
		print_value(out, a->type, vmi_arg_value(seen, a));
	}
	fputc(')', out);
}

/* ---- Sets -------------------------------------------------------------------- */

static bool set_word(struct vmi_set *s, const char *word, bool in)
{
	bool found = false;

	if (!strncasecmp(word, "class=", 6))
		word += 6;
	for (unsigned n = 0; n < VMI_CALLS; n++) {
		const struct vmi_call *c = &vmi_calls[n];

		if (strcasecmp(word, "all") && strcasecmp(word, c->name) &&
		    strcasecmp(word, c->class))
			continue;
		s->in[n] = in;
		found = true;
	}
	return found;
}

const char *vmi_set_parse(struct vmi_set *s, const char *list)
{
	static char word[64];

	for (unsigned n = 0; n < VMI_CALLS; n++)
		s->in[n] = *list == '!';
	while (*list) {
		size_t n = strcspn(list, ",");
		bool in = *list != '!';

		snprintf(word, sizeof(word), "%.*s", (int)n, list);
		if (!set_word(s, word + !in, in))
			return word;
		list += n;
		list += *list == ',';
	}
	return NULL;
}
