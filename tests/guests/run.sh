#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run one test kernel: tests/guests/run.sh NAME [OPTION...]
#
# ENGINE is bt (default), interp, hv, or qemu for a second opinion (which checks
# no segment limits and gets some of the finer points wrong).  Memory and
# options come from guests.def.  The kernel prints TAP and leaves with status
# 33, (0x10 << 1) | 1, when all went well.  Under hv it must print the same lines
# as under bt.
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
ENGINE=${ENGINE:-bt}
name=$1
shift
elf=$BUILD/tests/guests/$name.elf
read -r _ mem _ options < <(grep "^$name[[:space:]]" tests/guests/guests.def)
mem=${mem:-64M}

if [ "$ENGINE" = hv ]; then
	. tests/kvm.sh.inc
	read -r _ needs < <(grep "^$name[[:space:]]*" tests/guests/hv.def)
	# shellcheck disable=SC2086
	kvm_needs "$name" $needs
	lines=$(mktemp)
	trap 'rm -f "$lines"' EXIT
fi

case $ENGINE in
qemu)
	qemu-system-i386 -cpu qemu32,+pae,+nx,+sep,+pge -m "$mem" \
		-kernel "$elf" -no-reboot -display none -serial stdio \
		-device isa-debug-exit,iobase=0xf4,iosize=0x04
	;;
*)
	# shellcheck disable=SC2086
	[ "$ENGINE" = bt ] && set -- --set bt.verify=1 $options "$@"
	"$BUILD/umbra" run --kernel "$elf" --mem "$mem" --engine "$ENGINE" \
		--no-reboot "$@"
	;;
esac </dev/null | tr -d '\r' | tee "${lines:-/dev/null}"
status=${PIPESTATUS[0]}
if [ "$status" != 33 ]; then
	echo "not ok exit status $status"
	exit 1
fi
[ "$ENGINE" = hv ] || exit 0
if diff <(grep '^ok' "$lines") \
	<(ENGINE=bt "tests/guests/run.sh" "$name" 2>/dev/null | grep '^ok'); then
	echo "ok the same lines as under bt"
else
	echo "not ok the same lines as under bt"
fi
