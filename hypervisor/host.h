/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this host can do for a VM: the facts that monitor modes are chosen by
 * and that `umbra host' prints.  Facts about KVM come from tiny guests that
 * were run on it (fullvirt/hv/probe.c), not from names of modules.
 */
#ifndef HYPERVISOR_HOST_H
#define HYPERVISOR_HOST_H

#include "hypervisor/types.h"

#define HOST_TEXT_LEN	96

enum host_kvm_state {
	HOST_KVM_USABLE,
	HOST_KVM_MISSING,
	HOST_KVM_NO_PERMISSION,
	HOST_KVM_BUSY,		/* another hypervisor has the processor */
	HOST_KVM_BROKEN,	/* there, but a call fails or never returns */
};

/* A tiny guest, or the part of one that this result is about. */
enum host_probe {
#define PROBE(name, key, text) HOST_PROBE_##name,
#include "hypervisor/host_probe.def"
#undef PROBE
	HOST_PROBE_COUNT,
};

enum host_probe_result {
	PROBE_NOT_RUN,		/* KVM not usable, or an earlier guest hung */
	PROBE_WORKS,
	PROBE_FAILS,		/* KVM gave up, or computed nonsense */
	PROBE_HANGS,		/* nothing came within the time limit */
};

/* Answers that KVM may refuse to give. */
enum host_answer { HOST_UNKNOWN, HOST_NO, HOST_YES };

struct host_probe_state {
	enum host_probe_result result;
	/* Time of an instruction in a short loop, ns; 0: not measured. */
	uint32_t insn_ns;
	/* Did KVM's emulator run that loop?  (Linux 5.14 counts.) */
	enum host_answer emulated;
	/* PROBE_FAILS, PROBE_HANGS: what KVM said. */
	char why[HOST_TEXT_LEN];
};

struct host_kvm {
	enum host_kvm_state state;
	char why[HOST_TEXT_LEN];	/* not HOST_KVM_USABLE: one line */
	int api_version;		/* 0: not asked */
	/* EPT or NPT: INVLPG of a guest with paging does not exit. */
	enum host_answer hw_mmu;
	/* Real mode runs on the processor, not in KVM's emulator. */
	enum host_answer unrestricted;
	enum host_answer irqchip;	/* KVM_CREATE_IRQCHIP works */
	/* The guest's TSC is the host's plus an offset, not the host's. */
	enum host_answer tsc_offset;
	struct host_probe_state probe[HOST_PROBE_COUNT];
	uint32_t probe_us;		/* what all of this took */
};

struct host_caps {
	struct host_kvm kvm;
	char hardware[32];	/* "VT-x", "SVM", or "other" with a name */
	bool pku, fsgsbase, bmi2;
	uint64_t max_map_count;	/* vm.max_map_count; 0: not known */
	/* MAP_HUGETLB memfds: 2 MiB pages that can be had now. */
	bool memfd_huge;
};

/*
 * The facts, found out at the first call and kept.  That call takes some
 * milliseconds, 4 seconds at most, and forks; it must come before the process
 * is confined.  Never NULL.  One thread at a time.
 */
const struct host_caps *host_caps(void);

/*
 * Use @caps instead (not copied), or find out again after NULL: for tests.
 */
void host_caps_set(const struct host_caps *caps);

/*
 * The device file that facts are asked of ("/dev/kvm"); @path is not copied.
 * Before the first host_caps().
 */
void host_kvm_device_set(const char *path);
const char *host_kvm_device(void);

/*
 * Does KVM emulate the code of @p, by its own count or else by the time that
 * an instruction takes?
 */
bool host_probe_emulated(const struct host_probe_state *p);

const char *host_kvm_state_name(enum host_kvm_state s);
const char *host_probe_result_name(enum host_probe_result r);
/* "paging32" and "32-bit paging". */
const char *host_probe_key(enum host_probe p);
const char *host_probe_text(enum host_probe p);

#endif
