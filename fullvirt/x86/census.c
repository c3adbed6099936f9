/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Open addressing by linear address; entries are never removed, but all at
 * once.  The same address with another instruction counts as that one: code
 * was patched.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fullvirt/x86/census.h"
#include "fullvirt/x86/interp.h"

#define SLOTS		16384u		/* a power of two */
#define FULL		(SLOTS / 2)
#define PRINTED		40u
#define ANY_REG		8
#define NO_ROW		(-1)

static const struct sensitive {
	const char *name;
	uint8_t map, opcode, reg;
} rows[] = {
#define SENSITIVE(name, map, opcode, reg) { name, map, opcode, reg },
#include "fullvirt/x86/sensitive.def"
#undef SENSITIVE
};

#define NROWS	((int)(sizeof(rows) / sizeof(rows[0])))

struct slot {
	uint64_t count;		/* 0: free */
	gpa_t gpa;
	uint32_t eip;
	int16_t row;
};

struct x86_census {
	struct slot slots[SLOTS];
	unsigned used;
	uint64_t lost;		/* met with the table full */
};

static bool is_prefix(uint8_t b)
{
	switch (b) {
	case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65:
	case 0x66: case 0x67: case 0xf0: case 0xf2: case 0xf3:
		return true;
	default:
		return false;
	}
}

/* The groups of 0F 01 are other instructions with a register operand. */
static bool form_ok(const struct sensitive *s, uint8_t modrm)
{
	if (s->reg == ANY_REG)
		return true;
	if ((modrm >> 3 & 7) != s->reg)
		return false;
	return modrm < 0xc0 || s->map == 0 || s->opcode != 0x01 ||
	       s->reg == 4 || s->reg == 6;
}

int x86_sensitive(const uint8_t *bytes, unsigned n)
{
	unsigned at = 0, map = 0;

	while (at < n && is_prefix(bytes[at]))
		at++;
	if (at < n && bytes[at] == 0x0f) {
		map = 1;
		at++;
	}
	if (at >= n)
		return NO_ROW;
	for (int i = 0; i < NROWS; i++)
		if (rows[i].opcode == bytes[at] && rows[i].map == map &&
		    form_ok(&rows[i], at + 1 < n ? bytes[at + 1] : 0))
			return i;
	return NO_ROW;
}

int x86_census_create(struct x86_census **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void x86_census_free(struct x86_census *c)
{
	free(c);
}

static struct slot *find(struct x86_census *c, uint32_t eip, int row)
{
	uint32_t i = (eip * 2654435761u) >> 8;

	for (;; i++) {
		struct slot *s = &c->slots[i & (SLOTS - 1)];

		if (!s->count || (s->eip == eip && s->row == row))
			return s;
	}
}

static void insert(struct x86 *x, struct slot *s, uint32_t eip, int row)
{
	struct x86_walk w;

	s->eip = eip;
	s->row = row;
	s->gpa = x86_translate_peek(x, eip, X86_ACC_EXEC, &w) ? 0 : w.gpa;
	x->census->used++;
}

void x86_census_note(struct x86 *x, const uint8_t *bytes, unsigned n)
{
	struct x86_census *c = x->census;
	uint32_t eip = x->v->seg[SEG_CS].base + x->v->rip;
	struct slot *s;
	int row;

	if (vcpu_cpl(x->v))
		return;
	row = x86_sensitive(bytes, n);
	if (row == NO_ROW)
		return;
	s = find(c, eip, row);
	if (!s->count && c->used >= FULL) {
		c->lost++;
		return;
	}
	if (!s->count)
		insert(x, s, eip, row);
	s->count++;
}

void x86_census_each(struct x86_census *c, engine_census_fn *fn, void *opaque)
{
	if (!fn) {
		memset(c, 0, sizeof(*c));
		return;
	}
	for (unsigned i = 0; i < SLOTS; i++) {
		const struct slot *s = &c->slots[i];
		struct engine_census row = {
			.eip = s->eip, .gpa = s->gpa, .count = s->count,
		};

		if (!s->count)
			continue;
		row.insn = rows[s->row].name;
		fn(opaque, &row);
	}
	if (c->lost)
		fn(opaque, &(struct engine_census){ .count = c->lost,
						    .insn = "others" });
}

/* The most frequent one below what was @shown last: count, then place. */
static const struct slot *next_most(const struct x86_census *c,
				    const struct slot *shown)
{
	const struct slot *best = NULL;

	for (const struct slot *s = c->slots; s < c->slots + SLOTS; s++) {
		if (!s->count || (shown && (s->count > shown->count ||
					    (s->count == shown->count &&
					     s <= shown))))
			continue;
		if (!best || s->count > best->count)
			best = s;
	}
	return best;
}

void x86_census_print(const struct x86_census *c, FILE *out)
{
	const struct slot *s = NULL;

	fprintf(out, "census: %u places with privileged or sensitive "
		"instructions in ring 0\n", c->used);
	for (unsigned i = 0; i < PRINTED; i++) {
		s = next_most(c, s);
		if (!s)
			return;
		fprintf(out, "%12llu  %08x  %s\n",
			(unsigned long long)s->count, s->eip,
			rows[s->row].name);
	}
}
