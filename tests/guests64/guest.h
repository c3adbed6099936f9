/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The support library of the 64-bit test kernels: output in TAP, faults that
 * are caught, pages, interrupts, CPL 3.
 *
 * A kernel defines guest_main(), which calls ok() for each behaviour.  It
 * starts at CPL 0 in 64-bit mode, the first 64 MiB and the APICs mapped one to
 * one, WP and NXE on, interrupts off, with all exceptions caught.
 */
#ifndef TESTS_GUESTS64_GUEST_H
#define TESTS_GUESTS64_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/guests64/sel.h"
#include "tools/bare/bare.h"

/* ---- Output --------------------------------------------------------------- */

/* One line of TAP; @what names the behaviour. */
void ok(bool good, const char *what);
/* Leave by isa-debug-exit: 0x10 (status 33) if all was ok, else 0x11. */
void guest_exit(void) __attribute__((noreturn));
void guest_main(void);

/* ---- Instructions --------------------------------------------------------- */

#define REGISTER(name) \
static inline uint64_t get_##name(void) \
{ \
	uint64_t v; \
	__asm__ volatile("movq %%" #name ", %0" : "=r"(v) :: "memory"); \
	return v; \
} \
static inline void set_##name(uint64_t v) \
{ \
	__asm__ volatile("movq %0, %%" #name :: "r"(v) : "memory"); \
}
REGISTER(cr0)
REGISTER(cr2)
REGISTER(cr3)
REGISTER(cr4)
REGISTER(cr8)

#define FLAG_IF		0x200u
#define FLAG_DF		0x400u
#define IOPL3		0x3000u
#define CR0_WP		0x10000u
#define CR0_TS		8u

#define MSR_EFER	0xc0000080u
#define MSR_STAR	0xc0000081u
#define MSR_LSTAR	0xc0000082u
#define MSR_SFMASK	0xc0000084u
#define MSR_FS_BASE	0xc0000100u
#define MSR_GS_BASE	0xc0000101u
#define MSR_KERNEL_GS	0xc0000102u

/* What the first instruction in 64-bit mode found. */
extern volatile struct {
	uint64_t rbx, rsi, rdi, rbp, rflags;
} entry_regs;

/* ---- Exceptions ----------------------------------------------------------- */

/* What the stubs push. */
struct trap {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

/* The last exception that was caught, and CR2 at that time. */
extern struct trap last;
extern uint64_t last_cr2;

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

#define VEC_DE 0
#define VEC_BP 3
#define VEC_UD 6
#define VEC_NP 11
#define VEC_SS 12
#define VEC_GP 13
#define VEC_PF 14

/* IDT gates: type 0xe interrupt, 0xf trap; @ist 0 or 1 (ist_stack_top). */
void idt_set(unsigned vector, uint64_t handler, unsigned type, unsigned dpl,
	     unsigned ist);
void idt_absent(unsigned vector);
extern const uint8_t trap_stubs[], ist_stack_top[], trap_stack_top[];

/* ---- Pages of the window, WINDOW_VA and HIGH_VA --------------------------- */

#define PAGE		4096u
#define PTE_P		0x1u
#define PTE_W		0x2u
#define PTE_U		0x4u
#define PTE_A		0x20u
#define PTE_D		0x40u
#define PTE_PS		0x80u
#define PTE_NX		(1ull << 63)
#define PF_P	1u
#define PF_W	2u
#define PF_U	4u
#define PF_RSVD	8u
#define PF_I	16u
extern volatile uint64_t window_table[512], pd_window[512], pml4[512];
/* Page-aligned memory that is the test's own. */
#define SCRATCH_PAGES	8
extern uint8_t scratch[SCRATCH_PAGES][PAGE];
/* Map page @i of the window to scratch page @n with @bits; its address. */
uint64_t window_map(unsigned i, unsigned n, uint64_t bits);

/* ---- CPL 3 ---------------------------------------------------------------- */

void enter_user(uint64_t rip, uint64_t rsp, uint64_t rflags, uint64_t cs);
/*
 * Run the code from @from to @to, copied to a user page, with a user stack;
 * the vector that ended it, or NO_TRAP for a system call other than 0.
 */
unsigned user_run(const uint8_t *from, const uint8_t *to, uint64_t rflags,
		  uint64_t cs);
/* Code for user_run(): from NAME to NAME_end. */
#define USER_CODE_OF(name, insns) \
	extern const uint8_t name[], name##_end[]; \
	__asm__(".section .rodata\n" #name ":\n" insns "\n" \
		#name "_end:\n.previous")
#define RUN(name, flags, cs)	user_run(name, name##_end, flags, cs)

/* Pages of the window for code and stack; where they are. */
#define USER_CODE_PAGE	100
#define USER_STACK_PAGE	101
#define USER_CODE	(WINDOW_VA + USER_CODE_PAGE * PAGE)
#define USER_STACK_TOP	(WINDOW_VA + (USER_STACK_PAGE + 1) * PAGE)

/* What the last system call that was not 0 found; calls in all. */
extern volatile uint64_t syscall_count, syscall_rax, syscall_rcx, syscall_r11;
extern volatile uint64_t syscall_flags, syscall_rsp;
extern volatile uint16_t syscall_cs, syscall_ss;
uint32_t compat_call(uint32_t arg);

#endif
