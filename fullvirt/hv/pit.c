// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KVM's own 8254 and port 61h, with its interrupt controllers.
 *
 * KVM says what channels 1 and 2 have counted, but not how far channel 0 is,
 * and whenever it is told a state, all counts begin anew.  So:
 *
 * - What channel 0 has counted is known from the time when KVM was last told,
 *   as long as the guest has not loaded another count; a count of which KVM
 *   told us first began, for us, just then.
 * - A one-shot count goes on as the rest of it.
 * - In periodic modes the part of a period that is lost this way is kept
 *   (hv_vm.pit_owed), and a whole one is a tick that the guest gets.  So ticks
 *   are in step with guest time over any number of pauses.
 * - A one-shot channel 0 that has expired, or one that waits for its count, goes
 *   on with a count that no guest can load, since KVM has no state for either;
 *   its next edge is an hour away.
 *
 * Linux Documentation/virt/kvm/api.rst 4.71, 4.72; arch/x86/kvm/i8254.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fullvirt/hv/hv.h"
#include "hypervisor/clock.h"
#include "hypervisor/irqchip.h"

#define PIT_HZ		1193182ULL
#define MAX_COUNT	0x10000u
/* An hour, as KVM takes it; the guest sees the lower half. */
#define ENDLESS		0xffff0000u
#define LINE		0
/* struct kvm_pit_channel_state: modes that no control word sets; whose turn it
 * is (low byte of two, high byte of two). */
#define MODE_NONE	0xff
#define RW_BOTH		3
#define TURN_LOW	3
#define TURN_HIGH	4
#define TURN_MSB	2

static uint64_t clocks(uint64_t ns)
{
	return (unsigned __int128)ns * PIT_HZ / NS_PER_SEC;
}

static bool periodic(unsigned mode)
{
	return mode == 2 || mode == 3;
}

/* Modes 0 and 4 count once, from the moment when the count is written. */
static bool one_shot(unsigned mode)
{
	return mode == 0 || mode == 4;
}

bool hv_pit_present(struct engine *e)
{
	return to_hv(e)->vm->pit;
}

int hv_pit_create(struct hv_vm *vm, enum hv_irqchip want, char *err)
{
	struct kvm_pit_config c = { .flags = KVM_PIT_SPEAKER_DUMMY };
	int ret = -ENOTSUP;

	if (want == HV_IRQCHIP_OFF)
		return 0;
	if (vm->irqchip && hv_vm_has(vm, KVM_CAP_PIT_STATE2))
		ret = hv_ioctl(vm->vm_fd, KVM_CREATE_PIT2, &c);
	vm->pit = ret >= 0;
	if (ret >= 0 || want == HV_IRQCHIP_AUTO)
		return 0;
	snprintf(err, HV_REASON, "hv.pit=on: %s", vm->irqchip ?
		 strerror(-ret) : "not without KVM's interrupt controllers");
	return ret;
}

/*
 * To KVM.
 */

static uint32_t count_to_go(const struct irqchip_pit_channel *c)
{
	if (!c->armed)
		return MAX_COUNT;
	if (!one_shot(c->mode) || !c->elapsed)
		return c->count;
	return c->elapsed < c->count ? c->count - c->elapsed : 1;
}

/* Channel 0: nothing is to come before the guest loads a count. */
static bool idle(const struct irqchip_pit_channel *c)
{
	return !c->armed || (one_shot(c->mode) && c->fired &&
			     c->elapsed >= c->count);
}

static uint8_t turn(uint8_t rw, bool high)
{
	return rw == RW_BOTH ? high ? TURN_HIGH : TURN_LOW : rw;
}

static void channel_store(const struct irqchip_pit_channel *c,
			  struct kvm_pit_channel_state *k)
{
	*k = (struct kvm_pit_channel_state){
		.count = count_to_go(c), .latched_count = c->latch,
		.status_latched = c->status_latched, .status = c->status,
		.read_state = turn(c->rw, c->read_msb),
		.write_state = turn(c->rw, c->write_msb),
		.write_latch = c->write_low, .rw_mode = c->rw,
		.mode = c->programmed ? c->mode : MODE_NONE, .bcd = c->bcd,
		.gate = c->gate,
	};
	if (c->latched == 2)
		k->count_latched = TURN_LOW;
	else if (c->latched)
		k->count_latched = c->rw == RW_BOTH ? TURN_MSB : c->rw;
}

static int pulse(struct hv *hv)
{
	struct kvm_irq_level l = { .irq = LINE, .level = 1 };
	int ret = hv_ioctl(hv->vm->vm_fd, KVM_IRQ_LINE, &l);

	l.level = 0;
	return ret < 0 ? ret : hv_ioctl(hv->vm->vm_fd, KVM_IRQ_LINE, &l);
}

