/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * umbra-diff: run instruction streams on the host processor and under an
 * engine, and compare what comes out.
 *
 * Each case runs --reps times under the engine from the same initial state, so
 * that code is met cold, translated, and chained.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hypervisor/engine.h"
#include "tests/diff/compare.h"
#include "tests/diff/gen.h"
#include "tests/diff/native.h"
#include "tests/diff/subject.h"

/* Engines that are not part of this build are NULL. */
extern const struct engine_ops bt_engine_ops __attribute__((weak));
extern const struct engine_ops interp_engine_ops __attribute__((weak));

static struct gen_options gopt = {
	.seed = 1, .max_insns = 24,
	.weight = {
		[GROUP_ALU] = 30, [GROUP_BCD] = 2, [GROUP_MUL] = 3,
		[GROUP_DIV] = 3, [GROUP_SHIFT] = 8, [GROUP_BIT] = 5,
		[GROUP_MOV] = 20, [GROUP_STACK] = 8,
		[GROUP_X87] = 8, [GROUP_MMX] = 4, [GROUP_SSE] = 6,
		[GROUP_SSE2] = 8, [GROUP_TRAP] = 1, [GROUP_SPECIAL] = 35,
	},
};
static struct compare_rules rules;
static struct diff_shared *shared;
static unsigned reps = 3, max_failures = 5;
static bool minimize = true;
static uint64_t ran, discarded, failed;

/* ---- Initial memory: the same for every case ------------------------------ */

