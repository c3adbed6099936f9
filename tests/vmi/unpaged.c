/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ROM before paging, for hosts whose KVM runs 32-bit code only there:
 * hypercalls by port, results in registers, nothing else touched.
 */
#include "tests/vmi/vmi.h"

/* ------------------------------------------------ the other processor */

extern const uint8_t ap_entry[];
volatile uint32_t ap_regs[9], ap_count;

__asm__(
	"ap_entry:\n"
	"	movl %eax, ap_regs\n"
	"	movl %ebx, ap_regs + 4\n"
	"	movl %ecx, ap_regs + 8\n"
	"	movl %edx, ap_regs + 12\n"
	"	movl %esi, ap_regs + 16\n"
	"	movl %edi, ap_regs + 20\n"
	"	movl %ebp, ap_regs + 24\n"
	"	movl %esp, ap_regs + 28\n"
	"	pushfl\n"
	"	popl ap_regs + 32\n"
	"	lock incl ap_count\n"
	"1:	cli; hlt; jmp 1b\n");

static void ipi(uint32_t low)
{
	poke32(0xfee00310, 1u << 24);
	poke32(0xfee00300, low);
	while (peek32(0xfee00300) & 0x1000)
		;
}

static void wait_cycles(uint64_t n)
{
	uint64_t end = rdtsc() + n;

	while (rdtsc() < end)
		__asm__ volatile("pause");
}

/* INIT, the state, two start-up IPIs, as Linux does. */
static void start_ap(void)
{
	static struct vmi_ap_state s;
	uint64_t second = vmi(VMI_CALL_GET_CYCLE_FREQUENCY, 0, 0, 0);
	uint64_t end;

	s = (struct vmi_ap_state){
		.cr0 = get_cr0(), .eip = (uint32_t)ap_entry,
		.eax = 11, .ebx = 12, .ecx = 13, .edx = 14, .esi = 15,
		.edi = 16, .ebp = 17, .esp = SCRATCH(9),
		.cs = KERNEL_CS, .ss = KERNEL_DS, .ds = KERNEL_DS,
		.es = KERNEL_DS, .gdtr_base = (uint32_t)gdt,
		.gdtr_limit = GDT_ENTRIES * 8 - 1,
		.idtr_base = (uint32_t)idt, .idtr_limit = 2047 };
	ipi(0x4500);
	ipi(0x8500);
	ok((uint32_t)vmi(VMI_CALL_SET_INITIAL_AP_STATE, (uint32_t)&s, 1, 0) ==
	   0, "SetInitialAPState takes the state");
	s.eip = 0;		/* it was copied */
	wait_cycles(10000000);
	ok(!ap_count, "nothing starts without a start-up IPI");
	ipi(0x4610);
	ipi(0x4611);
	end = rdtsc() + 20 * second;
	while (!ap_count && rdtsc() < end)
		__asm__ volatile("pause");
	wait_cycles(10000000);
	ok(ap_count == 1, "the first one starts it, the second does nothing");
	for (unsigned i = 0; i < 7; i++)
		ok(ap_regs[i] == 11 + i, "register %u is what was set", i);
	ok(ap_regs[7] == SCRATCH(9) && !(ap_regs[8] & FLAG_IF),
	   "so is ESP, and interrupts are off");
	ok((uint32_t)vmi(VMI_CALL_SET_INITIAL_AP_STATE, (uint32_t)&s, 7, 0) ==
	   ~0u, "no state for a processor that is not there");
}

void return_calls(bool sysexit);

void guest_main(void)
{
	static const char text[] = "# written by ConsoleWrite\n";
	struct raw r = { .ebx = 1, .esi = 2, .edi = 3, .ebp = 4 };
	uint64_t a, b;

	vmi_find();
	ok(vmi_rom && vmi_start() == 0, "vmi_init answers 0");
	vmi_bind();
	ok(vmi_has(VMI_CALL_CONSOLE_WRITE), "the ROM has a hypervisor");
	r.eax = (uint32_t)text;
	r.edx = sizeof(text) - 1;
	vmi_raw(vmi_entry[VMI_CALL_CONSOLE_WRITE], &r);
	ok(r.eax == sizeof(text) - 1, "ConsoleWrite says how many it took");
	ok(r.ebx == 1 && r.esi == 2 && r.edi == 3 && r.ebp == 4 && !r.moved,
	   "a hypercall keeps the other registers");
	a = vmi(VMI_CALL_GET_CYCLE_COUNTER, 0, 0, 0);
	b = vmi(VMI_CALL_GET_CYCLE_COUNTER, 1, 0, 0);
	ok(a && b && b <= vmi(VMI_CALL_GET_CYCLE_COUNTER, 0, 0, 0),
	   "64-bit results");
	ok(vmi(VMI_CALL_GET_CYCLE_FREQUENCY, 0, 0, 0) > 1000000,
	   "a frequency");
	ok((uint32_t)vmi(VMI_CALL_CANCEL_ALARM, 0, 0, 0) == 0,
	   "no alarm is armed");
	vmi_call5(VMI_CALL_SET_ALARM, 0, ~0u, ~0u >> 1, 0, 0);
	ok((uint32_t)vmi(VMI_CALL_CANCEL_ALARM, 0, 0, 0) == 1,
	   "arguments behind a pointer arrive");
	a = 1000;
	while (a--)
		vmi(VMI_CALL_YIELD, ~0u, 0, 0);
	ok(true, "1000 hypercalls");
	if (vmi_told("smp"))
		start_ap();
	return_calls(false);	/* SYSEXIT has tests of its own */
}
