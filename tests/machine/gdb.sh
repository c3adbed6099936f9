#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# gdb itself on a test kernel, under each engine: breakpoints, a backtrace, a
# watchpoint, steps, registers, memory, the monitor; and the guest's result is
# the same as without.
# timeout: 120
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
umbra=$BUILD/umbra
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

# The interpreter would take long for the rest of the kernel's tests, and not
# every KVM passes them.
try bt detach 33
try interp "monitor quit" 0
. tests/kvm.sh.inc
needs_kvm()
{
	[[ $(kvm_fact "$1") == *" works"* ]] && return
	echo "ok $2 # SKIP this host's KVM: $(kvm_fact "$1")"
	return 1
}
needs_kvm "unpaged protected mode" hv || exit 0
try hv "monitor quit" 0

# Long mode: gdb takes the registers' size from the processor as it finds it, so
# the guest is one that begins there, Linux at its 64-bit entry.
needs_kvm long hv64 || exit 0
linux=${UMBRA_CACHE:-$HOME/.cache/umbra}/guest/vmlinuz-amd64
[ -f "$linux" ] || {
	echo "ok hv64 # SKIP $linux is missing (tools/fetch-guest.sh --amd64)"
	exit 0
}

# session NAME COMMAND...: gdb on Linux at its entry
session()
{
	local name=$1 pid
	shift

	"$umbra" run --engine hv --kernel "$linux" --mem 128M --no-reboot \
		--append nokaslr -S --gdb "unix:$tmp/$name.sock" \
		--serial null >"$tmp/$name.log" 2>&1 </dev/null &
	pid=$!
	for _ in $(seq 50); do
		[ -S "$tmp/$name.sock" ] && break
		sleep 0.1
	done
	printf '%s\n' "set pagination off" "set confirm off" \
		"target remote $tmp/$name.sock" "$@" "monitor quit" \
		>"$tmp/$name.gdb"
	timeout 30 gdb -nx -batch -x "$tmp/$name.gdb" >"$tmp/$name.txt" 2>&1
	wait $pid
}

step='printf "at %#lx\n", $rip'
session step "$step" stepi "$step" stepi "$step" stepi "$step" \
	'printf "efer %x\n", $efer & 0x500' 'x/2i $rip'
mapfile -t at < <(sed -n 's/^at //p' "$tmp/step.txt")
expect step "starts at the 64-bit entry" '^at 0x100200$'
expect step "is in long mode" '^efer 500$'
expect step "disassembles" '^=> 0x100[0-9a-f]*:'
[ "$(printf '%s\n' "${at[@]}" | sort -u | wc -l)" = 4 ] &&
	echo "ok step: each step goes on" || echo "not ok step: ${at[*]}"

session break "break *${at[1]}" "hbreak *${at[3]}" continue "$step" continue \
	"$step" 'set $rbx = 0x123456789a' 'p/x $rbx' 'x/1xb $rip' \
	'set $c = *(unsigned char *)$rip' 'set *(char *)0x80000 = 77' \
	'p *(char *)0x80000'
expect break "stops at a software breakpoint" "^at ${at[1]}\$"
expect break "stops at a hardware breakpoint" "^at ${at[3]}\$"
expect break "writes a 64-bit register" '= 0x123456789a$'
expect break "writes memory" "= 77 'M'"
