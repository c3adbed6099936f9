// SPDX-License-Identifier: GPL-2.0-or-later
/* Not a test by itself: an exception without an IDT (machine/hv_ends.sh). */
#include "tests/guests64/guest.h"

void guest_main(void)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none;

	print("# about to end\n");
	__asm__ volatile("lidt %0; movabsq $0x1122334455667788, %%r15; ud2"
			 :: "m"(none) : "r15");
}
