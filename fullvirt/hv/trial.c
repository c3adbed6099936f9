// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What has to be known of a KVM before the guest's VM gets its first vCPU, and
 * only a VM can tell: does it lose states (hv_vm.weak), and do its interrupt
 * controllers give back what they are given?  The VM is thrown away.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fullvirt/hv/hv.h"

#define LAPIC_BYTES(reg)	((reg) * 16)
#define R_TPR		0x08
#define R_SVR		0x0f
#define R_IRR2		0x21	/* vectors 20h to 3Fh */
#define TRY_TPR		0x10
#define TRY_SVR		0x1ff
#define TRY_IRR		(1u << 5)
#define TRY_PIN		5
#define TRY_REDIR	0x10045ULL	/* masked, vector 45h */
#define TRY_BASE	0x28
#define TRY_IMR		0xa5

struct trial {
	int vm, vcpu;
	const char *failed;	/* the call that did */
};

static int ask(struct trial *t, int fd, unsigned long request, void *arg,
	       const char *name)
{
	int ret = hv_ioctl(fd, request, arg);

	if (ret < 0)
		t->failed = name;
	return ret;
}

#define ASK(t, fd, request, arg)	ask(t, (t)->fd, request, arg, #request)

/* Registers of a program in virtual-8086 mode, and what is left of them. */
static int try_v86(struct trial *t, bool *kept)
{
	struct kvm_sregs s;
	struct kvm_regs r;
	struct kvm_segment *seg[] = { &s.cs, &s.ds, &s.es, &s.fs, &s.gs,
				      &s.ss };
	int ret = ASK(t, vcpu, KVM_GET_SREGS, &s);

	for (unsigned n = 0; n < ARRAY_SIZE(seg); n++)
		*seg[n] = (struct kvm_segment){ .limit = 0xffff, .type = 3,
						.present = 1, .dpl = 3,
						.s = 1 };
	s.cr0 |= CR0_PE;
	if (ret >= 0)
		ret = ASK(t, vcpu, KVM_SET_SREGS, &s);
	memset(&r, 0, sizeof(r));
	r.rflags = FLAG_FIXED | FLAG_VM;
	if (ret >= 0)
		ret = ASK(t, vcpu, KVM_SET_REGS, &r);
	r.rflags = 0;
	if (ret >= 0)
		ret = ASK(t, vcpu, KVM_GET_REGS, &r);
	*kept = r.rflags & FLAG_VM;
	return ret;
}

static bool try_pic(struct trial *t)
{
	struct kvm_irqchip k = { .chip_id = KVM_IRQCHIP_PIC_MASTER };

	if (ASK(t, vm, KVM_GET_IRQCHIP, &k) < 0)
		return false;
	k.chip.pic.irq_base = TRY_BASE;
	k.chip.pic.imr = TRY_IMR;
	if (ASK(t, vm, KVM_SET_IRQCHIP, &k) < 0)
		return false;
	memset(&k.chip, 0, sizeof(k.chip));
	return ASK(t, vm, KVM_GET_IRQCHIP, &k) >= 0 &&
	       k.chip.pic.irq_base == TRY_BASE && k.chip.pic.imr == TRY_IMR;
}

static bool try_ioapic(struct trial *t)
{
	struct kvm_irqchip k = { .chip_id = KVM_IRQCHIP_IOAPIC };

	if (ASK(t, vm, KVM_GET_IRQCHIP, &k) < 0)
		return false;
	k.chip.ioapic.redirtbl[TRY_PIN].bits = TRY_REDIR;
	if (ASK(t, vm, KVM_SET_IRQCHIP, &k) < 0)
		return false;
	memset(&k.chip, 0, sizeof(k.chip));
	return ASK(t, vm, KVM_GET_IRQCHIP, &k) >= 0 &&
	       k.chip.ioapic.redirtbl[TRY_PIN].bits == TRY_REDIR;
}

static bool try_lapic(struct trial *t)
{
	static const struct { unsigned reg; uint32_t val; } tries[] = {
		{ R_TPR, TRY_TPR }, { R_SVR, TRY_SVR }, { R_IRR2, TRY_IRR },
	};
	struct kvm_lapic_state k;

	if (ASK(t, vcpu, KVM_GET_LAPIC, &k) < 0)
		return false;
	for (unsigned n = 0; n < ARRAY_SIZE(tries); n++)
		memcpy(&k.regs[LAPIC_BYTES(tries[n].reg)], &tries[n].val, 4);
	if (ASK(t, vcpu, KVM_SET_LAPIC, &k) < 0)
		return false;
	memset(&k, 0, sizeof(k));
	if (ASK(t, vcpu, KVM_GET_LAPIC, &k) < 0)
		return false;
	for (unsigned n = 0; n < ARRAY_SIZE(tries); n++)
		if (memcmp(&k.regs[LAPIC_BYTES(tries[n].reg)], &tries[n].val,
			   4))
			return false;
	return true;
}

static bool make_irqchip(struct trial *t)
{
	return hv_ioctl(t->vm, KVM_CREATE_IRQCHIP, NULL) >= 0;
}

static int try_all(struct trial *t, struct hv_vm *vm, bool irqchip)
{
	bool made = irqchip && make_irqchip(t), kept;
	int ret;

	t->vcpu = ret = ASK(t, vm, KVM_CREATE_VCPU, NULL);
	if (ret < 0)
		return ret;
	ret = try_v86(t, &kept);
	if (ret < 0)
		return ret;
	vm->weak = !kept;
	vm->irqchip_works = made && try_pic(t) && try_ioapic(t) &&
			    try_lapic(t);
	return 0;
}

int hv_vm_try(struct hv_vm *vm, bool irqchip, char *err)
{
	struct trial t = { .vm = -1, .vcpu = -1 };
	int ret;

	t.vm = ret = hv_ioctl(vm->kvm_fd, KVM_CREATE_VM, NULL);
	if (ret < 0)
		t.failed = "KVM_CREATE_VM";
	else
		ret = try_all(&t, vm, irqchip);
	if (ret < 0)
		snprintf(err, HV_REASON, "hv: %s: %s", t.failed,
			 strerror(-ret));
	if (t.vcpu >= 0)
		close(t.vcpu);
	if (t.vm >= 0)
		close(t.vm);
	return ret < 0 ? ret : 0;
}
