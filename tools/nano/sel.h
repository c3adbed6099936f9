/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Selectors and vectors, for C and assembly.  The GDT is laid out as Linux
 * lays out its own (asm/segment.h), which VMI documents and SYSEXIT requires:
 * user segments follow kernel ones.
 */
#ifndef TOOLS_NANO_SEL_H
#define TOOLS_NANO_SEL_H

#define SEL_TLS		0x30	/* three entries */
#define TLS_INDEX	6
#define SEL_KERNEL_CS	0x60
#define SEL_KERNEL_DS	0x68
#define SEL_USER_CS	0x73
#define SEL_USER_DS	0x7b
#define SEL_TSS		0x80
#define GDT_ENTRIES	32

#define VEC_TIMER	0x30
#define VEC_SYSCALL	0x80
#define VEC_LEAVE	0x81	/* user mode is done */
#define VEC_SPURIOUS	0xff

/* User code and stack, in both address spaces. */
#define USER_VA		0x08000000
#define USER_STACK	0x08400000
/* Pages whose entries are modified: of the user, of the kernel (global). */
#define TEST_VA		0x40000000
#define KTEST_VA	0xe0000000
#define TEST_PAGES	256
#define LAPIC_VA	0xfee00000

#endif
