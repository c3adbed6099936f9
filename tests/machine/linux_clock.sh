#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# After 60 guest seconds under load, date and /proc/uptime are within 1 % of
# the host.
# timeout: 150
. "$(dirname "$0")/linux.sh.inc"
make_initrd clock

# Stamp the CLOCK lines with the host's time as they arrive.
boot /dev/stdout vmlinuz-686 128M 130 | while IFS= read -r line; do
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
# The console delays lines, never hurries them: the smallest lag of each group
# is the one to go by.
awk '
	function lag(name, n, host, guest) {
		if (!((name, n) in best) || host - guest < best[name, n])
			best[name, n] = host - guest
	}
	/^HOST/ {
		lag("uptime", $4, $2, $5)
		lag("date", $4, $2, $6)
		at[$4] = $2
	}
	function check(name) {
		off = best[name, 0] - best[name, 1]
		part = off / (at[1] - at[0]) * 100
		printf "%s %s is within 1 %% of the host (%+.3f s in %.1f s)\n",
			(part < 1 && part > -1) ? "ok" : "not ok", name, off,
			at[1] - at[0]
	}
	END {
		check("uptime")
		check("date")
	}' "$tmp/log"
