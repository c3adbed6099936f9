#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A KVM that fails while the guest runs: what is printed, and the exit status
# (fullvirt/README.md, "When it ends").  badkvm.c stands between umbra and KVM.
# timeout: 120
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
umbra=$BUILD/umbra
idle=$BUILD/tests/guests/idle.elf
. tests/kvm.sh.inc
kvm_needs hv_faults "unpaged protected mode"
out=$(mktemp)
trap 'rm -f "$out"' EXIT
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}:verify_asan_link_order=0

# ends NAME BADKVM STATUS TEXT [OPTION...]: status and last line are these, and
# registers and bytes at eip come before it.
ends()
{
	local name=$1 bad=$2 want=$3 text=$4 status
	shift 4

	[ $# -gt 0 ] || set -- --kernel "$idle" --engine hv
	BADKVM=$bad LD_PRELOAD=$BUILD/tests/machine/badkvm.so timeout 30 \
		"$umbra" run --mem 16M --no-reboot --serial null "$@" \
		</dev/null >"$out" 2>&1
	status=$?
	if [ $status = "$want" ] && tail -n 1 "$out" | grep -q "^umbra: $text" &&
	   grep -qE '^eip [0-9a-f]{8} eflags ' "$out" &&
	   grep -qE '^cr0 [0-9a-f]{8} cr2 ' "$out" &&
	   grep -qE '^code at [0-9a-f]{8}: ([0-9a-f]{2} ?){16}$' "$out"; then
		echo "ok $name"
	else
		echo "not ok $name"
		{ echo "status $status"; cat "$out"; } | sed 's/^/# /'
	fi
}

cannot="the engine cannot continue"
ends entry_failure exit=9 8 \
	"$cannot: the processor refuses the guest's state: entry failure 80000021$"
ends internal_error exit=17 8 "$cannot: KVM internal error 3 "
ends unknown_exit exit=4711 8 "$cannot: unknown KVM exit 4711$"
ends shutdown exit=8 4 "triple fault "
for code in 19 5; do
	ends "kvm_goes_away (error $code)" run=$code 8 \
		"$cannot: KVM_RUN: .* (KVM has gone away)$"
	ends "kvm_is_gone_whole (error $code)" gone=$code 8 \
		"$cannot: KVM_RUN: .* (KVM has gone away)$"
	grep -q "^umbra: KVM does not give the processor's state" "$out" &&
		echo "ok old_registers_are_called_so (error $code)" ||
		echo "not ok old_registers_are_called_so (error $code)"
done
ends other_error run=12 8 "$cannot: KVM_RUN: Cannot allocate memory$"
for code in 4 11; do
	ends "storm_of_interruptions (error $code)" run=$code 8 \
		"$cannot: KVM_RUN was interrupted 1[0-9]* times within .* ran nothing: "
done

# Firmware makes more runs of pages of the first megabyte than there are slots.
bios=/usr/share/seabios/bios-256k.bin
if [ -f $bios ]; then
	ends slots_are_used_up slots=4 8 "$cannot: hv: guest memory is in more \
than 4 pieces, KVM's memory slots are used up$" --bios $bios --engine hv
else
	echo "ok slots_are_used_up # SKIP no $bios"
fi
