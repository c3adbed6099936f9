#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One image of the guest kernel with the VMI backend (make guest-kernel) runs
# the script of linux_script.sh and powers off, native and paravirtual, on this
# hypervisor and on another: QEMU TCG without a ROM and with our native ROM,
# BT without a ROM, with the native ROM and with its own.  And a 3.0 ROM, whose
# every call is bound, IRET and SYSEXIT among them; a program returns to user
# mode with a bad CS, so that IRET faults in the ROM; another one forks, which the
# backend's kernel does otherwise where the ROM calls faults costly.
# timeout: 420
. "$(dirname "$0")/linux.sh.inc"
kernel=../guest-kernel/up/bzImage
rom=${BUILD:-build}/vmi-rom/native.rom

[ -f "$cache/$kernel" ] ||
	exec tests/skip.sh "$cache/$kernel is missing (make guest-kernel)"
tools/mkinitrd.sh -a tests/machine/guest/vmi:/test \
	-a tests/machine/guest/load:/load \
	-a "${BUILD:-build}/tests/machine/badcs:/badcs" \
	-a "${BUILD:-build}/tests/machine/forks:/forks" "$tmp/initrd.gz" \
	>"$tmp/mkinitrd.log" 2>&1 || {
	cat "$tmp/mkinitrd.log"
	echo "not ok the initrd is made"
	exit 1
}

# boot_qemu LOG SECONDS [OPTION...]: as boot(), in QEMU without acceleration.
boot_qemu()
{
	local log=$1 limit=$2
	shift 2
	timeout -k 5 "$limit" qemu-system-i386 -accel tcg -m 128M -no-reboot \
		-display none -serial stdio -monitor none \
		-kernel "$cache/$kernel" -initrd "$tmp/initrd.gz" \
		-append "console=ttyS0 quiet panic=-1 umbra.script=/test" \
		"$@" </dev/null >"$log" 2>&1
}

# said NAME PATTERN: the kernel's log has this line.
said()
{
	if grep -aqE "^(LOG|IRQ|CLOCKSOURCE) .*$2" "$tmp/log"; then
		echo "ok $1"
	else
		echo "not ok $1"
		grep -aE '^(LOG|IRQ|CLOCKSOURCE)' "$tmp/log" | tr -d '\r' |
			sed 's/^/#   /'
	fi
}

# The native ROM, but for its minor version, and a byte that nobody reads to
# keep the sum.  A 3.0 ROM has no feature word, and all of its calls are taken.
make_30_rom()
{
	cp "$rom" "$tmp/v30.rom"
	printf '\0' | dd of="$tmp/v30.rom" bs=1 seek=12 conv=notrunc 2>/dev/null
	printf '\1' | dd of="$tmp/v30.rom" bs=1 seek=28 conv=notrunc 2>/dev/null
}

# clean NAME: no oops, and IRET's fault became a signal.
clean()
{
	if grep -aqE '^LOG .*(Oops|BUG|WARNING|bad CS|forks)' "$tmp/log"; then
		echo "not ok $1: the kernel does not complain"
		grep -aE '^LOG ' "$tmp/log" | tr -d '\r' | sed 's/^/#   /'
	else
		echo "ok $1: the kernel does not complain"
	fi
}

native()
{
	clean "$1"
	said "$1: the kernel runs on bare hardware" \
		"Booting paravirtualized kernel on bare hardware"
}

# paravirtual NAME KIND MINOR
paravirtual()
{
	clean "$1"
	said "$1: the kernel found it" \
		"VMI: Found Umbra VMI .$2., API version 3.$3"
	said "$1: the kernel is paravirtual" \
		"Booting paravirtualized kernel on vmi"
}

make_30_rom
if command -v qemu-system-i386 >/dev/null; then
	boot_qemu "$tmp/log" 100
	verdict "QEMU without a ROM" "$tmp/log" $?
	native "QEMU without a ROM"
	boot_qemu "$tmp/log" 100 -option-rom "$rom"
	verdict "QEMU with the native ROM" "$tmp/log" $?
	paravirtual "QEMU with the native ROM" native 1
	boot_qemu "$tmp/log" 100 -option-rom "$tmp/v30.rom"
	verdict "QEMU with a 3.0 ROM" "$tmp/log" $?
	paravirtual "QEMU with a 3.0 ROM" native 0
	said "QEMU with a 3.0 ROM: the returns are calls" \
		"VMI: IRET patched, SYSEXIT patched"
	boot_qemu "$tmp/log" 100 -option-rom "${rom/native/bt}"
	verdict "QEMU with the ROM of another hypervisor" "$tmp/log" $?
	said "QEMU with the ROM of another hypervisor: it refuses" \
		"VMI ROM failed to initialize"
	native "QEMU with the ROM of another hypervisor"
else
	echo "ok QEMU TCG, four ways # SKIP qemu-system-i386 is not installed"
fi

boot "$tmp/log" $kernel 128M 60
verdict "BT without a ROM" "$tmp/log" $?
native "BT without a ROM"
boot "$tmp/log" $kernel 128M 60 --vmi=native
verdict "BT with the native ROM" "$tmp/log" $?
paravirtual "BT with the native ROM" native 1
boot "$tmp/log" $kernel 128M 60 --vmi="$tmp/v30.rom"
verdict "BT with a 3.0 ROM" "$tmp/log" $?
paravirtual "BT with a 3.0 ROM" native 0
boot "$tmp/log" $kernel 128M 60 --vmi=bt
verdict "BT with its ROM" "$tmp/log" $?
paravirtual "BT with its ROM" BT 1
said "BT with its ROM: alarms are the clock" 'HYP: +[1-9][0-9]* '
said "BT with its ROM: stolen time is accounted for" 'vmi: stolen time'

# Told not to, the kernel leaves the ROM alone.
boot "$tmp/log" $kernel 128M 60 --vmi=bt \
	--append "console=ttyS0 quiet panic=-1 vmi=off umbra.script=/test"
verdict "BT with its ROM and vmi=off" "$tmp/log" $?
said "vmi=off: the kernel says so" "VMI: off by the command line"
native "vmi=off"
