// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Monitor modes: hosts x requests x guests, and the lines that the log shows.
 */
#define _GNU_SOURCE
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/host.h"
#include "hypervisor/modes.h"

/*
 * Hosts.
 */

enum host {
	EPT,		/* VT-x with all there is */
	SHADOW,		/* VT-x without EPT */
	PARTIAL,	/* emulates CPL 0, no 32-bit paging, no SYSCALL */
	NO_LONG,	/* runs 32-bit guests only */
	HANGS,		/* long mode hangs, and nothing was tried after it */
	NONE,		/* no /dev/kvm */
	LOCKED,		/* no permission */
	OLD,		/* EPT, but a processor that BT cannot use */
	NOTHING,	/* OLD without /dev/kvm */
};

static struct host_caps caps;

static void set_probes(unsigned from, unsigned to,
		       enum host_probe_result result, const char *why)
{
	for (unsigned p = from; p <= to; p++) {
		caps.kvm.probe[p].result = result;
		snprintf(caps.kvm.probe[p].why, HOST_TEXT_LEN, "%s", why);
	}
}

static void no_kvm(enum host_kvm_state state, const char *why)
{
	memset(&caps.kvm, 0, sizeof(caps.kvm));
	caps.kvm.state = state;
	snprintf(caps.kvm.why, HOST_TEXT_LEN, "%s", why);
}

static void make_host(enum host h)
{
	memset(&caps, 0, sizeof(caps));
	caps.bmi2 = h != OLD && h != NOTHING;
	caps.fsgsbase = true;
	caps.kvm.hw_mmu = h == EPT || h == OLD || h == NO_LONG ? HOST_YES :
							       HOST_NO;
	set_probes(0, HOST_PROBE_COUNT - 1, PROBE_WORKS, "");
	switch (h) {
	case PARTIAL:
		set_probes(HOST_PROBE_PAGING32, HOST_PROBE_PAE, PROBE_FAILS,
			   "triple fault");
		set_probes(HOST_PROBE_SYSCALL, HOST_PROBE_SYSCALL, PROBE_FAILS,
			   "code segment 51");
		caps.kvm.probe[HOST_PROBE_UNPAGED].insn_ns = 400;
		caps.kvm.probe[HOST_PROBE_LONG].insn_ns = 600;
		break;
	case NO_LONG:
		set_probes(HOST_PROBE_LONG, HOST_PROBE_SYSCALL, PROBE_FAILS,
			   "KVM internal error 1");
		break;
	case HANGS:
		set_probes(HOST_PROBE_LONG, HOST_PROBE_LONG, PROBE_HANGS,
			   "no progress in 200 ms");
		set_probes(HOST_PROBE_USER64, HOST_PROBE_SYSCALL,
			   PROBE_NOT_RUN, "");
		break;
	case NONE:
	case NOTHING:
		no_kvm(HOST_KVM_MISSING, "no such device");
		break;
	case LOCKED:
		no_kvm(HOST_KVM_NO_PERMISSION, "permission denied");
		break;
	case EPT:
	case SHADOW:
	case OLD:
		break;
	}
}

/*
 * The table.  @exec, @mmu: settings, or NULL.  @lists: what follows the colon
 * of the four lines.  @engine: NULL, and the reason in @note, if refused; else
 * @note is to be found in the rest of the log, which is empty for "".
 */

