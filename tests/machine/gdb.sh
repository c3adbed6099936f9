#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# gdb itself on a test kernel, under each engine: breakpoints, a backtrace, a
# watchpoint, steps, registers, memory, the monitor; and the guest's result is
# the same as without.
# timeout: 120
set -u
cd "$(dirname "$0")/../.." || exit 1
umbra=${BUILD:-build}/umbra
kernel=${BUILD:-build}/tests/guests/interrupts.elf
command -v gdb >/dev/null || exec tests/skip.sh "gdb is not installed (make deps)"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cat >"$tmp/script" <<'END'
set pagination off
set confirm off
target remote SOCKET
hbreak guest_main
continue
backtrace
stepi
p/x $eflags & 2
x/1xb $eip
hbreak on_tick
continue
p ticks
watch ticks
continue
delete
monitor info status
monitor x/2i 0x100000
set {int}0x90000 = 1000
p {int}0x90000
LEAVE
END

# try ENGINE COMMAND STATUS: how to leave, and how the machine then ends
try()
{
	local e=$1 leave=$2 want=$3 pid status

	"$umbra" run --engine "$e" --kernel "$kernel" --mem 16M --no-reboot \
		-S --gdb "unix:$tmp/$e.sock" --serial "file:$tmp/$e.out" \
		>"$tmp/$e.log" 2>&1 </dev/null &
	pid=$!
	for _ in $(seq 50); do
		[ -S "$tmp/$e.sock" ] && break
		sleep 0.1
	done
	sed "s,SOCKET,$tmp/$e.sock,; s,LEAVE,$leave," "$tmp/script" >"$tmp/$e.gdb"
	timeout 30 gdb -nx -batch -x "$tmp/$e.gdb" "$kernel" >"$tmp/$e.txt" 2>&1
	(sleep 20; kill "$pid") 2>/dev/null &
	wait "$pid"
	status=$?
	expect "$e" "stops at main" '^Breakpoint 1, .*guest_main'
	expect "$e" "shows the stack" '^#1 .* start'
	expect "$e" "stops in the interrupt handler" '^Breakpoint 2, on_tick'
	expect "$e" "reads memory" '^\$2 = '
	expect "$e" "sees ticks change" '^New value = '
	expect "$e" "reaches the monitor" "^stopped, engine $e"
	expect "$e" "disassembles" '^00100000:'
	expect "$e" "writes memory" '= 1000$'
	if [ $status = "$want" ]; then
		echo "ok $e: the machine ends with status $want"
	else
		echo "not ok $e: the machine ends with status $want: $status"
		tail -n 5 "$tmp/$e.log" "$tmp/$e.out" | sed 's/^/# /'
	fi
}

expect()
{
	if grep -Eq "$3" "$tmp/$1.txt"; then
		echo "ok $1: $2"
	else
		echo "not ok $1: $2"
		sed 's/^/# /' "$tmp/$1.txt" | tail -n 40
	fi
}

# The interpreter would take long for the rest of the kernel's tests.
try bt detach 33
try interp "monitor quit" 0
