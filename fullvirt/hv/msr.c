// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Model-specific registers: which of them KVM keeps.
 *
 * Those that the processor itself acts on are KVM's.  All others exit to us
 * and are the interpreter's (x86/msr.c), so that a guest finds the same
 * registers under BT and HV.  A KVM without MSR filters (before Linux 5.10)
 * keeps whatever it knows, and the guest gets #GP for the rest.
 */
#include <errno.h>
#include <string.h>
#include <x86intrin.h>	/* __rdtsc */

#include "fullvirt/hv/hv.h"

#define MSR_TSC		0x10
/* The local APIC's owner has it: KVM's, or ours by an exit. */
#define MSR_APIC_BASE	0x1b

/*
 * X(first, last): MSRs that the guest may use without an exit.  TSC; SYSENTER;
 * PAT; EFER, STAR, LSTAR, CSTAR, SFMASK; FS, GS and kernel GS base, TSC_AUX.
 */
#define KVM_RANGES(X) \
	X(0x10, 0x10) \
	X(0x174, 0x176) \
	X(0x277, 0x277) \
	X(0xc0000080, 0xc0000084) \
	X(0xc0000100, 0xc0000103)

/* Those with a place in struct msr_state (EFER travels in the sregs). */
static const struct {
	uint32_t msr;
	uint16_t offset;
	bool optional;		/* not on every processor */
} kept[] = {
#define KEPT(msr, name, optional) \
	{ msr, offsetof(struct msr_state, name), optional }
	KEPT(0x174, sysenter_cs, false),
	KEPT(0x175, sysenter_esp, false),
	KEPT(0x176, sysenter_eip, false),
	KEPT(0x277, pat, false),
	KEPT(0xc0000081, star, false),
	KEPT(0xc0000082, lstar, false),
	KEPT(0xc0000083, cstar, false),
	KEPT(0xc0000084, sfmask, false),
	KEPT(0xc0000102, kernel_gs_base, false),
	KEPT(0xc0000103, tsc_aux, true),
#undef KEPT
};

#define ROOM	ARRAY_SIZE(kept)

struct msr_list {
	struct kvm_msrs h;
	struct kvm_msr_entry e[ROOM];
};

static uint64_t *place(struct hv *hv, unsigned n)
{
	return (uint64_t *)((uint8_t *)&hv->v.msr + kept[n].offset);
}

/* One MSR; KVM says how many it did. */
static int one(struct hv *hv, unsigned long request, uint32_t msr,
	       uint64_t *val)
{
	struct {
		struct kvm_msrs h;
		struct kvm_msr_entry e;
	} m = { .h.nmsrs = 1, .e = { .index = msr, .data = *val } };
	int ret = hv_ioctl(hv->fd, request, &m);

	*val = m.e.data;
	return ret;
}

static int tsc_attr(struct hv *hv, unsigned long request, uint64_t *offset)
{
	struct kvm_device_attr a = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uintptr_t)offset,
	};

	return hv_ioctl(hv->fd, request, &a);
}

/*
 * The offset itself where KVM tells it (Linux 5.16); otherwise through the
 * counter, which costs some ns of accuracy each time.  On a host whose counter
 * is not stable, KVM moves the offset with every call for the vCPU, so that
 * the guest's counter stands while the vCPU does.  Who takes the state reckons
 * with one that goes on, so what is read first after a stay in KVM_RUN counts
 * until the next.
 */
int hv_tsc_load(struct hv *hv)
{
	uint64_t tsc = 0;
	int ret;

	if (hv->tsc_known)
		return 0;
	if (hv->tsc_attr) {
		ret = tsc_attr(hv, KVM_GET_DEVICE_ATTR, &hv->v.msr.tsc_offset);
	} else {
		ret = one(hv, KVM_GET_MSRS, MSR_TSC, &tsc);
		if (ret == 1)
			hv->v.msr.tsc_offset = tsc - __rdtsc();
	}
	hv->tsc_known = ret >= 0;
	return ret;
}

static int tsc_store(struct hv *hv)
{
	uint64_t tsc;

	hv->tsc_known = true;
	if (hv->tsc_attr)
		return tsc_attr(hv, KVM_SET_DEVICE_ATTR,
				&hv->v.msr.tsc_offset);
	tsc = __rdtsc() + hv->v.msr.tsc_offset;
	return one(hv, KVM_SET_MSRS, MSR_TSC, &tsc);
}

int hv_msrs_load(struct hv *hv)
{
	int ret = hv_tsc_load(hv);

	for (unsigned n = 0; n < ROOM && ret >= 0; n++)
		if (one(hv, KVM_GET_MSRS, kept[n].msr, place(hv, n)) != 1 &&
		    !kept[n].optional)
			ret = hv_break(hv, -EIO, "KVM_GET_MSRS: no MSR %x",
				       kept[n].msr);
	return ret < 0 ? ret : 0;
}

int hv_msrs_store(struct hv *hv)
{
	int ret = tsc_store(hv);

	for (unsigned n = 0; n < ROOM && ret >= 0; n++) {
		uint64_t val = *place(hv, n);

		if (one(hv, KVM_SET_MSRS, kept[n].msr, &val) != 1 &&
		    !kept[n].optional)
			ret = hv_break(hv, -EIO, "KVM_SET_MSRS: MSR %x cannot "
				       "be %llx", kept[n].msr,
				       (unsigned long long)*place(hv, n));
	}
	return ret < 0 ? ret : 0;
}

int hv_msrs_filter(struct hv_vm *vm)
{
	static uint8_t all[8];
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X86_USER_SPACE_MSR,
		.args = { KVM_MSR_EXIT_REASON_FILTER |
			  KVM_MSR_EXIT_REASON_UNKNOWN },
	};
	struct kvm_msr_filter f = { .flags = KVM_MSR_FILTER_DEFAULT_DENY };
	unsigned n = 0;
	int ret;

	if (!vm->msr_exits)
		return 0;
	memset(all, 0xff, sizeof(all));
#define X(first, last) \
	f.ranges[n++] = (struct kvm_msr_filter_range){ \
		.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE, \
		.base = first, .nmsrs = last - first + 1, .bitmap = all };
	KVM_RANGES(X)
	if (vm->irqchip)
		X(MSR_APIC_BASE, MSR_APIC_BASE)
#undef X
	ret = hv_ioctl(vm->vm_fd, KVM_ENABLE_CAP, &cap);
	return ret < 0 ? ret : hv_ioctl(vm->vm_fd, KVM_X86_SET_MSR_FILTER, &f);
}

void hv_msr_exit(struct hv *hv, bool write)
{
	struct kvm_run *run = hv->run;
	uint64_t val = run->msr.data;

	hv->stats.msr++;
	if (write)
		run->msr.error = x86_wrmsr(&hv->x, run->msr.index, val) != 0;
	else
		run->msr.error = x86_rdmsr(&hv->x, run->msr.index, &val) != 0;
	run->msr.data = val;
}
