#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# gdb with Linux's own vmlinux: hbreak start_kernel, a backtrace, a watchpoint on
# jiffies; then the kernel goes on to its shell.
# timeout: 180
set -u
cd "$(dirname "$0")/../.." || exit 1
umbra=${BUILD:-build}/umbra
cache=${UMBRA_CACHE:-$HOME/.cache/umbra}
kernel=$cache/guest-kernel/up
command -v gdb >/dev/null || exec tests/skip.sh "gdb is not installed (make deps)"
[ -e "$kernel/vmlinux" ] ||
	exec tests/skip.sh "no guest kernel (make guest-kernel builds it)"
[ -e "$cache/guest/initrd.gz" ] ||
	exec tests/skip.sh "no initrd (make guest makes it)"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# The kernel has symbols but no types, so jiffies needs one.
cat >"$tmp/script" <<END
set pagination off
set confirm off
target remote $tmp/gdb
hbreak start_kernel
continue
backtrace
hbreak schedule
continue
backtrace
delete
watch *(unsigned long *)&jiffies_64
continue
backtrace
continue
delete
stepi
x/2i \$eip
detach
END
"$umbra" run -S --engine bt --gdb "unix:$tmp/gdb" --kernel "$kernel/bzImage" \
	--append "console=ttyS0 nokaslr panic=-1" --mem 64 --no-reboot \
	--initrd "$cache/guest/initrd.gz" --serial "file:$tmp/serial" \
	>"$tmp/log" 2>&1 </dev/null &
pid=$!
for _ in $(seq 100); do
	[ -S "$tmp/gdb" ] && break
	sleep 0.1
done
timeout 90 gdb -nx -batch -x "$tmp/script" "$kernel/vmlinux" \
	>"$tmp/gdb.txt" 2>&1

ok()
{
	if [ "$1" = 0 ]; then
		echo "ok $2"
	else
		echo "not ok $2"
		tail -n 30 "$tmp/gdb.txt" | sed 's/^/# /'
	fi
}

# seen NAME PATTERN: in gdb's output, newlines as blanks
seen()
{
	tr '\n' ' ' <"$tmp/gdb.txt" | grep -Eq "$2"
	ok $? "$1"
}

seen stops_at_start_kernel 'Breakpoint 1, 0x[0-9a-f]+ in start_kernel'
seen backtrace_of_the_boot '#0 [^#]*start_kernel[^#]*#1 [^#]*i386_start_kernel'
seen backtrace_of_schedule '#0 [^#]*in schedule .*#4 [^#]*start_kernel'
seen watchpoint_sees_jiffies 'Old value = ([0-9]+) New value = [0-9]+ '
seen backtrace_of_the_tick '#0 [^#]*in do_timer .*timer_interrupt'
tr '\n' ' ' <"$tmp/gdb.txt" | grep -Eo 'Old value = [0-9]+ New value = [0-9]+' |
	awk '{ if ($8 != $4 + 1) bad = 1; n++ } END { exit bad || n != 2 }'
ok $? each_tick_is_seen_once
for _ in $(seq 400); do
	grep -q 'umbra:~#' "$tmp/serial" && break
	sleep 0.1
done
grep -q 'umbra:~#' "$tmp/serial"
ok $? the_kernel_goes_on_to_its_shell
kill "$pid"
wait "$pid" 2>/dev/null
exit 0
