/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/lib/symbols.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REACH	(1u << 20)	/* bytes behind a symbol that are still its */
#define NAME	64

struct symbol {
	uint32_t addr;
	char name[NAME];
};

struct symbols {
	struct symbol *v;
	size_t n, cap;
};

static int add(struct symbols *s, uint32_t addr, const char *name)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 1024;
		struct symbol *v = realloc(s->v, cap * sizeof(*v));

		if (!v)
			return -ENOMEM;
		s->v = v;
		s->cap = cap;
	}
	s->v[s->n].addr = addr;
	snprintf(s->v[s->n].name, NAME, "%s", name);
	s->n++;
	return 0;
}

/* Code alone: t, T, w, W of nm(1). */
static int line(struct symbols *s, const char *text)
{
	unsigned long long addr;
	char type, name[NAME];

	if (sscanf(text, "%llx %c %63s", &addr, &type, name) != 3 ||
	    addr > UINT32_MAX || !strchr("tTwW", type))
		return 0;
	return add(s, addr, name);
}

static int compare(const void *a, const void *b)
{
	const struct symbol *p = a, *q = b;

	return (p->addr > q->addr) - (p->addr < q->addr);
}

static int read_all(struct symbols *s, FILE *f)
{
	char text[512];

	while (fgets(text, sizeof(text), f)) {
		int code = line(s, text);

		if (code)
			return code;
	}
	return s->n ? 0 : -EINVAL;
}

int symbols_load(struct symbols **out, const char *path)
{
	FILE *f = fopen(path, "re");
	struct symbols *s;
	int code;

	if (!f)
		return -errno;
	s = calloc(1, sizeof(*s));
	code = s ? read_all(s, f) : -ENOMEM;
	fclose(f);
	if (code) {
		symbols_free(s);
		return code;
	}
	qsort(s->v, s->n, sizeof(*s->v), compare);
	*out = s;
	return 0;
}

void symbols_free(struct symbols *s)
{
	if (!s)
		return;
	free(s->v);
	free(s);
}

/* The last symbol at or below @addr. */
static const struct symbol *find(const struct symbols *s, uint32_t addr)
{
	size_t lo = 0, hi = s ? s->n : 0;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (s->v[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || addr - s->v[lo - 1].addr >= REACH)
		return NULL;
	return &s->v[lo - 1];
}

const char *symbol_name(const struct symbols *s, uint32_t addr, char *buf)
{
	const struct symbol *y = find(s, addr);

	buf[0] = '\0';
	if (y && y->addr == addr)
		snprintf(buf, SYMBOL_LEN, "%s", y->name);
	else if (y)
		snprintf(buf, SYMBOL_LEN, "%s+%x", y->name, addr - y->addr);
	return buf;
}

const char *symbol_base(const struct symbols *s, uint32_t addr, char *buf)
{
	const struct symbol *y = find(s, addr);

	buf[0] = '\0';
	if (y)
		snprintf(buf, SYMBOL_LEN, "%s", y->name);
	return buf;
}
