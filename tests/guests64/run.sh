#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run one 64-bit test kernel: tests/guests64/run.sh NAME [OPTION...]
#
# ENGINE is hv (default), auto,start=bt, where the kernel's way into long mode
# is a move from BT to HV, or qemu for a second opinion.  The kernel prints TAP
# and leaves with status 33, (0x10 << 1) | 1, when all went well.
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
ENGINE=${ENGINE:-hv}
name=$1
shift
elf=$BUILD/tests/guests64/$name.elf
. tests/kvm.sh.inc
# What needs names are words, options begin with dashes.
row=$(grep "^${name}[[:space:]]" tests/guests64/guests.def)
read -r _ _ needs <<<"${row%%--*}"
options=$(grep -o -e '--.*' <<<"$row")

if [ "$ENGINE" != qemu ]; then
	# shellcheck disable=SC2086
	kvm_needs "$name" $needs
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
case $ENGINE in
qemu)
	# shellcheck disable=SC2086
	qemu-system-x86_64 ${options//--cpus/-smp} -cpu max -m 128M -kernel "$elf" -no-reboot \
		-display none -serial stdio \
		-device isa-debug-exit,iobase=0xf4,iosize=0x04
	;;
*)
	# shellcheck disable=SC2086
	"$BUILD/umbra" run --log "$log" --kernel "$elf" --mem 128M --engine "$ENGINE" \
		--no-reboot $options "$@"
	;;
esac </dev/null | tr -d '\r'
status=${PIPESTATUS[0]}
cat "$log" >&2
if [ "$ENGINE" = auto,start=bt ] &&
   ! grep -q 'long mode: moved from bt to hv$' "$log"; then
	echo "not ok the kernel moves from bt to hv"
	exit 1
fi
[ "$status" = 33 ] && exit 0
echo "not ok exit status $status"
exit 1
