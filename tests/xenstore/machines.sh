#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Real machines in the store: umbra demo, a BIOS with a CD-ROM drive.
# shellcheck source=tests/xenstore/store.sh.inc
. "$(dirname "$0")/store.sh.inc"
mkfifo "$tmp/in"

listed()
{
	"$umbra" list 2>/dev/null | grep -q "$1"
}

gone()
{
	! listed "$1"
}

# run NAME OPTION...: umbra demo, keys from descriptor 3.
demo()
{
	local name=$1
	shift
	# Not what the last one said.
	: >"$tmp/out"
	: >"$tmp/log"
	"$umbra" demo --name "$name" --log "$tmp/log" "$@" <"$tmp/in" \
		>"$tmp/out" 2>&1 &
	pid=$!
	exec 3>"$tmp/in"
	within 10 grep -aq 'Type help' "$tmp/out"
}

demo first --serial stdio --serial pty
check starts_the_store_by_itself listed 'first *running'
tty=$(XENSTORED_PATH=$XENSTORED_RUNDIR/socket xenstore-read \
	/local/domain/1/serial/1/tty 2>/dev/null)
if command -v xenstore-read >/dev/null; then
	check publishes_its_ports [ -c "$tty" ]
fi
"$umbra" demo --name first </dev/null >"$tmp/second" 2>&1
check a_name_is_one_machines \
	[ "$? $(grep -c 'another machine has this name' "$tmp/second")" = "1 1" ]
check balloon_needs_a_device sh -c \
	'"$0" balloon first 64M 2>&1 | grep -q "no balloon device"' "$umbra"
printf '\001cstop\n' >&3
check paused_is_seen within 5 listed 'first *paused'
printf 'cont\n\001c' >&3
check running_again within 5 listed 'first *running'
truncate -s 64K "$tmp/disk.img"
check attach_needs_a_bus_for_it sh -c \
	'"$0" attach first disk "$1" bus=scsi 2>&1 | grep -q "no SCSI adapter"' \
	"$umbra" "$tmp/disk.img"
check a_guest_that_does_not_listen_has_it_all_the_same \
	"$umbra" attach first disk "$tmp/disk.img"
check but_does_not_let_go sh -c \
	'! "$0" detach --timeout 1 first disk 0 2>/dev/null' "$umbra"
check until_it_is_reset "$umbra" shutdown --reboot first
check then_it_is_gone within 5 sh -c \
	'! "$0" list first | grep -q connected' "$umbra"
check shutdown_halts "$umbra" shutdown --halt first
wait $pid
check with_status_0 [ $? = 0 ]
exec 3>&-
check is_gone gone first

# Without its attendant a machine goes on.
demo alone
for p in /proc/[0-9]*; do
	grep -qsx umbra-attendant "$p/comm" &&
		grep -qsa 'demo.--name.alone' "$p/cmdline" &&
		kill -9 "${p#/proc/}"
done
check the_attendant_is_killed within 5 gone alone
check the_machine_says_so within 5 grep -q 'goes on without it' "$tmp/log"
exec 3>&-
wait $pid
check and_ends_as_usual [ $? = 0 ]

demo second
check has_another_number listed '^ *[2-9] second'
kill -9 $pid
wait $pid 2>/dev/null
exec 3>&-
check a_killed_one_goes within 5 gone second

"$umbra" demo --name not/valid </dev/null >"$tmp/out" 2>&1
check bad_names_are_errors [ $? = 1 ]
demo third --xenstore off
check off_is_off gone third
exec 3>&-
wait $pid

# No place for a store: the machine runs, and says what it lacks.
touch "$tmp/file"
XENSTORED_RUNDIR=$tmp/file "$umbra" demo --log "$tmp/log" </dev/null \
	>"$tmp/out" 2>&1
check runs_without_a_store [ $? = 0 ]
check and_says_so grep -q 'not in umbra list' "$tmp/log"
XENSTORED_RUNDIR=$tmp/file "$umbra" demo --xenstore on </dev/null \
	>"$tmp/out" 2>&1
check asked_for_it_is_an_error [ $? = 1 ]

# A CD-ROM drive: the medium changes while the firmware looks at it.
if [ -f /usr/share/seabios/bios-256k.bin ]; then
	head -c 65536 /dev/urandom >"$tmp/a.iso"
	head -c 65536 /dev/urandom >"$tmp/b.iso"
	truncate -s 1440K "$tmp/a.img"
	"$umbra" run --name cd --cdrom "$tmp/a.iso" --fda "$tmp/a.img" \
		--serial null \
		--log "$tmp/log" >"$tmp/out" 2>&1 </dev/null &
	pid=$!
	within 10 listed 'cd *running'
	check the_drive_is_there sh -c \
		'"$0" list cd | grep -q "connected *cdrom .*a.iso"' "$umbra"
	cd=$("$umbra" list cd | awk '$4 == "cdrom" { print $2 }')
	floppy=$("$umbra" list cd | awk '$4 == "floppy" { print $2 }')
	failed=0
	for i in 1 2 3 4 5; do
		"$umbra" eject --force cd && "$umbra" eject --force cd "$cd" "$tmp/b.iso" &&
			"$umbra" eject --force cd "$cd" "$tmp/a.iso" || failed=1
	done
	check the_medium_changes_in_a_loop [ $failed = 0 ]
	"$umbra" eject --force cd
	check the_drive_is_empty sh -c \
		'"$0" list cd | grep -q "connected *cdrom *ide *-$"' "$umbra"
	truncate -s 1440K "$tmp/b.img"
	check floppies_change "$umbra" eject cd "$floppy" "$tmp/b.img"
	check the_new_one_is_there sh -c \
		'"$0" list cd | grep -q "floppy .*b.img"' "$umbra"
	check and_it_ends "$umbra" shutdown --halt cd
	wait $pid
	check in_order [ $? = 0 ]
else
	echo "ok the_drive_is_there # SKIP seabios is not installed (make deps)"
fi
