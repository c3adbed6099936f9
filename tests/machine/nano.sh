#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The nanobenchmark kernel measures every row that its command line and the
# machine allow, and no row fails.  Its figures are not judged here.
# timeout: 90
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
out=$(mktemp)
trap 'rm -f "$out"' EXIT

all=$(sed -n 's/^ROW(\([a-z0-9-]*\),.*/\1/p' tools/nano/rows.def)
quick="repeat=3 kcycles=20"

# judge NAME STATUS WANTED-STATUS ROW...: the output is in $out.
judge()
{
	local name=$1 status=$2 want=$3 why=
	shift 3

	[ "$status" = "$want" ] || why="exit status $status"
	grep -aq '^#fail' "$out" && why=$(grep -a '^#fail' "$out" | head -n 1)
	grep -aq $'^#done\t'"$#"$'\t0' "$out" || why=${why:-no line \#done $# 0}
	for row; do
		# name, how, median, min, max, operations
		awk -F'\t' -v row="$row" '
			$1 == "nano" && $2 == row && NF == 7 && $7 > 0 &&
			$5 + 0 <= $4 + 0 && $4 + 0 <= $6 + 0 { good++ }
			END { exit good != 1 }' "$out" ||
			why=${why:-row $row}
	done
	if [ -z "$why" ]; then
		echo "ok $name"
	else
		echo "not ok $name"
		echo "# $why"
		sed 's/^/#   /' "$out"
	fi
}

# nano ARGS OPTION...: under umbra.
nano()
{
	local args=$1
	shift
	timeout -k 5 40 "$BUILD/umbra" run --kernel "$BUILD/nano.elf" \
		--mem 32M --no-reboot --log /dev/null --append "$args" "$@" \
		</dev/null 2>&1 | tr -d '\r' >"$out"
	return "${PIPESTATUS[0]}"
}

nano "$quick" --set bt.verify=1
# shellcheck disable=SC2086
judge "all rows under bt" $? 33 $all
nano "rows=call,syscall,pgfault,ptemod-use,ctxsw $quick" --engine interp
judge "some rows under interp" $? 33 call syscall pgfault ptemod-use ctxsw
nano "$quick paging=off rows=call,in,cli-sti,divzero,pgfault"
judge "rows without paging" $? 33 call in cli-sti divzero
grep -aq $'^#skip\tpgfault\tpaging is off' "$out" &&
	echo "ok what needs paging is skipped" ||
	echo "not ok what needs paging is skipped"
timeout 30 "$BUILD/umbra-nano" repeat=3 kcycles=20 >"$out"
judge "a host process" $? 0 call call-indirect syscall sysenter divzero \
	pgfault rdtsc cpuid

if command -v qemu-system-i386 >/dev/null; then
	timeout -k 5 60 qemu-system-i386 -m 32 -kernel "$BUILD/nano.elf" \
		-append "$quick" -display none -serial stdio -no-reboot \
		-device isa-debug-exit,iobase=0xf4,iosize=4 \
		</dev/null >"$out" 2>&1
	# shellcheck disable=SC2086
	judge "all rows under QEMU" $? 33 $all
else
	echo "ok all rows under QEMU # SKIP qemu-system-i386 is not installed"
fi

# The row runs CLI at one place.
nano "rows=cli-sti repeat=3 kcycles=100" --set bt.census=1 --set bt.verify=1 \
	--stats --log "$out.stats"
judge "the census counts under bt" $? 33 cli-sti
grep -aqE '^ *[0-9]{2,}  [0-9a-f]{8}  cli$' "$out.stats" &&
	echo "ok the census names the place" ||
	echo "not ok the census names the place"
rm -f "$out.stats"
