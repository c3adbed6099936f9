#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run one VMI kernel: tests/vmi/run.sh NAME [OPTION...]
#
# ENGINE is bt (default), interp or hv, or qemu with the native ROM for a second
# opinion; ROM is native, bt, hv or a file.
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
ENGINE=${ENGINE:-bt}
ROM=${ROM:-bt}
elf=$BUILD/tests/vmi/$1.elf
shift

[ $# -gt 0 ] || set -- --append "utc=$(date +%s)"

if [ "$ENGINE" = hv ]; then
	. tests/kvm.sh.inc
	kvm_needs "${elf##*/}"
fi

case $ENGINE in
qemu)
	qemu-system-i386 -cpu qemu32,+pae,+nx,+sep,+pge -m 128M -kernel "$elf" \
		-option-rom "$BUILD/vmi-rom/native.rom" -no-reboot \
		-display none -serial stdio \
		-device isa-debug-exit,iobase=0xf4,iosize=0x04 "$@"
	;;
*)
	[ "$ENGINE" = bt ] && set -- --set bt.verify=1 "$@"
	"$BUILD/umbra" run --kernel "$elf" --mem 128M --engine "$ENGINE" \
		--vmi="$ROM" --no-reboot "$@"
	;;
esac </dev/null | tr -d '\r'
status=${PIPESTATUS[0]}
[ "$status" = 33 ] && exit 0
echo "not ok exit status $status"
exit 1
