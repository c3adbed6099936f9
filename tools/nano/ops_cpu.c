// SPDX-License-Identifier: GPL-2.0-or-later
/* Rows about one processor: transitions, faults, flags, ports. */
#include "spec/vmi.h"
#include "tools/nano/ops.h"
#include "tools/nano/site.h"

#define POST_PORT	0x80
#define APIC_TPR	0x80
#define CR0_TS		0x8u

extern const uint8_t user_begin[], user_empty[], user_syscall[],
	user_sysenter[], user_divide[], user_fault[];
extern const uint8_t on_syscall[], on_divide[], on_page_fault[];
extern uint32_t user_esp, kernel_esp, get_cr2;
void user_enter(uint32_t eip, uint32_t n);
void kernel_irets(uint32_t n);

#define TIMES(n)	for (uint32_t left = (n); left; left--)

void empty_loop(uint32_t n)
{
	TIMES(n)
		__asm__ volatile("");
}

/* ---- Calls ------------------------------------------------------------------ */

void call_n(uint32_t n)
{
	__asm__ volatile("jmp 2f\n"
			 ".balign 16\n"
			 "1: ret\n"
			 ".balign 16\n"
			 "2: call 1b\n"
			 "decl %0\n"
			 "jnz 2b" : "+r"(n) :: "memory");
}

void call_indirect_n(uint32_t n)
{
	uint32_t at;

	__asm__ volatile("movl $1f, %1\n"
			 "jmp 2f\n"
			 ".balign 16\n"
			 "1: ret\n"
			 ".balign 16\n"
			 "2: call *%1\n"
			 "decl %0\n"
			 "jnz 2b" : "+r"(n), "=&r"(at) :: "memory");
}

/* ---- Ports and the local APIC ----------------------------------------------- */

void in_n(uint32_t n)
{
	TIMES(n)
		inb(POST_PORT);
}

void in_v(uint32_t n)
{
	pv_map *in = PV(pv_map *, VMI_CALL_INB);

	TIMES(n)
		in(0, POST_PORT);
}

void io_delay_n(uint32_t n)
{
	TIMES(n)
		outb(POST_PORT, 0);
}

void io_delay_v(uint32_t n)
{
	pv_void *delay = PV(pv_void *, VMI_CALL_IO_DELAY);

	TIMES(n)
		delay();
}

void tpr_n(uint32_t n)
{
	TIMES(n)
		poke32(LAPIC_VA + APIC_TPR, left & 0x10);
	poke32(LAPIC_VA + APIC_TPR, 0);
}

void tpr_v(uint32_t n)
{
	pv_2u32 *write = PV(pv_2u32 *, VMI_CALL_APIC_WRITE);

	TIMES(n)
		write(APIC_TPR, left & 0x10);
	write(APIC_TPR, 0);
}

/* ---- Registers and flags ---------------------------------------------------- */

void rdtsc_n(uint32_t n)
{
	TIMES(n)
		__asm__ volatile("rdtsc" ::: "eax", "edx");
}

void rdtsc_v(uint32_t n)
{
	pv_get *tsc = PV(pv_get *, VMI_CALL_RDTSC);

	TIMES(n)
		tsc();
}

void cpuid_n(uint32_t n)
{
	TIMES(n)
		__asm__ volatile("cpuid" :: "a"(1), "c"(0) : "ebx", "edx");
}

void cpuid_v(uint32_t n)
{
	uint32_t at = pv_call(VMI_CALL_CPUID);

	TIMES(n) {
		uint32_t a = 1, c = 0;

		__asm__ volatile("call *%2" : "+a"(a), "+c"(c) : "S"(at)
				 : "ebx", "edx", "cc");
	}
}

/* Switch the FPU off and on again: MOV CR0 and CLTS. */
void ts_n(uint32_t n)
{
	uint32_t cr0;

	__asm__ volatile("movl %%cr0, %0" : "=r"(cr0));
	TIMES(n)
		__asm__ volatile("movl %0, %%cr0\n"
				 "clts" :: "r"(cr0 | CR0_TS) : "memory");
}

void ts_v(uint32_t n)
{
	pv_void *clear = PV(pv_void *, VMI_CALL_CLTS);
	uint32_t cr0;

	__asm__ volatile("movl %%cr0, %0" : "=r"(cr0));
	TIMES(n) {
		set_cr0(cr0 | CR0_TS);
		if (clear)
			clear();
		else
			__asm__ volatile("clts" ::: "memory");
	}
}

void cli_sti(uint32_t n)
{
	TIMES(n)
		__asm__ volatile(SITE_ASM(VMI_CALL_DISABLE_INTERRUPTS, "cli")
				 SITE_ASM(VMI_CALL_ENABLE_INTERRUPTS, "sti")
				 ::: "memory", "cc");
	__asm__ volatile(SITE_ASM(VMI_CALL_DISABLE_INTERRUPTS, "cli")
			 ::: "memory", "cc");
}

/* What spin_lock_irqsave() and its undoing do to the flag. */
void irq_save(uint32_t n)
{
	TIMES(n)
		__asm__ volatile(
			SITE_ASM(VMI_CALL_GET_INTERRUPT_MASK,
				 "pushfl; popl %%eax")
			SITE_ASM(VMI_CALL_DISABLE_INTERRUPTS, "cli")
			SITE_ASM(VMI_CALL_SET_INTERRUPT_MASK,
				 "pushl %%eax; popfl")
			::: "eax", "memory", "cc");
}

void iret_kernel(uint32_t n)
{
	kernel_irets(n);
}

/* ---- User mode -------------------------------------------------------------- */

void user_run(const void *loop, uint32_t n)
{
	uint32_t here = (uint32_t)__builtin_frame_address(0);

	/* Below everything of this stack that is in use. */
	set_kernel_stack((here - 1024) & ~15u);
	if (machine.paging) {
		user_esp = USER_STACK;
		user_enter(USER_VA + ((uint32_t)loop - (uint32_t)user_begin), n);
	} else {
		user_esp = here - 4096;
		user_enter((uint32_t)loop, n);
	}
}

void empty_user(uint32_t n)
{
	user_run(user_empty, n);
}

void syscall_user(uint32_t n)
{
	gate_set(VEC_SYSCALL, on_syscall, 3);
	user_run(user_syscall, n);
}

void sysenter_user(uint32_t n)
{
	user_run(user_sysenter, n);
}

void divide_user(uint32_t n)
{
	gate_set(0, on_divide, 0);
	user_run(user_divide, n);
}

void fault_user(uint32_t n)
{
	get_cr2 = pv_call(VMI_CALL_GET_CR2);
	gate_set(14, on_page_fault, 0);
	user_run(user_fault, n);
}
