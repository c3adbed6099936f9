#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Jobs for tests/check.sh: each VMI kernel with each ROM under each engine.
echo "vmi/stale 20 tests/vmi/stale.sh"
for engine in bt interp; do
	for rom in native bt hv; do
		echo "vmi-$engine/calls-$rom 40" \
			"env ENGINE=$engine ROM=$rom tests/vmi/run.sh calls"
	done
done
echo "vmi/check 120 tests/vmi/check.sh"
echo "vmi/trace 60 tests/vmi/trace.sh"
