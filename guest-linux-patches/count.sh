#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What does CONFIG_VMI cost where there is no ROM?  Count the instructions of a
# boot, and of the script of tests/machine/linux_script.sh, with two kernels.
#
#	guest-linux-patches/count.sh [KERNEL-A KERNEL-B]
#
# Default: the variants up-novmi and up (make guest-kernel builds them).
#
# QEMU with -icount shift=0 lets guest time go on by 1 ns for each instruction,
# whatever the host does; time in idle is skipped, not slept.  So the guest's
# clock counts instructions, and what the kernel has accounted to idle, in ns
# in /proc/timer_list, is taken off.  Takes a minute or two; exit status 1 when
# B needs more than LIMIT (1) percent more than A.
set -euo pipefail
cd "$(dirname "$0")/.."
top=${UMBRA_CACHE:-$HOME/.cache/umbra}/guest-kernel
a=${1:-$top/up-novmi/bzImage}
b=${2:-$top/up/bzImage}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fail()
{
	echo "count: $*" >&2
	exit 1
}

for k in "$a" "$b"; do
	[ -f "$k" ] || fail "$k: not found (make guest-kernel VARIANT=...)"
done
command -v qemu-system-i386 >/dev/null ||
	fail "qemu-system-i386: not found (run \`make deps')"

cat >"$tmp/count" <<'END'
mark()
{
	awk -v what="$1" '
		/^now at/ { now = $3 }
		/\.idle_sleeptime/ { idle += $3 }
		END { printf "COUNT %s %.0f %.0f\n", what, now, idle }
	' /proc/timer_list
}
mark boot
sh /load
mark script
END
tools/mkinitrd.sh -a "$tmp/count:/test" -a tests/machine/guest/load:/load \
	"$tmp/initrd.gz"

# count KERNEL: "boot N", "script N": instructions up to that mark.
count()
{
	timeout 600 qemu-system-i386 -accel tcg -icount shift=0,sleep=off \
		-m 128M -no-reboot -display none -serial stdio -monitor none \
		-rtc base=2020-01-01,clock=vm -kernel "$1" \
		-initrd "$tmp/initrd.gz" \
		-append "console=ttyS0 quiet panic=-1 umbra.script=/test" \
		</dev/null >"$tmp/log" 2>&1 || :
	grep -aq '^TEST PASSED' "$tmp/log" || {
		tail -n 15 "$tmp/log" >&2
		fail "$1: the script failed"
	}
	tr -d '\r' <"$tmp/log" |
		awk '/^COUNT/ { printf "%s %.0f %.0f\n", $2, $3 - $4, $4 }'
}

count "$a" >"$tmp/a"
count "$b" >"$tmp/b"
paste -d' ' "$tmp/a" "$tmp/b" | awk -v limit="${LIMIT:-1}" '
	BEGIN { printf "%-8s %16s %16s %9s\n", "", "A", "B", "B to A" }
	{
		part = ($5 - $2) / $2 * 100
		printf "%-8s %16.0f %16.0f %+8.2f%%\n", $1, $2, $5, part
		if (part > limit)
			bad = 1
	}
	END { exit bad }'
