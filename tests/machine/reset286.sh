#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Resets of the processor alone, from which SeaBIOS resumes the guest
# (reset286.S).
# timeout: 240
set -u
cd "$(dirname "$0")/../.." || exit 1
umbra=${BUILD:-build}/umbra
sector=${BUILD:-build}/tests/machine/reset286.bin
[ -e /usr/share/seabios/bios-256k.bin ] ||
	exec tests/skip.sh "no SeaBIOS (make deps installs it)"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# resumes ENGINE
resumes()
{
	cp "$sector" "$tmp/disk.img"
	truncate -s 1M "$tmp/disk.img"
	timeout -k 1 90 "$umbra" run --engine "$1" --mem 64 --serial null \
		--drive "file=$tmp/disk.img,format=raw" >"$tmp/out" 2>&1 </dev/null
	rc=$?
	if [ $rc = 33 ]; then
		echo "ok the_guest_resumes_after_each_reset ($1)"
	else
		echo "not ok the_guest_resumes_after_each_reset ($1)"
		echo "# exit status $rc"
		tail -n 3 "$tmp/out" | sed 's/^/# /'
	fi
}

resumes bt
resumes interp
if "$umbra" host | grep -q "^KVM  *usable"; then
	resumes hv
else
	echo "ok resets under hv # SKIP no usable /dev/kvm"
fi
