/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nanobenchmark kernel: cycles of single operations, on whatever machine
 * boots it.  32-bit, multiboot, paged as Linux pages (4 MiB global pages for
 * the kernel, 4 KiB pages for the user).  Where a VMI ROM is found, the same
 * operations are done through it.
 *
 * Output, on COM1, fields separated by tabs:
 *	#nano	VERSION
 *	#vmi	what was found, or none
 *	#cpu	vendor, hypervisor's signature or -
 *	nano	ROW  HOW  MEDIAN  MIN  MAX  OPERATIONS	cycles for each operation
 *	#skip	ROW  reason
 *	#fail	ROW  reason
 *	#done	rows measured, rows failed
 * HOW is "native" (the instruction), "vmi" (the call), or "process" (a host
 * process, where the operation ends in a signal handler).
 * Leaves through isa-debug-exit: 0x10 (status 33) if no row failed.
 */
#ifndef TOOLS_NANO_NANO_H
#define TOOLS_NANO_NANO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/bare/bare.h"
#include "tools/nano/sel.h"

#define NANO_VERSION	1

/* ---- Measuring (measure.c; also in the host process) ---------------------- */

/* Perform @n operations. */
typedef void op_fn(uint32_t n);

struct row {
	const char *name;
	op_fn *native;		/* by instructions */
	op_fn *vmi;		/* by the calls that there are */
	op_fn *empty;		/* the loop alone */
	bool (*prepare)(uint32_t n);	/* untimed, before each run; or NULL */
	uint32_t max;		/* most operations in one run, 0: no limit */
	unsigned events;	/* what one operation adds to `events' */
	unsigned needs;		/* NEEDS_* */
	const uint8_t *calls;	/* VMI calls that .vmi may make, 0xff ends */
	const char *what;
};

#define NEEDS_PAGING	1u
#define NEEDS_APIC	2u
#define NEEDS_SEP	4u
#define NEEDS_PGE	8u

/* Handlers count here what happened, so that a row cannot measure nothing. */
extern volatile uint32_t events;

struct measure {
	uint32_t repeat;	/* runs, of which the median counts */
	uint32_t kcycles;	/* length of a run, thousands of cycles */
};
#define REPEAT_MAX	101

/*
 * Measure @op of @row and print its line with @how.  Returns false, having
 * printed #fail, if the operations did not happen.
 */
bool measure_row(const struct measure *m, const struct row *row, op_fn *op,
		 const char *how);

/* rdtsc() behind all that came before. */
static inline uint64_t cycles_now(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) :: "memory");
	return (uint64_t)hi << 32 | lo;
}

/* ---- The kernel ----------------------------------------------------------- */

#define PAGE	4096u
#define PTE_P	0x001u
#define PTE_W	0x002u
#define PTE_U	0x004u
#define PTE_PCD	0x010u
#define PTE_A	0x020u
#define PTE_D	0x040u
#define PTE_PS	0x080u
#define PTE_G	0x100u

/* console.c: COM1. */
void console_init(void);

/* machine.c */
struct tss {
	uint32_t link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
	uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
	uint32_t es, cs, ss, ds, fs, gs, ldt;
	uint16_t trap, iomap;
} __attribute__((packed));
extern struct tss tss;
extern uint64_t gdt[GDT_ENTRIES];
/* Two address spaces that differ in user pages alone. */
extern uint32_t root[2][1024];
/* Page tables of TEST_VA in root[0], and of KTEST_VA. */
extern uint32_t test_table[1024], ktest_table[1024];
/* Two frames for each page of TEST_VA. */
extern uint8_t frames[2][TEST_PAGES][PAGE];

struct machine {
	bool paging, apic, sep, pge;
};
extern struct machine machine;

/* Tables, privilege levels, LAPIC.  @paging: also page tables and the VMI. */
void machine_init(bool paging, bool all_calls);
/* Send @vector to @handler; @dpl 3: user mode may INT there. */
void gate_set(unsigned vector, const void *handler, unsigned dpl);
uint64_t descriptor(uint32_t base, uint32_t limit, uint16_t attr);
void guest_exit(bool good) __attribute__((noreturn));

/*
 * pv.c: the calls that set the machine up, native until a ROM is bound.
 * Arguments as in the specification.
 */
/*
 * Look for a ROM and bind to it; says what it found.  @all_calls: also to
 * those that the ROM says are no better than instructions.
 * Returns true if bound.
 */
bool pv_init(bool all_calls);
/* The address of @call, or 0 if the ROM leaves it native. */
uint32_t pv_call(unsigned call);
/* One of @calls (0xff ends the list) is there. */
bool pv_any(const uint8_t *calls);
uint32_t pv_features(void);

#define REGPARM	__attribute__((regparm(3)))
/* Call number @id as a function of that type. */
#define PV(type, id)	((type)pv_call(id))
typedef void REGPARM pv_void(void);
typedef void REGPARM pv_u32(uint32_t);
typedef void REGPARM pv_2u32(uint32_t, uint32_t);
typedef void REGPARM pv_3u32(uint32_t, uint32_t, uint32_t);
typedef void REGPARM pv_4u32(uint32_t, uint32_t, uint32_t, uint32_t);
typedef void REGPARM pv_5u32(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
typedef uint32_t REGPARM pv_get(void);
typedef uint32_t REGPARM pv_map(uint32_t, uint32_t);
typedef uint64_t REGPARM pv_get64(uint32_t);
typedef void REGPARM pv_alarm(uint32_t flags, uint64_t expiry,
			      uint64_t period);

/* Wrappers that set-up code uses: the call if bound, else the instruction. */
void set_cr0(uint32_t v);
void set_cr3(uint32_t v);
void set_cr4(uint32_t v);
void set_pte(uint32_t *pte, uint32_t v, uint32_t level);
void set_gate(uint64_t *idt, unsigned index, uint64_t gate);
void set_gdt_entry(unsigned index, uint64_t d);
void set_kernel_stack(uint32_t esp0);
void table_announce(const void *table, uint32_t flags);
void load_gdt(const void *image);
void load_idt(const void *image);
void load_tr(uint16_t sel);
void flush_all(void);
void apic_write(uint32_t reg, uint32_t v);

/* user.c, traps.S: run a user loop for @n operations and come back. */
void user_run(const void *loop, uint32_t n);



#endif
