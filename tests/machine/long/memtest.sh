#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One pass of memtest86+ over 32 MiB finds no error.
set -u
cd "$(dirname "$0")/../../.." || exit 1
memtest=/boot/memtest86+ia32.bin
[ -f $memtest ] ||
	exec tests/skip.sh "memtest86+ is not installed (make deps)"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# The time for a pass is fixed, mostly: one test waits for bits to fade.
echo 'wait Pass: 1 Errors: 0' >"$tmp/script"
if tests/machine/media.py 560 "$tmp/script" -- "${BUILD:-build}/umbra" run \
   --engine bt --mem 32M --kernel $memtest --append console=ttyS0,115200 \
   --log "$tmp/log" >"$tmp/out"; then
	echo "ok a pass without errors"
else
	echo "not ok a pass without errors"
	sed 's/^/# /' "$tmp/out" "$tmp/log"
fi