static uint32_t noise(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

/* Integers, floats, doubles and extended numbers, by 64-byte block. */
static void fill_data(uint8_t *p, uint32_t size, uint32_t seed)
{
	uint32_t i, v;

	for (i = 0; i < size; i++)
		p[i] = noise(&seed) >> 8;
	for (i = 0; i + 16 <= size; i += 16) {
		v = noise(&seed);
		switch (i / 64 % 8) {
		case 0:
			memset(p + i, v & 1 ? 0 : 0xff, 16);
			break;
		case 1:		/* small integers */
			memset(p + i, 0, 16);
			p[i] = v, p[i + 4] = v >> 8, p[i + 8] = v >> 16;
			break;
		case 2:		/* floats */
			p[i + 3] = 0x3f + (v & 1), p[i + 7] = 0xbf;
			p[i + 11] = 0x40, p[i + 15] = 0x3e;
			break;
		case 3:		/* doubles */
			p[i + 7] = 0x3f + (v & 1), p[i + 6] |= 0xe0;
			p[i + 15] = 0xc0, p[i + 14] &= 0x0f;
			break;
		case 4:		/* extended: exponent near the bias */
			p[i + 7] |= 0x80;
			p[i + 8] = 0xfa + (v & 7), p[i + 9] = 0x3f | (v & 0x80);
			break;
		}
	}
}

static void fill_memory(struct diff_shared *s)
{
	memset(s->init.code, CODE_FILL, CODE_SIZE);
	fill_data(s->init.data, DATA_SIZE, 0x12345678);
	fill_data(s->init.stack, STACK_SIZE, 0x9abcdef1);
	fill_data(s->ro, RO_SIZE, 0x2468ace1);
}

/* ---- Running and judging -------------------------------------------------- */

static void slot_fill(struct diff_slot *s, const struct gen_case *c)
{
	s->in = c->in;
	s->code_off = c->code_off;
	s->code_len = c->code_len;
	memset(s->code, CODE_FILL, sizeof(s->code));
	memcpy(s->code, c->code, c->code_len);
}

/* Seconds to spend on making a failing case smaller. */
#define SHRINK_S	15

enum verdict { SAME, DIFFERENT, DISCARDED };

/* What the last difference was, for one that does not come again. */
static char last_difference[4096];

static void describe(const struct gen_case *c, const struct diff_slot *s,
		     const struct diff_state *out,
		     const struct diff_memory *mem, unsigned run,
		     const char *err)
{
	FILE *f = fmemopen(last_difference, sizeof(last_difference), "w");

	if (!f)
		return;
	fprintf(f, "difference in run %u of %u: %s\n", run, reps,
		err ? err : "");
	if (!err)
		outcome_equal(&rules, c, &s->out, &s->mem, out, mem, f);
	fprintf(f, "native ended with vector %u at %x\n", s->out.vector,
		s->out.eip);
	fclose(f);
}

/* Run @c under the engine and compare with what the oracle left in @s. */
static enum verdict judge(const struct gen_case *c, const struct diff_slot *s)
{
	static struct diff_memory mem;
	struct diff_state out;
	const char *err;
	unsigned i;

	if (s->status != SLOT_DONE || outcome_runs_data(&rules, &s->out))
		return DISCARDED;
	for (i = 1; i <= reps; i++) {
		err = subject_run(c, &out, &mem);
		if (!err && outcome_equal(&rules, c, &s->out, &s->mem, &out,
					  &mem, NULL))
			continue;
		if (!err && outcome_unfair(c, &s->out, &s->mem, &out, &mem))
			return DISCARDED;
		describe(c, s, &out, &mem, i, err);
		return DIFFERENT;
	}
	return SAME;
}

static enum verdict try_case(const struct gen_case *c)
{
	slot_fill(&shared->slot[0], c);
	native_run(1);
	return judge(c, &shared->slot[0]);
}

/* Replace instructions by NOPs as long as the case still fails. */
static void shrink(struct gen_case *c)
{
	const time_t limit = time(NULL) + SHRINK_S;
	struct gen_case t;
	bool again = true;
	unsigned i, round;

	for (round = 0; again && round < 4; round++) {
		again = false;
		for (i = c->ninsns; i-- > 0 && time(NULL) < limit;) {
			uint8_t *p = c->code + c->start[i];

			if (*p == 0x90 && c->len[i] && p[c->len[i] - 1] == 0x90)
				continue;
			t = *c;
			memset(t.code + t.start[i], 0x90, t.len[i]);
			if (try_case(&t) == DIFFERENT) {
				*c = t;
				again = true;
			}
		}
	}
}

static void report(struct gen_case *c, const struct diff_slot *s, uint64_t k)
{
	failed++;
	printf("not ok case %llu of seed %llu\n", (unsigned long long)k,
	       (unsigned long long)gopt.seed);
	fputs(last_difference, stdout);
	fflush(stdout);
	/* Alone, then as small as it gets. */
	if (try_case(c) != DIFFERENT) {
		printf("does not fail when run alone\n");
		case_print(c, stdout);
		return;
	}
	if (minimize)
		shrink(c);
	case_print(c, stdout);
	try_case(c);
	fputs(last_difference, stdout);
	fflush(stdout);
}

static void run_all(uint64_t first, uint64_t count)
{
	static struct gen_case cases[SHM_SLOTS];
	static struct diff_slot saved;
	uint64_t k = first, end = first + count;
	unsigned i, n;

	while (k < end && failed < max_failures) {
		n = end - k < SHM_SLOTS ? end - k : SHM_SLOTS;
		for (i = 0; i < n; i++) {
			gen_make(&cases[i], &gopt, k + i);
			slot_fill(&shared->slot[i], &cases[i]);
		}
		native_run(n);
		for (i = 0; i < n && failed < max_failures; i++) {
			switch (judge(&cases[i], &shared->slot[i])) {
			case SAME:
				ran++;
				break;
			case DISCARDED:
				discarded++;
				break;
			case DIFFERENT:
				saved = shared->slot[0];
				report(&cases[i], &shared->slot[i], k + i);
				shared->slot[0] = saved;
			}
		}
		k += n;
	}
}

/*
 * The oracle alone: does it agree with itself, and how do cases end?  Says
 * whether the generator is worth anything.
 */
static int survey(uint64_t first, uint64_t count)
{
	static struct gen_case c[SHM_SLOTS];
	static struct diff_slot before[SHM_SLOTS];
	uint64_t vectors[256] = { 0 }, lost = 0, differ = 0, whole = 0, k;
	unsigned i;

	for (k = first; k < first + count; k += SHM_SLOTS) {
		for (i = 0; i < SHM_SLOTS; i++) {
			gen_make(&c[i], &gopt, k + i);
			slot_fill(&shared->slot[i], &c[i]);
		}
		native_run(SHM_SLOTS);
		memcpy(before, shared->slot, sizeof(before));
		native_run(SHM_SLOTS);
		for (i = 0; i < SHM_SLOTS; i++) {
			const struct diff_slot *s = &shared->slot[i];

			if (s->status != SLOT_DONE ||
			    before[i].status != SLOT_DONE) {
				lost++;
				continue;
			}
			vectors[s->out.vector & 255]++;
			whole += s->out.vector == 3 && s->out.eip >=
				c[i].in.eip + c[i].code_len;
			if (outcome_equal(&rules, &c[i], &before[i].out,
					  &before[i].mem, &s->out, &s->mem,
					  NULL))
				continue;
			if (differ++ < max_failures) {
				printf("case %llu\n",
				       (unsigned long long)(k + i));
				case_print(&c[i], stdout);
				printf("vector %u at %x, then %u at %x\n",
				       before[i].out.vector, before[i].out.eip,
				       s->out.vector, s->out.eip);
				outcome_equal(&rules, &c[i], &before[i].out,
					      &before[i].mem, &s->out, &s->mem,
					      stdout);
			}
		}
	}
	printf("%llu cases, %llu to the end, %llu lost, %llu inconsistent\n",
	       (unsigned long long)count, (unsigned long long)whole,
	       (unsigned long long)lost, (unsigned long long)differ);
	for (i = 0; i < 256; i++)
		if (vectors[i])
			printf("vector %u: %llu\n", i,
			       (unsigned long long)vectors[i]);
	return differ != 0;
}

/* ---- Command line --------------------------------------------------------- */

static const struct { const char *name; const struct engine_ops *ops; }
engines[] = {
	{ "bt", &bt_engine_ops }, { "interp", &interp_engine_ops },
};

static const struct engine_ops *find_engine(const char *name)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(engines); i++)
		if (!strcmp(engines[i].name, name) && engines[i].ops)
			return engines[i].ops;
	printf("no engine \"%s\" in this build\n", name);
	exit(77);
}