static const struct row {
	enum host host;
	enum guest_kind kind;
	const char *request, *exec, *mmu;
	const char *engine;
	const char *lists[4];
	const char *note;
	bool several;		/* processors */
} rows[] = {
	/* Nothing asked for. */
	{ EPT, GUEST_32, "auto", NULL, NULL, "hv",
	  { "BT-swMMU HV-hwMMU", "BT-swMMU HV-swMMU HV-hwMMU",
	    "HV-hwMMU BT-swMMU HV-swMMU", "HV-hwMMU BT-swMMU" },
	  "engine hv (HV-hwMMU for a 16/32-bit guest: this host has nested "
	  "paging)" },
	{ EPT, GUEST_64, "auto", NULL, NULL, "hv",
	  { "BT32-swMMU HV-hwMMU", "BT-swMMU HV-swMMU HV-hwMMU",
	    "HV-hwMMU HV-swMMU BT32-swMMU", "HV-hwMMU BT32-swMMU" },
	  "engine hv (HV-hwMMU for a 64-bit guest: " },
	{ EPT, GUEST_UNKNOWN, "auto", NULL, NULL, "hv",
	  { "BT32-swMMU HV-hwMMU", "BT-swMMU HV-swMMU HV-hwMMU",
	    "HV-hwMMU BT32-swMMU HV-swMMU", "HV-hwMMU BT32-swMMU" },
	  "engine hv" },
	{ SHADOW, GUEST_32, "auto", NULL, NULL, "bt",
	  { "BT-swMMU HV-swMMU", "BT-swMMU HV-swMMU HV-hwMMU",
	    "HV-hwMMU BT-swMMU HV-swMMU", "BT-swMMU HV-swMMU" },
	  "faster than this host's KVM" },
	{ SHADOW, GUEST_64, "auto", NULL, NULL, "hv",
	  { "BT32-swMMU HV-swMMU", "BT-swMMU HV-swMMU HV-hwMMU",
	    "HV-hwMMU HV-swMMU BT32-swMMU", "HV-swMMU BT32-swMMU" },
	  "BT runs 16/32-bit code only" },
	{ PARTIAL, GUEST_32, "auto", NULL, NULL, "bt",
	  { "BT-swMMU", "BT-swMMU HV-swMMU HV-hwMMU",
	    "BT-swMMU HV-hwMMU HV-swMMU", "BT-swMMU" },
	  "this host's KVM cannot run 32-bit paging: triple fault" },
	{ PARTIAL, GUEST_64, "auto", NULL, NULL, "hv",
	  { "BT32-swMMU HV-swMMU", "BT-swMMU HV-swMMU HV-hwMMU",
	    "HV-hwMMU HV-swMMU BT32-swMMU", "HV-swMMU BT32-swMMU" },
	  "umbra: this host's KVM cannot run SYSCALL and SYSRET: code "
	  "segment 51; this guest's kernel may start, but not its programs\n"
	  "umbra: engine hv" },
	{ PARTIAL, GUEST_UNKNOWN, "auto", NULL, NULL, "bt",
	  { "BT32-swMMU", "BT-swMMU HV-swMMU HV-hwMMU",
	    "BT32-swMMU HV-hwMMU HV-swMMU", "BT32-swMMU" },
	  "engine bt" },
	{ NO_LONG, GUEST_32, "auto", NULL, NULL, "hv",
	  { "BT-swMMU HV-hwMMU", "BT-swMMU HV-swMMU HV-hwMMU",
	    "HV-hwMMU BT-swMMU HV-swMMU", "HV-hwMMU BT-swMMU" },
	  "engine hv" },
	{ NO_LONG, GUEST_64, "auto", NULL, NULL, NULL, { NULL },
	  "no engine can run this 64-bit guest: bt: translates 16/32-bit code "
	  "only; hv: this host's KVM cannot run long mode: KVM "
	  "internal error 1" },
	{ HANGS, GUEST_32, "auto", NULL, NULL, "bt",
	  { "BT-swMMU HV-swMMU", "BT-swMMU HV-swMMU HV-hwMMU",
	    "HV-hwMMU BT-swMMU HV-swMMU", "BT-swMMU HV-swMMU" }, "engine bt" },
	{ HANGS, GUEST_64, "auto", NULL, NULL, NULL, { NULL },
	  "long mode: hangs, no progress in 200 ms" },
	{ NONE, GUEST_32, "auto", NULL, NULL, "bt",
	  { "BT-swMMU", "BT-swMMU HV-swMMU HV-hwMMU",
	    "HV-hwMMU BT-swMMU HV-swMMU", "BT-swMMU" },
	  "/dev/kvm: no such device" },
	{ NONE, GUEST_64, "auto", NULL, NULL, NULL, { NULL },
	  "hv: /dev/kvm: no such device" },
	{ LOCKED, GUEST_32, "auto", NULL, NULL, "bt",
	  { "BT-swMMU", "BT-swMMU HV-swMMU HV-hwMMU",
	    "HV-hwMMU BT-swMMU HV-swMMU", "BT-swMMU" },
	  "/dev/kvm: permission denied" },
	{ OLD, GUEST_32, "auto", NULL, NULL, "hv",
	  { "HV-hwMMU", "BT-swMMU HV-swMMU HV-hwMMU",
	    "HV-hwMMU BT-swMMU HV-swMMU", "HV-hwMMU" },
	  "BT is not possible on this host" },
	{ NOTHING, GUEST_32, "auto", NULL, NULL, NULL, { NULL },
	  "bt: the processor has no BMI2; hv: /dev/kvm: no such device" },

	/* Hints that can be followed. */
	{ EPT, GUEST_32, "auto", "software", NULL, "bt",
	  { "BT-swMMU HV-hwMMU", "BT-swMMU", "HV-hwMMU BT-swMMU HV-swMMU",
	    "BT-swMMU" }, "as requested" },
	{ EPT, GUEST_32, "auto", NULL, "software", "bt",
	  { "BT-swMMU HV-hwMMU", "BT-swMMU HV-swMMU",
	    "HV-hwMMU BT-swMMU HV-swMMU", "BT-swMMU" }, "as requested" },
	{ EPT, GUEST_32, "auto", "hardware", "hardware", "hv",
	  { "BT-swMMU HV-hwMMU", "HV-hwMMU", "HV-hwMMU BT-swMMU HV-swMMU",
	    "HV-hwMMU" }, "as requested" },
	{ SHADOW, GUEST_32, "auto", "hardware", NULL, "hv",
	  { "BT-swMMU HV-swMMU", "HV-swMMU HV-hwMMU",
	    "HV-hwMMU BT-swMMU HV-swMMU", "HV-swMMU" }, "as requested" },
	{ PARTIAL, GUEST_64, "auto", "software", NULL, "bt",
	  { "BT32-swMMU HV-swMMU", "BT-swMMU", "HV-hwMMU HV-swMMU BT32-swMMU",
	    "BT32-swMMU" }, "as requested" },
	{ PARTIAL, GUEST_64, "auto,start=bt", NULL, NULL, "bt",
	  { "BT32-swMMU HV-swMMU", "BT-swMMU", "HV-hwMMU HV-swMMU BT32-swMMU",
	    "BT32-swMMU" }, "as requested" },
	{ EPT, GUEST_32, "auto", "automatic", "automatic", "hv",
	  { "BT-swMMU HV-hwMMU", "BT-swMMU HV-swMMU HV-hwMMU",
	    "HV-hwMMU BT-swMMU HV-swMMU", "HV-hwMMU BT-swMMU" }, "engine hv" },

	/* Hints that cannot. */
	{ SHADOW, GUEST_32, "auto", NULL, "hardware", "bt",
	  { "BT-swMMU HV-swMMU", "HV-hwMMU", "HV-hwMMU BT-swMMU HV-swMMU",
	    "BT-swMMU HV-swMMU" },
	  "settings ignored: the requested modes are not possible here: KVM "
	  "chooses the MMU for the whole host" },
	{ EPT, GUEST_32, "auto", "hardware", "software", "hv",
	  { "BT-swMMU HV-hwMMU", "HV-swMMU", "HV-hwMMU BT-swMMU HV-swMMU",
	    "HV-hwMMU BT-swMMU" }, "settings ignored: " },
	{ EPT, GUEST_32, "auto", "software", "hardware", "hv",
	  { "BT-swMMU HV-hwMMU", "BT-swMMU HV-swMMU HV-hwMMU",
	    "HV-hwMMU BT-swMMU HV-swMMU", "HV-hwMMU BT-swMMU" },
	  "settings ignored: monitor.virtual_exec=software and "
	  "virtual_mmu=hardware exclude each other" },
	{ NONE, GUEST_32, "auto", "hardware", NULL, "bt",
	  { "BT-swMMU", "HV-swMMU HV-hwMMU", "HV-hwMMU BT-swMMU HV-swMMU",
	    "BT-swMMU" }, "not possible here: /dev/kvm: no such device" },
	{ PARTIAL, GUEST_32, "auto", "hardware", NULL, "bt",
	  { "BT-swMMU", "HV-swMMU HV-hwMMU", "BT-swMMU HV-hwMMU HV-swMMU",
	    "BT-swMMU" }, "not possible here: this host's KVM cannot run" },
	{ OLD, GUEST_32, "auto", "software", NULL, "hv",
	  { "HV-hwMMU", "BT-swMMU", "HV-hwMMU BT-swMMU HV-swMMU",
	    "HV-hwMMU" }, "not possible here: the processor has no BMI2" },

	/* Strict. */
	{ EPT, GUEST_32, "bt", "hardware", NULL, "bt",
	  { "BT-swMMU HV-hwMMU", "BT-swMMU", "HV-hwMMU BT-swMMU HV-swMMU",
	    "BT-swMMU" }, "umbra: settings ignored: --engine comes before "
	  "monitor.virtual_exec and virtual_mmu\n" },
	{ EPT, GUEST_32, "bt", "software", "software", "bt",
	  { "BT-swMMU HV-hwMMU", "BT-swMMU", "HV-hwMMU BT-swMMU HV-swMMU",
	    "BT-swMMU" }, "" },
	{ PARTIAL, GUEST_64, "auto,start=bt", "hardware", NULL, "bt",
	  { "BT32-swMMU HV-swMMU", "BT-swMMU", "HV-hwMMU HV-swMMU BT32-swMMU",
	    "BT32-swMMU" }, "settings ignored: --engine comes before " },
	{ EPT, GUEST_64, "bt", NULL, NULL, "bt",
	  { "BT32-swMMU HV-hwMMU", "BT-swMMU",
	    "HV-hwMMU HV-swMMU BT32-swMMU", "BT32-swMMU" },
	  "will stop, for --engine bt has no long mode (auto would use HV)" },
	{ OLD, GUEST_32, "bt", NULL, NULL, NULL, { NULL },
	  "--engine bt: the processor has no BMI2" },
	{ SHADOW, GUEST_32, "hv", NULL, NULL, "hv",
	  { "BT-swMMU HV-swMMU", "HV-swMMU HV-hwMMU",
	    "HV-hwMMU BT-swMMU HV-swMMU", "HV-swMMU" }, "" },
	{ SHADOW, GUEST_32, "hv", "hardware", "hardware", "hv",
	  { "BT-swMMU HV-swMMU", "HV-swMMU HV-hwMMU",
	    "HV-hwMMU BT-swMMU HV-swMMU", "HV-swMMU" },
	  "umbra: settings ignored: KVM chooses the MMU for the whole host\n" },
	{ EPT, GUEST_32, "hv", "software", NULL, "hv",
	  { "BT-swMMU HV-hwMMU", "HV-swMMU HV-hwMMU",
	    "HV-hwMMU BT-swMMU HV-swMMU", "HV-hwMMU" },
	  "settings ignored: --engine comes before " },
	{ EPT, GUEST_64, "hv", NULL, NULL, "hv",
	  { "BT32-swMMU HV-hwMMU", "HV-swMMU HV-hwMMU",
	    "HV-hwMMU HV-swMMU BT32-swMMU", "HV-hwMMU" }, "" },
	{ PARTIAL, GUEST_64, "hv", NULL, NULL, "hv",
	  { "BT32-swMMU HV-swMMU", "HV-swMMU HV-hwMMU",
	    "HV-hwMMU HV-swMMU BT32-swMMU", "HV-swMMU" },
	  "cannot run SYSCALL and SYSRET" },
	{ PARTIAL, GUEST_32, "hv", NULL, NULL, NULL, { NULL },
	  "--engine hv: this host's KVM cannot run 32-bit paging" },
	{ PARTIAL, GUEST_UNKNOWN, "hv", NULL, NULL, "hv",
	  { "BT32-swMMU", "HV-swMMU HV-hwMMU",
	    "BT32-swMMU HV-hwMMU HV-swMMU", "HV-swMMU" },
	  "cannot run 32-bit paging: triple fault; a guest "
	  "that needs it will not get far" },
	{ NO_LONG, GUEST_64, "hv", NULL, NULL, NULL, { NULL },
	  "--engine hv: this host's KVM cannot run long mode" },
	{ LOCKED, GUEST_32, "hv", NULL, NULL, NULL, { NULL },
	  "--engine hv: /dev/kvm: permission denied" },
	{ NONE, GUEST_32, "interp", NULL, NULL, "interp", { NULL }, "" },
	{ EPT, GUEST_32, "interp", "automatic", NULL, "interp", { NULL }, "" },
	{ EPT, GUEST_32, "interp", "hardware", NULL, "interp", { NULL },
	  "umbra: settings ignored: --engine comes before " },

	/* Several processors. */
	{ SHADOW, GUEST_32, "auto", NULL, NULL, "hv",
	  { "BT-swMMU HV-swMMU", "BT-swMMU HV-swMMU HV-hwMMU",
	    "HV-hwMMU BT-swMMU HV-swMMU", "HV-swMMU" },
	  "umbra: engine hv (HV-swMMU for a 16/32-bit guest: only HV runs "
	  "several processors)\n", true },
	{ EPT, GUEST_32, "auto", "software", NULL, "hv",
	  { "BT-swMMU HV-hwMMU", "BT-swMMU", "HV-hwMMU BT-swMMU HV-swMMU",
	    "HV-hwMMU" },
	  "umbra: settings ignored: --cpus comes before monitor.virtual_exec "
	  "and virtual_mmu\n", true },
	{ EPT, GUEST_32, "hv", NULL, NULL, "hv",
	  { "BT-swMMU HV-hwMMU", "HV-swMMU HV-hwMMU",
	    "HV-hwMMU BT-swMMU HV-swMMU", "HV-hwMMU" }, "", true },
	{ PARTIAL, GUEST_UNKNOWN, "auto", NULL, NULL, "hv",
	  { "BT32-swMMU", "BT-swMMU HV-swMMU HV-hwMMU",
	    "BT32-swMMU HV-hwMMU HV-swMMU", "HV-swMMU" },
	  "a guest that needs it will not get far\numbra: engine hv", true },
	{ PARTIAL, GUEST_32, "auto", NULL, NULL, NULL, { NULL },
	  "several processors need hv: this host's KVM cannot run 32-bit "
	  "paging: triple fault", true },
	{ NONE, GUEST_64, "auto", NULL, NULL, NULL, { NULL },
	  "several processors need hv: /dev/kvm: no such device", true },
	{ EPT, GUEST_64, "auto,start=bt", NULL, NULL, NULL, { NULL },
	  "--engine auto,start=bt: BT runs one processor", true },
};

