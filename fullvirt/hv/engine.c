// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The HV engine behind engine.h: life cycle, state, breakpoints, counters.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fullvirt/hv/hv.h"
#include "hypervisor/mem.h"

static void hv_destroy(struct engine *e)
{
	struct hv *hv = to_hv(e);

	if (hv->run)
		munmap(hv->run, hv->vm->run_size);
	if (hv->fd >= 0)
		close(hv->fd);
	hv_vm_put(hv->vm);
	x86_fini(&hv->x);
	free(hv);
}

struct hv_options {
	enum hv_irqchip irqchip, pit;
};

static bool has_tsc_offset(const struct hv *hv)
{
	struct kvm_device_attr a = { .group = KVM_VCPU_TSC_CTRL,
				     .attr = KVM_VCPU_TSC_OFFSET };

	return hv_ioctl(hv->fd, KVM_HAS_DEVICE_ATTR, &a) == 0;
}

static int make_vcpu(struct hv *hv, unsigned index)
{
	int ret = hv_ioctl(hv->vm->vm_fd, KVM_CREATE_VCPU,
			   (void *)(uintptr_t)index);

	if (ret < 0)
		return hv_break(hv, ret, "KVM_CREATE_VCPU: %s",
				strerror(-ret));
	hv->fd = ret;
	hv->run = mmap(NULL, hv->vm->run_size, PROT_READ | PROT_WRITE,
		       MAP_SHARED, hv->fd, 0);
	if (hv->run == MAP_FAILED) {
		hv->run = NULL;
		return hv_break(hv, -errno, "struct kvm_run: %s",
				strerror(errno));
	}
	hv->tsc_attr = has_tsc_offset(hv);
	ret = hv_cpuid_set(hv);
	return ret < 0 ? hv_break(hv, ret, "KVM_SET_CPUID2: %s",
				  strerror(-ret)) : 0;
}

static const struct {
	const char *key;
	size_t offset;
} switches[] = {
	{ "hv.irqchip=", offsetof(struct hv_options, irqchip) },
	{ "hv.pit=", offsetof(struct hv_options, pit) },
};

static int switch_set(const char *opt, const char *val, enum hv_irqchip *out,
		      char *err)
{
	static const char *const names[] = { "auto", "on", "off" };

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(val, names[i])) {
			*out = i;
			return 0;
		}
	snprintf(err, HV_REASON, "%.80s: auto, on or off", opt);
	return -EINVAL;
}

/* hv.device is the prober's, who tells hv_vm_create() of it. */
static int option_set(const char *opt, struct hv_options *o, char *err)
{
	for (unsigned i = 0; i < ARRAY_SIZE(switches); i++) {
		size_t len = strlen(switches[i].key);

		if (!strncmp(opt, switches[i].key, len))
			return switch_set(opt, opt + len, (enum hv_irqchip *)
				((char *)o + switches[i].offset), err);
	}
	if (strncmp(opt, "hv.", 3) || !strncmp(opt, "hv.device=", 10))
		return 0;
	snprintf(err, HV_REASON, "%.120s: unknown option", opt);
	return -EINVAL;
}

static int options(const struct engine_config *cfg, struct hv_options *o,
		   char *err)
{
	int ret = 0;

	*o = (struct hv_options){ HV_IRQCHIP_AUTO, HV_IRQCHIP_AUTO };
	for (unsigned i = 0; cfg->options && cfg->options[i] && !ret; i++)
		ret = option_set(cfg->options[i], o, err);
	return ret;
}

/* The VMI's alarms and idle times are those of our own controllers. */
static int for_vmi(enum hv_irqchip *irqchip, char *err)
{
	if (*irqchip == HV_IRQCHIP_ON) {
		snprintf(err, HV_REASON, "hv.irqchip=on: not with --vmi");
		return -EINVAL;
	}
	*irqchip = HV_IRQCHIP_OFF;
	return 0;
}

