// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /dev/kvm, and the KVM VM that the engines of one machine share.
 *
 * Linux Documentation/virt/kvm/api.rst.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fullvirt/hv/hv.h"
#include "hypervisor/host.h"	/* the device's name */

#define API_VERSION	12
/* Slots of KVMs that do not say, api.rst 4.35. */
#define SLOTS_DEFAULT	32
/*
 * Intel processors without "unrestricted guest" run real mode in v8086 mode
 * and need a TSS and a page table for that: four pages below the BIOS that
 * guests do not see.
 */
#define IDENTITY_MAP	0xfffbc000ULL
#define TSS_ADDR	0xfffbd000ULL
#define CPUID_ROOM	256

hv_ioctl_fn *hv_ioctl_hook;

int hv_ioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	if (hv_ioctl_hook)
		return hv_ioctl_hook(fd, request, arg);
	ret = ioctl(fd, request, arg);
	return ret < 0 ? -errno : ret;
}

bool hv_vm_has(const struct hv_vm *vm, int cap)
{
	return hv_ioctl(vm->vm_fd, KVM_CHECK_EXTENSION,
			(void *)(uintptr_t)cap) > 0;
}

static const char *open_advice(int err)
{
	switch (err) {
	case -ENOENT:
		return "no KVM here; use --engine bt";
	case -EACCES:
	case -EPERM:
		return "may you use it? group kvm; or --engine bt";
	case -EBUSY:
		return "another hypervisor has the processor";
	default:
		return "use --engine bt";
	}
}

static int open_kvm(struct hv_vm *vm, char *err)
{
	int version;

	vm->kvm_fd = open(host_kvm_device(), O_RDWR | O_CLOEXEC);
	if (vm->kvm_fd < 0) {
		int code = -errno;

		snprintf(err, HV_REASON, "hv: %s: %s (%s)", host_kvm_device(),
			 strerror(-code), open_advice(code));
		return code;
	}
	version = hv_ioctl(vm->kvm_fd, KVM_GET_API_VERSION, NULL);
	if (version == API_VERSION)
		return 0;
	snprintf(err, HV_REASON, "hv: %s: API version %d, not %d",
		 host_kvm_device(), version, API_VERSION);
	return -ENOTSUP;
}

static const struct {
	int cap;
	const char *name;
} required[] = {
	{ KVM_CAP_USER_MEMORY, "memory slots" },
	{ KVM_CAP_EXT_CPUID, "CPUID" },
	{ KVM_CAP_USER_NMI, "NMI" },
	{ KVM_CAP_VCPU_EVENTS, "events" },
	{ KVM_CAP_DEBUGREGS, "debug registers" },
	{ KVM_CAP_XSAVE, "XSAVE" },
	{ KVM_CAP_XCRS, "XCR0" },
	{ KVM_CAP_IMMEDIATE_EXIT, "immediate exit" },
};

static int check_caps(struct hv_vm *vm, char *err)
{
	int debug;

	for (unsigned i = 0; i < ARRAY_SIZE(required); i++)
		if (!hv_vm_has(vm, required[i].cap)) {
			snprintf(err, HV_REASON, "hv: this KVM lacks %s "
				 "(Linux 4.12 or newer)", required[i].name);
			return -ENOTSUP;
		}
	vm->sregs2 = hv_vm_has(vm, KVM_CAP_SREGS2);
	vm->readonly = hv_vm_has(vm, KVM_CAP_READONLY_MEM);
	debug = hv_ioctl(vm->vm_fd, KVM_CHECK_EXTENSION,
			 (void *)KVM_CAP_SET_GUEST_DEBUG2);
	vm->block_irq = debug > 0 && debug & KVM_GUESTDBG_BLOCKIRQ;
	vm->msr_exits = hv_vm_has(vm, KVM_CAP_X86_USER_SPACE_MSR) &&
			hv_vm_has(vm, KVM_CAP_X86_MSR_FILTER);
	return 0;
}

