#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Kernels that call and hypercall whatever comes to their mind may end
# themselves in any way that a guest can, and nothing else: no signal, no
# internal error.  A guest that only runs on for ever is stopped.
BUILD=${BUILD:-build}
bad=0

for engine in bt interp; do
	for rom in native bt hv; do
		for seed in $(seq 1 "${SEEDS:-12}"); do
			timeout -s INT -k 5 1 "$BUILD/umbra" run \
				--kernel "$BUILD/tests/vmi/garbage.elf" \
				--mem 32M --engine "$engine" --vmi="$rom" \
				--no-reboot --append "$seed 800 wild" \
				</dev/null >"$BUILD/check/wild.out" 2>&1
			status=$?
			case $status in
			0 | 2 | 4 | 6 | 8 | 124) ;;	# stop.def
			*)	if [ $((status & 1)) = 1 ] &&
				   [ $status -lt 128 ] && [ $status != 1 ]; then
					continue	# wrote to port F4
				fi
				tail -n 5 "$BUILD/check/wild.out" >&2
				echo "not ok $engine, $rom, seed $seed: status $status"
				bad=1
				;;
			esac
		done
		echo "ok $engine survives wild guests with ROM $rom"
	done
done
exit $bad
