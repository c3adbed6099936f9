#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's kernels boot, run a script of files, pipes, processes and
# checksums, and power off; with 64 MiB, 256 MiB and 2 GiB.
# timeout: 240
. "$(dirname "$0")/linux.sh.inc"
make_initrd load

for kernel in vmlinuz-686 vmlinuz-686-pae; do
	for mem in 64M 256M 2G; do
		boot "$tmp/log" $kernel $mem 60
		verdict "$kernel with $mem runs the script and powers off" \
			"$tmp/log" $?
	done
done
