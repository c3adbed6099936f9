#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the guest kernel does with vmi= on its command line: console, and each of
# disable_*.  (off: linux_vmi.sh.)
# timeout: 120
. "$(dirname "$0")/linux.sh.inc"
kernel=../guest-kernel/up/bzImage

[ -f "$cache/$kernel" ] ||
	exec tests/skip.sh "$cache/$kernel is missing (make guest-kernel)"
make_initrd vmi_options

# with OPTION...: the guest's messages in $tmp/text.
with()
{
	boot "$tmp/log" $kernel 128M 40 --vmi="${rom:-bt}" \
		--serial stdio --serial null \
		--append "panic=-1 umbra.script=/test $*"
	status=$?
	tr -d '\r' <"$tmp/log" >"$tmp/text"
}

check()	# NAME PATTERN
{
	if grep -aqE "$2" "$tmp/text"; then
		echo "ok $1"
	else
		echo "not ok $1"
		tail -n 12 "$tmp/text" | sed 's/^/#   /'
	fi
}

lacks()	# NAME PATTERN
{
	if grep -aqE "$2" "$tmp/text" || [ ! -s "$tmp/text" ]; then
		echo "not ok $1"
		grep -aE "$2" "$tmp/text" | sed 's/^/#   /'
	else
		echo "ok $1"
	fi
}

# The console is the other serial port: what is seen came through ConsoleWrite.
with vmi=console keep_bootcon console=ttyS1
check "vmi=console: messages from the beginning" '^\[    0.000000\] Linux version'
check "vmi=console: what was printed before there was a console, once" \
	'VMI: Found Umbra VMI'
check "vmi=console: it is a boot console" 'bootconsole \[vmi0\] enabled'
check "vmi=console: to the end" 'reboot: Power down'
lacks "vmi=console: nothing came by another console" '^(TEST|OPTIONS)'
[ $status = 0 ] && echo "ok vmi=console: the guest powers off" ||
	echo "not ok vmi=console: the guest powers off"

with console=ttyS1
lacks "without it the ROM's console is not used" 'Linux version'

with vmi=console console=ttyS0
check "vmi=console: the real one takes over" \
	'bootconsole \[vmi0\] disabled|legacy bootconsole'
check "vmi=console and ttyS0: the script runs" '^TEST PASSED'

rom=native
with vmi=console console=ttyS0
check "vmi=console: a ROM without console says so" 'VMI: the ROM has no console'
rom=bt

with console=ttyS0 quiet
check "without options: the features are there" \
	'^OPTIONS .* tsc .* sep .*mtrr .*pge '
check "without options: alarms are the clock" '^OPTIONS clock vmi-timer'
with console=ttyS0 quiet vmi=disable_timer vmi=disable_pge vmi=disable_pse \
	vmi=disable_sep vmi=disable_tsc vmi=disable_mtrr
for feature in pge pse sep tsc mtrr; do
	lacks "vmi=disable_$feature" "^OPTIONS flags.* $feature "
done
check "vmi=disable_timer: another clock" '^OPTIONS clock (lapic|pit|hpet)'
check "with all of them: the kernel is paravirtual" \
	'^OPTIONS .*Booting paravirtualized kernel on vmi'
check "with all of them: the script runs" '^TEST PASSED'
