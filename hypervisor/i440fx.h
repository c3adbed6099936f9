/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 82441FX host bridge.  Intel 82440FX datasheet (order 290549). */
#ifndef HYPERVISOR_I440FX_H
#define HYPERVISOR_I440FX_H

struct i440fx;
struct pci;

/* Puts itself at device 0. */
int i440fx_create(struct i440fx **out, struct pci *pci);

#endif
