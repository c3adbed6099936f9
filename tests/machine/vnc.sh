#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SeaBIOS's screen through VNC: a client of the test's own compares encodings
# and formats with each other and with a screendump; passwords.
# timeout: 90
set -u
cd "$(dirname "$0")/../.." || exit 1
umbra=${BUILD:-build}/umbra
command -v python3 >/dev/null || exec tests/skip.sh "python3 is missing"
[ -f /usr/share/seabios/bios-256k.bin ] ||
	exec tests/skip.sh "seabios is not installed (make deps)"
"$umbra" run --qmp bad --kernel x 2>&1 | grep -q "built without" &&
	exec tests/skip.sh "built without jansson (make deps)"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
echo "secret" >"$tmp/password"

# start OPTION...
start()
{
	"$umbra" run --engine bt --bios bios-256k.bin --mem 32M --serial null \
		--vnc "unix:$tmp/vnc" --qmp "unix:$tmp/qmp" \
		--screendump "$tmp/end.ppm" "$@" >"$tmp/log" 2>&1 </dev/null &
	pid=$!
	for _ in $(seq 100); do
		[ -S "$tmp/vnc" ] && break
		sleep 0.05
	done
}

start
# By then firmware has found nothing to boot and writes no more.
timeout 60 python3 tests/machine/vnc.py "$tmp" "" 8 || {
	echo "not ok the client ends well"
	sed 's/^/# /' "$tmp/log"
}
(sleep 15; kill "$pid") 2>/dev/null &
wait "$pid"
if cmp -s "$tmp/end.ppm" "$tmp/vnc.ppm"; then
	echo "ok VNC and the screendump show the same"
else
	echo "not ok VNC and the screendump show the same"
	ls -l "$tmp" | sed 's/^/# /'
fi

start --vnc-password "$tmp/password"
timeout 20 python3 tests/machine/vnc.py "$tmp" wrong 0 ||
	echo "not ok the client ends well"
kill "$pid"
wait "$pid" || true	# the machine that we ended
