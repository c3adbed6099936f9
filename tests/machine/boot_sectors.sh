#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What old systems do to the machine, as boot sectors that leave with status 33:
# a20.S gates address line 20, reset286.S leaves protected mode by resets.
# timeout: 360
set -u
cd "$(dirname "$0")/../.." || exit 1
umbra=${BUILD:-build}/umbra
[ -e /usr/share/seabios/bios-256k.bin ] ||
	exec tests/skip.sh "no SeaBIOS (make deps installs it)"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# runs SECTOR WHAT ENGINE
runs()
{
	cp "${BUILD:-build}/tests/machine/$1.bin" "$tmp/disk.img"
	truncate -s 1M "$tmp/disk.img"
	timeout -k 1 90 "$umbra" run --engine "$3" --mem 64 --serial null \
		--drive "file=$tmp/disk.img,format=raw" >"$tmp/out" 2>&1 </dev/null
	rc=$?
	if [ $rc = 33 ]; then
		echo "ok $2 ($3)"
	else
		echo "not ok $2 ($3)"
		echo "# exit status $rc"
		tail -n 3 "$tmp/out" | sed 's/^/# /'
	fi
}

engines="bt interp"
if "$umbra" host | grep -q "^KVM  *usable"; then
	engines="$engines hv"
else
	echo "ok boot sectors under hv # SKIP no usable /dev/kvm"
fi
for engine in $engines; do
	runs a20 address_line_20_is_gated "$engine"
	runs reset286 the_guest_resumes_after_each_reset "$engine"
done
