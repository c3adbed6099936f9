/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FULLVIRT_HV_PROBE_H
#define FULLVIRT_HV_PROBE_H

struct host_kvm;

/*
 * Find out what KVM at @device can do, by running tiny guests in a child
 * process: whatever KVM does to them, the caller is back after 4 seconds at
 * most, usually after some milliseconds.  Fills @k, which is zeroed first.
 * Linux Documentation/virt/kvm/api.rst.
 */
void hv_probe(const char *device, struct host_kvm *k);

typedef void hv_probe_fn(struct host_kvm *k, const char *device);

/*
 * The same with another prober and time limit, for tests.  @probe runs in the
 * child; *k holds what it had found when it returned, died or was given up.
 */
void hv_probe_with(hv_probe_fn *probe, unsigned limit_ms, const char *device,
		   struct host_kvm *k);

#endif
