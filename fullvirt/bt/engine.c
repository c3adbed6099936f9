/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The BT engine behind engine.h: life cycle, options, state, counters.
 */
#include <errno.h>
#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "fullvirt/bt/bt.h"
#include "fullvirt/x86/census.h"

#define TC_DEFAULT	(256 * MIB)
#define TC_MIN		(1 * MIB)
#define TC_MAX		(1 * GIB)
#define VMA_DEFAULT	40000u	/* of vm.max_map_count's 65,530 */
#define HWCAP2_FSGSBASE	2u	/* asm/hwcap2.h */

static struct bt *to_bt(struct engine *e)
{
	return (struct bt *)e;
}

static void mem_traced(void *opaque, gpa_t gpa, size_t len)
{
	tc_write(opaque, gpa, len);
}

static bool host_able(char *err)
{
	if (!__builtin_cpu_supports("bmi2"))
		strcpy(err, "bt: the processor lacks BMI2 (use --engine interp)");
	else if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE))
		strcpy(err, "bt: the host kernel does not enable FSGSBASE "
		       "(Linux 5.9 or newer, no nofsgsbase)");
	else
		return true;
	return false;
}

struct bt_options {
	uint64_t tc_size;
	uint64_t vma_budget;
	uint64_t memory;
	uint64_t verify;
	uint64_t census;
};

static const struct {
	const char *key;
	size_t off;
	uint64_t min, max;
	uint64_t unit;
	const char *text;
} option_table[] = {
	{ "bt.tc_size", offsetof(struct bt_options, tc_size), TC_MIN, TC_MAX,
	  MIB, "translation cache, MiB" },
	{ "bt.vma_budget", offsetof(struct bt_options, vma_budget), 64,
	  1000000, 1, "host mappings" },
	{ "bt.verify", offsetof(struct bt_options, verify), 0, 1, 1,
	  "check emitted code" },
	{ "bt.census", offsetof(struct bt_options, census), 0, 1, 1,
	  "count sensitive instructions" },
};

static int option_memory(const char *val, struct bt_options *o, char *err)
{
	static const char *const names[] = { "auto", "soft", "window" };

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(val, names[i])) {
			o->memory = i;
			return 0;
		}
	snprintf(err, 160, "bt.memory: %s: auto, soft or window", val);
	return -EINVAL;
}

static void unknown(const char *opt, char *err)
{
	int n = snprintf(err, 160, "%.40s: unknown option (bt.memory", opt);

	for (unsigned i = 0; i < ARRAY_SIZE(option_table) && n < 160; i++)
		n += snprintf(err + n, 160 - n, " %s", option_table[i].key);
	if (n < 160)
		snprintf(err + n, 160 - n, ")");
}

static int option_set(const char *opt, struct bt_options *o, char *err)
{
	const char *eq = strchr(opt, '=');

	if (!eq || strncmp(opt, "bt.", 3))
		return 0;
	if (!strncmp(opt, "bt.memory=", 10))
		return option_memory(eq + 1, o, err);
	for (unsigned i = 0; i < ARRAY_SIZE(option_table); i++) {
		size_t n = strlen(option_table[i].key);
		char *end;
		uint64_t v;

		if ((size_t)(eq - opt) != n ||
		    strncmp(opt, option_table[i].key, n))
			continue;
		v = strtoull(eq + 1, &end, 0) * option_table[i].unit;
		if (*end || end == eq + 1 || v < option_table[i].min ||
		    v > option_table[i].max) {
			snprintf(err, 160, "%s: not in %llu..%llu (%s)", opt,
				 (unsigned long long)(option_table[i].min /
						      option_table[i].unit),
				 (unsigned long long)(option_table[i].max /
						      option_table[i].unit),
				 option_table[i].text);
			return -EINVAL;
		}
		*(uint64_t *)((char *)o + option_table[i].off) = v;
		return 0;
	}
	unknown(opt, err);
	return -EINVAL;
}

static int options(const struct engine_config *cfg, struct bt_options *o,
		   char *err)
{
	*o = (struct bt_options){ .tc_size = TC_DEFAULT,
				  .vma_budget = VMA_DEFAULT };
	for (unsigned i = 0; cfg->options && cfg->options[i]; i++) {
		int r = option_set(cfg->options[i], o, err);

		if (r)
			return r;
	}
	return 0;
}

