/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Monitor modes: which engine runs a guest, with whose MMU, chosen from what
 * the host can do, what the user asked for and what kind of guest it is.
 */
#ifndef HYPERVISOR_MODES_H
#define HYPERVISOR_MODES_H

#include <stdio.h>

#include "hypervisor/types.h"

struct host_caps;

/*
 * The three valid combinations.  hwMMU is nested paging (EPT, NPT), which is
 * inseparable from HV; which MMU HV has is KVM's choice for the whole host.
 */
enum monitor_mode {
	MODE_BT_SWMMU,
	MODE_HV_SWMMU,
	MODE_HV_HWMMU,
	MODE_COUNT,
};

enum guest_kind {
	GUEST_UNKNOWN,	/* firmware decides: anything may come */
	GUEST_32,	/* 16/32-bit */
	GUEST_64,	/* enters long mode, if not now then soon */
	GUEST_KIND_COUNT,
};

/* monitor.virtual_exec, monitor.virtual_mmu */
enum mode_setting { SETTING_AUTOMATIC, SETTING_SOFTWARE, SETTING_HARDWARE };

/* --engine */
enum mode_engine { ENGINE_AUTO, ENGINE_BT, ENGINE_HV, ENGINE_INTERP };

struct mode_request {
	enum mode_engine engine;	/* all but AUTO are strict */
	/* "auto,start=bt": begin in BT whatever would be preferred. */
	bool start_bt;
	bool several;			/* processors, which only HV can have */
	enum mode_setting exec, mmu;	/* hints; --engine comes before them */
};

struct mode_list {
	enum monitor_mode mode[MODE_COUNT];
	unsigned n;
};

#define MODE_TEXT_LEN	256

struct mode_choice {
	const char *engine;		/* "bt", "hv" or "interp" */
	/* BT may hand the vCPU over to HV when the guest enters long mode. */
	bool move_to_hv;
	struct mode_list allowed, requested, preferred, filtered;
	/* BT stands for BT32: only until the guest enters long mode. */
	bool bt32;
	char why[MODE_TEXT_LEN];	/* the choice in a few words */
	char ignored[MODE_TEXT_LEN];	/* hints not followed, and why; or "" */
	/* What will stop this guest later on; or "". */
	char warning[MODE_TEXT_LEN];
	/* Why HV is not among the allowed modes; or "". */
	char no_hv[MODE_TEXT_LEN];
};

/*
 * Parse "auto", "auto,start=bt", "bt", "hv", "interp" (NULL: "auto"), and
 * "software", "hardware", "automatic".  Return 0 or -EINVAL.
 */
int mode_parse_engine(const char *text, struct mode_request *req);
int mode_parse_setting(const char *text, enum mode_setting *out);

/*
 * Take "monitor.virtual_exec=..." and "monitor.virtual_mmu=..." out of the
 * NULL-terminated @settings into @req; the last of each wins.  Other strings
 * are not looked at.  Returns 0, or -EINVAL with one line in @err
 * (MODE_TEXT_LEN bytes): unknown monitor.* key or value.
 */
int mode_parse_settings(const char *const *settings, struct mode_request *req,
			char *err);

/*
 * Choose.  Returns 0, or -ENOTSUP with one line in @err (MODE_TEXT_LEN bytes)
 * if no engine can run the guest or a strict request cannot be met.
 */
int mode_choose(const struct host_caps *caps, const struct mode_request *req,
		enum guest_kind kind, struct mode_choice *out, char *err);

/*
 * The four MONITOR MODE lines, hints that were ignored, warnings, and for
 * ENGINE_AUTO the engine's name with the reason.  The interpreter is no monitor
 * mode: ignored hints alone.
 */
void mode_print(const struct mode_choice *c, const struct mode_request *req,
		FILE *log);

/*
 * Can KVM here run what @kind may do?  If not, one line in @why
 * (MODE_TEXT_LEN bytes).
 */
bool mode_hv_runs(const struct host_caps *caps, enum guest_kind kind,
		  char *why);

/* Can BT run here at all?  If not, one line in @why (MODE_TEXT_LEN bytes). */
bool mode_bt_runs(const struct host_caps *caps, char *why);

/* @bt32: BT is called BT32. */
const char *mode_name(enum monitor_mode m, bool bt32);
const char *mode_guest_name(enum guest_kind k);

#endif
