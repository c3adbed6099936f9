// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The choice of a monitor mode, in the steps of the four lines that are
 * logged: the modes that host and guest allow, those the user's settings
 * leave, the order this guest prefers, and what comes out.  The first mode
 * that comes out runs the guest.
 *
 * Settings are hints, since a configuration file moves between hosts: what
 * cannot be followed is ignored and said.  --engine is strict.
 */
#include "hypervisor/modes.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "hypervisor/host.h"

#define BIT(m)		(1u << (m))
#define BT_MODES	BIT(MODE_BT_SWMMU)
#define HV_MODES	(BIT(MODE_HV_SWMMU) | BIT(MODE_HV_HWMMU))
#define ALL_MODES	(BT_MODES | HV_MODES)

/* Modes that monitor.virtual_exec and monitor.virtual_mmu leave. */
static const unsigned exec_modes[] = {
	[SETTING_AUTOMATIC] = ALL_MODES,
	[SETTING_SOFTWARE] = BT_MODES,
	[SETTING_HARDWARE] = HV_MODES,
};
static const unsigned mmu_modes[] = {
	[SETTING_AUTOMATIC] = ALL_MODES,
	[SETTING_SOFTWARE] = BIT(MODE_BT_SWMMU) | BIT(MODE_HV_SWMMU),
	[SETTING_HARDWARE] = BIT(MODE_HV_HWMMU),
};
static const unsigned engine_modes[] = {
	[ENGINE_AUTO] = ALL_MODES,
	[ENGINE_BT] = BT_MODES,
	[ENGINE_HV] = HV_MODES,
	[ENGINE_INTERP] = 0,
};

/*
 * Nested paging beats BT; KVM's shadow page tables, which exit on every page
 * table store, do not beat ours.  64-bit code is HV's alone.  A KVM that
 * emulates the guest's kernel comes last wherever there is a choice.
 */
static const struct mode_list prefer_hw = {
	{ MODE_HV_HWMMU, MODE_BT_SWMMU, MODE_HV_SWMMU }, MODE_COUNT,
};
static const struct mode_list prefer_bt = {
	{ MODE_BT_SWMMU, MODE_HV_HWMMU, MODE_HV_SWMMU }, MODE_COUNT,
};
static const struct mode_list prefer_hv = {
	{ MODE_HV_HWMMU, MODE_HV_SWMMU, MODE_BT_SWMMU }, MODE_COUNT,
};

/* What a guest of each kind cannot do without. */
static const unsigned needs[GUEST_KIND_COUNT] = {
	[GUEST_32] = BIT(HOST_PROBE_REAL) | BIT(HOST_PROBE_UNPAGED) |
		     BIT(HOST_PROBE_PAGING32) | BIT(HOST_PROBE_PAE),
	[GUEST_64] = BIT(HOST_PROBE_REAL) | BIT(HOST_PROBE_UNPAGED) |
		     BIT(HOST_PROBE_LONG) | BIT(HOST_PROBE_USER64),
	[GUEST_UNKNOWN] = BIT(HOST_PROBE_COUNT) - 1,
};
/* Without these HV does not even start. */
#define NEEDS_ALWAYS	(BIT(HOST_PROBE_REAL) | BIT(HOST_PROBE_UNPAGED))

/* Names, in the order of their enums. */
static const char *const mode_names[] = { "BT-swMMU", "HV-swMMU", "HV-hwMMU" };
static const char *const guest_names[] = {
	"guest of unknown kind", "16/32-bit guest", "64-bit guest",
};
static const char *const setting_names[] = {
	"automatic", "software", "hardware",
};
static const struct {
	const char *name;
	enum mode_engine engine;
	bool start_bt;
} engine_names[] = {
	{ "auto", ENGINE_AUTO, false },
	{ "auto,start=bt", ENGINE_AUTO, true },
	{ "bt", ENGINE_BT, false },
	{ "hv", ENGINE_HV, false },
	{ "interp", ENGINE_INTERP, false },
};

const char *mode_name(enum monitor_mode m, bool bt32)
{
	return bt32 && m == MODE_BT_SWMMU ? "BT32-swMMU" : mode_names[m];
}

const char *mode_guest_name(enum guest_kind k)
{
	return guest_names[k];
}

/*
 * Reading requests.
 */

int mode_parse_engine(const char *text, struct mode_request *req)
{
	if (!text)
		text = "auto";
	for (unsigned i = 0; i < ARRAY_SIZE(engine_names); i++)
		if (!strcmp(engine_names[i].name, text)) {
			req->engine = engine_names[i].engine;
			req->start_bt = engine_names[i].start_bt;
			return 0;
		}
	return -EINVAL;
}