/* The engines of one machine share what the first of them made. */
static int get_vm(struct hv *hv, const struct engine_config *cfg, char *err)
{
	struct hv_options o;
	int ret = options(cfg, &o, err);

	if (!ret && cfg->bus->hypercall)
		ret = for_vmi(&o.irqchip, err);
	if (ret)
		return ret;
	if (!cfg->peer) {
		ret = hv_vm_create(&hv->vm, cfg->mem, err);
		if (ret)
			return ret;
		ret = hv_vm_try(hv->vm, o.irqchip != HV_IRQCHIP_OFF, err);
		if (!ret)
			ret = hv_irqchip_create(hv->vm, o.irqchip, err);
		if (!ret)
			ret = hv_pit_create(hv->vm, o.pit, err);
		return ret ? ret : hv_msrs_filter(hv->vm);
	}
	hv->vm = to_hv(cfg->peer)->vm;
	hv->vm->users++;
	return 0;
}

static int set_up(struct hv *hv, const struct engine_config *cfg, char *err)
{
	int ret = get_vm(hv, cfg, err);

	if (ret)
		return ret;
	ret = x86_init(&hv->x, &hv->v, cfg->mem, cfg->bus, NULL, NULL);
	if (ret)
		hv_break(hv, ret, "out of memory");
	hv->x.long_mode = true;
	/* CPUID shows the processor's number. */
	vcpu_reset(&hv->v, cfg->cpu_index, false);
	if (!ret)
		ret = make_vcpu(hv, cfg->cpu_index);
	if (!ret)
		ret = hv_signal_init();
	if (!ret)
		ret = hv_state_store(hv);
	if (ret)
		snprintf(err, HV_REASON, "hv: %.150s", hv->broken);
	return ret;
}

static int hv_create(struct engine **out, const struct engine_config *cfg,
		     char *err)
{
	struct hv *hv = aligned_alloc(64, (sizeof(*hv) + 63) & ~63ULL);
	int ret;

	if (!hv) {
		strcpy(err, "hv: out of memory");
		return -ENOMEM;
	}
	memset(hv, 0, sizeof(*hv));
	hv->engine.ops = &hv_engine_ops;
	hv->fd = -1;
	hv->bus = cfg->bus;
	hv->log = cfg->log;
	ret = set_up(hv, cfg, err);
	if (ret) {
		hv_destroy(&hv->engine);
		return ret;
	}
	*out = &hv->engine;
	return 0;
}

static void hv_get_state(struct engine *e, struct vcpu *out)
{
	struct hv *hv = to_hv(e);

	hv_complete(hv);
	if (hv_state_load(hv))
		fprintf(hv->log, "umbra: KVM does not give the processor's "
			"state; this is the last that is known\n");
	*out = hv->v;
	out->nmi_pending |= atomic_load(&hv->bus->nmi);
}

static void hv_set_state(struct engine *e, const struct vcpu *in)
{
	struct hv *hv = to_hv(e);

	hv_complete(hv);
	hv->broken[0] = 0;
	hv->streak = 0;
	hv_debug_state(hv, in);
	atomic_store(&hv->bus->nmi, 0);
	hv->v = *in;
	hv_state_store(hv);
}

static void hv_mem_changed(struct engine *e, gpa_t gpa, uint64_t len)
{
	struct hv *hv = to_hv(e);
	char err[HV_REASON];
	int ret = hv_slots_sync(hv->vm, err);

	if (ret)
		hv_break(hv, ret, "%s", err);
	x86_tlb_flush(&hv->x);
}

static void hv_stats(struct engine *e, FILE *out)
{
	struct hv *hv = to_hv(e);

#define X(name, text) fprintf(out, "%12llu  " text "\n",		\
			      (unsigned long long)hv->stats.name);
	HV_STATS(X)
#undef X
}

const struct engine_ops hv_engine_ops = {
	.name = "hv",
	.create = hv_create,
	.destroy = hv_destroy,
	.run = hv_run,
	.kick = hv_kick,
	.get_state = hv_get_state,
	.set_state = hv_set_state,
	.mem_changed = hv_mem_changed,
	.dirty_log = hv_dirty_log,
	.dirty_fetch = hv_dirty_fetch,
	.set_debug = hv_set_debug,
	.irqchip = &hv_irqchip,
	.stats = hv_stats,
};
