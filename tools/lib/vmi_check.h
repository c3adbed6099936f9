/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The conformance checker behind `umbra vmi check': hears every call of one
 * guest and compares it with what spec/vmi.md asks of guests, and is told at
 * the end which instructions the guest executed itself.
 */
#ifndef TOOLS_LIB_VMI_CHECK_H
#define TOOLS_LIB_VMI_CHECK_H

#include <stdbool.h>
#include <stdio.h>

#include "hypervisor/engine.h"
#include "hypervisor/vmi.h"
#include "tools/lib/vmi_calls.h"

struct symbols;
struct vmi_check;

enum vmi_rule {
#define RULE(id, severity, name, text) VMI_RULE_##id,
#include "tools/lib/vmi_rules.def"
#undef RULE
	VMI_RULES,
};

enum vmi_severity { VMI_NOTE, VMI_ERROR };

struct vmi_rule_row {
	enum vmi_severity severity;
	const char *name, *text;
};
extern const struct vmi_rule_row vmi_rules[VMI_RULES];

/* One rule broken at one place. */
struct vmi_finding {
	enum vmi_rule rule;
	int nr;			/* the call, or -1 */
	uint32_t at;		/* who called, or the instruction; 0: nowhere */
	uint64_t count;
	char detail[120];	/* of the first time */
	bool allowed;		/* vmi_check_allow() */
};

/*
 * Returns NULL without memory.
 */
struct vmi_check *vmi_check_create(void);
void vmi_check_destroy(struct vmi_check *c);
/* Before the guest runs.  @mem is used by the calls below. */
void vmi_check_mem(struct vmi_check *c, struct mem *mem);

/* Call @fn when the guest initialises the ROM, on the vCPU thread. */
void vmi_check_on_init(struct vmi_check *c, void (*fn)(void *opaque),
		       void *opaque);

/* With a struct vmi_check as its opaque. */
extern const struct vmi_observer vmi_check_observer;

/* engine_census_fn: an instruction met since vmi_init. */
void vmi_check_census(void *opaque, const struct engine_census *row);
/* The machine ended; @how: kept.  @died: not by the guest's will. */
void vmi_check_end(struct vmi_check *c, const char *how, bool died);

/*
 * A number that grows when the guest does something that it has not done
 * before: calls, or asks for a call, from another place; breaks a rule at
 * another place.  Any thread, signal handlers included.
 */
unsigned vmi_check_news(const struct vmi_check *c);

/* Findings at @symbol (a function's name) do not count. */
int vmi_check_allow(struct vmi_check *c, const char *symbol);
/* Needed for that, and for reports.  Kept. */
void vmi_check_symbols(struct vmi_check *c, const struct symbols *s);

/* No ERROR that is not allowed.  After vmi_check_end(). */
bool vmi_check_clean(struct vmi_check *c);
const struct vmi_finding *vmi_check_findings(struct vmi_check *c, unsigned *n);

/* @kernel: its name in the report.  @notes: print these, too. */
void vmi_check_text(struct vmi_check *c, const char *kernel, bool notes,
		    FILE *out);
/* Returns 0, or -ENOSYS if this was built without jansson. */
int vmi_check_json(struct vmi_check *c, const char *kernel, FILE *out);

#endif