int mode_parse_setting(const char *text, enum mode_setting *out)
{
	for (unsigned i = 0; i < ARRAY_SIZE(setting_names); i++)
		if (!strcasecmp(setting_names[i], text)) {
			*out = i;
			return 0;
		}
	return -EINVAL;
}

/* "KEY=VALUE", KEY is @name: the value.  NULL: another key. */
static const char *value_of(const char *setting, const char *name)
{
	size_t len = strlen(name);

	return !strncasecmp(setting, name, len) && setting[len] == '=' ?
	       setting + len + 1 : NULL;
}

static int parse_one(const char *setting, struct mode_request *req, char *err)
{
	enum mode_setting *out = &req->exec;
	const char *value = value_of(setting, "monitor.virtual_exec");

	if (!value) {
		out = &req->mmu;
		value = value_of(setting, "monitor.virtual_mmu");
	}
	if (!value)
		snprintf(err, MODE_TEXT_LEN, "%.100s: unknown setting "
			 "(monitor.virtual_exec, monitor.virtual_mmu)",
			 setting);
	else if (mode_parse_setting(value, out))
		snprintf(err, MODE_TEXT_LEN, "%.100s: must be software, "
			 "hardware or automatic", setting);
	else
		return 0;
	return -EINVAL;
}

int mode_parse_settings(const char *const *settings, struct mode_request *req,
			char *err)
{
	int ret = 0;

	for (; settings && *settings && !ret; settings++)
		if (!strncasecmp(*settings, "monitor.", 8))
			ret = parse_one(*settings, req, err);
	return ret;
}

/*
 * What host and guest allow.
 */

static bool probes_work(const struct host_kvm *k, unsigned set, char *why)
{
	for (unsigned p = 0; p < HOST_PROBE_COUNT; p++) {
		const struct host_probe_state *s = &k->probe[p];

		if (!(set & BIT(p)) || s->result == PROBE_WORKS)
			continue;
		snprintf(why, MODE_TEXT_LEN, "this host's KVM cannot run %s: "
			 "%s%s%s", host_probe_text(p),
			 s->result == PROBE_FAILS ? "" :
			 host_probe_result_name(s->result),
			 s->result == PROBE_HANGS ? ", " : "", s->why);
		return false;
	}
	return true;
}

static bool hv_works(const struct host_caps *caps, unsigned set, char *why)
{
	const struct host_kvm *k = &caps->kvm;

	if (k->state == HOST_KVM_USABLE)
		return probes_work(k, set, why);
	snprintf(why, MODE_TEXT_LEN, "%s: %s", host_kvm_device(), k->why);
	return false;
}

bool mode_hv_runs(const struct host_caps *caps, enum guest_kind kind, char *why)
{
	return hv_works(caps, needs[kind], why);
}

static const char *bt_missing(const struct host_caps *caps)
{
	if (!caps->bmi2)
		return "the processor has no BMI2";
	if (!caps->fsgsbase)
		return "processor or kernel do not offer FSGSBASE";
	return NULL;
}

bool mode_bt_runs(const struct host_caps *caps, char *why)
{
	const char *missing = bt_missing(caps);

	snprintf(why, MODE_TEXT_LEN, "%s", missing ? missing : "");
	return !missing;
}

static unsigned hv_mode(const struct host_caps *caps)
{
	return caps->kvm.hw_mmu == HOST_YES ? BIT(MODE_HV_HWMMU) :
					      BIT(MODE_HV_SWMMU);
}

/*
 * 16/32-bit programs that know long mode (memtest86+, for memory beyond 4 GiB)
 * do without it as well.  They are better off so where KVM only emulates it,
 * which is slow and has no x87 and SSE, and cannot run them otherwise.
 */
static bool better_without_long_mode(const struct host_caps *caps,
				     enum guest_kind kind)
{
	char why[MODE_TEXT_LEN];

	return kind == GUEST_32 &&
	       host_probe_emulated(&caps->kvm.probe[HOST_PROBE_LONG]) &&
	       !mode_hv_runs(caps, kind, why);
}

/* A 64-bit guest starts in BT only if HV can take it over (BT32). */
static unsigned allowed_modes(const struct host_caps *caps,
			      enum guest_kind kind, struct mode_choice *c)
{
	char why[MODE_TEXT_LEN];
	bool hv64 = mode_hv_runs(caps, GUEST_64, why);
	unsigned set = 0;

	c->move_to_hv = hv64;
	c->bt32 = kind != GUEST_32;
	if (!bt_missing(caps) && (kind != GUEST_64 || hv64))
		set |= BT_MODES;
	if (mode_hv_runs(caps, kind, c->no_hv))
		set |= hv_mode(caps);
	return set;
}

static const struct mode_list *preference(const struct host_caps *caps,
					  enum guest_kind kind)
{
	const struct host_probe_state *p = caps->kvm.probe;

