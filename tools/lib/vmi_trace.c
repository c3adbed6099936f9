/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/lib/vmi_trace.h"

#include <stdlib.h>
#include <time.h>

#include "tools/lib/symbols.h"

#define PLACES		4096u	/* (call, caller) pairs; a power of two */
#define PLACES_SHOWN	40u

struct place {
	uint64_t count;		/* 0: free */
	uint32_t caller;
	uint16_t nr;
};

struct vmi_trace {
	struct vmi_trace_config cfg;
	struct timespec start;
	uint64_t count[VMI_CALLS], queries[VMI_CALLS], beyond;
	struct place places[PLACES];
	unsigned used;
};

struct vmi_trace *vmi_trace_create(const struct vmi_trace_config *cfg)
{
	struct vmi_trace *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->cfg = *cfg;
	clock_gettime(CLOCK_MONOTONIC, &t->start);
	return t;
}

void vmi_trace_destroy(struct vmi_trace *t)
{
	free(t);
}

/* ---- Lines ------------------------------------------------------------------- */

static void line_begin(struct vmi_trace *t, unsigned cpu)
{
	struct timespec now;

	if (t->cfg.times) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		fprintf(t->cfg.out, "%9.6f ",
			(now.tv_sec - t->start.tv_sec) +
			(now.tv_nsec - t->start.tv_nsec) / 1e9);
	}
	fprintf(t->cfg.out, "%u ", cpu);
}

static void print_line(struct vmi_trace *t, const struct vmi_seen *seen)
{
	char name[SYMBOL_LEN];

	line_begin(t, seen->cpu);
	fprintf(t->cfg.out, "%08x ", seen->caller);
	symbol_name(t->cfg.symbols, seen->caller, name);
	if (*name)
		fprintf(t->cfg.out, "%s ", name);
	vmi_call_print(seen, t->cfg.out);
	fputc('\n', t->cfg.out);
}

/* ---- Counts ------------------------------------------------------------------ */

static void count_place(struct vmi_trace *t, const struct vmi_seen *seen)
{
	uint32_t i = (seen->caller * 2654435761u + seen->nr) >> 12;

	for (;; i++) {
		struct place *p = &t->places[i & (PLACES - 1)];

		if (!p->count) {
			if (t->used >= PLACES / 2)
				return;
			t->used++;
			p->caller = seen->caller;
			p->nr = seen->nr;
		} else if (p->caller != seen->caller || p->nr != seen->nr) {
			continue;
		}
		p->count++;
		return;
	}
}

static void on_call(void *opaque, const struct vmi_seen *seen)
{
	struct vmi_trace *t = opaque;

	if (seen->nr >= VMI_CALLS || !t->cfg.calls.in[seen->nr])
		return;
	t->count[seen->nr]++;
	if (t->cfg.counts)
		count_place(t, seen);
	else
		print_line(t, seen);
}

static void on_query(void *opaque, unsigned cpu, uint32_t nr,
		     const struct vcpu *v)
{
	struct vmi_trace *t = opaque;

	if (nr >= VMI_CALLS) {
		t->beyond++;
		return;
	}
	t->queries[nr]++;
	if (t->cfg.counts || !t->cfg.calls.in[nr])
		return;
	line_begin(t, cpu);
	fprintf(t->cfg.out, "get_reloc(%u %s)\n", nr, vmi_calls[nr].name);
}

static void on_init(void *opaque, unsigned cpu, uint32_t rom,
		    const struct vcpu *v)
{
	struct vmi_trace *t = opaque;

	if (t->cfg.counts)
		return;
	line_begin(t, cpu);
	fprintf(t->cfg.out, "vmi_init() of the ROM at %08x\n", rom);
}

const struct vmi_observer vmi_trace_observer = {
	.call = on_call, .query = on_query, .init = on_init,
};

/* Not qsort(): it may ask the system for things that the sandbox refuses. */
static struct place *most_frequent(struct vmi_trace *t)
{
	struct place *best = &t->places[0];

	for (unsigned i = 1; i < PLACES; i++)
		if (t->places[i].count > best->count)
			best = &t->places[i];
	return best;
}

static void print_places(struct vmi_trace *t)
{
	char name[SYMBOL_LEN];

	fprintf(t->cfg.out, "\n%12s  %-18s %s\n", "calls", "call", "caller");
	for (unsigned i = 0; i < PLACES_SHOWN; i++) {
		struct place *p = most_frequent(t);

		if (!p->count)
			return;
		fprintf(t->cfg.out, "%12llu  %-18s %08x %s\n",
			(unsigned long long)p->count, vmi_calls[p->nr].name,
			p->caller,
			symbol_name(t->cfg.symbols, p->caller, name));
		p->count = 0;	/* printed */
	}
}

void vmi_trace_finish(struct vmi_trace *t)
{
	uint64_t all = 0;

	if (!t->cfg.counts)
		return;
	for (unsigned n = 0; n < VMI_CALLS; n++)
		all += t->count[n];
	fprintf(t->cfg.out, "%12s  %6s  %-6s  %-18s %s\n", "calls", "%",
		"class", "call", "get_reloc");
	for (unsigned n = 0; n < VMI_CALLS; n++)
		if (t->count[n] || t->queries[n])
			fprintf(t->cfg.out, "%12llu  %6.2f  %-6s  %-18s %llu\n",
				(unsigned long long)t->count[n],
				all ? 100.0 * t->count[n] / all : 0.0,
				vmi_calls[n].class, vmi_calls[n].name,
				(unsigned long long)t->queries[n]);
	fprintf(t->cfg.out, "%12llu  in all; get_reloc of unknown numbers: "
		"%llu\n", (unsigned long long)all,
		(unsigned long long)t->beyond);
	print_places(t);
}
