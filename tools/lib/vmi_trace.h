/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `umbra vmi trace' does with the calls that a guest makes: lines like
 * strace's, or counts.
 */
#ifndef TOOLS_LIB_VMI_TRACE_H
#define TOOLS_LIB_VMI_TRACE_H

#include <stdbool.h>
#include <stdio.h>

#include "hypervisor/vmi.h"
#include "tools/lib/vmi_calls.h"

struct symbols;

struct vmi_trace_config {
	FILE *out;
	struct vmi_set calls;		/* which ones */
	bool counts;			/* a table at the end, no lines */
	bool times;			/* each line begins with seconds */
	const struct symbols *symbols;	/* or NULL */
};

struct vmi_trace;

/* Returns NULL without memory.  @cfg is copied. */
struct vmi_trace *vmi_trace_create(const struct vmi_trace_config *cfg);
void vmi_trace_destroy(struct vmi_trace *t);
/* With @t as its opaque. */
extern const struct vmi_observer vmi_trace_observer;
/* The counts, if they were asked for. */
void vmi_trace_finish(struct vmi_trace *t);

#endif