	if (kind == GUEST_64)
		return &prefer_hv;
	if (host_probe_emulated(&p[HOST_PROBE_UNPAGED]) ||
	    host_probe_emulated(&p[HOST_PROBE_PAGING32]))
		return &prefer_bt;
	return &prefer_hw;
}

/*
 * The choice.
 */

static struct mode_list list_filter(const struct mode_list *order,
				    unsigned set)
{
	struct mode_list l = { .n = 0 };

	for (unsigned i = 0; i < order->n; i++)
		if (set & BIT(order->mode[i]))
			l.mode[l.n++] = order->mode[i];
	return l;
}

static const struct mode_list in_order = {
	{ MODE_BT_SWMMU, MODE_HV_SWMMU, MODE_HV_HWMMU }, MODE_COUNT,
};

static int refuse(char *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int refuse(char *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, MODE_TEXT_LEN, fmt, ap);
	va_end(ap);
	return -ENOTSUP;
}

static unsigned requested_modes(const struct mode_request *req,
				struct mode_choice *c)
{
	unsigned set = exec_modes[req->exec] & mmu_modes[req->mmu];

	if (req->engine != ENGINE_AUTO)
		return engine_modes[req->engine];
	if (req->start_bt)
		return BT_MODES;
	if (!set)
		snprintf(c->ignored, sizeof(c->ignored), "monitor."
			 "virtual_exec=software and virtual_mmu=hardware "
			 "exclude each other: hwMMU comes with HV only");
	return set ? set : ALL_MODES;
}

/* Programs of a 64-bit guest use SYSCALL, for all that its kernel can tell. */
static void warn_of_syscalls(const struct host_caps *caps,
			     enum guest_kind kind, struct mode_choice *c)
{
	char why[MODE_TEXT_LEN];

	if (kind == GUEST_64 && !hv_works(caps, BIT(HOST_PROBE_SYSCALL), why))
		snprintf(c->warning, sizeof(c->warning), "%.160s; this "
			 "guest's kernel may start, but not its programs", why);
}

/*
 * --engine hv, or several processors: refused for a guest that will do what
 * this KVM cannot run, with a warning for one that may.
 */
static int hv_alone(const struct host_caps *caps,
		    const struct mode_request *req, enum guest_kind kind,
		    struct mode_choice *c, char *err)
{
	char why[MODE_TEXT_LEN];

	if (req->start_bt)
		return refuse(err, "--engine auto,start=bt: BT runs one "
			      "processor (use --engine hv, or --cpus 1)");
	if (!hv_works(caps, kind == GUEST_UNKNOWN ? NEEDS_ALWAYS : needs[kind],
		      why))
		return refuse(err, "%s: %.200s", req->engine == ENGINE_HV ?
			      "--engine hv" : "several processors need hv",
			      why);
	if (*c->no_hv)
		snprintf(c->warning, sizeof(c->warning), "%.180s; a guest "
			 "that needs it will not get far", c->no_hv);
	warn_of_syscalls(caps, kind, c);
	c->filtered = list_filter(&in_order, hv_mode(caps));
	return 0;
}

static int strict_bt(const struct host_caps *caps, enum guest_kind kind,
		     struct mode_choice *c, char *err)
{
	const char *missing = bt_missing(caps);
	char why[MODE_TEXT_LEN];

	c->move_to_hv = false;
	if (missing)
		return refuse(err, "--engine bt: %s", missing);
	if (kind == GUEST_64)
		snprintf(c->warning, sizeof(c->warning), "this 64-bit guest "
			 "will stop, for --engine bt has no long mode (auto "
			 "%s)", mode_hv_runs(caps, kind, why) ?
			 "would use HV" : "has none here either");
	c->filtered = list_filter(&in_order, BT_MODES);
	return 0;
}

/* A 64-bit guest, or no engine at all, and nothing to fall back to. */
static int nothing_left(const struct host_caps *caps, enum guest_kind kind,
			struct mode_choice *c, char *err)
{
	const char *missing = bt_missing(caps);

	return refuse(err, "no engine can run this %s: bt: %s; hv: %.150s",
		      guest_names[kind], missing ? missing :
		      "translates 16/32-bit code only", c->no_hv);
}

static int choose_auto(const struct host_caps *caps, enum guest_kind kind,
		       unsigned allowed, unsigned requested,
		       struct mode_choice *c, char *err)
{
	if (c->move_to_hv && requested != BT_MODES &&
	    better_without_long_mode(caps, kind)) {
		c->move_to_hv = false;
		snprintf(c->warning, sizeof(c->warning), "the guest is not "
			 "offered long mode, which this host's KVM emulates "
			 "(--engine auto,start=bt offers it)");
	}
	if (!allowed)
		return nothing_left(caps, kind, c, err);
	if (!(allowed & requested)) {
		snprintf(c->ignored, sizeof(c->ignored), "the requested modes "
			 "are not possible here: %.180s", requested & HV_MODES ?
			 *c->no_hv ? c->no_hv : "KVM chooses the MMU for the "
			 "whole host" : bt_missing(caps) ? bt_missing(caps) :
			 "BT runs 16/32-bit code only");
		requested = ALL_MODES;
	}
	warn_of_syscalls(caps, kind, c);
	c->filtered = list_filter(&c->preferred, allowed & requested);
	return 0;
}

