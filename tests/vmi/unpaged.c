/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ROM before paging, for hosts whose KVM runs 32-bit code only there:
 * hypercalls by port, results in registers, nothing else touched.
 */
#include "tests/vmi/vmi.h"

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
}
