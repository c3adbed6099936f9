#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Engines from outside: a guest that enters long mode where there is none, the
# one line about a move, the monitor's `engine'.
# timeout: 120
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
umbra=$BUILD/umbra
kernel=$BUILD/tests/guests64/move.elf
idle=$BUILD/tests/guests/idle.elf
. tests/kvm.sh.inc
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

verdict()
{
	if [ "$2" = 0 ]; then
		echo "ok $1"
	else
		echo "not ok $1"
		sed 's/^/# /' "$tmp/out"
	fi
}

# run OPTION...: the kernel that enters long mode; output in $tmp/out.
run()
{
	timeout 30 "$umbra" run --kernel "$kernel" --mem 32M --no-reboot "$@" \
		</dev/null >"$tmp/out" 2>&1
}

# stops NAME: it does so at MOV to CR0, and what is said helps.
stops()
{
	local said="umbra: the engine cannot continue: the guest enters long \
mode, which bt does not have (use --engine auto or hv on a host with KVM, or a \
32-bit guest)"

	[ "$status" = 8 ] && grep -qxF "$said" "$tmp/out" &&
		grep -q '^cr0 0*11 .* efer 901$' "$tmp/out" &&
		grep -q '^code at 001.....: 0f 22 c0 ' "$tmp/out"
	verdict "$1" $?
}

run --engine bt
status=$?
stops strict_bt_stops_at_long_mode
run --set hv.device=/none
status=$?
stops auto_without_hv_stops_at_long_mode

# monitor OPTION... <COMMANDS: a guest that does nothing, and the answers.
monitor()
{
	while read -r line; do
		sleep 0.3
		echo "$line"
	done | timeout 30 "$umbra" run --kernel "$idle" --mem 16M \
		--serial null --log "$tmp/log" --monitor stdio "$@" \
		>"$tmp/out" 2>&1
}

monitor --engine bt <<-'END'
	engine bt
	engine hv
	engine steam
	info status
	quit
END
[ $? = 0 ] && grep -q '^engine bt$' "$tmp/out" &&
	grep -q '^hv: this machine was started without such an engine$' "$tmp/out" &&
	grep -q '^steam: this machine was started without' "$tmp/out" &&
	grep -q '^running, engine bt, ' "$tmp/out"
verdict strict_bt_has_no_other_engine $?

kvm_needs engines long
run --engine auto,start=bt
[ $? = 33 ] && [ "$(grep -c 'moved from bt to hv' "$tmp/out")" = 1 ]
verdict the_move_is_logged_once $?

# Who resets in long mode begins where the machine began, and moves again.
timeout 4 "$umbra" run --kernel "$BUILD/tests/guests64/triplefault.elf" \
	--mem 32M --engine auto,start=bt </dev/null >"$tmp/out" 2>&1
[ "$(grep -c '^umbra: triple fault, resetting ' "$tmp/out")" -ge 2 ] &&
	[ "$(grep -c 'moved from bt to hv$' "$tmp/out")" -ge 2 ]
verdict a_reset_begins_in_the_first_engine $?

# BT needs no HV that cannot be made; long mode is not offered then.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}:verify_asan_link_order=0
export BADKVM=slots=1
LD_PRELOAD=$BUILD/tests/machine/badkvm.so run --engine auto,start=bt
status=$?
grep -q "slots are used up; the guest stays in bt$" "$tmp/out" || status=0
stops auto_does_without_a_spare_engine
unset BADKVM

# Where KVM cannot run all that a 32-bit guest may do, the monitor says so.
fact=$(kvm_fact "modes for a 16/32-bit guest")
commands=$(for ((i = 0; i < 10; i++)); do echo engine hv; echo engine bt; done)
monitor --engine auto,start=bt <<-END
	$commands
	info status
	quit
END
status=$?
if [[ $fact == *HV-* ]]; then
	[ $status = 0 ] && [ "$(grep -c '^engine hv$' "$tmp/out")" = 10 ] &&
		[ "$(grep -c '^engine bt$' "$tmp/out")" = 10 ]
	verdict monitor_moves_the_guest_any_number_of_times $?
else
	[ $status = 0 ] &&
		[ "$(grep -c "^hv: this host's KVM cannot run " "$tmp/out")" = 10 ] &&
		grep -q '^running, engine bt, ' "$tmp/out"
	verdict monitor_refuses_what_kvm_cannot_run $?
fi

monitor --engine hv <<-'END'
	engine hv
	engine bt
	info status
	quit
END
[ $? = 0 ] && grep -q '^engine hv$' "$tmp/out" &&
	grep -q '^bt: this machine was started without such an engine$' "$tmp/out" &&
	grep -q '^running, engine hv, ' "$tmp/out"
verdict strict_hv_has_no_other_engine $?
