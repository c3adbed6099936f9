#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# After 60 guest seconds under load, date and /proc/uptime are within 1 % of
# the host.
# timeout: 150
. "$(dirname "$0")/linux.sh.inc"
make_initrd clock

# Stamp the CLOCK lines with the host's time as they arrive.
boot /dev/stdout vmlinuz-686 128M 120 | while IFS= read -r line; do
	case $line in
	CLOCK*) echo "HOST $EPOCHREALTIME $line" ;;
	*) echo "$line" ;;
	esac
done | tr -d '\r' >"$tmp/log"

grep -q '^TEST PASSED' "$tmp/log" || {
	echo "not ok the guest runs for 60 seconds"
	tail "$tmp/log" | sed 's/^/#   /'
	exit 1
}
awk '
	/^HOST/ { host[$4] = $2; up[$4] = $5; date[$4] = $6 }
	function check(name, guest) {
		h = host[1] - host[0]
		off = (guest / h - 1) * 100
		printf "%s %s is within 1 %% of the host (%.2f s, host %.2f s)\n",
			(off < 1 && off > -1) ? "ok" : "not ok", name, guest, h
	}
	END {
		check("/proc/uptime", up[1] - up[0])
		check("date", date[1] - date[0])
	}' "$tmp/log"