static int get_supported_cpuid(struct hv_vm *vm)
{
	vm->supported = calloc(1, sizeof(*vm->supported) + CPUID_ROOM *
			       sizeof(struct kvm_cpuid_entry2));
	if (!vm->supported)
		return -ENOMEM;
	vm->supported->nent = CPUID_ROOM;
	return hv_ioctl(vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, vm->supported);
}

static int real_mode_pages(struct hv_vm *vm)
{
	uint64_t map = IDENTITY_MAP;
	int ret = 0;

	if (hv_vm_has(vm, KVM_CAP_SET_IDENTITY_MAP_ADDR))
		ret = hv_ioctl(vm->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &map);
	if (ret >= 0 && hv_vm_has(vm, KVM_CAP_SET_TSS_ADDR))
		ret = hv_ioctl(vm->vm_fd, KVM_SET_TSS_ADDR,
			       (void *)(uintptr_t)TSS_ADDR);
	return ret;
}

/*
 * Code at CPL 3 that KVM cannot emulate would get #UD otherwise.  KVMs that
 * lack it (before Linux 5.14) emulate nothing there but MMIO.
 */
static int emulation_exits(struct hv_vm *vm)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_EXIT_ON_EMULATION_FAILURE,
		.args = { 1 },
	};

	if (!hv_vm_has(vm, cap.cap))
		return 0;
	return hv_ioctl(vm->vm_fd, KVM_ENABLE_CAP, &cap);
}

static int alloc_slots(struct hv_vm *vm)
{
	int n = hv_ioctl(vm->vm_fd, KVM_CHECK_EXTENSION,
			 (void *)KVM_CAP_NR_MEMSLOTS);

	vm->max_slots = n > 0 ? n : SLOTS_DEFAULT;
	vm->slots = calloc(vm->max_slots, sizeof(*vm->slots));
	return vm->slots ? 0 : -ENOMEM;
}

static int set_up(struct hv_vm *vm, char *err)
{
	int ret = open_kvm(vm, err);

	if (ret)
		return ret;
	snprintf(err, HV_REASON, "hv: cannot make a VM");
	vm->vm_fd = ret = hv_ioctl(vm->kvm_fd, KVM_CREATE_VM, NULL);
	if (ret < 0) {
		snprintf(err, HV_REASON, "hv: KVM_CREATE_VM: %s (%s)",
			 strerror(-ret), open_advice(ret));
		return ret;
	}
	ret = check_caps(vm, err);
	if (ret)
		return ret;
	ret = hv_ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, NULL);
	vm->run_size = ret;
	if (ret < 0 || (ret = get_supported_cpuid(vm)) < 0 ||
	    (ret = real_mode_pages(vm)) < 0 ||
	    (ret = emulation_exits(vm)) < 0 || (ret = alloc_slots(vm)) < 0) {
		snprintf(err, HV_REASON, "hv: KVM refuses the VM: %s",
			 strerror(-ret));
		return ret;
	}
	return hv_slots_sync(vm, err);
}

int hv_vm_create(struct hv_vm **out, struct mem *mem, char *err)
{
	struct hv_vm *vm = calloc(1, sizeof(*vm));
	int ret;

	*out = NULL;
	if (!vm) {
		snprintf(err, HV_REASON, "hv: out of memory");
		return -ENOMEM;
	}
	vm->users = 1;
	vm->kvm_fd = vm->vm_fd = -1;
	vm->mem = mem;
	pthread_mutex_init(&vm->lock, NULL);
	ret = set_up(vm, err);
	if (ret < 0) {
		hv_vm_put(vm);
		return ret;
	}
	*out = vm;
	return 0;
}

void hv_vm_put(struct hv_vm *vm)
{
	if (!vm || --vm->users)
		return;
	if (vm->vm_fd >= 0)
		close(vm->vm_fd);
	if (vm->kvm_fd >= 0)
		close(vm->kvm_fd);
	pthread_mutex_destroy(&vm->lock);
	free(vm->supported);
	free(vm->slots);
	free(vm->dirty);
	free(vm);
}
