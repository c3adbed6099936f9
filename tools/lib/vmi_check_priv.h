/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the checker's files share. */
#ifndef TOOLS_LIB_VMI_CHECK_PRIV_H
#define TOOLS_LIB_VMI_CHECK_PRIV_H

#include "hypervisor/mem.h"
#include "hypervisor/vcpu.h"
#include "tools/lib/vmi_check.h"

#define CHECK_CPUS	64u
#define FINDINGS_MAX	1024u
#define ALLOWED_MAX	64u
#define PLACES		8192u	/* of calls; a power of 2 */

/* What is known of a frame: its level and PAE flag (AllocatePage), and these. */
#define FRAME_PAE	VMI_PAGE_PAE
#define FRAME_TABLE	0x80u
#define FRAME_RELEASED	0x40u

struct vmi_check {
	struct mem *mem;
	const struct symbols *symbols;
	bool init;
	void (*init_fn)(void *opaque);
	void *init_opaque;
	uint32_t rom;			/* its linear address */
	bool tracking;			/* the guest declares its tables */
	uint8_t *frames;		/* one byte for each page */
	uint64_t nframes;
	uint32_t lazy[CHECK_CPUS];
	uint64_t calls[VMI_CALLS], queries[VMI_CALLS];
	uint64_t queries_beyond;
	uint32_t highest;		/* number asked for */
	struct vmi_finding findings[FINDINGS_MAX];
	unsigned nfindings;
	uint64_t findings_lost;
	char *allowed[ALLOWED_MAX];
	unsigned nallowed;
	uint64_t native;		/* executions that have a call */
	uint64_t places[PLACES];	/* hash of call and caller; 0: free */
	_Atomic unsigned news;
	const char *ended;
};

/* vmi_check.c: note that @rule was broken by @seen (NULL: by nobody). */
void check_broken(struct vmi_check *c, enum vmi_rule rule,
		  const struct vmi_seen *seen, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void check_add(struct vmi_check *c, enum vmi_rule rule, int nr, uint32_t at,
	       uint64_t count, const char *detail);
/* The frame's gpa of linear @va as the guest reads it; false: nothing there. */
bool check_translate(struct vmi_check *c, const struct vcpu *v, uint32_t va,
		     gpa_t *gpa);

/* vmi_check_mmu.c */
void check_mmu_call(struct vmi_check *c, const struct vmi_seen *s);
void check_root(struct vmi_check *c, const struct vmi_seen *s, uint32_t cr3);

#endif
