#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Jobs for tests/check.sh: the 64-bit test kernels under HV.
grep -v '^#' tests/guests64/guests.def | while read -r name limit _; do
	echo "guest64-hv/$name $limit tests/guests64/run.sh $name"
done
