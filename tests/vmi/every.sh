#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every call for which ROM has a body is made under ENGINE, the two that do not
# return included.  The ROM is traced, so that it offers them all: the calls
# kernel tests what each does, and the trace counts them.
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
ENGINE=${ENGINE:-bt}
ROM=${ROM:-bt}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# run WHAT STATUS: the kernel with that command line ends so.
run()
{
	timeout 60 "$BUILD/umbra" vmi trace -c -o "$tmp/$1" \
		--kernel "$BUILD/tests/vmi/calls.elf" --append "$1" \
		--mem 128M --engine "$ENGINE" --vmi="$ROM" --no-reboot \
		</dev/null >"$tmp/out" 2>&1
	local status=$?
	grep -a '^not ok' "$tmp/out"
	[ $status = "$2" ] && echo "ok traced: $1" && return
	echo "not ok traced: $1"
	echo "# status $status, not $2"
	tail -n 5 "$tmp/out" | sed 's/^/# /'
}

run calls 33
run reboot 2
# On bare metal there is nobody to switch it off.
[ "$ROM" = native ] && run shutdown 6 || run shutdown 0

# Names of the calls that have a body in this ROM.
bodies()
{
	awk -F'[(,\t ]+' -v rom="$ROM" '
		/^VMI_CALL\(/ { name[$3] = $4 }
		/^ANSWER\(/ && $3 != "none" {
			if (rom != "native" || $4 != "NONE")
				print name[$2]
		}' spec/vmi-calls.def vmi-rom/answers.def | LC_ALL=C sort
}

# Names of the calls that were made.
made()
{
	awk '$3 ~ /^[A-Z]+$/ && $1 > 0 { print $4 }' \
		"$tmp"/{calls,reboot,shutdown} | LC_ALL=C sort -u
}

n=$(bodies | wc -l)
missing=$(LC_ALL=C comm -23 <(bodies) <(made) | paste -sd' ')
if [ -z "$missing" ] && [ "$n" -gt 50 ]; then
	echo "ok all $n calls of the ROM are made"
else
	echo "not ok all $n calls of the ROM are made"
	echo "# not: $missing"
fi
