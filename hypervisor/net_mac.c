/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hypervisor/net_mac.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hypervisor/pc_device.h"

#define GROUP	0x01	/* IEEE 802-2014, 8.2.2 */

int net_mac(uint8_t mac[6], const struct pc_device_spec *spec, char *err)
{
	static uint8_t next = 0x56;	/* the main thread's */
	const char *s = pc_spec_key(spec, "mac");
	int end = 0;

	if (!s) {
		memcpy(mac, "\x52\x54\x00\x12\x34", 5);
		mac[5] = next++;
		return 0;
	}
	if (sscanf(s, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0],
		   &mac[1], &mac[2], &mac[3], &mac[4], &mac[5], &end) == 6 &&
	    !s[end] && end == 17 && !(mac[0] & GROUP))
		return 0;
	snprintf(err, PC_ERR_LEN, "%s: mac=%s is not the address of a card "
		 "(XX:XX:XX:XX:XX:XX)", spec->name, s);
	return -EINVAL;
}
