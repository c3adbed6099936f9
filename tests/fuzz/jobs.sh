#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Jobs for tests/check.sh: 10^5 cases each under sanitizers.  FUZZ_SCALE
# multiplies them.
D=$BUILD/tests/fuzz
[ -x "$D/rfb" ] || exit 0
scale=${FUZZ_SCALE:-1}

# job NAME TEST CASES: what TEST calls a case, and how many in each of its loops
job()
{
	echo "fuzz/$1 $((200 * scale)) env CK_RUN_CASE=$2" \
		"FUZZ_CASES=$(($3 * scale)) CK_TIMEOUT_MULTIPLIER=20" \
		"tests/check.sh --unit $D/$1"
}

job virtio hostile_drivers_do_no_harm 20000	# for each of 5 devices
job pcnet hostile_drivers_do_no_harm 20000	# for each of 5 loops
job buslogic random_commands_come_to_an_end 100000
job image damaged_images_do_no_harm 25000	# for each of 4 formats
job fw_cfg no_access_harms 100000
job atapi random_packets_come_to_an_end 100000
job gdb random_packets_do_no_harm 10000		# for each of 10 loops
job rfb random_messages_do_no_harm 100000
