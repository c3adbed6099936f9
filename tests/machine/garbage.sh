#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Random bytes as a kernel: SEEDS (1000) images, from SEED (1).  The guest may
# do as it likes; umbra must neither crash nor ignore SIGTERM.
# timeout: 400
set -u
cd "$(dirname "$0")/../.." || exit 1
umbra=${BUILD:-build}/umbra
mkgarbage=${BUILD:-build}/tests/machine/mkgarbage
seeds=${SEEDS:-1000} first=${SEED:-1} slice=${SLICE:-0.12}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM HUP

bad=0
ended=0
for ((s = first; s < first + seeds; s++)); do
	"$mkgarbage" $s >"$tmp/img"
	timeout -s TERM -k 5 "$slice" "$umbra" run --kernel "$tmp/img" \
		--mem 16M --no-reboot --serial null \
		--engine "${ENGINE:-bt}" </dev/null >"$tmp/log" 2>&1
	status=$?
	case $status in
	124) ;;				# stopped by us
	134 | 136 | 137 | 139 | 132 | 135)
		bad=$((bad + 1))
		echo "not ok seed $s: status $status"
		tail -n 8 "$tmp/log" | cut -c1-150 | sed 's/^/#   /'
		;;
	*) ended=$((ended + 1)) ;;
	esac
	[ $bad -lt 10 ] || break
done
echo "# $((s - first)) seeds, $ended ended by themselves"
[ $bad = 0 ] && echo "ok $seeds kernels of random bytes"
exit $((bad != 0))
