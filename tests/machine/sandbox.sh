#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A running machine is confined: what the kernel says of its threads, that it
# still does all it must, and that --sandbox is heard.  What the filter refuses
# is in unit/test_sandbox.c.
# timeout: 60
set -u
cd "$(dirname "$0")/../.." || exit 1
umbra=${BUILD:-build}/umbra
tmp=$(mktemp -d)
pid=
trap 'exec 3>&-; [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; rm -rf "$tmp"' EXIT
mkfifo "$tmp/in"

check()
{
	local name=$1
	shift
	if "$@"; then
		echo "ok $name"
	else
		echo "not ok $name"
		echo "# umbra says:"
		tail -n 5 "$tmp/out" "$tmp/log" 2>/dev/null | sed 's/^/#   /'
	fi
}

# start OPTION...: the demo, its console in $tmp/out, keys from descriptor 3.
start()
{
	: >"$tmp/out"
	"$umbra" demo --log "$tmp/log" "$@" <"$tmp/in" >"$tmp/out" 2>&1 &
	pid=$!
	exec 3>"$tmp/in"
	for ((i = 0; i < 100; i++)); do
		grep -aq 'Type help' "$tmp/out" && return
		sleep 0.1
	done
}

# every_thread FIELD VALUE: as /proc says, and there are two threads.
every_thread()
{
	local n
	n=$(cat /proc/$pid/task/*/status |
		awk -v f="$1:" -v v="$2" '$1 == f && $2 == v' | wc -l)
	[ "$n" = 2 ]
}

# finish STATUS: Ctrl-D powers the demo off.
finish()
{
	local want=$1
	exec 3>&-
	wait "$pid"
	local rc=$?
	pid=
	[ $rc = "$want" ]
}

no_filter()
{
	grep -aq 'no system call filter' "$tmp/log"
}

start
check privileges_cannot_be_gained every_thread NoNewPrivs 1
check no_effective_capability every_thread CapEff 0000000000000000
check no_permitted_capability every_thread CapPrm 0000000000000000
if no_filter; then
	echo "ok a_filter_is_in_force # SKIP $(grep -a filter "$tmp/log")"
	check it_ends_as_usual finish 0
	"$umbra" demo --sandbox on </dev/null >"$tmp/out" 2>&1
	check asking_for_what_there_is_not_fails [ $? = 1 ]
else
	check a_filter_is_in_force every_thread Seccomp 2
	[ "$(id -u)" != 0 ] ||
		check no_capability_to_regain every_thread CapBnd \
			0000000000000000
	check it_ends_as_usual finish 0
	for engine in bt interp; do
		start --engine "$engine" --sandbox on --stats \
			--perf-map "$tmp/map" --serial stdio --serial pty
		printf '\001c' >&3
		printf 'info registers\ninfo stats\nsystem_reset\n' >&3
		printf '\001c' >&3
		sleep 1
		check "${engine}_resets_and_ends" finish 0
		check "${engine}_says_the_bytes_at_eip" \
			grep -aq '^code at .*: [0-9a-f][0-9a-f] ' "$tmp/out"
		check "${engine}_started_twice" \
			[ "$(grep -ac 'Type help' "$tmp/out")" = 2 ]
		check "${engine}_prints_its_counters" \
			grep -aq '^machine:.* 1 resets' "$tmp/log"
	done
	start
	kill -TERM "$pid"
	check a_signal_ends_it finish 143
fi

start --sandbox off
check off_is_off every_thread Seccomp 0
check off_keeps_privileges every_thread NoNewPrivs 0
check off_ends_as_usual finish 0
