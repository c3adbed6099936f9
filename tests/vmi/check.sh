#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# umbra vmi check finds in each kernel of misuse.def the rule that it breaks,
# and no other; one that breaks none is clean.
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

run()
{
	"$BUILD/umbra" vmi check "$@" -- --mem 32M --log /dev/null \
		</dev/null >"$tmp/out" 2>&1
}

# Sorted names of the rules that the report has as errors.
errors()
{
	sed -n 's/^  error: \([a-z-]*\)[: ].*/\1/p' "$tmp/out" | sort -u |
		paste -sd' '
}

verdict()
{
	if [ -z "$2" ]; then
		echo "ok $1"
	else
		echo "not ok $1"
		echo "# $2"
		sed 's/^/#   /' "$tmp/out"
	fi
}

while read -r name rule; do
	elf=$BUILD/tests/vmi/misuse-$name.elf
	want=3 found=$rule why=
	[ "$rule" = clean ] && want=0 found=
	run "$elf"
	status=$?
	[ $status = $want ] || why="exit status $status"
	[ "$(errors)" = "$found" ] || why="${why:-finds $(errors)}"
	verdict "$name: $rule" "$why"
done < <(sed -n 's/^MISUSE.\([a-z_]*\), \([a-z-]*\)).*/\1 \2/p' \
	tests/vmi/misuse.def)

# Symbols, allowed places, several kernels, JSON.
elf=$BUILD/tests/vmi/misuse-native.elf
nm "$elf" >"$tmp/map"
run -S "$tmp/map" "$elf"
verdict "places have their symbols" \
	"$(grep -q 'mov to cr3 at [0-9a-f]* [a-z_]*' "$tmp/out" || echo none)"
run -S "$tmp/map" -a guest_main "$elf"
verdict "an allowed place is not unclean" "$([ $? = 0 ] || echo unclean)"
run "$BUILD/tests/vmi/misuse-none.elf" "$elf"
verdict "one unclean kernel of two is enough" "$([ $? = 3 ] || echo status)"
verdict "each kernel has its report" "$([ "$(grep -cE \
	'misuse-(none|native).elf: (clean|NOT CLEAN)' "$tmp/out")" = 2 ] ||
	echo missing)"
run /dev/null
verdict "what is no kernel is an error" "$([ $? = 1 ] || echo status)"

for rom in native bt hv; do
	"$BUILD/umbra" vmi check "$BUILD/tests/vmi/misuse-none.elf" -- \
		--vmi=$rom --mem 32M --log /dev/null </dev/null >"$tmp/out" 2>&1
	verdict "a right kernel is clean with the $rom ROM" \
		"$([ $? = 0 ] && grep -q '^bound: ROM at' "$tmp/out" ||
		echo "not clean")"
done

ended()	# NAME TEXT
{
	verdict "$1" "$([ $status = 0 ] && grep -q "^ended: $2" "$tmp/out" ||
		echo "not so")"
}

# Kernels that do not end by themselves.
forever()	# OPTION...
{
	"$BUILD/umbra" vmi check "$@" "$BUILD/tests/vmi/misuse-none.elf" -- \
		--mem 32M --log /dev/null --append forever </dev/null \
		>"$tmp/out" 2>&1
	status=$?
}
run "$BUILD/tests/vmi/misuse-none.elf"
status=$?
ended "the report says how the guest ended" "guest left through the debug"
forever -q 2 -l 60
ended "a guest that does nothing new is ended" "it did nothing new for 2 s"
forever -q 0 -l 4
ended "a guest that runs on is ended" "by its time limit"

if ldd "$BUILD/umbra" | grep -q jansson && command -v python3 >/dev/null; then
	run -j "$tmp/json" "$BUILD/tests/vmi/misuse-none.elf" "$elf"
	python3 - "$tmp/json" >"$tmp/out" 2>&1 <<-'END'
	import json, sys
	a, b = json.load(open(sys.argv[1]))
	assert a["clean"] and a["bound"] and not b["clean"], "clean"
	assert {"native"} == {f["rule"] for f in b["findings"]
	                      if f["severity"] == "error"}, "rules"
	assert len(a["calls"]) == 80, "calls"
	assert a["calls"][38]["name"] == "SetPxE", "name"
	assert a["calls"][38]["calls"] > 0, "count"
	assert a["ended"].startswith("guest left"), "ended"
	END
	verdict "the JSON report" "$([ $? = 0 ] || echo wrong)"
else
	echo "ok the JSON report # SKIP built without jansson"
fi
