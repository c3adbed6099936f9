#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The script of linux_script.sh under settings that press on the engine: each
# memory template alone, a small VMA budget, a small translation cache, the
# verifier of emitted code.
# timeout: 300
. "$(dirname "$0")/linux.sh.inc"
make_initrd load

for set in bt.memory=soft bt.memory=window bt.vma_budget=256 bt.tc_size=1 \
	   bt.verify=1; do
	boot "$tmp/log" vmlinuz-686-pae 128M 100 --set $set
	verdict "the script with $set" "$tmp/log" $?
done
