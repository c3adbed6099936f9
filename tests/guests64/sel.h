/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that C and assembler share. */
#ifndef TESTS_GUESTS64_SEL_H
#define TESTS_GUESTS64_SEL_H

/* As Linux has them: a KVM without hardware runs CPL 3 with the host's GDT. */
#define KERNEL_CS32	0x08
#define KERNEL_CS	0x10
#define KERNEL_DS	0x18
#define USER_CS32	0x23
#define USER_DS		0x2b
#define USER_CS		0x33
#define TSS_SEL		0x40	/* 16 bytes */

/* Linear addresses: 4 KiB pages that nothing maps at first. */
#define WINDOW_VA	0x40000000
#define WINDOW_PAGES	512
/* The same, in the upper half. */
#define HIGH_VA		0xffff800000000000

#endif
