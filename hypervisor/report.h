/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers and code in readable form, for reports and the monitor. */
#ifndef HYPERVISOR_REPORT_H
#define HYPERVISOR_REPORT_H

#include <stdio.h>

struct mem;
struct vcpu;

void report_registers(const struct vcpu *v, FILE *out);
/* The bytes at CS:rip, as far as they are mapped. */
void report_code(const struct vcpu *v, struct mem *mem, FILE *out);

#endif
