/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFB 3.8, 7.2.2: VNC authentication. */
#ifndef BACKENDS_VNC_AUTH_H
#define BACKENDS_VNC_AUTH_H

#include <stdint.h>

#define VNC_CHALLENGE	16

/* What a client that knows @password (8 characters count) must answer. */
void vnc_response(const char *password, const uint8_t in[VNC_CHALLENGE],
		  uint8_t out[VNC_CHALLENGE]);

#endif
