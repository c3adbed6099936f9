/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing ACPI machine language.  ACPI Specification 2.0 chapter 17 (AML) and
 * 6.4 (resource descriptors).
 *
 * Terms that hold others are opened and closed; aml_end() puts the length in.
 */
#ifndef HYPERVISOR_AML_H
#define HYPERVISOR_AML_H

#include "hypervisor/types.h"

#define AML_MAX		8192	/* bytes */
#define AML_DEPTH	8

struct aml {
	uint8_t code[AML_MAX];
	unsigned len;
	unsigned start[AML_DEPTH];	/* where each open term's body begins */
	unsigned depth;
};

/* @name: a name string, "\\_SB_" or four characters. */
void aml_scope(struct aml *a, const char *name);
void aml_device(struct aml *a, const char *name);
void aml_package(struct aml *a, unsigned count);
/* Resource template: fill with the aml_res_*() below, close with its end. */
void aml_resources(struct aml *a);
void aml_resources_end(struct aml *a);
void aml_end(struct aml *a);

/* Name (name, ...): the value follows. */
void aml_name(struct aml *a, const char *name);
void aml_int(struct aml *a, uint32_t val);
/* A name alone: a field, an object, a method to call (arguments follow). */
void aml_ref(struct aml *a, const char *name);
/* "\\_SB_.PCI0.PCNT": a method or object by its path. */
void aml_path(struct aml *a, const char *path);

/* Method (name, nargs); If (predicate follows); arguments. */
void aml_method(struct aml *a, const char *name, unsigned nargs);
void aml_if(struct aml *a);
void aml_arg(struct aml *a, unsigned n);
/* And (x, y): both follow, then aml_nothing() for the target. */
void aml_and(struct aml *a);
void aml_nothing(struct aml *a);
/* Notify: name and value follow.  Store: source and target follow. */
void aml_notify(struct aml *a);
void aml_store(struct aml *a);
/* OperationRegion (name, SystemIO, port, len). */
void aml_ports(struct aml *a, const char *name, uint16_t port, uint8_t len);
/* Field (region, DWordAcc, NoLock, WriteAsZeros); then its dwords. */
void aml_fields(struct aml *a, const char *region);
void aml_field_dword(struct aml *a, const char *name);

/* "PNP0A03" as the compressed integer that _HID holds. */
void aml_eisaid(struct aml *a, const char *id);

void aml_res_io(struct aml *a, uint16_t port, uint8_t len);
void aml_res_irq(struct aml *a, unsigned irq);
/* Address space ranges that a bridge passes on: [min, max]. */
void aml_res_bus(struct aml *a, uint16_t min, uint16_t max);
void aml_res_ports(struct aml *a, uint16_t min, uint16_t max);
void aml_res_memory(struct aml *a, uint32_t min, uint32_t max);

#endif
