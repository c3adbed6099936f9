#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The interpreter alone boots the kernel, too.
# timeout: 600
ENGINE=interp
if [ "${SAN:-0}" = 1 ]; then
	echo "a boot under the interpreter takes too long with sanitizers"
	exit 77
fi
. "$(dirname "$0")/linux.sh.inc"
make_initrd hello
boot "$tmp/log" vmlinuz-686-pae 128M 560
verdict "the interpreter boots vmlinuz-686-pae" "$tmp/log" $?