/* "sse=0,alu=50", or "only=x87" to silence the rest. */
static void parse_weights(char *arg)
{
	char *tok, *eq;
	unsigned i;

	for (tok = strtok(arg, ","); tok; tok = strtok(NULL, ",")) {
		eq = strchr(tok, '=');
		if (!eq)
			continue;
		*eq++ = 0;
		if (!strcmp(tok, "only"))
			memset(gopt.weight, 0, sizeof(gopt.weight));
		for (i = 0; i < GROUP_COUNT; i++)
			if (!strcmp(tok, gen_group_names[i]))
				gopt.weight[i] = atoi(eq);
			else if (!strcmp(tok, "only") &&
				 !strcmp(eq, gen_group_names[i]))
				gopt.weight[i] = 10;
	}
}

static const char usage[] =
"usage: umbra-diff [options]\n"
"  --engine NAME     bt (default) or interp\n"
"  --seed N          which cases (1)\n"
"  --count N         how many (10000)\n"
"  --first K         start with case K (0)\n"
"  --only K          run case K alone\n"
"  --reps N          runs of each case under the engine (3)\n"
"  --max-insns N     instructions in one case (24)\n"
"  --paging 32|pae   page-table format of the guest (32)\n"
"  --weights LIST    group=weight,... or only=group\n"
"  --undefined       compare undefined flags, too\n"
"  --code16          16-bit code only\n"
"  --segments        more segments that are not flat\n"
"  --interrupts      interrupt the guest at random moments\n"
"  --flat            no segment but flat ones, no 16-bit code\n"
"  --opt KEY=VALUE   option for the engine\n"
"  --max-failures N  stop after so many (5)\n"
"  --no-minimize     print failing cases whole\n"
"  --stats           print the engine's counters at the end\n"
"  --survey          run the oracle alone, twice; say how cases end\n"
"  --show            print the cases, run nothing\n";

enum { OPT_ENGINE = 256, OPT_SEED, OPT_COUNT, OPT_FIRST, OPT_ONLY, OPT_REPS,
       OPT_INSNS, OPT_PAGING, OPT_WEIGHTS, OPT_FLAT, OPT_OPT, OPT_FAILS,
       OPT_NOMIN, OPT_STATS, OPT_SHOW, OPT_SURVEY,
       OPT_UNDEF, OPT_CODE16, OPT_SEGMENTS, OPT_INTR };

static const struct option longopts[] = {
	{ "engine", 1, NULL, OPT_ENGINE }, { "seed", 1, NULL, OPT_SEED },
	{ "count", 1, NULL, OPT_COUNT }, { "first", 1, NULL, OPT_FIRST },
	{ "only", 1, NULL, OPT_ONLY }, { "reps", 1, NULL, OPT_REPS },
	{ "max-insns", 1, NULL, OPT_INSNS }, { "paging", 1, NULL, OPT_PAGING },
	{ "weights", 1, NULL, OPT_WEIGHTS }, { "flat", 0, NULL, OPT_FLAT },
	{ "opt", 1, NULL, OPT_OPT }, { "max-failures", 1, NULL, OPT_FAILS },
	{ "no-minimize", 0, NULL, OPT_NOMIN }, { "stats", 0, NULL, OPT_STATS },
	{ "show", 0, NULL, OPT_SHOW }, { "survey", 0, NULL, OPT_SURVEY },
	{ "undefined", 0, NULL, OPT_UNDEF },
	{ "code16", 0, NULL, OPT_CODE16 },
	{ "segments", 0, NULL, OPT_SEGMENTS },
	{ "interrupts", 0, NULL, OPT_INTR }, { NULL, 0, NULL, 0 },
};

