#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# umbra compare runs every workload on every system once, with the guest kernel,
# and accounts for each: numbers, or a reason.  Figures are not judged.
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
kernel=${UMBRA_CACHE:-$HOME/.cache/umbra}/guest-kernel/up/bzImage
[ -f "$kernel" ] ||
	exec tests/skip.sh "$kernel is missing (make guest-kernel)"
for f in umbra-bench compare-initrd.gz; do
	[ -f "$BUILD/$f" ] ||
		exec tests/skip.sh "$BUILD/$f is missing (make compare-files)"
done
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

timeout 880 "$BUILD/umbra" compare --build "$BUILD" --repeat 1 \
	--bench-rows getppid,fork,exec --nano-rows call,pgfault,ptemod-use \
	--build-times 1 --idle 2 --out "$out" "$kernel" \
	>"$out/text" 2>"$out/progress"
status=$?
if [ $status = 0 ]; then
	echo "ok every workload in one run"
else
	echo "not ok every workload in one run"
	echo "# exit status $status"
	tail -n 20 "$out/text" "$out/progress" | sed 's/^/# /'
fi

# row WORKLOAD ROW SYSTEM
row()
{
	if grep -qE "^$1,$2,[^,]*,$3,[0-9.]+" "$out/compare.csv"; then
		echo "ok $1: $2 on $3"
	elif grep -qE "^not measured: $3: $1: " "$out/text"; then
		echo "ok $1: $2 on $3 has a reason"
	else
		echo "not ok $1: $2 on $3"
	fi
}

for system in native bt vmi-bt hv vmi-hv tcg; do
	row nano call $system
	row bench fork $system
	row build build $system
	[ $system = native ] && continue
	row boot "boot to script" $system
	row idle idle $system
done
command -v gnuplot >/dev/null || exit 0
for plot in nano overhead-bench; do
	grep -qs '</svg>' "$out/$plot.svg" && [ -s "$out/$plot.png" ] &&
		echo "ok $plot is drawn" || echo "not ok $plot is drawn"
done