static const char *const labels[] = {
	"MONITOR MODE: allowed modes          : ",
	"MONITOR MODE: user requested modes   : ",
	"MONITOR MODE: guestOS preferred modes: ",
	"MONITOR MODE: filtered list          : ",
};

static char *next_line(char **log)
{
	return strsep(log, "\n");
}

/* --engine auto names its engine once; the others need not. */
static unsigned engine_lines(const char *log)
{
	unsigned n = 0;

	while ((log = strstr(log, "umbra: engine ")) != NULL) {
		log++;
		n++;
	}
	return n;
}

static void check_log(const struct row *r, char *log)
{
	ck_assert_uint_eq(engine_lines(log), !strncmp(r->request, "auto", 4));
	for (unsigned i = 0; r->lists[0] && i < 4; i++) {
		char expected[160];

		snprintf(expected, sizeof(expected), "%s%s", labels[i],
			 r->lists[i]);
		ck_assert_str_eq(next_line(&log), expected);
	}
	ck_assert_msg(*r->note ? !!strstr(log, r->note) : !*log,
		      "\"%s\" lacks \"%s\"", log, r->note);
}

START_TEST(choice_and_log_are_as_in_the_table)
{
	const struct row *r = &rows[_i];
	struct mode_request req = { .several = r->several };
	char err[MODE_TEXT_LEN], *log;
	struct mode_choice c;
	size_t len;
	FILE *f;
	int ret;

	make_host(r->host);
	ck_assert_int_eq(mode_parse_engine(r->request, &req), 0);
	if (r->exec)
		ck_assert_int_eq(mode_parse_setting(r->exec, &req.exec), 0);
	if (r->mmu)
		ck_assert_int_eq(mode_parse_setting(r->mmu, &req.mmu), 0);
	ret = mode_choose(&caps, &req, r->kind, &c, err);
	if (!r->engine) {
		ck_assert_int_lt(ret, 0);
		ck_assert_msg(!!strstr(err, r->note), "%s", err);
		return;
	}
	ck_assert_msg(!ret, "%s", err);
	ck_assert_str_eq(c.engine, r->engine);
	f = open_memstream(&log, &len);
	mode_print(&c, &req, f);
	fclose(f);
	check_log(r, log);
	free(log);
}
END_TEST

