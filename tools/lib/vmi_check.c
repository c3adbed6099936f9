/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State of one guest's use of the interface, the rules that are not about
 * page tables, and the instructions it executed itself.
 */
#include "tools/lib/vmi_check_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "fullvirt/x86/interp.h"	/* x86_translate_peek */
#include "tools/lib/symbols.h"

#define FLAG_IF_BIT	0x200u
#define RPL		3u
#define ALARM_FLAGS	(VMI_ALARM_COUNTER_MASK | VMI_ALARM_PERIODIC | \
			 VMI_ALARM_LVTT)

#define NOTE	VMI_NOTE
#define ERROR	VMI_ERROR
const struct vmi_rule_row vmi_rules[VMI_RULES] = {
#define RULE(id, severity, name, text) { severity, name, text },
#include "tools/lib/vmi_rules.def"
#undef RULE
};
#undef NOTE
#undef ERROR

/* Calls that must not be interrupted: what they set up is half done. */
static const uint8_t interrupts_off[] = {
	VMI_CALL_SYSEXIT, VMI_CALL_HALT, VMI_CALL_SWITCH_SPACE,
};

struct vmi_check *vmi_check_create(void)
{
	return calloc(1, sizeof(struct vmi_check));
}

void vmi_check_destroy(struct vmi_check *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->nallowed; i++)
		free(c->allowed[i]);
	free(c->frames);
	free(c);
}

void vmi_check_mem(struct vmi_check *c, struct mem *mem)
{
	c->mem = mem;
	c->nframes = mem->top >> PAGE_SHIFT;
	c->frames = calloc(1, c->nframes);
	if (!c->frames)
		c->nframes = 0;
}

void vmi_check_on_init(struct vmi_check *c, void (*fn)(void *opaque),
		       void *opaque)
{
	c->init_fn = fn;
	c->init_opaque = opaque;
}

void vmi_check_symbols(struct vmi_check *c, const struct symbols *s)
{
	c->symbols = s;
}

int vmi_check_allow(struct vmi_check *c, const char *symbol)
{
	if (c->nallowed == ALLOWED_MAX)
		return -ENOSPC;
	c->allowed[c->nallowed] = strdup(symbol);
	return c->allowed[c->nallowed++] ? 0 : -ENOMEM;
}

/* ---- Findings ---------------------------------------------------------------- */

static bool is_allowed(const struct vmi_check *c, uint32_t at)
{
	char name[SYMBOL_LEN];

	symbol_base(c->symbols, at, name);
	for (unsigned i = 0; *name && i < c->nallowed; i++)
		if (!strcmp(name, c->allowed[i]))
			return true;
	return false;
}

void check_add(struct vmi_check *c, enum vmi_rule rule, int nr, uint32_t at,
	       uint64_t count, const char *detail)
{
	struct vmi_finding *f;

	for (unsigned i = 0; i < c->nfindings; i++) {
		f = &c->findings[i];
		if (f->rule == rule && f->nr == nr && f->at == at) {
			f->count += count;
			return;
		}
	}
	if (c->nfindings == FINDINGS_MAX) {
		c->findings_lost += count;
		return;
	}
	f = &c->findings[c->nfindings++];
	*f = (struct vmi_finding){ .rule = rule, .nr = nr, .at = at,
				   .count = count,
				   .allowed = is_allowed(c, at) };
	c->news++;
	snprintf(f->detail, sizeof(f->detail), "%s", detail);
}

void check_broken(struct vmi_check *c, enum vmi_rule rule,
		  const struct vmi_seen *seen, const char *fmt, ...)
{
	char detail[120];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	check_add(c, rule, seen ? (int)seen->nr : -1, seen ? seen->caller : 0,
		  1, detail);
}

const struct vmi_finding *vmi_check_findings(struct vmi_check *c, unsigned *n)
{
	*n = c->nfindings;
	return c->findings;
}

bool vmi_check_clean(struct vmi_check *c)
{
	for (unsigned i = 0; i < c->nfindings; i++)
		if (vmi_rules[c->findings[i].rule].severity == VMI_ERROR &&
		    !c->findings[i].allowed)
			return false;
	return true;
}

/* ---- The guest's memory ------------------------------------------------------ */

bool check_translate(struct vmi_check *c, const struct vcpu *v, uint32_t va,
		     gpa_t *gpa)
{
	struct vcpu copy = *v;
	struct x86 x = { .v = &copy, .mem = c->mem };
	struct x86_walk w;

	if (x86_translate_peek(&x, va, X86_ACC_READ, &w))
		return false;
	*gpa = w.gpa;
	return mem_flags(c->mem, w.gpa) != 0;
}

static bool readable(struct vmi_check *c, const struct vcpu *v, uint32_t va,
		     uint32_t len)
{
	gpa_t gpa;

	return check_translate(c, v, va, &gpa) &&
	       check_translate(c, v, va + len - 1, &gpa);
}

/* ---- What is new ------------------------------------------------------------- */

