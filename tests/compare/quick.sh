#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# umbra compare runs the nanobenchmark kernel on what is there, and writes its
# files; its figures are not judged.
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
command -v python3 >/dev/null ||
	exec tests/skip.sh "python3 is not installed"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

check()
{
	name=$1
	shift
	if "$@"; then echo "ok $name"; else echo "not ok $name"; fi
}

"$BUILD/umbra" compare --workloads nano \
	--systems native,bt,vmi-bt,hv,vmi-hv,tcg \
	--nano-rows call,syscall,ptemod-use --repeat 1 --out "$out" \
	>"$out/text" 2>"$out/progress"
check "comparing succeeds" [ $? = 0 ]
check "progress is shown" grep -q 'round 1/1: nano on bt' "$out/progress"
check "rows are in the table" \
	grep -qE '^ptemod-use +- +[0-9.]+' "$out/text"
check "JSON is JSON" python3 -m json.tool "$out/compare.json" "$out/pretty"
check "CSV has the row" grep -qE '^nano,call,cycles,bt,[0-9.]+' \
	"$out/compare.csv"
check "CSV has VMI's, too" grep -qE '^nano,ptemod-use,cycles,vmi-bt,[0-9.]+' \
	"$out/compare.csv"

# Each system has numbers or a reason.
accounted()
{
	grep -qE "^nano,ptemod-use,cycles,$1,[0-9.]+" "$out/compare.csv" ||
		grep -qE "^not measured: $1: ..*" "$out/text"
}
for system in hv vmi-hv tcg; do
	check "$system has numbers or a reason" accounted $system
done

if command -v gnuplot >/dev/null; then
	check "the plot is drawn" grep -q '</svg>' "$out/nano.svg"
	check "on a logarithmic scale" grep -q '^set logscale y' "$out/nano.gp"
	check "also as PNG" [ "$(head -c 4 "$out/nano.png" | tail -c 3)" = PNG ]
else
	echo "ok the plot is drawn # SKIP gnuplot is not installed"
fi
"$BUILD/umbra" compare --systems nonsense >/dev/null 2>"$out/error"
check "an unknown system is an error" [ $? = 2 ]
check "which names the known ones" grep -q 'native, bt, vmi-bt' "$out/error"
