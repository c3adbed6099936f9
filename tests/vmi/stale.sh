#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Are the files that are generated from the call table what it says?
gen=$BUILD/spec/vmi-gen
bad=0

same()
{
	if diff -u "$2" - >&2; then
		echo "ok $1"
	else
		echo "not ok $1 (run make spec)"
		bad=1
	fi
}

"$gen" header | same vmi_h_is_what_the_table_says spec/vmi.h
spec/tables.sh "$gen" <spec/vmi.md | same vmi_md_is_what_the_table_says spec/vmi.md

# The header in the guest kernel's patches: what a patch adds to that file.
cat guest-linux-patches/[0-9]*.patch |
	awk '/^diff / { on = $4 == "b/arch/x86/include/asm/vmi.h" }
	     on && /^\+/ && !/^\+\+\+ / { print substr($0, 2) }' >"$BUILD/guest-vmi.h"
"$gen" guest | same guest_kernel_has_the_header_of_the_table "$BUILD/guest-vmi.h"
exit $bad