static const char *reason(const struct mode_choice *c,
			  const struct mode_request *req, enum guest_kind kind,
			  bool asked)
{
	bool hv = c->filtered.mode[0] != MODE_BT_SWMMU;

	if (req->several)
		return "only HV runs several processors";
	if (asked)
		return "as requested";
	if (c->allowed.n == 1 && !hv)
		return c->no_hv;
	if (c->allowed.n == 1)
		return "BT is not possible on this host";
	if (kind == GUEST_64)
		return "BT runs 16/32-bit code only";
	return hv ? "this host has nested paging" :
		    "faster than this host's KVM";
}

static void explain(struct mode_choice *c, const struct mode_request *req,
		    enum guest_kind kind, bool asked)
{
	bool hv = c->filtered.mode[0] != MODE_BT_SWMMU;

	c->engine = hv ? "hv" : "bt";
	snprintf(c->why, sizeof(c->why), "%s for a %s: %.160s",
		 mode_name(c->filtered.mode[0], c->bt32), guest_names[kind],
		 reason(c, req, kind, asked && !*c->ignored));
}

/* Hints that --engine or --cpus left no room for. */
static void note_overruled(const struct mode_request *req,
			   struct mode_choice *c)
{
	unsigned hints = exec_modes[req->exec] & mmu_modes[req->mmu];

	if (*c->ignored || hints == ALL_MODES ||
	    (c->filtered.n && hints & BIT(c->filtered.mode[0])))
		return;
	if (c->filtered.n && c->filtered.mode[0] != MODE_BT_SWMMU &&
	    hints & HV_MODES)
		snprintf(c->ignored, sizeof(c->ignored), "KVM chooses the MMU "
			 "for the whole host");
	else
		snprintf(c->ignored, sizeof(c->ignored), "%s comes before "
			 "monitor.virtual_exec and virtual_mmu",
			 req->engine == ENGINE_AUTO && req->several ?
			 "--cpus" : "--engine");
}

int mode_choose(const struct host_caps *caps, const struct mode_request *req,
		enum guest_kind kind, struct mode_choice *out, char *err)
{
	unsigned allowed, requested;
	int ret;

	memset(out, 0, sizeof(*out));
	if (req->engine == ENGINE_INTERP) {
		out->engine = "interp";
		note_overruled(req, out);
		return 0;
	}
	allowed = allowed_modes(caps, kind, out);
	requested = requested_modes(req, out);
	out->allowed = list_filter(&in_order, allowed);
	out->requested = list_filter(&in_order, requested);
	out->preferred = *preference(caps, kind);
	if (req->engine == ENGINE_HV ||
	    (req->engine == ENGINE_AUTO && req->several))
		ret = hv_alone(caps, req, kind, out, err);
	else if (req->engine == ENGINE_BT)
		ret = strict_bt(caps, kind, out, err);
	else
		ret = choose_auto(caps, kind, allowed, requested, out, err);
	if (ret)
		return ret;
	explain(out, req, kind, requested != ALL_MODES);
	note_overruled(req, out);
	return 0;
}

/*
 * The log.
 */

static void print_list(FILE *log, const char *what, const struct mode_list *l,
		       bool bt32)
{
	fprintf(log, "MONITOR MODE: %-23s:", what);
	for (unsigned i = 0; i < l->n; i++)
		fprintf(log, " %s", mode_name(l->mode[i], bt32));
	fprintf(log, "%s\n", l->n ? "" : " none");
}

void mode_print(const struct mode_choice *c, const struct mode_request *req,
		FILE *log)
{
	if (req->engine != ENGINE_INTERP) {
		print_list(log, "allowed modes", &c->allowed, c->bt32);
		print_list(log, "user requested modes", &c->requested, false);
		print_list(log, "guestOS preferred modes", &c->preferred,
			   c->bt32);
		print_list(log, "filtered list", &c->filtered, c->bt32);
	}
	if (*c->ignored)
		fprintf(log, "umbra: settings ignored: %s\n", c->ignored);
	if (*c->warning)
		fprintf(log, "umbra: %s\n", c->warning);
	if (req->engine == ENGINE_AUTO)
		fprintf(log, "umbra: engine %s (%s)\n", c->engine, c->why);
}
