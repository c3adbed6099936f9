// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What CPUID shows under HV: the table of the interpreter (x86/cpuid.c), so
 * that a guest keeps its processor when it moves from BT, without features
 * that KVM cannot give.
 */
#include <errno.h>
#include <string.h>

#include "fullvirt/hv/hv.h"

#define LEAF_FEATURES	1
#define LEAF_CACHES	4
#define LEAF_EXT	0x80000001u
#define CACHES		4	/* subleaves, the last of them empty */
#define F1C_HYPERVISOR	(1u << 31)
/* CPUID shows the APIC's enable bit, which KVM takes care of. */
#define F1D_APIC	(1u << 9)

static const uint32_t leaves[] = {
	0, 1, 2, 3, 0x40000000, 0x80000000, 0x80000001, 0x80000002,
	0x80000003, 0x80000004, 0x80000005, 0x80000006, 0x80000007,
	0x80000008,
};

static const struct kvm_cpuid_entry2 *supported(const struct hv_vm *vm,
						uint32_t leaf)
{
	for (unsigned n = 0; n < vm->supported->nent; n++)
		if (vm->supported->entries[n].function == leaf)
			return &vm->supported->entries[n];
	return NULL;
}

/* Feature words hold no more than KVM can do. */
static void filter(const struct hv_vm *vm, struct kvm_cpuid_entry2 *e)
{
	const struct kvm_cpuid_entry2 *s = supported(vm, e->function);

	if (!s || (e->function != LEAF_FEATURES && e->function != LEAF_EXT))
		return;
	if (e->function == LEAF_FEATURES) {
		e->ecx &= s->ecx | F1C_HYPERVISOR;
		e->edx &= s->edx | F1D_APIC;
		return;
	}
	e->ecx &= s->ecx;
	e->edx &= s->edx;
}

static void add(struct hv *hv, struct kvm_cpuid2 *c, uint32_t leaf,
		uint32_t subleaf, uint32_t flags)
{
	struct kvm_cpuid_entry2 *e = &c->entries[c->nent++];
	uint32_t out[4];

	x86_cpuid(&hv->x, leaf, subleaf, out);
	*e = (struct kvm_cpuid_entry2){
		.function = leaf, .index = subleaf, .flags = flags,
		.eax = out[0], .ebx = out[1], .ecx = out[2], .edx = out[3],
	};
	filter(hv->vm, e);
}

int hv_cpuid_set(struct hv *hv)
{
	struct {
		struct kvm_cpuid2 c;
		struct kvm_cpuid_entry2 entries[HV_CPUID_MAX];
	} all;

	memset(&all, 0, sizeof(all));
	for (unsigned n = 0; n < ARRAY_SIZE(leaves); n++)
		add(hv, &all.c, leaves[n], 0, 0);
	for (unsigned n = 0; n < CACHES; n++)
		add(hv, &all.c, LEAF_CACHES, n,
		    KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
	return hv_ioctl(hv->fd, KVM_SET_CPUID2, &all);
}