/* One tick; the guest would take two at once for one. */
static int pay(struct hv *hv, const struct irqchip_pit_channel *c)
{
	struct hv_vm *vm = hv->vm;

	vm->pit_owed = 0;
	if (!c->armed || !periodic(c->mode))
		return 0;
	vm->pit_owed = c->elapsed;
	if (vm->pit_owed < c->count)
		return 0;
	vm->pit_owed -= c->count;
	return pulse(hv);
}

int hv_pit_set(struct engine *e, const struct irqchip_pit *p)
{
	struct hv *hv = to_hv(e);
	struct hv_vm *vm = hv->vm;
	struct kvm_pit_state2 k = { .flags = 0 };
	int ret;

	for (unsigned n = 0; n < 3; n++)
		channel_store(&p->ch[n], &k.channels[n]);
	if (idle(&p->ch[0]))
		k.channels[0].count = ENDLESS |
			(uint16_t)(p->ch[0].count - p->ch[0].elapsed);
	if (p->replaced)
		k.flags |= KVM_PIT_FLAGS_HPET_LEGACY;
	if (p->speaker)
		k.flags |= KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	ret = hv_ioctl(vm->vm_fd, KVM_SET_PIT2, &k);
	vm->pit_told = p->ch[0];
	vm->pit_told_count = k.channels[0].count;
	vm->pit_since = host_ns();
	if (ret >= 0 && !p->replaced)
		ret = pay(hv, &p->ch[0]);
	return ret < 0 ? ret : 0;
}

/*
 * From KVM.
 */

static void channel_load(const struct kvm_pit_channel_state *k, uint64_t now,
			 struct irqchip_pit_channel *c)
{
	uint64_t since = k->count_load_time;

	*c = (struct irqchip_pit_channel){
		.count = k->count, .mode = k->mode, .rw = k->rw_mode & 3,
		.bcd = !!k->bcd, .gate = !!k->gate,
		.programmed = k->mode != MODE_NONE,
		.read_msb = k->read_state == TURN_HIGH,
		.write_msb = k->write_state == TURN_HIGH,
		.write_low = k->write_latch, .latch = k->latched_count,
		.status_latched = !!k->status_latched, .status = k->status,
	};
	if (c->mode > 5)
		c->mode = 0;
	if (!c->rw)
		c->rw = RW_BOTH;
	if (!c->count || c->count > MAX_COUNT)
		c->count = MAX_COUNT;
	c->armed = c->programmed;
	if (k->count_latched)
		c->latched = k->count_latched == TURN_LOW ? 2 : 1;
	if (since && now > since)
		c->elapsed = clocks(now - since);
}

/* Channel 0, about which KVM does not say what it has counted. */
static void load_first(const struct hv_vm *vm, uint32_t count, uint64_t now,
		       struct irqchip_pit_channel *c)
{
	const struct irqchip_pit_channel *told = &vm->pit_told;
	uint64_t passed = clocks(now - vm->pit_since);

	c->elapsed = 0;
	c->fired = 0;
	if (vm->pit_told_count != count || told->mode != c->mode ||
	    told->programmed != c->programmed)
		return;
	c->armed = told->armed;
	if (idle(told)) {
		c->count = told->count;
		c->elapsed = told->elapsed + passed;
		c->fired = told->fired;
	} else if (periodic(c->mode)) {
		c->elapsed = passed % c->count + vm->pit_owed;
	} else {
		c->elapsed = passed;
		c->fired = passed >= c->count;
	}
}

/* Mode and timer of channel 0 stand still until it is told again. */
static int stop(struct hv *hv, struct kvm_pit_state2 *k)
{
	k->channels[0].mode = MODE_NONE;
	return hv_ioctl(hv->vm->vm_fd, KVM_SET_PIT2, k);
}

int hv_pit_get(struct engine *e, struct irqchip_pit *p)
{
	struct hv *hv = to_hv(e);
	uint64_t now = host_ns();
	struct kvm_pit_state2 k;
	int ret = hv_ioctl(hv->vm->vm_fd, KVM_GET_PIT2, &k);

	if (ret < 0)
		return ret;
	for (unsigned n = 0; n < 3; n++)
		channel_load(&k.channels[n], now, &p->ch[n]);
	load_first(hv->vm, k.channels[0].count, now, &p->ch[0]);
	p->speaker = !!(k.flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON);
	p->replaced = !!(k.flags & KVM_PIT_FLAGS_HPET_LEGACY);
	ret = stop(hv, &k);
	return ret < 0 ? ret : 0;
}