static int return_stacks(struct bt *bt)
{
	size_t each = RSTACK_SIZE + PAGE_SIZE;

	bt->rstacks = mmap(NULL, MAX_CTX * each, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bt->rstacks == MAP_FAILED)
		return -errno;
	for (unsigned i = 0; i < MAX_CTX; i++)
		if (mprotect(bt->rstacks + i * each, PAGE_SIZE, PROT_NONE))
			return -errno;
	return 0;
}

static int setup(struct bt *bt, const struct engine_config *cfg,
		 const struct bt_options *o)
{
	int r;

	bt->mem = cfg->mem;
	bt->bus = cfg->bus;
	bt->log = cfg->log;
	bt->perf_map = cfg->perf_map;
	bt->vma_budget = o->vma_budget;
	bt->memory = o->memory;
	bt->verify = o->verify;
	bt_dispatch_init(bt);
	bt_hot_init(bt);
	if ((r = x86_init(&bt->x, &bt->v, bt->mem, bt->bus, &bt_hooks, bt)) ||
	    (r = soft_init(bt)) || (r = return_stacks(bt)) ||
	    (r = window_init(bt, &bt->kwin)) ||
	    (r = tc_init(bt, o->tc_size)) || (r = bt_signals_init()))
		return r;
	if (o->census && (r = x86_census_create(&bt->x.census)))
		return r;
	bt->mem->trace = mem_traced;
	bt->mem->trace_opaque = bt;
	bt_remote_init(bt);
	return 0;
}

static void bt_destroy(struct engine *e)
{
	struct bt *bt = to_bt(e);

	bt->mem->trace = NULL;
	if (bt->mem->remote)
		bt_remote_fini(bt);
	for (unsigned i = 0; i < MAX_ROOTS; i++)
		if (bt->roots[i].win) {
			window_fini(bt, bt->roots[i].win);
			free(bt->roots[i].win);
		}
	if (bt->tc.code)
		tc_fini(bt);
	window_fini(bt, &bt->kwin);
	soft_fini(bt);
	x86_census_free(bt->x.census);
	x86_fini(&bt->x);
	if (bt->rstacks)
		munmap(bt->rstacks, MAX_CTX * (RSTACK_SIZE + PAGE_SIZE));
	munmap(bt, ARENA_SIZE);
}

static int bt_create(struct engine **out, const struct engine_config *cfg,
		     char *err)
{
	struct bt_options o;
	struct bt *bt;
	int r;

	_Static_assert(sizeof(struct bt) <= ARENA_X(0), "arena layout");
	if (!host_able(err))
		return -ENOTSUP;
	r = options(cfg, &o, err);
	if (r)
		return r;
	bt = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bt == MAP_FAILED) {
		snprintf(err, 160, "bt: no address space");
		return -ENOMEM;
	}
	bt->engine.ops = &bt_engine_ops;
	r = setup(bt, cfg, &o);
	if (r) {
		snprintf(err, 160, "bt: cannot set up: %s", strerror(-r));
		return r;
	}
	bt->x.long_mode = cfg->long_mode;
	vcpu_reset(&bt->v, cfg->cpu_index, false);
	bt_flags_out(bt);
	bt->root = root_get(bt, 0);
	*out = &bt->engine;
	return 0;
}

/* One instruction for the debugger: the interpreter's, without the TC. */
static void single_step(struct bt *bt)
{
	enum x86_result r;

	bt_flags_in(bt);
	bt->x.debug_resume = true;
	r = x86_step(&bt->x);
	bt_after_step(bt, r == X86_OK ? X86_DEBUG : r);
	bt->leaving = bt->x.debug_resume = false;
	if (r == X86_OK)
		engine_report_break(bt->info, NULL);
}

