#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# ROM files: a guest of 3.1 on a ROM of 3.0, which is one of ours whose version
# says 3.0 and whose answers to calls 74 and up are none; umbra rom info and
# verify; files that must be refused, by verify and when a machine is to have one.
BUILD=${BUILD:-build}
umbra=$BUILD/umbra
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0

byte()	# FILE OFFSET
{
	od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' '
}

put()	# FILE OFFSET VALUE...
{
	local f=$1 at=$2 v
	shift 2
	for v; do
		printf "\\x$(printf %02x $((v & 255)))" |
			dd of="$f" bs=1 seek="$at" conv=notrunc status=none
		at=$((at + 1))
	done
}

# Offset 46 is the byte that makes the sum right.
fix_sum()
{
	local sum
	sum=$(od -An -v -tu1 -w1 "$1" | awk '{ s += $1 } END { print s % 256 }')
	put "$1" 46 $(($(byte "$1" 46) - sum))
}

for kind in native bt hv; do
	rom=$tmp/$kind.rom
	cp "$BUILD/vmi-rom/$kind.rom" "$rom"
	put "$rom" 12 0
	table=$(($(byte "$rom" 40) + 256 * $(byte "$rom" 41)))
	for nr in 74 75 76 77 78 79; do
		put "$rom" $((table + 4 * nr)) 0 0 0 0
	done
	fix_sum "$rom"
	if ROM=$rom tests/vmi/run.sh calls >"$tmp/out" 2>&1 &&
	   "$umbra" rom info "$rom" | grep -q "VMI 3.0"; then
		echo "ok a guest of 3.1 on a ROM of 3.0 ($kind)"
	else
		grep -a "^not ok" "$tmp/out" >&2
		echo "not ok a guest of 3.1 on a ROM of 3.0 ($kind)"
		bad=1
	fi
done

verdict()	# NAME STATUS
{
	[ "$2" = 0 ] && echo "ok $1" && return
	tail -n 3 "$tmp/out" >&2
	echo "not ok $1"
	bad=1
}

for kind in native bt hv; do
	"$umbra" rom verify $kind >"$tmp/out" 2>&1 &&
		"$umbra" rom verify "$BUILD/vmi-rom/$kind.rom" >>"$tmp/out" 2>&1
	verdict "umbra rom verify takes $kind" $?
	"$umbra" rom info "$BUILD/vmi-rom/$kind.rom" >"$tmp/out" 2>&1 &&
		grep -q "^Umbra VMI .*, VMI 3\.1, .*license GPL$" "$tmp/out" &&
		grep -q "for engine $kind$" "$tmp/out" &&
		[ "$(grep -cE '^ *[0-9]+ [A-Z].* (none|call|jump|nop)' \
			"$tmp/out")" = 80 ]
	verdict "umbra rom info says what $kind answers" $?
done
"$umbra" rom verify >"$tmp/out" 2>&1
verdict "umbra rom without a file is an error" $(($? != 1))

refused()	# NAME TEXT
{
	"$umbra" rom verify "$tmp/x" >"$tmp/out" 2>&1
	[ $? = 1 ] && grep -qa "$2" "$tmp/out"
	verdict "$1 is refused by umbra rom, with the reason" $?
	! ROM=$tmp/x tests/vmi/run.sh calls >"$tmp/out" 2>&1 &&
		grep -qa "$2" "$tmp/out"
	verdict "$1 is refused by umbra run, with the reason" $?
}

# damaged NAME TEXT OFFSET VALUE...: the bt ROM with these bytes.
damaged()
{
	local name=$1 text=$2
	shift 2
	cp "$BUILD/vmi-rom/bt.rom" "$tmp/x"
	put "$tmp/x" "$@"
	fix_sum "$tmp/x"
	refused "$name" "$text"
}

table=$(($(byte "$BUILD/vmi-rom/bt.rom" 40) +
	 256 * $(byte "$BUILD/vmi-rom/bt.rom" 41)))
damaged "a ROM without IRET" "answers IRET by type 0" $((table + 4 * 33 + 2)) 0
damaged "a ROM with code outside of it" "answers SetCR3" \
	$((table + 4 * 17)) 255 255
damaged "a ROM with a jump out of it" "80h and 88h" 128 233 0 0 0 127
damaged "a ROM whose table is outside" "makes no sense" 40 255 255
damaged "a ROM of another license" "license" \
	$(($(byte "$BUILD/vmi-rom/bt.rom" 22) +
	   256 * $(byte "$BUILD/vmi-rom/bt.rom" 23))) 66 83 68

damaged "another major version" "for VMI 13.1" 13 13
head -c 1000 "$BUILD/vmi-rom/bt.rom" >"$tmp/x"
refused "a short file" "shorter than its header says"
cp "$BUILD/vmi-rom/bt.rom" "$tmp/x"
put "$tmp/x" 2000 1 2 3
refused "a corrupt file" "checksum is wrong"
head -c 4000000 /dev/zero >"$tmp/x"
refused "a huge file" "$tmp/x"
: >"$tmp/x"
refused "an empty file" "is empty"
rm "$tmp/x"
refused "a missing file" "No such file"
exit $bad
