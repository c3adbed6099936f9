#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Jobs for tests/check.sh: each VMI kernel with each ROM under each engine.
echo "vmi/stale 20 tests/vmi/stale.sh"
echo "vmi/roms 60 tests/vmi/roms.sh"
echo "vmi/wild 150 tests/vmi/wild.sh"
echo "vmi/check 120 tests/vmi/check.sh"
echo "vmi/trace 60 tests/vmi/trace.sh"
echo "vmi-hv/unpaged-hv 40 env ENGINE=hv ROM=hv tests/vmi/run.sh unpaged" \
	"--cpus 2 --append smp"
for engine in bt interp; do
	for rom in native bt hv; do
		env="env ENGINE=$engine ROM=$rom"
		echo "vmi-$engine/calls-$rom 40 $env tests/vmi/run.sh calls"
		echo "vmi-$engine/every-$rom 120 $env tests/vmi/every.sh"
		echo "vmi-$engine/people-$rom 40 $env tests/vmi/run.sh people"
		echo "vmi-$engine/garbage-$rom 60 $env tests/vmi/run.sh garbage" \
			"--append '${SEED:-7} 10000'"
	done
done
# Somebody else's hypervisor has the native ROM.
if command -v qemu-system-i386 >/dev/null; then
	for k in calls people "garbage --append '${SEED:-7} 10000'"; do
		echo "vmi-qemu/${k%% *}-native 60 env ENGINE=qemu" \
			"tests/vmi/run.sh $k"
	done
else
	echo "vmi-qemu/calls 5 tests/skip.sh qemu-system-i386 is not installed"
fi
