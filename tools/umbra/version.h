/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_UMBRA_VERSION_H
#define TOOLS_UMBRA_VERSION_H

#define UMBRA_VERSION	"0.1"

#endif
