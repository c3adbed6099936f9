#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Jobs for tests/check.sh: each test kernel under each engine.
for engine in bt interp hv; do
	grep -v '^#' tests/guests/guests.def | while read -r name _ limit _; do
		echo "guest-$engine/$name $limit" \
			"env ENGINE=$engine tests/guests/run.sh $name"
	done
done
