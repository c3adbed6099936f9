/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FULLVIRT_HV_KVM_STATS_H
#define FULLVIRT_HV_KVM_STATS_H

#include <stdint.h>

/*
 * The statistic called @name of a VM or vCPU.  @fd: from KVM_GET_STATS_FD.
 * Returns 0, -ENOENT where this KVM counts no such thing, or another negative
 * errno.  api.rst 4.133.
 */
int kvm_stat_read(int fd, const char *name, uint64_t *val);

#endif
