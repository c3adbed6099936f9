/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The key `mac' of network cards. */
#ifndef HYPERVISOR_NET_MAC_H
#define HYPERVISOR_NET_MAC_H

#include <stdint.h>

struct pc_device_spec;

/*
 * XX:XX:XX:XX:XX:XX, not a group address; without the key 52:54:00:12:34:56,
 * and one more for each card that had none before.
 * Returns 0, or -EINVAL with one line in @err (PC_ERR_LEN bytes).
 */
int net_mac(uint8_t mac[6], const struct pc_device_spec *spec, char *err);

#endif
