/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operations of the rows (rows.def): NAME_n by instructions, NAME_v by
 * calls.  Each performs @n operations, with interrupts off before and after.
 */
#ifndef TOOLS_NANO_OPS_H
#define TOOLS_NANO_OPS_H

#include "tools/nano/nano.h"

/* ops_cpu.c */
op_fn empty_loop, empty_user;
op_fn call_n, call_indirect_n;
op_fn in_n, in_v, io_delay_n, io_delay_v, tpr_n, tpr_v;
op_fn rdtsc_n, rdtsc_v, cpuid_n, cpuid_v, ts_n, ts_v;
op_fn cli_sti, irq_save, iret_kernel;
op_fn syscall_user, sysenter_user, divide_user, fault_user;

/* ops_mmu.c */
op_fn cr3_n, cr3_v, invlpg_n, invlpg_v, flush_global_n, flush_global_v;
op_fn pte_n, pte_v, pte_use_n, pte_use_v, pte_kernel_n, pte_kernel_v;
op_fn pte_batch_n, pte_batch_v, pte_batch31_v;
op_fn switch_n, switch_v, switch31_v;
op_fn traced_hot, traced_cold;
bool pte_prepare(uint32_t n), traced_cold_prepare(uint32_t n);

/* ops_timer.c */
op_fn arm_n, arm_v, timer_n, timer_v;
bool timer_prepare(uint32_t n);

/* Fewer than this many stores in one traced-cold run: one page of code. */
#define TRACED_COLD_MAX	1024

#endif
