/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The support library of the test kernels: output in TAP, descriptor tables,
 * faults that are caught, paging, interrupts.
 *
 * A kernel defines guest_main(), which calls ok() for each behaviour.  It
 * starts at CPL 0, flat, unpaged, interrupts off, with all exceptions caught.
 */
#ifndef TESTS_GUESTS_GUEST_H
#define TESTS_GUESTS_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/guests/sel.h"
#include "tools/bare/bare.h"

/* ---- Output --------------------------------------------------------------- */

/* One line of TAP; @fmt names the behaviour. */
void ok(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Leave by isa-debug-exit: 0x10 (status 33) if all was ok, else 0x11. */
void guest_exit(void) __attribute__((noreturn));
void guest_main(void);
/* What the loader was given with --append, behind the kernel's name. */
extern const char *guest_cmdline;

/* ---- Instructions --------------------------------------------------------- */

#define GETTER(name, insn) \
static inline uint32_t name(void) \
{ \
	uint32_t v; \
	__asm__ volatile(insn : "=r"(v) :: "memory"); \
	return v; \
}
#define SETTER(name, insn) \
static inline void name(uint32_t v) \
{ \
	__asm__ volatile(insn :: "r"(v) : "memory"); \
}
GETTER(get_cr0, "movl %%cr0, %0")
GETTER(get_cr2, "movl %%cr2, %0")
GETTER(get_cr3, "movl %%cr3, %0")
GETTER(get_cr4, "movl %%cr4, %0")
GETTER(get_dr6, "movl %%dr6, %0")
GETTER(get_dr7, "movl %%dr7, %0")
GETTER(get_flags, "pushfl; popl %0")
SETTER(set_cr0, "movl %0, %%cr0")
SETTER(set_cr3, "movl %0, %%cr3")
SETTER(set_cr4, "movl %0, %%cr4")
SETTER(set_dr0, "movl %0, %%dr0")
SETTER(set_dr1, "movl %0, %%dr1")
SETTER(set_dr6, "movl %0, %%dr6")
SETTER(set_dr7, "movl %0, %%dr7")

#define barrier()	__asm__ volatile("" ::: "memory")

#define FLAG_CF	0x1u
#define FLAG_ZF	0x40u
#define FLAG_TF	0x100u
#define FLAG_IF	0x200u
#define FLAG_DF	0x400u
#define FLAG_OF	0x800u
#define FLAG_NT	0x4000u
#define FLAG_RF	0x10000u
#define FLAG_VM	0x20000u
#define FLAG_AC	0x40000u
#define IOPL3	0x3000u

#define CR0_PE	1u
#define CR0_MP	2u
#define CR0_EM	4u
#define CR0_TS	8u
#define CR0_WP	0x10000u
#define CR0_AM	0x40000u
#define CR0_PG	0x80000000u
#define CR4_PSE	0x10u
#define CR4_PAE	0x20u
#define CR4_PGE	0x80u
#define CR4_OSFXSR 0x200u

/* ---- Exceptions ----------------------------------------------------------- */

/* What the stubs push; esp and ss are there only on a change of privilege. */
struct trap {
	uint32_t gs, fs, es, ds;
	uint32_t edi, esi, ebp, esp0, ebx, edx, ecx, eax;
	uint32_t vector, error;
	uint32_t eip, cs, eflags, esp, ss;
	uint32_t v86_es, v86_ds, v86_fs, v86_gs;
};

/* The last exception that was caught, and CR2 at that time. */
extern struct trap last;
extern uint32_t last_cr2;

/* Called for @vector instead of catching it; returns with IRET. */
typedef void trap_hook(struct trap *t);
extern trap_hook *trap_hooks[256];

int trap_set(void) __attribute__((returns_twice));
#define NO_TRAP	0xffu

/* Run @stmt; the vector that stopped it, or NO_TRAP. */
#define CATCH(stmt) ({ \
	last.vector = NO_TRAP; \
	if (!trap_set()) { \
		stmt; \
	} \
	trap_clear(); \
	last.vector; \
})
void trap_clear(void);

/* Run user code at @eip until the next exception; its vector. */
void enter_user(uint32_t eip, uint32_t esp, uint32_t eflags);
#define USER(eip, esp, eflags) \
	CATCH(enter_user((uint32_t)(eip), (uint32_t)(esp), (eflags)))
void enter_v86(uint32_t cs, uint32_t ip, uint32_t ss, uint32_t sp,
	       uint32_t eflags, uint32_t ds, uint32_t es);

/* ---- Descriptor tables ---------------------------------------------------- */

struct tss {
	uint32_t link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
	uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
	uint32_t es, cs, ss, ds, fs, gs, ldt;
	uint16_t trap, iomap;
	uint8_t bits[8192 + 1];
} __attribute__((packed));
extern struct tss tss;
extern uint64_t gdt[GDT_ENTRIES], idt[256];

/* @attr: type, S, DPL and P in the low byte, G and D/B in 0xc000. */
#define SEG_DATA	0x93u
#define SEG_CODE	0x9bu
#define SEG_DOWN	0x97u	/* expand-down data */
#define SEG_USER	0x60u	/* DPL 3 */
#define SEG_TSS		0x89u
#define SEG_LDT		0x82u
#define SEG_G		0x8000u
#define SEG_DB		0x4000u
uint64_t descriptor(uint32_t base, uint32_t limit, uint32_t attr);
/* @type: 0x8e interrupt gate, 0x8f trap gate, 0x8c call gate, 0x85 task. */
uint64_t gate(uint16_t sel, uint32_t off, uint8_t type, unsigned dpl);
void idt_set(unsigned vector, uint64_t g);

/* ---- Paging: 4 KiB pages, identity-mapped below MAPPED -------------------- */

#define PAGE		4096u
#define MAPPED		0x1000000u
#define PTE_P		0x1u
#define PTE_W		0x2u
#define PTE_U		0x4u
#define PTE_A		0x20u
#define PTE_D		0x40u
#define PTE_PS		0x80u
#define PTE_G		0x100u
extern uint32_t page_dir[1024];
/* Build the tables and turn paging on (WP set). */
void paging_on(void);
void paging_off(void);
/* The entry that maps @va, below MAPPED or within WINDOW_VA. */
volatile uint32_t *pte(uint32_t va);
/* 4 MiB of linear space that nothing maps: for the test to fill. */
#define WINDOW_VA	0x40000000u
#define PF_P	1u
#define PF_W	2u
#define PF_U	4u
#define PF_RSVD	8u
#define PF_I	16u

/* Page-aligned memory that is the test's own: SCRATCH pages. */
#define SCRATCH_PAGES	256
extern uint8_t scratch[SCRATCH_PAGES][PAGE];
#define SCRATCH(n)	((uint32_t)scratch[n])

/* ---- Real mode ------------------------------------------------------------ */

/* Call 16-bit code, copied to 0:@ip by the caller, in real mode. */
void real_mode_call(uint16_t ip);

#endif
