// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KVM's own interrupt controllers: two 8259s, I/O APIC, a local APIC for each
 * vCPU.  With them interrupts, IPIs, HLT and start-up of processors need no
 * exit.  The timers that raise the lines stay ours, so time is kept as ever.
 *
 * Linux Documentation/virt/kvm/api.rst 4.24 to 4.27, 4.57, 4.58; registers of
 * the local APIC lie in struct kvm_lapic_state as in its page.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fullvirt/hv/hv.h"
#include "hypervisor/irqchip.h"

#define ISA_LINES	16
#define CASCADE		2
#define TIMER_PIN	2	/* of the I/O APIC, for line 0 */
#define ROUTES		(2 * ISA_LINES + IRQCHIP_PINS - ISA_LINES)
#define IOAPIC_BASE	0xfec00000ULL
#define ELCR_MASTER	0xf8
#define ELCR_SLAVE	0xde

static void route(struct kvm_irq_routing *r, unsigned gsi, unsigned chip,
		  unsigned pin)
{
	r->entries[r->nr++] = (struct kvm_irq_routing_entry){
		.gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

/* An ISA line reaches both; line 2 is the cascade and nobody's. */
static int set_routes(struct hv_vm *vm)
{
	struct {
		struct kvm_irq_routing r;
		struct kvm_irq_routing_entry e[ROUTES];
	} all;

	memset(&all, 0, sizeof(all));
	for (unsigned n = 0; n < ISA_LINES; n++) {
		if (n == CASCADE)
			continue;
		route(&all.r, n, n < 8 ? KVM_IRQCHIP_PIC_MASTER :
		      KVM_IRQCHIP_PIC_SLAVE, n & 7);
		route(&all.r, n, KVM_IRQCHIP_IOAPIC, n ? n : TIMER_PIN);
	}
	for (unsigned n = ISA_LINES; n < IRQCHIP_PINS; n++)
		route(&all.r, n, KVM_IRQCHIP_IOAPIC, n);
	return hv_ioctl(vm->vm_fd, KVM_SET_GSI_ROUTING, &all);
}

/*
 * "auto" leaves them to us: Linux with two processors has been seen to stall
 * with KVM's, on a KVM whose hardware was emulated, and not with ours.
 */
int hv_irqchip_create(struct hv_vm *vm, enum hv_irqchip want, char *err)
{
	int ret;

	if (want != HV_IRQCHIP_ON)
		return 0;
	ret = hv_ioctl(vm->vm_fd, KVM_CREATE_IRQCHIP, NULL);
	if (ret >= 0)
		ret = set_routes(vm);
	vm->irqchip = ret >= 0;
	if (ret < 0)
		snprintf(err, HV_REASON, "hv.irqchip=on: KVM has none: %s",
			 strerror(-ret));
	return ret < 0 ? ret : 0;
}

static bool present(struct engine *e)
{
	return to_hv(e)->vm->irqchip;
}

static void line(struct engine *e, unsigned input, bool level)
{
	struct kvm_irq_level l = { .irq = input, .level = level };
	struct hv *hv = to_hv(e);
	int ret = hv_ioctl(hv->vm->vm_fd, KVM_IRQ_LINE, &l);

	if (ret < 0)
		hv_break(hv, ret, "KVM_IRQ_LINE: %s", strerror(-ret));
}

/* Our ICW states begin with 2 and KVM's with 1 (ICW2). */
static void pic_store(const struct irqchip_pic *p, struct kvm_pic_state *k,
		      uint8_t elcr_mask)
{
	*k = (struct kvm_pic_state){
		.last_irr = p->lines, .irr = p->irr, .imr = p->imr,
		.isr = p->isr, .priority_add = p->top, .irq_base = p->base,
		.read_reg_select = p->read_isr, .poll = p->poll,
		.special_mask = p->special_mask,
		.init_state = p->init ? p->init - 1 : 0,
		.auto_eoi = p->auto_eoi,
		.rotate_on_auto_eoi = p->rotate_auto_eoi,
		.special_fully_nested_mode = p->special_nested,
		.init4 = p->icw4_wanted, .elcr = p->elcr,
		.elcr_mask = elcr_mask,
	};
}

static void pic_load(struct irqchip_pic *p, const struct kvm_pic_state *k)
{
	*p = (struct irqchip_pic){
		.lines = k->last_irr, .irr = k->irr, .imr = k->imr,
		.isr = k->isr, .top = k->priority_add & 7,
		.base = k->irq_base, .read_isr = k->read_reg_select,
		.poll = k->poll, .special_mask = k->special_mask,
		.init = k->init_state ? k->init_state + 1 : 0,
		.auto_eoi = k->auto_eoi,
		.rotate_auto_eoi = k->rotate_on_auto_eoi,
		.special_nested = k->special_fully_nested_mode,
		.icw4_wanted = k->init4, .elcr = k->elcr,
	};
}

static int get(struct engine *e, struct irqchip_state *s)
{
	struct hv *hv = to_hv(e);
	struct kvm_irqchip k = { .chip_id = KVM_IRQCHIP_PIC_MASTER };
	int ret;

	for (unsigned n = 0; n < 2; n++) {
		k.chip_id = n;
		ret = hv_ioctl(hv->vm->vm_fd, KVM_GET_IRQCHIP, &k);
		if (ret < 0)
			return ret;
		pic_load(&s->pic[n], &k.chip.pic);
	}
	k.chip_id = KVM_IRQCHIP_IOAPIC;
	ret = hv_ioctl(hv->vm->vm_fd, KVM_GET_IRQCHIP, &k);
	if (ret < 0)
		return ret;
	for (unsigned n = 0; n < IRQCHIP_PINS; n++)
		s->ioapic.redir[n] = k.chip.ioapic.redirtbl[n].bits;
	s->ioapic.lines = k.chip.ioapic.irr;
	s->ioapic.id = k.chip.ioapic.id & 15;
	s->ioapic.index = k.chip.ioapic.ioregsel;
	return 0;
}

static int set(struct engine *e, const struct irqchip_state *s)
{
	static const uint8_t mask[] = { ELCR_MASTER, ELCR_SLAVE };
	struct hv *hv = to_hv(e);
	struct kvm_irqchip k;
	int ret;

	for (unsigned n = 0; n < 2; n++) {
		memset(&k, 0, sizeof(k));
		k.chip_id = n;
		pic_store(&s->pic[n], &k.chip.pic, mask[n]);
		ret = hv_ioctl(hv->vm->vm_fd, KVM_SET_IRQCHIP, &k);
		if (ret < 0)
			return ret;
	}
	memset(&k, 0, sizeof(k));
	k.chip_id = KVM_IRQCHIP_IOAPIC;
	k.chip.ioapic.base_address = IOAPIC_BASE;
	for (unsigned n = 0; n < IRQCHIP_PINS; n++)
		k.chip.ioapic.redirtbl[n].bits = s->ioapic.redir[n];
	k.chip.ioapic.irr = s->ioapic.lines;
	k.chip.ioapic.id = s->ioapic.id;
	k.chip.ioapic.ioregsel = s->ioapic.index;
	return hv_ioctl(hv->vm->vm_fd, KVM_SET_IRQCHIP, &k);
}

static int get_lapic(struct engine *e, struct irqchip_lapic *l)
{
	struct kvm_lapic_state k;
	int ret = hv_ioctl(to_hv(e)->fd, KVM_GET_LAPIC, &k);

	for (unsigned n = 0; n < IRQCHIP_LAPIC_REGS; n++)
		memcpy(&l->reg[n], &k.regs[16 * n], 4);
	return ret < 0 ? ret : 0;
}

static int set_lapic(struct engine *e, const struct irqchip_lapic *l)
{
	struct kvm_lapic_state k;
	int ret;

	memset(&k, 0, sizeof(k));
	for (unsigned n = 0; n < IRQCHIP_LAPIC_REGS; n++)
		memcpy(&k.regs[16 * n], &l->reg[n], 4);
	ret = hv_ioctl(to_hv(e)->fd, KVM_SET_LAPIC, &k);
	return ret < 0 ? ret : 0;
}

const struct engine_irqchip hv_irqchip = {
	.present = present,
	.line = line,
	.get = get,
	.set = set,
	.get_lapic = get_lapic,
	.set_lapic = set_lapic,
};
