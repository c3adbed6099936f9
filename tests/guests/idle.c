/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does nothing for ever; for tests of what one can do to a machine. */
#include "tests/guests/guest.h"

void guest_main(void)
{
	for (;;)
		__asm__ volatile("pause");
}
