#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# BOOTS (20) boots in a row succeed.
# timeout: 240
. "$(dirname "$0")/linux.sh.inc"
make_initrd hello

boots=${BOOTS:-20} good=0
for ((i = 1; i <= boots; i++)); do
	kernel=vmlinuz-686
	((i % 2)) || kernel=vmlinuz-686-pae
	boot "$tmp/log" $kernel 128M 30
	verdict "boot $i of $boots" "$tmp/log" $? >"$tmp/verdict" &&
		good=$((good + 1)) && continue
	cat "$tmp/verdict"
done
[ $good = "$boots" ] && echo "ok $boots boots in a row"
