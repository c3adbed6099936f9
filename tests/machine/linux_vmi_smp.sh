#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guest kernel for several processors and PAE (make guest-kernel
# VARIANT=smp-pae): two processors on QEMU without a ROM and with the native one,
# which starts none, so that the kernel does natively; one on BT, without a ROM
# and with each.  (Two by SetInitialAPState: tests/nested/.)
# timeout: 200
. "$(dirname "$0")/linux.sh.inc"
kernel=../guest-kernel/smp-pae/bzImage

[ -f "$cache/$kernel" ] || exec tests/skip.sh \
	"$cache/$kernel is missing (make guest-kernel VARIANT=smp-pae)"
make_initrd vmi_smp

# said NAME PATTERN
said()
{
	if grep -aqE "^LOG .*$2" "$tmp/log"; then
		echo "ok $1"
	else
		echo "not ok $1"
		grep -a '^LOG' "$tmp/log" | tr -d '\r' | sed 's/^/#   /'
	fi
}

# judged NAME STATUS PROCESSORS KIND
judged()
{
	verdict "$1" "$tmp/log" "$2"
	said "$1: $3 processors" "processors $3"
	said "$1: on $4" "Booting paravirtualized kernel on $4"
	if grep -aqE '^LOG .*(Oops|BUG|WARNING)' "$tmp/log"; then
		echo "not ok $1: the kernel does not complain"
		grep -a '^LOG' "$tmp/log" | sed 's/^/#   /'
	else
		echo "ok $1: the kernel does not complain"
	fi
}

# on_qemu [OPTION...].  Its default processor: to Linux, -cpu max is an AMD K7,
# of which it wants no two, with or without a ROM.
on_qemu()
{
	timeout -k 5 80 qemu-system-i386 -accel tcg -smp 2 -m 128M -no-reboot \
		-display none -serial stdio -monitor none \
		-kernel "$cache/$kernel" -initrd "$tmp/initrd.gz" \
		-append "console=ttyS0 quiet panic=-1 umbra.script=/test" \
		"$@" </dev/null >"$tmp/log" 2>&1
}

if command -v qemu-system-i386 >/dev/null; then
	on_qemu
	judged "QEMU" $? 2 "bare hardware"
	on_qemu -option-rom "${BUILD:-build}/vmi-rom/native.rom"
	judged "QEMU with the native ROM" $? 2 vmi
else
	echo "ok QEMU # SKIP qemu-system-i386 is not installed"
fi
boot "$tmp/log" $kernel 128M 60 --vmi=off
judged "BT" $? 1 "bare hardware"
for rom in native bt hv; do
	boot "$tmp/log" $kernel 128M 60 --vmi=$rom
	judged "BT with the $rom ROM" $? 1 vmi
done
