#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How a 64-bit guest ends badly under HV: the exit status, its registers, and
# the bytes at rip.
# timeout: 60
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
. tests/kvm.sh.inc
kvm_needs hv_ends long
out=$(mktemp)
trap 'rm -f "$out"' EXIT

verdict()
{
	if [ "$2" = 0 ]; then
		echo "ok $1"
	else
		echo "not ok $1"
		sed 's/^/# /' "$out"
	fi
}

timeout 30 "$BUILD/umbra" run --engine hv --no-reboot --mem 32M \
	--kernel "$BUILD/tests/guests64/triplefault.elf" </dev/null >"$out" 2>&1
[ $? = 4 ]
verdict triple_fault_has_status_4 $?
grep -q '^umbra: triple fault' "$out"
verdict triple_fault_is_named $?
grep -q 'r15 1122334455667788$' "$out"
verdict registers_are_printed $?
grep -q "^code at 001.....: 0f 0b " "$out"
verdict bytes_at_rip_are_printed $?
