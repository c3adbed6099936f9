// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KVM's memory slots from the guest-physical map.
 *
 * RAM lies at base + gpa in this process, so each run of pages of one kind is
 * one slot, and with address line 20 closed each megabyte.  KVM cannot turn
 * RAM into ROM or shorten a slot: what changed is deleted first, then added;
 * what did not stays untouched, and with it KVM's shadow pages.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fullvirt/hv/hv.h"
#include "hypervisor/mem.h"

/* What the processor reaches at @page, past address line 20. */
static uint64_t bus_page(const struct mem *m, uint64_t page)
{
	return page & m->a20_mask >> PAGE_SHIFT;
}

static uint8_t kind(const struct mem *m, uint64_t page)
{
	return m->flags[bus_page(m, page)] & (MEM_RAM | MEM_ROM);
}

/* Do @page and the one before it belong to one run? */
static bool continues(const struct mem *m, uint64_t page)
{
	return kind(m, page) == kind(m, page - 1) &&
	       bus_page(m, page) == bus_page(m, page - 1) + 1;
}

/* The next run of backed pages at or behind @gpa; false: none. */
static bool next_run(const struct mem *m, gpa_t gpa, struct hv_slot *run)
{
	uint64_t page = gpa >> PAGE_SHIFT, end = m->top >> PAGE_SHIFT, last;

	while (page < end && !kind(m, page))
		page++;
	if (page == end)
		return false;
	last = page + 1;
	while (last < end && continues(m, last))
		last++;
	run->gpa = page << PAGE_SHIFT;
	run->from = bus_page(m, page) << PAGE_SHIFT;
	run->size = (last - page) << PAGE_SHIFT;
	run->rom = kind(m, page) & MEM_ROM;
	return true;
}

static bool same(const struct hv_slot *a, const struct hv_slot *b)
{
	return a->gpa == b->gpa && a->from == b->from && a->size == b->size &&
	       a->rom == b->rom;
}

/* Without read-only slots, ROM is memory whose writes are not stopped. */
static int tell_kvm(struct hv_vm *vm, unsigned n, const struct hv_slot *s)
{
	struct kvm_userspace_memory_region r = {
		.slot = n,
		.flags = s->rom ? vm->readonly ? KVM_MEM_READONLY : 0 :
			 vm->dirty ? KVM_MEM_LOG_DIRTY_PAGES : 0,
		.guest_phys_addr = s->gpa,
		.memory_size = s->size,
		.userspace_addr = (uintptr_t)mem_hva(vm->mem, s->from),
	};

	return hv_ioctl(vm->vm_fd, KVM_SET_USER_MEMORY_REGION, &r);
}

static bool still_there(const struct hv_vm *vm, const struct hv_slot *s)
{
	const struct mem *m = vm->mem;
	struct hv_slot run;

	if (s->gpa && continues(m, s->gpa >> PAGE_SHIFT))
		return false;	/* a part of a longer run by now */
	return next_run(m, s->gpa, &run) && same(&run, s);
}

static int delete_stale(struct hv_vm *vm)
{
	int ret = 0;

	for (unsigned n = 0; n < vm->nslots && ret >= 0; n++) {
		struct hv_slot *s = &vm->slots[n];

		if (!s->size || still_there(vm, s))
			continue;
		ret = hv_slot_dirty(vm, n);
		s->size = 0;
		if (!ret)
			ret = tell_kvm(vm, n, s);
	}
	return ret;
}

int hv_slots_tell(struct hv_vm *vm)
{
	int ret = 0;

	for (unsigned n = 0; n < vm->nslots && ret >= 0; n++)
		if (vm->slots[n].size)
			ret = tell_kvm(vm, n, &vm->slots[n]);
	return ret;
}

static bool known(const struct hv_vm *vm, const struct hv_slot *run)
{
	for (unsigned n = 0; n < vm->nslots; n++)
		if (vm->slots[n].size && same(&vm->slots[n], run))
			return true;
	return false;
}

static int add(struct hv_vm *vm, const struct hv_slot *run)
{
	unsigned n = 0;
	int ret;

	while (n < vm->nslots && vm->slots[n].size)
		n++;
	if (n == vm->max_slots)
		return -ENOSPC;
	ret = tell_kvm(vm, n, run);
	if (ret < 0)
		return ret;
	vm->slots[n] = *run;
	if (n == vm->nslots)
		vm->nslots++;
	return 0;
}

static int sync_locked(struct hv_vm *vm)
{
	struct hv_slot run = { .size = 0 };
	int ret = delete_stale(vm);

	for (gpa_t gpa = 0; ret >= 0 && next_run(vm->mem, gpa, &run);
	     gpa = run.gpa + run.size)
		if (!known(vm, &run))
			ret = add(vm, &run);
	return ret < 0 ? ret : 0;
}

int hv_slots_sync(struct hv_vm *vm, char *err)
{
	int ret;

	pthread_mutex_lock(&vm->lock);
	ret = sync_locked(vm);
	pthread_mutex_unlock(&vm->lock);
	if (ret == -ENOSPC)
		snprintf(err, HV_REASON, "hv: guest memory is in more than %u "
			 "pieces, KVM's memory slots are used up",
			 vm->max_slots);
	else if (ret)
		snprintf(err, HV_REASON, "hv: KVM refuses guest memory: %s",
			 strerror(-ret));
	return ret;
}
