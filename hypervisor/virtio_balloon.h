/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory balloon, VIRTIO 1.1 section 5.5. */
#ifndef HYPERVISOR_VIRTIO_BALLOON_H
#define HYPERVISOR_VIRTIO_BALLOON_H

#include "hypervisor/types.h"

struct device;

/*
 * Ask the guest to give up memory until @bytes of it are in the balloon, or to
 * take some back.  It does so when it likes.  Lock held.
 */
void virtio_balloon_set(struct device *d, uint64_t bytes);
/* What it has given up so far, in bytes; what it was asked for. */
uint64_t virtio_balloon_actual(const struct device *d);
uint64_t virtio_balloon_target(const struct device *d);

#endif
