/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VMI calls for people: names, classes, arguments.  Everything comes out of
 * spec/vmi-calls.def.
 */
#ifndef TOOLS_LIB_VMI_CALLS_H
#define TOOLS_LIB_VMI_CALLS_H

#include <stdbool.h>
#include <stdio.h>

#include "spec/vmi.h"

struct vmi_seen;

#define VMI_ARGS_MAX	5

/* Where an argument is; pairs have the high part first. */
enum vmi_where {
	VMI_AT_EAX, VMI_AT_EDX, VMI_AT_ECX, VMI_AT_ESI, VMI_AT_EDI, VMI_AT_S1,
	VMI_AT_S2, VMI_AT_EDX_EAX, VMI_AT_ECX_EDX, VMI_AT_S1_ECX, VMI_AT_S2_S1,
};

/* What an argument is, and so how it is shown. */
#define VMI_ARG_TYPES(X)						\
	X(LEAF) X(U32) X(MSR) X(U64) X(DTR) X(SEL) X(VA) X(INDEX) X(DESC)	\
	X(HEX) X(DR) X(IF) X(PTE) X(PTEP) X(PTEFLAGS) X(PTE64) X(PFN)		\
	X(PAGEFLAGS) X(COUNT) X(TLBFLAGS) X(IOPORT) X(APSTATE) X(APICID)	\
	X(APICREG) X(CYCLES) X(COUNTER) X(ALARM) X(LAZY) X(BATCH) X(SWITCH)
enum vmi_arg_type {
#define X(name) VMI_T_##name,
	VMI_ARG_TYPES(X)
#undef X
};

struct vmi_arg {
	enum vmi_where where;
	enum vmi_arg_type type;
	const char *name;	/* NULL ends the list */
};

struct vmi_call {
	const char *name, *class;
	unsigned since;		/* API 3.x */
	struct vmi_arg args[VMI_ARGS_MAX + 1];
};

extern const struct vmi_call vmi_calls[VMI_CALLS];

/* The value of one argument. */
uint64_t vmi_arg_value(const struct vmi_seen *seen, const struct vmi_arg *a);

/* "Name(arg=value, ...)", flags spelled out. */
void vmi_call_print(const struct vmi_seen *seen, FILE *out);

/* Sets of calls, for filters. */
struct vmi_set {
	bool in[VMI_CALLS];
};

/*
 * "SetPxE,class=MMU,!InvalPage": names and classes without regard to case,
 * "class=" may be left out, "all"; a list that begins with ! starts from all.
 * Returns NULL, or the word that is neither, in a static buffer.
 */
const char *vmi_set_parse(struct vmi_set *s, const char *list);

#endif
