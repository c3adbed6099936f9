/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that C and assembler share. */
#ifndef TESTS_GUESTS_SEL_H
#define TESTS_GUESTS_SEL_H

#define KERNEL_CS	0x08
#define KERNEL_DS	0x10
#define USER_CS		0x1b
#define USER_DS		0x23
#define TSS_SEL		0x28
#define CODE16		0x30
#define DATA16		0x38
#define SPARE_SEL	0x40	/* this and what follows are the test's own */
#define GDT_ENTRIES	64

/* Below 64 KiB, for real mode. */
#define REAL_CODE	0x8000
#define REAL_STACK	0x7ff0
#define REAL_VECTOR	0x7ff4	/* what to call */
#define REAL_ESP	0x7ff8
#define REAL_CR0	0x7ffc
#define REAL_IDT	0x7f00
#define REAL_IVT	0x7f08

#endif