static void bt_run(struct engine *e, struct engine_exit_info *info)
{
	struct bt *bt = to_bt(e);

	bt->thread = pthread_self();
	bt_signals_thread(bt);
	bt->info = info;
	info->reason[0] = 0;
	bt->leaving = false;
	bt->gs = _readgsbase_u64();
	if (bt->v.activity == ACTIVITY_HALT)
		bt->v.activity = ACTIVITY_RUN;
	if (bt->debug.step) {
		bt_set_ctx(bt);
		single_step(bt);
		return;
	}
	bt->kick = 1;		/* look at the lines before anything else */
	bt->redispatch = true;
	bt_remote_running(bt, true);
	bt_set_ctx(bt);
	bt_enter(bt, bt_stub(bt, STUB_leave));
	bt_remote_running(bt, false);
}

static void bt_get_state(struct engine *e, struct vcpu *out)
{
	struct bt *bt = to_bt(e);

	bt_flags_in(bt);
	*out = bt->v;
	out->nmi_pending = atomic_load(&bt->bus->nmi);
}

static void bt_set_state(struct engine *e, const struct vcpu *in)
{
	struct bt *bt = to_bt(e);

	bt->x.debug_resume &= in->rip == bt->v.rip;
	bt->v = *in;
	atomic_store(&bt->bus->nmi, in->nmi_pending);
	bt_mxcsr_mask(bt);
	bt_flags_out(bt);
	bt_seg_cache_clear(bt);
	x86_tlb_flush(&bt->x);
	soft_flush(bt, true);
	window_drop_all(bt, &bt->kwin);
	bt->root = root_get(bt, bt->v.cr3);
	if (bt->root->win)
		window_drop_all(bt, bt->root->win);
	bt_rstack_reset(bt);
}

static void bt_mem_changed(struct engine *e, gpa_t gpa, uint64_t len)
{
	struct bt *bt = to_bt(e);

	/* A callout on the way here must not go on in its TU. */
	bt->invalidated++;
	tc_write(bt, gpa, len);
	/* New contents: what was patched there before says nothing. */
	tc_cool(bt, gpa, len);
	x86_tlb_flush(&bt->x);
	soft_flush(bt, true);
	window_drop_all(bt, &bt->kwin);
	for (unsigned i = 0; i < MAX_ROOTS; i++)
		if (bt->roots[i].win)
			window_drop_all(bt, bt->roots[i].win);
	bt_rstack_reset(bt);
}

static int bt_set_debug(struct engine *e, const struct engine_debug *d)
{
	struct bt *bt = to_bt(e);

	bt->debug = d ? *d : (struct engine_debug){ 0 };
	bt->x.debug = bt->debug.n ? &bt->debug : NULL;
	bt->watching = false;
	for (unsigned i = 0; i < bt->debug.n; i++)
		if (bt->debug.bp[i].kind != ENGINE_BREAK_EXEC)
			bt->watching = true;
	bt->x.debug_resume = false;
	tc_flush(bt);
	return 0;
}

static void print_cache(struct bt *bt, FILE *out)
{
	const struct tc *tc = &bt->tc;

	fprintf(out, "%12lu  bytes of translation cache in use\n",
		(unsigned long)(tc->next - tc->code));
	fprintf(out, "%12u  contexts\n", bt->nctx);
	fprintf(out, "%12u  host mappings (budget %u)\n", bt->vmas,
		bt->vma_budget);
	fprintf(out, "%12llu  instructions interpreted in all\n",
		(unsigned long long)bt->x.icount);
}

static void bt_stats_print(struct engine *e, FILE *out)
{
	struct bt *bt = to_bt(e);

#define X(name, text) fprintf(out, "%12llu  " text "\n",		\
			      (unsigned long long)bt->stats.name);
	BT_STATS(X)
#undef X
	print_cache(bt, out);
	if (bt->x.census)
		x86_census_print(bt->x.census, out);
}

static void bt_census(struct engine *e, engine_census_fn *fn, void *opaque)
{
	struct bt *bt = to_bt(e);

	if (bt->x.census)
		x86_census_each(bt->x.census, fn, opaque);
}

const struct engine_ops bt_engine_ops = {
	.name = "bt",
	.create = bt_create,
	.destroy = bt_destroy,
	.run = bt_run,
	.kick = bt_kick,
	.get_state = bt_get_state,
	.set_state = bt_set_state,
	.mem_changed = bt_mem_changed,
	.set_debug = bt_set_debug,
	.census = bt_census,
	.stats = bt_stats_print,
};
