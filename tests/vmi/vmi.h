/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's half of the VMI, as small as it can be: find the ROM, ask it,
 * call it with every register under control.
 */
#ifndef TESTS_VMI_VMI_H
#define TESTS_VMI_VMI_H

#include "spec/vmi.h"
#include "tests/guests/guest.h"

struct raw {
	uint32_t edi, esi, ebp, esp, ebx, edx, ecx, eax;
	uint32_t stack[2];
	uint32_t flags;		/* afterwards */
	/* Before: DS and ES are to be null.  Afterwards: ESP is off by this. */
	uint32_t moved;
};

void vmi_raw(uint32_t entry, struct raw *r);

extern struct vmi_rom_header *vmi_rom;	/* NULL: none found */
extern uint32_t vmi_entry[VMI_CALLS];	/* addresses, 0: not a call */
extern uint8_t vmi_type[VMI_CALLS];
extern const char *const vmi_name[VMI_CALLS];

/* As Linux looks for it (spec/vmi.md, "Discovery"). */
void vmi_find(void);
/* vmi_init; its answer. */
uint32_t vmi_start(void);
/* Ask the ROM for call @nr. */
uint32_t vmi_reloc(uint32_t nr, uint32_t *type);
/* Ask for all of them. */
void vmi_bind(void);
bool vmi_has(unsigned nr);	/* as a call */

/* EDX:EAX of a call by the standard convention. */
uint64_t vmi_call5(unsigned nr, uint32_t eax, uint32_t edx, uint32_t ecx,
		   uint32_t s1, uint32_t s2);
#define vmi(nr, eax, edx, ecx) vmi_call5(nr, eax, edx, ecx, 0, 0)
/* Is @word one of the command line's? */
bool vmi_told(const char *word);
/*
 * QEMU's TCG (here or, if the command line has the word qemu, below another
 * hypervisor): it looks neither at segment limits nor at odd bits of CR0 and
 * CR4, and has #NP for a stack segment that is not present.
 */
bool vmi_on_qemu(void);
/* The feature word; 0 for a ROM of 3.0. */
uint64_t vmi_features(void);
/*
 * The same, or what a guest does instead where the ROM answers none: the
 * native instruction.
 */
void vmi_or_native(unsigned nr, uint32_t eax, uint32_t edx, uint32_t ecx,
		   uint32_t s1);

#endif
