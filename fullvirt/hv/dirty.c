// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which pages of RAM were written: by the guest's processors, as KVM logs it
 * for each slot, and by our own code (devices, loaders, the interpreter), which
 * announces itself to the memory's trace.
 *
 * While the log is on, every page of RAM whose write by our code has not been
 * seen carries MEM_TRACED.  Pages are counted as the bus has them, so that a
 * closed address line 20 does not hide a write.
 *
 * Linux Documentation/virt/kvm/api.rst 4.8 (KVM_GET_DIRTY_LOG).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fullvirt/hv/hv.h"
#include "hypervisor/mem.h"

#define WORD_BITS	64

static uint64_t page_count(const struct hv_vm *vm)
{
	return vm->mem->top >> PAGE_SHIFT;
}

static uint64_t word_count(uint64_t pages)
{
	return (pages + WORD_BITS - 1) / WORD_BITS;
}

static void mark(uint64_t *bits, uint64_t page)
{
	__atomic_fetch_or(&bits[page / WORD_BITS], 1ULL << page % WORD_BITS,
			  __ATOMIC_SEQ_CST);
}

/* A mem_trace_fn; any thread that runs a vCPU. */
static void written_by_us(void *opaque, gpa_t gpa, size_t len)
{
	struct hv_vm *vm = opaque;
	uint64_t last = (gpa + len - 1) >> PAGE_SHIFT;

	for (uint64_t page = gpa >> PAGE_SHIFT; page <= last; page++) {
		mark(vm->dirty, page);
		__atomic_fetch_and(&vm->mem->flags[page],
				   (uint8_t)~MEM_TRACED, __ATOMIC_SEQ_CST);
	}
}

static void trace_all(struct hv_vm *vm, bool on)
{
	uint8_t *flags = vm->mem->flags;

	for (uint64_t page = 0; page < page_count(vm); page++)
		if (!on)
			__atomic_fetch_and(&flags[page], (uint8_t)~MEM_TRACED,
					   __ATOMIC_SEQ_CST);
		else if (flags[page] & MEM_RAM)
			__atomic_fetch_or(&flags[page], MEM_TRACED,
					  __ATOMIC_SEQ_CST);
	vm->mem->trace = on ? written_by_us : NULL;
	vm->mem->trace_opaque = on ? vm : NULL;
}

int hv_slot_dirty(struct hv_vm *vm, unsigned n)
{
	const struct hv_slot *s = &vm->slots[n];
	uint64_t pages = s->size >> PAGE_SHIFT, words = word_count(pages);
	struct kvm_dirty_log log = { .slot = n };
	uint64_t *got;
	int ret;

	if (!vm->dirty || !s->size || s->rom)
		return 0;
	got = calloc(words, sizeof(*got));
	if (!got)
		return -ENOMEM;
	log.dirty_bitmap = got;
	ret = hv_ioctl(vm->vm_fd, KVM_GET_DIRTY_LOG, &log);
	for (uint64_t p = 0; ret >= 0 && p < pages; p++)
		if (got[p / WORD_BITS] >> p % WORD_BITS & 1)
			mark(vm->dirty, (s->from >> PAGE_SHIFT) + p);
	free(got);
	return ret < 0 ? ret : 0;
}

static int start(struct hv_vm *vm)
{
	int ret;

	if (vm->dirty)
		return 0;
	/* The other engine watches memory for itself, and keeps no log. */
	if (vm->mem->trace)
		return -ENOTSUP;
	vm->dirty = calloc(word_count(page_count(vm)), sizeof(*vm->dirty));
	if (!vm->dirty)
		return -ENOMEM;
	ret = hv_slots_tell(vm);
	if (ret < 0) {
		free(vm->dirty);
		vm->dirty = NULL;
		return ret;
	}
	trace_all(vm, true);
	return 0;
}

static int stop(struct hv_vm *vm)
{
	if (!vm->dirty)
		return 0;
	trace_all(vm, false);
	free(vm->dirty);
	vm->dirty = NULL;
	return hv_slots_tell(vm);
}

int hv_dirty_log(struct engine *e, bool on)
{
	struct hv *hv = to_hv(e);
	int ret;

	hv_complete(hv);
	pthread_mutex_lock(&hv->vm->lock);
	ret = on ? start(hv->vm) : stop(hv->vm);
	pthread_mutex_unlock(&hv->vm->lock);
	x86_tlb_flush(&hv->x);
	return ret;
}

static int fetch(struct hv_vm *vm, uint64_t *bits)
{
	int ret = vm->dirty ? 0 : -EINVAL;

	for (unsigned n = 0; n < vm->nslots && !ret; n++)
		ret = hv_slot_dirty(vm, n);
	if (ret)
		return ret;
	for (uint64_t w = 0; w < word_count(page_count(vm)); w++) {
		bits[w] |= vm->dirty[w];
		vm->dirty[w] = 0;
	}
	trace_all(vm, true);
	return 0;
}

int hv_dirty_fetch(struct engine *e, uint64_t *bits)
{
	struct hv *hv = to_hv(e);
	int ret;

	hv_complete(hv);
	pthread_mutex_lock(&hv->vm->lock);
	ret = fetch(hv->vm, bits);
	pthread_mutex_unlock(&hv->vm->lock);
	x86_tlb_flush(&hv->x);
	return ret;
}
