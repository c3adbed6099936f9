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
#include <pthread.h>
#include <signal.h>
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
#define SVR_ENABLE	0x100
#define LVT_MASKED	0x10000
#define LVT_MODE	0x60000		/* 0: one-shot */

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

static int refuse(enum hv_irqchip want, int code, const char *why, char *err)
{
	if (want != HV_IRQCHIP_ON)
		return 0;
	snprintf(err, HV_REASON, "hv.irqchip=on: %s", why);
	return code;
}

/*
 * "auto" takes them where they work; but not where the interpreter runs much
 * of the guest, which would not reach them.
 */
int hv_irqchip_create(struct hv_vm *vm, enum hv_irqchip want, char *err)
{
	int ret;

	if (want == HV_IRQCHIP_OFF || (want == HV_IRQCHIP_AUTO && vm->weak))
		return 0;
	if (!vm->irqchip_works)
		return refuse(want, -ENOTSUP, "this KVM has none, or they do "
			      "not keep their state", err);
	ret = hv_ioctl(vm->vm_fd, KVM_CREATE_IRQCHIP, NULL);
	if (ret < 0)
		return refuse(want, ret, strerror(-ret), err);
	ret = set_routes(vm);
	vm->irqchip = ret >= 0;
	if (ret < 0)
		snprintf(err, HV_REASON, "hv: KVM_SET_GSI_ROUTING: %s",
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

static int set_pics(struct hv *hv, const struct irqchip_pic *pic)
{
	static const uint8_t mask[] = { ELCR_MASTER, ELCR_SLAVE };
	struct kvm_irqchip k;
	int ret = 0;

	for (unsigned n = 0; n < 2 && ret >= 0; n++) {
		memset(&k, 0, sizeof(k));
		k.chip_id = n;
		pic_store(&pic[n], &k.chip.pic, mask[n]);
		ret = hv_ioctl(hv->vm->vm_fd, KVM_SET_IRQCHIP, &k);
	}
	return ret;
}

/*
 * KVM sends a message for each pin whose line it is told is up.  That is what
 * level-triggered ones need; the edges of others have been.
 */
static int set_ioapic(struct hv *hv, const struct irqchip_ioapic *io)
{
	struct kvm_irqchip k;

	memset(&k, 0, sizeof(k));
	k.chip_id = KVM_IRQCHIP_IOAPIC;
	k.chip.ioapic.base_address = IOAPIC_BASE;
	for (unsigned n = 0; n < IRQCHIP_PINS; n++) {
		k.chip.ioapic.redirtbl[n].bits = io->redir[n];
		if (io->redir[n] & IOAPIC_LEVEL)
			k.chip.ioapic.irr |= io->lines & 1u << n;
	}
	k.chip.ioapic.id = io->id;
	k.chip.ioapic.ioregsel = io->index;
	return hv_ioctl(hv->vm->vm_fd, KVM_SET_IRQCHIP, &k);
}

/*
 * KVM keeps the level of each line outside of its chips, too, as it was when
 * ours took over.  The chips are masked while it hears of the present ones.
 */
static int set_lines(struct hv *hv, const struct irqchip_state *s)
{
	static const struct irqchip_pic quiet[2] = {
		{ .imr = 0xff }, { .imr = 0xff },
	};
	struct irqchip_ioapic masked = { .lines = 0 };
	int ret;

	for (unsigned n = 0; n < IRQCHIP_PINS; n++)
		masked.redir[n] = IOAPIC_MASKED;
	ret = set_pics(hv, quiet);
	if (ret >= 0)
		ret = set_ioapic(hv, &masked);
	for (unsigned n = 0; n < IRQCHIP_PINS && ret >= 0; n++) {
		struct kvm_irq_level l = { .irq = n };

		if (n == CASCADE)
			continue;
		l.level = n < ISA_LINES ? s->pic[n / 8].lines >> n % 8 & 1 :
			  s->ioapic.lines >> n & 1;
		ret = hv_ioctl(hv->vm->vm_fd, KVM_IRQ_LINE, &l);
	}
	return ret;
}

static int set(struct engine *e, const struct irqchip_state *s)
{
	struct hv *hv = to_hv(e);
	int ret = set_lines(hv, s);

	if (ret >= 0)
		ret = set_pics(hv, s->pic);
	if (ret >= 0)
		ret = set_ioapic(hv, &s->ioapic);
	return ret < 0 ? ret : 0;
}

/*
 * The local APIC's timer.  When it expires, KVM notes so for the vCPU's next
 * stay in KVM_RUN, and the request is in no register until then.  And a
 * one-shot timer whose count KVM is told is 0 expires at once, although it did
 * long ago.  So that each comes once, hv_irqchip_settle() lets KVM make the
 * request when the vCPU stops; what expires after that is found by the count
 * and requested here; and KVM is not told of a timer that has expired.
 */

/*
 * Enter KVM as one that is about to run the guest, with a signal waiting.
 * A kick that comes meanwhile would be felt too soon; who kicks has set a flag
 * for the next run().  True: KVM had something else to say.
 */
static bool touch_vcpu(struct hv *hv)
{
	struct {
		struct kvm_signal_mask m;
		uint64_t set;
	} arg = { .m.len = sizeof(arg.set) };
	sigset_t kick, old;
	int sig, ret;

	sigemptyset(&kick);
	sigaddset(&kick, HV_KICK_SIGNAL);
	pthread_sigmask(SIG_BLOCK, &kick, &old);
	memcpy(arg.m.sigset, &old, sizeof(arg.set));
	pthread_kill(pthread_self(), HV_KICK_SIGNAL);
	ret = hv_ioctl(hv->fd, KVM_SET_SIGNAL_MASK, &arg);
	while (ret >= 0) {
		__atomic_store_n(&hv->run->immediate_exit, 0,
				 __ATOMIC_SEQ_CST);
		ret = hv_ioctl(hv->fd, KVM_RUN, NULL);
		if (ret != -EINTR || !__atomic_load_n(&hv->run->immediate_exit,
						      __ATOMIC_SEQ_CST))
			break;
		ret = 0;
	}
	hv_ioctl(hv->fd, KVM_SET_SIGNAL_MASK, NULL);
	sigwait(&kick, &sig);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret >= 0;
}

static uint32_t reg_of(const struct kvm_lapic_state *k, unsigned reg)
{
	uint32_t val;

	memcpy(&val, &k->regs[16 * reg], sizeof(val));
	return val;
}

static bool one_shot(uint32_t lvt)
{
	return !(lvt & LVT_MODE);
}

bool hv_irqchip_settle(struct hv *hv)
{
	struct kvm_lapic_state k;

	if (!hv->vm->irqchip || hv->broken[0] ||
	    hv_ioctl(hv->fd, KVM_GET_LAPIC, &k) < 0)
		return false;
	hv->timer_left = reg_of(&k, LAPIC_R_CURRENT);
	return reg_of(&k, LAPIC_R_INITIAL) &&
	       !(reg_of(&k, LAPIC_R_LVT + LVT_TIMER) & LVT_MASKED) && touch_vcpu(hv);
}

/* Has it expired since the vCPU stopped? */
static bool expired(const struct hv *hv, const struct irqchip_lapic *l)
{
	uint32_t now = l->reg[LAPIC_R_CURRENT];

	if (!l->reg[LAPIC_R_INITIAL] || l->reg[LAPIC_R_LVT + LVT_TIMER] & LVT_MASKED ||
	    !(l->reg[LAPIC_R_SVR] & SVR_ENABLE))
		return false;
	return one_shot(l->reg[LAPIC_R_LVT + LVT_TIMER]) ? hv->timer_left && !now :
	       now > hv->timer_left;
}

static void request_timer(struct irqchip_lapic *l)
{
	uint8_t vector = l->reg[LAPIC_R_LVT + LVT_TIMER];

	if (vector < 16)
		return;
	l->reg[LAPIC_R_IRR + vector / 32] |= 1u << vector % 32;
	l->reg[LAPIC_R_TMR + vector / 32] &= ~(1u << vector % 32);
}

static int get_lapic(struct engine *e, struct irqchip_lapic *l)
{
	struct kvm_lapic_state k;
	struct hv *hv = to_hv(e);
	int ret = hv_ioctl(hv->fd, KVM_GET_LAPIC, &k);

	if (ret < 0)
		return ret;
	for (unsigned n = 0; n < IRQCHIP_LAPIC_REGS; n++)
		l->reg[n] = reg_of(&k, n);
	if (expired(hv, l))
		request_timer(l);
	hv->timer_left = l->reg[LAPIC_R_CURRENT];
	if (!l->reg[LAPIC_R_INITIAL])
		l->reg[LAPIC_R_INITIAL] = hv->timer_initial;
	return 0;
}

static int set_lapic(struct engine *e, const struct irqchip_lapic *l)
{
	struct irqchip_lapic in = *l;
	struct hv *hv = to_hv(e);
	struct kvm_lapic_state k;
	int ret;

	hv->timer_initial = 0;
	hv->timer_left = in.reg[LAPIC_R_CURRENT];
	if (one_shot(in.reg[LAPIC_R_LVT + LVT_TIMER]) && !in.reg[LAPIC_R_CURRENT]) {
		hv->timer_initial = in.reg[LAPIC_R_INITIAL];
		in.reg[LAPIC_R_INITIAL] = 0;
	}
	memset(&k, 0, sizeof(k));
	for (unsigned n = 0; n < IRQCHIP_LAPIC_REGS; n++)
		memcpy(&k.regs[16 * n], &in.reg[n], 4);
	ret = hv_ioctl(hv->fd, KVM_SET_LAPIC, &k);
	return ret < 0 ? ret : 0;
}

/* Redirection and LVT entries have their mask and mode in the same bits. */
static bool is_nmi(uint64_t entry)
{
	unsigned delivery = entry >> 8 & 7;

	return !(entry & IOAPIC_MASKED) &&
	       (delivery == APIC_SMI || delivery == APIC_NMI ||
		delivery == APIC_INIT);
}

static bool nmi_possible(struct engine *e)
{
	struct kvm_irqchip io = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct hv *hv = to_hv(e);
	struct kvm_lapic_state k;

	if (hv_ioctl(hv->fd, KVM_GET_LAPIC, &k) < 0 ||
	    hv_ioctl(hv->vm->vm_fd, KVM_GET_IRQCHIP, &io) < 0 ||
	    is_nmi(reg_of(&k, LAPIC_R_LVT + LVT_LINT0)))
		return true;
	for (unsigned n = 0; n < IRQCHIP_PINS; n++)
		if (is_nmi(io.chip.ioapic.redirtbl[n].bits))
			return true;
	return false;
}

const struct engine_irqchip hv_irqchip = {
	.present = present,
	.line = line,
	.get = get,
	.set = set,
	.get_lapic = get_lapic,
	.set_lapic = set_lapic,
	.nmi_possible = nmi_possible,
	.pit_present = hv_pit_present,
	.get_pit = hv_pit_get,
	.set_pit = hv_pit_set,
};
