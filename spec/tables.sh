#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tables.sh VMI-GEN <vmi.md: write the document with its tables made anew.
# A table stands between the lines "<!-- table: NAME -->" and "<!-- end -->".
skip=
while IFS= read -r line; do
	case $line in
	'<!-- table: '*)
		name=${line#<!-- table: }
		printf '%s\n\n' "$line"
		"$1" "${name% -->}" || exit 1
		skip=1
		;;
	'<!-- end -->')
		skip=
		echo
		;;
	esac
	[ -n "$skip" ] || printf '%s\n' "$line"
done
