#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kill -9 while a guest writes: every block that the guest was told of is in the
# image, and the image is sound, or becomes so when it is opened next.  ROUNDS says
# how often.
# timeout: 300
. "$(dirname "$0")/linux.sh.inc"
. "$(dirname "$0")/modules.sh.inc"

# shellcheck disable=SC2086 # a list of words
initrd_with write $ata_modules

# killed NAME IMAGE ROUNDS
killed()
{
	local name=$1 image=$2 round pid last status failed=

	# no_timer_check: with sanitizers on a busy host the kernel may see too
	# few ticks in its 40 ms, and give up.
	for ((round = 1; round <= $3; round++)); do
		"$umbra" run --kernel "$cache/vmlinuz-686" \
			--initrd "$tmp/initrd.gz" --mem 64M --no-reboot \
			--engine "${ENGINE:-bt}" --append "console=ttyS0 quiet \
			no_timer_check panic=-1 umbra.script=/test umbra.salt=$round" --xenstore off \
			-hda "$image" </dev/null >"$tmp/log" 2>&1 &
		pid=$!
		for _ in $(seq 1200); do
			grep -aq '^wrote 20 at' "$tmp/log" && break
			sleep 0.1
		done
		sleep 0.$((round * 37 % 100))
		kill -9 $pid 2>/dev/null
		wait $pid 2>/dev/null
		status=$?
		# What was not killed had no business to end.
		[ $status = 137 ] || { echo "ended with $status" >"$tmp/out"
			failed=$round; break; }
		last=$(tr -d '\r' <"$tmp/log" |
			sed -n 's/^wrote \([0-9]*\) at [0-9]*$/\1/p' | tail -n 1)
		verify "$image" "${last:-0}" $round ||
			{ failed=$round; break; }
	done
	if [ -z "$failed" ]; then
		echo "ok $name"
	else
		echo "not ok $name"
		echo "# in round $failed"
		sed 's/^/# /' "$tmp/out"
		tail -n 5 "$tmp/log" | sed 's/^/# /'
	fi
}

# Block N is where only a later one can have gone, too: none within 15360.
verify()
{
	local n code

	[ "$2" -ge 20 ] || { echo "only $2 blocks" >"$tmp/out"; return 1; }
	case $1 in
	*.vmdk)
		"$umbra" image check -r "$1" >"$tmp/out" 2>&1
		code=$?
		# 3: space of a block that was under way.
		case $code in
		0 | 3) ;;
		*)
			echo "image check ends with $code" >>"$tmp/out"
			return 1 ;;
		esac
		;;
	esac
	rm -f "$tmp/flat"
	"$umbra" image convert -O raw "$1" "$tmp/flat" >"$tmp/out" 2>&1 ||
		{ echo "image convert ends with $?" >>"$tmp/out"; return 1; }
	for ((n = 1; n <= $2; n++)); do
		[ "$(dd if="$tmp/flat" bs=4k skip=$((n * 7919 % 15360)) \
			count=1 status=none | tr -d ' ')" = "$3-$n" ] || {
			echo "block $n of $2 is missing" >"$tmp/out"
			return 1
		}
	done
}

truncate -s 64M "$tmp/disk.raw"
"$umbra" image create "$tmp/base.vmdk" 64M &&
	"$umbra" image create -b base.vmdk "$tmp/child.vmdk" || exit 1
killed "a raw disk keeps what was flushed" "$tmp/disk.raw" 1
killed "a VMDK child keeps what was flushed" "$tmp/child.vmdk" "${ROUNDS:-2}"
