/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is written from the call table: the C header for both sides, and the
 * tables of the document.
 *
 *	vmi-gen header >vmi.h
 *	vmi-gen guest			the same as the guest kernel has it
 *	vmi-gen calls | values | structs	Markdown tables
 */
#include <stdio.h>
#include <string.h>

struct call {
	unsigned nr;
	const char *id, *name;
	unsigned since;
	const char *class, *conv, *result, *answers, *site;
	const char *args;	/* "REG TYPE name;" for each */
	const char *text;
};

static const struct call calls[] = {
#define A(reg, type, name) #reg " " #type " " #name ";"
#define VMI_CALL(nr, id, name, since, class, conv, result, answers, site, \
		 args, text) \
	{ nr, #id, #name, since, #class, #conv, #result, #answers, #site, \
	  "" args, text },
#include "spec/vmi-calls.def"
};

enum kind { GROUP, VALUE, STRUCT, FIELD, ARRAY, END };

struct row {
	enum kind kind;
	const char *owner, *name, *value, *type, *text;
	unsigned offset, n;
};

static const struct row rows[] = {
#define VMI_GROUP(text) { GROUP, NULL, NULL, NULL, NULL, text, 0, 0 },
#define VMI_VALUE(name, value, text) \
	{ VALUE, NULL, #name, #value, NULL, text, 0, 0 },
#define VMI_STRUCT(name, size, align, text) \
	{ STRUCT, #name, #name, NULL, NULL, text, size, align },
#define VMI_FIELD(s, offset, type, name, text) \
	{ FIELD, #s, #name, NULL, #type, text, offset, 1 },
#define VMI_ARRAY(s, offset, type, name, n, text) \
	{ ARRAY, #s, #name, NULL, #type, text, offset, n },
#define VMI_END(name) { END, #name, NULL, NULL, NULL, NULL, 0, 0 },
#include "spec/vmi-values.def"
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Arguments: "EAX" is a register, "EDX_EAX" a pair, high part first; S1 and S2
 * are words of the stack.
 */
struct arg {
	char reg[16], type[16], name[24];
};

static const char *next_arg(const char *p, struct arg *a)
{
	int n = 0;

	if (sscanf(p, "%15s %15s %23[^;];%n", a->reg, a->type, a->name,
		   &n) != 3)
		return NULL;
	return p + n;
}

static void put_names(const struct call *c)
{
	struct arg a;
	const char *p = c->args, *sep = "";

	while ((p = next_arg(p, &a))) {
		printf("%s%s", sep, a.name);
		sep = ", ";
	}
}

static void put_reg(const char *reg)
{
	for (; *reg; reg++)
		if (*reg == '_')
			putchar(':');
		else if (*reg == 'S' && (reg[1] == '1' || reg[1] == '2'))
			printf("[ESP+%c]", *++reg == '1' ? '4' : '8');
		else
			putchar(*reg);
}

/* Tabs up to column @to, from @from. */
static void tabs(int from, int to)
{
	do {
		putchar('\t');
		from = (from | 7) + 1;
	} while (from < to);
}

/* For a kernel, whose lines have 100 columns at most. */
static int guest;

static void header_calls(void)
{
	printf("/* Calls */\n");
	for (unsigned i = 0; i < COUNT(calls); i++) {
		const struct call *c = &calls[i];
		int n = printf("#define VMI_CALL_%s", c->id);

		tabs(n, 48);
		if (guest) {
			printf("%u\n", c->nr);
			continue;
		}
		printf("%u\t/* %s(", c->nr, c->name);
		put_names(c);
		printf(") */\n");
	}
	printf("\n#define VMI_CALLS_3_0\t\t\t\t74\n"
	       "#define VMI_CALLS\t\t\t\t%zu\n", COUNT(calls));
}

static void header_values(void)
{
	for (unsigned i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];
		int above, n;

		if (r->kind == GROUP)
			printf("\n/* %s */\n", r->text);
		if (r->kind != VALUE)
			continue;
		above = guest && 56 + strlen(r->text) + 6 > 100;
		if (above)
			printf("/* %s: */\n", r->text);
		n = printf("#define VMI_%s", r->name);
		tabs(n, 40);
		n = printf("%s", r->value);
		if (above)
			printf("\n");
		else {
			tabs(40 + n, 56);
			printf("/* %s */\n", r->text);
		}
	}
}

static void header_field(const struct row *r)
{
	char decl[64];
	int n;

	if (r->kind == ARRAY)
		snprintf(decl, sizeof(decl), "%s %s[%u];", r->type, r->name,
			 r->n);
	else
		snprintf(decl, sizeof(decl), "%s %s;", r->type, r->name);
	n = printf("\t%s", decl) + 7;
	if (*r->text) {
		tabs(n, 40);
		printf("/* %s */", r->text);
	}
	putchar('\n');
}

static void header_asserts(const struct row *s)
{
	const struct row *r;

	printf("static_assert(sizeof(struct vmi_%s) == %u);\n", s->name,
	       s->offset);
	for (r = s + 1; r->kind != END; r++)
		printf("static_assert(offsetof(struct vmi_%s, %s) == %u);\n",
		       s->name, r->name, r->offset);
}

static void header_structs(void)
{
	for (unsigned i = 0; i < COUNT(rows); i++) {
		const struct row *s = &rows[i];

		if (s->kind != STRUCT)
			continue;
		printf("\n/* %s */\nstruct vmi_%s {\n", s->text, s->name);
		for (i++; rows[i].kind != END; i++)
			header_field(&rows[i]);
		printf("} __packed __aligned(%u);\n", s->n);
		header_asserts(s);
	}
}

static void header(void)
{
	printf("/* SPDX-License-Identifier: GPL-2.0-or-later */\n"
	       "/*\n"
	       " * Virtual Machine Interface: numbers and structures, the "
	       "same for guest and\n"
	       " * hypervisor.  Generated from the call table of the "
	       "specification; do not\n"
	       " * edit.\n"
	       " */\n"
	       "#ifndef _ASM_X86_VMI_H\n"
	       "#define _ASM_X86_VMI_H\n\n");
	header_calls();
	header_values();
	printf("\n#ifndef __ASSEMBLY__\n");
	if (!guest)
		printf("#ifdef __KERNEL__\n");
	printf("#include <linux/build_bug.h>\n"
	       "#include <linux/stddef.h>\n"
	       "#include <linux/types.h>\n");
	if (!guest)
		printf("#else\n"
		       "#include <assert.h>\n"
		       "#include <stddef.h>\n"
		       "#include <stdint.h>\n"
		       "#define u8 uint8_t\n"
		       "#define u16 uint16_t\n"
		       "#define u32 uint32_t\n"
		       "#define u64 uint64_t\n"
		       "#define __packed __attribute__((packed))\n"
		       "#define __aligned(n) __attribute__((aligned(n)))\n"
		       "#undef static_assert\n"
		       "#define static_assert(expr) _Static_assert(expr, #expr)\n"
		       "#endif\n");
	header_structs();
	if (!guest)
		printf("\n#ifndef __KERNEL__\n"
		       "#undef u8\n#undef u16\n#undef u32\n#undef u64\n"
		       "#undef __packed\n#undef __aligned\n"
		       "#undef static_assert\n"
		       "#define static_assert _Static_assert\n"
		       "#endif\n");
	printf("#endif /* __ASSEMBLY__ */\n"
	       "#endif /* _ASM_X86_VMI_H */\n");
}

static void guest_header(void)
{
	guest = 1;
	header();
}

static void doc_args(const struct call *c)
{
	struct arg a;
	const char *p = c->args, *sep = "";

	while ((p = next_arg(p, &a))) {
		printf("%s", sep);
		put_reg(a.reg);
		printf(" %s", a.name);
		sep = ", ";
	}
}

static const char *doc_result(const char *r)
{
	if (!strcmp(r, "VOID") || !strcmp(r, "NEVER"))
		return "";
	if (!strcmp(r, "REGS"))
		return "EAX EBX ECX EDX";
	if (!strcmp(r, "U64") || !strcmp(r, "CYCLES") || !strcmp(r, "HZ") ||
	    !strcmp(r, "NS") || !strcmp(r, "FEATURES"))
		return "EDX:EAX";
	return "EAX";
}

static void doc_answers(const char *answers)
{
	for (; *answers; answers++)
		printf("%s%s", *answers == 'N' ? "none" : *answers == 'C' ?
		       "call" : *answers == 'J' ? "jump" : "nop",
		       answers[1] ? " " : "");
}

static void doc_calls(void)
{
	printf("| | call | in | out | convention | answers | site | since | "
	       "class | |\n|---|---|---|---|---|---|---|---|---|---|\n");
	for (unsigned i = 0; i < COUNT(calls); i++) {
		const struct call *c = &calls[i];

		printf("| %u | %s | ", c->nr, c->name);
		doc_args(c);
		printf(" | %s | %s | ", doc_result(c->result), c->conv);
		doc_answers(c->answers);
		printf(" | %s | 3.%u | %s | %s |\n",
		       *c->site == 'P' && c->site[1] == 'A' ? "patched" : "",
		       c->since, c->class, c->text);
	}
}

static void doc_values(void)
{
	for (unsigned i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];

		if (r->kind == GROUP)
			printf("%s**%s**\n\n| | | |\n|---|---|---|\n",
			       i ? "\n" : "", r->text);
		else if (r->kind == VALUE)
			printf("| %s | %s | %s |\n", r->name, r->value,
			       r->text);
	}
}

static void doc_structs(void)
{
	for (unsigned i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];

		if (r->kind == STRUCT)
			printf("**%s**, %u bytes: %s\n\n"
			       "| offset | type | field | |\n"
			       "|---|---|---|---|\n", r->name, r->offset,
			       r->text);
		else if (r->kind == FIELD)
			printf("| %u | %s | %s | %s |\n", r->offset, r->type,
			       r->name, r->text);
		else if (r->kind == ARRAY)
			printf("| %u | %s[%u] | %s | %s |\n", r->offset,
			       r->type, r->n, r->name, r->text);
		else if (r->kind == END)
			putchar('\n');
	}
}

/* Numbers in order, no holes: the tables of both sides are arrays. */
static int consistent(void)
{
	for (unsigned i = 0; i < COUNT(calls); i++)
		if (calls[i].nr != i) {
			fprintf(stderr, "vmi-calls.def: %s is row %u\n",
				calls[i].name, i);
			return 0;
		}
	return 1;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} modes[] = {
		{ "header", header }, { "guest", guest_header },
		{ "calls", doc_calls },
		{ "values", doc_values }, { "structs", doc_structs },
	};

	if (!consistent())
		return 1;
	for (unsigned i = 0; argc == 2 && i < COUNT(modes); i++)
		if (!strcmp(argv[1], modes[i].name)) {
			modes[i].fn();
			return 0;
		}
	fprintf(stderr, "usage: vmi-gen header|guest|calls|values|structs\n");
	return 1;
}
