#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Jobs for tests/check.sh: the processor against each engine, each memory
# template and both page-table formats.  DIFF_SCALE multiplies the number of
# cases (1: some minutes for all; releases use more).  SEED starts elsewhere.
D=$BUILD/tests/diff/umbra-diff
[ -x "$D" ] || exit 0
scale=${DIFF_SCALE:-1}
seed=${SEED:-1}

job()	# name, thousands of cases, options
{
	name=$1 count=$(($2 * 1000 * scale))
	shift 2
	echo "diff/$name $((150 * scale)) $D --seed $seed --count $count $*"
}

job interp		100 --engine interp
job interp-pae		40 --engine interp --paging pae
job bt			20 --engine bt --opt bt.verify=1
job bt-pae		10 --engine bt --opt bt.verify=1 --paging pae
job bt-soft		10 --engine bt --opt bt.verify=1 --opt bt.memory=soft
job bt-window		10 --engine bt --opt bt.verify=1 --opt bt.memory=window
job bt-code16		10 --engine bt --opt bt.verify=1 --code16
job bt-segments		10 --engine bt --opt bt.verify=1 --segments
job bt-interrupts	20 --engine bt --opt bt.verify=1 --interrupts
job interp-segments	30 --engine interp --segments
job interp-interrupts	20 --engine interp --interrupts
job bt-many-runs	2 --engine bt --opt bt.verify=1 --reps 40
