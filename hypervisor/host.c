// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's facts: KVM by the prober, the processor by CPUID, the kernel's
 * limits by asking it.
 */
#define _GNU_SOURCE
#include "hypervisor/host.h"

#include <cpuid.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fullvirt/hv/probe.h"

/* AT_HWCAP2: the kernel lets programs use FSGSBASE. */
#define HWCAP2_FSGSBASE		(1ul << 1)
#define CPUID_1_ECX_VMX		(1u << 5)
#define CPUID_7_EBX_BMI2	(1u << 8)
#define CPUID_7_ECX_OSPKE	(1u << 4)
#define CPUID_EXT1_ECX_SVM	(1u << 2)

/*
 * For KVMs that do not count: an instruction of the processor's own takes less than 1 ns, one that exits
 * some 1000, one that KVM emulates 300 or more; a busy host adds to the first.
 */
#define EMULATED_NS	100

static const char *device = "/dev/kvm";
static const struct host_caps *injected;
static struct host_caps found;
static bool known;

static const struct {
	const char *key, *text;
} probes[] = {
#define PROBE(name, key, text) { key, text },
#include "hypervisor/host_probe.def"
#undef PROBE
};

static uint64_t read_number(const char *path)
{
	unsigned long long n = 0;
	FILE *f = fopen(path, "re");

	if (!f)
		return 0;
	if (fscanf(f, "%llu", &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

/* The KVM module that is neither Intel's nor AMD's, if one is loaded. */
static void find_other(char *out, size_t len)
{
	DIR *d = opendir("/sys/module");
	struct dirent *e;

	snprintf(out, len, "none");
	while (d && (e = readdir(d)))
		if (!strncmp(e->d_name, "kvm_", 4))
			snprintf(out, len, "other (%.20s)", e->d_name);
	if (d)
		closedir(d);
}

static void find_hardware(struct host_caps *c)
{
	unsigned a, b, vmx = 0, svm = 0, d;

	if (__get_cpuid(1, &a, &b, &vmx, &d) && (vmx & CPUID_1_ECX_VMX))
		snprintf(c->hardware, sizeof(c->hardware), "VT-x");
	else if (__get_cpuid(0x80000001, &a, &b, &svm, &d) &&
		 (svm & CPUID_EXT1_ECX_SVM))
		snprintf(c->hardware, sizeof(c->hardware), "SVM");
	else
		find_other(c->hardware, sizeof(c->hardware));
}

static void find_features(struct host_caps *c)
{
	unsigned a, b, ecx, d;

	if (__get_cpuid_count(7, 0, &a, &b, &ecx, &d)) {
		c->bmi2 = b & CPUID_7_EBX_BMI2;
		c->pku = ecx & CPUID_7_ECX_OSPKE;
	}
	c->fsgsbase = getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE;
}

/* mmap() of hugetlb memory reserves its pages, or fails. */
static bool huge_pages(void)
{
	size_t len = 2 * MIB;
	int fd = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB);
	void *p = MAP_FAILED;

	if (fd < 0)
		return false;
	if (!ftruncate(fd, len))
		p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		munmap(p, len);
	close(fd);
	return p != MAP_FAILED;
}

static void find_all(struct host_caps *c)
{
	memset(c, 0, sizeof(*c));
	find_hardware(c);
	find_features(c);
	c->max_map_count = read_number("/proc/sys/vm/max_map_count");
	c->memfd_huge = huge_pages();
	hv_probe(device, &c->kvm);
}

const struct host_caps *host_caps(void)
{
	if (injected)
		return injected;
	if (!known)
		find_all(&found);
	known = true;
	return &found;
}

void host_caps_set(const struct host_caps *caps)
{
	injected = caps;
	known = false;
}

void host_kvm_device_set(const char *path)
{
	device = path;
}

const char *host_kvm_device(void)
{
	return device;
}

bool host_probe_emulated(const struct host_probe_state *p)
{
	return p->emulated == HOST_UNKNOWN ? p->insn_ns >= EMULATED_NS :
					     p->emulated == HOST_YES;
}

const char *host_kvm_state_name(enum host_kvm_state s)
{
	static const char *const names[] = {
		[HOST_KVM_USABLE] = "usable",
		[HOST_KVM_MISSING] = "missing",
		[HOST_KVM_NO_PERMISSION] = "no permission",
		[HOST_KVM_BUSY] = "busy",
		[HOST_KVM_BROKEN] = "broken",
	};

	return names[s];
}

const char *host_probe_result_name(enum host_probe_result r)
{
	static const char *const names[] = {
		[PROBE_NOT_RUN] = "not run",
		[PROBE_WORKS] = "works",
		[PROBE_FAILS] = "fails",
		[PROBE_HANGS] = "hangs",
	};

	return names[r];
}

const char *host_probe_key(enum host_probe p)
{
	return probes[p].key;
}

const char *host_probe_text(enum host_probe p)
{
	return probes[p].text;
}
