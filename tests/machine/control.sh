#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The monitor and QMP on sockets, inside the sandbox.
# timeout: 60
set -u
cd "$(dirname "$0")/../.." || exit 1
umbra=${BUILD:-build}/umbra
command -v python3 >/dev/null || exec tests/skip.sh "python3 is missing"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

"$umbra" run --engine bt --kernel "${BUILD:-build}/tests/guests/idle.elf" \
	--mem 16M -S --qmp "unix:$tmp/qmp" --monitor "unix:$tmp/hmp" \
	--serial null >"$tmp/log" 2>&1 </dev/null &
pid=$!
for _ in $(seq 100); do
	[ -S "$tmp/hmp" ] && [ -S "$tmp/qmp" ] && break
	grep -q 'built without' "$tmp/log" &&
		exec tests/skip.sh "built without jansson (make deps)"
	sleep 0.05
done
python3 tests/machine/control.py "$tmp" || echo "not ok the script ends well"
(sleep 10; kill "$pid") 2>/dev/null &
wait "$pid"
status=$?
if [ $status = 0 ]; then
	echo "ok quit ends the machine with status 0"
else
	echo "not ok quit ends the machine with status 0: $status"
	sed 's/^/# /' "$tmp/log"
fi

# Drives and the screen of a machine: files are opened by its agent, or by itself.
[ -f /usr/share/seabios/bios-256k.bin ] || exit 0
for f in a.iso b.iso hd.img; do
	truncate -s 1M "$tmp/$f"
done

# media SANDBOX
media()
{
	rm -f "$tmp/qmp" "$tmp/hmp" "$tmp"/*.p?[gm]
	"$umbra" run --engine bt --bios bios-256k.bin --mem 32M \
		--sandbox "$1" --qmp "unix:$tmp/qmp" \
		--monitor "unix:$tmp/hmp" --serial null --hda "$tmp/hd.img" \
		--cdrom "$tmp/a.iso" >"$tmp/log" 2>&1 </dev/null &
	pid=$!
	for _ in $(seq 100); do
		[ -S "$tmp/hmp" ] && [ -S "$tmp/qmp" ] && break
		sleep 0.05
	done
	SANDBOX=$1 python3 tests/machine/control.py "$tmp" \
		tests/machine/media_control.py || {
		echo "not ok the second script ends well (sandbox $1)"
		sed 's/^/# /' "$tmp/log"
	}
	(sleep 10; kill "$pid") 2>/dev/null &
	wait "$pid"
}

media on
media off