/* Call @nr (beyond the last: get_reloc) from @caller.  A full table is no news. */
static void check_place(struct vmi_check *c, uint32_t nr, uint32_t caller)
{
	uint64_t place = (uint64_t)(nr + 1) << 32 | caller;
	uint32_t at = (caller ^ caller >> 13 ^ nr * 0x9e3779b1u);

	for (unsigned i = 0; i < PLACES / 2; i++, at++) {
		uint64_t *p = &c->places[at & (PLACES - 1)];

		if (*p == place)
			return;
		if (*p)
			continue;
		*p = place;
		c->news++;
		return;
	}
}

unsigned vmi_check_news(const struct vmi_check *c)
{
	return c->news;
}

/* ---- Calls ------------------------------------------------------------------- */

static uint32_t *lazy_of(struct vmi_check *c, const struct vmi_seen *s)
{
	return &c->lazy[s->cpu < CHECK_CPUS ? s->cpu : 0];
}

static void check_interrupts(struct vmi_check *c, const struct vmi_seen *s)
{
	for (unsigned i = 0; i < ARRAY_SIZE(interrupts_off); i++)
		if (s->nr == interrupts_off[i] && s->v->rflags & FLAG_IF_BIT)
			check_broken(c, VMI_RULE_INTERRUPTS_ON, s, "IF is 1");
}

static void check_left_on(struct vmi_check *c, const struct vmi_seen *s)
{
	uint32_t mode = *lazy_of(c, s);

	if (mode)
		check_broken(c, VMI_RULE_LAZY_LEFT_ON, s, "mode %u", mode);
}

/*
 * The frame: EIP, CS, EFLAGS.  Called, the return address is below it;
 * jumped to, caller is its EIP.  CALL is what Umbra's ROMs answer.
 */
static void check_iret(struct vmi_check *c, const struct vmi_seen *s)
{
	uint32_t cs = s->stack[1], eflags;
	/* ECX, an address, the number, return address, EIP, CS, EFLAGS. */
	uint32_t at = (uint32_t)s->v->gpr[GPR_SP] + 6 * 4;

	if ((cs & RPL) != RPL ||
	    !vmi_read(c->mem, s->v, at, &eflags, sizeof(eflags)))
		return;
	check_left_on(c, s);
	if (!(eflags & FLAG_IF_BIT))
		check_broken(c, VMI_RULE_USER_IF_OFF, s, "EFLAGS %08x",
			     eflags);
}

static void check_lazy(struct vmi_check *c, const struct vmi_seen *s)
{
	uint32_t *mode = lazy_of(c, s), to = s->eax;

	if (to > VMI_LAZY_CPU) {
		check_broken(c, VMI_RULE_LAZY_VALUE, s, "mode %u", to);
		return;
	}
	if (to && *mode)
		check_broken(c, VMI_RULE_LAZY_NESTED, s, "%u in %u", to, *mode);
	if (!to && !*mode)
		check_broken(c, VMI_RULE_LAZY_UNBALANCED, s, "not in one");
	*mode = to;
}

static void check_image(struct vmi_check *c, const struct vmi_seen *s)
{
	if (!readable(c, s->v, s->eax, 6))
		check_broken(c, VMI_RULE_TABLE, s, "image at %08x", s->eax);
}

/* @limit: of the table if it is the one in use, else that of any table. */
static void check_entry(struct vmi_check *c, const struct vmi_seen *s,
			const struct desc_table *now)
{
	uint32_t limit = now && now->base == s->eax ? now->limit : 0xffff;

	if (s->edx > 0x1fff || s->edx * 8 + 7 > limit)
		check_broken(c, VMI_RULE_TABLE_INDEX, s,
			     "index %u, limit %x", s->edx, limit);
	else if (!readable(c, s->v, s->eax + s->edx * 8, 8))
		check_broken(c, VMI_RULE_TABLE, s, "table at %08x", s->eax);
}

static void check_stack(struct vmi_check *c, const struct vmi_seen *s)
{
	if (s->edx < 4 || !readable(c, s->v, s->edx - 4, 4))
		check_broken(c, VMI_RULE_STACK, s, "ESP0 %08x", s->edx);
}

static void check_alarm(struct vmi_check *c, const struct vmi_seen *s)
{
	uint32_t counter = s->eax & VMI_ALARM_COUNTER_MASK;

	if (s->eax & ~ALARM_FLAGS || counter > VMI_COUNTER_AVAILABLE)
		check_broken(c, VMI_RULE_ALARM, s, "flags %x", s->eax);
	else if (s->nr == VMI_CALL_SET_ALARM &&
		 s->eax & VMI_ALARM_PERIODIC && !s->stack[0] && !s->stack[1])
		check_broken(c, VMI_RULE_ALARM, s, "period 0");
}

static void check_switch(struct vmi_check *c, const struct vmi_seen *s)
{
	struct vmi_switch_space to;

	if (!vmi_read(c->mem, s->v, s->eax, &to, sizeof(to))) {
		check_broken(c, VMI_RULE_SWITCH, s, "block at %08x", s->eax);
		return;
	}
	if (to.flags & ~VMI_SWITCH_ALL || !to.flags || to.reserved)
		check_broken(c, VMI_RULE_SWITCH, s, "flags %x", to.flags);
	if (to.flags & VMI_SWITCH_CR3)
		check_root(c, s, to.cr3);
}

