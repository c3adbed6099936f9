#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's SeaBIOS starts from the reset vector and comes to the end of its
# boot order, under each engine.
# timeout: 120
set -u
cd "$(dirname "$0")/../.." || exit 1
umbra=${BUILD:-build}/umbra
bios=/usr/share/seabios/bios-256k.bin
if [ ! -e $bios ]; then
	echo "# no $bios (make deps installs it)"
	exit 77
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

ok()
{
	if [ "$1" = 0 ]; then
		echo "ok $2"
	else
		echo "not ok $2"
		tail -n 5 "$tmp/out" "$tmp/debug" | sed 's/^/# /'
	fi
}

# The messages hold $1 within 40 s.
appears()
{
	local i
	for ((i = 0; i < 400; i++)); do
		grep -q "$1" "$tmp/debug" 2>/dev/null && return 0
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}

# The VMI ROM is the expansion ROM of a PCI function: behind the VGA's.
"$umbra" run --bios bios-256k.bin --vmi native --engine bt --mem 64 \
	--serial null --debugcon "file:$tmp/debug" >"$tmp/out" 2>&1 </dev/null &
pid=$!
appears "No bootable device"
kill $pid
wait $pid 2>/dev/null || :
grep -q "^PCI: init bdf=.* id=15ad:0801" "$tmp/debug" &&
	grep -q "^Running option rom at ca00:0003" "$tmp/debug"
ok $? "seabios_runs_the_vmi_rom"

engines="bt interp"
if "$umbra" host | grep -q "^KVM  *usable"; then
	engines+=" hv"
else
	echo "ok seabios under hv # SKIP no usable /dev/kvm"
fi
for engine in $engines; do
	rm -f "$tmp/debug"
	"$umbra" run --bios bios-256k.bin --engine $engine --mem 64 \
		--serial null --screendump "$tmp/screen.txt" --debugcon "file:$tmp/debug" \
		>"$tmp/out" 2>&1 </dev/null &
	pid=$!
	appears "No bootable device"
	ok $? "seabios_finds_nothing_to_boot ($engine)"
	grep -q "^ACPI: parse DSDT at" "$tmp/debug"
	ok $? "seabios_takes_our_acpi_tables ($engine)"
	grep -q "= 1 RAM" "$tmp/debug" && ! grep -qi "warning\|error" "$tmp/debug"
	ok $? "seabios_has_no_complaints ($engine)"
	grep -q "^Running option rom at c000:0003" "$tmp/debug"
	ok $? "seabios_runs_the_vga_rom ($engine)"
	kill $pid
	wait $pid 2>/dev/null || :
	head -n 1 "$tmp/screen.txt" | grep -q "^SeaBIOS (version" &&
		grep -q "^No bootable device" "$tmp/screen.txt"
	ok $? "text_screen_has_its_messages ($engine)"
done
