/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The built-in guest: a kernel of a few hundred lines that shows a machine at
 * work.  Freestanding, 32-bit, no library.
 */
#ifndef TOOLS_DEMO_DEMO_H
#define TOOLS_DEMO_DEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/bare/bare.h"

#define HZ		100
#define IRQ_TIMER	0
#define IRQ_COM1	4

/* What start.S leaves on the stack. */
struct frame {
	uint32_t edi, esi, ebp, esp, ebx, edx, ecx, eax;
	uint32_t vector, error;
	uint32_t eip, cs, eflags;
};

struct multiboot_info;

/* console.c: COM1. */
void console_init(void);
/* Next byte of input, waiting with HLT. */
int console_getc(void);

/* trap.c */
void trap_init(void);
void interrupt(struct frame *f);
/* Handlers return true if the instruction may go on. */
extern bool (*page_fault)(uint32_t addr, uint32_t error);
extern volatile uint32_t ticks;

/* paging.c: identity-map RAM below 16 MiB and switch paging on. */
void paging_init(void);
void paging_demo(void);

/* power.c */
void power_off(void) __attribute__((noreturn));
void reboot(void) __attribute__((noreturn));

/* main.c */
void demo_main(uint32_t magic, const struct multiboot_info *info);

#endif