static void check_one(struct vmi_check *c, const struct vmi_seen *s)
{
	switch (s->nr) {
	case VMI_CALL_SET_GDT: case VMI_CALL_SET_IDT:
	case VMI_CALL_GET_GDT: case VMI_CALL_GET_IDT:
		check_image(c, s);
		break;
	case VMI_CALL_WRITE_GDT_ENTRY:
		check_entry(c, s, &s->v->gdtr);
		break;
	case VMI_CALL_WRITE_IDT_ENTRY:
		check_entry(c, s, &s->v->idtr);
		break;
	case VMI_CALL_WRITE_LDT_ENTRY:
		check_entry(c, s, NULL);
		break;
	case VMI_CALL_UPDATE_KERNEL_STACK:
		check_stack(c, s);
		break;
	case VMI_CALL_IRET:
		check_iret(c, s);
		break;
	case VMI_CALL_SYSEXIT: case VMI_CALL_HALT:
		check_left_on(c, s);
		break;
	case VMI_CALL_SET_LAZY_MODE:
		check_lazy(c, s);
		break;
	case VMI_CALL_SET_ALARM: case VMI_CALL_CANCEL_ALARM:
		check_alarm(c, s);
		break;
	case VMI_CALL_SWITCH_SPACE:
		check_switch(c, s);
		break;
	default:
		check_mmu_call(c, s);
	}
}

static void on_call(void *opaque, const struct vmi_seen *s)
{
	struct vmi_check *c = opaque;

	if (s->nr >= VMI_CALLS)
		return;
	c->calls[s->nr]++;
	check_place(c, s->nr, s->caller);
	if (!c->init)
		check_broken(c, VMI_RULE_CALL_EARLY, s, "before vmi_init");
	if (!c->queries[s->nr])
		check_broken(c, VMI_RULE_CALL_UNASKED, s, "get_reloc(%u)",
			     s->nr);
	check_interrupts(c, s);
	check_one(c, s);
}

static void on_query(void *opaque, unsigned cpu, uint32_t nr,
		     const struct vcpu *v)
{
	struct vmi_check *c = opaque;

	if (!c->init)
		check_broken(c, VMI_RULE_QUERY_EARLY, NULL, "get_reloc(%u)",
			     nr);
	check_place(c, VMI_CALLS, nr);
	if (nr < VMI_CALLS)
		c->queries[nr]++;
	else
		c->queries_beyond++;
	if (nr > c->highest)
		c->highest = nr;
}

static void on_init(void *opaque, unsigned cpu, uint32_t rom,
		    const struct vcpu *v)
{
	struct vmi_check *c = opaque;

	if (v->rflags & FLAG_IF_BIT)
		check_add(c, VMI_RULE_INTERRUPTS_ON, -1, 0, 1,
			  "vmi_init with IF 1");
	c->init = true;
	c->rom = rom;
	if (c->init_fn)
		c->init_fn(c->init_opaque);
}

const struct vmi_observer vmi_check_observer = {
	.call = on_call, .query = on_query, .init = on_init,
};

/* ---- Instructions ------------------------------------------------------------ */

static const struct native {
	const char *insn;
	unsigned nr;
	uint32_t feature;
} natives[] = {
#define VMI_FEATURE_NONE	0
#define NATIVE(insn, call, feature) \
	{ insn, VMI_CALL_##call, VMI_FEATURE_##feature },
#include "tools/lib/vmi_native.def"
#undef NATIVE
};

static const struct native *native_row(const char *insn)
{
	for (unsigned i = 0; i < ARRAY_SIZE(natives); i++)
		if (!strcmp(natives[i].insn, insn))
			return &natives[i];
	return NULL;
}

/*
 * A guest that asked for the feature word was told that some instructions
 * are as good as their calls: all of Umbra's ROMs say so where they can.
 */
static bool told_so(const struct vmi_check *c, const struct native *n)
{
	return n->feature && c->calls[VMI_CALL_QUERY_FEATURES];
}

static bool in_rom(gpa_t gpa)
{
	return gpa >= VMI_ROM_START && gpa < VMI_ROM_END;
}

void vmi_check_census(void *opaque, const struct engine_census *row)
{
	struct vmi_check *c = opaque;
	const struct native *n = native_row(row->insn);
	bool error = n && !told_so(c, n);

	if (!c->init || in_rom(row->gpa))
		return;
	if (error)
		c->native += row->count;
	check_add(c, error ? VMI_RULE_NATIVE : VMI_RULE_NATIVE_LEFT,
		  n ? (int)n->nr : -1, row->eip, row->count, row->insn);
}

void vmi_check_end(struct vmi_check *c, const char *how, bool died)
{
	c->ended = how;
	if (!c->init)
		check_broken(c, VMI_RULE_NOT_BOUND, NULL, "no vmi_init");
	if (died)
		check_broken(c, VMI_RULE_DIED, NULL, "%s", how);
}
