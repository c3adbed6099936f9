/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checker's report, as text and as JSON. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_JANSSON
#include <jansson.h>
#endif

#include "tools/lib/symbols.h"
#include "tools/lib/vmi_check_priv.h"

#define LINE	76

static bool before(const struct vmi_finding *p, const struct vmi_finding *q)
{
	return p->rule != q->rule ? p->rule < q->rule : p->count > q->count;
}

/*
 * By rule, then the most frequent first.  Not qsort(): it may ask the system
 * for things that the sandbox refuses.
 */
static void sort(const struct vmi_finding **v, unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		const struct vmi_finding *x = v[i];
		unsigned j = i;

		for (; j && before(x, v[j - 1]); j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
}

static void print_finding(struct vmi_check *c, const struct vmi_finding *f,
			  FILE *out)
{
	const struct vmi_rule_row *r = &vmi_rules[f->rule];
	char name[SYMBOL_LEN];

	fprintf(out, "  %s: %s", f->allowed ? "allowed" :
		r->severity == VMI_ERROR ? "error" : "note", r->name);
	if (f->rule == VMI_RULE_NATIVE || f->rule == VMI_RULE_NATIVE_LEFT)
		fprintf(out, ": %s", f->detail);
	else if (f->nr >= 0)
		fprintf(out, ": %s", vmi_calls[f->nr].name);
	if (f->at)
		fprintf(out, " at %08x", f->at);
	if (*symbol_name(c->symbols, f->at, name))
		fprintf(out, " %s", name);
	if (f->count > 1)
		fprintf(out, ", %" PRIu64 " times", f->count);
	if (f->rule == VMI_RULE_NATIVE)
		fprintf(out, " (call %d, %s)", f->nr, vmi_calls[f->nr].name);
	else if (f->rule != VMI_RULE_NATIVE_LEFT)
		fprintf(out, ": %s", f->detail);
	fputc('\n', out);
}

static void print_findings(struct vmi_check *c, bool notes, FILE *out)
{
	const struct vmi_finding *order[FINDINGS_MAX];
	enum vmi_rule last = VMI_RULES;
	unsigned n = 0;

	for (unsigned i = 0; i < c->nfindings; i++)
		if (notes ||
		    vmi_rules[c->findings[i].rule].severity == VMI_ERROR)
			order[n++] = &c->findings[i];
	sort(order, n);
	for (unsigned i = 0; i < n; i++) {
		if (order[i]->rule != last)
			fprintf(out, "%s: %s\n",
				vmi_rules[order[i]->rule].name,
				vmi_rules[order[i]->rule].text);
		last = order[i]->rule;
		print_finding(c, order[i], out);
	}
	if (c->findings_lost)
		fprintf(out, "%" PRIu64 " findings at more places\n",
			c->findings_lost);
}

/* Names of the calls for which @want is true, in lines. */
static void print_names(struct vmi_check *c, FILE *out, const char *title,
			bool (*want)(const struct vmi_check *, unsigned))
{
	int column = fprintf(out, "%s:", title);
	bool any = false;

	for (unsigned n = 0; n < VMI_CALLS; n++) {
		if (!want(c, n))
			continue;
		any = true;
		if (column + (int)strlen(vmi_calls[n].name) > LINE)
			column = fprintf(out, "\n ") - 1;
		column += fprintf(out, " %s", vmi_calls[n].name);
	}
	fputs(any ? "\n" : " none\n", out);
}

static bool used(const struct vmi_check *c, unsigned n)
{
	return c->calls[n] != 0;
}

static bool asked_not_used(const struct vmi_check *c, unsigned n)
{
	return c->queries[n] && !c->calls[n];
}

static bool not_asked(const struct vmi_check *c, unsigned n)
{
	return !c->queries[n];
}

static uint64_t total(const uint64_t *v)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < VMI_CALLS; i++)
		n += v[i];
	return n;
}

/* The kernel is written to 3.1 if it asked for a call of 3.1. */
static unsigned minor_used(const struct vmi_check *c)
{
	for (unsigned n = VMI_CALLS_3_0; n < VMI_CALLS; n++)
		if (c->queries[n])
			return 1;
	return 0;
}

void vmi_check_text(struct vmi_check *c, const char *kernel, bool notes,
		    FILE *out)
{
	fprintf(out, "%s: %s\n", kernel,
		vmi_check_clean(c) ? "clean" : "NOT CLEAN");
	if (c->init)
		fprintf(out, "bound: ROM at %08x, API offered 3.%u, used 3.%u; "
			"get_reloc asked %" PRIu64 " times, highest number "
			"%u\n", c->rom, VMI_API_MINOR, minor_used(c),
			total(c->queries) + c->queries_beyond, c->highest);
	if (c->ended)
		fprintf(out, "ended: %s\n", c->ended);
	fprintf(out, "calls: %" PRIu64 "; instructions that have a call, "
		"executed natively: %" PRIu64 "\n", total(c->calls),
		c->native);
	if (c->init) {
		print_names(c, out, "used", used);
		print_names(c, out, "asked for, never used", asked_not_used);
		print_names(c, out, "never asked for", not_asked);
	}
	print_findings(c, notes, out);
}

#ifdef HAVE_JANSSON
static json_t *finding_json(struct vmi_check *c, const struct vmi_finding *f)
{
	const struct vmi_rule_row *r = &vmi_rules[f->rule];
	char at[16], name[SYMBOL_LEN];

	snprintf(at, sizeof(at), "%08x", f->at);
	return json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:s, s:I, s:s, s:b}",
			 "rule", r->name,
			 "severity", r->severity == VMI_ERROR ? "error"
							       : "note",
			 "text", r->text,
			 "call", f->nr >= 0 ? vmi_calls[f->nr].name : NULL,
			 "address", f->at ? at : NULL,
			 "symbol", symbol_name(c->symbols, f->at, name),
			 "count", (json_int_t)f->count, "detail", f->detail,
			 "allowed", f->allowed);
}

static json_t *calls_json(const struct vmi_check *c)
{
	json_t *list = json_array();

	for (unsigned n = 0; n < VMI_CALLS; n++)
		json_array_append_new(list, json_pack(
			"{s:i, s:s, s:s, s:I, s:I}", "number", n,
			"name", vmi_calls[n].name, "class", vmi_calls[n].class,
			"calls", (json_int_t)c->calls[n],
			"queries", (json_int_t)c->queries[n]));
	return list;
}

int vmi_check_json(struct vmi_check *c, const char *kernel, FILE *out)
{
	json_t *findings = json_array(), *all;
	int code;

	for (unsigned i = 0; i < c->nfindings; i++)
		json_array_append_new(findings,
				      finding_json(c, &c->findings[i]));
	all = json_pack("{s:s, s:b, s:b, s:s?, s:i, s:i, s:I, s:o, s:o}",
			"kernel", kernel, "clean", vmi_check_clean(c),
			"bound", c->init, "ended", c->ended, "api_minor_offered", VMI_API_MINOR,
			"api_minor_used", minor_used(c),
			"native_executions", (json_int_t)c->native,
			"findings", findings, "calls", calls_json(c));
	code = all ? json_dumpf(all, out, JSON_INDENT(1)) : -1;
	json_decref(all);
	fputc('\n', out);
	return code ? -EIO : 0;
}
#else
int vmi_check_json(struct vmi_check *c, const char *kernel, FILE *out)
{
	return -ENOSYS;
}
#endif