static const char *runner_path(void)
{
	static char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 16);

	if (n < 0)
		return "runner32";
	path[n] = 0;
	strcpy(strrchr(path, '/') + 1, "runner32");
	return path;
}

static void show_all(uint64_t first, uint64_t count)
{
	static struct gen_case c;
	uint64_t k;

	for (k = first; k < first + count; k++) {
		gen_make(&c, &gopt, k);
		printf("case %llu\n", (unsigned long long)k);
		case_print(&c, stdout);
	}
}

struct args {
	const char *engine, *opts[16];
	unsigned nopts;
	uint64_t first, count;
	enum subject_paging paging;
	bool stats, show, survey, interrupts;
};

/* Options with a number for a value; false: @o is none of them. */
static bool parse_number(struct args *a, int o, uint64_t val)
{
	switch (o) {
	case OPT_SEED:
		gopt.seed = val;
		return true;
	case OPT_COUNT:
		a->count = val;
		return true;
	case OPT_ONLY:
		a->count = 1;
		/* fall through */
	case OPT_FIRST:
		a->first = val;
		return true;
	case OPT_REPS:
		reps = val;
		return true;
	case OPT_INSNS:
		gopt.max_insns = val;
		return true;
	case OPT_FAILS:
		max_failures = val;
		return true;
	default:
		return false;
	}
}

static bool parse_flag(struct args *a, int o)
{
	switch (o) {
	case OPT_FLAT:
		gopt.no_code16 = gopt.no_segments = true;
		return true;
	case OPT_NOMIN:
		minimize = false;
		return true;
	case OPT_STATS:
		a->stats = true;
		return true;
	case OPT_SHOW:
		a->show = true;
		return true;
	case OPT_UNDEF:
		gopt.undefined_flags = rules.undefined_flags = true;
		return true;
	case OPT_SURVEY:
		a->survey = true;
		return true;
	case OPT_CODE16:
		gopt.code16 = true;
		return true;
	case OPT_SEGMENTS:
		gopt.segments = true;
		return true;
	case OPT_INTR:
		/* IRET to a 16-bit stack leaves the handler's upper esp. */
		a->interrupts = gopt.no_stack16 = true;
		return true;
	default:
		return false;
	}
}

static bool parse_option(struct args *a, int o)
{
	switch (o) {
	case OPT_ENGINE:
		a->engine = optarg;
		return true;
	case OPT_PAGING:
		a->paging = strcmp(optarg, "pae") ? PAGING_32 : PAGING_PAE;
		return true;
	case OPT_WEIGHTS:
		parse_weights(optarg);
		return true;
	case OPT_OPT:
		if (a->nopts == ARRAY_SIZE(a->opts) - 1)
			return false;
		a->opts[a->nopts++] = optarg;
		return true;
	default:
		return parse_flag(a, o) ||
		       (optarg && parse_number(a, o, strtoull(optarg, NULL, 0)));
	}
}

static int run(const struct args *a)
{
	struct subject_config cfg = { .options = a->opts,
				      .paging = a->paging,
				      .interrupts = a->interrupts };

	cfg.ops = find_engine(a->engine);
	rules.nx = cfg.paging == PAGING_PAE;
	shared = native_start(runner_path(), fill_memory);
	subject_start(&cfg, &shared->init, shared->ro);
	run_all(a->first, a->count);
	if (a->stats)
		subject_stats(stdout);
	subject_stop();
	native_stop();
	/* Cases that do not run prove nothing. */
	if (ran < a->count * 9 / 10 && !failed) {
		printf("not ok too few cases ran\n");
		failed++;
	}
	printf("%s %s against the processor, seed %llu: %llu cases, each %u "
	       "times, %llu discarded, %llu failed\n", failed ? "not ok" : "ok",
	       a->engine, (unsigned long long)gopt.seed,
	       (unsigned long long)ran, reps, (unsigned long long)discarded,
	       (unsigned long long)failed);
	return failed != 0;
}

int main(int argc, char **argv)
{
	struct args a = { .engine = "bt", .count = 10000 };
	int o;

	while ((o = getopt_long(argc, argv, "", longopts, NULL)) >= 0)
		if (!parse_option(&a, o)) {
			fputs(usage, stderr);
			return 2;
		}
	if (a.show) {
		show_all(a.first, a.count);
		return 0;
	}
	if (a.survey) {
		shared = native_start(runner_path(), fill_memory);
		return survey(a.first, a.count);
	}
	return run(&a);
}