/* Only a guest that may meet long mode moves, and not under strict bt. */
START_TEST(moving_needs_hv_with_long_mode_and_no_strict_bt)
{
	static const struct {
		enum host host;
		const char *request;
		bool move;
		enum guest_kind kind;
	} cases[] = {
		{ EPT, "auto", true }, { PARTIAL, "auto", true },
		{ PARTIAL, "auto,start=bt", true }, { PARTIAL, "bt", false },
		{ NO_LONG, "auto", false }, { HANGS, "auto", false },
		{ NONE, "auto", false },
		/* A guest that needs none is not offered an emulated one. */
		{ EPT, "auto", true, GUEST_32 },
		{ SHADOW, "auto", true, GUEST_32 },
		{ PARTIAL, "auto", false, GUEST_32 },
		{ PARTIAL, "auto,start=bt", true, GUEST_32 },
		{ PARTIAL, "auto", true, GUEST_64 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mode_request req = { 0 };
		char err[MODE_TEXT_LEN];
		struct mode_choice c;

		make_host(cases[i].host);
		mode_parse_engine(cases[i].request, &req);
		ck_assert_int_eq(mode_choose(&caps, &req, cases[i].kind, &c,
					     err), 0);
		ck_assert_msg(c.move_to_hv == cases[i].move, "case %u", i);
	}
}
END_TEST

START_TEST(settings_are_read_and_checked)
{
	static const char *const good[] = {
		"bt.memory=soft", "monitor.virtual_exec=hardware",
		"Monitor.Virtual_MMU=Software",
		"monitor.virtual_exec=software", NULL,
	};
	static const char *const bad[][2] = {
		{ "monitor.virtual_exec=fast", NULL },
		{ "monitor.virtual_exec=", NULL },
		{ "monitor.virtual_exe=software", NULL },
		{ "monitor.virtual_exec2=software", NULL },
	};
	struct mode_request req = { 0 };
	char err[MODE_TEXT_LEN] = "";

	ck_assert_int_eq(mode_parse_settings(NULL, &req, err), 0);
	ck_assert_int_eq(mode_parse_settings(good, &req, err), 0);
	ck_assert_int_eq(req.exec, SETTING_SOFTWARE);
	ck_assert_int_eq(req.mmu, SETTING_SOFTWARE);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		*err = '\0';
		ck_assert_int_lt(mode_parse_settings(bad[i], &req, err), 0);
		ck_assert_msg(!!strstr(err, bad[i][0]), "%s", err);
	}
	ck_assert_int_lt(mode_parse_engine("auto,start=interp", &req), 0);
	ck_assert_int_eq(mode_parse_engine(NULL, &req), 0);
	ck_assert_int_eq(req.engine, ENGINE_AUTO);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("modes");
	TCase *t = tcase_create("modes");
	SRunner *r = srunner_create(s);

	tcase_add_loop_test(t, choice_and_log_are_as_in_the_table, 0,
			    ARRAY_SIZE(rows));
	tcase_add_test(t, moving_needs_hv_with_long_mode_and_no_strict_bt);
	tcase_add_test(t, settings_are_read_and_checked);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
